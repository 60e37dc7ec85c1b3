# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the baseline means for a Windows host, as registry values, one :class:`Wish` for each.

Sources, by part:

=================  =============================================================================================
``protocols``      Microsoft, "TLS registry settings"; CIS IIS 10 7.2-7.6; STIG IIST-SV-000153
``ciphers``        KB245030; CIS IIS 10 7.7-7.9. Names that hold a slash are whole names, not nested keys
``key_exchange``   Microsoft, "TLS registry settings": ServerMinKeyBitLength, ClientMinKeyBitLength
``suites``         Microsoft, "Manage Transport Layer Security": SSL Cipher Suite Order, ECC Curve Order
``dotnet``         Microsoft, "TLS best practices with the .NET Framework": both versions, both views
``winhttp``        KB3140245
``events``         Microsoft, "How to enable Schannel event logging" (KB260729)
``rdp``            Microsoft, Win32_TSGeneralSetting: SecurityLayer 2 is TLS, MinEncryptionLevel 3 is high
=================  =============================================================================================
"""

from __future__ import annotations

import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import schannel
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.judge import PROTOCOL_CHECKS

from .registry import Data, Registry, Value

_LOCAL_MACHINE = "HKEY_LOCAL_MACHINE\\"
SCHANNEL = _LOCAL_MACHINE + r"SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL"
PROTOCOLS = SCHANNEL + r"\Protocols"
CIPHERS = SCHANNEL + r"\Ciphers"
HASHES = SCHANNEL + r"\Hashes"
KEY_EXCHANGE = SCHANNEL + r"\KeyExchangeAlgorithms"
#: The policy for suites and curves, which a domain may own, and the list Windows uses without it.
POLICY = _LOCAL_MACHINE + r"SOFTWARE\Policies\Microsoft\Cryptography\Configuration\SSL\00010002"
LOCAL = _LOCAL_MACHINE + r"SYSTEM\CurrentControlSet\Control\Cryptography\Configuration\Local\SSL\00010002"
#: What programs of 64 and of 32 bits see below HKLM, and the keys that are set in both views.
VIEWS = ("SOFTWARE", r"SOFTWARE\Wow6432Node")
_DOTNET = (r"Microsoft\.NETFramework\v4.0.30319", r"Microsoft\.NETFramework\v2.0.50727")
_WINHTTP = r"Microsoft\Windows\CurrentVersion\Internet Settings\WinHttp"
PROGRAMS = (*_DOTNET, _WINHTTP)
DOTNET = tuple(rf"{_LOCAL_MACHINE}{view}\{key}" for view in VIEWS for key in _DOTNET)
WINHTTP = tuple(rf"{_LOCAL_MACHINE}{view}\{_WINHTTP}" for view in VIEWS)
RDP_POLICY = _LOCAL_MACHINE + r"SOFTWARE\Policies\Microsoft\Windows NT\Terminal Services"

#: Parts that can be asked for, in the order they are written; the last two only when named.
PARTS = ("protocols", "ciphers", "key_exchange", "suites", "dotnet", "winhttp", "events", "rdp")
DEFAULT_PARTS = PARTS[:-2]

ROLES = {"server": "Server", "client": "Client"}

#: Cipher and hash keys use all bits for "on", protocol keys 1: Microsoft, KB245030 and "TLS registry settings".
ALL_BITS = 0xFFFFFFFF

_BROKEN_CIPHERS = (
    "NULL",
    "DES 56/56",
    "RC2 40/128",
    "RC2 56/128",
    "RC2 128/128",
    "RC4 40/128",
    "RC4 56/128",
    "RC4 64/128",
    "RC4 128/128",
    "Triple DES 168",
)
STRONG_CIPHERS = ("AES 128/128", "AES 256/256")

Rule = t.Literal["exact", "switch", "least", "absent_or_off"]


class Wish(t.NamedTuple):
    """One value as the baseline wants it.

    ``rule``    what is as good as ``data``: ``exact`` nothing else; ``switch`` for 1 any number but 0, as Windows reads
                it; ``least`` any number at least as large; ``absent_or_off`` no value at all
    ``effect``  what it takes until it is in force: ``restart`` of services and programs, or ``reboot``
    """

    part: str
    key: str
    name: str
    type: str
    data: Data
    rule: Rule
    check: str
    effect: str
    why: str

    @property
    def value(self) -> Value:
        return Value(self.key, self.name, self.type, self.data)

    def holds(self, registry: Registry) -> bool:
        """Whether the registry says what is wanted, by meaning and not by letter."""
        there = registry.get(self.key, self.name)
        if there is None:
            return self.rule == "absent_or_off"
        have, want = there.data, self.data
        if isinstance(want, int):
            if not isinstance(have, int):
                return False
            if self.rule in ("switch", "absent_or_off"):
                return bool(have) == bool(want)
            return have >= want if self.rule == "least" else have == want
        return there.type == self.type and have == want


def wishes(baseline: model.Baseline, build: int, parts: t.Collection[str], roles: t.Collection[str]) -> list[Wish]:
    """What the baseline, already clamped to the build, wants of the parts; protocols and keys only for the roles."""
    makers: dict[str, t.Callable[[], t.Iterable[Wish]]] = {
        "protocols": lambda: _protocols(baseline, build, roles),
        "ciphers": _ciphers,
        "key_exchange": lambda: _key_exchange(baseline.certificate.rsa_bits_min, roles),
        "suites": lambda: _suites(baseline),
        "dotnet": _dotnet,
        "winhttp": lambda: _winhttp(baseline),
        "events": _events,
        "rdp": _rdp,
    }
    return [wish for part in PARTS if part in parts for wish in makers[part]()]


def capable(build: int) -> tuple[str, ...]:
    """Protocols that can be switched on a build, oldest first."""
    return tuple(name for name in schannel.WORDS if name != "TLSv1.3" or build >= schannel.SERVER_2022)


def _protocols(baseline: model.Baseline, build: int, roles: t.Collection[str]) -> t.Iterator[Wish]:
    for protocol, word in schannel.WORDS.items():
        check = PROTOCOL_CHECKS[protocol]
        on = protocol in baseline.protocols
        for role in (name for name in ROLES if name in roles):
            key = rf"{PROTOCOLS}\{word}\{ROLES[role]}"
            if protocol not in capable(build):
                why = f"build {build} has no TLS 1.3 that is safe to enable"
                yield Wish("protocols", key, "Enabled", "REG_DWORD", 0, "absent_or_off", check, "restart", why)
                continue
            why = f"{protocol} is {'approved' if on else 'forbidden'} for the {role}"
            yield Wish("protocols", key, "Enabled", "REG_DWORD", int(on), "switch", check, "restart", why)
            # Not read by today's Windows when Enabled is there, but by its auditors.
            why = f"{protocol} is {'offered' if on else 'not offered'} by programs that name no protocol"
            yield Wish("protocols", key, "DisabledByDefault", "REG_DWORD", int(not on), "switch", check, "restart", why)


def _ciphers() -> t.Iterator[Wish]:
    check = "schannel.broken_ciphers"
    for name in _BROKEN_CIPHERS:
        why = f"{name} is broken"
        yield Wish("ciphers", rf"{CIPHERS}\{name}", "Enabled", "REG_DWORD", 0, "exact", check, "restart", why)
    yield Wish("ciphers", rf"{HASHES}\MD5", "Enabled", "REG_DWORD", 0, "exact", check, "restart", "MD5 is broken")


def _key_exchange(bits: int, roles: t.Collection[str]) -> t.Iterator[Wish]:
    kinds = [("Diffie-Hellman", "server"), ("Diffie-Hellman", "client"), ("PKCS", "client")]
    for kind, role in kinds:
        if role in roles:
            yield Wish(
                "key_exchange",
                rf"{KEY_EXCHANGE}\{kind}",
                f"{ROLES[role]}MinKeyBitLength",
                "REG_DWORD",
                bits,
                "least",
                "schannel.key_exchange",
                "restart",
                f"{'RSA' if kind == 'PKCS' else kind} keys of fewer than {bits} bits can be broken",
            )


def _suites(baseline: model.Baseline) -> t.Iterator[Wish]:
    order = schannel.suite_order((*baseline.suites_tls13, *baseline.suites_tls12))
    why = "the first boot after it takes the order of the policy"
    yield Wish("suites", POLICY, "Functions", "REG_SZ", order, "exact", "suite.forbidden", "reboot", why)
    curves = schannel.curves(baseline.groups)
    yield Wish("suites", POLICY, "EccCurves", "REG_MULTI_SZ", curves, "exact", "group.forbidden", "reboot", why)


def _dotnet() -> t.Iterator[Wish]:
    for key in DOTNET:
        for name, why in (
            ("SystemDefaultTlsVersions", "programs of the .NET Framework speak what Windows speaks"),
            ("SchUseStrongCrypto", "programs of the .NET Framework that choose for themselves choose TLS 1.2"),
        ):
            yield Wish("dotnet", key, name, "REG_DWORD", 1, "switch", "client.system_defaults", "restart", why)


def _winhttp(baseline: model.Baseline) -> t.Iterator[Wish]:
    bits = schannel.secure_protocols(baseline.protocols)
    why = "programs that use WinHTTP offer " + " and ".join(baseline.protocols)
    for key in WINHTTP:
        name, check = "DefaultSecureProtocols", "client.system_defaults"
        yield Wish("winhttp", key, name, "REG_DWORD", bits, "exact", check, "restart", why)


def _events() -> t.Iterator[Wish]:
    why = "every handshake, good or failed, leaves an event"
    yield Wish("events", SCHANNEL, "EventLogging", "REG_DWORD", 7, "exact", "schannel.event_log", "reboot", why)


def _rdp() -> t.Iterator[Wish]:
    for name, data, why in (
        ("SecurityLayer", 2, "Remote Desktop begins with TLS"),
        ("MinEncryptionLevel", 3, "Remote Desktop encrypts both directions"),
    ):
        yield Wish("rdp", RDP_POLICY, name, "REG_DWORD", data, "least", "transport.plaintext", "restart", why)
