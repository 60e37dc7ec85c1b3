# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.gate): the gate from a playbook; the thinking is in plugin_utils/gate."""

from __future__ import annotations

import datetime
import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ..module_utils.errors import InTransitError
from ..module_utils.findings.checks import SEVERITIES
from ..module_utils.run.static import STACKS
from ..module_utils.wire.engine import ScanOptions
from ..plugin_utils import files
from ..plugin_utils.certificates import SYSTEM
from ..plugin_utils.controlling import ControllerAction, Json
from ..plugin_utils.evidence import facts
from ..plugin_utils.evidence.text import plain
from ..plugin_utils.gate import judgement, outputs

display = Display()

_STATIC = {
    "stack": {"type": "str", "required": True, "choices": sorted(STACKS)},
    "path": {"type": "path", "required": True},
}


class ActionModule(ControllerAction):
    """Runs on the controller; needs no connection and changes no host."""

    SPEC: t.ClassVar[Json] = {
        "endpoints": {"type": "list", "elements": "str", "default": []},
        "flows": {"type": "list", "elements": "str", "default": []},
        "registers": {"type": "list", "elements": "path", "default": []},
        "static": {"type": "list", "elements": "dict", "options": _STATIC, "default": []},
        "profile": {"type": "str", "default": "intermediate"},
        "baseline": {"type": "dict", "default": {}},
        "fail_severity": {"type": "str", "default": "low", "choices": list(SEVERITIES)},
        "timeout": {"type": "float", "default": 5.0},
        "ca_path": {"type": "list", "elements": "str", "default": [SYSTEM]},
        "host": {"type": "str", "default": ""},
        "directory": {"type": "path", "default": ""},
    }

    def act(self, options: Json, variables: Json) -> Json:
        options = plain(options)
        request = judgement.Request(
            tuple(options["endpoints"]),
            tuple(options["flows"]),
            tuple(options["registers"]),
            tuple((one["stack"], one["path"]) for one in options["static"]),
            options["profile"],
            options["baseline"],
            options["fail_severity"],
            ScanOptions(connect_timeout=options["timeout"], read_timeout=options["timeout"], http=True),
            tuple(options["ca_path"]),
            options["host"],
        )
        try:
            answer = judgement.ask(request, datetime.datetime.now(datetime.timezone.utc))
            made = {
                "gate.json": outputs.json_text(answer),
                "gate.xml": outputs.junit_text(answer),
                "gate.sarif": outputs.sarif_text(answer, facts.collection()),
            }
            written = list(made) if options["directory"] else []
            if written and not self.check_mode:
                files.write_all(options["directory"], made)
        except (InTransitError, ValueError) as error:
            raise AnsibleActionFail(str(error)) from error
        text = outputs.text(answer, self.width)
        display.display("\n" + text + "\n")
        return {
            "changed": bool(written),
            "failed": answer.code != 0,
            "code": answer.code,
            "msg": text.splitlines()[-1],
            "files": [os.path.join(options["directory"], name) for name in written],
        }
