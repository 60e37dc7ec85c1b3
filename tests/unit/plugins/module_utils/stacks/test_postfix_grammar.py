# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""main.cf and master.cf as Postfix reads them, and values as its daemons do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.model import PROTOCOLS
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.postfix import grammar, values


def pairs(text):
    data = text if isinstance(text, bytes) else text.encode()
    return [(entry.name, entry.value) for entry in grammar.parse_main("main.cf", data).parameters]


def services(text):
    return grammar.parse_master("master.cf", text.encode()).services


# --- logical lines ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a = 1\nb=2\n", [("a", "1"), ("b", "2")]),
        ("a = 1, 2\n  3\n", [("a", "1, 2  3")]),
        ("a = 1,\n# a comment ends nothing\n\n  2\n", [("a", "1,  2")]),
        ("a =\n   b = c\n", [("a", "b = c")]),
        ("a = b # not a comment\n", [("a", "b # not a comment")]),
        (" lost = 1\na = 2\n", [("a", "2")]),
        ("# x\n  lost\n# y\na = 2", [("a", "2")]),
        ("a =\n", [("a", "")]),
        ("a = 1\r\nb = 2,\r\n\t3\r\n", [("a", "1"), ("b", "2,\r\t3")]),
        ("a = x\n\n\n  y\nb=1", [("a", "x  y"), ("b", "1")]),
        ("", []),
    ],
)
def test_main(text, expected):
    assert pairs(text) == expected


@pytest.mark.parametrize(
    "text, place",
    [
        ("a = 1\nnonsense\n", 'main.cf:2:9: "=" is missing after "nonsense"'),
        ("= 1\n", "main.cf:1:1: the name of a parameter is missing"),
        ("a = \0\n", "main.cf:1:5: a NUL byte"),
        ("\ufeffa b = 1\n", "main.cf:1:"),
    ],
)
def test_what_postfix_refuses_is_named(text, place):
    with pytest.raises(ConfigurationError) as caught:
        pairs(text)
    assert str(caught.value).startswith(place)


@given(st.binary(max_size=300))
def test_any_bytes_parse_or_are_named(data):
    for parse in (grammar.parse_main, grammar.parse_master):
        try:
            tree = parse("x", data)
        except ConfigurationError as error:
            assert 1 <= error.line <= data.count(b"\n") + 1
            continue
        for entry in tree.parameters:
            text = b"".join(data[start:end] for start, end in entry.logical.spans(entry.start, entry.end))
            assert text == entry.logical.text[entry.start : entry.end]


LINES = st.lists(
    st.sampled_from(
        ["a = 1", "b=2,", "  3", "\t4,", "# c", "", "   ", "  # d", "c =", "smtpd_tls_protocols = !SSLv2,", "  !SSLv3"]
    ),
    max_size=12,
)


@given(LINES, st.sampled_from(["\n", "\r\n"]))
def test_lines_agree_with_a_simple_reading(lines, end):
    """The rule of postconf(5) said another way: comments and blank lines away, then white space joins."""
    kept = [line for line in lines if line.strip() and not line.strip().startswith("#")]
    joined = []
    for line in kept:
        if line[0] in " \t":
            if joined:
                joined[-1] += line
        else:
            joined.append(line)
    simple = [(name.strip(), value.strip()) for name, value in (line.split("=", 1) for line in joined)]
    assert [(name, value.replace("\r", "")) for name, value in pairs(end.join(lines))] == simple


# --- master.cf ----------------------------------------------------------------------------------------------------


def test_services_and_their_options():
    (one,) = services("submission inet n - y - - smtpd\n  -o a=1 -ob=2\n# -o c=3\n  -o { d = 4, 5 } -v\n  -o e=\n")
    assert (one.name, one.type, one.command) == ("submission", "inet", "smtpd")
    assert [(option.name, option.value, option.braced) for option in one.options] == [
        ("a", "1", False), ("b", "2", False), ("d", "4, 5", True), ("e", "", False),
    ]  # fmt: skip
    assert one.stray == []


def test_a_blank_ends_a_value():
    (one,) = services("smtp inet n - y - - smtpd -o smtpd_tls_protocols=!SSLv2, !SSLv3\n")
    assert one.options[0].value == "!SSLv2,"
    assert [one.logical.text[start:end] for start, end in one.stray] == [b"!SSLv3"]


@pytest.mark.parametrize(
    "text, words",
    [
        ("smtp inet n - y - -\n", "7 fields"),
        ("a inet n - y - - smtpd -o\n", "-o at the end"),
        ("a inet n - y - - smtpd -o nothing\n", "not of the form name=value"),
        ("a inet n - y - - smtpd -o { b = c\n", "never closed"),
    ],
)
def test_what_master_refuses_is_named(text, words):
    with pytest.raises(ConfigurationError, match=words):
        services(text)


# --- protocol lists -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, names",
    [
        ("!SSLv2, !SSLv3, !TLSv1, !TLSv1.1", "TLSv1.2 TLSv1.3"),
        (">=TLSv1.2", "TLSv1.2 TLSv1.3"),
        (">=tlsv1.2", "TLSv1.2 TLSv1.3"),
        (">=0303", "TLSv1.2 TLSv1.3"),
        ("!SSLv2, >=TLSv1.2", "TLSv1.2 TLSv1.3"),
        ("TLSv1.2:TLSv1.3", "TLSv1.2 TLSv1.3"),
        (">=TLSv1.1 <=TLSv1.2", "TLSv1.1 TLSv1.2"),
        # One positive name makes it a list of what is on: TLS 1.1 stays, TLS 1.3 goes.
        ("!SSLv2, !SSLv3, !TLSv1, TLSv1.1, TLSv1.2", "TLSv1.1 TLSv1.2"),
        ("", "SSLv2 SSLv3 TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3"),
    ],
)
def test_protocols(text, names):
    assert values.protocols(text, (3, 7, 11)) == (tuple(names.split()), "")


@pytest.mark.parametrize(
    "text, version",
    [
        (">=TLSv1.2", (3, 5, 25)),
        (">=TLSv1.2 # strong", (3, 7, 11)),
        ("TLS1.2", (3, 7, 11)),
        ("!TLSv1.0", (3, 7, 11)),
        (">=nothing", (3, 7, 11)),
        (">=0305", (3, 7, 11)),
    ],
)
def test_protocols_postfix_refuses(text, version):
    names, problem = values.protocols(text, version)
    assert problem and not names


@given(st.sets(st.sampled_from(PROTOCOLS), min_size=1), st.sampled_from([(3, 5, 25), (3, 7, 11)]))
def test_exclusions_mean_what_is_wanted_to_every_version(wanted, version):
    assert set(values.protocols(", ".join(values.exclusions(wanted, PROTOCOLS)), version).names) == wanted


# --- expansion ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, expected",
    [
        ("$a", "1"), ("${a}", "1"), ("$(a)x", "1x"), ("$$a", "$a"), ("$b", "1"), ("$nothing", ""),
        ("${a?yes}", "yes"), ("${a:no}", ""), ("${nothing:no}", "no"), ("${nothing?yes}", ""),
        ("${a?{y}:{n}}", "y"), ("${nothing?{y}:{n}}", "n"), ("${a?{$b}:{n}}", "1"),
        ("${{$a} == {1} ? {same} : {other}}", "same"), ("${{$level} <level {3.6} ? {md5} : {sha256}}", "sha256"),
        ("${{$level} >=level {3.10} ? {new} : {old}}", "old"), ("$loop", ""),
    ],
)  # fmt: skip
def test_expand(text, expected):
    known = {"a": "1", "b": "$a", "loop": "$loop", "level": "3.9"}
    assert values.expand(text, known.get) == expected


@given(st.text("${}()ab?:=< ", max_size=30))
def test_expand_ends(text):
    assert isinstance(values.expand(text, {"a": "$b", "b": "${a?{$a}}"}.get), str)
