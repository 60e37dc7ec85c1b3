# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signature schemes: the TLS SignatureScheme registry of IANA and the hash and signature pairs of TLS 1.2.

Both share one two-byte space (RFC 8446, 4.2.3). Pairs the registry does not name are called as OpenSSL does:
``rsa_pkcs1_sha224``, ``ecdsa_sha224``, ``dsa_sha256``.
"""

from __future__ import annotations

from .record import once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:
    from .record import Record


class Scheme(Record):
    """One signature scheme. ``openssl`` holds every spelling OpenSSL knows, the one all its releases understand first.

    ``tls12`` and ``tls13`` tell which handshakes may be signed with it; in TLS 1.3 some remain for certificates only.
    ``recommended`` is the mark in the registry, see :class:`~.suites.Suite`.
    """

    code: int
    name: str
    openssl: tuple[str, ...]
    gnutls: str
    tls12: bool
    tls13: bool
    recommended: str
    releases: str

    @property
    def key(self) -> str:
        """Kind of key that signs: ``rsa`` (PKCS #1 v1.5), ``rsa_pss``, ``ecdsa``, ``eddsa``, ``dsa``, ``mldsa``,
        ``slhdsa`` or ``other`` (national algorithms)."""
        for prefix, key in _KEYS:
            if self.name.startswith(prefix):
                return key
        return "other"

    @property
    def digest(self) -> str:
        """Hash name such as ``sha256``; empty where the scheme has its own."""
        last = self.name.replace("_legacy", "").rpartition("_")[2]
        return last if last.startswith(("md5", "sha", "sm3")) and self.key != "slhdsa" else ""

    @property
    def deprecated(self) -> bool:
        """MD5 and SHA-1 (RFC 9155), SHA-224 (RFC 9847) and DSA (FIPS 186-5)."""
        return self.recommended == "D" or self.key == "dsa"

    @property
    def prohibition(self) -> str:
        """Why no baseline may approve it, with the source; empty when one may."""
        if self.digest in ("md5", "sha1"):
            return f"{self.digest.upper()} signatures are prohibited (RFC 9155)"
        return "DSA is no longer approved for signing (FIPS 186-5)" if self.key == "dsa" else ""


_KEYS = (
    ("rsa_pss", "rsa_pss"),
    ("rsa_pkcs1", "rsa"),
    ("ecdsa", "ecdsa"),
    ("ed", "eddsa"),
    ("dsa", "dsa"),
    ("mldsa", "mldsa"),
    ("slhdsa", "slhdsa"),
)


@once
def all_schemes() -> tuple[Scheme, ...]:
    """Every scheme and pair, by code point."""
    from . import registry

    found = []
    for line in registry.SCHEMES.splitlines():
        code, name, openssl, gnutls, protocols, recommended, releases = line.split(" ")
        found.append(
            Scheme(
                int(code, 16),
                name,
                () if openssl == "-" else tuple(openssl.split(",")),
                "" if gnutls == "-" else gnutls,
                "12" in protocols,
                "13" in protocols,
                recommended,
                "" if releases == "-" else releases,
            )
        )
    return tuple(found)


@once
def _by_name() -> dict[str, Scheme]:
    return {scheme.name: scheme for scheme in all_schemes()}


@once
def _by_code() -> dict[int, Scheme]:
    return {scheme.code: scheme for scheme in all_schemes()}


@once
def _by_openssl() -> dict[str, Scheme]:
    return {name.lower(): scheme for scheme in all_schemes() for name in (*scheme.openssl, scheme.name)}


def by_name(name: str) -> Scheme:
    """The scheme with an IANA name. Raises KeyError."""
    return _by_name()[name]


def by_code(code: int) -> Scheme:
    """The scheme with a code point. Raises KeyError."""
    return _by_code()[code]


def by_openssl(name: str) -> Scheme:
    """The scheme with an OpenSSL name (``RSA+SHA256``, ``rsa_pss_rsae_sha256``); IANA names too. Raises KeyError."""
    return _by_openssl()[name.lower()]


def name_of(code: int) -> str:
    """The IANA name of a code point a peer sent, or ``0xABCD`` when nobody has registered it."""
    scheme = _by_code().get(code)
    return scheme.name if scheme is not None else f"0x{code:04X}"
