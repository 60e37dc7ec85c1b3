"""The action within harden, which it warns of clients that are about to be cut off."""

from __future__ import annotations

import json

import pytest

from ansible_collections.encryption.in_transit.tests.unit.plugins.action.plays import run

ROW = {
    "stack": "nginx", "listener": "*:443", "ports": [443], "direction": "incoming", "client": "192.0.2.17",
    "protocol": "TLSv1.0", "suite": "", "count": 3, "first": None, "last": "2026-11-20T00:00:00Z",
    "below": ["TLSv1.0"], "breaks": "yes", "newer": None,
}  # fmt: skip
REPORT = json.dumps({"made": "2026-11-21T02:00:00Z", "hosts": {"web1": {"handshakes": [ROW]}}})


@pytest.mark.parametrize(
    ("text", "fails", "told"),
    [
        (REPORT, False, "by the report of 2026-11-21: web1, nginx *:443: would break: 1 client: 192.0.2.17"),
        ("{}", True, "usage.json: no report of usage: it has no hosts"),
    ],
    ids=["warned", "no report"],
)
def test_harden_warns_before_it_changes_anything(tmp_path, text, fails, told):
    variables = {"in_transit_stacks": [], "in_transit_become": False}
    (tmp_path / "usage.json").write_text(text)
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": {"web1": {}}, "vars": variables}}))
    done = run(tmp_path, "encryption.in_transit.harden", "-e", "in_transit_usage_report=usage.json")
    assert told in " ".join((done.stdout + done.stderr).split())
    assert bool(done.returncode) == fails
    # Nothing comes after a report that cannot be read.
    assert ("TASK [Show what was done]" in done.stdout) != fails
