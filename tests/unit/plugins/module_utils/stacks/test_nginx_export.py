# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evidence: the whole configuration, readable, on its own lines, and without a secret."""

from __future__ import annotations

import json

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx.stack import Nginx
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import (
    MAIN,
    Case,
    fixtures,
)

NGINX = Nginx()

SECRETS = """http {
    # db password: hunter2-in-comment
    set $session_token s3cr3t-set;
    map $arg_key $api_key_ok { default 0; k3y-in-map 1; }
    map $a $b { "4f1c9e7d2b8a6035f1c9e7d2b8a60354" x; }
    init_by_lua_block { local pw = "s3cr3t-lua"
      more()
    }
    server {
        listen 443 ssl;
        auth_basic "Staff only";
        auth_basic_user_file /etc/nginx/users;
        ssl_password_file /etc/nginx/ssl.pass;
        ssl_certificate portal.pem;
        secure_link_md5 "$uri s3cr3t-link";
        location / {
            proxy_set_header Authorization "Basic c2VjcmV0OnNlY3JldA==";
            proxy_set_header X-Api-Key s3cr3t-key;
            proxy_set_header Cookie 'sid=s3cr3t-cookie';
            proxy_set_header Authorization $http_authorization;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_pass http://user:s3cr3t-url@backend:8080/;
            fastcgi_param DB_PASSWORD s3cr3t-param;
            add_header X-Token "s3cr3t-multi
line";
            return 200 done;
        }
    }
}
env SECRET_KEY=s3cr3t-env;
"""


def exported(case):
    return {one.name: one for one in NGINX.export(case.instance, case.documents)}


def test_secrets_go_and_the_rest_stays_on_its_line():
    case = Case(SECRETS)
    files = exported(case)
    text = files["files/etc/nginx/nginx.conf"].text
    assert "s3cr3t" not in text and "hunter2" not in text and "k3y-in-map" not in text and "c2VjcmV0" not in text
    assert "4f1c9e7d" not in text and "local pw" not in text
    lines = text.split("\n")
    assert len(lines) == len(SECRETS.split("\n"))
    for number, line in enumerate(SECRETS.split("\n")):
        if not any(word in line for word in ("s3cr3t", "hunter2", "k3y", "4f1c", "Basic", "more()", 'line";')):
            assert lines[number] == line
    assert 'proxy_set_header Authorization "[redacted]";' in text
    assert "proxy_set_header Authorization $http_authorization;" in text
    assert files["files/etc/nginx/nginx.conf"].redactions == text.count("[redacted]") == 15


def test_listeners_are_data():
    rows = json.loads(exported(Case(SECRETS))["listeners.json"].text)
    assert [row["address"] for row in rows] == ["*:443"]
    assert rows[0]["settings"]["certificates"] == {
        "value": ["portal.pem"],
        "provenance": [{"file": MAIN, "line": 14, "text": "ssl_certificate portal.pem;"}],
    }


@pytest.mark.parametrize("fixture", fixtures(), ids=str)
def test_every_file_is_exported_in_order(fixture):
    case = fixture.case()
    names = [one.name for one in NGINX.export(case.instance, case.documents)]
    assert names == ["listeners.json", *("files" + document.path for document in case.documents)]


@pytest.mark.parametrize("fixture", [one for one in fixtures() if "lua" not in one.path.name], ids=str)
def test_configurations_without_secrets_are_exported_as_they_are(fixture):
    case = fixture.case()
    for document in case.documents:
        one = exported(case)["files" + document.path]
        assert (one.text, one.redactions) == (document.data.decode(), 0)


def test_bytes_that_are_no_text_can_be_exported():
    text = exported(Case({MAIN: b"# caf\xe9 \xff\nuser x;"}))["files" + MAIN].text
    assert text.encode() and text.endswith("\nuser x;")
