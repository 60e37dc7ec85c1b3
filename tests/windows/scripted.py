# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Windows host that is a script: it keeps a registry, answers our lines, and fails where it is told to.

For faults that Wine cannot have, and for IIS, which only recorded samples stand in for.
"""

from __future__ import annotations

import re
import types
import typing as t

from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows.registry import (
    Registry,
    Value,
    parse_document,
)
from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows.remote import Remote

_ROOT = "HKEY_LOCAL_MACHINE\\"
_WINDOWS = _ROOT + r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_ENVIRONMENT = _ROOT + r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
_INETSTP = _ROOT + r"SOFTWARE\Microsoft\InetStp"


class Scripted:
    """``fault``, when set, gets each line and its answer, and returns what is answered instead, or raises."""

    def __init__(
        self,
        build: int = 20348,
        values: t.Iterable[Value] = (),
        iis: tuple[str, str] | None = None,
        then: tuple[str, str] | None = None,
        restores: bool = False,
        message: str = "",
    ) -> None:
        own = [
            Value(_WINDOWS, "CurrentBuildNumber", "REG_SZ", str(build)),
            Value(_WINDOWS, "SystemRoot", "REG_SZ", "C:\\Windows"),
            Value(_WINDOWS, "ProductName", "REG_SZ", "Windows Server"),
            Value(_ENVIRONMENT, "PROCESSOR_ARCHITECTURE", "REG_SZ", "AMD64"),
        ]
        own += [Value(_INETSTP, "VersionString", "REG_SZ", "Version 10.0")] if iis else []
        self.registry = Registry([*own, *values])
        self.files: dict[str, str] = {}
        self.lines: list[str] = []
        self.backups: list[str] = []
        self.resets = 0
        self.fault: t.Callable[[str, str], str] | None = None
        self.refused: t.Callable[[Value], bool] = lambda _value: False
        self.message = message
        self._iis, self._then, self._before, self._restores = iis, then, iis, restores
        self._shell = types.SimpleNamespace(SHELL_FAMILY="cmd")

    @property
    def remote(self) -> Remote:
        return Remote(self)

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        self.lines.append(cmd)
        answer = "".join(self._part(part) for part in cmd.split("& "))
        if self.fault:
            answer = self.fault(cmd, answer)
        return 1, answer.encode("utf-8", "surrogateescape"), b""

    def put_file(self, in_path: str, out_path: str) -> None:
        with open(in_path, encoding="ascii", newline="") as stream:
            self.files[out_path] = stream.read()

    def fetch_file(self, in_path: str, out_path: str) -> None:
        raise NotImplementedError

    def reset(self) -> None:
        self.resets += 1

    def _part(self, part: str) -> str:
        if part.startswith("echo "):
            return part.removeprefix("echo ") + "\r\n"
        if match := re.match(r"\(?for %(\w) in \((.*?)\) do @(.*?)\)?\Z", part):
            items = re.findall(r'"(.*?)"', match[2])
            return "".join(self._part(match[3].replace(f"%~{match[1]}", item)) for item in items)
        if match := re.match(r"\(for /f .* in \('reg query (\S+) /s /reg:64'\)", part):
            lines = self._query(match[1], None, True).splitlines()
            return "".join(f"{_brief(line)}\r\n" for line in lines if line.strip())
        if match := re.match(r"\((reg query .*?) >nul 2>nul \|\| (.*)\)", part):
            return "" if "    REG_" in self._part(match[1]) else self._part(match[2])
        if match := re.match(r'reg query "(.*?)"(?: /v (\S+))?( /s)?', part):
            return self._query(match[1], match[2], bool(match[3]))
        if match := re.match(r'reg import "(.*?)"', part):
            text = "".join(line for line in self.files.get(match[1], "").splitlines(True) if not line.startswith(";"))
            changes = [one for one in parse_document(text) if not self.refused(one)] if text else []
            self.registry = self.registry.merged(changes)
        elif match := re.match(r'\(for /f .*`find ";" \^< "(.*?)"`.*>>"(.*?)"\)', part):
            kept = [line[1:] for line in self.files[match[1]].splitlines() if line.startswith(";")]
            self.files[match[2]] = "\r\n".join(kept) + "\r\n"
        elif match := re.match(r'type "(.*?)"', part):
            return self._iis[1] if self._iis and "applicationHost" in match[1] else self.files.get(match[1], "")
        elif "appcmd.exe" in part:
            return self._appcmd(part)
        return ""

    def _appcmd(self, part: str) -> str:
        if "list site" in part:
            return self._iis[0] if self._iis else ""
        if "add backup" in part:
            self.backups.append(part)
        elif "set config" in part:
            self._iis = self._then or self._iis
        elif "restore backup" in part and self._restores:
            self._iis = self._before
        return ""

    def _query(self, key: str, name: str | None, deep: bool) -> str:
        long = key.replace("HKLM", "HKEY_LOCAL_MACHINE", 1)
        found: dict[str, list[str]] = {}
        for value in self.registry:
            inside = value.key.lower() == long.lower() or (deep and value.key.lower().startswith(long.lower() + "\\"))
            if inside and name in (None, value.name):
                found.setdefault(value.key, []).append(f"    {value.name}    {value.type}    {_printed(value)}\r\n")
        return "".join(f"\r\n{place}\r\n{''.join(lines)}" for place, lines in found.items()) or self.message


def _brief(line: str) -> str:
    """``for /f "tokens=1,3,4,8* delims=\\_ "`` as cmd.exe has it, of one line."""
    words = re.split(r"[\\_ ]+", line.lstrip(), maxsplit=8) + [""] * 9
    return f"{words[0]} {words[2]} {words[3]} {words[8]}"


def _printed(value: Value) -> str:
    data = value.data
    if isinstance(data, int):
        return hex(data)
    if isinstance(data, bytes):
        return data.hex().upper()
    return "\\0".join(data) if isinstance(data, tuple) else str(data)
