# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tasks run by ansible-playbook itself on one Windows host, and their results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

from ansible_collections.encryption.in_transit.tests.windows.prefix import Prefix

ROOT = Path(__file__).resolve().parents[2]

Json = t.Dict[str, t.Any]


def wine(prefix: Prefix) -> Json:
    """What an inventory says of a host that is this prefix."""
    found: Json = {"ansible_connection": "wine", "ansible_wine_prefix": str(prefix.path)}
    if prefix.launcher:
        found.update(ansible_wine_launcher=prefix.launcher, ansible_wine_inside=prefix.inside)
    return found


def tasks(*each: Json) -> list[Json]:
    """Tasks whose results :func:`play` returns by the names r0, r1 and so on."""
    return [{**task, "register": f"r{number}"} for number, task in enumerate(each)]


def play(folder: Path, variables: Json, *each: Json, collections: str = "") -> list[Json]:
    """Run the tasks by ansible-playbook on one Windows host; their results. A task may fail.

    ``collections`` is a folder with collections besides our own.
    """
    results = folder / "results.json"
    names = [f"r{number}" for number in range(len(each))]
    content = "{{ [" + ", ".join(f"hostvars.server.{name}" for name in names) + "] | to_json }}"
    written = {"ansible.builtin.copy": {"dest": str(results), "content": content}}
    quiet = [{**task, "ignore_errors": True, "no_log": True} for task in tasks(*each)]
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    book = [
        {"hosts": "server", "gather_facts": False, "tasks": quiet},
        {"hosts": "localhost", "gather_facts": False, "vars": here, "tasks": [written]},
    ]
    (folder / "play.json").write_text(json.dumps(book))
    done = run(folder, variables, folder / "play.json", collections=collections)
    assert results.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    return t.cast("list[Json]", json.loads(results.read_text()))


def run(
    folder: Path, variables: Json, playbook: Path, *arguments: str, collections: str = ""
) -> subprocess.CompletedProcess[str]:
    """ansible-playbook with a playbook on one Windows host, whose variables are these."""
    (folder / "inventory.json").write_text(json.dumps({"all": {"hosts": {"server": variables}}}))
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": ":".join(filter(None, (str(ROOT / ".ansible" / "collections"), collections))),
        "ANSIBLE_CONNECTION_PLUGINS": str(ROOT / "tests" / "windows" / "connection"),
        "PYTHONPATH": str(ROOT / ".ansible" / "collections"),
    }
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        "-i",
        str(folder / "inventory.json"),
        str(playbook),
        *arguments,
    ]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
