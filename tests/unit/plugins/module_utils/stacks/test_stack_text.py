# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits of byte spans."""

from __future__ import annotations

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Document, Edit
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.text import apply_edits, edit_documents


def edit(start, end, replacement, path="a"):
    return Edit(path, start, end, replacement, 1, "check", "reason")


def test_edits_are_applied_in_place_whatever_their_order():
    documents = [Document("a", b"0123456789", None), Document("b", b"same", None)]
    edits = [edit(5, 6, b"five"), edit(2, 2, b"<"), edit(0, 1, b""), edit(2, 2, b">"), edit(2, 3, b"two")]
    assert apply_edits(documents, edits) == {"a": b"1<>two34five6789"}


def test_an_edit_that_changes_nothing_is_no_change():
    assert apply_edits([Document("a", b"xy", None)], [edit(0, 1, b"x")]) == {}


@pytest.mark.parametrize("edits", [[edit(0, 3, b""), edit(2, 4, b"")], [edit(3, 99, b"")], [edit(2, 1, b"")]])
def test_edits_that_cannot_be_meant_are_refused(edits):
    with pytest.raises(ValueError, match="overlaps or is out of range"):
        apply_edits([Document("a", b"0123", None)], edits)


def test_files_are_created_and_removed():
    documents = [Document("a", b"0", None), Document("b", b"1", None), Document("c", b"2", None)]
    edits = [Edit.creation("new", b"n", "check", ""), Edit.removal(documents[1], "check", ""), edit(1, 1, b"!")]
    assert apply_edits(documents, edits) == {"a": b"0!", "b": None, "new": b"n"}
    made = edit_documents(documents, edits, lambda path, data, old: Document(path, data, old and old.data))
    assert made == [Document("a", b"0!", b"0"), documents[2], Document("new", b"n", None)]


def test_a_removal_is_the_only_edit_of_its_file():
    document = Document("a", b"01", None)
    for edits in (
        [Edit.removal(document, "", ""), edit(0, 1, b"")],
        [Edit.removal(document, "", "")._replace(end=1)],
    ):
        with pytest.raises(ValueError, match="a removal is of the whole file"):
            apply_edits([document], edits)


def test_a_file_is_created_once():
    made = Edit.creation("new", b"n", "check", "")
    with pytest.raises(ValueError, match="not among the documents: new"):
        apply_edits([], [made, made])


def test_an_edit_of_an_unknown_file_is_refused():
    with pytest.raises(ValueError, match="not among the documents: b"):
        apply_edits([Document("a", b"", None)], [edit(0, 0, b"x", "b")])
