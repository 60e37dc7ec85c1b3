# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What we plan, held against the real libraries of this machine, which read it from files of the test's own."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import threading

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import floor as judge
from ansible_collections.encryption.in_transit.plugins.module_utils.run import floor as desk
from ansible_collections.encryption.in_transit.plugins.module_utils.run.scan import scan
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Stack
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy import asking, grammar, guard
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy.gnutls import GnuTLS
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy.java import Java
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy.openssl import OpenSSL
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy.stack import CryptoPolicy
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Completed, Host
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.text import apply_edits
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import offer
from ansible_collections.encryption.in_transit.tests.unit.daemons import need

BASELINE = model.load()
VARIABLES = {"openssl": "OPENSSL_CONF", "gnutls": "GNUTLS_SYSTEM_PRIORITY_FILE"}
NEGLECTED = (
    "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
    "[c]\nMinProtocol = TLSv1\nCipherString = ALL@SECLEVEL=0\n"
)


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Libraries that read their files from the test's folder, as they would from theirs."""
    need("openssl")

    def settle(library, text):
        path = tmp_path / ("openssl.cnf" if library == "openssl" else "config")
        if text is not None:
            path.write_text(text)
        given = [f"{VARIABLES[library]}={path}"]
        monkeypatch.setattr(asking, "_bare", lambda argv: ["env", *given, *argv])
        floor = {"openssl": OpenSSL(), "gnutls": GnuTLS()}[library]
        found = floor.discover(Host())
        if not found:
            need(f"lib{library}")
        (instance,) = found
        assert instance.config == os.path.realpath(path)
        return floor, instance, path

    return settle


def reports(floor, instance, names):
    stack = CryptoPolicy()
    endpoints = [floor.endpoint(instance, name) for name in names]
    return desk.reports(stack, Host(), instance, endpoints, BASELINE, lambda uris: scan(uris, BASELINE))


@pytest.mark.parametrize(
    ("library", "before"), [("openssl", NEGLECTED), ("openssl", ""), ("gnutls", None), ("gnutls", "")]
)
def test_the_plan_is_what_makes_a_real_library_hold_the_baseline(asked, library, before):
    floor, instance, _path = asked(library, before)
    roles = ("server", "client")
    assert any(report["verdict"] == "non_compliant" for report in reports(floor, instance, roles))
    documents = floor.read(Host(), instance)
    plan = floor.plan(instance, documents, BASELINE, {"security_level": "mend"})
    for target, data in apply_edits(documents, plan.edits).items():
        with open(target, "wb") as file:
            file.write(data)
    assert floor.problems(Host(), instance) == []
    for report in reports(floor, instance, roles):
        assert report["verdict"] == "compliant", report["findings"]
        assert report["alive"]
    again = floor.read(Host(), instance)
    assert floor.plan(instance, again, BASELINE, {"security_level": "mend"}).edits == ()
    configured = judge.judge_listener(floor.listeners(instance, again)[0], BASELINE, {})
    assert not [item for item in configured if item["status"] == "fail"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = b\nnonsense\n", r"openssl.cnf:2: .*missing equal sign"),
        ("[a\n", r"openssl.cnf:1: "),
        (
            NEGLECTED.replace("MinProtocol = TLSv1", "MinProtocol = TLS1.2"),
            r"^ignored: .*openssl.cnf: MinProtocol = TLS1.2$",
        ),
        (NEGLECTED.replace("MinProtocol", "MinimumProtocol"), r"^ignored: .*openssl.cnf: MinimumProtocol = TLSv1$"),
    ],
)
def test_what_openssl_itself_rejects_is_told_though_programs_start_with_it(asked, text, said):
    floor, instance, _path = asked("openssl", text)
    (problem,) = floor.problems(Host(), instance)
    assert re.search(said, problem), problem


def test_what_gnutls_rejects_is_told(asked):
    floor, instance, _path = asked("gnutls", "[overrides]\ndisabled-version = tls9.9\n")
    assert floor.problems(Host(), instance)[-1].endswith("config:2: cannot be parsed")


def test_our_reading_of_included_and_repeated_sections_is_openssls(asked, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "one.cnf").write_text("MinProtocol = TLSv1.1\n[z]\nMinProtocol = TLSv1\n")
    text = NEGLECTED.replace("MinProtocol = TLSv1\n", f"MinProtocol = TLSv1.2\n.include {tmp_path}/d\n[c]\n")
    floor, instance, _path = asked("openssl", text)
    settings = floor.settings(instance, floor.read(Host(), instance))
    (report,) = reports(floor, instance, ["client"])
    accepted = [name for name, seen in report["protocols"].items() if seen["status"] == "accepted"]
    assert list(settings["protocols"].value) == accepted == ["TLSv1.1", "TLSv1.2", "TLSv1.3"]


@pytest.mark.parametrize("program", asking.PROGRAMS, ids=lambda one: one.name)
def test_the_programs_of_a_host_are_heard(program):
    path = next((path for path in program.paths if os.path.exists(path)), None)
    if path is None:
        need(program.name)
    data = asking.program_offers(Host(), program, path)
    report = offer.report("x", data, BASELINE, "2026-11-21T00:00:00Z")
    assert report["alive"], report


def test_the_plan_is_what_makes_a_real_java_hold_the_baseline(monkeypatch, tmp_path):
    """The planned file is given to the runtime beside its own, of which it replaces every property it names."""
    need("keytool")
    floor = Java()
    instance = next(one for one in floor.discover(Host()) if os.path.exists(f"{one.facts['home']}/bin/keytool"))

    def heard(text):
        planned = tmp_path / "java.security"
        planned.write_bytes(text)
        given = f"JAVA_TOOL_OPTIONS=-Djava.security.properties={planned}"
        monkeypatch.setattr(asking, "_bare", lambda argv: ["env", given, *argv])
        data = floor.offers(Host(), instance, "client")
        report = offer.report("x", data, BASELINE, "2026-11-21T00:00:00Z")
        return report, judge.judge_report(report, BASELINE, {})

    weak = b"jdk.tls.disabledAlgorithms=SSLv3, RC4, NULL, anon\n"
    report, found = heard(weak)
    assert report["protocols"]["TLSv1.0"]["status"] == "accepted"
    documents = [grammar.document(instance.config, weak, grammar.JAVA)]
    plan = floor.plan(instance, documents, BASELINE, {})
    report, found = heard(apply_edits(documents, plan.edits)[instance.config])
    assert report["alive"] and {item["status"] for item in found} == {"pass"}, found


def test_a_program_that_never_connects_is_heard_as_nothing():
    assert asking.hear(Host(), lambda port: ["true"]) == b""


def test_a_machine_that_refuses_a_thread(monkeypatch):
    """That is an error of the machine, which a run tells as such: not a mistake of ours, which ends it."""

    def refused(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    with pytest.raises(OSError, match="can't start new thread"):
        asking.hear(Host(), lambda port: ["true"])


def test_every_endpoint_is_asked_and_what_cannot_be_is_not_proved():
    class Silent(Stack):
        name = "x"

        def opened(self, host, instance, endpoint):
            return None

        def offered(self, host, instance, endpoint):
            return b""

    (report,) = desk.reports(Silent(), Host(), None, ["floor://x/client"], BASELINE, None)
    assert report["verdict"] == "unreachable" and report["findings"][0]["status"] == "indeterminate"


class Refusing(Host):
    """A host whose sshd says something."""

    def __init__(self, said):
        super().__init__()
        self.said = said

    def which(self, name):
        return "/usr/sbin/sshd" if name == "sshd" else None

    def run(self, argv, timeout=60, input=None, env=None):
        return Completed(255, "", self.said)


def test_the_management_connection_is_guarded():
    (problem,) = guard.problems(Refusing("/etc/ssh/sshd_config line 1: Bad SSH2 cipher spec 'x'."))
    assert problem.startswith("sshd -t fails, and with it the management connection")
    assert guard.problems(Refusing("Missing privilege separation directory: /run/sshd")) == []


def test_a_program_beside_us_ends_with_us():
    with Host().beside(["sh", "-c", "echo $$; exec sleep 1000"]) as line:
        pid = int(line)
        os.kill(pid, 0)
    ended = threading.Event()
    for _try in range(200):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            ended.wait(0.05)
            continue
        return
    raise AssertionError(subprocess.run(["ps", "-p", line], capture_output=True, text=True, check=False).stdout)


def test_created_files_have_the_style_of_their_path():
    for path, style in (
        ("/x/y.pmod", grammar.POLICY),
        ("/x/openssl.cnf", grammar.OPENSSL),
        ("/etc/gnutls/config", grammar.GNUTLS),
    ):
        from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Edit

        (document,) = grammar.edited([], [Edit.creation(path, b"a = b\n", "config.valid", "x")])
        assert document.tree.style is style
