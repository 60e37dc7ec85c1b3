# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The floor, as programs that owe nothing to our own engine see it: openssl(1) and apt's https method."""

from __future__ import annotations

import re

import pytest


def test_openssl_offers_the_suites_of_the_baseline_and_no_others(host):
    """What a context that nobody has touched can negotiate (openssl-ciphers(1), -s)."""
    names = host.check_output("openssl ciphers -s").strip().split(":")
    assert names and all(name.startswith("TLS_") or re.match("ECDHE-.*(GCM|CHACHA20)", name) for name in names)
    assert "ECDHE-RSA-AES128-GCM-SHA256" in names


@pytest.mark.parametrize("version, works", [("-tls1", False), ("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)])
def test_a_server_that_sets_nothing(host, version, works):
    """s_server and s_client of the host itself, by the file both read."""
    script = f"""
set -e
cd $(mktemp -d)
printf '[req]\\ndistinguished_name = dn\\n[dn]\\n' > r
openssl req -config r -x509 -newkey rsa:2048 -nodes -keyout k -out c -subj /CN=localhost -days 1 2>/dev/null
openssl s_server -accept 127.0.0.1:44330 -key k -cert c -www >/dev/null 2>&1 & server=$!
for try in $(seq 50); do ss -ltn | grep -q 44330 && break; sleep 0.1; done
OPENSSL_CONF=/dev/null openssl s_client -connect 127.0.0.1:44330 {version} -cipher ALL:@SECLEVEL=0 </dev/null 2>&1 \\
  | grep -c 'Cipher is [A-Z]' || true
kill $server
"""
    assert host.check_output("bash -c %s", script).strip() == ("1" if works else "0")


def test_the_settings_lead_somewhere(host):
    text = host.file("/etc/ssl/openssl.cnf").content
    if host.backend.hostname == "debian13":
        assert text.startswith(b"openssl_conf = ")
    else:
        assert b"verschl\xfcsselt" in text, "bytes that are no UTF-8 stay"
        assert b"ssl_conf = our_ssl   # see the ticket\n" in text, "the chain that is there is used"
        legacy = host.file("/etc/ssl/openssl.d/legacy.conf").content_string
        assert "MinProtocol = TLSv1.2\n" in legacy and "UnsafeLegacyRenegotiation" not in legacy.replace("-Unsafe", "")
        assert legacy.startswith("# 2019, for the old analyser (JB)\n")


def test_the_package_manager_still_speaks_tls(host):
    """apt reads its lists by http here: the https method starts, loads its library and says what it can."""
    done = host.run("echo | /usr/lib/apt/methods/https")
    assert "100 Capabilities" in done.stdout


def test_gnutls_file_is_added_to(host):
    config = host.file("/etc/gnutls/config")
    if host.backend.hostname == "debian11":
        text = config.content_string
        assert (
            text.startswith("[overrides]\n# RFC 8996\ndisabled-version = TLS1.0\n")
            and "disabled-version = tls1.1" in text
        )
        assert text.lower().count("tls1.0\n") == 2, "TLS 1.0 once, DTLS 1.0 once"
    if config.exists:
        assert config.mode == 0o644


def test_java_keeps_what_it_had(host):
    if host.backend.hostname != "debian12":
        pytest.skip("Java is on Debian 12 only")
    text = host.file("/etc/java-17-openjdk/security/java.security").content_string
    assert "jdk.tls.disabledAlgorithms=SSLv3, DTLSv1.0, RC4, DES, \\\n" in text and ", TLSv1, TLSv1.1" in text


def test_nothing_is_left_over(host):
    assert host.run("find /etc -name '.in_transit*'").stdout == ""
    assert host.run("find /var/lib/encryption.in_transit -name journal.json -not -path '*/history/*'").stdout == ""


def test_openssh_takes_no_more_than_the_baseline(host):
    """sshd's own reading of its files, and the names in it that were there before."""
    if host.backend.hostname == "virgin":
        pytest.skip("OpenSSH is asked for on the others")
    effective = dict(line.partition(" ")[::2] for line in host.check_output("sshd -T").splitlines())
    assert effective["macs"] == "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com"
    assert "cbc" not in effective["ciphers"] and "aes256-gcm@openssh.com" in effective["ciphers"]
    assert "curve25519-sha256" in effective["kexalgorithms"] and "sha1" not in effective["kexalgorithms"]
    assert "ssh-rsa" not in effective["hostkeyalgorithms"].split(",")
    assert "macs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com\n" in host.check_output("ssh -G x")


def test_openssh_refuses_a_client_with_sha_1_only(host):
    """ssh(1) of the host itself, against the server that runs."""
    if host.backend.hostname == "virgin":
        pytest.skip("OpenSSH is asked for on the others")
    # Its status, 255, would pass for one of the connection to the host.
    said = host.check_output("ssh -F /dev/null -o BatchMode=yes -m hmac-sha1 -c aes128-ctr localhost 2>&1 || true")
    assert "no matching MAC found" in said
