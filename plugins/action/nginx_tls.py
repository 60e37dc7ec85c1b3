# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.nginx_tls): the module works, here its result is checked before it is used."""

from __future__ import annotations

from ..plugin_utils.arriving import ArrivingAction


class ActionModule(ArrivingAction):
    """The module, and a look at what it returned."""
