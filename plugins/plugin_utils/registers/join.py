# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flows joined with what was seen: every endpoint of every flow has a verdict, or says that nobody looked."""

from __future__ import annotations

import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import EndpointError
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import endpoint as uri

Json = t.Dict[str, t.Any]
Place = t.Tuple[str, int, t.Optional[str]]

#: Verdicts of endpoints, worst first; a flow is as good as its worst endpoint.
WORST_FIRST = ("non_compliant", "unreachable", "indeterminate", "not_tested", "excepted", "compliant")


def place(endpoint: str) -> Place | None:
    """Host, port and server name of a URI: what makes two URIs one endpoint. None for what is not probed (ssh://)."""
    try:
        parsed = uri.parse(endpoint)
    except EndpointError:
        return None
    return parsed.host, parsed.port, parsed.sni


def flows(entries: t.Iterable[t.Mapping[str, t.Any]], reports: t.Iterable[t.Mapping[str, t.Any]]) -> list[Json]:
    """One row for each flow: ``{"id", "name", "data_class", "direction", "verdict", "endpoints"}``.

    ``reports`` have ``endpoint`` and ``verdict``, and ``host`` where they were made for a host of the inventory, whose
    own endpoints are known by another address. ``endpoints`` of a row maps each URI to its verdict; where several
    reports are about one, the worst counts.
    """
    seen: dict[Place, str] = {}

    def note(where: Place, verdict: str) -> None:
        known = seen.get(where)
        if known is None or WORST_FIRST.index(verdict) < WORST_FIRST.index(known):
            seen[where] = verdict

    for report in reports:
        where = place(report["endpoint"])
        if where is not None:
            note(where, report["verdict"])
            host = report.get("host")
            if host and host.lower() != where[0]:
                note((host.lower(), where[1], where[2]), report["verdict"])
    rows = []
    for entry in entries:
        found = {}
        for endpoint in entry["endpoints"]:
            where = place(endpoint)
            found[endpoint] = seen.get(where, "not_tested") if where else "not_tested"
        rows.append(
            {
                **{key: entry[key] for key in ("id", "name", "data_class", "direction", "encryption", "verified_by")},
                "verdict": min(found.values(), key=WORST_FIRST.index),
                "endpoints": found,
            }
        )
    return rows


def probed(flow: t.Mapping[str, t.Any]) -> list[str]:
    """Endpoints of a flow that a handshake can judge."""
    return [endpoint for endpoint in flow["endpoints"] if place(endpoint) is not None]


def targets(
    entries: t.Iterable[t.Mapping[str, t.Any]], hosts: t.Collection[str]
) -> tuple[dict[str, list[str]], list[str]]:
    """Endpoints to scan: by inventory host for managed flows, and in one list those of hosts that are not ours."""
    known = {host.lower(): host for host in hosts}
    inside: dict[str, list[str]] = {}
    outside: list[str] = []
    for entry in entries:
        if entry["encryption"] == "none":
            continue
        managed = entry.get("managed", True)
        serving = [known[name.lower()] for name in entry.get("hosts") or () if name.lower() in known]
        for endpoint in probed(entry):
            where = place(endpoint)
            owner = known.get(where[0]) if where else None
            owner = owner or (serving[0] if serving else None)
            if managed and owner:
                inside.setdefault(owner, []).append(endpoint)
            else:
                outside.append(endpoint)
    return {host: list(dict.fromkeys(found)) for host, found in inside.items()}, list(dict.fromkeys(outside))
