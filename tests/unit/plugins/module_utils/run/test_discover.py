# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Discovery on sockets of our own: what they speak, and what is sent to them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import sys
import time

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.module_utils.run import discover
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import sockets
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.unit.daemons import need
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_bytes import make_certificate
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_servers import (
    Server,
    answering,
    hold,
)

#: Long enough for a busy machine; what answers is not waited for.
OPTIONS = discover.Options(greeting=2.0, read=10.0, endpoint=60.0)


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    certificate, key = make_certificate(tmp_path_factory.mktemp("pki"))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    made.set_ciphers("ECDHE+AESGCM")
    return made


@pytest.fixture
def only(monkeypatch):
    """Let discovery see these ports and no others of this machine."""
    everything = sockets.listening

    def see(*ports):
        monkeypatch.setattr(
            sockets,
            "listening",
            lambda host, everywhere: [one for one in everything(host, everywhere) if one.port in ports],
        )

    return see


def found(options=OPTIONS):
    return {one["port"]: one for one in discover.discover(Host(), options=options)["listeners"]}


def says(text, then=hold):
    def handler(connection):
        connection.sendall(text)
        then(connection)

    return handler


def web(connection):
    if connection.recv(4096):
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def mail(context):
    """SMTP as far as the first flight of TLS."""

    def handler(connection):
        connection.sendall(b"220 mail.example ESMTP\r\n")
        while line := connection.recv(512):
            if line.upper().startswith(b"EHLO"):
                connection.sendall(b"250-mail.example\r\n250 STARTTLS\r\n")
            elif line.upper().startswith(b"STARTTLS"):
                connection.sendall(b"220 go ahead\r\n")
                return answering(context)(connection)
            elif line.upper().startswith(b"QUIT"):
                return None
            else:
                connection.sendall(b"530 Must issue a STARTTLS command first\r\n")
        return None

    return handler


def test_what_sockets_speak(context, only):
    handlers = [answering(context), web, says(b"SSH-2.0-x\r\n"), says(b"RFB 003.008\n"), mail(context)]
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Server(handler)) for handler in handlers]
        only(*(server.port for server in servers))
        listeners = found()
    tls, http, ssh, vnc, smtp = (listeners[server.port] for server in servers)
    assert (tls["transport"], tls["scheme"], tls["verdict"]) == ("tls", "tls", "compliant")
    assert tls["endpoint"] == f"tls://127.0.0.1:{servers[0].port}?sni="
    assert "TLSv1.2" in tls["protocols"]
    assert tls["certificates"][0]["sha256"]
    assert tls["process"]["program"]
    assert (http["transport"], http["scheme"], http["protocols"]) == ("plaintext", "http", [])
    assert (ssh["transport"], ssh["scheme"], ssh["endpoint"], ssh["verdict"]) == ("ssh", None, None, None)
    assert (vnc["transport"], vnc["detail"]) == ("plaintext", "greets as vnc")
    assert (smtp["transport"], smtp["scheme"]) == ("starttls", "smtp")
    # Those that greet with what is not ours are not spoken to at all.
    assert servers[2].connections == servers[3].connections == 1


def test_silence_is_unknown_and_never_more(only):
    with Server(hold) as server:
        only(server.port)
        one = found(OPTIONS._replace(greeting=0.1, read=0.2, endpoint=0.5))[server.port]
    assert (one["transport"], one["scheme"], one["verdict"]) == ("unknown", None, "indeterminate")


@pytest.mark.parametrize(
    ("options", "connections", "detail"),
    [
        ({"probe": "none"}, 0, "not asked: probe=none"),
        ({"probe": "greeting"}, 1, "says nothing of its own accord"),
        ({"quiet": "port"}, 0, "no byte is sent to this port"),
    ],
)
def test_ports_that_are_left_alone(only, options, connections, detail):
    heard = []

    def handler(connection):
        heard.append(connection.recv(100))

    with Server(handler) as server:
        only(server.port)
        changed = {key: (str(server.port),) if value == "port" else value for key, value in options.items()}
        one = found(OPTIONS._replace(**{**changed, "greeting": 0.3}))[server.port]
        assert server.connections == connections
    assert (one["transport"], one["detail"]) == ("unknown", detail)
    assert set(heard) <= {b""}


def test_raw_printing_is_always_left_alone():
    assert {9100, 9107, 502, 515} <= discover.ports(discover.QUIET)


@pytest.mark.parametrize("text", ["http", "0", "65536", "90-80", "1-", "-5", "1-2-3", ""])
def test_ports_that_are_none(text):
    with pytest.raises(InTransitError, match="is no port"):
        discover.ports([text])


def test_plain_web_server_of_another_process(only):
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--password", "hunter2"]
    child = subprocess.Popen(command[:-2], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
            assert child.poll() is None
        only(port)
        one = found()[port]
    finally:
        child.kill()
        child.wait()
    assert (one["transport"], one["scheme"], one["scope"]) == ("plaintext", "http", "loopback")
    assert one["process"]["pid"] == child.pid
    assert "http.server" in one["process"]["command"]


def test_other_network_namespaces_are_entered(only):
    unshare, _ip = need("unshare", "ip", root=True)
    script = (
        "import socket, subprocess, sys\n"
        "subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)\n"
        "server = socket.create_server(('127.0.0.1', 54321))\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    connection, _address = server.accept()\n"
        "    connection.sendall(b'SSH-2.0-inside\\r\\n')\n"
        "    connection.close()\n"
    )
    child = subprocess.Popen([unshare, "--net", sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        if child.stdout.readline() != "ready\n":
            pytest.skip("no network namespaces here")
        only(54321)
        one = found()[54321]
        own = found(OPTIONS._replace(namespaces="own"))
    finally:
        child.kill()
        child.wait()
    assert one["namespace"].startswith("net:[")
    assert (one["transport"], one["detail"]) == ("ssh", "greets as ssh")
    assert 54321 not in own
