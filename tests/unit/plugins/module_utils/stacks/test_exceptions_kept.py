# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans of all stacks under an exception: what it names stays as found, everything else is mended, nothing is added."""

from __future__ import annotations

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Kept
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks import (
    apache_tools,
    haproxy_tools,
    nginx_tools,
    postfix_tools,
    vsftpd_tools,
)

OLD_SUITE = "TLS_RSA_WITH_AES_128_CBC_SHA"
APPROVED = ("TLSv1.2", "TLSv1.3")


def keeping(*ports, names=None, checks=("protocol.tls1_0", "suite.forbidden"), protocols=("TLSv1.0",)):
    """Option ``exceptions`` of a plan: one exception for these ports, and perhaps for one server name."""
    kept = Kept(("EXC-2026-001",), frozenset(checks), frozenset(protocols), frozenset([OLD_SUITE]))

    def ask(port, asked):
        return kept if port in ports and (names is None or (asked and set(asked) <= set(names))) else Kept()

    return ask


# --- nginx ------------------------------------------------------------------------------------------------------

TWO_SERVERS = """events {}
http {
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    ssl_ciphers AES128-SHA:AES256-SHA:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0;
    ssl_certificate /c; ssl_certificate_key /k;
    server { listen 8443 ssl; server_name pumps.example; }
    server { listen 443 ssl; server_name portal.example; }
}
"""


def test_nginx_keeps_in_the_server_what_it_inherited_and_mends_the_rest():
    case = nginx_tools.Case(TWO_SERVERS)
    after = case.mended(exceptions=keeping(8443))
    assert after.value("protocols", "pumps.example") == ("TLSv1.0", *APPROVED)
    assert after.value("protocols", "portal.example") == APPROVED
    suites = after.value("suites_tls12", "pumps.example")
    assert OLD_SUITE in suites and "TLS_RSA_WITH_AES_256_CBC_SHA" not in suites
    assert "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" in suites
    assert OLD_SUITE not in after.value("suites_tls12", "portal.example")


def test_nginx_never_switches_on_what_is_off():
    case = nginx_tools.Case(TWO_SERVERS.replace("TLSv1 TLSv1.1 ", "").replace("AES128-SHA:AES256", "AES256"))
    after = case.mended(exceptions=keeping(8443))
    assert after.value("protocols", "pumps.example") == APPROVED
    assert OLD_SUITE not in after.value("suites_tls12", "pumps.example")


def test_nginx_with_a_directive_of_its_own():
    text = TWO_SERVERS.replace("pumps.example;", "pumps.example; ssl_protocols SSLv3 TLSv1;")
    after = nginx_tools.Case(text).mended(exceptions=keeping(8443))
    assert after.value("protocols", "pumps.example") == ("TLSv1.0", *APPROVED)


def test_nginx_keeps_only_the_name_that_is_excepted_where_each_name_has_its_own():
    text = TWO_SERVERS.replace("listen 8443", "listen 443")
    after = nginx_tools.Case(text, version="1.29.3").mended(exceptions=keeping(443, names=["pumps.example"]))
    assert after.value("protocols", "pumps.example") == ("TLSv1.0", *APPROVED)
    assert after.value("protocols", "portal.example") == APPROVED


def test_nginx_tells_of_neighbours_that_cannot_be_mended_beside_it():
    text = TWO_SERVERS.replace("listen 8443", "listen 443")
    case = nginx_tools.Case(text, version="1.22.1")
    options = {"exceptions": keeping(443, names=["pumps.example"])}
    after = case.mended(**options)
    assert after.value("protocols", "portal.example") == ("TLSv1.0", *APPROVED)
    assert "protocol.tls1_0" in {item.check for item in case.plan(**options).unmended}


@pytest.mark.parametrize("shared", ["ssl_protocols TLSv1 TLSv1.2;", "ssl_protocols TLSv1 TLSv1.2; # device"])
def test_nginx_keeps_a_snippet_that_the_server_shares(shared):
    text = TWO_SERVERS.replace("server_name", "include tls.conf; server_name")
    case = nginx_tools.Case({nginx_tools.MAIN: text, "/etc/nginx/tls.conf": shared})
    after = case.mended(exceptions=keeping(8443))
    assert after.value("protocols", "pumps.example") == ("TLSv1.0", "TLSv1.2")
    assert "protocol.tls1_0" in {item.check for item in case.plan(exceptions=keeping(8443)).unmended}


def test_nginx_tickets_and_hsts():
    text = TWO_SERVERS.replace("ssl_certificate /c", "ssl_session_tickets on; ssl_certificate /c")
    options = {"exceptions": keeping(8443, checks=("session.tickets", "http.hsts"), protocols=()), "hsts": "mend"}
    after = nginx_tools.Case(text).mended(**options)
    assert after.value("session_tickets", "pumps.example") != "off"
    assert after.value("session_tickets", "portal.example") == "off"
    assert after.value("hsts_max_age", "pumps.example") == 0 < after.value("hsts_max_age", "portal.example")


# --- httpd ------------------------------------------------------------------------------------------------------

HOSTS = """Listen 8443
Listen 443
SSLProtocol all
SSLCipherSuite AES128-SHA:AES256-SHA:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0
"""


def apache(body):
    pumps = apache_tools.host(body, "pumps.example", "*:8443")
    return apache_tools.Case(HOSTS + pumps + apache_tools.host("", "portal.example", "*:443"))


def test_httpd_keeps_in_the_host_what_it_inherited_and_mends_the_rest():
    case = apache("")
    after = case.mended(exceptions=keeping(8443))
    # From the newest protocol that is on, httpd goes down to the first hole.
    assert after.value("protocols", "pumps.example") == ("TLSv1.0", "TLSv1.1", *APPROVED)
    assert after.value("protocols", "portal.example") == APPROVED
    assert OLD_SUITE in after.value("suites_tls12", "pumps.example")
    assert OLD_SUITE not in after.value("suites_tls12", "portal.example")
    told = [item.reason for item in case.plan(exceptions=keeping(8443)).unmended if item.check == "protocol.tls1_1"]
    assert told and "EXC-2026-001" in told[0]


def test_httpd_with_directives_of_its_own():
    after = apache("SSLProtocol all -TLSv1.1 -TLSv1\nSSLCipherSuite AES128-SHA").mended(exceptions=keeping(8443))
    assert after.value("protocols", "pumps.example") == APPROVED
    assert OLD_SUITE in after.value("suites_tls12", "pumps.example")


def test_httpd_keeps_nothing_newer_where_what_is_named_is_off():
    after = apache("SSLProtocol all -TLSv1").mended(exceptions=keeping(8443))
    assert after.value("protocols", "pumps.example") == APPROVED


MAIN_SPEAKS = HOSTS + "SSLEngine on\nSSLCertificateFile /a\nSSLCertificateKeyFile /a\n"


@pytest.mark.parametrize("own", [MAIN_SPEAKS, MAIN_SPEAKS.replace("SSLProtocol all\n", "")], ids=["set", "built-in"])
def test_httpd_keeps_in_the_main_server_what_its_hosts_do_not_inherit_any_more(own):
    hosts = [apache_tools.host("", name, f"*:{port}") for name, port in (("a.example", 443), ("b.example", 444))]
    case = apache_tools.Case(own.replace("Listen 443\n", "Listen 443\nListen 444\n") + "".join(hosts))
    after = case.mended(exceptions=keeping(8443))
    found = {one.address.rpartition(":")[2]: one.settings for one in after.listeners() if one.tls}
    assert found["8443"]["protocols"].value == ("TLSv1.0", "TLSv1.1", *APPROVED)
    assert OLD_SUITE in found["8443"]["suites_tls12"].value
    for port in ("443", "444"):
        assert found[port]["protocols"].value == APPROVED
        assert OLD_SUITE not in found[port]["suites_tls12"].value


# --- HAProxy ----------------------------------------------------------------------------------------------------


def test_haproxy_keeps_nothing_newer_where_what_is_named_is_off():
    text = "global\n ssl-default-bind-options ssl-min-ver TLSv1.1\nfrontend f\n bind :8443 ssl crt x\n"
    after = haproxy_tools.Case(text).mended(exceptions=keeping(8443))
    assert after.value("protocols", 8443) == APPROVED


# --- Postfix ----------------------------------------------------------------------------------------------------

MAIN_CF = """smtpd_tls_security_level = may
smtpd_tls_chain_files = /etc/postfix/chain.pem
smtpd_tls_protocols = !SSLv2, !SSLv3
smtpd_tls_mandatory_protocols = !SSLv2, !SSLv3
smtpd_tls_ciphers = medium
tls_medium_cipherlist = AES128-SHA:AES256-SHA:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0
"""
MASTER_CF = """smtp inet n - y - - smtpd
2525 inet n - y - - smtpd
"""


def test_postfix_keeps_in_the_service_what_main_cf_had_and_mends_the_rest():
    case = postfix_tools.Case(MAIN_CF, MASTER_CF)
    after = case.mended(exceptions=keeping(2525))
    by_port = {one.address.rpartition(":")[2]: one.settings for one in after.listeners() if one.role == "server"}
    assert by_port["2525"]["protocols"].value == ("TLSv1.0", *APPROVED)
    assert by_port["25"]["protocols"].value == APPROVED
    assert OLD_SUITE in by_port["2525"]["suites_tls12"].value
    assert "TLS_RSA_WITH_AES_256_CBC_SHA" not in by_port["2525"]["suites_tls12"].value
    assert OLD_SUITE not in by_port["25"]["suites_tls12"].value


# --- vsftpd -----------------------------------------------------------------------------------------------------


def test_vsftpd_keeps_what_is_named():
    text = "listen=YES\nssl_enable=YES\nssl_tlsv1=YES\nssl_ciphers=AES128-SHA:AES256-SHA:@SECLEVEL=0\nlocal_enable=NO\n"
    case = vsftpd_tools.Case(text)
    assert "TLSv1.0" in case.value("protocols")
    after = case.mended(exceptions=keeping(21))
    assert "TLSv1.0" in after.value("protocols") and OLD_SUITE in after.value("suites_tls12")
    assert "TLS_RSA_WITH_AES_256_CBC_SHA" not in after.value("suites_tls12")
    assert "TLSv1.0" not in case.mended(exceptions=keeping(2121)).value("protocols")
    told = [item.reason for item in case.plan(exceptions=keeping(21)).unmended if item.check == "protocol.tls1_1"]
    assert told and told[0].endswith("cannot switch TLSv1.1 off while EXC-2026-001 keeps TLSv1.0 on")


def test_vsftpd_keeps_plaintext_for_a_device_that_has_nothing_else():
    text = "listen=YES\nssl_enable=YES\nlocal_enable=YES\nforce_local_data_ssl=NO\n"
    exceptions = keeping(21, checks=("transport.plaintext",), protocols=())
    assert vsftpd_tools.Case(text).mended(exceptions=exceptions).value("plaintext") == "served"
    assert vsftpd_tools.Case(text).mended().value("plaintext") == "refused"
