from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.text import (
    plain,
    safe_name,
    unique_names,
)
from ansible_collections.encryption.in_transit.plugins.plugin_utils.printable import printable

SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,116}\Z")


@given(st.text())
def test_any_text_becomes_a_safe_name(text):
    for name in (safe_name(text), safe_name(text, always_tag=True)):
        assert SAFE.match(name), name
        assert not name.endswith(".")


@pytest.mark.parametrize("name", ["web1.example.org", "nginx.conf", "a-b_c", "ssl"])
def test_names_that_are_safe_stay(name):
    assert safe_name(name) == name


@pytest.mark.parametrize(
    "hostile",
    ["../../etc/passwd", "..", ".", "", "-rf", ".hidden", "a/b", "a\nb", "con", "NUL.txt", "x" * 300, "a\x00b", "é"],
)
def test_hostile_names_are_changed_and_tagged(hostile):
    assert re.search(r"-[0-9a-f]{8}(\.\w{1,4})?\Z", safe_name(hostile)), safe_name(hostile)


@given(st.lists(st.text(max_size=20), unique=True, max_size=20))
def test_different_texts_get_names_that_differ_without_case(texts):
    names = unique_names(texts)
    assert set(names) == set(texts)
    assert len({name.lower() for name in names.values()}) == len(texts)


def test_names_that_differ_only_by_case_are_kept_apart():
    names = unique_names(["Web1", "web1", "web2"])
    assert names["web2"] == "web2"
    assert names["Web1"].lower() != names["web1"].lower()


@given(st.text())
def test_printable_text_steers_nothing(text):
    shown = printable(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    assert printable(shown) == shown
    shown.encode()


def test_printable_spells_out_what_it_takes():
    assert printable("a\x1b[31mb\u202ec\x9b") == "a\\x1b[31mb\\u202ec\\x9b"
    assert printable("tab\tline\nümlaut") == "tab\tline\nümlaut"


class Tagged(str):
    """Stands for the text types of ansible-core."""


def test_plain_keeps_only_json_types():
    made = plain({Tagged("a"): [Tagged("b"), (1, 2.5, True, None)], 3: {"x": "\udcff"}})
    assert made == {"a": ["b", [1, 2.5, True, None]], "3": {"x": "\\udcff"}}
    assert {type(key) for key in made} == {str}
    assert type(made["a"][0]) is str


def test_plain_refuses_what_json_has_no_word_for():
    with pytest.raises(TypeError, match="bytes is not plain data"):
        plain({"a": b"x"})
