# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OCSF 1.8 events of class 2003 (Compliance Finding) for SIEMs, as NDJSON.

What does not hold, is excepted or was not proved is an event of its own. What passes is one event per host and check,
with the places where it passes as its resources: a SIEM is paid by the event. Names and codes are those of the
schema's own files (events/findings/compliance_finding.json, objects/compliance.json).
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import BY_ID

from ..run import Json, Record, dump
from .words import concerns, place, proof_text, requirements

_VERSION = "1.8.0"
_CLASS, _CATEGORY, _CREATE = 2003, 2, 1
_SEVERITIES = {"info": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
#: status_id of the compliance object, and its caption. The schema says of Warning that a check "did not yield a result
#: due to missing information": that is our indeterminate. An excepted result fails, and an exception covers it.
_STATUSES = {"pass": (1, "Pass"), "indeterminate": (2, "Warning"), "fail": (3, "Fail"), "excepted": (3, "Fail")}
#: status_id of the finding itself: new, or suppressed by an exception, or resolved.
_NEW, _SUPPRESSED, _RESOLVED = 1, 3, 4


def events(record: Record) -> t.Iterator[str]:
    """The events, a line at a time, by host."""
    common = {
        "class_uid": _CLASS,
        "class_name": "Compliance Finding",
        "category_uid": _CATEGORY,
        "category_name": "Findings",
        "activity_id": _CREATE,
        "activity_name": "Create",
        "type_uid": _CLASS * 100 + _CREATE,
        "type_name": "Compliance Finding: Create",
        "timezone_offset": 0,
        "metadata": {
            "version": _VERSION,
            "correlation_uid": record.run["run_id"],
            "product": {
                "name": "encryption.in_transit",
                "vendor_name": "encryption",
                "version": record.run["versions"]["collection"],
            },
        },
    }
    standards = requirements(record.controls)
    for _host, results in record.results.by_host():
        passed: dict[str, list[Json]] = {}
        for item in results:
            if item["status"] == "pass":
                passed.setdefault(item["check"], []).append(item)
            elif item["status"] in _STATUSES:
                yield dump({**common, **_event([item], standards)})
        for items in passed.values():
            yield dump({**common, **_event(items, standards)})


def _event(items: list[Json], standards: dict[str, list[Json]]) -> Json:
    """One event about results of one check on one host that have the same status."""
    first, check = items[0], BY_ID[items[0]["check"]]
    code, caption = _STATUSES[first["status"]]
    host, at = first["subject"]["host"], _milliseconds(first["observed_at"])
    lifecycle = {"pass": _RESOLVED, "excepted": _SUPPRESSED}.get(first["status"], _NEW)
    alone = len(items) == 1
    stacks = {item["subject"]["stack"] for item in items}
    asked = [one for one in standards[check.id] if any(concerns(one, stack) for stack in stacks)]
    event = {
        "time": at,
        "severity_id": _SEVERITIES[first["severity"]] if first["status"] != "pass" else _SEVERITIES["info"],
        "status_id": lifecycle,
        "message": f"{check.title}: {first['observed']}" if alone else f"{check.title}: passes at {len(items)} places",
        "finding_info": {
            # The same in the next run, so that a SIEM can follow it; passes are followed by host and check.
            "uid": first["key"] if first["status"] != "pass" else f"{host}/{check.id}",
            "title": check.title,
            "desc": check.rationale,
            "types": ["encryption in transit"],
            "created_time": at,
        },
        "compliance": {
            "standards": list(dict.fromkeys(f"{one['framework']} {one['version']}" for one in asked)),
            "requirements": [_requirement(one) for one in asked],
            "control": check.id,
            "checks": [{"uid": check.id, "name": check.title, "status_id": code, "status": caption}],
            "status_id": code,
            "status": caption,
            "status_detail": _detail(first),
        },
        "resources": [
            {"uid": f"{host}/{_where(item)}", "name": _where(item), "namespace": host, "type": _kind(item)}
            for item in items
        ],
    }
    if first["mend"]:
        event["remediation"] = {"desc": first["mend"]}
    if first["status"] != "pass":
        proof = {"expected": first["expected"], "observed": first["observed"], "proof": proof_text(first["proof"])}
        event["evidences"] = [{"data": {**proof, "files": first["evidence"], "provenance": first["provenance"]}}]
    return event


def _requirement(control: Json) -> str:
    """Its name; an id that was not checked against its publisher's text says so."""
    doubt = "" if control["confidence"] == "read" else f" ({control['confidence']})"
    return f"{control['framework']} {control['version']} {control['id']}{doubt}"


def _where(item: Json) -> str:
    return place(item["subject"])


def _kind(item: Json) -> str:
    return "endpoint" if item["subject"]["endpoint"] else "listener"


def _detail(item: Json) -> str:
    if item["status"] == "excepted":
        return f"excepted by {item['exception']}"
    return {"indeterminate": "not proved either way"}.get(item["status"], str(item["status"]))


def _milliseconds(moment: str) -> int:
    return round(datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp() * 1000)
