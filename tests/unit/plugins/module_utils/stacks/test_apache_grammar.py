# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files are read as httpd reads them, and no byte is lost."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.apache import grammar, layout
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.apache_tools import fixtures


def lines_by_the_book(data):
    """``ap_cfg_getline`` (server/util.c), word for word: the logical lines and where each begins."""
    found, at = [], 0
    while at < len(data):
        begin, line = at, b""
        while at < len(data):
            end = data.find(b"\n", at) + 1 or len(data)
            piece, at = data[at:end], end
            stripped = piece[:-1] if piece.endswith(b"\n") else None
            if stripped is not None:
                stripped = stripped.removesuffix(b"\r")
            if stripped is not None and stripped.endswith(b"\\"):
                line += stripped[:-1]
                continue
            line += piece
            break
        found.append((begin, line.strip(b" \t\r\n\v\f")))
    return found


SNIPPETS = st.sampled_from(
    [b"A b", b"\\", b"\n", b"\r\n", b" ", b"\t", b"#", b"\\\n", b"\\\r\n", b'"', b"'",
     b"<X y>", b"</X>", b"\xff", b"\x00",
     b"<x>", b"</x >", b"${A}", b"\\\\", b"SSLProtocol all", b"<Perl>", b"</Perl>"]
)  # fmt: skip
HOSTILE = st.lists(SNIPPETS, max_size=30).map(b"".join)


@given(HOSTILE)
def test_logical_lines_are_those_of_httpd(data):
    data = data.replace(b"<", b"_")
    expected = [line for _begin, line in lines_by_the_book(data) if line and not line.startswith(b"#")]
    found = [directive.text.encode("utf-8", "surrogateescape") for directive in grammar.parse("f", data).walk()]
    assert found == expected


@given(HOSTILE)
def test_whatever_parses_has_spans_in_order_and_whatever_does_not_is_named(data):
    try:
        tree = grammar.parse("f", data)
    except ConfigurationError as error:
        assert error.file == "f" and 1 <= error.line <= data.count(b"\n") + 1 and error.column >= 1
        return
    at = 0
    for directive in tree.walk():
        assert at <= directive.start < directive.end <= directive.next <= len(data)
        assert data[directive.start : directive.end].strip(b" \t\r\n\v\f") == data[directive.start : directive.end]
        start, end = directive.arguments
        assert directive.start <= start <= end == directive.end
        at = directive.next


@given(HOSTILE, st.sampled_from([b"\n", b"\r\n"]))
def test_a_line_put_behind_a_directive_is_a_directive_of_its_own(data, line_end):
    try:
        tree = grammar.parse("f", data + line_end + b"  Last one" + line_end)
    except ConfigurationError:
        return
    before = [directive.text for directive in tree.walk()]
    simple = [directive for directive in tree.walk() if directive.children is None]
    for directive in simple:
        span = layout.insert_after(directive, "SSLProtocol all")
        changed = tree.data[: span.start] + span.replacement + tree.data[span.end :]
        after = [one.text for one in grammar.parse("f", changed).walk()]
        place = [one is directive for one in tree.walk()].index(True) + 1
        if directive.text.endswith("\\"):
            continue  # the last line of a file may end in a backslash that continues nothing
        assert after == [*before[:place], "SSLProtocol all", *before[place:]]


def texts(data):
    return [directive.text for directive in grammar.parse("f", data).walk()]


def test_continued_lines():
    assert texts(b"A b \\\n  c\\\r\nd\nE\\\n") == ["A b   cd", "E"]
    assert texts(b"# old \\\nSSLProtocol all\nA") == ["A"]
    assert texts(b"A \\ b\nC\\\\\nD") == ["A \\ b", "C\\D"]
    assert texts(b"A\\") == ["A\\"]


def test_sections_nest_and_close_in_any_case():
    tree = grammar.parse("f", b"<VirtualHost *:443>\n <IfModule a>\n  X\n </ifmodule>\n</VIRTUALHOST >\nY")
    host, last = tree.children
    assert (host.name, host.children[0].name, host.children[0].children[0].name, last.name) == (
        "virtualhost", "ifmodule", "x", "y",
    )  # fmt: skip
    assert tree.data[host.close :].startswith(b"</VIRTUALHOST")


def test_code_of_other_languages_is_not_read():
    tree = grammar.parse("f", b"<Perl>\nif ($x < 1) {\n</b>\n\\\n}\n</perl>\nA")
    assert [directive.name for directive in tree.walk()] == ["perl", "a"]


@pytest.mark.parametrize(
    "data, line, column, words",
    [
        (b"A\n  </VirtualHost>", 2, 3, "closes a section that is not open"),
        (b"<A>\n<B>\n</A>", 3, 1, 'stands where "</b>" of line 2 is expected'),
        (b"x\n <VirtualHost *>\nA", 2, 2, 'the section "<virtualhost" that opens here is never closed'),
        (b"< A>", 1, 1, "not followed by the name"),
        (b"\xef\xbb\xbfA", 1, 1, "byte order mark"),
    ],
)
def test_errors_name_the_place(data, line, column, words):
    with pytest.raises(ConfigurationError, match=re.escape(words)) as caught:
        grammar.parse("/etc/x", data)
    assert (caught.value.file, caught.value.line, caught.value.column) == ("/etc/x", line, column)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a  b", ["a", "b"]),
        ('"a b" \'c "d\'', ["a b", 'c "d']),
        (r'"a \" b\\ \n"', [r'a " b\ \n']),
        ('a"b c', ['a"b', "c"]),
        ('"never closed x', ["never closed x"]),
        ('""', [""]),
        (r"C:\\x \y", [r"C:\x", r"\y"]),
        ('"a"b', ["a", "b"]),
    ],
)
def test_words(text, expected):
    assert grammar.words(text) == expected


def test_names_and_arguments():
    assert grammar.split("SSLProtocol  all -SSLv3") == ("sslprotocol", "all -SSLv3")
    assert grammar.split('<If "%{X} -gt 1">') == ("if", '"%{X} -gt 1"')
    assert grammar.split("<VirtualHost *:443 >") == ("virtualhost", "*:443")


def test_respelling_keeps_quotes_and_what_stands_before():
    data = b'SSLCipherSuite \\\n   TLSv1.3 "OLD LIST"\nSSLProtocol all \\\n -SSLv3\n'
    suite, protocol = grammar.parse("f", data).children
    assert layout.respell_last(suite, "NEW").replacement == b'"NEW"'
    assert data[layout.respell_last(suite, "NEW").start :].startswith(b'"OLD LIST"')
    assert data[layout.respell(protocol, "x").start : layout.respell(protocol, "x").end] == b"all \\\n -SSLv3"


@pytest.mark.parametrize("fixture", fixtures(), ids=str)
def test_real_files_are_read_to_the_last_byte(fixture):
    for path, data in fixture.files.items():
        for variant in (data, data.replace(b"\n", b"\r\n"), data.rstrip(b"\n")):
            expected = [line for _begin, line in lines_by_the_book(variant)]
            expected = [line for line in expected if line and not line.startswith((b"#", b"</"))]
            tree = grammar.parse(path, variant)
            assert tree.data == variant
            assert [one.text.encode("utf-8", "surrogateescape") for one in tree.walk()] == expected


def test_a_large_file_is_read_in_linear_time():
    import time

    data = (
        b"<Directory /a>\n  Require all granted \\\n   # x\n</Directory>\n" + b"\\" * 80 + b" " * 80 + b"x\n"
    ) * 4000
    began = time.perf_counter()
    grammar.parse("f", data + b"Last" + b" \\\n" * 20000 + b" " * 20000)
    assert time.perf_counter() - began < 5
