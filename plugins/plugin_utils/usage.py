# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who would break: what C(usage) found on all hosts, for people, for a spreadsheet, and for the exception register."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.exceptions import Place, at, covering
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.planning import CHECKS

from . import drafts, spreadsheet
from .drafts import TO_COMPLETE
from .printable import one_line
from .terminal import MOST, capped, plural, table

Json = t.Dict[str, t.Any]

COLUMNS = (
    "host",
    "stack",
    "listener",
    "direction",
    "client",
    "protocol",
    "suite",
    "count",
    "first",
    "last",
    "below",
    "breaks",
    "newer",
)

#: What is said of clients that are, or may be cut off.
_CUT = {"yes": "would", "unknown": "may"}

#: Clients that are named in the remark about a drafted entry.
_NAMED = 5


class Told(t.NamedTuple):
    """What one host told: the result of the module C(usage), or None with the ``error`` that prevented it."""

    host: str
    result: Json | None
    error: str = ""


def rows(hosts: t.Iterable[Told]) -> list[Json]:
    """Every entry of every host, with its ``host``."""
    return [{"host": one.host, **row} for one in hosts for row in (one.result or {}).get("handshakes") or ()]


def csv(hosts: t.Iterable[Told]) -> str:
    """The same as a table for a spreadsheet; what the baseline forbids in one cell."""
    return "".join(spreadsheet.table(COLUMNS, ({**row, "below": " ".join(row["below"])} for row in rows(hosts))))


# --- entries for the register of exceptions ---------------------------------------------------------------------------


def exceptions(hosts: t.Iterable[Told], today: datetime.date, taken: t.Iterable[str] = ()) -> list[tuple[str, Json]]:
    """(remark, entry) for each listener with clients below the baseline: all that can be known without their owners.

    ``taken`` are ids that the register has. Connections the servers open themselves have no port of theirs, and no
    exception: their settings are not changed unasked.
    """
    groups: dict[tuple[str, str, str], list[Json]] = {}
    for row in rows(hosts):
        if row["below"] and row["ports"]:
            groups.setdefault((row["host"], row["stack"], row["listener"]), []).append(row)
    of_year = [name for name in taken if name.startswith(f"EXC-{today.year}-")]
    number = max([int(name.rpartition("-")[2]) for name in of_year], default=0)
    found = []
    for (host, stack, listener), members in groups.items():
        number += 1
        entry = _entry(f"EXC-{today.year}-{number:03d}", host, stack, members, today)
        found.append((f"{host}, {stack} {listener}: {_clients(members)}", entry))
    return found


def _entry(name: str, host: str, stack: str, members: list[Json], today: datetime.date) -> Json:
    below = {word for row in members for word in row["below"]}
    protocols = [word for word in CHECKS if word in below]
    suites = sorted({row["suite"] for row in members} & below)
    entry: Json = {
        "id": name,
        "title": f"Clients that need {', '.join([*protocols, *(['weak suites'] if suites else [])])}",
        "status": "requested",
        "scope": {
            "hosts": [host],
            "ports": sorted({port for row in members for port in row["ports"]}),
            "stack": stack,
            "checks": [CHECKS[word] for word in protocols] + (["suite.forbidden"] if suites else []),
        },
    }
    if suites:
        entry["accept"] = suites
    return {
        **entry,
        "justification": TO_COMPLETE,
        "risk": {"rating": TO_COMPLETE, "statement": TO_COMPLETE},
        "compensating_controls": [TO_COMPLETE],
        "owner": {"name": TO_COMPLETE, "email": TO_COMPLETE},
        "requested": today.isoformat(),
        "expires": TO_COMPLETE,
        "remediation": {"plan": TO_COMPLETE},
    }


def _clients(members: list[Json]) -> str:
    """The clients of a listener in words, the most recent first."""
    last: dict[str, str] = {}
    for row in members:
        last[row["client"]] = max(last.get(row["client"], ""), row["last"] or "")
    newest = sorted(last, key=lambda client: last[client], reverse=True)
    named = ", ".join(f"{client} (last {last[client][:10] or 'seen at a time not told'})" for client in newest[:_NAMED])
    more = f" and {len(newest) - _NAMED} more" if len(newest) > _NAMED else ""
    return f"{plural(len(newest), 'client')}: {named}{more}"


def exceptions_yaml(entries: t.Sequence[tuple[str, Json]]) -> str:
    """The entries as a register file."""
    return drafts.register("Clients that the baseline would cut off", "exceptions", entries)


# --- before anything is changed ---------------------------------------------------------------------------------------


def warnings(report: t.Any, hosts: t.Iterable[str], exceptions: t.Mapping[str, t.Any]) -> list[str]:
    """Which clients of these hosts would be cut off, by an earlier ``usage.json``; one sentence for each listener.

    ``exceptions`` are grants by host: what they keep cuts off nobody. Raises InTransitError when it is no such report.
    """
    if not isinstance(report, dict) or not isinstance(report.get("hosts"), dict):
        raise InTransitError("it has no hosts; usage_report writes such a file (option directory)")
    found, missing = [], []
    for host in hosts:
        result = report["hosts"].get(host) or {}
        if not isinstance(result.get("handshakes"), list):
            missing.append(host)
            continue
        grants = exceptions.get(host) or []
        groups: dict[tuple[str, str, str], list[Json]] = {}
        for row in result["handshakes"]:
            if row["breaks"] in _CUT and not _is_kept(row, grants):
                groups.setdefault((row["breaks"], row["stack"], row["listener"]), []).append(row)
        for (breaks, stack, listener), members in sorted(groups.items(), key=lambda item: item[0][0] != "yes"):
            found.append(one_line(f"{host}, {stack} {listener}: {_CUT[breaks]} break: {_clients(members)}"))
    if missing:
        some = ", ".join(missing[:_NAMED]) + (f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else "")
        found.append(one_line(f"the report tells nothing of the clients of {some}"))
    return found


def _is_kept(row: Json, grants: t.Sequence[Json]) -> bool:
    """Whether exceptions keep all that the baseline forbids of it, at every port it may have come to."""
    for port in row["ports"] or [0]:
        here = at(grants, Place((), row["stack"], port, ()))
        if any(covering(here, CHECKS.get(word, "suite.forbidden"), [word]) is None for word in row["below"]):
            return False
    return True


# --- for people -------------------------------------------------------------------------------------------------------


class Shown(t.NamedTuple):
    """Text for a terminal, and the same as data. ``code``: 0 nobody breaks, 2 somebody does, 3 that is not known."""

    text: str
    code: int
    counts: Json


#: What is told of clients, by whether they would be cut off.
_HEADS = {
    "yes": "Would break if it went away today, because they got nothing newer from a server that has it:",
    "unknown": "May break; whether they have something better is not known:",
}


def show(hosts: t.Sequence[Told], width: int = 80) -> Shown:
    """One screen: who would break, who may, and of which listeners nothing is known."""
    every = rows(hosts)
    lines: list[str] = []
    for breaks, head in _HEADS.items():
        found = _lines([row for row in every if row["breaks"] == breaks])
        if found:
            lines += [head, table(("HOST", "LISTENER", "CLIENT", "USES", "COUNT", "LAST SEEN"), found[:MOST], width)]
            lines += [f"and {len(found) - MOST} more"] if len(found) > MOST else []
            lines.append("")
    silent = [f"{one.host}: {item['stack']} {item['listener']}: {item['reason']}"
              for one in hosts for item in (one.result or {}).get("unknown") or ()]  # fmt: skip
    silent += [f"{one.host} could not be looked at: {one.error}" for one in hosts if one.result is None]
    if silent:
        lines += ["Not known, or only in part:", *capped([one_line(item) for item in silent]), ""]
    clients = {breaks: len({(row["host"], row["client"]) for row in every if row["breaks"] == breaks})
               for breaks in _HEADS}  # fmt: skip
    counts = {
        "hosts": len(hosts),
        "hosts_not_read": sum(one.result is None for one in hosts),
        "handshakes": sum(row["count"] for row in every),
        "clients": clients,
        "unknown": len(silent),
    }
    parts = [
        plural(len(hosts), "host"),
        f"{counts['handshakes']} handshakes",
        f"{plural(clients['yes'], 'client')} would break, {clients['unknown']} may",
        f"{len(silent)} listeners or hosts not known" if silent else "every listener is logged",
    ]
    code = 2 if any(clients.values()) else 3 if silent or not every else 0
    return Shown("\n".join([*lines, ", ".join(parts)]), code, counts)


def _lines(found: t.Iterable[Json]) -> list[tuple[object, ...]]:
    """One line for each host, listener, client and protocol: suites together."""
    merged: dict[tuple[str, str, str, str], list[Json]] = {}
    for row in found:
        where = row["listener"] if row["direction"] == "incoming" else f"to {row['listener']}"
        merged.setdefault((row["host"], where, row["client"], row["protocol"]), []).append(row)
    lines: list[tuple[object, ...]] = []
    for (host, where, client, protocol), members in merged.items():
        last = max((row["last"] or "" for row in members), default="")
        newer = max((row["newer"] or "" for row in members), default="")
        # One address may stand for several devices, or for one that was updated.
        seen = last[:10] + (" (newer too)" if newer else "")
        uses = protocol or members[0]["suite"]
        uses += f" {members[0]['suite']}" if protocol and protocol not in members[0]["below"] else ""
        lines.append((host, where, client, uses, sum(row["count"] for row in members), seen))
    return lines
