"""OSCAL documents: valid for NIST's models as compliance-trestle has them, and whole where those do not look."""

from __future__ import annotations

import copy
import json

import evidence_samples as samples
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trestle.oscal.assessment_results import Model as AssessmentResults
from trestle.oscal.poam import Model as Plan

from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.exports import oscal
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import assemble

MODELS = {"oscal-ar.json": AssessmentResults, "oscal-poam.json": Plan}
REGISTERS = {"exceptions": [samples.exception()]}


def make(hosts=None, population=samples.HOSTS, registers=REGISTERS, **facts):
    given_hosts = samples.hosts() if hosts is None else hosts
    return assemble({**samples.FACTS, **facts}, population, given_hosts, samples.baseline(), registers)


def thin():
    """An exception with no more than its schema asks for."""
    entry = samples.exception(status="requested", remediation={"plan": "none yet"})
    del entry["approval"]
    return entry


def texts(record):
    return {name: "".join(text) for name, text in oscal.documents(record)}


def parsed(record):
    return {name: json.loads(text) for name, text in texts(record).items()}


@pytest.fixture(scope="module")
def whole():
    found = parsed(make())
    plan = found["oscal-poam.json"]["plan-of-action-and-milestones"]
    return found["oscal-ar.json"]["assessment-results"]["results"][0], plan, found


def walk(node, path=()):
    if isinstance(node, dict):
        for key, value in node.items():
            yield (*path, key), value
            yield from walk(value, (*path, key))
    elif isinstance(node, list):
        for value in node:
            yield from walk(value, path)


def dangling(document):
    """References to UUIDs the document does not define: no validator looks for them."""
    defined = {value for path, value in walk(document) if path[-1] == "uuid"}
    pointers = {"observation-uuid", "risk-uuid", "subject-uuid", "actor-uuid"}
    named = {value for path, value in walk(document) if path[-1] in pointers}
    named |= {value[1:] for path, value in walk(document) if path[-1] == "href" and value.startswith("#")}
    return named - defined


def doubled(document):
    found = [value for path, value in walk(document) if path[-1] == "uuid"]
    return len(found) - len(set(found))


def check(document, name):
    MODELS[name](**copy.deepcopy(document))
    assert dangling(document) == set()
    assert doubled(document) == 0


# --- valid ------------------------------------------------------------------------------------------------------


def test_both_documents_hold_the_models_of_nist(whole):
    assert list(whole[2]) == ["oscal-ar.json", "oscal-poam.json"]
    for name, document in whole[2].items():
        check(document, name)


@pytest.mark.parametrize(
    "record",
    [
        lambda: make([], ["lost.example"]),
        lambda: make([{"host": "h", "scans": [samples.report("https://h:443")]}], ["h"]),
        lambda: make([{"host": "h", "stacks": {"nginx": samples.audit([samples.listener(["x"])])}}], ["h"]),
        lambda: make(registers=None),
        lambda: make(registers={"exceptions": [thin()]}),
    ],
    ids=["nothing", "all passes", "configuration only", "no register", "a thin exception"],
)
def test_every_kind_of_run_is_valid(record):
    for name, document in parsed(record()).items():
        check(document, name)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(min_size=1, max_size=30))
def test_any_text_is_valid(text):
    made = samples.report(f"https://x:443?sni={text}", "rraraa")
    for item in made["findings"]:
        item.update(observed=text, expected=text)
    for name, document in parsed(make([{"host": f"h{text}", "scans": [made]}], [f"h{text}"])).items():
        check(document, name)


def test_the_reference_check_finds_what_validators_do_not(whole):
    document = copy.deepcopy(whole[2]["oscal-ar.json"])
    document["assessment-results"]["results"][0]["observations"].pop()
    AssessmentResults(**copy.deepcopy(document))
    assert dangling(document)


# --- true -------------------------------------------------------------------------------------------------------


def test_what_does_not_pass_is_written_out_and_passes_are_gathered(whole):
    result, _plan, _all = whole
    record = make()
    single = [one for one in result["observations"] if one["types"] == ["finding"]]
    gathered = [one for one in result["observations"] if one["types"] == ["control-objective"]]
    counts = record.run["results"]
    assert len(single) == counts["fail"] + counts["indeterminate"] + counts["excepted"]
    passing = {(item["check"], item["view"]) for item in record.results if item["status"] == "pass"}
    assert len(gathered) == len(passing)
    legacy = next(one for one in single if "TLSv1.0 accepted" in one["description"] and one["methods"] == ["TEST"])
    paths = {path for path, _text in record.files}
    assert legacy["relevant-evidence"][0]["href"].removeprefix("../") in paths
    assert "tlsv1.0: accepted" in legacy["relevant-evidence"][0]["description"]


def test_a_control_is_satisfied_only_when_all_of_its_checks_pass(whole):
    states = {one["target"]["target-id"]: one["target"]["status"] for one in whole[0]["findings"]}
    assert states["sc-8_obj"] == {"state": "not-satisfied", "reason": "fail"}
    host = {"host": "h", "scans": [samples.report("https://h:443")]}
    clean = parsed(make([host], ["h"]))["oscal-ar.json"]["assessment-results"]["results"][0]
    states = {one["target"]["target-id"]: one["target"]["status"] for one in clean["findings"]}
    assert states["sc-8_obj"] == {"state": "satisfied", "reason": "pass"}


@pytest.mark.parametrize("status", ["excepted", "indeterminate"])
def test_what_is_excepted_or_not_proved_never_satisfies(status):
    made = samples.report("https://h:443")
    item = next(item for item in made["findings"] if item["check"] == "protocol.tls1_0")
    item.update(status=status, exception="EXC-2026-014")
    result = parsed(make([{"host": "h", "scans": [made]}], ["h"]))["oscal-ar.json"]["assessment-results"]["results"][0]
    states = {one["target"]["target-id"]: one["target"]["status"] for one in result["findings"]}
    assert states["sc-8_obj"] == {"state": "not-satisfied", "reason": "other"}


def test_an_incomplete_run_says_so():
    result = parsed(make(population=[*samples.HOSTS, "lost"]))["oscal-ar.json"]["assessment-results"]["results"][0]
    assert result["props"][0]["value"] == "no"
    assert result["remarks"] == "lost: the host left no evidence and no reason"


def test_the_plan_holds_the_exception_with_owner_end_and_steps(whole):
    _result, plan, _all = whole
    risk = next(one for one in plan["risks"] if one["status"] == "deviation-approved")
    assert risk["title"] == "EXC-2026-014: Infusion-pump gateway accepts TLS 1.0"
    assert risk["deadline"] == "2027-02-28T23:59:59Z"
    assert [one["description"] for one in risk["mitigating-factors"]] == samples.exception()["compensating_controls"]
    assert [one["title"] for one in risk["remediations"][0]["tasks"]] == ["pilot", "rollout"]
    assert risk["risk-log"]["entries"][0]["title"] == "Approved by A. Roe: CHG-4711"
    owner = plan["metadata"]["parties"][0]
    assert (owner["name"], owner["uuid"]) == ("J. Doe", risk["origins"][0]["actors"][0]["actor-uuid"])
    assert {one["status"] for one in plan["risks"]} == {"open", "investigating", "deviation-approved"}
    assert len(plan["poam-items"]) == len(plan["risks"])


def test_without_anything_open_there_is_no_plan():
    assert list(texts(make([{"host": "h", "scans": [samples.report("https://h:443")]}], ["h"]))) == ["oscal-ar.json"]


def test_the_same_run_gives_the_same_bytes_and_another_other_ids():
    first, again = texts(make()), texts(make(samples.hosts()[::-1]))
    assert first == again
    other = texts(make(run_id="20261122T020005Z-0a1b2c"))
    assert other["oscal-ar.json"] != first["oscal-ar.json"]
