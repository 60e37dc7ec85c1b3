# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a client offers, read from the hellos of a real library and from our own."""

from __future__ import annotations

import contextlib
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import floor, judge
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import hello, offer

BASELINE = model.load()


def sent(least, most, ciphers="ALL:@SECLEVEL=0"):
    """The first flight of Python's own OpenSSL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(ciphers)
    with pytest.warns(DeprecationWarning) if least < ssl.TLSVersion.TLSv1_2 else contextlib.nullcontext():
        context.minimum_version = least
    context.maximum_version = most
    outgoing = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def statuses(data):
    report = offer.report("x", data, BASELINE, "2026-11-21T00:00:00Z")
    return {name: seen["status"] for name, seen in report["protocols"].items()}, report


V = ssl.TLSVersion


def test_all_versions_are_named_when_one_is_tls13():
    seen, report = statuses(sent(V.TLSv1, V.TLSv1_3))
    assert seen == {
        "SSLv2": "refused",
        "SSLv3": "refused",
        **dict.fromkeys(("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"), "accepted"),
    }
    assert report["alive"] and report["groups"]["forbidden"] == []
    assert "TLS_RSA_WITH_AES_128_CBC_SHA" in [item["suite"] for item in report["suites"]["forbidden"]]


def test_the_older_ones_are_refused_only_when_the_hello_says_so():
    seen, _report = statuses(sent(V.TLSv1_2, V.TLSv1_3, "ECDHE+AESGCM"))
    assert seen["TLSv1.0"] == seen["TLSv1.1"] == "refused"
    seen, report = statuses(sent(V.TLSv1_2, V.TLSv1_2, "ECDHE+AESGCM"))
    assert seen["TLSv1.1"] == "indeterminate" and seen["TLSv1.3"] == "refused"
    found = floor.judge_report(report, BASELINE, {"stack": "x"})
    assert next(item for item in found if item["check"] == "floor.protocols")["status"] == "indeterminate"
    assert judge.verdict(report, found) != "compliant"


def test_what_is_allowed_passes():
    _seen, report = statuses(sent(V.TLSv1_2, V.TLSv1_3, "ECDHE+AESGCM"))
    assert report["suites"]["status"] == "refused", "no forbidden suite is offered"
    assert report["suites"]["offered"][0].startswith("TLS_AES") or "GCM" in report["suites"]["offered"][0]


def test_suites_of_a_version_that_is_not_offered_count_for_nothing():
    _seen, report = statuses(sent(V.TLSv1_3, V.TLSv1_3))
    assert report["suites"]["forbidden"] == [] and report["suites"]["status"] == "refused"


def test_our_own_hellos_are_read_back():
    mine = hello.Hello(hello.TLS13, (0x1301, 0x0A0A), (29,), (0x0804,))
    found = offer.Offer(offer.message(mine.encode("localhost")))
    assert (found.suites, found.groups, found.schemes, found.versions) == (
        (0x1301, 0x0A0A),
        (29,),
        (0x0804,),
        (0x0304,),
    )


@pytest.mark.parametrize(
    "data", [b"", b"GET / HTTP/1.0\r\n\r\n", b"\x80\x2e\x01\x03\x01", b"\x16\x03\x01\x00\x05\x01\x00\x00\x09\x03"]
)
def test_anything_else_proves_nothing(data):
    report = offer.report("x", data, BASELINE, "2026-11-21T00:00:00Z")
    assert not report["reachable"] and not report["alive"] and report["reason"]
    found = floor.judge_report(report, BASELINE, {})
    assert [item["status"] for item in found] == ["indeterminate"]
    assert judge.verdict(report, found) == "unreachable"


@given(st.binary(max_size=200), st.integers(0, 200))
def test_no_bytes_break_it(noise, at):
    data = sent(V.TLSv1_2, V.TLSv1_3, "ECDHE+AESGCM")
    report = offer.report("x", data[:at] + noise, BASELINE, "2026-11-21T00:00:00Z")
    statuses = {item["status"] for item in floor.judge_report(report, BASELINE, {})}
    assert statuses <= {"pass", "fail", "indeterminate"} if report["reachable"] else statuses == {"indeterminate"}
