# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vsftpd: builds, grammar, effective settings, plans and instances. The real daemon is in test_vsftpd_servers.py."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError, TransactionError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import certificates, text, vsftpd
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Completed, Process
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.vsftpd_tools import (
    FIXTURES,
    MAIN,
    PROGRAM,
    VSFTPD,
    Case,
    FakeHost,
    lines,
)

TLS = "listen=YES\nanonymous_enable=NO\nlocal_enable=YES\nssl_enable=YES\nrsa_cert_file=/c.pem\n"


# --- builds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "library", "version", "names"),
    [
        ("3.0.3", "1.1.1", (1, 1, 1), [None, "ssl_sslv3", "ssl_tlsv1", None, None, None]),
        ("3.0.5", "3.5.7", (3, 5, 7), [None, "ssl_sslv3", "ssl_tlsv1", "ssl_tlsv11", "ssl_tlsv12", "ssl_tlsv13"]),
        ("rhel", "3.0.7", (3, 0, 7), [None, "ssl_sslv3", "ssl_tlsv1", "ssl_tlsv1_1", "ssl_tlsv1_2", None]),
    ],
)
def test_a_program_tells_its_names_and_its_library(build, library, version, names):
    found = vsftpd.read_build(FakeHost({}, build, library), PROGRAM)
    assert found.capabilities.version == version
    protocols = ["SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
    assert [found.switch(protocol) for protocol in protocols] == names[1:]
    assert (found.capabilities.groups == {"secp256r1"}) == (build != "rhel"), "Red Hat's builds have parameters"


def test_another_program_is_no_vsftpd():
    assert vsftpd.read_build(FakeHost({"/bin/x": b"\x7fELF\0ProFTPD\0"}), "/bin/x") is None
    assert vsftpd.read_build(FakeHost({}), "/missing") is None


# --- grammar ----------------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=12),
            st.sampled_from(
                [b"ssl_enable=NO", b" ssl_tlsv1=YES", b"# x", b"", b"ssl_ciphers=ALL:@SECLEVEL=0", b"\xff=\xfe"]
            ),
        ),
        max_size=8,
    ).map(b"\n".join)
)
def test_any_bytes_parse_and_an_edit_changes_nothing_else(data):
    options = vsftpd.parse("x", data)
    for option in options:
        assert data[option.start : option.end].decode("utf-8", "surrogateescape") == option.value
        assert data.count(b"\n", 0, option.start) + 1 == option.line
    pieces = [
        vsftpd.Edit("x", option.start, option.end, data[option.start : option.end], option.line, "c", "r")
        for option in options
    ]
    assert text.apply_edits([vsftpd.Document("x", data, None)], pieces) == {}


@pytest.mark.parametrize("path", sorted(FIXTURES.rglob("*.conf")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_fixtures(path):
    """Real and realistic files: the edits demanded, what is left, and that the result is planned no further."""
    data = path.read_bytes()
    facts = dict(re.findall(rb"^# (\w+): ?(.*)$", data, re.MULTILINE))
    facts = {name.decode(): value.decode().strip() for name, value in facts.items()}
    key = facts.get("certificate", "")
    case = Case(data, facts["build"], facts["openssl"], key=key, objection="" if key else "the file is missing")
    plan = case.plan()
    assert sorted({edit.check for edit in plan.edits}) == facts["edits"].split()
    assert sorted({item.check for item in plan.unmended}) == facts["leaves"].split()
    after = case.mended()
    kept = [line for line in data.split(b"\n") if line.startswith(b"#") or not line.strip()]
    assert [line for line in after.text().split(b"\n") if line in kept] == kept
    assert after.text().endswith(b"\n") == data.endswith(b"\n")
    assert (path.suffixes[0] == ".pass") == (not plan.edits and facts["leaves"] == "session.tickets")
    if after.listener.tls:
        assert set(after.value("protocols")) == {"TLSv1.2", "TLSv1.3"}
        assert after.value("plaintext") == "refused"


@pytest.mark.parametrize(
    ("line", "build", "place", "message"),
    [
        (b"ssl_tlsv1_2=YES", "3.0.3", (2, 1), "no setting of vsftpd 3.0.3"),
        (b"ssl_tlsv1_2=YES", "3.0.5", (2, 1), "this build calls it ssl_tlsv12"),
        (b"ssl_tlsv12=YES", "rhel", (2, 1), "this build calls it ssl_tlsv1_2"),
        (b"require_ssl_reuse=NO ", "3.0.3", (2, 19), "without blanks"),
        (b"ssl_enable = YES", "3.0.3", (2, 1), 'blanks before the "="'),
        (b"ssl_enable=YES\r", "3.0.3", (2, 12), "a carriage return"),
        (b"ssl_enable=YES # on", "3.0.3", (2, 12), "must be YES or NO"),
        (b"ssl_enable=", "3.0.3", (2, 12), "must be YES or NO"),
        (b"  # BEGIN MANAGED", "3.0.3", (2, 3), "first column"),
    ],
)
def test_what_would_end_the_daemon_is_named_with_its_place(line, build, place, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)) as caught:
        Case(b"listen=YES\n" + line + b"\n", build)
    assert (caught.value.line, caught.value.column) == place


def test_a_byte_order_mark_is_named():
    with pytest.raises(ConfigurationError, match="byte order mark") as caught:
        Case(b"\xef\xbb\xbflisten=YES\n")
    assert (caught.value.line, caught.value.column) == (1, 1)


def test_a_missing_file_is_named():
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Case({MAIN: TLS}, arguments=[MAIN, "/etc/more.conf"])


# --- effective --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "more", "protocols"),
    [
        # 3.0.3 has one switch, and its built-in list leaves old protocols no suite.
        ("3.0.3", "", "TLSv1.2 TLSv1.3"),
        ("3.0.3", "ssl_ciphers=ALL", "TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3"),
        ("3.0.3", "ssl_ciphers=ALL\nssl_tlsv1=NO", "TLSv1.1 TLSv1.2 TLSv1.3"),
        ("3.0.3", "ssl_ciphers=AES128-SHA:@SECLEVEL=0\nssl_tlsv1=NO", "TLSv1.1 TLSv1.2 TLSv1.3"),
        ("3.0.5", "ssl_ciphers=ALL", "TLSv1.2 TLSv1.3"),
        ("3.0.5", "ssl_ciphers=ALL\nssl_tlsv11=YES\nssl_tlsv13=NO", "TLSv1.1 TLSv1.2"),
        # The last of several counts.
        ("3.0.5", "ssl_tlsv13=NO\nssl_tlsv13=YES\nssl_tlsv12=YES\nssl_tlsv12=NO", "TLSv1.3"),
        # A default nobody knows counts as on.
        ("rhel", "ssl_ciphers=ALL", "TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3"),
        ("rhel", "ssl_ciphers=ALL\nssl_tlsv1=NO\nssl_tlsv1_1=0", "TLSv1.2 TLSv1.3"),
    ],
)
def test_protocols_in_force(build, more, protocols):
    assert " ".join(Case(f"{TLS}{more}\n", build).value("protocols")) == protocols


def test_an_ec_certificate_is_dead_under_the_built_in_list_until_it_is_mended():
    case = Case(TLS, key="ECDSA")
    assert case.value("protocols") == ("TLSv1.3",)
    assert [edit.check for edit in case.plan().edits] == ["protocol.tls1_0", "suite.forbidden"]
    assert case.mended().value("protocols") == ("TLSv1.2", "TLSv1.3")


@pytest.mark.parametrize(
    ("more", "address", "endpoints"),
    [
        ("", "*:21", ("ftp://127.0.0.1:21",)),
        ("listen_port=2100\nlisten_address=192.0.2.7", "192.0.2.7:2100", ("ftp://192.0.2.7:2100",)),
        ("listen=NO\nlisten_ipv6=YES", "[::]:21", ("ftp://127.0.0.1:21",)),
        ("listen=NO\nlisten_ipv6=YES\nlisten_address6=::1", "[::1]:21", ("ftp://[::1]:21",)),
        ("implicit_ssl=YES\nlisten_port=990", "*:990", ("ftps://127.0.0.1:990",)),
        ("listen=NO", "inetd", ()),
    ],
)
def test_addresses(more, address, endpoints):
    found = Case(f"{TLS}{more}\n").listener
    assert (found.address, found.endpoints) == (address, endpoints)


def test_without_tls_everything_is_served_in_plaintext():
    found = Case("listen=YES\nssl_enable=NO\nimplicit_ssl=YES\n").listener
    assert (found.tls, found.settings["plaintext"].value, found.endpoints) == (False, "served", ("ftp://127.0.0.1:21",))
    assert found.settings["plaintext"].provenance == (vsftpd.Provenance(MAIN, 2, "ssl_enable=NO"),)


@pytest.mark.parametrize(
    ("more", "by"),
    [
        ("", None),
        ("force_local_logins_ssl=NO", "force_local_logins_ssl=NO"),
        ("force_local_data_ssl=NO", "force_local_data_ssl=NO"),
        ("anonymous_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES", "force_anon_data_ssl"),
        ("anonymous_enable=YES\nforce_anon_logins_ssl=YES\nforce_anon_data_ssl=YES", None),
        # From the first byte under TLS there is no login without; a data channel may still be.
        ("implicit_ssl=YES\nforce_local_logins_ssl=NO", None),
        ("implicit_ssl=YES\nforce_local_data_ssl=NO", "force_local_data_ssl=NO"),
    ],
)
def test_what_goes_without_tls(more, by):
    setting = Case(f"{TLS}{more}\n").listener.settings["plaintext"]
    assert setting.value == ("served" if by else "refused")
    assert by is None or any(by in place.text for place in setting.provenance)


def test_a_user_is_exempted_and_then_is_not():
    users = "/etc/vsftpd/users"
    case = Case({MAIN: f"{TLS}user_config_dir={users}\n", f"{users}/pacs": "# at night\nforce_local_data_ssl=no"})
    assert case.listener.settings["plaintext"].provenance[-1].file == f"{users}/pacs"
    assert case.mended().text(1) == b"# at night\nforce_local_data_ssl=YES"
    assert case.mended().value("plaintext") == "refused"
    left = case.plan(overrides="report")
    first = left.unmended[0]
    assert (first.check, first.provenance.file) == ("transport.plaintext", f"{users}/pacs")
    with pytest.raises(ConfigurationError, match='overrides is "fail"'):
        case.plan(overrides="fail")


def test_files_and_settings_of_the_command_line_count_in_their_order():
    files = {MAIN: TLS + "listen_port=1\n", "/etc/more.conf": "listen_port=3\n"}
    assert Case(files, arguments=["-olisten_port=2", MAIN]).listener.address == "*:1"
    assert Case(files, arguments=[MAIN, "-olisten_port=2"]).listener.address == "*:2"
    assert Case(files, arguments=[MAIN, "-olisten_port=2", "/etc/more.conf"]).listener.address == "*:3"


def test_what_the_command_line_says_is_left_and_told():
    case = Case(TLS, arguments=[MAIN, "-oforce_local_logins_ssl=NO"])
    left = [item for item in case.plan().unmended if item.check == "transport.plaintext"]
    assert len(left) == 1 and "command line" in left[0].reason and left[0].provenance.line == 0
    assert case.mended().value("plaintext") == "served"


# --- plans ------------------------------------------------------------------------------------------------------------


def test_every_occurrence_is_mended_and_what_is_missing_goes_to_the_end():
    case = Case(f"{TLS}ssl_tlsv1=YES\nssl_tlsv1=NO\n  ssl_ciphers=ALL\nssl_sslv3=true\n# end", "3.0.3")
    after = case.mended().text()
    assert after.startswith(TLS.encode() + b"ssl_tlsv1=NO\nssl_tlsv1=NO\n  ssl_ciphers=ECDHE-")
    assert after.endswith(b"\nssl_sslv3=NO\n# end")
    assert lines(Case(TLS, "3.0.3").mended().text()) == [*TLS.split(), "ssl_tlsv1=NO"]
    assert lines(Case(TLS, "rhel").mended().text())[5:8] == ["ssl_tlsv1=NO", "ssl_tlsv1_1=NO", "ssl_ciphers=" + CIPHERS]
    assert Case(TLS, "3.0.5").plan().edits == (), "its own defaults hold the baseline"


CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)


CNF = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nOptions = Bugs, -SessionTicket # x\n"


@pytest.mark.parametrize(
    ("cnf", "tickets"),
    [
        (CNF, "off"),
        (CNF.replace("-Session", "Session"), "static"),
        # Inert: the chain must begin before the first section.
        ("[x]\n" + CNF, "static"),
        (CNF.replace("[c]", "[d]"), "static"),
        (CNF + "Options = ServerPreference\n", "static"),
        (".include /etc/ssl/more.cnf\n" + CNF, "static"),
    ],
)
def test_session_tickets_go_by_the_openssl_settings_of_the_service(cnf, tickets):
    files = {MAIN: TLS, "/o.cnf": cnf, "/proc/7/environ": b"OPENSSL_CONF=/o.cnf\0"}
    host = FakeHost(files, processes=[listener(7)])
    (found,) = VSFTPD.discover(host)
    documents = VSFTPD.read(host, found)
    assert VSFTPD.effective(found, documents)[0].settings["session_tickets"].value == tickets


PRIVATE = "/etc/encryption.in_transit/vsftpd.service.cnf"
DROP_IN = "/etc/systemd/system/vsftpd.service.d/zz-encryption.in_transit.conf"


def serviced(files=(), library="3.0.20", shown="LoadState=loaded\nMainPID=7\n", **more):
    """A running vsftpd that is the main process of its systemd service."""
    host = FakeHost(
        {MAIN: TLS, **dict(files)},
        library=library,
        processes=[listener(7)],
        answers={"systemctl show --property=LoadState,MainPID vsftpd.service": Completed(0, shown, "")},
    )
    host.units = {7: "vsftpd.service"}
    (found,) = VSFTPD.discover(host)
    return host, found


def planned(host, found, baseline=None, **options):
    documents = VSFTPD.read(host, found)
    plan = VSFTPD.plan(found, documents, model.load("intermediate", baseline), options)
    return plan, VSFTPD.edited(documents, plan.edits)


def test_what_vsftpd_has_no_name_for_is_said_in_the_openssl_configuration_of_its_service():
    host, found = serviced({"/usr/lib/ssl/openssl.cnf": "openssl_conf = here\n[here]\nproviders = fips\n"})
    plan, after = planned(host, found)
    made = {edit.path: edit.replacement.decode() for edit in plan.edits if edit.line == 0}
    assert made[DROP_IN].endswith(f"[Service]\nEnvironment=OPENSSL_CONF={PRIVATE}\n")
    assert made[PRIVATE].splitlines()[1:] == [
        ".include /usr/lib/ssl/openssl.cnf",
        "[default]",
        "openssl_conf = here",
        "[here]",
        "ssl_conf = in_transit_ssl",
        "[in_transit_ssl]",
        "system_default = in_transit_tls",
        "[in_transit_tls]",
        "Options = -SessionTicket",
    ]
    listener_after = VSFTPD.effective(found, after)[0].settings["session_tickets"]
    assert listener_after.value == "off" and listener_after.provenance[0].file == PRIVATE
    assert plan.unmended == () and not [edit for edit in plan.edits if edit.path == MAIN and edit.line == 0]
    # The same once it is written: read from disk, and nothing more to do.
    host.files.update({one.path: one.data for one in after})
    again, _after = planned(host, found)
    assert again.edits == () and again.unmended == ()
    assert len([argv for argv in host.ran if "--property=LoadState,MainPID" in argv]) == 1, "asked once, not again"


def test_a_configuration_the_service_has_of_its_own_is_extended():
    cnf = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nOptions = PrioritizeChaCha\n"
    host, found = serviced({"/o.cnf": cnf, "/proc/7/environ": b"OPENSSL_CONF=/o.cnf\0"})
    plan, _after = planned(host, found)
    (text,) = [edit.replacement.decode() for edit in plan.edits if edit.path == PRIVATE]
    assert ".include /o.cnf\n" in text and "[c]\nOptions = PrioritizeChaCha,-SessionTicket\n" in text


def test_tls_1_1_and_suites_of_tls_1_3_are_closed_where_lists_cannot():
    loose = {
        "suites_tls12": ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
        "suites_tls13": ["TLS_AES_128_GCM_SHA256"],
    }
    host, found = serviced()
    plan, after = planned(host, found, loose)
    (text,) = [edit.replacement.decode() for edit in plan.edits if edit.path == PRIVATE]
    assert "MinProtocol = TLSv1.2\n" in text
    assert VSFTPD.effective(found, after)[0].settings["protocols"].value == ("TLSv1.2", "TLSv1.3")
    assert not [item for item in plan.unmended if item.check.startswith("protocol.")]
    only, after = planned(host, found, {"protocols": ["TLSv1.3"], "required_protocols": ["TLSv1.3"]})
    assert VSFTPD.effective(found, after)[0].settings["protocols"].value == ("TLSv1.3",)
    assert "protocol.tls1_2" in {edit.check for edit in only.edits}


@pytest.mark.parametrize(
    ("more", "options"),
    [
        ({"shown": "LoadState=loaded\nMainPID=1\n"}, {}),
        ({"shown": "LoadState=not-found\nMainPID=7\n"}, {}),
        ({"files": {MAIN: TLS + "setproctitle_enable=YES\n"}}, {}),
        ({"files": {"/usr/lib/ssl/openssl.cnf": ".include somewhere\n"}}, {}),
        ({"library": "1.1.0"}, {}),
        ({}, {"overrides": "report"}),
    ],
    ids=[
        "another-main-process",
        "no-unit",
        "title-for-environment",
        "configuration-not-understood",
        "library-too-old",
        "left-alone",
    ],
)
def test_without_a_service_to_say_it_to_it_is_a_failing_finding(more, options):
    plan, _after = planned(*serviced(**more), **options)
    assert [edit.path for edit in plan.edits if edit.path != MAIN] == []
    assert "session.tickets" in {item.check for item in plan.unmended}


def test_what_is_no_longer_needed_goes():
    host, found = serviced()
    _plan, after = planned(host, found)
    host.files.update({one.path: one.data for one in after})
    plan, left = planned(host, found, {"session_tickets": "any"})
    assert {edit.path: edit.replacement for edit in plan.edits} == {PRIVATE: None, DROP_IN: None}
    assert [one.path for one in left] == [MAIN]


def test_systemd_is_told_when_a_drop_in_came_or_went_and_a_trial_takes_it():
    host, found = serviced({"/proc/7/environ": b"OPENSSL_CONF=/o.cnf\0", "/o.cnf": ""})

    def told(shown):
        host.answers.update(
            {
                "systemctl show --property=DropInPaths,NeedDaemonReload": Completed(0, shown, ""),
                "systemctl daemon-reload": Completed(0, "", ""),
            }
        )
        host.ran.clear()
        VSFTPD.written(host, found)
        return ["systemctl", "daemon-reload"] in host.ran

    assert not told("DropInPaths=\nNeedDaemonReload=yes\n"), "what others have done to the unit is theirs to load"
    VSFTPD.test(host, found)
    assert host.sessions[-1][1] == {"OPENSSL_CONF": "/o.cnf"}
    host.files.update({PRIVATE: b"", DROP_IN: b""})
    assert told("DropInPaths=\nNeedDaemonReload=no\n")
    assert told(f"DropInPaths={DROP_IN}\nNeedDaemonReload=yes\n")
    assert not told(f"DropInPaths={DROP_IN}\nNeedDaemonReload=no\n")
    VSFTPD.test(host, found)
    assert host.sessions[-1][1] == {"OPENSSL_CONF": PRIVATE}
    del host.files[PRIVATE], host.files[DROP_IN]
    assert told(f"DropInPaths={DROP_IN}\nNeedDaemonReload=yes\n")
    host.answers["systemctl daemon-reload"] = Completed(1, "", "no")
    with pytest.raises(TransactionError, match="daemon-reload failed"):
        VSFTPD.written(host, found)


@pytest.mark.parametrize(
    ("library", "cnf", "weak", "floor"),
    [
        ("1.1.1", "", False, b":@SECLEVEL=2\n"),
        ("1.1.1", CNF.replace("Options", "CipherString = DEFAULT@SECLEVEL=2\nOptions"), False, b"\n"),
        ("1.1.1", "", True, b"\n"),
        ("3.0.20", "", False, b"\n"),
    ],
    ids=["nothing-says-a-level", "the-system-does", "the-certificate-needs-less", "newer-libraries"],
)
def test_signatures_with_sha1_are_closed_by_a_security_level(library, cnf, weak, floor, monkeypatch):
    monkeypatch.setattr(certificates, "loads", lambda host, path: not weak)
    host, found = serviced({"/o.cnf": cnf, "/proc/7/environ": b"OPENSSL_CONF=/o.cnf\0"}, library)
    _plan, after = planned(host, found, {"session_tickets": "any"})
    assert after[0].data.count(b"ssl_ciphers=") == (0 if floor == b"\n" else 1)
    weaker = {MAIN: TLS + "ssl_ciphers=AES128-SHA\n", "/o.cnf": cnf, "/proc/7/environ": b"OPENSSL_CONF=/o.cnf\0"}
    host, found = serviced(weaker, library)
    _plan, after = planned(host, found, {"session_tickets": "any"})
    assert f"ssl_ciphers={CIPHERS}".encode() + floor in after[0].data
    host.files[MAIN] = after[0].data
    assert planned(host, found, {"session_tickets": "any"})[0].edits == ()


def test_stricter_lists_stay_and_a_security_level_goes_unless_the_certificate_needs_it():
    strict = f"{TLS}ssl_tlsv1=NO\nssl_ciphers=ECDHE-RSA-AES128-GCM-SHA256"
    assert Case(strict).plan().edits == ()
    assert Case(f"{strict}:@SECLEVEL=0").mended().text() == strict.encode()
    assert Case(f"{strict}:@SECLEVEL=0", weak=True).plan().edits == ()
    assert Case(f"{TLS}ssl_ciphers=ALL:@SECLEVEL=1\n", weak=True).mended().text().count(b"@SECLEVEL=1") == 1


def test_tls_is_switched_on_only_with_a_certificate_that_serves():
    plain = "listen=YES\nlocal_enable=YES\nanonymous_enable=NO\nssl_enable=NO\n"
    after = Case(plain).mended()
    assert after.listener.tls and after.value("plaintext") == "refused"
    without = Case(plain, objection="the certificate file /c.pem is missing").plan()
    assert without.edits == ()
    assert "/c.pem is missing" in without.unmended[0].reason
    report = Case(plain).plan(plaintext="report")
    assert report.edits == () and [item.check for item in report.unmended] == ["transport.plaintext"]


def test_anonymous_sessions_are_forced_too():
    after = Case("listen=YES\nlocal_enable=NO\nssl_enable=YES\n", "3.0.5").mended().text()
    assert lines(after)[3:] == ["allow_anon_ssl=YES", "force_anon_logins_ssl=YES", "force_anon_data_ssl=YES"]


def test_what_the_build_cannot_do_is_told():
    found = Case(TLS, "3.0.3").plan("modern")
    assert "protocol.tls1_2" in [item.check for item in found.unmended]
    assert Case(TLS, "3.0.5").mended("modern").value("protocols") == ("TLSv1.3",)
    (clamp,) = Case(TLS).plan().clamps
    assert (clamp.check, clamp.got, clamp.reason) == (
        "group.clamped",
        "secp256r1",
        "vsftpd 3.0.3 has one curve built in, P-256",
    )
    cbc = {"suites_tls12": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"]}
    left = Case(f"{TLS}ssl_ciphers=ALL\n", "3.0.3").plan(baseline=cbc).unmended
    assert [item.check for item in left if item.check.startswith("protocol")] == ["protocol.tls1_1"]
    assert "MinProtocol" in left[0].reason


#: Settings a file may hold in any order and number.
SETTINGS = """
ssl_enable=YES ssl_enable=no ssl_tlsv1=YES ssl_tlsv1=NO ssl_sslv3=1 ssl_ciphers=ALL ssl_ciphers=HIGH:@SECLEVEL=0
ssl_ciphers= force_local_data_ssl=NO force_local_logins_ssl=0 anonymous_enable=YES anonymous_enable=NO
local_enable=YES allow_anon_ssl=NO implicit_ssl=YES listen=YES require_ssl_reuse=NO
"""


@given(
    st.lists(
        st.sampled_from(SETTINGS.split()),
        max_size=8,
    ),
    st.sampled_from(["3.0.3", "3.0.5", "rhel"]),
    st.sampled_from(["RSA", "ECDSA"]),
    st.booleans(),
)
def test_any_plan_is_enough_and_is_planned_once(settings_, build, key, newline):
    case = Case("\n".join(settings_) + "\n" * newline, build, key=key)
    after = case.mended()
    assert set(after.value("protocols")) <= {"TLSv1.2", "TLSv1.3"}
    assert after.value("plaintext") == "refused"
    assert {item.check for item in after.plan().unmended} == {"session.tickets"}


# --- instances --------------------------------------------------------------------------------------------------------


def listener(pid, *argv, start=100, ppid=1):
    return Process(pid, ppid, start, argv or (PROGRAM, MAIN), PROGRAM)


def test_running_listeners_sessions_and_files_nobody_runs():
    files = {
        MAIN: TLS,
        "/etc/vsftpd/a.conf": TLS,
        "/etc/vsftpd/b.conf": TLS,
        "/etc/vsftpd/user_list": "x",
        "/etc/systemd/system/vsftpd@.service": "",
    }
    processes = [listener(7), listener(8, PROGRAM, MAIN, ppid=7), listener(9, PROGRAM, "/etc/vsftpd/a.conf")]
    host = FakeHost(files, processes=processes)
    found = {one.config: one for one in VSFTPD.discover(host)}
    assert sorted((config, one.running) for config, one in found.items()) == [
        (MAIN, True),
        ("/etc/vsftpd/a.conf", True),
        ("/etc/vsftpd/b.conf", False),
    ]
    assert found["/etc/vsftpd/b.conf"].facts["unit"] == "vsftpd@b.service"
    assert VSFTPD.generation(host, found["/etc/vsftpd/a.conf"]) == (9, 100)
    assert VSFTPD.generation(host, found["/etc/vsftpd/b.conf"]) is None


def test_a_title_hides_the_command_line_but_the_unit_tells_it():
    shown = "ExecStart={ path=/usr/sbin/vsftpd ; argv[]=/usr/sbin/vsftpd /etc/vsftpd/a.conf -olisten_port=99 ; x ; }\n"
    host = FakeHost(
        {"/etc/vsftpd/a.conf": TLS},
        processes=[listener(7, "vsftpd: LISTENER")],
        answers={
            "systemctl show --property=ExecStart vsftpd@a.service": Completed(0, shown, ""),
            "systemctl show --property=Environment": Completed(0, "Environment=A=1 OPENSSL_CONF=/o.cnf\n", ""),
        },
    )
    host.units = {7: "vsftpd@a.service"}
    (found,) = VSFTPD.discover(host)
    assert found.facts["arguments"] == ["/etc/vsftpd/a.conf", "-olisten_port=99"]
    assert found.facts["environment"] == {"OPENSSL_CONF": "/o.cnf"}
    assert VSFTPD.generation(host, found) == (7, 100)


def test_absent_software_is_no_instance():
    host = FakeHost({MAIN: TLS})
    host.programs = {}
    del host.files[PROGRAM]
    assert VSFTPD.discover(host) == []


def test_a_reload_is_a_restart_of_the_unit():
    host = FakeHost({MAIN: TLS}, processes=[listener(7)], answers={"systemctl": Completed(0, "MainPID=7\n", "")})
    host.units = {7: "vsftpd.service"}
    (found,) = VSFTPD.discover(host)
    VSFTPD.reload(host, found)
    assert ["systemctl", "restart", "vsftpd.service"] in host.ran
    assert "restarted" in VSFTPD.reloads


def test_a_restart_that_fails_says_what_systemd_said():
    host = FakeHost({MAIN: TLS}, processes=[listener(7)], answers={"systemctl show": Completed(0, "MainPID=7\n", "")})
    host.units = {7: "vsftpd.service"}
    (found,) = VSFTPD.discover(host)
    with pytest.raises(TransactionError, match=r"systemctl restart vsftpd\.service failed") as caught:
        VSFTPD.reload(host, found)
    assert caught.value.step == "reload"


def test_the_first_process_of_a_container_is_not_ended():
    host = FakeHost({MAIN: TLS}, processes=[listener(1, ppid=0)])
    (found,) = VSFTPD.discover(host)
    with pytest.raises(TransactionError, match="restart the container yourself"):
        VSFTPD.reload(host, found)


def test_a_trial_uses_only_names_the_build_knows_and_the_environment_of_the_service():
    host = FakeHost({MAIN: TLS, "/proc/7/environ": b"A=1\0OPENSSL_CONF=/dev/null\0"}, processes=[listener(7)])
    (found,) = VSFTPD.discover(host)
    result = VSFTPD.test(host, found)
    assert not result.ok and "refused in memory" in result.output
    ((argv, environment),) = host.sessions
    assert environment == {"OPENSSL_CONF": "/dev/null"}
    assert argv[:2] == [PROGRAM, MAIN] and "-olisten=NO" in argv
    assert not any("reverse_lookup_enable" in word for word in argv), "no setting of this build"


def test_exports_keep_lines_and_take_secrets_out():
    secret = TLS + "ftpd_banner=token=abcdEFGH12345678ijklMNOP\n"
    case = Case(secret)
    listeners, main = VSFTPD.export(case.instance, case.documents)
    assert listeners.name == "listeners.json"
    assert main.name == "files/etc/vsftpd.conf" and main.redactions == 1
    assert "abcdEFGH" not in main.text and main.text.count("\n") == secret.count("\n")
