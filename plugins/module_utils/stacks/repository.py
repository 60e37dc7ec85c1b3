# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configuration files that are on no machine yet, seen as the machine they are meant for."""

from __future__ import annotations

import os
import typing as t

from .host import Completed, Host, encode

if t.TYPE_CHECKING:
    from .host import Process


#: The OpenSSL that software not installed anywhere is taken to have: one that today's systems have at least.
OPENSSL = (3, 0, 19)


class Layout(t.NamedTuple):
    """Where a package keeps its configuration: the folder, the main file in it, and the content of files the package
    brings along that say nothing of TLS, or nothing but defaults. Repositories seldom have those."""

    home: str
    main: str
    brought: t.Mapping[str, bytes]


class Repository(Host):
    """The folder of a repository as the machine on which it is the folder ``home``; with ``home`` ``/``, as its root.

    No program can be run and no process is seen. What ``brought`` names is there, unless the repository has its own.
    ``missed`` are patterns that were asked for and lie outside ``home``, so that nobody knows what they match.
    """

    def __init__(self, folder: str, home: str = "/", brought: t.Mapping[str, bytes] | None = None) -> None:
        super().__init__(folder)
        self.home = home.rstrip("/")
        self.brought = dict(brought or {})
        self.missed: list[str] = []

    def outside(self, path: str) -> bytes:
        return encode(self._on_disk(self.realpath(path)))

    def _on_disk(self, path: str) -> str:
        if (path + "/").startswith(self.home + "/"):
            return self.root + path[len(self.home) :]
        return "/dev/null" + path  # below a file there is nothing

    def realpath(self, path: str) -> str:
        if not self.home:
            return super().realpath(path)
        path = os.path.normpath(path)
        found = os.path.realpath(self._on_disk(path))
        root = os.path.realpath(self.root)
        # Links that lead out of the repository are the machine's own, which nobody has yet.
        return self.home + found[len(root) :] if (found + "/").startswith(root + "/") else path

    def named(self, path: str) -> str:
        """The path in the repository of a file on the machine; others as they are."""
        disk = self._on_disk(path)
        return disk if os.path.lexists(disk) else path

    def read(self, path: str) -> bytes:
        try:
            return super().read(path)
        except OSError:
            if path in self.brought:
                return self.brought[path]
            raise

    def exists(self, path: str) -> bool:
        return super().exists(path) or path in self.brought

    def glob(self, pattern: str) -> list[str]:
        outside = bool(self.home) and not pattern.startswith(self.home + "/")
        # What packages keep below /usr is their own and loads modules.
        if outside and any(sign in pattern for sign in "*?[") and not pattern.startswith("/usr/"):
            self.missed.append(pattern)
        return super().glob(pattern)

    def which(self, name: str) -> str | None:
        return None

    def run(
        self,
        argv: t.Sequence[str],
        timeout: float = 60,
        input: str | None = None,
        env: t.Mapping[str, str] | None = None,
    ) -> Completed:
        return Completed(127, "", f"{argv[0]}: not found")

    def processes(self) -> list[Process]:
        return []

    def hostname(self) -> str:
        return ""
