"""The outcome table, row by row, and what must hold for any bytes."""

from __future__ import annotations

import ssl
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import answers
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.answers import (
    ACCEPTED,
    CLOSED,
    DEADLINE,
    INDETERMINATE,
    PLAINTEXT,
    REFUSED,
    RESET,
    SOFT,
    TIMEOUT,
    Answer,
    Outcome,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.hello import (
    SSL2,
    SSL2_CIPHERS,
    SSL3,
    TLS10,
    TLS12,
    TLS13,
    UNTIL_FLIGHT,
    UNTIL_KEYS,
    Hello,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.kit import Kit
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_bytes import (
    DHE_RSA_GCM,
    ECDHE_RSA_GCM,
    RSA_GCM,
    SSL2_ERROR,
    alert,
    certificate_request,
    certificates,
    extension,
    finite_field_keys,
    handshake,
    hello_done,
    make_certificate,
    named_curve_keys,
    openssl_flight,
    record,
    retry,
    server_hello,
    server_hello_message,
    ssl2_hello,
)

SUITES = (ECDHE_RSA_GCM, DHE_RSA_GCM, RSA_GCM)
X25519, SECP256R1, SECP224R1 = 0x001D, 0x0017, 0x0015

HELLO12 = Hello(TLS12, SUITES, (X25519, SECP256R1), (0x0804, 0x0401))
HELLO13 = Hello(TLS13, (0x1301, 0x1302), (X25519, SECP256R1), (0x0804,), asks="version", until=UNTIL_KEYS)
HELLO_SSL2 = Hello(SSL2, tuple(SSL2_CIPHERS), asks="version")
GROUPS12 = Hello(TLS12, SUITES, (SECP224R1,), (0x0804,), "group", UNTIL_KEYS)
GROUPS13 = Hello(TLS13, (0x1301,), (0x0105,), (0x0804,), "group", UNTIL_KEYS)
SCHEMES12 = Hello(TLS12, SUITES, (X25519,), (0x0201,), "scheme", UNTIL_KEYS)
FLIGHT12 = HELLO12.variant(until=UNTIL_FLIGHT)


def outcome(hello: Hello, data: bytes, end: str = CLOSED, pieces: tuple[int, ...] = ()) -> Outcome:
    """Feed an answer, cut at ``pieces``, and end it unless it was decided before."""
    return answer(hello, data, end, pieces).outcome()


def answer(hello: Hello, data: bytes, end: str = CLOSED, pieces: tuple[int, ...] = ()) -> Answer:
    reader = Answer(hello)
    cuts = [0, *sorted(pieces), len(data)]
    for start, stop in zip(cuts, cuts[1:]):
        if start < stop and reader.feed(data[start:stop]):
            return reader
    reader.finish(end)
    return reader


DRAFT = extension(43, b"\x7f\x1c")
NO_VERSION = bytes.fromhex("15000200020246")  # OpenSSL's alert for SSLv2
FOR_CERTIFICATES = (42, 46, 48, 116)  # mean something only after ServerHello

# One row of the table each: name, hello, answer, end, status, and what else the outcome says.
ROWS = [
    ("ServerHello", HELLO12, server_hello(), TIMEOUT, ACCEPTED, {"version": TLS12, "suite": ECDHE_RSA_GCM}),
    ("ServerHello, then a fatal alert", HELLO12, server_hello() + alert(40), CLOSED, ACCEPTED, {"version": TLS12}),
    ("ServerHello without extensions", HELLO12, server_hello(extensions=None), CLOSED, ACCEPTED, {"version": TLS12}),
    ("lower version", HELLO12, server_hello(TLS10), CLOSED, ACCEPTED, {"version": TLS10}),
    ("lower version than SSLv3", HELLO12, server_hello(0x0200), CLOSED, INDETERMINATE, {"version": None}),
    ("TLS 1.2 to a hello for 1.3", HELLO13, server_hello(suite=0x1301), CLOSED, ACCEPTED, {"version": TLS12}),
    ("TLS 1.2 suite to a hello for 1.3", HELLO13, server_hello(), CLOSED, INDETERMINATE, {"spoke": TLS12}),
    ("higher version", HELLO12.variant(top=TLS10), server_hello(), CLOSED, INDETERMINATE, {"version": None}),
    ("TLS 1.3 to a hello for 1.2", HELLO12, server_hello(TLS13, 0x1301), CLOSED, INDETERMINATE, {"version": None}),
    ("a draft of TLS 1.3", HELLO13, server_hello(0x0303, 0x1301, DRAFT), CLOSED, INDETERMINATE, {"version": None}),
    ("suite not offered", HELLO12, server_hello(suite=0x000A), CLOSED, INDETERMINATE, {"suite": None}),
    ("HelloRetryRequest", HELLO13, retry(X25519), CLOSED, ACCEPTED, {"version": TLS13, "group": X25519}),
    ("HRR for a suite not offered", HELLO13, retry(X25519, 0x1303), CLOSED, INDETERMINATE, {"suite": None}),
    ("HRR without group (wolfSSL)", HELLO13, retry(None), CLOSED, REFUSED, {"spoke": TLS13, "unsure": True}),
    ("HRR with a group not offered", HELLO13, retry(0x0100), CLOSED, REFUSED, {"spoke": TLS13, "unsure": False}),
    (
        "TLS 1.3 ServerHello",
        HELLO13,
        server_hello(TLS13, 0x1302, extension(51, b"\0\x1d\0\0")),
        CLOSED,
        ACCEPTED,
        {"version": TLS13, "suite": 0x1302, "group": X25519},
    ),
    (
        "TLS 1.3 ServerHello with a group not offered",
        HELLO13,
        server_hello(TLS13, 0x1302, extension(51, b"\x01\0\0\0")),
        CLOSED,
        ACCEPTED,
        {"version": TLS13, "suite": 0x1302, "group": None},
    ),
    ("SSLv2 SERVER-HELLO", HELLO_SSL2, ssl2_hello(), TIMEOUT, ACCEPTED, {"version": SSL2}),
    ("SSLv2 SERVER-HELLO, no ciphers", HELLO_SSL2, ssl2_hello(b""), TIMEOUT, ACCEPTED, {"version": SSL2}),
    ("SSLv2 SERVER-HELLO of version 3", HELLO_SSL2, ssl2_hello(version=0x0300), TIMEOUT, INDETERMINATE, {}),
    ("SSLv2 ERROR", HELLO_SSL2, SSL2_ERROR, TIMEOUT, REFUSED, {}),
    ("TLS alert to SSLv2", HELLO_SSL2, alert(70), CLOSED, REFUSED, {"alert": 70}),
    (
        "alert with an odd version to SSLv2",
        HELLO_SSL2,
        NO_VERSION,
        CLOSED,
        REFUSED,
        {"alert": 70},
    ),
    *((f"alert {code}", HELLO12, alert(code), CLOSED, REFUSED, {"alert": code}) for code in (40, 70, 71)),
    *(
        (f"alert {code}", HELLO12, alert(code), CLOSED, SOFT, {"alert": code})
        for code in (80, 47, 10, 50, 51, 109, 110, 115, 120)
    ),
    *(
        (f"alert {code}", HELLO12, alert(code), CLOSED, INDETERMINATE, {"alert": code})
        for code in (112, *FOR_CERTIFICATES)
    ),
    ("close_notify", HELLO12, alert(0, level=1), CLOSED, SOFT, {"alert": 0}),
    ("a warning, then refusal", HELLO12, alert(112, 1) + alert(40), CLOSED, REFUSED, {"alert": 40}),
    ("a warning, then ServerHello", HELLO12, alert(112, 1) + server_hello(), CLOSED, ACCEPTED, {"version": TLS12}),
    ("a warning, then closed", HELLO12, alert(90, 1), CLOSED, SOFT, {"alert": 90}),
    ("unrecognized_name as warning, then closed", HELLO12, alert(112, 1), CLOSED, INDETERMINATE, {"alert": 112}),
    ("closed", HELLO12, b"", CLOSED, SOFT, {"alert": None}),
    ("reset", HELLO12, b"", RESET, SOFT, {"alert": None}),
    ("an empty record, then closed", HELLO12, record(22, b""), CLOSED, SOFT, {}),
    ("timeout", HELLO12, b"", TIMEOUT, INDETERMINATE, {}),
    ("deadline", HELLO12, b"", DEADLINE, INDETERMINATE, {}),
    ("truncated record", HELLO12, server_hello()[:30], CLOSED, INDETERMINATE, {"version": None}),
    ("truncated record, then reset", HELLO12, server_hello()[:3], RESET, INDETERMINATE, {}),
    ("truncated alert", HELLO12, alert(40)[:6], CLOSED, INDETERMINATE, {"alert": None}),
    ("alert record with half an alert", HELLO12, record(21, b"\2"), CLOSED, INDETERMINATE, {"alert": None}),
    ("HTTP", HELLO12, b"HTTP/1.1 400 Bad Request\r\n", CLOSED, PLAINTEXT, {}),
    ("HTTP to SSLv2", HELLO_SSL2, b"HTTP/1.1 400 Bad Request\r\n", CLOSED, PLAINTEXT, {}),
    ("SMTP", HELLO12, b"220 mail ESMTP\r\n", TIMEOUT, PLAINTEXT, {}),
    ("SSH", HELLO12, b"SSH-2.0-OpenSSH_9.2\r\n", TIMEOUT, PLAINTEXT, {}),
    ("IMAP", HELLO12, b"* OK ready\r\n", TIMEOUT, PLAINTEXT, {}),
    ("POP3", HELLO12, b"+OK\r\n", TIMEOUT, PLAINTEXT, {}),
    ("XML", HELLO12, b"<?xml version='1.0'?>", TIMEOUT, PLAINTEXT, {}),
    ("terminal escapes", HELLO12, b"\x1b]0;evil\x07\x1b[2J", TIMEOUT, PLAINTEXT, {}),
    ("MySQL greeting", HELLO12, b"J\0\0\0\x0a8.0.36\0", TIMEOUT, INDETERMINATE, {}),
    ("telnet", HELLO12, b"\xff\xfd\x18\xff\xfd\x20", TIMEOUT, INDETERMINATE, {}),
    ("record of another protocol version", HELLO12, record(22, b"abc", 0x2003), CLOSED, INDETERMINATE, {}),
    ("record too long", HELLO12, b"\x16\x03\x03\xff\xff" + b"a" * 100, CLOSED, INDETERMINATE, {}),
    ("application data first", HELLO12, record(23, b"abc"), CLOSED, INDETERMINATE, {}),
    ("certificate first", HELLO12, certificates(b"abc"), CLOSED, INDETERMINATE, {}),
    ("handshake of 16 MB", HELLO12, record(22, b"\x02\xff\xff\xff" + b"a" * 100), CLOSED, INDETERMINATE, {}),
    ("ServerHello that lies about its length", HELLO12, record(22, handshake(2, b"\3\3")), CLOSED, INDETERMINATE, {}),
    ("HelloRequest, then ServerHello", HELLO12, record(22, handshake(0, b"")) + server_hello(), CLOSED, ACCEPTED, {}),
    ("curve offered", GROUPS12, server_hello() + named_curve_keys(SECP224R1), CLOSED, ACCEPTED, {"group": SECP224R1}),
    (
        "curve not offered (Java)",
        GROUPS12,
        server_hello() + named_curve_keys(X25519),
        CLOSED,
        REFUSED,
        {"spoke": TLS12},
    ),
    ("curve probe, alert after ServerHello", GROUPS12, server_hello() + alert(40), CLOSED, SOFT, {"alert": 40}),
    ("curve probe, closed after ServerHello", GROUPS12, server_hello(), CLOSED, SOFT, {}),
    ("curve probe, silence after ServerHello", GROUPS12, server_hello(), TIMEOUT, INDETERMINATE, {}),
    ("curve probe, static RSA", GROUPS12, server_hello(suite=RSA_GCM) + hello_done(), TIMEOUT, INDETERMINATE, {}),
    ("group of TLS 1.3 not offered", GROUPS13, retry(X25519), CLOSED, REFUSED, {"spoke": TLS13}),
    (
        "scheme offered",
        SCHEMES12,
        server_hello() + named_curve_keys(X25519, 0x0201),
        CLOSED,
        ACCEPTED,
        {"scheme": 0x0201},
    ),
    ("scheme not offered", SCHEMES12, server_hello() + named_curve_keys(X25519, 0x0401), CLOSED, REFUSED, {}),
    ("scheme of TLS 1.0", SCHEMES12, server_hello(TLS10) + named_curve_keys(X25519, None), CLOSED, INDETERMINATE, {}),
]


@pytest.mark.parametrize(
    ("hello", "data", "end", "status", "facts"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS]
)
def test_outcome_table(hello: Hello, data: bytes, end: str, status: str, facts: dict[str, object]) -> None:
    found = outcome(hello, data, end)
    assert found.status == status, found.detail
    assert {name: getattr(found, name) for name in facts} == facts
    assert found.detail


@pytest.mark.parametrize(("hello", "data", "end"), [row[1:4] for row in ROWS], ids=[row[0] for row in ROWS])
def test_an_answer_means_the_same_however_it_is_cut(hello: Hello, data: bytes, end: str) -> None:
    whole = outcome(hello, data, end)
    expected = (whole.status, whole.version, whole.suite, whole.group, whole.scheme, whole.alert)
    for cut in range(1, len(data)):
        cut_in_two = outcome(hello, data, end, (cut,))
        found = (cut_in_two.status, *(getattr(cut_in_two, n) for n in ("version", "suite", "group", "scheme", "alert")))
        assert found == expected, f"cut at {cut}"
    byte_by_byte = outcome(hello, data, end, tuple(range(1, len(data))))
    assert (byte_by_byte.status, byte_by_byte.version) == expected[:2]


@given(st.sampled_from([HELLO12, HELLO13, HELLO_SSL2, GROUPS12, SCHEMES12, FLIGHT12]), st.data())
def test_any_bytes_have_an_outcome(hello: Hello, data: st.DataObject) -> None:
    begin = data.draw(st.sampled_from([b"", b"\x16\x03\x03", b"\x15\x03", b"\x80", server_hello(), retry(X25519)]))
    noise = begin + data.draw(st.binary(max_size=600))
    end = data.draw(st.sampled_from([CLOSED, RESET, TIMEOUT, DEADLINE]))
    cuts = data.draw(st.lists(st.integers(0, len(noise)), max_size=6))
    whole, cut = outcome(hello, noise, end), outcome(hello, noise, end, tuple(cuts))
    assert whole.status in (ACCEPTED, REFUSED, SOFT, INDETERMINATE, PLAINTEXT)
    assert (whole.status, whole.version, whole.group) == (cut.status, cut.version, cut.group)


@given(st.data())
def test_a_damaged_flight_never_becomes_another_acceptance(data: st.DataObject) -> None:
    flight = bytearray(server_hello() + certificates(b"a" * 40, b"b" * 30) + named_curve_keys(X25519) + hello_done())
    for _ in range(data.draw(st.integers(1, 4))):
        flight[data.draw(st.integers(0, len(flight) - 1))] = data.draw(st.integers(0, 255))
    found = outcome(FLIGHT12, bytes(flight))
    if found.status == ACCEPTED:
        assert found.suite in SUITES
        assert found.version is not None
        assert SSL3 <= found.version <= TLS12


def test_handshake_messages_may_share_records_and_span_them() -> None:
    messages = (
        server_hello_message() + certificates(b"leaf", b"root")[5:] + named_curve_keys(X25519)[5:] + hello_done()[5:]
    )
    for size in (1, 2, 7, 50, len(messages)):
        cut = b"".join(record(22, messages[at : at + size]) for at in range(0, len(messages), size))
        empty = record(22, b"")
        found = answer(FLIGHT12, empty + cut + empty)
        assert found.outcome().status == ACCEPTED
        assert (found.certificates, found.group, found.signature) == ([b"leaf", b"root"], X25519, 0x0804)
        assert found.client_certificate is False


def test_the_flight_of_tls12_is_read_to_its_end() -> None:
    hello = server_hello(extensions=extension(5, b"") + extension(16, b"\0\3\2h2") + extension(35, b""), compression=1)
    status = record(22, handshake(22, b"\1\0\0\3abc"))
    flight = hello + certificates(b"leaf") + status + named_curve_keys(SECP256R1) + certificate_request() + hello_done()
    found = Answer(FLIGHT12)
    assert not found.feed(flight[:-1])
    assert found.feed(flight[-1:])
    assert (found.alpn, found.staple, found.client_certificate, found.compression) == ("h2", True, True, 1)
    assert set(found.extensions or ()) == {5, 16, 35}


def test_what_comes_after_server_hello_cannot_take_the_acceptance_back() -> None:
    broken = server_hello() + certificates(b"leaf")[:-6] + b"\xff" * 20
    found = answer(FLIGHT12, broken)
    assert found.outcome().status == ACCEPTED
    assert found.certificates is None


def test_finite_field_and_export_keys() -> None:
    prime = (1 << 1023) + 1155
    found = answer(FLIGHT12, server_hello(suite=DHE_RSA_GCM) + finite_field_keys(prime))
    assert found.finite_field == (prime, 2)
    assert found.signature == 0x0804
    anonymous = Hello(TLS12, (0xC018,), (X25519,), (0x0401,), until=UNTIL_KEYS)
    found = answer(anonymous, server_hello(suite=0xC018) + named_curve_keys(X25519, None))
    assert (found.group, found.signature) == (X25519, None)


def test_an_explicit_curve_counts_as_the_forbidden_thing_it_is() -> None:
    explicit = record(22, handshake(12, b"\1" + b"\0" * 40))
    hello = GROUPS12.variant(groups=(SECP224R1, 0xFF01))
    found = outcome(hello, server_hello() + explicit)
    assert (found.status, found.group) == (ACCEPTED, 0xFF01)


def test_an_endless_answer_ends_at_the_limit() -> None:
    found, fed = Answer(FLIGHT12), 0
    chunk = record(22, b"")
    while not found.feed(chunk * 200):
        fed += len(chunk) * 200
        assert fed <= answers.LIMIT + len(chunk) * 200
    assert found.outcome().status == INDETERMINATE
    warnings = Answer(FLIGHT12)
    assert warnings.feed(alert(90, 1) * 20000)
    assert len(warnings.head) == answers.KEPT


def test_the_evidence_is_the_first_bytes_that_came() -> None:
    found = answer(HELLO12, b"HTTP/1.1 400 Bad Request\r\n" + b"x" * 200, pieces=(3, 10, 40))
    assert found.head == (b"HTTP/1.1 400 Bad Request\r\n" + b"x" * 200)[: len(found.head)]
    assert len(found.head) <= answers.KEPT
    assert found.banner.startswith("HTTP/1.1")


# --- real servers, in memory ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def openssl(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    certificate, key = make_certificate(tmp_path_factory.mktemp("pki"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@pytest.fixture(scope="module")
def kit() -> Kit:
    return Kit(model.load("intermediate"))


def test_openssl_takes_both_controls(openssl: ssl.SSLContext, kit: Kit) -> None:
    found = answer(kit.control12(True), openssl_flight(openssl, kit.control12(True).encode("localhost")))
    assert found.outcome().status == ACCEPTED
    assert found.certificates is not None
    assert ssl.DER_cert_to_PEM_cert(found.certificates[0]).startswith("-----BEGIN CERTIFICATE")
    assert found.signature in kit.allowed_schemes12
    assert found.group in kit.approved_curves12
    found = answer(kit.control13, openssl_flight(openssl, kit.control13.encode("localhost")))
    assert found.outcome().status == ACCEPTED
    assert found.outcome().detail == "HelloRetryRequest"


def test_openssl_refuses_old_versions_by_alert(openssl: ssl.SSLContext, kit: Kit) -> None:
    for hello in (kit.ssl2, kit.ssl3, kit.tls10, kit.tls11):
        found = outcome(hello, openssl_flight(openssl, hello.encode(None)))
        assert found.status in (REFUSED, SOFT), found.detail
        assert found.alert is not None


def test_every_cut_of_a_real_flight(openssl: ssl.SSLContext, kit: Kit) -> None:
    hello = kit.control12(False)
    flight = openssl_flight(openssl, hello.encode(None))
    whole = answer(hello, flight)
    for cut in range(1, len(flight)):
        found = answer(hello, flight, pieces=(cut,))
        assert found.outcome().status == ACCEPTED
        assert (found.certificates, found.group, found.signature) == (whole.certificates, whole.group, whole.signature)


def test_a_real_chain_of_100_megabytes_stops_early() -> None:
    found = Answer(FLIGHT12)
    assert not found.feed(server_hello())
    huge = struct.pack(">B", 11) + (100 << 20 & 0xFFFFFF).to_bytes(3, "big")
    assert found.feed(record(22, huge + b"\0" * 100))
    assert found.outcome().status == ACCEPTED
    assert found.certificates is None
