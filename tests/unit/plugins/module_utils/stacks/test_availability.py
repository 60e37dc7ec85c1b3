# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients that never stop connecting see nothing of a change, its reload and its undoing.

Clients of TLS 1.2 and TLS 1.3 speak with a real daemon all the time, with the protocol it is there for. Each step of
the test waits for the clients, not for a clock: as many conversations as asked for begin and end before it, in it and
after it.
"""

from __future__ import annotations

import collections
import contextlib
import ftplib
import http.client
import smtplib
import ssl
import threading
import time

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.run.proof import HandshakeProof
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.local_daemons import (
    HOST,
    KINDS,
    harden,
    strict,
)

pytestmark = pytest.mark.servers

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)

#: Conversations each client has between two steps.
EACH = 5

#: Seconds between two conversations of a client: without any, four of them leave a small machine no time for the change
#: they are to watch.
PAUSE = 0.02

#: Seconds after which a client gives up: only what hangs takes that long.
PATIENCE = 120


def context(version):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.minimum_version = made.maximum_version = version
    return made


def web(port, tls):
    with contextlib.closing(http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=tls)) as client:
        client.request("GET", "/")
        assert client.getresponse().read()


def mail(port, tls):
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
        client.starttls(context=tls)
        assert client.noop()[0] == 250


def transfer(port, tls):
    with contextlib.closing(ftplib.FTP_TLS(context=tls, timeout=PATIENCE)) as client:
        client.connect("127.0.0.1", port)
        client.auth()
        assert client.sendcmd("FEAT")


TALKS = {"nginx": web, "apache": web, "haproxy": web, "postfix": mail, "vsftpd": transfer}


class Clients:
    """Two clients of each version that talk until the end; ``failed`` are the errors."""

    def __init__(self, talk, port):
        self.talk, self.port = talk, port
        self.done, self.failed, self.over = collections.Counter(), [], threading.Event()
        self.threads = [
            threading.Thread(target=self.run, args=(f"{version.name} {number}", version))
            for version in VERSIONS
            for number in range(2)
        ]

    def run(self, name, version):
        tls = context(version)
        while not self.over.is_set():
            try:
                self.talk(self.port, tls)
            except (OSError, EOFError, http.client.HTTPException, smtplib.SMTPException, ftplib.Error) as exc:
                self.failed.append(exc)
            self.done[name] += 1
            time.sleep(PAUSE)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *details):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def go_on(self):
        """Wait until each client has begun and ended that many more conversations."""
        wanted = {thread: self.done[thread] + EACH for thread in list(self.done)}
        while len(self.done) < len(self.threads) or any(self.done[name] < count for name, count in wanted.items()):
            assert all(thread.is_alive() for thread in self.threads)
            time.sleep(0.01)


def change_and_undo(daemon, clients, monkeypatch):
    """A change that is not proved, and so undone; the same one again, which holds; and two reloads of what is there."""
    clients.go_on()
    with monkeypatch.context() as patch:
        patch.setattr(HandshakeProof, "objections", lambda self, before, after: ["not this time"])
        undone = harden(daemon, timeouts={"proof": 0})
    assert undone["failed"] and "the originals are back" in undone["msg"], undone["msg"]
    clients.go_on()
    done = harden(daemon)
    assert done["changed"] and not done["failed"], done["msg"]
    clients.go_on()
    stack = daemon.stack()
    for _again in range(2):
        (instance,) = [one for one in stack.discover(HOST) if str(daemon.config).startswith(one.config)]
        before = stack.generation(HOST, instance)
        stack.reload(HOST, instance)
        deadline = time.monotonic() + PATIENCE
        while not stack.settled(HOST, instance, before):
            assert time.monotonic() < deadline, "a reload never settled"
            time.sleep(0.01)
        clients.go_on()


@pytest.mark.parametrize("daemon", KINDS, indirect=True)
def test_no_client_is_lost(daemon, monkeypatch, request, count):
    """The restart that vsftpd needs loses the connections that come while nobody listens, and no others."""
    name = request.node.callspec.params["daemon"]
    daemon.start()
    with Clients(TALKS[name], daemon.port) as clients:
        change_and_undo(daemon, clients, monkeypatch)
        clients.go_on()
    assert strict(daemon)
    lost = collections.Counter(type(exc).__name__ for exc in clients.failed)
    count("Clients during changes", name, connections=sum(clients.done.values()), failed=len(clients.failed), **lost)
    if name == "vsftpd":
        # Nobody listens for a moment, and sessions end with their listener. Nobody is sent away for another reason.
        assert set(lost) <= {"ConnectionRefusedError", "ConnectionResetError", "EOFError", "SSLEOFError"}, (
            clients.failed
        )
    else:
        assert not lost, clients.failed
