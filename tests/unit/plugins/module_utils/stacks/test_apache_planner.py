# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The smallest change that makes a configuration hold the baseline."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import judge
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks import apache_traps as traps
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.apache_tools import (
    INTERMEDIATE,
    MAIN,
    ROOT,
    STRONG,
    Case,
    checks,
    fixtures,
    host,
)

GOOD = f"SSLProtocol -all +TLSv1.2 +TLSv1.3\nSSLCipherSuite {STRONG}\nSSLSessionTickets off\n"
SPELLED = "SSLProtocol -all +TLSv1.2 +TLSv1.3"


def breaches(case):
    """What the judge of all stacks finds in the files, HSTS aside."""
    found = judge.judge_listeners(case.listeners(), INTERMEDIATE)
    return sorted({one["check"] for one in found if one["status"] == "fail" and one["check"] != "http.hsts"})


@pytest.mark.parametrize("trap", traps.TRAPS)
def test_every_trap_is_mended_and_stays_so(trap):
    body = traps.TRAPS[trap][0].replace("{address}", "127.0.0.1:9443").replace("{folder}", "/etc/x")
    files = {MAIN: f"Listen 127.0.0.1:9443\nSSLCertificateFile /a\n{body}", "/etc/x/included.conf": traps.INCLUDED}
    case = Case(files)
    assert breaches(case), "the list of every trap lets everything through"
    # The certificate cannot be looked at here, so the level has to stay; that is said.
    plan = case.plan()
    assert checks(plan.unmended) == ["http.hsts", "signature.forbidden"]
    assert breaches(case.mended()) == []


def test_what_is_right_is_left_alone():
    assert Case("Listen 443\n" + GOOD + host("")).plan().edits == ()
    stricter = "Listen 443\n" + GOOD.replace("+TLSv1.2 ", "") + host("SSLOpenSSLConfCmd MinProtocol TLSv1.3")
    assert Case(stricter).plan().edits == ()


def test_only_arguments_change():
    text = f"Listen 443\n{GOOD}# was: \\\nSSLProtocol all\n" + host("\tsslProtocol\tall \\\n\t -SSLv3\r\n# end")
    after = Case(text).mended().text()
    assert after == text.replace("sslProtocol\tall \\\n\t -SSLv3", "sslProtocol\t-all +TLSv1.2 +TLSv1.3")


def test_inactive_lines_are_left_alone():
    text = "Listen 443\n" + GOOD + "<IfModule mod_gnutls.c>\nSSLProtocol all\n</IfModule>\n" + host("")
    assert Case(text).plan().edits == ()


def test_the_line_in_a_macro_is_changed_once_for_all_hosts():
    macro = "<Macro H $n>\n" + host("SSLProtocol all", "$n") + "</Macro>\n"
    case = Case("Listen 443\n" + GOOD + macro + "Use H a\nUse H b\n")
    assert [edit.check for edit in case.plan().edits] == ["protocol.tls1_0"]
    after = case.mended()
    assert {one.settings["protocols"].value for one in after.servers()} == {traps.STRICT}


def test_a_variable_gives_way_to_the_word():
    text = 'Define P "all"\nListen 443\n' + GOOD + host("SSLProtocol ${P}")
    assert 'Define P "all"' in (after := Case(text).mended().text()) and host(SPELLED) in after


def test_the_edit_goes_to_the_file_behind_the_link():
    files = {MAIN: f"Listen 443\n{GOOD}Include on/*.conf", f"{ROOT}/available/x": host("SSLProtocol all")}
    case = Case(files, links={f"{ROOT}/on/x.conf": f"{ROOT}/available/x"})
    assert [edit.path for edit in case.plan().edits] == [f"{ROOT}/available/x"]


# --- what is missing ------------------------------------------------------------------------------------------------


def test_what_is_missing_goes_beside_global_lines():
    text = "Listen 443\n<IfModule mod_ssl.c>\n\tSSLSessionTickets off\n</IfModule>\n" + host("")
    after = Case(text).mended()
    assert f"\tSSLSessionTickets off\n\t{SPELLED}\n\tSSLCipherSuite {STRONG}\n</IfModule>" in after.text()
    assert breaches(after) == []


def test_else_into_each_host():
    text = "Listen 443\n" + host("", "a") + host("", "b")
    after = Case(text).mended()
    # The first host decides the protocols of those that set none; suites and tickets are each one's own.
    assert after.text().count(f"\n{SPELLED}\n") == 1 and breaches(after) == []
    assert after.text().count(f"\nSSLCipherSuite {STRONG}\n") == after.text().count("\nSSLSessionTickets off\n") == 2


def test_a_host_without_any_line_of_its_own_gets_them_at_its_top():
    text = "Listen 443\n<VirtualHost *:443>\n  Include tls.conf\n</VirtualHost>"
    after = Case({MAIN: text, f"{ROOT}/tls.conf": "SSLEngine on\nSSLCertificateFile /a\n"}).mended()
    assert f"<VirtualHost *:443>\n  {SPELLED}\n" in after.text()
    assert after.text(f"{ROOT}/tls.conf") == "SSLEngine on\nSSLCertificateFile /a\n"


def test_a_comment_in_front_cannot_swallow_what_is_added():
    text = "Listen 443\nSSLSessionTickets off\n# note \\\nSSLProtocol all\n" + host("SSLProtocol all")
    assert breaches(Case(text + host("", "b")).mended()) == []


def test_line_ends_are_those_of_the_file():
    text = "Listen 443\r\n" + host("").replace("\n", "\r\n")
    after = Case(text).mended().text()
    assert after.count("\r\n") == after.count("\n")


def test_groups_of_an_old_library():
    case = Case("Listen 443\n" + GOOD + host(""), library="1.0.2")
    assert "SSLOpenSSLConfCmd Groups prime256v1:secp384r1" in case.mended().text()


# --- OpenSSL commands and other lines ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before, after, check",
    [
        ("SSLProtocol TLSv1.2 TLSv1.1", SPELLED, "protocol.tls1_1"),
        ("SSLProtocol -all", SPELLED, "protocol.approved"),
        ("SSLProtocol -all +TLSv1.2 # hardened", SPELLED, "config.valid"),
        ("SSLProtocol +TLSv9", SPELLED, "config.valid"),
        ("SSLCipherSuite HIGH:!aNULL", f"SSLCipherSuite {STRONG}", "suite.forbidden"),
        ('SSLCipherSuite SSL "ALL"', f'SSLCipherSuite SSL "{STRONG}"', "suite.forbidden"),
        ("SSLCipherSuite NOSUCH", f"SSLCipherSuite {STRONG}", "suite.forbidden"),
        ("SSLCipherSuite PROFILE=SYSTEM", f"SSLCipherSuite {STRONG}", "suite.forbidden"),
        ("SSLOpenSSLConfCmd MinProtocol TLSv1", "SSLOpenSSLConfCmd MinProtocol TLSv1.2", "protocol.tls1_1"),
        ("SSLOpenSSLConfCmd MinProtocol None", "SSLOpenSSLConfCmd MinProtocol TLSv1.2", "protocol.tls1_1"),
        ("SSLOpenSSLConfCmd MaxProtocol TLSv1.1", "SSLOpenSSLConfCmd MaxProtocol TLSv1.3", "protocol.approved"),
        ("SSLOpenSSLConfCmd CipherString AES128-SHA", f"SSLOpenSSLConfCmd CipherString {STRONG}", "suite.forbidden"),
        ("SSLOpenSSLConfCmd Protocol -ALL", "SSLOpenSSLConfCmd Protocol -ALL,TLSv1.2,TLSv1.3", "protocol.approved"),
        ("SSLOpenSSLConfCmd Curves secp192r1", "SSLOpenSSLConfCmd Curves X25519:prime256v1:secp384r1",
         "group.forbidden"),
        ("SSLOpenSSLConfCmd Groups NOSUCH", "SSLOpenSSLConfCmd Groups X25519:prime256v1:secp384r1", "group.forbidden"),
        ("SSLOpenSSLConfCmd Options Compression,Bugs", "SSLOpenSSLConfCmd Options -Compression,Bugs",
         "tls.compression"),
        ("SSLOpenSSLConfCmd SignatureAlgorithms RSA+SHA256:RSA+SHA1",
         "SSLOpenSSLConfCmd SignatureAlgorithms RSA+SHA256", "signature.forbidden"),
        ("SSLCompression On", "SSLCompression off", "tls.compression"),
        ("SSLInsecureRenegotiation on", "SSLInsecureRenegotiation off", "tls.secure_renegotiation"),
        ("SSLSessionTickets on", "SSLSessionTickets off", "session.tickets"),
        ("<Files x>\nSSLCipherSuite AES128-SHA\n</Files>", f"<Files x>\nSSLCipherSuite {STRONG}\n</Files>",
         "suite.forbidden"),
    ],
)  # fmt: skip
def test_lines_are_mended_where_they_stand(before, after, check):
    case = Case("Listen 443\n" + GOOD + host(before))
    plan = case.plan()
    assert [edit.check for edit in plan.edits] == [check]
    mended = case.mended()
    assert mended.text() == "Listen 443\n" + GOOD + host(after) and breaches(mended) == []


def test_tls13_suites():
    modern = "SSLCipherSuite TLSv1.3 TLS_AES_128_CCM_8_SHA256\n"
    after = Case("Listen 443\n" + GOOD + modern + host("")).mended()
    assert breaches(after) == [] and "SSLCipherSuite TLSv1.3 TLS_AES_128_GCM_SHA256:" in after.text()


# --- security level ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loads, level", [(True, 2), (False, 0), (None, 0)])
def test_the_level_is_raised_only_when_the_certificate_still_loads(monkeypatch, loads, level):
    from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import certificates

    monkeypatch.setattr(certificates, "loads", lambda host, path: loads)
    case = Case("Listen 443\n" + GOOD + host("SSLCipherSuite ALL:@SECLEVEL=0"))
    assert f"SSLCipherSuite {STRONG}:@SECLEVEL={level}\n" in case.mended().text()
    assert ("signature.forbidden" in checks(case.plan().unmended)) == (level == 0)


def test_the_level_is_kept_for_certificates_of_clients(monkeypatch):
    from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import certificates

    monkeypatch.setattr(certificates, "loads", lambda host, path: True)
    case = Case("Listen 443\n" + GOOD + host("SSLCipherSuite ALL:@SECLEVEL=1\nSSLVerifyClient require"))
    assert "@SECLEVEL=1" in case.mended().text()
    assert "clients may have certificates" in next(
        one.reason for one in case.plan().unmended if "SECLEVEL" in one.reason
    )


def test_the_level_of_a_shared_line_does_for_all_hosts_it_is_in(monkeypatch):
    from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import certificates

    monkeypatch.setattr(certificates, "loads", lambda host, path: True)
    hosts = host("Include tls.conf", "a") + host("SSLVerifyClient require\nInclude tls.conf", "b")
    files = {MAIN: "Listen 443\n" + GOOD + hosts, f"{ROOT}/tls.conf": "SSLCipherSuite ALL:@SECLEVEL=0"}
    assert Case(files).mended().text(f"{ROOT}/tls.conf") == f"SSLCipherSuite {STRONG}:@SECLEVEL=0"


# --- backends ---------------------------------------------------------------------------------------------------------

PROXY = "SSLProxyEngine on\nSSLProxyVerify require\nProxyPass / https://backend/\n"


def test_a_backend_is_hardened_only_with_proof_that_it_answers():
    lines = "SSLProxyProtocol all\nSSLProxyCipherSuite ALL\n"
    case = Case("Listen 443\n" + GOOD + host(PROXY + lines))
    assert case.plan().edits == () and checks(case.plan().unmended) == [
        "upstream.protocol",
        "upstream.suite",
    ]
    assert case.plan(upstreams={"backend:443": False}).edits == ()
    after = case.mended(upstreams={"backend:443": True})
    assert f"SSLProxyProtocol -all +TLSv1.2 +TLSv1.3\nSSLProxyCipherSuite {STRONG}" in after.text()


def test_what_is_missing_for_a_backend_goes_behind_the_engine():
    case = Case("Listen 443\n" + GOOD + host(PROXY))
    after = case.mended(upstreams={"backend:443": True})
    assert "SSLProxyEngine on\nSSLProxyProtocol -all +TLSv1.2 +TLSv1.3\nSSLProxyCipherSuite ECDHE" in after.text()


def test_a_line_for_several_backends_is_followed_by_more_only_when_all_are_proved():
    everywhere = "SSLProxyEngine on\nSSLProxyVerify require\n"
    both = host("ProxyPass / https://one/", "a") + host("ProxyPass / https://two/", "b")
    case = Case("Listen 443\n" + GOOD + everywhere + both)
    assert case.plan(upstreams={"one:443": True}).edits == ()
    after = case.mended(upstreams={"one:443": True, "two:443": True})
    assert after.text().count("SSLProxyProtocol") == after.text().count("SSLProxyCipherSuite") == 1
    own = host(PROXY.replace("backend", "one"), "a") + host(PROXY.replace("backend", "two"), "b")
    apart = Case("Listen 443\n" + GOOD + own).mended(upstreams={"one:443": True})
    assert apart.text().count("SSLProxyProtocol") == 1


def test_a_backend_that_is_not_verified_is_told():
    case = Case("Listen 443\n" + GOOD + host(PROXY.replace("require", "none")))
    assert "upstream.verification" in checks(case.plan(upstreams={"backend:443": True}).unmended)


# --- HSTS and plaintext -----------------------------------------------------------------------------------------------


def test_hsts_is_only_told_unless_asked_for():
    assert checks(Case("Listen 443\n" + GOOD + host("")).plan().unmended) == ["http.hsts"]


@pytest.mark.parametrize(
    "before, after",
    [
        ("", 'Header always set Strict-Transport-Security "max-age={age}"'),
        ("Header always set Strict-Transport-Security max-age=1", "max-age={age}"),
        ('Header set Strict-Transport-Security "max-age=1; preload"', '"max-age={age}; preload"'),
    ],
)
def test_hsts_is_set_where_it_is_asked_for(before, after):
    case = Case("Listen 443\n" + GOOD + host(before)).mended(hsts="mend")
    age = INTERMEDIATE.hsts_max_age
    assert after.format(age=age) in case.text() and case.value("hsts_max_age") == age


def test_hsts_needs_mod_headers():
    case = Case("Listen 443\n" + GOOD + host(""), modules=["core.c", "mod_ssl.c"])
    plan = case.plan(hsts="mend")
    assert plan.edits == () and "load mod_headers" in plan.unmended[0].reason


def test_a_line_that_takes_hsts_away_is_not_argued_with():
    case = Case("Listen 443\n" + GOOD + host("Header always unset Strict-Transport-Security"))
    assert any("in the way" in one.reason for one in case.plan(hsts="mend").unmended)


def test_plaintext_is_told():
    text = "Listen 80\n<VirtualHost *:80>\nServerName a\n</VirtualHost>\n"
    unmended = Case(text).plan().unmended
    assert checks(unmended) == ["transport.plaintext"] and unmended[0].provenance.line == 2


def test_other_modules_that_speak_tls_are_told():
    plan = Case("Listen 443\n<VirtualHost *:443>\nGnuTLSEnable on\n</VirtualHost>\n").plan()
    assert "mod_gnutls speaks TLS here" in next(one.reason for one in plan.unmended if one.check == "config.override")


def test_directives_of_the_command_line_are_told():
    case = Case("Listen 443\n" + GOOD + host(""), options=[("c", "SSLProtocol all"), ("D", "SSL"), ("c", "Timeout 5")])
    told = [one.provenance.text for one in case.plan().unmended if one.check == "config.override"]
    assert told == ["-c SSLProtocol all"]


# --- options and properties -------------------------------------------------------------------------------------------


def test_overrides():
    files = {MAIN: f"Listen 443\nInclude x.conf\n{GOOD}", f"{ROOT}/x.conf": host("SSLProtocol all")}
    plan = Case(files).plan(overrides="report")
    assert plan.edits == () and "left alone because overrides is 'report'" in plan.unmended[0].reason
    with pytest.raises(ConfigurationError, match=r"x\.conf:6:1: .*overrides is \"fail\""):
        Case(files).plan(overrides="fail")


def test_profiles_are_clamped_to_the_build():
    clamps = Case("Listen 443\n" + GOOD + host("")).plan().clamps
    assert [one.check for one in clamps] == ["group.clamped"]
    old = Case("Listen 443\n" + host(""), version="2.4.29", library="1.1.0")
    assert "SSLProtocol -all +TLSv1.2\n" in old.mended().text()


LINES = st.sampled_from(
    ["SSLProtocol all", "SSLProtocol TLSv1.2 TLSv1.3", "SSLProtocol -TLSv1", "sslprotocol +TLSv1 \\\n +TLSv1.2",
     "# x \\\nSSLProtocol all", "SSLCipherSuite ALL",
     "SSLCipherSuite TLSv1.3 TLS_AES_128_CCM_SHA256", "SSLOpenSSLConfCmd MinProtocol TLSv1",
     "SSLOpenSSLConfCmd CipherString DEFAULT", "SSLOpenSSLConfCmd Groups P-521:secp192r1", "SSLSessionTickets on",
     "<IfModule mod_ssl.c>\nSSLCompression on\n</IfModule>", "<IfModule nope>\nSSLProtocol all\n</IfModule>",
     "SSLEngine on", "SSLEngine off", "SSLOpenSSLConfCmd Options -SessionTicket", "SSLOpenSSLConfCmd Protocol -TLSv1"]
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(LINES, max_size=4), st.lists(st.lists(LINES, max_size=5), min_size=1, max_size=3))
def test_whatever_it_is_made_of_it_holds_the_baseline_afterwards(around, hosts):
    body = "".join(host("\n".join([*lines, "# end"]), f"{number}.example") for number, lines in enumerate(hosts))
    case = Case("Listen 443\n" + "\n".join([*around, "# end"]) + "\n" + body)
    # Where the first host has no SSLEngine the address speaks plaintext, which no TLS directive mends.
    assert set(breaches(case.mended())) <= {"transport.plaintext"}


@pytest.mark.parametrize("fixture", fixtures(), ids=str)
def test_fixtures(fixture):
    case = fixture.case()
    found = breaches(case)
    assert bool(found) is (".fail" in fixture.path.name)
    assert sorted({edit.check for edit in case.plan().edits}) == sorted(fixture.head.get("edits", "").split())
    told = {one.check for one in case.plan().unmended}
    assert {check for check in breaches(case.mended()) if check not in told} == set()
    for variant in (lambda data: data.replace(b"\n", b"\r\n"), lambda data: data.rstrip(b"\n")):
        assert len(fixture.case(variant).plan().edits) == len(case.plan().edits)
