# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part of a TLS 1.3 answer that is encrypted: certificates, signature scheme, ALPN.

Only for endpoints that show no certificate otherwise, and for full detail: reading a flight costs milliseconds.
"""

from __future__ import annotations

from . import kex
from .hello import ALPN

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

    from .answers import Answer

#: Attempts at reading a flight that comes in pieces; the key exchange is done again in each.
_ATTEMPTS = 8

_RECORD_HEADER = 5


class Flight:
    """The keys of one hello, and what they open."""

    __slots__ = ("_attempts", "_keys", "error", "messages", "sent")

    def __init__(self, groups: tuple[int, ...]) -> None:
        """Raises kex.KeyExchangeError for a group that no key exchange is there for."""
        self._keys = kex.ClientKeys(groups)
        self._attempts = 0
        self.sent = b""
        self.error = ""
        self.messages: list[tuple[int, bytes]] = []

    def share(self, group: int) -> bytes:
        return dict(self._keys.shares())[group]

    @property
    def done(self) -> t.Any:
        """What ``kex.ClientKeys.done`` says: None until all of the flight was read."""
        return self._keys.done

    def open(self, answer: Answer) -> bool:
        """Add to an answer what its encrypted records hold. True when they hold all, or nothing readable."""
        self._attempts += 1
        records = [record[_RECORD_HEADER:] for record in answer.sealed]
        try:
            messages = self._keys.decrypt_flight(self.sent[_RECORD_HEADER:], answer.hello, records)
            if not messages or messages[-1][0] != kex.FINISHED:
                return self._attempts >= _ATTEMPTS
            self.messages = messages
            extensions = self._keys.extensions(messages)
            answer.certificates = self._keys.certificates(messages)
            if answer.certificates:
                answer.signature = self._keys.signature_scheme(messages)
            answer.staple = self._keys.ocsp_response(messages) is not None
        except kex.KeyExchangeError as error:
            self.error = str(error)
            return True
        answer.client_certificate = any(kind == kex.CERTIFICATE_REQUEST for kind, _body in messages)
        if ALPN in extensions:
            answer.extensions = {**(answer.extensions or {}), ALPN: extensions[ALPN]}
        return True
