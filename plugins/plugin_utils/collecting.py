# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the actions of modules that export have in common: the export ends in a file, not in a variable."""

from __future__ import annotations

import typing as t

from ansible.plugins.action.normal import ActionModule as Normal

from ..module_utils.errors import InTransitError
from .evidence import collected

Json = t.Dict[str, t.Any]


class CollectingAction(Normal):  # type: ignore[misc]  # ansible-core ships no types
    """Runs the module on the host as Ansible does without an action."""

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        result = t.cast(Json, super().run(tmp, task_vars))
        return written(result, self._task.args.get("export_dest"), task_vars or {})


def written(result: Json, folder: str | None, variables: t.Mapping[str, t.Any]) -> Json:
    """The result as it may stay in memory. Its export is in a file below ``folder``, where there is one."""
    try:
        return collected.put(folder, str(variables["inventory_hostname"]), result) if folder else result
    except InTransitError as error:
        return {"failed": True, "changed": bool(result.get("changed")), "msg": str(error)}
