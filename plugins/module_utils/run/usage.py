# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who shook hands with the servers of this host, by what their logs tell.

Only counts leave the host, one for each listener, client, protocol and suite. What is in no log is unknown, and said
to be: a client that is not in the answer may still exist.
"""

from __future__ import annotations

import re
import time
import typing as t

from ..baseline import suites
from ..errors import InTransitError
from ..stacks import handshakes
from ..stacks.handshakes import Unreadable

if t.TYPE_CHECKING:
    from ..baseline.model import Baseline
    from ..stacks.contract import Instance, Listener, Stack
    from ..stacks.handshakes import Handshake, Source, Writer
    from ..stacks.host import Host

    Json = t.Dict[str, t.Any]

#: Names of suites, and of places, that are told apart in one log: more of them are no traffic but an attack.
_WORDS_MAX = 10_000

_UNITS = {"h": 3600, "d": 86400, "w": 7 * 86400}

#: What stands for clients beyond the number that is told one by one, for a name that is masked, and for whoever came
#: where a log has no addresses.
OTHERS, MASKED, UNTOLD = "others", "masked", "not told"


class Options(t.NamedTuple):
    """``since`` is in seconds since 1970; ``mask`` takes the part of an address away that means one device;
    ``clients`` is how many lines are told one by one of those below the baseline, and of the others."""

    since: float
    mask: bool = False
    clients: int = 10_000
    config: tuple[str, ...] = ()


def moment(text: str, now: float) -> float:
    """Seconds since 1970 of ``30d`` (before now; h, d or w), ``2026-11-01`` or ``2026-11-01T08:00:00Z``, both in UTC.

    Raises InTransitError.
    """
    ago = re.fullmatch(r"([0-9]{1,6})([hdw])", text)
    if ago:
        return now - int(ago.group(1)) * _UNITS[ago.group(2)]
    day = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)
    try:
        return handshakes.moment("iso", (f"{text}T00:00:00Z" if day else text).encode("ascii", "replace"))
    except Unreadable:
        message = "is neither a span such as 30d or 12h, nor a time such as 2026-11-01 or 2026-11-01T08:00:00Z"
        raise InTransitError(f"since: {text!r} {message}") from None


def usage(stacks: t.Iterable[Stack], host: Host, baseline: Baseline, options: Options) -> Json:
    """What the logs of these stacks tell, in plain JSON types:

    ``handshakes``  one entry for each ``stack``, ``listener`` (with its ``ports``), ``direction``, ``client``,
                    ``protocol`` and ``suite``: ``count``, ``first`` and ``last`` (UTC; null when lines have no time),
                    ``below`` (what of it the baseline forbids, empty when nothing), ``breaks``: ``yes``, ``unknown`` or
                    ``no`` when what is forbidden goes away, ``newer``: when the same client last held the baseline
    ``logs``        what was read: ``stack``, ``path``, ``files``, ``lines``, ``handshakes``, ``unread``, ``oldest``
    ``unknown``     ``stack``, ``listener`` and ``reason`` for every listener whose clients are not, or only partly told
    """
    found: Json = {"handshakes": [], "logs": [], "unknown": []}
    for stack in stacks:
        for instance in stack.discover(host):
            if not options.config or instance.config in options.config:
                _of_instance(stack, host, instance, baseline, options, found)
    return found


def _of_instance(
    stack: Stack, host: Host, instance: Instance, baseline: Baseline, options: Options, found: Json
) -> None:
    def unknown(listener: str, reason: str) -> None:
        told = {"stack": stack.name, "listener": listener, "reason": reason}
        if told not in found["unknown"]:
            found["unknown"].append(told)

    try:
        logged = stack.handshakes(instance, stack.read(host, instance))
    except InTransitError as error:
        unknown(instance.config, str(error))
        return
    for listener, reason in logged.silent:
        unknown(place(listener), reason)
    for source in logged.sources:
        tally = _Tally(source, baseline, options)
        log = tally.read(host)
        found["logs"].append({"stack": stack.name, **log})
        found["handshakes"] += [{"stack": stack.name, **row} for row in tally.rows()]
        reasons = [source.partly] if source.partly else []
        reasons += log["errors"]
        if not log["files"] and not log["lines"]:
            reasons.append(f"there is nothing in {log['path']}")
        if log["unread"]:
            reasons.append(f"{log['unread']} lines of {log['path']} are not in the form they should have")
        if reasons:
            unknown(_all(source.writers), "; ".join(reasons))


def place(listener: Listener) -> str:
    """A listener in a word: its address, and a name it has."""
    names = listener.names
    more = f" and {len(names) - 1} more names" if len(names) > 1 else ""
    return " ".join(filter(None, (listener.address, names[0] + more if names else "")))


def _all(writers: t.Sequence[Writer]) -> str:
    places = list(dict.fromkeys(place(one.listener) for one in writers))
    return ", ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")


def stamp(seconds: float | None) -> str | None:
    """UTC as ISO 8601; None stays None."""
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Kind(t.NamedTuple):
    """A protocol and a suite as they are told, and judged."""

    protocol: str
    suite: str
    below: tuple[str, ...]


def judged(protocol: str, suite: str, baseline: Baseline) -> Kind:
    """What the baseline says of a protocol and a suite (a name of OpenSSL or IANA); either may be empty."""
    try:
        name = suites.by_openssl(suite).name
    except KeyError:
        name = suite
    below = []
    if protocol not in baseline.protocols:
        below.append(protocol or "a protocol that is not told")
    if name and baseline.forbids_suite(name):
        below.append(name)
    if not protocol and name and not baseline.forbids_suite(name):
        # What only new protocols have tells of them.
        below = [] if suites.by_name(name).min_protocol in baseline.protocols else below
    return Kind(protocol, name, tuple(below))


class Count:
    """Handshakes of one kind: how many, and when in seconds since 1970."""

    __slots__ = ("first", "last", "number")

    def __init__(self) -> None:
        self.number = 0
        self.first: float | None = None
        self.last: float | None = None

    def add(self, number: int, first: float | None, last: float | None) -> None:
        self.number += number
        if first is not None and (self.first is None or first < self.first):
            self.first = first
        if last is not None and (self.last is None or last > self.last):
            self.last = last


class _Tally:
    """Counts of one log, in memory that does not grow with it."""

    def __init__(self, source: Source, baseline: Baseline, options: Options) -> None:
        self.source, self.baseline, self.options = source, baseline, options
        #: By client, the writers it may have come to (their places in the source), and kind.
        self._counts: dict[tuple[str, tuple[int, ...], Kind], Count] = {}
        #: How many of them have a client of their own, by whether they are below the baseline.
        self._told = {True: 0, False: 0}
        self._kinds: dict[tuple[str, str], Kind] = {}
        self._places: dict[tuple[str, str], tuple[int, ...]] = {}

    # --- reading ------------------------------------------------------------------------------------------------------

    def read(self, host: Host) -> Json:
        """Read the log to its end; what was read, for the result."""
        source, since = self.source, self.options.since
        errors: list[str] = []
        log: Json = {"path": ", ".join(source.paths), "files": [], "lines": 0, "unread": 0, "handshakes": 0}
        written = since
        for file in handshakes.opened(host, source, since, errors):
            log["files"].append(file.path)
            written = max(written, file.changed)
            self._take(file.lines, file.changed, log)
        try:
            self._take(handshakes.journal(host, source, written, errors), time.time(), log)
        except OSError as error:
            errors.append(f"the journal: {error.strerror or error}")
        times = [one.first for one in self._counts.values() if one.first is not None]
        return {**log, "oldest": stamp(min(times, default=None)), "errors": errors}

    def _take(self, lines: t.Iterable[bytes], newest: float, log: Json) -> None:
        read, since = self.source.read, self.options.since
        count = unread = taken = 0
        for line in lines:
            count += 1
            try:
                one = read(line, newest)
            except Unreadable:
                unread += 1
                continue
            if one is not None and (one.time is None or one.time >= since):
                taken += 1
                self._add(one)
        log["lines"] += count
        log["unread"] += unread
        log["handshakes"] += taken

    def _add(self, one: Handshake) -> None:
        kind = self._kind(one.protocol, one.suite)
        key = (one.client, self._writers(one.port, one.name), kind)
        count = self._counts.get(key)
        if count is None:
            below = bool(kind.below)
            if self._told[below] >= self.options.clients:
                count = self._counts.setdefault((OTHERS, *key[1:]), Count())
            else:
                self._told[below] += 1
                count = self._counts[key] = Count()
        count.add(1, one.time, one.time)

    def _writers(self, port: str, name: str) -> tuple[int, ...]:
        """The writers a line may be of, as far as it tells."""
        found = self._places.get((port, name))
        if found is None:
            every = list(enumerate(self.source.writers))
            at_port = [one for one in every if port and one[1].listener.address.endswith(f":{port}")] or every
            named = [one for one in at_port if name and name in one[1].names] or at_port
            found = tuple(number for number, _writer in named)
            if len(self._places) < _WORDS_MAX:
                self._places[port, name] = found
        return found

    # --- judging ------------------------------------------------------------------------------------------------------

    def _kind(self, protocol: str, suite: str) -> Kind:
        kind = self._kinds.get((protocol, suite))
        if kind is None:
            if len(self._kinds) >= _WORDS_MAX:
                return self._kind(protocol, "")
            kind = self._kinds[protocol, suite] = judged(protocol, suite, self.baseline)
        return kind

    def _breaks(self, writers: t.Sequence[Writer], kind: Kind) -> str:
        """Whether a client is cut off without what is below the baseline.

        A server answers with the newest protocol both can (RFC 8446, appendix D; RFC 5246, appendix E.1): where it has
        a newer one today, who got an old one has nothing newer. About suites no such thing is known.
        """
        if not kind.below:
            return "no"
        if kind.protocol in self.baseline.protocols or not kind.protocol:
            return "unknown"
        for writer in writers:
            setting = writer.listener.settings.get("protocols")
            if setting is None or not any(name in self.baseline.protocols for name in setting.value):
                return "unknown"
        return "yes"

    # --- telling ------------------------------------------------------------------------------------------------------

    def rows(self) -> list[Json]:
        """The counts, those below the baseline and the most frequent first."""
        told: dict[tuple[str, tuple[int, ...], Kind], Count] = {}
        held: dict[tuple[str, tuple[int, ...]], Count] = {}
        for (client, places, kind), count in self._counts.items():
            shown = masked(client) if self.options.mask else client
            told.setdefault((shown, places, kind), Count()).add(count.number, count.first, count.last)
            if not kind.below:
                held.setdefault((shown, places), Count()).add(count.number, count.first, count.last)
        rows = []
        for (client, places, kind), count in told.items():
            newer = held.get((client, places)) if kind.below and client != OTHERS else None
            writers = [self.source.writers[number] for number in places]
            rows.append(
                {
                    "listener": _all(writers),
                    "ports": sorted({int(port) for port in map(_port, writers) if port}),
                    "direction": "outgoing" if all(one.listener.role == "client" for one in writers) else "incoming",
                    "client": client,
                    "protocol": kind.protocol,
                    "suite": kind.suite,
                    "count": count.number,
                    "first": stamp(count.first),
                    "last": stamp(count.last),
                    "below": list(kind.below),
                    "breaks": self._breaks(writers, kind),
                    "newer": stamp(newer.last) if newer else None,
                }
            )
        return sorted(rows, key=lambda row: (not row["below"], -row["count"], row["client"], row["suite"]))


def _port(writer: Writer) -> str:
    return "" if writer.listener.role == "client" else writer.listener.address.rpartition(":")[2].partition("-")[0]


def masked(client: str) -> str:
    """The network of an address: the first 24 bits of IPv4, the first 64 of IPv6, whose rest is the interface
    (RFC 4291, section 2.5.1). Any name becomes :data:`MASKED`."""
    import ipaddress

    if client in (OTHERS, "local"):
        return client
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return MASKED
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 64), strict=False))


def summary(found: Json) -> str:
    """The result in a sentence."""
    below = {row["client"] for row in found["handshakes"] if row["below"]}
    parts = [f"{len(below)} client{'s' if len(below) != 1 else ''} below the baseline"]
    parts.append(f"{sum(log['handshakes'] for log in found['logs'])} handshakes in {len(found['logs'])} logs")
    if found["unknown"]:
        parts.append(f"{len(found['unknown'])} listeners whose clients are unknown, or known only in part")
    return ", ".join(parts)
