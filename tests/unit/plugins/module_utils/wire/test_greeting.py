# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""First words of servers: who they are of, and that nothing is said to hear them."""

from __future__ import annotations

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.wire import greeting
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_servers import Server, hold


@pytest.mark.parametrize(
    ("said", "protocol"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "ssh"),
        (b"220 mail.example ESMTP Postfix\r\n", "smtp"),
        (b"220-mail.example ESMTP\r\n220 ready\r\n", "smtp"),
        (b"220 (vsFTPd 3.0.3)\r\n", "ftp"),
        (b"220-Welcome to\r\n220 the FTP server\r\n", "ftp"),
        (b"220 mail.example LMTP ready\r\n", "lmtp"),
        (b"* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n", "imap"),
        (b"+OK Dovecot ready.\r\n", "pop3"),
        (b'"IMPLEMENTATION" "Dovecot Pigeonhole"\r\n', "sieve"),
        (b"200 news.example\r\n", "nntp"),
        (b"\x5b\x00\x00\x00\x0a10.11.6-MariaDB-0+deb12u1\x00rest", "mysql"),
        (b"HTTP/1.1 400 Bad Request\r\n", "http"),
        (b"<!DOCTYPE HTML>\n<html>", "http"),
        (b"RFB 003.008\n", "vnc"),
        (b"@RSYNCD: 31.0 sha512\n", "rsync"),
        (b"\xff\xfd\x18", "telnet"),
        (b"", None),
        (b"220", None),
        (b"\x15\x03\x01\x00\x02\x02\x28", None),
    ],
)
def test_who_begins_like_this(said, protocol):
    assert greeting.recognise(said) == protocol


def test_listening_sends_nothing():
    heard = []

    def polite(connection):
        connection.sendall(b"SSH-2.0-x\r\n")
        heard.append(connection.recv(100))

    def silent(connection):
        heard.append(connection.recv(100))

    with Server(polite) as first, Server(silent) as second, Server(hold) as gone:
        gone.close()
        places = [("127.0.0.1", one.port) for one in (first, second, gone)]
        said = greeting.listen([*places, places[0]], 0.5)
        assert said == {places[0]: b"SSH-2.0-x\r\n", places[1]: b""}
        assert first.connections == 1
    assert set(heard) <= {b""}


def test_those_who_speak_are_not_waited_for():
    with Server(lambda connection: connection.sendall(b"+OK\r\n")) as server:
        # Would take an hour if the end of the greeting were waited for.
        assert greeting.listen([("127.0.0.1", server.port)], 3600) == {("127.0.0.1", server.port): b"+OK\r\n"}
