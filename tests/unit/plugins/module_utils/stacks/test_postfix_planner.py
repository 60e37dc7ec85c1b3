# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The smallest change: what is edited, what is added and where, what is left alone, and that it is enough."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import BaselineError, ConfigurationError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import judge
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.postfix_tools import (
    CERTIFICATE,
    GOOD,
    LIST,
    MAIN,
    MASTER,
    POSTFIX,
    SERVICES,
    STRICT,
    Case,
    checks,
    fixtures,
)
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.postfix_traps import TRAPS

PROFILES = ("intermediate", "modern", "fips", "eu_strict")
DECIDES = ("protocol.", "suite.", "group.", "session.")
MAY = CERTIFICATE + "smtpd_tls_security_level = may\nsmtp_tls_security_level = may\n"


def bad(case, profile="intermediate"):
    """Checks of the TLS settings of servers that still fail in the eyes of the judge."""
    found = judge.judge_listeners([one for one in case.listeners() if one.tls], model.load(profile))
    return sorted({item["check"] for item in found if item["status"] == "fail" and item["check"].startswith(DECIDES)})


# --- fixtures and traps -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fixture", fixtures(), ids=str)
def test_fixture(fixture):
    case = fixture.case()
    plan = case.plan()
    assert (checks(plan.edits), checks(plan.unmended)) == (fixture.edits, fixture.leaves)
    assert fixture.path.name.endswith(".pass.cf") == (not plan.edits and not plan.unmended)
    assert bad(case.mended()) == []


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("fixture", fixtures(), ids=str)
@pytest.mark.parametrize("ends", ["lf", "crlf"])
def test_every_fixture_can_be_brought_to_every_profile(fixture, profile, ends):
    crlf = ends == "crlf"

    def with_ends(data):
        return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") if crlf else data

    case = fixture.case(with_ends)
    try:
        model.clamp(model.load(profile), case.instance.capabilities)
    except BaselineError:
        return
    plan, after = case.plan(profile), case.mended(profile)
    named = {item.check for item in (*plan.unmended, *plan.clamps)}
    open_ones = [check for check in bad(after, profile) if check not in named]
    assert [check for check in open_ones if check != "suite.forbidden" or "suite.clamped" not in named] == []
    for document in after.documents:
        if crlf:
            assert document.data.count(b"\n") == document.data.count(b"\r\n")


def test_comments_and_foreign_parameters_stay():
    for fixture in fixtures():
        case = fixture.case()
        for document, after in zip(case.documents[:2], case.mended().documents[:2]):
            comments = [line for line in document.data.splitlines() if line.lstrip().startswith(b"#")]
            assert [line for line in after.data.splitlines() if line.lstrip().startswith(b"#")] == comments

            def foreign(one):
                entries = [*one.tree.parameters, *(o for s in one.tree.services for o in s.options)]
                return [(e.name, e.value) for e in entries if "tls_" not in e.name]

            assert foreign(after) == foreign(document)


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_trap(trap):
    """What the files do today is read as it is, and after the plan no protocol or suite breaks the baseline."""
    case = Case(MAY + trap.main, with_submission(trap.submission), trap.version)
    found = {one.context: one for one in case.listeners()}
    if not (trap.broken and trap.submission):  # the daemon that ends itself has no settings to be read
        for name, accepts in zip(("smtp", "submission", "smtps"), trap.accepts):
            assert found[name].tls is (accepts is not None)
            if accepts:
                assert found[name].settings["protocols"].value == accepts
    after = case.mended()
    assert bad(after) == []
    assert not any(service.stray for service in after.documents[1].tree.services)


def with_submission(options):
    return SERVICES.replace("level=encrypt\n", f"level=encrypt {options}\n", 1)


# --- in place ---------------------------------------------------------------------------------------------------


def test_what_is_right_stays():
    case = Case(GOOD)
    assert case.plan().edits == ()


@pytest.mark.parametrize(
    "value", [">=TLSv1.2", "TLSv1.2, TLSv1.3", "TLSv1.3", "!SSLv2 !SSLv3 !TLSv1 !TLSv1.1", ">=0303"]
)
def test_a_list_that_holds_the_baseline_keeps_its_spelling(value):
    main = GOOD.replace(f"smtpd_tls_protocols = {STRICT}", f"smtpd_tls_protocols = {value}")
    assert Case(main).plan().edits == ()


def test_a_value_over_several_lines_leaves_no_orphan():
    main = MAY + "smtpd_tls_protocols =\n    !SSLv2,\n# why\n\n\t!SSLv3\nmyhostname = a\n"
    text = Case(main).mended().text()
    assert f"smtpd_tls_protocols =\n    {STRICT}\n# why\n\nsmtpd" in text
    assert "\nmyhostname = a\n" in text


def test_an_empty_value_is_filled():
    text = Case(MAY + "smtpd_tls_protocols =\nsmtpd_tls_mandatory_protocols=\n").mended().text()
    assert f"\nsmtpd_tls_protocols = {STRICT}\nsmtpd_tls_mandatory_protocols= {STRICT}\n" in text


def test_options_are_written_without_blanks():
    form = "smtp inet n - n - - smtpd -o smtpd_tls_protocols={} -v\n  -o {{ smtpd_tls_protocols = {} }}\n"
    strict = STRICT.replace(" ", "")
    assert Case(MAY, form.format("!SSLv2", "TLSv1, TLSv1.2")).mended().text(MASTER) == form.format(strict, strict)


def test_what_a_blank_cut_off_goes_with_the_value():
    master = "smtp inet n - n - - smtpd -o smtpd_tls_protocols=!SSLv2, !SSLv3,\n  !TLSv1\n  -o x=y\n"
    text = Case(MAY, master).mended().text(MASTER)
    assert text == f"smtp inet n - n - - smtpd -o smtpd_tls_protocols={STRICT.replace(' ', '')}\n  -o x=y\n"


def test_an_undecided_file_end_is_ended():
    text = Case(MAY + "smtpd_tls_loglevel =\n   1").mended().text()
    assert f"smtpd_tls_loglevel =\n   1\nsmtpd_tls_protocols = {STRICT}\n" in text


def test_new_lines_stand_behind_their_relatives():
    lines = Case("a = b\n" + MAY + "z = y\n").mended().text().splitlines()
    assert lines[:2] == ["a = b", "smtpd_tls_cert_file = /etc/ssl/a.pem"]
    assert lines[3] == f"smtpd_tls_protocols = {STRICT}" and lines[-1] == "z = y"


# --- suites -----------------------------------------------------------------------------------------------------


def test_suites_are_set_by_a_grade_no_client_uses():
    after = Case(MAY).mended()
    assert f"tls_high_cipherlist = {LIST}\n" in after.text()
    before = [one.settings["suites_tls12"].value for one in Case(MAY).listeners("client") if one.tls]
    assert [one.settings["suites_tls12"].value for one in after.listeners("client") if one.tls] == before
    after = Case(MAY + "smtp_tls_ciphers = high\n").mended()
    assert f"tls_medium_cipherlist = {LIST}\n" in after.text() and "tls_high_cipherlist" not in after.text()


def test_where_clients_use_both_grades_suites_are_left():
    master = SERVICES + "relay unix - - n - - smtp -o smtp_tls_ciphers=high\n"
    plan = Case(MAY, master).plan()
    assert "suite.forbidden" not in checks(plan.edits)
    assert any(item.check == "suite.forbidden" and "outgoing" in item.reason for item in plan.unmended)
    assert bad(Case(MAY, master).mended(outgoing="mend")) == []


def test_a_good_list_only_gets_the_security_level():
    main = GOOD.replace(LIST, "ECDHE-RSA-AES128-GCM-SHA256")
    plan = Case(main).plan()
    assert checks(plan.edits) == ["signature.forbidden"]
    assert "tls_high_cipherlist = ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=2\n" in Case(main).mended().text()
    main = GOOD.replace(LIST, "ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=1")
    assert "GCM-SHA256:@SECLEVEL=2\n" in Case(main).mended().text()


def test_a_grade_of_a_service_is_mended_there():
    master = SERVICES.replace("level=encrypt\n", "level=encrypt -o smtpd_tls_mandatory_ciphers=medium\n", 1)
    after = Case(GOOD, master).mended()
    assert "-o smtpd_tls_mandatory_ciphers=high\n" in after.text(MASTER) and after.text() == GOOD


def test_without_a_certificate_suites_are_left():
    plan = Case("smtpd_tls_cert_file = none\nsmtpd_tls_security_level = may\n").plan()
    assert not any("cipher" in edit.replacement.decode() for edit in plan.edits)
    assert any("anonymous" in item.reason for item in plan.unmended)


def test_tls13_suites_are_a_clamp():
    main = GOOD.replace(LIST, "ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=2")
    clamps = [one for one in Case(main).plan("fips").clamps if "no parameter" in one.reason]
    assert [one.check for one in clamps] == ["suite.clamped"]


def test_groups():
    text = Case(GOOD).mended("fips").text()
    assert "tls_eecdh_auto_curves = prime256v1 secp384r1" in text
    text = Case(GOOD + "smtpd_tls_eecdh_grade = none\n").mended().text()
    assert "smtpd_tls_eecdh_grade = auto\n" in text


def test_tickets():
    assert Case(GOOD).plan().edits == ()
    off = {"session_tickets": "off"}
    baseline = model.load("intermediate", off)
    case = Case(GOOD + "tls_ssl_options = NO_COMPRESSION\n")
    (edit,) = POSTFIX.plan(case.instance, case.documents, baseline, {}).edits
    assert edit.replacement == b"NO_COMPRESSION, NO_TICKET"


# --- levels -----------------------------------------------------------------------------------------------------


def test_levels_stay_unless_demanded():
    master = SERVICES.replace("level=encrypt", "level=may")
    assert "level=may" in Case(GOOD, master).mended().text(MASTER)
    after = Case(GOOD, master).mended(security_level={"submission": "encrypt", "smtp": "may"})
    assert "level=encrypt" in after.text(MASTER) and after.text() == GOOD


def test_a_level_of_main_becomes_an_option_of_the_service():
    master = "smtp inet n - n - - smtpd\nsubmission inet n - n - - smtpd\n# end"
    after = Case(GOOD, master).mended(security_level={"submission": "encrypt"})
    assert after.text(MASTER) == master.replace("# end", "  -o smtpd_tls_security_level=encrypt\n# end")
    assert after.value("plaintext", "submission") == "refused"


@pytest.mark.parametrize("levels", [{"submission": "dane"}, {"nobody": "may"}])
def test_a_level_that_means_nothing_is_an_error(levels):
    with pytest.raises(BaselineError, match="security_level"):
        Case(GOOD).plan(security_level=levels)


def test_login_before_tls_is_told():
    master = "submission inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes\n"
    assert "transport.login" in checks(Case(GOOD, master).plan().unmended)
    assert "transport.login" not in checks(Case(GOOD + "smtpd_tls_auth_only = yes\n", master).plan().unmended)


# --- what is sent -----------------------------------------------------------------------------------------------


def test_clients_are_left_unless_asked():
    case = Case(GOOD)
    assert {"upstream.protocol", "upstream.suite"} <= set(checks(case.plan().unmended))
    after = case.mended(outgoing="mend")
    assert f"\nsmtp_tls_protocols = {STRICT}\n" in after.text() and "\nsmtp_tls_ciphers = high\n" in after.text()
    assert not {"upstream.protocol", "upstream.suite"} & set(checks(after.plan(outgoing="mend").unmended))


def test_a_relay_that_was_seen_to_be_able_is_demanded_of():
    main = GOOD.replace("smtp_tls_security_level = may", "smtp_tls_security_level = encrypt")
    case = Case(main + "relayhost = [relay.example]:587\n")
    assert not case.plan().edits
    after = case.mended(upstreams={"[relay.example]:587": True})
    assert f"\nsmtp_tls_mandatory_protocols = {STRICT}\n" in after.text()
    assert case.plan(upstreams={"[relay.example]:587": False}).edits == ()


def test_policy_maps_are_judged_and_never_changed():
    main = GOOD + "smtp_tls_policy_maps = hash:/etc/postfix/tls_policy, ldap:who\n"
    plan = Case(main, tls_policy="a.example encrypt protocols=TLSv1\nb.example none\n").plan(outgoing="mend")
    assert all(edit.path == MAIN for edit in plan.edits)
    left = {(item.provenance.line, item.check) for item in plan.unmended if item.provenance.file.endswith("policy")}
    assert left == {(1, "upstream.protocol"), (2, "transport.plaintext")}
    assert any("ldap:who cannot be read" in item.reason for item in plan.unmended)


# --- options of the user ----------------------------------------------------------------------------------------


def test_overrides():
    master = SERVICES.replace("level=encrypt\n", "level=encrypt -o smtpd_tls_mandatory_protocols=TLSv1\n", 1)
    plan = Case(GOOD, master).plan(overrides="report")
    assert plan.edits == () and "protocol.tls1_0" in checks(plan.unmended)
    with pytest.raises(ConfigurationError, match='overrides is "fail"'):
        Case(GOOD, master).plan(overrides="fail")


# --- properties -------------------------------------------------------------------------------------------------

WORDS = ["!SSLv2", "!SSLv3", "!TLSv1", "TLSv1", "TLSv1.1", "TLSv1.2", ">=TLSv1", ">=TLSv1.2", "TLS1.2", "# x", "$mine",
         "high", "medium", "aNULL", "ECDHE-RSA-AES128-GCM-SHA256", "encrypt"]  # fmt: skip
NAMES = ["smtpd_tls_protocols", "smtpd_tls_mandatory_protocols", "mine", "smtpd_tls_ciphers", "tls_high_cipherlist",
         "smtpd_tls_security_level", "smtpd_tls_exclude_ciphers"]  # fmt: skip
ENTRY = st.tuples(
    st.sampled_from(NAMES),
    st.lists(
        st.sampled_from([*WORDS, "high", "medium", "aNULL", "ECDHE-RSA-AES128-GCM-SHA256", "encrypt"]), max_size=4
    ),
    st.sampled_from([" ", ", ", ",\n  ", ",\n# c\n\t", "\n\n   "]),
)


@settings(max_examples=60)
@given(st.lists(ENTRY, max_size=6), st.sampled_from(["3.5.25", "3.7.11"]), st.booleans())
def test_a_plan_is_enough_and_final(entries, version, crlf):
    main = MAY + "".join(f"{name} = {separator.join(words)}\n" for name, words, separator in entries)
    case = Case(main.replace("\n", "\r\n") if crlf else main, version=version)
    after = case.mended()  # which plans again
    left = {item.check for item in case.plan().unmended}
    assert [check for check in bad(after) if check not in left] == []
    names = [entry.name for entry in case.documents[0].tree.parameters]
    assert [e.name for e in after.documents[0].tree.parameters if e.name in names][: len(names)] or not names
