"""Roles say the same in five places: argument_specs, defaults, tasks, README, and the page of shared variables."""

from __future__ import annotations

import importlib.util
import re
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
SHARED = re.compile(r"\bin_transit_[a-z][a-z_]*\b")


def read(role: str, file: str) -> t.Any:
    path = ROOT / "roles" / role / file
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None


def options(role: str) -> dict[str, t.Any]:
    found: dict[str, t.Any] = {}
    for entry in read(role, "meta/argument_specs.yml")["argument_specs"].values():
        found |= entry.get("options") or {}
    return found


def sources(role: str) -> str:
    """Everything of a role that may use a variable."""
    folders = ("tasks", "handlers", "templates", "vars")
    files = (path for folder in folders for path in sorted((ROOT / "roles" / role / folder).rglob("*")))
    return "\n".join(path.read_text(encoding="utf-8") for path in files if path.is_file())


@pytest.mark.parametrize("role", ROLES)
def test_every_option_has_its_default_and_every_default_its_option(role: str) -> None:
    required = {name for name, option in options(role).items() if option.get("required")}
    assert set(read(role, "defaults/main.yml") or {}) == set(options(role)) - required


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_those_that_are_documented(role: str) -> None:
    written = read(role, "defaults/main.yml") or {}
    told = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert {name: written[name] for name in told} == told
    # What is not told by value is told in words, and comes from a shared variable.
    for name in set(written) - set(told):
        assert "{{" in str(written[name]) or written[name] in ("", [], {}), name
        shared = SHARED.findall(str(written[name]))
        assert all(variable in str(options(role)[name]["description"]) for variable in shared), name


@pytest.mark.parametrize("role", ROLES)
def test_every_option_is_used_and_every_used_variable_is_an_option(role: str) -> None:
    used = set(re.findall(rf"\b{role}_[a-z][a-z_]*\b", sources(role)))
    known = set(options(role))
    # A default may be made of another.
    between = "\n".join(map(str, (read(role, "defaults/main.yml") or {}).values()))
    assert known - used - {name for name in known if re.search(rf"\b{name}\b", between)} == set()
    # Names that only begin like a variable of the role: our own registers, loop variables, and modules.
    plain = {
        name for name in used if not re.search(rf"(__|encryption\.in_transit\.|loop_var: ){name}\b", sources(role))
    }
    assert plain - known == set()


@pytest.fixture(scope="module")
def readmes() -> t.Any:
    """The program that writes the tables of variables."""
    spec = importlib.util.spec_from_file_location("role_readmes", ROOT / "hacking/role_readmes.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("role", ROLES)
def test_readme_tells_every_entry_point_and_every_variable(role: str, readmes: t.Any) -> None:
    text = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    assert text == readmes.page(role), "run `make readmes`"
    (table,) = re.findall(r"^## Entry points\n\n.*?\n\n", text, re.MULTILINE | re.DOTALL)
    entries = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert entries == set(read(role, "meta/argument_specs.yml")["argument_specs"])
    assert readmes.section(role) in f"{text}\n"


def test_shared_variables_are_all_documented_and_none_that_is_not_used() -> None:
    page = set(re.findall(r"^\| `(in_transit_\w+)`", (ROOT / "docs/variables.md").read_text("utf-8"), re.MULTILINE))
    files = [*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "roles").rglob("*.yml"), *(ROOT / "roles").rglob("*.j2")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    assert set(SHARED.findall(text)) - set(re.findall(r"loop_var: (\w+)", text)) == page
