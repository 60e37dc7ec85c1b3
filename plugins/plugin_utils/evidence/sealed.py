# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading a sealed bundle: nothing comes out of it that is not, byte for byte, what was sealed.

The seal stands in the ledger, it is the digest of the tag manifest, that one has the digest of the payload manifest,
and that one has those of the files (RFC 8493).
"""

from __future__ import annotations

import hashlib
import json
import os
import typing as t

from . import ledger
from .errors import EvidenceError
from .run import Json

_MANIFEST = "manifest-sha256.txt"
_CHUNK = 1 << 20


class Bundle:
    """One bundle of a ledger. ``name`` is the id of its run.

    Opening it and every method raises EvidenceError, in words for people, where something is missing or not what was
    sealed.
    """

    def __init__(self, directory: str, name: str, seal: str) -> None:
        self.name, self.seal = name, seal
        self._path = os.path.join(directory, name)
        tags = _digests(self._verified(ledger.TAGMANIFEST, seal))
        self._files = _digests(self._verified(_MANIFEST, tags.get(_MANIFEST, "")))

    def digest(self, path: str) -> str | None:
        """SHA-256 of a file below data/, None where the bundle has none."""
        return self._files.get(f"data/{path}")

    def paths(self, below: str) -> list[str]:
        """Files below that folder of data/, sorted."""
        start = f"data/{below.rstrip('/')}/"
        return sorted(path[len("data/") :] for path in self._files if path.startswith(start))

    def json(self, path: str) -> t.Any:
        """The content of a JSON file below data/."""
        content = self._verified(f"data/{path}", self.digest(path) or "")
        try:
            return json.loads(content)
        except ValueError as error:
            raise EvidenceError(f"bundle {self.name}: {path} is not JSON: {error}") from error

    def lines(self, path: str) -> t.Iterator[bytes]:
        """The lines of a file below data/, which may be larger than memory: it is hashed first, then read."""
        name = f"data/{path}"
        try:
            with open(os.path.join(self._path, name), "rb") as file:
                found = hashlib.sha256()
                while chunk := file.read(_CHUNK):
                    found.update(chunk)
                if found.hexdigest() != self.digest(path):
                    raise self._changed(name)
                file.seek(0)
                yield from file
        except OSError as error:
            raise self._unreadable(name, error) from error

    @property
    def run(self) -> Json:
        """``run.json``."""
        return t.cast(Json, self.json("run.json"))

    def _verified(self, name: str, digest: str) -> bytes:
        try:
            with open(os.path.join(self._path, name), "rb") as file:
                content = file.read()
        except OSError as error:
            raise self._unreadable(name, error) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise self._changed(name)
        return content

    def _changed(self, name: str) -> EvidenceError:
        return EvidenceError(f"bundle {self.name}: {name} is not what was sealed")

    def _unreadable(self, name: str, error: OSError) -> EvidenceError:
        if not os.path.isdir(self._path):
            return EvidenceError(f"bundle {self.name}: it is in the ledger, and not in the directory")
        return EvidenceError(f"bundle {self.name}: {name}: {error.strerror}")


def _digests(manifest: bytes) -> dict[str, str]:
    return {line[66:]: line[:64] for line in manifest.decode("utf-8", "replace").splitlines()}
