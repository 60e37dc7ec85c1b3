# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the programs are that install.sh unpacked, and how to run one outside the system it was built for."""

from __future__ import annotations

import functools
import os
from pathlib import Path

CACHE = Path(os.environ.get("SERVERS_CACHE") or Path(__file__).resolve().parents[2] / ".cache/servers")

_PROGRAM_FOLDERS = ("usr/sbin", "usr/bin", "sbin", "bin", "usr/lib/postfix/sbin")


class Missing(Exception):
    """Something a server or scanner needs is not there. ``str()`` of it says what, and how to get it."""

    def __init__(self, what: str, part: str) -> None:
        super().__init__(f"{what} is missing: run tests/servers/install.sh {part}")


class NotRoot(Missing):
    """A server that only root can start."""

    def __init__(self, what: str) -> None:
        Exception.__init__(self, f"{what} can only be started by root: run the tests with sudo")


class Generation:
    """A Debian release, unpacked: its programs run with its own C library, whatever this machine has."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root = CACHE / name

    @functools.cached_property
    def loader(self) -> Path:
        for pattern in ("lib64/ld-linux-*", "usr/lib64/ld-linux-*", "lib/ld-linux-*", "usr/lib/*/ld-linux-*"):
            for found in self.root.glob(pattern):
                return found
        raise Missing(f"Debian {self.name}", self.name)

    @functools.cached_property
    def libraries(self) -> Path:
        for found in self.root.glob("usr/lib/*-linux-*/libcrypto.so.*"):
            return found.parent
        raise Missing(f"Debian {self.name}", self.name)

    def library_path(self, *extra: str) -> str:
        triplet = self.libraries.name
        folders = (f"lib/{triplet}", f"usr/lib/{triplet}", *extra)
        return ":".join(str(self.root / folder) for folder in folders if (self.root / folder).is_dir())

    def program(self, name: str) -> Path:
        for folder in _PROGRAM_FOLDERS:
            if (self.root / folder / name).exists():
                return self.root / folder / name
        raise Missing(f"{name} of Debian {self.name}", self.name)

    def run(self, name: str, *arguments: object, libraries: tuple[str, ...] = ()) -> list[str]:
        """argv that runs a program of this release. ``libraries``: folders of its package, relative to the root."""
        program = self.program(name)
        command = [str(self.loader), "--library-path", self.library_path(*libraries), str(program)]
        return command + [str(argument) for argument in arguments]


BULLSEYE, BOOKWORM, TRIXIE = Generation("bullseye"), Generation("bookworm"), Generation("trixie")


def node(version: str) -> Path:
    """The node binary of a release kept by npm: 0.10.32 has OpenSSL 1.0.1i inside, 8.17.0 has 1.0.2s."""
    binary = CACHE / f"node-{version}" / "node"
    if not binary.exists():
        raise Missing(f"node {version}", "node")
    return binary


def java() -> Path:
    """The Java 17 launcher, which also compiles a single source file before it runs it."""
    for found in BOOKWORM.root.glob("usr/lib/jvm/java-17-openjdk-*/bin/java"):
        return found
    raise Missing("Java 17", "bookworm")


def python_tool(name: str) -> Path:
    """A program of the environment that holds sslyze and tlslite-ng (``python`` for its interpreter)."""
    binary = CACHE / "python" / "bin" / name
    if not binary.exists():
        raise Missing(name, "python")
    return binary
