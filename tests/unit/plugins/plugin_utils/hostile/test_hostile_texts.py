"""Whatever a host, a network or a register says is text in each place where people or their programs read it."""

from __future__ import annotations

import csv
import datetime
import functools
import html
import io
import json
import re
import shlex
import xml.etree.ElementTree as ET

import hostile_hosts as sent
import pytest
import yaml
from hostile_hosts import samples
from hostile_texts import FORGED, HOSTILE, STEERS, poisoned
from prometheus_client.parser import text_string_to_metric_families

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import judge
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Provenance
from ansible_collections.encryption.in_transit.plugins.plugin_utils import discovery, standard, summary, usage
from ansible_collections.encryption.in_transit.plugins.plugin_utils.drift import report, show
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import bundle, chain, making
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.exports.verdict import verdict
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.text import safe_name, unique_names
from ansible_collections.encryption.in_transit.plugins.plugin_utils.gate import outputs
from ansible_collections.encryption.in_transit.plugins.plugin_utils.gate.judgement import Answer
from ansible_collections.encryption.in_transit.plugins.plugin_utils.printable import printable
from ansible_collections.encryption.in_transit.plugins.plugin_utils.registers import tables
from ansible_collections.encryption.in_transit.plugins.plugin_utils.registers.problems import Problem
from ansible_collections.encryption.in_transit.plugins.plugin_utils.spreadsheet import guarded

every_text = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


@functools.lru_cache(maxsize=None)
def files(text):
    """Every file of a bundle with the text in it, but those that are evidence as it was collected."""
    registers = {"exceptions": [samples.exception(title=text, justification=text)], "flows": [], "third_parties": []}
    record = poisoned(text, registers)
    made = {
        path: (content if isinstance(content, bytes) else b"".join(content)).decode("utf-8", "surrogateescape")
        for path, content in bundle.payload(record, verdict(record, "low"))
    }
    assert len(made) > 20
    collected = {path for path, _content in record.files if "/config/" in path and path.count("/") > 3}
    return {path: content for path, content in made.items() if path not in collected}


def finding(text):
    item = judge.finding("protocol.tls1_0", "fail", "configured", {"host": text, "listener": text, "endpoint": text},
                         text, text, [Provenance(text, 3, text)], mend=text)  # fmt: skip
    return {**item, "exception": text}


def audit(text):
    """A result that passes every check of shapes, with the text wherever it may be one."""
    found = sent.audit()
    found.update(msg=text, findings=[finding(text)])
    found["instances"][0].update(name=text, version=text, msg=text)
    return found


# --- terminal ---------------------------------------------------------------------------------------------------


def _told(text):
    host = {"h" + text: {"nginx": audit(text), text: {"failed": True, "msg": text}}}
    seen = {**sent.report(), "address": text, "sni": text, "vantage": text, "findings": [finding(text)]}
    return summary.verify(
        host, [seen, {**seen, "vantage": "v"}], {seen["endpoint"]: text}, {text: text}, 80, [text]
    ).text


def _discovered(text):
    one = sent.discovered()
    for key in ("address", "package", "unit", "container", "detail"):
        one["listeners"][0][key] = text
    hosts = [discovery.Discovered(text, (text,), text, one), discovery.Discovered("o" + text, (), text, None, text)]
    return hosts, discovery.join(hosts, ())


def _used(text):
    one = sent.used()
    one["handshakes"][0].update(listener=text, client=text, protocol=text, suite=text, below=["TLSv1.0", text])
    one["unknown"][0].update(listener=text, reason=text)
    return [usage.Told(text, one), usage.Told("o" + text, None, text)]


def _answer(text):
    seen = {**sent.report(), "endpoint": text, "address": text, "findings": [finding(text)]}
    return Answer(2, [seen], [], {text: [text]}, [text], sent.MOMENT)


def _verdict(text):
    counts = dict.fromkeys(("population", "endpoints", "results"))
    return {"reasons": [text, text], "verdict": "fail", "exit_code": 2, "complete": False, **counts}


TERMINAL = {
    "verify": _told,
    "harden": lambda text: (
        summary.harden({"h" + text: {"nginx": audit(text), text: {"failed": True, "msg": text}}}, check_mode=False).text
    ),
    "discovery": lambda text: discovery.show(*_discovered(text)).text,
    "usage": lambda text: usage.show(_used(text)).text,
    "drift": lambda text: show.text({**report.report(poisoned(text), None), "notes": [text], "problem": text}, True),
    "gate": lambda text: outputs.text(_answer(text)),
    "pipeline": lambda text: "\n".join(outputs.github(_answer(text))),
    "registers": lambda text: str(Problem(text, 3, text, text)),
    "evidence_bundle": lambda text: making._made("sealed in", _verdict(text), {"fail_on": []}, "/e/1", "/e/1/r").text,
    "evidence_verify": lambda text: "\n".join(
        chain.told(chain.Outcome([{"bundle": text, "state": "verified"}], [text], [text]))
    ),
}


@every_text
@pytest.mark.parametrize("sink", TERMINAL)
def test_a_terminal_shows_text_and_obeys_none(sink, text):
    shown = TERMINAL[sink](text)
    assert not STEERS.search(shown) and "\t" not in shown
    assert not [line for line in shown.splitlines() if line.startswith(FORGED)]
    assert len(shown) < 200_000
    shown.encode("utf-8")


@every_text
def test_a_pipeline_gets_commands_of_ours_alone(text):
    commands = list(outputs.github(_answer(text)))
    assert [line.startswith("::error file=") and line.count("\n") == 0 for line in commands] == [True]
    properties, _mark, _message = commands[0][2:].partition("::")
    assert [one.partition("=")[0] for one in properties.removeprefix("error ").split(",")] == ["file", "line", "title"]


# --- files ------------------------------------------------------------------------------------------------------


def cells(table):
    rows = list(csv.reader(io.StringIO(table, newline="")))
    assert len({len(row) for row in rows}) == 1
    return rows


@every_text
def test_a_spreadsheet_calculates_nothing(text):
    flow = {"id": "FLOW-0001", "name": text, "source": text, "software": text, "endpoints": [text], "hosts": [text]}
    sheets = {path: content for path, content in files(text).items() if path.endswith(".csv")}
    assert len(sheets) == 3
    sheets["usage"] = usage.csv(_used(text))
    sheets["flows"] = "".join(tables.csv_of("flows", [flow]))
    for path, sheet in sheets.items():
        rows = cells(sheet)
        assert not [cell for row in rows for cell in row if re.match("[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]", cell)], (
            path
        )
        assert not STEERS.search(sheet.replace("\r\n", "\n")), path
        assert any(guarded(text) in cell for row in rows for cell in row), path


@every_text
def test_json_is_ascii_and_every_line_of_ndjson_is_one_object(text):
    seen = 0
    for path, content in files(text).items():
        if path.endswith(".json"):
            assert content.isascii() and isinstance(json.loads(content), (dict, list)), path
        elif path.endswith(".ndjson"):
            assert content.isascii() and all(isinstance(json.loads(line), dict) for line in content.split("\n")[:-1]), (
                path
            )
        else:
            continue
        assert "NaN" not in content and "Infinity" not in content, path
        assert not STEERS.search(content), path
        seen += 1
    assert seen > 10
    json.loads(outputs.json_text(_answer(text)))
    assert not STEERS.search(outputs.sarif_text(_answer(text), "1"))


@every_text
def test_xml_is_well_formed_and_holds_the_cases_alone(text):
    for content in (files(text)["junit.xml"], outputs.junit_text(_answer(text))):
        assert not STEERS.search(content)
        tree = ET.fromstring(content)
        assert {one.tag for one in tree.iter()} <= {
            *("testsuites", "testsuite", "testcase", "failure", "skipped", "properties", "property", "error"),
            *("system-out", "system-err"),
        }
        assert "<!DOCTYPE" not in content and "<![CDATA[" not in content


@every_text
def test_metrics_have_the_samples_that_are_meant(text):
    content = files(text)["export/metrics.prom"]
    names = set()
    for family in text_string_to_metric_families(content):
        labels = [tuple(sorted(sample.labels.items())) for sample in family.samples]
        assert len(labels) == len(set(labels)), family.name
        assert all("host" not in dict(one) or dict(one)["host"].startswith(("h", "o")) for one in labels)
        names.add(family.name)
    assert "eit_run_exit_code" in names and not STEERS.search(content)
    assert [line for line in content.splitlines() if line.startswith("eit_run_exit_code")] == ["eit_run_exit_code 2"]


TAG = re.compile(r"<([a-zA-Z!/][^\s>]*)([^>]*)>")


def pages(text):
    standards = standard.html(standard.document(model.load("intermediate"), text, text))
    return {**{name: page for name, page in files(text).items() if name.endswith(".html")}, "standard": standards}


@every_text
def test_pages_link_to_nothing_and_run_nothing(text):
    ours = {tag for page in pages("text").values() for tag, _rest in TAG.findall(page)}
    assert ours.isdisjoint({"script", "img", "iframe", "object", "embed", "form"})
    for name, page in pages(text).items():
        assert not STEERS.search(page), name
        tags = TAG.findall(page)
        assert {tag for tag, _rest in tags} <= ours, name
        assert not [rest for _tag, rest in tags if re.search(r"\son[a-z]+\s*=", re.sub('"[^"]*"', '""', rest))], name
        for link in re.findall(r'\b(?:href|src)="([^"]*)"', page):
            assert re.match(r"#|hosts/|changes/|\.\./\.\./|https://(?!evil)", html.unescape(link)), (name, link)


@every_text
def test_the_command_in_the_report_is_one_command(text):
    page = html.unescape(re.sub("<[^>]+>", "", files(text)["report.html"]))
    start = page.index("ansible-playbook encryption.in_transit.harden --limit ")
    command = page[start : page.index(" --check --diff", start) + len(" --check --diff")]
    words = shlex.split(command)
    assert (words[:3], words[4:]) == (
        ["ansible-playbook", "encryption.in_transit.harden", "--limit"],
        ["--check", "--diff"],
    )
    assert printable("h" + text) == words[3]


@every_text
def test_markdown_is_a_table_and_text(text):
    page = standard.markdown(standard.document(model.load("intermediate"), text, text))
    plain = standard.markdown(standard.document(model.load("intermediate"), "x", "x"))
    assert len(page.splitlines()) == len(plain.splitlines())
    assert not STEERS.search(page)
    assert not re.search(r"(?<!\\)(?:\]\(javascript|<[a-zA-Z!]|!\[)", re.sub(r"(?<!\\)`[^`]+`", "", page))
    columns = [len(re.findall(r"(?<!\\)\|", line)) for line in page.splitlines() if line.startswith("|")]
    assert columns == [len(re.findall(r"(?<!\\)\|", line)) for line in plain.splitlines() if line.startswith("|")]


@every_text
def test_drafted_registers_hold_the_entries_that_are_meant(text):
    hosts, joined = _discovered(text)
    for key, draft in (
        ("flows", discovery.entries_yaml(joined.entries)),
        ("exceptions", usage.exceptions_yaml(usage.exceptions(_used(text), datetime.date(2026, 11, 22)))),
    ):
        assert not STEERS.search(draft)
        loaded = yaml.safe_load(draft)
        assert list(loaded) == [key] and len(loaded[key]) == 1
        hosts = loaded[key][0].get("hosts") or loaded[key][0]["scope"]["hosts"]
        assert hosts == [text]


# --- names of files ---------------------------------------------------------------------------------------------


@every_text
def test_names_of_files_are_harmless_on_every_system(text):
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,120}", safe_name(text))
    for path in files(text):
        assert re.fullmatch(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*", path), path


def test_names_of_files_differ_where_case_does_not_count():
    texts = [
        *HOSTILE.values(),
        *(text.upper() for text in HOSTILE.values()),
        *(text.lower() for text in HOSTILE.values()),
    ]
    names = unique_names(texts)
    assert len({name.lower() for name in names.values()}) == len(set(texts)) == len(names)
