# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands on a Windows host over any connection of Ansible: WinRM, PSRP, and SSH with cmd or PowerShell.

What is sent is always one line for cmd.exe, and winrm hands it to cmd.exe as it is: shorter by two thirds, readable in
the logs of the host, and PowerShell need not start. Elsewhere a PowerShell shell gets it in a script of one statement,
encoded, which psrp and ssh pass on unchanged (``ansible.windows`` restarts hosts by the same form).

Rules the lines keep, each of which has broken somebody's automation:

* no conditions that decide anything: a line is parts joined by ``&``, with markers of ours between their outputs; the
  end marker tells that nothing was cut off. Exit codes and messages, which are in the language of the host, are never
  looked at.
* no line longer than cmd.exe takes, 8191 characters, counted after encoding (Microsoft, KB830473).
* nothing but ASCII, so that no code page has a say; only values that are ASCII are asked for.
"""

from __future__ import annotations

import base64
import os
import re
import tempfile
import typing as t
import uuid

from ansible.release import __version__ as _core

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError

#: Longest command line, after encoding. cmd.exe takes 8191 characters; some are left for the way there.
LINE_MAX = 8000

#: What PowerShell is started with; Ansible's winrm and psrp connections know these words and do not wrap them again.
_POWERSHELL = "PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -EncodedCommand "

#: Ansible's winrm makes a PowerShell script of every command, except of what begins with this word; since ansible-core
#: 2.19 (``plugins/connection/winrm.py``). Reading the empty device does nothing.
_AS_IT_IS = "type nul& "
_WINRM_IS_PLAIN = tuple(int(part) for part in _core.split(".")[:2]) >= (2, 19)

_MARK = re.compile(r"@@([0-9]+|end)\s*\Z")


class RemoteError(InTransitError):
    """A command that could not be run, or an answer that cannot be trusted."""


class Connection(t.Protocol):
    """The part of a connection plugin that is used."""

    _shell: t.Any

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run the command; exit code, output, errors."""

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file to the host."""

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file from the host."""


def quoted(text: str) -> str:
    """An argument in double quotes. Raises RemoteError for what would not survive them."""
    if re.search(r'["%\x00-\x1f\x7f-\uffff]', text) or text.endswith("\\"):
        raise RemoteError(f"{text!r} cannot be part of a command: no quotes, percent signs, control characters")
    return f'"{text}"'


def joined(parts: t.Iterable[str]) -> str:
    """Parts as one line with a marker before each and one at the end. Errors are dropped: they speak many languages."""
    # Behind a block in parentheses, which has no errors to tell, some versions of cmd.exe take no redirection.
    quiet = (part if part.endswith(")") else f"{part} 2>nul" for part in parts)
    return "& ".join(f"echo @@{number}& {part}" for number, part in enumerate(quiet)) + "& echo @@end"


def each(variable: str, items: t.Iterable[str], command: str) -> str:
    """A part that runs a command for each item; the command names it as ``%~`` and the variable, one letter.

    Commands may be nested, with a variable of their own each.
    """
    words = (quoted(item) for item in items)
    return f"(for %{variable} in ({' '.join(words)}) do @{command.removeprefix('(').removesuffix(')')})"


def sections(output: str) -> list[str]:
    """Output of each part of :func:`joined`. Raises RemoteError when the end is missing."""
    found: list[list[str]] = []
    for line in output.splitlines():
        mark = _MARK.match(line)
        if mark and mark[1] == "end":
            return ["\n".join(lines) for lines in found]
        if mark and int(mark[1]) == len(found):
            found.append([])
        elif found:
            found[-1].append(line)
    raise RemoteError(
        "the answer of the host is cut off or is none of ours: the end marker is missing. "
        "Is this a Windows host, and ansible_shell_type the shell that really answers (cmd or powershell)?"
    )


class Remote:
    """A Windows host. ``round_trips`` counts every exchange with it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.round_trips = 0
        self._winrm = getattr(connection, "transport", None) == "winrm"
        family = getattr(getattr(connection, "_shell", None), "SHELL_FAMILY", None)
        if family not in ("cmd", "powershell"):
            raise RemoteError(
                f"the shell of this connection is {family or 'unknown'}: a Windows host needs ansible_connection "
                "winrm or psrp, or ssh with ansible_shell_type cmd or powershell"
            )
        self.family: str = family

    def command(self, line: str) -> str:
        """The line as this connection's shell takes it. Raises RemoteError when it is too long or not ASCII."""
        if not re.fullmatch(r"[ -~]*", line) or line.endswith("\\"):
            raise RemoteError("a command may hold printable ASCII only, and no backslash at its end")
        # PowerShell puts one pair of quotes around an argument with blanks, and /s takes exactly that pair away.
        doubled = line.replace("'", "''")
        script = f"cmd.exe /d /s /c '{doubled}'; exit $LASTEXITCODE"
        encoded = _POWERSHELL + base64.b64encode(script.encode("utf-16-le")).decode("ascii")
        if self._winrm and _WINRM_IS_PLAIN:
            taken = arrives = _AS_IT_IS + line
        elif self._winrm:
            taken, arrives = script, encoded  # older ones encode whatever they get, even what is encoded
        elif self.family == "powershell":
            taken = arrives = encoded
        else:
            taken = arrives = line
        if len(arrives) > LINE_MAX:
            raise RemoteError(
                f"a command of {len(arrives)} characters is longer than a Windows host takes ({LINE_MAX})"
            )
        return taken

    def batches(self, parts: t.Sequence[str]) -> list[list[str]]:
        """The parts in as few lines as the length allows, in order."""
        found: list[list[str]] = []
        for part in parts:
            if found and self._fits([*found[-1], part]):
                found[-1].append(part)
            else:
                found.append([part])
        return found

    def _fits(self, parts: list[str]) -> bool:
        try:
            self.command(joined(parts))
        except RemoteError:
            return False
        return True

    def run(self, parts: t.Sequence[str]) -> list[str]:
        """Output of each part, in as few round trips as the length of a line allows."""
        return [section for batch in self.batches(parts) for section in sections(self.line(joined(batch)))]

    def line(self, line: str) -> str:
        """Output of one line; bytes of another code page become replacement characters."""
        command = self.command(line)
        self.round_trips += 1
        _code, output, _errors = self._connection.exec_command(command, in_data=None, sudoable=False)
        return output.decode("utf-8", "replace")

    def put(self, text: str, path: str) -> None:
        """Write a file of ASCII text on the host."""
        with tempfile.TemporaryDirectory() as folder:
            local = os.path.join(folder, uuid.uuid4().hex)
            with open(local, "w", encoding="ascii", newline="") as stream:
                stream.write(text)
            self.round_trips += 1
            self._connection.put_file(local, path)

    def fetch(self, path: str) -> bytes:
        """The bytes of a file of the host."""
        with tempfile.TemporaryDirectory() as folder:
            local = os.path.join(folder, uuid.uuid4().hex)
            self.round_trips += 1
            self._connection.fetch_file(path, local)
            with open(local, "rb") as stream:
                return stream.read()

    def reset(self) -> None:
        """Forget the connection, so that the next command makes a new one."""
        if hasattr(self._connection, "reset"):
            self._connection.reset()
