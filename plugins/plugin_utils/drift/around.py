# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What else changed on a host between two runs, from the evidence of both: files, programs, processes, certificates.

A *note* is a dict: ``kind`` (file, package, library, process, certificate, listener, baseline, collection), ``stack``,
``what`` it is about, ``before`` and ``now`` in short texts (null: there was none), ``detail`` lines, and ``at`` when it
happened, where the host tells (UTC).
"""

from __future__ import annotations

import difflib
import hashlib
import json
import typing as t

from ..evidence.run import Json, listeners_of
from .past import Earlier, Run

#: Lines of a difference that are kept.
_LINES = 40
#: What is exported of configuration that is in no file a host would show: Windows' registry, bindings and sites, what
#: libraries and sshd say is in force.
_SAID = frozenset(["registry.reg", "bindings.json", "applicationHost.config", "libraries.txt", "openssh.txt"])
#: Facts of an instance that are one short text each.
_VERSIONS = {"package": "package", "version": "package", "library": "library"}


def note(kind: str, what: str, before: object, now: object, **more: t.Any) -> Json:
    said = [None if one is None else str(one) for one in (before, now)]
    return {
        "kind": kind,
        "stack": None,
        "what": what,
        "before": said[0],
        "now": said[1],
        "at": None,
        "detail": [],
        **more,
    }


def host(earlier: Earlier, files: t.Iterable[t.Sequence[str]], folder: str | None) -> list[Json]:
    """Notes about one host. ``files`` are [path below data/, content] of this run, below ``folder``.

    Raises EvidenceError when what was sealed cannot be read.
    """
    start = f"{folder}/" if folder else ""
    now = {path[len(start) :]: text for path, text in files}
    then = _Folder(earlier)
    notes: list[Json] = []
    for path in sorted(set(now) | set(then.paths)):
        if path.startswith("config/") and path.count("/") == 1:
            stack = path[len("config/") : -len(".json")]
            notes += _instances(stack, then.json(path), json.loads(now.get(path) or "{}"))
        elif path.startswith("scan/"):
            notes += _served(then.json(path), json.loads(now.get(path) or "{}"))
    modified = _modified(now)
    for path in sorted(set(now) | set(then.paths)):
        if path.startswith("config/") and ("/files/" in path or path.rpartition("/")[2] in _SAID):
            notes += _file(path, then, now.get(path), modified)
    return notes


def run(then: Run, now: Json) -> list[Json]:
    """Notes about the runs themselves: ``now`` is the ``run`` of the record of today."""
    notes = []
    if then.baseline["sha256"] != now["baseline"]["sha256"]:
        notes.append(note("baseline", "the baseline", _baseline(then.baseline), _baseline(now["baseline"])))
    for name, kind in (("collection", "collection"), ("ansible_core", "collection")):
        before, after = then.versions.get(name), now["versions"].get(name)
        if before != after:
            notes.append(note(kind, name, before, after))
    return notes


def _baseline(facts: Json) -> str:
    return f"{facts['profile']} {facts['version']} ({facts['sha256'][:12]})"


class _Folder:
    """The evidence of one host in an earlier run, by paths below its folder."""

    def __init__(self, earlier: Earlier) -> None:
        self._bundle, self._folder = earlier.run.bundle, earlier.folder
        self.paths = [path[len(self._folder) + 1 :] for path in self._bundle.paths(self._folder)]

    def digest(self, path: str) -> str | None:
        return self._bundle.digest(f"{self._folder}/{path}")

    def json(self, path: str) -> Json:
        return t.cast(Json, self._bundle.json(f"{self._folder}/{path}")) if self.digest(path) else {}

    def text(self, path: str) -> str:
        return b"".join(self._bundle.lines(f"{self._folder}/{path}")).decode("utf-8", "surrogateescape")


# --- files ------------------------------------------------------------------------------------------------------


def _modified(now: t.Mapping[str, str]) -> dict[str, str]:
    """When each configuration file was modified, by its path on the host."""
    found = {}
    for path, text in now.items():
        if path.startswith("config/") and path.count("/") == 1:
            for instance in json.loads(text).get("instances") or ():
                found.update({one["path"]: one["modified"] for one in instance.get("documents") or ()})
    return found


def _file(path: str, then: _Folder, text: str | None, modified: t.Mapping[str, str]) -> list[Json]:
    """The secrets are out of both sides: a file of which only a secret changed is the same."""
    digest = None if text is None else hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    before = then.digest(path)
    if digest == before:
        return []
    stack, _files, below = path.split("/")[1], *path.partition("/files/")[1:]
    name = f"/{below}" if below else path.rpartition("/")[2]
    old, new = (_lines_of(name, side) for side in (then.text(path) if before else "", text or ""))
    changed = difflib.unified_diff(old, new, "then", "now", lineterm="", n=0)
    detail = list(changed)[2:]
    if len(detail) > _LINES:
        detail = [*detail[:_LINES], f"and {len(detail) - _LINES} more lines"]
    sides = [one and one[:12] for one in (before, digest)]
    return [note("file", name, *sides, stack=stack, at=modified.get(name) if text is not None else None, detail=detail)]


def _lines_of(name: str, text: str) -> list[str]:
    """The lines of a text; those of a registry file with their key, without which a value says nothing."""
    if not name.endswith(".reg"):
        return text.splitlines()
    key, lines = "", []
    for line in text.splitlines():
        if line.startswith("["):
            key = line
        elif line:
            lines.append(f"{key} {line}")
    return lines


# --- programs ---------------------------------------------------------------------------------------------------


def _instances(stack: str, then: Json, now: Json) -> list[Json]:
    sides = [{one["name"]: one for one in side.get("instances") or ()} for side in (then, now)]
    notes = []
    for name in sorted(set(sides[0]) | set(sides[1])):
        before, after = (side.get(name) for side in sides)
        if before is None or after is None:
            gone = [one and one["version"] for one in (before, after)]
            notes.append(note("package", f"{stack} {name}", *gone, stack=stack))
        else:
            notes += _instance(stack, before, after)
    return notes


def _instance(stack: str, before: Json, after: Json) -> list[Json]:
    notes = [
        note(kind, stack if fact == "version" else fact, before[fact], after[fact], stack=stack)
        for fact, kind in _VERSIONS.items()
        # A run of an older version of the collection did not know every fact.
        if before.get(fact) and after.get(fact) and before[fact] != after[fact]
    ]
    notes += _process(stack, before, after)
    places = [{one["place"] for one in listeners_of(side)} for side in (before, after)]
    notes += [note("listener", place, "served", None, stack=stack) for place in sorted(places[0] - places[1])]
    notes += [note("listener", place, None, "served", stack=stack) for place in sorted(places[1] - places[0])]
    chains = [_named(side) for side in (before, after)]
    for path in sorted(set(chains[0]) & set(chains[1])):
        notes += _replaced(path, [side[path] for side in chains], stack)
    return notes


def _named(instance: Json) -> dict[str, list[Json]]:
    """The chains in the certificate files an instance is configured with."""
    files = instance.get("certificates") or ()
    return {one["path"]: one["chain"] for one in files if one["use"] == "certificate" and one.get("chain")}


def _process(stack: str, before: Json, after: Json) -> list[Json]:
    was, is_ = before.get("process"), after.get("process")
    if before["running"] != after["running"]:
        said = ["running" if one["running"] else "stopped" for one in (before, after)]
        return [note("process", stack, *said, stack=stack, at=(is_ or {}).get("started"))]
    if not was or not is_:
        return []
    if (was["pid"], was["started"]) != (is_["pid"], is_["started"]):
        return [note("process", stack, "runs", "restarted", stack=stack, at=is_["started"])]
    if was["serves_since"] != is_["serves_since"]:
        return [note("process", stack, "runs", "reloaded", stack=stack, at=is_["serves_since"])]
    return []


# --- certificates -----------------------------------------------------------------------------------------------


def _served(then: Json, now: Json) -> list[Json]:
    """The leaf certificates of an endpoint, by the kind of key."""
    chains = [
        {one["chain"][0]["key"]["type"]: one["chain"] for one in side.get("certificates") or () if one.get("chain")}
        for side in (then, now)
    ]
    kinds = sorted(set(chains[0]) & set(chains[1]))
    return [made for kind in kinds for made in _replaced(str(now["endpoint"]), [side[kind] for side in chains], None)]


def _replaced(what: str, chains: t.Sequence[t.Sequence[Json]], stack: str | None) -> list[Json]:
    leaves = [chain[0] for chain in chains]
    if leaves[0]["sha256"] == leaves[1]["sha256"]:
        return []
    said = [f"{leaf['sha256'][:12]}, valid until {leaf['not_after']}" for leaf in leaves]
    return [note("certificate", what, *said, stack=stack, at=leaves[1]["not_before"])]


# --- what belongs to which setting ------------------------------------------------------------------------------


def concerning(setting: Json, notes: t.Sequence[Json]) -> list[Json]:
    """The notes that may be why a setting changed, the nearest first."""
    files = {place["file"] for place in setting["where"]}

    def nearness(one: Json) -> int | None:
        kind = one["kind"]
        if kind == "certificate":
            return 0 if setting["check"].startswith("certificate.") else None
        if kind in ("baseline", "collection"):
            return 3
        if setting["stack"] is not None and one["stack"] != setting["stack"]:
            return None
        return {"file": 0 if one["what"] in files else 1, "listener": 1}.get(kind, 2)

    near = [(nearness(one), index) for index, one in enumerate(notes)]
    return [notes[index] for _distance, index in sorted((d, i) for d, i in near if d is not None)]
