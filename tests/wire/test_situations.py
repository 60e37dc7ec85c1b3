# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Situations in which scanners are known to call clean what is not: see docs/scanner-comparison.md."""

from __future__ import annotations

import contextlib
import resource
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.run import scan
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.engine import ScanOptions
from ansible_collections.encryption.in_transit.tests.servers import catalogue, synthetic
from ansible_collections.encryption.in_transit.tests.servers.pki import Pki
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.servers.programs import BOOKWORM
from ansible_collections.encryption.in_transit.tests.servers.server import Process

Report = t.Dict[str, t.Any]
QUICK = ScanOptions(read_timeout=1, patience=5)
TLS_ALERT = bytes.fromhex("15030300020228")


def look(*endpoints: str, options: ScanOptions | None = None) -> list[Report]:
    return scan.scan(endpoints, model.load("intermediate"), options)


def statuses(report: Report) -> dict[str, str]:
    return {name: seen["status"] for name, seen in report["protocols"].items()}


@pytest.mark.parametrize(
    ("answer", "greets"), [(synthetic.HTTP, False), (synthetic.SSH, True)], ids=["http", "ssh-greeting"]
)
def test_plaintext_is_no_refusal(answer: bytes, greets: bool) -> None:
    with synthetic.Talker(answer, greets) as server:
        (report,) = look(f"tls://127.0.0.1:{server.port}")
    assert report["verdict"] == "non_compliant"
    assert report["plaintext"]["banner"].startswith(answer[:8].decode())
    assert "refused" not in statuses(report).values()


def test_closed_port_is_unreachable() -> None:
    (report,) = look(f"tls://127.0.0.1:{free_port()}")
    assert report["verdict"] == "unreachable"


def test_wrong_name_proves_nothing(serve: t.Callable[[str], t.Any]) -> None:
    """nginx with ssl_reject_handshake answers every hello without the right name by unrecognized_name(112)."""
    (report,) = look(f"tls://127.0.0.1:{serve('nginx-by-name').port}")
    assert report["verdict"] == "indeterminate"
    assert set(statuses(report).values()) <= {"indeterminate"}
    assert any(probe["alert"] == 112 for probe in report["probes"])


@pytest.mark.parametrize(
    ("name", "then"),
    [
        *((name, then) for name in ("nginx-weak", "nginx-intermediate") for then in ("fin", "rst", "hang")),
        ("lighttpd-gnutls", "fin"),  # refuses by FIN itself
    ],
)
def test_limiter_makes_nothing_clean(name: str, then: str, serve: t.Callable[[str], t.Any]) -> None:
    """After any number of connections the endpoint turns silent: whatever is said must still be true."""
    row, backend = catalogue.BY_NAME[name], serve(name).port
    # Each on an address of its own, for the engine spares an address that stops answering.
    limiters = [synthetic.Limiter(backend, allowed, then, f"127.0.1.{allowed + 1}") for allowed in range(20)]
    with contextlib.ExitStack() as stack:
        for limiter in limiters:
            stack.enter_context(limiter)
        reports = look(*(row.endpoint(limiter.port, limiter.address) for limiter in limiters), options=QUICK)
        cut = [limiter.connections > limiter.allowed for limiter in limiters]
    wrong = []
    for allowed, report in enumerate(reports):
        for protocol, status in statuses(report).items():
            truth = "accepted" if protocol in row.protocols.split() else "refused"
            if status not in (truth, "indeterminate"):
                wrong.append((allowed, protocol, status))
        right = "compliant" if row.compliant else "non_compliant"
        if report["verdict"] not in (right, "indeterminate", "unreachable"):
            wrong.append((allowed, "verdict", report["verdict"]))
    assert wrong == []
    # The scenario is what it claims to be: some were cut off, and the most patient limiter was not in the way.
    assert cut[0]
    assert reports[0]["verdict"] != "compliant"
    assert cut[-1] or reports[-1]["verdict"] == right


def test_curve_that_was_not_offered_is_no_acceptance(serve: t.Callable[[str], t.Any]) -> None:
    """Java answers a TLS 1.2 hello with only unknown curves by a ServerHello and a curve of its own choice."""
    row = catalogue.BY_NAME["java-stock"]
    (report,) = look(row.endpoint(serve(row.name).port))
    assert report["groups"]["status"] == "refused"
    assert report["groups"]["forbidden"] == []


def test_hello_retry_request_without_key_share_is_no_acceptance(serve: t.Callable[[str], t.Any]) -> None:
    """wolfSSL says so that it knows none of the groups offered. It knows secp256k1 for TLS 1.2 only."""
    row = catalogue.BY_NAME["lighttpd-wolfssl"]
    (report,) = look(row.endpoint(serve(row.name).port))
    assert {(item["protocol"], item["group"]) for item in report["groups"]["forbidden"]} == {("TLSv1.2", "secp256k1")}


def test_hostile_neighbours_change_nothing(serve: t.Callable[[str], t.Any]) -> None:
    """Endless, slow, silent and absurd servers next to a good one: all end in time, and the good one is judged."""
    record = b"\x16\x03\x03\x40\x00" + b"\x0b\xff\xff\xff" + bytes(16380)
    hostile: dict[str, synthetic.Threaded] = {
        "flood of a certificate without end": synthetic.Flood(record, b"\x16\x03\x03\x40\x00" + bytes(16384)),
        "flood of empty records": synthetic.Flood(b"", b"\x16\x03\x03\x00\x00" * 1000),
        "flood of warnings": synthetic.Flood(b"", b"\x15\x03\x03\x00\x02\x01\x5a" * 1000),
        "one byte at a time": synthetic.Dripper(b"\x16\x03\x03\x00\x4a\x02\x00\x00\x46\x03\x03" + bytes(64), 0.05),
        "silence": synthetic.Limiter(0, 0, "hang"),
        "escapes": synthetic.Talker(b"\x1b]0;owned\x07\x1b[2J{{ 7 * 7 }}<script>\r\n", greets=True),
        "alert and more": synthetic.Talker(TLS_ALERT + b"\xff" * 50000),
    }
    good = catalogue.BY_NAME["nginx-intermediate"]
    good_endpoint = good.endpoint(serve(good.name).port)
    try:
        for server in hostile.values():
            server.start()
        endpoints = [f"tls://127.0.0.1:{server.port}" for server in hostile.values()]
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begin = time.monotonic()
        reports = look(*endpoints, good_endpoint, options=ScanOptions(read_timeout=1, patience=15))
        seconds = time.monotonic() - begin
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    finally:
        for server in hostile.values():
            server.stop()
    assert reports[-1]["verdict"] == "compliant"
    assert [report["verdict"] for report in reports[:-1]] == [
        "non_compliant" if name == "escapes" else "indeterminate" for name in hostile
    ]
    assert "\x1b" not in str(reports[5])
    assert seconds < 60  # none hangs
    assert grown < 50


@pytest.mark.parametrize(("directives", "allowed"), [("ssl_early_data on;", True), ("ssl_early_data off;", False)])
def test_early_data_of_nginx(pki: Pki, folder: Path, directives: str, allowed: bool) -> None:
    argv = catalogue.nginx(BOOKWORM, "ssl_protocols TLSv1.2 TLSv1.3;", directives)
    with Process("early-data", lambda port, own: argv(pki, port, own), folder) as server:
        (full,) = look(f"tls://127.0.0.1:{server.port}", options=ScanOptions(detail="full"))
    assert full["features"]["early_data"] is allowed
