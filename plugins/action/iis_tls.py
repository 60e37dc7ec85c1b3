# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.iis_tls): read the sites, plan here, have appcmd write, read again."""

from __future__ import annotations

import typing as t

from ..module_utils.run.ansible_exceptions import EXCEPTIONS
from ..plugin_utils.windows.action import COMMON, WindowsAction
from ..plugin_utils.windows.iis_desk import Iis
from ..plugin_utils.windows.remote import Remote

_MEND = {"type": "str", "choices": ["report", "mend"]}


class ActionModule(WindowsAction):
    """Runs on the controller; the host needs reg.exe, cmd.exe and IIS's own appcmd.exe."""

    SPEC: t.ClassVar[dict[str, t.Any]] = {
        **COMMON,
        "exceptions": EXCEPTIONS,
        "hsts": {**_MEND, "default": "report"},
        "require_ssl": {**_MEND, "default": "report"},
        "ftp": {**_MEND, "default": "mend"},
        "legacy_tls": {"type": "str", "choices": ["report", "disable"], "default": "report"},
        "missing": {"type": "str", "choices": ["fail", "ignore"], "default": "fail"},
    }

    def act(self, remote: Remote, options: dict[str, t.Any]) -> dict[str, t.Any]:
        return Iis(remote, options, self.check_mode).harden()
