# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What earlier runs found, from the sealed bundles of the same directory."""

from __future__ import annotations

import hashlib
import json
import os

from . import ledger
from .run import ENDPOINT_STATES, Json

#: Runs that a report shows beside its own.
RUNS = 11


def earlier(directory: str, count: int = RUNS) -> list[Json]:
    """The last runs of the ledger, oldest first: ``run_id``, ``exit_code``, ``complete`` and ``endpoints`` by state.

    A bundle that is gone, or whose verdict is not what was sealed, is left out: a trend rests on sealed runs only.
    Raises EvidenceError when the ledger cannot be read.
    """
    try:
        entries = ledger.entries(directory)[-count:]
    except OSError:
        return []
    found = (_verdict(os.path.join(directory, name), seal) for name, seal in entries)
    return [one for one in found if one]


def _verdict(path: str, seal: str) -> Json | None:
    """The verdict of a bundle, by way of both manifests from its seal."""
    try:
        tags = _read(path, ledger.TAGMANIFEST, seal)
        manifest = _read(path, "manifest-sha256.txt", _listed(tags, "manifest-sha256.txt"))
        told = json.loads(_read(path, "data/verdict.json", _listed(manifest, "data/verdict.json")))
        endpoints = {state: int(told["endpoints"][state]) for state in ENDPOINT_STATES}
        exit_code, complete = int(told["exit_code"]), bool(told["complete"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {"run_id": os.path.basename(path), "exit_code": exit_code, "complete": complete, "endpoints": endpoints}


def _read(path: str, name: str, digest: str) -> str:
    with open(os.path.join(path, name), "rb") as file:
        content = file.read()
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"{name} is not what was sealed")
    return content.decode("utf-8")


def _listed(manifest: str, name: str) -> str:
    return next((line[:64] for line in manifest.splitlines() if line[66:] == name), "")
