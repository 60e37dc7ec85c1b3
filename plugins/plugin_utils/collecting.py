# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the actions of the stacks' modules have in common: what the host told ends in a file, not in a variable."""

from __future__ import annotations

import typing as t

from ..module_utils.errors import InTransitError
from .arriving import ArrivingAction
from .evidence import collected

Json = t.Dict[str, t.Any]


class CollectingAction(ArrivingAction):
    """The same, and files on the controller."""

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        result = super().run(tmp, task_vars)
        return written(result, self._task.args.get("export_dest"), task_vars or {})


def written(result: Json, dest: str | None, variables: t.Mapping[str, t.Any]) -> Json:
    """The result as it may stay in memory. All of it is in a file below ``dest``, where that is given."""
    try:
        host = str(variables["inventory_hostname"])
        return collected.put(collected.folder(dest), host, result) if dest else result
    except InTransitError as error:
        # Of a change there must be a record, even though there is no room for its file.
        kept = result if result.get("changed") else {"changed": False}
        return {**kept, "failed": True, "msg": str(error)}
