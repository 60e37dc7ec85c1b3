"""What was collected waits in files of the controller, and is the same when it is sealed."""

from __future__ import annotations

import pathlib

import evidence_samples as samples
import pytest

from ansible_collections.encryption.in_transit.plugins.filter.outside_endpoints import outside_endpoints
from ansible_collections.encryption.in_transit.plugins.plugin_utils.collecting import written
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import collected, gather, run
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.errors import EvidenceError, InputError


@pytest.fixture
def audit():
    """What a stack's module returns of a host for the evidence."""
    return {**samples.hosts()[0]["stacks"]["nginx"], "failed": False, "changed": False}


def test_what_was_written_comes_back(tmp_path, audit):
    folder = str(tmp_path / "run")
    left = collected.put(folder, "web1", {**audit, "_ansible_no_log": False})
    assert collected.whole(folder, "web1", left) == audit
    (path,) = pathlib.Path(folder).iterdir()
    assert path.name == left["collected"]["file"]
    assert (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)


def test_little_stays_in_memory(tmp_path, audit):
    audit["instances"][0]["export"] = [{"name": "etc/nginx/nginx.conf", "text": "x" * 100_000, "redactions": 0}]
    left = collected.put(str(tmp_path / "new"), "web1", audit)
    assert "findings" not in left
    assert outside_endpoints(left, "web1.example") == outside_endpoints(audit, "web1.example") != []
    assert len(run.dump(left)) < len(run.dump(audit)) / 10


def test_what_modules_told_is_read_by_host_and_stack(tmp_path, audit):
    folder = str(tmp_path / "run")
    failed = {"failed": True, "changed": False, "msg": "no room", "instances": []}
    left = {
        "web1": {"__nginx_tls_result": collected.put(folder, "web1", audit), "__crypto_policy_result": failed},
        "web2": {"__nginx_tls_audit": audit},
    }
    told = collected.Told(left, ["web1", "web2"], "result", folder)
    assert dict(told) == {"web1": {"nginx": audit, "crypto_policy": failed}, "web2": {}}
    for path in pathlib.Path(folder).iterdir():
        path.write_text("{}")
    with pytest.raises(EvidenceError, match="changed since it was written"):
        told["web1"]


def test_a_change_is_not_forgotten_for_want_of_a_file(tmp_path, audit):
    (tmp_path / "file").touch()
    where = str(tmp_path / "file" / "folder")
    for changed in (True, False):
        left = written({**audit, "changed": changed}, where, {"inventory_hostname": "web1"})
        assert left["failed"] and left["changed"] is changed and where in left["msg"]
        assert ("instances" in left) is changed


def test_the_record_is_the_same_by_way_of_files(tmp_path):
    folder = str(tmp_path / "run")
    hostvars = {
        host["host"]: {
            "__nginx_tls_audit": host["stacks"]["nginx"],
            "__verify_targets": [report["endpoint"] for report in host["scans"]],
            "__verify_scan": {"reports": host["scans"]},
        }
        for host in samples.hosts()
    }
    small = {
        host: {
            **left,
            "__nginx_tls_audit": collected.put(folder, host, left["__nginx_tls_audit"]),
            "__verify_scan": {"collected": collected.put_reports(folder, host, left["__verify_scan"]["reports"])},
        }
        for host, left in hostvars.items()
    }
    assert len(run.dump(small)) < len(run.dump(hostvars)) / 10

    def record(left):
        variables = {"groups": {"all": list(left)}, "hostvars": left, "ansible_play_hosts_all": list(left)}
        return run.assemble(samples.FACTS, list(left), gather.hosts(variables, folder), samples.baseline())

    by_files, by_memory = record(small), record(hostvars)
    assert list(by_files.results) == list(by_memory.results)
    assert by_files.run == by_memory.run
    # Of the result of a stack, the bundle also says in which file it waited.
    assert [path for path, _text in by_files.files] == [path for path, _text in by_memory.files]


@pytest.mark.parametrize("host", ["../../escape", "web1/../../x", "a" * 300, ".hidden", "naïve"])
def test_no_name_of_a_host_leads_out_of_the_folder(tmp_path, audit, host):
    left = collected.put(str(tmp_path / "here"), host, audit)
    assert [path.name for path in (tmp_path / "here").iterdir()] == [left["collected"]["file"]]
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_a_host_does_not_say_what_was_collected_of_it(tmp_path, audit):
    theirs = {"file": "../../etc/passwd", "sha256": "0" * 64}
    assert collected.put(str(tmp_path), "web1", {"failed": True, "msg": "no", "collected": theirs}) == {
        "failed": True,
        "msg": "no",
    }
    assert collected.put(str(tmp_path), "web1", {**audit, "collected": theirs})["collected"] != theirs
    outside = tmp_path / "secret"
    outside.write_text("{}")
    with pytest.raises(EvidenceError, match="No such file"):
        collected.whole(str(tmp_path / "run"), "web1", {"collected": {"file": str(outside), "sha256": ""}})


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda path: path.write_text("{}"), "changed since it was written"),
        (lambda path: path.unlink(), "No such file or directory"),
    ],
)
def test_a_file_that_is_not_what_was_written_stops_the_run(tmp_path, audit, fault, words):
    left = collected.put(str(tmp_path), "web1", audit)
    fault(tmp_path / left["collected"]["file"])
    with pytest.raises(EvidenceError, match=f"host web1: what was collected, .*{words}"):
        collected.whole(str(tmp_path), "web1", left)


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path, audit):
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError, match=r"host web1: what was collected cannot be written to .*: Not a directory"):
        collected.put(str(tmp_path / "file" / "run"), "web1", audit)


# --- reports of a scan --------------------------------------------------------------------------------------------

REPORTS = [samples.report("https://a:443"), samples.report("https://b:443")]


def test_reports_come_back_one_by_one(tmp_path):
    told = collected.put_reports(str(tmp_path / "new"), "localhost", iter(REPORTS))
    scans = collected.Scans(
        str(tmp_path / "new"), [{"collected": told}, {"reports": [samples.report("https://c:443")]}]
    )
    assert [report["endpoint"] for report in scans] == ["https://a:443", "https://b:443", "https://c:443"]
    assert scans.of("https://b:443") == [REPORTS[1]]
    scans.match({"https://a:443", "https://b:443", "https://c:443"})
    with pytest.raises(InputError, match="https://d:443 was to be scanned, but there is no report of it"):
        scans.match({"https://a:443", "https://b:443", "https://c:443", "https://d:443"})
    (path,) = (tmp_path / "new").iterdir()
    assert (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda path: path.unlink(), "No such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "scanned"),
        (lambda path: path.write_bytes(path.read_bytes().splitlines(keepends=True)[0]), "changed since"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"https://a", b"https://x", 1)), "changed since"),
    ],
)
def test_reports_that_are_not_what_was_written_are_an_error(tmp_path, fault, words):
    told = collected.put_reports(str(tmp_path), "localhost", REPORTS)
    scans = collected.Scans(str(tmp_path), [{"collected": told}])
    assert len(list(scans)) == 2
    fault(tmp_path / told["file"])
    with pytest.raises(EvidenceError, match=words):
        list(collected.Scans(str(tmp_path), [{"collected": told}]))
    with pytest.raises(EvidenceError, match="what was scanned"):
        scans.of("https://a:443") + scans.of("https://b:443")


def test_the_folder_of_the_run_is_below_that_of_ansible(monkeypatch, tmp_path):
    monkeypatch.setattr(collected.C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    assert collected.folder("run") == str(tmp_path / "in_transit")
    assert collected.folder("elsewhere/run") == "elsewhere/run"
