# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replacing files of a live system: atomic, durable, and everything but the bytes stays.

Nothing here decides anything; ``journal.py`` and ``transaction.py`` do.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import typing as t

from ..errors import TransactionError
from .text import apply_edits

if t.TYPE_CHECKING:
    from .contract import Document, Edit

#: Attributes that sign the content (kernel documentation, IMA and EVM): wrong on any other bytes, so never copied.
_CONTENT_BOUND = ("security.evm", "security.ima")


class Change(t.NamedTuple):
    """One file to be changed: ``path`` as the daemon names it, ``target`` the file behind all symbolic links."""

    path: str
    target: str
    old: bytes
    new: bytes


class Metadata(t.NamedTuple):
    """What a file carries besides bytes. ``xattrs`` hold the SELinux label and POSIX ACLs too (xattr(7), acl(5))."""

    uid: int
    gid: int
    mode: int
    mtime_ns: int
    xattrs: dict[str, bytes]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def changes(documents: t.Iterable[Document], edits: t.Iterable[Edit]) -> list[Change]:
    """The files that the edits change, each real file once.

    Raises TransactionError when two paths of one real file would get different contents.
    """
    documents = list(documents)
    old = {document.path: document.data for document in documents}
    result: dict[str, Change] = {}
    for path, new in apply_edits(documents, edits).items():
        change = Change(path, os.path.realpath(path), old[path], new)
        twin = result.setdefault(change.target, change)
        if twin.new != new:
            raise TransactionError(
                "plan", f"{twin.path} and {path} are one file, and each would be changed differently"
            )
    return list(result.values())


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def metadata(path: str) -> Metadata:
    """Owner, mode, mtime and extended attributes of a regular file. Raises TransactionError for anything else."""
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        raise TransactionError("journal", f"{path} is not a regular file")
    try:
        xattrs = {name: os.getxattr(path, name) for name in os.listxattr(path) if name not in _CONTENT_BOUND}
    except OSError as exc:
        if exc.errno != errno.ENOTSUP:
            raise
        xattrs = {}
    return Metadata(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), status.st_mtime_ns, xattrs)


def create(path: str, data: bytes, like: Metadata | None = None, mtime: bool = False) -> None:
    """Write a file that must not exist yet, durable on return; private to its owner until ``like`` says otherwise."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        if like is not None:
            # In this order: chown clears mode bits, and an ACL replaces the group bits of the mode.
            os.fchown(descriptor, like.uid, like.gid)
            os.fchmod(descriptor, like.mode)
            for name, value in like.xattrs.items():
                os.setxattr(descriptor, name, value)
            if mtime:
                os.utime(descriptor, ns=(like.mtime_ns, like.mtime_ns))
        os.fsync(descriptor)


def save(path: str, data: bytes) -> None:
    """Write or replace a private file of our own, atomic and durable."""
    temporary = f"{path}.new"
    remove(temporary)
    create(temporary, data)
    rename(temporary, path)


def rename(source: str, target: str) -> None:
    """Atomic replacement, durable on return."""
    os.rename(source, target)
    sync_directory(os.path.dirname(target))
    if os.path.dirname(source) != os.path.dirname(target):
        sync_directory(os.path.dirname(source))


def remove(path: str) -> None:
    """Remove a file if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    sync_directory(os.path.dirname(path))


def sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def explain(error: OSError, path: str) -> str:
    """One sentence about why a file cannot be changed, and what would help."""
    hints = {
        errno.EPERM: f"is it immutable (lsattr {path}; chattr -i) or are privileges missing?",
        errno.EACCES: "the user that runs this needs write access to the file's directory; run it with become",
        errno.EROFS: "the file system is mounted read-only",
        errno.ENOSPC: "the file system is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EBUSY: "the file is a mount point of its own (as in a container) and cannot be replaced atomically",
    }
    hint = hints.get(error.errno or 0)
    return f"{path}: {error.strerror or error}" + (f": {hint}" if hint else "")
