# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The grammar of nginx configuration files, lossless: a tree of byte spans over the file as it is.

Nothing is ever rendered from the tree: an edit replaces a span of bytes, so whatever is not edited cannot change.
The rules are those of ``ngx_conf_read_token`` in nginx's ``src/core/ngx_conf_file.c``; the bodies of
``*_by_lua_block`` follow the lexer of lua-nginx-module.
"""

from __future__ import annotations

import contextlib
import gc
import re
import typing as t
from bisect import bisect_right

from ...errors import ConfigurationError

#: nginx reads through a buffer of 4096 bytes that has to hold a whole token and the byte that ends it.
TOKEN_MAX = 4095

_BOM = b"\xef\xbb\xbf"
_LUA_BLOCK = b"_by_lua_block"

# A brace after "$" belongs to the word: "${name}". The lookahead keeps the regular expression from giving one back.
_DOLLAR_OR_ESCAPE = rb"(?:\$\{*(?!\{)|\\.)"
_REST = rb"[^ \t\r\n;{\\$]*(?:" + _DOLLAR_OR_ESCAPE + rb"[^ \t\r\n;{\\$]*)*"
_PLAIN = rb"[^ \t\r\n;{}#\"'\\$]" + _REST
_WORD = _PLAIN + rb"|" + _DOLLAR_OR_ESCAPE + _REST
_QUOTED = rb"\"[^\"\\]*(?:\\.[^\"\\]*)*\"|'[^'\\]*(?:\\.[^'\\]*)*'"

#: What stands between statements. One pass over it never fails, so it cannot be slow.
_skip = re.compile(rb"[ \t\r\n]*(?:#[^\n]*[ \t\r\n]*)*").match
#: A whole statement head without surprises, which almost all are; the rest is read token by token.
_head = re.compile(
    rb"(" + _PLAIN + rb")(?:[ \t\r\n]+(?:" + _WORD + rb"|(?:" + _QUOTED + rb")(?=[ \t\r\n;{])))*[ \t\r\n]*([;{])",
    re.DOTALL,
).match
_token = re.compile(rb"(" + _WORD + rb")|" + _QUOTED, re.DOTALL).match
_escape = re.compile(rb"\\([\"'\\trn])")
_ESCAPES = {b"t": b"\t", b"r": b"\r", b"n": b"\n"}


class Token(t.NamedTuple):
    """One word of a statement: its span with the quotes, and its value as nginx sees it."""

    start: int
    end: int
    value: str


class Directive:
    """One statement: ``name argument…;`` or ``name argument… { … }``.

    ``data[start:end]`` is the whole statement with its ``;`` or ``}``; ``head`` is the offset of the ``;`` or ``{``.
    ``children`` is None for a simple statement. The block of a Lua directive has no children: its body is Lua.
    """

    __slots__ = ("_tokens", "children", "end", "head", "name", "start", "tree")

    def __init__(self, tree: Tree, name: str, start: int, head: int) -> None:
        self.tree = tree
        self.name = name
        self.start = start
        self.head = head
        self.end = head + 1
        self.children: list[Directive] | None = None
        self._tokens: list[Token] | None = None

    @property
    def is_code(self) -> bool:
        """Whether the block holds another language."""
        return self.children is not None and self.name.endswith(_LUA_BLOCK.decode())

    @property
    def tokens(self) -> list[Token]:
        """Name and arguments, with their places."""
        if self._tokens is None:
            self._tokens = list(_tokens(self.tree, self.start, self.head))
        return self._tokens

    @property
    def args(self) -> list[str]:
        """The arguments as nginx sees them, without quotes and escapes."""
        return [token.value for token in self.tokens[1:]]

    @property
    def line(self) -> int:
        return self.tree.position(self.start)[0]

    @property
    def text(self) -> str:
        """The statement (of a block only the head) on one line, fit to be shown."""
        end = self.head if self.children is not None else self.end
        return " ".join(self.tree.data[self.start : end].decode("utf-8", "replace").split())


class Tree:
    """One parsed file.

    What the reader saw around the file is kept here; the parser leaves both empty. ``includes`` maps the argument of
    each include directive to the files it stood for. ``certificates`` (main file only, and only where a cipher list
    lowers OpenSSL's security level) tells of each certificate whether it loads at level 2, None when that is not known.
    """

    __slots__ = ("_lines", "certificates", "children", "data", "includes", "path")

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self.children: list[Directive] = []
        self.includes: dict[str, tuple[str, ...]] = {}
        self.certificates: dict[str, bool | None] = {}
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
        """Every statement of the file in its order."""
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
    if data.startswith(_BOM):
        raise ConfigurationError(
            path, 1, 1, "the file begins with a UTF-8 byte order mark, which nginx takes for a directive; remove it"
        )
    with no_collection():
        return _parse(Tree(path, data))


@contextlib.contextmanager
def no_collection() -> t.Iterator[None]:
    """Trees are large and hold no garbage, but the collector would go through all of them again and again."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _parse(tree: Tree) -> Tree:
    data = tree.data
    size = len(data)
    siblings = tree.children
    open_blocks: list[Directive] = []
    at = _end_of_space(tree, 0)
    while at < size:
        if data[at] == 0x7D:  # }
            if not open_blocks:
                raise tree.error(at, 'unexpected "}": no block is open')
            open_blocks.pop().end = at + 1
            siblings = (open_blocks[-1].children or []) if open_blocks else tree.children
            at = _end_of_space(tree, at + 1)
            continue
        match = _head(data, at)
        if match is not None and match.end() - at <= TOKEN_MAX:
            plain, head = _value(match.group(1)), match.end() - 1
        else:
            tokens = list(_tokens(tree, at))
            head = _end_of_space(tree, tokens[-1].end)
            plain = tokens[0].value
        directive = Directive(tree, plain, at, head)
        siblings.append(directive)
        at = head + 1
        if data[head] == 0x7B:  # {
            directive.children = []
            if plain.endswith("_by_lua_block"):
                at = directive.end = _end_of_lua(tree, directive)
            else:
                open_blocks.append(directive)
                siblings = directive.children
        at = _end_of_space(tree, at)
    if open_blocks:
        last = open_blocks[-1]
        raise tree.error(last.head, f'the block "{last.name}" that opens here is never closed: "}}" is missing')
    return tree


def _end_of_space(tree: Tree, at: int) -> int:
    """The offset after white space and comments."""
    match = _skip(tree.data, at)
    end = match.end() if match else at
    if end - at > TOKEN_MAX:
        for comment in re.finditer(rb"#[^\n]*", tree.data[at:end]):
            # At the very end of the file no byte has to follow.
            if comment.end() - comment.start() > TOKEN_MAX + (at + comment.end() == len(tree.data)):
                raise tree.error(at + comment.start(), f"comment longer than the {TOKEN_MAX} bytes nginx can read")
    return end


def _tokens(tree: Tree, at: int, end: int | None = None) -> t.Iterator[Token]:
    """The words of the statement that begins at ``at``, up to its ``;`` or ``{``."""
    data, begin = tree.data, at
    while at != end:
        char = data[at : at + 1]
        if char in (b";", b"{"):
            if at == begin:
                raise tree.error(at, f'unexpected "{char.decode()}": a directive\'s name is missing before it')
            return
        if not char:
            raise tree.error(begin, 'the file ends inside this directive: ";" is missing')
        if char == b"}":
            raise tree.error(at, f'unexpected "}}": ";" is missing after "{_excerpt(data[begin:at])}"')
        match = _token(data, at)
        if match is None:
            what = "quoted text that opens here is never closed" if char in (b'"', b"'") else "unexpected end of file"
            raise tree.error(at, what)
        raw = match.group()
        quoted = match.group(1) is None
        # Behind a closing quote nginx wants to see one byte more.
        if len(raw) - quoted > TOKEN_MAX:
            raise tree.error(at, f"parameter longer than the {TOKEN_MAX} bytes nginx can read")
        yield Token(at, match.end(), _value(raw[1:-1] if quoted else raw))
        at = match.end()
        if quoted and data[at : at + 1] not in (b"", b" ", b"\t", b"\r", b"\n", b";", b"{", b")"):
            raise tree.error(at, f'unexpected "{_excerpt(data[at : at + 1])}" after the closing quote')
        at = _end_of_space(tree, at)


def _value(raw: bytes) -> str:
    if b"\\" in raw:
        raw = _escape.sub(lambda match: _ESCAPES.get(match.group(1), match.group(1)), raw)
    return raw.decode("utf-8", "surrogateescape")


def _excerpt(raw: bytes) -> str:
    text = " ".join(raw.decode("utf-8", "replace").split())
    return text if len(text) <= 40 else text[:37] + "..."


_lua = re.compile(rb"--(?:\[(=*)\[)?|\[(=*)\[|[\"'{}]").search
_lua_quoted = {
    b'"': re.compile(rb"[^\"\\]*(?:\\.[^\"\\]*)*\"", re.DOTALL).match,
    b"'": re.compile(rb"[^'\\]*(?:\\.[^'\\]*)*'", re.DOTALL).match,
}


def _end_of_lua(tree: Tree, directive: Directive) -> int:
    """The offset after the brace that closes a Lua block. Braces in Lua strings and comments do not count."""
    data, at, depth = tree.data, directive.head + 1, 1
    while depth:
        match = _lua(data, at)
        if match is None:
            raise tree.error(directive.head, f'the block "{directive.name}" that opens here is never closed')
        opener, at = match.group(), match.end()
        if opener == b"{":
            depth += 1
        elif opener == b"}":
            depth -= 1
        elif opener == b"--":
            at = data.find(b"\n", at)
            at = at if at >= 0 else len(data)
        else:
            if opener in _lua_quoted:
                closer = _lua_quoted[opener](data, at)
                end = closer.end() if closer else -1
            else:
                level = match.group(1) if opener.startswith(b"--") else match.group(2)
                closing = b"]" + level + b"]"
                end = data.find(closing, at)
                end = end + len(closing) if end >= 0 else -1
            if end < 0:
                raise tree.error(match.start(), f'"{opener.decode()}" in Lua code is never closed')
            at = end
    return at
