# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our reading of nginx against a real nginx: its tokenizer, its test, its handshakes, its workers.

Needs nginx with its stream and mail modules, and openssl: Debian packages ``nginx-light``, ``libnginx-mod-stream``,
``libnginx-mod-mail`` and ``openssl``.
"""

from __future__ import annotations

import http.client
import os
import random
import re
import shutil
import socket
import ssl
import subprocess
import time

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError, TransactionError
from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx import grammar, machine
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx.stack import Nginx
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.text import apply_edits
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.unit.daemons import need
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks import nginx_traps
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import (
    Case,
    fixtures,
)

pytestmark = pytest.mark.servers

NGINX = Nginx()
FLAGS = {"TLSv1.0": "-tls1", "TLSv1.1": "-tls1_1", "TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}
STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
MAIL = "/usr/lib/nginx/modules/ngx_mail_module.so"


@pytest.fixture(scope="module")
def program():
    return need("nginx", "openssl", files=(STREAM, MAIL))[0]


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    made = {}
    for name, *algorithm in (
        ("rsa2048", "rsa:2048"),
        ("rsa1024", "rsa:1024"),
        ("ec", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    ):
        made[name] = (str(folder / f"{name}.pem"), str(folder / f"{name}.key"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", *algorithm, "-nodes", "-days", "2", "-subj", "/CN=a",
             "-out", made[name][0], "-keyout", made[name][1]],
            check=True, capture_output=True,
        )  # fmt: skip
    return made


class Daemon:
    """An nginx in a folder of its own, on loopback ports; it is gone when the test ends."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.config = folder / "nginx.conf"
        self.process = None

    def head(self, stream=False):
        paths = "".join(
            f"{name}_temp_path {self.folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (self.folder / "temp.conf").write_text(paths)
        module = f"load_module {STREAM};\n" if stream else ""
        return f"{module}daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log; worker_processes 2;\n"

    def write(self, files):
        for name, data in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            once = b"include temp.conf;" not in data
            path.write_bytes(data.replace(b"http {\n", b"http {\ninclude temp.conf;\n", 1) if once else data)

    def test(self):
        done = subprocess.run([self.program, "-t", "-c", str(self.config)], capture_output=True, check=False)
        return done.returncode, done.stderr.decode("utf-8", "replace")

    def start(self, port):
        self.process = subprocess.Popen([self.program, "-c", str(self.config)], stderr=subprocess.PIPE)
        for _attempt in range(100):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    return
            assert self.process.poll() is None, self.process.stderr.read()
            time.sleep(0.05)
        pytest.fail("nginx does not listen")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process.stderr.close()


@pytest.fixture
def daemon(program, tmp_path):
    server = Daemon(program, tmp_path)
    yield server
    server.stop()


@pytest.fixture
def instance(program):
    """What discovery says of the installed nginx, to be pointed at other files."""
    build = machine.read_build(Host().run([program, "-V"]).stderr)
    assert build is not None

    def at(config, **facts):
        known = {"hostname": "h", "root": True, "options": {"c": config}, "program": os.path.realpath(program),
                 "prefix": build.prefix, "pid_file": build.pid}  # fmt: skip
        return machine.Instance("nginx", config, build.version, config, build.capabilities, True, {**known, **facts})

    return at


def accepts(port, name, protocol, *more):
    """Whether a handshake of exactly that protocol succeeds; the client forbids itself nothing."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", FLAGS[protocol],
               "-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]  # fmt: skip
    command += [*more, "-servername", name] if name else [*more, "-noservername"]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=20, check=False)
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert "no protocols available" not in text and "Connection refused" not in text, text
    return "Cipher is (NONE)" not in text and "New, " in text


def given(case, address, name):
    ours = [one for one in case.servers() if one.address == address]
    named = [one for one in ours if name in one.names] or [one for one in ours if one.is_default]
    return set(named[0].settings["protocols"].value)


class Live(Case):
    """A case whose files are on this machine."""

    def __init__(self, instance):
        self.host, self.instance = Host(), instance
        self.documents = NGINX.read(self.host, self.instance)


# --- handshakes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trap", nginx_traps.TRAPS, ids=lambda trap: trap.title)
def test_the_trap_is_real_and_the_plan_gets_out_of_it(trap, daemon, keys, instance):
    port = free_port()
    cert, key = keys["rsa2048"]
    daemon.write(nginx_traps.files(trap, port, cert, key, daemon.head("stream" in trap.files)))
    assert daemon.test()[0] == 0, daemon.test()[1]
    daemon.start(port)
    case = Live(instance(str(daemon.config)))
    for name in trap.weak:
        seen = {protocol for protocol in FLAGS if accepts(port, name, protocol)}
        assert seen == given(case, f"127.0.0.1:{port}", name) - {"SSLv3"}, name
        if instance(str(daemon.config)).version < (1, 23, 4):
            assert " ".join(sorted(seen)) == trap.weak[name]

    before = NGINX.generation(case.host, case.instance)
    plan = case.plan()
    for path, data in apply_edits(case.documents, plan.edits).items():
        with open(path, "wb") as stream:
            stream.write(data)
    result = NGINX.test(case.host, case.instance)
    assert result.ok and result.warnings == (), result.output
    NGINX.reload(case.host, case.instance)
    deadline = time.monotonic() + 20
    while not NGINX.settled(case.host, case.instance, before):
        assert time.monotonic() < deadline, "the reload never settled"
        time.sleep(0.05)
    after = Live(case.instance)
    assert after.plan().edits == ()
    for name in trap.weak:
        seen = {protocol for protocol in FLAGS if accepts(port, name, protocol)}
        assert seen and seen <= {"TLSv1.2", "TLSv1.3"}, name
        assert seen == given(after, f"127.0.0.1:{port}", name)


def test_a_weak_certificate_keeps_its_level(daemon, keys, instance):
    """Replacing the list without the level would keep nginx from starting."""
    cert, key = keys["rsa1024"]
    text = f"{daemon.head()}events {{}}\nhttp {{\nssl_certificate {cert}; ssl_certificate_key {key};"
    daemon.write({"nginx.conf": (text + " ssl_ciphers ALL:@SECLEVEL=1; server { listen 127.0.0.1:1 ssl; } }").encode()})
    assert daemon.test()[0] == 0
    case = Live(instance(str(daemon.config)))
    assert case.documents[0].tree.certificates == {cert: False}
    assert any(item.check == "signature.forbidden" for item in case.plan().unmended)
    daemon.write(apply_to(case, daemon))
    assert daemon.test()[0] == 0, daemon.test()[1]
    daemon.write({"nginx.conf": daemon.config.read_bytes().replace(b":@SECLEVEL=1", b"")})
    assert "ee key too small" in daemon.test()[1]


def site(daemon, keys, body, key="rsa2048", outside=""):
    """One server on a port of its own; returns the port."""
    port, (cert, private) = free_port(), keys[key]
    tls = f"access_log off; ssl_certificate {cert}; ssl_certificate_key {private};"
    text = (
        f"{daemon.head()}events {{}}\nhttp {{\n{tls}\n{outside}\nserver {{ listen 127.0.0.1:{port} ssl; {body} }} }}\n"
    )
    daemon.write({"nginx.conf": text.encode()})
    return port


def mended(daemon, instance):
    """The plan for the files as they stand, carried out."""
    case = Live(instance(str(daemon.config)))
    daemon.write(apply_to(case, daemon))
    code, words = daemon.test()
    assert code == 0, words
    return case


@pytest.mark.parametrize(
    ("body", "outside", "words"),
    [
        ("ssl_ciphers HIGH; ssl_ciphers ECDHE-RSA-AES128-GCM-SHA256;", "", '"ssl_ciphers" directive is duplicate'),
        ("location / { ssl_protocols TLSv1.2; }", "", '"ssl_protocols" directive is not allowed here'),
        ("ssl_ciphers TLS_AES_128_GCM_SHA256;", "", "no cipher match"),
        ("ssl_protocols TLSv1.2 TLSv9;", "", 'invalid value "TLSv9"'),
    ],
)
def test_what_hardening_by_lines_breaks_is_named(daemon, keys, instance, body, outside, words):
    site(daemon, keys, body, outside=outside)
    code, said = daemon.test()
    assert code == 1 and words in said
    result = NGINX.test(Host(), instance(str(daemon.config)))
    assert not result.ok and words in result.output


def test_a_list_for_another_kind_of_key_would_leave_tls_1_2_dead_and_ours_does_not(daemon, keys, instance):
    port = site(daemon, keys, "ssl_ciphers ECDHE-RSA-AES128-GCM-SHA256; ssl_protocols TLSv1.2 TLSv1.3;", "ec")
    assert daemon.test()[0] == 0
    daemon.start(port)
    assert not accepts(port, "", "TLSv1.2") and accepts(port, "", "TLSv1.3")
    daemon.stop()
    port = site(daemon, keys, "ssl_ciphers ALL:@SECLEVEL=0; ssl_protocols TLSv1.2 TLSv1.3;", "ec")
    mended(daemon, instance)
    daemon.start(port)
    assert accepts(port, "", "TLSv1.2") and accepts(port, "", "TLSv1.3")


def test_one_odd_group_locks_clients_out(daemon, keys, instance):
    port = site(daemon, keys, "ssl_ecdh_curve secp521r1; ssl_protocols TLSv1.2 TLSv1.3;")
    daemon.start(port)
    assert not accepts(port, "", "TLSv1.3", "-groups", "X25519")
    daemon.stop()
    mended(daemon, instance)
    daemon.start(port)
    assert accepts(port, "", "TLSv1.3", "-groups", "X25519") and accepts(port, "", "TLSv1.2", "-groups", "X25519")


def test_suites_that_need_parameters_are_none_without_them(daemon, keys, instance):
    port = site(daemon, keys, "ssl_ciphers DHE-RSA-AES128-GCM-SHA256; ssl_protocols TLSv1.2;")
    assert daemon.test()[0] == 0
    daemon.start(port)
    assert not accepts(port, "", "TLSv1.2")
    daemon.stop()
    mended(daemon, instance)
    daemon.start(port)
    assert accepts(port, "", "TLSv1.2")


def test_what_only_the_security_level_refuses_is_weak_all_the_same(daemon, keys, instance):
    port = site(daemon, keys, "ssl_protocols TLSv1 TLSv1.2; ssl_ciphers ALL;")
    daemon.start(port)
    assert not accepts(port, "", "TLSv1.0"), "OpenSSL 3 at level 2"
    case = Live(instance(str(daemon.config)))
    assert "TLSv1.0" in case.value("protocols")
    assert "protocol.tls1_0" in {edit.check for edit in case.plan().edits}


def header(port, path):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.headers.get_all("Strict-Transport-Security"), text


def test_one_header_in_a_location_takes_away_all_around_it(daemon, keys, instance):
    port = site(
        daemon,
        keys,
        "add_header Strict-Transport-Security max-age=63072000 always; location / { return 200 x; }"
        " location /in { add_header X-Y z; return 200 x; }",
    )
    daemon.start(port)
    assert header(port, "/")[0] == ["max-age=63072000"] and header(port, "/in")[0] is None
    case = Live(instance(str(daemon.config)))
    assert case.value("hsts_max_age") == 0
    daemon.stop()
    daemon.write({os.path.relpath(path, daemon.folder): data for path, data in
                  apply_edits(case.documents, case.plan(hsts="mend").edits).items()})  # fmt: skip
    daemon.start(port)
    for path in ("/", "/in"):
        assert len(header(port, path)[0]) == 1, "one header, and not two"


def test_nothing_of_ours_is_left_where_files_are_included(daemon, keys, instance, tmp_path):
    """A backup beside a site is a second site: ``include sites/*`` takes whatever is there."""
    (daemon.folder / "sites").mkdir()
    port, (cert, key) = free_port(), keys["rsa2048"]
    text = f"server {{ listen 127.0.0.1:{port} ssl; server_name a; ssl_protocols TLSv1 TLSv1.2; }}\n"
    head = f"{daemon.head()}events {{}}\nhttp {{\naccess_log off; ssl_certificate {cert}; ssl_certificate_key {key};"
    daemon.write({"nginx.conf": f"{head} include sites/*; }}\n".encode(), "sites/a": text.encode()})
    (daemon.folder / "sites" / "a.2024-01-01~").write_text(text)
    assert "conflicting server name" in daemon.test()[1]
    (daemon.folder / "sites" / "a.2024-01-01~").unlink()
    daemon.start(port)

    class Only(Nginx):
        def discover(self, host):
            return [one for one in super().discover(host) if one.config == str(daemon.config)]

    result = desk.harden(Only(), Host(), {"state_dir": str(tmp_path / "state")})
    assert result["changed"] and not result["failed"], result["msg"]
    assert os.listdir(daemon.folder / "sites") == ["a"]
    assert "conflicting" not in daemon.test()[1]


def test_a_strict_server_reaches_an_old_backend_all_the_same(daemon, keys, instance):
    """What ssl_protocols says is nothing to proxy_ssl_protocols, and no certificate is looked at unless it is said."""
    inner = free_port()
    outer = site(
        daemon,
        keys,
        f"location / {{ proxy_pass https://127.0.0.1:{inner}; }}",
        outside="ssl_protocols TLSv1.2 TLSv1.3; proxy_ssl_protocols TLSv1 TLSv1.2; proxy_ssl_ciphers ALL:@SECLEVEL=0;\n"
        f"server {{ listen 127.0.0.1:{inner} ssl; ssl_protocols TLSv1; ssl_ciphers ALL:@SECLEVEL=0;"
        " return 200 $ssl_protocol; }",
    )
    daemon.start(outer)
    assert header(outer, "/")[1] == b"TLSv1"
    case = Live(instance(str(daemon.config)))
    (client,) = [one for one in NGINX.effective(case.instance, case.documents) if one.role == "client"]
    assert "TLSv1.0" in client.settings["protocols"].value and client.settings["peer_verification"].value is False
    plan = case.plan()
    assert not [edit for edit in plan.edits if edit.check.startswith("upstream")], "not without proof"
    assert "upstream.protocol" in {item.check for item in plan.unmended}


def apply_to(case, daemon):
    changed = apply_edits(case.documents, case.plan().edits)
    return {os.path.relpath(path, daemon.folder): data for path, data in changed.items()}


def test_groups_and_commands_are_taken_by_the_build(daemon, keys, instance):
    cert, key = keys["rsa2048"]
    port = free_port()
    body = f"ssl_certificate {cert}; ssl_certificate_key {key}; server {{ listen 127.0.0.1:{port} ssl; }}"
    for profile in ("intermediate", "modern", "fips", "eu_strict"):
        daemon.write({"nginx.conf": f"{daemon.head()}events {{}}\nhttp {{\n{body} }}".encode()})
        case = Live(instance(str(daemon.config)))
        changed = apply_edits(case.documents, case.plan(profile).edits)
        daemon.config.write_bytes(changed[str(daemon.config)])
        assert daemon.test()[0] == 0, (profile, daemon.test()[1])
        assert set(Live(case.instance).value("groups")) <= set(model.load(profile).groups) | set(
            model.load(profile).tolerated_groups
        )


# --- the configuration test -------------------------------------------------------------------------------------


#: Directives about files and users of another machine.
_ELSEWHERE = ("user", "pid", "error_log", "access_log", "load_module", "worker_processes", "ssl_dhparam", "http2")


def inside(path, main):
    """Where a file of the fixture goes, relative to the folder of the main file."""
    return os.path.relpath(path, main) if path.startswith(main) else path.lstrip("/")


def transplant(fixture, folder, keys, head):
    """The files of a fixture with certificates, addresses and paths of this machine; everything else as it is."""
    cert, key = keys["rsa2048"]
    main = os.path.dirname(next(iter(fixture.files)))
    result = {}
    for name, data in fixture.files.items():
        tree = grammar.parse(name, data)
        pieces, at = [], 0
        for item in tree.walk():
            words = item.args
            new = None
            if item.children is not None:
                continue
            if item.name == "ssl_certificate":
                new = f"ssl_certificate {cert};"
            elif item.name == "ssl_certificate_key":
                new = f"ssl_certificate_key {key};"
            elif item.name in _ELSEWHERE:
                new = ""
            elif item.name == "listen" and not words[0].startswith("["):
                port = words[0].rpartition(":")[2]
                new = " ".join(["listen", f"127.0.0.1:{port}", *words[1:]]) + ";"
            elif item.name == "listen":
                new = ""
            elif item.name == "include":
                new = f"include {inside(words[0], main)};"
            if new is not None:
                pieces += [data[at : item.start], new.encode()]
                at = item.end
        pieces.append(data[at:])
        result[inside(name, main)] = b"".join(pieces)
    config = os.path.basename(next(iter(fixture.files)))
    result[config] = head.encode() + result[config]
    for name, data in result.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder / config


def for_this_build():
    """Fixtures for nginx with Lua, QUIC or a newer OpenSSL mean nothing to an nginx without."""
    return [one for one in fixtures() if one.path.name not in ("openresty-lua.fail.conf", "modern.pass.conf")]


@pytest.mark.parametrize("fixture", for_this_build(), ids=str)
def test_planned_files_pass_the_test_of_nginx(fixture, daemon, keys, instance):
    whole = b"".join(fixture.files.values())
    modules = [path for word, path in ((b"\nstream {", STREAM), (b"\nmail {", MAIL)) if word in whole]
    head = "".join(f"load_module {path};\n" for path in modules) + f"pid {daemon.folder}/pid; error_log stderr;\n"
    daemon.config = transplant(fixture, daemon.folder, keys, head)
    status, words = daemon.test()
    # What Red Hat's OpenSSL knows is foreign to others until it is mended.
    assert status == 0 or b"PROFILE=SYSTEM" in whole, words
    case = Live(instance(str(daemon.config)))
    plan = case.plan()
    changed = apply_edits(case.documents, plan.edits)
    assert bool(changed) == bool(plan.edits)
    for path, data in changed.items():
        with open(path, "wb") as stream:
            stream.write(data)
    status, words = daemon.test()
    assert status == 0, words
    assert "[warn] duplicate value" not in words
    assert Live(case.instance).plan().edits == ()


# --- the tokenizer ----------------------------------------------------------------------------------------------

_SYNTAX = re.compile(r'unexpected|too long parameter|is not terminated by ";"')


def random_text(seed):
    """Text of pieces that matter to a tokenizer, of which about half is valid."""
    draw = random.Random(seed)
    pieces = ["a", "bc", " ", "  ", "\t", "\n", "\r\n", ";", ";", "; ", '"', "'", '"x y"', "'x;y'", "\\", "\\;", "\\\"",
              "$", "${", "$v", "${v}", "}", "#", "# c\n", "\n# c;\n", ")", "(", "=", "\xe9", "x" * 50]  # fmt: skip
    return "".join(draw.choice(pieces) for _number in range(draw.randint(1, 14))) + draw.choice([";", " ;", "x;", ""])


SEEDS = int(os.environ.get("IN_TRANSIT_SEEDS", "250"))


def ask(daemon, data):
    """What nginx says is wrong with a file, without time and process id; empty when nothing is."""
    daemon.config.write_bytes(data)
    status, words = daemon.test()
    message = re.sub(r"^\d+#\d+: ", "", words.partition("[emerg] ")[2])
    assert bool(message) == (status != 0), words
    return message


def test_our_tokenizer_takes_and_refuses_what_that_of_nginx_does(daemon):
    """In a types block nginx takes every statement, so only its tokenizer can object."""
    taken = refused = 0
    for seed in range(SEEDS):
        text = random_text(seed)
        data = f"pid {daemon.folder}/pid; events {{}} http {{ types {{\n{text}\n}} }}\n".encode("latin-1")
        message = ask(daemon, data)
        try:
            (types,) = grammar.parse(str(daemon.config), data).children[2].children[:1]
        except ConfigurationError:
            assert _SYNTAX.search(message) or message.startswith("unknown directive"), (text, message)
            refused += 1
            continue
        # Text that closes the block goes on somewhere else, and there are no blocks in this one.
        if data[types.end :] == b" }\n" and all(item.children is None for item in types.children):
            assert message == "", (text, message)
            taken += 1
    assert taken > 20 and refused > 20


def test_our_words_are_those_of_nginx(daemon):
    """nginx repeats the value it does not like."""
    seen = 0
    for seed in range(SEEDS):
        text = random_text(seed)
        data = f"daemon {text}\n;".encode("latin-1")
        try:
            first = grammar.parse(str(daemon.config), data).children[0]
        except ConfigurationError:
            continue
        repeated = re.match(r'invalid value "(.*)" in "daemon" directive', ask(daemon, data), re.DOTALL)
        if repeated:
            (value,) = first.args
            assert value.encode("utf-8", "surrogateescape").decode("utf-8", "replace") == repeated.group(1), text
            seen += 1
        else:
            assert len(first.args) != 1 or first.children is not None, text
    assert seen > 20


@pytest.mark.parametrize("size", [4094, 4095, 4096, 4097])
@pytest.mark.parametrize("form", ["{};", '"{}";', "#{}\n", "x;\n #{}\nx;", "x #{}\n;", "#{}"])
def test_the_longest_words_and_comments(daemon, form, size):
    text = form.replace("{}", "b" * (size - form.count("#")))
    text = text.replace("x", "worker_processes 1", 1) if form.startswith("x") else text
    data = text.replace("x;", "").encode()
    data = (b"" if form.startswith(("#", "x")) else b"env ") + data
    daemon.config.write_bytes(b"events {}\n" + data)
    message = daemon.test()[1].partition("[emerg] ")[2]
    try:
        grammar.parse("n.conf", b"events {}\n" + data)
        ours = False
    except ConfigurationError:
        ours = True
    assert ours == ("too long parameter" in message), message


@pytest.mark.parametrize(
    "text", ["\xef\xbb\xbfuser x;", "events {", "events { }}", "http { server {}", "events {};", "{", "events {} ;"]
)
def test_both_refuse(daemon, text):
    daemon.config.write_bytes(text.encode("latin-1"))
    assert daemon.test()[0] != 0
    with pytest.raises(ConfigurationError):
        grammar.parse("n.conf", text.encode("latin-1"))


# --- the process ------------------------------------------------------------------------------------------------


def test_a_running_instance_is_found_and_followed(daemon, keys):
    host, port = Host(), free_port()
    text = f"{daemon.head()}events {{}}\nhttp {{\nserver {{ listen 127.0.0.1:{port}; }} }}"
    daemon.write({"nginx.conf": text.encode()})
    daemon.start(port)
    (found,) = [one for one in NGINX.discover(host) if one.config == str(daemon.config)]
    assert found.running and found.facts["pid"] == daemon.process.pid
    assert found.capabilities.library == "OpenSSL"
    before = NGINX.generation(host, found)
    assert before.master[0] == daemon.process.pid and len(before.workers) == 2
    assert NGINX.generation(host, found) == before
    assert not NGINX.settled(host, found, before)

    # With a client connected the old workers stay, but only to finish.
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        NGINX.reload(host, found)
        wait_for(lambda: NGINX.settled(host, found, before))
        assert not set(NGINX.generation(host, found).workers) & set(before.workers)

    # A broken file: nginx goes on with the old workers, and the reload never settles.
    now = NGINX.generation(host, found)
    daemon.config.write_bytes(b"broken")
    assert not NGINX.test(host, found).ok
    NGINX.reload(host, found)
    time.sleep(0.5)
    assert not NGINX.settled(host, found, now)
    daemon.stop()
    assert NGINX.generation(host, found) is None
    with pytest.raises(TransactionError, match="does not run"):
        NGINX.reload(host, found)


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_instance_with_its_own_prefix_is_found(daemon):
    port = free_port()
    text = f"{daemon.head()}events {{}}\nhttp {{\nserver {{ listen 127.0.0.1:{port}; }} }}"
    daemon.write({"conf/my.conf": text.encode()})
    shutil.copy(daemon.folder / "temp.conf", daemon.folder / "conf/temp.conf")
    argv = [daemon.program, "-p", "./", "-c", "conf/my.conf", "-g", "worker_rlimit_nofile 512;"]
    daemon.process = subprocess.Popen(argv, stderr=subprocess.PIPE, cwd=daemon.folder)
    wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    host = Host()
    (found,) = [one for one in NGINX.discover(host) if one.config == str(daemon.folder / "conf/my.conf")]
    assert NGINX.test_command(found)[1:] == [
        "-t", "-c", found.config, "-p", f"{daemon.folder}/./", "-g", "worker_rlimit_nofile 512;",
    ]  # fmt: skip
    assert NGINX.test(host, found).ok
    assert NGINX.generation(host, found).master[0] == daemon.process.pid


def test_a_test_leaves_nothing_behind(daemon, instance):
    daemon.write({"nginx.conf": f"{daemon.head()}events {{}}".encode()})
    before = sorted(os.listdir(daemon.folder))
    assert NGINX.test(Host(), instance(str(daemon.config))).ok
    assert sorted(os.listdir(daemon.folder)) == sorted([*before, "error.log"])
    (daemon.folder / "pid").write_text("")
    assert NGINX.test(Host(), instance(str(daemon.config))).ok
    assert (daemon.folder / "pid").exists()
