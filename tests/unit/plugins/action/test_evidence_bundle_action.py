"""The action as ansible-core runs it, on a play whose hosts left what the roles leave."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
import yaml

from ansible_collections.encryption.in_transit.tests.unit.plugins.action.plays import ALONE, COLLECTIONS, results, run

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "plugin_utils" / "evidence"))
import evidence_samples as samples

# One worker makes the plays, and all tests look at them.
pytestmark = pytest.mark.xdist_group("evidence_bundle")

PLAYBOOKS = COLLECTIONS / "ansible_collections/encryption/in_transit/playbooks"
POPULATION = ["x", "y"]
GIVEN = [{"host": "x", "scans": [samples.report("https://x:443")]}, {"host": "y", "skipped": "maintenance"}]
MISGIVEN = copy.deepcopy(GIVEN)
MISGIVEN[0]["scans"][0]["findings"][0]["status"] = "fine"


def task(directory="evidence", check_mode=False, **options):
    return {"encryption.in_transit.evidence_bundle": {"directory": directory, **options}, "check_mode": check_mode}


#: By name. Each task has a directory of its own, except those that are about the same.
TASKS = {
    "sealed": task(fail_on=[], metrics="eit.prom"),
    "judged": task("judged"),
    "checked": task("untouched", check_mode=True, fail_on=[]),
    "checked_ready": task("untouched", check_mode=True, state="ready"),
    "ready": task("begun", state="ready"),
    "ready_again": task("begun", state="ready"),
    "ended": task("begun", run="{{ ready.run }}", fail_on=[]),
    "blocked": task("blocked", state="ready"),
    "unknown_authority": task("unmade", state="ready", tsa_url="http://127.0.0.1:9/", tsa_ca="/nonexistent"),
    "given": task("given", hosts=GIVEN, population=POPULATION),
    "misgiven": task("given", hosts=MISGIVEN, population=POPULATION),
}


@pytest.fixture(scope="module")
def control_node(tmp_path_factory):
    """A folder with an inventory of three hosts, their variables, and one host that is left out."""
    folder = tmp_path_factory.mktemp("control_node")
    hosts, reports = {}, []
    for host in samples.hosts():
        targets = [report["endpoint"] for report in host["scans"]]
        reports += host["scans"]
        hosts[host["host"]] = {"__verify_targets": targets, "__nginx_tls_audit": host["stacks"]["nginx"]}
    shared = {"__verify_scan": {"reports": reports}, "ansible_connection": "local"}
    inventory = {"all": {"hosts": {**hosts, "left.out": {}}, "vars": shared}}
    (folder / "inventory.json").write_text(json.dumps(inventory))
    (folder / "blocked").write_text("a file")
    return folder


@pytest.fixture(scope="module")
def made(control_node):
    """What each of the tasks returned."""
    return results(control_node, TASKS, "--limit", "all:!left.out", "-e", "ticket=CHG-1 password=sesame")


def test_a_run_is_sealed_with_its_facts(control_node, made):
    made = made["sealed"]
    assert (made["changed"], made["sealed"], made["failed"]) == (True, True, False)
    assert made["verdict"]["exit_code"] == 2
    assert made["counts"]["endpoints"]["compliant"] == 10
    assert made["counts"]["population"]["skipped"] == 1
    bundle = pathlib.Path(made["bundle"])
    assert bundle.parent == control_node / "evidence"
    assert pathlib.Path(made["report"]).is_file()
    assert (
        subprocess.run(["sh", bundle / "verify.sh", "-d", made["seal"]], capture_output=True, check=False).returncode
        == 0
    )
    run = json.loads((bundle / "data/run.json").read_text())
    assert run["parameters"]["extra_vars"] == ["password", "ticket"]
    assert run["parameters"]["limit"] == "all:!left.out"
    assert run["inventory"][0]["source"] == str(control_node / "inventory.json")
    assert run["baseline"]["sha256"] == samples.BASELINE.digest
    metrics = (control_node / "eit.prom").read_text()
    assert f'head="{made["seal"]}"' in metrics
    assert (control_node / "eit.prom").stat().st_mode & 0o777 == 0o644
    everything = b"".join(path.read_bytes() for path in bundle.rglob("*") if path.is_file())
    assert b"sesame" not in everything


def verify_all(folder, **extra):
    """The playbook verify_evidence on the sealed evidence."""
    extra = {"in_transit_evidence_dir": str(folder / "evidence"), **extra}
    return run(folder, str(PLAYBOOKS / "verify_evidence.yml"), "-e", json.dumps(extra), inventory="localhost,")


def test_the_playbook_verifies_what_was_sealed(control_node, made, tmp_path):
    bundle = os.path.basename(made["sealed"]["bundle"])
    shutil.copytree(control_node / "evidence", tmp_path / "evidence")
    good = verify_all(tmp_path, in_transit_evidence_head=made["sealed"]["seal"])
    assert good.returncode == 0, good.stdout
    assert f"{bundle}  verified" in good.stdout
    (tmp_path / "evidence" / bundle / "data/results.csv").write_text("all is well")
    bad = verify_all(tmp_path)
    assert bad.returncode == 2
    assert "PROBLEM: bundle " in bad.stdout
    assert "changed since the bundle was sealed: data/results.csv" in bad.stdout


def test_the_task_fails_by_the_verdict_and_the_bundle_is_sealed_all_the_same(made):
    judged = made["judged"]
    assert (judged["failed"], judged["sealed"]) == (True, True)
    assert judged["msg"].startswith("evidence sealed in ")
    assert "results failed" in judged["msg"]


def test_check_mode_tells_the_verdict_and_touches_nothing(control_node, made):
    checked = made["checked"]
    assert (checked["changed"], checked["sealed"], checked["seal"]) == (True, False, None)
    assert checked["verdict"]["exit_code"] == 2
    assert made["checked_ready"]["run"]["run_id"]
    assert not (control_node / "untouched").exists()


def test_ready_makes_the_directory_and_starts_the_run(control_node, made):
    assert made["ready"]["changed"] is True
    assert (control_node / "begun").stat().st_mode & 0o777 == 0o700
    assert made["ready_again"]["changed"] is False
    assert made["ended"]["bundle"].endswith(made["ready"]["run"]["run_id"])


def test_a_directory_that_cannot_be_written_is_one_clear_error(control_node, made):
    blocked = made["blocked"]
    assert blocked["failed"] is True
    assert blocked["msg"] == f"evidence directory {control_node}/blocked: cannot be written: File exists"
    assert blocked["verdict"] == {"exit_code": 5}


def test_an_authority_without_a_certificate_is_one_clear_error(control_node, made):
    message = "CA of the time-stamping authority /nonexistent: No such file or directory"
    assert made["unknown_authority"]["msg"] == message
    assert not (control_node / "unmade").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gets processes of its own")
def test_what_hosts_export_waits_in_files_and_not_in_memory(tmp_path):
    """By the real module: the host has nginx or it has none, and is accounted for either way."""
    options = {"state_dir": str(tmp_path / "state"), "proof": False, "export": True}
    read = {
        "encryption.in_transit.nginx_tls_info": {**options, "export_dest": "run"},
        "register": "__nginx_tls_audit",
    }
    look = {
        "ansible.builtin.command": "find .ansible/tmp -name here-*",
        "args": {"chdir": str(tmp_path)},
        "register": "files",
    }
    tell = {"ansible.builtin.debug": {"msg": "{{ __nginx_tls_audit | to_json }}"}}
    seal = task(run="{{ ready.run }}", fail_on=[])
    tasks = [{**task(state="ready"), "register": "ready"}, read, look, tell, {"debug": {"var": "files.stdout_lines"}}]
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": {"here": here}}}))
    play = {"hosts": "all", "gather_facts": False, "tasks": [*tasks, seal]}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    done = run(tmp_path, "play.yml", before=ALONE)
    assert done.returncode == 0, done.stdout
    assert "/in_transit/here-" in done.stdout
    assert not list(tmp_path.rglob("here-*.json"))
    assert '\\"findings\\"' not in done.stdout
    (folder,) = [path for path in (tmp_path / "evidence").iterdir() if path.is_dir()]
    told = json.loads((folder / "data/run.json").read_text())["population"]["hosts"]
    assert [one["state"] in ("tested", "not_applicable") for one in told] == [True]
    assert (folder / "data/hosts/here/config/nginx.json").is_file()


def test_hosts_without_evidence_are_loud(control_node):
    made = results(control_node, {"loud": task("loud")})["loud"]
    assert made["verdict"]["complete"] is False
    assert "left.out" in made["msg"]


def test_hosts_can_be_given(made):
    assert (made["given"]["failed"], made["given"]["verdict"]["exit_code"]) == (False, 0)
    assert made["misgiven"]["verdict"] == {"exit_code": 4}
    assert "host x, endpoint https://x:443, findings[0].status: 'fine' is not one of" in made["misgiven"]["msg"]
