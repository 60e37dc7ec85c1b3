# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits of byte spans, for every stack: what an edit does not name stays as it is, byte for byte."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .contract import Document, Edit


def apply_edits(documents: t.Iterable[Document], edits: t.Iterable[Edit]) -> dict[str, bytes]:
    """``{path: new bytes}`` of the documents that change.

    Edits count in the bytes of ``Document.data`` and may come in any order; several insertions at one offset keep
    theirs. Raises ValueError when two edits overlap or one reaches outside its document: a mistake of the stack.
    """
    by_path: dict[str, list[Edit]] = {}
    for edit in edits:
        by_path.setdefault(edit.path, []).append(edit)
    result = {}
    for document in documents:
        mine = by_path.pop(document.path, None)
        if mine is None:
            continue
        pieces: list[bytes] = []
        at = 0
        # An insertion goes before a replacement that starts where it stands.
        for edit in sorted(mine, key=lambda edit: (edit.start, edit.end)):
            if not at <= edit.start <= edit.end <= len(document.data):
                raise ValueError(f"{edit.path}: edit of bytes {edit.start} to {edit.end} overlaps or is out of range")
            pieces += (document.data[at : edit.start], edit.replacement)
            at = edit.end
        pieces.append(document.data[at:])
        data = b"".join(pieces)
        if data != document.data:
            result[document.path] = data
    if by_path:
        raise ValueError(f"edits of files that are not among the documents: {', '.join(sorted(by_path))}")
    return result
