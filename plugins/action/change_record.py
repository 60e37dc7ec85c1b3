# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.change_record): keep what the roles changed, for the next bundle."""

from __future__ import annotations

import os
import platform
import typing as t

from ansible.plugins.action import ActionBase

from ..module_utils.errors import InTransitError
from ..plugin_utils.evidence import changes, collected, facts


class ActionModule(ActionBase):
    """Runs on the controller; needs no connection and changes no host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        variables = task_vars or {}
        _validated, options = self.validate_argument_spec(
            argument_spec={
                "dest": {"type": "path", "required": True},
                "collected": {"type": "path", "default": collected.RUN},
                "ticket": {"type": "str", "default": ""},
            }
        )
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
            new = [] if self._task.check_mode else changes.keep(os.path.abspath(options["dest"]), found)
        except InTransitError as error:
            return {**result, "failed": True, "msg": str(error)}
        return {**result, "changed": bool(new), "records": new}
