# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Key exchange groups: the TLS Supported Groups registry of IANA with the names other programs use."""

from __future__ import annotations

from .record import once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:
    from .record import Record


class Group(Record):
    """One group. ``openssl`` holds every spelling OpenSSL knows, the one all its releases understand first.

    ``kind`` is ``ecdhe``, ``ffdhe``, ``kem`` (post-quantum alone) or ``hybrid`` (post-quantum and classical).
    ``bits`` is the classical security in bits. ``recommended`` is the mark in the registry, see
    :class:`~.suites.Suite`; ``releases`` are indices into ``registry.OPENSSL_RELEASES``.
    """

    code: int
    name: str
    openssl: tuple[str, ...]
    gnutls: str
    kind: str
    bits: int
    recommended: str
    releases: str

    @property
    def tls12(self) -> bool:
        """Whether TLS 1.2 can negotiate it: curves, but not those that exist for TLS 1.3 only (RFC 8734).

        Finite-field groups come with DHE suites there (RFC 7919), which RFC 10015 prohibits.
        """
        return self.kind == "ecdhe" and not self.name.endswith("tls13") and self.name != "curveSM2"

    @property
    def tls13(self) -> bool:
        """Whether TLS 1.3 can negotiate it (RFC 8446, 4.2.7; RFC 8734; RFC 8998; RFC 9367; post-quantum drafts)."""
        return self.code >= 0x17 and not (0x1A <= self.code <= 0x1C or self.code >= 0xFE00)

    @property
    def deprecated(self) -> bool:
        """Deprecated by RFC 8422, 5.1.1 (values 1 to 22 and explicit curves) or a pre-standard Kyber."""
        return self.code < 0x17 or self.code >= 0xFF00 or "Kyber" in self.name

    @property
    def prohibition(self) -> str:
        """Why no baseline may approve it, with the source; empty when one may."""
        if self.deprecated:
            return "it is deprecated (RFC 8422, 5.1.1)" if self.kind == "ecdhe" else "it is a pre-standard draft"
        return ""


@once
def all_groups() -> tuple[Group, ...]:
    """Every registered group, by code point. No GREASE values (RFC 8701)."""
    from . import registry

    found = []
    for line in registry.GROUPS.splitlines():
        code, name, openssl, gnutls, kind, bits, recommended, releases = line.split(" ")
        found.append(
            Group(
                int(code, 16),
                name,
                () if openssl == "-" else tuple(openssl.split(",")),
                "" if gnutls == "-" else gnutls,
                kind,
                int(bits),
                recommended,
                "" if releases == "-" else releases,
            )
        )
    return tuple(found)


@once
def _by_name() -> dict[str, Group]:
    return {group.name: group for group in all_groups()}


@once
def _by_code() -> dict[int, Group]:
    return {group.code: group for group in all_groups()}


@once
def _by_openssl() -> dict[str, Group]:
    # OpenSSL 3 compares names without regard to case.
    return {name.lower(): group for group in all_groups() for name in (*group.openssl, group.name)}


def by_name(name: str) -> Group:
    """The group with an IANA name. Raises KeyError."""
    return _by_name()[name]


def by_code(code: int) -> Group:
    """The group with a code point. Raises KeyError."""
    return _by_code()[code]


def by_openssl(name: str) -> Group:
    """The group with an OpenSSL name in any spelling a release has used; IANA names too. Raises KeyError."""
    return _by_openssl()[name.lower()]


def name_of(code: int) -> str:
    """The IANA name of a code point a peer sent, or ``0xABCD`` when nobody has registered it."""
    group = _by_code().get(code)
    return group.name if group is not None else f"0x{code:04X}"
