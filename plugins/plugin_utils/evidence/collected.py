# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hosts were read for, in files on the controller until it is sealed.

Ansible keeps the result of every task until the play ends. Of a fleet's configurations and transcripts, only names and
digests may stay there. The folder says by its name that nothing in it is sealed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import typing as t

from .errors import EvidenceError
from .ledger import UNSEALED
from .run import Json, dump
from .text import plain, safe_name

#: Key of a result that was written down.
KEY = "collected"
#: What stays in memory: whatever tells a host's endpoints.
_INSTANCE = ("name", "version", "config", "changed", "failed", "msg", "listeners")


def folder(directory: str, run_id: str) -> str:
    """Where a run keeps what it collects."""
    return os.path.join(directory, f"{safe_name(run_id)}.collected{UNSEALED}")


def put(path: str, host: str, result: Json) -> Json:
    """Write the result of one stack of a host into a new file of the folder; what is left of it for the play.

    A result without instances, such as an error, stays as it is. Raises EvidenceError.
    """
    # A host does not get to say what was collected of it.
    result = {key: value for key, value in result.items() if key != KEY}
    if result.get("failed") or "instances" not in result:
        return result
    text = dump(plain({key: value for key, value in result.items() if not key.startswith("_ansible")})).encode("ascii")
    try:
        os.makedirs(path, 0o700, exist_ok=True)
        # A new file of its owner alone, whatever lies there.
        handle, name = tempfile.mkstemp(prefix=f"{safe_name(host)}-", suffix=".json", dir=path)
        with os.fdopen(handle, "wb") as file:
            file.write(text)
    except OSError as error:
        raise EvidenceError(f"host {host}: what was collected cannot be written to {path}: {error.strerror}") from error
    return {
        **{key: value for key, value in result.items() if key != "findings"},
        "instances": [{key: one[key] for key in _INSTANCE if key in one} for one in result["instances"]],
        KEY: {"file": os.path.basename(name), "sha256": hashlib.sha256(text).hexdigest()},
    }


def whole(path: str, host: str, result: Json) -> Json:
    """The result again as the host gave it. Raises EvidenceError when its file is not what was written."""
    if KEY not in result:
        return result
    file = os.path.join(path, os.path.basename(str(result[KEY]["file"])))
    try:
        with open(file, "rb") as stream:
            text = stream.read()
    except OSError as error:
        raise EvidenceError(f"host {host}: what was collected, {file}: {error.strerror}") from error
    if hashlib.sha256(text).hexdigest() != result[KEY]["sha256"]:
        raise EvidenceError(f"host {host}: what was collected, {file}: changed since it was written")
    return t.cast(Json, json.loads(text))


def remove(path: str) -> list[str]:
    """Take the folder away once its content is sealed; what went wrong, in words."""
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        return [f"{path}: its content is sealed, but it cannot be removed: {error.strerror}"]
    return []
