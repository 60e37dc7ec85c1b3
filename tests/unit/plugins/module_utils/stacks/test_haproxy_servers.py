# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our reading of HAProxy against a real HAProxy: its test, its handshakes, its workers.

Needs the Debian packages ``haproxy`` and ``openssl``.
"""

from __future__ import annotations

import re
import socket
import subprocess
import time

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError
from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Instance
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.haproxy import grammar, machine
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.haproxy.stack import Haproxy
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.unit.daemons import need

pytestmark = pytest.mark.servers

HAPROXY = Haproxy()
FLAGS = {"TLSv1.0": "-tls1", "TLSv1.1": "-tls1_1", "TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}
EVERY = "ciphers ALL:@SECLEVEL=0"


@pytest.fixture(scope="module")
def program():
    return need("haproxy", "openssl")[0]


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    made = folder / "a.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=a.example",
         "-out", str(made), "-keyout", str(folder / "key")],
        check=True, capture_output=True,
    )  # fmt: skip
    made.write_bytes(made.read_bytes() + (folder / "key").read_bytes())
    return str(made)


class Daemon:
    """A HAProxy with a master process on files of its own; it is gone when the test ends."""

    def __init__(self, program, folder):
        self.program, self.folder, self.files, self.process = program, folder, [], None
        version, known = machine.read_build(Host().run([program, "-vv"]).stdout)
        facts = {"program": program, "files": (), "more": (), "running": (), "master": True, "daemon": False,
                 "environment": {}, "unit": None}  # fmt: skip
        self.instance = Instance("haproxy", "", version, "", known, True, facts)

    def write(self, *texts):
        """Files in the order they are loaded."""
        self.files = [str(self.folder / f"{number}.cfg") for number, _text in enumerate(texts)]
        for path, text in zip(self.files, texts):
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(text)
        facts = {**self.instance.facts, "files": tuple(self.files)}
        self.instance = self.instance._replace(name=self.files[0], config=self.files[0], facts=facts)

    def test(self):
        return HAPROXY.test(Host(), self.instance)

    def start(self, port):
        argv = [self.program, "-W", "-db", *(word for path in self.files for word in ("-f", path))]
        self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _attempt in range(600):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    return
            assert self.process.poll() is None, self.test().output
            time.sleep(0.05)
        pytest.fail("HAProxy does not listen")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)


@pytest.fixture
def daemon(program, tmp_path):
    server = Daemon(program, tmp_path)
    yield server
    server.stop()


def accepted(port, name=""):
    """Protocols by handshakes of exactly one each; the client forbids itself nothing."""
    found = []
    for protocol, flag in FLAGS.items():
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", flag, "-cipher", "ALL:@SECLEVEL=0"]
        command += ["-servername", name] if name else ["-noservername"]
        done = subprocess.run(command, input=b"", capture_output=True, timeout=120, check=False)
        text = (done.stdout + done.stderr).decode("utf-8", "replace")
        assert "no protocols available" not in text and "Connection refused" not in text, text
        if "New, " in text and "Cipher is (NONE)" not in text:
            found.append(protocol)
    return tuple(found)


def listeners(daemon):
    documents = HAPROXY.read(Host(), daemon.instance)
    return [one for one in HAPROXY.effective(daemon.instance, documents) if one.tls and one.role == "server"]


GLOBAL = "global\n    ssl-default-bind-ciphers ALL:@SECLEVEL=0\n    ssl-default-bind-options {}\n"
FRONT = "frontend f\n    mode http\n    timeout client 9s\n    bind 127.0.0.1:{port} ssl crt {pem} {own}\n"

#: What surprises: defaults, options of the line, and the same options in files where global comes too late.
TRAPS = {
    "the line wins over global": (GLOBAL.format("ssl-min-ver TLSv1.2"), "ssl-min-ver TLSv1.0"),
    "no- is ignored beside a minimum": (GLOBAL.format("no-tlsv10 no-tlsv11 ssl-min-ver TLSv1.0"), ""),
    "force- of global loses its lower end": (GLOBAL.format("force-tlsv12"), "ssl-min-ver TLSv1.0"),
    "a maximum takes the minimum along": (GLOBAL.format("no-tls-tickets"), "ssl-max-ver TLSv1.1"),
    "the last minimum counts": (GLOBAL.format("ssl-min-ver TLSv1.2 ssl-min-ver TLSv1.0"), ""),
    "force-": (GLOBAL.format("ssl-min-ver TLSv1.2"), "force-tlsv11"),
    "built in": ("", EVERY),
    "global of an earlier file": (GLOBAL.format("ssl-min-ver TLSv1.1"), ""),
    "1.2 alone": (GLOBAL.format("no-tlsv13"), ""),
}


@pytest.mark.parametrize("title", TRAPS)
def test_what_we_read_is_what_a_handshake_meets_and_the_plan_mends_it(title, daemon, pem):
    head, own = TRAPS[title]
    port = free_port()
    front = FRONT.format(port=port, pem=pem, own=own)
    daemon.write(*([head, front] if "earlier file" in title else [head + front]))
    assert daemon.test().ok, daemon.test().output
    daemon.start(port)
    (listener,) = listeners(daemon)
    seen = accepted(port)
    assert seen == listener.settings["protocols"].value

    host = Host()
    before = HAPROXY.generation(host, daemon.instance)
    documents = HAPROXY.read(host, daemon.instance)
    plan = HAPROXY.plan(daemon.instance, documents, model.load("intermediate"), {})
    for document in HAPROXY.edited(documents, plan.edits):
        with open(document.path, "wb") as stream:
            stream.write(document.data)
    assert daemon.test().ok, daemon.test().output
    HAPROXY.reload(host, daemon.instance)
    deadline = time.monotonic() + 120
    while not HAPROXY.settled(host, daemon.instance, before):
        assert time.monotonic() < deadline, "the reload never settled"
        time.sleep(0.05)
    now = accepted(port)
    assert now and set(now) <= {"TLSv1.2", "TLSv1.3"}
    assert now == listeners(daemon)[0].settings["protocols"].value


def test_global_below_a_line_gives_it_nothing(daemon, pem):
    port = free_port()
    daemon.write(FRONT.format(port=port, pem=pem, own=EVERY) + GLOBAL.format("ssl-min-ver TLSv1.3"))
    daemon.start(port)
    assert accepted(port) == listeners(daemon)[0].settings["protocols"].value == ("TLSv1.2", "TLSv1.3")


def test_a_list_of_certificates_counts_by_name_and_its_first_line_for_all_others(daemon, pem):
    port, listed = free_port(), daemon.folder / "list"
    wishes = "ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.2"
    listed.write_text(f"{pem} [ssl-min-ver TLSv1.1 {EVERY}] a.example\n{pem} [{wishes}] b.example\n")
    front = FRONT.format(port=port, pem=pem, own="").replace(f"crt {pem}", f"crt-list {listed}")
    daemon.write(GLOBAL.format("ssl-min-ver TLSv1.2") + front)
    daemon.start(port)
    every = listeners(daemon)
    for name in ("", "a.example", "b.example"):
        (mine,) = [one for one in every if (name in one.names if name else one.is_default)]
        assert accepted(port, name) == mine.settings["protocols"].value, name


@pytest.mark.parametrize(
    "text",
    [
        "global\n    maxconn '12\n",
        'global\n    maxconn "12\n',
        "global\n.if defined(A)\n",
        ".endif\n",
    ],
)
def test_what_we_refuse_haproxy_refuses(text, daemon):
    daemon.write(text + "frontend f\n    bind 127.0.0.1:1\n    timeout client 9s\n")
    with pytest.raises(ConfigurationError):
        HAPROXY.read(Host(), daemon.instance)
    assert not daemon.test().ok


WORDS = [
    "a\\ b", "a\\#b", "'a\\ b'", '"a\\"b"', '"a$HERE"', '"${HERE}c"', "'$HERE'", "a'b'\"c\"", "\\x41\\x42", "a\\nb",
    '"a\\\\b"', '"\\$HERE"', "a#b", '"${NONE-x}y"', "a\\zb", '"a\\tb"',
]  # fmt: skip


def test_our_words_are_its_words(daemon):
    """HAProxy tells what it made of a word when it refuses it."""
    environment = {"HERE": "there"}
    # A value for variables that are not set came with 2.4.
    known = [word for word in WORDS if "NONE" not in word or daemon.instance.version >= (2, 4)]
    daemon.write("frontend f\n" + "".join(f"    {word} x\n" for word in known))
    facts = {**daemon.instance.facts, "environment": environment}
    said = HAPROXY.test(Host(), daemon.instance._replace(facts=facts)).output
    with open(daemon.files[0], "rb") as stream:
        lines = grammar.parse("f", stream.read(), environment).lines[1:]
    assert [line.name for line in lines] == re.findall(r"unknown keyword '(.*?)' in 'frontend'", said, re.DOTALL)


def test_the_desk_hardens_proves_and_changes_nothing_the_second_time(daemon, pem, tmp_path):
    port = free_port()
    daemon.write(GLOBAL.format("ssl-min-ver TLSv1.0") + FRONT.format(port=port, pem=pem, own="force-tlsv10"))
    daemon.start(port)

    class Mine(Haproxy):
        def discover(self, host):
            return [one for one in super().discover(host) if one.config == daemon.files[0]]

    options = {"state_dir": str(tmp_path / "state")}
    first = desk.harden(Mine(), Host(), options)
    assert first["changed"] and not first["failed"], first["msg"]
    assert [proof["verdict"] for proof in first["instances"][0]["proofs"]] == ["compliant"]
    assert accepted(port) == ("TLSv1.2", "TLSv1.3")
    second = desk.harden(Mine(), Host(), options)
    assert not second["changed"] and not second["failed"], second["msg"]
