# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starting and stopping servers on free loopback ports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

from ansible_collections.encryption.in_transit.tests.servers.ports import free_port

READY_WITHIN = 20.0


class NotReady(Exception):
    """A server did not open its port; the message holds its last words."""


class Server:
    """Something listening on ``address:port`` while inside ``with``."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.address, self.port = address, free_port(address)

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Process(Server):
    """A server program in the foreground. ``argv`` is called with the port and an own folder to write files to."""

    def __init__(
        self,
        name: str,
        argv: t.Callable[[int, Path], t.Sequence[object]],
        folder: Path,
        environment: t.Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.name, self.argv, self.environment = name, argv, environment or {}
        self.parent = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=self.parent))
        self.folder.chmod(0o755)  # for servers that drop privileges
        self.log = self.folder / "log"
        argv = [str(word) for word in self.argv(self.port, self.folder)]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C", **self.environment}
        with self.log.open("wb") as log:
            # A session of its own, so that workers it forks end with it. Some servers quit when stdin is closed.
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=environment,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection((self.address, self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise NotReady(f"{self.name}: {' '.join(argv)}\n{self.words()}")

    def words(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        if self.process is None:
            return
        for number, patience in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            if number == signal.SIGTERM and not self._group_alive():
                break
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait()
        self.process = None

    def _group_alive(self) -> bool:
        assert self.process is not None
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            try:
                os.killpg(self.process.pid, 0)
            except ProcessLookupError:
                return False
            time.sleep(0.02)
        return True
