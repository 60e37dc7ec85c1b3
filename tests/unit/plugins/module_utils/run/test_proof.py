# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What counts as lost, and what contradicts the files."""

from __future__ import annotations

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.run.proof import HandshakeProof, summary
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Listener, Provenance, Setting

HERE = "https://127.0.0.1:443?sni=portal.example"
ORIGIN = (Provenance("/etc/nginx/nginx.conf", 34, "ssl_protocols"),)


def listener(endpoints=(HERE,), role="server", tls=True, **settings):
    known = {"protocols": ("TLSv1.2", "TLSv1.3"), **settings}
    return Listener(
        "nginx", "http", role, "*:443", ("portal.example",), True, tls,
        {key: Setting(value, ORIGIN) for key, value in known.items() if value is not None}, endpoints,
    )  # fmt: skip


def report(*accepted, alive=True, reachable=True, suites=(), groups=(), keys=("rsa",), **more):
    protocols = {name: {"status": "accepted" if name in accepted else "refused"} for name in model.PROTOCOLS}
    return {
        "endpoint": HERE,
        "alive": alive,
        "reachable": reachable,
        "protocols": protocols if reachable else {},
        "suites": {"forbidden": [{"protocol": "TLSv1.2", "suite": name, "probe": "x"} for name in suites]},
        "groups": {"forbidden": [{"protocol": "TLSv1.2", "group": name, "probe": "x"} for name in groups]},
        "certificates": [{"chain": [{"key": {"type": kind}}]} for kind in keys],
        **more,
    }


def proof(*listeners):
    return HandshakeProof(listeners or (listener(),), model.load(), lambda endpoints: [report() for _ in endpoints])


GOOD = report("TLSv1.2", "TLSv1.3")


@pytest.mark.parametrize(
    "before, after, words",
    [
        (GOOD, GOOD, None),
        (report("TLSv1.0", "TLSv1.2"), report("TLSv1.2"), None),
        (GOOD, report("TLSv1.3"), "accepted TLSv1.2 before and does not now"),
        (GOOD, report(alive=False), "answered before and does not now"),
        (GOOD, report(reachable=False, alive=False, reason="connection refused"), "does not now (connection refused)"),
        (GOOD, report(alive=False, plaintext={"banner": "hi"}), "does not now (plaintext)"),
        (report(alive=False), report(alive=False), None),
        # TLS was switched on: what served in plaintext must serve now.
        (
            report(alive=False, plaintext={"banner": "500"}),
            report(alive=False),
            "served in plaintext before, and nobody",
        ),
        (report(alive=False, plaintext={"banner": "500"}), GOOD, None),
        # Undone again.
        (report(alive=False, plaintext={"banner": "500"}), report(alive=False, plaintext={"banner": "500"}), None),
        (report("TLSv1.2", keys=("rsa", "ecdsa")), report("TLSv1.2", keys=("ecdsa",)), "has lost its rsa certificate"),
    ],
)
def test_lost(before, after, words):
    found = proof().lost({HERE: before}, {HERE: after})
    assert [words in text for text in found] == ([True] if words else []), found


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (report("TLSv1.0", "TLSv1.2"), report("TLSv1.0", "TLSv1.2"), None),
        (report("TLSv1.0", "TLSv1.2"), report("TLSv1.2"), "accepted TLSv1.0 before and does not now"),
        (report("TLSv1.1", "TLSv1.2"), report("TLSv1.2"), None),
        # A device that spoke nothing else.
        (report("TLSv1.0", alive=False), report("TLSv1.2"), "accepted TLSv1.0 before and does not now"),
        (report("TLSv1.0", alive=False), report("TLSv1.0", "TLSv1.2"), None),
    ],
)
def test_what_an_exception_keeps_must_go_on_working(before, after, words):
    grant = {"id": "EXC-2026-001", "ports": [443], "checks": ["protocol.tls1_0"]}
    kept = HandshakeProof((listener(),), model.load(), lambda endpoints: [], [grant])
    found = kept.lost({HERE: before}, {HERE: after})
    assert [words in text for text in found] == ([True] if words else []), found
    elsewhere = HandshakeProof((listener(),), model.load(), lambda endpoints: [], [{**grant, "ports": [8443]}])
    assert elsewhere.lost({HERE: before}, {HERE: after}) == []


def test_what_only_spoke_the_forbidden_may_fall_silent():
    assert proof().lost({HERE: report("TLSv1.0", alive=False)}, {HERE: report(alive=False, keys=())}) == []


@pytest.mark.parametrize(
    "settings, seen, words",
    [
        ({}, report("TLSv1.2", "TLSv1.3"), None),
        ({}, report("TLSv1.0", "TLSv1.2"), f"{HERE} accepts TLSv1.0"),
        # What the files allow contradicts no file, however bad it is: that is a finding, not a stale process.
        ({"protocols": ("TLSv1.0", "TLSv1.2")}, report("TLSv1.0", "TLSv1.2"), None),
        # What a stack does not know cannot be contradicted.
        ({"protocols": None}, report("TLSv1.0"), None),
        ({}, report("TLSv1.2", suites=["TLS_RSA_WITH_AES_128_CBC_SHA"]), None),
        (
            {"suites_tls12": ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",), "suites_tls13": ()},
            report("TLSv1.2", suites=["TLS_RSA_WITH_AES_128_CBC_SHA"]),
            "accepts TLS_RSA_WITH_AES_128_CBC_SHA with TLSv1.2",
        ),
        (
            {"suites_tls12": ("TLS_RSA_WITH_AES_128_CBC_SHA",), "suites_tls13": ()},
            report("TLSv1.2", suites=["TLS_RSA_WITH_AES_128_CBC_SHA"]),
            None,
        ),
        ({"groups": ("x25519",)}, report("TLSv1.2", groups=["secp160k1"]), "accepts secp160k1 with TLSv1.2"),
        ({}, report(reachable=False, alive=False), None),
    ],
)
def test_contradictions(settings, seen, words):
    found = proof(listener(**settings)).contradictions({HERE: seen})
    assert [words in text for text in found] == ([True] if words else []), found


def test_names_behind_one_endpoint_are_taken_together():
    both = proof(listener(), listener(protocols=("TLSv1.0",)))
    assert both.endpoints == [HERE]
    assert both.contradictions({HERE: report("TLSv1.0")}) == []


def test_only_tls_servers_are_looked_at():
    assert proof(listener(role="client"), listener(tls=False), listener(endpoints=())).endpoints == []
    assert proof(listener(role="client")).look() == {}


def test_objections_are_both_kinds():
    found = proof().objections({HERE: GOOD}, {HERE: report("TLSv1.0", "TLSv1.3")})
    assert len(found) == 2


def test_summary():
    told = summary(HERE, GOOD, None)
    assert told["before"]["TLSv1.0"] == "refused" and told["after"] is None and told["verdict"] is None


@pytest.mark.parametrize(
    ("files", "seen", "contradicts"),
    [
        ("refused", {"starttls": {"plaintext": "served"}}, True),
        ("refused", {"plaintext": {"banner": "530"}, "alive": False}, True),
        ("refused", {"starttls": {"plaintext": "refused"}}, False),
        ("refused", {"starttls": {"plaintext": None}}, False),
        ("served", {"starttls": {"plaintext": "served"}}, False),
        (None, {"starttls": {"plaintext": "served"}}, False),
    ],
)
def test_work_without_tls_that_the_files_refuse(files, seen, contradicts):
    found = proof(listener(plaintext=files)).contradictions({HERE: report("TLSv1.2", **seen)})
    assert bool(found) is contradicts
    assert not contradicts or "accepts work without TLS, which the files forbid" in found[0]


def test_an_endpoint_that_has_no_tls_by_its_files_contradicts_nothing():
    assert proof(listener(tls=False)).contradictions({HERE: report("TLSv1.0")}) == []
