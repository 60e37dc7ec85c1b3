"""What monitoring reads: OCSF events and Prometheus metrics."""

from __future__ import annotations

import json

import evidence_samples as samples
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding

from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.exports import ocsf, prometheus
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.exports.verdict import verdict
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import assemble
from ansible_collections.encryption.in_transit.plugins.plugin_utils.printable import printable


def make(hosts=None, population=samples.HOSTS):
    given_hosts = samples.hosts() if hosts is None else hosts
    registers = {"exceptions": [samples.exception(), samples.exception("EXC-2026-015", status="requested")]}
    return assemble(samples.FACTS, population, given_hosts, samples.baseline(), registers)


def poisoned(text):
    made = samples.report(f"https://x:443?sni={text}", "rraraa")
    for item in made["findings"]:
        item.update(observed=text, expected=text)
    return make([{"host": f"h{text}", "scans": [made]}], [f"h{text}"])


# --- OCSF -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def events():
    return [json.loads(line) for line in ocsf.events(make())]


def test_every_event_holds_the_model(events):
    for event in events:
        # The model takes unknown keys: none may be dropped.
        model = ComplianceFinding(**event)
        assert set(event) <= set(model.model_dump())
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"] == 200301
        assert event["compliance"]["standards"] or event["compliance"]["control"]


def test_what_does_not_pass_is_an_event_and_passes_are_one_by_host_and_check(events):
    record = make()
    counts = record.run["results"]
    by_status = {}
    for event in events:
        by_status.setdefault(event["compliance"]["status_detail"], []).append(event)
    assert len(by_status["fail"]) == counts["fail"]
    assert len(by_status["not proved either way"]) == counts["indeterminate"]
    assert len(by_status["excepted by EXC-2026-014"]) == counts["excepted"] == 1
    assert sum(len(event["resources"]) for event in by_status["pass"]) == counts["pass"]
    codes = {text: {event["compliance"]["status_id"] for event in found} for text, found in by_status.items()}
    assert codes == {"pass": {1}, "fail": {3}, "not proved either way": {2}, "excepted by EXC-2026-014": {3}}


def test_an_event_leads_to_its_evidence(events):
    event = next(e for e in events if e["message"].startswith("TLS 1.0 is refused: TLSv1.0 accepted"))
    assert (event["severity_id"], event["time"]) == (4, 1795226431000)
    assert event["remediation"]["desc"] == "Allow only TLS 1.2 and TLS 1.3 on the listener."
    assert event["evidences"][0]["data"]["files"][0] in {path for path, _text in make().files}
    assert "HIPAA 45 CFR 164 164.312(e)(1)" in event["compliance"]["requirements"]
    assert "HICP 2023 4.M.C (unverified)" in event["compliance"]["requirements"]


def test_ids_are_the_same_in_the_next_run(events):
    assert [json.loads(line)["finding_info"]["uid"] for line in ocsf.events(make(samples.hosts()[::-1]))] == [
        event["finding_info"]["uid"] for event in events
    ]
    open_ones = [e["finding_info"]["uid"] for e in events if e["compliance"]["status_id"] != 1]
    assert len(open_ones) == len(set(open_ones))


# --- Prometheus -------------------------------------------------------------------------------------------------


def families(record, head="ab" * 32):
    text = "".join(prometheus.metrics(record, verdict(record), head))
    assert text.endswith("\n")
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(family, **labels):
    return [sample.value for sample in family.samples if labels.items() <= sample.labels.items()]


def test_the_metrics_say_what_the_run_says():
    record = make()
    found = families(record)
    assert found["eit_run_info"].samples[0].labels["head"] == "ab" * 32
    assert value(found["eit_run_timestamp_seconds"]) == [1795226500]
    assert value(found["eit_run_exit_code"]) == [2]
    assert value(found["eit_endpoints"], state="compliant") == [10]
    assert value(found["eit_hosts"], state="tested") == [3]
    pump = {"endpoint": "tls://hl7-gateway.clinic.example:2575?sni=pump.clinic.example"}
    assert value(found["eit_endpoint_min_tls_version"], **pump) == [1.0]
    assert value(found["eit_endpoint_state"], **pump, state="excepted") == [1]
    assert len(found["eit_cert_not_after_timestamp_seconds"].samples) == 14
    assert value(found["eit_exception_expires_timestamp_seconds"]) == [1803859199]
    assert {sample.labels["status"] for sample in found["eit_check_open"].samples} == {
        "fail",
        "indeterminate",
        "excepted",
    }


def test_no_sample_has_a_time_and_none_is_there_twice():
    for family in families(make()).values():
        assert family.documentation
        assert all(sample.timestamp is None for sample in family.samples)
        labels = [tuple(sorted(sample.labels.items())) for sample in family.samples]
        assert len(labels) == len(set(labels))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(min_size=1, max_size=20))
def test_any_text_is_told(text):
    record = poisoned(text)
    for event in map(json.loads, ocsf.events(record)):
        ComplianceFinding(**event)
    states = families(record)["eit_endpoint_state"].samples
    assert [sample.labels["host"] for sample in states] == [printable(f"h{text}")]


def test_an_unknown_clock_is_not_called_in_sync():
    facts = {**samples.FACTS, "clock": {"source": "unknown", "synchronized": None}}
    record = assemble(facts, samples.HOSTS, samples.hosts(), samples.baseline())
    assert value(families(record)["eit_clock_synchronized"]) == [0]
