# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the sealed runs of an evidence directory say of each host: the side that today is compared with.

The order of runs is that of the ledger, never that of clocks. Of a bundle only what was sealed is read.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import typing as t

from ..evidence import chain, changes, ledger
from ..evidence.errors import EvidenceError
from ..evidence.run import Json
from ..evidence.sealed import Bundle
from ..evidence.text import safe_name

#: Sealed runs that are looked at, the newest first.
DEPTH = 100

_KEY = re.compile(rb'"key":"([0-9a-f]{16})"')
#: What a run has to have found for a setting to have held then.
GOOD = ("pass", "excepted", "not_applicable")


class NoRun(EvidenceError):
    """There is no earlier run to compare with: none was sealed yet."""


class Run(t.NamedTuple):
    """One earlier run: ``baseline`` and ``versions`` as in run.json, ``checks`` the ids of its catalogue."""

    id: str
    started: str
    baseline: Json
    versions: Json
    checks: frozenset[str]
    bundle: Bundle


class Earlier(t.NamedTuple):
    """One host in the last run that tested it: its results, and the folder of its evidence below data/."""

    run: Run
    folder: str
    results: list[Json]


class Since(t.NamedTuple):
    """The last run in which a setting held and the first in which it did not; None: no such run is known."""

    held: Json | None
    failing: Json | None


class Past:
    """The sealed runs of a directory, at most ``depth`` of them. ``notes`` tells what could not be used, for people.

    ``signers`` is a file of allowed signers (ssh-keygen(1)): the newest bundle must then be signed by one of them, and
    be whole. Raises NoRun when there is no sealed run, EvidenceError when the newest cannot be trusted.
    """

    def __init__(self, directory: str, depth: int = DEPTH, signers: str | None = None) -> None:
        try:
            entries = ledger.entries(directory)
        except OSError as error:
            raise EvidenceError(f"evidence directory {directory}: {error.strerror}") from error
        if not entries:
            raise NoRun(f"evidence directory {directory}: no run was sealed there yet")
        self._directory = directory
        self._entries = entries[::-1][:depth]
        self._runs: dict[str, Run | None] = {}
        self.notes: list[str] = []
        newest = self._entries[0]
        if signers:
            told = chain.verify_one(directory, *newest, chain.Trust(signers))
            if told["state"] != "verified":
                raise EvidenceError(f"bundle {newest[0]}: {told['said']}")
        self.last = self._runs[newest[0]] = self._open(*newest)

    def runs(self) -> t.Iterator[Run]:
        """The runs that can be used, the newest first, opened one after the other."""
        for name, seal in self._entries:
            if name not in self._runs:
                try:
                    self._runs[name] = self._open(name, seal)
                except EvidenceError as error:
                    self._runs[name] = None
                    self.notes.append(f"{error}; it is not used")
            run = self._runs[name]
            if run:
                yield run

    def _open(self, name: str, seal: str) -> Run:
        bundle = Bundle(self._directory, name, seal)
        told = bundle.run
        checks = frozenset(one["id"] for one in bundle.json("checks.json"))
        return Run(name, told["started"], told["baseline"], told["versions"], checks, bundle)

    # --- each host ----------------------------------------------------------------------------------------------

    def hosts(self, names: t.Iterable[str]) -> t.Iterator[tuple[str, Earlier | None]]:
        """Each of the names, in alphabetical order, in the last run that tested it; None when no run did.

        A run of some hosts only (``--limit``) and a night when a host was away hide nothing.
        """
        wanted = sorted(names)
        where = self._where(wanted)
        streams = {run.id: _by_host(run) for run, _folder in where.values()}
        for name in wanted:
            if name not in where:
                yield name, None
                continue
            run, folder = where[name]
            results = next((found for host, found in streams[run.id] if host == name), [])
            yield name, Earlier(run, folder, results)

    def _where(self, names: t.Collection[str]) -> dict[str, tuple[Run, str]]:
        found: dict[str, tuple[Run, str]] = {}
        left = set(names)
        for run in self.runs():
            told = run.bundle.run
            tested = {one["host"]: one["folder"] for one in told["population"]["hosts"] if one["state"] == "tested"}
            tested.update((name, folder_of_external(name)) for name in told.get("external") or ())
            for name in left & set(tested):
                found[name] = (run, tested[name])
            left -= set(tested)
            if not left:
                break
        return found

    # --- through time -------------------------------------------------------------------------------------------

    def since(self, keys: t.Collection[str]) -> dict[str, Since]:
        """Since when results have failed that fail now, by their key. Reads no further back than it must."""
        left = set(keys)
        found = {key: Since(None, None) for key in left}
        for run in self.runs():
            if not left:
                break
            about = {"run_id": run.id, "started": run.started}
            try:
                statuses = dict(_statuses(run, left))
            except EvidenceError as error:
                self.notes.append(f"{error}; it is not used")
                continue
            for key, status in statuses.items():
                if status == "fail":
                    found[key] = found[key]._replace(failing=about)
                elif status in GOOD:
                    found[key] = found[key]._replace(held=about)
                    left.remove(key)
        return found

    def age(self, about: Json) -> int:
        """How many runs were sealed after the one that :class:`Since` tells of. Clocks have no say in it."""
        return [name for name, _seal in self._entries].index(about["run_id"])

    def changes(self) -> list[Json]:
        """Change records of the runs that can be used, in the order of the ledger, the oldest first."""
        found: list[Json] = []
        for run in self.runs():
            found[:0] = [run.bundle.json(path) for path in run.bundle.paths(changes.FOLDER)]
        return found


def folder_of_external(name: str) -> str:
    """Where the evidence of a host is that is not in the inventory; accounts have none of it."""
    return f"hosts/{safe_name(name, always_tag=True)}"


def _by_host(run: Run) -> t.Iterator[tuple[str, list[Json]]]:
    """Results by host, in the order of the file, which is that of the hosts' names."""
    results = map(json.loads, run.bundle.lines("results.ndjson"))
    for host, found in itertools.groupby(results, key=lambda item: str(item["subject"]["host"])):
        yield host, list(found)


def _statuses(run: Run, keys: t.Container[str]) -> t.Iterator[tuple[str, str]]:
    for line in run.bundle.lines("results.ndjson"):
        match = _KEY.search(line)
        if match and match.group(1).decode() in keys:
            item = json.loads(line)
            yield item["key"], item["status"]


def loose(directory: str) -> list[str]:
    """What lies beside the ledger and is part of no chain, for people."""
    if not os.path.isdir(directory):
        return []
    listed = {name for name, _seal in ledger.entries(directory)}
    found = [
        f"bundle {name} is sealed, but not in the ledger" for name in sorted(set(ledger.sealed(directory)) - listed)
    ]
    return found + [
        f"{name} is not sealed: its run did not finish, or still goes on" for name in ledger.unsealed(directory)
    ]
