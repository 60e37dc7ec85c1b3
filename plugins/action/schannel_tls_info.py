# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.schannel_tls_info): read the registry and judge it."""

from __future__ import annotations

import typing as t

from ..plugin_utils.windows.action import EXPORT, WindowsAction
from ..plugin_utils.windows.desk import Schannel
from ..plugin_utils.windows.remote import Remote
from .schannel_tls import ActionModule as SchannelTls

_NOT_HERE = ("state", "accept", "rollback")


class ActionModule(WindowsAction):
    """Runs on the controller and changes nothing."""

    SPEC: t.ClassVar[dict[str, t.Any]] = {
        **{name: spec for name, spec in SchannelTls.SPEC.items() if name not in _NOT_HERE},
        **EXPORT,
    }

    def act(self, remote: Remote, options: dict[str, t.Any]) -> dict[str, t.Any]:
        return Schannel(remote, options, check_mode=True, https=self.https).audit()
