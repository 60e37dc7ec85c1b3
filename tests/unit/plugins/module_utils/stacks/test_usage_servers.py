# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What real daemons write about handshakes of an independent client is what we read of it.

Needs what the tests of the four stacks need: nginx, httpd, Postfix, vsftpd and openssl, and root.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.run import usage as desk
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import vsftpd
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.haproxy import usage as haproxy
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.haproxy.stack import Haproxy
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx import machine
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.postfix import usage as postfix
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.text import apply_edits
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.unit.daemons import need
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks import (
    test_apache_servers,
    test_haproxy_servers,
    test_nginx_servers,
    test_postfix_servers,
    test_vsftpd_servers,
)

pytestmark = pytest.mark.servers

HOST = Host()
INTERMEDIATE = model.load("intermediate")
OLD_SUITE = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"
#: An old client, a middle one with a suite that is going away, and a new one.
CLIENTS = (
    ("-tls1", "-cipher", "ECDHE-RSA-AES256-SHA:@SECLEVEL=0"),
    ("-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA:@SECLEVEL=0"),
    ("-tls1_3",),
)
BELOW = {
    ("TLSv1.0", OLD_SUITE): ["TLSv1.0", OLD_SUITE],
    ("TLSv1.2", OLD_SUITE): [OLD_SUITE],
    ("TLSv1.3", "TLS_AES_256_GCM_SHA384"): [],
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    folder.chmod(0o755)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=a",
         "-out", folder / "rsa", "-keyout", folder / "rsa.key"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


def visit(port, request, *starttls):
    """Each client shakes hands once, asks for something, and waits for the end of the answer."""
    for options in CLIENTS:
        subprocess.run(
            ["openssl", "s_client", "-quiet", "-servername", "a.example", "-connect", f"127.0.0.1:{port}",
             *starttls, *options],
            input=request, capture_output=True, env={**os.environ, "OPENSSL_CONF": "/dev/null"}, check=False,
        )  # fmt: skip


GET = b'GET / HTTP/1.0\r\nUser-Agent: "x" TLSv1.3 \\" \xff\r\n\r\n'


class Found:
    """One stack with one instance, asked until its log has so many handshakes: daemons write when they like."""

    def __init__(self, stack, instance, handshakes=3):
        self.stack, self.instance = stack, instance
        deadline = time.monotonic() + 60
        while True:
            options = desk.Options(time.time() - 3600)
            self.found = desk.usage([self], HOST, INTERMEDIATE, options)
            if sum(log["handshakes"] for log in self.found["logs"]) >= handshakes or time.monotonic() > deadline:
                break
            time.sleep(0.05)

    def __getattr__(self, name):
        return getattr(self.stack, name)

    def discover(self, _host):
        return [self.instance]

    @property
    def rows(self):
        return {(row["protocol"], row["suite"]): row for row in self.found["handshakes"]}

    def told(self):
        """Nothing but what the clients did, and that in full."""
        assert {kind: row["below"] for kind, row in self.rows.items()} == BELOW
        assert all(row["client"] == "127.0.0.1" and row["count"] == 1 for row in self.found["handshakes"])
        assert all(abs(desk.moment(row["last"], 0) - time.time()) < 3600 for row in self.found["handshakes"])
        assert self.found["unknown"] == []
        assert [log["unread"] for log in self.found["logs"]] == [0]
        assert self.rows["TLSv1.0", OLD_SUITE]["breaks"] == "yes"
        assert self.rows["TLSv1.2", OLD_SUITE]["breaks"] == "unknown"
        return self


# --- nginx ----------------------------------------------------------------------------------------------------------


class Nginx(test_nginx_servers.Daemon):
    """An nginx of ours, as discovery would tell it."""

    @property
    def instance(self):
        build = machine.read_build(HOST.run([self.program, "-V"]).stderr)
        config = str(self.config)
        facts = {"hostname": "h", "root": True, "options": {"c": config}, "program": os.path.realpath(self.program),
                 "prefix": build.prefix, "pid_file": build.pid}  # fmt: skip
        return machine.Instance("nginx", config, build.version, config, build.capabilities, True, facts)


NGINX_FORMATS = {
    "quoted": '\'$remote_addr - $remote_user [$time_local] "$request" $status "$http_user_agent" \''
    " '$ssl_protocol/$ssl_cipher'",
    "json": 'escape=json \'{"agent":"$http_user_agent","t":"$time_iso8601","a":"$remote_addr",\''
    ' \'"p":"${ssl_protocol}","c":"$ssl_cipher","host":"$host"}\'',
    "piped": "'$msec|$http_user_agent|$ssl_protocol|$ssl_cipher|$remote_addr|$request|$http_referer'",
}


@pytest.mark.parametrize("form", NGINX_FORMATS)
def test_nginx(form, keys, tmp_path):
    daemon = Nginx(need("nginx", "openssl", files=(test_nginx_servers.STREAM,))[0], tmp_path)
    port = free_port()
    config = f"""{daemon.head()} events {{}}
http {{
  log_format told {NGINX_FORMATS[form]};
  access_log {tmp_path}/a.log told;
  ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0;
  server {{ listen 127.0.0.1:{port} ssl; server_name a.example; ssl_certificate {keys}/rsa;
    ssl_certificate_key {keys}/rsa.key; location / {{ return 204; }} }}
}}
"""
    daemon.write({"nginx.conf": config.replace("http {", "http {\n", 1).encode()})
    daemon.start(port)
    try:
        visit(port, GET)
        found = Found(test_nginx_servers.NGINX, daemon.instance).told()
    finally:
        daemon.stop()
    assert {row["listener"] for row in found.found["handshakes"]} == {f"127.0.0.1:{port} a.example"}
    assert {tuple(row["ports"]) for row in found.found["handshakes"]} == {(port,)}


# --- httpd ----------------------------------------------------------------------------------------------------------

APACHE_FORMATS = {
    "quoted": r'"%h %l %u %t \"%r\" %>s \"%{User-Agent}i\" %{SSL_PROTOCOL}x %{SSL_CIPHER}x"',
    "tabs": r'"%{msec}t\t%{c}a\t%{User-Agent}i\t%{version}c\t%{cipher}c\t%p"',
}


@pytest.mark.parametrize("form", APACHE_FORMATS)
def test_httpd(form, keys, tmp_path):
    program = need("apache2", "openssl", root=True, files=(f"{test_apache_servers.FOLDER}/mod_ssl.so",))[0]
    port = free_port()
    server = test_apache_servers.Server(program, {"good": (str(keys / "rsa"), str(keys / "rsa.key"))}, tmp_path, port)
    body = f"""LogFormat {APACHE_FORMATS[form]} told
CustomLog {tmp_path}/a.log told
SSLProtocol all
SSLCipherSuite ALL:@SECLEVEL=0
<VirtualHost {{address}}>
ServerName a.example
SSLEngine on
</VirtualHost>
"""
    server.write(body)
    server.start()
    try:
        visit(port, GET)
        found = Found(test_apache_servers.APACHE, server.instance()).told()
    finally:
        server.stop()
    assert {row["listener"] for row in found.found["handshakes"]} == {f"127.0.0.1:{port} a.example"}


# --- Postfix --------------------------------------------------------------------------------------------------------


def test_postfix(monkeypatch):
    need("postfix", "postconf", "openssl", root=True)
    monkeypatch.setenv("PATH", test_postfix_servers.PATH)
    folder = Path(tempfile.mkdtemp(prefix="in_transit-postfix-"))
    folder.chmod(0o755)
    daemon = test_postfix_servers.Daemon(folder)
    old = "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3".replace(" ", ",")
    lists = "".join(
        f"smtpd_tls_{mode}protocols = {old}\nsmtpd_tls_{mode}ciphers = high\n" for mode in ("", "mandatory_")
    )
    more = f"{lists}tls_high_cipherlist = ALL:@SECLEVEL=0\nsmtpd_tls_loglevel = 1\n"
    daemon.write(more, submission="-o syslog_name=postfix/submission -o smtpd_tls_loglevel=0")
    daemon.load()
    try:
        for port in daemon.ports[:2]:
            visit(port, b"QUIT\r\n", "-starttls", "smtp")
        visit(daemon.ports[2], b"QUIT\r\n")
        found = Found(daemon, daemon.instance, 2 * len(CLIENTS))
    finally:
        daemon.do("stop")
        shutil.rmtree(folder)
    told = {(row["protocol"], row["suite"]): row for row in found.found["handshakes"]}
    assert {kind: row["below"] for kind, row in told.items()} == BELOW
    # Two services have one tag, and cannot be told apart; the third is known to be silent, and so are the agents.
    first, submission, smtps = daemon.ports
    assert {tuple(row["ports"]) for row in told.values()} == {tuple(sorted((first, smtps)))}
    assert {row["count"] for row in told.values()} == {2}
    assert {row["client"] for row in told.values()} == {"127.0.0.1"}
    assert [log["unread"] for log in found.found["logs"]] == [0]
    unknown = {one["listener"]: one["reason"] for one in found.found["unknown"]}
    assert unknown.pop(f"127.0.0.1:{submission}") == "smtpd_tls_loglevel is 0"
    assert set(unknown.values()) == {"smtp_tls_loglevel is 0"}


# --- vsftpd ---------------------------------------------------------------------------------------------------------


def test_vsftpd(keys, tmp_path):
    build = vsftpd.read_build(HOST, need("vsftpd", "openssl", root=True)[0])
    text = (
        f"ssl_ciphers=ALL:@SECLEVEL=0\nssl_tlsv1=YES\ndebug_ssl=YES\nxferlog_enable=YES\n"
        f"vsftpd_log_file={tmp_path}/log\n"
    )
    daemon = test_vsftpd_servers.Daemon(build, tmp_path, keys, text)
    with daemon.running():
        visit(daemon.port, b"QUIT\r\n", "-starttls", "ftp")
        found = Found(test_vsftpd_servers.VSFTPD, daemon.instance)
    # TLS 1.0 and TLS 1.2 with a suite of TLS 1.0 are logged alike: the protocol is not told, and never guessed.
    rows = found.rows
    assert {kind: (row["count"], row["breaks"]) for kind, row in rows.items()} == {
        ("", OLD_SUITE): (2, "unknown"),
        ("TLSv1.3", "TLS_AES_256_GCM_SHA384"): (1, "no"),
    }
    assert rows["", OLD_SUITE]["below"] == ["a protocol that is not told", OLD_SUITE]
    assert found.found["unknown"] == []
    assert found.found["logs"][0]["unread"] == 0


def test_a_vsftpd_that_logs_nothing_is_unknown(keys, tmp_path):
    build = vsftpd.read_build(HOST, need("vsftpd", "openssl", root=True)[0])
    daemon = test_vsftpd_servers.Daemon(build, tmp_path, keys, "xferlog_enable=YES\n")
    found = desk.usage([Found(test_vsftpd_servers.VSFTPD, daemon.instance, 0)], HOST, INTERMEDIATE, desk.Options(0))
    assert [one["reason"] for one in found["unknown"]] == ["debug_ssl is NO"]
    assert found["handshakes"] == []


# --- switching it on ----------------------------------------------------------------------------------------------


def switch(stack, instance, to):
    """Write what the option alone changes; the number of edits."""
    documents = stack.read(HOST, instance)
    plan = stack.plan(instance, documents, INTERMEDIATE, {"log_handshakes": to})
    ours = [edit for edit in plan.edits if edit.check == "log_handshakes"]
    for path, data in apply_edits(documents, ours).items():
        Path(path).write_bytes(data)
    return len(ours)


def switched(stack, instance, config, on):
    """Through the whole cycle but the daemon: on, on again, off, on; its own test agrees with every step."""
    before = config.read_bytes()
    assert switch(stack, instance, "leave") == 0
    assert switch(stack, instance, "off") == 0
    assert switch(stack, instance, "on") == on
    assert stack.test(HOST, instance).ok
    assert switch(stack, instance, "on") == 0
    assert switch(stack, instance, "off") > 0
    assert config.read_bytes() == before
    switch(stack, instance, "on")


def test_nginx_is_told_to_log(keys, tmp_path):
    daemon = Nginx(need("nginx", "openssl", files=(test_nginx_servers.STREAM,))[0], tmp_path)
    port, other = free_port(), free_port()
    daemon.write({"nginx.conf": f"""{daemon.head()} events {{}}
http {{
  ssl_certificate {keys}/rsa; ssl_certificate_key {keys}/rsa.key;
  ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0;
  access_log {tmp_path}/a.log;
  server {{ listen 127.0.0.1:{port} ssl; listen 127.0.0.1:{other}; server_name a.example;
    location / {{ return 204; }} location /own {{ access_log {tmp_path}/own.log; return 204; }} }}
  server {{ listen 127.0.0.1:{port} ssl; server_name b.example; access_log off; }}
}}
""".encode()})  # fmt: skip
    switched(test_nginx_servers.NGINX, daemon.instance, daemon.config, 3)
    ours = tmp_path / "in_transit_handshakes.log"
    assert not ours.exists(), "nginx -t made it, and it had to go again"
    daemon.start(port)
    try:
        visit(port, GET)
        visit(port, GET.replace(b"/ ", b"/own ", 1))
        with socket.create_connection(("127.0.0.1", other)) as plain:
            plain.sendall(GET)
            assert plain.recv(9) == b"HTTP/1.1 "
        found = Found(test_nginx_servers.NGINX, daemon.instance, 2 * len(CLIENTS))
    finally:
        daemon.stop()
    assert {kind: (row["below"], row["count"]) for kind, row in found.rows.items()} == {
        kind: (below, 2) for kind, below in BELOW.items()
    }
    assert {row["listener"] for row in found.found["handshakes"]} == {f"127.0.0.1:{port} a.example"}
    assert [one["reason"] for one in found.found["unknown"]] == ["access_log is off"]
    assert len(ours.read_bytes().splitlines()) == 2 * len(CLIENTS)
    assert len((tmp_path / "a.log").read_bytes().splitlines()) >= len(CLIENTS), "the log that was there goes on"


def test_httpd_is_told_to_log(keys, tmp_path):
    program = need("apache2", "openssl", root=True, files=(f"{test_apache_servers.FOLDER}/mod_ssl.so",))[0]
    port = free_port()
    server = test_apache_servers.Server(program, {"good": (str(keys / "rsa"), str(keys / "rsa.key"))}, tmp_path, port)
    server.write(
        "SSLProtocol all\nSSLCipherSuite ALL:@SECLEVEL=0\n<VirtualHost {address}>\nServerName a.example\n"
        "SSLEngine on\nCustomLog {folder}/own.log common\n</VirtualHost>\n# the end \\"
    )
    idle = server.idle()
    idle.facts["modules"] = [*idle.facts["modules"], "mod_log_config.c"]
    switched(test_apache_servers.APACHE, idle, server.config, 2)
    server.start()
    try:
        visit(port, GET)
        found = Found(test_apache_servers.APACHE, server.instance()).told()
    finally:
        server.stop()
    assert found.found["logs"][0]["path"] == f"{tmp_path}/in_transit_handshakes.log"
    assert (tmp_path / "own.log").read_bytes().count(b"common") == len(CLIENTS), "the log that was there goes on"


def test_postfix_is_told_to_log(monkeypatch):
    need("postfix", "postconf", "openssl", root=True)
    monkeypatch.setenv("PATH", test_postfix_servers.PATH)
    folder = Path(tempfile.mkdtemp(prefix="in_transit-postfix-"))
    folder.chmod(0o755)
    daemon = test_postfix_servers.Daemon(folder)
    daemon.write("smtpd_tls_loglevel = 0\n")
    try:
        switched(daemon, daemon.instance, daemon.config / "main.cf", 3)
        daemon.load()
        visit(daemon.ports[0], b"QUIT\r\n", "-starttls", "smtp")
        found = Found(daemon, daemon.instance, 1)
    finally:
        daemon.do("stop")
        shutil.rmtree(folder)
    assert found.found["unknown"] == []
    assert ("TLSv1.3", "TLS_AES_256_GCM_SHA384") in found.rows


def test_vsftpd_is_told_to_log(keys, tmp_path):
    build = vsftpd.read_build(HOST, need("vsftpd", "openssl", root=True)[0])
    text = f"debug_ssl=NO\nxferlog_std_format=YES\nvsftpd_log_file={tmp_path}/log\nxferlog_file={tmp_path}/xfer"
    daemon = test_vsftpd_servers.Daemon(build, tmp_path, keys, text)
    switched(test_vsftpd_servers.VSFTPD, daemon.instance, daemon.config, 3)
    with daemon.running():
        visit(daemon.port, b"QUIT\r\n", "-starttls", "ftp")
        found = Found(test_vsftpd_servers.VSFTPD, daemon.instance, 1)
    assert ("TLSv1.3", "TLS_AES_256_GCM_SHA384") in found.rows


# --- HAProxy ------------------------------------------------------------------------------------------------------


class Syslog(threading.Thread):
    """The syslog of a machine, as far as HAProxy knows it: a socket, and a file with a host in every line."""

    def __init__(self, path, file):
        super().__init__(daemon=True)
        self.file = file
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))

    def run(self):
        with self.file.open("ab", buffering=0) as file:
            while line := self.socket.recv(65536).rstrip(b"\n"):
                head, _tag, message = line[line.index(b">") + 1 :].partition(b" haproxy[")
                file.write(head[:15] + b" gateway haproxy[" + message + b"\n")

    def stop(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.socket.getsockname())
        self.join()


@pytest.mark.parametrize(
    "option",
    ["option httpslog", 'log-format "%{+Q}r %ci:%cp %fp %{+Q}sslv/%sslc %[ssl_fc_sni]"',
     'log-format "%hr %[src]|%[ssl_fc_protocol]|%[ssl_fc_cipher]|%f"'],
    ids=["built-in", "quoted", "expressions"],
)  # fmt: skip
def test_haproxy(option, keys, tmp_path, monkeypatch):
    program = need("haproxy", "openssl")[0]
    port, other = free_port(), free_port()
    (tmp_path / "both.pem").write_bytes((keys / "rsa").read_bytes() + (keys / "rsa.key").read_bytes())
    tls = f"ssl crt {tmp_path}/both.pem ssl-min-ver TLSv1.0 ciphers ALL:@SECLEVEL=0"
    daemon = test_haproxy_servers.Daemon(program, tmp_path)
    daemon.write(f"""global
  log {tmp_path}/log local0
  log {tmp_path}/log local1 notice
defaults
  mode http
  log global
  timeout client 1m
frontend a
  bind 127.0.0.1:{port} {tls}
  capture request header User-Agent len 64
  {option}
  http-request return status 204
frontend b
  bind 127.0.0.1:{other} {tls}
  option httplog
  http-request return status 204
""")
    monkeypatch.setenv("OPENSSL_CONF", "/dev/null")
    monkeypatch.setattr(haproxy, "FILES", (f"{tmp_path}/haproxy.log",))
    syslog = Syslog(tmp_path / "log", tmp_path / "haproxy.log")
    syslog.start()
    try:
        daemon.start(port)
        visit(other, GET.replace(b"\xff", b"y"))
        visit(port, GET.replace(b"\xff", b"y").replace(b" / ", b" /a/b/c/TLSv1.3 "))
        found = Found(Haproxy(), daemon.instance)
    finally:
        daemon.stop()
        syslog.stop()
    assert {kind: (row["below"], row["count"]) for kind, row in found.rows.items()} == {
        kind: (below, 1) for kind, below in BELOW.items()
    }
    assert {row["client"] for row in found.found["handshakes"]} == {"127.0.0.1"}
    assert {row["listener"] for row in found.found["handshakes"]} == {f"127.0.0.1:{port}"}
    assert [(one["listener"], one["reason"]) for one in found.found["unknown"]] == [
        (f"127.0.0.1:{other}", "option httplog has no TLS in it")
    ]
    assert [log["unread"] for log in found.found["logs"]] == [0]


# --- the journal --------------------------------------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path, monkeypatch):
    """The socket of a journald of ours, whose journal ``journalctl`` shows: both live where nobody else sees them."""
    journald = "/lib/systemd/systemd-journald"
    _unshare, _nsenter, program = need("unshare", "nsenter", "journalctl", root=True, files=(journald,))
    # Without the folder of a persistent journal there is only the one in /run.
    begin = f"""mount -t tmpfs none /run && mount -t tmpfs none /var/log && mkdir -p /run/systemd/journal &&
        echo {"0123456789abcdef" * 2} > /run/id && mount --bind /run/id /etc/machine-id && exec {journald}"""
    process = subprocess.Popen(["unshare", "--mount", "sh", "-c", begin], stderr=subprocess.DEVNULL)
    path = f"/proc/{process.pid}/root/run/systemd/journal/dev-log"
    try:
        while not os.path.exists(path):
            assert process.poll() is None, "journald did not start"
            time.sleep(0.05)
        wrapper = tmp_path / "bin" / "journalctl"
        wrapper.parent.mkdir()
        wrapper.write_text(f'#!/bin/sh\nexec nsenter --mount --target {process.pid} {program} "$@"\n')
        wrapper.chmod(0o755)
        monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
        yield path
    finally:
        process.terminate()
        process.wait()


def test_haproxy_in_the_journal(keys, tmp_path, monkeypatch, journal):
    program = need("haproxy", "openssl")[0]
    port = free_port()
    (tmp_path / "both.pem").write_bytes((keys / "rsa").read_bytes() + (keys / "rsa.key").read_bytes())
    daemon = test_haproxy_servers.Daemon(program, tmp_path)
    daemon.write(f"""global
  log {journal} local0
  log-tag edge
frontend a
  mode http
  log global
  timeout client 1m
  bind 127.0.0.1:{port} ssl crt {tmp_path}/both.pem ssl-min-ver TLSv1.0 ciphers ALL:@SECLEVEL=0
  option httpslog
  http-request return status 204
""")
    monkeypatch.setenv("OPENSSL_CONF", "/dev/null")
    monkeypatch.setattr(haproxy, "FILES", (f"{tmp_path}/there is none",))
    try:
        daemon.start(port)
        visit(port, GET.replace(b"\xff", b"y"))
        found = Found(Haproxy(), daemon.instance).told()
        late = desk.usage([found], HOST, INTERMEDIATE, desk.Options(time.time() + 3600))
    finally:
        daemon.stop()
    assert found.found["logs"][0]["files"] == []
    assert late["handshakes"] == [] and "there is nothing in" in late["unknown"][0]["reason"]


def test_postfix_in_the_journal_and_in_its_file(tmp_path, monkeypatch, journal):
    """What the file has is not counted again from the journal, which has it too."""
    need("postfix", "postconf", root=True)
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:{test_postfix_servers.PATH}")
    monkeypatch.setattr(postfix, "FILES", (f"{tmp_path}/mail.log",))
    folder = Path(tempfile.mkdtemp(prefix="in_transit-postfix-"))
    folder.chmod(0o755)
    daemon = test_postfix_servers.Daemon(folder)
    daemon.write("maillog_file =\nsmtpd_tls_loglevel = 1\n")
    said = "Anonymous TLS connection established from pump[192.0.2.{}]: TLSv1.2 with cipher {} (256/256 bits)"
    good, old = "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-SHA"
    clock = "%b %e %H:%M:%S"
    then = time.time() - 1800
    written = time.strftime(clock, time.localtime(then))
    (tmp_path / "mail.log").write_text(
        f"{written} mx postfix/smtpd[7]: {said.format(1, old)}\n{written} mx postfix/smtpd[7]: disconnect from pump\n"
    )
    os.utime(tmp_path / "mail.log", (then, then))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        for tag, line in (("postfix/smtpd", said.format(2, good)), ("dovecot", said.format(3, old))):
            # The words of syslog(3).
            syslog.sendto(f"<22>{time.strftime(clock)} {tag}[7]: {line}".encode(), journal)
    try:
        found = Found(daemon, daemon.instance, 2)
    finally:
        shutil.rmtree(folder)
    assert {(row["client"], row["count"], *row["below"]) for row in found.found["handshakes"]} == {
        ("192.0.2.1", 1, OLD_SUITE),
        ("192.0.2.2", 1),
    }
    assert [log["unread"] for log in found.found["logs"]] == [0]
