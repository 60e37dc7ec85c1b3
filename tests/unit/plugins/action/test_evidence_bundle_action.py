"""The action as ansible-core runs it, on a play whose hosts left what the roles leave."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "plugin_utils" / "evidence"))
import evidence_samples as samples

COLLECTIONS = pathlib.Path(__file__).parents[4] / ".ansible" / "collections"
COLLECTION = COLLECTIONS / "ansible_collections/encryption/in_transit"
RESULT = "result.json"


@pytest.fixture
def control_node(tmp_path):
    """A folder with an inventory of three hosts, their variables, and one host that is left out."""
    hosts, reports = {}, []
    for host in samples.hosts():
        targets = [report["endpoint"] for report in host["scans"]]
        reports += host["scans"]
        hosts[host["host"]] = {"__verify_targets": targets, "__nginx_tls_audit": host["stacks"]["nginx"]}
    shared = {"__verify_scan": {"reports": reports}, "ansible_connection": "local"}
    inventory = {"all": {"hosts": {**hosts, "left.out": {}}, "vars": shared}}
    (tmp_path / "ansible.cfg").write_text("")
    (tmp_path / "inventory.json").write_text(json.dumps(inventory))
    return tmp_path


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "HOME": str(folder),
        },
        check=False,
        capture_output=True,
        text=True,
    )


def play(folder, *arguments, limit=True, **options):
    """Run the action once and return what it returned."""
    task = {
        "encryption.in_transit.evidence_bundle": {"directory": "evidence", **options},
        "register": "made",
        "run_once": True,
        "ignore_errors": True,
    }
    keep = {
        "ansible.builtin.copy": {"content": "{{ made }}", "dest": str(folder / RESULT)},
        "run_once": True,
        "delegate_to": "localhost",
        "check_mode": False,
        "vars": {"ansible_python_interpreter": sys.executable},
    }
    (folder / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [task, keep]}]))
    only = ["--limit", "all:!left.out"] if limit else []
    run(folder, "-i", "inventory.json", "play.yml", *only, *arguments).check_returncode()
    return json.loads((folder / RESULT).read_text())


def test_a_run_is_sealed_with_its_facts(control_node):
    made = play(control_node, "-e", "ticket=CHG-1 password=sesame", fail_on=[], metrics="eit.prom")
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
    return run(folder, str(COLLECTION / "playbooks/verify_evidence.yml"), "-e", json.dumps(extra))


def test_the_playbook_verifies_what_was_sealed(control_node):
    made = play(control_node, fail_on=[])
    good = verify_all(control_node, in_transit_evidence_head=made["seal"])
    assert good.returncode == 0, good.stdout
    assert f"{os.path.basename(made['bundle'])}  verified" in good.stdout
    pathlib.Path(made["bundle"], "data/results.csv").write_text("all is well")
    bad = verify_all(control_node)
    assert bad.returncode == 2
    assert "PROBLEM: bundle " in bad.stdout
    assert "changed since the bundle was sealed: data/results.csv" in bad.stdout


def test_the_task_fails_by_the_verdict_and_the_bundle_is_sealed_all_the_same(control_node):
    made = play(control_node)
    assert (made["failed"], made["sealed"]) == (True, True)
    assert made["msg"].startswith("evidence sealed in ")
    assert "results failed" in made["msg"]


def test_check_mode_tells_the_verdict_and_touches_nothing(control_node):
    made = play(control_node, "--check", fail_on=[])
    assert (made["changed"], made["sealed"], made["seal"]) == (True, False, None)
    assert made["verdict"]["exit_code"] == 2
    assert not (control_node / "evidence").exists()
    assert play(control_node, "--check", state="ready")["run"]["run_id"]
    assert not (control_node / "evidence").exists()


def test_ready_makes_the_directory_and_starts_the_run(control_node):
    ready = play(control_node, state="ready")
    assert ready["changed"] is True
    assert (control_node / "evidence").stat().st_mode & 0o777 == 0o700
    assert play(control_node, state="ready")["changed"] is False
    made = play(control_node, run=ready["run"], fail_on=[])
    assert made["bundle"].endswith(ready["run"]["run_id"])


def test_a_directory_that_cannot_be_written_is_one_clear_error(control_node):
    (control_node / "evidence").write_text("a file")
    made = play(control_node, state="ready")
    assert made["failed"] is True
    assert made["msg"] == f"evidence directory {control_node}/evidence: cannot be written: File exists"
    assert made["verdict"] == {"exit_code": 5}


def test_an_authority_without_a_certificate_is_one_clear_error(control_node):
    made = play(control_node, state="ready", tsa_url="http://127.0.0.1:9/", tsa_ca="/nonexistent")
    assert made["msg"] == "CA of the time-stamping authority /nonexistent: No such file or directory"
    assert not (control_node / "evidence").exists()


def test_what_hosts_export_waits_in_files_and_not_in_memory(control_node):
    """By the real module: the host has nginx or it has none, and is accounted for either way."""
    bundle = {"encryption.in_transit.evidence_bundle": {"directory": "evidence", "state": "ready"}, "register": "ready"}
    options = {"state_dir": str(control_node / "state"), "proof": False, "export": True}
    read = {
        "encryption.in_transit.nginx_tls_info": {**options, "export_dest": "{{ ready.collected }}"},
        "register": "__nginx_tls_audit",
    }
    look = {"ansible.builtin.command": "find evidence -type f", "args": {"chdir": str(control_node)}}
    tell = {"ansible.builtin.debug": {"msg": "{{ __nginx_tls_audit | to_json }}"}}
    seal = {"encryption.in_transit.evidence_bundle": {"directory": "evidence", "run": "{{ ready.run }}", "fail_on": []}}
    tasks = [bundle, read, {**look, "register": "files"}, tell, {"debug": {"var": "files.stdout_lines"}}, seal]
    (control_node / "one.json").write_text(
        json.dumps(
            {"all": {"hosts": {"here": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}}}
        )
    )
    (control_node / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    done = run(control_node, "-i", "one.json", "play.yml")
    assert done.returncode == 0, done.stdout
    assert ".collected.unsealed/here-" in done.stdout
    assert '\\"findings\\"' not in done.stdout
    (folder,) = [path for path in (control_node / "evidence").iterdir() if path.is_dir()]
    told = json.loads((folder / "data/run.json").read_text())["population"]["hosts"]
    assert [one["state"] in ("tested", "not_applicable") for one in told] == [True]
    assert (folder / "data/hosts/here/config/nginx.json").is_file()


def test_hosts_without_evidence_are_loud(control_node):
    made = play(control_node, limit=False)
    assert made["verdict"]["complete"] is False
    assert "left.out" in made["msg"]


def test_hosts_can_be_given(control_node):
    hosts = [{"host": "x", "scans": [samples.report("https://x:443")]}, {"host": "y", "skipped": "maintenance"}]
    made = play(control_node, hosts=hosts, population=["x", "y"])
    assert (made["failed"], made["verdict"]["exit_code"]) == (False, 0)
    hosts[0]["scans"][0]["findings"][0]["status"] = "fine"
    made = play(control_node, hosts=hosts, population=["x", "y"])
    assert made["verdict"] == {"exit_code": 4}
    assert "host x, endpoint https://x:443, findings[0].status: 'fine' is not one of" in made["msg"]
