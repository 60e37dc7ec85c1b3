# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an exception covers: exactly its place, its checks and its names, and never a day longer than it says."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import exceptions, judge
from ansible_collections.encryption.in_transit.plugins.module_utils.run import scan as desk
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import (
    Listener,
    Provenance,
    Setting,
)
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.findings.test_judge import (
    BASELINE,
    report,
)

OLD, OTHER = "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_RC4_128_SHA"


def grant(**changes):
    made = {
        "id": "EXC-2026-001",
        "hosts": ["pumps.example"],
        "ports": [8443],
        "names": [],
        "stack": "",
        "checks": ["protocol.tls1_0", "suite.forbidden"],
        "accept": [OLD],
        "since": "2026-10-09",
        "expires": "2027-02-28",
    }
    return {**made, **changes}


def weak(protocols=("TLSv1.0",), suites=(), surveyed=True, **changes):
    made = report(endpoint="https://pumps.example:8443", port=8443, sni="pumps.example", **changes)
    for protocol in protocols:
        made["protocols"][protocol]["status"] = "accepted"
    if suites:
        names = [{"protocol": "TLSv1.2", "suite": name, "probe": "p-TLSv1.0"} for name in suites]
        made["suites"] = {"status": "accepted", "forbidden": names}
    if surveyed:
        made["suites"].update(accepted={"TLSv1.2": list(suites)}, incomplete=[])
    return made


def judged(seen, *grants, subject=None):
    """The verdict, and status and exception by check."""
    found = judge.judge_report(seen, BASELINE, subject, list(grants))
    assert all("names" not in item for item in found)
    return judge.verdict(seen, found), {item["check"]: (item["status"], item["exception"]) for item in found}


def test_both_facts_are_kept_and_the_verdict_is_no_pass():
    seen = weak(suites=[OLD])
    without = {item["check"]: item for item in judge.judge_report(seen, BASELINE)}
    found = judge.judge_report(seen, BASELINE, None, [grant()])
    assert judge.verdict(seen, found) == "excepted"
    for item in found:
        plain = without[item["check"]]
        assert (item["observed"], item["expected"], item["proof"]) == (
            plain["observed"],
            plain["expected"],
            plain["proof"],
        )
        if item["status"] == "excepted":
            assert plain["status"] == "fail" and item["exception"] == "EXC-2026-001"
        else:
            assert item["status"] == plain["status"] and item["exception"] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"hosts": ["other.example"]},
        {"ports": [443]},
        {"names": ["portal.example"]},
        {"checks": ["protocol.tls1_1", "suite.forbidden"]},
        {"accept": [OTHER]},
        {"accept": []},
    ],
)
def test_anywhere_else_and_for_anything_else_it_covers_nothing(changes):
    assert judged(weak(suites=[OLD]), grant(**changes))[0] == "non_compliant"


def test_what_is_weaker_still_fails():
    verdict, found = judged(weak(("SSLv3", "TLSv1.0"), [OLD]), grant())
    assert verdict == "non_compliant"
    assert found["protocol.sslv3"] == ("fail", None) and found["protocol.tls1_0"][0] == "excepted"
    verdict, found = judged(weak(suites=[OLD, OTHER]), grant())
    assert (verdict, found["suite.forbidden"]) == ("non_compliant", ("fail", None))


def test_a_list_that_may_hide_something_worse_is_not_covered():
    seen = weak(suites=[OLD], surveyed=False)
    verdict, found = judged(seen, grant())
    assert (verdict, found["suite.forbidden"][0]) == ("non_compliant", "fail")
    found = judge.judge_report(seen, BASELINE, None, [grant()])
    assert judge.needs_survey(seen, found, {}, [grant()])
    assert not judge.needs_survey(seen, found, {}, [grant(checks=["protocol.tls1_0"])])
    seen = weak(suites=[OLD])
    seen["suites"]["incomplete"] = ["TLSv1.0"]
    assert judged(seen, grant())[1]["suite.forbidden"][0] == "fail"


def test_the_scan_surveys_an_endpoint_that_only_a_survey_can_clear(monkeypatch):
    asked = []

    def stream(endpoints, _baseline, options=None, *_rest):
        asked.append((list(endpoints), getattr(options, "detail", "verdict")))
        return iter([weak(suites=[OLD], surveyed=options is not None and options.detail == "full")])

    monkeypatch.setattr(desk.engine, "stream", stream)
    (seen,) = desk.scan(["https://pumps.example:8443"], BASELINE, grants=[grant()])
    assert seen["verdict"] == "excepted"
    assert [detail for _endpoints, detail in asked] == ["verdict", "full"]
    asked.clear()
    (seen,) = desk.scan(["https://pumps.example:8443"], BASELINE)
    assert seen["verdict"] == "non_compliant" and len(asked) == 1


def test_an_endpoint_known_by_its_address_is_that_of_its_host():
    seen = weak(suites=[OLD])
    seen["endpoint"] = "https://192.0.2.7:8443"
    assert judged(seen, grant())[0] == "non_compliant"
    assert judged(seen, grant(), subject={"host": "Pumps.example"})[0] == "excepted"
    assert judged(seen, grant(hosts=[]))[0] == "excepted"


def test_indeterminate_is_never_excepted():
    seen = weak()
    seen["protocols"]["TLSv1.0"]["status"] = "indeterminate"
    assert judged(seen, grant())[0] == "indeterminate"


def listener(names=("pumps.example",), port=8443, stack="nginx"):
    place = (Provenance("/etc/x.conf", 3, "text"),)
    settings = {
        "protocols": Setting(("TLSv1.0", "TLSv1.2"), place),
        "suites_tls12": Setting((OLD, BASELINE.suites_tls12[0]), place),
    }
    return Listener(stack, "http", "server", f"*:{port}", names, True, True, settings, ())


@pytest.mark.parametrize(
    ("one", "changes", "status"),
    [
        (listener(), {}, "excepted"),
        (listener(), {"hosts": []}, "excepted"),
        (listener(), {"names": ["pumps.example"]}, "excepted"),
        (listener(("pumps.example", "b.example")), {"names": ["pumps.example"]}, "fail"),
        (listener(()), {"names": ["pumps.example"]}, "fail"),
        (listener(port=443), {}, "fail"),
        (listener(stack="apache"), {"stack": "nginx"}, "fail"),
        (listener(), {"accept": [OTHER]}, "fail"),
    ],
)
def test_what_files_say_is_covered_alike(one, changes, status):
    found = judge.judge_listeners([one], BASELINE, {"host": "pumps.example"}, (), [grant(**changes)])
    by_check = {item["check"]: item["status"] for item in found}
    assert by_check["suite.forbidden"] == status


@pytest.mark.parametrize(("day", "count"), [("2026-10-08", 0), ("2026-10-09", 1), ("2027-02-28", 1), ("2027-03-01", 0)])
def test_it_counts_from_its_first_to_its_last_day(day, count):
    assert len(exceptions.checked([grant()], datetime.date.fromisoformat(day))) == count


def test_names_of_hosts_have_no_case():
    written = grant(hosts=["Pumps.Example"], names=["HL7.pumps.example"])
    (kept,) = exceptions.checked([written], datetime.date(2026, 12, 1))
    place = exceptions.Place(("PUMPS.example",), "nginx", 8443, ("hl7.Pumps.example",))
    assert exceptions.at([kept], place) == [kept]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"checks": ["protocol.sslv2"]}, "EXC-2026-001: check protocol.sslv2 cannot be excepted"),
        ({"checks": ["certificate.expiry"]}, "cannot be excepted"),
        ({"checks": []}, "checks is missing"),
        ({"ports": []}, "ports is missing"),
        ({"expires": "2027-02-30"}, "no day"),
        ({"since": "20261009"}, "no day"),
        ({"id": ""}, "exception without id"),
    ],
)
def test_what_cannot_be_granted_is_refused(changes, words):
    with pytest.raises(InTransitError, match=words):
        exceptions.checked([grant(**changes)], datetime.date(2026, 12, 1))


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("https://a.example:8443/x?sni=b", "a.example"),
        ("smtp://a.example", "a.example"),
        ("https://[2001:db8::1]:443", "2001:db8::1"),
        ("https://a.example?sni=b", "a.example"),
    ],
)
def test_the_host_of_a_uri(uri, host):
    assert exceptions.host_of(uri) == host


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ({"compliant", "excepted"}, 0),
        ({"excepted"}, 0),
        ({"excepted", "non_compliant"}, 2),
        ({"excepted", "unreachable"}, 3),
        (set(), 3),
    ],
)
def test_exit_status_of_the_command(verdicts, code):
    assert desk.exit_status(verdicts) == code
