# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The traps of nginx as pure tests; ``test_nginx_servers.py`` proves the same files by handshakes."""

from __future__ import annotations

import pytest

from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks import nginx_traps
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import (
    GOOD,
    GOOD_CIPHERS,
    MAIN,
    Case,
    checks,
)


def load(trap, version="1.22.1"):
    files = {f"/etc/nginx/{name}": data for name, data in nginx_traps.files(trap, 4433, "c.pem", "c.key").items()}
    case = Case(files, version)
    case.documents[0].tree.certificates = {"c.pem": True}
    return case


def given(case, name):
    """The protocols of the one server a client with that name (empty: none) is sent to on 127.0.0.1:4433."""
    ours = [one for one in case.servers() if one.address in ("127.0.0.1:4433",)]
    named = [one for one in ours if name in one.names] or [one for one in ours if one.is_default]
    return [item for item in named[0].settings["protocols"].value if item != "SSLv3"]


@pytest.mark.parametrize("trap", nginx_traps.TRAPS, ids=lambda trap: trap.title)
def test_the_trap_is_seen_and_mended(trap):
    case = load(trap)
    assert {name: " ".join(given(case, name)) for name in trap.weak} == trap.weak
    plan = case.plan()
    after = case.mended()
    assert checks(plan.unmended) in (["http.hsts"], [])
    for name in trap.weak:
        assert given(after, name) and set(given(after, name)) <= {"TLSv1.2", "TLSv1.3"}
    text = "".join(document.data.decode("utf-8", "replace") for document in after.documents)
    assert [word for word in trap.gone if word in text] == []
    assert [word for word in trap.stays if word not in text] == []
    # The next version of nginx wakes nothing.
    for one in load(trap, "1.29.2").mended().servers():
        assert set(one.settings["protocols"].value) <= {"TLSv1.2", "TLSv1.3"}


def test_an_upgrade_wakes_a_sleeping_server():
    trap = next(trap for trap in nginx_traps.TRAPS if "sleeps" in trap.title)
    assert given(load(trap, "1.29.1"), "b") == ["TLSv1.2", "TLSv1.3"]
    assert given(load(trap, "1.29.2"), "b") == ["TLSv1.0"]
    assert "protocol.tls1_0" in checks(load(trap, "1.29.1").plan().edits)


def test_a_second_ciphers_directive_is_taken_away():
    case = Case(
        {
            MAIN: "http {\n ssl_ciphers HIGH;\n include conf.d/*.conf;\n}\n",
            "/etc/nginx/conf.d/tls.conf": "ssl_ciphers ECDHE-RSA-AES256-GCM-SHA384;\nssl_ecdh_curve auto;\n",
        }
    )
    after = case.mended()
    assert after.text() == f"http {{\n ssl_ciphers {GOOD_CIPHERS};\n include conf.d/*.conf;\n}}\n"
    assert after.text("/etc/nginx/conf.d/tls.conf") == "ssl_ecdh_curve auto;\n"


def test_both_kinds_of_certificates_find_a_suite():
    """An RSA-only list with an EC certificate (or the other way round) leaves TLS 1.2 dead while the test says OK."""
    assert "ECDHE-ECDSA-" in GOOD_CIPHERS and "ECDHE-RSA-" in GOOD_CIPHERS


def test_a_group_list_that_locks_clients_out():
    case = Case(f"http {{ {GOOD} ssl_ecdh_curve secp521r1; server {{ listen 443 ssl; }} }}")
    assert checks(case.plan().edits) == ["group.forbidden"]
    assert case.mended().value("groups") == ("x25519", "secp256r1", "secp384r1")


def test_a_dhe_only_list_without_parameters_is_no_list():
    case = Case("http { ssl_session_tickets off; ssl_protocols TLSv1.2; ssl_ciphers DHE-RSA-AES256-GCM-SHA384;"
                " server { listen 443 ssl; } }")  # fmt: skip
    assert case.value("suites_tls12") == ()
    assert checks(case.plan().edits) == ["suite.forbidden"]
    assert len(case.mended().value("suites_tls12")) == 6


def test_weakness_hidden_by_a_security_level_is_still_weakness():
    """OpenSSL 3 at level 2 answers TLS 1.0 with an alert, whatever the configuration says."""
    assert "TLSv1.0" in Case("http { server { listen 443 ssl; } }", "1.22.1", "3.0.19").value("protocols")


def test_directives_are_never_put_into_a_location():
    case = Case("http { server { listen 443 ssl; location / {\n  location /a { }\n } } }")
    after = case.mended()
    location = next(item for item in after.documents[0].tree.walk() if item.name == "location")
    assert not any(item.name.startswith("ssl_") for item in location.children)


def test_what_is_beside_the_directives_is_no_directive():
    text = (
        "http { # ssl_protocols SSLv3;\n log_format x 'ssl_protocols SSLv3;';\n map $a $b { ssl_protocols SSLv3; }\n"
        " init_by_lua_block { local x = [[ ssl_protocols SSLv3; ]] }\n}"
    )
    assert Case(text).plan().edits == ()
