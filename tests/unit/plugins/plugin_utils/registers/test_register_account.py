# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Grants of the day, flows joined with verdicts, and what a run says about the registers."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.encryption.in_transit.plugins.filter.endpoints import distinct_endpoints, endpoint_subjects
from ansible_collections.encryption.in_transit.plugins.plugin_utils.registers import account, grants, join
from ansible_collections.encryption.in_transit.tests.unit.plugins.plugin_utils.registers import (
    register_samples as samples,
)

LAST = datetime.date(2027, 2, 28)
DAY = datetime.timedelta(days=1)
PUMPS = "https://pump-gw1.hospital.example:8443"


def report(endpoint: str, verdict: str, host: str | None = None, **more: t.Any) -> dict[str, t.Any]:
    port = join.place(endpoint)[1]  # type: ignore[index]
    return {"endpoint": endpoint, "verdict": verdict, "host": host, "port": port, "reachable": True, **more}


def entry(**values: t.Any) -> dict[str, t.Any]:
    return {**samples.registers()["exceptions"][0], **values}


def test_an_exception_counts_from_its_approval_to_its_last_day() -> None:
    days = [datetime.date(2026, 10, 8), datetime.date(2026, 10, 9), LAST, LAST + DAY]
    assert [len(grants.grants([entry()], day)) for day in days] == [0, 1, 1, 0]


@pytest.mark.parametrize("status", ["requested", "rejected", "closed"])
def test_only_approved_ones_count(status: str) -> None:
    assert grants.grants([entry(status=status)], samples.TODAY) == []


def test_a_renewal_replaces_what_it_renews() -> None:
    renewal = entry(id="EXC-2026-002", supersedes="EXC-2026-001")
    assert [one["id"] for one in grants.grants([entry(), renewal], samples.TODAY)] == ["EXC-2026-002"]
    # One that is not approved yet replaces nothing.
    renewal["status"] = "requested"
    assert [one["id"] for one in grants.grants([entry(), renewal], samples.TODAY)] == ["EXC-2026-001"]


def test_hosts_get_their_own() -> None:
    found = grants.grants([entry()], samples.TODAY)
    assert grants.for_host(found, "portal.hospital.example") == []
    (mine,) = grants.for_host(found, "Pump-GW1.hospital.example")
    assert mine["hosts"] == [] and mine["ports"] == [8443]


# --- the join ---------------------------------------------------------------------------------------------------


def rows(*reports: dict[str, t.Any], flows: t.Any = None) -> dict[str, str]:
    return {one["id"]: one["verdict"] for one in join.flows(flows or samples.registers()["flows"], reports)}


def test_uris_that_mean_the_same_are_joined() -> None:
    found = rows(
        report("https://PORTAL.hospital.example:443/login?sni=portal.hospital.example", "compliant"),
        report("tls://192.0.2.9:8443?sni=pump-gw1.hospital.example", "excepted", "pump-gw1.hospital.example"),
    )
    assert found == {"FLOW-0001": "compliant", "FLOW-0002": "excepted", "FLOW-0003": "not_tested"}


def test_another_name_or_port_is_another_endpoint() -> None:
    found = rows(
        report("https://portal.hospital.example:443?sni=other.example", "compliant"),
        report("https://pump-gw1.hospital.example:443", "compliant"),
    )
    assert set(found.values()) == {"not_tested"}


def test_a_flow_is_as_good_as_its_worst_endpoint_and_its_worst_report() -> None:
    flow = samples.registers()["flows"][0]
    flow["endpoints"].append("https://b.example")
    good, other = "https://portal.hospital.example", "https://b.example"
    reports = [report(good, "compliant"), report(good, "non_compliant"), report(other, "compliant")]
    assert rows(*reports, flows=[flow]) == {"FLOW-0001": "non_compliant"}
    assert rows(report(good, "compliant"), flows=[flow]) == {"FLOW-0001": "not_tested"}


def test_targets_are_whose_they_are() -> None:
    flows = samples.registers()["flows"]
    flows[0]["endpoints"] = ["https://vip.hospital.example"]
    flows[0]["hosts"] = ["portal.hospital.example"]
    inside, outside = join.targets(flows, samples.HOSTS)
    assert inside == {"portal.hospital.example": ["https://vip.hospital.example"], "pump-gw1.hospital.example": [PUMPS]}
    assert outside == ["https://orders.lab.example"]


def test_filters() -> None:
    uris = [
        "https://a.example",
        "https://a.example:443?sni=a.example",
        "http://a.example:443",
        "https://a.example?sni=",
    ]
    assert distinct_endpoints(uris) == ["https://a.example", "http://a.example:443", "https://a.example?sni="]
    assert endpoint_subjects([["a", ["x", "y"]], ["b", ["y"]], ["c", None]]) == {"x": {"host": "a"}}


# --- what is said of it -----------------------------------------------------------------------------------------

COVERED = {"status": "excepted", "exception": "EXC-2026-001"}


def told(
    today: datetime.date = samples.TODAY,
    reports: t.Sequence[t.Any] = (),
    findings: t.Sequence[t.Any] = (),
    **more: t.Any,
) -> account.Account:
    return account.account(samples.registers(), reports, findings, today)


@pytest.mark.parametrize(
    ("today", "reports", "findings", "state", "words"),
    [
        (samples.TODAY, [report(PUMPS, "excepted")], [COVERED], "in_force", ""),
        (samples.TODAY, [report(PUMPS, "compliant")], [], "unused", "close it"),
        (samples.TODAY, [report(PUMPS, "indeterminate")], [], "in_force", ""),  # nothing was proved: nothing is said
        (samples.TODAY, [], [], "in_force", ""),
        (LAST - 29 * DAY, [], [COVERED], "expiring", "ends in 29 days"),
        (LAST, [], [COVERED], "expiring", "ends in 0 days"),
        (LAST + DAY, [], [], "expired", "covers nothing any more"),
    ],
)
def test_states_of_an_exception(
    today: datetime.date, reports: list[t.Any], findings: list[t.Any], state: str, words: str
) -> None:
    made = told(today, reports, findings)
    (one,) = made.exceptions
    assert one["state"] == state and words in one["text"]
    assert bool(one["text"]) == any(line.startswith("EXC-2026-001") for line in made.reminders)
    failing = {item["check"] for item in made.findings if item["status"] == "fail" and "EXC" in item["observed"]}
    assert failing == {"expired": {"exception.expiry"}, "unused": {"exception.use"}}.get(state, set())


LAB = "https://orders.lab.example"


@pytest.mark.parametrize(
    ("today", "verdicts", "status"),
    [
        (samples.TODAY, [], "pass"),  # 21 days old
        (datetime.date(2027, 11, 1), [], "pass"),
        (datetime.date(2027, 11, 2), [], "fail"),
        (datetime.date(2027, 11, 2), ["compliant"], "pass"),
        (datetime.date(2027, 11, 2), ["indeterminate"], "fail"),
        (datetime.date(2027, 11, 2), ["excepted"], "fail"),
        (samples.TODAY, ["non_compliant"], "fail"),
    ],
)
def test_evidence_of_a_third_party_is_fresh_or_not(today: datetime.date, verdicts: list[str], status: str) -> None:
    made = told(today, [report(LAB, verdict) for verdict in verdicts])
    (one,) = made.third_parties
    assert one["status"] == status
    (item,) = [item for item in made.findings if item["check"] == "third_party.evidence"]
    assert item["status"] == status and "TP-001" in item["observed"]


def test_flows_that_nobody_tested_are_named() -> None:
    made = told(reports=[report("https://portal.hospital.example", "compliant")])
    assert [line for line in made.reminders if "not tested" in line] == [
        "FLOW-0002 Infusion pumps: was not tested in this run"
    ]
