# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A sealed folder in BagIt 1.0 layout (RFC 8493).

A bundle is built in ``<name>.unsealed`` and renamed only when everything in it is on disk, hashed and, where wanted,
signed. Whatever goes wrong before, including power loss, leaves a folder that says by its name that it is not sealed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import typing as t

from ..printable import printable
from . import ledger
from .errors import EvidenceError
from .ledger import TAGMANIFEST, UNSEALED
from .private_keys import first_secret

if t.TYPE_CHECKING:
    from .signature import Signer
    from .timestamp import TimeAuthority

_DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_COMPONENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*\Z")
_CHUNK = 1 << 20


class Seal(t.NamedTuple):
    """A sealed bundle: its folder, the SHA-256 of its tag manifest, whether a third party vouches for the time, and
    what was odd about the chain or the time, for people."""

    path: str
    digest: str
    previous: str
    stamped: bool
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

    def seal(
        self,
        info: t.Iterable[tuple[str, str]],
        signer: Signer | None = None,
        authority: TimeAuthority | None = None,
    ) -> Seal:
        """Hash everything as it is on disk, chain, sign and time-stamp it, and give the folder its final name.

        ``info`` are the pairs of ``bag-info.txt`` known to the caller. Raises EvidenceError; the folder then stays
        unsealed.
        """
        final = os.path.join(self.directory, self.name)
        with self._failures("cannot be sealed"):
            payload = self._hashes("data")
            octets = sum(size for _path, _digest, size in payload)
            with ledger.locked(self.directory):
                previous, digest, warnings = ledger.head(self.directory, self.name)
                about = [*info, ("Payload-Oxum", f"{octets}.{len(payload)}")]
                about += [("X-EIT-Previous-Bag", previous), ("X-EIT-Previous-Tagmanifest-SHA256", digest)]
                self.add_tag("bagit.txt", _DECLARATION.encode("ascii"))
                self.add_tag("bag-info.txt", "".join(_info_line(*pair) for pair in about).encode())
                self.add_tag("manifest-sha256.txt", _manifest(payload))
                tags = _manifest(self._hashes("", skip=("data",)))
                self.add_tag(TAGMANIFEST, tags)
                name, outermost = TAGMANIFEST, tags
                if signer:
                    name, outermost = f"{TAGMANIFEST}.sig", signer.sign(tags)
                    self.add_tag(name, outermost)
                stamped = authority is not None and self._stamp(authority, name, outermost, warnings)
                # Everything must be on disk before the name says so; one call instead of one fsync for each file.
                os.sync()
                if os.path.lexists(final):
                    raise EvidenceError(f"{final} exists already", self.path)
                os.rename(self.path, final)
                _sync_folder(self.directory)
                seal = hashlib.sha256(tags).hexdigest()
                try:
                    ledger.append(self.directory, self.name, seal)
                except OSError as error:
                    warnings.append(f"the ledger cannot be written: {error.strerror}; the next run adds this bundle")
        return Seal(final, seal, previous, stamped, tuple(warnings))

    def _stamp(self, authority: TimeAuthority, name: str, content: bytes, warnings: list[str]) -> bool:
        try:
            token = authority.stamp(content)
        except EvidenceError as error:
            if authority.required:
                raise
            warnings.append(f"{error}; the bundle is sealed without a time stamp")
            return False
        self.add_tag(f"{name}.tsr", token)
        return True

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
