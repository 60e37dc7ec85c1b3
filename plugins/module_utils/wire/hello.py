# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The bytes we ask with: SSLv2 CLIENT-HELLO and ClientHello from SSLv3 to TLS 1.3.

Nothing here or below goes through the local TLS library, so its policy cannot hide an old protocol. A hello says
exactly what one probe asks about and nothing a server could trip over:

- at most 120 suites (some middleboxes drop more than 128);
- never 256 to 511 bytes (old load balancers take those for SSLv2 and hang; RFC 7685), and no length that leaves
  10 or 14 modulo 256 (read as an alert or a heartbeat by some);
- up to TLS 1.2 the renegotiation extension always, or the SCSV (some servers refuse without), never both (RFC 5746,
  3.4 advises against it, and wolfSSL answers it with handshake_failure);
- groups and signature schemes of TLS 1.3 only in a hello for TLS 1.3, where foreign ones draw illegal_parameter;
- random, session id and key shares fresh in every hello.
"""

from __future__ import annotations

import struct

from .lean import urandom

TYPE_CHECKING = False
if TYPE_CHECKING:  # what only type checkers need is not imported on the way to a verdict
    from typing import Any, Callable

SSL2, SSL3, TLS10, TLS11, TLS12, TLS13 = 0x0002, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304

#: Protocol ids of the baseline by version number on the wire.
PROTOCOL = {SSL2: "SSLv2", SSL3: "SSLv3", TLS10: "TLSv1.0", TLS11: "TLSv1.1", TLS12: "TLSv1.2", TLS13: "TLSv1.3"}
VERSION = {name: number for number, name in PROTOCOL.items()}

#: How far the answer is read: to ServerHello, to ServerKeyExchange (or HelloRetryRequest), or the whole first flight.
UNTIL_HELLO, UNTIL_KEYS, UNTIL_FLIGHT = 0, 1, 2

#: TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746) and TLS_FALLBACK_SCSV (RFC 7507).
RENEGOTIATION_SCSV, FALLBACK_SCSV = 0x00FF, 0x5600

CHUNK = 120  # suites in one hello at most

#: Suites in a hello without extensions at most, which then stays within 255 bytes (it cannot be padded).
CHUNK_BARE = 105

#: SSLv2 cipher kinds: those of the specification, then three that SSLeay and others added.
SSL2_CIPHERS = {
    0x010080: "SSL_CK_RC4_128_WITH_MD5",
    0x020080: "SSL_CK_RC4_128_EXPORT40_WITH_MD5",
    0x030080: "SSL_CK_RC2_128_CBC_WITH_MD5",
    0x040080: "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5",
    0x050080: "SSL_CK_IDEA_128_CBC_WITH_MD5",
    0x060040: "SSL_CK_DES_64_CBC_WITH_MD5",
    0x0700C0: "SSL_CK_DES_192_EDE3_CBC_WITH_MD5",
    0x080080: "SSL_CK_RC4_64_WITH_MD5",
    0x060140: "SSL_CK_DES_64_CBC_WITH_SHA",
    0x0701C0: "SSL_CK_DES_192_EDE3_CBC_WITH_SHA",
}

# Extension numbers (IANA, TLS ExtensionType Values).
SERVER_NAME, STATUS_REQUEST, SUPPORTED_GROUPS, POINT_FORMATS, SIGNATURE_ALGORITHMS, ALPN = 0, 5, 10, 11, 13, 16
PADDING, EXTENDED_MASTER_SECRET, SESSION_TICKET, PRE_SHARED_KEY, EARLY_DATA = 21, 23, 35, 41, 42
SUPPORTED_VERSIONS, COOKIE, PSK_MODES, KEY_SHARE, RENEGOTIATION_INFO = 43, 44, 45, 51, 0xFF01

#: Compression methods a server may choose (RFC 3749); False is none.
COMPRESSIONS = {0: False, 1: "DEFLATE", 64: "LZS"}

_BAD_REMAINDERS = (10, 14)


def extension(number: int, body: bytes) -> bytes:
    return struct.pack(">HH", number, len(body)) + body


def _list16(values: tuple[int, ...]) -> bytes:
    return struct.pack(f">H{len(values)}H", 2 * len(values), *values)


class Hello:
    """One question to a server.

    ``asks`` tells what decides it: ``version`` (any ServerHello), ``suite`` (the same), ``group`` (the group of the key
    exchange must be among ``groups``) or ``scheme`` (the signature scheme must be among ``schemes``). ``until`` tells
    how far the answer is worth reading. ``top`` is the version asked for; below TLS 1.3 the protocol lets a server
    choose any lower one.

    ``bare`` leaves out all extensions, ``slim`` those that neither ask nor are needed. ``extras`` are whole encoded
    extensions to add, ``compress`` offers DEFLATE. ``shares`` are the TLS 1.3 groups to send a key share for: with
    none, a server that agrees answers with a HelloRetryRequest, which names suite and group and costs neither side a
    key exchange. ``least`` pads the handshake message to at least so many bytes.
    """

    __slots__ = (
        "_fixed",
        "_frame",
        "_suites",
        "asks",
        "bare",
        "compress",
        "extras",
        "groups",
        "least",
        "schemes",
        "shares",
        "slim",
        "suites",
        "top",
        "until",
    )

    def __init__(
        self,
        top: int,
        suites: tuple[int, ...],
        groups: tuple[int, ...] = (),
        schemes: tuple[int, ...] = (),
        asks: str = "suite",
        until: int = UNTIL_HELLO,
        bare: bool = False,
        slim: bool = False,
        compress: bool = False,
        extras: bytes = b"",
        shares: tuple[int, ...] = (),
        least: int = 0,
    ) -> None:
        self.top, self.suites, self.groups, self.schemes = top, suites, groups, schemes
        self.asks, self.until = asks, until
        self.bare, self.slim, self.compress = bare, slim, compress
        self.extras, self.shares, self.least = extras, shares, least
        self._suites = self._fixed = b""
        self._frame: tuple[str | None, bytes, bytes] | None = None

    def variant(self, **changes: Any) -> Hello:
        """A copy with some of the constructor's arguments changed."""
        names = (name for name in self.__slots__ if not name.startswith("_"))
        return Hello(**{**{name: getattr(self, name) for name in names}, **changes})

    def reshaped(self) -> Hello:
        """The same question in another shape, to tell what a server refuses from what it trips over.

        Other order, other length, fewer extensions, and for TLS 1.3 a real key share.
        """
        if self.top == SSL2:
            return self.variant(suites=self.suites[:7][::-1], least=32)
        if self.bare:
            return self.variant(bare=False, slim=True, suites=self.suites[::-1])
        if self.top == TLS13:
            from .shares import SYNTHETIC  # seldom needed

            shares = tuple(group for group in self.groups if group in SYNTHETIC)[:2]
            return self.variant(suites=self.suites[::-1], slim=True, extras=b"", shares=shares, least=640)
        return self.variant(suites=self.suites[::-1], slim=True, extras=b"", compress=False, least=640)

    def encode(self, sni: str | None, share: Callable[[int], bytes] | None = None) -> bytes:
        """The record(s) to send in one piece. ``share`` makes the key share of a group, by default a synthetic one."""
        if self.top == SSL2:
            return self._encode_ssl2()
        if not self._suites:
            scsv = (RENEGOTIATION_SCSV,) if (self.bare or self.slim) and self.top < TLS13 else ()
            self._suites = _list16(self.suites + scsv) + (b"\2\1\0" if self.compress else b"\1\0")
        if self._frame is None or self._frame[0] != sni or self.shares:
            self._frame = (sni, *self._make_frame(sni, share))
        _sni, before, after = self._frame
        if self.top != TLS13:
            return before + urandom(32) + after
        # A session id of 32 bytes in TLS 1.3 keeps middleboxes quiet (RFC 8446, appendix D.4).
        fresh = urandom(64)
        return before + fresh[:32] + b"\x20" + fresh[32:] + after

    def _make_frame(self, sni: str | None, share: Callable[[int], bytes] | None) -> tuple[bytes, bytes]:
        """What stands before and after random and session id, the same each time for one server name."""
        after = (b"" if self.top == TLS13 else b"\0") + self._suites
        length = 4 + 2 + 32 + len(after) + (33 if self.top == TLS13 else 0)
        if not self.bare:
            extensions = self._extensions(sni, share)
            extensions += self._padding(length + 2 + len(extensions))
            after += struct.pack(">H", len(extensions)) + extensions
            length += 2 + len(extensions)
        record = SSL3 if self.top == SSL3 else TLS10
        before = struct.pack(">BHHBBHH", 22, record, length, 1, 0, length - 4, min(self.top, TLS12))
        return before, after

    def _encode_ssl2(self) -> bytes:
        """SSLv2 CLIENT-HELLO in a two-byte record; ``least`` is the length of its challenge."""
        specs = b"".join(kind.to_bytes(3, "big") for kind in self.suites)
        challenge = urandom(self.least or 16)
        body = struct.pack(">BHHHH", 1, SSL2, len(specs), 0, len(challenge)) + specs + challenge
        return struct.pack(">H", 0x8000 | len(body)) + body

    def _extensions(self, sni: str | None, share: Callable[[int], bytes] | None) -> bytes:
        if not self._fixed:
            self._fixed = self._fixed_extensions()
        name = b""
        if sni is not None:
            host = sni.encode("ascii")
            name = extension(SERVER_NAME, struct.pack(">HBH", len(host) + 3, 0, len(host)) + host)
        if self.top < TLS13:
            return name + self._fixed
        if not self.shares:
            return name + self._fixed + b"\0\x33\0\2\0\0"
        if share is None:
            from .shares import synthetic  # seldom needed

            share = synthetic
        keys = [(group, share(group)) for group in self.shares]
        entries = b"".join(struct.pack(">HH", group, len(key)) + key for group, key in keys)
        return name + self._fixed + extension(KEY_SHARE, struct.pack(">H", len(entries)) + entries)

    def _fixed_extensions(self) -> bytes:
        """Everything that is the same in each hello. Never ends with an empty extension: some servers refuse that."""
        parts = []
        if not self.slim:
            parts.append(extension(RENEGOTIATION_INFO, b"\0"))
            parts.append(extension(EXTENDED_MASTER_SECRET, b""))
            if self.top < TLS13:
                parts.append(extension(SESSION_TICKET, b""))
        parts.append(self.extras)
        if self.groups:
            parts.append(extension(SUPPORTED_GROUPS, _list16(self.groups)))
            if self.top < TLS13:
                parts.append(extension(POINT_FORMATS, b"\1\0"))
        if self.top >= TLS12 and self.schemes:
            parts.append(extension(SIGNATURE_ALGORITHMS, _list16(self.schemes)))
        if self.top == TLS13:
            parts.append(extension(SUPPORTED_VERSIONS, b"\2\3\4"))
            parts.append(extension(PSK_MODES, b"\1\1"))
        return b"".join(parts)

    def _padding(self, length: int) -> bytes:
        """Padding extension for a handshake message of ``length`` bytes, or nothing."""
        if length < self.least:
            return extension(PADDING, bytes(max(self.least - length - 4, 1)))
        if 255 < length < 512:
            return extension(PADDING, bytes(max(512 - length - 4, 1)))
        if length % 256 in _BAD_REMAINDERS:
            # Eight bytes: enough to leave the bad remainders, too few to come to the bad range.
            return extension(PADDING, bytes(4))
        return b""
