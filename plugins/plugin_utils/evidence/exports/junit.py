# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""JUnit XML for pipelines."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

from ...printable import printable
from ..run import Json, Record
from .words import by_place, proof_text


def junit_xml(record: Record) -> t.Iterator[str]:
    """One suite per endpoint or listener, one case per result: ``fail`` is a failure, ``indeterminate`` an error,
    ``excepted`` and ``not_applicable`` are skipped. Hosts that were not tested stand in a suite of their own."""
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="{record.run["run_id"]}">\n'
    for host, results in record.results.by_host():
        for name, items in by_place(results).items():
            yield suite_xml(f"{host} {name}", host, items[0]["observed_at"], items)
    population = _suite("population", record.run["control_node"], record.run["ended"])
    statuses = {"tested": "pass", "skipped": "not_applicable", "not_applicable": "not_applicable"}
    for account in record.run["population"]["hosts"]:
        case = ET.SubElement(population, "testcase", classname="population", name=account["host"])
        status = statuses.get(account["state"], "indeterminate")
        _outcome(population, case, status, f"{account['state']}: {account['reason']}", None, "")
    yield _xml(population) + "</testsuites>\n"


def suite_xml(name: str, host: str, at: str, findings: t.Iterable[Json]) -> str:
    """The suite of one place, as :func:`junit_xml` makes them. ``at`` is UTC in ISO 8601."""
    suite = _suite(name, host, at)
    for item in findings:
        check, view = item["check"], item["view"]
        place = next((f"{one['file']}:{one['line']}" for one in item["provenance"] if one["file"]), "")
        case = ET.SubElement(suite, "testcase", classname=check, name=f"{check} ({view})")
        text = f"observed: {item['observed']}; expected: {item['expected']}"
        text += f"; at {place}" if place else ""
        _outcome(suite, case, item["status"], text, item["exception"], proof_text(item["proof"]))
    return _xml(suite)


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
