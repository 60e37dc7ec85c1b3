# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files to registers: lines kept, every problem told, nothing used half-read."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.plugins.plugin_utils.registers import load, reading
from ansible_collections.encryption.in_transit.plugins.plugin_utils.registers.problems import RegisterError
from ansible_collections.encryption.in_transit.tests.unit.plugins.plugin_utils.registers import (
    register_samples as samples,
)


def problems_of(text: str | bytes, tmp_path: Path, name: str = "flows.yml") -> list[str]:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return [str(one).replace(f"{tmp_path}/", "") for one in load.read([str(path)])[1]]


def test_valid_registers_load_with_files_and_lines(tmp_path: Path) -> None:
    registers = load.load(samples.write(tmp_path), samples.TODAY, samples.HOSTS)
    assert [one["id"] for one in registers.flows] == ["FLOW-0001", "FLOW-0002", "FLOW-0003"]
    exception = registers.exceptions[0]
    assert exception == samples.EXCEPTIONS[0]
    lines = Path(exception.file).read_text().splitlines()
    assert "expires: 2027-02-28" in lines[exception.lines["expires"] - 1]
    assert "8443" in lines[exception["scope"]["ports"].lines[0] - 1]


def test_scalars_are_what_they_look_like(tmp_path: Path) -> None:
    text = "a: no\nb: 2026-11-22\nc: 8443\nd: '8443'\ne: true\nf:\ng: 0010\nh: 1e3\ni: 12:30:45\nj: !!str\n"
    value, problems = reading.parse("x", text.replace("j: !!str\n", ""))
    assert not problems
    assert value == {
        "a": "no", "b": "2026-11-22", "c": 8443, "d": "8443", "e": True, "f": None, "g": "0010", "h": "1e3",
        "i": "12:30:45",
    }  # fmt: skip
    assert "tag" in str(reading.parse("x", text)[1][0])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("flows: [", "flows.yml:2: is not YAML"),
        ("flows:\n- &a {id: x}\n- *a\n", "flows.yml:2: anchors and aliases are not allowed"),
        ("flows:\n- *a\n", "flows.yml:2: anchors and aliases"),
        ("flows: []\n---\nflows: []\n", "flows.yml:2: a second document begins here"),
        ("flows: []\nflows: []\n", "flows.yml:2: flows: is given twice in one mapping, first in line 1"),
        ("flows:\n- {<<: {id: x}}\n", "flows.yml:2: merge keys"),
        ("flows:\n- {[a]: x}\n", "flows.yml:2: a key must be a word"),
        ("flows:\n- !!python/object:os.system x\n", "flows.yml:2: tag"),
        ("", "flows.yml: is empty"),
        ("- id: FLOW-0001\n", "flows.yml:1: is no register"),
        ("flows: []\nexceptions: []\n", "flows.yml:1: is no register"),
        ("flows: []\nowner: x\n", "flows.yml:2: owner: unknown key"),
        ("flows: {}\n", "flows.yml:1: flows: must be a list"),
        ("flows: \x00", "flows.yml: is not YAML"),
        (b"flows:\n- \xff\n", "flows.yml:2: is not UTF-8"),
        ("flows: " + "[" * 5000, "is nested deeper than 16"),
    ],
)
def test_what_is_no_register_is_told(text: str | bytes, wanted: str, tmp_path: Path) -> None:
    found = problems_of(text, tmp_path)
    assert any(wanted in one for one in found), found


def test_bombs_and_monsters_are_refused_unread(tmp_path: Path) -> None:
    bomb = "flows:\n- &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"- &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
    )
    assert "anchors" in problems_of(bomb, tmp_path)[0]
    monster = tmp_path / "monster.yml"
    with monster.open("wb") as file:
        file.truncate(100 << 20)
    assert "larger than 16 MiB" in str(load.read([str(monster)])[1][0])
    os.mkfifo(tmp_path / "pipe.yml")
    assert "not a regular file" in str(load.read([str(tmp_path / "pipe.yml")])[1][0])
    assert "cannot be read: No such file" in str(load.read([str(tmp_path / "none.yml")])[1][0])
    (tmp_path / "empty").mkdir()
    assert "holds no register" in str(load.read([str(tmp_path / "empty")])[1][0])


def break_flow(change: t.Callable[[dict[str, t.Any]], object]) -> list[dict[str, t.Any]]:
    flows = samples.registers()["flows"]
    change(flows[0])
    return flows


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda flow: flow.pop("owner"), "FLOW-0001.owner: is missing: who answers for the flow."),
        (lambda flow: flow.update(ovner=1), "FLOW-0001.ovner: unknown key 'ovner'"),
        (lambda flow: flow.update(data_class="PHI"), "unknown value 'PHI', did you mean phi?"),
        (lambda flow: flow.update(id=31), "flows[0].id: must be text, not 31"),
        (lambda flow: flow.update(id="FLOW-1"), "'FLOW-1' is not an id that is never used again"),
        (lambda flow: flow.update(endpoints=[]), "FLOW-0001.endpoints: needs at least 1 item"),
        (
            lambda flow: flow.update(endpoints=["https://*.example"]),
            "FLOW-0001.endpoints[0]: 'https://*.example' is not",
        ),
        (
            lambda flow: flow.update(endpoints=["https://a", "https://a"]),
            "FLOW-0001.endpoints[1]: 'https://a' is given",
        ),
        (lambda flow: flow.update(managed="ja"), "FLOW-0001.managed: must be true or false, not 'ja'"),
        (lambda flow: flow["owner"].update(email="nobody"), "FLOW-0001.owner.email: 'nobody' is not a mail address"),
        (lambda flow: flow.update(name=""), "FLOW-0001.name: must not be empty"),
    ],
)
def test_wrong_shapes_are_told_with_line_and_key(
    change: t.Callable[[dict[str, t.Any]], object], wanted: str, tmp_path: Path
) -> None:
    _registers, problems = load.read(samples.write(tmp_path, flows=break_flow(change)))
    assert len(problems) == 1, problems
    assert wanted in str(problems[0])
    assert problems[0].line > 0


def test_all_problems_at_once_and_nothing_is_used(tmp_path: Path) -> None:
    flows = break_flow(lambda flow: flow.update(direction="out", encryption="rot13", name=7))
    exceptions = samples.registers()["exceptions"]
    exceptions[0]["expires"] = "2027-02-30"
    with pytest.raises(RegisterError) as caught:
        load.load(samples.write(tmp_path, flows=flows, exceptions=exceptions), samples.TODAY)
    keys = [one.key for one in caught.value.problems]
    assert {"FLOW-0001.direction", "FLOW-0001.encryption", "FLOW-0001.name", "EXC-2026-001.expires"} <= set(keys)
    assert "no day of the calendar" in str(caught.value)
