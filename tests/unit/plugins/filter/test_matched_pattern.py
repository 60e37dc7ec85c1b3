"""A run over nobody proves nothing: every playbook ends with an error instead of a status that looks like a pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ansible import context
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.collections import ImmutableDict

from ansible_collections.encryption.in_transit.plugins.filter.matched_pattern import matched_pattern
from ansible_collections.encryption.in_transit.tests.unit.plugins.action.plays import run

PLAYBOOKS = Path(__file__).parents[4] / "playbooks"
GROUPS = {"all": ["web1", "web2", "localhost"], "web": ["web1", "web2"]}
NOBODY = {"all": []}


def command_line(monkeypatch: pytest.MonkeyPatch, **options: object) -> None:
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict(inventory=("/srv/hosts.yml",), **options))


def test_a_pattern_that_has_hosts_stays_as_it_is(monkeypatch):
    command_line(monkeypatch, subset="web1")
    for pattern in ("all:!localhost", "web", ["nowhere", "web[0]"], "~we.*"):
        assert matched_pattern(pattern, GROUPS) == pattern
    # What ansible-pull runs; and a controller that nobody listed.
    command_line(monkeypatch, subset="localhost,web9,127.0.0.1")
    assert matched_pattern("localhost", {"all": ["localhost"]}) == "localhost"
    command_line(monkeypatch)
    assert matched_pattern("localhost", NOBODY) == "localhost"


@pytest.mark.parametrize(
    "pattern, groups, limit, said",
    [
        ("all:!localhost", NOBODY, None, "'all:!localhost' in the inventory (/srv/hosts.yml), which has no hosts"),
        ("all:!localhost", {"all": ["localhost"]}, None, "which has 1 host. "),
        ("wbe", GROUPS, None, "'wbe' in the inventory (/srv/hosts.yml), which has 3 hosts"),
        (["wbe", "dbb"], GROUPS, None, "'wbe,dbb'"),
        ("web1", GROUPS, "web2", "'web1' within --limit web2 in"),
        ("localhost", {"all": ["web1"]}, "web1", "'localhost' within --limit web1 in"),
    ],
)
def test_a_pattern_that_has_none_is_refused(monkeypatch, pattern, groups, limit, said):
    command_line(monkeypatch, subset=limit)
    with pytest.raises(AnsibleFilterError) as refusal:
        matched_pattern(pattern, groups)
    assert said in str(refusal.value)


@pytest.mark.parametrize("option", ["syntax", "listhosts", "listtasks", "listtags"])
def test_what_runs_nothing_takes_every_pattern(monkeypatch, option):
    command_line(monkeypatch, **{option: True})
    assert matched_pattern("wbe", NOBODY) == "wbe"


def test_every_playbook_asks():
    for path in PLAYBOOKS.glob("*.yml"):
        for play in yaml.safe_load(path.read_text()):
            # A group of hosts that were chosen may be empty: nothing drifted.
            asked = play["hosts"].endswith("| encryption.in_transit.matched_pattern(groups) }}")
            assert asked or play["hosts"] == "encryption_in_transit_drifted", f"{path.name}: {play['name']}"


def test_ansible_ends_before_it_plays(tmp_path):
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": {}}}))
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": {"web1": None}}}))
    for playbook, inventory, *arguments in (
        ("harden", "inventory.json", "--limit", "web1", "--check"),
        ("gate", "hosts.json", "--limit", "web1"),
    ):
        done = run(tmp_path, f"encryption.in_transit.{playbook}", *arguments, inventory=inventory)
        words = " ".join((done.stdout + done.stderr).split())
        assert done.returncode != 0 and "A run over nobody proves nothing" in words, words
        assert "PLAY [" not in words
