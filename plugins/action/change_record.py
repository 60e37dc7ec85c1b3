# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.change_record): keep what the roles changed, for the next bundle."""

from __future__ import annotations

import os
import platform
import typing as t

from ..module_utils.errors import InTransitError
from ..plugin_utils.controlling import ControllerAction, Json
from ..plugin_utils.evidence import changes, collected, facts


class ActionModule(ControllerAction):
    """Runs on the controller; needs no connection and changes no host."""

    SPEC: t.ClassVar[Json] = {
        "dest": {"type": "path", "required": True},
        "collected": {"type": "path", "default": collected.RUN},
        "ticket": {"type": "str", "default": ""},
    }

    def act(self, options: Json, variables: Json) -> Json:
        now = facts.now()
        about = {
            "recorded": now,
            "operator": facts.operator(variables, os.environ),
            "control_node": platform.node(),
            "ticket": options["ticket"] or None,
        }
        # The process of this run is the parent of the one that runs the task.
        run = f"{os.getppid()} {now[:10]}"
        try:
            folder, hosts = collected.folder(options["collected"]), variables.get("ansible_play_hosts_all", [])
            found = changes.collect(collected.Told(variables["hostvars"], hosts, "result", folder), about, run)
            new = [] if self.check_mode else changes.keep(os.path.abspath(options["dest"]), found)
        except InTransitError as error:
            return {"failed": True, "msg": str(error)}
        return {"changed": bool(new), "records": new}
