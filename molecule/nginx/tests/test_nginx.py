# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The final handshakes, by clients that owe nothing to our own engine: openssl s_client and sslscan."""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ET

import pytest

PORTS = {443: "portal.hospital.example", 8443: "gateway.hospital.example", 8444: "telemetry.hospital.example"}


@pytest.fixture
def address(host):
    """Where this machine reaches the host."""
    name = host.backend.hostname
    return {"debian11": "127.0.20.11", "debian12": "127.0.20.12", "debian13": "127.0.20.13"}[name]


@pytest.fixture
def endpoints(host):
    """TLS ports nginx listens on, and a name served there."""
    listening = host.check_output("ss -Htln")
    return {port: name for port, name in PORTS.items() if re.search(rf":{port}\s", listening)}


def s_client(address, port, name, *options):
    """The protocol and cipher a handshake ended with, or None. Security level 0: the client must not be the refuser."""
    command = ["openssl", "s_client", "-connect", f"{address}:{port}", "-servername", name, *options]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=30, check=False)
    found = re.search(r"^New, (\S+), Cipher is (\S+)$", done.stdout, re.MULTILINE)
    return found.groups() if found and found[2] != "(NONE)" else None


def test_there_is_something_to_test(endpoints):
    assert {443, 8443} <= set(endpoints)


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_protocols_are_refused(address, endpoints, version):
    for port, name in endpoints.items():
        assert s_client(address, port, name, version, "-cipher", "ALL:@SECLEVEL=0") is None, port


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_new_protocols_are_accepted(address, endpoints, version):
    for port, name in endpoints.items():
        assert s_client(address, port, name, version), port


def test_weak_suites_are_refused(address, endpoints):
    for port, name in endpoints.items():
        assert s_client(address, port, name, "-tls1_2", "-cipher", "AES128-SHA:AES256-GCM-SHA384:@SECLEVEL=0") is None


def test_without_a_name_and_with_an_unknown_one(address, endpoints):
    for port in endpoints:
        for options in (["-noservername"], ["-servername", "unknown.example"]):
            command = ["openssl", "s_client", "-connect", f"{address}:{port}", *options, "-tls1_1"]
            done = subprocess.run(
                [*command, "-cipher", "ALL:@SECLEVEL=0"], input="", capture_output=True, text=True, check=False
            )
            assert "Cipher is (NONE)" in done.stdout, (port, options)


def test_sslscan_sees_the_same(address, endpoints):
    for port, name in endpoints.items():
        command = ["sslscan", "--xml=-", "--no-colour", f"--sni-name={name}", f"{address}:{port}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        root = ET.fromstring(done.stdout)
        enabled = {
            item.get("type") + item.get("version") for item in root.iter("protocol") if item.get("enabled") == "1"
        }
        assert enabled == {"tls1.2", "tls1.3"}, port
        suites = {item.get("cipher") for item in root.iter("cipher") if item.get("sslversion") == "TLSv1.2"}
        assert suites and all(name.startswith("ECDHE-") and ("GCM" in name or "CHACHA20" in name) for name in suites)


@pytest.mark.parametrize(
    "name, path, status, body",
    [
        ("www.hospital.example", "/", "301", ""),
        # Through the portal to the record system behind it, which it reaches over TLS as well.
        ("portal.hospital.example", "/records/", "200", "record system"),
    ],
)
def test_the_service_still_serves(address, name, path, status, body):
    command = ["curl", "--silent", "--show-error", "--insecure", "--resolve", f"{name}:443:{address}"]
    done = subprocess.run(
        [*command, "--write-out", "\n%{http_code}", f"https://{name}{path}"],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    *lines, code = done.stdout.splitlines()
    assert code == status and body in "\n".join(lines)


def test_files_are_as_they_were_but_for_tls(host):
    gateway = host.file("/etc/nginx/conf.d/modality-gateway.conf").content
    assert b"##  edited on the vendor's notebook, do not reformat!\r\n" in gateway, "CRLF and comments stay"
    assert not gateway.endswith(b"\n"), "no newline appears at the end"
    assert host.file("/etc/nginx/sites-enabled/default").is_symlink
    assert host.run("find /etc/nginx -name '.in_transit*'").stdout == ""
    state = host.file("/var/lib/encryption.in_transit")
    assert state.mode == 0o700 and state.user == "root"
    assert host.run("find /var/lib/encryption.in_transit -name journal.json -not -path '*/history/*'").stdout == ""


def test_nginx_accepts_its_files(host):
    assert host.run("nginx -t").rc == 0
    assert host.service("nginx").is_running
