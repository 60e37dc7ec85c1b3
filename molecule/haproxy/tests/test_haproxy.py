# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The final handshakes, by clients that owe nothing to our own engine: openssl s_client and sslscan."""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ET

import pytest

ENDPOINTS = [
    (11443, ""),
    (11444, ""),
    (11444, "gateway.hospital.example"),
    (11444, "pumps.hospital.example"),
    (11445, ""),
]


@pytest.fixture
def address(host):
    """Where this machine reaches the host."""
    name = host.backend.hostname
    return {"debian11": "127.0.20.11", "debian12": "127.0.20.12", "debian13": "127.0.20.13"}[name]


def s_client(address, port, name, *options):
    """The protocol and cipher a handshake ended with, or None. Security level 0: the client must not be the refuser."""
    asked = ["-servername", name] if name else ["-noservername"]
    command = ["openssl", "s_client", "-connect", f"{address}:{port}", *asked, *options]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r"^New, (\S+), Cipher is (\S+)$", done.stdout, re.MULTILINE)
    return found.groups() if found and found[2] != "(NONE)" else None


@pytest.mark.parametrize(("port", "name"), ENDPOINTS)
def test_old_protocols_and_suites_are_refused_and_new_ones_accepted(address, port, name):
    for version in ("-tls1", "-tls1_1"):
        assert s_client(address, port, name, version, "-cipher", "ALL:@SECLEVEL=0") is None
    assert s_client(address, port, name, "-tls1_2", "-cipher", "AES128-SHA:AES256-GCM-SHA384:@SECLEVEL=0") is None
    for version in ("-tls1_2", "-tls1_3"):
        assert s_client(address, port, name, version)


@pytest.mark.parametrize("port", [11443, 11445])
def test_sslscan_sees_the_same(address, port):
    command = ["sslscan", "--xml=-", "--no-colour", f"{address}:{port}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    root = ET.fromstring(done.stdout)
    enabled = {item.get("type") + item.get("version") for item in root.iter("protocol") if item.get("enabled") == "1"}
    assert enabled == {"tls1.2", "tls1.3"}


def test_files_are_as_they_were_but_for_tls(host):
    main = host.file("/etc/haproxy/haproxy.cfg").content
    assert "für die Stationen".encode("latin-1") in main, "bytes that are no UTF-8 stay"
    assert b"# the tablets of ward 3\n" in main and b"no-sslv3 ssl-min-ver TLSv1.2" in main, (
        "comments and what is right stay"
    )
    listed = host.file("/etc/haproxy/gateway.list").content_string
    assert "[ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.3] pumps.hospital.example" in listed
    assert host.run("find /etc -name '.in_transit*'").stdout == ""
