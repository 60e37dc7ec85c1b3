# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OpenSSH's algorithm lists: what is planned, what is refused, and what real programs say first."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import openssh as dialect
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import TransactionError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import floor as judge
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Instance
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy import asking, grammar, openssh
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy.floor import discovered
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy.stack import CryptoPolicy
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host, Process
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.text import apply_edits
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import ssh
from ansible_collections.encryption.in_transit.tests.unit.daemons import need
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import MemoryHost

BASELINE = model.load()
SERVER, CLIENT = "/etc/ssh/sshd_config", "/etc/ssh/ssh_config"
OURS = {SERVER: f"{SERVER}.d/00-in-transit.conf", CLIENT: f"{CLIENT}.d/00-in-transit.conf"}
STOCK = {
    SERVER: "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n",
    CLIENT: "Include /etc/ssh/ssh_config.d/*.conf\nHost *\n    SendEnv LANG\n",
}
KNOWN = {
    "KexAlgorithms": ["curve25519-sha256", "ecdh-sha2-nistp256", "diffie-hellman-group1-sha1"],
    "HostKeyAlgorithms": ["ssh-ed25519", "ssh-rsa", "rsa-sha2-512", "ssh-ed25519-cert-v01@openssh.com"],
    "Ciphers": ["aes256-ctr", "aes128-cbc", "aes128-gcm@openssh.com", "3des-cbc"],
    "MACs": ["hmac-sha1", "hmac-sha2-256", "hmac-sha2-256-etm@openssh.com"],
}
MODERN_CLIENT = {keyword.lower(): names for keyword, names in KNOWN.items()}


def planned(files, version=(9, 2), by_ssh=False, baseline=BASELINE, **options):
    """Documents and plan for a host with these files."""
    facts = {"floor": "openssh", "programs": [], "ends": ["sshd", "ssh"], "known": KNOWN, "managed": False}
    capabilities = model.Capabilities("OpenSSH", version, (), None, None, frozenset())
    told = {**facts, "by_ssh": by_ssh, "sshd": "/usr/sbin/sshd", "said": "OpenSSH_9.2"}
    instance = Instance("crypto_policy", "openssh", version, SERVER, capabilities, True, told)
    host = MemoryHost(files)
    documents = openssh.OpenSSH().read(host, instance)
    return documents, openssh.OpenSSH().plan(instance, documents, baseline, options)


def test_both_ends_get_a_file_that_is_read_first_and_a_second_run_changes_nothing():
    documents, plan = planned(STOCK)
    after = {path: data.decode() for path, data in apply_edits(documents, plan.edits).items()}
    assert set(after) == set(OURS.values())
    server = after[OURS[SERVER]].splitlines()[1:]
    assert server == [
        "KexAlgorithms curve25519-sha256,ecdh-sha2-nistp256",
        "HostKeyAlgorithms ssh-ed25519,ssh-ed25519-cert-v01@openssh.com,rsa-sha2-512",
        "Ciphers aes128-gcm@openssh.com,aes256-ctr",
        "MACs hmac-sha2-256-etm@openssh.com",
    ]
    # What the client knows of a host it keeps asking for: only what is forbidden is taken away.
    assert after[OURS[CLIENT]].splitlines()[-1] == "HostKeyAlgorithms -ssh-rsa"
    assert planned({**STOCK, **after})[1].edits == ()
    assert grammar.edited(documents, plan.edits)[-1].tree.style is grammar.OPENSSH


def test_an_older_client_keeps_its_host_keys():
    documents, plan = planned(STOCK, version=(8, 4))
    assert b"HostKeyAlgorithms" not in apply_edits(documents, plan.edits)[OURS[CLIENT]]


def test_where_nothing_includes_the_folder_our_file_alone_is_included():
    files = {**STOCK, SERVER: "# no folder\nCiphers aes128-cbc\n", f"{SERVER}.d/old.conf": "PermitRootLogin yes\n"}
    documents, plan = planned(files)
    after = apply_edits(documents, plan.edits)
    assert after[SERVER] == f"Include {OURS[SERVER]}\n# no folder\nCiphers aes128-cbc\n".encode()
    assert plan.unmended == ()
    assert planned({**files, **{path: data.decode() for path, data in after.items()}})[1].edits == ()


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({SERVER: "MACs hmac-sha1\n" + STOCK[SERVER]}, (SERVER, 1)),
        ({f"{SERVER}.d/00-first.conf": "\nmacs=hmac-sha1\n"}, (f"{SERVER}.d/00-first.conf", 2)),
    ],
)
def test_what_is_read_before_ours_is_told_with_file_and_line(files, place):
    _documents, plan = planned({**STOCK, **files})
    (left,) = plan.unmended
    assert (left.provenance.file, left.provenance.line) == place
    assert left.check == "floor.suites" and "the first value counts" in left.reason


@pytest.mark.parametrize(
    ("client", "said"),
    [
        ({}, "nothing tells which KexAlgorithms the client there offers"),
        (
            {**MODERN_CLIENT, "ciphers": ["3des-cbc"]},
            "cut off: of Ciphers its client offers 3des-cbc, and the baseline leaves aes128-gcm",
        ),
    ],
)
def test_a_change_that_cuts_off_the_management_connection_is_refused(client, said):
    with pytest.raises(TransactionError, match=said) as caught:
        planned(STOCK, by_ssh=True, ssh_client=client)
    assert caught.value.step == "plan" and caught.value.undone


def test_a_client_that_can_come_back_may_manage_the_host():
    _documents, plan = planned(STOCK, by_ssh=True, ssh_client=MODERN_CLIENT)
    assert len(plan.edits) == 2


def test_a_build_without_anything_of_the_baseline_is_refused():
    baseline = model.load(overrides={"groups": ["secp521r1"]})
    with pytest.raises(TransactionError, match="nothing of the baseline for KexAlgorithms"):
        planned(STOCK, baseline=baseline)


def test_what_is_approved_is_not_forbidden():
    for profile in ("intermediate", "modern", "fips"):
        baseline = model.load(profile)
        for keyword in dialect.KEYWORDS:
            names = [*dialect._CIPHERS, *dialect._EXCHANGES, *dialect._SIGNATURES, *dialect._MACS]
            names += [name.replace("@openssh.com", "") + "-cert-v01@openssh.com" for name in dialect._SIGNATURES]
            for name in dialect.approved(baseline, keyword, names):
                assert not dialect.forbids(baseline, keyword, name), (profile, keyword, name)


def test_only_listening_processes_are_told_to_load_the_files():
    def process(pid, *argv, exe="/usr/sbin/sshd"):
        return Process(pid, 1, 0, argv, exe)

    class Processes(Host):
        def processes(self):
            return [
                process(1, "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"),
                process(2, "/usr/sbin/sshd", "-D"),
                process(3, "sshd: root [priv]"),
                process(4, "sshd: root@pts/0"),
                process(5, "sshd: root@notty", exe="/usr/lib/openssh/sshd-session"),
            ]

    assert [one.pid for one in openssh._listening(Processes())] == [1, 2]


@pytest.mark.parametrize(
    ("effective", "settled"),
    [
        ({"ciphers": "aes256-ctr", "macs": "hmac-sha2-256", "kexalgorithms": "curve25519-sha256"}, True),
        ({"ciphers": "aes128-ctr", "macs": "hmac-sha2-256", "kexalgorithms": "curve25519-sha256"}, False),
        ({}, False),
    ],
)
def test_a_server_has_loaded_its_files_when_it_offers_what_they_say(monkeypatch, effective, settled):
    told = {"listenaddress": "0.0.0.0:22", **effective} if effective else {}
    monkeypatch.setattr(openssh, "_listening", lambda host: [Process(1, 1, 0, ("sshd",), "/usr/sbin/sshd")])
    monkeypatch.setattr(openssh, "read_back", lambda host, instance: told)
    monkeypatch.setattr(asking, "ssh_speaks", lambda address: kexinit(*GOOD) if address == ("127.0.0.1", 22) else b"")
    instance = Instance("crypto_policy", "openssh", (9, 2), SERVER, None, True, {"ends": ["sshd"]})
    assert openssh.OpenSSH().settled(Host(), instance) is settled


def test_an_instance_of_openssh_is_meant_only_when_asked_for():
    stack = CryptoPolicy()
    for name, options, meant in (("openssh", {}, False), ("openssh", {"ssh": True}, True), ("openssl", {}, True)):
        instance = Instance("crypto_policy", name, (1,), "", None, True, {})
        assert stack.meant(instance, options) is meant


# --- what programs say first ------------------------------------------------------------------------------------------


def kexinit(*lists):
    body = b"\x14" + bytes(16)
    for names in (*lists, "", ""):
        body += len(names).to_bytes(4, "big") + names.encode()
    body += bytes(5)
    return b"hello\r\nSSH-2.0-x\r\n" + (len(body) + 1).to_bytes(4, "big") + b"\x00" + body


GOOD = ("curve25519-sha256,kex-strict-s-v00@openssh.com", "ssh-ed25519", *["aes256-ctr"] * 2, *["hmac-sha2-256"] * 2)


def test_a_kexinit_tells_all_that_is_offered():
    report = ssh.report("x", kexinit(*GOOD), BASELINE, "")
    assert report["alive"] and report["groups"]["offered"] == ["curve25519-sha256"]
    found = judge.judge_report(report, BASELINE, {})
    assert {item["status"] for item in found} == {"pass"} and len(found) == 3
    bad = (*GOOD[:4], "hmac-md5", GOOD[5])
    found = judge.judge_report(ssh.report("x", kexinit(*bad), BASELINE, ""), BASELINE, {})
    assert [item["observed"] for item in found if item["status"] == "fail"] == ["hmac-md5 accepted"]


@given(st.data())
def test_a_kexinit_that_is_cut_off_proves_nothing(data):
    stream = kexinit(*GOOD)
    cut = data.draw(st.integers(0, len(stream) - 1))
    report = ssh.report("x", stream[:cut], BASELINE, "")
    assert not report["reachable"] and report["reason"]
    assert 0 < asking._missing_of_ssh(stream[:cut]) <= len(stream) - cut
    assert asking._missing_of_ssh(stream) == 0


@pytest.fixture
def program(tmp_path, monkeypatch):
    """sshd as it is installed here, with files and a key of the test's own."""
    sshd, keygen, _ssh = need("sshd", "ssh-keygen", "ssh", root=True)
    os.makedirs("/run/sshd", exist_ok=True)
    Host().run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")])

    def heard(lines):
        config = tmp_path / "sshd_config"
        config.write_text(f"HostKey {tmp_path}/key\n{lines}")
        wrapper = tmp_path / "sshd"
        wrapper.write_text(f'#!/bin/sh\nexec {sshd} -f {config} "$@"\n')
        wrapper.chmod(0o755)
        return ssh.report("x", asking.ssh_trial(Host(), str(wrapper)), BASELINE, "")

    return heard


def test_the_plan_is_what_makes_a_real_sshd_hold_the_baseline(program):
    assert judge.judge_report(program(""), BASELINE, {})[0]["status"] == "fail"
    known = {keyword: Host().run(["ssh", "-Q", keyword]).stdout.split() for keyword in dialect.KEYWORDS}
    lines = [f"{word} {','.join(dialect.approved(BASELINE, word, names))}\n" for word, names in known.items()]
    report = program("".join(lines))
    assert report["alive"] and {item["status"] for item in judge.judge_report(report, BASELINE, {})} == {"pass"}


def test_a_real_client_is_heard():
    need("ssh")
    if not os.path.exists("/etc/ssh/ssh_config"):
        need("openssh-client")
    report = ssh.report("x", asking.ssh_client_offers(Host()), BASELINE, "")
    assert report["alive"] and "curve25519-sha256" in report["groups"]["offered"]


# --- libraries that cannot be asked -----------------------------------------------------------------------------------


def test_a_library_that_cannot_be_asked_is_told_and_not_left_out():
    from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
    from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy import stack as module
    from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy.gnutls import GnuTLS

    class Broken(GnuTLS):
        def discover(self, host):
            raise TransactionError("prove", "gnutls cannot be asked: libnettle.so.8 is missing")

    class OnlyBroken(CryptoPolicy):
        def discover(self, host):
            return discovered(Broken(), host)

        def remarks(self, host, instance):
            return []

        def test(self, host, instance):
            return module.TestResult(True, "", ())

    result = desk.audit(OnlyBroken(), Host(), {"state_dir": "/nowhere"})
    (proof,) = result["instances"][0]["proofs"]
    assert proof["verdict"] == "unreachable"
    told = [item for item in result["findings"] if item["status"] == "indeterminate"]
    assert [item["observed"] for item in told] == ["gnutls cannot be asked: libnettle.so.8 is missing"]
    assert not [item for item in result["findings"] if item["check"].startswith("floor.") and item["status"] == "pass"]


@pytest.mark.parametrize(("names", "absent"), [(("libnowhere.so.1",), True), (("libx.so",), False)])
def test_an_absent_library_is_not_one_that_cannot_be_loaded(tmp_path, monkeypatch, names, absent):
    from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy import peer

    (tmp_path / "libx.so").write_text("no ELF")
    paths = names if absent else [str(tmp_path / name) for name in names]
    with pytest.raises(peer.Trouble) as caught:
        peer._load(paths)
    assert isinstance(caught.value, peer.Absent) is absent
