# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the actions that work on the controller alone have in common: their options are looked at, and no host is."""

from __future__ import annotations

import abc
import shutil
import typing as t

from ansible.plugins.action import ActionBase

Json = t.Dict[str, t.Any]

#: The option C(fail_on): what of an outcome fails the task.
FAIL_ON: Json = {
    "type": "list",
    "elements": "str",
    "choices": ["fail", "indeterminate"],
    "default": ["fail", "indeterminate"],
}


class ControllerAction(ActionBase):  # type: ignore[misc]  # ansible-core ships no types
    """An action that needs no connection and changes no host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    #: The argument spec.
    SPEC: t.ClassVar[Json]

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        result = t.cast(Json, super().run(tmp, task_vars))
        _validated, options = self.validate_argument_spec(argument_spec=self.SPEC)
        return {**result, **self.act(options, task_vars or {})}

    @abc.abstractmethod
    def act(self, options: Json, variables: Json) -> Json:
        """The work, with the options and the variables of the task; what is returned of it."""

    @property
    def check_mode(self) -> bool:
        return bool(self._task.check_mode)

    @property
    def width(self) -> int:
        """Columns for what is shown: those of the terminal, as long as lines can be read."""
        return max(80, min(shutil.get_terminal_size((80, 24)).columns, 160))
