# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hosts and scanners told, in files on the controller until the run has made of it what it makes.

Ansible keeps the result of every task until the play ends, and each worker carries what the controller keeps. Of a
fleet's configurations and transcripts, only names and digests may stay there.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import tempfile
import typing as t

from ansible import constants as C

from .. import left_by_roles
from .errors import EvidenceError, InputError
from .run import Json, dump
from .text import plain, safe_name

#: Key of a result that was written down.
KEY = "collected"
#: Stands for a folder of this run of Ansible among paths.
RUN = "run"
#: What stays in memory: whatever tells a host's endpoints.
_INSTANCE = ("name", "version", "config", "changed", "failed", "msg")
_LISTENER = ("role", "address", "endpoints")
#: What Ansible adds to a result: the options, which are the same for all hosts, and what it keeps for itself.
_ANSIBLE = ("invocation", "_ansible")


def folder(given: str) -> str:
    """The folder that is meant by an option. That of the run is private, and Ansible removes it when it ends."""
    return os.path.join(C.DEFAULT_LOCAL_TMP, "in_transit") if given == RUN else given


# --- what a stack of a host told ----------------------------------------------------------------------------------


def put(path: str, host: str, result: Json) -> Json:
    """Write the result of one stack of a host into a new file of the folder; what is left of it for the play.

    A result without instances, such as an error, stays as it is. Raises EvidenceError.
    """
    # A host does not get to say what was collected of it.
    result = {key: value for key, value in result.items() if key != KEY}
    if result.get("failed") or "instances" not in result:
        return result
    text = dump(plain({key: value for key, value in result.items() if not key.startswith(_ANSIBLE)}))
    return {
        **{key: value for key, value in result.items() if key not in ("findings", "invocation")},
        "instances": [_endpoints(one) for one in result["instances"]],
        KEY: _written(path, f"host {host}", host, [text]),
    }


def _endpoints(instance: Json) -> Json:
    listeners = [{key: one[key] for key in _LISTENER if key in one} for one in instance.get("listeners") or ()]
    return {**{key: instance[key] for key in _INSTANCE if key in instance}, "listeners": listeners}


def whole(path: str, host: str, result: Json) -> Json:
    """The result again as the host gave it. Raises EvidenceError when its file is not what was written."""
    if KEY not in result:
        return result
    file = _place(path, result[KEY])
    try:
        with open(file, "rb") as stream:
            text = stream.read()
    except OSError as error:
        raise EvidenceError(f"host {host}: what was collected, {file}: {error.strerror}") from error
    if hashlib.sha256(text).hexdigest() != result[KEY]["sha256"]:
        raise EvidenceError(f"host {host}: what was collected, {file}: changed since it was written")
    return t.cast(Json, json.loads(text))


class Told(t.Mapping[str, t.Dict[str, Json]]):
    """What the modules of stacks told of each host of a play, by host and stack, read when its turn comes.

    ``kind`` is that of :func:`.left_by_roles.stacks`. Getting a host raises EvidenceError as :func:`whole` does.
    """

    def __init__(self, hostvars: t.Mapping[str, t.Any], hosts: t.Iterable[str], kind: str, path: str) -> None:
        self._hostvars, self._hosts, self._kind, self._path = hostvars, dict.fromkeys(hosts), kind, path

    def __getitem__(self, host: str) -> dict[str, Json]:
        left = left_by_roles.stacks(left_by_roles.of(self._hostvars, host), self._kind)
        return {stack: whole(self._path, host, result) for stack, result in left.items()}

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)


# --- what scanners told -------------------------------------------------------------------------------------------


def put_reports(path: str, scanner: str, reports: t.Iterable[Json]) -> Json:
    """Write wire reports into a new file of the folder, one in each line, as they come; what its result says of it.

    Raises EvidenceError.
    """
    return _written(path, f"scanner {scanner}", scanner, map(dump, reports))


class Scans:
    """The wire reports of a run, from the ``results`` of its scans: those that hold them, and those in files.

    Iterating gives them one after the other, and must be done once before :meth:`of`. Raises EvidenceError for a file
    that is not what was written.
    """

    def __init__(self, path: str, results: t.Iterable[Json]) -> None:
        self._path, self._results = path, list(results)
        self._again: dict[str, dict[t.Any, t.Callable[[], Json]]] = {}

    def __iter__(self) -> t.Iterator[Json]:
        for result in self._results:
            for report, again in self._lines(result[KEY]) if KEY in result else _held(result):
                # An endpoint has a report for each of its addresses and each place it was seen from.
                seen = self._again.setdefault(str(plain(report["endpoint"])), {})
                seen[report.get("address"), report.get("vantage")] = again
                yield report

    def of(self, endpoint: str) -> list[Json]:
        """The reports of an endpoint, read again."""
        return [again() for again in self._again[endpoint].values()]

    def match(self, endpoints: t.AbstractSet[str]) -> None:
        """Raises InputError unless there are reports of exactly these endpoints."""
        strays = sorted(set(self._again) - endpoints)
        if strays:
            raise InputError(f"endpoint {strays[0]} was scanned, but no host names it as one of its own")
        missing = sorted(endpoints - set(self._again))
        if missing:
            raise InputError(f"endpoint {missing[0]} was to be scanned, but there is no report of it")

    def _lines(self, told: Json) -> t.Iterator[tuple[Json, t.Callable[[], Json]]]:
        file, offset, digest = _place(self._path, told), 0, hashlib.sha256()
        try:
            with open(file, "rb") as stream:
                for line in stream:
                    digest.update(line)
                    again = functools.partial(_line, file, offset, len(line), hashlib.sha256(line).digest())
                    offset += len(line)
                    yield json.loads(line), again
        except (OSError, ValueError) as error:
            raise EvidenceError(f"what was scanned, {file}: {error}") from error
        if digest.hexdigest() != told["sha256"]:
            raise EvidenceError(f"what was scanned, {file}: changed since it was written")


def _held(result: Json) -> t.Iterator[tuple[Json, t.Callable[[], Json]]]:
    for report in result.get("reports") or ():
        yield report, functools.partial(dict, report)


def _line(file: str, offset: int, length: int, digest: bytes) -> Json:
    try:
        with open(file, "rb") as stream:
            stream.seek(offset)
            line = stream.read(length)
    except OSError as error:
        raise EvidenceError(f"what was scanned, {file}: {error.strerror}") from error
    if hashlib.sha256(line).digest() != digest:
        raise EvidenceError(f"what was scanned, {file}: changed since it was written")
    return t.cast(Json, json.loads(line))


# --- files --------------------------------------------------------------------------------------------------------


def _written(path: str, about: str, name: str, texts: t.Iterable[str]) -> Json:
    """Put texts into a new file of the folder, of its owner alone, whatever lies there; its name and its digest."""
    digest = hashlib.sha256()
    try:
        os.makedirs(path, 0o700, exist_ok=True)
        handle, file = tempfile.mkstemp(prefix=f"{safe_name(name)}-", suffix=".json", dir=path)
        with os.fdopen(handle, "wb") as stream:
            for text in texts:
                data = text.encode("ascii")
                digest.update(data)
                stream.write(data)
    except OSError as error:
        raise EvidenceError(f"{about}: what was collected cannot be written to {path}: {error.strerror}") from error
    return {"file": os.path.basename(file), "sha256": digest.hexdigest()}


def _place(path: str, told: Json) -> str:
    """Its name in the play's variables never leads out of the folder."""
    return os.path.join(path, os.path.basename(str(told["file"])))
