"""Tables for a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.plugin_utils import printable, terminal


def test_columns_line_up():
    text = terminal.table(("HOST", "RESULT"), [("web1", "hardened"), ("longer.example", "x")])
    assert text.splitlines() == ["HOST            RESULT", "web1            hardened", "longer.example  x"]


def test_wide_columns_shrink_in_the_middle():
    text = terminal.table(("A", "B"), [("x" * 60, "short"), ("y", "z" * 50)], width=40)
    assert all(len(line) <= 40 for line in text.splitlines())
    assert "..." in text


def test_terminal_escapes_are_shown_not_sent():
    assert printable.one_line("a\x1b[31mb\nc\u202e") == "a\\x1b[31mb\\nc\\u202e"


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=8), st.integers(30, 200))
def test_any_text_gives_one_line_a_row(rows, width):
    text = terminal.table(("ONE", "TWO", "THREE"), rows, width)
    assert len(text.split("\n")) == len(rows) + 1
    assert all(len(line) <= width for line in text.split("\n"))
    assert not any(char in text for char in "\x1b\r\t\x7f\u202e\u2028")
