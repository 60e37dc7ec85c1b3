# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files of ``name = value`` lines, lossless: what the libraries of a host read, in the dialects they have of it.

Nothing is ever rendered from a tree: an edit replaces a span of bytes, so whatever is not edited cannot change. The
dialects differ in comments, in how a line goes on, and in what separates name and value; :class:`Style` says how.
"""

from __future__ import annotations

import re
import typing as t
from bisect import bisect_right

from ...errors import ConfigurationError
from ..contract import Document, Provenance
from ..text import edit_documents

if t.TYPE_CHECKING:
    from ..contract import Edit

_SPACE = b" \t\r\n\v\f"
_BOM = b"\xef\xbb\xbf"


class Style(t.NamedTuple):
    """One dialect.

    ``blank`` is its white space; ``comment`` matches what begins a comment in the middle of a line (outside quotes),
    ``note`` at its beginning; ``goes_on`` tells whether a backslash at the end joins lines, ``sections`` whether
    ``[name]`` opens one, ``quotes`` whether quotes and backslashes hide a comment; ``name`` and ``separator`` are
    patterns of what is before a value.
    """

    blank: bytes
    comment: bytes
    note: bytes
    goes_on: bool
    sections: bool
    quotes: bool
    name: bytes
    separator: bytes


#: In a file of properties: how a line goes on in the next one, and what is as good as a blank.
_JOINT = rb"\\(?:\r\n?|\n)[ \t\f]*"
_GAP = rb"(?:[ \t\f]|%b)" % _JOINT

#: config(5) of OpenSSL, and its conf_def.c and conf_def.h.
OPENSSL = Style(b" \t\r\n", b"#", b"#", True, True, True, rb"(?:\\.|[^=\\])*", rb"=")
#: inih as GnuTLS builds it: a semicolon after white space begins a comment in a line, both signs at its beginning.
GNUTLS = Style(_SPACE, rb"[ \t];", b"#;", False, True, False, rb"[^=:]*", rb"[=:]")
#: java.util.Properties, method load.
JAVA = Style(
    b" \t\r\n\f",
    b"",
    b"#!",
    True,
    False,
    False,
    rb"(?:%b|\\.|[^\\ \t\f=:])*" % _JOINT,
    rb"%b*[=:]%b*|%b+" % ((_GAP,) * 3),
)
#: crypto-policies(7), policy definition format.
POLICY = Style(_SPACE, b"#", b"#", True, False, False, rb"[^=]*", rb"=")
#: sshd_config(5) and ssh_config(5): words, with or without an equals sign.
OPENSSH = Style(_SPACE, rb"[ \t]#", b"#", False, False, False, rb"[A-Za-z0-9]+", rb"=|")
#: Text without settings: only its bytes are of interest.
PLAIN = Style(_SPACE, b"", b"", False, False, False, b"", b"")

#: What ends a line of a file of properties.
_JAVA_LINE = re.compile(rb"\r\n?|\n")
_JAVA_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_JAVA_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


class Entry:
    """One logical line that says something: a setting, the head of a section, or a directive that begins with a dot.

    ``section`` is the one it stands in, empty before the first; ``explicit`` when the line itself names it. ``value``
    is as written, continued lines joined, quotes kept (of Java what the escapes stand for). It stands at
    ``data[first:last]``; ``bare`` tells that nothing separates it from the name. A head has no name, and its section as
    value. ``data[start:end]`` is the line without indentation and line end, ``data[start:next]`` with its line end.
    """

    __slots__ = (
        "bare",
        "end",
        "explicit",
        "first",
        "is_head",
        "last",
        "name",
        "next",
        "section",
        "start",
        "tree",
        "value",
    )

    def __init__(
        self, tree: Tree, span: tuple[int, int, int], section: str, name: str, value: str, is_head: bool = False
    ) -> None:
        self.tree = tree
        self.start, self.end, self.next = span
        self.section, self.name, self.value = section, name, value
        self.first, self.last = self.end, self.end
        self.explicit = self.bare = False
        self.is_head = is_head

    @property
    def line(self) -> int:
        return self.tree.position(self.start)[0]

    @property
    def place(self) -> Provenance:
        return Provenance(self.tree.path, self.line, self.text)

    @property
    def text(self) -> str:
        """The setting on one line."""
        return f"[{self.value}]" if self.is_head else f"{self.name} = {self.value}"


class Tree:
    """One parsed file. ``outside`` is what its reader saw around it: the parser leaves it empty."""

    __slots__ = ("_lines", "data", "entries", "outside", "path", "style")

    def __init__(self, path: str, data: bytes, style: Style) -> None:
        self.path, self.data, self.style = path, data, style
        self.entries: list[Entry] = []
        self.outside: dict[str, t.Any] = {}
        self._lines: list[int] | None = None

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column (in bytes) of an offset, both from 1."""
        if self._lines is None:
            self._lines = [0, *(match.end() for match in re.finditer(rb"\n", self.data))]
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def error(self, offset: int, message: str) -> ConfigurationError:
        return ConfigurationError(self.path, *self.position(offset), message)

    @property
    def line_end(self) -> bytes:
        """The line end this file uses."""
        return b"\r\n" if b"\r\n" in self.data else b"\n"

    def last(self, section: str) -> Entry | None:
        """The last line of a section: behind it a further setting belongs to the section too."""
        found = None
        for entry in self.entries:
            if entry.section == section or (entry.is_head and entry.value == section):
                found = entry
        return found


def parse(path: str, data: bytes, style: Style) -> Tree:
    """The tree of a file, in time linear in its size. Raises ConfigurationError naming file, line and column."""
    tree = Tree(path, data, style)
    if style is PLAIN:
        return tree
    section = ""
    at = len(_BOM) if data.startswith(_BOM) else 0
    while at < len(data):
        begin = at
        at, _dangling = _next(data, at, style)
        raw = data[begin:at]
        body = raw.lstrip(style.blank)
        start = begin + len(raw) - len(body)
        if not body or body[:1] in [style.note[i : i + 1] for i in range(len(style.note))]:
            continue
        end = start + len(_trimmed(_uncommented(body, style), style))
        if end == start or (style is JAVA and not _joined(data[start:end], style)):
            continue
        span = (start, end, at)
        if style.sections and data[start : start + 1] == b"[":
            close = data.find(b"]", start, end)
            if close < 0:
                raise tree.error(start, 'a section begins with "[" and has no "]"')
            section = _text(data[start + 1 : close].strip(style.blank))
            if style is OPENSSL and (not section or "\\" in section):
                raise tree.error(start, "a section without a name, or with a backslash in it, is not followed")
            tree.entries.append(Entry(tree, span, section, "", section, is_head=True))
            continue
        entry = _setting(tree, span, section, style)
        tree.entries.append(entry)
    return tree


#: An equals sign is optional (config(5), Directives).
_DIRECTIVE = re.compile(rb"(\.include|\.pragma)(?:[ \t\r\n]+=?|=)[ \t]*")


def _setting(tree: Tree, span: tuple[int, int, int], section: str, style: Style) -> Entry:
    start, end, _next_line = span
    data = tree.data
    line = data[start:end]
    separated = True
    found = _DIRECTIVE.match(line) if style is OPENSSL else None
    if found is not None:
        name = _text(found.group(1))
    else:
        named = re.compile(style.name, re.DOTALL).match(line)
        name = _joined(named.group(), style) if named else ""
        at = named.end() if named else 0
        found = re.compile(rb"[" + style.blank + rb"]*(?:" + style.separator + rb")[" + style.blank + rb"]*").match(
            line, at
        )
        separated = found is not None and found.end() > at
        if found is None and style is not JAVA:
            raise tree.error(start, f'"{_text(line)}" is no setting: there is no "="')
        found = found or named
    if style is not JAVA and (not name or (style is OPENSSL and re.search(r"[\\\"'`]", name))):
        raise tree.error(start, f'"{_text(line)}" is no setting: there is no name, or one with quotes or a backslash')
    first = start + (found.end() if found else 0)
    value = _joined(data[first:end], style)
    if style is JAVA:
        name, value = _meant(tree, start, name), _meant(tree, start, value)
    explicit = style is OPENSSL and "::" in name
    if explicit:
        # section::name, wherever it stands (config(5), Settings).
        section, _colons, name = (part.strip() for part in name.partition("::"))
        if not section or not name:
            raise tree.error(start, f'"{_text(line)}" is no setting: the name or that of its section is missing')
    entry = Entry(tree, span, section, name, value)
    entry.first, entry.explicit, entry.bare = min(first, end), explicit, not separated or first > end
    return entry


def _meant(tree: Tree, offset: int, text: str) -> str:
    """What the escapes in a name or value of a property stand for."""

    def one(match: re.Match[str]) -> str:
        code = match.group(1)
        if code == "u":
            # The whole runtime would not read the file.
            raise tree.error(offset, "\\u is not followed by four hexadecimal digits")
        return chr(int(code[1:], 16)) if len(code) > 1 else _JAVA_CONTROLS.get(code, code)

    return _JAVA_ESCAPE.sub(one, text)


def _next(data: bytes, at: int, style: Style) -> tuple[int, bool]:
    """Where the next logical line begins, and whether this one wanted to go on where the file ends."""
    # Of Java and the policies no comment goes on, but a line that went on is none, whatever it begins with.
    _natural, after = _line(data, at, style)
    if style in (JAVA, POLICY) and data[at:after].lstrip(style.blank)[:1] in (b"#", b"!"):
        return after, False
    while True:
        end, after = _line(data, at, style)
        if not _goes_on(data[at:end], style):
            return after, False
        if after == len(data):
            return after, True
        at = after


def _line(data: bytes, at: int, style: Style) -> tuple[int, int]:
    """Where a line ends, and where the next one begins; the same at the end of a file whose last line has no end."""
    if style is JAVA:
        found = _JAVA_LINE.search(data, at)
        return found.span() if found else (len(data), len(data))
    end = data.find(b"\n", at)
    return (len(data), len(data)) if end < 0 else (end, end + 1)


def _goes_on(line: bytes, style: Style) -> bool:
    """Whether the line goes on in the next one."""
    line = line.rstrip(b"\r")
    if not style.goes_on:
        return False
    if style is OPENSSL:
        # A backslash behind another one joins nothing, however many there are (conf_def.c).
        return line.endswith(b"\\") and not line.endswith(b"\\\\")
    return (len(line) - len(line.rstrip(b"\\"))) % 2 == 1


#: What hides a comment in OpenSSL's lines, and what begins one. A quote that is never closed hides all that follows.
_QUOTED = re.compile(rb"\\.|([\"'`])(?:\\.|(?!\1)[^\\])*(?:\1|\\?\Z)|#", re.DOTALL)


def _uncommented(body: bytes, style: Style) -> bytes:
    """A logical line up to the comment in it."""
    if not style.comment:
        return body
    if not style.quotes:
        found = re.search(style.comment, body)
        return body[: found.start()] if found else body
    for match in _QUOTED.finditer(body):
        if match.group() == b"#":
            return body[: match.start()]
    return body


_JOINED_LINES = re.compile(rb"(?<!\\)\\\r*\n")
_JOINED = re.compile(rb"(?<!\\)\\(?:\r*\n|\Z)").match


def _trimmed(line: bytes, style: Style) -> bytes:
    """A logical line without the blanks at its end, and without lines of nothing else that it goes on in."""
    end = len(line)
    while True:
        while end and line[end - 1] in style.blank:
            end -= 1
        if style is JAVA:
            # A backslash keeps the blank behind it.
            found = line[:end]
            kept = (end - len(found.rstrip(b"\\"))) % 2 and line[end : end + 1] not in (b"", b"\r", b"\n")
            return line[: end + 1] if kept else found
        if not (style.goes_on and end and _JOINED(line, end - 1)):
            return line[:end]
        end -= 1


def _joined(raw: bytes, style: Style) -> str:
    """A value without the line ends in it. In Java the white space a line goes on with is none of the value's."""
    if style is JAVA:
        return _text(re.sub(rb"(\\\\)|%b|\\\Z" % _JOINT, lambda match: match.group(1) or b"", raw))
    if style.goes_on:
        raw = _JOINED_LINES.sub(b"", raw)
    return _text(raw.strip(style.blank))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def document(path: str, data: bytes, style: Style) -> Document:
    """A file as a document of a stack."""
    return Document(path, data, parse(path, data, style))


def edited(documents: t.Sequence[Document], edits: t.Sequence[Edit]) -> list[Document]:
    """The documents as they would be read after the edits. Which files there are, no edit of ours to one changes."""

    def parsed(path: str, data: bytes, old: Document | None) -> Document:
        if old is None:
            kinds = {".pmod": POLICY, ".cnf": OPENSSL, ".config": PLAIN, ".conf": OPENSSH}
            style = next((kind for end, kind in kinds.items() if path.endswith(end)), GNUTLS)
            return document(path, data, style)
        found = document(path, data, old.tree.style)
        found.tree.outside.update(old.tree.outside)
        return found

    return edit_documents(documents, edits, parsed)


def value(entry: Entry, text: str) -> tuple[int, int, bytes]:
    """The span that gives a setting another value. A comment behind it stays."""
    return entry.first, entry.last, _bytes("=" + text if entry.bare else text)


def behind(entry: Entry, lines: t.Sequence[str]) -> tuple[int, int, bytes]:
    """The span that puts lines behind one."""
    return _after(entry.tree, entry.next, lines)


def at_top(tree: Tree, lines: t.Sequence[str]) -> tuple[int, int, bytes]:
    """The span that puts lines before all others."""
    at = len(_BOM) if tree.data.startswith(_BOM) else 0
    return at, at, b"".join(_bytes(line) + tree.line_end for line in lines)


def at_end(tree: Tree, lines: t.Sequence[str]) -> tuple[int, int, bytes]:
    """The span that puts lines behind all others."""
    return _after(tree, len(tree.data), lines)


def _after(tree: Tree, at: int, lines: t.Sequence[str]) -> tuple[int, int, bytes]:
    """The span that puts lines where a line ends. The last one of a file may have no end, and may want to go on."""
    before, line_end = tree.data[:at], tree.line_end
    gap = b"" if before.endswith(b"\n") or before in (b"", _BOM) else line_end
    end, dangling = len(_BOM) if before.startswith(_BOM) else 0, False
    while end < at:
        end, dangling = _next(before, end, tree.style)
    if dangling:
        gap += line_end
    return at, at, gap + b"".join(_bytes(line) + line_end for line in lines)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
