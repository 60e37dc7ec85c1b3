# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that are not TLS servers, or that hide one: a rate limiter, a wrong protocol, a greeting before TLS."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import typing as t

from .server import Server


class Threaded(Server):
    """Each connection is served by :meth:`serve` in a thread of its own. ``connections`` counts them."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        super().__init__(address)
        self.connections = 0
        self._open: set[socket.socket] = set()

    def serve(self, client: socket.socket, number: int) -> None:
        """Serve the connection with this number (from 0); returning closes it."""
        raise NotImplementedError

    def start(self) -> None:
        self._listener = socket.create_server((self.address, self.port), backlog=512)
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        # shutdown wakes a thread that is blocked on the socket; close alone would leave it there.
        for sock in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            number, self.connections = self.connections, self.connections + 1
            threading.Thread(target=self._serve, args=(client, number), daemon=True).start()

    def _serve(self, client: socket.socket, number: int) -> None:
        self._open.add(client)
        try:
            with contextlib.suppress(OSError):
                self.serve(client, number)
        finally:
            self._open.discard(client)
            client.close()


def reset(client: socket.socket) -> None:
    """Close with RST (a linger time of zero)."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def relay(client: socket.socket, port: int, seen: t.Callable[[bool, bytes], None] | None = None) -> None:
    """Pass bytes between the client and a server on 127.0.0.1 until both have closed. ``seen(from_client, data)``."""
    with socket.create_connection(("127.0.0.1", port)) as server:

        def pump(source: socket.socket, sink: socket.socket, from_client: bool) -> None:
            try:
                while data := source.recv(65536):
                    if seen:
                        seen(from_client, data)
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                for sock in (client, server):
                    with contextlib.suppress(OSError):
                        sock.shutdown(socket.SHUT_RDWR)

        back = threading.Thread(target=pump, args=(server, client, False), daemon=True)
        back.start()
        pump(client, server, True)
        back.join()


class Limiter(Threaded):
    """Passes ``allowed`` connections to a server, after that ends each with ``then``: ``fin``, ``rst`` or ``hang``.

    This is what connection limits of firewalls, fail2ban and mail servers look like to a scanner.
    """

    def __init__(self, backend: int, allowed: int, then: str, address: str = "127.0.0.1") -> None:
        super().__init__(address)
        self.backend, self.allowed, self.then = backend, allowed, then

    def serve(self, client: socket.socket, number: int) -> None:
        if number < self.allowed:
            relay(client, self.backend)
            return
        if self.then == "hang":
            while client.recv(65536):
                pass
            return
        # First take the hello: closing with unread data would send RST for a FIN.
        client.recv(65536)
        if self.then == "rst":
            reset(client)


class Talker(Threaded):
    """Says ``answer`` to whatever comes first, or at once when ``greets``, and closes."""

    def __init__(self, answer: bytes, greets: bool = False) -> None:
        super().__init__()
        self.answer, self.greets = answer, greets

    def serve(self, client: socket.socket, number: int) -> None:
        if not self.greets:
            client.recv(65536)
        client.sendall(self.answer)
        if self.greets:
            client.recv(65536)


HTTP = b"HTTP/1.1 400 Bad Request\r\nServer: test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
SSH = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"


class Dripper(Threaded):
    """Sends ``data`` one byte each ``pause`` seconds, over and over while the client listens."""

    def __init__(self, data: bytes, pause: float) -> None:
        super().__init__()
        self.data, self.pause = data, pause

    def serve(self, client: socket.socket, number: int) -> None:
        client.recv(65536)
        stop = threading.Event()
        while True:
            for index in range(len(self.data)):
                client.sendall(self.data[index : index + 1])
                stop.wait(self.pause)


class Flood(Threaded):
    """Sends ``head`` and then ``body`` again and again, as fast as the client reads."""

    def __init__(self, head: bytes, body: bytes) -> None:
        super().__init__()
        self.head, self.body = head, body

    def serve(self, client: socket.socket, number: int) -> None:
        client.recv(65536)
        client.sendall(self.head)
        while True:
            client.sendall(self.body)


class Dialogue(Threaded):
    """A plaintext protocol that hands over to a TLS server: what is said, line by line, before TLS.

    ``greeting`` is sent first. ``replies`` maps the first word of a command (upper case) to the reply; the reply of
    ``upgrade`` is followed by TLS. ``early``: a client that sends anything before a reply is complete (pipelining,
    forbidden before STARTTLS by RFC 3207, 4.2) is counted there.
    """

    def __init__(self, backend: int, greeting: bytes, replies: t.Mapping[str, bytes], upgrade: str) -> None:
        super().__init__()
        self.backend, self.greeting, self.replies, self.upgrade = backend, greeting, replies, upgrade
        self.early = 0

    def serve(self, client: socket.socket, number: int) -> None:
        client.sendall(self.greeting)
        pending = b""
        while True:
            while b"\n" not in pending:
                data = client.recv(4096)
                if not data:
                    return
                pending += data
            line, _, pending = pending.partition(b"\n")
            self.early += bool(pending)
            words = line.decode("ascii", "replace").upper().split()
            command = next((word for word in words if word in self.replies), "")
            client.sendall(self.replies.get(command, b"500 5.5.1 what?\r\n"))
            if command == self.upgrade:
                relay(client, self.backend)
                return


class Recorder(Threaded):
    """Passes connections to a server and keeps what each one said: a list of (from_client, bytes) per connection."""

    def __init__(self, backend: int) -> None:
        super().__init__()
        self.backend = backend
        self.talks: dict[int, list[tuple[bool, bytes]]] = {}

    def serve(self, client: socket.socket, number: int) -> None:
        talk = self.talks[number] = []
        relay(client, self.backend, lambda from_client, data: talk.append((from_client, data)))
