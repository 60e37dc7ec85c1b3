# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which protocols and suites were used on a Windows host, by what Schannel logs, in the shape of the module ``usage``.

Schannel writes event 36880 for each handshake while ``EventLogging`` has the bit 4 (Microsoft, "How to enable Schannel
event logging", KB260729). It tells protocol and suite, but neither address nor port: how often an old protocol is used
can be said, and by whom cannot. Never run on a Windows; see ``tests/fixtures/windows``.
"""

from __future__ import annotations

import typing as t
from xml.etree import ElementTree

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model, suites
from ansible_collections.encryption.in_transit.plugins.module_utils.run import usage as desk
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import handshakes

from . import evidence, host, settings
from .remote import Remote

Json = t.Dict[str, t.Any]

STACK, PLACE = "schannel", "every listener"
_HANDSHAKE = 36880
#: Most events that are asked for, the newest first.
_EVENTS = 5000
#: ``EventLogging``: informational and success events.
_SUCCESS = 4

#: Protocol ids by Schannel's words.
_PROTOCOLS = {
    "SSL 2.0": "SSLv2",
    "SSL 3.0": "SSLv3",
    "TLS 1.0": "TLSv1.0",
    "TLS 1.1": "TLSv1.1",
    "TLS 1.2": "TLSv1.2",
    "TLS 1.3": "TLSv1.3",
}


def usage(remote: Remote, options: t.Mapping[str, t.Any], now: float) -> Json:
    """The result for ``since``, ``profile`` and ``baseline``; ``now`` is in seconds since 1970.

    Raises InTransitError.
    """
    since = desk.moment(options["since"], now)
    baseline = model.load(options["profile"], options["baseline"])
    facts, (text,) = host.read(remote, [_command(max(0, int(now - since)))])
    logging = facts.registry.number(settings.SCHANNEL, "EventLogging")
    log: Json = {"stack": STACK, "path": "the log System", "files": [], "lines": 0, "handshakes": 0, "unread": 0,
                 "oldest": None, "errors": []}  # fmt: skip
    found: Json = {"handshakes": [], "logs": [log], "unknown": []}
    reasons = ["Schannel logs no addresses"]
    # Without the value, only errors are logged.
    if not (1 if logging is None else logging) & _SUCCESS:
        reasons.insert(0, f"EventLogging is {'not set' if logging is None else logging}: no handshake is logged")
    try:
        found["handshakes"] = _rows(text, baseline, log)
    except ElementTree.ParseError as error:
        reasons.append(f"events could not be read: {error}")
    if log["lines"] == _EVENTS:
        reasons.append(f"only the newest {_EVENTS} events were read, back to {log['oldest']}")
    if log["unread"]:
        reasons.append(f"{log['unread']} events are not in the form they should have")
    found["unknown"].append({"stack": STACK, "listener": PLACE, "reason": "; ".join(reasons)})
    told = {"msg": desk.summary(found), "since": desk.stamp(since), "profile": baseline.profile}
    return {"changed": False, **told, **found}


def _command(seconds: int) -> str:
    """Events no older than that (Microsoft, "Consuming Events": timediff is in milliseconds)."""
    which = f"EventID={_HANDSHAKE} and TimeCreated[timediff(@SystemTime) <= {seconds * 1000}]"
    query = f"*[System[Provider[@Name='Schannel'] and {which}]]"
    return f'wevtutil qe System "/q:{query}" /c:{_EVENTS} /rd:true /f:xml'


def _rows(text: str, baseline: model.Baseline, log: Json) -> list[Json]:
    """One entry for each direction, protocol and suite; what was read is added to ``log``."""
    counts: dict[tuple[str, desk.Kind], desk.Count] = {}
    for event in evidence.events(text):
        log["lines"] += 1
        try:
            when = handshakes.moment("iso", event["SystemTime"].encode("ascii", "replace"))
            direction = {"server": "incoming", "client": "outgoing"}[event["Type"].lower()]
            suite = suites.name_of(int(event["CipherSuite"], 0))
            kind = desk.judged(_PROTOCOLS[event["Protocol"]], suite, baseline)
        except (KeyError, ValueError, handshakes.Unreadable):
            log["unread"] += 1
            continue
        log["handshakes"] += 1
        counts.setdefault((direction, kind), desk.Count()).add(1, when, when)
    first = [count.first for count in counts.values() if count.first is not None]
    log["oldest"] = desk.stamp(min(first, default=None))
    rows = []
    for (direction, kind), count in counts.items():
        rows.append(
            {
                "stack": STACK,
                "listener": PLACE,
                "ports": [],
                "direction": direction,
                "client": desk.UNTOLD,
                "protocol": kind.protocol,
                "suite": kind.suite,
                "count": count.number,
                "first": desk.stamp(count.first),
                "last": desk.stamp(count.last),
                "below": list(kind.below),
                # A program may have chosen fewer protocols than the host has.
                "breaks": "unknown" if kind.below else "no",
                "newer": None,
            }
        )
    return sorted(rows, key=lambda row: (not row["below"], -row["count"], row["suite"]))
