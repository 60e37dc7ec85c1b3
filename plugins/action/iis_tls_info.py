# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.iis_tls_info): read the sites and judge them."""

from __future__ import annotations

import typing as t

from ..plugin_utils.windows.action import EXPORT, WindowsAction
from ..plugin_utils.windows.iis_desk import Iis
from ..plugin_utils.windows.remote import Remote
from .iis_tls import ActionModule as IisTls


class ActionModule(WindowsAction):
    """Runs on the controller and changes nothing."""

    SPEC: t.ClassVar[dict[str, t.Any]] = {
        **{name: spec for name, spec in IisTls.SPEC.items() if name != "missing"},
        **EXPORT,
    }

    def act(self, remote: Remote, options: dict[str, t.Any]) -> dict[str, t.Any]:
        return Iis(remote, options, check_mode=True).audit()
