from __future__ import annotations

import copy
import json
import os

import evidence_samples as samples
import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.model import load
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import judge
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.bundle import _SCHEMAS, SCHEMA_FILES
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.errors import InputError
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.history import Before
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import (
    assemble,
    catalogue,
    controls,
    readable,
)


def make(hosts=None, population=samples.HOSTS, **facts):
    given = samples.hosts() if hosts is None else hosts
    return assemble({**samples.FACTS, **facts}, population, given, samples.baseline())


@pytest.fixture(scope="module")
def validators():
    schemas = {}
    for name in SCHEMA_FILES:
        with open(os.path.join(_SCHEMAS, name), encoding="utf-8") as file:
            schemas[name] = json.load(file)
            jsonschema_rs.meta.validate(schemas[name])
    registry = jsonschema_rs.Registry([(schema["$id"], schema) for schema in schemas.values()])
    return {
        name: jsonschema_rs.validator_for(schema, registry=registry, validate_formats=True)
        for name, schema in schemas.items()
    }


def lines(record):
    return [json.loads(line) for line in "".join(record.results.ndjson()).splitlines()]


# --- schemas ----------------------------------------------------------------------------------------------------


def test_run_and_results_hold_their_schemas(validators):
    record = make()
    validators["run.schema.json"].validate(record.run)
    results = lines(record)
    assert len(results) == sum(record.run["results"].values()) > 200
    for result in results:
        validators["result.schema.json"].validate(result)


def test_findings_of_the_judge_hold_the_schema(validators):
    for host in samples.hosts():
        found = [item for report in host["scans"] for item in report["findings"]] + host["stacks"]["nginx"]["findings"]
        for item in found:
            validators["finding.schema.json"].validate(item)


def test_what_is_new_since_another_run_holds_the_schema(validators):
    before = Before("20261120T020005Z-000001", {})
    made = assemble(samples.FACTS, samples.HOSTS, samples.hosts(), samples.baseline(), before=before)
    assert len(made.run["new"]["results"]) > 1
    validators["run.schema.json"].validate(made.run)


def test_every_state_of_a_host_holds_the_schema(validators):
    record = make(
        [
            {"host": "a", "skipped": "maintenance"},
            {"host": "b", "reachable": False},
            {"host": "c", "error": "nginx could not be read"},
            {"host": "d", "stacks": {"nginx": {"instances": [], "findings": []}}},
            {"host": "stranger", "scans": [samples.report("https://x:443")]},
        ],
        ["a", "b", "c", "d", "e"],
        git=None,
        clock={"source": "unknown", "synchronized": None},
    )
    validators["run.schema.json"].validate(record.run)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda run: run.update(complete=False),
        lambda run: run["population"].update(unaccounted=1),
        lambda run: run["population"]["hosts"][0].update(reason="why"),
        lambda run: run["population"]["hosts"][0].update(state="fine"),
        lambda run: run.update(started="2026-11-21 02:00:05"),
        lambda run: run["parameters"].update(extra_vars={"password": "secret"}),
        lambda run: run.update(surprise=1),
        lambda run: run.pop("clock"),
    ],
)
def test_the_run_schema_finds_what_is_wrong(validators, spoil):
    run = copy.deepcopy(make().run)
    spoil(run)
    assert not validators["run.schema.json"].is_valid(run)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda result: result.update(status="waived"),
        lambda result: result.update(status="excepted", exception=None),
        lambda result: result["subject"].pop("endpoint"),
        lambda result: result.update(evidence=["../../etc/passwd"], key="x"),
        lambda result: result.update(evidence=[]),
        lambda result: result.update(surprise=1),
        lambda result: result.pop("expected"),
    ],
)
def test_the_result_schema_finds_what_is_wrong(validators, spoil):
    result = copy.deepcopy(lines(make())[0])
    spoil(result)
    assert not validators["result.schema.json"].is_valid(result)


# --- order and identity -----------------------------------------------------------------------------------------


def test_the_order_of_the_input_does_not_matter():
    hosts = samples.hosts()
    turned = [
        {**host, "scans": host["scans"][::-1], "stacks": dict(reversed(host["stacks"].items()))} for host in hosts[::-1]
    ]
    assert list(make(turned).results.ndjson()) == list(make().results.ndjson())
    assert make(turned).run == make().run


def test_keys_are_unique_in_a_run_and_the_same_in_the_next():
    first, second = make(), make(run_id="20261122T020005Z-ffffff")
    keys = [item["key"] for item in first.results]
    assert len(set(keys)) == len(keys)
    assert keys == [item["key"] for item in second.results]


def test_two_certificates_at_one_endpoint_are_two_results():
    made = samples.report("https://x:443")
    made["findings"] = [made["findings"][0], {**made["findings"][0], "observed": "the other one"}]
    record = make([{"host": "x", "scans": [made]}], ["x"])
    assert len({item["key"] for item in record.results}) == 2


def test_every_result_points_to_files_of_the_bundle():
    record = make()
    paths = {path for path, _ in record.files}
    for item in record.results:
        assert item["evidence"]
        assert set(item["evidence"]) <= paths
    configured = [
        i for i in record.results if i["view"] == "configured" and i["provenance"] and i["provenance"][0]["file"]
    ]
    assert any(path.endswith("nginx/etc/nginx/conf.d/ehr.conf") for i in configured for path in i["evidence"])


def test_transcripts_hold_the_report_without_its_findings():
    record = make()
    transcript = json.loads(dict(record.files)[record.endpoints[0].path])
    assert transcript["probes"][0]["hello_sha256"]
    assert "findings" not in transcript


# --- the population ---------------------------------------------------------------------------------------------


def test_an_endpoint_seen_from_two_places_is_two():
    """With its own state and transcript each, so that the worse one cannot hide behind the other."""
    weak = samples.report("https://x:443", "rraaaa", vantage="inside")
    scans = [samples.report("https://x:443", vantage="outside"), weak]
    record = make([{"host": "h", "scans": scans}], ["h"])
    seen = {one.endpoint: (one.state, one.report["vantage"]) for one in record.endpoints}
    assert seen == {
        f"https://x:443 {weak['address']} inside": ("non_compliant", "inside"),
        f"https://x:443 {weak['address']} outside": ("compliant", "outside"),
    }
    assert len({one.path for one in record.endpoints}) == 2
    assert {path for item in record.results.of("h") for path in item["evidence"]} == {
        one.path for one in record.endpoints
    }


def test_handshakes_from_inside_have_transcripts_that_their_results_name():
    inside = samples.report("https://127.0.0.1:443?sni=x", "rraraa", name="x")
    audit = samples.audit([samples.listener(["x"])])
    audit["instances"][0]["handshakes"] = [{**inside, "findings": []}]
    audit["findings"] += inside["findings"]
    record = make([{"host": "h", "stacks": {"nginx": audit}}], ["h"])
    found = next(item for item in record.results if item["status"] == "fail" and item["view"] == "effective")
    assert len(found["evidence"]) == 1
    assert found["evidence"][0].startswith("hosts/h/inside/nginx/")
    transcript = json.loads(dict(record.files)[found["evidence"][0]])
    assert found["proof"]["hello_sha256"] in {probe["hello_sha256"] for probe in transcript["probes"]}
    assert "findings" not in transcript
    assert "handshakes" not in dict(record.files)["hosts/h/config/nginx.json"]


def test_a_full_run_is_complete():
    run = make().run
    assert run["complete"] is True
    assert run["incomplete"] == []
    assert run["population"]["tested"] == run["population"]["in_inventory"] == 3


def test_hosts_add_up_with_a_reason_for_each():
    hosts = [
        *samples.hosts(),
        {"host": "skipped", "skipped": "not in --limit"},
        {"host": "away", "reachable": False, "error": "no route to host"},
        {"host": "empty", "reachable": True, "stacks": {"nginx": {"instances": [], "findings": []}}},
    ]
    run = make(hosts, [*samples.HOSTS, "skipped", "away", "empty"]).run
    population = run["population"]
    assert run["complete"] is True
    assert population["in_inventory"] == 6
    assert [population[key] for key in ("tested", "unreachable", "skipped", "not_applicable", "unaccounted")] == [
        3,
        1,
        1,
        1,
        0,
    ]
    reasons = {account["host"]: account["reason"] for account in population["hosts"]}
    assert reasons["skipped"] == "not in --limit"
    assert reasons["away"] == "no route to host"
    assert reasons["empty"] == "none of the software looked for is installed: nginx"


@pytest.mark.parametrize(
    ("hosts", "population", "reason"),
    [
        ([], ["lost"], "lost: the host left no evidence and no reason"),
        ([{"host": "h", "error": "nginx could not be read: x.conf:3"}], ["h"], "h: nginx could not be read: x.conf:3"),
        (
            [{"host": "h", "stacks": {"nginx": samples.audit([])}}],
            [],
            "h: evidence was collected, but the host is not in the inventory",
        ),
        ([], [], "the inventory holds no hosts"),
        (
            [{"host": "h", "stacks": {"nginx": {"instances": [{"name": "nginx", "listeners": []}], "findings": []}}}],
            ["h"],
            "h: the host was read, but nothing on it was judged",
        ),
    ],
)
def test_a_run_that_does_not_add_up_is_not_complete(hosts, population, reason):
    run = make(hosts, population).run
    assert run["complete"] is False
    assert reason in run["incomplete"]


def test_a_host_that_failed_keeps_its_results_and_is_not_called_tested():
    host = samples.hosts()[0]
    run = make([{**host, "error": "one of two instances could not be read"}], [host["host"]]).run
    assert run["population"]["unaccounted"] == 1
    assert run["results"]["pass"] > 50


def test_listeners_without_a_handshake_are_counted():
    host = samples.hosts()[0]
    host["scans"] = host["scans"][:1]
    run = make([host], [host["host"]]).run
    assert run["listeners"] == {"found": 2, "probed": 1, "not_probed": 1, "unregistered": None}


def test_a_handshake_from_inside_counts_as_one_and_an_unreachable_endpoint_does_not():
    audit = samples.audit([samples.listener(["x"])])
    inside = samples.report("https://127.0.0.1:443?sni=x")
    outside = samples.unreachable("https://h:443?sni=x", 443)
    host = {"host": "h", "stacks": {"nginx": audit}, "scans": [{**outside, "sni": "x"}]}
    assert make([host], ["h"]).run["listeners"]["probed"] == 0
    audit["findings"] += inside.pop("findings")
    audit["instances"][0]["handshakes"] = [inside]
    assert make([host], ["h"]).run["listeners"]["probed"] == 1


def test_what_a_host_says_of_an_endpoint_without_a_transcript_is_not_proved():
    audit = samples.audit([samples.listener(["x"])])
    audit["findings"] += samples.report("https://127.0.0.1:443?sni=x")["findings"]
    said = [
        item for item in lines(make([{"host": "h", "stacks": {"nginx": audit}}], ["h"])) if item["subject"]["endpoint"]
    ]
    assert {item["status"] for item in said} == {"indeterminate"}
    assert "shows no transcript" in said[0]["observed"]


def test_exports_below_a_folder_are_found_by_the_path_of_their_source():
    files = [
        {"name": f"files/etc/nginx/{name}", "text": name, "redactions": 0} for name in ("nginx.conf", "conf.d/ehr.conf")
    ]
    files.append({"name": "listeners.json", "text": "[]", "redactions": 0})
    host = {"host": "h", "stacks": {"nginx": samples.audit([samples.listener(["x"])], exports=files)}}
    found = {path for item in make([host], ["h"]).results for path in item["evidence"]}
    assert found == {
        "hosts/h/config/nginx/files/etc/nginx/conf.d/ehr.conf",
        "hosts/h/config/nginx/files/etc/nginx/nginx.conf",
        "hosts/h/config/nginx.json",
    }


def test_redactions_are_counted_per_host():
    assert [account["redactions"] for account in make().run["population"]["hosts"]] == [1, 1, 1]


# --- states -----------------------------------------------------------------------------------------------------


def test_an_exception_never_makes_an_endpoint_compliant():
    record = make()
    states = {one.endpoint.split("sni=")[-1]: one.state for one in record.endpoints}
    assert states["pump.clinic.example"] == "excepted"
    assert record.run["endpoints"] == {
        "compliant": 10,
        "excepted": 1,
        "non_compliant": 2,
        "indeterminate": 1,
        "unreachable": 1,
    }


def test_a_report_without_findings_is_not_compliant():
    made = {**samples.report("https://x:443"), "findings": [], "verdict": "compliant"}
    assert make([{"host": "x", "scans": [made]}], ["x"]).endpoints[0].state == "indeterminate"


# --- hostile and broken input -----------------------------------------------------------------------------------

HOSTILE = "../../../tmp/x\n<script>alert(1)</script>"


def test_hostile_names_stay_inside_the_bundle():
    exports_ = [{"name": "../../../../root/.ssh/authorized_keys", "text": "x", "redactions": 0}]
    host = {
        "host": HOSTILE,
        "stacks": {"nginx": samples.audit([samples.listener(["x"])], exports=exports_)},
        "scans": [samples.report("https://[::1]:443/../../x?sni=" + HOSTILE)],
    }
    record = make([host], [HOSTILE])
    for path, _ in record.files:
        assert path.startswith("hosts/")
        assert ".." not in path.split("/")
        assert not set(path) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/")


def test_exports_that_differ_only_by_case_get_files_of_their_own():
    files = [{"name": name, "text": name, "redactions": 0} for name in ("etc/A.conf", "etc/a.conf", "/etc/a.conf")]
    host = {"host": "h", "stacks": {"nginx": samples.audit([samples.listener(["x"])], exports=files)}}
    record = make([host], ["h"])
    paths = [path.lower() for path, _ in record.files]
    assert len(set(paths)) == len(paths)
    assert {text for _, text in record.files} >= {"etc/A.conf", "etc/a.conf", "/etc/a.conf"}


def test_two_instances_of_one_stack_keep_their_files_apart():
    audit = samples.audit([samples.listener(["x"])])
    audit["instances"].append(
        {**audit["instances"][0], "name": "nginx@second", "export": [dict(audit["instances"][0]["export"][0])]}
    )
    record = make([{"host": "h", "stacks": {"nginx": audit}}], ["h"])
    paths = [path for path, _ in record.files]
    assert "hosts/h/config/nginx/nginx/etc/nginx/nginx.conf" in paths
    assert len([path for path in paths if path.endswith("nginx.conf")]) == 2


def broken(key, value):
    item = judge.finding("protocol.tls1_0", "pass", "effective", {"endpoint": "https://x:443"}, "refused")
    return {**item, key: value}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (broken("status", "ok"), r"host h, endpoint https://x:443, findings\[0\]\.status: 'ok' is not one of fail, "),
        (broken("check", "no.such"), r"findings\[0\]\.check: 'no.such' is not one of protocol.sslv2, "),
        (broken("view", None), r"findings\[0\]\.view: None is not one of effective, configured"),
        (broken("observed", 3), r"findings\[0\]\.observed: a text is needed, not 3"),
        (broken("subject", "x"), r"findings\[0\]: 'subject' must be a mapping and 'provenance' a list"),
        ("nonsense", r"findings\[0\]: a mapping is needed, not 'nonsense'"),
    ],
)
def test_findings_in_another_shape_are_refused_by_place(item, message):
    with pytest.raises(InputError, match=message):
        make([{"host": "h", "scans": [{**samples.report("https://x:443"), "findings": [item]}]}], ["h"])


@pytest.mark.parametrize(
    ("hosts", "message"),
    [
        (["h"], "evidence of a host: a mapping with the key 'host' is needed"),
        ([{"name": "h"}], "evidence of a host: a mapping with the key 'host' is needed"),
        ([{"host": ""}], "evidence of a host: 'host' must be a name, not ''"),
        ([{"host": "h"}, {"host": "h"}], "evidence of host h: given twice"),
        ([{"host": "h", "scans": [{"endpoint": "x"}]}], r"host h, scans\[0\]: a wire report with 'endpoint'"),
        ([{"host": "h", "scans": [samples.report("https://x:443")] * 2}], "host h: an endpoint is reported twice"),
        ([{"host": "h", "stacks": {"nginx": "x"}}], "host h, stack nginx: a mapping is needed, not 'x'"),
        ([{"host": "h", "stacks": {"nginx": b"x"}}], "bytes is not plain data"),
    ],
)
def test_hosts_in_another_shape_are_refused_by_name(hosts, message):
    with pytest.raises(InputError, match=message) as caught:
        make(hosts, ["h"])
    assert caught.value.exit_code == 4


def test_a_baseline_without_a_name_is_refused():
    with pytest.raises(InputError, match=r"baseline\.profile: a text is needed, not None"):
        assemble(samples.FACTS, [], [], {"version": "1", "as_of": "2026-01-01", "source": "s"})


def test_the_digest_of_the_baseline_is_the_models_own():
    given = samples.BASELINE.to_dict()
    assert assemble(samples.FACTS, [], [], given).run["baseline"]["sha256"] == samples.BASELINE.digest


def test_catalogue_and_controls_are_plain_data():
    assert {"id", "severity", "title", "rationale", "mend", "decides"} <= set(catalogue()[0])
    known = {check["id"] for check in catalogue()}
    for control in controls(samples.baseline()):
        assert set(control["checks"]) <= known
        assert isinstance(control["checks"], list)


def test_requirements_that_need_a_profile_are_judged_by_it_alone():
    def judged(baseline):
        rows = controls({**baseline.to_dict(), "digest": baseline.digest})
        return {(row["framework"], row["version"], row["id"]) for row in rows if row["judged"]}

    only_modern = ("CIS NGINX Benchmark", "3.0.0", "4.1.4")
    assert only_modern not in judged(load("intermediate"))
    assert only_modern in judged(load("modern"))
    # A profile with parts of one's own may not be what the requirement wants any more.
    assert only_modern not in judged(load("modern", {"hsts_max_age": 1}))
    assert ("BSI TR-02102-2", "2026-01", "3.2") in judged(load("eu_strict"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_json_for_people_is_the_same_data(data):
    text = readable(data)
    assert json.loads(text) == json.loads(json.dumps(data))
    assert text.isascii()
    # A line for each key and each item of its list, and no more.
    lists = [value for value in data.values() if isinstance(value, list) and value]
    expected = 2 + len(data) + sum(len(value) + 1 for value in lists) if data else 1
    assert len(text.splitlines()) == expected


class Tagged(str):
    """A text as Ansible hands it over: of a type of its own, which other libraries do not know."""


def test_facts_may_be_of_types_of_ansibles_own():
    record = make(run_id=Tagged(samples.FACTS["run_id"]), ended=Tagged(samples.FACTS["ended"]))
    assert list(record.results.ndjson()) == list(make().results.ndjson())
    assert type(record.run["run_id"]) is str
