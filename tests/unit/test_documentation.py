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


def test_the_readme_names_every_playbook() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = "".join(re.findall(r"^\| (`[^|]*)\|", readme, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", rows)) >= {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
