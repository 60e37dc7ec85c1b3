# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs behind an instance, and how old its files are: by this, one day is told from another."""

from __future__ import annotations

import re
import time
import typing as t

from .sockets import packages, spellings

if t.TYPE_CHECKING:
    from .contract import Document
    from .host import Host

    Json = t.Dict[str, t.Any]


_COMMON_FOLDERS = frozenset(("usr", "local", "opt", "bin", "sbin", "lib", "lib64", "libexec"))
#: Debian Policy 5.6.1, without what dpkg-query(1) would take for a pattern.
_PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+$")
#: Lists of files to look at before all are searched.
_MOST_LISTS = 4


def facts(host: Host, generation: t.Any, documents: t.Iterable[Document]) -> Json:
    """``process``, ``package`` and ``documents`` of an instance, plain JSON types. Reads only.

    ``generation`` is :meth:`.contract.Stack.generation`. Times are UTC, to the second. A process has its ``pid``, when
    it was ``started`` and since when the oldest of its workers serves, which is not before it last loaded its files
    (``serves_since``); ``package`` is name and version of the package its program is of. Both are None when unknown.
    ``documents`` are the files that were read, each with when it was ``modified``.
    """
    processes = list(_processes(generation))
    started = [host.began(start) for _pid, start in processes]
    process = None
    if processes:
        pid, first, workers = processes[0][0], started[0], started[1:] or started[:1]
        process = {"pid": pid, "started": _utc(first), "serves_since": _utc(min(workers))}
    return {
        "process": process,
        "package": _package(host, processes[0][0]) if processes else None,
        "documents": [{"path": one.path, "modified": _modified(host, one.path)} for one in documents],
    }


def _processes(token: t.Any) -> t.Iterator[tuple[int, int]]:
    """The (pid, start) pairs of a generation, the main process first."""
    if isinstance(token, tuple):
        if len(token) == 2 and all(isinstance(part, int) for part in token):
            yield token
        else:
            for part in token:
                yield from _processes(part)


def _package(host: Host, pid: int) -> str | None:
    program = host.exe(pid)
    if not program:
        return None
    dpkg = host.which("dpkg-query")
    name = _named_alike(host, dpkg, program) if dpkg else None
    name = name or packages(host, [program]).get(program)
    if not name:
        return None
    argv = (
        [dpkg, "--show", "--showformat", "${Version}\\n", name]
        if dpkg
        else ["rpm", "-q", "--queryformat", "%{VERSION}-%{RELEASE}\\n", name]
    )
    version = host.run(argv).stdout.split()
    return f"{name} {version[0]}" if version else name


def _named_alike(host: Host, dpkg: str, program: str) -> str | None:
    """The package of a program, if it is called as the program or as its folder.

    To search all packages, dpkg-query reads the lists of files of all: several times the work of this.
    """
    names = [part for part in program.split("/") if part not in _COMMON_FOLDERS and _PACKAGE_NAME.match(part)]
    if not names:
        return None
    argv = [dpkg, "--show", "--showformat", "${db:Status-Abbrev} ${Package}\\n", *(f"{name}*" for name in names)]
    lines = [line.split() for line in host.run(argv).stdout.splitlines()]
    found = sorted({line[1] for line in lines if len(line) == 2 and line[0] == "ii"})
    for package in sorted(found, key=len)[:_MOST_LISTS]:
        if not spellings(program).isdisjoint(host.run([dpkg, "--listfiles", package]).stdout.splitlines()):
            return package
    return None


def _modified(host: Host, path: str) -> str | None:
    try:
        return _utc(host.stat(path).st_mtime)
    except OSError:
        return None


def _utc(seconds: float) -> str | None:
    if seconds == float("inf"):
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
