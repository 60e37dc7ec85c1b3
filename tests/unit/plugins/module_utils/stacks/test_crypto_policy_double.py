# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The RHEL family, by its files and a double of update-crypto-policies: our code against the documented contract.

No such host was booted for these tests. What they cannot show, playbooks/selfcheck.yml shows on one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import (
    BaselineError,
    ConfigurationError,
    TransactionError,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy import (
    asking,
    grammar,
    openssh,
    policies,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy.policies import CryptoPolicies
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Completed, Host
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.text import apply_edits

TESTS = Path(__file__).parents[4]
DOUBLE = TESTS / "doubles" / "update_crypto_policies.py"
FIXTURES = TESTS / "fixtures" / "crypto_policy"
BASELINE = model.load()
FLOOR = CryptoPolicies()
MODULE = "etc/crypto-policies/policies/modules/IN-TRANSIT.pmod"
LOCAL = "etc/crypto-policies/local.d/opensslcnf-IN-TRANSIT.config"


class TreeHost(Host):
    """A host below a folder, whose update-crypto-policies is the double."""

    def which(self, name):
        return f"/usr/bin/{name}" if name == policies.COMMAND else None

    def processes(self):
        return []

    def run(self, argv, timeout=60, input=None, env=None):
        if argv[0] != policies.COMMAND:
            return Completed(127, "", f"{argv[0]}: not found")
        places = {
            "base_dir": f"{self.root}/etc/crypto-policies",
            "profile_dir": f"{self.root}/usr/share/crypto-policies",
        }
        done = subprocess.run(
            [sys.executable, str(DOUBLE), *argv[1:]],
            env={**os.environ, **places},
            capture_output=True,
            text=True,
            check=False,
        )
        return Completed(done.returncode, done.stdout, done.stderr)


class Family:
    """A tree of one release with a configured and generated policy."""

    def __init__(self, root, release="el9", config="DEFAULT\n", fips=False):
        share = root / "usr/share/crypto-policies"
        shutil.copytree(FIXTURES / release, share)
        if release == "el8":
            (share / "el8").touch()
        base = root / "etc/crypto-policies"
        for folder in ("local.d", "policies/modules", "state", "back-ends"):
            (base / folder).mkdir(parents=True)
        (base / "config").write_text(config)
        (root / "proc/sys/crypto").mkdir(parents=True)
        (root / "proc/sys/crypto/fips_enabled").write_text("1\n" if fips else "0\n")
        self.root, self.host = root, TreeHost(str(root))
        self.generated = self.host.run([policies.COMMAND])

    def plan(self, profile="intermediate", **options):
        (self.instance,) = FLOOR.discover(self.host)
        self.documents = FLOOR.read(self.host, self.instance)
        return FLOOR.plan(self.instance, self.documents, model.load(profile), options)

    def apply(self, plan):
        """What a transaction does: write, then let the command generate."""
        for path, data in apply_edits(self.documents, plan.edits).items():
            target = self.root / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        FLOOR.reload(self.host, self.instance)
        assert FLOOR.settled(self.host, self.instance)

    def text(self, path):
        return (self.root / path).read_text()

    def statuses(self):
        return [(one.check, one.status) for one in FLOOR.remarks(self.host, self.instance)]


@pytest.fixture(autouse=True)
def no_libraries(monkeypatch):
    """The tree has no libraries: those of this machine are asked in other tests."""
    monkeypatch.setattr(asking, "ask", lambda *arguments: None)


@pytest.mark.parametrize("release", ["el8", "el9", "el10"])
def test_double_of_each_release_takes_our_module_and_a_second_run_changes_nothing(tmp_path, release):
    family = Family(tmp_path, release)
    assert family.generated.rc == 0, family.generated.stderr
    plan = family.plan()
    assert [edit.path for edit in plan.edits] == [f"/{MODULE}", "/etc/crypto-policies/config", f"/{LOCAL}"]
    family.apply(plan)
    assert family.text("etc/crypto-policies/state/current") == "DEFAULT:IN-TRANSIT\n"
    back_end = family.text("etc/crypto-policies/back-ends/opensslcnf.config")
    assert "MinProtocol = TLSv1.2\n" in back_end
    assert back_end.rindex("CipherString = ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA") > back_end.index(
        "CipherString = @SECLEVEL"
    )
    assert "[crypto_policy]\nCipherString" in back_end
    assert family.plan().edits == ()
    assert family.statuses()[0] == ("policy.consistent", "pass")
    module = family.text(MODULE)
    assert ("tls_cipher = AES-128-GCM" in module) is (release == "el8")
    assert ("MLKEM768-X25519" in module) is (release == "el10")
    assert [clamp.check for clamp in plan.clamps] == (["group.clamped"] if release == "el9" else [])


def test_double_surprise_without_dhe_rsa_is_what_the_line_in_local_d_is_for(tmp_path):
    family = Family(tmp_path)
    family.apply(family.plan())
    back_end = family.text("etc/crypto-policies/back-ends/opensslcnf.config")
    assert "-aRSA" not in back_end, "ECDHE with RSA certificates would be gone"


def test_other_subpolicies_stay_and_ours_has_the_last_word(tmp_path):
    family = Family(tmp_path, config="# ours\ndefault # since 2021\nNO-SHA1\n")
    family.apply(family.plan())
    assert family.text("etc/crypto-policies/config") == "# ours\nDEFAULT:NO-SHA1:IN-TRANSIT # since 2021\n\n"
    (tmp_path / "etc/crypto-policies/config").write_text("DEFAULT:IN-TRANSIT:NO-SHA1\n")
    plan = family.plan()
    assert [edit.reason for edit in plan.edits] == ["IN-TRANSIT must have the last word"]


def test_a_module_somebody_has_edited_is_mended(tmp_path):
    family = Family(tmp_path)
    family.apply(family.plan())
    (tmp_path / MODULE).write_text("protocol@TLS = TLS1.1+\n")
    family.apply(family.plan())
    assert "protocol@TLS = TLS1.3 TLS1.2 DTLS1.2\n" in family.text(MODULE)


def test_configured_generated_and_on_disk_are_told_apart(tmp_path):
    family = Family(tmp_path)
    family.plan()
    assert family.statuses() == [("policy.consistent", "pass")]
    back_end = tmp_path / "etc/crypto-policies/back-ends/opensslcnf.config"
    right = back_end.read_text()
    back_end.write_text(right.replace("TLSv1.2", "TLSv1"))
    (remark,) = FLOOR.remarks(family.host, family.instance)
    assert remark.status == "fail" and "does NOT match the generated" in remark.observed
    back_end.write_text(right)
    (tmp_path / "etc/crypto-policies/config").write_text("LEGACY\n")
    os.utime(tmp_path / "etc/crypto-policies/config", (2e9, 2e9))
    (remark,) = FLOOR.remarks(family.host, family.instance)
    assert "LEGACY is configured and DEFAULT was generated" in remark.observed
    assert "newer than what was generated" in remark.observed


def test_local_overrides_are_told(tmp_path):
    family = Family(tmp_path)
    (tmp_path / "etc/crypto-policies/local.d/opensslcnf-site.config").write_text(
        "[crypto_policy]\nMinProtocol = TLSv1\n"
    )
    family.plan()
    assert ("config.override", "fail") in family.statuses()


@pytest.mark.parametrize("fips", [True, False])
def test_fips_is_kept_and_gets_no_word_of_others(tmp_path, fips):
    family = Family(tmp_path, config="FIPS\n", fips=fips)
    plan = family.plan(policy="DEFAULT")
    assert plan.unmended[0].reason.startswith("FIPS mode is kept")
    family.apply(plan)
    assert family.text("etc/crypto-policies/config") == "FIPS:IN-TRANSIT\n"
    module = family.text(MODULE)
    assert "CHACHA20" not in module and "X25519" not in module and "AES-128-GCM" in module
    assert not (tmp_path / LOCAL).exists()


def test_a_base_policy_can_be_chosen(tmp_path):
    family = Family(tmp_path, config="LEGACY\n")
    weak = family.plan()
    assert "LEGACY stays, which is weak" in weak.unmended[0].reason
    family.apply(family.plan(policy="default"))
    assert family.text("etc/crypto-policies/config") == "DEFAULT:IN-TRANSIT\n"


def test_a_base_policy_weaker_than_the_baseline_is_refused(tmp_path):
    with pytest.raises(BaselineError, match=r"LEGACY is weaker than the baseline: it allows TLSv1.0, TLSv1.1"):
        Family(tmp_path).plan(policy="LEGACY")


def test_a_base_policy_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BaselineError, match=r"policy: NOSUCH is not installed \(there is DEFAULT, FIPS, LEGACY\)"):
        Family(tmp_path).plan(policy="NOSUCH")


@pytest.mark.parametrize(("config", "name"), [("# x\nNOSUCH\n", "NOSUCH"), ("\nDEFAULT:NOSUB\n", "NOSUB")])
def test_a_configured_policy_without_a_file_names_file_and_line(tmp_path, config, name):
    with pytest.raises(
        ConfigurationError, match=rf"^/etc/crypto-policies/config:2: names the policy {name}, for which"
    ):
        Family(tmp_path, config=config).plan()


def test_a_policy_the_command_rejects_is_told_in_its_words(tmp_path):
    family = Family(tmp_path)
    family.plan()
    assert FLOOR.problems(family.host, family.instance) == []
    (tmp_path / "etc/crypto-policies/policies/modules/BAD.pmod").write_text("protocol@TLS = TLS9\n")
    (tmp_path / "etc/crypto-policies/config").write_text("DEFAULT:BAD\n")
    assert "Bad value of policy property `protocol`: `TLS9`" in FLOOR.problems(family.host, family.instance)[0]
    with pytest.raises(TransactionError, match="update-crypto-policies failed with status 1"):
        FLOOR.reload(family.host, family.instance)


def test_what_is_configured_is_read_from_the_back_end_until_our_module_has_the_last_word(tmp_path):
    family = Family(tmp_path, config="LEGACY\n")
    plan = family.plan()
    before = FLOOR.settings(family.instance, family.documents)
    assert before["protocols"].value[0] == "TLSv1.0"
    assert before["protocols"].provenance[0].file == "/etc/crypto-policies/back-ends/opensslcnf.config"
    after = FLOOR.settings(family.instance, grammar.edited(family.documents, plan.edits))
    assert after["protocols"].value == ("TLSv1.2", "TLSv1.3")
    assert after["protocols"].provenance[0].file == f"/{MODULE}"
    assert "secp256r1" in after["groups"].value


def test_subpolicies_that_contradict_each_other_are_refused_with_file_and_line(tmp_path):
    modules = tmp_path / "etc/crypto-policies/policies/modules"
    family = Family(tmp_path, config="DEFAULT\n")
    (modules / "OLD.pmod").write_text("# for the analyser\nhash = SHA1+\n")
    (modules / "NEW.pmod").write_text("hash = -SHA1\n")
    (tmp_path / "etc/crypto-policies/config").write_text("DEFAULT:OLD:NEW\n")
    told = r'^/etc/crypto-policies/policies/modules/NEW.pmod:1:1: "hash = -SHA1" switches SHA1 off, and \S+OLD.pmod:2 '
    with pytest.raises(ConfigurationError, match=told):
        family.plan()
    (tmp_path / "etc/crypto-policies/config").write_text("DEFAULT:OLD\n")
    family.plan()


def test_openssh_is_set_in_its_own_scope_when_asked_for(tmp_path, monkeypatch):
    known = {
        "KexAlgorithms": ["curve25519-sha256"],
        "HostKeyAlgorithms": ["ssh-ed25519"],
        "Ciphers": ["aes256-ctr"],
        "MACs": ["hmac-sha2-256-etm@openssh.com"],
    }
    monkeypatch.setattr(openssh, "facts", lambda host: {"known": known, "by_ssh": True})
    family = Family(tmp_path)
    client = {keyword.lower(): names for keyword, names in known.items()}
    with pytest.raises(TransactionError, match="nothing tells which KexAlgorithms the client there offers"):
        family.plan(ssh=True)
    family.apply(family.plan(ssh=True, ssh_client=client))
    lines = [line for line in family.text(MODULE).splitlines() if "@OpenSSH" in line]
    assert lines == [
        "cipher@OpenSSH = AES-128-GCM AES-256-GCM CHACHA20-POLY1305 AES-128-CTR AES-256-CTR",
        "mac@OpenSSH = AEAD HMAC-SHA2-256 HMAC-SHA2-512",
        "group@OpenSSH = X25519 SECP256R1 SECP384R1",
        "hash@OpenSSH = SHA2-256 SHA2-384 SHA2-512",
        "sign@OpenSSH = ECDSA-SHA2-256 ECDSA-SHA2-384 ECDSA-SHA2-512 EDDSA-ED25519 "
        "RSA-SHA2-256 RSA-SHA2-384 RSA-SHA2-512",
    ]
    assert family.plan(ssh=True, ssh_client=client).edits == ()


def test_openssh_without_scopes_is_refused(tmp_path):
    with pytest.raises(BaselineError, match="these policies have no scopes"):
        Family(tmp_path, "el8").plan(ssh=True)
