# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The final handshakes, by clients that owe nothing to our own engine: openssl s_client, sslscan, Python's ftplib."""

from __future__ import annotations

import ftplib
import json
import re
import subprocess
import xml.etree.ElementTree as ET

import pytest

#: Port -> how TLS begins there.
PORTS = {21: ("-starttls", "ftp"), 990: (), 2121: ("-starttls", "ftp")}


@pytest.fixture
def address(host):
    """Where this machine reaches the host."""
    name = host.backend.hostname
    return {"debian11": "127.0.20.11", "debian12": "127.0.20.12", "debian13": "127.0.20.13"}[name]


def s_client(address, port, *options):
    """The protocol and cipher a handshake ended with, or None. Security level 0: the client must not be the refuser."""
    command = ["openssl", "s_client", "-connect", f"{address}:{port}", *PORTS[port], *options]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=30, check=False)
    found = re.search(r"^New, (\S+), Cipher is (\S+)$", done.stdout, re.MULTILINE)
    return found.groups() if found and found[2] != "(NONE)" else None


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_protocols_are_refused(address, port, version):
    assert s_client(address, port, version, "-cipher", "ALL:@SECLEVEL=0") is None


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_new_protocols_are_accepted(address, port, version):
    assert s_client(address, port, version)


@pytest.mark.parametrize("port", PORTS)
def test_weak_suites_are_refused(address, port):
    assert s_client(address, port, "-tls1_2", "-cipher", "AES128-SHA:AES256-GCM-SHA384:@SECLEVEL=0") is None


@pytest.mark.parametrize("port", [21, 990])  # at 2121 setproctitle_enable is in the way, which is a finding
def test_no_session_tickets(address, port):
    command = ["openssl", "s_client", "-connect", f"{address}:{port}", *PORTS[port], "-tls1_2"]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=30, check=False)
    assert "Session-ID:" in done.stdout and "session ticket:" not in done.stdout


@pytest.mark.parametrize("port", PORTS)
def test_signatures_with_sha1_are_refused(address, port):
    assert s_client(address, port, "-tls1_2", "-cipher", "ALL:@SECLEVEL=0", "-sigalgs", "RSA+SHA1") is None
    assert s_client(address, port, "-tls1_2", "-sigalgs", "RSA+SHA256")


@pytest.mark.parametrize("port", PORTS)
def test_sslscan_sees_the_same(address, port):
    how = ["--starttls-ftp"] if PORTS[port] else []
    command = ["sslscan", "--xml=-", "--no-colour", *how, f"{address}:{port}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    root = ET.fromstring(done.stdout)
    enabled = {item.get("type") + item.get("version") for item in root.iter("protocol") if item.get("enabled") == "1"}
    assert enabled == {"tls1.2", "tls1.3"}
    suites = {item.get("cipher") for item in root.iter("cipher") if item.get("sslversion") == "TLSv1.2"}
    assert suites and all(name.startswith("ECDHE-") and ("GCM" in name or "CHACHA20" in name) for name in suites)


@pytest.mark.parametrize("port, user", [(21, "nurse"), (2121, "anonymous")])
def test_nobody_logs_in_without_tls(address, port, user):
    client = ftplib.FTP()
    client.connect(address, port, timeout=10)
    with pytest.raises(ftplib.error_perm, match="530"):
        client.login(user, "not-a-secret")


#: A whole session from inside the host, whose data ports are not published: log in, list with PROT P, then PROT C.
SESSION = """
import ftplib, json, socket, ssl, sys
port, implicit, user = int(sys.argv[1]), sys.argv[2] == "implicit", sys.argv[3]
context = ssl.create_default_context(cafile="/etc/ssl/hospital/ca.crt")
class Client(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        channel, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            channel = context.wrap_socket(channel, server_hostname="localhost", session=self.sock.session)
        return channel, size
client = Client(context=context)
client.host, client.timeout = "localhost", 10
if implicit:
    client.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10), server_hostname="localhost")
    client.af = client.sock.family
    client.file = client.sock.makefile("r", encoding="latin-1")
    client.welcome = client.getresp()
    ftplib.FTP.login(client, user, "not-a-secret")
else:
    client.sock = socket.create_connection(("127.0.0.1", port), 10)
    client.af = client.sock.family
    client.file = client.sock.makefile("r", encoding="latin-1")
    client.welcome = client.getresp()
    client.login(user, "not-a-secret")
client.prot_p()
private = client.retrlines("LIST", lambda line: None)
client.prot_c()
try:
    clear = client.retrlines("LIST", lambda line: None)
except ftplib.error_perm as error:
    clear = str(error)
print(json.dumps({"version": client.sock.version(), "private": private, "clear": clear}))
"""


@pytest.mark.parametrize(
    "port, how, user", [(21, "explicit", "nurse"), (990, "implicit", "nurse"), (2121, "explicit", "anonymous")]
)
def test_data_goes_by_tls_and_by_nothing_else(host, port, how, user):
    done = host.run("python3 -c %s %s %s %s", SESSION, str(port), how, user)
    assert done.rc == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["version"] == "TLSv1.3"
    assert seen["private"].startswith("226")
    assert seen["clear"].startswith("522"), "a data channel without TLS"


def test_files_are_as_they_were_but_for_tls(host):
    main = host.file("/etc/vsftpd.conf").content
    assert b"verschl\xfcsselt seit 2016, f\xfcr das Labor M\xfcller" in main, "bytes that are no UTF-8 stay"
    assert b"\n  ssl_ciphers=ECDHE" in main and b"\nssl_sslv2=no\n" in main, "layout and what is right stay"
    pacs = host.file("/etc/vsftpd/users/pacs").content_string
    assert pacs == "# The archive pulls at night, over its own network.\nforce_local_data_ssl=YES\nlocal_umask=027\n"
    assert host.run("find /etc -name '.in_transit*'").stdout == ""
    state = host.file("/var/lib/encryption.in_transit")
    assert state.mode == 0o700 and state.user == "root"
    assert host.run("find /var/lib/encryption.in_transit -name journal.json -not -path '*/history/*'").stdout == ""


def test_what_vsftpd_has_no_name_for_is_said_to_its_service_alone(host):
    unit = "vsftpd@partners"
    private = f"/etc/encryption.in_transit/{unit}.service.cnf"
    assert ".include /usr/lib/ssl/openssl.cnf" in host.file(private).content_string
    assert f"OPENSSL_CONF={private}" in host.run("systemctl show --property=Environment %s", unit).stdout
    assert "in_transit" not in host.file("/etc/ssl/openssl.cnf").content_string
    main = host.run("systemctl show --property=Environment vsftpd").stdout
    assert "OPENSSL_CONF=/etc/vsftpd/openssl.cnf" in main, "this one has what it needs"
    assert host.check_output("ls /etc/encryption.in_transit") == f"{unit}.service.cnf", "and one takes no environment"


@pytest.mark.parametrize("unit", ["vsftpd", "vsftpd@partners", "vsftpd@scanner"])
def test_the_services_run(host, unit):
    assert host.service(unit).is_running
