# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The final handshakes, by clients that owe nothing to our own engine: openssl s_client and sslscan."""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ET

import pytest

PORT = 10443
#: The first host of the address, two made by one macro, and one whose OpenSSL commands overrode everything.
NAMES = ("archive", "viewer", "ward3", "results")


@pytest.fixture
def address(host):
    """Where this machine reaches the host."""
    name = host.backend.hostname
    return {"debian11": "127.0.20.11", "debian12": "127.0.20.12", "debian13": "127.0.20.13"}[name]


def s_client(address, port, name, *options):
    """The protocol and cipher a handshake ended with, or None. Security level 0: the client must not be the refuser."""
    command = ["openssl", "s_client", "-connect", f"{address}:{port}", "-servername", name, *options]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=30, check=False)
    found = re.search(r"^New, (\S+), Cipher is (\S+)$", done.stdout, re.MULTILINE)
    return found.groups() if found and found[2] != "(NONE)" else None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_protocols_are_refused(address, name, version):
    assert s_client(address, PORT, f"{name}.hospital.example", version, "-cipher", "ALL:@SECLEVEL=0") is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_new_protocols_are_accepted(address, name, version):
    assert s_client(address, PORT, f"{name}.hospital.example", version)


@pytest.mark.parametrize("name", NAMES)
def test_weak_suites_are_refused(address, name):
    weak = "AES128-SHA:AES256-GCM-SHA384:ECDHE-RSA-AES128-SHA:@SECLEVEL=0"
    assert s_client(address, PORT, f"{name}.hospital.example", "-tls1_2", "-cipher", weak) is None


@pytest.mark.parametrize("options", [["-noservername"], ["-servername", "unknown.example"]])
def test_without_a_name_and_with_an_unknown_one(address, options):
    command = ["openssl", "s_client", "-connect", f"{address}:{PORT}", *options, "-tls1_1"]
    done = subprocess.run(
        [*command, "-cipher", "ALL:@SECLEVEL=0"], input="", capture_output=True, text=True, timeout=30, check=False
    )
    assert "Cipher is (NONE)" in done.stdout


@pytest.mark.parametrize("name", ["archive", "viewer"])
def test_sslscan_sees_the_same(address, name):
    command = ["sslscan", "--xml=-", "--no-colour", f"--sni-name={name}.hospital.example", f"{address}:{PORT}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    root = ET.fromstring(done.stdout)
    enabled = {item.get("type") + item.get("version") for item in root.iter("protocol") if item.get("enabled") == "1"}
    assert enabled == {"tls1.2", "tls1.3"}
    suites = {item.get("cipher") for item in root.iter("cipher") if item.get("sslversion") == "TLSv1.2"}
    assert suites and all(name.startswith("ECDHE-") and ("GCM" in name or "CHACHA20" in name) for name in suites)


@pytest.mark.parametrize(
    "url, status, body",
    [
        ("http://viewer.hospital.example:10080/studies", "301", ""),
        # Through the archive to the laboratory behind it, which it reaches over TLS as well.
        ("https://archive.hospital.example:10443/results/", "200", "laboratory results"),
    ],
)
def test_the_service_still_serves(address, url, status, body):
    name, port = url.split("/")[2].split(":")
    command = ["curl", "--silent", "--show-error", "--insecure", "--resolve", f"{name}:{port}:{address}", url]
    done = subprocess.run(
        [*command, "--write-out", "\n%{http_code}"], capture_output=True, text=True, timeout=30, check=True
    )
    *lines, code = done.stdout.splitlines()
    assert code == status and body in "\n".join(lines)


def test_files_are_as_they_were_but_for_tls(host):
    results = host.file("/etc/apache2/sites-available/results.conf").content
    assert b"# edited on the vendor's notebook, do not reformat!\r\n" in results, "CRLF and comments stay"
    assert not results.endswith(b"\n"), "no newline appears at the end"
    archive = host.file("/etc/apache2/sites-available/000-archive.conf").content_string
    assert "kept for reference: \\\n\tSSLProtocol -all +TLSv1.2\n" in archive, "a swallowed line is a comment"
    assert archive.count("<Macro ") == 1 and "Use Viewer ward3" in archive
    guarded = host.file("/etc/apache2/conf-available/tls-guarded.conf").content_string
    assert "SSLProtocol -all +TLSv1.3" in guarded, "what is not read is not touched"
    assert host.file("/etc/apache2/sites-enabled/results.conf").is_symlink
    assert host.run("find /etc/apache2 -name '.in_transit*'").stdout == ""
    assert host.run("find /var/lib/encryption.in_transit -name journal.json -not -path '*/history/*'").stdout == ""


def test_a_trial_start_leaves_nothing(host):
    assert host.run("find / -xdev -name 'in_transit-*'").stdout == ""
    assert "in_transit" not in host.run("ps -eo args").stdout.replace("encryption.in_transit", "")


def test_httpd_accepts_its_files(host):
    assert host.run("apache2ctl -t").rc == 0
    assert host.service("apache2").is_running
