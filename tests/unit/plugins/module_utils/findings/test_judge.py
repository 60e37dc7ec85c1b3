"""The judge: pure data in, findings out. Reports and listeners here have the shapes of docs/architecture.md."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import checks, controls, judge
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import (
    Listener,
    Provenance,
    Setting,
)

BASELINE = model.load("intermediate")


def report(**changes):
    base = {
        "endpoint": "https://127.0.0.1:443",
        "address": "127.0.0.1",
        "port": 443,
        "sni": None,
        "scheme": "https",
        "reachable": True,
        "alive": True,
        "plaintext": None,
        "protocols": {
            protocol: {"status": status, "probe": f"p-{protocol}", "detail": ""}
            for protocol, status in zip(
                model.PROTOCOLS, ("refused", "refused", "refused", "refused", "accepted", "accepted")
            )
        },
        "suites": {"status": "refused", "forbidden": []},
        "groups": {"status": "refused", "forbidden": []},
        "signatures": {"status": "refused", "forbidden": []},
        "features": {},
        "certificates": [],
        "http": None,
        "probes": [
            {
                "id": "p-TLSv1.0",
                "outcome": "alert",
                "alert": 70,
                "response": "15030100020246",
                "hello_sha256": "ab",
            }
        ],
        "started": "2026-11-21T00:00:00Z",
    }
    base.update(copy.deepcopy(changes))
    return base


def with_protocol(protocol, status):
    changed = report()
    changed["protocols"][protocol]["status"] = status
    return changed


def status_of(findings, check):
    return [item["status"] for item in findings if item["check"] == check]


def judged(data, baseline=BASELINE):
    findings = judge.judge_report(data, baseline)
    return findings, judge.verdict(data, findings)


def test_everything_refused_that_must_be_is_compliant():
    findings, verdict = judged(report())
    assert verdict == "compliant"
    assert status_of(findings, "protocol.tls1_0") == ["pass"]
    (item,) = [item for item in findings if item["check"] == "protocol.tls1_0"]
    assert item["proof"] == {
        "probe": "p-TLSv1.0",
        "outcome": "alert",
        "alert": 70,
        "response": "15030100020246",
        "hello_sha256": "ab",
    }


@pytest.mark.parametrize("protocol", ["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"])
@pytest.mark.parametrize(
    ("status", "expected", "verdict"),
    [("accepted", "fail", "non_compliant"), ("indeterminate", "indeterminate", "indeterminate")],
)
def test_an_old_protocol_never_passes_without_proof(protocol, status, expected, verdict):
    findings, got = judged(with_protocol(protocol, status))
    assert status_of(findings, judge.PROTOCOL_CHECKS[protocol]) == [expected]
    assert got == verdict


def test_tls_1_2_alone_or_tls_1_3_alone_holds_the_default_profile():
    for protocol in ("TLSv1.2", "TLSv1.3"):
        findings, verdict = judged(with_protocol(protocol, "refused"))
        assert verdict == "compliant"
        assert status_of(findings, "protocol.approved") == ["pass"]


def test_the_modern_profile_forbids_tls_1_2():
    findings, verdict = judged(report(), model.load("modern"))
    assert status_of(findings, "protocol.tls1_2") == ["fail"]
    assert verdict == "non_compliant"


def test_nothing_approved_spoken_is_a_failure_of_its_own():
    data = with_protocol("TLSv1.2", "refused")
    data["protocols"]["TLSv1.3"]["status"] = "refused"
    assert status_of(judged(data)[0], "protocol.approved") == ["fail"]
    data["protocols"]["TLSv1.3"]["status"] = "indeterminate"
    assert status_of(judged(data)[0], "protocol.approved") == ["indeterminate"]


@pytest.mark.parametrize("part", ["suites", "groups", "signatures"])
def test_negative_probes_without_an_answer_keep_the_endpoint_indeterminate(part):
    findings, verdict = judged(report(**{part: {"status": "indeterminate", "forbidden": []}}))
    assert verdict == "indeterminate"
    assert "indeterminate" in {item["status"] for item in findings}


def test_an_accepted_forbidden_suite_is_named():
    forbidden = [{"protocol": "TLSv1.2", "suite": "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "probe": "n3"}]
    findings, verdict = judged(report(suites={"status": "accepted", "forbidden": forbidden}))
    (item,) = [item for item in findings if item["check"] == "suite.forbidden"]
    assert item["status"] == "fail"
    assert "TLSv1.2 TLS_RSA_WITH_3DES_EDE_CBC_SHA" in item["observed"]
    assert verdict == "non_compliant"


def test_unreachable_is_neither_pass_nor_fail():
    findings, verdict = judged(report(reachable=False, protocols={}, reason="connection refused"))
    assert verdict == "unreachable"
    assert [(item["check"], item["status"]) for item in findings] == [("endpoint.reachable", "indeterminate")]
    assert findings[0]["observed"] == "connection refused"


def test_plaintext_on_a_tls_port_is_not_refused_but_non_compliant():
    findings, verdict = judged(report(protocols={}, plaintext={"banner": "HTTP/1.1 400 Bad Request"}))
    assert verdict == "non_compliant"
    assert status_of(findings, "transport.plaintext") == ["fail"]


@pytest.mark.parametrize(("plain", "verdict"), [("served", "non_compliant"), ("redirected", "compliant")])
def test_plain_http_endpoints_are_judged_by_what_they_serve(plain, verdict):
    assert judged(report(protocols={}, http={"plaintext": plain, "location": None}))[1] == verdict


@pytest.mark.parametrize(
    ("place", "facts", "statuses"),
    [
        (("ftp", 21, "192.0.2.1"), {"login_before_tls": True}, {"transport.login": "fail"}),
        (("imap", 143, "192.0.2.1"), {"login_before_tls": False}, {"transport.login": "pass"}),
        (("imap", 143, "127.0.0.1"), {"login_before_tls": True}, {"transport.login": "not_applicable"}),
        (("postgres", 5432, "192.0.2.1"), {"plaintext": "served"}, {"transport.plaintext": "fail"}),
        (("postgres", 5432, "192.0.2.1"), {"plaintext": "refused"}, {"transport.plaintext": "pass"}),
        (("smtp", 25, "192.0.2.1"), {"plaintext": "served"}, {"transport.plaintext": "not_applicable"}),
        (("smtp", 587, "192.0.2.1"), {"plaintext": "served"}, {"transport.plaintext": "fail"}),
        (("mysql", 3306, "192.0.2.1"), {"plaintext": None}, {"transport.plaintext": "indeterminate"}),
        (("smtp", 25, "192.0.2.1"), {"plaintext": None}, {}),
    ],
)
def test_what_a_service_allows_before_tls(place, facts, statuses):
    scheme, port, address = place
    findings, verdict = judged(report(scheme=scheme, port=port, address=address, starttls=facts))
    got = {item["check"]: item["status"] for item in findings if item["check"].startswith("transport.")}
    assert got == statuses
    worst = {"fail": "non_compliant", "indeterminate": "indeterminate"}
    assert verdict == next((worst[status] for status in statuses.values() if status in worst), "compliant")


def test_nothing_proved_is_never_compliant():
    assert judged(report(protocols={}))[1] == "indeterminate"


def certificate(**changes):
    facts = {
        "not_before": "2026-10-01T00:00:00Z",
        "not_after": "2027-01-01T00:00:00Z",
        "names": ["a.example"],
        "key": {"type": "rsa", "bits": 2048, "curve": None},
        "signature_algorithm": "sha256WithRSAEncryption",
        "sha256": "00" * 32,
    }
    facts.update(changes)
    return report(certificates=[{"chain": [facts], "probe": "c1", "name_match": True}])


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("certificate.expiry", {"not_after": "2026-11-20T00:00:00Z"}),
        ("certificate.expiry", {"not_after": "2026-11-22T00:00:00Z"}),
        ("certificate.expiry", {"not_before": "2026-12-01T00:00:00Z"}),
        ("certificate.key", {"key": {"type": "rsa", "bits": 1024, "curve": None}}),
        ("certificate.key", {"key": {"type": "dsa", "bits": 2048, "curve": None}}),
        ("certificate.signature", {"signature_algorithm": "sha1WithRSAEncryption"}),
        ("certificate.lifetime", {"not_before": "2016-10-01T00:00:00Z"}),
    ],
)
def test_certificate_rules(check, change):
    assert status_of(judged(certificate())[0], check) == ["pass"]
    findings, verdict = judged(certificate(**change))
    assert status_of(findings, check) == ["fail"]
    assert verdict == "compliant", "certificate findings stand beside the transport verdict"


def trusted(order="ordered", **changes):
    """A served certificate with what its verification on the controller showed."""
    data = certificate()
    trust = {"trusted": True, "reason": None, "detail": None, "anchor": "CN=root", "public": False, **changes}
    data["certificates"][0].update(order=order, trust=trust)
    return data


@pytest.mark.parametrize(
    "seen,status",
    [(True, "pass"), (False, "fail"), (None, "indeterminate")],
)
def test_trust_is_judged_where_it_was_verified(seen, status):
    findings, verdict = judged(trusted(trusted=seen, detail="the certificate is its own issuer"))
    assert status_of(findings, "certificate.trust") == [status]
    assert verdict == "compliant", "trust stands beside the transport verdict"
    assert status_of(judged(certificate())[0], "certificate.trust") == []


@pytest.mark.parametrize(
    "order,trust,status",
    [
        ("ordered", {}, "pass"),
        ("unordered", {}, "fail"),
        ("surplus", {}, "fail"),
        ("incomplete", {}, "pass"),
        ("incomplete", {"trusted": False, "detail": "not sent"}, "indeterminate"),
        ("incomplete", {"trusted": False, "detail": "not sent", "public": True}, "fail"),
        ("incomplete", {"trusted": None, "detail": "not sent"}, "indeterminate"),
    ],
)
def test_the_order_of_a_chain(order, trust, status):
    assert status_of(judged(trusted(order, **trust))[0], "certificate.chain") == [status]


def test_a_public_certificate_is_bound_by_its_day_of_issue():
    for public, status in ((False, "pass"), (True, "fail")):
        data = trusted(public=public)
        data["certificates"][0]["chain"][0].update(not_before="2026-04-01T00:00:00Z", not_after="2027-03-01T00:00:00Z")
        assert status_of(judged(data)[0], "certificate.lifetime") == [status]


def test_a_certificate_that_cannot_be_read_is_no_silence():
    data = trusted()
    data["certificates"][0].update(chain=[], error="no DER certificate")
    assert status_of(judged(data)[0], "certificate.trust") == ["indeterminate"]


def test_hsts_is_measured_against_the_profile():
    for age, status in ((None, "fail"), (300, "fail"), (BASELINE.hsts_max_age, "pass")):
        findings, _verdict = judged(report(http={"status": 200, "hsts_max_age": age}))
        assert status_of(findings, "http.hsts") == [status]


def listener(tls=True, role="server", **settings):
    place = (Provenance("/etc/nginx/nginx.conf", 33, "ssl_protocols TLSv1;"),)
    return Listener(
        "nginx",
        "http",
        role,
        "*:443",
        ("a.example",),
        True,
        tls,
        {key: Setting(value, place) for key, value in settings.items()},
        (),
    )


def test_configured_protocols_carry_file_and_line():
    findings = judge.judge_listeners([listener(protocols=("TLSv1.0", "TLSv1.2"))], BASELINE, {"host": "web1"})
    (item,) = [item for item in findings if item["check"] == "protocol.tls1_0"]
    assert item["status"] == "fail"
    assert item["provenance"] == [{"file": "/etc/nginx/nginx.conf", "line": 33, "text": "ssl_protocols TLSv1;"}]
    assert item["subject"] == {"stack": "nginx", "listener": "http *:443 a.example", "host": "web1"}
    assert status_of(findings, "protocol.sslv3") == ["pass"]
    assert status_of(findings, "protocol.tls1_3") == ["not_applicable"]


def test_unknown_settings_are_left_out_not_passed():
    assert judge.judge_listeners([listener()], BASELINE) == []


def test_forbidden_names_and_backends():
    weak = ("TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    findings = judge.judge_listeners([listener(suites_tls12=weak)], BASELINE)
    assert status_of(findings, "suite.forbidden") == ["fail"]
    findings = judge.judge_listeners(
        [listener(role="client", protocols=("TLSv1.0",), suites_tls12=weak, peer_verification=False)], BASELINE
    )
    assert {item["check"]: item["status"] for item in findings} == {
        "upstream.protocol": "fail",
        "upstream.suite": "fail",
        "upstream.verification": "fail",
    }


def test_plaintext_listeners_and_clamps():
    clamp = model.Clamp("suite.clamped", "TLS_AES_256_GCM_SHA384 only", "library default", "nginx 1.18 cannot")
    findings = judge.judge_listeners([listener(tls=False, plaintext="served")], BASELINE, clamps=[clamp])
    assert {item["check"]: item["status"] for item in findings} == {
        "transport.plaintext": "fail",
        "suite.clamped": "not_applicable",
    }


def test_worst_first_and_stable():
    findings = judge.judge_report(with_protocol("TLSv1.0", "accepted"), BASELINE)
    assert findings[0]["check"] == "protocol.tls1_0"
    assert findings == sorted(findings, key=judge.order)


def test_catalogue_and_controls_agree():
    assert len(checks.BY_ID) == len(checks.CHECKS)
    assert {check.severity for check in checks.CHECKS} <= set(checks.SEVERITIES)
    named = {check for control in controls.CONTROLS for check in control.checks}
    assert named <= set(checks.BY_ID)
    assert {control.confidence for control in controls.CONTROLS} <= {"read", "unverified"}
    assert len({(c.framework, c.version, c.id) for c in controls.CONTROLS}) == len(controls.CONTROLS)


@pytest.mark.parametrize("plaintext, status", [("served", "fail"), ("refused", "pass")])
def test_a_listener_with_tls_is_judged_by_what_goes_on_without_it_too(plaintext, status):
    findings = judge.judge_listeners([listener(plaintext=plaintext)], BASELINE)
    assert status_of(findings, "transport.plaintext") == [status]
    assert "transport.plaintext" not in {item["check"] for item in judge.judge_listeners([listener()], BASELINE)}


@pytest.mark.parametrize(
    ("names", "status"),
    [
        ([], []),
        (["CN=Hospital CA"], ["pass"]),
        (["CN=Root"], ["pass"]),
        (["CN=Other CA", "CN=Root"], ["pass"]),
        (["CN=Other CA"], ["fail"]),
        # Certificates that have nothing to do with the leaf vouch for nobody.
        (["CN=Elsewhere"], ["fail"]),
    ],
)
def test_only_allowed_authorities_issue_certificates(names, status):
    data = certificate()
    leaf = {**data["certificates"][0]["chain"][0], "subject": "CN=a", "issuer": "CN=Hospital CA"}
    middle = {**leaf, "subject": "CN=Hospital CA", "issuer": "CN=Root"}
    root = {**leaf, "subject": "CN=Root", "issuer": "CN=Root"}
    stray = {**leaf, "subject": "CN=Stray", "issuer": "CN=Elsewhere"}
    data["certificates"][0]["chain"] = [leaf, stray, root, middle]
    baseline = model.load("intermediate", {"certificate": {"issuers": names}})
    assert status_of(judge.judge_report(data, baseline), "certificate.issuer") == status
