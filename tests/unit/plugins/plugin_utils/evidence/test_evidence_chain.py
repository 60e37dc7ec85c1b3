"""The chain of all bundles of a directory: what an insider can do to it, and what is found."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import evidence_samples as samples
import pytest
from test_evidence_bag import rehash, run_many
from test_evidence_signature import allowed, keys  # noqa: F401  a fixture

from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import bundle, chain, ledger
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.errors import EvidenceError
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import assemble
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.signature import Signer

NAMES = [f"2026112{number}T020005Z-00000{number}" for number in (1, 2, 3)]


def write(directory, name, key):
    record = assemble({**samples.FACTS, "run_id": name}, samples.HOSTS, samples.hosts(), samples.baseline())
    return bundle.write(str(directory), record, bundle.Sealing(Signer(str(key)))).seal


@pytest.fixture(scope="module")
def original(keys, tmp_path_factory):  # noqa: F811
    directory = tmp_path_factory.mktemp("chain") / "evidence"
    bundle.ready(str(directory))
    return directory, [write(directory, name, keys / "auditor").digest for name in NAMES]


@pytest.fixture
def three(original, tmp_path):
    """A directory with three signed bundles, and their seals."""
    shutil.copytree(original[0], tmp_path / "evidence")
    return tmp_path / "evidence", original[1]


@pytest.fixture
def trust(keys, tmp_path):  # noqa: F811
    return chain.Trust(allowed(keys, tmp_path))


def rebuild(path, *keys_):
    """What an insider does: change a result, make the checksums anew, and sign with the same key."""
    with open(f"{path}/data/results.ndjson", "r+b") as file:
        text = file.read()
        file.seek(0)
        file.write(text.replace(b'"status":"fail"', b'"status":"pass"'))
        file.truncate()
    rehash(path, "manifest-sha256.txt", "data/results.ndjson")
    rehash(path, "tagmanifest-sha256.txt", "manifest-sha256.txt")
    for key in keys_:
        with open(f"{path}/tagmanifest-sha256.txt", "rb") as file:
            signature = Signer(str(key)).sign(file.read())
        with open(f"{path}/tagmanifest-sha256.txt.sig", "wb") as file:
            file.write(signature)


def book(directory):
    with open(directory / ledger.LEDGER, encoding="ascii") as file:
        return file.read().splitlines(keepends=True)


def rewrite(directory, lines):
    (directory / ledger.LEDGER).write_text("".join(lines))


def test_a_chain_that_nobody_touched_holds(three, trust):
    found = chain.verify(str(three[0]), trust._replace(head=three[1][2]))
    assert [one["state"] for one in found.bundles] == ["verified"] * 3
    assert (found.problems, found.notes) == ([], [])


def test_without_a_signer_it_is_intact_and_not_verified(three):
    assert {one["state"] for one in chain.verify(str(three[0])).bundles} == {"intact"}


def test_a_rebuilt_old_bundle_verifies_alone_and_breaks_the_next(three, keys, trust):  # noqa: F811
    directory, _seals = three
    rebuild(directory / NAMES[0], keys / "auditor")
    alone = ["sh", str(directory / NAMES[0] / "verify.sh"), "-s", trust.signers]
    assert subprocess.run(alone, capture_output=True, check=False).returncode == 0
    after = ["sh", str(directory / NAMES[1] / "verify.sh"), "-s", trust.signers]
    done = subprocess.run(after, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"the chain is broken: {NAMES[0]} is not what it was when this bundle was sealed" in done.stdout
    found = chain.verify(str(directory), trust)
    assert len(found.problems) == 2
    assert found.problems[0].startswith(f"bundle {NAMES[0]}: changed: ")


def test_an_insider_who_rebuilds_the_ledger_too_is_found_by_the_next_bundle(three, keys, trust):  # noqa: F811
    directory, _seals = three
    rebuild(directory / NAMES[0], keys / "auditor")
    new = ledger.tag_digest(str(directory), NAMES[0])
    rewrite(directory, [re.sub("^[0-9a-f]{64}", new, book(directory)[0]), *book(directory)[1:]])
    found = chain.verify(str(directory), trust)
    assert [one["state"] for one in found.bundles] == ["verified", "changed", "verified"]
    assert "the chain is broken" in found.problems[0]


def test_a_chain_that_an_insider_made_anew_as_a_whole_is_found_by_the_published_seal(three, keys, trust):  # noqa: F811
    directory, seals = three
    shutil.rmtree(directory)
    bundle.ready(str(directory))
    for name in NAMES:
        record = assemble({**samples.FACTS, "run_id": name}, samples.HOSTS, [], samples.baseline())
        bundle.write(str(directory), record, bundle.Sealing(Signer(str(keys / "auditor"))))
    assert chain.verify(str(directory), trust).problems == []
    problems = chain.verify(str(directory), trust._replace(head=seals[2])).problems
    assert problems == [f"the published seal {seals[2]} is not in the ledger: its end was cut off, or it was replaced"]


def test_a_bundle_that_another_key_signed_is_found(three, keys, trust):  # noqa: F811
    rebuild(three[0] / NAMES[2], keys / "stranger")
    problem = chain.verify(str(three[0]), trust).problems[0]
    assert "changed" in problem
    assert "the signature is not by a signer in" in problem


def test_bundles_that_were_put_in_another_order_are_found(three, trust):
    directory, _seals = three
    lines = book(directory)
    rewrite(directory, [lines[1], lines[0], lines[2]])
    assert chain.verify(str(directory), trust).problems == [
        f"bundle {NAMES[1]} follows none in the ledger, but says that it follows {NAMES[0]}",
        f"bundle {NAMES[0]} follows {NAMES[1]} in the ledger, but says that it follows none",
        f"bundle {NAMES[2]} follows {NAMES[0]} in the ledger, but says that it follows {NAMES[1]}",
    ]


def test_results_that_were_put_in_another_order_are_found(three, trust):
    path = three[0] / NAMES[2] / "data" / "results.ndjson"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[1], lines[0], *lines[2:]]))
    assert "changed since the bundle was sealed: data/results.ndjson" in chain.verify(str(three[0]), trust).problems[0]


@pytest.mark.parametrize("with_ledger", [True, False])
def test_a_bundle_taken_out_of_the_middle_is_found(three, trust, with_ledger):
    directory, _seals = three
    shutil.rmtree(directory / NAMES[1])
    if with_ledger:
        rewrite(directory, [book(directory)[0], book(directory)[2]])
    problems = chain.verify(str(directory), trust).problems
    expected = f"bundle {NAMES[2]} follows {NAMES[0]} in the ledger" if with_ledger else f"bundle {NAMES[1]}: missing"
    assert problems[0].startswith(expected)


def test_a_ledger_without_its_end_is_found_by_what_was_published_and_by_nothing_else(three, trust):
    directory, seals = three
    shutil.rmtree(directory / NAMES[2])
    rewrite(directory, book(directory)[:2])
    assert chain.verify(str(directory), trust).problems == []
    assert chain.verify(str(directory), trust._replace(head=seals[2])).problems
    assert chain.verify(str(directory), trust._replace(head=seals[1])).notes == []
    assert chain.verify(str(directory), trust._replace(head=seals[0])).notes == [
        "1 of the bundles came after the published seal"
    ]


def test_a_ledger_that_forgot_its_last_bundle_is_found(three, trust):
    directory, _seals = three
    rewrite(directory, book(directory)[:2])
    assert chain.verify(str(directory), trust).problems == [f"bundle {NAMES[2]} is sealed, but not in the ledger"]


def test_unsealed_folders_are_mentioned(three, trust):
    (three[0] / "20261124T020005Z-000004.unsealed").mkdir()
    found = chain.verify(str(three[0]), trust)
    assert (found.problems, found.notes) == ([], ["20261124T020005Z-000004.unsealed is not sealed"])


def test_the_script_of_a_bundle_is_not_believed(three, trust):
    path = three[0] / NAMES[1]
    (path / "verify.sh").write_text("echo OK; exit 0\n")
    assert "changed since the bundle was sealed: verify.sh" in chain.verify(str(three[0]), trust).problems[0]


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()], ids=["no directory", "no ledger"])
def test_nothing_to_verify_is_an_error(tmp_path, make):
    make(tmp_path / "evidence")
    with pytest.raises(EvidenceError, match=f"^evidence directory {tmp_path}/evidence: "):
        chain.verify(str(tmp_path / "evidence"))


def test_a_line_of_the_ledger_that_a_power_loss_cut_short_is_made_good(three, keys, trust):  # noqa: F811
    directory, _seals = three
    lines = book(directory)
    rewrite(directory, [*lines[:2], lines[2][:30]])
    fourth = write(directory, "20261124T020005Z-000004", keys / "auditor")
    assert fourth.previous == NAMES[2]
    assert book(directory)[:3] == lines
    assert chain.verify(str(directory), trust).problems == []


# --- killed at every step ---------------------------------------------------------------------------------------


def die_at(directory, step, count):
    """In a child: end without any clean-up just before the count-th call of that step."""
    left = [count]

    def fatal(function):
        def call(*arguments, **more):
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)
            return function(*arguments, **more)

        return call

    bags = bundle.Bag
    if step in ("_hashes", "add_tag"):
        setattr(bags, step, fatal(getattr(bags, step)))
    elif step == "append":
        ledger.append = fatal(ledger.append)
    else:
        setattr(os, step, fatal(getattr(os, step)))
    run_many(directory, 1)
    os._exit(0)


@pytest.mark.parametrize(
    ("step", "count"),
    [*[("add_tag", n) for n in range(1, 7)], ("_hashes", 1), ("_hashes", 2), ("sync", 1), ("rename", 1), ("append", 1)],
)
def test_killed_at_any_step_it_is_sealed_or_visibly_not(tmp_path, step, count):
    bundle.ready(str(tmp_path))
    child = os.fork()
    if not child:
        die_at(tmp_path, step, count)
    _pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 9
    sealed, left = ledger.sealed(str(tmp_path)), ledger.unsealed(str(tmp_path))
    assert bool(sealed) == (step == "append")
    assert bool(left) != bool(sealed)
    run_many(tmp_path, 2)
    found = chain.verify(str(tmp_path))
    assert found.problems == []
    assert len(found.bundles) == 1 + len(sealed)
    assert found.notes == [f"{name} is not sealed" for name in left]


def test_a_disk_that_is_full_when_the_ledger_is_written(tmp_path, monkeypatch):
    bundle.ready(str(tmp_path))

    def full(*arguments):
        raise OSError(28, "No space left on device")

    record = assemble(samples.FACTS, samples.HOSTS, samples.hosts(), samples.baseline())
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "append", full)
        made = bundle.write(str(tmp_path), record)
    assert made.seal.warnings == (
        "the ledger cannot be written: No space left on device; the next run adds this bundle",
    )
    run_many(tmp_path, 2)
    assert [one["state"] for one in chain.verify(str(tmp_path)).bundles] == ["verified"] * 2
