"""Pages outside the documentation site, whose build checks its own links: README and its neighbours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "roles").glob("*/README.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_terminals_in_the_readme_are_those_of_the_quick_start() -> None:
    """Which were copied from a walk through it, to the letter."""
    readme, walk = ((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/quickstart.md"))
    shown = re.findall(r"^```\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    lines = [line for block in shown for line in block.splitlines()]
    assert lines and [line for line in lines if line not in walk.splitlines()] == []


def test_the_readme_names_every_playbook() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = "".join(re.findall(r"^\| (`[^|]*)\|", readme, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", rows)) >= {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
