# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits of byte spans."""

from __future__ import annotations

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Document, Edit
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.text import apply_edits


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


def test_an_edit_of_an_unknown_file_is_refused():
    with pytest.raises(ValueError, match="not among the documents: b"):
        apply_edits([Document("a", b"", None)], [edit(0, 0, b"x", "b")])
