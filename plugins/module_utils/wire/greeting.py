# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What servers say before they are asked anything. Only connects and listens: nothing is ever sent."""

from __future__ import annotations

import re
import select
import time

from .endpoint import address_family, sockaddr
from .lean import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable

    Place = tuple[str, int]

_READ_SIZE = 1024

#: Connections open at a time. Each is to another port, so that none of them is a burden to one server.
_AT_ONCE = 256

#: First words of servers that speak first, and the protocol they speak. Those that ``endpoint`` knows are its schemes.
_FIRST_WORDS = (
    ("ssh", rb"SSH-\d"),  # RFC 4253, 4.2
    ("lmtp", rb"(?i)220[ -][^\r\n]*\blmtp\b"),  # RFC 2033
    ("ftp", rb"(?i)220[ -](?:[^\n]*\n220[ -])*[^\r\n]*ftp"),  # RFC 959, 5.4
    ("smtp", rb"220[ -]"),  # RFC 5321, 4.2
    ("imap", rb"\* (?:OK|PREAUTH)\b"),  # RFC 9051, 7.1
    ("pop3", rb"\+OK\b"),  # RFC 1939, 4
    ("sieve", rb'"IMPLEMENTATION"'),  # RFC 5804, 1.7
    ("nntp", rb"20[01] "),  # RFC 3977, 5.1.1
    ("mysql", rb"(?s)..\x00\x00\x0a[\x20-\x7e]+\x00"),  # protocol version 10 in packet 0
    ("http", rb"(?i)HTTP/1\.[01] \d|\s*<(?:!doctype html|html)\b"),  # an answer to what was no request
    ("vnc", rb"RFB \d{3}\.\d{3}\n"),  # RFC 6143, 7.1.1
    ("rsync", rb"@RSYNCD: "),
    ("telnet", rb"\xff[\xfb-\xfe]"),  # RFC 854
)
_PATTERNS = tuple((name, re.compile(pattern)) for name, pattern in _FIRST_WORDS)


def recognise(greeting: bytes) -> str | None:
    """The protocol whose servers begin like this, or None."""
    return next((name for name, pattern in _PATTERNS if pattern.match(greeting)), None)


def listen(places: Iterable[Place], seconds: float) -> dict[Place, bytes]:
    """What each address and port says of its own accord within so many seconds; nothing is ``b""``.

    Places that cannot be connected to are left out. IPv6 addresses may have a scope id.
    """
    waiting = list(dict.fromkeys(places))
    heard: dict[Place, bytes] = {}
    while waiting:
        heard.update(_listen(waiting[:_AT_ONCE], seconds))
        del waiting[:_AT_ONCE]
    return heard


def _listen(places: list[Place], seconds: float) -> dict[Place, bytes]:
    heard: dict[Place, bytes] = {}
    poller = select.poll()
    open_ones: dict[int, tuple[Place, socket.socket]] = {}
    try:
        for host, port in places:
            family = address_family(host) or 0
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.setblocking(False)
            open_ones[connection.fileno()] = ((host, port), connection)
            connection.connect_ex(sockaddr(host, family, port))
            poller.register(connection.fileno(), select.POLLIN | select.POLLOUT)
        until = time.monotonic() + seconds
        while open_ones and (left := until - time.monotonic()) > 0:
            for fd, events in poller.poll(left * 1000):
                place, connection = open_ones[fd]
                if events & select.POLLERR:
                    pass  # refused, or reset before a word
                elif events & (select.POLLIN | select.POLLHUP):
                    try:
                        heard[place] = connection.recv(_READ_SIZE)
                    except OSError:
                        heard.setdefault(place, b"")
                else:
                    heard[place] = b""  # connected: from now on only what it says is of interest
                    poller.modify(fd, select.POLLIN)
                    continue
                poller.unregister(fd)
                connection.close()
                del open_ones[fd]
    finally:
        for _place, connection in open_ones.values():
            connection.close()
    return heard
