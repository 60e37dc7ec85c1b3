# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run says about the registers: which flows were seen to hold, which exceptions still matter, who is due."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.findings import judge
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.exceptions import in_force

from . import grants, join

Json = t.Dict[str, t.Any]
#: Entries by register, as ``Registers._asdict()`` has them.
Entries = t.Mapping[str, t.Any]

#: Days before its end from which an exception is warned of.
WARN_DAYS = 30
#: Oldest evidence of a third party that still counts, in days.
EVIDENCE_DAYS = 365


class Account(t.NamedTuple):
    """``flows`` are rows of :func:`.join.flows`; ``exceptions`` and ``third_parties`` one row for each entry.

    ``findings`` are of the checks about registers; ``reminders`` sentences for people, the most urgent first.
    """

    flows: list[Json]
    exceptions: list[Json]
    third_parties: list[Json]
    findings: list[Json]
    reminders: list[str]


def account(registers: Entries, reports: t.Sequence[Json], findings: t.Iterable[Json], today: datetime.date) -> Account:
    """``reports`` of a run (``endpoint``, ``verdict``, ``reachable``, ``port``; ``host``: the inventory name of its
    owner, where there is one), and all its findings. Pure.
    """
    flows = join.flows(registers["flows"], reports)
    exceptions = _exceptions(registers, reports, findings, today)
    third_parties = _third_parties(registers, reports, today)
    made = [*map(_about_expiry, exceptions), *map(_about_use, exceptions), *map(_about_evidence, third_parties)]
    silent = [one for one in flows if one["verdict"] == "not_tested" and one["verified_by"] == "probe"]
    lines = [f"{one['id']}: {one['text']}" for one in exceptions if one["text"]]
    lines += [f"{one['id']} {one['name']}: {one['text']}" for one in third_parties if one["status"] == "fail"]
    lines += [f"{one['id']} {one['name']}: was not tested in this run" for one in silent]
    told = [item for item in made if item is not None]
    return Account(flows, exceptions, third_parties, sorted(told, key=judge.order), lines)


# --- exceptions -------------------------------------------------------------------------------------------------


def _exceptions(
    registers: Entries, reports: t.Iterable[Json], findings: t.Iterable[Json], today: datetime.date
) -> list[Json]:
    used: dict[str, int] = {}
    for item in findings:
        if item["status"] == "excepted":
            used[item["exception"]] = used.get(item["exception"], 0) + 1
    tested = {
        (str(name).lower(), report.get("port"))
        for report in reports
        if report["reachable"] and report["verdict"] != "indeterminate"
        for name in (report.get("host"), (join.place(report["endpoint"]) or ("",))[0])
    }
    counting = {grant["id"] for grant in grants.grants(registers["exceptions"], today)}
    return [_exception(entry, counting, used.get(entry["id"], 0), tested, today) for entry in registers["exceptions"]]


def _exception(
    entry: t.Mapping[str, t.Any], counting: set[str], used: int, tested: set[tuple[str, t.Any]], today: datetime.date
) -> Json:
    """``state``: ``in_force``, ``expiring``, ``unused``, ``expired``, ``renewed``, or the status that was written."""
    scope, left = entry["scope"], (datetime.date.fromisoformat(entry["expires"]) - today).days
    state, text = entry["status"], ""
    if state == "approved":
        places = {(host.lower(), port) for host in scope["hosts"] for port in scope["ports"]}
        if left < 0:
            state, text = "expired", f"expired on {entry['expires']}, covers nothing any more; close it or renew it"
        elif entry["id"] not in counting:
            state = "renewed" if in_force({"since": entry["approval"]["date"], **entry}, today) else "approved"
        elif not used and places <= tested:
            state, text = "unused", "matches nothing any more; close it"
        elif left < WARN_DAYS:
            state, text = "expiring", f"ends in {left} days, on {entry['expires']}: {entry['owner']['name']} is to act"
        else:
            state = "in_force"
    return {
        **{key: entry[key] for key in ("id", "title", "status", "expires")},
        "state": state,
        "covers": used,
        "owner": entry["owner"]["name"],
        "approved_by": (entry.get("approval") or {}).get("by"),
        "hosts": list(scope["hosts"]),
        "ports": list(scope["ports"]),
        "checks": list(scope["checks"]),
        "text": text,
    }


def _about_expiry(one: Json) -> Json | None:
    """Past its day is a failure of its own, beside whatever fails again since then."""
    if one["status"] != "approved" or one["state"] == "renewed":
        return None
    status = "fail" if one["state"] == "expired" else "pass"
    return _finding("exception.expiry", status, one["hosts"][0], f"{one['id']} ends on {one['expires']}")


def _about_use(one: Json) -> Json | None:
    if one["state"] not in ("in_force", "expiring", "unused"):
        return None
    status = "fail" if one["state"] == "unused" else "pass" if one["covers"] else "not_applicable"
    seen = {"fail": "matches nothing any more", "pass": f"covers {one['covers']} findings"}.get(status, "not tested")
    return _finding("exception.use", status, one["hosts"][0], f"{one['id']} {seen}")


# --- third parties ----------------------------------------------------------------------------------------------


def _third_parties(registers: Entries, reports: t.Iterable[Json], today: datetime.date) -> list[Json]:
    verdicts = {join.place(report["endpoint"]): report["verdict"] for report in reports}
    found = []
    for entry in registers["third_parties"]:
        seen = [verdicts[where] for where in map(join.place, entry.get("endpoints") or ()) if where in verdicts]
        youngest = max(entry["evidence"], key=lambda one: str(one["date"]))
        age = (today - datetime.date.fromisoformat(youngest["date"])).days
        whole = bool(seen) and len(seen) == len(entry["endpoints"])
        if "non_compliant" in seen:
            status, text = "fail", f"{seen.count('non_compliant')} of {len(seen)} endpoints tested are not compliant"
        elif whole and set(seen) == {"compliant"}:
            status, text = "pass", f"all {len(seen)} endpoints were compliant in this run"
        elif age <= EVIDENCE_DAYS:
            status, text = "pass", f"{youngest['kind']} of {youngest['date']}, {age} days old"
        else:
            status = "fail"
            text = f"{youngest['kind']} of {youngest['date']} is {age} days old; at most {EVIDENCE_DAYS} count"
        host = next((where[0] for where in map(join.place, entry.get("endpoints") or ()) if where), entry["id"])
        facts = {key: entry[key] for key in ("id", "name", "contract")}
        found.append({**facts, "status": status, "text": text, "evidence_date": youngest["date"], "host": host})
    return found


def _about_evidence(one: Json) -> Json:
    return _finding("third_party.evidence", one["status"], one["host"], f"{one['id']} {one['name']}: {one['text']}")


def _finding(check: str, status: str, host: str, observed: str) -> Json:
    return judge.finding(check, status, "configured", {"host": host}, observed)
