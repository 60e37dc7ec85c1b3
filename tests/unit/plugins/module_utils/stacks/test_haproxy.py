# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HAProxy in memory: its grammar, what its settings mean, the plan, the command line, the export."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Kept
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.haproxy import effective, grammar, machine
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Completed, Process
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.haproxy_tools import (
    CIPHERS,
    FIXTURES,
    GOOD,
    HAPROXY,
    MAIN,
    Case,
    checks,
)
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import MemoryHost

APPROVED = ("TLSv1.2", "TLSv1.3")
OLD_SUITE = "TLS_RSA_WITH_AES_128_CBC_SHA"


# --- grammar ----------------------------------------------------------------------------------------------------------


def words(text, **environment):
    return [word.value for line in grammar.parse("f", text.encode(), environment).lines for word in line.words]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bind :443  ssl # a comment", ["bind", ":443", "ssl"]),
        ("bind :443 ssl#comment", ["bind", ":443", "ssl"]),
        ("a\\ b \\#c 'd \\ #e' \"f g\"h", ["a b", "#c", "d \\ #e", "f gh"]),
        ('"\\$A $A ${A} ${B-c} ${B-}"', ["$A x x c "]),
        ("$A '$A'", ["$A", "$A"]),
        ('"$B" "${A[*]}"', [None, None]),
        ("a\\x41\\t", ["aA\t"]),
        ("# nothing\r\n\tbind :1\r\n", ["bind", ":1"]),
    ],
)
def test_words_are_what_haproxy_sees(text, expected):
    assert words(text, A="x") == expected


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('global\n  a "b\n', ":2:5: the quote"),
        ("a 'b\n", ":1:3: the quote"),
        ("global\n.if defined(A)\n", ":2:1: this"),
        (" .endif\n", ":1:2:"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text, place):
    with pytest.raises(ConfigurationError, match=re.escape(f"f{place}")):
        grammar.parse("f", text.encode())


def test_brackets_of_a_list_of_certificates_must_match():
    with pytest.raises(ConfigurationError, match=re.escape("l:2:7: options of a certificate stand once")):
        grammar.parse_crt_list("l", b"a.pem\nb.pem [alpn h2\n")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_named(data):
    for parse in (grammar.parse, grammar.parse_crt_list):
        try:
            tree = parse("f", data)
        except ConfigurationError as error:
            assert 1 <= error.line <= data.count(b"\n") + 1
            continue
        for line in tree.lines:
            spans = [at for word in line.words for at in (word.start, word.end)]
            assert spans == sorted(spans) and b"\n" not in data[line.start : line.end]


# --- what it means ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("defaults", "own", "expected"),
    [
        ("", "", "TLSv1.2 TLSv1.3"),
        ("ssl-min-ver TLSv1.0", "", "TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3"),
        ("ssl-min-ver TLSv1.3", "ssl-min-ver TLSv1.0", "TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3"),
        ("ssl-min-ver TLSv1.0 no-tlsv10 no-tlsv11", "", "TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3"),
        ("no-tlsv13", "", "TLSv1.2"),
        ("force-tlsv12", "", "TLSv1.2"),
        ("force-tlsv12", "ssl-min-ver TLSv1.0", "TLSv1.0 TLSv1.1 TLSv1.2"),
        ("", "force-tlsv10", "TLSv1.0"),
        ("", "ssl-max-ver TLSv1.1", "TLSv1.1"),
        ("", "ssl-min-ver TLSv1.0 ssl-min-ver TLSv1.2", "TLSv1.2 TLSv1.3"),
    ],
)
def test_versions_are_one_range(defaults, own, expected):
    head = f"global\n ssl-default-bind-options {defaults}\n" if defaults else ""
    assert Case(f"{head}frontend f\n bind :443 ssl crt a {own}\n").value("protocols") == tuple(expected.split())


def test_built_in_versions_came_with_2_2():
    assert Case("frontend f\n bind :443 ssl crt a\n", version="2.1.0").value("protocols")[0] == "TLSv1.0"


def test_what_stands_above_global_has_none_of_its_defaults():
    case = Case("frontend a\n bind :443 ssl crt x\nglobal\n ssl-default-bind-options ssl-min-ver TLSv1.3\n"
                "frontend b\n bind :444 ssl crt x\n")  # fmt: skip
    assert case.value("protocols", 443) == APPROVED and case.value("protocols", 444) == ("TLSv1.3",)


def test_defaults_of_an_earlier_file_reach_later_ones_and_folders_are_sorted():
    files = {
        "/c/20.cfg": "frontend f\n bind :443 ssl crt x\n",
        "/c/10.cfg": "global\n ssl-default-bind-options ssl-min-ver TLSv1.3\n",
        "/c/00.conf": "frontend ignored\n bind :1 ssl crt x\n",
    }
    case = Case(files, load=("/c",))
    assert [document.path for document in case.documents] == ["/c/10.cfg", "/c/20.cfg"]
    assert case.value("protocols") == ("TLSv1.3",)


def test_a_line_that_a_macro_may_take_away_is_one_of_the_possibilities():
    text = "global\n.if defined(OLD)\n ssl-default-bind-options ssl-min-ver TLSv1.0\n.endif\n"
    case = Case(f"{text}frontend f\n bind :443 ssl crt x\n")
    assert case.value("protocols")[0] == "TLSv1.0"
    after = case.mended()
    assert after.value("protocols") == APPROVED
    assert ".if defined(OLD)\n ssl-default-bind-options ssl-min-ver TLSv1.2\n.endif\n" in after.text()
    assert after.text().index("ssl-default-bind-ciphers") < after.text().index(".if"), "not where it may be taken away"


def test_variables_are_those_of_the_daemon_and_of_the_file():
    text = 'global\n setenv LOW TLSv1.0\nfrontend f\n bind "$HERE:443" ssl crt x ssl-min-ver "$LOW" ciphers "$LIST"\n'
    case = Case(text, environment={"HERE": "127.0.0.9"})
    (listener,) = case.servers()
    assert listener.endpoints == ("tls://127.0.0.9:443?sni=",)
    assert listener.settings["protocols"].value[0] == "TLSv1.0"
    assert "suites_tls12" not in listener.settings, "not known, so not judged"
    assert f"ssl-min-ver TLSv1.2 ciphers {CIPHERS}" in case.mended().text()


LIST = "/etc/haproxy/list"
CRT_LIST = {
    MAIN: GOOD + f"frontend f\n mode http\n bind :443 ssl crt-list {LIST}\n",
    LIST: "# wishes\na.pem [alpn h2] a.example !x.a.example\nb.pem [ssl-min-ver TLSv1.0 ciphers ALL] *.b.example\n"
    "c.pem\n",
}


def test_a_list_of_certificates_has_settings_for_its_names():
    case = Case(CRT_LIST)
    assert case.value("protocols") == APPROVED
    assert case.value("protocols", name="*.b.example")[0] == "TLSv1.0"
    ends = [uri for one in case.servers() for uri in one.endpoints]
    assert ends == [f"https://127.0.0.1:443?sni={name}" for name in ("", "a.example", "any.b.example")]
    assert case.servers()[0].settings["certificates"].value == ("a.pem", "b.pem", "c.pem")
    plan = case.plan()
    assert {edit.path for edit in plan.edits} == {LIST} and len(plan.edits) == 2
    assert f"b.pem [ssl-min-ver TLSv1.2 ciphers {CIPHERS}] *.b.example\nc.pem\n" in case.mended().text(LIST)


def test_a_list_behind_a_symbolic_link_is_read_and_mended_where_it_lies():
    case = Case({**CRT_LIST, LIST: ""})
    case.host = MemoryHost({MAIN: CRT_LIST[MAIN], "/etc/lists/one": CRT_LIST[LIST]}, {LIST: "/etc/lists/one"})
    case.documents = HAPROXY.read(case.host, case.instance)
    assert case.value("protocols", name="*.b.example")[0] == "TLSv1.0"
    assert {edit.path for edit in case.plan().edits} == {"/etc/lists/one"}
    assert case.mended().value("protocols", name="*.b.example") == APPROVED


def test_the_first_certificate_decides_for_clients_without_a_name():
    files = {**CRT_LIST, LIST: "b.pem [ssl-min-ver TLSv1.0 ciphers ALL] b.example\na.pem a.example\n"}
    for version, oldest in (("2.8.0", "TLSv1.2"), ("3.0.11", "TLSv1.0")):
        case = Case(files, version=version)
        assert case.value("protocols")[0] == oldest and OLD_SUITE in case.value("suites_tls12")
        assert case.value("protocols", name="a.example") == APPROVED
        assert case.value("protocols", name="b.example")[0] == "TLSv1.0"


@pytest.mark.parametrize(
    ("address", "label", "endpoint"),
    [
        ("*:443", "*:443", "127.0.0.1:443"),
        (":443", "*:443", "127.0.0.1:443"),
        ("10.0.0.1:443", "10.0.0.1:443", "10.0.0.1:443"),
        ("[::]:443", "[::]:443", "[::1]:443"),
        (":::443", "[::]:443", "[::1]:443"),
        ("ipv6@:443", "*:443", "[::1]:443"),
        ("fe80::1:443", "[fe80::1]:443", "[fe80::1]:443"),
        (":8000-8010", "*:8000", "127.0.0.1:8000"),
        ("unix@/run/x", "/run/x", ""),
        ("/run/x.sock", "/run/x.sock", ""),
        ("fd@3", "3", ""),
        ("abns@x", "x", ""),
    ],
)
def test_addresses(address, label, endpoint):
    known = effective.address_of(address)
    assert (known.label, known.reachable()) == (label, endpoint)


def test_quic_speaks_tls_1_3_only_and_is_not_asked_by_tcp():
    (listener,) = Case(f"{GOOD}frontend f\n mode http\n bind quic4@:443 ssl crt x\n").servers()
    assert listener.settings["protocols"].value == ("TLSv1.3",) and listener.endpoints == ()


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("http-request redirect scheme https unless { ssl_fc }", "redirected"),
        ("redirect scheme https code 301 if !{ ssl_fc }", "redirected"),
        ("http-request redirect scheme https if { path_beg /login }", "served"),
        ("", "served"),
    ],
)
def test_plaintext(rule, value):
    case = Case(f"frontend f\n mode http\n bind :80\n {rule}\n")
    (listener,) = case.listeners()
    assert listener.settings["plaintext"].value == value
    assert checks(case.plan().unmended) == (["transport.plaintext"] if value == "served" else [])


def test_hsts_is_told_where_the_frontend_sets_it():
    rule = 'http-response set-header Strict-Transport-Security "max-age=300; includeSubDomains"'
    assert Case(f"frontend f\n mode http\n bind :443 ssl crt x\n {rule}\n").value("hsts_max_age") == 300
    assert "hsts_max_age" not in Case("frontend f\n mode http\n bind :443 ssl crt x\n").servers()[0].settings


# --- servers ----------------------------------------------------------------------------------------------------------

SERVERS = (
    GOOD
    + """defaults strict
    default-server ssl verify none
defaults
    mode http
backend a from strict
    server one 10.0.0.1:443
    server two 10.0.0.2:443 verify required ca-file /ca.pem sni str(two.example) ssl-min-ver TLSv1.2
    server plain 10.0.0.3:80 no-ssl
backend b
    server three three.example:443 ssl ca-file /ca.pem
"""
)


def test_servers_take_what_default_server_says():
    one, two, three = Case(SERVERS).clients()
    assert [one.address, two.address, three.address] == ["10.0.0.1:443", "10.0.0.2:443", "three.example:443"]
    assert [each.settings["peer_verification"].value for each in (one, two, three)] == [False, True, True]
    assert one.settings["protocols"].value[0] == "TLSv1.0" and two.settings["protocols"].value == APPROVED
    assert two.names == ("two.example",) and two.endpoints == ("tls://10.0.0.2:443?sni=two.example",)


def test_a_server_is_changed_only_with_proof_and_on_its_own_line():
    case = Case(SERVERS)
    assert case.plan().edits == ()
    assert checks(case.plan().unmended) == ["upstream.protocol", "upstream.suite", "upstream.verification"]
    after = case.mended(upstreams={"10.0.0.1:443": True, "three.example:443": False})
    assert f"server one 10.0.0.1:443 ssl-min-ver TLSv1.2 ciphers {CIPHERS}\n" in after.text()
    assert after.text().replace(f" ssl-min-ver TLSv1.2 ciphers {CIPHERS}\n", "\n", 1) == case.text()


def test_the_default_of_global_switches_verification_off():
    text = "global\n ssl-server-verify none\nbackend b\n server s 10.0.0.1:443 ssl\n"
    assert Case(text).clients()[0].settings["peer_verification"].value is False


# --- the plan ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "left"),
    [
        ("ssl-min-ver TLSv1.0", "ssl-min-ver TLSv1.2"),
        ("ssl-min-ver TLSv1.1 ssl-max-ver TLSv1.1", "ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.3"),
        ("force-tlsv11", "ssl-min-ver TLSv1.2"),
        ("force-tlsv12", "force-tlsv12"),
        ("no-sslv3 no-tlsv10", "no-sslv3 no-tlsv10"),
        ("ciphers 'ALL'", f"ciphers {CIPHERS}"),
        ("ciphers ALL:@SECLEVEL=0", f"ciphers {CIPHERS}:@SECLEVEL=0"),
        ("curves P-192:X25519", "curves X25519:prime256v1:secp384r1"),
        ("ecdhe secp160r1", "ecdhe prime256v1"),
        ("sigalgs RSA+SHA1:RSA-PSS+SHA256", "sigalgs RSA-PSS+SHA256"),
    ],
)
def test_options_are_mended_where_they_stand(own, left):
    case = Case(f"{GOOD}frontend f\n\tbind :443 ssl crt x {own} # why\r\n")
    assert f"\tbind :443 ssl crt x {left} # why\r\n" in case.mended().text()


def test_modern_takes_tls_1_2_away():
    after = Case(f"{GOOD}frontend f\n bind :443 ssl crt x force-tlsv12\n").mended("modern")
    assert after.value("protocols") == ("TLSv1.3",)


def test_what_is_built_in_is_said_once_in_the_first_global():
    text = "global\n\tdaemon\n\nfrontend f\n bind :443 ssl crt x\n bind :444 ssl crt x\n"
    added = f"\tssl-default-bind-ciphers {CIPHERS}\n\tssl-default-bind-options no-tls-tickets\n"
    assert Case(text).mended().text() == text.replace("\tdaemon\n", f"\tdaemon\n{added}")


def test_without_a_global_above_one_is_put_at_the_top():
    after = Case("frontend f\n bind :443 ssl crt x\nglobal\n daemon\n").mended()
    assert after.text().startswith("global\n    ssl-default-bind-ciphers ")
    assert after.value("session_tickets") == "off"


def test_a_lowered_level_is_raised_only_where_every_certificate_loads():
    head = f"global\n ssl-default-bind-ciphers {CIPHERS}:@SECLEVEL=0\n"
    text = head + "frontend f\n bind :443 ssl crt /c.pem no-tls-tickets\n"
    case = Case({MAIN: text, "/c.pem": b"nothing"})
    assert checks(case.plan().unmended) == ["signature.forbidden"]
    case.documents[0].tree.loads = {"/c.pem": True}
    assert f"{CIPHERS}:@SECLEVEL=2\n" in case.mended().text()


def keeping(port, protocols=("TLSv1.0",), names=(OLD_SUITE,), checks_kept=("protocol.tls1_0", "suite.forbidden")):
    kept = Kept(("EXC-2026-001",), frozenset(checks_kept), frozenset(protocols), frozenset(names))
    return lambda asked, _names: kept if asked == port else Kept()


def test_what_an_exception_keeps_is_pinned_to_its_line():
    head = "global\n ssl-default-bind-options ssl-min-ver TLSv1.0\n ssl-default-bind-ciphers AES128-SHA:AES256-SHA\n"
    case = Case(f"{head}frontend f\n bind :443 ssl crt x\n bind :8443 ssl crt x\n")
    after = case.mended(exceptions=keeping(8443))
    assert after.value("protocols") == APPROVED and OLD_SUITE not in after.value("suites_tls12")
    assert after.value("protocols", 8443)[0] == "TLSv1.0" and OLD_SUITE in after.value("suites_tls12", 8443)
    told = [item.reason for item in case.plan(exceptions=keeping(8443)).unmended if item.check == "protocol.tls1_1"]
    # Versions are one range: what lies between stays as well.
    assert told == ["HAProxy cannot switch TLSv1.1 off while EXC-2026-001 keeps TLSv1.0 on"]


def test_tickets_that_an_exception_keeps_stay_there_alone():
    options = {"exceptions": keeping(8443, (), (), ("session.tickets",))}
    case = Case(
        f"global\n ssl-default-bind-ciphers {CIPHERS}\nfrontend f\n bind :443 ssl crt x\n bind :8443 ssl crt x\n"
    )
    after = case.mended(**options)
    assert after.value("session_tickets") == "off" and after.value("session_tickets", 8443) == "static"


@pytest.mark.parametrize("overrides", ["report", "fail"])
def test_other_files_are_left_alone_when_asked(overrides):
    files = {MAIN: GOOD, "/b.cfg": "frontend f\n bind :443 ssl crt x ssl-min-ver TLSv1.0\n"}
    case = Case(files, load=(MAIN, "/b.cfg"))
    if overrides == "fail":
        with pytest.raises(ConfigurationError, match=r"/b.cfg:2:2:"):
            case.plan(overrides=overrides)
    else:
        plan = case.plan(overrides=overrides)
        assert plan.edits == () and checks(plan.unmended) == ["protocol.tls1_0", "protocol.tls1_1"]


@pytest.mark.parametrize("path", sorted(FIXTURES.rglob("*.conf")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_fixtures(path):
    """Real and realistic files: the edits demanded, what is left, and that the result is planned no further."""
    data = path.read_bytes()
    facts = {name.decode(): value.decode().strip() for name, value in re.findall(rb"(?m)^# (\w+): ?(.*)$", data)}
    case = Case(data, facts["version"], facts["openssl"])
    plan = case.plan()
    assert checks(plan.edits) == facts["edits"].split()
    assert checks(plan.unmended) == facts["leaves"].split()
    assert bool(plan.edits or plan.unmended) is (".fail" in path.suffixes)
    kept = [line for line in data.split(b"\n") if b"ssl-" not in line and b"bind" not in line]
    after = case.mended().documents[0].data.split(b"\n")
    assert [line for line in after if line in kept] == kept


# --- the machine ------------------------------------------------------------------------------------------------------

VV = """HAProxy version 2.6.12-1+deb12u3 2025/10/03 - https://haproxy.org/
Built with OpenSSL version : OpenSSL 3.0.17 1 Jul 2025
Running on OpenSSL version : OpenSSL 3.0.19 27 Jan 2026
OpenSSL library supports : TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3
"""


def test_the_build_is_what_it_runs_with():
    version, known = machine.read_build(VV)
    assert version == (2, 6, 12) and known.version == (3, 0, 19)
    assert known.protocols == ("TLSv1.0", "TLSv1.1", *APPROVED) and not known.features
    assert machine.read_build(VV.replace("HAProxy", "HA-Proxy"))[0] == (2, 6, 12), "as 2.2 wrote it"
    assert machine.read_build("nginx version: nginx/1.22.1") is None
    assert machine.read_build("HAProxy version 2.6.12\nBuilt without OpenSSL support\n") is None


@pytest.mark.parametrize(
    ("argv", "files", "master"),
    [
        ("-Ws -f /a.cfg -p /run/p -S /run/m", ["/a.cfg"], True),
        ("-sf 12 13 -x sockpair@4 -Ws -f /a.cfg -f conf.d -p /run/p", ["/a.cfg", "/w/conf.d"], True),
        ("-D -C /etc/haproxy -f a.cfg -- b.cfg", ["/etc/haproxy/a.cfg", "/etc/haproxy/b.cfg"], False),
        ("-W -S -f /a.cfg", ["/a.cfg"], True),
    ],
)
def test_command_lines(argv, files, master):
    line = machine.command_line(argv.split(), "/w")
    assert (list(line.files), line.master) == (files, master)


SHOWN = """ExecStart={ path=/usr/sbin/haproxy ; argv[]=/usr/sbin/haproxy -Ws -f $CONFIG -p $PIDFILE $EXTRAOPTS ; x }
Environment=CONFIG=/etc/haproxy/haproxy.cfg PIDFILE=/run/haproxy.pid "EXTRAOPTS=-S /run/haproxy-master.sock"
EnvironmentFiles=/etc/default/haproxy (ignore_errors=yes)
"""


def fake(processes=(), files=None):
    known = {MAIN: GOOD, "/etc/default/haproxy": 'EXTRAOPTS="-f /etc/haproxy/conf.d"\n#X=1\n', **(files or {})}
    said = {"/usr/sbin/haproxy -vv": VV, "systemctl show --property=ExecStart": SHOWN}
    answers = {start: Completed(0, text, "") for start, text in said.items()}
    return MemoryHost(known, answers=answers, processes=processes, programs={"haproxy": "/usr/sbin/haproxy"})


def test_a_service_that_does_not_run_is_found_by_its_unit():
    (found,) = HAPROXY.discover(fake())
    assert not found.running and found.config == MAIN
    assert found.facts["files"] == (MAIN, "/etc/haproxy/conf.d") and found.facts["master"]
    assert HAPROXY.test_command(found) == ["/usr/sbin/haproxy", "-c", "-f", MAIN, "-f", "/etc/haproxy/conf.d"]


def test_what_runs_is_read_from_its_command_line_and_environment():
    argv = ("/usr/sbin/haproxy", "-Ws", "-f", "/b.cfg")
    master = Process(10, 1, 5, argv, "/usr/sbin/haproxy")
    worker = Process(11, 10, 6, (*argv, "-x", "sockpair@4"), "/usr/sbin/haproxy")
    host = fake([master, worker], {"/b.cfg": GOOD, "/proc/10/environ": b"A=b\0HAPROXY_MWORKER_REEXEC=1\0C=d\0"})
    found = {one.config: one for one in HAPROXY.discover(host)}
    assert sorted(found) == ["/b.cfg", MAIN]
    assert found["/b.cfg"].facts["environment"] == {"A": "b", "C": "d"}
    assert HAPROXY.generation(host, found["/b.cfg"]) == ((10, 5), ((11, 6),))
    assert HAPROXY.generation(host, found[MAIN]) is None


def test_workers_in_a_root_of_their_own_are_found_too():
    argv = ("/usr/sbin/haproxy", "-Ws", "-f", MAIN)
    stat = b"12 (haproxy) S 10 " + b"0 " * 17 + b"77 0\n"
    files = {"/proc/10/task/10/children": b"12 13 \n", "/proc/12/stat": stat}
    host = fake([Process(10, 1, 5, argv, "/usr/sbin/haproxy")], files)
    found = [one for one in HAPROXY.discover(host) if one.running]
    line = machine.command_line(argv[1:], "/")
    assert found[0].facts["files"] == line.files
    assert HAPROXY.generation(host, found[0]) == ((10, 5), ((12, 77),))


def test_too_old_a_version_is_told_so():
    with pytest.raises(ConfigurationError, match=r"upgrade to 1\.8 or newer"):
        Case(GOOD, version="1.7.5")


# --- the export -------------------------------------------------------------------------------------------------------


def test_no_secret_leaves_the_host():
    text = """userlist staff
    user nurse insecure-password open-sesame groups g
    user doctor password $6$abcdefgh$ijklmnopqrstuvwxyz0123456789
listen l
    mode http
    bind :443 ssl crt x ca-sign-pass my-own-pass
    stats auth admin:4711
    acl token req.hdr(x-api-token) -m str 'hunter two'
    http-request set-header Authorization "Basic c2VjcmV0"
    tcp-check send AUTH\\ redis-pass\\r\\n
global
    setenv API_PASSWORD swordfish
"""
    case = Case(text)
    files = {one.name: one for one in HAPROXY.export(case.instance, case.documents)}
    every = "".join(one.text for one in files.values())
    for secret in ("open-sesame", "ijklm", "my-own-pass", "4711", "hunter", "c2VjcmV0", "redis-pass", "swordfish"):
        assert secret not in every, secret
    shown = files["files" + MAIN]
    assert shown.redactions >= 8 and shown.text.count("\n") == text.count("\n")
    assert "user nurse insecure-password [redacted] groups g" in shown.text
