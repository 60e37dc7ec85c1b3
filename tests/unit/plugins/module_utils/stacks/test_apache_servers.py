# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our reading of Apache httpd against a real one: its handshakes, its test, its trial start, its reload.

Needs root, openssl and httpd with mod_ssl, mod_macro and mod_headers: Debian packages ``apache2`` and ``openssl``.
"""

from __future__ import annotations

import http.client
import http.server
import ssl
import subprocess
import threading
import time
import warnings

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import TransactionError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.apache import machine, trial
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.apache.stack import Apache
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Document
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.text import apply_edits
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.unit.daemons import need
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks import apache_traps as traps

pytestmark = pytest.mark.servers

APACHE = Apache()
FLAGS = {"TLSv1.0": "-tls1", "TLSv1.1": "-tls1_1", "TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}
MODULES = ("mpm_event", "authz_core", "ssl", "macro", "headers", "socache_shmcb")
FOLDER = "/usr/lib/apache2/modules"


@pytest.fixture(scope="module")
def program():
    return need("apache2", "openssl", root=True, files=(f"{FOLDER}/mod_ssl.so",))[0]


@pytest.fixture(scope="module")
def keys(tmp_path_factory, program):
    folder = tmp_path_factory.mktemp("keys")
    made = {}
    for name, *algorithm in (
        ("good", "rsa:2048"),
        ("other", "rsa:2048"),
        ("weak", "rsa:1024"),
        ("ec", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    ):
        made[name] = (str(folder / f"{name}.pem"), str(folder / f"{name}.key"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", *algorithm, "-nodes", "-days", "2", "-subj", "/CN=a",
             "-out", made[name][0], "-keyout", made[name][1]],
            check=True, capture_output=True,
        )  # fmt: skip
    return made


class Server:
    """A httpd of our own on a loopback port, with everything it writes in a folder of the test."""

    def __init__(self, program, keys, folder, port):
        self.program, self.keys, self.folder, self.address = program, keys, folder, f"127.0.0.1:{port}"
        self.config = folder / "httpd.conf"
        self.host = Host()

    def write(self, body, key="good", modules=()):
        folder, (certificate, key) = self.folder, self.keys[key]
        lines = [
            f"ServerRoot {folder}", f"PidFile {folder}/pid", f"DefaultRuntimeDir {folder}", f"ErrorLog {folder}/log",
            f"Mutex file:{folder} default", "ServerName main.example", "User www-data", "Group www-data",
            *(f"LoadModule {name}_module {FOLDER}/mod_{name}.so" for name in (*MODULES, *modules)),
            f"SSLCertificateFile {certificate}", f"SSLCertificateKeyFile {key}",
            f"Listen {self.address} http", "StartServers 1",
        ]  # fmt: skip
        (folder / "included.conf").write_text(traps.INCLUDED)
        body = body.replace("{address}", self.address).replace("{folder}", str(folder))
        self.config.write_text("\n".join([*lines, body]))

    def start(self):
        subprocess.run([self.program, "-f", str(self.config), "-k", "start"], check=True, capture_output=True)
        deadline = time.monotonic() + 10
        while not (self.folder / "pid").exists() or self.instance() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self):
        try:
            pid = int((self.folder / "pid").read_text())
        except FileNotFoundError:
            return
        subprocess.run(["kill", "-KILL", f"{pid}"], check=False)
        for child in Host().processes():
            if child.argv[-1:] == (str(self.config),) or str(self.config) in child.argv:
                subprocess.run(["kill", "-KILL", f"{child.pid}"], check=False)

    def instance(self):
        return next((one for one in APACHE.discover(self.host) if one.config == str(self.config)), None)

    def idle(self):
        """The instance as it is known where it does not run."""
        facts = {"program": self.program, "server_root": str(self.folder), "options": [], "defines": [], "pid": None}
        facts.update(environment={}, modules=["core.c", "mod_so.c", "mod_version.c"], unit=None)
        known = machine._capabilities(self.host, str(self.folder), None, (2, 4, 68))
        return traps_instance(str(self.config), known, facts)

    def accepts(self, name, protocol, ciphers="ALL:@SECLEVEL=0"):
        names = ["-servername", f"{name}.example"] if name else ["-noservername"]
        command = [
            "openssl",
            "s_client",
            "-connect",
            self.address,
            *names,
            FLAGS[protocol],
            "-cipher",
            ciphers,
        ]
        done = subprocess.run(command, input="", capture_output=True, text=True, timeout=20, check=False)
        return "Cipher is (NONE)" not in done.stdout and "Cipher is" in done.stdout


def traps_instance(config, capabilities, facts):
    from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Instance

    return Instance("apache", config, (2, 4, 68), config, capabilities, False, facts)


@pytest.fixture
def server(program, keys, tmp_path, unused_port):
    one = Server(program, keys, tmp_path, unused_port)
    yield one
    one.stop()


@pytest.fixture
def unused_port():
    return free_port()


@pytest.mark.parametrize("trap", traps.TRAPS)
def test_a_real_httpd_negotiates_what_we_read(server, trap):
    body, expected = traps.TRAPS[trap]
    server.write(body)
    server.start()
    seen = {name: tuple(p for p in FLAGS if server.accepts(name, p)) for name in expected}
    assert seen == expected
    instance = server.instance()
    listeners = [one for one in APACHE.effective(instance, APACHE.read(server.host, instance)) if one.tls]
    for name, protocols in expected.items():
        found = [one for one in listeners if f"{name}.example" in one.names] or [listeners[0]]
        assert found[0].settings["protocols"].value == protocols


@pytest.mark.parametrize("name", traps.DEADLY)
def test_a_trial_start_sees_what_the_syntax_check_passes(server, keys, name):
    mistake = traps.DEADLY[name].format(other=keys["other"][1], weak=keys["weak"][0], weak_key=keys["weak"][1])
    # "-t" is asked with the very files that are then started.
    server.write(traps.vhost("a", mistake).replace("SSLCertificateKeyFile " + keys["other"][1], mistake))
    if name == "key of another certificate":
        text = server.config.read_text().replace(keys["good"][1], keys["other"][1])
        server.config.write_text(text)
    assert subprocess.run([server.program, "-f", str(server.config), "-t"], check=False).returncode == 0
    instance = server.idle()
    result = APACHE.test(server.host, instance)
    assert not result.ok and result.output
    assert machine.preflight(server.host, instance, APACHE.read(server.host, instance))


def test_a_trial_start_leaves_nothing_and_harms_nobody(server, tmp_path):
    piped = tmp_path / "piped"
    server.write(
        traps.OPEN
        + f'CustomLog "|/usr/bin/tee -a {piped}" common\nSSLSessionCache shmcb:{tmp_path}/cache(512000)\n'
        + traps.vhost("a", f"ErrorLog {tmp_path}/own-log")
    )
    server.start()
    instance = server.instance()
    piped.write_text("as it was")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    generation = APACHE.generation(server.host, instance)
    result = APACHE.test(server.host, instance)
    assert result.ok, result.output
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    # How many children wait is for httpd to choose; the parent is the service.
    now = APACHE.generation(server.host, instance)
    assert now.parent == generation.parent and now.workers and server.accepts("a", "TLSv1.2")
    # Other tests may be trying theirs at the same moment.
    ours = [one for one in server.host.processes() if str(tmp_path) in " ".join(one.argv)]
    assert ours and not [one for one in ours if any(trial.MARK in word for word in one.argv)]


def test_stapling_that_cannot_work_is_passed_on_as_a_warning(server, tmp_path):
    stapling = f"SSLUseStapling on\nSSLStaplingCache shmcb:{tmp_path}/staple(32768)\n"
    server.write(stapling + traps.vhost("a"))
    result = APACHE.test(server.host, server.idle())
    assert result.ok and any("OCSP URI" in warning or "stapling" in warning for warning in result.warnings)


def test_documents_stand_in_for_the_files(server):
    server.write(traps.vhost("a"))
    instance = server.idle()
    broken = Document(str(server.config), server.config.read_bytes() + b"\nNoSuchDirective\n", None)
    verdict = trial.start(machine.argv(instance), {}, [broken])
    assert not verdict.ok and "NoSuchDirective" in verdict.output
    assert trial.start(machine.argv(instance), {}, []).ok


def test_a_port_of_another_process_is_seen(server, unused_port):
    import socket

    server.write(traps.vhost("a"))
    server.start()
    instance = server.instance()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        server.config.write_text(server.config.read_text() + f"\nListen 127.0.0.1:{port}\n")
        result = APACHE.test(server.host, instance)
        assert not result.ok and f"another process listens on 127.0.0.1:{port}" in result.output
    assert APACHE.test(server.host, instance).ok


def test_where_no_trial_is_possible_it_is_said(server, monkeypatch):
    server.write(traps.vhost("a"))

    def refused(*arguments):
        raise trial.Refused("not allowed")

    monkeypatch.setattr(trial, "start", refused)
    result = APACHE.test(server.host, server.idle())
    assert result.ok and "no trial start is possible here (not allowed)" in result.warnings[0]
    server.config.write_text(server.config.read_text() + "\nNoSuchDirective\n")
    assert not APACHE.test(server.host, server.idle()).ok


def test_plan_reload_and_settle(server):
    server.write(
        traps.OPEN + traps.vhost("a", "SSLProtocol all") + traps.vhost("b", "SSLOpenSSLConfCmd MinProtocol TLSv1")
    )
    server.start()
    instance = server.instance()
    documents = APACHE.read(server.host, instance)
    plan = APACHE.plan(instance, documents, model.load(), {})
    for path, data in apply_edits(documents, plan.edits).items():
        with open(path, "wb") as file:
            file.write(data)
    assert APACHE.test(server.host, instance).ok
    before = APACHE.generation(server.host, instance)
    assert before.workers and not APACHE.settled(server.host, instance, before)
    APACHE.reload(server.host, instance)
    deadline = time.monotonic() + 10
    while not APACHE.settled(server.host, instance, before):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert APACHE.generation(server.host, instance).parent == before.parent
    for name in ("a", "b", ""):
        assert [p for p in FLAGS if server.accepts(name, p)] == ["TLSv1.2", "TLSv1.3"]


def mend(server, profile="intermediate"):
    """Carry out the plan on a httpd at work, by a graceful restart. Returns the plan."""
    instance = server.instance()
    documents = APACHE.read(server.host, instance)
    plan = APACHE.plan(instance, documents, model.load(profile), {})
    for path, data in apply_edits(documents, plan.edits).items():
        with open(path, "wb") as file:
            file.write(data)
    result = APACHE.test(server.host, instance)
    assert result.ok, result.output
    before = APACHE.generation(server.host, instance)
    APACHE.reload(server.host, instance)
    deadline = time.monotonic() + 30
    while not APACHE.settled(server.host, instance, before):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return plan


OLD = "AES128-SHA:@SECLEVEL=0"


@pytest.mark.parametrize(
    "body",
    [
        "SSLCipherSuite ECDHE-RSA-AES128-GCM-SHA256\n" + traps.vhost("a", "SSLOpenSSLConfCmd CipherString AES128-SHA"),
        "SSLCipherSuite ECDHE-RSA-AES128-GCM-SHA256\n"
        + traps.vhost("a", "SSLCipherSuite ALL", "SSLHonorCipherOrder off"),
        "SSLCipherSuite TLSv1.3 TLS_AES_128_GCM_SHA256\n"
        + traps.vhost("a", "SSLCipherSuite SSL AES128-SHA:AES128-GCM-SHA256"),
    ],
    ids=["an OpenSSL command", "a host of its own", "the plain form beside that of TLS 1.3"],
)
def test_a_list_that_beats_the_one_that_looks_in_force(server, body):
    server.write(body)
    server.start()
    assert server.accepts("a", "TLSv1.2", OLD)
    instance = server.instance()
    listener = next(one for one in APACHE.effective(instance, APACHE.read(server.host, instance)) if one.tls)
    assert "TLS_RSA_WITH_AES_128_CBC_SHA" in listener.settings["suites_tls12"].value
    mend(server)
    assert not server.accepts("a", "TLSv1.2", OLD) and server.accepts("a", "TLSv1.2")


def test_a_list_for_another_kind_of_key_would_leave_tls_1_2_dead_and_ours_does_not(server):
    server.write("SSLCipherSuite ECDHE-RSA-AES128-GCM-SHA256\n" + traps.vhost("a"), key="ec")
    server.start()
    assert not server.accepts("a", "TLSv1.2") and server.accepts("a", "TLSv1.3")
    server.config.write_text(server.config.read_text().replace("ECDHE-RSA-AES128-GCM-SHA256", "ALL:@SECLEVEL=0"))
    mend(server)
    assert server.accepts("a", "TLSv1.2") and server.accepts("a", "TLSv1.3")
    assert not server.accepts("a", "TLSv1.0")


def test_a_weak_certificate_keeps_the_level_that_loads_it(server):
    """Both halves: our list with the level serves on, the same without it would end httpd at the next graceful."""
    server.write("SSLCipherSuite DEFAULT:@SECLEVEL=1\n" + traps.vhost("a"), key="weak")
    server.start()
    plan = mend(server)
    assert any(item.check == "signature.forbidden" for item in plan.unmended)
    assert server.accepts("a", "TLSv1.2")
    server.config.write_text(server.config.read_text().replace(":@SECLEVEL=1", ""))
    assert not APACHE.test(server.host, server.instance()).ok


def test_a_comment_behind_a_value_is_named_where_it_stands(server):
    server.write(traps.vhost("a", "SSLProtocol -all +TLSv1.2 # hardened"))
    assert subprocess.run([server.program, "-f", str(server.config), "-t"], capture_output=True, check=False).returncode
    result = APACHE.test(server.host, server.idle())
    line = server.config.read_text().splitlines().index("SSLProtocol -all +TLSv1.2 # hardened") + 1
    assert not result.ok and f"line {line} of" in result.output and "Illegal protocol '#'" in result.output


def test_a_tls_port_without_the_engine_is_plaintext(server):
    server.write(traps.vhost("a", engine="off"))
    server.start()
    host, port = server.address.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    connection.request("GET", "/")
    assert connection.getresponse().status in (200, 403, 404)
    connection.close()
    instance = server.instance()
    listeners = APACHE.effective(instance, APACHE.read(server.host, instance))
    assert [(one.tls, one.settings["plaintext"].value) for one in listeners] == [(False, "served")]


def test_a_list_of_a_folder_is_none_of_the_host(server):
    strict = "SSLCipherSuite ECDHE-RSA-AES128-GCM-SHA256"
    server.write(
        "SSLCipherSuite AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0\n"
        + traps.vhost("a", f"<Location /x>\n{strict}\n</Location>")
    )
    server.start()
    assert server.accepts("a", "TLSv1.2", OLD), "the handshake is over before the folder is known"
    instance = server.instance()
    listener = next(one for one in APACHE.effective(instance, APACHE.read(server.host, instance)) if one.tls)
    assert "TLS_RSA_WITH_AES_128_CBC_SHA" in listener.settings["suites_tls12"].value
    mend(server)
    assert not server.accepts("a", "TLSv1.2", OLD)


def test_a_strict_server_reaches_an_old_backend_all_the_same(server, keys):
    """SSLProtocol says nothing of SSLProxy*: what is offered to backends is read, judged, and left without proof."""
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.load_cert_chain(*keys["good"])
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1
    backend = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    backend.socket = old.wrap_socket(backend.socket, server_side=True)
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    try:
        proxy = (
            "SSLProtocol -all +TLSv1.2 +TLSv1.3", "SSLProxyEngine on", "SSLProxyCheckPeerName off",
            "SSLProxyCheckPeerCN off", "SSLProxyCipherSuite ALL:@SECLEVEL=0",
            f"ProxyPass / https://127.0.0.1:{backend.server_port}/",
        )  # fmt: skip
        server.write(traps.vhost("a", *proxy), modules=("proxy", "proxy_http"))
        server.start()
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        host, port = server.address.split(":")
        connection = http.client.HTTPSConnection(host, int(port), timeout=20, context=context)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"TLSv1"
        connection.close()
        instance = server.instance()
        documents = APACHE.read(server.host, instance)
        client = next(one for one in APACHE.effective(instance, documents) if one.role == "client")
        assert "TLSv1.0" in client.settings["protocols"].value
        plan = APACHE.plan(instance, documents, model.load(), {})
        assert not [edit for edit in plan.edits if edit.check.startswith("upstream")]
        assert "upstream.protocol" in {item.check for item in plan.unmended}
    finally:
        backend.shutdown()
        backend.server_close()


class Answer(http.server.BaseHTTPRequestHandler):
    """Tells by which protocol it was asked."""

    def do_GET(self):
        text = self.connection.version().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_words):
        pass


def test_what_has_ended_is_started_again_the_way_it_was(server):
    server.write(traps.vhost("a"))
    server.start()
    instance = server.instance()
    instance.facts["unit"] = "no-such-unit-of-ours.service"
    server.stop()
    deadline = time.monotonic() + 5
    while APACHE.generation(server.host, instance) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    with pytest.raises(TransactionError):
        APACHE.reload(server.host, instance)
    (server.folder / "pid").unlink()
    APACHE.start(server.host, instance)
    deadline = time.monotonic() + 10
    while not APACHE.settled(server.host, instance, None):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert server.accepts("a", "TLSv1.2")
