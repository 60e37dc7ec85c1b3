# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the action plugins for Windows share: they run on the controller and send plain commands to the host."""

from __future__ import annotations

import abc
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError

from .. import arrival
from ..collecting import written
from ..evidence.text import plain
from .remote import Remote

Json = t.Dict[str, t.Any]

#: Options of every Windows module.
COMMON: Json = {
    "profile": {"type": "str", "default": "intermediate"},
    "baseline": {"type": "dict", "default": {}},
    "export_dest": {"type": "str"},
}

EXPORT: Json = {"export": {"type": "bool", "default": False}}


class WindowsAction(ActionBase):  # type: ignore[misc]  # ansible-core ships no types
    """An action that reads a Windows host, plans here, and has the host apply it."""

    #: Else Ansible would make a temporary folder on the host before anything is asked, by PowerShell.
    TRANSFERS_FILES = False
    _supports_check_mode = True

    #: The argument spec.
    SPEC: t.ClassVar[Json] = COMMON

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        result = t.cast(Json, super().run(tmp, task_vars))
        _validated, options = self.validate_argument_spec(argument_spec=self.SPEC)
        try:
            # Made here, of what the host said: it is looked at like what modules of other hosts send.
            made = plain(self.act(Remote(self._connection), options))
            result.update(arrival.shown(arrival.checked("stack", made)))
        except InTransitError as error:
            result.update(failed=True, changed=False, msg=str(error))
        if not self._task.diff:
            result.pop("diff", None)
        return written(result, options["export_dest"], task_vars or {})

    @abc.abstractmethod
    def act(self, remote: Remote, options: Json) -> Json:
        """The work; the result in the shape of every stack."""

    @property
    def check_mode(self) -> bool:
        return bool(self._task.check_mode)

    @property
    def https(self) -> bool:
        """Whether the way to the host is TLS that the host's own Schannel answers."""
        for option in ("scheme", "protocol"):
            try:
                return bool(self._connection.get_option(option) == "https")
            except (KeyError, AnsibleError):
                continue
        return False
