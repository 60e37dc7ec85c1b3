# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What earlier runs found, from the sealed bundles of the same directory."""

from __future__ import annotations

from . import ledger
from .errors import EvidenceError
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


def _verdict(directory: str, name: str, seal: str) -> Json | None:
    """The verdict of a bundle, as it was sealed."""
    try:
        told = Bundle(directory, name, seal).json("verdict.json")
        endpoints = {state: int(told["endpoints"][state]) for state in ENDPOINT_STATES}
        exit_code, complete = int(told["exit_code"]), bool(told["complete"])
    except (EvidenceError, ValueError, KeyError, TypeError):
        return None
    return {"run_id": name, "exit_code": exit_code, "complete": complete, "endpoints": endpoints}
