# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docs/baseline.md says what the code does: its tables, its examples and its error messages."""

from __future__ import annotations

import importlib.util
import pathlib
import re

import pytest
import yaml

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model, profiles
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import BaselineError

ROOT = pathlib.Path(__file__).resolve().parents[5]
PAGE = (ROOT / "docs" / "baseline.md").read_text(encoding="utf-8")


def test_the_tables_are_what_the_profiles_say():
    spec = importlib.util.spec_from_file_location("tables", ROOT / "hacking" / "registry" / "tables.py")
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    assert tables.render(PAGE) == PAGE
    assert all(f"<!-- table {name}:" in PAGE for name in tables.TABLES)
    changed = PAGE.replace("2048 bits or more", "1024 bits or more")
    assert tables.render(changed) == PAGE, "a wrong cell is written anew"


def test_the_overrides_shown_work():
    shown = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    assert len(shown) == 2
    for example in shown:
        baseline = model.load(example.get("in_transit_profile", "intermediate"), example["in_transit_baseline"])
        assert baseline != model.load()
    assert dict(baseline.sources)["tolerated_suites"].startswith("policy ISP-12")


@pytest.mark.parametrize(
    "overrides",
    [{"groups": ["P-256"]}, {"suites_tls12": ["TLS_RSA_WITH_AES_128_GCM_SHA256"]}, {"groupz": []}],
)
def test_the_messages_shown_are_real(overrides):
    with pytest.raises(BaselineError) as caught:
        model.load("intermediate", overrides)
    shown = [line for line in PAGE.splitlines() if line.startswith("baseline: ")]
    assert any(str(caught.value).startswith(line.split(" ...")[0]) for line in shown)


def test_every_profile_is_described():
    assert re.findall(r"^\| `(\w+)` \| (?!`)", PAGE, re.MULTILINE) == list(profiles.PROFILES)
