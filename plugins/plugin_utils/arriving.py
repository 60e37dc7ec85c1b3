# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the actions of modules that run on hosts have in common: the result is looked at before anybody has it."""

from __future__ import annotations

import contextlib
import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action.normal import ActionModule as Normal

from . import arrival

Json = t.Dict[str, t.Any]


class ArrivingAction(Normal):  # type: ignore[misc]  # ansible-core ships no types
    """Runs the module on the host as Ansible does without an action."""

    #: What the module returns, see :func:`.arrival.checked`.
    KIND = "stack"

    def __init_subclass__(cls, **more: t.Any) -> None:
        # Ansible imports an action before it starts workers: what is made here, they all have.
        super().__init_subclass__(**more)
        arrival.prepare(cls.KIND)

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        result = arrival.checked(self.KIND, super().run(tmp, task_vars))
        self._confirm(result.pop("receipts", None) or [], task_vars)
        return arrival.shown(result)

    def _confirm(self, receipts: list[str], task_vars: Json | None) -> None:
        """Tell the host that its result is here. A connection can end unnoticed by the module, and what was sent into
        the void the next run tells again."""
        if receipts:
            argv = ["rm", "-f", "--", *receipts]
            with contextlib.suppress(AnsibleConnectionFailure):
                self._execute_module(
                    module_name="ansible.legacy.command", module_args={"argv": argv}, task_vars=task_vars
                )
