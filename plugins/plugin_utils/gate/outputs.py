# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The gate's answer for a terminal, for pipelines and for code review. Pure: an answer in, text out."""

from __future__ import annotations

import typing as t

from ..evidence.exports import junit, sarif
from ..evidence.run import dump
from ..printable import one_line, printable
from ..terminal import capped, plural, table
from .judgement import Answer, Json

WORDS = {0: "PASSED", 2: "FAILED", 3: "NOT PROVED"}

_VERDICTS = {
    "compliant": "passes",
    "excepted": "excepted",
    "non_compliant": "FAILS",
    "indeterminate": "NOT PROVED",
    "unreachable": "UNREACHABLE",
}

_FILES = {"fail": "FAILS", "indeterminate": "NOT PROVED", "excepted": "excepted"}

#: Commands of GitHub Actions by what a finding means for the gate.
_COMMANDS = {"fail": "error", "indeterminate": "warning"}


def text(answer: Answer, width: int = 80) -> str:
    """What was judged and how it ended, then every reason with its place."""
    rows: list[tuple[object, ...]] = []
    for report in answer.reports:
        accepted = [name for name, seen in (report["protocols"] or {}).items() if seen["status"] == "accepted"]
        speaks = " ".join(name.replace("TLSv", "") for name in accepted) or "-"
        flows = ", ".join(answer.flows.get(report["endpoint"], [])) or "-"
        rows.append((report["endpoint"], flows, speaks, _VERDICTS[report["verdict"]]))
    for one in answer.judged:
        statuses = {item["status"] for item in one.findings}
        ended = next((word for status, word in _FILES.items() if status in statuses), "passes")
        rows.append((one.path, "-", one.stack, ended))
    lines = [table(("WHAT", "FLOW", "SPEAKS", "RESULT"), rows, width)]
    wrong = [item for item in answer.findings if item["status"] in ("fail", "indeterminate", "excepted")]
    if wrong:
        lines += ["", *capped(list(dict.fromkeys(map(_line, wrong))))]
    lines += [
        one_line(f"{one.stack}: judged as {one.assumed}; on a host its own version decides") for one in answer.judged
    ]
    total = plural(len(answer.reports) + len(answer.judged), "subject")
    lines += [
        "",
        one_line(f"{WORDS[answer.code]}: {total}" + (f"; {'; '.join(answer.reasons[:5])}" if answer.reasons else "")),
    ]
    return "\n".join(lines)


def _place(item: Json) -> str:
    """The first place that makes it so, and how many more there are."""
    places = list(dict.fromkeys(f"{one['file']}:{one['line']}" for one in item["provenance"] if one["file"]))
    return "".join(places[:1]) + (f" and {plural(len(places) - 1, 'more place')}" if len(places) > 1 else "")


def _line(item: Json) -> str:
    subject = item["subject"]
    where = _place(item) or subject.get("endpoint") or subject.get("listener") or subject.get("stack") or ""
    exception = f" (exception {item['exception']})" if item["exception"] else ""
    return one_line(f"{where}: {item['status']} {item['check']}: {item['observed']}{exception}")


def json_text(answer: Answer) -> str:
    """Everything, as one JSON object: ``code``, ``result``, ``reasons``, ``endpoints`` (wire reports) and ``files``."""
    return dump(
        {
            "code": answer.code,
            "result": {0: "pass", 2: "fail", 3: "indeterminate"}[answer.code],
            "started": answer.started,
            "reasons": answer.reasons,
            "flows": answer.flows,
            "endpoints": answer.reports,
            "files": [one._asdict() for one in answer.judged],
        },
        indent=2,
    )


def junit_text(answer: Answer) -> str:
    """JUnit XML: a suite for each endpoint and each set of files, a case for each check."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="encryption.in_transit gate">\n']
    for report in answer.reports:
        parts.append(junit.suite_xml(report["endpoint"], report["address"], report["started"], report["findings"]))
    for one in answer.judged:
        parts.append(junit.suite_xml(f"{one.stack} {one.path}", one.stack, answer.started, one.findings))
    return "".join(parts) + "</testsuites>\n"


def sarif_text(answer: Answer, version: str, fallback: str = "") -> str:
    """SARIF 2.1.0; see :func:`.sarif.sarif`."""
    return sarif.sarif(answer.findings, version, fallback)


def github(answer: Answer) -> t.Iterator[str]:
    """Workflow commands by which GitHub Actions annotates lines of a change."""
    for item in answer.findings:
        command = _COMMANDS.get(item["status"])
        if command is None:
            continue
        place = next((one for one in item["provenance"] if one["file"]), None)
        fields = [f"title={_property(item['check'])}"]
        if place is not None:
            fields = [f"file={_property(place['file'])}", f"line={max(place['line'], 1)}", *fields]
        yield f"::{command} {','.join(fields)}::{_data(_line(item))}"


def _data(value: str) -> str:
    """As the toolkit of GitHub Actions escapes data (command.ts), and no control character besides."""
    return printable(value).replace("\t", "\\t").replace("%", "%25").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
