# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.schannel_tls): read the registry, plan here, import once, read again."""

from __future__ import annotations

import typing as t

from ..module_utils.errors import InTransitError
from ..module_utils.run.ansible_exceptions import EXCEPTIONS
from ..plugin_utils.windows.action import COMMON, WindowsAction
from ..plugin_utils.windows.desk import Schannel
from ..plugin_utils.windows.plan import GUARDS
from ..plugin_utils.windows.remote import Remote
from ..plugin_utils.windows.settings import DEFAULT_PARTS, PARTS, ROLES


class ActionModule(WindowsAction):
    """Runs on the controller; the host only needs reg.exe and cmd.exe."""

    SPEC: t.ClassVar[dict[str, t.Any]] = {
        **COMMON,
        "exceptions": EXCEPTIONS,
        "state": {"type": "str", "default": "present", "choices": ["present", "restored"]},
        "parts": {"type": "list", "elements": "str", "choices": list(PARTS), "default": list(DEFAULT_PARTS)},
        "roles": {"type": "list", "elements": "str", "choices": list(ROLES), "default": list(ROLES)},
        "accept": {"type": "list", "elements": "str", "choices": list(GUARDS), "default": []},
        "rollback": {"type": "str"},
    }

    def act(self, remote: Remote, options: dict[str, t.Any]) -> dict[str, t.Any]:
        work = Schannel(remote, options, self.check_mode, self.https)
        if options["state"] == "present":
            return work.harden()
        if not options["rollback"]:
            raise InTransitError("state=restored needs rollback: the file on the host that an earlier run returned")
        return work.restore(options["rollback"])
