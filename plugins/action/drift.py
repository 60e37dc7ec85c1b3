# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.drift): compare what the hosts left with what was sealed before."""

from __future__ import annotations

import os
import typing as t

from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars

from ..module_utils.errors import InTransitError
from ..plugin_utils import files
from ..plugin_utils.controlling import FAIL_ON, ControllerAction, Json
from ..plugin_utils.drift import past, report, show
from ..plugin_utils.evidence import collected
from ..plugin_utils.evidence.recording import Play, record
from ..plugin_utils.evidence.run import dump

display = Display()

#: Verdicts by exit code; the option fail_on names those that fail the task, and without a comparison it always fails.
_VERDICTS = {report.HELD: "held", report.FAILS: "fail", report.UNPROVED: "indeterminate", report.UNUSABLE: "unusable"}


class ActionModule(ControllerAction):
    """Runs on the controller; needs no connection and changes no host."""

    SPEC: t.ClassVar[Json] = {
        "directory": {"type": "path", "required": True},
        "profile": {"type": "str", "default": "intermediate"},
        "baseline": {"type": "dict", "default": {}},
        "registers": {"type": "list", "elements": "path", "default": []},
        "collected": {"type": "path", "default": collected.RUN},
        "previous": {"type": "str", "default": "required", "choices": ["required", "optional"]},
        "runs": {"type": "int", "default": past.DEPTH},
        "allowed_signers": {"type": "path"},
        "contested_times": {"type": "int", "default": report.PATIENCE.times},
        "contested_days": {"type": "int", "default": report.PATIENCE.days},
        "detail": {"type": "bool", "default": False},
        "dest": {"type": "path", "default": ""},
        "fail_on": FAIL_ON,
    }

    def act(self, options: Json, variables: Json) -> Json:
        try:
            for name in ("runs", "contested_times", "contested_days"):
                if options[name] < 1:
                    raise InTransitError(f"{name}: at least 1 is needed, not {options[name]}")
            told = self._report(options, variables)
            display.display("\n" + show.text(told, options["detail"] or display.verbosity > 0, self.width) + "\n")
        except InTransitError as error:
            told = report.unusable(str(error))
        try:
            if options["dest"] and not self.check_mode:
                os.makedirs(os.path.dirname(os.path.abspath(options["dest"])), mode=0o700, exist_ok=True)
                files.write(options["dest"], dump(told, indent=1))
        except (OSError, InTransitError) as error:
            told = report.unusable(str(error))
        verdict = _VERDICTS[told["code"]]
        return {
            "changed": False,
            "failed": verdict in ("unusable", *options["fail_on"]),
            "msg": told["problem"] or f"verdict: {verdict}; see above",
            "code": told["code"],
            "verdict": verdict,
            "counts": told["counts"],
            "states": {one["host"]: one["state"] for one in told["hosts"]},
            "remediable": {one["host"]: one["remediable"] for one in told["hosts"] if one["remediable"]},
            "contested": {one["host"]: one["contested"] for one in told["hosts"] if one["contested"]},
        }

    def _report(self, options: Json, variables: Json) -> Json:
        known, problem = None, None
        directory = os.path.abspath(options["directory"])
        try:
            known = past.Past(directory, options["runs"], options["allowed_signers"])
        except past.NoRun as error:
            problem = str(error) if options["previous"] == "required" else None
        except InTransitError as error:
            problem = f"{error}; nothing is compared with it"
        play = Play(variables, load_extra_vars(self._loader), self.check_mode)
        told = report.report(
            record(options, play),
            known,
            report.Patience(options["contested_times"], options["contested_days"]),
        )
        told["notes"] += past.loose(directory)
        return {**told, "code": report.UNUSABLE, "problem": problem} if problem else told
