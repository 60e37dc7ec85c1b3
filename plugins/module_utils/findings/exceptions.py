# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an approved exception covers, exactly, and until when.

Enforcement and judgement both ask here, so they cannot disagree. The controller reads the register of exceptions and
hands on *grants*, one for each exception in force, as plain JSON types:

==========  =======================================================================================================
``id``      of the exception
``hosts``   inventory names, or hosts in URIs; exact, in lower case; left out where they are made for one host
``ports``   of the listeners
``names``   server names; empty: whatever those ports serve
``stack``   software, empty: any
``checks``  ids of checks that may fail there, among :data:`EXCEPTABLE`
``accept``  names tolerated by checks about lists; everything else still fails
``since``   first day on which it counts       ``expires``  the last one (YYYY-MM-DD)
==========  =======================================================================================================

All functions are pure; ``today`` is always passed in.
"""

from __future__ import annotations

from ..errors import InTransitError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    import typing as t
    from typing import NamedTuple as Record

    Json = t.Dict[str, t.Any]
else:  # the judge is on the way to every verdict
    from ..baseline.record import Record

#: Checks that may be excepted, and what the names in their findings are: a protocol the check itself stands for, or
#: a kind of name that ``accept`` has to list. Empty: the check has no degrees. What is not here never can be: SSL 2.0
#: and 3.0 (RFC 6176, RFC 7568), certificates past their date, and whatever says that nothing was proved.
EXCEPTABLE = {
    "protocol.tls1_0": "protocol",
    "protocol.tls1_1": "protocol",
    "protocol.tls1_2": "protocol",
    "protocol.tls1_3": "protocol",
    "protocol.approved": "",
    "suite.forbidden": "suite",
    "group.forbidden": "group",
    "signature.forbidden": "scheme",
    "tls.compression": "",
    "tls.secure_renegotiation": "",
    "tls.extended_master_secret": "",
    "session.tickets": "",
    "transport.plaintext": "",
    "transport.login": "",
    "http.hsts": "",
    "certificate.name": "",
    "certificate.key": "key",
    "certificate.signature": "algorithm",
    "certificate.lifetime": "",
    "upstream.protocol": "upstream protocol",
    "upstream.suite": "suite",
    "upstream.verification": "",
}

#: The check that stands for each protocol, the other way round.
PROTOCOLS = {
    "TLSv1.0": "protocol.tls1_0",
    "TLSv1.1": "protocol.tls1_1",
    "TLSv1.2": "protocol.tls1_2",
    "TLSv1.3": "protocol.tls1_3",
}


class Place(Record):
    """Where something was seen: ``hosts`` are all names of its host; ``names`` are server names, empty when asked for
    none."""

    hosts: tuple[str, ...]
    stack: str
    port: int
    names: tuple[str, ...]


def checked(grants: t.Iterable[t.Any], today: datetime.date) -> list[Json]:
    """The grants in force today. Raises InTransitError for one that grants what nobody can, or that cannot be read."""
    kept = []
    for grant in grants:
        name = grant.get("id") or "without id"
        missing = [key for key in ("id", "ports", "checks", "since", "expires") if not grant.get(key)]
        if missing:
            raise InTransitError(f"exception {name}: {missing[0]} is missing")
        wrong = [check for check in grant["checks"] if check not in EXCEPTABLE]
        if wrong:
            raise InTransitError(f"exception {name}: check {wrong[0]} cannot be excepted")
        for key in ("since", "expires"):
            if not _is_day(grant[key]):
                raise InTransitError(f"exception {name}: {key}: {grant[key]!r} is no day; write YYYY-MM-DD")
        if in_force(grant, today):
            # Host names have no case (RFC 4343), and whoever writes a grant by hand may give them one.
            lower = {key: [name.lower() for name in grant[key]] for key in ("hosts", "names") if grant.get(key)}
            kept.append({**grant, **lower})
    return kept


def _is_day(text: t.Any) -> bool:
    import datetime

    try:
        return datetime.date.fromisoformat(text).isoformat() == str(text)
    except (TypeError, ValueError):
        return False


def in_force(grant: Json, today: datetime.date) -> bool:
    """Whether it counts on that day. Its last day still counts, the day after does not."""
    since, day, expires = str(grant["since"]), today.isoformat(), str(grant["expires"])
    return since <= day <= expires


def concerning(grants: t.Iterable[Json], hosts: t.Collection[str]) -> list[Json]:
    """Those that name one of these hosts."""
    wanted = {host.lower() for host in hosts}
    return [grant for grant in grants if wanted.intersection(grant.get("hosts") or ())]


def at(grants: t.Iterable[Json], place: Place) -> list[Json]:
    """Those whose scope holds the place as a whole."""
    return [grant for grant in grants if _within(grant, place)]


def _within(grant: Json, place: Place) -> bool:
    names = grant.get("names") or ()
    if place.port not in grant["ports"]:
        return False
    if grant.get("stack") and place.stack and grant["stack"] != place.stack:
        return False
    if grant.get("hosts") and not any(host.lower() in grant["hosts"] for host in place.hosts):
        return False
    if not names:
        return True
    return bool(place.names) and all(name.lower() in names for name in place.names)


def covering(grants: t.Iterable[Json], check: str, names: t.Collection[str] | None) -> Json | None:
    """The grant that covers this failure of a check, among those :func:`at` its place.

    ``names`` is all that was seen to break the rule, None when there may be more of it than was seen: then a check
    about a list of names is not covered, because something worse may hide behind what is excepted.
    """
    for grant in grants:
        if check not in grant["checks"]:
            continue
        if EXCEPTABLE[check] in ("", "protocol"):
            return grant
        if names and set(names).issubset(grant.get("accept") or ()):
            return grant
    return None


def apply(findings: t.Iterable[Json], grants: t.Iterable[Json], place: t.Callable[[], Place]) -> None:
    """Turn ``fail`` into ``excepted`` where a grant covers it; ``observed`` and ``expected`` stay as they were.

    ``place`` is asked only where there are grants. Takes the key ``names`` (see :func:`covering`) out of every finding
    on the way.
    """
    here = at(grants, place()) if grants else []
    for item in findings:
        names = item.pop("names", None)
        if here and item["status"] == "fail":
            grant = covering(here, item["check"], names)
            if grant is not None:
                item["status"], item["exception"] = "excepted", grant["id"]


def kept_protocols(grants: t.Iterable[Json]) -> list[str]:
    """Protocols that stay on where they are on, by grants :func:`at` a place."""
    checks = {check for grant in grants for check in grant["checks"]}
    return [protocol for protocol, check in PROTOCOLS.items() if check in checks]


def kept_names(grants: t.Iterable[Json], check: str) -> set[str]:
    """Names that stay where they are, for a check about a list of names."""
    return {name for grant in grants if check in grant["checks"] for name in grant.get("accept") or ()}


def port_of(address: str) -> int:
    """Port of a listener's address such as ``*:443`` or ``[::]:443``; 0 for what has none."""
    digits = address.rpartition(":")[2]
    return int(digits) if digits.isdigit() else 0


def host_of(uri: str) -> str:
    """Host in the URI of an endpoint, without brackets; the URI was parsed before, so nothing is checked."""
    authority = uri.partition("://")[2].partition("/")[0].partition("?")[0]
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]
