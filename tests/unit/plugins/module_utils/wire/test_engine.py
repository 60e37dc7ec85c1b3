"""The engine over real sockets: order, limits, time, and servers that mean no good."""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import select
import socket
import ssl
import threading
import time
import typing as t

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import EndpointError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import judge
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import endpoint, engine
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.engine import ScanOptions
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_bytes import (
    alert,
    handshake,
    make_certificate,
    openssl_flight,
    record,
    server_hello,
)
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_servers import (
    Handler,
    Server,
    answering,
    hold,
    https,
    read_hello,
    reset,
)

BASELINE = model.load("intermediate")

#: Seconds after which something hangs: no busy machine takes so long for the little that is done here.
HANGING = 60.0


def quick(**changes: t.Any) -> ScanOptions:
    """For servers that let us wait on purpose, next to servers that answer late because the machine is busy."""
    return ScanOptions(**{"read_timeout": 1.0, "greeting_timeout": 2.0, **changes})


QUICK = quick()


def scan(*endpoints: str, options: ScanOptions = QUICK) -> list[dict[str, t.Any]]:
    return engine.scan(endpoints, BASELINE, options)


def endured(*endpoints: str, options: ScanOptions) -> tuple[float, list[dict[str, t.Any]]]:
    """The seconds a scan took, and its reports."""
    began = time.monotonic()
    reports = scan(*endpoints, options=options)
    return time.monotonic() - began, reports


def verdict(report: dict[str, t.Any]) -> str:
    return judge.verdict(report, judge.judge_report(report, BASELINE))


def classes(report: dict[str, t.Any]) -> set[str]:
    return {seen["status"] for seen in report["protocols"].values()}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    certificate, key = make_certificate(tmp_path_factory.mktemp("pki"))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    made.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    return made


@pytest.fixture(scope="module")
def good(context: ssl.SSLContext) -> t.Iterator[Server]:
    """A compliant endpoint: real OpenSSL."""
    with Server(answering(context)) as server:
        yield server


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same course of things in less time."""
    monkeypatch.setattr(engine, "_PAUSES", (0.2, 0.4, 0.6))
    monkeypatch.setattr(engine, "_PAUSE_LIMITED", 0.3)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """Probe and time of each connection, as the engine makes them: a busy server sees them later."""
    seen: list[tuple[str, float]] = []
    really = engine._Scan._open

    def noting(self: engine._Scan, target: t.Any, probe: t.Any) -> None:
        seen.append((probe.id, time.monotonic()))
        really(self, target, probe)

    monkeypatch.setattr(engine._Scan, "_open", noting)
    return seen


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long the engine left an endpoint alone, each time."""
    seen: list[float] = []
    really = engine._Scan._rest

    def noting(self: engine._Scan, target: t.Any, seconds: float) -> None:
        seen.append(seconds)
        really(self, target, seconds)

    monkeypatch.setattr(engine._Scan, "_rest", noting)
    return seen


# --- what a report holds ----------------------------------------------------------------------------------------------


def test_the_report_of_a_compliant_endpoint(good: Server) -> None:
    before = good.connections
    (report,) = scan(good.uri())
    assert verdict(report) == "compliant"
    assert report["connections"] == good.connections - before <= 14
    assert (report["address"], report["port"], report["sni"], report["scheme"]) == ("127.0.0.1", good.port, None, "tls")
    assert report["reachable"]
    assert report["alive"]
    assert report["plaintext"] is None
    assert {name: seen["status"] for name, seen in report["protocols"].items()} == {
        "SSLv2": "refused",
        "SSLv3": "refused",
        "TLSv1.0": "refused",
        "TLSv1.1": "refused",
        "TLSv1.2": "accepted",
        "TLSv1.3": "accepted",
    }
    assert report["suites"]["selected"].keys() == {"TLSv1.2", "TLSv1.3"}
    assert report["features"]["secure_renegotiation"] is True
    assert report["features"]["compression"] is False
    assert report["certificates"][0]["chain"][0]["subject"] == "CN=localhost"
    assert report["certificates"][0]["name_match"] is True
    assert report["milliseconds"] > 0
    for probe in report["probes"]:
        assert len(probe["hello_sha256"]) == 64
        assert probe["hello_length"] > 40
        assert probe["attempts"] == 1
        assert 0 < len(bytes.fromhex(probe["response"])) <= 64
        assert probe["milliseconds"] >= 0


def test_a_probe_named_as_proof_is_there(good: Server) -> None:
    (report,) = scan(good.uri())
    known = {probe["id"] for probe in report["probes"]}
    assert {seen["probe"] for seen in report["protocols"].values()} <= known


def test_the_encrypted_certificate_of_tls13(tmp_path_factory: pytest.TempPathFactory) -> None:
    certificate, key = make_certificate(tmp_path_factory.mktemp("pki13"), "ec", "only13.example")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    with Server(answering(made)) as server:
        (report,) = scan(server.uri())
        assert report["certificates"][0]["chain"][0]["subject"] == "CN=only13.example"
        assert report["signatures"]["selected"] == {"TLSv1.3": "ecdsa_secp256r1_sha256"}
        assert verdict(report) == "compliant"


def test_full_detail_agrees_with_the_servers_configuration(good: Server, context: ssl.SSLContext) -> None:
    (report,) = scan(good.uri(), options=quick(detail="full"))
    configured = {cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] == "TLSv1.2"}
    rsa = {name for name in configured if "RSA" in name}
    from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import suites

    found = {suites.by_name(name).openssl[0] for name in report["suites"]["accepted"]["TLSv1.2"]}
    assert found == rsa
    assert set(report["suites"]["accepted"]["TLSv1.3"]) >= {"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
    assert "x25519" in report["groups"]["accepted"]["TLSv1.3"]
    assert "rsa_pss_rsae_sha256" in report["signatures"]["accepted"]["TLSv1.3"]
    assert report["suites"]["incomplete"] == []


# --- many endpoints ---------------------------------------------------------------------------------------------------


def test_reports_come_in_the_order_of_the_endpoints(good: Server) -> None:
    with Server(hold) as silent:
        asked = [
            silent.uri(),
            good.uri("https"),
            "https://127.0.0.1:1",
            good.uri("tls", "?sni=a.example"),
            silent.uri(),
        ]
        reports = scan(*asked)
    assert [report["endpoint"] for report in reports] == asked
    assert [verdict(report) for report in reports] == [
        "indeterminate",
        "compliant",
        "unreachable",
        "compliant",
        "indeterminate",
    ]
    assert [report["sni"] for report in reports[1:4]] == [None, None, "a.example"]


def test_reports_are_streamed(good: Server) -> None:
    seen: list[str] = []
    kept = engine.scan([good.uri()] * 5, BASELINE, QUICK, lambda report: seen.append(report["endpoint"]))
    assert kept == []
    assert seen == [good.uri()] * 5


def test_what_is_done_meanwhile_is_done_once_while_questions_are_out(good: Server) -> None:
    under_way: list[int] = []
    scan = engine._Scan([engine.endpoints_.parse(good.uri())] * 9, BASELINE, QUICK)
    scan.meanwhile = lambda: under_way.append(len(scan.connections))
    assert len(list(scan.run())) == 9
    assert len(under_way) == 1
    assert under_way[0] > 0


def test_leaving_a_stream_early_closes_everything(good: Server) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = descriptors()
    stream = engine.stream([good.uri()] * 50, BASELINE, quick(per_host=50))
    next(stream)
    stream.close()
    # Fifty would be left open; a few are the server's threads, which close theirs in their own time.
    deadline = time.monotonic() + HANGING
    while descriptors() > before + 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert descriptors() <= before + 5


@pytest.mark.parametrize(("per_host", "concurrency", "most"), [(3, 128, 3), (9, 2, 2), (4, 128, 4)])
def test_no_more_connections_at_a_time_than_allowed(
    good: Server, monkeypatch: pytest.MonkeyPatch, per_host: int, concurrency: int, most: int
) -> None:
    seen: list[int] = []
    wait = engine._Scan._wait

    def watch(self: engine._Scan) -> None:
        seen.append(len(self.connections))
        wait(self)

    monkeypatch.setattr(engine._Scan, "_wait", watch)
    endpoints = [good.uri("tls", f"?sni=n{number}.example") for number in range(8)]
    reports = scan(*endpoints, options=quick(per_host=per_host, concurrency=concurrency))
    assert {verdict(report) for report in reports} == {"compliant"}
    assert max(seen) == most


def test_a_rate_is_kept(good: Server, opened: list[tuple[str, float]]) -> None:
    scan(good.uri(), options=quick(rate=50.0))
    gaps = [after - before for (_id, before), (_next, after) in itertools.pairwise(opened)]
    assert len(gaps) > 8
    # Looked at the clock once for all that may be opened now; the sum is what the neighbour feels.
    assert sum(gaps) >= 0.02 * (len(gaps) - 1)


def test_many_endpoints_need_little_memory(context: ssl.SSLContext) -> None:
    with Server(answering(context)) as server:
        list(engine.stream([server.uri()] * 3, BASELINE, QUICK))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        count = sum(1 for _report in engine.stream([server.uri()] * 150, BASELINE, quick(per_host=16)))
        assert count == 150
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # KiB


def test_without_epoll(good: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "epoll")
    with Server(hold) as silent:
        reports = scan(good.uri(), silent.uri(), "tls://127.0.0.1:1")
    assert [verdict(report) for report in reports] == ["compliant", "indeterminate", "unreachable"]


# --- addresses --------------------------------------------------------------------------------------------------------


def test_a_bad_endpoint_is_an_error_before_anything_is_connected_to(good: Server) -> None:
    before = good.connections
    with pytest.raises(EndpointError, match="no scheme"):
        scan(good.uri(), "nonsense")
    assert good.connections == before


def test_ipv6(context: ssl.SSLContext) -> None:
    try:
        server = Server(answering(context), "::1")
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with server:
        (report,) = scan(server.uri())
        assert (verdict(report), report["address"]) == ("compliant", "::1")


def test_a_name_that_does_not_resolve() -> None:
    (report,) = scan("https://does-not-exist.invalid")
    assert verdict(report) == "unreachable"
    assert "does-not-exist.invalid does not resolve" in report["reason"]


def test_every_address_of_a_name_has_a_report(good: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[str] = []

    def look_up(name: str) -> list[tuple[int, str]]:
        looked_up.append(name)
        return [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "127.0.0.2")]

    monkeypatch.setattr(engine, "_look_up", look_up)
    reports = scan(f"tls://a.example:{good.port}", f"tls://a.example:{good.port}?sni=", f"tls://b.example:{good.port}")
    assert [report["address"] for report in reports] == ["127.0.0.1", "127.0.0.2"] * 3
    assert [verdict(report) for report in reports] == ["compliant", "unreachable"] * 3
    assert sorted(looked_up) == ["a.example", "b.example"]


def test_what_is_sent_first(context: ssl.SSLContext) -> None:
    first: list[bytes] = []

    def handler(connection: socket.socket) -> None:
        first.append(connection.recv(15, socket.MSG_WAITALL))
        answering(context)(connection)

    with Server(handler) as server:
        (report,) = scan(server.uri("tls", "?proxy_protocol=1"))
    assert verdict(report) == "compliant"
    assert set(first) == {b"PROXY UNKNOWN\r\n"}


# --- time -------------------------------------------------------------------------------------------------------------


def test_a_silent_endpoint_costs_bounded_time(good: Server) -> None:
    with Server(hold) as silent:
        seconds, (slow, fine) = endured(silent.uri(), good.uri(), options=QUICK)
    assert seconds < HANGING
    assert slow["connections"] <= 8
    assert verdict(slow) == "indeterminate"
    assert slow["reachable"]
    assert not slow["alive"]
    assert classes(slow) == {"indeterminate"}
    assert verdict(fine) == "compliant"


def test_the_deadline_of_a_scan_holds() -> None:
    with Server(hold) as silent:
        seconds, reports = endured(*[silent.uri()] * 20, options=quick(read_timeout=10 * HANGING, deadline=0.5))
    assert 0.5 <= seconds < HANGING
    assert {verdict(report) for report in reports} <= {"indeterminate", "unreachable"}
    assert len(reports) == 20


def test_the_patience_with_one_endpoint_ends() -> None:
    with Server(hold) as silent:
        seconds, reports = endured(*[silent.uri()] * 2, options=quick(read_timeout=10 * HANGING, patience=0.6))
    assert 0.6 <= seconds < HANGING
    assert [verdict(report) for report in reports] == ["indeterminate"] * 2


@pytest.mark.parametrize("scheme", endpoint.SCHEMES)
def test_what_was_never_sent_has_no_digest(scheme: str) -> None:
    (report,) = scan(f"{scheme}://127.0.0.1:1", options=quick(connect_timeout=2.0))
    assert verdict(report) == "unreachable"
    sent = [probe["hello_length"] > 0 for probe in report["probes"]]
    assert [probe["hello_sha256"] is not None for probe in report["probes"]] == sent


def test_a_connection_that_nobody_accepts_is_unreachable() -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = [socket.socket() for _ in range(8)]
    try:
        for filler in fillers:  # the queue is full: the handshake of TCP is not completed any more
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        time.sleep(0.1)
        (report,) = scan(f"tls://127.0.0.1:{listener.getsockname()[1]}", options=quick(connect_timeout=0.3))
        assert verdict(report) == "unreachable"
        assert report["reason"] == "no connection in time"
    finally:
        for sock in [*fillers, listener]:
            sock.close()


# --- servers that mean no good ----------------------------------------------------------------------------------------


def flood(chunk: bytes) -> Handler:
    """Send the same until the client goes."""

    def handler(connection: socket.socket) -> None:
        read_hello(connection)
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(chunk)

    return handler


def saying(answer: bytes, then: Handler = hold) -> Handler:
    def handler(connection: socket.socket) -> None:
        read_hello(connection)
        connection.sendall(answer)
        then(connection)

    return handler


def drip(answer: bytes) -> Handler:
    """One byte at a time, with pauses that would never end."""

    def handler(connection: socket.socket) -> None:
        read_hello(connection)
        for at in range(len(answer)):
            connection.sendall(answer[at : at + 1])
            time.sleep(0.05)

    return handler


HUGE_CHAIN = handshake(11, (180009).to_bytes(3, "big") + (b"\0\xea\x60" + b"\x30" * 60000) * 3)

HOSTILE = {
    "garbage": saying(bytes(range(256)) * 8),
    "random": saying(os.urandom(4096)),
    "nothing and closed": lambda connection: None,
    "reset at once": reset,
    "reset after the hello": lambda connection: (read_hello(connection), reset(connection))[1],
    "endless empty records": flood(record(22, b"") * 500),
    "endless warnings": flood(alert(90, 1) * 500),
    "endless text": flood(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 4000),
    "endless certificates": flood(server_hello() + record(22, handshake(11, b"\0" * 9000))),
    "a record of 64 KiB": saying(b"\x16\x03\x03\xff\xff" + b"\0" * 70000),
    "a handshake of 16 MiB": flood(record(22, b"\x02\xff\xff\xff" + b"\0" * 16000)),
    "a chain of 180 KB": saying(
        server_hello() + b"".join(record(22, HUGE_CHAIN[a : a + 16000]) for a in range(0, 180000, 16000))
    ),
    "one byte at a time": drip(server_hello() * 4),
    "half a ServerHello": saying(server_hello()[:40]),
    "half a ServerHello, closed": saying(server_hello()[:40], lambda connection: None),
    "an alert and a ServerHello": saying(alert(112, 1) * 3 + server_hello()),
    "ServerHello twice": saying(server_hello() * 2),
    "a suite nobody offered": saying(server_hello(suite=0xABCD)),
    "terminal escapes": saying(b"220 \x1b]0;owned\x07\x1b[2J mail\r\n"),
    "another port's banner": saying(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n"),
    "our own hello": lambda connection: (connection.sendall(read_hello(connection)), hold(connection))[1],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_harms_nobody_else(name: str, good: Server) -> None:
    with Server(HOSTILE[name]) as hostile:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds, (bad, fine) = endured(hostile.uri(), good.uri(), options=quick(patience=10.0))
        assert seconds < HANGING
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB
    assert verdict(fine) == "compliant"
    assert verdict(bad) != "compliant"
    assert all(len(probe["response"]) <= 128 for probe in bad["probes"])
    assert "refused" not in classes(bad) or "accepted" in classes(bad)


def test_a_banner_arrives_as_data_not_as_commands() -> None:
    with Server(HOSTILE["terminal escapes"]) as server:
        (report,) = scan(server.uri())
    assert report["plaintext"]["banner"].startswith("220 ")
    from ansible_collections.encryption.in_transit.plugins.module_utils.wire.lean import dumps

    assert "\x1b" not in dumps(report)


@pytest.mark.parametrize("pieces", [1, 2, 5, 100])
def test_a_flight_in_small_pieces(context: ssl.SSLContext, pieces: int) -> None:
    with Server(answering(context, pieces)) as server:
        (report,) = scan(server.uri(), options=quick(read_timeout=5.0))
    assert verdict(report) == "compliant"
    assert report["certificates"][0]["chain"]


class Limited:
    """Serves so many connections, ends so many in its own way (by default all others), and then serves again."""

    def __init__(self, serve: Handler, limit: int, refuse: Handler, refused: int = 1000) -> None:
        self.serve, self.refuse, self.refused = serve, refuse, range(limit, limit + refused)
        self._count = itertools.count()
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket) -> None:
        with self._lock:
            number = next(self._count)
        (self.refuse if number in self.refused else self.serve)(connection)


@pytest.mark.parametrize("how", [lambda connection: None, reset, hold], ids=["FIN", "RST", "hang"])
@pytest.mark.parametrize("limit", [3, 7, 11])
def test_a_connection_limiter_leaves_questions_open(context: ssl.SSLContext, limit: int, how: Handler) -> None:
    with Server(Limited(answering(context), limit, how)) as server:
        (report,) = scan(server.uri())
    assert verdict(report) == "indeterminate"
    assert report["alive"]


def test_an_endpoint_that_stops_answering_is_left_alone_and_then_given_up(
    context: ssl.SSLContext, rests: list[float], opened: list[tuple[str, float]]
) -> None:
    with Server(Limited(answering(context), 4, reset)) as server:
        (report,) = scan(server.uri())
    assert rests == [0.2, 0.4, 0.6]
    checks = [moment for probe, moment in opened if probe.startswith("control.check")]
    gaps = [later - sooner for sooner, later in itertools.pairwise(checks)]
    assert len(gaps) == 3
    assert all(gap >= pause for gap, pause in zip(gaps, rests))
    given_up = [probe for probe in report["probes"] if "stopped answering" in probe["detail"]]
    assert given_up
    assert {probe["attempts"] for probe in given_up} == {0}
    check = next(probe for probe in report["probes"] if probe["id"].startswith("control.check"))
    assert check["attempts"] == 4


@pytest.mark.parametrize("refused", range(1, 6))  # two of a wave, and four checks until it is given up
@pytest.mark.parametrize("served", [2, 6, 9])
def test_a_limiter_that_lets_us_in_again_does_not_stop_the_verdict(
    context: ssl.SSLContext, served: int, refused: int
) -> None:
    with Server(Limited(answering(context), served, reset, refused)) as server:
        (report,) = scan(server.uri(), options=ScanOptions())
    assert verdict(report) == "compliant"


@pytest.mark.parametrize("end", [reset, lambda connection: None], ids=["RST", "FIN"])
def test_resetting_may_be_the_servers_way_of_refusing(
    context: ssl.SSLContext, end: Handler, rests: list[float]
) -> None:
    """As Windows does: a check shows that it is there, and the scan goes on at full speed."""

    def handler(connection: socket.socket) -> None:
        flight = openssl_flight(context, read_hello(connection))
        if flight[:1] == b"\x16":
            connection.sendall(flight)
            hold(connection)
        else:
            end(connection)

    with Server(handler) as server:
        (report,) = scan(server.uri(), options=ScanOptions())
    assert rests == []
    assert verdict(report) == "compliant"
    assert "between handshakes that succeeded" in report["protocols"]["TLSv1.1"]["detail"]


# --- before TLS, and beyond it ----------------------------------------------------------------------------------------


def smtp(context: ssl.SSLContext, starttls: bytes = b"220 go ahead\r\n", offer: bool = True) -> Handler:
    def handler(connection: socket.socket) -> None:
        connection.sendall(b"220 mail.example ESMTP\r\n")
        words = connection.makefile("rb", buffering=0)
        while True:
            word = words.readline().strip().upper()
            if word.startswith(b"EHLO"):
                connection.sendall(b"250-mail.example\r\n" + (b"250-STARTTLS\r\n" if offer else b"") + b"250 HELP\r\n")
            elif word == b"STARTTLS" and not offer:
                connection.sendall(b"502 command not recognized\r\n")
            elif word == b"STARTTLS":
                connection.sendall(starttls)
                if starttls.startswith(b"220"):
                    answering(context)(connection)
                return
            elif word.startswith(b"MAIL"):
                connection.sendall(b"530 Must issue a STARTTLS command first\r\n")
            else:
                connection.sendall(b"221 bye\r\n")
                return

    return handler


def test_starttls(context: ssl.SSLContext) -> None:
    with Server(smtp(context)) as server:
        (report,) = scan(server.uri("smtp"))
    assert verdict(report) == "compliant"
    assert report["starttls"]["plaintext"] == "refused"
    assert report["connections"] <= 14
    assert len(report["probes"][0]["hello_sha256"]) == 64


def test_starttls_not_offered_is_plaintext(context: ssl.SSLContext) -> None:
    with Server(smtp(context, offer=False)) as server:
        (report,) = scan(server.uri("smtp"))
    assert verdict(report) == "non_compliant"
    assert report["plaintext"]["detail"]
    assert report["connections"] == 2


def test_being_told_to_come_back_later_proves_nothing(context: ssl.SSLContext) -> None:
    with Server(smtp(context, starttls=b"454 TLS not available due to temporary reason\r\n")) as server:
        (report,) = scan(server.uri("smtp"))
    assert verdict(report) == "indeterminate"
    assert server.connections <= 4


def test_a_greeting_may_take_its_time(context: ssl.SSLContext) -> None:
    def handler(connection: socket.socket) -> None:
        time.sleep(0.6)
        smtp(context)(connection)

    with Server(handler) as server:
        (report,) = scan(server.uri("smtp"), options=quick(greeting_timeout=5.0))
    assert verdict(report) == "compliant"


HSTS = b"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=63072000; includeSubDomains\r\nContent-Length: 0\r\n\r\n"


def test_hsts_is_asked_for_on_demand(context: ssl.SSLContext) -> None:
    with Server(https(context, HSTS)) as server:
        (without,) = scan(server.uri("https"))
        (asked,) = scan(server.uri("https"), options=quick(http=True, read_timeout=3.0))
    assert without["http"] is None
    assert asked["http"] == {
        "status": 200,
        "hsts": "max-age=63072000; includeSubDomains",
        "hsts_max_age": 63072000,
        "location": None,
    }


@pytest.mark.parametrize(
    ("answer", "plaintext", "verdict_"),
    [
        (b"HTTP/1.1 301 Moved\r\nLocation: https://portal.example/\r\n\r\n", "redirected", "compliant"),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "served", "non_compliant"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/login\r\n\r\n", "served", "non_compliant"),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", "served", "non_compliant"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "served", "non_compliant"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "refused", "compliant"),
        (b"\x15\x03\x01\0\2\2\x46", "refused", "compliant"),
        (b"220 mail.example ESMTP\r\n", "unknown", "indeterminate"),
    ],
)
def test_plaintext_http(answer: bytes, plaintext: str, verdict_: str) -> None:
    def handler(connection: socket.socket) -> None:
        request = connection.recv(4096)
        assert request.startswith(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:")
        connection.sendall(answer)

    with Server(handler) as server:
        (report,) = scan(server.uri("http"))
    assert report["http"]["plaintext"] == plaintext
    assert verdict(report) == verdict_
    assert report["connections"] == 1


def test_options_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="must be verdict or full"):
        ScanOptions(detail="everything")


def test_no_survey_of_a_database_that_would_lock_us_out() -> None:
    with pytest.raises(EndpointError, match=r"mysql://127\.0\.0\.1.*max_connect_errors.*detail=verdict"):
        scan("mysql://127.0.0.1:3306", options=quick(detail="full"))
