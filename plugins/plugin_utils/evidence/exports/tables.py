# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CSV for people and GRC tools."""

from __future__ import annotations

import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import BY_ID

from ...spreadsheet import table
from ..run import Json, Record
from .words import place, proof_text

RESULT_COLUMNS = (
    "key",
    "host",
    "endpoint",
    "stack",
    "listener",
    "check",
    "title",
    "severity",
    "status",
    "view",
    "observed",
    "expected",
    "file",
    "line",
    "proof",
    "mend",
    "exception",
    "evidence",
    "observed_at",
    "run_id",
)

#: The first seven are the columns a findings import of CISO Assistant reads; other tools map them just as easily.
FINDING_COLUMNS = (
    "ref_id",
    "name",
    "description",
    "severity",
    "status",
    "filtering_labels",
    "asset",
    "check",
    "check_status",
    "check_severity",
    "view",
    "observed",
    "expected",
    "mend",
    "exception",
    "evidence",
    "observed_at",
    "run_id",
)

#: Our severities and statuses in the words of that import. An approved exception is a confirmed finding, not a pass.
_GRC_SEVERITY = {"info": "low"}

_GRC_STATUS = {"fail": "identified", "indeterminate": "identified", "excepted": "confirmed"}


def results_csv(record: Record) -> t.Iterator[str]:
    """All results, one line each, in the order of results.ndjson."""
    return table(RESULT_COLUMNS, map(_result_row, record.results))


def findings_csv(record: Record) -> t.Iterator[str]:
    """What does not hold or was not proved, for a GRC tool's import."""
    return table(FINDING_COLUMNS, (_finding_row(item) for item in record.results if item["status"] in _GRC_STATUS))


def _result_row(item: Json) -> Json:
    first = item["provenance"][0] if item["provenance"] else {}
    return {
        **item,
        **item["subject"],
        "title": BY_ID[item["check"]].title,
        "file": first.get("file"),
        "line": first.get("line") or None,
        "proof": proof_text(item["proof"]),
        "evidence": " ".join(item["evidence"]),
    }


def _finding_row(item: Json) -> Json:
    check, subject = BY_ID[item["check"]], item["subject"]
    description = f"{check.title}. Observed: {item['observed']}. Expected: {item['expected']}. {check.rationale}"
    labels = ["tls", item["check"].partition(".")[0], item["view"]]
    labels += [item["status"]] if item["status"] != "fail" else []
    return {
        **item,
        "ref_id": item["key"],
        "name": f"{item['check']} on {place(subject)}",
        "description": description,
        "severity": _GRC_SEVERITY.get(item["severity"], item["severity"]),
        "status": _GRC_STATUS[item["status"]],
        "filtering_labels": "|".join(labels),
        "asset": subject["host"],
        "check_status": item["status"],
        "check_severity": item["severity"],
        "evidence": " ".join(item["evidence"]),
    }
