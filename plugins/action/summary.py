# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.summary): gather the hosts' results, show them, say how the run ended."""

from __future__ import annotations

import json
import shutil
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils.errors import InTransitError
from ..module_utils.run.ansible_exceptions import today
from ..plugin_utils import files, left_by_roles, summary
from ..plugin_utils.registers import account, load

display = Display()

#: The results that each summary is made of.
_KINDS = {"harden": "result", "verify": "audit"}


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
                "fail_on": {
                    "type": "list",
                    "elements": "str",
                    "choices": ["fail", "indeterminate"],
                    "default": ["fail", "indeterminate"],
                },
                "registers": {"type": "list", "elements": "path", "default": []},
                "hosts": {"type": "list", "elements": "str"},
                "dest": {"type": "path", "default": ""},
            }
        )
        of, hostvars = options["of"], variables["hostvars"]
        hosts = options["hosts"] if options["hosts"] is not None else variables.get("ansible_play_hosts_all", [])
        per_host = {host: left_by_roles.stacks(hostvars[host], _KINDS[of]) for host in hosts}
        width = max(80, min(shutil.get_terminal_size((80, 24)).columns, 160))
        if of == "harden":
            made = summary.harden(per_host, self._task.check_mode, width)
        else:
            owners = {endpoint: host for host in hosts for endpoint in left_by_roles.targets(hostvars[host])}
            scan = left_by_roles.scan(hostvars, hosts)
            if scan["failed"]:
                raise AnsibleActionFail(f"the scan failed: {scan['failed']}")
            errors = {host: left_by_roles.error(hostvars[host]) for host in hosts}
            reminders: list[str] = []
            if options["registers"]:
                try:
                    told = self._registers(options["registers"], variables, scan["reports"], owners, per_host)
                except InTransitError as error:
                    raise AnsibleActionFail(str(error)) from error
                reminders = told.reminders
            made = summary.verify(per_host, scan["reports"], owners, errors, width, reminders)
        display.display("\n" + made.text + "\n")
        if options["dest"] and not self._task.check_mode:
            outcome = {"of": of, "code": made.code, **made.counts}
            try:
                files.write(options["dest"], json.dumps(outcome, sort_keys=True) + "\n")
            except InTransitError as error:
                raise AnsibleActionFail(str(error)) from error
        result.update(changed=False, code=made.code, counts=made.counts)
        verdict = {2: "fail", 3: "indeterminate"}.get(made.code)
        # A host that could not be hardened has failed by itself; what was verified has not.
        if of == "verify" and verdict in options["fail_on"]:
            result.update(failed=True, msg="not everything holds the baseline or is proved to, see above")
        return result

    @staticmethod
    def _registers(
        paths: list[str],
        variables: dict[str, t.Any],
        reports: list[dict[str, t.Any]],
        owners: dict[str, str],
        per_host: dict[str, dict[str, t.Any]],
    ) -> account.Account:
        """What the run says about the registers."""
        day = today()
        registers = load.load(paths, day, list(variables["groups"]["all"]))._asdict()
        owned = [{**report, "host": owners.get(report["endpoint"])} for report in reports]
        findings = [item for report in reports for item in report["findings"]]
        findings += [
            item for told in per_host.values() for one in told.values() for item in (one or {}).get("findings") or ()
        ]
        return account.account(registers, owned, findings, day)
