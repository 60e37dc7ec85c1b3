# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of a host serves TLS by Schannel, and its certificates, all read from the registry and never from messages.

Bindings of http.sys carry flags (``http.h``, HTTP_SERVICE_CONFIG_SSL_FLAG); certificates are stored as records of a
property number, the number 1, a length and the data, all little-endian (``wincrypt.h``, CERT_CERT_PROP_ID is 32).
"""

from __future__ import annotations

import struct
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model, suites
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import schannel
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import (
    Listener,
    Provenance,
    Setting,
)

from . import host, plan, settings
from .registry import Registry, RegistryError, spoken

#: Bits of ``DefaultFlags`` that decide about versions; the last two exist since Server 2022.
NO_TLS13, NO_LEGACY_TLS, NO_TLS12 = 0x40, 0x400, 0x1000

#: What the bits of ``DefaultFlags`` mean (http.h), for people and for the evidence.
FLAGS = {
    0x1: "use DS mapper",
    0x2: "negotiate client certificate",
    0x8: "reject",
    0x10: "disable HTTP/2",
    0x20: "disable QUIC",
    NO_TLS13: "disable TLS 1.3",
    0x80: "disable OCSP stapling",
    0x100: "enable token binding",
    0x200: "log extended events",
    NO_LEGACY_TLS: "disable legacy TLS",
    0x800: "enable session tickets",
    NO_TLS12: "disable TLS 1.2",
    0x4000: "disable session id",
    0x8000: "enable cached client hello",
}

_CERTIFICATE = 32
_WINRM_HTTPS = 5986

STACK = "schannel"


class Binding(t.NamedTuple):
    """A certificate bound to an address (``name`` empty) or to a server name. ``flags`` are those of ``FLAGS``."""

    key: str
    address: str
    port: int
    name: str
    thumbprint: str
    store: str
    flags: int

    @property
    def everywhere(self) -> bool:
        return self.address in ("0.0.0.0", "[::]")  # noqa: S104  compared, not bound


def bindings(registry: Registry) -> list[Binding]:
    """Every binding of http.sys, those by address first."""
    found = []
    for root, by_name in ((host.BINDINGS, False), (host.SNI_BINDINGS, True)):
        for place in registry.below(root):
            key = f"{root}\\{place}"
            where, _colon, port = place.rpartition(":")
            if not port.isdigit():
                continue
            thumbprint = registry.data(key, "SslCertHash")
            found.append(
                Binding(
                    key,
                    "0.0.0.0" if by_name else where,  # noqa: S104  a name is served on every address
                    int(port),
                    where if by_name else "",
                    thumbprint.hex() if isinstance(thumbprint, bytes) else "",
                    registry.text(key, "SslCertStoreName") or "MY",
                    registry.number(key, "DefaultFlags") or 0,
                )
            )
    return found


def meaning(flags: int) -> list[str]:
    """Names of the flags that are set, unknown ones as a number."""
    unknown = flags & ~sum(FLAGS)
    return [name for bit, name in FLAGS.items() if flags & bit] + ([hex(unknown)] if unknown else [])


# --- listeners ----------------------------------------------------------------------------------------------------


def effective(registry: Registry, build: int, role: str) -> dict[str, Setting]:
    """What Schannel as a whole offers in a role, after the next boot. What is not known is left out."""
    protocols = plan.spoken_protocols(registry, build, role)
    places = []
    for protocol in schannel.WORDS:
        key = plan.protocol_key(protocol, role)
        value = registry.get(key, "Enabled")
        if value is not None:
            places.append(Provenance(key, 0, f"Enabled={spoken(value)}"))
        elif protocol in protocols:
            places.append(Provenance("", 0, f"{protocol} is on in build {build} when Enabled is absent"))
    found = {"protocols": Setting(protocols, tuple(places))}
    order = plan.suite_order(registry)
    if order is not None:
        names, value = order
        where = (Provenance(value.key, 0, f"{value.name}={spoken(value)}"),)
        tls13 = tuple(name for name in names if _is_tls13(name))
        old = tuple(name for name in names if name not in tls13)
        older = any(protocol in protocols for protocol in model.PROTOCOLS[:-1])
        found["suites_tls12"] = Setting(old if older else (), where)
        found["suites_tls13"] = Setting(tls13 if "TLSv1.3" in protocols else (), where)
    curves = registry.get(settings.POLICY, "EccCurves")
    if curves is not None and isinstance(curves.data, (str, tuple)):
        names = schannel.parse_curves(curves.data.split(",") if isinstance(curves.data, str) else curves.data)
        found["groups"] = Setting(names, (Provenance(curves.key, 0, f"EccCurves={spoken(curves)}"),))
    return found


def _is_tls13(name: str) -> bool:
    try:
        return suites.by_name(name).tls13
    except KeyError:
        return False


def machine(registry: Registry, build: int, role: str) -> Listener:
    """Schannel as a whole in a role: what programs get that bring no settings of their own. It has no address."""
    return Listener(STACK, f"Schannel {role}", role, "", (), False, True, effective(registry, build, role), ())


def listeners(registry: Registry, build: int) -> list[Listener]:
    """What http.sys serves over TLS, IIS and WinRM among it, and Remote Desktop where it is switched on."""
    common = effective(registry, build, "server")
    found = [_bound(binding, common, build) for binding in bindings(registry)]
    port = registry.number(host.RDP_TCP, "PortNumber")
    if registry.number(host.RDP, "fDenyTSConnections") == 0 and port:
        address = f"0.0.0.0:{port}"
        found.append(Listener(STACK, "rdp", "server", address, (), True, True, common, (f"rdp://127.0.0.1:{port}",)))
    return found


def _bound(binding: Binding, common: dict[str, Setting], build: int) -> Listener:
    own = dict(common)
    off: set[str] = set()
    if build >= schannel.SERVER_2022:  # older builds take the flags and do not heed them
        off |= {"TLSv1.3"} if binding.flags & NO_TLS13 else set()
        off |= {"TLSv1.2"} if binding.flags & NO_TLS12 else set()
        off |= set(model.PROTOCOLS[:4]) if binding.flags & NO_LEGACY_TLS else set()
    if off:
        text = f"DefaultFlags={binding.flags:#x} ({', '.join(meaning(binding.flags))})"
        left = tuple(name for name in common["protocols"].value if name not in off)
        places = (*common["protocols"].provenance, Provenance(binding.key, 0, text))
        own["protocols"] = Setting(left, places)
    scheme = "winrms" if binding.port == _WINRM_HTTPS else "https"
    names = (binding.name,) if binding.name else ()
    target = "127.0.0.1" if binding.address == "0.0.0.0" else "[::1]" if binding.everywhere else binding.address  # noqa: S104
    endpoint = f"{scheme}://{target}:{binding.port}" + (f"?sni={binding.name}" if binding.name else "")
    address = f"{binding.address}:{binding.port}"
    return Listener(STACK, "http.sys", "server", address, names, not names, True, own, (endpoint,))


# --- certificates -------------------------------------------------------------------------------------------------


def certificates(registry: Registry) -> dict[str, bytes]:
    """Certificates of the computer's own store in DER, by thumbprint in lower-case hex."""
    found = {}
    for thumbprint in registry.below(host.CERTIFICATES):
        blob = registry.data(f"{host.CERTIFICATES}\\{thumbprint}", "Blob")
        if isinstance(blob, bytes):
            der = _records(blob, thumbprint).get(_CERTIFICATE)
            if der:
                found[thumbprint.lower()] = der
    return found


def _records(blob: bytes, thumbprint: str) -> dict[int, bytes]:
    records: dict[int, bytes] = {}
    at = 0
    while at < len(blob):
        if len(blob) < at + 12:
            raise RegistryError(f"certificate {thumbprint}: the record at byte {at} is cut off")
        number, _one, length = struct.unpack_from("<III", blob, at)
        at += 12
        if len(blob) < at + length:
            raise RegistryError(f"certificate {thumbprint}: record {number} is cut off")
        records[number] = blob[at : at + length]
        at += length
    return records
