# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From files to registers: every file is read to its end, every problem is told, and nothing is used half-read.

A YAML file holds one register, named by its only key: ``flows``, ``exceptions`` or ``third_parties``. A CSV file holds
flows. A folder stands for the YAML and CSV files in it, not for those in folders below.
"""

from __future__ import annotations

import datetime
import functools
import os
import typing as t

from . import lint, reading, shape, tables
from .problems import Problem, RegisterError
from .reading import Entry

KINDS = ("flows", "exceptions", "third_parties")
_SUFFIXES = (".yml", ".yaml", ".csv")


class Registers(t.NamedTuple):
    """Entries in the order of files and lines, each in the shape of its schema and with ``file`` and lines."""

    flows: list[Entry]
    exceptions: list[Entry]
    third_parties: list[Entry]
    files: list[str]


def load(
    paths: t.Iterable[str],
    today: datetime.date,
    hosts: t.Collection[str] | None = None,
    maximum_days: int = lint.ABSOLUTE_DAYS,
) -> Registers:
    """The registers in these files and folders, all rules of :func:`.lint.lint` checked.

    Raises RegisterError with every problem.
    """
    registers, problems = read(paths)
    problems += lint.lint(registers, today, hosts, maximum_days)
    if problems:
        raise RegisterError(problems)
    return registers


def entries(paths: t.Sequence[str], today: datetime.date, hosts: t.Collection[str]) -> dict[str, t.Any] | None:
    """The same by register, as evidence takes them; None when there are no registers."""
    if not paths:
        return None
    held = load(paths, today, hosts)
    return {kind: getattr(held, kind) for kind in KINDS}


def read(paths: t.Iterable[str]) -> tuple[Registers, list[Problem]]:
    """Entries of the right shape, and every problem of files and shapes. Entries with problems are left out."""
    registers = Registers([], [], [], [])
    problems: list[Problem] = []
    for path in paths:
        for name in _files(path, problems):
            if name not in registers.files:
                registers.files.append(name)
                _read_file(name, registers, problems)
    return registers, problems


def _files(path: str, problems: list[Problem]) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    found = sorted(name for name in os.listdir(path) if name.endswith(_SUFFIXES) and not name.startswith("."))
    if not found:
        problems.append(Problem(path, 0, "", f"holds no register ({', '.join(_SUFFIXES)})"))
    return [os.path.join(path, name) for name in found]


def _read_file(path: str, registers: Registers, problems: list[Problem]) -> None:
    data, unreadable = reading.read(path)
    if unreadable:
        problems += unreadable
        return
    if path.endswith(".csv"):
        entries, found = tables.flows_from_csv(path, data)
        problems += found
        _keep("flows", path, entries, registers, problems)
        return
    text, undecodable = reading.decode(path, data)
    if undecodable:
        problems += undecodable
        return
    document, found = reading.parse(path, text)
    problems += found
    if document is None:
        if not found:
            problems.append(Problem(path, 0, "", f"is empty; a register begins with one of: {_kinds()}"))
        return
    kinds = [kind for kind in KINDS if isinstance(document, Entry) and kind in document]
    if len(kinds) != 1:
        problems.append(Problem(path, 1, "", f"is no register; it must have exactly one of the keys {_kinds()}"))
        return
    kind = kinds[0]
    entries = document[kind]
    rest = {key: line for key, line in document.lines.items() if key != kind}
    problems += [
        Problem(path, line, key, f"unknown key beside {kind!r}; one file is one register") for key, line in rest.items()
    ]
    if not isinstance(entries, list):
        problems.append(Problem(path, document.lines[kind], kind, "must be a list of entries"))
        return
    _keep(kind, path, entries, registers, problems)


def _kinds() -> str:
    return ", ".join(KINDS)


def _keep(kind: str, path: str, entries: list[t.Any], registers: Registers, problems: list[Problem]) -> None:
    """Entries of the right shape into their register."""
    check = _entry_check(kind)
    kept: list[Entry] = getattr(registers, kind)
    for index, entry in enumerate(entries):
        wrong = check(entry)
        if not wrong:
            entry.file = path
            kept.append(entry)
            continue
        line = getattr(entry, "line", getattr(entries, "lines", [0] * len(entries))[index])
        name = entry.get("id") if isinstance(entry, dict) else None
        start = name if isinstance(name, str) else f"{kind}[{index}]"
        problems += [Problem(path, one.line or line, key_path(start, one.path), one.message) for one in wrong]


@functools.lru_cache(maxsize=None)
def _entry_check(kind: str) -> t.Callable[[t.Any], list[shape.Wrong]]:
    schema = shape.document(kind)
    return shape.compiled(schema["$defs"]["entry"], schema)


def key_path(start: str, path: t.Iterable[t.Any]) -> str:
    """``EXC-2026-001`` and ``("scope", "ports", 0)`` are ``EXC-2026-001.scope.ports[0]``."""
    return start + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
