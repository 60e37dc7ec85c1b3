# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows import registry as reg

KEY = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL"

#: What reg.exe prints: a blank line, the key, and four blanks before, between and after the parts of a value.
PRINTED = f"""
{KEY}
    EventLogging    REG_DWORD    0x1

{KEY}\\Ciphers\\RC4 128/128
    Enabled    REG_DWORD    0xffffffff

{KEY}\\Odd
    (Standard)    REG_SZ    Grüße
    two  words    REG_SZ    a    REG_SZ    b
    empty    REG_SZ{"    "}
    bare    REG_SZ
    list    REG_MULTI_SZ    one\\0two
    blob    REG_BINARY    00FF
    large    REG_QWORD    0x100000000
    lines    REG_SZ    first
second

Fehler: Der angegebene Registrierungsschlüssel wurde nicht gefunden.
"""

names = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30)
texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
keys = st.lists(names.map(lambda name: name.replace("\\", "/").replace("]", ")")), min_size=1, max_size=4).map(
    lambda parts: "HKEY_LOCAL_MACHINE\\" + "\\".join(parts)
)
datas = st.one_of(
    st.tuples(st.just("REG_DWORD"), st.integers(0, 2**32 - 1)),
    st.tuples(st.just("REG_QWORD"), st.integers(0, 2**64 - 1)),
    st.tuples(st.just("REG_SZ"), texts),
    st.tuples(st.just("REG_EXPAND_SZ"), texts),
    st.tuples(st.just("REG_MULTI_SZ"), st.lists(texts.filter(bool), max_size=5).map(tuple)),
    st.tuples(st.just("REG_BINARY"), st.binary(max_size=40)),
    st.just(("REG_NONE", None)),
)
values = st.builds(lambda key, name, data: reg.Value(key, name, *data), keys, names, datas)


def printed(value: reg.Value) -> str:
    """As reg.exe prints it: measured, and the form of every public sample."""
    data = value.data
    if isinstance(data, int):
        text = hex(data)
    elif isinstance(data, bytes):
        text = data.hex().upper()
    else:
        text = "\\0".join(data) if isinstance(data, tuple) else str(data)
    return f"    {value.name}    {value.type}    {text}"


def test_what_reg_query_prints_is_read_in_any_language() -> None:
    found = reg.parse_query(PRINTED.replace("\n", "\r\n"))
    odd = KEY + "\\Odd"
    assert found.number(KEY, "eventlogging") == 1
    assert found.number(KEY.upper() + "\\CIPHERS\\RC4 128/128", "Enabled") == 0xFFFFFFFF
    assert found.below(KEY) == ["Ciphers", "Odd"]
    assert found.text(odd, "two  words") == "a    REG_SZ    b"
    assert [found.text(odd, name) for name in ("empty", "bare", "lines")][:2] == ["", ""]
    assert str(found.text(odd, "lines")).startswith("first\nsecond")
    assert found.data(odd, "list") == ("one", "two")
    assert found.data(odd, "blob") == b"\0\xff"
    assert found.number(odd, "large") == 1 << 32
    assert found.text(odd, "blob") is None
    assert "HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL\\ciphers\\rc4 128/128" in found
    assert KEY + "\\Protocols" not in found


@given(st.lists(values, max_size=8))
def test_reg_files_are_read_as_they_were_written(changes: list[reg.Value]) -> None:
    text = reg.document(reg.render(changes))
    assert text.isascii()
    assert reg.parse_document(text) == changes


@given(
    values.filter(
        lambda value: value.data is not None and "    " not in value.name and not isinstance(value.data, tuple)
    )
)
def test_printed_values_are_read_again(value: reg.Value) -> None:
    if value.name.startswith(" ") or value.name.endswith(" "):
        return  # reg.exe separates by blanks alone; no value of Windows has such a name
    found = reg.parse_query(f"{value.key}\r\n{printed(value)}\r\n")
    assert found.data(value.key.rstrip(), value.name) == value.data


@given(st.text())
def test_no_text_is_taken_for_anything_it_is_not(text: str) -> None:
    try:
        reg.parse_query(text)
    except reg.RegistryError as error:
        assert "is no REG_" in str(error)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "x.reg:1: the first line"),
        ("REGEDIT5\n", "x.reg:1: the first line"),
        (f'{reg.HEADER}\n"a"=dword:1\n', "x.reg:2: a key in brackets"),
        (f'{reg.HEADER}\n[{KEY}]\n"a"=dword:1g\n', "x.reg:3: 'dword:1g' is no data"),
        (f'{reg.HEADER}\n[{KEY}]\n; fine\n"a"=hex(7):ff\n', "x.reg:4: the bytes of a are no text in ascii"),
        (f"{reg.HEADER}\n[{KEY}]\nnonsense\n", "x.reg:3: a key in brackets"),
    ],
)
def test_a_broken_file_is_named_with_its_line(text: str, place: str) -> None:
    with pytest.raises(reg.RegistryError, match="^" + place.replace(".", r"\.")):
        reg.parse_document(text, "x.reg")


def test_what_reg_export_writes_is_read() -> None:
    text = (
        f'{reg.EXPORTED}\r\n\r\n[{KEY}]\r\n"EccCurves"=hex(7):63,00,75,00,\\\r\n  00,00,00,00\r\n"x"="a\\\\b\\"c"\r\n'
    )
    assert reg.parse_document("\ufeff" + text) == [
        reg.Value(KEY, "EccCurves", "REG_MULTI_SZ", ("cu",)),
        reg.Value(KEY, "x", "REG_SZ", 'a\\b"c'),
    ]


@pytest.mark.parametrize(
    "value",
    [
        reg.Value(KEY, "größe", "REG_DWORD", 1),
        reg.Value(KEY, "x", "REG_SZ", "a\r\n[HKEY_LOCAL_MACHINE\\SAM]"),
        reg.Value(KEY, "x", "REG_MULTI_SZ", None)._replace(key=KEY + "\nfoo"),
        reg.Value(KEY, "x", "REG_MULTI_SZ", ("a", "gr\u00f6\u00dfe")),
        reg.Value(KEY, "x", "REG_LINK", b"\0"),
    ],
)
def test_what_a_code_page_could_change_is_never_written(value: reg.Value) -> None:
    with pytest.raises(reg.RegistryError):
        reg.render([value])


def test_changes_make_the_registry_that_import_makes() -> None:
    before = reg.parse_query(PRINTED)
    after = before.merged(
        [reg.Value(KEY, "eventlogging", "REG_DWORD", 7), reg.Value(KEY + "\\Odd", "blob", "REG_NONE", None)]
    )
    assert after.number(KEY, "EventLogging") == 7
    assert after.get(KEY + "\\Odd", "blob") is None
    assert before.number(KEY, "EventLogging") == 1


def test_a_message_among_the_outputs_is_part_of_no_value() -> None:
    found = reg.parse_query(f"\n{KEY}\n    Functions    REG_SZ    a,b\n\nreg: Unable to find the key\n\n")
    assert found.text(KEY, "Functions") == "a,b"
    assert found.keys == [KEY]


BRIEF = "HKEY MACHINE SYSTEM\r\nHKEY MACHINE SYSTEM Ciphers\\RC4 128/128\r\nEnabled DWORD 0xffffffff \r\n"


def test_keys_and_numbers_in_few_words() -> None:
    found = reg.parse_brief(BRIEF, KEY)
    assert found
    assert found.number(KEY + "\\Ciphers\\RC4 128/128", "Enabled") == 0xFFFFFFFF
    assert found.keys == [KEY, KEY + "\\Ciphers\\RC4 128/128"]


@pytest.mark.parametrize("line", ["Enabled SZ 0x1", "My REG DWORD", "Enabled DWORD", "FEHLER: x", "Enabled QWORD 0x1"])
def test_what_few_words_do_not_tell_is_not_guessed(line: str) -> None:
    assert reg.parse_brief(BRIEF + line, KEY) is None
    assert reg.parse_brief(line, KEY) is None


def test_data_for_people() -> None:
    data = [None, 0, 2048, 0xFFFFFFFF, b"\1\2", ("a", "b"), "text"]
    spoken = [reg.spoken(reg.Value(KEY, "x", "REG_X", item)) for item in data]
    assert spoken == ["absent", "0", "2048", "0xffffffff", "0102", "a, b", "text"]
    assert reg.spoken(None) == "absent"
