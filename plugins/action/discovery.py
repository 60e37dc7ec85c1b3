# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.discovery): join what the hosts listen on with the flow register, and show it."""

from __future__ import annotations

import datetime
import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ..module_utils.errors import InTransitError
from ..module_utils.run import discover as desk
from ..plugin_utils import discovery, files, left_by_roles
from ..plugin_utils.controlling import FAIL_ON, ControllerAction, Json
from ..plugin_utils.evidence.run import dump
from ..plugin_utils.evidence.text import plain
from ..plugin_utils.registers import load
from ..plugin_utils.registers.grants import grants as granted

display = Display()


class ActionModule(ControllerAction):
    """Runs on the controller; needs no connection and changes no host."""

    SPEC: t.ClassVar[Json] = {
        "registers": {"type": "list", "elements": "path", "default": []},
        "expected_ports": {"type": "list", "elements": "str", "default": []},
        "directory": {"type": "path", "default": ""},
        "fail_on": FAIL_ON,
    }

    def act(self, options: Json, variables: Json) -> Json:
        try:
            return self._joined(options, variables)
        except InTransitError as error:
            raise AnsibleActionFail(str(error)) from error

    def _joined(self, options: Json, variables: Json) -> Json:
        hostvars, playing = variables["hostvars"], variables.get("ansible_play_hosts_all", [])
        flows: t.Sequence[t.Mapping[str, t.Any]] = []
        grants: list[Json] = []
        if options["registers"]:
            inventory = variables["groups"]["all"]
            today = datetime.datetime.now(datetime.timezone.utc).date()
            registers = load.load(options["registers"], today, hosts=inventory)
            flows, grants = registers.flows, granted(registers.exceptions, today)
        # Ansible's own types of text would not go into a file.
        hosts = [_host(str(plain(name)), hostvars[name]) for name in playing]
        joined = discovery.join(hosts, flows, desk.ports(options["expected_ports"]), grants)
        shown = discovery.show(hosts, joined, self.width)
        display.display("\n" + shown.text + "\n")
        written = {}
        if options["directory"]:
            report = {
                "code": shown.code,
                **shown.counts,
                "hosts": {one.host: one.result or {"error": one.error} for one in hosts},
                "findings": joined.findings,
            }
            written = {
                "discovered.json": dump(report, indent=2),
                "flows-to-complete.yml": discovery.entries_yaml(joined.entries),
            }
            if not self.check_mode:
                files.write_all(options["directory"], written)
        paths = [os.path.join(options["directory"], name) for name in written]
        failing = {2: "fail", 3: "indeterminate"}.get(shown.code) in options["fail_on"]
        if paths:
            display.display(f"{'would be written' if self.check_mode else 'written'}: {', '.join(paths)}\n")
        told = {
            "changed": bool(paths),
            "failed": failing,
            "msg": shown.text.splitlines()[-1],
            "code": shown.code,
            "counts": shown.counts,
            "files": paths,
        }
        if failing:  # what failed is printed as it is, below a table that has said it all
            return told
        findings = [item for item in joined.findings if item["status"] in ("fail", "indeterminate")]
        return {**told, "findings": findings, "entries": [entry for _remark, entry in joined.entries]}


def _host(name: str, variables: t.Mapping[str, t.Any]) -> discovery.Discovered:
    left, error = left_by_roles.discovered(variables)
    left = plain(left)
    address = plain(variables.get("in_transit_address") or variables.get("ansible_host") or name)
    names = [name, plain(variables.get("ansible_host") or name), (left or {}).get("hostname") or name]
    return discovery.Discovered(name, tuple(dict.fromkeys(names)), address, left, error)
