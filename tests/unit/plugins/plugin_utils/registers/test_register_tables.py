# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flows in spreadsheets: what comes in, what is refused, and what a table cannot hold."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.plugin_utils.registers import load, tables
from ansible_collections.encryption.in_transit.tests.unit.plugins.plugin_utils.registers import (
    register_samples as samples,
)

HEADER = (
    "id,name,data_class,direction,source,endpoints,managed,encryption,owner.name,owner.email,verified_by,cleartext_hops"
)
ROW = "FLOW-0001,Portal,PHI,Internet,browsers,https://portal.example,TRUE,tls,J. Doe,a@b.example,probe,"


def read(tmp_path: Path, text: str | bytes) -> tuple[list[t.Any], list[str]]:
    path = tmp_path / "flows.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    registers, problems = load.read([str(path)])
    return registers.flows, [str(one).replace(f"{tmp_path}/", "") for one in problems]


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\n{ROW}\n",
        f"\ufeff{HEADER}\r\n{ROW}\r\n\r\n,,,\r\n",
        f"sep=;\n{HEADER}\n{ROW}\n".replace(",", ";"),
        f"{HEADER}\n{ROW}\n".replace(",", "\t"),
        f"{HEADER}\n{ROW}\n".replace(",", ";").encode("utf-16"),
    ],
    ids=["plain", "bom", "sep", "tab", "utf-16"],
)
def test_what_spreadsheets_write_is_read(text: str | bytes, tmp_path: Path) -> None:
    flows, problems = read(tmp_path, text)
    assert not problems
    (flow,) = flows
    assert flow["data_class"] == "phi" and flow["direction"] == "internet" and flow["managed"] is True
    assert flow["endpoints"] == ["https://portal.example"] and flow["owner"]["email"] == "a@b.example"
    assert flow.file.endswith("flows.csv") and flow.line == flow.lines["name"] > 1


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("Portal", "=HYPERLINK(1)", "flows.csv:2: FLOW-0001.name: begins like a formula"),
        ("Portal", "@SUM(1)", "FLOW-0001.name: begins like a formula"),
        ("Portal", "#REF!", "FLOW-0001.name: '#REF!' was made by a spreadsheet"),
        ("FLOW-0001", "4.5E+11", "4.5E+11.id: '4.5E+11' was made by a spreadsheet"),
        ("FLOW-0001", "1", "1.id: '1' is not an id"),
        ("FLOW-0001", "01.02.2026", "'01.02.2026' is not an id"),
        ("TRUE", "WAHR", "FLOW-0001.managed: must be true or false, not 'wahr'"),
        ("verified_by", "verified", "flows.csv:1: verified: is no column of flows, and would be lost"),
        ("cleartext_hops", "name", "flows.csv:1: name: is the name of two columns"),
        ("probe,", "probe,,,extra", "FLOW-0001: has more cells than columns"),
        ("Portal", '"Portal', "is not CSV"),
        (HEADER, "a,b,c", "has no header of a register of flows"),
    ],
)
def test_what_cannot_be_meant_is_told(old: str, new: str, wanted: str, tmp_path: Path) -> None:
    flows, problems = read(tmp_path, f"{HEADER}\n{ROW}\n".replace(old, new, 1))
    assert any(wanted in one for one in problems), problems
    assert not flows or "more cells" in wanted


def test_other_encodings_are_told(tmp_path: Path) -> None:
    _flows, problems = read(tmp_path, f"{HEADER}\n{ROW}\n".replace("Portal", "Universität").encode("cp1252"))
    assert problems == ['flows.csv:2: is not UTF-8; save it as "CSV UTF-8"']


def test_the_guard_comes_off_and_goes_on(tmp_path: Path) -> None:
    flows, problems = read(tmp_path, f"{HEADER}\n{ROW}\n".replace("Portal", "'=1+1"))
    assert not problems and flows[0]["name"] == "=1+1"
    assert "'=1+1" in "".join(tables.csv_of("flows", flows))


TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=20)


@given(name=TEXT, hops=st.lists(TEXT, max_size=3, unique=True), managed=st.booleans())
def test_what_is_written_comes_back_or_is_told_to_be_lost(name: str, hops: list[str], managed: bool) -> None:
    (flow,), _problems = tables.flows_from_csv("x", f"{HEADER}\n{ROW}\n".encode())
    flow.update(name=name, cleartext_hops=hops, managed=managed)
    back, problems = tables.flows_from_csv("x", "".join(tables.csv_of("flows", [flow])).encode())
    lost = {one.key.partition(".")[2] for one in tables.lost([flow])}
    same = {key for key, value in flow.items() if back[0].get(key) == value or value == []}
    assert same | lost >= set(flow) and not same & lost
    assert not problems or lost


def test_every_register_becomes_a_table_without_formulas(tmp_path: Path) -> None:
    registers = samples.registers()
    registers["exceptions"][0]["title"] = "=cmd|' /C calc'!A0"
    loaded, problems = load.read(samples.write(tmp_path, **registers))
    assert not problems
    for kind in load.KINDS:
        head, first, *_rest = "".join(tables.csv_of(kind, getattr(loaded, kind))).splitlines()
        assert head.split(",") == list(tables.COLUMNS[kind])
        assert first.startswith(getattr(loaded, kind)[0]["id"])
        assert ",=" not in first and ',"=' not in first


def test_comments_are_told_to_be_lost() -> None:
    text = "# yaml-language-server: $schema=x\n# why\nflows: []\n  # and more\n"
    (told,) = tables.comments("flows.yml", text)
    assert (told.line, told.message) == (2, "2 comment lines would not be in the table")
