# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our reading of vsftpd against a real vsftpd: its names, what ends it, its trial sessions, its handshakes.

Needs vsftpd (Debian package ``vsftpd``), openssl, and root, without which vsftpd does not start.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import vsftpd
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Instance
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.text import apply_edits
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.unit.daemons import need

pytestmark = pytest.mark.servers

VSFTPD = vsftpd.Vsftpd()
FLAGS = {"TLSv1.0": "-tls1", "TLSv1.1": "-tls1_1", "TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}


@pytest.fixture(scope="module")
def build():
    return vsftpd.read_build(Host(), need("vsftpd", "openssl", root=True)[0])


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name, *algorithm in (
        ("rsa", "rsa:2048"),
        ("small", "rsa:1024"),
        ("ec", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    ):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", *algorithm, "-nodes", "-days", "2", "-subj", "/CN=a",
             "-out", str(folder / name), "-keyout", str(folder / f"{name}.key")],
            check=True, capture_output=True,
        )  # fmt: skip
    return folder


class Daemon:
    """One configuration of the real program, on a loopback port."""

    def __init__(self, build, folder, keys, text, key="rsa"):
        self.port = free_port()
        empty = folder / "empty"
        empty.mkdir(exist_ok=True)
        self.config = folder / "vsftpd.conf"
        head = (
            f"listen=YES\nlisten_address=127.0.0.1\nlisten_port={self.port}\nlocal_enable=YES\nanonymous_enable=NO\n"
            f"secure_chroot_dir={empty}\nssl_enable=YES\nrsa_cert_file={keys / key}\n"
            f"rsa_private_key_file={keys / key}.key\n"
        )
        self.config.write_bytes(head.encode() + (text if isinstance(text, bytes) else text.encode()))
        facts = {"build": build, "arguments": [str(self.config)], "unit": None, "pid": None}
        # The machine's own OpenSSL policy must not hide what vsftpd does.
        facts["environment"] = {"OPENSSL_CONF": "/dev/null"}
        name = str(self.config)
        self.instance = Instance("vsftpd", name, build.version, name, build.capabilities, False, facts)

    def read(self):
        return VSFTPD.read(Host(), self.instance)

    def test(self):
        return VSFTPD.test(Host(), self.instance)

    def mend(self, profile="intermediate"):
        documents = self.read()
        plan = VSFTPD.plan(self.instance, documents, model.load(profile), {})
        for path, data in apply_edits(documents, plan.edits).items():
            with open(path, "wb") as stream:
                stream.write(data)
        return plan

    def accepted(self, environment=None):
        """Protocols ``openssl s_client`` ends a handshake with, of which all are on at security level 0."""
        with self.running(environment):
            return {name for name, flag in FLAGS.items() if self._handshake(flag)}

    def ticket(self, environment):
        """Whether a client of TLS 1.2 is given a session ticket."""
        with self.running(environment):
            return "session ticket:" in self._client("-tls1_2")

    @contextlib.contextmanager
    def running(self, environment=None):
        environment = {**os.environ, **(environment or {"OPENSSL_CONF": "/dev/null"})}
        child = subprocess.Popen(
            [self.instance.facts["build"].program, str(self.config)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                        break
                assert child.poll() is None, "vsftpd ended"
                time.sleep(0.02)
            yield child
        finally:
            child.kill()
            child.wait()

    def login(self):
        """What a user without TLS is answered."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as client, client.makefile("rb") as stream:
            stream.readline()
            client.sendall(b"USER nurse\r\n")
            return stream.readline().decode()

    def _handshake(self, flag, *more):
        found = re.search(r"^New, (\S+), Cipher is (\S+)$", self._client(flag, *more), re.MULTILINE)
        return bool(found and found[2] != "(NONE)")

    def _client(self, flag, *more):
        environment = {**os.environ, "OPENSSL_CONF": "/dev/null"}
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-starttls", "ftp", flag]
        ciphers = [] if flag == "-tls1_3" else ["-cipher", "ALL:@SECLEVEL=0"]
        done = subprocess.run(
            [*command, *ciphers, *more], input="", capture_output=True, text=True, env=environment, check=False
        )
        return done.stdout


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("ssl_ciphers=ALL:@SECLEVEL=0\nssl_tlsv1=YES\n", "rsa"),
        ("ssl_ciphers=ALL:@SECLEVEL=0\nssl_tlsv1=NO\n", "rsa"),
        ("ssl_ciphers=AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0\n", "rsa"),
        ("ssl_ciphers=ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305\nssl_tlsv1=NO", "rsa"),
        ("", "ec"),
        ("ssl_ciphers=ALL:@SECLEVEL=0\n", "ec"),
    ],
)
def test_what_we_say_of_protocols_is_what_handshakes_show_before_and_after(build, keys, tmp_path, text, key):
    daemon = Daemon(build, tmp_path, keys, text, key)
    said = VSFTPD.effective(daemon.instance, daemon.read())[0].settings["protocols"].value
    assert daemon.accepted() == set(said) & set(FLAGS)
    daemon.mend()
    assert daemon.accepted() == {"TLSv1.2", "TLSv1.3"}
    assert daemon.mend().edits == ()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("ssl_tlsv1_2=YES\n", ":10:1:"),
        ("require_ssl_reuse=NO \n", ":10:19:"),
        ("ssl_enable = YES\n", ":10:1:"),
        ("ssl_enable=YES\r\n", ":10:12:"),
        ("  # BEGIN MANAGED\n", ":10:3:"),
        ("ssl_enable=\n", ":10:12:"),
        ("\ufeffssl_enable=YES\n", ":10:1:"),
    ],
)
def test_what_we_name_ends_the_real_one_too(build, keys, tmp_path, text, place):
    daemon = Daemon(build, tmp_path, keys, text)
    assert not daemon.test().ok
    with pytest.raises(ConfigurationError, match=re.escape(f"{daemon.config}{place}")):
        daemon.read()


@pytest.mark.parametrize(
    "text", ["", "ssl_enable=true\n\t ssl_tlsv1=1", "# x = y\n \t\nssl_sslv3=no\n", b"ftpd_banner=caf\xe9 \n"]
)
def test_what_we_take_the_real_one_takes_and_opens_a_data_channel(build, keys, tmp_path, text):
    daemon = Daemon(build, tmp_path, keys, text)
    daemon.read()
    result = daemon.test()
    assert result.ok, result.output
    assert "handshake succeeds with TLSv1.3" in result.output
    assert result.warnings == (), "the data channel"


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("ssl_ciphers=TLS_AES_128_GCM_SHA256\n", "rsa", "could not set cipher list"),
        ("rsa_private_key_file=/missing\n", "rsa", "cannot load RSA private key"),
        ("", "small", "cannot load RSA certificate"),
        ("ssl_ciphers=ECDHE-ECDSA-AES128-GCM-SHA256\nftp_username=nobody-here\n", "rsa", ""),
    ],
)
def test_a_trial_finds_what_reading_cannot(build, keys, tmp_path, text, key, words):
    result = Daemon(build, tmp_path, keys, text, key).test()
    assert words in result.output
    assert result.ok is (not words)


SYSTEM = "openssl_conf = here\n[here]\nssl_conf = ssl\n[ssl]\nsystem_default = all\n[all]\nMinProtocol = TLSv1\n"


@pytest.mark.parametrize("base", ["", SYSTEM], ids=["nothing", "a-chain"])
def test_what_no_name_can_say_a_configuration_of_the_service_says(build, keys, tmp_path, monkeypatch, base):
    """TLS 1.1 with a suite it has too, session tickets, suites of TLS 1.3: open before, closed after, for this service
    alone; data channels still resume the session of their control channel."""
    monkeypatch.setattr(vsftpd, "_PRIVATE", str(tmp_path / "{}.cnf"))
    monkeypatch.setattr(vsftpd, "_DROP_IN", str(tmp_path / "{}.d"))
    (tmp_path / "system.cnf").write_text(base)
    daemon = Daemon(build, tmp_path, keys, "ssl_ciphers=ALL:@SECLEVEL=0\nssl_tlsv1=NO\n")
    facts = daemon.instance.facts
    facts["environment"], facts["unit"] = {"OPENSSL_CONF": str(tmp_path / "system.cnf")}, "vsftpd.service"

    def documents():
        first, *others = daemon.read()
        return [first._replace(tree=first.tree._replace(unit="vsftpd.service")), *others]

    parts = {
        "suites_tls12": ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
        "suites_tls13": ["TLS_AES_128_GCM_SHA256"],
    }
    baseline = model.load("intermediate", parts)
    environment = dict(facts["environment"])
    assert "TLSv1.1" in daemon.accepted(environment)
    assert daemon.ticket(environment)
    plan = VSFTPD.plan(daemon.instance, documents(), baseline, {})
    for path, data in apply_edits(documents(), plan.edits).items():
        with open(path, "wb") as stream:
            stream.write(data)
    private = {"OPENSSL_CONF": str(tmp_path / "vsftpd.service.cnf")}
    # Its list alone would not do: the suite of AES-CBC is one that TLS 1.1 has too.
    config = daemon.config.read_text()
    daemon.config.write_text(config + "ssl_ciphers=ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0\n")
    assert "TLSv1.1" in daemon.accepted(environment)
    assert daemon.accepted(private) == {"TLSv1.2", "TLSv1.3"}
    assert daemon.ticket(environment) and not daemon.ticket(private)
    daemon.config.write_text(config)
    result = daemon.test()
    assert result.ok and result.warnings == (), "the trial takes the file, and resumes a session with it"
    assert VSFTPD.plan(daemon.instance, documents(), baseline, {}).edits == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("listen_ipv6=YES\n", "run two copies of vsftpd for IPv4 and IPv6"),
        ("ssl_tlsv1_1=YES\n", "unrecognised variable"),
    ],
)
def test_a_start_that_fails_is_seen_by_nobody_but_the_daemon(build, keys, tmp_path, text, words):
    """What is added beside a setting of the stock file; the words go to the standard input and not to the journal."""
    daemon = Daemon(build, tmp_path, keys, text)
    done = subprocess.run(
        [build.program, str(daemon.config)], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode == 2 and done.stdout + done.stderr == b""
    with open(tmp_path / "words", "w+b") as zero:
        subprocess.run([build.program, str(daemon.config)], stdin=zero, check=False)
        zero.seek(0)
        assert words in zero.read().decode()


def test_a_file_of_somebody_else_ends_it_and_keeps_its_owner_when_it_is_mended(build, keys, tmp_path):
    daemon = Daemon(build, tmp_path, keys, "ssl_tlsv1=YES\n")
    os.chown(daemon.config, 1234, 1234)
    result = daemon.test()
    assert not result.ok and "not owned by correct user" in result.output


def test_the_last_of_several_lines_counts_and_all_are_mended(build, keys, tmp_path):
    daemon = Daemon(build, tmp_path, keys, "ssl_enable=NO\n")
    assert VSFTPD.effective(daemon.instance, daemon.read())[0].tls is False
    assert daemon.test().output == "the files load; TLS is off" and daemon.accepted() == set()
    daemon.mend()
    assert daemon.config.read_text().count("ssl_enable=YES") == 2
    assert daemon.accepted() == {"TLSv1.2", "TLSv1.3"}


def test_one_curve_is_built_in(build, keys, tmp_path):
    """A client that knows only X25519 gets no handshake, whatever the protocol; we say P-256 and nothing else."""
    daemon = Daemon(build, tmp_path, keys, "")
    listener = VSFTPD.effective(daemon.instance, daemon.read())[0]
    assert listener.settings["groups"].value == ("secp256r1",)
    with daemon.running():
        for flag in ("-tls1_2", "-tls1_3"):
            assert not daemon._handshake(flag, "-groups", "X25519")
            assert daemon._handshake(flag, "-groups", "P-256")


def test_a_hangup_does_not_load_the_settings_of_tls(build, keys, tmp_path):
    daemon = Daemon(build, tmp_path, keys, "ssl_ciphers=ALL:@SECLEVEL=0\n")
    with daemon.running() as child:
        assert daemon._handshake("-tls1")
        daemon.mend()
        child.send_signal(signal.SIGHUP)
        # It reads its files at the next signal it sees; a login by a new connection comes after that.
        assert daemon._handshake("-tls1_2") and daemon._handshake("-tls1"), "the old context serves on"
    assert daemon.accepted() == {"TLSv1.2", "TLSv1.3"}


@pytest.mark.parametrize("text", ["force_local_logins_ssl=NO\nforce_local_data_ssl=NO\n", ""], ids=["loose", "forced"])
def test_passwords_without_tls_are_asked_for_where_we_say_so(build, keys, tmp_path, text):
    daemon = Daemon(build, tmp_path, keys, text)
    said = VSFTPD.effective(daemon.instance, daemon.read())[0].settings["plaintext"].value
    with daemon.running():
        answer = daemon.login()
    assert (said, answer[:3]) == (("served", "331") if text else ("refused", "530"))
    daemon.mend()
    with daemon.running():
        assert daemon.login().startswith("530")


def test_one_user_can_be_exempted_and_is_not_passed_over(build, keys, tmp_path):
    users = tmp_path / "users"
    users.mkdir()
    (users / "nurse").write_text("force_local_data_ssl=NO\n")
    daemon = Daemon(build, tmp_path, keys, f"user_config_dir={users}\n")
    found = VSFTPD.effective(daemon.instance, daemon.read())[0].settings["plaintext"]
    assert found.value == "served" and found.provenance[0].file == str(users / "nurse")
    daemon.mend()
    assert (users / "nurse").read_text() == "force_local_data_ssl=YES\n"
    assert daemon.test().ok


def test_a_title_keeps_openssl_from_the_environment(build, keys, tmp_path):
    """So what stands in OPENSSL_CONF must not be believed there."""
    cnf = tmp_path / "o.cnf"
    cnf.write_text(SYSTEM + "Options = -SessionTicket\n")
    daemon = Daemon(build, tmp_path, keys, "setproctitle_enable=NO\n")
    daemon.instance.facts["environment"] = {"OPENSSL_CONF": str(cnf)}

    def said():
        return VSFTPD.effective(daemon.instance, daemon.read())[0].settings["session_tickets"].value

    assert said() == "off" and not daemon.ticket(daemon.instance.facts["environment"])
    daemon.config.write_text(daemon.config.read_text().replace("setproctitle_enable=NO", "setproctitle_enable=YES"))
    assert said() == "static" and daemon.ticket(daemon.instance.facts["environment"])


def test_a_trial_leaves_nothing(build, keys, tmp_path):
    log = tmp_path / "log"
    daemon = Daemon(build, tmp_path, keys, f"xferlog_enable=YES\nvsftpd_log_file={log}\nlog_ftp_protocol=YES\n")
    before = sorted(os.listdir(tmp_path))
    assert daemon.test().ok
    assert sorted(os.listdir(tmp_path)) == before
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", daemon.port)) != 0
