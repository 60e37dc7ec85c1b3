"""role_readmes.py: write the section "Variables" of each role's README from its argument_specs and defaults.

tests/unit/test_roles.py fails when a README says something else than this would write.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import yaml

ROLES = Path(__file__).resolve().parents[1] / "roles"
SECTION = re.compile(r"^## Variables\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
# Of a default made by Jinja, the forms that can be told in words: a variable, and what stands in for it.
FALLBACK = re.compile(r"(?P<first>[\w\[\]']+) \| default\((?P<else>.*?)(, true)?\)")


def code(value: t.Any) -> str:
    """A value as it is written in YAML, on one line."""
    if value == "":
        return "empty"
    written = yaml.safe_dump(value, default_flow_style=True, width=10**6)
    return f"`{written.rstrip().removesuffix('...').rstrip()}`"


def words(expression: str) -> str | None:
    """A Jinja expression in words; None for one that is more than a variable and what stands in for it."""
    if expression == "''":
        return "empty"
    found = FALLBACK.fullmatch(expression)
    if found:
        return f"`{found['first']}`, else {words(found['else'])}"
    plain = re.fullmatch(r"'([^']*)'", expression)
    return None if "(" in expression else f"`{plain[1] if plain else expression}`"


def default(value: t.Any) -> str | None:
    """What a variable is when nobody sets it; `value` as in defaults/main.yml."""
    if "{{" not in str(value):
        return code(value)
    if not isinstance(value, str) or "\n" in value:
        return None
    whole = re.fullmatch(r"\{\{ (.*) \}\}", value)
    return words(whole[1]) if whole else f"`{value}`"


def meaning(option: dict[str, t.Any], computed: bool) -> str:
    """The description in one line of Markdown, without what the column of defaults says."""
    told = option["description"]
    text = " ".join(told if isinstance(told, list) else [told])
    if not computed:
        text = re.sub(r" ?\bDefaults to .*?\.(?= |$)", "", text).strip()
    text = re.sub(r"\b[CVOM]\(([^()]*(?:\([^()]*\))?)\)", r"`\1`", text)
    if option.get("options"):
        text += " Keys: " + ", ".join(f"`{key}`" for key in option["options"]) + "."
    choices = [f"`{choice}`" for choice in option.get("choices", [])]
    if not all(choice in text for choice in choices):
        text += (" Any of " if option["type"] == "list" else " One of ") + ", ".join(choices) + "."
    return text.replace("|", "\\|")


def section(role: str) -> str:
    """The section of `role`, which ends with an empty line."""
    specs = yaml.safe_load((ROLES / role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    options: dict[str, t.Any] = {}
    for entry in specs.values():
        options = (entry.get("options") or {}) | options
    defaults = yaml.safe_load((ROLES / role / "defaults/main.yml").read_text(encoding="utf-8"))
    rows = []
    for name, option in options.items():
        usual = default(defaults[name]) if name in defaults else "required"
        rows.append(f"| `{name}` | {usual or 'computed'} | {meaning(option, usual is None)} |")
    lines = [
        "## Variables",
        "",
        f"Written from `meta/argument_specs.yml`, which `ansible-doc -t role encryption.in_transit.{role}` shows.",
        "",
        "| Variable | Default | Meaning |",
        "|---|---|---|",
        *rows,
        "",
    ]
    return "\n".join(lines) + "\n"


def page(role: str) -> str:
    """The README of `role` as it should be; its other sections are as they were written by hand."""
    text = (ROLES / role / "README.md").read_text(encoding="utf-8")
    return SECTION.sub(lambda _found: section(role), text).rstrip("\n") + "\n"


if __name__ == "__main__":
    for path in sorted(ROLES.glob("*/README.md")):
        path.write_text(page(path.parent.name), encoding="utf-8")
