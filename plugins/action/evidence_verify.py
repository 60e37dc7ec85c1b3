# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.evidence_verify): the collection's own verification, for all bundles at once."""

from __future__ import annotations

import os
import typing as t

from ansible.utils.display import Display

from ..module_utils.errors import InTransitError
from ..plugin_utils.controlling import ControllerAction, Json
from ..plugin_utils.evidence import chain
from ..plugin_utils.terminal import plural

display = Display()


class ActionModule(ControllerAction):
    """Runs on the controller; needs no connection and changes nothing."""

    SPEC: t.ClassVar[Json] = {
        "directory": {"type": "path", "required": True},
        "allowed_signers": {"type": "path"},
        "tsa_ca": {"type": "path"},
        "head": {"type": "str"},
    }

    def act(self, options: Json, variables: Json) -> Json:
        trust = chain.Trust(options["allowed_signers"], options["tsa_ca"], options["head"])
        try:
            found = chain.verify(os.path.abspath(options["directory"]), trust)
        except InTransitError as error:
            return {"failed": True, "msg": str(error)}
        display.display("\n" + "\n".join(chain.told(found)) + "\n")
        good = f"{plural(len(found.bundles), 'bundle')} and their chain hold"
        told = {"bundles": found.bundles, "problems": found.problems, "notes": found.notes}
        msg = "; ".join(found.problems) or good
        return {**told, "changed": False, "failed": bool(found.problems), "msg": msg}
