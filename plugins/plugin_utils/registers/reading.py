# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""YAML of registers as plain data that remembers its lines.

A small part of YAML 1.2: one document of mappings, sequences, texts, whole numbers and booleans. Dates stay text, and
``no`` is a text too. What lets a small file grow or a key mean two things is refused: aliases, tags, merge keys, and
keys given twice. Built from parser events: composing nodes first takes six times as long.
"""

from __future__ import annotations

import os
import re
import stat
import typing as t

import yaml
from yaml import events

from .problems import Problem

#: Largest file that is read, in bytes; 10,000 flows take 4 MB.
LARGEST = 16 << 20
#: Deepest nesting; the registers themselves have six levels.
DEEPEST = 16

#: libyaml where PyYAML was built with it, eight times as fast.
_Loader: t.Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


class Entry(t.Dict[str, t.Any]):
    """A mapping; ``line`` is where it begins, ``lines`` has the line of each key. An entry of a register has its
    ``file`` as well."""

    __slots__ = ("file", "line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.file = ""
        self.line = line
        self.lines: dict[str, int] = {}


class Items(t.List[t.Any]):
    """A sequence; ``line`` is where it begins, ``lines`` has the line of each item."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


class _Refused(Exception):
    """The rest of the file cannot be understood after this."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def read(path: str) -> tuple[bytes, list[Problem]]:
    """The bytes of a file that may be a register; too large or unreadable files are a problem and give none."""
    try:
        # A pipe or a device would be waited for, or never end.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return b"", [Problem(path, 0, "", "is not a regular file")]
            data = file.read(LARGEST + 1)
    except OSError as error:
        return b"", [Problem(path, 0, "", f"cannot be read: {error.strerror}")]
    if len(data) > LARGEST:
        return b"", [Problem(path, 0, "", f"is larger than {LARGEST >> 20} MiB; split the register into several files")]
    return data, []


def decode(path: str, data: bytes) -> tuple[str, list[Problem]]:
    """Text of UTF-8 with or without a byte order mark."""
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return "", [Problem(path, line, "", "is not UTF-8 text; save it as UTF-8")]


def parse(path: str, text: str) -> tuple[t.Any, list[Problem]]:
    """The document as :class:`Entry`, :class:`Items` and scalars, and what is wrong with it as YAML.

    With problems that leave the document in doubt it is None; keys given twice are told, and the first one counts.
    """
    problems: list[Problem] = []
    try:
        value = _build(_Loader(text), path, problems)
    except _Refused as error:
        return None, [*problems, Problem(path, error.line, "", str(error))]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None, [*problems, Problem(path, mark.line + 1 if mark else 0, "", f"is not YAML: {error.problem}")]
    except yaml.YAMLError as error:
        return None, [*problems, Problem(path, 0, "", f"is not YAML: {error}")]
    return value, problems


def _build(parser: t.Any, path: str, problems: list[Problem]) -> t.Any:
    """All events in one loop, without recursion: neither depth nor size of the file can exhaust anything."""
    next_event = parser.get_event
    stack: list[t.Any] = []
    keys: list[str | None] = []  # for each mapping on the stack, the key that waits for its value
    result: t.Any = None
    documents = 0
    while True:
        event = next_event()
        kind = type(event)
        if kind is events.ScalarEvent:
            line = event.start_mark.line + 1
            if event.tag is not None and event.tag != "!":
                raise _Refused(line, f"tag {event.tag!r} has no meaning here; write plain values")
            value = event.value
            if event.implicit[0]:  # plain, not quoted
                if value in _WORDS:
                    value = _WORDS[value]
                elif _INTEGER.match(value):
                    value = int(value)
            if event.anchor is not None:
                raise _Refused(line, "anchors and aliases are not allowed in a register; write the value out")
        elif kind in (events.MappingStartEvent, events.SequenceStartEvent):
            line = event.start_mark.line + 1
            if event.anchor is not None:
                raise _Refused(line, "anchors and aliases are not allowed in a register; write the value out")
            if event.tag is not None:
                raise _Refused(line, f"tag {event.tag!r} has no meaning here; write plain values")
            if len(stack) == DEEPEST:
                raise _Refused(line, f"is nested deeper than {DEEPEST} levels")
            value = Entry(line) if kind is events.MappingStartEvent else Items(line)
        elif kind in (events.MappingEndEvent, events.SequenceEndEvent):
            if isinstance(stack.pop(), Entry):
                keys.pop()
            continue
        elif kind is events.AliasEvent:
            line = event.start_mark.line + 1
            raise _Refused(line, "anchors and aliases are not allowed in a register; write the value out")
        elif kind is events.DocumentStartEvent:
            documents += 1
            if documents > 1:
                raise _Refused(event.start_mark.line + 1, "a second document begins here; a register is one document")
            continue
        elif kind is events.StreamEndEvent:
            return result
        else:
            continue
        if not stack:
            result = value
        else:
            holder = stack[-1]
            if isinstance(holder, Items):
                holder.append(value)
                holder.lines.append(line)
            elif keys[-1] is None:
                if kind is not events.ScalarEvent:
                    raise _Refused(line, "a key must be a word")
                # What looks like a number or a boolean is a word when it is a key.
                keys[-1] = key = event.value
                if key == "<<":
                    raise _Refused(line, "merge keys ('<<') are not allowed in a register; write the keys out")
                if key in holder:
                    first = holder.lines[key]
                    problems.append(Problem(path, line, key, f"is given twice in one mapping, first in line {first}"))
                else:
                    holder.lines[key] = line
                continue
            else:
                # Of a key given twice the first value stays.
                holder.setdefault(keys[-1], value)
                keys[-1] = None
        if kind is not events.ScalarEvent:
            stack.append(value)
            if isinstance(value, Entry):
                keys.append(None)
