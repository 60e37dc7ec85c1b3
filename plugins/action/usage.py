# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.usage): the module reads, here its result is checked before it is used.

A Windows host has no Python for a module: there the action reads what Schannel logged.
"""

from __future__ import annotations

import time
import typing as t

from ..module_utils.errors import InTransitError
from ..module_utils.run.ansible_usage import ARGUMENTS
from ..plugin_utils import arrival
from ..plugin_utils.arriving import ArrivingAction
from ..plugin_utils.windows import usage
from ..plugin_utils.windows.remote import Remote

_WINDOWS = ("cmd", "powershell")


class ActionModule(ArrivingAction):
    """The module, and a look at what it returned."""

    KIND = "usage"

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        if getattr(getattr(self._connection, "_shell", None), "SHELL_FAMILY", None) not in _WINDOWS:
            return super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            result = usage.usage(Remote(self._connection), options, time.time())
        except InTransitError as error:
            result = {"failed": True, "changed": False, "msg": str(error)}
        return arrival.shown(arrival.checked(self.KIND, result))
