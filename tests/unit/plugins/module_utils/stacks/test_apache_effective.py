# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What configurations mean."""

from __future__ import annotations

import pytest

from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks import apache_traps as traps
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.apache_tools import (
    MAIN,
    Case,
    host,
)

ADDRESS = "127.0.0.1:9443"


@pytest.mark.parametrize("trap", traps.TRAPS)
def test_traps(trap):
    body, expected = traps.TRAPS[trap]
    text = body.replace("{address}", ADDRESS).replace("{folder}", "/etc/x")
    case = Case({MAIN: f"Listen {ADDRESS}\nSSLCertificateFile /a\n{text}", "/etc/x/included.conf": traps.INCLUDED})
    servers = case.servers()
    for name, protocols in expected.items():
        found = [one for one in servers if f"{name}.example" in one.names] or [one for one in servers if one.is_default]
        assert [one.settings["protocols"].value for one in found] == [protocols], name


def test_before_2_4_42_the_first_host_decides_for_all():
    text = "Listen 443\n" + host("SSLProtocol all", "a") + host("SSLProtocol -all +TLSv1.2", "b")
    assert Case(text, version="2.4.41").value("protocols", "b") == traps.ALL
    assert Case(text, library="1.1.0").value("protocols", "b") == ("TLSv1.0", "TLSv1.1", "TLSv1.2")
    assert Case(text, version="2.4.42").value("protocols", "b") == ("TLSv1.2",)


def test_lists_of_tls13_and_older_are_inherited_apart():
    body = "SSLCipherSuite AES128-SHA\nSSLCipherSuite TLSv1.3 TLS_AES_128_GCM_SHA256\n"
    case = Case("Listen 443\n" + body + host("SSLCipherSuite SSL ECDHE-RSA-AES128-GCM-SHA256"))
    assert case.value("suites_tls12") == ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",)
    assert case.value("suites_tls13") == ("TLS_AES_128_GCM_SHA256",)


def test_suites_without_authentication_or_encryption_are_never_on():
    suites = Case("Listen 443\n" + host("SSLCipherSuite ALL:eNULL:aNULL:@SECLEVEL=0")).value("suites_tls12")
    assert suites and not [name for name in suites if "anon" in name or "NULL" in name]


def test_an_openssl_command_beats_the_list():
    body = "SSLCipherSuite ECDHE-RSA-AES128-GCM-SHA256\nSSLOpenSSLConfCmd CipherString AES128-SHA"
    assert Case("Listen 443\n" + host(body)).value("suites_tls12") == ("TLS_RSA_WITH_AES_128_CBC_SHA",)


def test_groups_are_those_of_the_first_host():
    text = "Listen 443\n" + host("SSLOpenSSLConfCmd Groups P-384", "a") + host("SSLOpenSSLConfCmd Curves P-256", "b")
    case = Case(text)
    assert case.value("groups", "a") == case.value("groups", "b") == ("secp384r1",)


def test_tickets_are_off_where_the_host_or_the_first_one_says_so():
    on, off = "SSLSessionTickets on", "SSLSessionTickets off"
    assert Case("Listen 443\n" + host(on)).value("session_tickets") == "static"
    assert Case("Listen 443\n" + host(off, "a") + host(on, "b")).value("session_tickets", "b") == "off"
    assert Case("Listen 443\n" + host(on, "a") + host(off, "b")).value("session_tickets", "b") == "off"
    assert Case("Listen 443\n" + host(on, "a") + host(off, "b")).value("session_tickets", "a") == "static"


def test_a_list_that_is_kept_elsewhere_is_not_guessed():
    assert "suites_tls12" not in Case("Listen 443\n" + host("SSLCipherSuite PROFILE=SYSTEM")).servers()[0].settings


@pytest.mark.parametrize(
    "listen, engine, certificate, tls",
    [
        ("443", "", True, True),
        ("443", "", False, False),
        ("443", "SSLEngine off", True, False),
        ("443", "SSLEngine optional", True, False),
        ("8443", "", True, False),
        ("8443 https", "", True, True),
        ("443 http", "", True, False),
        ("8443", "SSLEngine on", True, True),
    ],
)
def test_who_speaks_tls(listen, engine, certificate, tls):
    where = f"*:{listen.split()[0]}"
    text = f"Listen {listen}\n" + host("", where=where, engine=engine)
    text = text if certificate else text.replace("SSLCertificateFile /etc/ssl/a.pem\n", "")
    assert [one.tls for one in Case(text).listeners()] == [tls]


def test_addresses():
    text = (
        "Listen 80\nListen 443\nListen 127.0.0.1:9443 https\n"
        + host("", "own", "10.0.0.1:443")
        + host("", "every", "*:443")
        + host("", "default", "_default_:9443")
        + host("", "nobody listens", "*:7443")
    )
    found = [(one.address, one.names, one.tls, one.endpoints) for one in Case(text).listeners()]
    assert found == [
        ("*:80", (), False, ("http://127.0.0.1:80?sni=",)),
        ("10.0.0.1:443", ("own",), True, ("https://10.0.0.1:443?sni=", "https://10.0.0.1:443?sni=own")),
        ("*:443", ("every",), True, ("https://127.0.0.1:443?sni=", "https://127.0.0.1:443?sni=every")),
        ("127.0.0.1:9443", ("default",), True, ("https://127.0.0.1:9443?sni=", "https://127.0.0.1:9443?sni=default")),
    ]


def test_names_and_what_to_ask_for():
    text = "Listen 443\n" + host("ServerAlias *.wild.example A.Example b.example", "https://a.example:443")
    listener = Case(text).servers()[0]
    assert listener.names == ("a.example", "*.wild.example", "b.example")
    text = "Listen [::1]:443\n" + host("", "a", "[::1]:443") + host("ServerAlias w?.*.example", "a", "[0:0::1]:443")
    assert [one.endpoints for one in Case(text).servers()] == [
        ("https://[::1]:443?sni=", "https://[::1]:443?sni=a"),
        ("https://[::1]:443?sni=wx.in-transit-any-name.example",),
    ]


def test_backends():
    proxy = "SSLProxyEngine on\nProxyPass / https://backend.example/\nProxyPass /b balancer://pool/\n"
    pool = "<Proxy balancer://pool>\nBalancerMember https://10.0.0.2:8443\nBalancerMember http://10.0.0.3\n</Proxy>\n"
    case = Case("Listen 443\n" + host(proxy + pool + "SSLProxyProtocol TLSv1.2\nSSLProxyVerify require"))
    clients = [one for one in case.listeners() if one.role == "client"]
    assert [(one.address, one.endpoints) for one in clients] == [
        ("backend.example:443", ("tls://backend.example:443?sni=backend.example",)),
        ("10.0.0.2:8443", ("tls://10.0.0.2:8443?sni=",)),
    ]
    assert {one.settings["protocols"].value for one in clients} == {("TLSv1.2",)}
    assert clients[0].settings["peer_verification"].value is True


def test_no_backend_without_the_engine_and_defaults_with_it():
    assert Case("Listen 443\n" + host("ProxyPass / https://backend/")).listeners()[-1].role == "server"
    client = Case("Listen 443\nSSLProxyEngine on\n" + host("ProxyPass / https://backend/")).listeners()[-1]
    assert client.settings["protocols"].value == traps.ALL and client.settings["peer_verification"].value is False


def test_provenance_names_file_and_line_of_the_deciding_line():
    case = Case({MAIN: "Listen 443\nInclude sites/*.conf\n", "/etc/apache2/sites/a.conf": host("SSLProtocol \\\n all")})
    place = case.servers()[0].settings["protocols"].provenance[0]
    assert place == ("/etc/apache2/sites/a.conf", 6, "SSLProtocol all")
    default = Case("Listen 443\n" + host("")).servers()[0].settings["protocols"].provenance[0]
    assert default.file == "" and "built-in default of httpd 2.4.68" in default.text


@pytest.mark.parametrize(
    "body, age",
    [
        ("", 0),
        ("Header set Strict-Transport-Security max-age=100", 100),
        ('Header always set Strict-Transport-Security "max-age=100; includeSubDomains"', 100),
        ("Header always set Strict-Transport-Security max-age=100 env=HTTPS", 100),
        ("Header always set Strict-Transport-Security max-age=100 env=SOMETIMES", 0),
        ("Header always set Strict-Transport-Security max-age=100\nHeader always unset Strict-Transport-Security", 0),
        ("Header set Strict-Transport-Security max-age=9\n<If 1>\nHeader unset strict-transport-security\n</If>", 0),
        ("ProxyPass / http://app/", None),
        ("ProxyPassMatch ^/(.*)$ http://app/$1", None),
        ("<Location />\nProxyPass http://app/\n</Location>", None),
        ("ProxyPass /api/ http://app/", 0),
        ("<FilesMatch php>\nSetHandler application/x-httpd-php\n</FilesMatch>", 0),
        ('Header set Strict-Transport-Security "max-age=100"\nProxyPass / http://app/', 100),
        ("Header set Strict-Transport-Security %{AGE}e", None),
    ],
)  # fmt: skip
def test_hsts(body, age):
    settings = Case("Listen 443\n" + host(body)).servers()[0].settings
    assert (settings["hsts_max_age"].value if "hsts_max_age" in settings else None) == age


def test_hsts_of_the_host_replaces_the_global_one():
    everywhere = "Header always set Strict-Transport-Security max-age=5\n"
    assert Case("Listen 443\n" + everywhere + host("")).value("hsts_max_age") == 5
    body = "Header always set Strict-Transport-Security max-age=7"
    assert Case("Listen 443\n" + everywhere + host(body)).value("hsts_max_age") == 7


@pytest.mark.parametrize(
    "body, value",
    [
        ("", "served"),
        ("Redirect permanent / https://a.example/", "redirected"),
        ("Redirect / https://a.example/", "redirected"),
        ("Redirect 301 /old https://a.example/", "served"),
        ("Redirect / http://b.example/", "served"),
        ("RedirectMatch 301 ^/(.*)$ https://a.example/$1", "redirected"),
        ("RewriteEngine On\nRewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [R=301,L]", "redirected"),
        ("RewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule (.*) https://%{HTTP_HOST}$1 [R,L]", "redirected"),
        ("RewriteEngine On\nRewriteCond %{HTTPS} !=on\nRewriteRule ^/?(.*) https://a/$1 [R,L]", "redirected"),
        ("RewriteEngine On\nRewriteCond %{REQUEST_URI} !^/\\.well-known/acme-challenge/\nRewriteRule ^ https://a/ [R]",
         "redirected"),
        ("RewriteEngine On\nRewriteCond %{HTTP_USER_AGENT} kiosk\nRewriteRule ^ https://a/ [R]", "served"),
        ("RewriteEngine On\nRewriteRule ^/app /index.php [L]\nRewriteRule ^ https://a/ [R]", "served"),
        ("RewriteEngine Off\nRewriteRule ^ https://a/ [R]", "served"),
        ("RewriteEngine On\nRewriteRule ^ - [F]", "refused"),
        ("<Location />\nRequire all denied\n</Location>", "refused"),
        ("<Location />\nRequire all granted\n</Location>", "served"),
        ("<Location />\nSSLRequireSSL\n</Location>", "refused"),
    ],
)  # fmt: skip
def test_plaintext(body, value):
    text = f"Listen 80\n<VirtualHost *:80>\nServerName a.example\n{body}\n</VirtualHost>\n"
    assert Case(text).listeners()[0].settings["plaintext"].value == value
