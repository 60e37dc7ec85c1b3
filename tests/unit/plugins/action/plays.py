# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Actions as ansible-core runs them: playbooks in a folder, and what their tasks returned.

To start ansible-playbook takes longer than most actions do, so the tests of a file look at the results of few plays.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml

COLLECTIONS = Path(__file__).parents[4] / ".ansible" / "collections"
KEPT = "results of the tasks: "


#: Before a command (as root): of the daemons that other tests run at that moment it sees none.
ALONE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def run(
    folder: Path, playbook: str, *arguments: str, inventory: str = "inventory.json", before: t.Sequence[str] = ()
) -> subprocess.CompletedProcess:
    """A playbook with an inventory, both in ``folder``; whatever else Ansible reads or keeps is there, too.

    ``before`` stands before the command, see :data:`ALONE`.
    """
    (folder / "ansible.cfg").touch()
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "HOME": str(folder),
    }
    return subprocess.run(
        [*before, sys.executable, "-m", "ansible", "playbook", "-i", inventory, playbook, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def results(folder: Path, tasks: dict[str, dict], *arguments: str, **more: t.Any) -> dict[str, dict]:
    """What each of the named tasks returned, run in this order by one play on all hosts, whether it failed or not."""
    play = [{**task, "register": name, "run_once": True, "ignore_errors": True} for name, task in tasks.items()]
    everything = ", ".join(f"'{name}': {name}" for name in tasks)
    tell = f"{KEPT}{{{{ {{{everything}}} | to_json | b64encode }}}}"
    play.append({"ansible.builtin.debug": {"msg": tell}, "run_once": True})
    (folder / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": play}]))
    done = run(folder, "play.yml", *arguments, **more)
    told = re.search(KEPT + r"([\w+/=]+)", done.stdout)
    assert done.returncode == 0 and told, done.stdout + done.stderr
    return json.loads(base64.b64decode(told[1]))
