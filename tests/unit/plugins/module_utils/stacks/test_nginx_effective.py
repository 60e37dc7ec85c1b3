# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a configuration means: addresses and names, inheritance, versions, commands, upstreams, headers, redirects."""

from __future__ import annotations

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx.addresses import listen
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import MAIN, Case

OLD = ("TLSv1.0", "TLSv1.1", "TLSv1.2")
ALL = (*OLD, "TLSv1.3")
NEW = ("TLSv1.2", "TLSv1.3")


def https(body="", http="", **kwargs):
    return Case(f"http {{ {http} server {{ listen 443 ssl; {body} }} }}", **kwargs)


# --- protocols --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.8.1", ("SSLv3", *OLD)),
        ("1.9.1", OLD),
        ("1.22.1", OLD),
        ("1.23.4", ALL),
        ("1.26.3", ALL),
        ("1.27.3", NEW),
    ],
)
def test_built_in_protocols_by_version(version, expected):
    setting = https(version=version).servers()[0].settings["protocols"]
    assert setting.value == expected
    assert setting.provenance[0][:2] == ("", 0)
    assert setting.provenance[0].text == f"built-in default of nginx {version}: ssl_protocols"


@pytest.mark.parametrize(
    ("http", "server", "expected"),
    [
        ("ssl_protocols TLSv1;", "", ("TLSv1.0",)),
        ("ssl_protocols TLSv1;", "ssl_protocols TLSv1.3;", ("TLSv1.3",)),
        ("ssl_protocols TLSv1; ssl_protocols TLSv1.2 TLSv1.3;", "", ("TLSv1.0", *NEW)),
        ("", "ssl_protocols tlsv1.2 TLSV1.3;", NEW),
        ("", "ssl_protocols SSLv2 TLSv1.2;", ("TLSv1.2",)),  # OpenSSL 3 has no SSLv2
        ("ssl_protocols TLSv1.2;", "ssl_conf_command Protocol ALL;", ("SSLv3", *ALL)),
        ("ssl_protocols TLSv1.2;", "ssl_conf_command protocol ALL,-SSLv3,-TLSv1;", ("TLSv1.1", *NEW)),
        ("", "ssl_protocols TLSv1 TLSv1.2; ssl_conf_command Protocol -TLSv1;", ("TLSv1.2",)),
        ("ssl_conf_command MinProtocol TLSv1.2;", "ssl_protocols TLSv1 TLSv1.1 TLSv1.2;", ("TLSv1.2",)),
        ("ssl_conf_command MinProtocol TLSv1.2;", "ssl_protocols TLSv1; ssl_conf_command Options KTLS;", ("TLSv1.0",)),
        ("", "ssl_protocols TLSv1.2 TLSv1.3; ssl_conf_command MinProtocol TLSv1;", NEW),
        ("", "ssl_protocols TLSv1.2 TLSv1.3; ssl_conf_command MaxProtocol TLSv1.2;", ("TLSv1.2",)),
        ("", "ssl_protocols TLSv1; ssl_conf_command MinProtocol TLSv1.2;", ()),
    ],
)
def test_protocols_in_force(http, server, expected):
    assert https(server, http).value("protocols") == expected


def test_every_place_that_makes_a_value_is_told():
    case = Case(
        {
            MAIN: "http {\n ssl_protocols TLSv1;\n include conf.d/*;\n server { listen 443 ssl; } }",
            "/etc/nginx/conf.d/tls.conf": "# x\nssl_protocols\n TLSv1.2;",
        }
    )
    assert case.servers()[0].settings["protocols"].provenance == (
        (MAIN, 2, "ssl_protocols TLSv1;"),
        ("/etc/nginx/conf.d/tls.conf", 2, "ssl_protocols TLSv1.2;"),
    )


TWO = """http { ssl_protocols TLSv1.2;
  server { listen 443 ssl; server_name a; %s }
  server { listen 443 ssl; server_name b; ssl_protocols TLSv1 TLSv1.3; ssl_ciphers AES256-SHA;
           ssl_ecdh_curve secp521r1; ssl_session_tickets off; ssl_certificate b.pem; } }"""


@pytest.mark.parametrize(("version", "expected"), [("1.29.1", ("TLSv1.2",)), ("1.29.2", ("TLSv1.0", "TLSv1.3"))])
def test_whose_protocols_count_depends_on_the_version(version, expected):
    case = Case(TWO % "", version)
    assert case.value("protocols", "a") == ("TLSv1.2",)
    assert case.value("protocols", "b") == expected


def test_what_follows_the_name_and_what_the_address():
    case = Case(TWO % "ssl_ecdh_curve X25519; ssl_session_ticket_key k;")
    assert case.value("suites_tls12", "b") == ("TLS_RSA_WITH_AES_256_CBC_SHA",)
    assert case.value("certificates", "b") == ("b.pem",)
    assert case.value("session_tickets", "b") == "off"
    assert case.value("session_tickets", "a") == "static"
    assert case.value("groups", "b") == ("x25519",)


def test_modules_do_not_inherit_from_each_other():
    case = Case(
        "http { ssl_protocols TLSv1.3; } stream { server { listen 1 ssl; } }"
        " mail { ssl_protocols TLSv1.2; server { listen 993 ssl; } }"
    )
    assert [(one.context, one.settings["protocols"].value) for one in case.servers()] == [
        ("stream", OLD), ("mail", ("TLSv1.2",)),
    ]  # fmt: skip


# --- suites, groups, tickets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("http", "server", "expected"),
    [
        ("ssl_ciphers AES128-SHA;", "", ("TLS_RSA_WITH_AES_128_CBC_SHA",)),
        ("ssl_ciphers AES128-SHA;", "ssl_ciphers AES256-SHA:NO-SUCH;", ("TLS_RSA_WITH_AES_256_CBC_SHA",)),
        ("ssl_conf_command CipherString AES128-SHA;", "ssl_ciphers AES256-SHA;", ("TLS_RSA_WITH_AES_128_CBC_SHA",)),
        ("", "ssl_ciphers NO-SUCH;", ()),
        ("", "ssl_ciphers DHE-RSA-AES128-GCM-SHA256:AES256-SHA;", ("TLS_RSA_WITH_AES_256_CBC_SHA",)),
        ("ssl_dhparam x;", "ssl_ciphers DHE-RSA-AES128-GCM-SHA256;", ("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",)),
        ("ssl_protocols TLSv1.3;", "ssl_ciphers AES256-SHA;", ()),
        ("", "ssl_ciphers ECDHE-PSK-CHACHA20-POLY1305:AES256-SHA;", ("TLS_RSA_WITH_AES_256_CBC_SHA",)),
        ("", "ssl_ciphers AES256-SHA@SECLEVEL=2;", ("TLS_RSA_WITH_AES_256_CBC_SHA",)),
    ],
)
def test_suites_up_to_tls12(http, server, expected):
    assert https(server, http).value("suites_tls12") == expected


def test_a_list_of_the_system_is_not_known():
    assert "suites_tls12" not in https("ssl_ciphers PROFILE=SYSTEM;").servers()[0].settings


CHACHA = "TLS_CHACHA20_POLY1305_SHA256"


@pytest.mark.parametrize(
    ("http", "server", "library", "expected"),
    [
        ("", "", "3.0.19", 3),
        ("", "", "1.0.2", 0),
        ("", "ssl_protocols TLSv1.2;", "3.0.19", 0),
        (f"ssl_conf_command Ciphersuites {CHACHA};", "", "3.0.19", 1),
        (f"ssl_conf_command Ciphersuites {CHACHA};", "ssl_conf_command Options KTLS;", "3.0.19", 3),
        ("", f"ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:{CHACHA};", "3.0.19", 2),
        ("", "ssl_conf_command Ciphersuites NO_SUCH;", "3.0.19", 0),
    ],
)
def test_suites_of_tls13(http, server, library, expected):
    found = https(server, http, version="1.26.3", library=library).value("suites_tls13")
    assert len(found) == expected and (expected == 0 or CHACHA in found)


@pytest.mark.parametrize(
    ("body", "version", "library", "expected"),
    [
        ("ssl_ecdh_curve prime256v1:X448;", "1.22.1", "3.0.19", ("secp256r1", "x448")),
        ("ssl_ecdh_curve X448; ssl_conf_command Groups P-384;", "1.22.1", "3.0.19", ("secp384r1",)),
        ("ssl_conf_command Curves X25519;", "1.22.1", "3.0.19", ("x25519",)),
        ("", "1.10.3", "1.0.2", ("secp256r1",)),
        ("ssl_ecdh_curve ?X25519MLKEM768:X25519;", "1.26.3", "3.5.0", ("X25519MLKEM768", "x25519")),
    ],
)
def test_groups(body, version, library, expected):
    assert https(body, version=version, library=library).value("groups") == expected


def test_default_groups_are_those_of_the_library():
    assert https(library="3.5.0").value("groups")[0] == "X25519MLKEM768"
    assert https("ssl_ecdh_curve auto;", library="1.1.1").value("groups") == https(library="1.1.1").value("groups")


@pytest.mark.parametrize(
    ("body", "version", "expected"),
    [
        ("", "1.22.1", "static"),
        ("ssl_session_cache shared:x:1m;", "1.22.1", "static"),
        ("ssl_session_cache shared:x:1m;", "1.23.2", "rotated"),
        ("ssl_session_cache builtin shared:x:1m; ssl_session_ticket_key k;", "1.23.2", "static"),
        ("ssl_session_tickets off; ssl_session_ticket_key k;", "1.23.2", "off"),
        ("ssl_session_tickets off; ssl_conf_command Options +SessionTicket;", "1.22.1", "static"),
        ("ssl_conf_command Options KTLS,-SessionTicket;", "1.22.1", "off"),
    ],
)
def test_session_tickets(body, version, expected):
    assert https(body, version=version).value("session_tickets") == expected


# --- addresses and names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", ("*", 80, "tcp", False)),
        ("8080", ("*", 8080, "tcp", False)),
        ("*:443 ssl", ("*", 443, "tcp", True)),
        ("0.0.0.0:443", ("*", 443, "tcp", False)),
        ("127.0.0.1", ("127.0.0.1", 80, "tcp", False)),
        ("localhost:81", ("127.0.0.1", 81, "tcp", False)),
        ("[::]:443 ssl ipv6only=on", ("[::]", 443, "tcp", True)),
        ("[2001:DB8:0:0::1]", ("[2001:db8::1]", 80, "tcp", False)),
        ("443 quic reuseport", ("*", 443, "quic", True)),
        ("53 udp", ("*", 53, "udp", False)),
        ("unix:/run/x.sock ssl", ("unix:/run/x.sock", 0, "unix", True)),
        ("9000-9010", ("*", 9000, "tcp", False)),
        ("web.example:8443", ("web.example", 8443, "tcp", False)),
    ],
)
def test_listen(words, expected):
    found = listen(words.split(), 80)
    assert (found.host, found.port, found.transport, found.tls) == expected


def table(case):
    return [(one.address, one.names, one.is_default, one.tls, one.endpoints) for one in case.listeners()]


def test_addresses_have_their_own_default_servers():
    case = Case(
        """http {
        server { listen 443 ssl; listen 127.0.0.1:443; listen [::]:443; server_name a; }
        server { listen 443 default_server; server_name b *.c; }
        server { listen 443; server_name a d; } }"""
    )
    host = "https://127.0.0.2:443"
    assert table(case) == [
        ("*:443", ("b", "*.c"), True, True, (f"{host}?sni=", f"{host}?sni=b")),
        ("*:443", ("a",), False, True, (f"{host}?sni=a",)),
        ("*:443", ("d",), False, True, (f"{host}?sni=d",)),
        ("127.0.0.1:443", ("a",), True, False, ("http://127.0.0.1:443?sni=a",)),
        ("[::]:443", ("a",), True, False, ("http://[::1]:443?sni=a",)),
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("listen 443 ssl;", ["https://127.0.0.1:443?sni="]),
        ("listen 8443 ssl proxy_protocol;", ["https://127.0.0.1:8443?sni=&proxy_protocol=1"]),
        ("listen unix:/x ssl;", []),
        ("listen 443 quic;", []),
        ("listen 10.0.0.1:443 ssl; server_name _ ~^x *.w;",
         ["https://10.0.0.1:443?sni=", "https://10.0.0.1:443?sni=in-transit-any-name.w"]),
        ("listen [2001:db8::1]:443 ssl; server_name .Dot;",
         ["https://[2001:db8::1]:443?sni=", "https://[2001:db8::1]:443?sni=dot"]),
        ("listen 443 ssl; server_name w.*;",
         ["https://127.0.0.1:443?sni=", "https://127.0.0.1:443?sni=w.invalid"]),
        ("listen 443 ssl; server_name $hostname;",
         ["https://127.0.0.1:443?sni=", "https://127.0.0.1:443?sni=host.example"]),
        ("listen 443 ssl; server_name 10.0.0.1 ü.example;", ["https://127.0.0.1:443?sni="]),
        ("", ["http://127.0.0.1:80?sni="]),
    ],
)  # fmt: skip
def test_endpoints(body, expected):
    assert [uri for one in Case(f"http {{ server {{ {body} }} }}").listeners() for uri in one.endpoints] == expected


def test_ssl_on_of_old_versions_makes_the_address_tls():
    assert [one.tls for one in Case("http { ssl on; server { listen 443; } }", "1.14.0").listeners()] == [True]


def test_mail_and_stream_listeners():
    case = Case(
        """mail { server { listen 25; starttls only; } server { listen 993 ssl; }
                  server { listen 110; protocol pop3; } }
        stream { server { listen 2762 ssl; proxy_pass x:1; } server { listen 104; proxy_pass x:1; } }"""
    )
    assert [(one.context, one.address, one.tls, one.endpoints) for one in case.listeners()] == [
        ("mail", "*:25", True, ("smtp://127.0.0.1:25?sni=",)),
        ("mail", "*:993", True, ("imaps://127.0.0.1:993?sni=",)),
        ("mail", "*:110", False, ()),
        ("stream", "*:2762", True, ("tls://127.0.0.1:2762?sni=",)),
        ("stream", "*:104", False, ()),
    ]


def test_quic_speaks_only_tls13():
    case = Case("http { server { listen 443 quic; listen 443 ssl; ssl_protocols TLSv1 TLSv1.3; } }", "1.26.3")
    assert {one.context: one.settings["protocols"].value for one in case.listeners()} == {
        "http/3": ("TLSv1.3",), "http": ("TLSv1.0", "TLSv1.3"),
    }  # fmt: skip


# --- upstreams --------------------------------------------------------------------------------------------------


def clients(text, **kwargs):
    return [one for one in Case(text, **kwargs).listeners() if one.role == "client"]


def test_connections_to_upstreams():
    text = """http {
      upstream g { server 10.0.0.1:8443 weight=2; server 10.0.0.2; server unix:/run/b; }
      proxy_ssl_protocols TLSv1.2; proxy_ssl_verify on;
      server {
        location /a { proxy_pass https://g/path; proxy_ssl_server_name on; }
        location /b { proxy_pass https://b.example; proxy_ssl_protocols TLSv1; proxy_ssl_verify off; }
        location /c { proxy_pass http://plain; }
        location /d { grpc_pass grpcs://[2001:db8::1]:50051; }
        location /e { uwsgi_pass suwsgi://10.0.0.3:3031; }
        location /f { set $x 1; proxy_pass https://$x:8443; }
        location /g { if ($x) { proxy_pass https://b.example; } }
      } }
    stream { server { listen 1; proxy_pass 10.0.0.9:389; proxy_ssl on; } server { listen 2; proxy_pass x:1; } }"""
    found = clients(text)
    assert [(one.context, one.address, one.names, one.endpoints) for one in found] == [
        ("http", "10.0.0.1:8443", ("g",), ("tls://10.0.0.1:8443?sni=g",)),
        ("http", "10.0.0.2:80", ("g",), ("tls://10.0.0.2:80?sni=g",)),
        ("http", "unix:/run/b", ("g",), ()),
        ("http", "b.example:443", (), ("tls://b.example:443?sni=",)),
        ("http", "[2001:db8::1]:50051", (), ("tls://[2001:db8::1]:50051?sni=",)),
        ("http", "10.0.0.3:3031", (), ("tls://10.0.0.3:3031?sni=",)),
        ("http", "$x:8443", (), ()),
        ("http", "b.example:443", (), ("tls://b.example:443?sni=",)),
        ("stream", "10.0.0.9:389", (), ("tls://10.0.0.9:389?sni=",)),
    ]
    settings = {(one.address, one.settings["protocols"].value): one.settings for one in found}
    assert settings["10.0.0.1:8443", ("TLSv1.2",)]["peer_verification"].value is True
    assert settings["b.example:443", ("TLSv1.0",)]["peer_verification"].value is False
    assert settings["[2001:db8::1]:50051", OLD]["peer_verification"].provenance[0].text.endswith("grpc_ssl_verify off")


def test_the_same_connection_from_many_places_is_judged_once():
    locations = "".join(f"location /{number} {{ proxy_pass https://b; }}" for number in range(50))
    assert len(clients(f"http {{ server {{ {locations} }} }}")) == 1


# --- HSTS -------------------------------------------------------------------------------------------------------

H = "add_header Strict-Transport-Security max-age=100;"


@pytest.mark.parametrize(
    ("http", "server", "version", "expected"),
    [
        ("", "", "1.22.1", 0),
        (H, "", "1.22.1", 100),
        (H, "add_header X y;", "1.22.1", 0),
        ("", H + "location / { }", "1.22.1", 100),
        ("", H + "location / { add_header X y; }", "1.22.1", 0),
        ("", H + "location / { location /b { add_header X y; } }", "1.22.1", 0),
        ("", H + "location / { if ($a) { add_header X y; } }", "1.22.1", 0),
        ("", H + "if ($a) { add_header X y; }", "1.22.1", 100),
        ("", "location / { " + H + "}", "1.22.1", 100),
        ("", "location /a { " + H + "}", "1.22.1", 0),
        ("add_header_inherit merge;", H + "location / { add_header X y; }", "1.29.3", 100),
        ("", H + "add_header_inherit off; location / { }", "1.29.3", 0),
        ("", "add_header strict-transport-security 'includeSubDomains; max-age=\"200\"' always;", "1.22.1", 200),
        ("", "add_header Strict-Transport-Security max-age=100; add_header Strict-Transport-Security max-age=9;",
         "1.22.1", 100),
        ("", "add_header Strict-Transport-Security nonsense;", "1.22.1", 0),
        ("", "add_header Strict-Transport-Security $hsts;", "1.22.1", None),
        ("", "location / { proxy_pass http://b; }", "1.22.1", None),
        ("", "location / { proxy_pass http://b; } location /s { root /s; }", "1.22.1", 0),
        ("", "location / { add_header X y; proxy_pass http://b; }", "1.22.1", None),
        ("more_set_headers 'Strict-Transport-Security: max-age=300';", "location / { add_header X y; }", "1.22.1", 300),
    ],
)  # fmt: skip
def test_hsts(http, server, version, expected):
    found = https(server, http, version=version).servers()[0].settings.get("hsts_max_age")
    assert (found.value if found else None) == expected


def test_a_server_that_rejects_every_handshake_needs_no_hsts():
    assert "hsts_max_age" not in https("ssl_reject_handshake on;").servers()[0].settings


# --- plaintext --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", "served"),
        ("return 301 https://$host$request_uri;", "redirected"),
        ("return 308 https://x;", "redirected"),
        ("return https://x;", "redirected"),
        ("return 301 http://x;", "served"),
        ("return 301 $scheme://x;", "served"),
        ("return 200 hello;", "served"),
        ("return 444;", "refused"),
        ("return 404;", "refused"),
        ("rewrite ^ https://$host$request_uri? permanent;", "redirected"),
        ("rewrite ^/(.*)$ https://x/$1;", "redirected"),
        ("rewrite ^/old https://x;", "served"),
        ("rewrite ^ /other last; return 301 https://x;", "served"),
        ("break; return 301 https://x;", "served"),
        ("if ($scheme = http) { return 301 https://x; }", "redirected"),
        ('if ($https = "") { return 301 https://x; }', "redirected"),
        ("if ($server_port = 80) { return 301 https://x; }", "redirected"),
        ("if ($server_port = 81) { return 301 https://x; }", "served"),
        ("if ($host = a) { return 301 https://a; } return 404;", "redirected"),
        ("if ($host = a) { return 301 https://a; }", "served"),
        ("if ($ua) { return 200 x; } return 301 https://a;", "served"),
        ("if ($ua) { set $x 1; } return 301 https://a;", "redirected"),
        ("location / { return 301 https://x; }", "redirected"),
        ("location / { return 301 https://x; } location /.well-known/acme-challenge/ { root /srv; }", "redirected"),
        ("location / { return 301 https://x; } location ^~ /.well-known/acme-challenge { root /srv; }", "redirected"),
        ("location / { return 301 https://x; } location /status { stub_status; }", "served"),
        ("location / { return 301 https://x; } location = /health { return 403; }", "redirected"),
        ("location /a { return 301 https://x; }", "served"),
        ("location / { proxy_pass http://b; }", "served"),
    ],
)
def test_plaintext(body, expected):
    (listener,) = Case(f"http {{ server {{ listen 80; {body} }} }}").listeners()
    assert listener.settings["plaintext"].value == expected
    assert all(place.file == MAIN for place in listener.settings["plaintext"].provenance)


def test_a_socket_file_is_no_network():
    (listener,) = Case("http { server { listen unix:/run/x; } }").listeners()
    assert listener.settings == {}
