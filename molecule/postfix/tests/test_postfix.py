# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The final handshakes, by clients that owe nothing to our own engine: openssl s_client, sslscan and smtplib."""

from __future__ import annotations

import re
import smtplib
import ssl
import subprocess
import xml.etree.ElementTree as ET

import pytest

PORTS = {25: ["-starttls", "smtp"], 587: ["-starttls", "smtp"], 465: []}


@pytest.fixture
def address(host):
    """Where this machine reaches the host, as its ssh configuration says."""
    words = subprocess.run(
        ["ssh", "-F", host.backend.ssh_config, "-G", host.backend.hostname], capture_output=True, text=True, check=True
    ).stdout
    return re.search(r"^hostname (\S+)$", words, re.MULTILINE)[1]


def s_client(address, port, *options):
    """The protocol and cipher a handshake ended with, or None. Security level 0: the client must not be the refuser."""
    command = ["openssl", "s_client", "-connect", f"{address}:{port}", *PORTS[port], *options]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=30, check=False)
    assert "CONNECTED" in done.stdout
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
@pytest.mark.parametrize("suites", ["aNULL", "AES128-SHA:AES256-GCM-SHA384", "DHE-RSA-AES128-GCM-SHA256"])
def test_weak_suites_are_refused(address, port, suites):
    assert s_client(address, port, "-tls1_2", "-cipher", f"{suites}:@SECLEVEL=0") is None


@pytest.mark.parametrize("port", PORTS)
def test_sha1_signs_nothing(address, port):
    assert s_client(address, port, "-tls1_2", "-cipher", "ALL:@SECLEVEL=0", "-sigalgs", "RSA+SHA1") is None


@pytest.mark.parametrize("port", PORTS)
def test_sslscan_sees_the_same(address, port):
    starttls = ["--starttls-smtp"] if PORTS[port] else []
    command = ["sslscan", "--xml=-", "--no-colour", *starttls, f"{address}:{port}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    root = ET.fromstring(done.stdout)
    enabled = {item.get("type") + item.get("version") for item in root.iter("protocol") if item.get("enabled") == "1"}
    assert enabled == {"tls1.2", "tls1.3"}
    suites = {item.get("cipher") for item in root.iter("cipher") if item.get("sslversion") == "TLSv1.2"}
    assert suites and all(name.startswith("ECDHE-") and ("GCM" in name or "CHACHA20" in name) for name in suites)


def test_mail_is_still_taken(host, address):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP(address, 25, timeout=30) as client:
        client.starttls(context=context)
        client.sendmail("a@clinic.example", "root@mail.hospital.example", "Subject: test\r\n\r\nStill here.\r\n")
    with smtplib.SMTP(address, 25, timeout=30) as client:
        assert client.docmd("MAIL FROM:<a@clinic.example>")[0] == 250, "senders without TLS are not locked out"
        client.rset()
    with smtplib.SMTP(address, 587, timeout=30) as client:
        client.ehlo()
        assert client.docmd("MAIL FROM:<a@clinic.example>")[0] == 530, "submission demands TLS as before"
        client.rset()


def test_files_are_as_they_were_but_for_tls(host):
    main = host.file("/etc/postfix/main.cf").content_string
    assert "# the old scanners on ward 4 need this\n" in main, "comments inside a value stay"
    assert "\tcheck_client_access inline:{ 192.0.2.7=OK },\n\tpermit\n" in main
    assert host.file("/etc/postfix/main.cf").mode == 0o644
    master = host.file("/etc/postfix/master.cf").content_string
    assert "#  -o smtpd_sasl_auth_enable=yes\n" in master
    assert host.file("/etc/postfix/tls_policy").content_string.startswith("# edited on a vendor notebook\n")
    assert host.run("find /etc/postfix -name '.in_transit*'").stdout == ""
    assert (
        host.run("find /var/lib/encryption.in_transit/postfix -name journal.json -not -path '*/history/*'").stdout == ""
    )


def test_outgoing_mail_is_as_it_was(host):
    assert host.check_output("postconf -h smtp_tls_security_level smtp_tls_ciphers").split() == ["may", "medium"]
    assert "smtp_tls_protocols" not in host.check_output("postconf -n")


def test_postfix_accepts_its_files(host):
    assert host.run("postfix check").rc == 0
    assert host.run("postfix status").rc == 0
