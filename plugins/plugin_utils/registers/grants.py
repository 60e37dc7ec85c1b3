# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the register of exceptions to grants: what modules and scans are told of it (``findings.exceptions``)."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.findings import exceptions

Entry = t.Mapping[str, t.Any]
Json = t.Dict[str, t.Any]


def grants(entries: t.Iterable[Entry], today: datetime.date) -> list[Json]:
    """One for each exception that counts today: approved, not expired, and not renewed by another one that counts."""
    found = {}
    for entry in entries:
        if entry["status"] != "approved" or "approval" not in entry:
            continue
        scope = entry["scope"]
        grant: Json = {
            "id": entry["id"],
            "hosts": [host.lower() for host in scope["hosts"]],
            "ports": list(scope["ports"]),
            "names": [name.lower() for name in scope.get("names") or ()],
            "stack": scope.get("stack") or "",
            "checks": list(scope["checks"]),
            "accept": list(entry.get("accept") or ()),
            "since": entry["approval"]["date"],
            "expires": entry["expires"],
        }
        if exceptions.in_force(grant, today):
            found[entry["id"]] = grant, entry.get("supersedes")
    renewed = {older for _grant, older in found.values()}
    return [grant for name, (grant, _older) in found.items() if name not in renewed]


def for_host(found: t.Iterable[Json], host: str) -> list[Json]:
    """The grants that name a host, for modules that run on it: there the host is no question any more."""
    return [{**grant, "hosts": []} for grant in exceptions.concerning(found, [host])]
