"""Bytes of servers, built by the specifications and without the code under test."""

from __future__ import annotations

import contextlib
import ssl
import struct
import subprocess
from pathlib import Path

RETRY_RANDOM = bytes.fromhex("CF21AD74E59A6111BE1D8C021E65B891C2A211167ABB8C5E079E09E2C8A8339C")

ECDHE_RSA_GCM, DHE_RSA_GCM, RSA_GCM = 0xC02F, 0x009E, 0x009C


def record(kind: int, body: bytes, version: int = 0x0303) -> bytes:
    return struct.pack(">BHH", kind, version, len(body)) + body


def handshake(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def alert(description: int, level: int = 2) -> bytes:
    return record(21, bytes((level, description)))


def extension(number: int, body: bytes) -> bytes:
    return struct.pack(">HH", number, len(body)) + body


def server_hello_message(
    version: int = 0x0303,
    suite: int = ECDHE_RSA_GCM,
    extensions: bytes | None = b"",
    random: bytes = b"r" * 32,
    compression: int = 0,
    session: bytes = b"",
) -> bytes:
    """A ServerHello; a version of 0x0304 goes into supported_versions. ``extensions`` None leaves out the block."""
    legacy = min(version, 0x0303)
    if version == 0x0304:
        extensions = extension(43, b"\x03\x04") + (extensions or b"")
    body = (
        struct.pack(">H", legacy) + random + bytes((len(session),)) + session + struct.pack(">HB", suite, compression)
    )
    if extensions is not None:
        body += struct.pack(">H", len(extensions)) + extensions
    return handshake(2, body)


def server_hello(*args: object, **named: object) -> bytes:
    return record(22, server_hello_message(*args, **named))  # type: ignore[arg-type]


def retry(group: int | None, suite: int = 0x1301) -> bytes:
    share = b"" if group is None else extension(51, struct.pack(">H", group))
    return server_hello(0x0304, suite, share, RETRY_RANDOM)


def named_curve_keys(group: int, scheme: int | None = 0x0804) -> bytes:
    body = struct.pack(">BHB", 3, group, 4) + b"\4abc"
    if scheme is not None:
        body += struct.pack(">HH", scheme, 3) + b"sig"
    return record(22, handshake(12, body))


def finite_field_keys(prime: int, scheme: int | None = 0x0804) -> bytes:
    numbers = [prime.to_bytes((prime.bit_length() + 7) // 8, "big"), b"\2", b"\7" * 8]
    body = b"".join(struct.pack(">H", len(number)) + number for number in numbers)
    if scheme is not None:
        body += struct.pack(">HH", scheme, 3) + b"sig"
    return record(22, handshake(12, body))


def certificates(*chain: bytes) -> bytes:
    listed = b"".join(len(der).to_bytes(3, "big") + der for der in chain)
    return record(22, handshake(11, len(listed).to_bytes(3, "big") + listed))


def hello_done() -> bytes:
    return record(22, handshake(14, b""))


def certificate_request() -> bytes:
    return record(22, handshake(13, b"\1\1\0\2\4\1\0\0"))


def ssl2_hello(specs: bytes = b"\x01\x00\x80\x07\x00\xc0", version: int = 2, certificate: bytes = b"cert") -> bytes:
    connection = b"c" * 16
    body = struct.pack(">BBBHHHH", 4, 0, 1, version, len(certificate), len(specs), len(connection))
    body += certificate + specs + connection
    return struct.pack(">H", 0x8000 | len(body)) + body


SSL2_ERROR = bytes.fromhex("8003000001")


class ClientHello:
    """What a ClientHello in one record says, read by the specification."""

    def __init__(self, data: bytes) -> None:
        kind, self.record_version, length = struct.unpack_from(">BHH", data)
        assert kind == 22 and length == len(data) - 5
        message = data[5:]
        assert message[0] == 1 and int.from_bytes(message[1:4], "big") == len(message) - 4
        self.length = len(message)
        (self.version,) = struct.unpack_from(">H", message, 4)
        self.random = message[6:38]
        at = 39 + message[38]
        self.session = message[39:at]
        (size,) = struct.unpack_from(">H", message, at)
        self.suites = struct.unpack_from(f">{size // 2}H", message, at + 2)
        at += 2 + size
        self.compressions = message[at + 1 : at + 1 + message[at]]
        at += 1 + message[at]
        self.extensions: dict[int, bytes] = {}
        self.bare = at == len(message)
        if not self.bare:
            (size,) = struct.unpack_from(">H", message, at)
            at += 2
            assert at + size == len(message)
            while at < len(message):
                number, size = struct.unpack_from(">HH", message, at)
                assert number not in self.extensions, "an extension twice"
                self.extensions[number] = message[at + 4 : at + 4 + size]
                at += 4 + size
            assert at == len(message)

    def numbers(self, number: int) -> tuple[int, ...]:
        """The list of 16-bit numbers in an extension."""
        body = self.extensions[number]
        (size,) = struct.unpack_from(">H", body)
        assert size == len(body) - 2
        return struct.unpack_from(f">{size // 2}H", body, 2)

    @property
    def server_name(self) -> str | None:
        body = self.extensions.get(0)
        return None if body is None else body[5:].decode("ascii")

    @property
    def shares(self) -> dict[int, bytes]:
        body, at, found = self.extensions[51], 2, {}
        assert struct.unpack_from(">H", body)[0] == len(body) - 2
        while at < len(body):
            group, size = struct.unpack_from(">HH", body, at)
            found[group] = body[at + 4 : at + 4 + size]
            at += 4 + size
        return found


def make_certificate(folder: Path, key: str = "rsa:2048", name: str = "localhost") -> tuple[Path, Path]:
    """(certificate, key) files of a fresh self-signed certificate. ``key`` as for ``openssl req -newkey``."""
    stem = key.replace(":", "_")
    certificate, private = folder / f"{stem}.pem", folder / f"{stem}.key"
    curve = ["-pkeyopt", "ec_paramgen_curve:prime256v1"] if key == "ec" else []
    names = f"subjectAltName=DNS:{name},IP:127.0.0.1"
    request = ["openssl", "req", "-x509", "-nodes", "-newkey", key, *curve, "-days", "30"]
    subject = ["-subj", f"/CN={name}", "-addext", names]
    subprocess.run([*request, *subject, "-keyout", private, "-out", certificate], check=True, capture_output=True)
    return certificate, private


def openssl_flight(context: ssl.SSLContext, hello: bytes) -> bytes:
    """What a real OpenSSL server answers to the bytes of a hello, without any socket."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(hello)
    with contextlib.suppress(ssl.SSLError):  # it wants more, or refused: the bytes say which
        server.do_handshake()
    return outgoing.read()
