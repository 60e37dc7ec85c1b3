# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host that is right already costs: one run of nginx_tls against one of ansible.builtin.stat.

Both over ssh in one play against a lab host with a dozen TLS endpoints, in turns, so that whatever else the machine
does falls on both. The run of ours reads and plans everything anew and proves every endpoint by handshake.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOST = "debian12"
ROUNDS = 15
GOAL = 1.5
NAMES = ("unchanged_host",)

STAT = {"name": "stat", "ansible.builtin.stat": {"path": "/etc/nginx/nginx.conf"}}
OURS = {"name": "nginx_tls", "encryption.in_transit.nginx_tls": {}}


def play(tasks: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Run the tasks on the host; one row for each. Raises RuntimeError with the end of Ansible's output."""
    with tempfile.TemporaryDirectory() as folder:
        playbook, rows = Path(folder, "play.json"), Path(folder, "rows")
        playbook.write_text(json.dumps([{"hosts": HOST, "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "task_seconds",
            "TASK_SECONDS": str(rows),
        }
        inventory = ROOT / "build" / "lab" / "test" / "inventory"
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "--inventory",
            str(inventory),
            str(playbook),
        ]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"ansible-playbook failed: {(done.stdout + done.stderr)[-2000:]}")
        return [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]


def run() -> list[dict[str, t.Any]]:
    """Medians of both tasks in seconds, and their ratio."""
    subprocess.run([sys.executable, str(ROOT / "lab" / "lab.py"), "--fleet=test", "up", HOST], check=True)
    # The first run may harden, the second meets a warm connection; neither counts.
    rows = play([OURS, OURS] + [STAT, OURS] * ROUNDS)[2:]
    odd = [row for row in rows if row["outcome"] != "ok"]
    if odd:
        raise RuntimeError(f"the host was not unchanged: {odd[0]}")
    ours, other = (
        statistics.median(row["seconds"] for row in rows if row["name"] == name) for name in ("nginx_tls", "stat")
    )
    ratio = ours / other
    return [
        {
            "name": "unchanged_host",
            "unit": "seconds",
            "ours": round(ours, 4),
            "other": round(other, 4),
            "other_name": "ansible.builtin.stat",
            "ratio": round(ratio, 3),
            "goal": f"at most {GOAL}",
            "met": ratio <= GOAL,
        }
    ]


if __name__ == "__main__":
    json.dump(run(), sys.stdout, indent=1)
