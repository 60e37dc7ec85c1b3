# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The grammar of HAProxy's files, lossless: lines of words as byte spans over the file as it is.

Nothing is ever rendered: an edit replaces a span of bytes, so whatever is not edited cannot change. Quotes, escapes and
variables are those of the configuration manual, sections 2.2 and 2.3 (``parse_line`` in ``src/tools.c``); lines of
macros (``.if``, section 2.4) are kept as they are, and the lines between them are marked as conditional.
"""

from __future__ import annotations

import re
import typing as t
from bisect import bisect_right

from ...errors import ConfigurationError
from ..host import decode
from ..redact import MARK

#: Words that begin a section (manual, section 2.1 and those of later versions).
SECTIONS = frozenset(
    [
        *("acme", "backend", "cache", "crt-store", "defaults", "dynamic-update", "fcgi-app", "frontend", "global"),
        *("http-errors", "listen", "log-forward", "log-profile", "mailers", "peers", "program", "resolvers", "ring"),
        *("traces", "userlist"),
    ]
)

_PASSWORDS = frozenset(["ca-sign-pass", "dynamic-cookie-key", "insecure-password", "password", "tcp-md5sig"])

_BLANK = b" \t\r\v\f"
#: A piece of a word: what quotes and escapes do to it is decided by its first byte.
_piece = re.compile(
    rb"(?P<plain>[^\s\"'\\#]+)|(?P<escape>\\(?:x[0-9a-fA-F]{2}|.))|\"(?P<weak>(?:[^\"\\]|\\.)*)\"|'(?P<strong>[^']*)'"
    rb"|(?P<lone>\\)",
    re.DOTALL,
).match
_variable = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))|\$(?:\{(\w+|\.\w+)(\[\*\])?(?:-([^}]*))?\}|(\w+))", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}
#: What an escape stands for outside quotes; a backslash before anything else is a backslash.
_ESCAPED = b" \\#\"'"
_entry = re.compile(rb"\[|\]|[^\s\[\]]+")


class Word(t.NamedTuple):
    """A word with its quotes: its span, and its value as HAProxy sees it; None when it holds an unknown variable."""

    start: int
    end: int
    value: str | None

    @property
    def text(self) -> str:
        return self.value or ""


class Section(t.NamedTuple):
    """A section: the word that begins it, its name, and the named defaults it takes (``from``), empty when none."""

    kind: str
    name: str
    parent: str


class Line:
    """A line with words. ``conditional`` tells whether a macro decides at the start of HAProxy if it counts."""

    __slots__ = ("conditional", "section", "start", "tree", "words")

    def __init__(self, tree: Tree, words: list[Word], section: Section, conditional: bool) -> None:
        self.tree, self.words, self.section, self.conditional = tree, words, section, conditional
        self.start = words[0].start

    @property
    def name(self) -> str:
        return self.words[0].text

    @property
    def args(self) -> list[str]:
        return [word.text for word in self.words[1:]]

    @property
    def end(self) -> int:
        return self.words[-1].end

    @property
    def line(self) -> int:
        return self.tree.position(self.start)[0]

    def passwords(self) -> list[Word]:
        """Words that are passwords by the word before them, on lines whose other words matter for TLS."""
        return [word for before, word in zip(self.words, self.words[1:]) if before.text in _PASSWORDS]

    @property
    def text(self) -> str:
        """The line without its comment, fit to be shown."""
        at = self.start
        pieces: list[bytes] = []
        for word in self.passwords():
            pieces += (self.tree.data[at : word.start], MARK.encode("ascii"))
            at = word.end
        pieces.append(self.tree.data[at : self.end])
        return " ".join(b"".join(pieces).decode("utf-8", "replace").split())


class Tree:
    """A parsed file: a configuration, or a list of certificates (``crt-list``).

    What the reader saw around the main file is kept here. ``loads`` tells of each certificate whether it loads at
    OpenSSL's security level 2, None when that is not known, and only where a cipher list lowers the level; ``folders``
    names the files of folders that are given for a certificate, ``lists`` the file that a name of a ``crt-list`` leads
    to, and ``keys`` are files of keys beside certificates.
    """

    __slots__ = ("_starts", "crt_list", "data", "environment", "folders", "keys", "lines", "lists", "loads", "path")

    def __init__(self, path: str, data: bytes, crt_list: bool) -> None:
        self.path, self.data, self.crt_list = path, data, crt_list
        self.lines: list[Line] = []
        self.loads: dict[str, bool | None] = {}
        self.folders: dict[str, tuple[str, ...]] = {}
        self.lists: dict[str, str] = {}
        self.keys: frozenset[str] = frozenset()
        self.environment: dict[str, str] = {}
        self._starts: list[int] | None = None

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column (in bytes) of an offset, both from 1."""
        if self._starts is None:
            self._starts = [0, *(match.end() for match in re.finditer(rb"\n", self.data))]
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def error(self, offset: int, message: str) -> ConfigurationError:
        return ConfigurationError(self.path, *self.position(offset), message)


def parse(path: str, data: bytes, environment: t.Mapping[str, str] | None = None) -> Tree:
    """Parse a configuration file. ``environment`` is that of the daemon; what the file sets itself is added to it.

    Raises ConfigurationError for quotes that are never closed and for macros that do not match: HAProxy refuses both.
    """
    tree = Tree(path, data, crt_list=False)
    tree.environment.update(environment or {})
    section = Section("", "", "")
    macros: list[Word] = []
    offset = 0
    for raw in data.split(b"\n"):
        words = list(_words(tree, offset, offset + len(raw)))
        offset += len(raw) + 1
        if not words:
            continue
        name, args = words[0].text, [word.text for word in words[1:]]
        if name.startswith("."):
            if name == ".if":
                macros.append(words[0])
            elif name in (".elif", ".else", ".endif") and not macros:
                raise tree.error(words[0].start, f'"{name}" without ".if" before it')
            elif name == ".endif":
                macros.pop()
            continue
        if name in SECTIONS:
            named = args[0] if args and args[0] != "from" else ""
            parent = args[args.index("from") + 1] if "from" in args[:-1] else ""
            section = Section(name, named, parent)
        elif name == "setenv" and len(args) > 1:
            tree.environment[args[0]] = args[1]
        elif name == "presetenv" and len(args) > 1:
            tree.environment.setdefault(args[0], args[1])
        tree.lines.append(Line(tree, words, section, bool(macros)))
    if macros:
        raise tree.error(macros[-1].start, 'this ".if" is never closed: ".endif" is missing')
    return tree


def parse_crt_list(path: str, data: bytes) -> Tree:
    """Parse a list of certificates: ``file [options] names...`` on each line, ``[`` and ``]`` as words of their own.

    Raises ConfigurationError for brackets that do not match.
    """
    tree = Tree(path, data, crt_list=True)
    offset = 0
    for raw in data.split(b"\n"):
        if raw.strip(_BLANK) and not raw.lstrip(_BLANK).startswith(b"#"):
            found = _entry.finditer(raw)
            words = [Word(offset + one.start(), offset + one.end(), decode(one.group())) for one in found]
            signs = [word for word in words if word.text in ("[", "]")]
            if [word.text for word in signs] not in ([], ["[", "]"]):
                raise tree.error(signs[0].start, "options of a certificate stand once, between [ and ]")
            tree.lines.append(Line(tree, words, Section("crt-list", "", ""), conditional=False))
        offset += len(raw) + 1
    return tree


def _words(tree: Tree, at: int, end: int) -> t.Iterator[Word]:
    """The words of one line, up to its comment."""
    data = tree.data
    while at < end:
        if data[at : at + 1] in (b" ", b"\t", b"\r", b"\v", b"\f"):
            at += 1
            continue
        if data[at : at + 1] == b"#":
            return
        start, value, known, unfolded = at, b"", True, False
        while at < end:
            match = _piece(data, at, end)
            if match is None:
                break
            at = match.end()
            if match.lastgroup == "weak":
                more = _weak(match.group("weak"), tree.environment)
                known = known and more is not None
                value += more or b""
                unfolded = unfolded or b"[*]}" in match.group("weak")
            elif match.lastgroup == "escape":
                value += _escaped(match.group("escape"))
            else:
                value += match.group("strong") if match.lastgroup == "strong" else match.group()
        if at < end and data[at : at + 1] in (b'"', b"'"):
            raise tree.error(at, "the quote that opens here is never closed")
        yield Word(start, at, decode(value) if known and not unfolded else None)


def _escaped(escape: bytes) -> bytes:
    second = escape[1:]
    if len(second) == 3:
        return bytes([int(second[1:], 16)])
    return _ESCAPES.get(second, second if second in _ESCAPED else escape)


def _weak(quoted: bytes, environment: t.Mapping[str, str]) -> bytes | None:
    """What stands between double quotes: escapes, and variables, None when one is not known."""
    missing = False

    def replaced(match: re.Match[bytes]) -> bytes:
        nonlocal missing
        if match.group(2) == b"$":
            return b"$"
        if match.group(1) or match.group(2):
            return _escaped(match.group())
        name = decode(match.group(3) or match.group(6))
        if name in environment:
            return environment[name].encode("utf-8", "surrogateescape")
        missing = missing or match.group(5) is None
        return match.group(5) or b""

    value = _variable.sub(replaced, quoted)
    return None if missing else value
