# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What earlier runs found, from the sealed bundles of the same directory."""

from __future__ import annotations

import json
import typing as t

from . import ledger
from .errors import EvidenceError
from .exports.words import OPEN
from .run import ENDPOINT_STATES, Json
from .sealed import Bundle

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
    found = (_verdict(directory, name, seal) for name, seal in entries)
    return [one for one in found if one]


class Before(t.NamedTuple):
    """The last sealed run: its id, and the status of each result that did not hold then, by key."""

    run_id: str
    open: dict[str, str]


def last(directory: str) -> Before | None:
    """What was open in the last run of the ledger; None for a first run, and when it is not what was sealed.

    Raises EvidenceError when the ledger cannot be read.
    """
    try:
        entries = ledger.entries(directory)[-1:]
    except OSError:
        return None
    return _open(directory, *entries[0]) if entries else None


def _open(directory: str, name: str, seal: str) -> Before | None:
    try:
        # Most lines pass, and a fleet has hundreds of thousands.
        lines = Bundle(directory, name, seal).lines("results.ndjson")
        results = (json.loads(line) for line in lines if b'"status":"pass"' not in line)
        return Before(name, {one["key"]: one["status"] for one in results if one["status"] in OPEN})
    except (EvidenceError, ValueError, KeyError, TypeError):
        return None


def _verdict(directory: str, name: str, seal: str) -> Json | None:
    """The verdict of a bundle, as it was sealed."""
    try:
        told = Bundle(directory, name, seal).json("verdict.json")
        endpoints = {state: int(told["endpoints"][state]) for state in ENDPOINT_STATES}
        exit_code, complete = int(told["exit_code"]), bool(told["complete"])
    except (EvidenceError, ValueError, KeyError, TypeError):
        return None
    return {"run_id": name, "exit_code": exit_code, "complete": complete, "endpoints": endpoints}
