# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can go wrong while evidence is written. Codes are those of ``verdict.json``."""

from __future__ import annotations

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError


class EvidenceError(InTransitError):
    """Evidence that cannot be written or sealed. ``unsealed`` is the folder that was left behind, if any."""

    exit_code = 5

    def __init__(self, message: str, unsealed: str = "") -> None:
        super().__init__(f"{message}; what was written stays unsealed in {unsealed}" if unsealed else message)
        self.unsealed = unsealed


class InputError(EvidenceError):
    """Data handed to the evidence that is not in its documented shape. The message names the host and the key."""

    exit_code = 4
