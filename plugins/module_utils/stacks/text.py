# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits of byte spans, for every stack: what an edit does not name stays as it is, byte for byte."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .contract import Document, Edit


def apply_edits(documents: t.Iterable[Document], edits: t.Iterable[Edit]) -> dict[str, bytes | None]:
    """``{path: new bytes}`` of the files that change, None where one is removed; those that are created come last.

    Edits count in the bytes of ``Document.data`` and may come in any order; several insertions at one offset keep
    theirs. Raises ValueError when two edits overlap or one reaches outside its document: a mistake of the stack.
    """
    by_path: dict[str, list[Edit]] = {}
    for edit in edits:
        by_path.setdefault(edit.path, []).append(edit)
    result: dict[str, bytes | None] = {}
    for document in documents:
        mine = by_path.pop(document.path, None)
        if mine is None:
            continue
        if any(edit.replacement is None for edit in mine):
            if len(mine) > 1 or (mine[0].start, mine[0].end) != (0, len(document.data)):
                raise ValueError(f"{document.path}: a removal is of the whole file, and its only edit")
            result[document.path] = None
            continue
        pieces: list[bytes] = []
        at = 0
        # An insertion goes before a replacement that starts where it stands.
        for edit in sorted(mine, key=lambda edit: (edit.start, edit.end)):
            if not at <= edit.start <= edit.end <= len(document.data):
                raise ValueError(f"{edit.path}: edit of bytes {edit.start} to {edit.end} overlaps or is out of range")
            pieces += (document.data[at : edit.start], edit.replacement or b"")
            at = edit.end
        pieces.append(document.data[at:])
        data = b"".join(pieces)
        if data != document.data:
            result[document.path] = data
    for path, mine in by_path.items():
        if [edit[1:3] for edit in mine] != [(0, 0)] or mine[0].line != 0 or mine[0].replacement is None:
            raise ValueError(f"edits of a file that is not among the documents: {path}")
        result[path] = mine[0].replacement
    return result


def edit_documents(
    documents: t.Iterable[Document],
    edits: t.Iterable[Edit],
    parse: t.Callable[[str, bytes, Document | None], Document],
) -> list[Document]:
    """The documents after edits: ``parse`` makes those that change of path, bytes and the document that was there
    (None for a file that is created); removed ones are gone, created ones come last."""
    documents = list(documents)
    new = apply_edits(documents, edits)
    result = []
    for document in documents:
        data = new.pop(document.path, document.data)
        if data is document.data:
            result.append(document)
        elif data is not None:
            result.append(parse(document.path, data, document))
    return result + [parse(path, data, None) for path, data in new.items() if data is not None]
