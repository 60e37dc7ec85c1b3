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
    """One file to be changed: ``path`` as the daemon names it, ``target`` the file behind all symbolic links.

    ``old`` is None for a file that is created, ``new`` for one that is removed.
    """

    path: str
    target: str
    old: bytes | None
    new: bytes | None

    def summary(self) -> dict[str, str | None]:
        """Path, target and SHA-256 before and after, None where there is no file."""
        before, after = (None if data is None else sha256(data) for data in (self.old, self.new))
        return {"path": self.path, "target": self.target, "before": before, "after": after}


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

    Raises TransactionError when two paths of one real file would get different contents, when a file that is to be
    created is there already, and when one that is to be removed is a symbolic link.
    """
    documents = list(documents)
    old = {document.path: document.data for document in documents}
    result: dict[str, Change] = {}
    for path, new in apply_edits(documents, edits).items():
        change = Change(path, os.path.realpath(path), old.get(path), new)
        if change.old is None and os.path.lexists(path):
            raise TransactionError("plan", f"{path} is to be created, and is there already without being read")
        if new is None and os.path.islink(path):
            raise TransactionError("plan", f"{path} is to be removed, and is a symbolic link; remove both yourself")
        twin = result.setdefault(change.target, change)
        if twin.new != new:
            raise TransactionError(
                "plan", f"{twin.path} and {path} are one file, and each would be changed differently"
            )
    return list(result.values())


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def digest(path: str) -> str | None:
    """SHA-256 of a regular file, None where nothing has that name, empty for anything else."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return ""
        return sha256(read(path))
    except FileNotFoundError:
        return None


def new_metadata() -> Metadata:
    """What a created file gets: ours, and readable by all whatever the umask, as configuration without secrets is."""
    return Metadata(os.geteuid(), os.getegid(), 0o644, 0, {})


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


def missing_folders(path: str) -> list[str]:
    """Folders above a path that do not exist, outermost first."""
    found: list[str] = []
    folder = os.path.dirname(path)
    while not os.path.isdir(folder):
        found.insert(0, folder)
        folder = os.path.dirname(folder)
    return found


def make_folder(path: str) -> None:
    """Make a folder that all may enter, unless it is there; durable on return."""
    try:
        os.mkdir(path)
    except FileExistsError:
        return
    os.chmod(path, 0o755)  # noqa: S103  the umask is the caller's, and the reader may be another user
    sync_directory(os.path.dirname(path))


def remove_folder(path: str) -> None:
    """Remove a folder if it is there and nothing is in it."""
    try:
        os.rmdir(path)
    except OSError as exc:
        if exc.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
            raise
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
        errno.EACCES: "the user that runs this needs write access to the file's directory; run it with become. "
        "What denies it to root is a security module (ausearch -m AVC, journalctl -k)",
        errno.EROFS: "the file system is mounted read-only",
        errno.ENOSPC: "the file system is full, or has no inodes left (df, df -i)",
        errno.EDQUOT: "the disk quota is used up",
        errno.EIO: "the disk or its driver reports an error (dmesg)",
        errno.EBUSY: "the file is a mount point of its own (as in a container) and cannot be replaced atomically",
    }
    hint = hints.get(error.errno or 0)
    return f"{path}: {error.strerror or error}" + (f": {hint}" if hint else "")
