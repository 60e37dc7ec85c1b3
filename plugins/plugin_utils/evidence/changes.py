# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records of what the collection changed: made from the modules' own results, kept until the next bundle has them.

A record says who changed what, when and for which ticket; files with digests before and after and the diff (secrets
redacted on the host); how it was validated; handshakes before and after; and whether it was undone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import typing as t

from .. import files
from . import ledger
from .errors import EvidenceError, InputError
from .run import SCHEMA_VERSION, Json, dump
from .text import plain

#: Where records are in a bundle, below data/.
FOLDER = "changes"
#: What only some stacks tell of a change. Windows has no files: values of the registry before and after, and the file
#: on the host that brings them back.
_MORE = ("values", "rollback", "restart_required", "reboot_required")
#: Of a change whose own play never heard of it: the host knows what was done, and not who asked for it.
_SOMEBODY = {"operator": None, "control_node": None, "ticket": None}
#: What tells that a run itself has done something.
_DONE = ("transaction", "recovery", "reloaded")
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}\.json\Z")


def collect(told_by: t.Mapping[str, t.Mapping[str, Json]], about: Json, run: str) -> list[Json]:
    """One record for each instance that was changed, or whose change failed, from what modules told of hosts, by host
    and stack, as :class:`.collected.Told` reads them.

    ``about`` are the facts all records share: ``recorded`` (time), ``operator``, ``control_node``, ``ticket``. ``run``
    tells this run from others: in a play with ``serial`` the same result is seen more than once. A host also tells of
    changes by earlier runs whose connection was lost; these have records of their own, of nobody known.
    """
    found = []
    for host, stacks in told_by.items():
        for stack, result in stacks.items():
            for instance in result.get("instances") or ():
                told = str(result.get("msg") or "")
                for earlier in instance.get("untold") or ():
                    one = {**{key: instance.get(key) for key in ("config", "version")}, **earlier}
                    found.append(_record(str(host), stack, plain(one), told, {**about, **_SOMEBODY}, run))
                # Where nothing else was done, that is what makes the instance a changed one.
                own = not instance.get("untold") or any(instance.get(key) for key in _DONE)
                if instance.get("failed") or (instance.get("changed") and own):
                    found.append(_record(str(host), stack, plain(instance), told, about, run))
    return found


def _record(host: str, stack: str, instance: Json, told: str, about: Json, run: str) -> Json:
    transaction = instance.get("transaction")
    identity = [host, stack, instance.get("config"), transaction or [run, told]]
    digest = hashlib.sha256(dump(identity).encode()).hexdigest()[:12]
    undone = instance.get("undone")
    outcome = "changed" if not instance.get("failed") else "undone" if undone else "failed"
    return {
        "schema_version": SCHEMA_VERSION,
        "change_id": f"{re.sub('[-:]', '', about['recorded'])}-{digest}",
        **about,
        "host": host,
        "stack": stack,
        **{key: instance.get(key) for key in ("config", "version", "transaction", "step", "undone", "reloaded")},
        "outcome": outcome,
        "message": instance.get("msg") or told,
        "files": instance.get("files") or [],
        "edits": instance.get("edits") or [],
        **{key: instance[key] for key in _MORE if key in instance},
        "validation": {"shadow_test": instance.get("shadow_test"), "output": instance.get("output") or ""},
        "handshakes": instance.get("proofs") or [],
        "recovery": instance.get("recovery"),
    }


def keep(directory: str, records: t.Iterable[Json]) -> list[str]:
    """Write each record that is not there yet; the new ids. Raises InTransitError."""
    known = {name.partition("-")[2] for name in _names(directory)}
    new = {f"{one['change_id']}.json": one for one in records}
    new = {name: one for name, one in new.items() if name.partition("-")[2] not in known}
    if new:
        _make(directory)
        files.write_all(directory, {name: dump(one, indent=1) for name, one in new.items()})
    return [one["change_id"] for one in new.values()]


def unbundled(directory: str, evidence: str) -> list[Json]:
    """Records that are in none of the sealed bundles of ``evidence``, oldest first.

    Raises InputError for a file that is no record, EvidenceError when one cannot be read.
    """
    waiting = set(_names(directory))
    for bundle in ledger.sealed(evidence) if waiting and os.path.isdir(evidence) else ():
        waiting -= set(_names(os.path.join(evidence, bundle, "data", FOLDER)))
    return [_read(os.path.join(directory, name)) for name in sorted(waiting)]


def _make(directory: str) -> None:
    """The folder for records, for its owner only like the evidence it lies in."""
    try:
        for folder in (os.path.dirname(directory), directory):
            os.makedirs(folder, 0o700, exist_ok=True)
    except OSError as error:
        raise EvidenceError(f"change records {directory}: {error.strerror}") from error


def _names(directory: str) -> list[str]:
    try:
        return [name for name in os.listdir(directory) if _NAME.match(name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise EvidenceError(f"change records {directory}: {error.strerror}") from error


def _read(path: str) -> Json:
    try:
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
    except OSError as error:
        raise EvidenceError(f"change record {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"change record {path}: not JSON: {error}") from error
    wanted = ("change_id", "recorded", "operator", "ticket", "host", "stack", "outcome", "message", "files")
    missing = [key for key in wanted if not isinstance(record, dict) or key not in record]
    if missing or f"{record['change_id']}.json" != os.path.basename(path):
        raise InputError(
            f"change record {path}: {missing[0] + ' is missing' if missing else 'its change_id is another'}"
        )
    return t.cast(Json, record)
