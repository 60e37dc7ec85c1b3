# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits of byte spans: another value, one line more. Comments within a value over several lines stay where they are.

A value in main.cf may go on after comments: the lines that held the rest of an old value are taken out whole, because
a line that begins with white space would otherwise join the parameter above it.
"""

from __future__ import annotations

import typing as t

from ..contract import Document, Edit
from ..text import edit_documents
from . import grammar, policy

if t.TYPE_CHECKING:
    from .grammar import Assignment, Service, Tree


class Why(t.NamedTuple):
    """The check that demands an edit, and what it found."""

    check: str
    reason: str


def parsed(documents: t.Sequence[Document]) -> list[Document]:
    """The same documents with trees of their own."""
    parsers: list[t.Callable[[str, bytes], t.Any]] = [grammar.parse_main, grammar.parse_master]
    parsers += [policy.parse] * (len(documents) - 2)
    return [
        Document(document.path, document.data, parser(document.path, document.data))
        for document, parser in zip(documents, parsers)
    ]


def edited(documents: t.Sequence[Document], edits: t.Sequence[Edit]) -> list[Document]:
    """The documents as they would be read after the edits."""
    return parsed(edit_documents(documents, edits, lambda path, data, _old: Document(path, data, None)))


def stray_after(service: Service, entry: Assignment) -> list[tuple[int, int]]:
    """Arguments right behind a value that look like the rest of a protocol list written with blanks."""
    found, at = [], entry.end
    text = service.logical.text
    for start, end in service.stray:
        word = text[start:end]
        if text[at:start].strip(grammar.SPACE):
            continue
        if entry.braced or not (word.startswith((b"!", b">", b"<")) or word.upper().startswith((b"TLS", b"SSL"))):
            break
        found.append((start, end))
        at = end
    return found


def new_option(service: Service, name: str) -> Assignment:
    """One more ``-o`` of a service, which beats those before it."""
    end = len(service.logical.text)
    option = grammar.Assignment(service.path, service.logical, name, end, end, service.label)
    option.is_new = True
    service.options.append(option)
    return option


def respell(tree: Tree, entry: Assignment) -> list[Edit]:
    """The value planned in place of the old one, which may stand in several lines and be empty."""
    if entry.is_new:
        line, at = _line_of(tree.data, entry.logical.pieces[-1][1])
        text = f"  -o {entry.name}={entry.current}".encode()
        line_end = b"\r\n" if tree.data[line:at].endswith(b"\r\n") else b"\n"
        ended = tree.data[line:at].endswith(b"\n")
        return [_edit(tree, at, at, text + line_end if ended else line_end + text, entry)]
    end = entry.end
    for service in tree.services:
        if entry in service.options:
            end = max([end, *(last for _first, last in stray_after(service, entry))])
    planned = entry.current.encode("utf-8", "surrogateescape")
    spans = [_stripped(tree.data, *span) for span in entry.logical.spans(entry.start, end)]
    first, *others = [span for span in spans if span[0] < span[1]] or spans[:1]
    if first[0] == first[1] and not entry.service and tree.data[first[0] - 1 : first[0]] == b"=":
        planned = b" " + planned
    found = [_edit(tree, *first, planned, entry)]
    for start, stop in others:
        line, next_line = _line_of(tree.data, start)
        # In master.cf other options may stand on the same line.
        alone = not (tree.data[line:start] + tree.data[stop:next_line]).strip(grammar.SPACE)
        found.append(_edit(tree, *((line, next_line) if alone else (start, stop)), b"", entry))
    return found


def _stripped(data: bytes, start: int, stop: int) -> tuple[int, int]:
    text = data[start:stop]
    blank = len(text) - len(text.lstrip(grammar.SPACE))
    return start + blank, max(start + blank, start + len(text.rstrip(grammar.SPACE)))


def insert(tree: Tree, name: str, value: str, why: Why) -> Edit:
    """One more line: behind the last relative of the parameter, else behind the last parameter of the file."""
    data = tree.data
    family = name.partition("tls_")[0] + "tls_"
    relatives = [entry for entry in tree.parameters if entry.name.startswith(family)]
    relatives = relatives or [entry for entry in tree.parameters if "tls_" in entry.name]
    anchor = (relatives or list(tree.parameters))[-1:]
    end = anchor[0].logical.pieces[-1][1] if anchor else len(data)
    line, at = _line_of(data, end) if anchor else (0, len(data))
    line_end = b"\r\n" if data[line:at].endswith(b"\r\n") else b"\n"
    text = f"{name} = {value}".rstrip().encode("utf-8", "surrogateescape")
    if at and data[at - 1 : at] != b"\n":
        return _edit(tree, at, at, line_end + text, why)
    return _edit(tree, at, at, text + line_end, why)


def _line_of(data: bytes, at: int) -> tuple[int, int]:
    """Begin of the physical line around an offset, and of the next one."""
    return data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at) + 1 or len(data)


def _edit(tree: Tree, start: int, end: int, replacement: bytes, why: Why | Assignment) -> Edit:
    line = tree.data.count(b"\n", 0, start) + 1
    return Edit(tree.path, start, end, replacement, line, why.check, why.reason)
