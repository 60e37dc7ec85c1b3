# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The OCSF events of sealed runs on their way to a SIEM: as syslog over TLS, TCP or UDP, or into a file.

What is sent is what was sealed, a run at a time and in the order of the ledger. Syslog knows no receipt (RFC 5424,
section 8.5): a run counts as sent when all of it was handed over, else all of it is sent again. An event has the same
``finding_info.uid`` each time.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
import re
import socket
import ssl
import typing as t
import urllib.parse

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError

from . import files
from .evidence import ledger
from .evidence.errors import EvidenceError
from .evidence.run import dump
from .evidence.sealed import Bundle

#: Which run was sent last, by sink, in the evidence directory.
SENT = "events-sent.json"
_EVENTS = "export/ocsf.ndjson"

#: Facility "log audit", and severities by OCSF's ``severity_id`` (RFC 5424, section 6.2.1; OCSF, base event).
_FACILITY = 13
_SEVERITIES = {1: 6, 2: 5, 3: 4, 4: 3, 5: 2}

#: Ports of syslog over TLS (RFC 5425, section 4.1) and UDP (RFC 5426, section 3.3); over TCP there is none.
_PORTS = {"tls": 6514, "udp": 514, "tcp": None}
#: The most that one datagram holds over IPv4 (RFC 768, RFC 791).
_DATAGRAM = 65507
_WAIT = 30

#: Hands one event over. Raises OSError.
Hand = t.Callable[[bytes], None]


class Sink(t.NamedTuple):
    """Where events go: ``kind`` is tls, tcp, udp or file, and ``path`` that of the file."""

    kind: str
    host: str = ""
    port: int = 0
    path: str = ""


class Trust(t.NamedTuple):
    """With TLS: PEM files of the CA that the server's certificate is of (empty: those of the system), and of a client's
    certificate and key."""

    ca: str = ""
    certificate: str = ""
    key: str = ""


def parse(text: str) -> Sink:
    """``tls://host[:6514]``, ``tcp://host:port``, ``udp://host[:514]`` or ``file:///path``. Raises InTransitError."""
    try:
        url = urllib.parse.urlsplit(text)
        port = url.port
    except ValueError as error:
        raise InTransitError(f"sink {text!r}: {error}") from error
    more = url.username or url.query or url.fragment
    if url.scheme == "file" and url.path and not (url.netloc or more):
        return Sink("file", path=url.path)
    if url.scheme in _PORTS and url.hostname and url.path in ("", "/") and not more:
        port = port or _PORTS[url.scheme]
        if port:
            return Sink(url.scheme, url.hostname, port)
        raise InTransitError(f"sink {text!r}: a port is needed, tcp://{url.hostname}:PORT; syslog over TCP has no port")
    raise InTransitError(f"sink {text!r}: none of tls://HOST, tcp://HOST:PORT, udp://HOST and file:///PATH")


# --- what is to be sent -----------------------------------------------------------------------------------------------


def unsent(directory: str, sink: str) -> list[Bundle]:
    """The runs sealed since the last one that was sent there, the oldest first; of the first time only the newest.

    Raises EvidenceError where what was sealed cannot be read.
    """
    try:
        entries = ledger.entries(directory)
    except OSError as error:
        raise EvidenceError(f"evidence directory {directory}: {error.strerror}") from error
    names = [name for name, _seal in entries]
    last = _sent(directory).get(sink)
    new = entries[names.index(last) + 1 :] if last in names else entries[-1:]
    return [Bundle(directory, name, seal) for name, seal in new]


def events(bundle: Bundle) -> t.Iterator[bytes]:
    """The events of a run, a line each without its end."""
    for line in bundle.lines(_EVENTS):
        yield line.rstrip(b"\n")


def mark(directory: str, sink: str, run_id: str) -> None:
    """Remember that this run was sent. Raises InTransitError."""
    files.write(os.path.join(directory, SENT), dump({**_sent(directory), sink: run_id}, indent=1))


def _sent(directory: str) -> dict[str, str]:
    path = os.path.join(directory, SENT)
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InTransitError(f"{path}: {error}; without it, only the newest run is sent") from error
    if not isinstance(found, dict):
        raise InTransitError(f"{path}: not written by us; without it, only the newest run is sent")
    return found


# --- how it is sent ---------------------------------------------------------------------------------------------------


def message(event: bytes, run_id: str, node: str = "") -> bytes:
    """An event as a message of syslog (RFC 5424, section 6). Events are ASCII, so that there is no mark before them."""
    told = json.loads(event)
    seconds, rest = divmod(told["time"], 1000)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    host = re.sub("[^!-~]", "", node or platform.node())[:255] or "-"
    priority = _FACILITY * 8 + _SEVERITIES[told["severity_id"]]
    return f"<{priority}>1 {moment}.{rest:03d}Z {host} in-transit {run_id[:128]} ocsf - ".encode("ascii") + event


@contextlib.contextmanager
def opened(sink: Sink, trust: Trust) -> t.Iterator[Hand]:
    """What hands messages over; leaving it waits for the other side to take the last. Raises OSError."""
    if sink.kind == "file":
        handle = os.open(sink.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "ab") as file:
            yield lambda event: t.cast(None, file.write(event + b"\n"))
        return
    if sink.kind == "udp":
        family, kind, number, _name, address = socket.getaddrinfo(sink.host, sink.port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, number) as datagrams:
            datagrams.connect(address)
            yield lambda one: _datagram(datagrams, one)
        return
    with socket.create_connection((sink.host, sink.port), _WAIT) as connection:
        if sink.kind == "tcp":
            yield lambda one: _framed(connection, one)
            connection.shutdown(socket.SHUT_WR)
            _drain(connection)
            return
        with _context(trust).wrap_socket(connection, server_hostname=sink.host) as secured:
            yield lambda one: _framed(secured, one)
            # A server that ends without a goodbye has taken all. One that resets, or sends an alert, has not.
            with contextlib.suppress(TimeoutError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
                secured.unwrap()


def _context(trust: Trust) -> ssl.SSLContext:
    """TLS 1.2 or newer, to a server whose certificate is of its name (RFC 5425, section 5.2; RFC 9662)."""
    context = ssl.create_default_context(cafile=trust.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if trust.certificate:
        context.load_cert_chain(trust.certificate, trust.key or None)
    return context


def _framed(connection: socket.socket, one: bytes) -> None:
    """By octet counting (RFC 5425, section 4.3; RFC 6587, section 3.4.1)."""
    connection.sendall(b"%d %s" % (len(one), one))


def _datagram(connection: socket.socket, one: bytes) -> None:
    if len(one) > _DATAGRAM:
        raise OSError(f"an event of {len(one)} bytes is more than a datagram holds; use tls or tcp")
    connection.send(one)


def _drain(connection: socket.socket) -> None:
    with contextlib.suppress(TimeoutError):
        while connection.recv(4096):
            pass
