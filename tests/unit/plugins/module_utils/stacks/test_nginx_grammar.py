# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lossless parser: what nginx accepts it accepts, what it refuses it refuses with a place, and bytes stay bytes."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx import grammar


def parse(text):
    return grammar.parse("n.conf", text if isinstance(text, bytes) else text.encode())


def shape(directives):
    """Nested lists of words, to compare with."""
    return [[item.name, *item.args] + ([] if item.children is None else [shape(item.children)]) for item in directives]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# only a comment", []),
        ("\r\n\t ", []),
        ("user www-data;", [["user", "www-data"]]),
        ("a;b c;d{e f;}", [["a"], ["b", "c"], ["d", [["e", "f"]]]]),
        ("events{}http{}", [["events", []], ["http", []]]),
        ("log_format x 'a'\r\n  \"b\" # why\n c;", [["log_format", "x", "a", "b", "c"]]),
        (r'a "x\"y" z\ w \t;', [["a", 'x"y', r"z\ w", "\t"]]),
        (r"a 'it''s';", None),
        ('if ($x = "a b") { return 1; }', [["if", "($x", "=", "a b", ")", [["return", "1"]]]]),
        ("set $a ${b}c$d{e f;}", [["set", "$a", "${b}c$d", [["e", "f"]]]]),
        ("a x}y#z\"q';", [["a", "x}y#z\"q'"]]),
        ('map $a $b { default 0; ~^x{2} 1; "" 2; }', None),
        (
            "map $a $b { default 0; '~^x{2}$' 1; \"\" 2; }",
            [["map", "$a", "$b", [["default", "0"], ["~^x{2}$", "1"], ["", "2"]]]],
        ),
        ("server{#}\nlisten 1;}", [["server", [["listen", "1"]]]]),
        (b"# caf\xe9\na \xff\xfe;", [["a", "\udcff\udcfe"]]),
        ("a\tb\r\nc;", [["a", "b", "c"]]),
        ("a $$ ${{b};", [["a", "$$", "${{b}"]]),
    ],
)
def test_words(text, expected):
    if expected is None:
        with pytest.raises(ConfigurationError):
            parse(text)
    else:
        assert shape(parse(text).children) == expected


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a b\n}", "n.conf:2:1", 'unexpected "}": ";" is missing after "a b"'),
        ("a;\n}", "n.conf:2:1", "no block is open"),
        ("http {\n  server {\n    listen 1;\n  }\n", "n.conf:1:6", 'the block "http" that opens here is never closed'),
        ("a {\n b {\n", "n.conf:2:4", 'the block "b"'),
        ("\n a b", "n.conf:2:2", 'the file ends inside this directive: ";" is missing'),
        ('a "b\n c;', "n.conf:1:3", "quoted text that opens here is never closed"),
        ('a "b"c;', "n.conf:1:6", 'unexpected "c" after the closing quote'),
        (";", "n.conf:1:1", "a directive's name is missing"),
        ("a; {}", "n.conf:1:4", 'unexpected "{"'),
        (b"\xef\xbb\xbfuser x;", "n.conf:1:1", "byte order mark"),
        ("a\n " + "b" * 4096 + ";", "n.conf:2:2", "longer than the 4095 bytes"),
        ("a '" + "b" * 4096 + "';", "n.conf:1:3", "longer than the 4095 bytes"),
        ("a;\n#" + "b" * 4096 + "\n", "n.conf:2:1", "comment longer than"),
        ("a \\", "n.conf:1:3", "unexpected end of file"),
        ("content_by_lua_block { x = '}'\n", "n.conf:1:22", "never closed"),
        ("content_by_lua_block {\n x = 'y }\n", "n.conf:2:6", "in Lua code is never closed"),
        ("content_by_lua_block {\n x = [[ ]=]\n}", "n.conf:2:6", "in Lua code is never closed"),
    ],
)
def test_what_nginx_refuses_is_named_with_its_place(text, place, message):
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    assert str(caught.value).startswith(place + ": ")
    assert message in str(caught.value)


def test_the_longest_words_nginx_reads():
    word, quoted, comment = "b" * 4095, "c" * 4094, "#" * 4095
    assert parse(f"a {word};b '{quoted}';\n{comment}\n;c;{comment}#".replace("\n;", "\n")).children[0].args == [word]
    with pytest.raises(ConfigurationError, match="longer than"):
        parse(f"a '{quoted}c';")


def test_lua_is_not_configuration():
    text = """
    content_by_lua_block {
        -- } ssl_protocols SSLv3;
        --[[ } ]] --[==[ ]] } ]==]
        local a, b, c = "}\\"", '\\'}', [[ } ]] .. [=[ ]] } ]=]
        if x then y = { z = {} } end
    }
    ssl_protocols TLSv1.3;
    """
    lua, directive = parse(text).children
    assert lua.is_code and lua.children == []
    assert directive.args == ["TLSv1.3"]
    assert text.encode()[lua.end - 1 : lua.end] == b"}"


def test_spans_and_lines():
    text = b'http {\r\n  ssl_protocols "TLSv1"\r\n    TLSv1.2; # x\r\n}\r\n'
    tree = grammar.parse("n.conf", text)
    http = tree.children[0]
    directive = http.children[0]
    assert text[directive.start : directive.end] == b'ssl_protocols "TLSv1"\r\n    TLSv1.2;'
    assert [text[token.start : token.end] for token in directive.tokens] == [b"ssl_protocols", b'"TLSv1"', b"TLSv1.2"]
    assert (directive.line, tree.position(directive.tokens[2].start)) == (2, (3, 5))
    assert directive.text == 'ssl_protocols "TLSv1" TLSv1.2;'
    assert (http.text, text[http.end - 1 :]) == ("http", b"}\r\n")


def test_deep_nesting_is_no_problem():
    depth = 20_000
    tree = parse("a{" * depth + "}" * depth)
    assert sum(1 for _ in tree.walk()) == depth


# --- properties -------------------------------------------------------------------------------------------------

_space = st.sampled_from([b" ", b"\t", b"\n", b"\r\n", b"  # note }{;\n", b"\n#\xe9\n\t"])
_plain = st.text(st.sampled_from("abz09._-/:=~^*$@[]()|+,<>&%!?"), min_size=1, max_size=12).map(str.encode)
_escaped = st.sampled_from([rb"\{", rb"\;", rb"a\ b", rb"x\\", rb"\"q", b"${v}w", b"a}b", b"\xff\xfe"])
_quoted = st.binary(max_size=12).map(
    lambda raw: b'"' + raw.replace(b"\\", b"").replace(b'"', b"'") + b'"'
)  # fmt: skip
_word = st.one_of(_plain, _escaped, _quoted)
_name = st.text(st.sampled_from("abcdefghijklmnop_"), min_size=1, max_size=10).map(str.encode)


@st.composite
def _statements(draw, depth=0):
    out = []
    for _number in range(draw(st.integers(0, 4))):
        out.append(draw(_space))
        out.append(draw(_name))
        for _word_number in range(draw(st.integers(0, 3))):
            out += [draw(_space), draw(_word)]
        if depth < 3 and draw(st.booleans()):
            out += [draw(_space), b"{", draw(_statements(depth + 1)), draw(_space), b"}"]
        else:
            out += [b" ", b";"]
    return b"".join(out)


@given(_statements())
def test_valid_text_is_parsed_without_gaps(data):
    """Every byte belongs to a statement or to space and comments between them, and statements nest properly."""
    tree = grammar.parse("n.conf", data)

    def cover(children, at, end):
        for child in children:
            assert at <= child.start < child.head < child.end <= end
            between = data[at : child.start]
            assert all(not line.partition(b"#")[0].strip() for line in between.split(b"\n"))
            if child.children is None:
                assert data[child.head : child.end] == b";"
            else:
                assert data[child.head : child.head + 1] == b"{" and data[child.end - 1 : child.end] == b"}"
                cover(child.children, child.head + 1, child.end - 1)
            at = child.end
        assert all(not line.partition(b"#")[0].strip() for line in data[at:end].split(b"\n"))

    cover(tree.children, 0, len(data))


@given(st.one_of(st.binary(max_size=200), st.text(st.sampled_from("ab {};#\"'\\$\n\r\t[]=-"), max_size=80)))
@settings(max_examples=500)
def test_any_bytes_are_parsed_or_refused_with_a_place(data):
    data = data.encode() if isinstance(data, str) else data
    try:
        tree = grammar.parse("n.conf", data)
    except ConfigurationError as error:
        assert error.file == "n.conf" and error.line >= 1 and error.column >= 1
    else:
        for directive in tree.walk():
            assert directive.tokens and directive.line >= 1 and isinstance(directive.text, str)


@given(st.text(st.sampled_from("a{}\"'-[]=\\\n "), max_size=60))
def test_any_lua_is_parsed_or_refused(code):
    try:
        parse("x_by_lua_block {" + code)
    except ConfigurationError as error:
        assert error.line >= 1


@pytest.mark.parametrize(
    "hostile",
    [
        "a " * 200_000,
        "a;" * 200_000,
        "#" * 4000 + "\n" * 200_000,
        "${" * 200_000,
        'a "' + "\\" * 400_000,
        "x_by_lua_block {" + "--[" * 150_000,
        "x_by_lua_block {" + "[=" * 200_000,
        "a {" * 100_000,
        "a 'b' # c\n" * 40_000,
    ],
)
def test_hostile_text_takes_no_more_than_linear_time(hostile):
    def seconds(data):
        best = 9.0
        for _attempt in range(3):
            start = time.process_time()
            with contextlib.suppress(ConfigurationError):
                grammar.parse("n.conf", data)
            best = min(best, time.process_time() - start)
        return best

    data = hostile.encode()
    # Eight times the data: quadratic time would be 64 times as long.
    assert seconds(data) < 24 * seconds(data[: len(data) // 8]) + 0.05
