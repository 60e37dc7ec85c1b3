from __future__ import annotations

import os
import re
import subprocess

import evidence_samples as samples
import pytest

from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import facts, gather
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.errors import InputError

# --- what hosts left --------------------------------------------------------------------------------------------


def variables(hostvars, playing=None):
    return {
        "groups": {"all": list(hostvars)},
        "hostvars": hostvars,
        "ansible_play_hosts_all": list(hostvars) if playing is None else playing,
    }


def gathered(hostvars, playing=None):
    return {host["host"]: host for host in gather.hosts(variables(hostvars, playing))}


def test_audits_and_scans_come_together_by_host():
    first, second = samples.report("https://a:443"), samples.report("https://b:443")
    scan = {"reports": [first, second]}
    audit = samples.audit([samples.listener(["a"])])
    found = gathered(
        {
            "a": {"__verify_targets": ["https://a:443"], "__verify_scan": scan, "__nginx_tls_audit": audit},
            "b": {"__verify_targets": ["https://b:443"], "__verify_scan": scan},
        }
    )
    assert found["a"] == {"host": "a", "reachable": True, "error": None, "stacks": {"nginx": audit}, "scans": [first]}
    assert found["b"]["scans"] == [second]
    assert found["b"]["stacks"] == {}


def test_an_endpoint_of_two_hosts_is_evidence_for_both():
    shared = samples.report("https://vip:443")
    left = {"__verify_targets": ["https://vip:443"], "__verify_scan": {"reports": [shared]}}
    found = gathered({"a": left, "b": left})
    assert found["a"]["scans"] == found["b"]["scans"] == [shared]


def test_every_point_of_view_is_evidence():
    seen = [samples.report("https://a:443", vantage=vantage) for vantage in ("inside", "outside")]
    results = [{"reports": [report]} for report in seen]
    found = gathered({"a": {"__verify_targets": ["https://a:443"], "__verify_scan": {"results": results}}})
    assert found["a"]["scans"] == seen


def test_every_stack_is_gathered_by_its_name():
    found = gathered({"a": {"__apache_tls_audit": {"instances": [], "findings": []}}})
    assert list(found["a"]["stacks"]) == ["apache"]


def test_what_went_wrong_keeps_its_words():
    found = gathered(
        {
            "unreachable": {"__nginx_tls_audit": {"unreachable": True, "msg": "No route to host"}},
            "failed": {
                "__nginx_tls_audit": {
                    "failed": True,
                    "msg": "nginx.conf:3: expected ;",
                    "instances": [],
                    "findings": [],
                }
            },
            "silent": {},
            "elsewhere": {},
        },
        playing=["unreachable", "failed", "silent"],
    )
    assert (found["unreachable"]["reachable"], found["unreachable"]["error"]) == (False, "No route to host")
    assert (found["failed"]["reachable"], found["failed"]["error"]) == (
        True,
        "nginx could not be read: nginx.conf:3: expected ;",
    )
    assert "nginx" in found["failed"]["stacks"]
    assert found["silent"]["error"] is None
    assert found["elsewhere"] == {
        "host": "elsewhere",
        "skipped": "not among the hosts of this play (its pattern, or --limit)",
    }


@pytest.mark.parametrize(
    ("left", "message"),
    [
        ({"__verify_scan": {"failed": True, "msg": "no sockets"}}, "the scan of the endpoints failed: no sockets"),
        (
            {"__verify_scan": {"reports": [samples.report("https://x:1")]}},
            "https://x:1 was scanned, but no host names it",
        ),
        (
            {"__verify_targets": ["https://x:1"], "__verify_scan": {"reports": []}},
            "https://x:1 was to be scanned, but there",
        ),
    ],
)
def test_reports_that_do_not_match_the_hosts_are_refused(left, message):
    with pytest.raises(InputError, match=message):
        gathered({"a": left})


# --- the run's own facts ----------------------------------------------------------------------------------------


def test_run_ids_sort_by_time_and_differ():
    runs = [facts.start() for _ in range(20)]
    for run in runs:
        assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{6}", run["run_id"])
        assert run["run_id"].startswith(run["started"].replace("-", "").replace(":", ""))
    assert len({run["run_id"] for run in runs}) == 20


class Kernel:
    def __init__(self, state):
        self.state = state

    def adjtimex(self, buffer):
        assert bytes(buffer) == bytes(len(buffer))
        return self.state


@pytest.mark.parametrize(("state", "synchronized"), [(0, True), (5, False), (-1, None)])
def test_the_clock_is_what_the_kernel_says(monkeypatch, state, synchronized):
    monkeypatch.setattr(facts.ctypes, "CDLL", lambda name: Kernel(state))
    assert facts.clock()["synchronized"] is synchronized


def test_the_clock_of_this_machine_can_be_asked():
    assert facts.clock()["source"] in ("kernel (adjtimex)", "unknown")


@pytest.mark.parametrize(
    ("variables_", "environment", "started_by", "on_behalf_of"),
    [
        ({"awx_user_name": "roe"}, {}, "awx", "roe"),
        ({}, {"INVOCATION_ID": "x"}, "systemd", None),
        ({}, {"CI": "true", "SUDO_USER": "doe"}, "ci", "doe"),
    ],
)
def test_who_started_it(variables_, environment, started_by, on_behalf_of):
    told = facts.operator(variables_, environment)
    assert (told["started_by"], told["on_behalf_of"]) == (started_by, on_behalf_of)
    assert told["user"]


def git(folder, *arguments):
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout


def test_the_repository_is_told_with_its_dirt(tmp_path):
    assert facts.git(str(tmp_path)) is None
    git(tmp_path, "init", "-q")
    assert facts.git(str(tmp_path)) is None
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x")
    (tmp_path / "playbooks").mkdir()
    clean = facts.git(str(tmp_path / "playbooks"))
    assert clean == {
        "repository": os.path.realpath(tmp_path),
        "commit": git(tmp_path, "rev-parse", "HEAD").strip(),
        "dirty": False,
    }
    (tmp_path / "playbooks" / "site.yml").write_text("---")
    assert facts.git(str(tmp_path))["dirty"] is True


def test_without_git_there_is_no_repository(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert facts.git(".") is None


def test_inventories_have_digests_that_anyone_can_make(tmp_path):
    (tmp_path / "hosts").write_text("web1\n")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("---\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("x")
    one = facts.inventory([str(tmp_path / "hosts")])[0]
    assert (
        one["sha256"]
        == subprocess.run(["sha256sum", tmp_path / "hosts"], capture_output=True, text=True, check=True).stdout[:64]
    )
    folder = facts.inventory([str(tmp_path)])[0]
    command = "sha256sum $(find hosts group_vars -type f) | LC_ALL=C sort | sha256sum"
    listing = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert (folder["files"], folder["sha256"]) == (2, listing[:64])
    (tmp_path / "hosts").write_text("web2\n")
    assert facts.inventory([str(tmp_path)])[0]["sha256"] != folder["sha256"]


def test_other_inventories():
    listed, missing = facts.inventory(["web1,web2,", "/nonexistent"])
    assert (listed["files"], len(listed["sha256"])) == (0, 64)
    assert missing == {"source": "/nonexistent", "files": 0, "sha256": None}


def test_the_version_of_the_collection(tmp_path):
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", facts.collection())
    (tmp_path / "galaxy.yml").write_text("version: 1.2.3\n")
    assert facts.collection(str(tmp_path)) == "1.2.3"
    (tmp_path / "MANIFEST.json").write_text('{"collection_info": {"version": "1.2.4"}}')
    assert facts.collection(str(tmp_path)) == "1.2.4"
