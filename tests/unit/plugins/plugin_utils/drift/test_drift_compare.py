"""One host then and now: every pair of statuses, both views, and what came and went. Pure."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import STATUSES
from ansible_collections.encryption.in_transit.plugins.plugin_utils.drift import compare
from ansible_collections.encryption.in_transit.plugins.plugin_utils.drift.compare import Now, Then

PLACE = "http *:443 portal.example"
INSIDE = "https://127.0.0.1:443?sni=portal.example"
LISTENER = {"place": PLACE, "endpoints": [INSIDE], "address": "*:443", "names": ["portal.example"]}
CHECKS = frozenset({"protocol.tls1_0", "suite.forbidden", "config.override", "config.valid"})


def result(status, view="configured", check="protocol.tls1_0", key=None, **subject):
    about = {"host": "web1", "stack": "nginx", "listener": PLACE if view == "configured" else None, "endpoint": None}
    about.update({"endpoint": INSIDE} if view == "effective" else {}, **subject)
    line = {"file": "/etc/nginx/site", "line": 3, "text": "ssl_protocols TLSv1;"}
    return {
        "key": key or f"{check}-{view}-{about['listener']}-{about['endpoint']}",
        "check": check,
        "severity": "high",
        "status": status,
        "view": view,
        "subject": about,
        "observed": f"it is {status}",
        "expected": "off",
        "provenance": [line] if view == "configured" else [],
        "mend": "",
        "exception": "EXC-1" if status == "excepted" else None,
    }


def compared(then, now, checks=CHECKS, listeners=(LISTENER,)):
    return compare.settings(None if then is None else Then(then, checks), Now(now, listeners))


@pytest.mark.parametrize(
    ("then", "now", "change"),
    [
        ("pass", "fail", "drifted"),
        ("excepted", "fail", "drifted"),
        ("not_applicable", "fail", "drifted"),
        ("indeterminate", "fail", "new"),
        ("fail", "fail", "open"),
        ("fail", "pass", "mended"),
        ("fail", "excepted", "mended"),
        ("pass", "indeterminate", "unproved"),
        ("fail", "indeterminate", "unproved"),
        ("pass", "pass", "held"),
        ("indeterminate", "pass", "held"),
    ],
)
def test_what_became_of_a_setting(then, now, change):
    found = compared([result(then)], [result(now)])
    assert compare.state(found) == change
    assert len(found) == (change != "held")


def test_both_views_of_a_setting_are_one():
    (one,) = compared([result("pass"), result("pass", "effective")], [result("fail"), result("fail", "effective")])
    assert (one["change"], one["place"], one["process"]) == ("drifted", PLACE, None)
    assert one["configured"] == one["effective"] == {"before": "pass", "now": "fail"}
    assert one["where"] == [{"file": "/etc/nginx/site", "line": 3, "text": "ssl_protocols TLSv1;"}]
    assert one["endpoints"] == [INSIDE] and len(one["keys"]) == 2


@pytest.mark.parametrize(
    ("files", "process", "word"), [("pass", "fail", "stale"), ("fail", "pass", "pending"), ("fail", "fail", None)]
)
def test_files_and_process_disagree(files, process, word):
    before = [result("pass"), result("pass", "effective")]
    (one,) = compared(before, [result(files), result(process, "effective")])
    assert one["process"] == word
    # The place to look at is told also where only a handshake showed it.
    assert one["where"][0]["line"] == 3


def test_an_endpoint_seen_from_outside_is_of_the_listener_it_leads_to():
    from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import Endpoint

    uri = "https://portal.example:443?sni=portal.example"
    report = {"endpoint": uri, "port": 443, "sni": "portal.example", "reachable": True}
    seen = result("fail", "effective", endpoint=uri, stack=None)
    now = Now([result("fail"), seen], [LISTENER], [Endpoint("web1", uri, "non_compliant", report, [], "")])
    (one,) = compare.settings(None, now)
    assert (one["place"], one["stack"], one["change"], one["endpoints"]) == (PLACE, "nginx", "new", [uri])


def test_a_check_that_only_speaks_up_when_it_fails():
    quiet = result("pass", check="config.valid", listener=None)
    loud = result("fail", check="config.override", listener=None)
    assert compare.state(compared([quiet], [quiet, loud])) == "drifted"
    # Nobody could have said so: the check did not exist then, or nothing was known of the place.
    assert compare.state(compared([quiet], [quiet, loud], CHECKS - {"config.override"})) == "new"
    assert compare.state(compared([], [quiet, loud])) == "new"
    assert compare.state(compared([quiet, loud], [quiet])) == "mended"


def test_what_is_not_served_any_more_is_gone_and_what_does_not_answer_is_not_mended():
    weak = result("fail", "effective")
    assert [one["change"] for one in compared([weak], [])] == ["gone"]
    away = result("indeterminate", "effective", check="endpoint.reachable")
    assert [one["change"] for one in compared([weak], [away])] == ["unproved"]


def test_without_an_earlier_run_whatever_fails_is_new():
    assert compare.state(compared(None, [result("fail"), result("pass", "effective")])) == "new"
    assert compared(None, [result("pass")]) == []


def test_an_exception_that_ended_is_named():
    (one,) = compared([result("excepted")], [result("fail")])
    assert (one["change"], one["exception"]) == ("drifted", "EXC-1")


RESULTS = st.lists(
    st.builds(
        result,
        st.sampled_from(STATUSES),
        st.sampled_from(("configured", "effective")),
        st.sampled_from(sorted(CHECKS)),
    ),
    unique_by=lambda item: item["key"],
)


@given(RESULTS, RESULTS)
def test_nothing_that_fails_is_ever_called_held(then, now):
    found = compared(then, now)
    failing = {(item["check"]) for item in now if item["status"] == "fail"}
    unproved = {(item["check"]) for item in now if item["status"] == "indeterminate"}
    told = {change: {one["check"] for one in found if one["change"] == change} for change in compare.CHANGES}
    assert set().union(*(told[change] for change in compare.FAILING)) == failing
    assert unproved - failing <= told["unproved"]
    assert told["held"] == set()
    assert [compare.CHANGES.index(one["change"]) for one in found] == sorted(
        compare.CHANGES.index(one["change"]) for one in found
    )


@given(RESULTS)
def test_the_same_twice_is_never_drift(results):
    assert {one["change"] for one in compared(results, results)} <= {"open", "unproved"}


def test_every_pair_of_statuses_has_a_word():
    for then, now in itertools.product(STATUSES, STATUSES):
        assert compare.state(compared([result(then)], [result(now)])) in compare.CHANGES
