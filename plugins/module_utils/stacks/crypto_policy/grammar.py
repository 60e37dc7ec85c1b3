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

    ``comment`` matches what begins a comment in the middle of a line (outside quotes), ``note`` at its beginning;
    ``goes_on`` tells whether a backslash at the end joins lines, ``sections`` whether ``[name]`` opens one, ``quotes``
    whether quotes and backslashes hide a comment; ``name`` and ``separator`` are patterns of what is before a value.
    """

    comment: bytes
    note: bytes
    goes_on: bool
    sections: bool
    quotes: bool
    name: bytes
    separator: bytes


#: config(5) of OpenSSL.
OPENSSL = Style(b"#", b"#", True, True, True, rb"[^=]*", rb"=")
#: inih as GnuTLS builds it: a semicolon after white space begins a comment in a line, both signs at its beginning.
GNUTLS = Style(rb"[ \t];", b"#;", False, True, False, rb"[^=:]*", rb"[=:]")
#: java.util.Properties, method load.
JAVA = Style(b"", b"#!", True, False, False, rb"(?:\\.|[^\\\s=:])*", rb"[ \t\f]*[=:]|[ \t\f]+")
#: crypto-policies(7), policy definition format.
POLICY = Style(b"#", b"#", True, False, False, rb"[^=]*", rb"=")
#: sshd_config(5) and ssh_config(5): words, with or without an equals sign.
OPENSSH = Style(rb"[ \t]#", b"#", False, False, False, rb"[A-Za-z0-9]+", rb"=|")
#: Text without settings: only its bytes are of interest.
PLAIN = Style(b"", b"", False, False, False, b"", b"")


class Entry:
    """One logical line that says something: a setting, the head of a section, or a directive that begins with a dot.

    ``section`` is the one it stands in, empty before the first; ``explicit`` when the line itself names it. ``value``
    is as written, continued lines joined, quotes kept; it stands at ``data[first:last]``. A head has no name, and its
    section as value.
    ``data[start:end]`` is the line without indentation and line end, ``data[start:next]`` with its line end.
    """

    __slots__ = ("end", "explicit", "first", "last", "name", "next", "section", "start", "tree", "value")

    def __init__(self, tree: Tree, span: tuple[int, int, int], section: str, name: str, value: str) -> None:
        self.tree = tree
        self.start, self.end, self.next = span
        self.section, self.name, self.value = section, name, value
        self.first, self.last = self.end, self.end
        self.explicit = False

    @property
    def line(self) -> int:
        return self.tree.position(self.start)[0]

    @property
    def place(self) -> Provenance:
        return Provenance(self.tree.path, self.line, self.text)

    @property
    def text(self) -> str:
        """The setting on one line."""
        return f"{self.name} = {self.value}" if self.name else f"[{self.value}]"

    @property
    def is_head(self) -> bool:
        return not self.name


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
        begin, at = at, _next(data, at, style)
        raw = data[begin:at]
        body = raw.lstrip(_SPACE)
        start = begin + len(raw) - len(body)
        if not body or body[:1] in [style.note[i : i + 1] for i in range(len(style.note))]:
            continue
        end = start + len(_uncommented(body, style).rstrip(_SPACE))
        span = (start, end, at)
        if style.sections and data[start : start + 1] == b"[":
            close = data.find(b"]", start, end)
            if close < 0:
                raise tree.error(start, 'a section begins with "[" and has no "]"')
            section = _text(data[start + 1 : close]).strip()
            tree.entries.append(Entry(tree, span, section, "", section))
            continue
        entry = _setting(tree, span, section, style)
        tree.entries.append(entry)
    return tree


def _setting(tree: Tree, span: tuple[int, int, int], section: str, style: Style) -> Entry:
    start, end, _next_line = span
    data = tree.data
    line = data[start:end]
    if style is OPENSSL and line.startswith(b"."):
        # .include and .pragma; an equals sign is optional (config(5), Directives).
        found = re.match(rb"\.[a-z]+[ \t]*=?[ \t]*", line)
    else:
        found = re.match(style.name, line)
        separator = re.compile(rb"\s*(?:" + style.separator + rb")[ \t\f]*").match(line, found.end() if found else 0)
        if separator is None and style is not JAVA:
            raise tree.error(start, f'"{_text(line)}" is no setting: there is no "="')
        found = separator or found
    first = start + (found.end() if found else 0)
    name = _text(data[start:first]).strip().rstrip("=:").strip()
    explicit = style is OPENSSL and "::" in name
    if explicit:
        # section::name, wherever it stands (config(5), Settings).
        section, _colons, name = (part.strip() for part in name.partition("::"))
    entry = Entry(tree, span, section, name, _joined(data[first:end], style))
    entry.first, entry.explicit = min(first, end), explicit
    return entry


def _next(data: bytes, at: int, style: Style) -> int:
    """Where the next logical line begins."""
    while True:
        end = data.find(b"\n", at)
        if end < 0:
            return len(data)
        line = data[at:end].rstrip(b"\r")
        comment = line.lstrip(_SPACE)[:1] in (b"#", b"!") and style in (JAVA, POLICY)
        backslashes = len(line) - len(line.rstrip(b"\\"))
        if not style.goes_on or comment or backslashes % 2 == 0:
            return end + 1
        at = end + 1


def _uncommented(body: bytes, style: Style) -> bytes:
    """A logical line up to the comment in it."""
    if not style.comment:
        return body
    if not style.quotes:
        found = re.search(style.comment, body)
        return body[: found.start()] if found else body
    for match in re.finditer(rb"\\.|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|#", body, re.DOTALL):
        if match.group() == b"#":
            return body[: match.start()]
    return body


def _joined(raw: bytes, style: Style) -> str:
    """A value without the line ends in it. In Java the white space a line goes on with is none of the value's."""
    if style.goes_on:
        raw = re.sub(rb"\\\r?\n[ \t\f]*" if style is JAVA else rb"\\\r?\n", b"", raw)
    return _text(raw).strip()


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
    return entry.first, entry.last, text.encode("utf-8", "surrogateescape")


def behind(entry: Entry, lines: t.Sequence[str]) -> tuple[int, int, bytes]:
    """The span that puts lines behind one."""
    data, line_end = entry.tree.data, entry.tree.line_end
    text = b"".join(line.encode("utf-8", "surrogateescape") + line_end for line in lines)
    at = entry.next
    return at, at, text if data[at - 1 : at] == b"\n" else line_end + text


def at_top(tree: Tree, lines: t.Sequence[str]) -> tuple[int, int, bytes]:
    """The span that puts lines before all others."""
    at = len(_BOM) if tree.data.startswith(_BOM) else 0
    return at, at, b"".join(line.encode("utf-8", "surrogateescape") + tree.line_end for line in lines)


def at_end(tree: Tree, lines: t.Sequence[str]) -> tuple[int, int, bytes]:
    """The span that puts lines behind all others."""
    at = len(tree.data)
    text = b"".join(line.encode("utf-8", "surrogateescape") + tree.line_end for line in lines)
    return at, at, text if not at or tree.data.endswith(b"\n") else tree.line_end + text
