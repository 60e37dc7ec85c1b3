# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.summary): gather the hosts' results, show them, say how the run ended."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils import summary

display = Display()


class ActionModule(ActionBase):
    """Runs on the controller; needs no connection and changes no host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        _validated, options = self.validate_argument_spec(
            argument_spec={
                "of": {"type": "str", "required": True, "choices": ["harden", "verify"]},
                "stacks": {"type": "list", "elements": "str", "default": ["nginx"]},
                "fail_on": {
                    "type": "list",
                    "elements": "str",
                    "choices": ["fail", "indeterminate"],
                    "default": ["fail", "indeterminate"],
                },
                "dest": {"type": "path", "default": ""},
            }
        )
        hosts = variables.get("ansible_play_hosts_all", [])
        of, stacks = options["of"], options["stacks"]
        suffix = "result" if of == "harden" else "audit"
        per_host = {
            host: {stack: variables["hostvars"][host].get(f"__{stack}_tls_{suffix}") for stack in stacks}
            for host in hosts
        }
        width = max(80, min(shutil.get_terminal_size((80, 24)).columns, 160))
        if of == "harden":
            made = summary.harden(per_host, self._task.check_mode, width)
        else:
            targets = {host: variables["hostvars"][host].get("__verify_targets") or [] for host in hosts}
            owners = {endpoint: host for host, endpoints in targets.items() for endpoint in endpoints}
            scan = next((variables["hostvars"][host].get("__verify_scan") or {} for host in hosts), {})
            if scan.get("failed"):
                raise AnsibleActionFail(f"the scan failed: {scan.get('msg')}")
            made = summary.verify(per_host, scan.get("reports") or [], owners, width)
        display.display("\n" + made.text + "\n")
        if options["dest"] and not self._task.check_mode:
            _write(options["dest"], {"of": of, "code": made.code, **made.counts})
        result.update(changed=False, code=made.code, counts=made.counts)
        verdict = {2: "fail", 3: "indeterminate"}.get(made.code)
        # A host that could not be hardened has failed by itself; what was verified has not.
        if of == "verify" and verdict in options["fail_on"]:
            result.update(failed=True, msg="not everything holds the baseline or is proved to, see above")
        return result


def _write(path: str, verdict: dict[str, t.Any]) -> None:
    """The verdict as JSON, all of it or none of it."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".verdict-")
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(json.dumps(verdict, sort_keys=True) + "\n")
        os.replace(temporary, path)
    except OSError as error:
        raise AnsibleActionFail(f"cannot write the verdict to {path}: {error.strerror}") from error
