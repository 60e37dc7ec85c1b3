# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""main.cf and master.cf as Postfix reads them, byte for byte (postconf(5), master(5); readlline.c, master_ent.c).

Both files are logical lines: a line that begins with white space goes on with the one before it, and neither comments
nor empty lines between them end it. Nothing is rewritten here: places are offsets into the bytes of the file.
"""

from __future__ import annotations

import re
import typing as t

from ...errors import ConfigurationError

#: What isspace(3) takes for white space in the C locale.
SPACE = b" \t\n\v\f\r"

#: A name, whether "=" follows, and what stands before the value. It matches everywhere.
_NAME = re.compile(rb"([^\s=]*)\s*(=?)\s*")

#: service, type, private, unprivileged, chroot, wakeup, maxproc, command (master(5)).
_FIELDS = 8


def decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


class Logical:
    """One logical line. ``pieces`` are the spans of its physical lines without their ends, ``text`` is their sum."""

    __slots__ = ("line", "pieces", "text")

    def __init__(self, line: int) -> None:
        self.line = line
        self.pieces: list[tuple[int, int]] = []
        self.text = b""

    def spans(self, start: int, end: int) -> list[tuple[int, int]]:
        """Where ``text[start:end]`` stands in the file: one span for each physical line it touches."""
        found: list[tuple[int, int]] = []
        at = 0
        for first, last in self.pieces:
            size = last - first
            low, high = max(start - at, 0), min(end - at, size)
            if low < high or (start == end and 0 <= start - at <= size and not found):
                found.append((first + low, first + max(low, high)))
            at += size
        return found


class Assignment:
    """``name = value`` in main.cf, or ``-o name=value`` in master.cf.

    ``start`` and ``end`` are the value's place in ``logical.text``. ``planned`` is what a plan puts in its place,
    ``is_new`` whether it stands in no file yet.
    """

    __slots__ = (
        "braced",
        "check",
        "end",
        "is_new",
        "logical",
        "name",
        "path",
        "planned",
        "reason",
        "service",
        "start",
        "value",
    )

    def __init__(self, path: str, logical: Logical, name: str, start: int, end: int, service: str = "") -> None:
        self.path, self.logical, self.name = path, logical, name
        self.start, self.end, self.service = start, end, service
        self.value = decode(logical.text[start:end])
        self.braced = self.is_new = False
        self.planned: str | None = None
        self.check = self.reason = ""

    @property
    def current(self) -> str:
        return self.value if self.planned is None else self.planned

    @property
    def line(self) -> int:
        return self.logical.line

    @property
    def text(self) -> str:
        """For people."""
        value = " ".join(self.value.split())
        return f"{self.service}: -o {self.name}={value}" if self.service else f"{self.name} = {value}"


class Service:
    """One service of master.cf. ``stray`` are arguments the daemon does not expect, as places in ``logical.text``."""

    __slots__ = ("command", "logical", "name", "options", "path", "stray", "type")

    def __init__(self, path: str, logical: Logical, name: str, kind: str, command: str) -> None:
        self.path, self.logical = path, logical
        self.name, self.type, self.command = name, kind, command
        self.options: list[Assignment] = []
        self.stray: list[tuple[int, int]] = []

    @property
    def label(self) -> str:
        return f"{self.name}/{self.type}"

    @property
    def line(self) -> int:
        return self.logical.line


class Tree(t.NamedTuple):
    """The parse of one file: ``parameters`` of a main.cf, ``services`` of a master.cf."""

    path: str
    data: bytes
    parameters: tuple[Assignment, ...]
    services: tuple[Service, ...]


def logical_lines(path: str, data: bytes) -> list[Logical]:
    """Logical lines in order. Lines that continue nothing are left out, as Postfix ignores them with a warning."""
    found: list[Logical] = []
    at = number = 0
    current: Logical | None = None
    for raw in data.splitlines(keepends=True) if b"\r" not in data else _lines(data):
        number += 1
        start, at = at, at + len(raw)
        if b"\0" in raw:
            raise ConfigurationError(path, number, raw.index(b"\0") + 1, "a NUL byte, at which Postfix stops reading")
        if not raw.strip(SPACE) or raw.lstrip(SPACE).startswith(b"#"):
            continue
        if raw[:1] not in (b" ", b"\t", b"\v", b"\f", b"\r"):
            current = Logical(number)
            found.append(current)
        if current is not None:
            current.pieces.append((start, at - raw.endswith(b"\n")))
    for one in found:
        one.text = b"".join(data[start:end] for start, end in one.pieces)
    return found


def _lines(data: bytes) -> list[bytes]:
    """Only a line feed ends a line: bytes.splitlines() would also split at a carriage return."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def parse_main(path: str, data: bytes) -> Tree:
    """Raises ConfigurationError naming file, line and column where Postfix would refuse to start."""
    found: list[Assignment] = []
    for logical in logical_lines(path, data):
        match = t.cast("t.Match[bytes]", _NAME.match(logical.text))
        if not match.group(1):
            raise ConfigurationError(path, logical.line, 1, 'the name of a parameter is missing before "="')
        if not match.group(2):
            column = match.end(1) + 1
            name = decode(match.group(1))
            raise ConfigurationError(path, logical.line, column, f'"=" is missing after "{name}"')
        end = len(logical.text.rstrip(SPACE))
        found.append(Assignment(path, logical, decode(match.group(1)), min(match.end(), end), end))
    return Tree(path, data, tuple(found), ())


def parse_master(path: str, data: bytes) -> Tree:
    """Raises ConfigurationError as :func:`parse_main`."""
    return Tree(path, data, (), tuple(_service(path, logical) for logical in logical_lines(path, data)))


def _service(path: str, logical: Logical) -> Service:
    words = list(_words(logical.text))
    if len(words) < _FIELDS:
        names = "service type private unpriv chroot wakeup maxproc command"
        message = f"{len(words)} fields, and a service has at least {_FIELDS}: {names}"
        raise ConfigurationError(path, logical.line, 1, message)
    text = logical.text
    name, kind, command = (decode(text[slice(*words[number])]) for number in (0, 1, 7))
    service = Service(path, logical, name, kind, command)
    arguments = iter(words[_FIELDS:])
    for start, end in arguments:
        word = text[start:end]
        if word == b"-o":
            place = next(arguments, None)
            if place is None:
                raise ConfigurationError(path, logical.line, 1, f"{service.label}: -o at the end names no parameter")
            service.options.append(_option(path, logical, service, *place))
        elif word.startswith(b"-o"):
            service.options.append(_option(path, logical, service, start + 2, end))
        elif not word.startswith(b"-"):
            service.stray.append((start, end))
    return service


def _words(text: bytes) -> t.Iterator[tuple[int, int]]:
    """Words as mystrtokq(3) finds them: white space within braces does not separate."""
    at, size = 0, len(text)
    while True:
        while at < size and text[at] in SPACE:
            at += 1
        if at == size:
            return
        start, depth = at, 0
        while at < size and (depth or text[at] not in SPACE):
            depth += (text[at] == 0x7B) - (depth > 0 and text[at] == 0x7D)  # { }
            at += 1
        yield start, at


def _option(path: str, logical: Logical, service: Service, start: int, end: int) -> Assignment:
    text = logical.text
    braced = text[start : start + 1] == b"{"
    if braced:
        if text[end - 1 : end] != b"}":
            raise ConfigurationError(path, logical.line, 1, f'{service.label}: "{{" of an option is never closed')
        start, end = start + 1, end - 1
    while start < end and text[start] in SPACE:
        start += 1
    while end > start and text[end - 1] in SPACE:
        end -= 1
    match = t.cast("t.Match[bytes]", _NAME.match(text, start, end))
    if not match.group(1) or not match.group(2):
        word = decode(text[start:end])
        raise ConfigurationError(path, logical.line, 1, f'{service.label}: "-o {word}" is not of the form name=value')
    option = Assignment(path, logical, decode(match.group(1)), min(match.end(), end), end, service.label)
    option.braced = braced
    return option
