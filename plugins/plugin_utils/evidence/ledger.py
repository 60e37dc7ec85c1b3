# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ledger that chains the sealed bundles of one directory.

``ledger-sha256.txt`` has one line per bundle, oldest first, in the format of sha256sum over the bundle's
``tagmanifest-sha256.txt``. Each bundle names its predecessor and the predecessor's digest, so none can be replaced
later without breaking its successor. Publish the last line where the control node cannot reach it: a ledger cannot
notice that its own end was cut off.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import time
import typing as t

from .errors import EvidenceError

UNSEALED = ".unsealed"
LEDGER = "ledger-sha256.txt"
TAGMANIFEST = "tagmanifest-sha256.txt"

_LOCK_SECONDS = 60


@contextlib.contextmanager
def locked(directory: str) -> t.Iterator[None]:
    """Two runs at once would both follow the same predecessor. The lock ends with the process that holds it."""
    with os.fdopen(os.open(os.path.join(directory, ".lock"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EvidenceError(f"evidence directory {directory}: another run is sealing its bundle") from None
                time.sleep(0.2)
        yield


def head(directory: str, ours: str) -> tuple[str, str, list[str]]:
    """Name and digest of the last sealed bundle (``none`` for the first), and warnings about the chain. Folders of the
    bundle ``ours`` are not among them.

    A run that was killed between renaming its bundle and writing the ledger is made good here: its bundle follows
    the ledger's last line, so the line can be written now.
    """
    warnings, known = [], entries(directory)
    listed = {name for name, _digest in known}
    loose = {name: previous(directory, name) for name in sealed(directory) if name not in listed}
    while True:
        last, digest = known[-1] if known else ("none", "none")
        following = sorted(name for name, before in loose.items() if before == (last, digest))
        if not following:
            break
        known.append((following[0], tag_digest(directory, following[0])))
        append(directory, *known[-1])
        del loose[following[0]]
    for name in sorted(loose):
        warnings.append(f"bundle {name} is not in the ledger and follows none of its bundles")
    if known:
        found = tag_digest(directory, last)
        if not found:
            warnings.append(f"the previous bundle {last} is missing; the chain goes on from its line in the ledger")
        elif found != digest:
            warnings.append(f"the previous bundle {last} was changed after it was sealed")
    left = [name for name in unsealed(directory) if not name.startswith(f"{ours}.")]
    warnings += [f"{name} is not sealed: its run did not finish, or still goes on" for name in left]
    return last, digest, warnings


def entries(directory: str) -> list[tuple[str, str]]:
    """(name, digest) of each bundle, oldest first. Raises EvidenceError naming the line that is none.

    A last line without its end was being written when the power went; it counts as not written.
    """
    try:
        with open(os.path.join(directory, LEDGER), encoding="ascii", errors="replace") as file:
            lines = file.read().split("\n")[:-1]
    except FileNotFoundError:
        return []
    found = []
    for number, line in enumerate(lines, 1):
        match = re.fullmatch(rf"([0-9a-f]{{64}})  ([A-Za-z0-9_-]+)/{re.escape(TAGMANIFEST)}", line)
        if not match:
            raise EvidenceError(f"{os.path.join(directory, LEDGER)}:{number}: not a line of a ledger: {line[:100]!r}")
        found.append((match.group(2), match.group(1)))
    return found


def append(directory: str, name: str, digest: str) -> None:
    """Add one line to the ledger. A line that a full disk or a power loss cut short is taken back."""
    path = os.path.join(directory, LEDGER)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0) as file:
        before = file.readall().rfind(b"\n") + 1
        file.truncate(before)
        file.seek(before)
        try:
            file.write(f"{digest}  {name}/{TAGMANIFEST}\n".encode("ascii"))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(before)
            raise


def sealed(directory: str) -> list[str]:
    """Names of the folders that hold a sealed bundle, in the ledger or not."""
    names = (entry.name for entry in os.scandir(directory) if entry.is_dir() and not entry.name.endswith(UNSEALED))
    return [name for name in names if os.path.isfile(os.path.join(directory, name, TAGMANIFEST))]


def unsealed(directory: str) -> list[str]:
    """Names of the folders whose run did not finish, or still goes on."""
    return sorted(name for name in os.listdir(directory) if name.endswith(UNSEALED))


def previous(directory: str, name: str) -> tuple[str, str]:
    """Predecessor and its digest, as the bundle itself states them."""
    try:
        with open(os.path.join(directory, name, "bag-info.txt"), encoding="utf-8", errors="replace") as file:
            info = dict(line.rstrip("\n").partition(": ")[::2] for line in file)
    except OSError:
        return "", ""
    return info.get("X-EIT-Previous-Bag", ""), info.get("X-EIT-Previous-Tagmanifest-SHA256", "")


def tag_digest(directory: str, name: str) -> str:
    """The seal of a bundle as it is on disk; empty when there is none."""
    try:
        with open(os.path.join(directory, name, TAGMANIFEST), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""
