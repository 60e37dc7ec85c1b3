# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The grammar of Apache httpd configuration files, lossless: a tree of byte spans over the file as it is.

Nothing is ever rendered from the tree: an edit replaces a span of bytes, so whatever is not edited cannot change.
The rules are those of ``ap_cfg_getline`` and ``ap_getword_conf`` (``server/util.c``) and ``ap_build_config``
(``server/config.c``). One of them surprises most people: a line that ends in a backslash goes on in the next one, and
so does a comment, which swallows the directive below it.
"""

from __future__ import annotations

import re
import typing as t
from bisect import bisect_right

from ...errors import ConfigurationError

_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n\v\f"

#: A logical line with its line end. The backslash must be the last byte before the line end to continue the line.
_line = re.compile(rb"[^\n\\]*(?:\\(?:\r?\n)?[^\n\\]*)*\n?").match
_name = re.compile(rb"(?:[^ \t\r\n\v\f\\]|\\(?!\r?\n))*(?:[ \t\r\n\v\f]|\\\r?\n)*").match
_continuation = re.compile(rb"\\\r?\n")

_blank = re.compile(rb"(?:[ \t\r\n\v\f]|\\\r?\n)*").match

#: Sections whose body is another language: mod_perl and mod_lua read it themselves up to the closing tag.
_CODE = frozenset(("perl", "luaquickhandler"))


class Directive:
    """One directive, or one section with all in it.

    ``text`` is the logical line as httpd sees it: continued lines joined, without white space at its ends. ``name`` is
    in lower case, as httpd compares names, and without the ``<`` of a section. ``data[start:end]`` is the logical line
    without indentation and line end, ``data[start:next]`` with its line end; of a section that is the opening tag.
    ``children`` is None for a simple directive; ``close`` is where the line of a section's closing tag begins.
    """

    __slots__ = ("children", "close", "end", "name", "next", "start", "text", "tree")

    def __init__(self, tree: Tree, start: int, end: int, following: int, text: str) -> None:
        self.tree = tree
        self.start = start
        self.end = end
        self.next = following
        self.text = text
        self.name = split(text)[0]
        self.children: list[Directive] | None = [] if text.startswith("<") else None
        self.close = following

    @property
    def line(self) -> int:
        return self.tree.position(self.start)[0]

    @property
    def arguments(self) -> tuple[int, int]:
        """The span of everything behind the name."""
        match = _name(self.tree.data, self.start, self.end)
        return (match.end() if match else self.end), self.end


class Tree:
    """One parsed file.

    ``outside`` (main file only) is what the reader saw around the files, by question: the parser leaves it empty.
    """

    __slots__ = ("_lines", "children", "data", "outside", "path")

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self.children: list[Directive] = []
        self.outside: dict[tuple[str, str], t.Any] = {}
        self._lines: list[int] | None = None

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column (in bytes) of an offset, both from 1."""
        if self._lines is None:
            self._lines = [0, *(match.end() for match in re.finditer(rb"\n", self.data))]
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def error(self, offset: int, message: str) -> ConfigurationError:
        return ConfigurationError(self.path, *self.position(offset), message)

    def walk(self) -> t.Iterator[Directive]:
        """Every directive of the file in its order, sections before what is in them."""
        stack = [iter(self.children)]
        while stack:
            for directive in stack[-1]:
                yield directive
                if directive.children:
                    stack.append(iter(directive.children))
                    break
            else:
                stack.pop()


def parse(path: str, data: bytes) -> Tree:
    """The tree of a file, in time linear in its size. Raises ConfigurationError naming file, line and column."""
    tree = Tree(path, data)
    if data.startswith(_BOM):
        raise tree.error(0, "the file begins with a UTF-8 byte order mark, which httpd takes for a command; remove it")
    siblings = tree.children
    open_sections: list[Directive] = []
    code = b""
    at, size = 0, len(data)
    while at < size:
        match = _line(data, at)
        following = match.end() if match else size
        raw = data[at:following]
        body = raw.strip(_SPACE)
        begin, at = at, following
        if code:
            if not body.lower().startswith(code):
                continue
            code = b""
        if b"\\" in body:
            body = _continuation.sub(b"", raw).strip(_SPACE)
        if not body or body.startswith(b"#"):
            continue
        blank = _blank(raw)
        start, end = begin + (blank.end() if blank else 0), begin + _visible(raw)
        if body.startswith(b"</"):
            name = _tag(body)
            if not open_sections:
                raise tree.error(start, f'"</{name}>" closes a section that is not open')
            last = open_sections.pop()
            if last.name != name.lower():
                raise tree.error(start, f'"</{name}>" stands where "</{last.name}>" of line {last.line} is expected')
            last.close = begin
            siblings = (open_sections[-1].children or []) if open_sections else tree.children
            continue
        directive = Directive(tree, start, end, following, body.decode("utf-8", "surrogateescape"))
        siblings.append(directive)
        if directive.children is not None:
            if not directive.name:
                raise tree.error(start, '"<" is not followed by the name of a section')
            open_sections.append(directive)
            siblings = directive.children
            if directive.name in _CODE:
                code = b"</" + directive.name.encode("ascii")
    if open_sections:
        last = open_sections[-1]
        raise tree.error(last.start, f'the section "<{last.name}" that opens here is never closed')
    return tree


def _visible(raw: bytes) -> int:
    """The length of a line up to its last visible byte: the lines that continue it may be empty."""
    end = len(raw.rstrip(_SPACE))
    while raw[end - 1 : end] == b"\\" and raw[end : end + 2].lstrip(b"\r").startswith(b"\n"):
        end = len(raw[: end - 1].rstrip(_SPACE))
    return end


def _tag(body: bytes) -> str:
    """The name in a closing tag as it is written."""
    return body[2:].split(b">")[0].strip(_SPACE).decode("utf-8", "replace")


def split(text: str) -> tuple[str, str]:
    """Name (lower case, without ``<``) and arguments of a logical line; of a section's, without the ``>``."""
    section = text.startswith("<")
    match = re.match(r"<?[^\s>]*" if section else r"\S*", text)
    end = match.end() if match else 0
    arguments = text[end:].strip()
    if section:
        # httpd looks for the last one: "<If "%{HTTP:X} -gt 1">".
        arguments = arguments.rpartition(">")[0].rstrip() if ">" in arguments else arguments
    return text[:end].lstrip("<").lower(), arguments


def words(arguments: str) -> list[str]:
    """Arguments as ``ap_getword_conf`` cuts them: quotes hold blanks, a backslash keeps a quote or a backslash."""
    found = []
    at = 0
    for match in _word.finditer(arguments):
        if match.start() != at:
            break
        at = match.end()
        double, single, plain = match.groups()
        quoted = double if double is not None else single
        if quoted is not None:
            quote = '"' if double is not None else "'"
            found.append(re.sub(rf"\\([\\{quote}])", r"\1", quoted))
        else:
            found.append(plain.replace("\\\\", "\\"))
    return found


# A quote that is never closed holds the rest of the line; what follows a closing quote is the next word.
_word = re.compile(
    r"\s*(?:\"((?:\\[\\\"]|[^\"])*)(?:\"|\Z)|'((?:\\[\\']|[^'])*)(?:'|\Z)|([^\s\"'][^\s]*))\s*", re.DOTALL
)
