# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What HTTP says about transport: is plaintext served or redirected, and is there a Strict-Transport-Security header?

Conversations for the engine, driven like those of ``starttls``: a generator yields bytes to send and is sent what came
(None when the server closed). They ask for one page with GET, because servers answer HEAD with other headers, and read
no further than the end of the headers.

The one over TLS uses the TLS library of the host, without verification: it only fetches a header, and only after raw
handshakes have decided everything about the transport.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generator, Optional

    from .endpoint import Endpoint

    Json = dict[str, Any]
    Conversation = Generator[bytes, Optional[bytes], Json]

#: Bytes of headers read at most, and characters of one header told at most.
_HEADERS_LIMIT = 32768
_TOLD = 300

#: Statuses by which a server turns plaintext away. Others, 404 among them, mean that it is ready to serve in plaintext.
_REFUSING = frozenset((400, 403, 421, 426))
_REDIRECTING = frozenset((301, 302, 303, 307, 308))

_HTTP, _TLS_ALERT = b"HTTP/", 0x15


def plain(endpoint: Endpoint) -> Conversation:
    """Ask in plaintext. ``plaintext`` is ``served``, ``redirected`` (to https), ``refused`` or ``unknown``."""
    head = yield from _exchange(endpoint)
    if not head or head[0] == _TLS_ALERT:
        return {"plaintext": "refused", "status": None, "location": None}
    if not head.startswith(_HTTP):
        return {"plaintext": "unknown", "status": None, "location": None}
    status, headers = _parse(head)
    location = headers.get("location")
    if status in _REDIRECTING and location is not None and location.lower().startswith("https://"):
        told = "redirected"
    else:
        told = "refused" if status in _REFUSING else "served"
    return {"plaintext": told, "status": status, "location": location}


def secured(endpoint: Endpoint) -> Conversation:
    """Ask over TLS. ``hsts_max_age`` is in seconds, None without a usable header. A failure gives only ``error``."""
    import ssl  # dear to import, and needed by no other part of a scan

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=endpoint.sni)
    talk = _exchange(endpoint)
    head = b""
    try:
        say = next(talk)
        sent = False
        while True:
            try:
                if not sent:
                    tls.do_handshake()
                    tls.write(say)
                    sent = True
                data: bytes | None = tls.read(16384) or None
            except ssl.SSLWantReadError:
                received = yield outgoing.read()
                if received is not None:
                    incoming.write(received)
                    continue
                data = None
            except ssl.SSLZeroReturnError:
                data = None
            talk.send(data)
    except StopIteration as stop:
        head = stop.value
    except ssl.SSLError as error:
        return {"error": f"the TLS library of this host: {error.reason or error}"}
    if not head.startswith(_HTTP):
        return {"error": "the answer is not HTTP"}
    status, headers = _parse(head)
    hsts = headers.get("strict-transport-security")
    return {
        "status": status,
        "hsts": hsts,
        "hsts_max_age": None if hsts is None else max_age(hsts),
        "location": headers.get("location"),
    }


def max_age(header: str) -> int | None:
    """Seconds of a Strict-Transport-Security header (RFC 6797, 6.1), None when it has no valid max-age."""
    found = None
    for directive in header.split(";"):
        name, _equals, value = directive.partition("=")
        if name.strip().lower() == "max-age":
            digits = value.strip().strip('"')
            if found is not None or not (digits.isascii() and digits.isdigit()):
                return None
            found = int(digits[:18])
    return found


def _exchange(endpoint: Endpoint) -> Generator[bytes, bytes | None, bytes]:
    """Send one request; everything up to the end of the headers, or what came until the server closed."""
    host = endpoint.sni or (f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host)
    usual = {"http": 80, "https": 443}.get(endpoint.scheme)
    authority = host if endpoint.port == usual else f"{host}:{endpoint.port}"
    request = f"GET {endpoint.path} HTTP/1.1\r\nHost: {authority}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    received = yield request.encode("utf-8")
    head = b""
    while received is not None:
        head += received
        if b"\r\n\r\n" in head or b"\n\n" in head or len(head) >= _HEADERS_LIMIT:
            break
        if not _HTTP.startswith(head[: len(_HTTP)]):
            break  # whatever this is, it has no headers
        received = yield b""
    return head


def _parse(head: bytes) -> tuple[int | None, dict[str, str]]:
    """Status and headers, names in lower case. Of a repeated header the first counts (RFC 6797, 8.1)."""
    lines = head.decode("ascii", "backslashreplace").replace("\r\n", "\n").partition("\n\n")[0].split("\n")
    word = lines[0].split(" ")[1:2]
    status = int(word[0]) if word and word[0].isdigit() and len(word[0]) == 3 else None
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip()[:_TOLD])
    return status, headers
