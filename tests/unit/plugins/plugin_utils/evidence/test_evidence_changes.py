"""Records of changes: from the modules' results to a file of their own, and into the next bundle once."""

from __future__ import annotations

import json
import os
import stat

import evidence_samples as samples
import jsonschema_rs
import pytest
from test_evidence_report import Page

from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import bundle, changes
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.errors import EvidenceError, InputError
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import assemble
from tests.unit.plugins.module_utils.toy_stack import ToyStack

ABOUT = {
    "recorded": "2026-11-21T02:00:00Z",
    "operator": {"user": "svc", "on_behalf_of": "j.doe", "started_by": "terminal"},
    "control_node": "ansible1",
    "ticket": "CHG-4711",
}


@pytest.fixture
def harden(tmp_path):
    """Harden a toy daemon; what the module would return."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "toy.conf").write_text("address 127.0.0.1:4433\nprotocols TLSv1.0\n")

    def run(misbehave=(), **options):
        stack = ToyStack(tmp_path, misbehave)
        stack.boot()
        made = desk.harden(stack, Host(), {"state_dir": str(tmp_path / "state"), "proof": False, **options})
        return json.loads(json.dumps(made))

    return run


def collect(result, run="1"):
    return changes.collect({"web1": {"toy": result}}, ABOUT, run)


def test_a_change_is_recorded_with_all_there_is_to_know(harden):
    record = collect(harden())[0]
    assert (record["host"], record["stack"], record["outcome"], record["ticket"]) == (
        "web1",
        "toy",
        "changed",
        "CHG-4711",
    )
    assert record["operator"]["on_behalf_of"] == "j.doe"
    file = record["files"][0]
    assert file["before"] != file["after"]
    assert "-protocols TLSv1.0\n" in file["diff"]
    assert "+protocols TLSv1.2 TLSv1.3\n" in file["diff"]
    assert record["validation"]["shadow_test"]
    assert record["transaction"]
    assert record["reloaded"] is True


def test_what_changed_nothing_has_no_record(harden):
    harden()
    assert collect(harden()) == []


def test_a_change_that_was_undone_says_so(harden):
    record = collect(harden(misbehave=["dies"]))[0]
    assert record["outcome"] == "undone"
    assert record["step"]
    assert record["message"]


def test_a_change_whose_own_play_lost_the_host_is_recorded_by_the_next_one(harden):
    """As what it was, and as nobody's: who runs this play need not be who ran that one."""
    lost = harden(receipts=True)
    (record,) = collect(harden(receipts=True))
    (own,) = collect(lost)
    same = ("change_id", "host", "stack", "config", "transaction", "outcome", "files", "edits")
    assert [record[key] for key in same] == [own[key] for key in same]
    assert (record["operator"], record["control_node"], record["ticket"]) == (None, None, None)
    assert "reached nobody" in record["message"]


def test_a_change_that_was_undone_unheard_is_recorded_beside_the_one_that_is_heard(harden):
    harden(misbehave=["dies"], receipts=True)
    undone, made = collect(harden(receipts=True))
    assert [(one["outcome"], bool(one["operator"])) for one in (undone, made)] == [("undone", False), ("changed", True)]
    assert undone["step"] == "reload" and undone["transaction"] != made["transaction"]


def test_a_result_is_recorded_once_however_often_it_is_seen(harden, tmp_path):
    """In a play with serial, the hosts of earlier batches keep their results."""
    result, folder = harden(), str(tmp_path / "evidence" / "changes")
    assert len(changes.keep(folder, collect(result))) == 1
    later = changes.collect({"web1": {"toy": result}}, {**ABOUT, "recorded": "2026-11-21T02:05:00Z"}, "1")
    assert changes.keep(folder, later) == []
    for path in (tmp_path / "evidence", tmp_path / "evidence" / "changes"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_the_same_failure_in_another_run_is_another_record(tmp_path):
    failed = {
        "failed": True,
        "msg": "no",
        "instances": [{"name": "/x", "version": "1", "failed": True, "step": "shadow", "undone": True, "config": "/x"}],
    }
    folder = str(tmp_path / "changes")
    assert len(changes.keep(folder, collect(failed, "1"))) == 1
    assert len(changes.keep(folder, collect(failed, "1"))) == 0
    assert len(changes.keep(folder, collect(failed, "2"))) == 1


def test_without_changes_nothing_is_made(tmp_path):
    assert changes.keep(str(tmp_path / "changes"), []) == []
    assert not (tmp_path / "changes").exists()
    assert changes.unbundled(str(tmp_path / "changes"), str(tmp_path)) == []


def write(directory, number, waiting):
    facts = {**samples.FACTS, "run_id": f"2026112{number}T020005Z-000001"}
    record = assemble(facts, samples.HOSTS, samples.hosts(), samples.baseline(), None, waiting)
    return record, bundle.write(str(directory), record).seal


def test_each_record_is_in_exactly_one_bundle(harden, tmp_path):
    evidence = tmp_path / "evidence"
    folder = str(evidence / "changes")
    bundle.ready(str(evidence))
    (name,) = changes.keep(folder, collect(harden()))
    waiting = changes.unbundled(folder, str(evidence))
    record, seal = write(evidence, 1, waiting)
    with open(f"{seal.path}/data/changes/{name}.json", encoding="ascii") as file:
        assert json.load(file) == waiting[0]
    assert [one["change_id"] for one in record.run["changes"]] == [name]
    assert changes.unbundled(folder, str(evidence)) == []
    record, seal = write(evidence, 2, changes.unbundled(folder, str(evidence)))
    assert record.run["changes"] == []
    assert not os.path.exists(f"{seal.path}/data/changes")


def test_run_and_report_tell_the_changes(harden):
    record = assemble(samples.FACTS, samples.HOSTS, samples.hosts(), samples.baseline(), None, collect(harden()))
    schemas = {}
    for name in bundle.SCHEMA_FILES:
        with open(os.path.join(bundle._SCHEMAS, name), encoding="utf-8") as file:
            schemas[name] = json.load(file)
    registry = jsonschema_rs.Registry([(schema["$id"], schema) for schema in schemas.values()])
    jsonschema_rs.validator_for(schemas["run.schema.json"], registry=registry).validate(record.run)
    verdict = bundle.whole_verdict(record)
    page = Page(dict(bundle.report.render(record, verdict))["report.html"])
    assert "2026-11-21 02:00:00 web1 toy changed toyd" in page.text
    assert "CHG-4711" in page.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "change_id is missing"),
        ('{"change_id": "x"}', "recorded is missing"),
    ],
)
def test_what_is_no_record_is_one_error_that_names_the_file(tmp_path, text, message):
    path = tmp_path / "20261121T020000Z-0a1b2c3d4e5f.json"
    path.write_text(text)
    with pytest.raises(InputError, match=f"{path}: {message}"):
        changes.unbundled(str(tmp_path), str(tmp_path / "evidence"))


def test_a_folder_that_cannot_be_made_is_one_error(harden, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(EvidenceError, match=r"^change records "):
        changes.keep(str(tmp_path / "file" / "changes"), collect(harden()))
