# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets by their look: what must go, and what an auditor still has to be able to read."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.redact import MARK, is_secret_name, redact

TOKEN = base64.b64encode(hashlib.sha256(b"seed").digest()).decode()


@pytest.mark.parametrize(
    "secret",
    [
        "hunter2",
        TOKEN,
        "9dd4e461268c8034f5c8564e155c67a6",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "$2y$10$abcdefghijklmnopqrstuv",
        "$apr1$x$abcdefgh",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    ],
)
@pytest.mark.parametrize(
    "around",
    [
        "password={}",
        "# db_password: '{}'",
        "# password of the backup: {}",
        'api_key => "{}",',
        "X-Auth-Token: {}",
        "http://user:{}@backend/",
    ],
)
def test_secrets_go_whatever_stands_around(secret, around):
    text, count = redact(around.format(secret))
    assert secret not in text and MARK in text and count >= 1


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        "Authorization: Basic dXNlcjpwYXNzd29yZA==",
        "Bearer abcdefgh12345678",
        "AKIAIOSFODNN7EXAMPLE",
        "f00dfacef00dfacef00dfacef00dface",
    ],
)
def test_secrets_go_by_their_look_alone(text):
    clean, count = redact(f"a {text} z")
    assert text not in clean and count == 1 and clean.startswith("a ") and clean.endswith(" z")


def test_a_private_key_goes_and_lines_keep_their_numbers():
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIB\n" * 5 + "-----END RSA PRIVATE KEY-----"
    clean, count = redact(f"one\n{key}\nend")
    assert "MIIB" not in clean and count == 1
    assert clean.count("\n") == key.count("\n") + 2 and clean.endswith("\nend")
    cut, _count = redact("-----BEGIN PRIVATE KEY-----\nMIIBcut")
    assert "MIIB" not in cut


@pytest.mark.parametrize(
    "text",
    [
        "ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256;",
        "ssl_certificate /etc/letsencrypt/live/clinic-portal.example.org/fullchain.pem;",
        "ssl_password_file /etc/nginx/ssl.pass;",
        "add_header Strict-Transport-Security max-age=63072000;",
        "proxy_pass http://backend-of-the-radiology-department.internal.example.org:8080/;",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "-----BEGIN CERTIFICATE-----",
        "proxy_set_header Authorization $http_authorization;",
    ],
)
def test_what_an_auditor_needs_stays(text):
    assert redact(text) == (text, 0)


@given(st.text())
def test_any_text_can_be_redacted_and_keeps_its_lines(text):
    clean, _count = redact(text)
    assert clean.count("\n") == text.count("\n")
    assert redact(clean)[0].count(MARK) >= clean.count(MARK)


@pytest.mark.parametrize(
    "name", ["X-Api-Key", "Authorization", "$session_token", "DB_PASSWORD", "client-secret", "Cookie"]
)
def test_names_of_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["Host", "X-Forwarded-For", "$remote_addr", "compass", "keepalive", "monkey"])
def test_other_names(name):
    assert not is_secret_name(name)
