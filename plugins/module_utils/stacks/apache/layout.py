# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Byte spans for the smallest changes: other arguments, one line more. Layout is taken from around.

A line is only ever put behind a whole directive, never behind a comment: a comment that ends in a backslash would
swallow it.
"""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from .grammar import Directive

_LAST_WORD = re.compile(rb"(\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[^\s\"']\S*)\Z", re.DOTALL)


class Span(t.NamedTuple):
    """Replace ``data[start:end]`` of the directive's file by ``replacement``."""

    start: int
    end: int
    replacement: bytes


def respell(directive: Directive, text: str) -> Span:
    """Other arguments, all of them."""
    start, end = directive.arguments
    lead = b" " if start == directive.end and not directive.tree.data[start - 1 : start].isspace() else b""
    return Span(start, end, lead + text.encode("ascii"))


def respell_last(directive: Directive, value: str) -> Span:
    """Another last argument, in the quotes of the old one."""
    start, end = directive.arguments
    match = _LAST_WORD.search(directive.tree.data, start, end)
    if match is None:
        return Span(start, end, value.encode("ascii"))
    quote = match.group()[:1] if match.group()[:1] in (b'"', b"'") else b""
    return Span(match.start(), end, quote + value.encode("ascii") + quote)


def insert_after(directive: Directive, text: str) -> Span:
    """A line of its own behind a simple directive, indented as that is."""
    data = directive.tree.data
    indent = data[data.rfind(b"\n", 0, directive.start) + 1 : directive.start]
    return _line(directive, directive.next, indent if not indent.strip() else b"", text)


def insert_into(section: Directive, text: str) -> Span:
    """The first line of a section."""
    data = section.tree.data
    outer = data[data.rfind(b"\n", 0, section.start) + 1 : section.start]
    children = section.children or []
    inner = [data[data.rfind(b"\n", 0, child.start) + 1 : child.start] for child in children[:1]]
    indent = inner[0] if inner and not inner[0].strip() else outer + (b"\t" if b"\t" in outer else b"    ")
    return _line(section, section.next, indent, text)


def _line(directive: Directive, at: int, indent: bytes, text: str) -> Span:
    data = directive.tree.data
    end = b"\r\n" if data[directive.end : directive.next].endswith(b"\r\n") else b"\n"
    line = indent + text.encode("ascii")
    # A file's last line need not have an end; the new last line then has none either.
    return Span(at, at, line + end if data[at - 1 : at] == b"\n" else end + line)


def remove(directive: Directive) -> Span:
    """Take a simple directive away with its line. What stands before a line is never part of it."""
    return Span(directive.start, directive.next, b"")
