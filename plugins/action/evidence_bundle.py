# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.evidence_bundle): gather what the hosts left, write it down, seal it."""

from __future__ import annotations

import os
import typing as t

from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars

from ..module_utils.errors import InTransitError
from ..module_utils.findings.checks import SEVERITIES
from ..plugin_utils.controlling import FAIL_ON, ControllerAction, Json
from ..plugin_utils.evidence import collected, making
from ..plugin_utils.evidence.recording import Play
from ..plugin_utils.printable import printable

display = Display()


class ActionModule(ControllerAction):
    """Runs on the controller; needs no connection and changes no host."""

    SPEC: t.ClassVar[Json] = {
        "directory": {"type": "path", "required": True},
        "state": {"type": "str", "default": "sealed", "choices": ["ready", "sealed"]},
        "run": {"type": "dict"},
        "profile": {"type": "str", "default": "intermediate"},
        "baseline": {"type": "dict", "default": {}},
        "registers": {"type": "list", "elements": "path", "default": []},
        "changes": {"type": "path"},
        "collected": {"type": "path", "default": collected.RUN},
        "hosts": {"type": "list", "elements": "dict"},
        "population": {"type": "list", "elements": "str"},
        "signing_key": {"type": "path"},
        "tsa_url": {"type": "str"},
        "tsa_ca": {"type": "path"},
        "tsa_required": {"type": "bool", "default": False},
        "metrics": {"type": "path"},
        "classification": {"type": "str", "default": "confidential"},
        "fail_severity": {"type": "str", "default": "low", "choices": list(SEVERITIES)},
        "fail_on": FAIL_ON,
    }

    def act(self, options: Json, variables: Json) -> Json:
        for name in ("directory", "signing_key", "tsa_ca", "metrics", "changes"):
            # Relative to where the command was given, like every other path on a command line.
            options[name] = os.path.abspath(os.path.expanduser(options[name])) if options[name] else None
        try:
            if options["state"] == "ready":
                return making.ready(options, self.check_mode)
            made = making.sealed(options, Play(variables, load_extra_vars(self._loader), self.check_mode))
        except InTransitError as error:
            code = getattr(error, "exit_code", 4)
            return {"failed": True, "msg": str(error), "sealed": False, "verdict": {"exit_code": code}}
        for warning in made.warnings:
            display.warning(printable(warning))
        display.display(printable(made.text))
        return made.result
