# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.summary): gather the hosts' results, show them, say how the run ended."""

from __future__ import annotations

import json
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ..module_utils.errors import InTransitError
from ..module_utils.run.ansible_exceptions import today
from ..plugin_utils import audit, files, summary
from ..plugin_utils.controlling import FAIL_ON, ControllerAction, Json
from ..plugin_utils.evidence import collected
from ..plugin_utils.registers import load

display = Display()


class ActionModule(ControllerAction):
    """Runs on the controller; needs no connection and changes no host."""

    SPEC: t.ClassVar[Json] = {
        "of": {"type": "str", "required": True, "choices": ["harden", "verify"]},
        "fail_on": FAIL_ON,
        "registers": {"type": "list", "elements": "path", "default": []},
        "hosts": {"type": "list", "elements": "str"},
        "collected": {"type": "path", "default": collected.RUN},
        "dest": {"type": "path", "default": ""},
    }

    def act(self, options: Json, variables: Json) -> Json:
        hostvars = variables["hostvars"]
        hosts = options["hosts"] if options["hosts"] is not None else variables.get("ansible_play_hosts_all", [])
        folder = collected.folder(options["collected"])
        try:
            if options["of"] == "harden":
                results = collected.Told(hostvars, hosts, "result", folder)
                made = summary.harden(results, self.check_mode, self.width)
            else:
                day, everyone = today(), list(variables["groups"]["all"])
                registers = load.load(options["registers"], day, everyone)._asdict() if options["registers"] else None
                made = audit.verify(hostvars, hosts, folder, self.width, registers, day)
            display.display("\n" + made.text + "\n")
            if options["dest"] and not self.check_mode:
                outcome = {"of": options["of"], "code": made.code, **made.counts}
                files.write(options["dest"], json.dumps(outcome, sort_keys=True) + "\n")
        except InTransitError as error:
            raise AnsibleActionFail(str(error)) from error
        result: Json = {"changed": False, "code": made.code, "counts": made.counts}
        verdict = {2: "fail", 3: "indeterminate"}.get(made.code)
        # A host that could not be hardened has failed by itself; what was verified has not.
        if options["of"] == "verify" and verdict in options["fail_on"]:
            result.update(failed=True, msg="not everything holds the baseline or is proved to, see above")
        return result
