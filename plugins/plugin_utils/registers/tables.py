# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Registers as tables: flows read from CSV as spreadsheets write it, and all registers written as CSV.

Reading: UTF-8 with or without a byte order mark, or UTF-16 with one; comma, semicolon or tab; an Excel ``sep=`` line.
Cells that a spreadsheet would run as a formula are refused, and so is what it made of an id or a list. Writing defuses
such cells (OWASP, CSV Injection) and tells what a table cannot hold.
"""

from __future__ import annotations

import csv
import io
import re
import typing as t

from ..spreadsheet import guarded, table
from ..terminal import plural
from .problems import Problem
from .reading import Entry, Items

#: Columns of flows; a dot goes into a mapping.
FLOW_COLUMNS = (
    *("id", "name", "data_class", "direction", "source", "endpoints", "hosts", "managed", "encryption", "profile"),
    *("software", "owner.name", "owner.team", "owner.email", "third_party", "cleartext_hops", "exceptions"),
    *("verified_by", "comment"),
)
EXCEPTION_COLUMNS = (
    *("id", "title", "status", "scope.hosts", "scope.ports", "scope.names", "scope.stack", "scope.checks", "accept"),
    *("flows", "justification", "risk.rating", "risk.statement", "compensating_controls", "owner.name", "owner.team"),
    *("owner.email", "requested", "approval.by", "approval.on", "approval.reference", "expires", "remediation.plan"),
    *("remediation.ticket", "remediation.milestones", "reviews", "supersedes", "comment"),
)
THIRD_PARTY_COLUMNS = (
    *("id", "name", "contract", "owner.name", "owner.team", "owner.email", "endpoints", "evidence", "comment"),
)
COLUMNS = {"flows": FLOW_COLUMNS, "exceptions": EXCEPTION_COLUMNS, "third_parties": THIRD_PARTY_COLUMNS}

#: Columns that hold several values, separated by this.
_LISTS = {"endpoints", "hosts", "cleartext_hops", "exceptions"}
_SEPARATOR = "|"
#: Words whose case spreadsheets and people change.
_WORDS = {"data_class", "direction", "managed", "encryption", "verified_by"}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

_FORMULA = ("=", "+", "@", "\uff1d", "\uff0b", "\uff20")
_COMMENT = re.compile(r"\s*#(?!\s*yaml-language-server:)")
#: What spreadsheets make of text that looks like something else to them.
_SPREADSHEET_MADE = re.compile(r"#(?:REF|NAME|VALUE|N/A|DIV/0|NUM)[!?]?\Z|\d(?:[.,]\d+)?E\+\d+\Z")


def flows_from_csv(path: str, data: bytes) -> tuple[list[Entry], list[Problem]]:
    """Flows in the shape of their schema, as far as the table has them, and what is wrong with the table itself."""
    text, problems = _decode(path, data)
    if problems:
        return [], problems
    first_line = 1
    if text[:4].lower() == "sep=":
        text, first_line = text.partition("\n")[2], 2
    header = text.partition("\n")[0]
    delimiter = max(";\t,", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    entries: Items = Items(first_line)
    try:
        columns = [name.strip() for name in next(reader, [])]
        problems += _columns(path, first_line, columns)
        if problems:
            return [], problems
        line = first_line + reader.line_num
        for row in reader:
            if any(cell.strip() for cell in row):
                entries.append(_entry(path, line, columns, row, problems))
                entries.lines.append(line)
            line = first_line + reader.line_num
    except csv.Error as error:
        problems.append(Problem(path, first_line + reader.line_num - 1, "", f"is not CSV: {error}"))
        return [], problems
    return entries, problems


def _decode(path: str, data: bytes) -> tuple[str, list[Problem]]:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return "", [Problem(path, line, "", 'is not UTF-8; save it as "CSV UTF-8"')]
    if "\0" in text:
        return "", [Problem(path, text.count("\n", 0, text.index("\0")) + 1, "", "holds a NUL; it is no CSV text")]
    return text, []


def _columns(path: str, line: int, columns: list[str]) -> list[Problem]:
    if "id" not in columns or "endpoints" not in columns:
        wanted = ", ".join(FLOW_COLUMNS)
        return [Problem(path, line, "", f"has no header of a register of flows; the columns are: {wanted}")]
    problems = [
        Problem(path, line, name or "(empty)", "is no column of flows, and would be lost; rename or remove it")
        for name in columns
        if name not in FLOW_COLUMNS
    ]
    doubled = sorted({name for name in columns if columns.count(name) > 1})
    return problems + [Problem(path, line, name, "is the name of two columns") for name in doubled]


def _entry(path: str, line: int, columns: list[str], row: list[str], problems: list[Problem]) -> Entry:
    entry = Entry(line)
    name = row[columns.index("id")].strip() or f"line {line}"
    if any(cell.strip() for cell in row[len(columns) :]):
        problems.append(Problem(path, line, name, "has more cells than columns; quote what holds commas"))
    for column, raw in zip(columns, row):
        cell = raw.strip()
        if cell.startswith("'"):
            cell = cell[1:]  # the guard that writing puts there
        elif cell.startswith(_FORMULA):
            message = "begins like a formula; write the text itself, or an apostrophe before it"
            problems.append(Problem(path, line, f"{name}.{column}", message))
            continue
        if not cell:
            continue
        if _SPREADSHEET_MADE.search(cell):
            message = f"{cell!r} was made by a spreadsheet; format the column as text and enter it again"
            problems.append(Problem(path, line, f"{name}.{column}", message))
            continue
        _put(entry, line, column, _value(column, cell, line))
    return entry


def _value(column: str, cell: str, line: int) -> t.Any:
    if column in _LISTS:
        items = Items(line)
        items += [item for item in map(str.strip, re.split(r"[|\n]", cell)) if item]
        items.lines += [line] * len(items)
        return items
    if column in _WORDS:
        cell = cell.lower()
    return _TRUTH.get(cell, cell) if column == "managed" else cell


def _put(entry: Entry, line: int, column: str, value: t.Any) -> None:
    outer, dot, inner = column.partition(".")
    entry.lines.setdefault(outer, line)
    if dot:
        entry = entry.setdefault(outer, Entry(line))
        entry.lines[inner] = line
    entry[inner or outer] = value


# --- writing ----------------------------------------------------------------------------------------------------


def csv_of(kind: str, entries: t.Iterable[Entry]) -> t.Iterator[str]:
    """A register as CSV, a row at a time, defused; see :func:`..spreadsheet.table`."""
    return table(COLUMNS[kind], (_row(COLUMNS[kind], entry) for entry in entries))


def lost(flows: t.Iterable[Entry]) -> list[Problem]:
    """What would not come back from the CSV of these flows, found by reading each row again."""
    found = []
    for flow in flows:
        row = _row(FLOW_COLUMNS, flow)
        refused: list[Problem] = []
        cells = [guarded(row.get(column)) for column in FLOW_COLUMNS]
        back = _entry(flow.file, flow.line, list(FLOW_COLUMNS), cells, refused)
        for key, value in flow.items():
            if value != back.get(key) and value != []:
                message = "does not come back from a table as it is"
                found.append(Problem(flow.file, flow.lines.get(key, flow.line), f"{flow['id']}.{key}", message))
    return found


def comments(path: str, text: str) -> list[Problem]:
    """Lines of a YAML file that are comments, which no table holds. What tells editors the schema is none."""
    lines = [number for number, line in enumerate(text.splitlines(), 1) if _COMMENT.match(line)]
    return (
        [Problem(path, lines[0], "", f"{plural(len(lines), 'comment line')} would not be in the table")]
        if lines
        else []
    )


def _row(columns: t.Iterable[str], entry: Entry) -> dict[str, str]:
    cells = {}
    for column in columns:
        outer, dot, inner = column.partition(".")
        value = entry.get(outer)
        if dot and value is not None:
            value = value.get(inner)
        if value is not None:
            cells[column] = _cell(value)
    return cells


def _cell(value: t.Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return _SEPARATOR.join(map(_cell, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_cell(item)}" for key, item in value.items())
    return str(value)
