# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Cipher suites: every one IANA has registered, a few that were deployed without, and the cipher kinds of SSL 2.0.

The table is text that is parsed on the first lookup, so importing this module costs next to nothing.
"""

from __future__ import annotations

import struct

from .record import once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:
    from .record import Record

#: Code points at or above this are the three-byte cipher kinds of SSL 2.0.
_SSLV2 = 0x010000


class _Traits(Record):
    key_exchange: str
    authentication: str
    encryption: str
    mac: str
    tls13: bool


class Suite(Record):
    """One cipher suite, or one signalling value in its place (``signalling``).

    ``openssl`` holds every spelling OpenSSL has used, today's first; empty when it never knew the suite.
    ``schannel`` is true when some version of Windows knows it, under its IANA name. ``recommended`` is the mark in the
    registry: ``Y``, ``N``, ``D`` (discouraged, RFC 9847) or ``?`` for a suite that is not registered.
    ``releases`` are indices into ``registry.OPENSSL_RELEASES``.
    """

    code: int
    name: str
    openssl: tuple[str, ...]
    gnutls: str
    schannel: bool
    recommended: str
    releases: str

    @property
    def registered(self) -> bool:
        return self.recommended != "?"

    @property
    def signalling(self) -> bool:
        """A value that only signals something and is never negotiated (RFC 5746, RFC 7507)."""
        return self.name.endswith("_SCSV")

    @property
    def tls13(self) -> bool:
        """Whether it belongs to TLS 1.3, which shares no suite with older versions."""
        return _traits(self.name).tls13

    @property
    def key_exchange(self) -> str:
        """``RSA``, ``DH``, ``DHE``, ``ECDH``, ``ECDHE``, ``PSK``, ``KRB5``, ``SRP``, ``ECCPWD``, ``GOST`` or ``NULL``;
        ``any`` with TLS 1.3, where it is not part of the suite."""
        return _traits(self.name).key_exchange

    @property
    def authentication(self) -> str:
        """What proves the server's identity: ``RSA``, ``DSS``, ``ECDSA``, ``anon`` or a word as above."""
        return _traits(self.name).authentication

    @property
    def encryption(self) -> str:
        """Cipher, key length and mode as in the IANA name, for example ``AES_128_GCM``; ``NULL`` for none."""
        return _traits(self.name).encryption

    @property
    def mac(self) -> str:
        """``AEAD``, or the hash of the HMAC as in the IANA name."""
        return _traits(self.name).mac

    @property
    def aead(self) -> bool:
        return self.mac == "AEAD"

    @property
    def null(self) -> bool:
        """Nothing is encrypted."""
        return self.encryption == "NULL" and not self.signalling

    @property
    def anonymous(self) -> bool:
        """The server is not authenticated."""
        return self.authentication in ("anon", "NULL")

    @property
    def export(self) -> bool:
        """Weakened for the export rules of the 1990s."""
        return "EXPORT" in self.name

    @property
    def forward_secret(self) -> bool:
        """A stolen long-term key does not open recorded connections."""
        return self.key_exchange in ("DHE", "ECDHE", "SRP", "ECCPWD", "any") and not self.signalling

    @property
    def credential_bound(self) -> bool:
        """Needs a secret, ticket or certificate beyond RSA, DSS and ECDSA, so that a stranger cannot complete it."""
        return any(word in self.name for word in ("PSK", "KRB5", "SRP", "ECCPWD", "GOST"))

    @property
    def needs_secret(self) -> bool:
        """Whether a server needs a secret of the client before it can even try. GOST needs only its own certificate."""
        return self.credential_bound and self.authentication != "GOST"

    @property
    def min_protocol(self) -> str:
        """Oldest protocol that implementations negotiate it with (a protocol id)."""
        if self.code >= _SSLV2:
            return "SSLv2"
        if self.tls13:
            return "TLSv1.3"
        # RFC 5487 and RFC 6367 allow their PSK suites with CBC from TLS 1.0 on, RFC 6209 does not.
        if self.mac in ("SHA256", "SHA384") and "_PSK_" in self.name and "ARIA" not in self.encryption:
            return "TLSv1.0"
        if self.aead or self.mac in ("SHA256", "SHA384"):
            return "TLSv1.2"
        # Elliptic curves need an extension and SRP one of its own; both came with TLS (RFC 4492, RFC 5054).
        return "TLSv1.0" if self.key_exchange in ("ECDH", "ECDHE", "GOST") else "SSLv3"

    @property
    def prohibition(self) -> str:
        """Why no baseline may approve it, with the source; empty when one may."""
        if self.signalling:
            return "it is a signalling value, not a suite"
        if self.null:
            return "it does not encrypt (RFC 9325, 4.1)"
        if self.anonymous:
            return "it does not authenticate the server (RFC 9325, 4.1)"
        if self.export or self.encryption.startswith(("RC2", "DES", "IDEA")):
            return "its cipher is broken or obsolete (RFC 9325, 4.1; RFC 8996)"
        if self.encryption.startswith("RC4"):
            return "RC4 is prohibited (RFC 7465)"
        if self.encryption.startswith("3DES"):
            return "Triple DES has 64-bit blocks and is disallowed since 2024 (NIST SP 800-131A Rev. 2)"
        if self.key_exchange in ("RSA", "DH", "DHE"):
            return f"{self.key_exchange} key exchange is prohibited up to TLS 1.2 (RFC 10015)"
        return ""


_KEY_EXCHANGES = {
    "RSA": ("RSA", "RSA"),
    "DH_DSS": ("DH", "DSS"),
    "DH_RSA": ("DH", "RSA"),
    "DHE_DSS": ("DHE", "DSS"),
    "DHE_RSA": ("DHE", "RSA"),
    "DH_anon": ("DHE", "anon"),
    "ECDH_ECDSA": ("ECDH", "ECDSA"),
    "ECDH_RSA": ("ECDH", "RSA"),
    "ECDHE_ECDSA": ("ECDHE", "ECDSA"),
    "ECDHE_RSA": ("ECDHE", "RSA"),
    "ECDH_anon": ("ECDHE", "anon"),
    "PSK": ("PSK", "PSK"),
    "DHE_PSK": ("DHE", "PSK"),
    "PSK_DHE": ("DHE", "PSK"),
    "RSA_PSK": ("RSA", "RSA"),
    "ECDHE_PSK": ("ECDHE", "PSK"),
    "KRB5": ("KRB5", "KRB5"),
    "SRP_SHA": ("SRP", "SRP"),
    "SRP_SHA_RSA": ("SRP", "RSA"),
    "SRP_SHA_DSS": ("SRP", "DSS"),
    "ECCPWD": ("ECCPWD", "ECCPWD"),
    "NULL": ("NULL", "NULL"),
}
_TAGS = ("_CCM", "_CCM_8", "_GCM", "_POLY1305", "_MGM_L", "_MGM_S")


def _traits(name: str) -> _Traits:
    found = _READ.get(name)
    if found is None:
        found = _READ[name] = _read(name)
    return found


_READ: dict[str, _Traits] = {}


def _read(name: str) -> _Traits:
    """What an IANA name says: ``TLS_<key exchange>_WITH_<cipher>_<hash>``, or ``TLS_<cipher>_<hash>`` in TLS 1.3."""
    if name.endswith("_SCSV"):
        return _Traits("NULL", "NULL", "NULL", "NULL", False)
    kind, rest = name.partition("_")[2].rpartition("WITH_")[::2]
    if name.startswith("SSL_CK_"):
        cipher, digest = name[len("SSL_CK_") :].partition("_WITH_")[::2]
        return _Traits("RSA", "RSA", cipher, digest, False)
    tls13 = not kind or "_MGM_" in rest  # the GOST suites of RFC 9367 kept the old form of name
    kind = kind.rstrip("_").replace("_EXPORT1024", "").replace("_EXPORT", "")
    if rest.endswith(_TAGS):
        cipher, digest = rest, ""
    else:
        cipher, digest = rest.rpartition("_")[::2]
    if tls13 and cipher in ("SHA256", "SHA384"):  # RFC 9150: integrity only
        return _Traits("any", "any", "NULL", digest, True)
    mac = "AEAD" if cipher.endswith(_TAGS) or cipher.startswith("AEGIS") else digest
    if tls13:
        return _Traits("any", "any", cipher, mac, True)
    exchange, authentication = ("GOST", "GOST") if kind.startswith("GOST") else _KEY_EXCHANGES[kind]
    return _Traits(exchange, authentication, cipher or "NULL", mac, False)


@once
def _lines() -> dict[str, str]:
    """The lines of the table by name. Each becomes a :class:`Suite` when it is asked for: a scan needs but a few."""
    from . import registry

    return {line.split(" ", 2)[1]: line for line in registry.SUITES.splitlines()}


@once
def _names() -> dict[int, str]:
    return {int(line[: line.index(" ")], 16): name for name, line in _lines().items()}


_MADE: dict[str, Suite] = {}


def by_name(name: str) -> Suite:
    """The suite with an IANA name. Raises KeyError."""
    suite = _MADE.get(name)
    if suite is None:
        code, _name, openssl, gnutls, schannel, recommended, releases = _lines()[name].split(" ")
        suite = _MADE[name] = Suite(
            int(code, 16),
            name,
            () if openssl == "-" else tuple(openssl.split(",")),
            "" if gnutls == "-" else gnutls,
            schannel == "S",
            recommended,
            "" if releases == "-" else releases,
        )
    return suite


@once
def _table() -> tuple[Suite, ...]:
    return tuple(map(by_name, _lines()))


@once
def _by_openssl() -> dict[str, Suite]:
    # SSL 2.0 first: where a name means both, it is the suite of later protocols.
    table = sorted(_table(), key=lambda suite: suite.code < _SSLV2)
    return {name: suite for suite in table for name in suite.openssl}


def all_suites() -> tuple[Suite, ...]:
    """Every suite and signalling value of SSL 3.0 to TLS 1.3, by code point. No GREASE values (RFC 8701)."""
    return tuple(suite for suite in _table() if suite.code < _SSLV2)


def sslv2_suites() -> tuple[Suite, ...]:
    """The cipher kinds of SSL 2.0, by their three-byte code."""
    return tuple(suite for suite in _table() if suite.code >= _SSLV2)


def by_code(code: int) -> Suite:
    """The suite with a code point (two bytes, or three for SSL 2.0). Raises KeyError."""
    return by_name(_names()[code])


def by_openssl(name: str) -> Suite:
    """The suite with an OpenSSL name in any spelling a release has used; IANA names too. Raises KeyError."""
    suite = _by_openssl().get(name)
    return suite if suite is not None else by_name(name)


def name_of(code: int) -> str:
    """The IANA name of a code point a peer sent, or ``0xABCD`` when nobody has registered it."""
    return _names().get(code) or f"0x{code:04X}"


def codes(kind: str) -> tuple[int, ...]:
    """Code points of the suites of one of the kinds in ``registry.SUITE_KINDS``, in order. Raises KeyError."""
    from . import registry

    digits = bytes.fromhex(registry.SUITE_KINDS[kind])
    return struct.unpack(f">{len(digits) // 2}H", digits)


def is_grease(code: int) -> bool:
    """Whether a suite, group, extension or signature scheme number is one of the sixteen of GREASE (RFC 8701)."""
    return code & 0x0F0F == 0x0A0A and code >> 8 == code & 0xFF
