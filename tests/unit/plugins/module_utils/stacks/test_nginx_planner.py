# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The smallest change: what is edited, what is added and where, what is left alone, and that it is enough."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import BaselineError, ConfigurationError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import judge
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import (
    GOOD,
    GOOD_CIPHERS,
    INTERMEDIATE,
    MAIN,
    Case,
    checks,
    fixtures,
)

PROFILES = ("intermediate", "modern", "fips", "eu_strict")
DECIDES = ("protocol.", "suite.", "group.", "session.")


def bad(case, profile="intermediate"):
    """Checks of the TLS settings that still fail in the eyes of the judge."""
    found = judge.judge_listeners([one for one in case.listeners() if one.role == "server"], model.load(profile))
    return sorted({item["check"] for item in found if item["status"] == "fail" and item["check"].startswith(DECIDES)})


# --- fixtures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fixture", fixtures(), ids=str)
def test_fixture(fixture):
    case = fixture.case()
    plan = case.plan()
    assert (checks(plan.edits), checks(plan.unmended)) == (fixture.edits, fixture.leaves)
    passes = fixture.path.name.endswith(".pass.conf")
    assert passes == (not plan.edits and set(fixture.leaves) <= {"transport.plaintext", "http.hsts"})
    assert bad(case.mended()) == []


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("fixture", fixtures(), ids=str)
@pytest.mark.parametrize("ends", ["lf", "crlf"])
def test_every_fixture_can_be_brought_to_every_profile(fixture, profile, ends):
    crlf = ends == "crlf"
    case = fixture.case((lambda data: data.replace(b"\n", b"\r\n")) if crlf else (lambda data: data))
    try:
        model.clamp(model.load(profile), case.instance.capabilities)
    except BaselineError:
        return
    plan = case.plan(profile)
    after = case.mended(profile)
    named = {item.check for item in (*plan.unmended, *plan.clamps)}
    open_ones = [check for check in bad(after, profile) if check not in named]
    assert [check for check in open_ones if check != "suite.forbidden" or "suite.clamped" not in named] == []
    for document in after.documents:
        if crlf:
            assert document.data.count(b"\n") == document.data.count(b"\r\n")


def test_comments_and_foreign_directives_stay():
    for fixture in fixtures():
        case = fixture.case()
        edits = case.plan().edits
        for document, after in zip(case.documents, case.mended().documents):
            old, new = document.data, after.data
            gone = b"".join(old[edit.start : edit.end] for edit in edits if edit.path == document.path)
            assert gone.count(b"#") == sum(edit.replacement.count(b"#") for edit in edits if edit.path == document.path)
            names = [one.name for one in document.tree.walk() if not one.name.startswith("ssl_")]
            assert [one.name for one in after.tree.walk() if not one.name.startswith("ssl_")] == names
            assert abs(len(old) - len(new)) < 1500


# --- in place ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;", "ssl_protocols TLSv1.2 TLSv1.3;"),
        ("ssl_protocols   TLSv1.2\tTLSv1;", "ssl_protocols   TLSv1.2\tTLSv1.3;"),
        ("ssl_protocols SSLv3;", "ssl_protocols TLSv1.2 TLSv1.3;"),
        ("ssl_protocols 'TLSv1' \"TLSv1.1\";", "ssl_protocols 'TLSv1.2' \"TLSv1.3\";"),
        ("ssl_protocols\n  TLSv1 # old\n  TLSv1.1;", "ssl_protocols\n  TLSv1.2 # old\n  TLSv1.3;"),
        ("ssl_protocols TLSv1\n # old\n TLSv1.1\n # older\n TLSv1.2;",
         "ssl_protocols TLSv1.2\n # old\n TLSv1.3\n # older\n ;"),
        ("ssl_protocols TLSv1 TLSv9;", "ssl_protocols TLSv1.2 TLSv1.3;"),
        ("ssl_protocols TLSv1.2; ssl_protocols TLSv1;", "ssl_protocols TLSv1.2 TLSv1.3; "),
        ("ssl_protocols TLSv1; # a\n  ssl_protocols TLSv1.2; # b\n", "ssl_protocols TLSv1.2 TLSv1.3; # a\n  # b\n"),
        ("ssl_protocols TLSv1;\n  ssl_protocols TLSv1.2;\n", "ssl_protocols TLSv1.2 TLSv1.3;\n"),
        ("ssl_protocols TLSv1.2;\n ssl_protocols TLSv1 # x\n ;", "ssl_protocols TLSv1.2 TLSv1.3;\n ssl_protocols"
         " TLSv1.2 TLSv1.3 # x\n ;"),
        ("ssl_ciphers RC4-MD5;", f"ssl_ciphers {GOOD_CIPHERS};"),
        ('ssl_ciphers  "HIGH:!aNULL" ;', f'ssl_ciphers  "{GOOD_CIPHERS}" ;'),
        ("ssl_ciphers HIGH;\n  ssl_ciphers LOW;\n", f"ssl_ciphers {GOOD_CIPHERS};\n"),
        ("ssl_ecdh_curve secp521r1;", "ssl_ecdh_curve X25519:prime256v1:secp384r1;"),
        ("ssl_ecdh_curve prime192v1:X25519;", "ssl_ecdh_curve X25519:prime256v1:secp384r1;"),
        ("ssl_session_tickets on;", "ssl_session_tickets off;"),
        ("ssl_conf_command Protocol ALL;", "ssl_conf_command Protocol -ALL,TLSv1.2,TLSv1.3;"),
        ("ssl_conf_command Protocol -TLSv1.2,-TLSv1.3;", "ssl_conf_command Protocol -ALL,TLSv1.2,TLSv1.3;"),
        ("ssl_conf_command MaxProtocol TLSv1.1;", "ssl_conf_command MaxProtocol TLSv1.3;"),
        ("ssl_conf_command CipherString ALL;", f"ssl_conf_command CipherString {GOOD_CIPHERS};"),
        ("ssl_conf_command Curves sect283k1;", "ssl_conf_command Curves X25519:prime256v1:secp384r1;"),
        ("ssl_conf_command Options Compression,KTLS;", "ssl_conf_command Options -Compression,KTLS;"),
        ("ssl_conf_command Options KTLS,+SessionTicket;", "ssl_conf_command Options KTLS,-SessionTicket;"),
        ("ssl_conf_command SignatureAlgorithms RSA+SHA256:RSA+SHA1:ECDSA+SHA1;",
         "ssl_conf_command SignatureAlgorithms RSA+SHA256;"),
    ],
)  # fmt: skip
def test_what_stands_there_is_mended_in_place(old, new):
    case = Case(f"http {{ {old}\n}}")
    assert case.mended().text() == f"http {{ {new}\n}}"


@pytest.mark.parametrize(
    "text",
    [
        "ssl_protocols TLSv1.3;",
        "ssl_protocols TLSv1.2;",
        "ssl_ciphers ECDHE-RSA-AES256-GCM-SHA384;",
        "ssl_ciphers ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=3;",
        "ssl_ecdh_curve X25519;",
        "ssl_ecdh_curve secp384r1:secp521r1;",
        "ssl_session_tickets off;",
        "ssl_conf_command MinProtocol TLSv1;",
        "ssl_conf_command MinProtocol TLSv1.3;",
        "ssl_conf_command MaxProtocol TLSv1.2;",
        "ssl_conf_command Protocol ALL,-SSLv3,-TLSv1,-TLSv1.1;",
        "ssl_conf_command Protocol -TLSv1.2;",
        "ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;",
        "ssl_conf_command SignatureAlgorithms RSA+SHA1;",
        "ssl_conf_command Options ServerPreference;",
        "ssl_dhparam dh.pem;",
        "ssl_prefer_server_ciphers on;",
    ],
)
def test_what_is_as_good_or_stricter_stays(text):
    assert Case(f"http {{ {text} }} stream {{ {text} }} mail {{ {text} }}").plan().edits == ()


def test_all_levels_all_modules_and_all_files_are_mended():
    case = Case(
        {
            MAIN: "http { ssl_protocols TLSv1; server { include tls; location / { proxy_ssl_protocols TLSv1; } } }"
            " stream { server { listen 1; ssl_protocols TLSv1; } } mail { ssl_protocols TLSv1; }",
            "/etc/nginx/tls": "ssl_protocols TLSv1;",
        }
    )
    after = case.mended()
    assert after.text().count("ssl_protocols TLSv1.2 TLSv1.3;") == 4
    assert after.text("/etc/nginx/tls") == "ssl_protocols TLSv1.2 TLSv1.3;"


def test_a_snippet_of_two_contexts_is_mended_and_never_removed():
    """In http it is a second one, in the server the only one."""
    case = Case(
        {
            MAIN: "http { ssl_protocols TLSv1; include tls; server { listen 443 ssl; include tls; } }",
            "/etc/nginx/tls": GOOD.replace("TLSv1.2 TLSv1.3", "TLSv1.1 TLSv1.2"),
        }
    )
    after = case.mended()
    assert after.text("/etc/nginx/tls") == GOOD
    assert "ssl_protocols TLSv1.2 TLSv1.3; include" in after.text()


def test_a_snippet_included_twice_in_one_block_is_reported():
    files = {MAIN: "http { server { include tls; include tls; } }", "/etc/nginx/tls": GOOD}
    plan = Case(files).plan()
    assert checks(plan.unmended) == ["config.valid", "transport.plaintext"]
    assert "include /etc/nginx/tls only once" in plan.unmended[0].reason


# --- what is added ----------------------------------------------------------------------------------------------

SERVER = "server { listen 443 ssl; }"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("http {\n\tgzip off;\n\tserver { listen 443 ssl; }\n}\n", "http {\n\t{};\n\t{};\n\t{};\n\tgzip off"),
        ("http { # web\n  server { listen 443 ssl; }\n}\n", "http { # web\n  {};\n  {};\n  {};\n  server {"),
        ("http {\n\n    # a\n    server { listen 443 ssl; }\n}\n", "http {\n    {};\n    {};\n    {};\n\n    # a"),
        ("http { server { listen 443 ssl; } }", "http { {}; {}; {}; server {"),
        ("http\n{\n  ssl_certificate a; # x\n  gzip on;\n  server { listen 443 ssl; } }",
         "http\n{\n  ssl_certificate a; # x\n  {};\n  {};\n  {};\n  gzip on;"),
        ("http {\r\n  gzip on;\r\n  server { listen 443 ssl; }\r\n}", "http {\r\n  {};\r\n  {};\r\n  {};\r\n  gzip on"),
        ("http {\n  ssl_certificate a; ssl_certificate_key b;\n  server { listen 443 ssl; } }",
         "http {\n  ssl_certificate a; ssl_certificate_key b; {}; {}; {};\n"),
    ],
)  # fmt: skip
def test_missing_directives_look_like_their_neighbours(old, new):
    wanted = GOOD.rstrip(";").split("; ")
    for text in wanted:
        new = new.replace("{};", text + ";", 1)
    assert Case(old).mended().text().startswith(new)


@pytest.mark.parametrize(
    ("version", "added"),
    [
        ("1.22.1", ["ssl_protocols", "ssl_ciphers", "ssl_session_tickets"]),
        ("1.26.3", ["ssl_protocols", "ssl_ciphers", "ssl_session_tickets"]),
        ("1.27.3", ["ssl_ciphers", "ssl_session_tickets"]),
    ],
)
def test_only_weak_built_in_defaults_are_replaced(version, added):
    edits = Case(f"http {{ {SERVER} }}", version).plan().edits
    assert [edit.replacement.decode().split()[0] for edit in edits] == added
    assert all(edit.reason.startswith("built-in default of nginx") for edit in edits)


def test_nothing_is_added_where_no_tls_is_spoken():
    assert Case("http { server { listen 80; } } stream { server { listen 1; } }").plan().edits == ()


def test_each_module_gets_its_own():
    text = f"http {{ {GOOD} {SERVER} }} stream {{ {SERVER} }} mail {{ {SERVER} }}"
    after = Case(text).mended().text()
    assert after.count("ssl_protocols TLSv1.2 TLSv1.3;") == 3 and "stream { ssl_protocols" in after


def test_a_tls13_only_server_needs_no_suites_of_tls12():
    case = Case(f"http {{ ssl_protocols TLSv1.3; ssl_session_tickets off; {SERVER} }}")
    assert case.plan().edits == ()


def test_tickets_rotated_by_nginx_itself_may_stay():
    text = f"http {{ ssl_session_cache shared:x:1m; ssl_ciphers {GOOD_CIPHERS}; {SERVER} }}"
    assert Case(text, "1.27.3").plan().edits == ()
    assert checks(Case(text.replace("shared:x:1m", "builtin"), "1.27.3").plan().edits) == ["session.tickets"]
    keyed = Case(text.replace("http {", "http { ssl_session_ticket_key k;"), "1.27.3")
    assert "ssl_session_tickets off;" in keyed.mended().text()


# --- TLS 1.3 suites ---------------------------------------------------------------------------------------------

FIPS = "ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384;"


def test_tls13_suites_go_where_the_commands_in_force_stand():
    """A server with one command of its own inherits none of the others."""
    case = Case(
        f"http {{ {SERVER} server {{ listen 443 ssl; server_name b;\n"
        "  ssl_conf_command Options ServerPreference;\n } }"
    )
    text = case.mended("fips").text()
    assert text.count(FIPS) == 2
    assert f"Options ServerPreference;\n  {FIPS}\n" in text
    assert bad(case.mended("fips"), "fips") == []


@pytest.mark.parametrize(("version", "library"), [("1.18.0", "1.1.1"), ("1.18.0", "3.0.2")])
def test_a_build_without_the_command_is_a_clamp(version, library):
    plan = Case(f"http {{ {SERVER} }}", version, library).plan("fips")
    (clamp,) = [item for item in plan.clamps if item.check == "suite.clamped"]
    assert "ssl_conf_command" in clamp.reason and "openssl.cnf" in clamp.reason
    assert not any(b"conf_command" in edit.replacement for edit in plan.edits)
    assert "suite.forbidden" not in checks(plan.unmended)


def test_an_old_library_gets_what_it_can_do():
    case = Case(f"http {{ {SERVER} }}", "1.12.0", "1.0.2")
    plan = case.plan()
    assert "protocol.clamped" in checks(plan.clamps)
    assert "ssl_protocols TLSv1.2;" in case.mended().text()
    with pytest.raises(BaselineError):
        case.plan("modern")


def test_a_new_library_gets_the_hybrid_group():
    text = Case(f"http {{ ssl_ecdh_curve secp521r1; {SERVER} }}", "1.26.3", "3.5.0").mended().text()
    assert "ssl_ecdh_curve X25519MLKEM768:X25519:prime256v1:secp384r1;" in text


# --- required protocols -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "old", "new"),
    [
        ("fips", "TLSv1.2", "TLSv1.2 TLSv1.3"),
        ("fips", "TLSv1.3", "TLSv1.3"),
        ("modern", "TLSv1.2 TLSv1.3", "TLSv1.3"),
        ("modern", "TLSv1.2", "TLSv1.3"),
    ],
)
def test_required_protocols_are_added_but_nothing_older(profile, old, new):
    case = Case(f"http {{ ssl_protocols {old}; {SERVER} }}")
    assert f"ssl_protocols {new};" in case.mended(profile).text()
    left = checks(case.plan(profile).unmended)
    assert ("protocol.tls1_2" in left) == (profile == "fips" and old == "TLSv1.3")


# --- security levels --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loads", "more", "new", "left"),
    [
        (True, "", f"{GOOD_CIPHERS}:@SECLEVEL=2", ""),
        (False, "", f"{GOOD_CIPHERS}:@SECLEVEL=0", "c.pem does not load at level 2"),
        (None, "", f"{GOOD_CIPHERS}:@SECLEVEL=0", "whether c.pem loads at level 2 is not known"),
        (True, "ssl_verify_client optional;", f"{GOOD_CIPHERS}:@SECLEVEL=0", "clients may have certificates"),
    ],
)
def test_a_lowered_level_is_raised_only_when_the_certificates_allow(loads, more, new, left):
    text = f"http {{ ssl_ciphers ALL:@SECLEVEL=0; {more} server {{ listen 443 ssl; ssl_certificate c.pem; }} }}"
    case = Case(text)
    case.documents[0].tree.certificates = {"c.pem": loads}
    assert f"ssl_ciphers {new};" in case.mended().text()
    reasons = [item.reason for item in case.plan().unmended if item.check == "signature.forbidden"]
    assert [left in reason for reason in reasons] == ([True] if left else [])


def test_a_good_list_keeps_its_suites_when_only_the_level_is_low():
    case = Case("http { ssl_ciphers ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=1; }")
    assert case.mended().text() == "http { ssl_ciphers ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=2; }"


# --- options ----------------------------------------------------------------------------------------------------

SPLIT = {
    MAIN: f"http {{ {GOOD} include sites/*; }}",
    "/etc/nginx/sites/a": "server {\n listen 443 ssl; ssl_protocols TLSv1;\n}",
}


def test_overrides_report_leaves_other_files_alone():
    plan = Case(SPLIT).plan(overrides="report")
    assert plan.edits == ()
    (item,) = [item for item in plan.unmended if item.check == "protocol.tls1_0"]
    assert item.provenance == ("/etc/nginx/sites/a", 2, "ssl_protocols TLSv1;")
    assert "left alone because overrides is 'report'" in item.reason


def test_overrides_fail_names_the_place():
    with pytest.raises(ConfigurationError, match=r"/etc/nginx/sites/a:2:18: .*TLSv1.0 must be off"):
        Case(SPLIT).plan(overrides="fail")


def test_overrides_report_still_mends_the_main_file():
    files = {**SPLIT, MAIN: SPLIT[MAIN].replace("TLSv1.2 TLSv1.3", "TLSv1 TLSv1.2")}
    plan = Case(files).plan(overrides="report")
    assert {edit.path for edit in plan.edits} == {MAIN}


# --- upstreams --------------------------------------------------------------------------------------------------

PROXY = (
    f"http {{ {GOOD} upstream g {{ server 10.0.0.1:8443; server 10.0.0.2:8443; }}"
    " server { location /g { proxy_pass https://g; } location /b { proxy_pass https://b:8443; %s } } }"
)
UP = {"10.0.0.1:8443": True, "10.0.0.2:8443": True}


def test_upstreams_are_left_alone_without_proof():
    plan = Case(PROXY % "proxy_ssl_protocols TLSv1;").plan(upstreams={**UP, "b:8443": False})
    assert not any("/b" in edit.reason for edit in plan.edits)
    assert all(b"TLSv1;" not in edit.replacement for edit in plan.edits)
    reasons = [item.reason for item in plan.unmended if item.check == "upstream.protocol"]
    assert reasons == ["not proved that b:8443 speaks what the baseline approves; it might be lost"]


def test_one_unproved_server_of_a_group_is_enough_to_leave_it():
    plan = Case(PROXY % "").plan(upstreams={"10.0.0.1:8443": True, "b:8443": True})
    text = b"".join(edit.replacement for edit in plan.edits)
    # Only the location whose upstream is proved gets its own.
    assert text.count(b"proxy_ssl_protocols") == 1
    assert "10.0.0.2:8443" in next(item.reason for item in plan.unmended if item.check == "upstream.protocol")


def test_proved_upstreams_are_set_once_for_all():
    case = Case(PROXY % "")
    after = case.mended(upstreams={**UP, "b:8443": True})
    assert after.text().count("proxy_ssl_protocols TLSv1.2 TLSv1.3;") == 1
    assert after.text().count(f"proxy_ssl_ciphers {GOOD_CIPHERS};") == 1
    assert after.text().startswith("http { proxy_ssl_protocols")
    assert checks(after.plan(upstreams={**UP, "b:8443": True}).unmended) == [
        "transport.plaintext",
        "upstream.verification",
    ]


def test_a_proved_upstream_is_mended_where_its_directive_stands():
    case = Case(PROXY % "proxy_ssl_protocols TLSv1; proxy_ssl_ciphers DEFAULT@SECLEVEL=0;")
    text = case.mended(upstreams={"b:8443": True}).text()
    # How strong an upstream's certificate is, is not known: its level stays.
    assert f"proxy_ssl_protocols TLSv1.2 TLSv1.3; proxy_ssl_ciphers {GOOD_CIPHERS}:@SECLEVEL=0;" in text
    assert text.count("proxy_ssl_protocols") == 1


def test_verification_needs_a_person():
    plan = Case(PROXY % "proxy_ssl_verify on;").plan()
    reasons = [item.reason for item in plan.unmended if item.check == "upstream.verification"]
    assert len(reasons) == 1 and "10.0.0.1:8443, 10.0.0.2:8443" in reasons[0] and "trusted_certificate" in reasons[0]


# --- HSTS -------------------------------------------------------------------------------------------------------

AGE = f"max-age={INTERMEDIATE.hsts_max_age}"
HSTS = f'add_header Strict-Transport-Security "{AGE}" always;'


def secure(body, http=""):
    return Case(f"http {{\n {GOOD} {http}\n server {{\n  listen 443 ssl;\n{body} }}\n}}\n")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", f"server {{\n  {HSTS}\n  listen 443 ssl;\n }}"),
        ("  add_header X y;\n", f"  add_header X y;\n  {HSTS}\n"),
        ("  location / {\n   add_header X y;\n  }\n", f"   add_header X y;\n   {HSTS}\n"),
        ("  add_header Strict-Transport-Security 'max-age=60; preload';\n", f"'{AGE}; preload'"),
    ],
)
def test_hsts_is_added_where_it_would_be_lost(body, expected):
    case = secure(body)
    after = case.mended(hsts="mend")
    assert expected in after.text()
    assert [one.settings["hsts_max_age"].value for one in after.servers()] == [INTERMEDIATE.hsts_max_age]
    assert checks(case.plan().unmended) == ["http.hsts"] and case.plan().edits == ()


def test_inherited_headers_come_along():
    text = secure("", 'add_header X-Frame-Options "DENY" always;').mended(hsts="mend").text()
    assert f'server {{\n  add_header X-Frame-Options "DENY" always;\n  {HSTS}\n' in text


def test_hsts_is_not_sent_over_plaintext():
    plan = secure("  listen 80;\n").plan(hsts="mend")
    assert (
        plan.edits == () and "answers in plaintext" in next(u for u in plan.unmended if u.check == "http.hsts").reason
    )


# --- properties -------------------------------------------------------------------------------------------------

_directive = st.sampled_from(
    [
        "ssl_protocols TLSv1;", "ssl_protocols TLSv1.2 TLSv1.3;", "ssl_protocols TLSv1.1 TLSv1.3;",
        "ssl_protocols SSLv3;",
        "ssl_ciphers HIGH:!aNULL;", f"ssl_ciphers {GOOD_CIPHERS};", "ssl_ciphers DHE-RSA-AES128-GCM-SHA256;",
        "ssl_ciphers ALL:@SECLEVEL=0;", "ssl_ecdh_curve secp521r1;", "ssl_ecdh_curve X25519;", "ssl_ecdh_curve auto;",
        "ssl_session_tickets on;", "ssl_session_tickets off;", "ssl_session_ticket_key k;", "ssl_dhparam d;",
        "ssl_conf_command Protocol ALL;", "ssl_conf_command MinProtocol TLSv1.3;", "ssl_conf_command Options KTLS;",
        "ssl_conf_command MaxProtocol TLSv1.1;", "ssl_conf_command CipherString ALL;", "ssl_verify_client on;",
        "ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;", "ssl_session_cache shared:x:1m;", "add_header X y;",
        "include shared;", "# a comment", "ssl_certificate c.pem;", "ssl_conf_command Groups secp521r1;",
    ]
)  # fmt: skip
_block = st.lists(_directive, max_size=5).map(lambda lines: "\n  ".join(lines) + "\n")
_listens = st.sampled_from(["listen 443 ssl;", "listen 127.0.0.1:443 ssl default_server;", "listen 80;", ""])


@example(
    levels=("include shared;\n", "\n"),
    servers=[("listen 443 ssl;", "ssl_verify_client on;\n", "a"), ("listen 443 ssl;", "include shared;\n", "a")],
    shared="ssl_ciphers ALL:@SECLEVEL=0;\n",
    version="1.18.0",
    library="1.1.1",
    profile="intermediate",
)
@given(
    st.tuples(_block, _block),
    st.lists(st.tuples(_listens, _block, st.sampled_from("abc")), max_size=4),
    _block.map(lambda text: text.replace("include shared;", "")),
    st.sampled_from(["1.18.0", "1.22.1", "1.26.3", "1.29.2"]),
    st.sampled_from(["1.1.1", "3.0.19", "3.5.0"]),
    st.sampled_from(PROFILES),
)
@settings(max_examples=300, deadline=None)
def test_a_plan_is_enough_and_planning_again_gives_nothing(levels, servers, shared, version, library, profile):
    blocks = "".join(f" server {{ {where}\n server_name {name};\n {body} }}\n" for where, body, name in servers)
    text = f"http {{\n {levels[0]} {blocks} }}\nstream {{\n {levels[1]} server {{ listen 9 ssl; }} }}\n"
    case = Case({MAIN: text, "/etc/nginx/shared": shared}, version, library)
    plan = case.plan(profile)
    after = case.mended(profile)
    left = bad(after, profile)
    named = {item.check for item in plan.unmended}
    if any(clamp.check == "suite.clamped" for clamp in plan.clamps):
        named.add("suite.forbidden")
    assert [check for check in left if check not in named] == []
    # Nobody is locked out who was let in: where TLS was spoken, an approved protocol still is.
    clamped = model.clamp(model.load(profile), case.instance.capabilities)[0]
    for old, new in zip(case.servers(), after.servers()):
        if old.settings["protocols"].value:
            assert set(new.settings["protocols"].value) & set(clamped.protocols), (old, new)
