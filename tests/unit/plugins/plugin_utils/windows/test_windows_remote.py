# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import base64
import re
import typing as t

import pytest
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader, shell_loader
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows import remote


class Wire:
    """A connection that answers with what it is given."""

    def __init__(self, family: str, answers: t.Iterable[bytes] = ()) -> None:
        self._shell = shell_loader.get(family)
        self.answers = list(answers)
        self.sent: list[str] = []

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        assert in_data is None
        assert sudoable is False
        self.sent.append(cmd)
        return 0, self.answers.pop(0), b""

    def put_file(self, in_path: str, out_path: str) -> None:
        with open(in_path, "rb") as stream:
            self.sent.append(f"{out_path}={stream.read()!r}")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        with open(out_path, "wb") as stream:
            stream.write(self.answers.pop(0))


def unwrapped(command: str) -> str:
    """The line cmd.exe gets, by the rules PowerShell and cmd.exe /s have (about_Parsing; cmd /?)."""
    script = base64.b64decode(command.rsplit(" ", maxsplit=1)[-1]).decode("utf-16-le")
    match = re.fullmatch(r"cmd\.exe /d /s /c '((?:[^']|'')*)'; exit \$LASTEXITCODE", script)
    assert match
    return match[1].replace("''", "'")


def test_a_cmd_shell_gets_the_line_as_it_is() -> None:
    assert remote.Remote(Wire("cmd")).command('reg query "a b" 2>nul') == 'reg query "a b" 2>nul'


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=400).filter(lambda s: s[-1:] != "\\"))
def test_a_powershell_shell_gets_exactly_this_line_for_cmd(line: str) -> None:
    assert unwrapped(remote.Remote(Wire("powershell")).command(line)) == line


def test_the_encoded_form_is_the_one_ansible_does_not_wrap_again() -> None:
    shell = shell_loader.get("powershell")
    prefix = shell._encode_script("", as_list=False, strict_mode=False, preserve_rc=False)
    assert remote.Remote(Wire("powershell")).command("ver").startswith(prefix)


@pytest.mark.parametrize("shell", ["cmd", "powershell"])
def test_over_winrm_cmd_gets_exactly_this_line_whatever_the_release_of_ansible(shell: str) -> None:
    """Ansible's own connection makes of it what goes to the host: as it is, or encoded once."""
    there = connection_loader.get("winrm", PlayContext(), "/dev/null")
    there._shell = shell_loader.get(shell)
    sent: list[str] = []

    def execute(command: str, args: t.Iterable[str] = (), **_more: t.Any) -> tuple[int, bytes, bytes]:
        sent.append(" ".join([command, *args]))
        return 0, b"@@0\r\n@@end\r\n", b""

    there._winrm_exec = execute
    there._connected = True
    line = "reg query \"HKLM\\A  b\" & (for /f %a in ('ver') do @echo %a)"
    remote.Remote(there).line(line)
    (command,) = sent
    assert len(command) < 2 * remote.LINE_MAX
    assert (command.removeprefix("type nul& ") if command.startswith("type ") else unwrapped(command)) == line


@pytest.mark.parametrize("line", ["größe", "a\nb", 'dir "C:\\', "dir C:\\"])
def test_what_would_not_arrive_unchanged_is_never_sent(line: str) -> None:
    with pytest.raises(remote.RemoteError):
        remote.Remote(Wire("cmd")).command(line.rstrip('"'))


@pytest.mark.parametrize(("family", "longest"), [("cmd", 8000), ("powershell", 2900)])
def test_no_line_is_longer_than_a_host_takes(family: str, longest: int) -> None:
    there = remote.Remote(Wire(family))
    there.command("x" * longest)
    with pytest.raises(remote.RemoteError, match="longer than a Windows host takes"):
        there.command("x" * (longest + 100))


@pytest.mark.parametrize("family", ["cmd", "powershell"])
def test_many_parts_go_in_as_few_lines_as_fit(family: str) -> None:
    parts = [f'reg query "HKLM\\SOFTWARE\\{number:050}"' for number in range(100)]
    answers = []
    for batch in remote.Remote(Wire(family)).batches(parts):
        answers.append("".join(f"@@{index}\r\n{part}\r\n" for index, part in enumerate(batch)) + "@@end\r\n")
    wire = Wire(family, [answer.encode() for answer in answers])
    there = remote.Remote(wire)
    assert there.run(parts) == parts
    assert there.round_trips == len(answers) == len(wire.sent)
    assert 1 < len(answers) <= 5
    assert all(len(command) <= remote.LINE_MAX for command in wire.sent)


@pytest.mark.parametrize("family", ["sh", "fish"])
def test_a_shell_of_unix_is_named(family: str) -> None:
    wire = Wire("sh")
    wire._shell.SHELL_FAMILY = family
    with pytest.raises(remote.RemoteError, match=f"shell of this connection is {family}: a Windows host needs"):
        remote.Remote(wire)


def test_sections_in_any_code_page() -> None:
    text = "Aktive Codepage: 850.\r\n@@0 \r\n\r\nHKEY_X\r\n    a    REG_SZ    b\r\n@@1\r\n@@2\r\nx\r\n@@end \r\nrest"
    assert remote.sections(text) == ["\nHKEY_X\n    a    REG_SZ    b", "", "x"]
    wire = Wire("cmd", [b"@@0\r\nFehler: Schl\x81ssel\r\n@@end\r\n"])
    assert remote.Remote(wire).run(["ver"]) == ["Fehler: Schl\ufffdssel"]


@pytest.mark.parametrize("text", ["", "@@0\r\nHKEY", "@@0\r\n@@1\r\nx", "sh: 1: reg: not found\n"])
def test_an_answer_without_its_end_is_cut_off(text: str) -> None:
    with pytest.raises(remote.RemoteError, match="the end marker is missing"):
        remote.sections(text)


@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters="\x0b\x0c\x1c\x1d\x1e@"))), st.data())
def test_an_answer_cut_anywhere_is_never_taken_for_a_whole_one(outputs: list[str], data: st.DataObject) -> None:
    lines = "".join(f"@@{index}\r\n{output}\r\n" for index, output in enumerate(outputs)) + "@@end"
    assert len(remote.sections(lines)) == len(outputs)
    with pytest.raises(remote.RemoteError):
        remote.sections(lines[: data.draw(st.integers(0, len(lines) - 1))])


@pytest.mark.parametrize("text", ['a"b', "%PATH%", "C:\\", "ü", "a\nb"])
def test_arguments_that_quotes_do_not_keep_are_refused(text: str) -> None:
    with pytest.raises(remote.RemoteError, match="cannot be part of a command"):
        remote.quoted(text)


def test_files_go_and_come_as_they_are() -> None:
    wire = Wire("cmd", [b"\xff\xfea\0"])
    there = remote.Remote(wire)
    there.put("a\r\nb", "C:\\x.reg")
    assert wire.sent == ["C:\\x.reg=b'a\\r\\nb'"]
    assert there.fetch("C:\\y.reg") == b"\xff\xfea\0"
    assert there.round_trips == 2
