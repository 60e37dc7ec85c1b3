"""A host that sends absurd results is a host that failed: no exception, and no harm to what other hosts sent."""

from __future__ import annotations

import copy
import datetime
import json
import os
import pathlib
import posixpath
import re

import hostile_hosts as sent
import pytest
from hostile_hosts import samples

from ansible_collections.encryption.in_transit.plugins.module_utils.findings import judge
from ansible_collections.encryption.in_transit.plugins.plugin_utils import (
    arrival,
    discovery,
    left_by_roles,
    summary,
    usage,
)
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import bundle, changes, collected
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.exports.verdict import verdict
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import assemble, dump

ROOT = pathlib.Path(__file__).parents[5]
HONEST = samples.HOSTS[0]


def written(hosts):
    """Every file of the bundle these hosts make, by its path."""
    record = assemble(samples.FACTS, sorted({*(host["host"] for host in hosts), HONEST}), hosts, samples.baseline())
    files = bundle.payload(record, verdict(record, "low"))
    return {path: content if isinstance(content, bytes) else b"".join(content) for path, content in files}


def accepted(kind, wrap, result):
    """(where, how) a part can be absurd without the result being refused."""
    ways = []
    for at, how, spoiled in sent.every(result):
        left = arrival.checked(kind, wrap(spoiled))
        if left.get("refused"):
            assert left["failed"] and left["msg"].startswith("what the host sent is no result of the module"), how
            assert len(left["msg"]) < 700, (at, how)
        else:
            ways.append((at, how))
    return ways


@pytest.fixture(scope="module")
def liars():
    """Audits in which a part is absurd and the shape holds: all such parts at once; for ``make faults`` one by one."""
    ways = accepted("stack", lambda result: result, sent.audit())
    assert len(ways) > 500, "parts that may be anything"
    if os.environ.get("FAULTS") != "all":
        # Whatever stands around it would be lost with it.
        leaves = [(at, how) for at, how in ways if not isinstance(sent.part(sent.audit(), at), (dict, list))]
        return [arrival.checked("stack", result) for _how, result in sent.together(sent.audit(), leaves)]
    found = []
    for at, how in ways:
        if how == "left out":
            found.append(sent.missing(sent.audit(), at))
        else:
            found.append(sent.spoiled(sent.audit(), at, sent.ABSURD[how]))
    return [arrival.checked("stack", result) for result in found]


# --- every part of a result, spoiled in every way ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "result"),
    [("stack", sent.audit()), ("discover", sent.discovered()), ("usage", sent.used())],
    ids=["audit", "discover", "usage"],
)
def test_honest_results_arrive_whole(kind, result):
    assert arrival.checked(kind, result) == result
    assert arrival.checked("scan", {"reports": [sent.report()]}) == {"reports": [sent.report()]}


def test_whatever_of_an_audit_is_absurd_other_hosts_have_the_same_evidence(liars):
    honest = {"host": HONEST, "stacks": {"nginx": sent.audit()}}
    others = [{"host": f"liar{index}", "stacks": {"nginx": copy.deepcopy(left)}} for index, left in enumerate(liars)]
    files, alone = written([copy.deepcopy(honest), *others]), written([honest])
    mine = [path for path in alone if path.startswith("hosts/")]
    assert mine and {path: files[path] for path in mine} == {path: alone[path] for path in mine}
    results = [line for line in files["results.ndjson"].splitlines() if json.loads(line)["subject"]["host"] == HONEST]
    assert results == alone["results.ndjson"].splitlines()
    population = {one["host"]: one for one in json.loads(files["run.json"])["population"]["hosts"]}
    assert population[HONEST] == json.loads(alone["run.json"])["population"]["hosts"][0]
    for path in files:
        assert path.isascii() and path == posixpath.normpath(path) and not path.startswith(("/", "..")), path


def test_whatever_of_a_result_is_absurd_it_is_summed_up_and_recorded(liars):
    about = {"recorded": sent.MOMENT, "operator": {}, "control_node": "c", "ticket": None}
    results = {f"liar{index}": {"nginx": left} for index, left in enumerate(liars)}
    assert summary.verify(results, [], {}).text
    assert summary.harden(results, check_mode=False).text
    for left in liars:
        for one in left.get("instances") or ():
            one["changed"] = True
        told = collected.Told({"h": {"__nginx_tls_result": left}}, ["h"], "result", "")
        assert dump(changes.collect(told, about, "1"))


def test_whatever_of_a_discovery_is_absurd_the_others_are_shown():
    for at, how, spoiled in sent.every(sent.discovered()):
        left, error = left_by_roles.discovered({"__discover_result": spoiled})
        assert left or error, (at, how)
        hosts = [discovery.Discovered("h", ("h",), "h", left, error)]
        hosts.append(discovery.Discovered("other", ("other",), "other", sent.discovered()))
        joined = discovery.join(hosts, ())
        assert "other" in discovery.show(hosts, joined).text, (at, how)
        assert discovery.entries_yaml(joined.entries) and dump(joined.findings), (at, how)


def test_whatever_of_a_usage_is_absurd_the_others_are_shown():
    for at, how, spoiled in sent.every(sent.used()):
        left, error = left_by_roles.used({"__usage_result": spoiled})
        assert left or error, (at, how)
        hosts = [usage.Told("h", left, error), usage.Told("other", sent.used())]
        assert "other" in usage.show(hosts).text, (at, how)
        assert usage.csv(hosts) and usage.exceptions_yaml(usage.exceptions(hosts, datetime.date(2026, 11, 22))), at


def test_whatever_of_a_scan_is_absurd_it_is_judged_or_refused():
    for at, how in accepted("scan", lambda report: {"reports": [report]}, sent.report()):
        made = sent.report()
        made = sent.missing(made, at) if how == "left out" else sent.spoiled(made, at, sent.ABSURD[how])
        assert judge.judge_report(made, samples.BASELINE), (at, how)
        assert summary.verify({"h": {}}, [made], {}).text, (at, how)


# --- size -------------------------------------------------------------------------------------------------------


def nested(levels):
    inner = []
    for _level in range(levels):
        inner = [inner]
    return inner


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"warnings": ["x"] * (arrival.MOST_VALUES + 1)}, f"more than {arrival.MOST_VALUES} values"),
        ({"edits": nested(100_000)}, "levels of nesting"),
        ({"export": [{"name": "a", "text": "x" * (arrival.MOST_TEXT + 1)}]}, "characters of text"),
        ({"edits": [{"x" * (arrival.MOST_TEXT + 1): 1}]}, "characters of text"),
        ({"output": "x" * (2 << 20)}, "instances[0].output: has 2097152 characters"),
        ({"edits": [{"line": float("nan")}]}, "nan is no number"),
        ({"edits": [{"line": 10**4000}]}, "a number is larger than any count can be"),
        ({"edits": [{1: 2}]}, "keys must be text"),
        ({"edits": [{"x": b"bytes"}]}, "bytes is no type of JSON"),
    ],
)
def test_what_is_too_large_or_no_data_is_refused(part, words):
    result = sent.audit()
    result["instances"][0].update(part)
    left = arrival.checked("stack", result)
    assert left["failed"] and words in left["msg"]
    assert len(left["msg"]) < 700


# --- sense ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda r: r["findings"][0].update(check="no.such"), "there is no check 'no.such'"),
        (lambda r: r["instances"].append(r["instances"][0]), "there are two of the name 'nginx'"),
        (lambda r: r["instances"][0]["export"].append(r["instances"][0]["export"][0]), "two files of the name"),
        (lambda r: r["instances"][0]["listeners"][0].update(endpoints=["https://a b"]), "holds a space"),
        (lambda r: r["instances"][0]["listeners"][0].update(endpoints=["file:///etc/passwd"]), "is not known"),
    ],
)
def test_what_makes_no_sense_is_refused(spoil, words):
    result = sent.audit()
    spoil(result)
    assert words in arrival.checked("stack", result)["msg"]


@pytest.mark.parametrize("value", [None, [], "x", 3, ["x"], nested(5000)])
def test_what_is_no_result_at_all_is_refused(value):
    for kind in ("stack", "scan", "discover", "usage"):
        assert "a mapping is needed, not " in arrival.checked(kind, value)["msg"]


# --- power over the controller ----------------------------------------------------------------------------------


def test_nothing_but_results_is_taken_from_a_host():
    """By such keys a result would set variables and statistics, invent hosts, or point to files of the controller."""
    power = {
        "ansible_facts": {"in_transit_evidence_dir": "/root/.ssh", "discovered_interpreter_python": "/usr/bin/python3"},
        "add_host": {"host_name": "evil"},
        "add_group": "evil",
        "ansible_stats": {"data": {"x": 1}},
        "results": [],
        "collected": {"file": "../../x", "sha256": "0" * 64},
    }
    left = arrival.checked("stack", {**sent.audit(), **power, "invocation": {}})
    assert set(left) - set(sent.audit()) == {"ansible_facts", "invocation", "collected"}
    assert left["ansible_facts"] == {"discovered_interpreter_python": "/usr/bin/python3"}


def test_every_module_that_runs_on_hosts_has_its_result_looked_at():
    modules = {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    actions = {path.stem: path.read_text() for path in (ROOT / "plugins/action").glob("*.py")}
    assert modules == set(actions)
    looking = re.compile(r"\(ArrivingAction\)|\(CollectingAction\)|\(WindowsAction\)|arrival\.checked\(")
    trusted = {name for name, text in actions.items() if not looking.search(text)}
    assert trusted.isdisjoint({"tls_scan", "discover", "usage"}) and not [one for one in trusted if "_tls" in one]
    assert not [name for name in trusted if "_execute_module" in actions[name]], "it runs on the controller alone"


def test_what_ansible_prints_steers_no_terminal():
    left = arrival.shown(
        {
            "msg": "\x1b]0;x\x07",
            "diff": [{"before": "a\x9b31m\n", "after": "\u202e\n"}],
            "warnings": ["\x1b[2J"],
            "rc": 1,
        }
    )
    assert left["msg"] == "\\x1b]0;x\\x07"
    assert left["diff"] == [{"before": "a\\x9b31m\n", "after": "\\u202e\n"}]
    assert (left["warnings"], left["rc"]) == (["\\x1b[2J"], 1)
