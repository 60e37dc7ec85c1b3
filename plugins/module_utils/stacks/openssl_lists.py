# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What OpenSSL's lists of suites and groups stand for in one build, for software configured by such lists."""

from __future__ import annotations

import typing as t

from ..baseline.dialects import openssl
from ..errors import BaselineError

if t.TYPE_CHECKING:
    from ..baseline.model import Capabilities


class Lists:
    """Lists as a server with these capabilities reads them. ``library`` names its TLS library for people."""

    def __init__(self, capabilities: Capabilities) -> None:
        self.capabilities = capabilities
        #: Whether the TLS library is not OpenSSL, whose defaults we know.
        self.foreign = capabilities.library != "OpenSSL"
        self.library = " ".join((capabilities.library, ".".join(map(str, capabilities.version))))

    def expand(self, cipher_string: str) -> tuple[str, ...] | None:
        """IANA names, for TLS 1.2 and older, of an OpenSSL cipher list; None when the list stands somewhere else."""
        if cipher_string.strip().upper().startswith("PROFILE="):
            return None
        try:
            names = openssl.expand_cipher_list(cipher_string)
        except BaselineError:
            return ()
        known = self.capabilities.suites
        usable = (name for name in names if known is None or name in known)
        # Lists such as HIGH name suites of shared keys and passwords, which need what nobody has set up.
        return tuple(name for name in usable if "PSK_" not in name and "_SRP_" not in name)

    def expand_tls13(self, text: str) -> tuple[str, ...]:
        """IANA names of a list of TLS 1.3 suites."""
        try:
            return openssl.expand_ciphersuites(text)
        except BaselineError:
            return ()

    def expand_groups(self, text: str) -> tuple[str, ...] | None:
        """IANA names of a group list; None for the default of a library whose groups we do not know."""
        if self.foreign and text.lower() in ("auto", "default"):
            return None
        try:
            return openssl.expand_groups(text, None if self.foreign else self.capabilities.version)
        except BaselineError:
            return ()
