"""Bundles on disk: what a stranger finds out with verify.sh, sha256sum and bagit, and what survives which fault."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import stat
import subprocess
import sys
import time

import bagit
import evidence_samples as samples
import pytest

from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import bag as bags
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import bundle, ledger, private_keys
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.errors import EvidenceError
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import assemble

SHELLS = [shell for shell in (["sh"], ["dash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(shell[0])]


def record(run_id="20261121T020005Z-0a1b2c", hosts=None):
    facts = {**samples.FACTS, "run_id": run_id}
    return assemble(facts, samples.HOSTS, samples.hosts() if hosts is None else hosts, samples.baseline())


def write(directory, run_id="20261121T020005Z-0a1b2c", **more):
    return bundle.write(str(directory), record(run_id, **more))


@pytest.fixture
def sealed(tmp_path):
    bundle.ready(str(tmp_path / "evidence"))
    return write(tmp_path / "evidence").seal


def verify(path, *arguments, shell=("sh",)):
    return subprocess.run([*shell, f"{path}/verify.sh", *arguments], capture_output=True, text=True, check=False)


# --- a good bundle ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_verify_passes_in_every_shell(sealed, shell):
    done = verify(sealed.path, shell=shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"seal: {sealed.digest}\n" in done.stdout
    assert "OK: " in done.stdout


def test_verify_needs_no_more_than_it_says(sealed, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in [
        "sh",
        "find",
        "sed",
        "sha256sum",
        "sort",
        "comm",
        "cut",
        "tr",
        "wc",
        "mktemp",
        "rm",
        "dirname",
        "head",
        "cat",
    ]:
        (tools / name).symlink_to(shutil.which(name))
    done = subprocess.run(
        [shutil.which("sh"), f"{sealed.path}/verify.sh"],
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_sha256sum_alone_agrees(sealed):
    command = "sha256sum --check --strict --quiet tagmanifest-sha256.txt manifest-sha256.txt"
    assert subprocess.run(command.split(), cwd=sealed.path, check=False).returncode == 0
    command = "find data -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | cmp - manifest-sha256.txt"
    assert subprocess.run(["sh", "-c", command], cwd=sealed.path, check=False).returncode == 0
    assert (
        subprocess.run(
            ["sha256sum", "-c", "--quiet", ledger.LEDGER], cwd=os.path.dirname(sealed.path), check=False
        ).returncode
        == 0
    )


def test_another_bagit_implementation_agrees(sealed):
    found = bagit.Bag(sealed.path)
    assert found.validate()
    assert found.info["External-Identifier"] == "20261121T020005Z-0a1b2c"
    assert found.info["X-EIT-Clock"] == "synchronized"


def test_only_the_owner_can_read_it(sealed):
    for folder, folders, files in os.walk(os.path.dirname(sealed.path)):
        for name in [*folders, *files]:
            assert not stat.S_IMODE(os.lstat(os.path.join(folder, name)).st_mode) & 0o077, name


def test_the_same_record_gives_the_same_bytes(tmp_path):
    trees = []
    for name in ("a", "b"):
        bundle.ready(str(tmp_path / name))
        path = write(tmp_path / name).seal.path
        with open(f"{path}/manifest-sha256.txt", encoding="ascii") as file:
            trees.append(file.read())
    assert trees[0] == trees[1]


# --- attacks ----------------------------------------------------------------------------------------------------


def change(path):
    with open(f"{path}/data/results.ndjson", "r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))


def add(path):
    with open(f"{path}/data/hosts/extra.json", "w", encoding="ascii") as file:
        file.write("{}")


def add_beside_the_payload(path):
    with open(f"{path}/README", "w", encoding="ascii") as file:
        file.write("trust me")


def add_with_an_odd_name(path):
    with open(f"{path}/data/a\nb", "w", encoding="ascii") as file:
        file.write("x")


def add_hidden(path):
    with open(f"{path}/data/.hidden", "w", encoding="ascii") as file:
        file.write("x")


def delete(path):
    os.remove(f"{path}/data/findings.csv")


def rename(path):
    os.rename(f"{path}/data/findings.csv", f"{path}/data/finding.csv")


def replace_by_link(path):
    shutil.move(f"{path}/data/run.json", f"{path}/../run.json")
    os.symlink("../../run.json", f"{path}/data/run.json")


def swap(path):
    scans = f"{path}/data/hosts/{samples.HOSTS[0]}/scan"
    first, second = sorted(os.listdir(scans))[:2]
    os.rename(f"{scans}/{first}", f"{scans}/x")
    os.rename(f"{scans}/{second}", f"{scans}/{first}")
    os.rename(f"{scans}/x", f"{scans}/{second}")


def edit_the_manifest(path):
    change(path)
    rehash(path, "manifest-sha256.txt", "data/results.ndjson")


def rewrite_bag_info(path):
    with open(f"{path}/bag-info.txt", "a", encoding="ascii") as file:
        file.write("X-EIT-Complete: yes\n")


def empty_the_manifests(path):
    for name in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        with open(f"{path}/{name}", "w", encoding="ascii"):
            pass


def leave_only_the_seal(path):
    """A consistent bag from which everything that matters is gone."""
    shutil.rmtree(f"{path}/data")
    with open(f"{path}/manifest-sha256.txt", "w", encoding="ascii"):
        pass
    rehash(path, "tagmanifest-sha256.txt", "manifest-sha256.txt")


def rehash(path, manifest, *names):
    with open(f"{path}/{manifest}", encoding="ascii") as file:
        lines = dict(line.rstrip("\n").split("  ")[::-1] for line in file)
    for name in names:
        lines[name] = subprocess.run(
            ["sha256sum", f"{path}/{name}"], capture_output=True, text=True, check=True
        ).stdout[:64]
    with open(f"{path}/{manifest}", "w", encoding="ascii") as file:
        file.writelines(f"{digest}  {name}\n" for name, digest in sorted(lines.items()))


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (change, "changed since the bundle was sealed:\n    data/results.ndjson\n"),
        (add, "added since the bundle was sealed:\n    data/hosts/extra.json\n"),
        (add_beside_the_payload, "added since the bundle was sealed:\n    README\n"),
        (add_with_an_odd_name, "names or file types that no bundle has:"),
        (add_hidden, "added since the bundle was sealed:\n    data/.hidden\n"),
        (delete, "deleted since the bundle was sealed:\n    data/findings.csv\n"),
        (rename, "deleted since the bundle was sealed:\n    data/findings.csv\nFAILED: added"),
        (replace_by_link, "names or file types that no bundle has:\n    ./data/run.json\n"),
        (swap, "changed since the bundle was sealed:\n    data/hosts/"),
        (edit_the_manifest, "changed since the bundle was sealed:\n    manifest-sha256.txt\n"),
        (rewrite_bag_info, "changed since the bundle was sealed:\n    bag-info.txt\n"),
        (empty_the_manifests, "added since the bundle was sealed:"),
        (leave_only_the_seal, "not covered by the seal:\n    data/results.ndjson\n    data/run.json\n"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_verify_finds(sealed, attack, words, shell):
    attack(sealed.path)
    done = verify(sealed.path, shell=shell)
    assert done.returncode == 1, done.stdout
    assert words in done.stdout
    assert "OK" not in done.stdout


def test_every_file_counts(sealed):
    paths = [os.path.join(folder, name) for folder, _, files in os.walk(sealed.path) for name in files]
    for path in paths:
        with open(path, "rb") as file:
            content = file.read()
        with open(path, "ab") as file:
            file.write(b"\n")
        # Nothing inside a bundle can vouch for its outermost list; the seal that was kept elsewhere does.
        told = ["-d", sealed.digest] if path.endswith("/tagmanifest-sha256.txt") else []
        assert verify(sealed.path, *told).returncode == 1, path
        with open(path, "wb") as file:
            file.write(content)
    assert verify(sealed.path, "-d", sealed.digest).returncode == 0


def test_a_bag_that_was_made_anew_is_found_by_its_seal(sealed):
    change(sealed.path)
    rehash(sealed.path, "manifest-sha256.txt", "data/results.ndjson")
    rehash(sealed.path, "tagmanifest-sha256.txt", "manifest-sha256.txt")
    assert verify(sealed.path).returncode == 0
    done = verify(sealed.path, "-d", sealed.digest)
    assert done.returncode == 1
    assert f", not {sealed.digest}" in done.stdout


def test_a_trusted_script_verifies_another_bundle(sealed, tmp_path):
    other = tmp_path / "copied elsewhere"
    shutil.copytree(sealed.path, other)
    with open(other / "verify.sh", "w", encoding="ascii") as file:
        file.write("echo OK; exit 0\n")
    assert verify(sealed.path, "-b", str(other)).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-x"], "usage: "),
        (["-b", "/nonexistent"], "no folder /nonexistent"),
        (["-b", "/"], "not a sealed bundle"),
        (["-s", "/nonexistent"], "/nonexistent cannot be read"),
    ],
)
def test_what_cannot_be_checked_is_no_success(sealed, arguments, words):
    done = verify(sealed.path, *arguments)
    assert done.returncode == 2
    assert words in done.stderr


# --- the chain --------------------------------------------------------------------------------------------------


def info(path):
    return bagit.Bag(path).info


def test_bundles_are_chained(tmp_path):
    bundle.ready(str(tmp_path))
    first = write(tmp_path, "20261121T020005Z-000001").seal
    second = write(tmp_path, "20261122T020005Z-000002").seal
    assert info(first.path)["X-EIT-Previous-Bag"] == "none"
    assert info(second.path)["X-EIT-Previous-Bag"] == "20261121T020005Z-000001"
    assert info(second.path)["X-EIT-Previous-Tagmanifest-SHA256"] == first.digest
    assert second.warnings == ()


def test_the_chain_follows_the_ledger_and_not_the_clock(tmp_path):
    bundle.ready(str(tmp_path))
    write(tmp_path, "20261122T020005Z-000002")
    earlier = write(tmp_path, "20261121T020005Z-000001").seal
    assert earlier.previous == "20261122T020005Z-000002"


@pytest.mark.parametrize(
    ("fault", "warning"),
    [
        (shutil.rmtree, "the previous bundle 20261121T020005Z-000001 is missing"),
        (
            lambda path: open(f"{path}/tagmanifest-sha256.txt", "a").write("x"),  # noqa: SIM115
            "the previous bundle 20261121T020005Z-000001 was changed after it was sealed",
        ),
    ],
)
def test_a_broken_predecessor_is_told_and_the_chain_goes_on(tmp_path, fault, warning):
    bundle.ready(str(tmp_path))
    first = write(tmp_path, "20261121T020005Z-000001").seal
    fault(first.path)
    second = write(tmp_path, "20261122T020005Z-000002").seal
    assert [text for text in second.warnings if text.startswith(warning)]
    assert info(second.path)["X-EIT-Previous-Tagmanifest-SHA256"] == first.digest


def test_a_bundle_that_misses_in_the_ledger_is_taken_in(tmp_path):
    """The run was killed after it had renamed its bundle."""
    bundle.ready(str(tmp_path))
    for number in (1, 2):
        write(tmp_path, f"2026112{number}T020005Z-00000{number}")
    book = tmp_path / ledger.LEDGER
    lines = book.read_text().splitlines(keepends=True)
    book.write_text(lines[0])
    third = write(tmp_path, "20261123T020005Z-000003").seal
    assert third.previous == "20261122T020005Z-000002"
    assert book.read_text().splitlines(keepends=True)[:2] == lines


def test_a_foreign_bundle_is_told_and_left_out(tmp_path):
    bundle.ready(str(tmp_path / "a"))
    bundle.ready(str(tmp_path / "b"))
    write(tmp_path / "b", "20261119T020005Z-00000a")
    write(tmp_path / "b", "20261120T020005Z-00000b")
    write(tmp_path / "a", "20261121T020005Z-000001")
    shutil.move(tmp_path / "b" / "20261120T020005Z-00000b", tmp_path / "a")
    assert write(tmp_path / "a", "20261122T020005Z-000002").seal.warnings == (
        "bundle 20261120T020005Z-00000b is not in the ledger and follows none of its bundles",
    )


def test_a_broken_ledger_stops_the_run_at_its_line(tmp_path):
    bundle.ready(str(tmp_path))
    write(tmp_path, "20261121T020005Z-000001")
    with open(tmp_path / ledger.LEDGER, "a", encoding="ascii") as file:
        file.write("nonsense\n")
    with pytest.raises(EvidenceError, match=rf"{ledger.LEDGER}:2: not a line of a ledger: 'nonsense'; .*\.unsealed"):
        write(tmp_path, "20261122T020005Z-000002")


def run_many(directory, number):
    write(directory, f"20261121T020005Z-00000{number}")


def test_runs_at_once_make_one_chain(tmp_path):
    bundle.ready(str(tmp_path))
    runs = [multiprocessing.get_context("fork").Process(target=run_many, args=(tmp_path, n)) for n in range(5)]
    for one in runs:
        one.start()
    for one in runs:
        one.join(60)
    assert [one.exitcode for one in runs] == [0] * 5
    names = [line.split("  ")[1].split("/")[0] for line in (tmp_path / ledger.LEDGER).read_text().splitlines()]
    assert len(set(names)) == 5
    assert [info(tmp_path / name)["X-EIT-Previous-Bag"] for name in names] == ["none", *names[:-1]]


def test_a_lock_that_stays_taken_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger, "_LOCK_SECONDS", 0.1)
    bundle.ready(str(tmp_path))
    with ledger.locked(str(tmp_path)), pytest.raises(EvidenceError, match="another run is sealing its bundle"):
        write(tmp_path)


# --- faults -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["file", "missing below a file", "/proc"])
def test_a_directory_that_cannot_be_written_is_one_error_before_any_work(tmp_path, kind):
    (tmp_path / "file").write_text("x")
    directory = {
        "file": tmp_path / "file",
        "missing below a file": tmp_path / "file" / "below",
        "/proc": "/proc/evidence",
    }[kind]
    for touch in (True, False):
        if kind == "/proc" and not touch and os.geteuid() == 0:
            continue  # for root, access(2) says yes to everything
        with pytest.raises(EvidenceError, match=f"^evidence directory {directory}: "):
            bundle.ready(str(directory), touch=touch)


def test_looking_makes_nothing(tmp_path):
    bundle.ready(str(tmp_path / "a" / "b"), touch=False)
    assert list(tmp_path.iterdir()) == []


def leftovers(directory):
    return sorted(name for name in os.listdir(directory) if not name.startswith("."))


KEYS = {
    "pem": "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEow",
    "openssh": "-----BEGIN OPENSSH PRIVATE " + "KEY-----\nb3BlbnNzaC1r",
    "pgp": "-----BEGIN PGP PRIVATE " + "KEY BLOCK-----\n",
    "putty": "PuTTY-User-Key-" + "File-3: ssh-ed25519",
    "age": "AGE-SECRET-" + "KEY-1" + "Q" * 58,
    "pem in base64": "TUlJLS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t",
    "pkcs8 without armour": "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgw",
    "ec without armour": "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEH",
    "ed25519 without armour": "MC4CAQAwBQYDK2VwBCIEIJzRqdc",
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("place", ["export", "banner"])
def test_a_private_key_anywhere_stops_the_seal(tmp_path, key, place):
    hosts = samples.hosts()
    if place == "export":
        hosts[0]["stacks"]["nginx"]["instances"][0]["export"][0]["text"] += f"# {key}\n"
    else:
        hosts[0]["scans"][0]["plaintext"] = {"banner": key}
    bundle.ready(str(tmp_path))
    with pytest.raises(
        EvidenceError, match=r"data/\S+: a private key at byte \d+; nothing was sealed; .*\.unsealed"
    ) as caught:
        write(tmp_path, hosts=hosts)
    assert caught.value.exit_code == 5
    assert leftovers(tmp_path) == ["20261121T020005Z-0a1b2c.unsealed"]
    assert '"exit_code": 5' in (tmp_path / "20261121T020005Z-0a1b2c.unsealed/data/verdict.json").read_text()


def test_public_things_are_no_private_keys():
    public = b"-----BEGIN PUBLIC KEY----- -----BEGIN CERTIFICATE----- ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 private key"
    assert private_keys.first_secret([public]) is None


@pytest.mark.parametrize("cut", range(0, 40, 3))
def test_a_key_is_found_across_chunks(cut):
    data = b"x" * 1000 + KEYS["pem"].encode() + b"y" * 1000
    assert private_keys.first_secret([data[: 1000 + cut], data[1000 + cut :]]) == 1000


def test_a_full_disk_leaves_a_folder_that_says_so(tmp_path):
    """A limit on the size of files stands for the disk: the same write fails, with EFBIG instead of ENOSPC."""
    directory = tmp_path / "evidence"
    bundle.ready(str(directory))
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000));"
        "import test_evidence_bag as t; t.write(sys.argv[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(directory)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "cannot be written: File too large; what was written stays unsealed in" in done.stderr
    assert leftovers(directory) == ["20261121T020005Z-0a1b2c.unsealed"]


def kill_after(directory, seconds):
    child = os.fork()
    if not child:
        signal.alarm(60)
        write(directory)
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.parametrize("milliseconds", [20, 60, 100, 140, 180, 220, 260, 320, 400])
def test_killed_at_any_moment_it_is_sealed_or_visibly_not(tmp_path, milliseconds):
    bundle.ready(str(tmp_path))
    kill_after(tmp_path, milliseconds / 1000)
    left = [name for name in leftovers(tmp_path) if name != ledger.LEDGER]
    if left == ["20261121T020005Z-0a1b2c"]:
        assert verify(tmp_path / left[0]).returncode == 0
    else:
        assert left in ([], ["20261121T020005Z-0a1b2c.unsealed"])
    after = write(tmp_path, "20261122T020005Z-000002").seal
    assert verify(after.path).returncode == 0
    assert any("is not sealed" in text for text in after.warnings) == any(
        name.endswith(ledger.UNSEALED) for name in left
    )


def test_a_name_is_never_used_twice(tmp_path):
    bundle.ready(str(tmp_path))
    write(tmp_path)
    with pytest.raises(EvidenceError, match="exists already"):
        write(tmp_path)


def test_files_have_safe_names_and_are_written_once(tmp_path):
    bag = bags.Bag(str(tmp_path), "x")
    bag.add("a/b.txt", b"1")
    for path in ("../x", "a/../x", "/etc/x", "a//b", "a b", ".x", "a/\n", ""):
        with pytest.raises(EvidenceError, match="is not a safe file name"):
            bag.add(path, b"")
    with pytest.raises(EvidenceError, match="cannot be written: File exists"):
        bag.add("a/b.txt", b"2")


def test_bag_info_stays_one_line_for_each_label(tmp_path):
    bundle.ready(str(tmp_path))
    made = bundle.write(str(tmp_path), record(), bundle.Sealing(classification="secret\nX-EIT-Complete: yes\x1b[0m"))
    assert info(made.seal.path)["X-EIT-Classification"] == "secret X-EIT-Complete: yes\\x1b[0m"
    assert info(made.seal.path)["X-EIT-Complete"] == "yes"
