# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Events of sealed bundles, by receivers on loopback that speak what the RFCs say."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent / "evidence"))
import evidence_samples as samples

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.plugin_utils import events
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import bundle
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.errors import EvidenceError
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import assemble

HEAD = re.compile(
    rb"<(\d+)>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\S+) in-transit (\S+) ocsf - (\{.*\})", re.DOTALL
)
NONE = events.Trust()


def seal(directory, *days):
    for day in days:
        about = {**samples.FACTS, "run_id": f"202611{day:02}T020005Z-0a1b2c"}
        bundle.write(str(directory), assemble(about, samples.HOSTS, samples.hosts(), samples.baseline(), None, ()))


def lines(directory, day):
    return (directory / f"202611{day:02}T020005Z-0a1b2c/data/export/ocsf.ndjson").read_bytes().splitlines()


class Receiver(threading.Thread):
    """A syslog server for one stream: counts octets, and ends without a goodbye as many do."""

    def __init__(self, context=None):
        super().__init__(daemon=True)
        self.context, self.taken, self.error = context, b"", None
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.start()

    @property
    def port(self):
        return self.socket.getsockname()[1]

    def run(self):
        connection, _peer = self.socket.accept()
        with self.socket, connection:
            try:
                stream = self.context.wrap_socket(connection, server_side=True) if self.context else connection
                with stream:
                    while data := stream.recv(65536):
                        self.taken += data
            except OSError as error:
                self.error = error

    def messages(self):
        self.join()
        found, rest = [], self.taken
        while rest:
            length, _blank, rest = rest.partition(b" ")
            found.append(rest[: int(length)])
            rest = rest[int(length) :]
        return found


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name, subject in (("server", "localhost"), ("client", "controller"), ("other", "localhost")):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", f"/CN={subject}", "-addext", f"subjectAltName=DNS:{subject}",
             "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"],
            check=True, capture_output=True,
        )  # fmt: skip
    return folder


def context(keys, client=False):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(keys / "server.pem", keys / "server.key")
    if client:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(keys / "client.pem")
    return made


def send(directory, name, trust=NONE):
    """As the action does it; the ids that were sent."""
    sink, done = events.parse(name), []
    for one in events.unsent(str(directory), name):
        with events.opened(sink, trust) as hand:
            for event in events.events(one):
                hand(event if sink.kind == "file" else events.message(event, one.name, "controller"))
        events.mark(str(directory), name, one.name)
        done.append(one.name[:8])
    return done


def told(messages):
    """What a SIEM makes of messages: (priority, time, host, run, event)."""
    return [HEAD.fullmatch(one).groups() for one in messages]


def test_over_tls_everything_arrives_once_and_as_it_was_sealed(tmp_path, keys):
    seal(tmp_path, 20, 21)
    receiver = Receiver(context(keys, client=True))
    name = f"tls://localhost:{receiver.port}"
    trust = events.Trust(str(keys / "server.pem"), str(keys / "client.pem"), str(keys / "client.key"))
    assert send(tmp_path, name, trust) == ["20261121"], "the first time, only the newest"
    found = told(receiver.messages())
    assert [one[4] for one in found] == lines(tmp_path, 21) and len(found) > 3
    assert {one[3] for one in found} == {b"20261121T020005Z-0a1b2c"}
    # Facility 13; a failed check of high severity is an error, one that passes is for information.
    severities = {json.loads(event)["severity_id"]: int(priority) for priority, _t, _h, _r, event in found}
    assert severities[1] == 13 * 8 + 6 and severities[4] == 13 * 8 + 3
    assert send(tmp_path, name, trust) == [], "nothing twice"


@pytest.mark.parametrize("wrong", ["the server is another", "the client shows nothing"])
def test_what_tls_refuses_counts_as_not_sent(wrong, tmp_path, keys):
    seal(tmp_path, 20)
    receiver = Receiver(context(keys, client=wrong == "the client shows nothing"))
    name = f"tls://localhost:{receiver.port}"
    with pytest.raises(OSError):
        send(tmp_path, name, events.Trust(str(keys / ("other.pem" if "server" in wrong else "server.pem"))))
    receiver.join()
    assert receiver.error is not None and receiver.taken == b""
    assert [one.name[:8] for one in events.unsent(str(tmp_path), name)] == ["20261120"]


def test_runs_that_were_sealed_while_the_sink_was_away_follow_in_their_order(tmp_path):
    seal(tmp_path, 20)
    sink = tmp_path / "out.ndjson"
    name = f"file://{sink}"
    assert send(tmp_path, name) == ["20261120"]
    seal(tmp_path, 21, 22)
    assert send(tmp_path, name) == ["20261121", "20261122"]
    assert sink.read_bytes().splitlines() == [line for day in (20, 21, 22) for line in lines(tmp_path, day)]
    assert sink.stat().st_mode & 0o777 == 0o600
    receiver = Receiver()
    assert send(tmp_path, f"tcp://127.0.0.1:{receiver.port}") == ["20261122"], "another sink has a memory of its own"
    assert [one[4] for one in told(receiver.messages())] == lines(tmp_path, 22)


def test_over_udp_each_event_is_a_datagram(tmp_path):
    seal(tmp_path, 20)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        receiver.bind(("127.0.0.1", 0))
        name = f"udp://127.0.0.1:{receiver.getsockname()[1]}"
        assert send(tmp_path, name) == ["20261120"]
        wanted = lines(tmp_path, 20)
        assert [one[4] for one in told([receiver.recv(65536) for _line in wanted])] == wanted
        with events.opened(events.parse(name), NONE) as hand, pytest.raises(OSError, match="use tls or tcp"):
            hand(b"x" * 65508)


def test_nobody_there_is_an_error_and_the_run_waits(tmp_path):
    seal(tmp_path, 20)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        name = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(ConnectionRefusedError):
            send(tmp_path, name)
    assert len(events.unsent(str(tmp_path), name)) == 1


def test_what_was_changed_after_it_was_sealed_is_not_sent(tmp_path):
    seal(tmp_path, 20)
    path = tmp_path / "20261120T020005Z-0a1b2c/data/export/ocsf.ndjson"
    path.write_bytes(path.read_bytes().replace(b'"Fail"', b'"Pass"'))
    out = tmp_path / "out"
    with pytest.raises(EvidenceError, match="is not what was sealed"):
        send(tmp_path, f"file://{out}")
    assert out.read_bytes() == b""


def test_a_memory_that_is_none_of_ours_is_said(tmp_path):
    seal(tmp_path, 20)
    for text in ("[]", "x"):
        (tmp_path / events.SENT).write_text(text)
        with pytest.raises(InTransitError, match="without it, only the newest run is sent"):
            events.unsent(str(tmp_path), "udp://siem")


@pytest.mark.parametrize(
    ("text", "sink"),
    [
        ("tls://siem.example", events.Sink("tls", "siem.example", 6514)),
        ("tls://[2001:db8::1]:10514/", events.Sink("tls", "2001:db8::1", 10514)),
        ("udp://siem.example", events.Sink("udp", "siem.example", 514)),
        ("tcp://siem.example:601", events.Sink("tcp", "siem.example", 601)),
        ("file:///var/spool/in transit", events.Sink("file", path="/var/spool/in transit")),
    ],
)
def test_sinks(text, sink):
    assert events.parse(text) == sink


@pytest.mark.parametrize(
    "text", ["", "siem.example", "https://siem", "tcp://siem", "tls://", "tls://siem:x", "tls://siem/x", "tls://a:b@siem",
             "file://host/x", "file:", "udp://siem?x"],
)  # fmt: skip
def test_what_is_no_sink_is_said_with_what_would_be(text):
    with pytest.raises(InTransitError, match="sink "):
        events.parse(text)
