# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our reading of Postfix against a real Postfix: its values, its traps by handshake, a run that is proved.

Needs root (master(8) does) and Debian's packages ``postfix`` and ``openssl``. The instance lives in a folder of its own
on loopback ports, and is gone when the tests end.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import warnings
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.postfix import machine
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.postfix.config import Config
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.postfix.stack import Postfix
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.text import apply_edits
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.unit.daemons import PATH, need
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.postfix_tools import fixtures
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.postfix_traps import ALL, TRAPS

pytestmark = pytest.mark.servers

FLAGS = {"TLSv1.0": "-tls1", "TLSv1.1": "-tls1_1", "TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}
DAEMONS = """\
pickup    unix  n  -  n  60    1  pickup
cleanup   unix  n  -  n  -     0  cleanup
qmgr      unix  n  -  n  300   1  qmgr
tlsmgr    unix  -  -  n  1000? 1  tlsmgr
rewrite   unix  -  -  n  -     -  trivial-rewrite
bounce    unix  -  -  n  -     0  bounce
smtp      unix  -  -  n  -     -  smtp
anvil     unix  -  -  n  -     1  anvil
proxymap  unix  -  -  n  -     -  proxymap
postlog   unix-dgram n - n -   1  postlogd
"""


class Daemon(Postfix):
    """A Postfix in a folder of its own, and the stack that finds only this one."""

    def __init__(self, folder):
        self.folder, self.config = folder, folder / "etc"
        self.log = f"maillog_file_prefixes = {folder}\nmaillog_file = {folder}/log\n"
        self.ports = [free_port() for _ in range(3)]
        for name in ("etc", "queue", "data"):
            (folder / name).mkdir(mode=0o755)
        shutil.chown(folder / "data", "postfix")
        for name in ("postfix-script", "post-install", "postfix-files", "postfix-files.d", "dynamicmaps.cf"):
            source = f"/etc/postfix/{name}"
            if os.path.isdir(source):
                shutil.copytree(source, self.config / name)
            elif os.path.exists(source):
                shutil.copy(source, self.config / name)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mx",
             "-out", folder / "cert.pem", "-keyout", folder / "key.pem"],
            check=True, capture_output=True,
        )  # fmt: skip

    def write(self, main="", submission="", level="may", master=""):
        """``master`` takes the place of the first smtpd."""
        (self.config / "main.cf").write_text(
            f"compatibility_level = 2\nqueue_directory = {self.folder}/queue\ndata_directory = {self.folder}/data\n"
            f"inet_interfaces = 127.0.0.1\nmyhostname = mx.example\n{self.log}"
            f"smtpd_tls_security_level = {level}\nsmtp_tls_security_level = may\n"
            f"smtpd_tls_cert_file = {self.folder}/cert.pem\nsmtpd_tls_key_file = {self.folder}/key.pem\n{main}"
        )
        a, b, c = self.ports
        first = f"1 postscreen\n{master}" if master else "- smtpd\n"
        (self.config / "master.cf").write_text(
            f"{a} inet n - n - {first}{b} inet n - n - - smtpd\n  -o smtpd_tls_security_level=encrypt {submission}\n"
            f"{c} inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n{DAEMONS}"
        )

    def do(self, word):
        done = subprocess.run(
            ["postfix", "-c", self.config, word], capture_output=True, text=True, timeout=300, check=False
        )
        return done.returncode, done.stderr

    def load(self):
        """Start, or reload and wait for it: old processes must not answer for new files."""
        before = self.generation(HOST, self.instance)
        code, words = self.do("reload" if before else "start")
        assert code == 0, words
        deadline = time.monotonic() + 20
        while not self.settled(HOST, self.instance, before):
            assert time.monotonic() < deadline, "no new queue manager"
            time.sleep(0.05)

    @functools.cached_property
    def build(self):
        return tuple(HOST.run(["postconf", *option]).stdout for option in (["-d"], ["-T", "run-version"]))

    @property
    def instance(self):
        defaults, library = machine.read_defaults(self.build[0]), machine._numbers(self.build[1])
        return machine.instance(HOST, str(self.config), defaults, library, machine.read_ports(HOST))

    def discover(self, host):
        return [self.instance]

    def speaks(self, port, *options):
        """Whether an independent client ends a handshake, at a security level that refuses nothing."""
        starttls = [] if port == self.ports[2] else ["-starttls", "smtp"]
        command = ["timeout", "10", "openssl", "s_client", "-connect", f"127.0.0.1:{port}", *starttls, *options]
        done = subprocess.run(command, input="", capture_output=True, text=True, check=False)
        return bool(re.search(r"^New, .* Cipher is (?!\(NONE\))", done.stdout, re.MULTILINE))

    def accepted(self, port):
        return tuple(name for name in ALL if self.speaks(port, FLAGS[name], "-cipher", "ALL:@SECLEVEL=0"))


HOST = Host()


@pytest.fixture(scope="module")
def daemon():
    need("postfix", "postconf", "openssl", root=True)
    os.environ["PATH"] = PATH
    # Its daemons give up their rights and must still reach their folders, which pytest keeps to root.
    folder = Path(tempfile.mkdtemp(prefix="in_transit-postfix-"))
    folder.chmod(0o755)
    made = Daemon(folder)
    made.write()
    yield made
    made.do("stop")
    shutil.rmtree(folder)


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_trap(daemon, trap):
    """What the table says a real Postfix does, what ``postfix check`` makes of it, and that the plan ends it."""
    if daemon.instance.version < (3, 6):
        pytest.skip("the table is about Postfix 3.6 and newer")
    daemon.write(trap.main, trap.submission)
    daemon.load()
    assert daemon.do("check")[0] == 0, "Postfix itself finds nothing"
    assert daemon.test(HOST, daemon.instance).ok is not trap.broken
    for port, accepts in zip(daemon.ports, trap.accepts):
        assert daemon.accepted(port) == (accepts or ())
    documents = daemon.read(HOST, daemon.instance)
    plan = daemon.plan(daemon.instance, documents, model.load(), {})
    for path, data in apply_edits(documents, plan.edits).items():
        with open(path, "wb") as stream:
            stream.write(data)
    assert daemon.test(HOST, daemon.instance).ok
    daemon.load()
    for port, accepts in zip(daemon.ports, trap.accepts):
        offered = accepts is not None or trap.broken
        assert daemon.accepted(port) == (("TLSv1.2", "TLSv1.3") if offered else ())


class Peer(threading.Thread):
    """A mail server that knows no TLS newer than 1.0; ``seen`` is what mail came by."""

    def __init__(self, pem):
        super().__init__(daemon=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pem / "cert.pem", pem / "key.pem")
        self.context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.context.minimum_version = self.context.maximum_version = ssl.TLSVersion.TLSv1
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.seen = []
        self.start()

    def run(self):
        while True:
            try:
                connection, _address = self.listening.accept()
            except OSError:
                return
            with contextlib.suppress(OSError):
                self.talk(connection)

    def talk(self, connection):
        spoken, stream = "plaintext", connection.makefile("rb")
        connection.sendall(b"220 peer\r\n")
        while line := stream.readline().upper():
            if line.startswith(b"EHLO"):
                connection.sendall(b"250-peer\r\n250 STARTTLS\r\n" if spoken == "plaintext" else b"250 peer\r\n")
            elif line.startswith(b"STARTTLS"):
                connection.sendall(b"220 go\r\n")
                connection = self.context.wrap_socket(connection, server_side=True)
                spoken, stream = connection.version(), connection.makefile("rb")
            elif line.startswith(b"DATA"):
                connection.sendall(b"354 go\r\n")
                while stream.readline() not in (b".\r\n", b""):
                    pass
                self.seen.append(spoken)
                connection.sendall(b"250 ok\r\n")
            else:
                connection.sendall(b"250 ok\r\n")

    def close(self):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()


def fate(daemon, peer, recipient):
    """How a mail reached the peer, or ``deferred``; what Postfix logs of it decides."""
    log = daemon.folder / "log"
    start = log.stat().st_size if log.exists() else 0
    with smtplib.SMTP("127.0.0.1", daemon.ports[0]) as client:
        client.sendmail("a@example.com", [recipient], b"Subject: x\r\n\r\nx\r\n")
    deadline = time.monotonic() + 60
    while True:
        said = log.read_bytes()[start:].decode("utf-8", "replace") if log.exists() else ""
        told = re.search(rf"to=<{re.escape(recipient)}>.* status=(\w+)", said)
        if told:
            return peer.seen[-1] if told[1] == "sent" else told[1]
        assert time.monotonic() < deadline, said
        time.sleep(0.05)


ENCRYPT = (
    "smtp_tls_security_level = encrypt\nsmtp_tls_protocols = >=TLSv1.2\nsmtp_tls_mandatory_protocols = >=TLSv1.2\n"
)


@pytest.mark.parametrize(
    ("main", "policy", "by", "told"),
    [
        ("", "", "TLSv1", ("upstream.protocol",)),
        ("smtp_tls_mandatory_protocols = >=TLSv1.2\n", "", "TLSv1", ("upstream.protocol",)),
        ("smtp_tls_security_level = encrypt\nsmtp_tls_protocols = >=TLSv1.2\n", "", "TLSv1", ("upstream.protocol",)),
        (ENCRYPT, "encrypt protocols=TLSv1", "TLSv1", ("upstream.protocol",)),
        (ENCRYPT, "none", "plaintext", ("transport.plaintext",)),
        (ENCRYPT, "", "deferred", ()),
    ],
    ids=["defaults", "only-mandatory", "only-opportunistic", "policy-loosens", "policy-none", "strict"],
)
def test_mail_goes_out_as_we_read_it(daemon, main, policy, by, told):
    peer = Peer(daemon.folder)
    try:
        table = daemon.config / "policy"
        table.write_text(f"[127.0.0.1]:{peer.port} {policy or 'may'}\n")
        maps = f"smtp_tls_policy_maps = texthash:{table}\n" if policy else ""
        daemon.write(f"relayhost = [127.0.0.1]:{peer.port}\n{main}{maps}")
        daemon.load()
        assert fate(daemon, peer, f"{by.lower()}-{peer.port}@other.example") == by
        documents = daemon.read(HOST, daemon.instance)
        plan = daemon.plan(daemon.instance, documents, model.load(), {})
        demanded = {item.check for item in (*plan.edits, *plan.unmended)}
        assert set(told) <= demanded, "what goes out so is not passed over"
    finally:
        peer.close()


def test_connections_that_are_kept_need_a_daemon_that_keeps_them(daemon):
    peer = Peer(daemon.folder)
    try:
        main = (
            f"relayhost = [127.0.0.1]:{peer.port}\nsmtp_tls_connection_reuse = yes\nsmtp_tls_security_level = encrypt\n"
        )
        daemon.write(main)
        daemon.load()
        result = daemon.test(HOST, daemon.instance)
        assert result.ok and any("needs tlsproxy in master.cf" in warning for warning in result.warnings)
        assert fate(daemon, peer, "kept@other.example") == "deferred"
        daemon.write(main)
        with open(daemon.config / "master.cf", "a") as file:
            file.write("tlsproxy unix - - n - 0 tlsproxy\n")
        daemon.load()
        assert not any("tlsproxy" in warning for warning in daemon.test(HOST, daemon.instance).warnings)
        assert fate(daemon, peer, "kept-well@other.example") == "TLSv1"
    finally:
        peer.close()


def test_behind_postscreen_tlsproxy_has_options_of_its_own(daemon):
    main = (
        "postscreen_access_list =\npostscreen_greet_wait = 1s\npostscreen_pipelining_enable = yes\n"
        "smtpd_tls_protocols = >=TLSv1.2\nsmtpd_tls_mandatory_protocols = >=TLSv1.2\n"
    )
    master = (
        "smtpd pass - - n - - smtpd\n  -o smtpd_tls_protocols=>=TLSv1.2\ndnsblog unix - - n - 0 dnsblog\n"
        "tlsproxy unix - - n - 0 tlsproxy\n  -o tlsproxy_tls_protocols=>=TLSv1\n"
    )
    daemon.write(main, master=master)
    daemon.load()
    assert daemon.accepted(daemon.ports[0]) == ALL
    documents = daemon.read(HOST, daemon.instance)
    plan = daemon.plan(daemon.instance, documents, model.load(), {})
    for path, data in apply_edits(documents, plan.edits).items():
        with open(path, "wb") as stream:
            stream.write(data)
    daemon.load()
    assert daemon.accepted(daemon.ports[0]) == ("TLSv1.2", "TLSv1.3")


def test_processes_that_wait_go_on_with_the_old_values(daemon, tmp_path):
    """Files that are right and an idle smtpd: only a handshake finds it, and a reload ends it."""
    daemon.write()
    daemon.load()
    assert daemon.accepted(daemon.ports[0]) == ALL
    documents = daemon.read(HOST, daemon.instance)
    plan = daemon.plan(daemon.instance, documents, model.load(), {})
    for path, data in apply_edits(documents, plan.edits).items():
        with open(path, "wb") as stream:
            stream.write(data)
    assert daemon.speaks(daemon.ports[0], "-tls1", "-cipher", "ALL:@SECLEVEL=0"), "nobody has told it"
    result = desk.harden(daemon, HOST, {"state_dir": str(tmp_path)})
    assert not result["failed"] and result["instances"][0]["reloaded"] and not result["instances"][0]["files"]
    for port in daemon.ports:
        assert daemon.accepted(port) == ("TLSv1.2", "TLSv1.3")


def test_a_run_is_proved_and_the_next_changes_nothing(daemon, tmp_path):
    daemon.write()
    daemon.load()
    for port in daemon.ports:
        assert daemon.speaks(port, "-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"), "without any certificate"
    options = {"state_dir": str(tmp_path)}
    first, second = (desk.harden(daemon, HOST, options) for _ in range(2))
    assert (first["changed"], first["failed"], second["changed"], second["failed"]) == (True, False, False, False)
    assert first["instances"][0]["shadow_test"] == "passed" or "not possible" in first["instances"][0]["shadow_test"]
    for port in daemon.ports:
        assert daemon.accepted(port) == ("TLSv1.2", "TLSv1.3")
        for suites in ("aNULL", "AES128-SHA", "ECDHE-RSA-AES128-SHA"):
            assert not daemon.speaks(port, "-tls1_2", "-cipher", f"{suites}:@SECLEVEL=0")
        assert not daemon.speaks(port, "-tls1_2", "-cipher", "ALL:@SECLEVEL=0", "-sigalgs", "RSA+SHA1")


def test_a_key_too_small_is_told_before_anything_is_touched(daemon, tmp_path):
    small = tmp_path / "small.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-days", "2", "-subj", "/CN=mx",
         "-out", small, "-keyout", small],
        check=True, capture_output=True,
    )  # fmt: skip
    daemon.write(f"smtpd_tls_cert_file = {small}\nsmtpd_tls_key_file = {small}\n")
    daemon.load()
    before = (daemon.config / "main.cf").read_bytes()
    result = desk.harden(daemon, HOST, {"state_dir": str(tmp_path / "state")})
    assert result["failed"] and "too weak for OpenSSL's security level 2" in result["msg"]
    assert (daemon.config / "main.cf").read_bytes() == before
    assert daemon.accepted(daemon.ports[0]) == ALL, "the service goes on as it was"


def test_a_certificate_that_is_not_its_keys(daemon):
    daemon.write(f"smtpd_tls_key_file = {daemon.folder}/other.pem\n")
    subprocess.run(["openssl", "genrsa", "-out", daemon.folder / "other.pem", "2048"], check=True, capture_output=True)
    assert daemon.do("check")[0] == 0
    result = daemon.test(HOST, daemon.instance)
    assert not result.ok and "then offers no TLS" in result.output
    daemon.load()
    assert daemon.accepted(daemon.ports[0]) == ()


@pytest.mark.parametrize("fixture", fixtures(), ids=str)
def test_our_reading_is_that_of_postconf(daemon, fixture, tmp_path):
    """Every parameter of main.cf and every option of master.cf, expanded, as postconf(1) prints them."""
    for name, data in fixture.files.items():
        (tmp_path / name.rpartition("/")[2]).write_bytes(data)

    def ask(*options):
        command = ["postconf", "-c", str(tmp_path), *options]
        return subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8", "surrogateescape")

    ours = machine.instance(HOST, str(tmp_path), daemon.instance.facts["defaults"], (3, 0, 19), {})
    config = Config(ours, machine.read(HOST, ours))
    scope = config.scope()

    def plain(text):
        return " ".join(text.split())

    told = [line for line in ask("-n").splitlines() if not line.startswith("config_directory =")]  # that is our -c
    for line in told:
        name, _equals, value = line.partition("=")
        decider = scope.decider(name.strip())
        assert decider is not None and plain(decider.value) == plain(value), name
    for line in ask("-nx").splitlines():
        name, _equals, value = line.partition("=")
        if "tls" in name and name.strip() in config.entries:
            assert plain(scope.text(name.strip())) == plain(value), name
    theirs = {tuple(map(plain, line.split("=", 1))) for line in ask("-P").splitlines()}
    found = {
        (f"{service.name}/{service.type}/{option.name}", plain(option.value))
        for service in config.services
        for option in service.options
    }
    assert found == theirs
