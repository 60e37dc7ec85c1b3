"""The end summaries: one screen, the same as data, and an exit code that never flatters."""

from __future__ import annotations

import pytest

from ansible_collections.encryption.in_transit.plugins.plugin_utils import summary


def finding(check="protocol.tls1_0", status="fail", file="/etc/nginx/nginx.conf"):
    return {
        "check": check,
        "severity": "high",
        "status": status,
        "view": "configured",
        "subject": {"host": "web1", "listener": "http *:443"},
        "observed": "TLSv1.0 is on",
        "provenance": [{"file": file, "line": 33, "text": "ssl_protocols TLSv1;"}],
    }


def done(changed=True, findings=(), before=("TLSv1.0", "TLSv1.2"), after=("TLSv1.2",), **rest):
    proof = {
        "endpoint": "https://127.0.0.1:443",
        "before": dict.fromkeys(before, "accepted"),
        "after": dict.fromkeys(after, "accepted"),
    }
    instance = {"name": "nginx", "version": "1.22.1", "proofs": [proof], "edits": [{}, {}]}
    return {"changed": changed, "instances": [instance], "findings": list(findings), **rest}


def test_harden_shows_before_and_now():
    made = summary.harden({"web1": {"nginx": done()}}, check_mode=False)
    assert made.text.splitlines() == [
        "HOST  STACK         RESULT    EDITS  TLS BEFORE  TLS NOW  OPEN",
        "web1  nginx 1.22.1  hardened  2      1.0 1.2     1.2      -",
        "",
        "1 host: 1 changed",
    ]
    assert made.code == 0


def test_check_mode_never_says_hardened():
    text = summary.harden({"web1": {"nginx": done()}}, check_mode=True).text
    assert "would change" in text
    assert "hardened" not in text


@pytest.mark.parametrize(
    ("result", "word", "code"),
    [
        ({"failed": True, "msg": "nginx -t says no"}, "FAILED", 2),
        (None, "UNREACHABLE", 3),
        ({"unreachable": True}, "UNREACHABLE", 3),
        ({"changed": False, "instances": []}, "not installed", 0),
    ],
)
def test_hosts_without_a_good_end_are_loud(result, word, code):
    left = {"nginx": result} if result else {}
    made = summary.harden({"web1": {"nginx": done()}, "web2": left}, check_mode=False)
    assert f"{word}" in made.text
    assert made.code == code
    if result and result.get("msg"):
        assert "web2: nginx -t says no" in made.text


def report(verdict="compliant", endpoint="https://web1:443", findings=()):
    return {
        "endpoint": endpoint,
        "scheme": "https",
        "address": "192.0.2.1",
        "port": int(endpoint.rpartition(":")[2]),
        "sni": None,
        "verdict": verdict,
        "findings": list(findings),
        "protocols": {"TLSv1.1": {"status": "refused"}, "TLSv1.2": {"status": "accepted"}},
    }


AUDITS = {"web1": {"nginx": done(changed=False)}}


@pytest.mark.parametrize(
    ("verdict", "code"), [("compliant", 0), ("non_compliant", 2), ("indeterminate", 3), ("unreachable", 3)]
)
def test_verify_code_is_that_of_the_worst_endpoint(verdict, code):
    made = summary.verify(AUDITS, [report(), report(verdict, "https://web1:8443")], {})
    assert made.code == code
    assert made.counts[verdict] >= 1


def test_nothing_scanned_is_not_good():
    assert summary.verify(AUDITS, [], {}).code == 3


def test_a_host_that_could_not_be_read_is_loud():
    made = summary.verify({"web1": {"nginx": {"failed": True, "msg": "a.conf:3: no"}}}, [report()], {})
    assert made.code == 3
    assert "web1: nginx could not be read: a.conf:3: no" in made.text


def test_a_host_that_left_nothing_but_an_error_is_loud():
    made = summary.verify({"web1": {}}, [report()], {}, {"web1": "argument of the role is wrong"})
    assert made.code == 3
    assert "web1: argument of the role is wrong" in made.text


def test_findings_name_file_and_line_and_worst_endpoints_come_first():
    audits = {"web1": {"nginx": done(findings=[finding()])}}
    worst = report("non_compliant", "https://web1:8443", [finding()])
    made = summary.verify(audits, [report(), worst], {"https://web1:8443": "web1"})
    assert "web1: fail protocol.tls1_0: TLSv1.0 is on (/etc/nginx/nginx.conf:33)" in made.text
    lines = made.text.splitlines()
    assert "NON-COMPLIANT" in lines[1]
    assert made.code == 2


def test_one_check_in_many_places_is_one_line():
    found = [finding(), finding(), finding(file="/etc/nginx/a"), finding(file="/etc/nginx/b")]
    text = summary.verify({"web1": {"nginx": done(findings=found)}}, [report()], {}).text
    assert "(/etc/nginx/nginx.conf:33 and 2 more places)" in text.replace("\n    ", " ")
    assert text.count("protocol.tls1_0") == 1


def test_no_line_is_wider_than_the_terminal():
    found = [finding(file="/etc/nginx/a"), finding(file="/etc/nginx/b"), {**finding(), "observed": "word " * 40}]
    audits = {"web1": {"nginx": done(findings=found)}, "web2": {"nginx": {"failed": True, "msg": "no " * 60}}}
    for text in (
        summary.verify(audits, [report()], {}).text,
        summary.harden(audits, check_mode=False).text,
    ):
        assert max(map(len, text.splitlines())) <= 80
        assert sum(line.startswith("    ") for line in text.splitlines()) >= 2


def test_of_a_long_list_of_names_a_terminal_gets_two():
    found = {**finding(), "observed": "TLS_A, TLS_B, TLS_C, TLS_D, TLS_E and 72 more"}
    text = summary.verify({"web1": {"nginx": done(findings=[found])}}, [report()], {}).text
    assert "TLS_A, TLS_B and 75 more" in text
    assert "TLS_C" not in text


def test_what_was_not_proved_from_outside_says_why():
    why = {**finding("endpoint.reachable", "indeterminate"), "observed": "web1: Name or service not known"}
    text = summary.verify(AUDITS, [report("unreachable", findings=[why])], {"https://web1:443": "web1"}).text
    lines = text.splitlines()
    assert lines[lines.index("What else was seen from outside:") + 1].startswith(
        "web1: indeterminate endpoint.reachable: web1:"
    )


def test_what_fails_besides_a_good_verdict_is_told_and_no_wall_of_text_for_a_bad_one():
    expired = finding("certificate.validity")
    text = summary.verify(AUDITS, [report(findings=[expired])], {}).text
    assert "192.0.2.1: fail certificate.validity" in text
    assert "192.0.2.1: fail" not in summary.verify(AUDITS, [report("non_compliant", findings=[expired])], {}).text


def test_the_total_tells_why_a_run_fails_whose_endpoints_are_all_compliant():
    made = summary.verify({"web1": {"nginx": done(findings=[finding(), finding()])}}, [report()], {})
    assert made.code == 2
    assert made.text.endswith("1 compliant; on the hosts themselves 2 results that fail")


def test_long_lists_are_counted_not_hidden():
    reports = [report(endpoint=f"https://web1:{port}") for port in range(100)]
    assert "and 70 more endpoints" in summary.verify(AUDITS, reports, {}).text


def test_hostile_text_stays_on_its_line():
    made = summary.verify({"web1": {"nginx": {"failed": True, "msg": "x\x1b[2J\nweb9 compliant"}}}, [report()], {})
    assert "\x1b" not in made.text
    assert "x\\x1b[2J; web9 compliant" in made.text
    assert not any(line.startswith("web9") for line in made.text.splitlines())


# --- exceptions -------------------------------------------------------------------------------------------------

COVERED = {**finding(status="excepted"), "exception": "EXC-2026-001"}


def test_what_is_excepted_is_no_failure_and_counted_as_nothing_good():
    made = summary.verify(AUDITS, [report("excepted", findings=[COVERED]), report(endpoint="https://web1:8443")], {})
    assert made.code == 0
    assert (made.counts["compliant"], made.counts["excepted"]) == (1, 1)
    assert "1 under exception, 1 compliant" in made.text
    assert "EXC-2026-001 covers protocol.tls1_0" in made.text


def test_hardening_shows_what_exceptions_kept():
    made = summary.harden({"web1": {"nginx": done(findings=[COVERED])}}, check_mode=False)
    assert made.counts["open_findings"] == 0
    assert "Under approved exceptions" in made.text and "EXC-2026-001 covers protocol.tls1_0" in made.text


def test_registers_ask_for_what_is_due():
    made = summary.verify(AUDITS, [report()], {}, reminders=["EXC-2026-001: ends in 3 days"])
    assert "What the registers ask for:\nEXC-2026-001: ends in 3 days" in made.text
