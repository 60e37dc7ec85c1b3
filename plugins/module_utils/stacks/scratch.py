# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Private temporary folders that do not outlive their makers, however those end.

A folder is locked by flock(2) while it is in use. The lock goes with its process, so a folder without one was left
behind by a killed run, and whoever comes next takes it away.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import typing as t

#: What the name of each begins with. Long enough to be nobody else's.
PREFIX = "encryption.in_transit-"


@contextlib.contextmanager
def folder(mark: str = "") -> t.Iterator[str]:
    """The path of an empty folder, private to this user; its name begins with ``PREFIX`` and ``mark``.

    Raises OSError.
    """
    import shutil
    import tempfile

    sweep()
    descriptor = None
    while descriptor is None:
        path = tempfile.mkdtemp(prefix=PREFIX + mark)
        descriptor = _held(path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def _held(path: str) -> int | None:
    """The folder, locked; None when somebody swept it before it was."""
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.path.isdir(path):
            return descriptor
        os.close(descriptor)
    return None


def sweep() -> None:
    """Remove the folders of runs that were killed. Only this user's own, and private ones, are looked at."""
    import shutil
    import tempfile

    top = tempfile.gettempdir()
    with contextlib.suppress(OSError):
        for name in os.listdir(top):
            if name.startswith(PREFIX):
                path = os.path.join(top, name)
                with contextlib.suppress(OSError):
                    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
                    try:
                        status = os.fstat(descriptor)
                        if status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o077:
                            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                            shutil.rmtree(path, ignore_errors=True)
                    finally:
                        os.close(descriptor)
