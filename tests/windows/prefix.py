# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Windows made by Wine, in a folder: real reg.exe, real cmd.exe, and no Windows.

Wine's cmd.exe, as it comes to conditions, differs between its releases; nothing here relies on them. Without a process
that stays alive every command would start Wine's services anew, which takes seconds.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import typing as t
import uuid
from pathlib import Path

#: Longest line cmd.exe takes. Wine cuts off in silence what is longer.
LINE_MAX = 8191


class Prefix:
    """The folder, and commands in it. ``launcher`` begins each command, to enter a container for one."""

    def __init__(self, path: Path, launcher: t.Sequence[str] = (), inside: str | None = None) -> None:
        self.path, self.launcher, self.inside = path, list(launcher), inside or str(path)

    @property
    def environment(self) -> dict[str, str]:
        """Without a display there is nothing to draw on; GnuTLS must not have a policy of its own."""
        dropped = ("DISPLAY", "GNUTLS_SYSTEM_PRIORITY_FILE")
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        return {**kept, "WINEPREFIX": self.inside, "WINEDEBUG": "-all", "WINEARCH": "win64"}

    def argv(self, *command: str) -> list[str]:
        if not self.launcher:
            return list(command)
        return [*self.launcher, "env", f"WINEPREFIX={self.inside}", "WINEDEBUG=-all", *command]

    def run(self, *command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """A program of the host that brings Wine along, such as ``wine`` or ``wineboot``."""
        # Into files: services that the command started hold a pipe open for as long as they live.
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            done = subprocess.run(
                self.argv(*command), env=self.environment, input=stdin, stdout=output, stderr=errors, check=False
            )
            for stream in (output, errors):
                stream.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read(), errors.read())

    def cmd(self, line: str) -> subprocess.CompletedProcess[bytes]:
        """One line for cmd.exe, as ``cmd /c`` would take it."""
        if len(line) > LINE_MAX:
            raise ValueError(f"cmd.exe takes {LINE_MAX} characters, this line has {len(line)}")
        script = self.path / "drive_c" / f"ansible_{uuid.uuid4().hex}.bat"
        # In a file, unlike on a command line, a percent sign is written twice.
        script.write_bytes(f"@echo off\r\n{line.replace('%', '%%')}\r\n".encode())
        try:
            return self.run("wine", "cmd", "/d", "/c", f"C:\\{script.name}")
        finally:
            script.unlink()

    def local(self, path: str) -> Path:
        """A path of Windows as one of the host; parts that are there are found whatever their case."""
        drive, *parts = path.replace("/", "\\").split("\\")
        if drive.upper() != "C:":
            raise ValueError(f"only drive C: is there, not {path}")
        found = self.path / "drive_c"
        for part in parts:
            same = [name for name in os.listdir(found) if name.lower() == part.lower()] if found.is_dir() else []
            found /= same[0] if same else part
        return found

    def set(self, key: str, name: str, kind: str, data: str) -> None:
        done = self.cmd(f'reg add "{key}" /v "{name}" /t {kind} /d "{data}" /f /reg:64')
        assert done.returncode == 0, done

    @contextlib.contextmanager
    def alive(self) -> t.Iterator[Prefix]:
        """Made when it is not there yet, with one process kept alive; everything is ended afterwards."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.run("wineboot", "-i")
        keeper = subprocess.Popen(
            self.argv("wine", "cmd", "/c", "set /p x="),
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield self
        finally:
            assert keeper.stdin
            keeper.stdin.close()
            keeper.wait(60)
            self.run("wineserver", "-k")
