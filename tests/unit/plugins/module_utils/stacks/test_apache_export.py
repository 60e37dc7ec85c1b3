# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration as evidence holds no secret, and every line keeps its number."""

from __future__ import annotations

import json

import pytest

from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.apache_tools import (
    APACHE,
    MAIN,
    Case,
    host,
)

SECRET = "hunter2-Zq"


@pytest.mark.parametrize(
    "line",
    [
        f"AuthLDAPBindPassword {SECRET}",
        f'AuthLDAPBindPassword "{SECRET} x"',
        f"DBDParams host=db,user=u,pass={SECRET}",
        f'DBDParams "host=db \\\n password={SECRET}"',
        f"SessionCryptoPassphrase {SECRET}",
        f"OIDCClientSecret {SECRET}",
        f"ProxyPass /a http://user:{SECRET}@backend/",
        f"ProxyPass /a ajp://backend:8009 secret={SECRET} timeout=5",
        f"BalancerMember ajp://backend secret='{SECRET}'",
        f"SetEnv DB_PASSWORD {SECRET}",
        f'RequestHeader set Authorization "Basic {SECRET}aGVsbG8="',
        f"Header set X-Api-Key {SECRET}",
        f"Define DB_PASSWORD {SECRET}",
        f"php_admin_value mysqli.default_password {SECRET}",
        f"<Perl>\n my $x = '{SECRET}';\n</Perl>",
        f"# AuthLDAPBindPassword={SECRET}",
    ],
)
def test_secrets_are_taken_out_and_counted(line):
    text = f"First line\n{line}\nLast line\nListen 443\n" + host("")
    case = Case(text)
    listeners, file = APACHE.export(case.instance, case.documents)
    assert SECRET not in file.text and file.redactions >= 1
    assert "First line\n" in file.text and "\nLast line\n" in file.text
    assert file.text.count("\n") == text.count("\n"), "every line keeps its number"
    assert file.name == "files" + MAIN and SECRET not in listeners.text


def test_what_is_no_secret_stays():
    text = (
        "Listen 443\nHeader set X-Frame-Options DENY\nSetEnv LANG C\nRequestHeader set X-Forwarded-Proto https\n"
        + host("SSLCertificateKeyFile /etc/ssl/private/a.key")
    )
    file = APACHE.export(Case(text).instance, Case(text).documents)[1]
    assert (file.text, file.redactions) == (text, 0)


def test_listeners_are_json_with_their_origin():
    case = Case("Listen 443\n" + host("SSLProtocol all"))
    rows = json.loads(APACHE.export(case.instance, case.documents)[0].text)
    assert rows[0]["settings"]["protocols"]["provenance"] == [{"file": MAIN, "line": 7, "text": "SSLProtocol all"}]
