# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the register of exceptions to grants (``findings.exceptions``), and what is to be said of registers each day."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.findings import exceptions

if t.TYPE_CHECKING:
    from .load import Registers

    Entry = t.Mapping[str, t.Any]
    Json = t.Dict[str, t.Any]

#: Days before its end from which an exception is warned of.
WARN_DAYS = 30
#: Oldest evidence of a third party that still counts, in days.
EVIDENCE_DAYS = 365


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
            "since": entry["approval"]["on"],
            "expires": entry["expires"],
        }
        if exceptions.in_force(grant, today):
            found[entry["id"]] = grant, entry.get("supersedes")
    renewed = {older for _grant, older in found.values()}
    return [grant for name, (grant, _older) in found.items() if name not in renewed]


def for_host(found: t.Iterable[Json], host: str) -> list[Json]:
    """The grants that name a host, for modules that run on it: there the host is no question any more."""
    return [{**grant, "hosts": []} for grant in exceptions.concerning(found, [host])]


class Reminder(t.NamedTuple):
    """Something to be done about an entry. ``what`` is one of ``expired``, ``expiring``, ``unused``, ``evidence``."""

    what: str
    id: str
    text: str


def reminders(registers: Registers, today: datetime.date, warn_days: int = WARN_DAYS) -> list[Reminder]:
    """Exceptions past their date that nobody closed, and those soon at their end."""
    found = []
    successors = {entry.get("supersedes") for entry in registers.exceptions if entry["status"] == "approved"}
    for entry in registers.exceptions:
        if entry["status"] != "approved" or entry["id"] in successors:
            continue
        left = (datetime.date.fromisoformat(entry["expires"]) - today).days
        if left < 0:
            text = f"expired on {entry['expires']} and covers nothing any more; close it, or renew it under a new id"
            found.append(Reminder("expired", entry["id"], text))
        elif left < warn_days:
            text = f"ends in {left} days, on {entry['expires']}; {entry['owner']['name']} must mend or renew it"
            found.append(Reminder("expiring", entry["id"], text))
    return found


def unused(found: t.Iterable[Json], findings: t.Iterable[Json], tested: t.Collection[str]) -> list[Reminder]:
    """Grants that covered nothing although all of their hosts were tested; of others nothing can be said."""
    used = {item.get("exception") for item in findings if item["status"] == "excepted"}
    reached = {host.lower() for host in tested}
    return [
        Reminder("unused", grant["id"], "matches nothing any more; close it")
        for grant in found
        if grant["id"] not in used and reached.issuperset(grant["hosts"])
    ]


def evidence(
    registers: Registers, today: datetime.date, verdicts: t.Mapping[str, str], days: int = EVIDENCE_DAYS
) -> list[Json]:
    """For each third party whether its evidence is fresh: ``{"id", "name", "status", "text"}``.

    ``verdicts`` are those of this run by endpoint: a test of all its endpoints today is the freshest evidence there is,
    good or bad. Otherwise the youngest entry of the register counts for ``days`` days.
    """
    found = []
    for entry in registers.third_parties:
        endpoints = list(entry.get("endpoints") or ())
        seen = [verdicts[endpoint] for endpoint in endpoints if endpoint in verdicts]
        if endpoints and len(seen) == len(endpoints) and set(seen) <= {"compliant"}:
            status, text = "pass", f"{len(seen)} of {len(seen)} endpoints were compliant in this run"
        elif "non_compliant" in seen:
            status, text = "fail", f"{seen.count('non_compliant')} of {len(endpoints)} endpoints are not compliant"
        else:
            youngest = max(entry["evidence"], key=lambda one: str(one["on"]))
            age = (today - datetime.date.fromisoformat(youngest["on"])).days
            status = "pass" if age <= days else "fail"
            text = f"{youngest['kind']} of {youngest['on']}, {age} days old; at most {days} are allowed"
        found.append({"id": entry["id"], "name": entry["name"], "status": status, "text": text})
    return found
