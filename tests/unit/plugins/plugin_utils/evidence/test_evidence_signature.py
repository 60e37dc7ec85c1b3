from __future__ import annotations

import os
import shutil
import subprocess

import evidence_samples as samples
import pytest

from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import bundle
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.errors import EvidenceError
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import assemble
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.signature import NAMESPACE, Signer

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="OpenSSH is not installed")


def keygen(*arguments, **more):
    return subprocess.run(["ssh-keygen", *arguments], capture_output=True, text=True, check=True, **more).stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Private keys by name, each with its public half beside it."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("auditor", "stranger"):
        keygen("-q", "-t", "ed25519", "-N", "", "-C", "a comment", "-f", str(folder / name))
    keygen("-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f", str(folder / "rsa"))
    keygen("-q", "-t", "ed25519", "-N", "sesame", "-f", str(folder / "locked"))
    return folder


@pytest.fixture
def signed(keys, tmp_path):
    sealing = bundle.Sealing(Signer(str(keys / "auditor")))
    bundle.ready(str(tmp_path / "evidence"), sealing)
    record = assemble(samples.FACTS, samples.HOSTS, samples.hosts(), samples.baseline())
    return bundle.write(str(tmp_path / "evidence"), record, sealing).seal


def allowed(keys, folder, name="auditor", options=f'namespaces="{NAMESPACE}"'):
    path = folder / f"allowed-{name}"
    public = (keys / f"{name}.pub").read_text()
    path.write_text(f"{name}@clinic.example {options} {public}")
    return str(path)


def verify(path, *arguments, **more):
    return subprocess.run(["sh", f"{path}/verify.sh", *arguments], capture_output=True, text=True, check=False, **more)


def test_a_signed_bundle_names_its_signer(signed, keys, tmp_path):
    done = verify(signed.path, "-s", allowed(keys, tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "signer: auditor@clinic.example\n" in done.stdout


def test_the_path_of_the_signers_may_be_relative(signed, keys, tmp_path):
    name = os.path.basename(allowed(keys, tmp_path))
    assert verify(signed.path, "-s", name, cwd=tmp_path).returncode == 0


def test_intact_is_not_verified_while_the_signer_is_unknown(signed):
    done = verify(signed.path)
    assert done.returncode == 3
    assert "NOT CHECKED: the signature" in done.stdout


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("stranger", f'namespaces="{NAMESPACE}"'),
        ("auditor", 'namespaces="git"'),
        ("auditor", f'namespaces="{NAMESPACE}",valid-before="20260101000000Z"'),
        ("auditor", f'namespaces="{NAMESPACE}",valid-after="20270101000000Z"'),
    ],
)
def test_other_signers_other_uses_and_other_times_do_not_count(signed, keys, tmp_path, name, options):
    done = verify(signed.path, "-s", allowed(keys, tmp_path, name, options))
    assert done.returncode == 1
    assert "the signature is not by a signer in" in done.stdout


def test_a_key_may_expire_after_it_signed(signed, keys, tmp_path):
    options = f'namespaces="{NAMESPACE}",valid-after="20260101000000Z",valid-before="20261201000000Z"'
    assert verify(signed.path, "-s", allowed(keys, tmp_path, "auditor", options)).returncode == 0


def test_a_bag_signed_anew_by_a_stranger_is_found(signed, keys, tmp_path):
    with open(f"{signed.path}/tagmanifest-sha256.txt", "rb") as file:
        forged = Signer(str(keys / "stranger")).sign(file.read())
    with open(f"{signed.path}/tagmanifest-sha256.txt.sig", "wb") as file:
        file.write(forged)
    assert verify(signed.path, "-s", allowed(keys, tmp_path)).returncode == 1


def test_a_signature_of_something_else_is_found(signed, keys, tmp_path):
    with open(f"{signed.path}/tagmanifest-sha256.txt.sig", "wb") as file:
        file.write(Signer(str(keys / "auditor")).sign(b"something else"))
    assert verify(signed.path, "-s", allowed(keys, tmp_path)).returncode == 1


def test_a_signature_cannot_be_taken_away(signed, keys, tmp_path):
    os.remove(f"{signed.path}/tagmanifest-sha256.txt.sig")
    done = verify(signed.path)
    assert done.returncode == 1
    assert "the signature by SHA256:" in done.stdout
    assert verify(signed.path, "-s", allowed(keys, tmp_path)).returncode == 1


def test_the_report_names_the_key(signed, keys):
    fingerprint = keygen("-l", "-f", str(keys / "auditor.pub")).split()[1]
    with open(f"{signed.path}/data/report.html", encoding="utf-8") as file:
        # Jinja writes + as an entity; a fingerprint may hold one.
        assert fingerprint in file.read().replace("&#43;", "+")
    with open(f"{signed.path}/bag-info.txt", encoding="utf-8") as file:
        assert f"X-EIT-Signer: {fingerprint}\n" in file.read()


@pytest.mark.parametrize("name", ["auditor", "rsa"])
def test_kinds_of_keys(keys, name):
    signer = Signer(str(keys / name))
    assert signer.sign(b"x").startswith(b"-----BEGIN SSH SIGNATURE-----")
    assert signer.fingerprint == keygen("-l", "-f", str(keys / f"{name}.pub")).split()[1]


@pytest.mark.skipif(not shutil.which("ssh-agent"), reason="ssh-agent is not installed")
def test_a_key_in_the_agent_signs_by_its_public_half(keys, tmp_path, monkeypatch):
    socket = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        for _ in range(100):
            if (
                subprocess.run(["ssh-add", "-q", str(keys / "auditor")], capture_output=True, check=False).returncode
                == 0
            ):
                break
        lone = tmp_path / "auditor.pub"
        lone.write_text((keys / "auditor.pub").read_text())
        assert Signer(str(lone)).sign(b"x").startswith(b"-----BEGIN SSH SIGNATURE-----")
    finally:
        agent.terminate()
        agent.wait(10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda keys, new: str(new / "missing"), "No such file or directory"),
        (lambda keys, new: str(keys / "locked"), "ssh-keygen: .*(passphrase|load)"),
        (lambda keys, new: _file(new / "nonsense", "hello\n"), "neither a private nor a public OpenSSH key"),
        (lambda keys, new: _file(new / "alone.pub", (keys / "stranger.pub").read_text()), "ssh-keygen: "),
        (lambda keys, new: _file(new / "open", (keys / "auditor").read_text(), 0o644), "UNPROTECTED PRIVATE KEY"),
    ],
    ids=["missing", "locked", "nonsense", "public half without agent", "readable by others"],
)
def test_a_key_that_does_not_work_is_one_error_before_any_work(keys, tmp_path, monkeypatch, make, message):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    path = make(keys, tmp_path)
    directory = tmp_path / "evidence"
    with pytest.raises(EvidenceError, match=f"^signing key {path}: .*{message}"):
        bundle.ready(str(directory), bundle.Sealing(Signer(path)))
    assert not directory.exists()


def _file(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize("says", ["", "a stale signature"])
def test_a_tool_that_ends_well_and_did_not_sign_is_not_believed(keys, tmp_path, monkeypatch, says):
    """ssh-keygen that was given a file whose signature exists asks, writes nothing, and ends with status 0."""
    signer = Signer(str(keys / "auditor"))
    stale = tmp_path / "stale"
    stale.write_bytes(signer.sign(b"something else") if says else b"")
    fake = tmp_path / "ssh-keygen"
    fake.write_text(f'#!/bin/sh\n[ "$2" = sign ] && exec cat {stale}\nexec {shutil.which("ssh-keygen")} "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(EvidenceError, match="Signature verification failed" if says else "gave no signature"):
        signer.sign(b"x")


def test_the_script_never_takes_a_key_it_was_not_told(signed):
    """`ssh-keygen -Y check-novalidate` says Good for any key."""
    with open(f"{signed.path}/verify.sh", encoding="ascii") as file:
        assert "novalidate" not in file.read()
    assert not [name for name in os.listdir(signed.path) if "allowed" in name or name.endswith(".pub")]


def test_without_openssh_the_error_says_so(keys, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EvidenceError, match=r"signing key \S+: ssh-keygen: .*No such file"):
        Signer(str(keys / "auditor"))


def test_a_key_that_fails_at_the_end_leaves_the_bundle_unsealed(keys, tmp_path):
    key = tmp_path / "key"
    shutil.copy(keys / "auditor", key)
    sealing = bundle.Sealing(Signer(str(key)))
    bundle.ready(str(tmp_path / "evidence"), sealing)
    key.unlink()
    record = assemble(samples.FACTS, samples.HOSTS, samples.hosts(), samples.baseline())
    with pytest.raises(EvidenceError, match=r"what was written stays unsealed in .*\.unsealed"):
        bundle.write(str(tmp_path / "evidence"), record, sealing)
    assert [name for name in os.listdir(tmp_path / "evidence") if not name.startswith(".")] == [
        f"{samples.FACTS['run_id']}.unsealed"
    ]
