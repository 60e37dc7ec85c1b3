# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server whose TLS is Schannel's, Wine's Schannel, scanned by our engine before and after the action.

It takes Wine 10, whose Schannel is the first with a server side that reads the registry. Where the system's own Wine is
older, ``make wine`` puts one below .cache.
"""

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.run.scan import scan
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.engine import ScanOptions
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.unit.daemons import need
from ansible_collections.encryption.in_transit.tests.windows.playbook import play, wine
from ansible_collections.encryption.in_transit.tests.windows.prefix import Prefix

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests" / "windows"
CACHE = ROOT / ".cache" / "wine"
VERSION = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"


def _version() -> int:
    done = subprocess.run(["wine", "--version"], capture_output=True, text=True, check=False)
    return int(done.stdout.removeprefix("wine-").split(".")[0])


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Prefix]:
    need("wine", "wineboot", "x86_64-w64-mingw32-gcc", "openssl")
    if _version() >= 10:
        made = Prefix(tmp_path_factory.mktemp("wine") / "prefix")
    else:
        if os.geteuid() or not (CACHE / "complete").exists():
            pytest.skip("needs Wine 10, whose Schannel can serve: run `make wine` as root")
        made = Prefix(CACHE / "rootfs" / "prefix", [str(TESTS / "wine10.sh"), str(CACHE)], "/prefix")
    with made.alive() as prefix:
        yield prefix


@pytest.fixture(scope="module")
def program(windows: Prefix, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The server with its key on drive C:; its command line up to the port."""
    folder = tmp_path_factory.mktemp("server")
    key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    drive = windows.path / "drive_c"
    for command in (
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost",
         "-keyout", key, "-out", certificate],
        ["openssl", "pkcs12", "-export", "-legacy", "-passout", "pass:x", "-inkey", key, "-in", certificate,
         "-out", str(drive / "server.pfx")],
        ["x86_64-w64-mingw32-gcc", "-Wall", "-Wextra", "-Werror", "-Os", "-s", "-o", str(drive / "server.exe"),
         str(TESTS / "schannel_server.c"), "-lsecur32", "-lcrypt32", "-lws2_32"],
    ):  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
    return "C:\\server.exe"


class Server:
    """The server on a free port, as a context."""

    def __init__(self, windows: Prefix, program: str) -> None:
        self.port = free_port()
        self._windows, self._program = windows, program

    def __enter__(self) -> Server:
        self._process = subprocess.Popen(
            self._windows.argv("wine", self._program, str(self.port), "C:\\server.pfx"),
            env=self._windows.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout
        assert self._process.stdout.readline().strip() == "listening"
        return self

    def __exit__(self, *_exception: object) -> None:
        self._windows.cmd("taskkill /f /im server.exe")
        self._process.wait(60)

    def protocols(self) -> dict[str, str]:
        """What the engine proved of each protocol."""
        options = ScanOptions(connect_timeout=10, read_timeout=5, per_host=8, http=False)
        (report,) = scan([f"https://127.0.0.1:{self.port}"], model.load(), options)
        return {name: seen["status"] for name, seen in report["protocols"].items()}


def test_the_change_is_proved_by_handshake_once_the_service_was_restarted(
    windows: Prefix, program: str, tmp_path: Path
) -> None:
    windows.cmd('reg delete "HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL" /f /reg:64')
    windows.set(VERSION, "CurrentBuildNumber", "REG_SZ", "17763")
    with Server(windows, program) as server:
        before = server.protocols()
        harden = {"encryption.in_transit.schannel_tls": {}}
        (result,) = play(tmp_path, wine(windows), harden)
        assert result["changed"] is True, result["msg"]
        assert result["restart_required"] is True
        not_restarted = server.protocols()
    with Server(windows, program) as server:
        after = server.protocols()
    old, good = ("TLSv1.0", "TLSv1.1"), "TLSv1.2"
    assert [before[name] for name in (*old, good)] == ["accepted", "accepted", "accepted"]
    assert not_restarted == before
    assert [after[name] for name in (*old, good)] == ["refused", "refused", "accepted"]
