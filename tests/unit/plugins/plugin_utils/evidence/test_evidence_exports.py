from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET

import evidence_samples as samples
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.plugin_utils import spreadsheet
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.exports import certificates, junit, tables
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.exports.verdict import (
    verdict as whole_verdict,
)
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import assemble
from ansible_collections.encryption.in_transit.plugins.plugin_utils.printable import printable


def make(hosts=None, population=samples.HOSTS):
    return assemble(samples.FACTS, population, samples.hosts() if hosts is None else hosts, samples.baseline())


def one(*results, **report):
    """A record of one host with one endpoint and the given (check, status) results."""
    made = samples.report("https://x:443", **report)
    for item, (check, status, severity) in zip(made["findings"], results):
        item.update(check=check, status=status, severity=severity, exception="EXC-1" if status == "excepted" else None)
    made["findings"] = made["findings"][: len(results)]
    return make([{"host": "x", "scans": [made]}], ["x"])


def rows(lines):
    return list(csv.DictReader(io.StringIO("".join(lines), newline="")))


# --- CSV --------------------------------------------------------------------------------------------------------


@given(st.lists(st.fixed_dictionaries({"a": st.text(), "b": st.text()})))
def test_cells_come_back_as_they_were_and_none_is_a_formula(given_rows):
    read = list(csv.reader(io.StringIO("".join(spreadsheet.table(("a", "b"), given_rows)), newline="")))
    assert read[0] == ["a", "b"]
    for cells, row in zip(read[1:], given_rows):
        for cell, text in zip(cells, (row["a"], row["b"])):
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
            assert (cell[1:] if cell.startswith("'") else cell) == printable(text)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "=cmd|'/c calc'!A0", "'quoted", "\uff1d1"])
def test_formulas_are_defused(cell):
    assert spreadsheet.guarded(cell) == "'" + cell


def test_the_form_is_that_of_rfc_4180():
    given_rows = [{"a": 'say "x"', "b": "1,2"}, {"a": None, "b": "l\nm"}]
    assert list(spreadsheet.table(("a", "b"), given_rows)) == ["a,b\r\n", '"say ""x""","1,2"\r\n', ',"l\nm"\r\n']


def test_results_csv_has_every_result_once():
    record = make()
    table = rows(tables.results_csv(record))
    assert [row["key"] for row in table] == [item["key"] for item in record.results]
    for row, item in zip(table, record.results):
        assert row["status"] == item["status"]
        assert row["observed"] == item["observed"]
        assert row["host"] == item["subject"]["host"]
    legacy = next(row for row in table if row["file"].endswith("zz-legacy.conf") and row["check"] == "protocol.tls1_0")
    assert (legacy["line"], legacy["status"], legacy["view"]) == ("12", "fail", "configured")


def test_findings_csv_has_what_does_not_hold_in_grc_words():
    record = make()
    table = rows(tables.findings_csv(record))
    assert list(table[0])[:7] == ["ref_id", "name", "description", "severity", "status", "filtering_labels", "asset"]
    wanted = [item["key"] for item in record.results if item["status"] in ("fail", "indeterminate", "excepted")]
    assert [row["ref_id"] for row in table] == wanted
    assert {row["status"] for row in table} == {"identified", "confirmed"}
    excepted = [row for row in table if row["check_status"] == "excepted"]
    assert [(row["status"], row["exception"]) for row in excepted] == [("confirmed", "EXC-2026-014")]
    assert excepted[0]["filtering_labels"].split("|")[-1] == "excepted"
    assert {row["severity"] for row in table} <= {"critical", "high", "medium", "low"}


def test_certificates_csv_has_one_row_for_each_endpoint_and_certificate():
    table = rows(certificates.certificates_csv(make()))
    assert len(table) == 14
    first = next(row for row in table if "sni=ehr" in row["endpoint"])
    assert (first["names"], first["key_type"], first["key_bits"]) == ("ehr.clinic.example", "rsa", "2048")


# --- JUnit ------------------------------------------------------------------------------------------------------


def test_junit_counts_what_it_holds():
    record = make()
    root = ET.fromstring("".join(junit.junit_xml(record)))
    cases = root.findall("testsuite/testcase")
    assert len(cases) == len(record.results) + len(record.run["population"]["hosts"])
    counts = record.run["results"]
    assert len(root.findall(".//failure")) == counts["fail"]
    assert len(root.findall(".//error")) == counts["indeterminate"]
    assert len(root.findall(".//skipped")) == counts["excepted"] + counts["not_applicable"]
    for suite in root:
        assert int(suite.get("tests")) == len(suite)
        assert int(suite.get("failures")) == len(suite.findall(".//failure"))
        assert int(suite.get("errors")) == len(suite.findall(".//error"))
        assert int(suite.get("skipped")) == len(suite.findall(".//skipped"))


def test_junit_makes_hosts_that_were_not_tested_errors():
    record = make([{"host": "a", "reachable": False}, {"host": "b", "skipped": "s"}], ["a", "b", "c"])
    root = ET.fromstring("".join(junit.junit_xml(record)))
    suite = root.find("testsuite[@name='population']")
    assert {case.get("name"): [child.tag for child in case] for case in suite} == {
        "a": ["error"],
        "b": ["skipped"],
        "c": ["error"],
    }


@given(st.text())
def test_junit_takes_any_text(text):
    made = samples.report("https://x:443")
    made["findings"] = [{**made["findings"][0], "status": "fail", "observed": text}]
    root = ET.fromstring("".join(junit.junit_xml(make([{"host": "x", "scans": [made]}], ["x"]))))
    assert printable(text) in printable(root.find(".//failure").get("message"))


# --- the verdict ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("results", "code", "word"),
    [
        ([("protocol.tls1_0", "pass", "high")], 0, "compliant"),
        ([("protocol.tls1_0", "pass", "high"), ("protocol.tls1_1", "excepted", "high")], 0, "excepted"),
        ([("protocol.tls1_0", "fail", "high"), ("protocol.tls1_1", "indeterminate", "high")], 2, "non_compliant"),
        ([("protocol.tls1_0", "indeterminate", "high")], 3, "indeterminate"),
        ([("group.hybrid_pq", "fail", "info"), ("protocol.tls1_0", "pass", "high")], 0, "compliant"),
        ([("group.hybrid_pq", "fail", "info")], 3, "indeterminate"),
    ],
)
def test_exit_codes(results, code, word):
    verdict = whole_verdict(one(*results))
    assert (verdict["exit_code"], verdict["verdict"]) == (code, word)
    assert bool(verdict["reasons"]) == (word != "compliant")


def test_the_least_severity_that_counts_can_be_chosen():
    record = one(("http.hsts", "fail", "low"), ("protocol.tls1_0", "pass", "high"))
    assert whole_verdict(record, "low")["exit_code"] == 2
    assert whole_verdict(record, "medium")["exit_code"] == 0


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"host": "y", "reachable": False}, "1 host not reached"),
        ({"host": "y", "error": "broken"}, "the run is not complete: y: broken"),
    ],
)
def test_a_population_with_holes_is_never_compliant(extra, reason):
    host = {"host": "x", "scans": [samples.report("https://x:443")]}
    verdict = whole_verdict(make([host, extra], ["x", "y"]))
    assert (verdict["exit_code"], verdict["reasons"]) == (3, [reason])


def test_nothing_tested_is_not_compliant():
    verdict = whole_verdict(make([{"host": "x", "skipped": "all of it"}], ["x"]))
    assert (verdict["exit_code"], verdict["reasons"]) == (3, ["nothing was tested"])


def test_verdict_is_plain_json():
    assert json.loads(json.dumps(whole_verdict(make())))["results"]["fail"] == make().run["results"]["fail"]
