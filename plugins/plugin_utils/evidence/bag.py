# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A sealed folder in BagIt 1.0 layout (RFC 8493), and the ledger that chains the sealed folders of one directory.

A bundle is built in ``<name>.unsealed`` and renamed only when everything in it is on disk, hashed and, where wanted,
signed. Whatever goes wrong before, including power loss, leaves a folder that says by its name that it is not sealed.

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

from ..printable import printable
from .errors import EvidenceError
from .private_keys import first_secret

if t.TYPE_CHECKING:
    from .signature import Signer

UNSEALED = ".unsealed"
LEDGER = "ledger-sha256.txt"
TAGMANIFEST = "tagmanifest-sha256.txt"

_DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_COMPONENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*\Z")
_CHUNK = 1 << 20
_LOCK_SECONDS = 60


class Seal(t.NamedTuple):
    """A sealed bundle: its folder, the SHA-256 of its tag manifest, and what was odd about the chain, for people."""

    path: str
    digest: str
    previous: str
    warnings: tuple[str, ...]


def prepare(directory: str, touch: bool = True) -> None:
    """Make the directory for bundles, and prove that bundles can be made in it. Raises EvidenceError.

    Without ``touch`` nothing is made, and only what can be known by looking is an error.
    """
    if not touch:
        nearest = directory
        while not os.path.lexists(nearest):
            nearest = os.path.dirname(nearest)
        if not os.path.isdir(nearest):
            raise EvidenceError(f"evidence directory {directory}: {nearest} is not a directory")
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise EvidenceError(f"evidence directory {directory}: {nearest} cannot be written")
        return
    probe = os.path.join(directory, f".probe-{os.getpid()}")
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        os.mkdir(probe, 0o700)
        os.rmdir(probe)
    except OSError as error:
        raise EvidenceError(f"evidence directory {directory}: cannot be written: {error.strerror}") from error


class Bag:
    """One bundle while it is built. Only its owner can read it."""

    def __init__(self, directory: str, name: str) -> None:
        self.directory, self.name = directory, name
        self.path = os.path.join(directory, name + UNSEALED)
        with self._failures("cannot be made"):
            os.mkdir(self.path, 0o700)

    def add(self, path: str, content: bytes | t.Iterable[bytes]) -> None:
        """Write one payload file. ``path`` is below ``data/`` and made of safe names; no file is written twice."""
        self._write(f"data/{path}", content)

    def add_tag(self, path: str, content: bytes) -> None:
        """Write one file beside the payload, which the tag manifest covers."""
        self._write(path, content)

    def seal(self, info: t.Iterable[tuple[str, str]], signer: Signer | None = None) -> Seal:
        """Hash everything as it is on disk, chain and sign it, and give the folder its final name.

        ``info`` are the pairs of ``bag-info.txt`` known to the caller. Raises EvidenceError; the folder then stays
        unsealed.
        """
        final = os.path.join(self.directory, self.name)
        with self._failures("cannot be sealed"):
            payload = self._hashes("data")
            octets = sum(size for _path, _digest, size in payload)
            with _locked(self.directory):
                previous, digest, warnings = _head(self.directory, self.name + UNSEALED)
                about = [*info, ("Payload-Oxum", f"{octets}.{len(payload)}")]
                about += [("X-EIT-Previous-Bag", previous), ("X-EIT-Previous-Tagmanifest-SHA256", digest)]
                self.add_tag("bagit.txt", _DECLARATION.encode("ascii"))
                self.add_tag("bag-info.txt", "".join(_info_line(*pair) for pair in about).encode())
                self.add_tag("manifest-sha256.txt", _manifest(payload))
                tags = _manifest(self._hashes("", skip=("data",)))
                self.add_tag(TAGMANIFEST, tags)
                if signer:
                    self.add_tag(f"{TAGMANIFEST}.sig", signer.sign(tags))
                # Everything must be on disk before the name says so; one call instead of one fsync for each file.
                os.sync()
                if os.path.lexists(final):
                    raise EvidenceError(f"{final} exists already", self.path)
                os.rename(self.path, final)
                _sync_folder(self.directory)
                seal = hashlib.sha256(tags).hexdigest()
                try:
                    _append(self.directory, self.name, seal)
                except OSError as error:
                    warnings.append(f"the ledger cannot be written: {error.strerror}; the next run adds this bundle")
        return Seal(final, seal, previous, tuple(warnings))

    # --- files ------------------------------------------------------------------------------------------------

    def _write(self, path: str, content: bytes | t.Iterable[bytes]) -> None:
        if not all(_COMPONENT.match(part) for part in path.split("/")):
            raise EvidenceError(f"{path!r} is not a safe file name", self.path)
        target = os.path.join(self.path, path)
        with self._failures(f"{path} cannot be written"):
            _make_folders(os.path.dirname(target))
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                for chunk in (content,) if isinstance(content, bytes) else content:
                    file.write(chunk)

    def _hashes(self, below: str, skip: t.Container[str] = ()) -> list[tuple[str, str, int]]:
        """(path, SHA-256, size) of every file, sorted by path. Raises EvidenceError at the first private key."""
        found = []
        for folder, folders, files in os.walk(os.path.join(self.path, below)):
            folders[:] = [name for name in folders if name not in skip]
            for name in files:
                path = os.path.relpath(os.path.join(folder, name), self.path)
                found.append((path, *self._hash(path)))
        return sorted(found)

    def _hash(self, path: str) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0

        def chunks(file: t.BinaryIO) -> t.Iterator[bytes]:
            nonlocal size
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                yield chunk

        with open(os.path.join(self.path, path), "rb") as file:
            secret = first_secret(chunks(file))
        if secret is not None:
            raise EvidenceError(f"{path}: a private key at byte {secret}; nothing was sealed", self.path)
        return digest.hexdigest(), size

    @contextlib.contextmanager
    def _failures(self, what: str) -> t.Iterator[None]:
        try:
            yield
        except EvidenceError as error:
            if error.unsealed:
                raise
            raise EvidenceError(str(error), self.path) from error
        except OSError as error:
            left = self.path if os.path.isdir(self.path) else ""
            raise EvidenceError(f"bundle {self.name}: {what}: {error.strerror}", left) from error


def _make_folders(path: str) -> None:
    # Not os.makedirs: it gives its mode to the last folder only.
    if not os.path.isdir(path):
        _make_folders(os.path.dirname(path))
        os.mkdir(path, 0o700)


def _manifest(hashes: t.Iterable[tuple[str, str, int]]) -> bytes:
    return "".join(f"{digest}  {path}\n" for path, digest, _size in hashes).encode("ascii")


def _info_line(label: str, value: str) -> str:
    return f"{label}: {' '.join(printable(value).split())}\n"


def _sync_folder(path: str) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# --- the ledger -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _locked(directory: str) -> t.Iterator[None]:
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


def _head(directory: str, ours: str) -> tuple[str, str, list[str]]:
    """Name and digest of the last sealed bundle (``none`` for the first), and warnings about the chain.

    A run that was killed between renaming its bundle and writing the ledger is made good here: its bundle follows
    the ledger's last line, so the line can be written now.
    """
    warnings = []
    entries = _entries(directory)
    known = {name for name, _digest in entries}
    loose = {name: _previous(directory, name) for name in _sealed(directory) if name not in known}
    while True:
        head, digest = entries[-1] if entries else ("none", "none")
        following = sorted(name for name, previous in loose.items() if previous == (head, digest))
        if not following:
            break
        entries.append((following[0], _tag_digest(directory, following[0])))
        _append(directory, *entries[-1])
        del loose[following[0]]
    for name in sorted(loose):
        warnings.append(f"bundle {name} is not in the ledger and follows none of its bundles")
    if entries:
        found = _tag_digest(directory, head)
        if not found:
            warnings.append(f"the previous bundle {head} is missing; the chain goes on from its line in the ledger")
        elif found != digest:
            warnings.append(f"the previous bundle {head} was changed after it was sealed")
    left = sorted(name for name in os.listdir(directory) if name.endswith(UNSEALED) and name != ours)
    return head, digest, warnings + [f"{name} is not sealed: its run did not finish, or still goes on" for name in left]


def _entries(directory: str) -> list[tuple[str, str]]:
    try:
        with open(os.path.join(directory, LEDGER), encoding="ascii", errors="replace") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for number, line in enumerate(lines, 1):
        match = re.fullmatch(rf"([0-9a-f]{{64}})  ([A-Za-z0-9_-]+)/{re.escape(TAGMANIFEST)}", line)
        if not match:
            raise EvidenceError(f"{os.path.join(directory, LEDGER)}:{number}: not a line of a ledger: {line[:100]!r}")
        found.append((match.group(2), match.group(1)))
    return found


def _append(directory: str, name: str, digest: str) -> None:
    """Add one line to the ledger. A line that a full disk cut short is taken back."""
    path = os.path.join(directory, LEDGER)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        try:
            file.write(f"{digest}  {name}/{TAGMANIFEST}\n".encode("ascii"))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(before)
            raise


def _sealed(directory: str) -> list[str]:
    names = (entry.name for entry in os.scandir(directory) if entry.is_dir() and not entry.name.endswith(UNSEALED))
    return [name for name in names if os.path.isfile(os.path.join(directory, name, TAGMANIFEST))]


def _previous(directory: str, name: str) -> tuple[str, str]:
    """Predecessor and its digest, as the bundle itself states them."""
    try:
        with open(os.path.join(directory, name, "bag-info.txt"), encoding="utf-8", errors="replace") as file:
            info = dict(line.rstrip("\n").partition(": ")[::2] for line in file)
    except OSError:
        return "", ""
    return info.get("X-EIT-Previous-Bag", ""), info.get("X-EIT-Previous-Tagmanifest-SHA256", "")


def _tag_digest(directory: str, name: str) -> str:
    try:
        with open(os.path.join(directory, name, TAGMANIFEST), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""
