"""The trend rests on sealed runs only."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from test_evidence_bag import run_many

from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import bundle, history
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.exports.words import OPEN


@pytest.fixture
def three(tmp_path):
    bundle.ready(str(tmp_path))
    for number in (1, 2, 3):
        run_many(tmp_path, number)
    return tmp_path


def ids(directory, **more):
    return [one["run_id"][-1] for one in history.earlier(str(directory), **more)]


def test_earlier_runs_come_oldest_first_with_their_counts(three):
    assert ids(three) == ["1", "2", "3"]
    assert ids(three, count=2) == ["2", "3"]
    found = history.earlier(str(three))[0]
    assert (found["exit_code"], found["complete"], found["endpoints"]["compliant"]) == (2, True, 10)


@pytest.mark.parametrize("name", ["data/verdict.json", "manifest-sha256.txt", "tagmanifest-sha256.txt"])
@pytest.mark.parametrize("spoil", ["change", "delete", "empty"])
def test_a_run_that_is_not_what_was_sealed_is_left_out(three, name, spoil):
    path = three / "20261121T020005Z-000002" / name
    if spoil == "delete":
        os.remove(path)
    else:
        path.write_text(path.read_text().replace("2", "0") if spoil == "change" else "")
    assert ids(three) == ["1", "3"]


def test_a_bundle_that_is_gone_is_left_out(three):
    shutil.rmtree(three / "20261121T020005Z-000001")
    assert ids(three) == ["2", "3"]


def test_a_first_run_has_no_history(tmp_path):
    assert history.earlier(str(tmp_path / "none")) == []


def test_what_was_open_is_told_by_key(three):
    before = history.last(str(three))
    assert before.run_id[-1] == "3"
    path = three / before.run_id / "data" / "results.ndjson"
    results = [json.loads(line) for line in path.read_text().splitlines()]
    assert before.open
    assert before.open == {one["key"]: one["status"] for one in results if one["status"] in OPEN}


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("{}"), lambda path: path.unlink()])
def test_nothing_is_compared_with_a_run_that_is_not_what_was_sealed(three, spoil):
    (folder,) = three.glob("*3")
    spoil(folder / "data" / "results.ndjson")
    assert history.last(str(three)) is None


def test_nothing_is_compared_with_no_run(tmp_path):
    assert history.last(str(tmp_path)) is None
