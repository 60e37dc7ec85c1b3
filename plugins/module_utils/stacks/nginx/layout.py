# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Byte spans for the smallest changes: other arguments, one statement more, one less. Layout is taken from around.

Comments, indentation, line ends and quotes stay as they are; each function says what it replaces by what.
"""

from __future__ import annotations

import typing as t

from .grammar import Directive

_BLANK = b" \t\r\n"


class Span(t.NamedTuple):
    """Replace ``data[start:end]`` of the directive's file by ``replacement``."""

    start: int
    end: int
    replacement: bytes


def respell(directive: Directive, values: t.Sequence[str], first: int = 1) -> Span:
    """Other arguments from the ``first`` on. Comments between arguments stay, and so do their quotes."""
    data, tokens = directive.tree.data, directive.tokens[first:]
    wanted = [value.encode("ascii") for value in values]
    pieces = []
    at = tokens[0].start
    for number, token in enumerate(tokens):
        gap = data[at : token.start]
        at = token.end
        if number >= len(wanted):
            # What is left of a longer list goes with the white space before it, unless a comment stands there.
            pieces.append(gap if b"#" in gap else b"")
            continue
        quote = data[token.start : token.start + 1]
        quote = quote if quote in (b'"', b"'") else b""
        pieces += [gap, quote, wanted[number], quote]
        if number == len(tokens) - 1:
            pieces += [b" " + value for value in wanted[number + 1 :]]
    return Span(tokens[0].start, tokens[-1].end, b"".join(pieces))


def removable(directive: Directive) -> bool:
    """Whether nothing but the statement would go: no comment stands inside."""
    tokens = directive.tokens
    ends = [token.end for token in tokens]
    starts = [*(token.start for token in tokens[1:]), directive.head]
    data = directive.tree.data
    return not any(b"#" in data[end:start] for end, start in zip(ends, starts))


def remove(directive: Directive) -> Span:
    """Take the statement away, with its line if it stands alone there. A comment behind it stays."""
    data = directive.tree.data
    start, end = directive.start, directive.end
    line = data.rfind(b"\n", 0, start) + 1
    next_line = data.find(b"\n", end) + 1 or len(data)
    if not data[line:start].strip(_BLANK) and not data[end:next_line].strip(_BLANK):
        return Span(line, next_line, b"")
    while data[end : end + 1] in (b" ", b"\t"):
        end += 1
    return Span(start, end, b"")


def insert(block: Directive, statement: str, family: str) -> Span:
    """Put a simple statement into a block: behind the last of its ``family`` (a name's beginning), else at the top."""
    data, children = block.tree.data, block.children or []
    code = statement.encode("ascii")
    relatives = [child for child in children if child.children is None and child.name.startswith(family)]
    if relatives:
        at, indent = relatives[-1].end, _indent(relatives[-1])
    else:
        at = block.head + 1
        inner = [indent for indent in map(_indent, children) if indent is not None]
        indent = inner[0] if inner else _deeper(_indent(block))
    end = data.find(b"\n", at)
    rest = data[at:end].strip(_BLANK)
    if indent is None or end < 0 or (rest and not rest.startswith(b"#")):
        return Span(at, at, b" " + code)
    line_end = b"\r\n" if data[end - 1 : end] == b"\r" else b"\n"
    return Span(end + 1, end + 1, indent + code + line_end)


def _indent(directive: Directive) -> bytes | None:
    """The white space before a statement that begins its line, else None."""
    data = directive.tree.data
    before = data[data.rfind(b"\n", 0, directive.start) + 1 : directive.start]
    return None if before.strip(b" \t") else before


def _deeper(indent: bytes | None) -> bytes:
    indent = indent or b""
    return indent + (b"\t" if b"\t" in indent else b"    ")
