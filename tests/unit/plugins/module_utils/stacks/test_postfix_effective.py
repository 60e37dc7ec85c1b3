# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which settings are in force for each service, and where its address is."""

from __future__ import annotations

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import judge
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.postfix_tools import (
    CERTIFICATE,
    MAIN,
    MASTER,
    SERVICES,
    Case,
)

NEW, ALL = ("TLSv1.2", "TLSv1.3"), ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")
MAY = CERTIFICATE + "smtpd_tls_security_level = may\n"
POSTSCREEN = """\
smtp     inet n    - n - 1 postscreen
smtpd    pass -    - n - - smtpd
tlsproxy unix -    - n - 0 tlsproxy
"""


def test_defaults_by_version():
    assert Case(MAY).value("protocols") == ALL
    assert Case(MAY, version="3.5.25").value("protocols") == ALL
    assert Case(MAY).listener("smtp").settings["protocols"].provenance[0].text == (
        "built-in default of Postfix 3.7.11: smtpd_tls_protocols = >=TLSv1"
    )


def test_the_opportunistic_list_counts_at_may_and_the_mandatory_one_elsewhere():
    case = Case(MAY + "smtpd_tls_mandatory_protocols = >=TLSv1.2\n")
    assert [case.value("protocols", name) for name in ("smtp", "submission", "smtps")] == [ALL, NEW, NEW]
    case = Case(MAY + "smtpd_tls_protocols = >=TLSv1.2\n")
    assert [case.value("protocols", name) for name in ("smtp", "submission", "smtps")] == [NEW, ALL, ALL]


def test_an_option_of_a_service_beats_main():
    case = Case(
        MAY + "smtpd_tls_mandatory_protocols = >=TLSv1.2\n",
        "submission inet n - n - - smtpd -o smtpd_tls_security_level=may\n"
        " -o smtpd_tls_security_level=encrypt -o smtpd_tls_mandatory_protocols=TLSv1\n",
    )
    setting = case.listener("submission").settings["protocols"]
    assert setting.value == ("TLSv1.0",)
    assert (setting.provenance[0].file, setting.provenance[0].line) == (MASTER, 1)


def test_of_two_entries_the_last_counts():
    case = Case(MAY + "smtpd_tls_protocols = >=TLSv1.2\nsmtpd_tls_protocols = >=TLSv1.1\n")
    assert case.value("protocols") == ALL[1:]
    assert case.listener("smtp").settings["protocols"].provenance[0].line == 4


def test_a_reference_names_every_place():
    case = Case(MAY + "mine = >=TLSv1.2\nsmtpd_tls_protocols = $mine\n")
    setting = case.listener("smtp").settings["protocols"]
    assert setting.value == NEW
    assert [place.line for place in setting.provenance] == [4, 3]


@pytest.mark.parametrize(
    "main, tls",
    [
        ("smtpd_tls_security_level = may\n", True),
        ("smtpd_use_tls = yes\n", True),
        ("smtpd_enforce_tls = yes\n", True),
        ("smtpd_enforce_tls = yes\nsmtpd_tls_security_level = none\n", False),
        ("", False),
        ("smtpd_tls_security_level = bogus\n", False),
        ("smtpd_tls_security_level = may\nsmtpd_tls_protocols = TLS1.2\n", False),
    ],
)
def test_whether_tls_is_offered(main, tls):
    listener = Case(CERTIFICATE + main).listener("smtp")
    assert listener.tls is tls
    served = listener.settings.get("plaintext", ("",))[0] == "served"
    assert served is not tls


def test_the_old_switch_does_not_raise_a_level():
    case = Case(MAY + "smtpd_enforce_tls = yes\nsmtpd_tls_mandatory_protocols = >=TLSv1.2\n")
    assert case.value("protocols") == ALL


def test_without_a_certificate_there_is_no_tls():
    assert not Case("smtpd_tls_security_level = may\n").listener("smtp").tls


def test_suites_come_from_the_grade_less_the_exclusions():
    anonymous = Case(MAY).value("suites_tls12")
    assert any("_anon_" in name for name in anonymous)
    both = Case(MAY + "smtpd_tls_exclude_ciphers = aNULL\n")
    mandatory = Case(MAY + "smtpd_tls_mandatory_exclude_ciphers = aNULL\n")

    def offers(case, name):
        return any("_anon_" in suite for suite in case.value("suites_tls12", name))

    assert [offers(both, "smtp"), offers(both, "submission")] == [False, False]
    assert [offers(mandatory, "smtp"), offers(mandatory, "submission")] == [True, False]


def test_each_of_a_pair_has_its_own_grade():
    case = Case(MAY + "smtpd_tls_ciphers = high\ntls_high_cipherlist = ECDHE-RSA-AES128-GCM-SHA256\n")
    assert case.value("suites_tls12") == ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",)
    assert "TLS_RSA_WITH_AES_128_CBC_SHA" in case.value("suites_tls12", "submission")


def test_groups_are_a_list_of_postfix_itself():
    assert Case(MAY, version="3.10.13", library="3.5.7").value("groups") == (
        "x25519", "x448", "secp256r1", "secp384r1", "secp521r1", "ffdhe2048", "ffdhe3072",
    )  # fmt: skip
    assert Case(MAY + "smtpd_tls_eecdh_grade = ultra\n").value("groups") == ("secp384r1",)
    assert Case(MAY + "tls_eecdh_auto_curves = X25519MLKEM768 X25519\n").value("groups") == ("x25519",)


def test_tickets():
    assert Case(MAY).value("session_tickets") == "rotated"
    assert Case(MAY + "tls_ssl_options = NO_TICKET, NO_COMPRESSION\n").value("session_tickets") == "off"


@pytest.mark.parametrize(
    "main, name, address, endpoint",
    [
        ("", "smtp", "*:25", "smtp://127.0.0.1:25"),
        ("inet_protocols = ipv6\n", "smtp", "[::]:25", "smtp://[::1]:25"),
        ("inet_interfaces = loopback-only\n", "smtp", "127.0.0.1:25", "smtp://127.0.0.1:25"),
        ("inet_interfaces = $myhostname, 192.0.2.5\n", "smtp", "192.0.2.5:25", "smtp://192.0.2.5:25"),
        ("", "192.0.2.9:2525", "192.0.2.9:2525", "smtp://192.0.2.9:2525"),
        ("", "[2001:db8::1]:smtp", "[2001:db8::1]:25", "smtp://[2001:db8::1]:25"),
        ("smtpd_upstream_proxy_protocol = haproxy\n", "smtp", "*:25", "smtp://127.0.0.1:25?proxy_protocol=1"),
        ("", "unheardof", "*:unheardof", None),
    ],
)
def test_addresses(main, name, address, endpoint):
    listener = Case(MAY + main, f"{name} inet n - n - - smtpd\n").listener(name)
    assert (listener.address, listener.endpoints) == (address, (endpoint,) if endpoint else ())


def test_wrapper_mode_speaks_tls_at_any_level():
    case = Case(CERTIFICATE + "smtpd_tls_security_level = none\n")
    assert case.listener("smtps").tls and case.listener("smtps").endpoints == ("smtps://127.0.0.1:465",)
    assert not case.listener("smtp").tls


def test_behind_postscreen_two_programs_answer():
    main = MAY + "smtpd_tls_protocols = >=TLSv1.2\npostscreen_tls_security_level = may\n"
    case = Case(main, POSTSCREEN.replace("tlsproxy\n", "tlsproxy -o tlsproxy_tls_protocols=>=TLSv1\n"))
    assert {one.context: one.settings["protocols"].value for one in case.listeners()} == {
        "smtp smtpd": NEW,
        "smtp tlsproxy": ALL,
    }
    assert {one.endpoints for one in case.listeners()} == {("smtp://127.0.0.1:25",)}
    strict_pass = Case(MAY, POSTSCREEN.replace("n - - smtpd", "n - - smtpd -o smtpd_tls_protocols=>=TLSv1.2"))
    assert strict_pass.value("protocols", "smtp tlsproxy") == ALL


# --- plaintext --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "service, plaintext",
    [
        ("smtp inet n - n - - smtpd", None),  # anyone may hand in mail
        ("submission inet n - n - - smtpd", "served"),
        ("submission inet n - n - - smtpd -o smtpd_tls_security_level=encrypt", "refused"),
        ("127.0.0.1:10025 inet n - n - - smtpd -o smtpd_tls_security_level=none", None),  # within the host
        ("10025 inet n - n - - smtpd -o smtpd_tls_security_level=none", "served"),
        ("smtps inet n - n - - smtpd -o smtpd_tls_wrappermode=yes", None),
    ],
)
def test_plaintext(service, plaintext):
    (listener,) = Case(MAY, service + "\n").listeners()
    setting = listener.settings.get("plaintext")
    assert (setting and setting.value) == plaintext
    found = judge.judge_listeners([listener], model.load())
    statuses = {item["status"] for item in found if item["check"] == "transport.plaintext"}
    assert statuses == ({"served": {"fail"}, "refused": {"pass"}}.get(plaintext, set()))


# --- what is sent -------------------------------------------------------------------------------------------------


def client(main, master=SERVICES, **files):
    return {one.context: one for one in Case(main, master, **files).listeners("client")}


@pytest.mark.parametrize(
    "main, protocols, verified",
    [
        ("smtp_tls_security_level = may\nsmtp_tls_mandatory_protocols = >=TLSv1.2\n", ALL, None),
        ("smtp_tls_security_level = encrypt\nsmtp_tls_protocols = >=TLSv1.2\n", ALL, False),
        ("smtp_tls_security_level = verify\nsmtp_tls_mandatory_protocols = >=TLSv1.2\n", NEW, True),
        ("smtp_tls_security_level = dane\nsmtp_tls_mandatory_protocols = >=TLSv1.2\n", ALL, None),
    ],
)
def test_clients(main, protocols, verified):
    one = client(main)["smtp/unix"]
    assert one.settings["protocols"].value == protocols
    assert (one.settings["peer_verification"].value if "peer_verification" in one.settings else None) is verified


def test_without_a_level_mail_goes_out_in_plaintext():
    one = client("")["smtp/unix"]
    assert not one.tls and not one.settings and one.endpoints == ()


def test_a_relay_can_be_asked():
    one = client("relayhost = [relay.example]:587\nsmtp_tls_security_level = encrypt\n")["smtp/unix"]
    assert (one.address, one.endpoints) == ("[relay.example]:587", ("smtp://relay.example:587",))
    one = client("relayhost = [r.example]:465\nsmtp_tls_wrappermode = yes\nsmtp_tls_security_level = encrypt\n")
    assert one["smtp/unix"].endpoints == ("smtps://r.example:465",)
    assert client("relayhost = r.example\nsmtp_tls_security_level = may\n")["smtp/unix"].endpoints == ()


def test_policy_maps_are_read():
    main = "smtp_tls_security_level = encrypt\nsmtp_tls_policy_maps = hash:/etc/postfix/tls_policy\n"
    policy = "# who\nweak.example encrypt protocols=TLSv1:TLSv1.1 ciphers=high\n  match=x\nnone.example none\n"
    found = Case(main, tls_policy=policy).listeners("client")
    one, two = (listener for listener in found if listener.context == "smtp_tls_policy_maps")
    assert (one.address, one.settings["protocols"].value) == ("weak.example", ("TLSv1.0", "TLSv1.1"))
    assert one.settings["protocols"].provenance[0].line == 2
    assert (two.address, two.tls) == ("none.example", False)


def test_provenance_of_main():
    place = Case(MAY + "smtpd_tls_protocols =\n  !SSLv2,\n  !SSLv3\n").listener("smtp").settings["protocols"].provenance
    assert [(one.file, one.line, one.text) for one in place] == [(MAIN, 3, "smtpd_tls_protocols = !SSLv2, !SSLv3")]
