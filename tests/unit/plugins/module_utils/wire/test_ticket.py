"""Finished handshakes with real OpenSSL, and the record ciphers against another implementation of them."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import endpoint as endpoints
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import engine, kex, ticket
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.engine import ScanOptions
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.hello import TLS13, UNTIL_FLIGHT, Hello
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_bytes import make_certificate
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_servers import (
    Server,
    hold,
    read_hello,
)

BASELINE = model.load("intermediate")
SCHEMES = (0x0804, 0x0403, 0x0401)
NAMES = {0x1301: "TLS_AES_128_GCM_SHA256", 0x1302: "TLS_AES_256_GCM_SHA384", 0x1303: "TLS_CHACHA20_POLY1305_SHA256"}


@pytest.fixture(scope="module")
def leaf(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("pki"))


@contextlib.contextmanager
def s_server(leaf: tuple[Path, Path], *options: object) -> t.Iterator[int]:
    """``openssl s_server`` for TLS 1.3 on a free port, when it listens."""
    port = free_port()
    argv = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_3", "-quiet"]
    argv += ["-cert", str(leaf[0]), "-key", str(leaf[1]), *map(str, options)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # It ends when its standard input does.
    with subprocess.Popen(argv, stdin=subprocess.PIPE, **quiet) as process:
        try:
            while process.poll() is None:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.02)
            yield port
        finally:
            process.kill()


def ask(port: int, suite: int = 0x1301, group: int = kex.X25519) -> bool | None:
    """What the conversation finds out over a socket of its own."""
    hello = Hello(TLS13, (suite,), (group,), SCHEMES, until=UNTIL_FLIGHT, shares=(group,))
    talk = ticket.early_data(endpoints.parse(f"tls://127.0.0.1:{port}"), hello)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        say = next(talk)
        while True:
            connection.sendall(say)
            received: bytes | None
            try:
                received = connection.recv(65536) or None
            except ConnectionError:
                received = None
            try:
                say = talk.send(received)
            except StopIteration as stop:
                return t.cast("bool | None", stop.value)


# --- the records ------------------------------------------------------------------------------------------------------


class Schedule:
    """Keys that are only lengths of one secret."""

    @staticmethod
    def expand(secret: bytes, label: str, _context: bytes, length: int) -> bytes:
        return (label.encode() + secret)[:length].ljust(length, b"~")


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 63, 64, 65, 300])
@pytest.mark.parametrize("suite", ticket.SUITES)
def test_records_are_those_of_another_implementation(suite: int, size: int) -> None:
    known = kex._SUITES[suite]
    secret, content = os.urandom(48), os.urandom(size)
    key, iv = Schedule.expand(secret, "key", b"", known.key_length), Schedule.expand(secret, "iv", b"", 12)
    other: t.Any = (ChaCha20Poly1305 if suite == 0x1303 else AESGCM)(key)
    ours, reader = (ticket._Cipher(known, Schedule, secret) for _ in range(2))
    for sequence in range(3):
        nonce = (int.from_bytes(iv, "big") ^ sequence).to_bytes(12, "big")
        record = ours.seal(content, 22)
        assert record[5:] == other.encrypt(nonce, content + b"\x16", record[:5])
        assert reader.open(record) == (content, 22)


@pytest.mark.parametrize("suite", ticket.SUITES)
def test_a_record_changed_on_the_way_is_refused(suite: int) -> None:
    known, secret = kex._SUITES[suite], os.urandom(48)
    record = ticket._Cipher(known, Schedule, secret).seal(b"content", 22)
    for at in range(5, len(record)):
        changed = record[:at] + bytes((record[at] ^ 1,)) + record[at + 1 :]
        with pytest.raises(kex.KeyExchangeError):
            ticket._Cipher(known, Schedule, secret).open(changed)
    for short in range(5 + 17):
        with pytest.raises(kex.KeyExchangeError):
            ticket._Cipher(known, Schedule, secret).open(record[:short])


# --- real handshakes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "allowed"), [(["-early_data"], True), ([], False)], ids=["early data", "none"])
@pytest.mark.parametrize("suite", ticket.SUITES)
def test_openssl_with_and_without(leaf: tuple[Path, Path], suite: int, options: list[str], allowed: bool) -> None:
    with s_server(leaf, "-ciphersuites", NAMES[suite], *options) as port:
        for group in (kex.X25519, kex.SECP256R1):
            assert ask(port, suite, group) is allowed


def test_openssl_that_sends_no_ticket(leaf: tuple[Path, Path]) -> None:
    with s_server(leaf, "-num_tickets", 0) as port:
        assert ask(port) is None


@pytest.mark.parametrize(("verify", "allowed"), [("-verify", True), ("-Verify", None)])
def test_openssl_that_asks_for_our_certificate(leaf: tuple[Path, Path], verify: str, allowed: bool | None) -> None:
    """One that only asks goes on with none; one that demands it does not, and nothing is known."""
    with s_server(leaf, "-early_data", verify, 1) as port:
        assert ask(port) is allowed


def test_the_engine_tells_it_in_full_detail(leaf: tuple[Path, Path]) -> None:
    with s_server(leaf, "-early_data") as with_it, s_server(leaf) as without:
        asked = [f"tls://127.0.0.1:{port}" for port in (with_it, without)]
        yes, no = engine.scan(asked, BASELINE, ScanOptions(detail="full"))
        assert [report["features"]["early_data"] for report in (yes, no)] == [True, False]
        assert [report["features"]["session_tickets"] for report in (yes, no)] == [True, True]
        (short,) = engine.scan(asked[:1], BASELINE)
    assert short["features"]["early_data"] is None


def test_what_tls13_alone_tells_encrypted(leaf: tuple[Path, Path]) -> None:
    """ALPN is chosen and a staple sent only where the hello asks for it."""
    with s_server(leaf, "-alpn", "http/1.1", "-Verify", 1) as demanding, s_server(leaf) as plain:
        asked = [f"https://127.0.0.1:{port}" for port in (demanding, plain)]
        first, second = (report["features"] for report in engine.scan(asked, BASELINE))
    assert (first["alpn"], first["ocsp_staple"], first["client_certificate"]) == ("http/1.1", False, True)
    assert (second["alpn"], second["ocsp_staple"], second["client_certificate"]) == (None, False, False)


def test_a_staple_in_tls13(leaf: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "response").write_bytes(b"\x30\x03\x0a\x01\x06")  # an OCSP response that says unauthorized
    with s_server(leaf, "-status_file", tmp_path / "response") as port:
        (report,) = engine.scan([f"tls://127.0.0.1:{port}"], BASELINE)
    assert report["features"]["ocsp_staple"] is True


def test_after_starttls(leaf: tuple[Path, Path]) -> None:
    """Here with Python's own server, whose tickets never allow early data."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*leaf)

    def sieve(connection: socket.socket) -> None:
        connection.sendall(b'"IMPLEMENTATION" "x"\r\n"STARTTLS"\r\nOK\r\n')
        if b"STARTTLS" not in connection.recv(100).upper():
            return
        connection.sendall(b"OK begin\r\n")
        with contextlib.suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(100)

    with Server(sieve) as server:
        (report,) = engine.scan([server.uri("sieve")], BASELINE, ScanOptions(detail="full"))
    assert report["features"]["early_data"] is False


# --- servers that mean no good ----------------------------------------------------------------------------------------


def flight_then(leaf: tuple[Path, Path], more: bytes) -> t.Callable[[socket.socket], None]:
    """Real OpenSSL as far as its first flight, and then whatever is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*leaf)

    def handler(connection: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(read_hello(connection))
        with contextlib.suppress(ssl.SSLError):
            server.do_handshake()
        connection.sendall(outgoing.read() + more)
        connection.recv(65536)
        connection.shutdown(socket.SHUT_WR)
        hold(connection)

    return handler


@pytest.mark.parametrize(
    "more",
    [
        b"",
        b"\x17\x03\x03\x00\x00",
        b"\x17\x03\x03\x00\x11" + bytes(17),
        b"\x17\x03\x03\x40\x00" + bytes(16384),
        b"\x14\x03\x03\x00\x01\x01" * 100,
    ],
    ids=["nothing", "empty record", "forged record", "long forged record", "change_cipher_spec"],
)
def test_what_is_no_ticket_says_nothing(leaf: tuple[Path, Path], more: bytes) -> None:
    with Server(flight_then(leaf, more)) as server:
        assert ask(server.port) is None


@pytest.mark.parametrize("answer", [b"", b"\x15\x03\x03\0\2\2\x28", b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(100)])
def test_no_handshake_says_nothing(answer: bytes) -> None:
    def handler(connection: socket.socket) -> None:
        read_hello(connection)
        connection.sendall(answer)

    with Server(handler) as server:
        assert ask(server.port) is None
