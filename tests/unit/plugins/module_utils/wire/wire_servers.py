"""Servers on the loopback interface that do exactly what a test says, one thread for each connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
import typing as t

from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_bytes import openssl_flight

Handler = t.Callable[[socket.socket], None]


class Server:
    """Listens on a port of its own until it is closed. ``handler`` gets each connection and may leave it open.

    ``connections`` counts all of them, ``most`` the highest number at one time.
    """

    def __init__(self, handler: Handler, host: str = "127.0.0.1") -> None:
        self.handler = handler
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((host, 0))
        self.listener.listen(256)
        self.host, self.port = host, self.listener.getsockname()[1]
        self.connections = self.open = self.most = 0
        self.times: list[float] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def uri(self, scheme: str = "tls", query: str = "") -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}{query}"

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _peer = self.listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self.open += 1
                self.most = max(self.most, self.open)
                self.times.append(time.monotonic())
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        try:
            with contextlib.suppress(OSError):
                self.handler(connection)
        finally:
            with self._lock:
                self.open -= 1
            with contextlib.suppress(OSError):
                connection.close()

    def close(self) -> None:
        self._closed.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def read_hello(connection: socket.socket) -> bytes:
    """One hello: a TLS record, or an SSLv2 one."""
    head = connection.recv(5, socket.MSG_WAITALL)
    if len(head) < 5:
        return head
    length = (struct.unpack(">H", head[:2])[0] & 0x7FFF) - 3 if head[0] & 0x80 else struct.unpack(">H", head[3:])[0]
    return head + connection.recv(length, socket.MSG_WAITALL)


def hold(connection: socket.socket) -> None:
    """Say nothing until the client goes."""
    while connection.recv(4096):
        pass


def answering(context: ssl.SSLContext, pieces: int = 0) -> Handler:
    """Real OpenSSL as far as the first flight, sent in pieces of so many bytes."""

    def handler(connection: socket.socket) -> None:
        flight = openssl_flight(context, read_hello(connection))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(flight), pieces or len(flight) or 1):
            connection.sendall(flight[at : at + (pieces or len(flight))])
        hold(connection)

    return handler


def https(context: ssl.SSLContext, response: bytes) -> Handler:
    """Real OpenSSL, whole handshakes, and one response to whatever is asked."""

    def handler(connection: socket.socket) -> None:
        with contextlib.suppress(ssl.SSLError), context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(4096)
            secured.sendall(response)
            with contextlib.suppress(OSError):
                secured.unwrap()

    return handler


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
