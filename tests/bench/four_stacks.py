# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host with four stacks that is right already costs: our whole run against the tasks of the leanest roles.

Ours are four module runs that read, plan and prove by handshake, and one scan from the controller that verifies all
endpoints. The others' are those of ``peers/tasks.yml``, which verify nothing. Both over ssh in one play against a lab
host, in turns, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import typing as t
from pathlib import Path

from unchanged_host import HOST, ROOT, play

ROUNDS = 5
RUNS_GOAL, SECONDS_GOAL = 5, 4
NAMES = ("four_stacks_runs", "four_stacks_seconds")

STACKS = ("nginx", "apache", "postfix", "vsftpd")
OURS = [
    *({"name": f"ours: {stack}_tls", f"encryption.in_transit.{stack}_tls": {}} for stack in STACKS),
    {
        "name": "ours: tls_scan",
        "encryption.in_transit.tls_scan": {"endpoints": "{{ in_transit_endpoints }}"},
        "delegate_to": "localhost",
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"},
    },
]
PEERS = [
    {
        "name": "The leanest roles",
        "ansible.builtin.import_tasks": str(Path(__file__).parent / "peers" / "tasks.yml"),
    }
]


def run() -> list[dict[str, t.Any]]:
    """Module runs of one round, and the medians of its seconds."""
    subprocess.run([sys.executable, str(ROOT / "lab" / "lab.py"), "--fleet=test", "up", HOST], check=True)
    rows = play([*OURS, *PEERS] * (ROUNDS + 1))
    length = len(rows) // (ROUNDS + 1)
    # The first round may harden, and write what the other side writes once.
    rounds = [rows[start : start + length] for start in range(length, len(rows), length)]
    odd = [row for one in rounds for row in one if row["outcome"] != "ok"]
    if odd:
        raise RuntimeError(f"the host was not unchanged: {odd[0]}")
    runs, seconds = [], []
    for ours in (True, False):
        sides = [[row["seconds"] for row in one if row["name"].startswith("ours: ") is ours] for one in rounds]
        runs.append(len(sides[0]))
        seconds.append(statistics.median(map(sum, sides)))
    return [
        _row("four_stacks_runs", "module runs", *runs, RUNS_GOAL),
        _row("four_stacks_seconds", "seconds", *(round(value, 3) for value in seconds), SECONDS_GOAL),
    ]


def _row(name: str, unit: str, ours: float, other: float, goal: int) -> dict[str, t.Any]:
    ratio = other / ours
    return {
        "name": name,
        "unit": unit,
        "ours": ours,
        "other": other,
        "other_name": "tasks of the leanest roles, which verify nothing",
        "ratio": round(ratio, 3),
        "goal": f"other at least {goal} x ours",
        "met": ratio >= goal,
    }


if __name__ == "__main__":
    json.dump(run(), sys.stdout, indent=1)
