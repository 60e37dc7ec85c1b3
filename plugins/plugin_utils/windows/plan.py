# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The smallest change by which a Windows registry holds the baseline, and the guards it must pass. Pure.

Each guard stands for an outage people have had. A state that was there before is told and does not stop the run; one
that the change itself would bring about stops it before anything is written.
"""

from __future__ import annotations

import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model, suites
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import schannel
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Kept

from . import settings
from .registry import Registry, Value

#: The database of the Remote Desktop Connection Broker and of WSUS, which speaks TLS 1.0 with its clients.
WID = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\MSSQL$MICROSOFT##WID"


#: Guards that refuse, and can be told to accept.
GUARDS = ("G1", "G2", "G4", "G5")


class GuardError(InTransitError):
    """A change that would lock people out. ``guards`` are the ids."""

    def __init__(self, alarms: t.Sequence[Alarm]) -> None:
        words = "; ".join(f"{alarm.guard}: {alarm.reason}. {alarm.way}" for alarm in alarms)
        super().__init__(f"nothing was changed, because the change would do harm. {words}")
        self.guards = tuple(alarm.guard for alarm in alarms)


class Alarm(t.NamedTuple):
    """What a guard found. ``refuses``: it is no reason only to warn."""

    guard: str
    refuses: bool
    reason: str
    way: str


class Change(t.NamedTuple):
    """One value before and after, and the wish behind it."""

    wish: settings.Wish
    before: Value | None

    @property
    def after(self) -> Value:
        return self.wish.value

    @property
    def undo(self) -> Value:
        """What brings the value back that was there."""
        return self.before or self.after._replace(type="REG_NONE", data=None)


class Plan(t.NamedTuple):
    """``wishes`` are all that were looked at, ``changes`` those that do not hold yet; ``baseline`` is clamped."""

    baseline: model.Baseline
    clamps: tuple[model.Clamp, ...]
    wishes: tuple[settings.Wish, ...]
    changes: tuple[Change, ...]
    alarms: tuple[Alarm, ...]

    @property
    def reboot(self) -> bool:
        return any(change.wish.effect == "reboot" for change in self.changes)


def make(
    registry: Registry,
    build: int,
    baseline: model.Baseline,
    parts: t.Collection[str] = settings.DEFAULT_PARTS,
    roles: t.Collection[str] = tuple(settings.ROLES),
    accept: t.Collection[str] = (),
    https: bool = False,
    kept: Kept = Kept(),  # noqa: B008  a tuple
) -> Plan:
    """Compare the registry of a build with the baseline.

    ``https`` tells whether the connection to the host itself is TLS made by Schannel. ``kept`` is what exceptions keep
    on the host as a whole: ``protocols`` of servers, ``names`` of suites and groups, and of protocols for clients.
    Raises BaselineError when the build can do nothing of the baseline, GuardError unless ``accept`` names the guard.
    """
    clamped, clamps = model.clamp(baseline, schannel.capabilities(build))
    asked = settings.wishes(_with_kept(clamped, registry, kept), build, parts, roles)
    wanted = tuple(_kept_back(asked, registry, build, kept))
    changes = tuple(Change(wish, registry.get(wish.key, wish.name)) for wish in wanted if not wish.holds(registry))
    planned = registry.merged(change.after for change in changes)
    before = {alarm.guard for alarm in _alarms(registry, registry, build, https)}
    alarms = _alarms(registry, planned, build, https)
    refused = [alarm for alarm in alarms if alarm.refuses and alarm.guard not in (*before, *accept)]
    if refused and changes:
        raise GuardError(refused)
    return Plan(clamped, clamps, wanted, changes, tuple(alarms))


# --- what exceptions keep, as it is found -------------------------------------------------------------------------


def kept_protocols(registry: Registry, build: int, role: str, kept: Kept) -> tuple[str, ...]:
    """Protocols that stay on for a role, by an exception and because they are on."""
    names = kept.protocols if role == "server" else kept.names
    return tuple(name for name in spoken_protocols(registry, build, role) if name in names)


def _with_kept(baseline: model.Baseline, registry: Registry, kept: Kept) -> model.Baseline:
    """The baseline and, behind its own, suites and curves that are kept. A list that is not known keeps nothing."""
    order = suite_order(registry)
    curves = registry.data(settings.POLICY, "EccCurves")
    groups = schannel.parse_curves(curves) if isinstance(curves, tuple) else ()
    extra = [name for name in (order[0] if order else ()) if name in kept.names and name not in baseline.suites_tls12]
    return baseline._replace(
        suites_tls12=(*baseline.suites_tls12, *(name for name in extra if not _is_tls13(name))),
        groups=(*baseline.groups, *(name for name in groups if name in kept.names and name not in baseline.groups)),
    )


def _kept_back(
    wanted: t.Iterable[settings.Wish], registry: Registry, build: int, kept: Kept
) -> t.Iterator[settings.Wish]:
    """The wishes, but for switches of protocols that are kept; WinHTTP goes on offering those it offers."""
    servers, clients = (kept_protocols(registry, build, role, kept) for role in settings.ROLES)
    keys = {protocol_key(name, role) for role, names in zip(settings.ROLES, (servers, clients)) for name in names}
    for wish in wanted:
        if wish.part == "winhttp" and isinstance(wish.data, int):
            there = registry.number(wish.key, wish.name)
            offered = schannel.secure_protocols(clients) & (-1 if there is None else there)
            yield wish._replace(data=wish.data | offered)
        elif wish.key not in keys:
            yield wish


# --- what a state of the registry means ---------------------------------------------------------------------------


def spoken_protocols(registry: Registry, build: int, role: str) -> tuple[str, ...]:
    """Protocol ids that Schannel speaks in a role, oldest first; ``DisabledByDefault`` alone keeps no program away."""
    defaults = schannel.default_protocols(build)
    return tuple(protocol for protocol in schannel.WORDS if _is_on(registry, protocol, role, protocol in defaults))


def _is_on(registry: Registry, protocol: str, role: str, default: bool) -> bool:
    enabled = registry.number(protocol_key(protocol, role), "Enabled")
    return default if enabled is None else enabled != 0


def protocol_key(protocol: str, role: str) -> str:
    return rf"{settings.PROTOCOLS}\{schannel.WORDS[protocol]}\{settings.ROLES[role]}"


def suite_order(registry: Registry) -> tuple[tuple[str, ...], Value] | None:
    """Suites by IANA name in the order Schannel takes at its next boot, and the value that says so; None: not known."""
    for key in (settings.POLICY, settings.LOCAL):
        value = registry.get(key, "Functions")
        if value is not None and isinstance(value.data, (str, tuple)) and value.data:
            return schannel.parse_suite_order(value.data), value
    return None


# --- guards -------------------------------------------------------------------------------------------------------


def _alarms(before: Registry, after: Registry, build: int, https: bool) -> list[Alarm]:
    found = [
        _tls13_needs_its_suites(after, build),
        _tls13_is_too_new(after, build),
        _broker_database(before, after, build),
        *_something_is_left(after, build, https),
        _suite_order_is_read(after),
        _ciphers_with_one(after),
    ]
    return [alarm for alarm in found if alarm]


def _tls13_needs_its_suites(registry: Registry, build: int) -> Alarm | None:
    """G1: a handshake that agrees on TLS 1.3 and finds no suite for it fails (WinRM died so: pywinrm issue 363)."""
    order = suite_order(registry)
    on = build >= schannel.SERVER_2022 and "TLSv1.3" in spoken_protocols(registry, build, "server")
    if not on or order is None or any(_is_tls13(name) for name in order[0]):
        return None
    reason = "TLS 1.3 would be on and the order of suites would hold none of it, which ends WinRM over HTTPS"
    return Alarm("G1", True, reason, "Name suites_tls13 in the baseline, or leave TLS 1.3 out of its protocols")


def _tls13_is_too_new(registry: Registry, build: int) -> Alarm | None:
    """G2: builds before Server 2022 have an unfinished TLS 1.3 that breaks handshakes when it is switched on."""
    on = [role for role in settings.ROLES if registry.number(protocol_key("TLSv1.3", role), "Enabled")]
    if build >= schannel.SERVER_2022 or not on:
        return None
    reason = f"TLS 1.3 is switched on ({' and '.join(on)}), and build {build} has none that works"
    return Alarm("G2", True, reason, "Switch it off: the part protocols does, for the roles it is asked for")


def _broker_database(before: Registry, after: Registry, build: int) -> Alarm | None:
    """G3: Remote Desktop management and WSUS reach their internal database over TLS 1.0 on many builds."""
    old = [("TLSv1.0" in spoken_protocols(state, build, "server")) for state in (before, after)]
    if WID not in before or old != [True, False]:
        return None
    reason = "the Windows Internal Database is installed; Remote Desktop Connection Broker or WSUS may need TLS 1.0"
    return Alarm("G3", False, reason, "Move them to a SQL Server, or leave roles at client until they are tested")


def _something_is_left(registry: Registry, build: int, https: bool) -> t.Iterator[Alarm]:
    """G4: the next handshake with the host, by WinRM or Remote Desktop, must have a protocol and a suite."""
    protocols, order = spoken_protocols(registry, build, "server"), suite_order(registry)
    way = "Give the baseline TLS 1.2 with a suite of ECDHE_RSA, or TLS 1.3 with a suite of its own"
    if not protocols:
        yield Alarm("G4", True, "no protocol would be left for servers", way)
    elif order is not None:
        usable = [name for name in order[0] if _usable(name, protocols)]
        if not usable:
            yield Alarm("G4", True, "no suite would be left for the protocols that are on", way)
        elif https and not any(_is_tls13(name) or "_RSA_" in name for name in usable):
            # Self-signed certificates of WinRM have RSA keys.
            yield Alarm("G4", True, "no suite would be left for an RSA certificate, such as WinRM has", way)


def _suite_order_is_read(registry: Registry) -> Alarm | None:
    """G5: a policy that is too long, or has blanks in it, is cut off or ignored without a word."""
    order = registry.text(settings.POLICY, "Functions")
    if order is None or (len(order) <= schannel.SUITE_ORDER_MAX and not set(order) & set(" \t")):
        return None
    reason = f"the order of suites has {len(order)} characters or blanks; Windows reads {schannel.SUITE_ORDER_MAX}"
    return Alarm("G5", True, reason, "Shorten the lists of suites in the baseline")


def _ciphers_with_one(registry: Registry) -> Alarm | None:
    """G6: a cipher that is "on" with 1 and not with all bits has left servers without any common suite."""
    found = [name for name in registry.below(settings.CIPHERS) if registry.number(_cipher(name), "Enabled") == 1]
    if not found:
        return None
    reason = f"Ciphers\\*\\Enabled is 1 for {', '.join(found)}; Windows wants 0xffffffff or no value there"
    return Alarm("G6", False, reason, "Take the value away, or write 0xffffffff")


def _cipher(name: str) -> str:
    return rf"{settings.CIPHERS}\{name}"


def _is_tls13(name: str) -> bool:
    try:
        return suites.by_name(name).tls13
    except KeyError:
        return False


def _usable(name: str, protocols: t.Collection[str]) -> bool:
    if _is_tls13(name):
        return "TLSv1.3" in protocols
    return any(protocol in protocols for protocol in model.PROTOCOLS[:-1])
