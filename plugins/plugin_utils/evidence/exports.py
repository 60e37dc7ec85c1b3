# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What other tools read: CSV for people and GRC tools, JUnit for pipelines, the verdict for whoever waits for us.

Every function is pure: a :class:`.run.Record` in, text out, and the same record always gives the same text. What may
be long comes in pieces, so that a large fleet need not be held in memory twice.
"""

from __future__ import annotations

import csv
import io
import itertools
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import BY_ID, SEVERITIES

from ..printable import printable
from ..terminal import plural
from .run import SCHEMA_VERSION, Endpoint, Json, Record, dump

#: First characters by which spreadsheets take a cell for a formula (OWASP, CSV Injection), and our own guard.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")

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

CERTIFICATE_COLUMNS = (
    "host",
    "endpoint",
    "subject",
    "issuer",
    "names",
    "not_before",
    "not_after",
    "key_type",
    "key_bits",
    "signature_algorithm",
    "serial",
    "sha256",
)


def guarded(cell: t.Any) -> str:
    """A CSV cell no spreadsheet runs. A leading apostrophe is always ours: take one off to have the text back."""
    text = "" if cell is None else printable(str(cell))
    return "'" + text if text.startswith(_FORMULA) else text


def table(columns: t.Sequence[str], rows: t.Iterable[t.Mapping[str, t.Any]]) -> t.Iterator[str]:
    """CSV by RFC 4180, a row at a time: CRLF, a header, quotes where needed; meant for UTF-8 without a mark."""
    line = io.StringIO()
    writer = csv.writer(line)
    cells = ([guarded(row.get(column)) for column in columns] for row in rows)
    for row in itertools.chain([columns], cells):
        writer.writerow(row)
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def results_csv(record: Record) -> t.Iterator[str]:
    """All results, one line each, in the order of results.ndjson."""
    return table(RESULT_COLUMNS, map(_result_row, record.results))


def findings_csv(record: Record) -> t.Iterator[str]:
    """What does not hold or was not proved, for a GRC tool's import."""
    return table(FINDING_COLUMNS, (_finding_row(item) for item in record.results if item["status"] in _GRC_STATUS))


def place(subject: Json) -> str:
    """The subject in one word: the endpoint that was tested, or the listener that was read."""
    listener = " ".join(subject[key] for key in ("stack", "listener") if subject[key])
    return str(subject["endpoint"] or listener or subject["host"])


def proof_text(proof: Json | None) -> str:
    """One line of proof: the outcome, the alert, and the first bytes received."""
    if not proof:
        return ""
    alert, response = proof.get("alert"), proof.get("response")
    parts = [str(proof.get("outcome") or "")]
    parts += [f"alert {alert}"] if alert is not None else []
    parts += [f"received {response}"] if response else []
    return f"{proof['probe']}: " + ", ".join(part for part in parts if part)


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


def certificates_csv(record: Record) -> t.Iterator[str]:
    """The leaf certificates the endpoints presented: the inventory PCI DSS 4.2.1.1 asks for, as far as it was seen."""
    rows = (_certificate_row(one, leaf) for one in record.endpoints for leaf in one.certificates)
    return table(CERTIFICATE_COLUMNS, rows)


def _certificate_row(one: Endpoint, leaf: Json) -> Json:
    key, names = leaf.get("key") or {}, " ".join(leaf.get("names") or [])
    about = {"host": one.host, "endpoint": one.endpoint, "names": names}
    return {**leaf, **about, "key_type": key.get("type"), "key_bits": key.get("bits")}


def junit_xml(record: Record) -> t.Iterator[str]:
    """One suite per endpoint or listener, one case per result: ``fail`` is a failure, ``indeterminate`` an error,
    ``excepted`` and ``not_applicable`` are skipped. Hosts that were not tested stand in a suite of their own."""
    suites: dict[tuple[str, str], list[Json]] = {}
    for item in record.results:
        suites.setdefault((item["subject"]["host"], place(item["subject"])), []).append(item)
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="{record.run["run_id"]}">\n'
    for (host, name), items in suites.items():
        suite = _suite(f"{host} {name}", host, items[0]["observed_at"])
        for item in items:
            case = ET.SubElement(suite, "testcase", classname=item["check"], name=f"{item['check']} ({item['view']})")
            text = f"observed: {item['observed']}; expected: {item['expected']}"
            _outcome(suite, case, item["status"], text, item["exception"], proof_text(item["proof"]))
        yield _xml(suite)
    population = _suite("population", record.run["control_node"], record.run["ended"])
    statuses = {"tested": "pass", "skipped": "not_applicable", "not_applicable": "not_applicable"}
    for account in record.run["population"]["hosts"]:
        case = ET.SubElement(population, "testcase", classname="population", name=account["host"])
        status = statuses.get(account["state"], "indeterminate")
        _outcome(population, case, status, f"{account['state']}: {account['reason']}", None, "")
    yield _xml(population) + "</testsuites>\n"


def _suite(name: str, host: str, at: str) -> ET.Element:
    # The schema in common use wants a local time without a zone; ours is UTC.
    suite = ET.Element("testsuite", name=name, hostname=host, timestamp=at[:19])
    suite.attrib.update(tests="0", failures="0", errors="0", skipped="0")
    return suite


def _xml(suite: ET.Element) -> str:
    ET.indent(suite)
    # XML 1.0 has no way to write most control characters: they are spelled out in what the library makes.
    return printable(ET.tostring(suite, encoding="unicode")) + "\n"


def _outcome(suite: ET.Element, case: ET.Element, status: str, text: str, exception: str | None, detail: str) -> None:
    element, counter = {
        "fail": ("failure", "failures"),
        "indeterminate": ("error", "errors"),
        "excepted": ("skipped", "skipped"),
        "not_applicable": ("skipped", "skipped"),
    }.get(status, ("", ""))
    if element:
        message = f"excepted by {exception}: {text}" if exception else text
        ET.SubElement(case, element, message=message).text = detail or None
        suite.set(counter, str(int(suite.get(counter, "0")) + 1))
    suite.set("tests", str(int(suite.get("tests", "0")) + 1))


def verdict(record: Record, fail_severity: str = "low") -> Json:
    """The whole run in one exit code, with the reasons.

    0: everything passes or is validly excepted. 2: something fails. 3: something was not proved, or the population is
    not complete. (4 and 5 are errors of the run itself, see :mod:`.errors`.) Checks below ``fail_severity`` do not
    count.
    """
    counted = SEVERITIES[: SEVERITIES.index(fail_severity) + 1]
    gate = [item["status"] for item in record.results if item["severity"] in counted]
    population, unproved = record.run["population"], []
    if "indeterminate" in gate:
        unproved.append(f"{plural(gate.count('indeterminate'), 'result')} not proved either way")
    if population["unreachable"]:
        unproved.append(f"{plural(population['unreachable'], 'host')} not reached")
    if not record.run["complete"]:
        unproved.append(f"the run is not complete: {'; '.join(record.run['incomplete'])}")
    if not gate and not unproved:
        unproved.append("nothing was tested")
    failing = [f"{plural(gate.count('fail'), 'result')} failed"] if "fail" in gate else []
    code = 2 if failing else 3 if unproved else 0
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": record.run["run_id"],
        "exit_code": code,
        "verdict": {0: "compliant", 2: "non_compliant", 3: "indeterminate"}[code],
        "reasons": failing + unproved,
        "fail_severity": fail_severity,
        "complete": record.run["complete"],
        "results": record.run["results"],
        "endpoints": record.run["endpoints"],
        "population": {key: value for key, value in population.items() if isinstance(value, int)},
    }


def results_ndjson(record: Record) -> t.Iterator[str]:
    """results.ndjson, a line at a time."""
    return map(dump, record.results)
