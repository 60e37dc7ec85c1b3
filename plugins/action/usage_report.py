# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.usage_report): show who would break, draft exceptions, warn of it later."""

from __future__ import annotations

import datetime
import json
import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ..module_utils.errors import InTransitError
from ..plugin_utils import files, left_by_roles, usage
from ..plugin_utils.controlling import FAIL_ON, ControllerAction, Json
from ..plugin_utils.evidence import facts
from ..plugin_utils.evidence.run import dump
from ..plugin_utils.evidence.text import plain
from ..plugin_utils.registers import load
from ..plugin_utils.terminal import plural

display = Display()


class ActionModule(ControllerAction):
    """Runs on the controller; needs no connection and changes no host."""

    SPEC: t.ClassVar[Json] = {
        "registers": {"type": "list", "elements": "path", "default": []},
        "directory": {"type": "path", "default": ""},
        "previous": {"type": "path", "default": ""},
        "exceptions": {"type": "dict", "default": {}},
        "fail_on": {**FAIL_ON, "default": []},
    }

    def act(self, options: Json, variables: Json) -> Json:
        try:
            told = self._warned if options["previous"] else self._told
            return told(options, variables)
        except InTransitError as error:
            raise AnsibleActionFail(str(error)) from error

    def _warned(self, options: Json, variables: Json) -> Json:
        """Of the hosts of this batch, by a report that was made before."""
        path = options["previous"]
        try:
            with open(path, encoding="utf-8") as stream:
                report = json.load(stream)
            found = usage.warnings(report, variables.get("ansible_play_batch", []), options["exceptions"])
        except OSError as error:
            raise InTransitError(f"{path}: {error.strerror}") from error
        except (ValueError, InTransitError) as error:
            raise InTransitError(f"{path}: no report of usage: {error}") from error
        when = str(report.get("made") or "an unknown time")[:10]
        return {
            "changed": False,
            "failed": bool(found) and "fail" in options["fail_on"],
            "msg": f"{plural(len(found), 'warning')} by the report of {when}",
            "warnings": [f"by the report of {when}: {one}" for one in found],
        }

    def _told(self, options: Json, variables: Json) -> Json:
        hostvars, playing = variables["hostvars"], variables.get("ansible_play_hosts_all", [])
        now = facts.now()
        today = datetime.date.fromisoformat(now[:10])
        taken: list[str] = []
        if options["registers"]:
            registers = load.load(options["registers"], today, hosts=list(variables["groups"]["all"]))
            taken = [str(entry["id"]) for entry in registers.exceptions]
        hosts = []
        for name in playing:
            left, error = left_by_roles.used(hostvars[name])
            hosts.append(usage.Told(str(plain(name)), plain(left), error))
        shown = usage.show(hosts, self.width)
        display.display("\n" + shown.text + "\n")
        entries = usage.exceptions(hosts, today, taken)
        written = {}
        if options["directory"]:
            told = {one.host: one.result or {"error": one.error} for one in hosts}
            written = {
                "usage.json": dump({"made": now, "code": shown.code, **shown.counts, "hosts": told}, indent=2),
                "usage.csv": usage.csv(hosts),
                "exceptions-to-complete.yml": usage.exceptions_yaml(entries),
            }
            if not self.check_mode:
                files.write_all(options["directory"], written)
        paths = [os.path.join(options["directory"], name) for name in written]
        if paths:
            display.display(f"{'would be written' if self.check_mode else 'written'}: {', '.join(paths)}\n")
        return {
            "changed": bool(paths),
            "failed": {2: "fail", 3: "indeterminate"}.get(shown.code) in options["fail_on"],
            "msg": shown.text.splitlines()[-1],
            "code": shown.code,
            "counts": shown.counts,
            "files": paths,
        }
