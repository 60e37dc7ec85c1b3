# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How Schannel, the TLS library of Windows, spells protocols, suites and curves, and what each build of it knows.

Suites have their IANA names; before Windows 10 those of ECDHE carried the curve behind them (``_P256``). Sources:
Microsoft, "Protocols in TLS/SSL (Schannel SSP)", "Cipher Suites in TLS/SSL (Schannel SSP)" and "TLS Elliptic Curves in
Windows 10 version 1607 and later".
"""

from __future__ import annotations

import re
import typing as t

from ...errors import BaselineError
from .. import model, suites

#: First build that can do something: Windows Server 2016 (Windows 10 version 1607), 2019, 2022 and 2025.
SERVER_2016, SERVER_2019, SERVER_2022, SERVER_2025 = 14393, 17763, 20348, 26100

#: Names of the keys below ``SCHANNEL\Protocols``, oldest first.
WORDS = {
    "SSLv2": "SSL 2.0",
    "SSLv3": "SSL 3.0",
    "TLSv1.0": "TLS 1.0",
    "TLSv1.1": "TLS 1.1",
    "TLSv1.2": "TLS 1.2",
    "TLSv1.3": "TLS 1.3",
}

#: Bits of ``DefaultSecureProtocols`` of WinHTTP: Microsoft, WINHTTP_OPTION_SECURE_PROTOCOLS.
WINHTTP_BITS = {"SSLv2": 0x8, "SSLv3": 0x20, "TLSv1.0": 0x80, "TLSv1.1": 0x200, "TLSv1.2": 0x800, "TLSv1.3": 0x2000}

#: Longest value of the policy for the order of suites, in characters: Microsoft, "Manage Transport Layer Security".
SUITE_ORDER_MAX = 1023

_CURVES = {
    "x25519": "curve25519",
    "secp256r1": "NistP256",
    "secp384r1": "NistP384",
    "secp521r1": "NistP521",
    "brainpoolP256r1": "brainpoolP256r1",
    "brainpoolP384r1": "brainpoolP384r1",
    "brainpoolP512r1": "brainpoolP512r1",
}
_GROUPS = {curve.lower(): group for group, curve in _CURVES.items()}
_SUFFIX = re.compile(r"_P(?:256|384|521)\Z")


def suite_order(names: t.Iterable[str]) -> str:
    """IANA suite names as the value ``Functions`` of the policy. Raises BaselineError for names Schannel never knew.

    The length is not checked here: whoever writes the value must refuse more than :data:`SUITE_ORDER_MAX`.
    """
    wanted = list(names)
    for name in wanted:
        if name not in _known():
            raise BaselineError(name, "is not a cipher suite of Schannel")
    if not wanted:
        raise BaselineError("suites", "the order would be empty: name at least one suite")
    return ",".join(wanted)


def parse_suite_order(value: str | t.Iterable[str]) -> tuple[str, ...]:
    """Suites of ``Functions`` by IANA name, in order, each once; names nobody knows stay as they are."""
    words = value.split(",") if isinstance(value, str) else value
    return tuple(dict.fromkeys(_SUFFIX.sub("", word.strip()) for word in words if word.strip()))


def curves(groups: t.Iterable[str]) -> tuple[str, ...]:
    """IANA group names as the value ``EccCurves``; groups that are no curves of Schannel are an error."""
    wanted = tuple(groups)
    for name in wanted:
        if name not in _CURVES:
            raise BaselineError(name, f"is not a curve of Schannel (valid: {', '.join(_CURVES)})")
    if not wanted:
        raise BaselineError("groups", "the curve order would be empty: name at least one curve")
    return tuple(_CURVES[name] for name in wanted)


def parse_curves(names: t.Iterable[str]) -> tuple[str, ...]:
    """Curve names of Schannel as IANA group names, in order; others stay as they are."""
    return tuple(_GROUPS.get(name.strip().lower(), name.strip()) for name in names if name.strip())


def secure_protocols(protocols: t.Iterable[str]) -> int:
    """Protocol ids as the bits of ``DefaultSecureProtocols``."""
    return sum({WINHTTP_BITS[name] for name in protocols})


def parse_secure_protocols(bits: int) -> tuple[str, ...]:
    """Bits of ``DefaultSecureProtocols`` as protocol ids, oldest first."""
    return tuple(name for name, bit in WINHTTP_BITS.items() if bits & bit)


def default_protocols(build: int) -> tuple[str, ...]:
    """Protocols a build speaks where the registry says nothing: never fewer than Microsoft documents for it."""
    newest = "TLSv1.3" if build >= SERVER_2022 else "TLSv1.2"
    # SSL 3.0 is switched off by default, and SSL 2.0 no longer there, since version 1607.
    oldest = "TLSv1.0" if build >= SERVER_2016 else "SSLv2"
    return model.PROTOCOLS[model.PROTOCOLS.index(oldest) : model.PROTOCOLS.index(newest) + 1]


def capabilities(build: int) -> model.Capabilities:
    """What a build knows. TLS 1.3 exists since Server 2022; Microsoft calls enabling it on older builds unsafe."""
    tls13 = build >= SERVER_2022
    known = frozenset(name for name, suite in _known().items() if tls13 or not suite.tls13)
    protocols = model.PROTOCOLS if tls13 else model.PROTOCOLS[:-1]
    return model.Capabilities("Schannel", (10, 0, build), protocols, known, frozenset(_CURVES), frozenset())


def _known() -> dict[str, suites.Suite]:
    return {suite.name: suite for suite in suites.all_suites() if suite.schannel}
