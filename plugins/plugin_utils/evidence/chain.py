# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verify all bundles of a directory and the chain they form, with the script that travels in each of them."""

from __future__ import annotations

import os
import subprocess
import typing as t

from ..terminal import sentence
from . import ledger
from .errors import EvidenceError

_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "templates", "verify.sh")
_WORDS = {0: "verified", 1: "changed", 2: "not checked", 3: "intact"}


class Trust(t.NamedTuple):
    """What the verifier trusts, which must come by another way than the bundles.

    ``signers``      file of allowed signers (ssh-keygen(1)); without it signatures are not checked
    ``authorities``  PEM file of the time-stamping authority's CA; without it time stamps are not checked
    ``head``         a seal that was published: its bundle must be in the ledger
    """

    signers: str | None = None
    authorities: str | None = None
    head: str | None = None


class Outcome(t.NamedTuple):
    """``bundles``: name, seal, ``state`` (verified, intact: signature not checked, changed, not checked) and what the
    script said. ``problems``: whatever keeps the chain from being trusted, in words. ``notes``: what is odd."""

    bundles: list[dict[str, str]]
    problems: list[str]
    notes: list[str]


NOBODY = Trust()


def verify(directory: str, trust: Trust = NOBODY) -> Outcome:
    """Verify every bundle of the ledger, oldest first, and that each follows the one before it.

    Raises EvidenceError when there is no ledger, or it cannot be read.
    """
    try:
        entries = ledger.entries(directory)
        left = ledger.unsealed(directory)
    except OSError as error:
        raise EvidenceError(f"evidence directory {directory}: {error.strerror}") from error
    if not entries:
        raise EvidenceError(f"evidence directory {directory}: no {ledger.LEDGER} with a bundle in it")
    bundles, problems = [], []
    before = ("none", "none")
    for name, seal in entries:
        one = verify_one(directory, name, seal, trust)
        bundles.append(one)
        if one["state"] not in ("verified", "intact"):
            problems.append(f"bundle {name}: {one['state']}: {one['said']}")
        elif ledger.previous(directory, name) != before:
            stated = ledger.previous(directory, name)[0] or "nothing"
            problems.append(f"bundle {name} follows {before[0]} in the ledger, but says that it follows {stated}")
        before = (name, seal)
    listed = {name for name, _seal in entries}
    loose = sorted(set(ledger.sealed(directory)) - listed)
    problems += [f"bundle {name} is sealed, but not in the ledger" for name in loose]
    if trust.head and trust.head not in {seal for _name, seal in entries}:
        problems.append(
            f"the published seal {trust.head} is not in the ledger: its end was cut off, or it was replaced"
        )
    notes = [f"{name} is not sealed" for name in left]
    if trust.head and not problems and trust.head != entries[-1][1]:
        count = len(entries) - 1 - [seal for _name, seal in entries].index(trust.head)
        notes.append(f"{count} of the bundles came after the published seal")
    return Outcome(bundles, problems, notes)


def told(found: Outcome) -> list[str]:
    """The same in lines for people, one for each: names of files in a bundle may be of anybody's making."""
    lines = [f"{one['bundle']}  {one['state']}" for one in found.bundles]
    lines += [f"PROBLEM: {text}" for text in found.problems] + [f"note: {text}" for text in found.notes]
    return [sentence(line) for line in lines]


def verify_one(directory: str, name: str, seal: str, trust: Trust) -> dict[str, str]:
    """One bundle by itself, as an entry of :class:`Outcome`."""
    path = os.path.join(directory, name)
    if not os.path.isdir(path):
        return {
            "bundle": name,
            "seal": seal,
            "state": "missing",
            "said": "it is in the ledger, and not in the directory",
        }
    # The script of the collection, not of the bundle: that one may have been changed together with the rest.
    command = ["sh", _SCRIPT, "-b", path, "-d", seal]
    command += ["-s", os.path.abspath(trust.signers)] if trust.signers else []
    command += ["-t", os.path.abspath(trust.authorities)] if trust.authorities else []
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    said = " ".join((done.stdout + done.stderr).split())
    return {"bundle": name, "seal": seal, "state": _WORDS.get(done.returncode, "not checked"), "said": said}
