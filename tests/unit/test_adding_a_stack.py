# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The guide says what the last stack took; here it is counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "adding-a-stack.md"
ROWS = re.findall(r"^\| `([^`]+)` \| (\d+) \| (\d+) \|$", GUIDE.read_text(), re.MULTILINE)


def files(place):
    path = ROOT / place
    every = [path] if path.is_file() else path.rglob("*")
    return [one for one in every if one.is_file() and not one.is_symlink() and "__pycache__" not in one.parts]


def test_the_guide_has_the_table():
    assert len(ROWS) == 8 and any("molecule" in place for place, _files, _lines in ROWS)


@pytest.mark.parametrize(("place", "count", "lines"), ROWS, ids=[row[0] for row in ROWS])
def test_what_it_took_is_what_is_there(place, count, lines):
    found = files(place)
    real = sum(len(one.read_bytes().splitlines()) for one in found)
    assert abs(len(found) - int(count)) <= max(1, int(count) / 10), f"{place} has {len(found)} files"
    assert abs(real - int(lines)) <= max(1, real / 10), f"{place} has {real} lines"
