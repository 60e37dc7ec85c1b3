# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The daemon's own test on the whole planned tree, before any live file is touched.

A child process enters a mount namespace of its own (mount_namespaces(7)), lays the planned files over the live ones
by bind mounts, and runs the test there: absolute paths, includes and keys are exactly those of the real start, and no
other process sees any of it. The planned files stand on a tmpfs of that namespace, so nothing reaches a disk. Where
files are created or removed, a folder on that tmpfs stands in for theirs.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import typing as t

from . import files, scratch
from .contract import TestResult

if t.TYPE_CHECKING:
    from .contract import Instance, Stack
    from .host import Host

# linux/sched.h and linux/mount.h
_CLONE_NEWNS = 0x00020000
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18


class Refused(Exception):
    """The system lets us make no mount namespace (no CAP_SYS_ADMIN, or a container's profile), process or folder."""


def test(stack: Stack, host: Host, instance: Instance, changes: t.Sequence[files.Change]) -> TestResult:
    """What the daemon says of its configuration with the changes in it. Raises Refused."""
    try:
        with scratch.folder() as folder:
            answer = _ask(folder, stack, host, instance, changes)
    except OSError as exc:
        raise Refused(files.explain(exc, exc.filename or "a process for it")) from exc
    verdict = json.loads(answer or '{"refused": "the shadow process ended without an answer"}')
    if "refused" in verdict:
        raise Refused(verdict["refused"])
    return TestResult(verdict["ok"], verdict["output"], tuple(verdict["warnings"]))


def _ask(folder: str, stack: Stack, host: Host, instance: Instance, changes: t.Sequence[files.Change]) -> bytes:
    reader, writer = os.pipe()
    with open(reader, "rb") as stream:
        try:
            child = os.fork()
            if child == 0:
                _child(writer, folder, stack, host, instance, changes)
        finally:
            os.close(writer)
        answer = stream.read()
    os.waitpid(child, 0)
    return answer


def _child(
    writer: int, folder: str, stack: Stack, host: Host, instance: Instance, changes: t.Sequence[files.Change]
) -> t.NoReturn:
    try:
        # The lock must not outlive our parent in here.
        os.closerange(3, writer)
        os.closerange(writer + 1, 4096)
        try:
            _enter(folder, changes)
        except OSError as exc:
            verdict: dict[str, t.Any] = {"refused": f"no private mount namespace: {exc}"}
        else:
            verdict = stack.test(host, instance)._asdict()
        with open(writer, "wb") as stream:
            stream.write(json.dumps(verdict).encode("ascii"))
    finally:
        os._exit(0)


def _enter(folder: str, changes: t.Sequence[files.Change]) -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)

    def call(function: str, *arguments: t.Any) -> None:
        if getattr(libc, function)(*arguments) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{function}: {os.strerror(number)}")

    def mount(source: str, target: str, kind: bytes | None, flags: int) -> None:
        call("mount", os.fsencode(source), os.fsencode(target), kind, ctypes.c_ulong(flags), None)

    call("unshare", _CLONE_NEWNS)
    mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    mount("in_transit", folder, b"tmpfs", _MS_NOSUID | _MS_NODEV)
    appear = [change.target for change in changes if change.old is None]
    vanish = {change.target for change in changes if change.new is None}
    for number, place in enumerate(sorted({_existing_folder(path) for path in (*appear, *vanish)})):
        # Names come and go here: a copy of the folder takes its place, whose entries are those of the live one.
        stage = os.path.join(folder, f"folder{number}")
        os.mkdir(stage)
        status = os.stat(place)
        os.chown(stage, status.st_uid, status.st_gid)
        os.chmod(stage, stat.S_IMODE(status.st_mode))
        for entry in os.scandir(place):
            staged = os.path.join(stage, entry.name)
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), staged)
            elif entry.path not in vanish:
                os.mkdir(staged) if entry.is_dir() else files.create(staged, b"")
                mount(entry.path, staged, None, _MS_BIND | _MS_REC)
        mount(stage, place, None, _MS_BIND | _MS_REC)
        if os.stat(place).st_dev != os.stat(stage).st_dev:
            # The root folder itself: what is mounted on it is not what its paths lead to, and writing would be real.
            raise OSError(errno.EBUSY, f"no folder can stand in for {place}")
    for number, change in enumerate(changes):
        if change.new is None:
            continue
        if change.old is None:
            for missing in files.missing_folders(change.target):
                files.make_folder(missing)
            files.create(change.target, change.new, files.new_metadata())
            continue
        staged = os.path.join(folder, str(number))
        # tmpfs need not take every attribute; a test by the same user needs none of them.
        files.create(staged, change.new, files.metadata(change.target)._replace(xattrs={}))
        mount(staged, change.target, None, _MS_BIND)


def _existing_folder(path: str) -> str:
    """The innermost folder above a path that exists."""
    return os.path.dirname((files.missing_folders(path) or [path])[0])
