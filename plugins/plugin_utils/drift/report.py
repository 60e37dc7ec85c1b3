# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What drifted since the last sealed runs, host by host, as data (``docs/schemas/drift.schema.json``).

Hosts are taken one after the other; what simply held leaves nothing but its line.
"""

from __future__ import annotations

import collections
import datetime
import typing as t

from ..evidence.errors import EvidenceError
from ..evidence.run import SCHEMA_VERSION, SCHEMAS, Endpoint, Json, Record
from . import around, compare
from .past import Earlier, Past, folder_of_external

#: What can have become of a host, the worst first. A host that was not asked for is left out.
STATES = ("drifted", "new", "open", "unproved", "not_reached", "mended", "gone", "not_applicable", "held")

#: Exit codes, the least first that decides: nothing drifted, something fails, something is not proved, no comparison.
HELD, FAILS, UNPROVED, UNUSABLE = 0, 2, 3, 4

#: States of accounts (``run.json``) in which a host was not read.
_NOT_READ = {"unreachable": "not_reached", "unaccounted": "not_reached", "not_applicable": "not_applicable"}


class Patience(t.NamedTuple):
    """A setting that this collection mended again ``times`` times within so many ``days``, and that fails again, is
    contested: something else manages it. The first change of it that is known is its hardening, which undoes nobody."""

    times: int = 3
    days: int = 30


PATIENCE = Patience()


def report(record: Record, past: Past | None, patience: Patience = PATIENCE) -> Json:
    """Compare the record of today with what was sealed before. ``past`` is None when there is nothing to compare with.

    Raises EvidenceError when what was sealed turns out not to be readable.
    """
    now = record.run
    told = around.run(past.last, now) if past else []
    accounts = {one["host"]: one for one in now["population"]["hosts"]}
    asked = [name for name, one in accounts.items() if one["state"] != "skipped"] + list(now["external"])
    earlier = past.hosts(asked) if past else ((name, None) for name in sorted(asked))
    scanned: dict[str, list[Endpoint]] = {}
    for endpoint in record.endpoints:
        scanned.setdefault(endpoint.host, []).append(endpoint)
    hosts = []
    for name, then in earlier:
        now_there = compare.Now(record.results.of(name), record.listeners.of(name), scanned.get(name, ()))
        hosts.append(_host(name, then, now_there, record.files.of(name), accounts.get(name), told))
    changes = _changes(past, hosts) if past else {}
    for host in hosts:
        _judge_contested(host, changes, _days_before(now["started"], patience.days), patience.times)
    if past:
        _tell_since(past, hosts)
    counts = collections.Counter(one["state"] for one in hosts)
    return {
        "$schema": SCHEMAS + "drift.schema.json",
        "schema_version": SCHEMA_VERSION,
        "started": now["started"],
        "ended": now["ended"],
        "baseline": now["baseline"],
        "previous": {"run_id": past.last.id, "started": past.last.started, "seal": past.last.bundle.seal}
        if past
        else None,
        "code": code(counts),
        "problem": None,
        "counts": {state: counts[state] for state in STATES},
        "contested": sum(bool(one["contested"]) for one in hosts),
        "around": told,
        "notes": [*(past.notes if past else []), *_clock(past, now)],
        "hosts": sorted(hosts, key=lambda one: (STATES.index(one["state"]), one["host"])),
    }


def unusable(problem: str) -> Json:
    """What is told where nothing could be compared at all."""
    return {
        "$schema": SCHEMAS + "drift.schema.json",
        "schema_version": SCHEMA_VERSION,
        "code": UNUSABLE,
        "problem": problem,
        "counts": dict.fromkeys(STATES, 0),
        "hosts": [],
    }


def code(counts: t.Mapping[str, int]) -> int:
    """The exit code for hosts counted by state."""
    if any(counts[state] for state in compare.FAILING):
        return FAILS
    return UNPROVED if counts["unproved"] or counts["not_reached"] else HELD


def _host(
    name: str,
    then: Earlier | None,
    now: compare.Now,
    files: t.Iterable[t.Sequence[str]],
    account: Json | None,
    told: t.Sequence[Json],
) -> Json:
    """One host; ``account`` is that of run.json, None for a host outside of the inventory, of which only scans are."""
    found: list[Json] = []
    notes: list[Json] = []
    problem = None
    state = _NOT_READ.get(account["state"]) if account else None
    if state is None:
        found = compare.settings(then and compare.Then(then.results, then.run.checks), now)
        state = compare.state(found)
        if then:
            try:
                notes = around.host(then, files, account["folder"] if account else folder_of_external(name))
            except EvidenceError as error:
                problem = str(error)
    for one in found:
        one["since"] = {"held": _when(then), "failing": None} if one["change"] == "drifted" else None
        one["around"] = around.concerning(one, [*notes, *told])
    return {
        "host": name,
        "state": state,
        "reason": account["reason"] if account else None,
        "compared_with": _when(then),
        "settings": found,
        "around": notes,
        "problem": problem,
    }


def _when(then: Earlier | None) -> Json | None:
    return {"run_id": then.run.id, "started": then.run.started} if then else None


def _tell_since(past: Past, hosts: t.Iterable[Json]) -> None:
    """Add since when settings fail that failed before, already: the sealed runs before tell."""
    waiting = [one for host in hosts for one in host["settings"] if one["change"] == "open"]
    since = past.since({key for one in waiting for key in one["keys"]}) if waiting else {}
    for one in waiting:
        known = [since[key] for key in one["keys"]]
        # The setting held as long as all of its results did.
        first = max((at.failing for at in known if at.failing), key=past.age, default=None)
        held = max((at.held for at in known if at.held), key=past.age, default=None)
        one["since"] = {"held": held, "failing": first}


# --- change records ---------------------------------------------------------------------------------------------


def _days_before(moment: str, days: int) -> str:
    then = datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")) - datetime.timedelta(days=days)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def _failing(host: Json) -> list[Json]:
    """The settings a stack could mend."""
    return [one for one in host["settings"] if one["change"] in compare.FAILING and one["stack"]]


def _changes(past: Past, hosts: t.Iterable[Json]) -> dict[tuple[str, str], list[Json]]:
    """What this collection ever changed of stacks that fail now, by host and stack, the oldest first. Where nothing
    fails no bundle is opened for it."""
    found: dict[tuple[str, str], list[Json]] = {
        (host["host"], one["stack"]): [] for host in hosts for one in _failing(host)
    }
    for record in past.changes() if found else ():
        place = (record["host"], record["stack"])
        if record["outcome"] == "changed" and place in found:
            found[place].append(record)
    return found


def _judge_contested(host: Json, changes: t.Mapping[tuple[str, str], list[Json]], since: str, times: int) -> None:
    """Add to each setting how it was mended again since then, where that was so often that something else must undo it;
    to the host the stacks with such settings, and those that may be remediated."""
    for one in host["settings"]:
        one["contested"] = []
    failing: dict[str, list[Json]] = {}
    for one in _failing(host):
        again = [change for change in _edited(one, changes.get((host["host"], one["stack"]), []))[1:]
                 if str(change["recorded"]) >= since]  # fmt: skip
        one["contested"] = again if len(again) >= times else []
        failing.setdefault(one["stack"], []).append(one)
    # The files of a stack are mended together: with one setting left alone, all are.
    host["contested"] = sorted(stack for stack, found in failing.items() if any(one["contested"] for one in found))
    host["remediable"] = sorted(set(failing) - set(host["contested"]))


def _edited(setting: Json, changes: t.Iterable[Json]) -> list[Json]:
    """The changes among these that edited this setting where it stands; all of its check where no file has it."""
    files = {place["file"] for place in setting["where"]}
    return [
        {key: one[key] for key in ("change_id", "recorded", "ticket")}
        for one in changes
        if any(edit["check"] == setting["check"] and (edit["file"] in files or not files) for edit in one["edits"])
    ]


def _clock(past: Past | None, now: Json) -> list[str]:
    if past is None or past.last.started <= now["started"]:
        return []
    return [
        f"the last sealed run says that it began at {past.last.started}, after this one ({now['started']}): a clock "
        "was moved; runs are taken in the order of the ledger, times of different runs do not compare"
    ]
