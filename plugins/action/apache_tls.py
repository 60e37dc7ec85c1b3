# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.apache_tls): the module works, here its result is checked and written down."""

from __future__ import annotations

from ..plugin_utils.collecting import CollectingAction


class ActionModule(CollectingAction):
    """The module, and files on the controller."""
