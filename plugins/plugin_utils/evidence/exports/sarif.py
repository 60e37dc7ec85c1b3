# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SARIF 2.1.0 (OASIS standard) for code scanning: findings at the file and line that make them so."""

from __future__ import annotations

import hashlib
import os
import typing as t
import urllib.parse

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import BY_ID

from ...printable import printable
from ..run import Json, dump

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

#: Section 3.27.10: what each severity is to a reader of code.
_LEVEL = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}

#: Section 3.27.9. What passes is left out: code scanning would show it among the alerts.
_KIND = {"fail": "fail", "indeterminate": "review", "excepted": "fail"}

#: GitHub orders alerts by this number; the ranges are those of CVSS 3.1.
_SCORE = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0", "info": "0.1"}


def sarif(findings: t.Sequence[Json], version: str, fallback: str = "") -> str:
    """One run with one result for each finding that fails, is excepted (and then suppressed) or is not proved.

    ``fallback`` is the file by which code scanning shows what has no file of its own (an endpoint, a built-in default):
    GitHub drops results without one.
    """
    findings = [item for item in findings if item["status"] in _KIND]
    ids = list(dict.fromkeys(item["check"] for item in findings))
    run = {
        "tool": {
            "driver": {
                "name": "encryption.in_transit",
                "semanticVersion": version,
                "informationUri": "https://github.com/encryption/in_transit",
                "rules": [_rule(name) for name in ids],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(item, ids, fallback) for item in findings],
    }
    return dump({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(name: str) -> Json:
    check = BY_ID[name]
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in name.replace(".", "_").split("_")),
        "shortDescription": {"text": check.title},
        "fullDescription": {"text": check.rationale},
        "help": {"text": check.mend},
        "defaultConfiguration": {"level": _LEVEL[check.severity]},
        "properties": {"security-severity": _SCORE[check.severity], "tags": ["security", name.partition(".")[0]]},
    }


def _result(item: Json, ids: list[str], fallback: str) -> Json:
    subject = item["subject"]
    about = subject.get("endpoint") or " ".join(filter(None, (subject.get("stack"), subject.get("listener"))))
    text = ". ".join(filter(None, (f"{about}: {item['observed']}", f"Expected: {item['expected']}", item["mend"])))
    failing = item["status"] in ("fail", "excepted")
    result: Json = {
        "ruleId": item["check"],
        "ruleIndex": ids.index(item["check"]),
        # Section 3.27.10: anything but "none" is for failures only.
        "level": _LEVEL[item["severity"]] if failing else "none",
        "kind": _KIND[item["status"]],
        "message": {"text": printable(text)},
        "partialFingerprints": {"place/v1": _fingerprint(item, about)},
    }
    places = [one for one in item["provenance"] if one.get("file")] or [{"file": fallback, "line": 0}]
    locations = [_location(one) for one in places if one["file"]] or [{}]
    if about:
        locations[0]["logicalLocations"] = [{"fullyQualifiedName": printable(about)}]
    result["locations"] = [location for location in locations if location][:10]  # GitHub takes no more
    if item["status"] == "excepted":
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": str(item["exception"])}]
    return result


def _location(place: Json) -> Json:
    path = place["file"].replace(os.sep, "/")
    try:
        uri = urllib.parse.quote(path, errors="surrogateescape")
    except UnicodeEncodeError:  # half a character, which stands for no byte of a name
        uri = urllib.parse.quote(printable(path))
    artifact: Json = {"uri": f"file://{uri}"} if path.startswith("/") else {"uri": uri, "uriBaseId": "%SRCROOT%"}
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": max(place["line"], 1)}}}


def _fingerprint(item: Json, about: str) -> str:
    """The same for the same check at the same place, also when lines above it come and go."""
    parts = [item["check"], about, *(f"{one['file']}:{one['text']}" for one in item["provenance"])]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
