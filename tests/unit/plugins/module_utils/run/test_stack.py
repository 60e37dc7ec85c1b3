# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The desk: what harden, audit and recover tell, over the toy daemon."""

from __future__ import annotations

import errno
import json
import os
import tempfile

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import BaselineError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import judge
from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import files, shadow
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Listener, Provenance, Setting
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import TestResult as Verdict
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.journal import Journal
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.toy_stack import ToyStack

MAIN = "include {folder}/etc/site.conf\naddress 127.0.0.1:4433\nprotocols TLSv1.0 TLSv1.2\n"
SITE = "address 127.0.0.1:4434\n# a comment\nprotocols TLSv1.2 TLSv1.3\n"


class Scene:
    def __init__(self, folder, monkeypatch):
        self.folder = str(folder)
        os.makedirs(os.path.join(self.folder, "etc"))
        self.main = os.path.join(self.folder, "etc", "toy.conf")
        self.site = os.path.join(self.folder, "etc", "site.conf")
        self.write(self.main, MAIN.format(folder=self.folder))
        self.write(self.site, SITE)
        self.stack = ToyStack(self.folder)
        self.stack.boot()
        self.scans = []
        self.dead = set()
        monkeypatch.setattr(desk._Work, "_scan", lambda _work, endpoints: self.scan(endpoints))

    @staticmethod
    def write(path, text):
        with open(path, "w") as file:
            file.write(text)

    def scan(self, endpoints):
        self.scans.append(list(endpoints))
        return [self.report(endpoint) for endpoint in endpoints]

    def report(self, endpoint):
        """A wire report of what the toy process serves: its protocols in the order of the files."""
        serving = self.stack.serving()
        up = serving is not None and endpoint not in self.dead
        accepted = serving[0 if endpoint.endswith("4433") else 1] if up else []
        protocols = {name: {"status": "accepted" if name in accepted else "refused"} for name in model.PROTOCOLS}
        report = {
            "endpoint": endpoint,
            "reachable": up,
            "alive": bool(set(accepted) & {"TLSv1.2", "TLSv1.3"}),
            "plaintext": None,
            "protocols": protocols if up else {},
            "suites": {"status": "refused", "forbidden": []},
            "groups": {"status": "refused", "forbidden": []},
            "certificates": [],
            "http": None,
            "started": "2026-11-21T12:00:00Z",
        }
        report["findings"] = judge.judge_report(report, model.load())
        report["verdict"] = judge.verdict(report, report["findings"])
        return report

    def options(self, **more):
        timeouts = {"lock": 0, "settle": 0.3, "proof": 0.1}
        return {"state_dir": os.path.join(self.folder, "state"), "timeouts": timeouts, **more}

    def harden(self, **more):
        return plain(desk.harden(self.stack, None, self.options(**more)))

    def audit(self, **more):
        return plain(desk.audit(self.stack, Host(), self.options(**more)))

    def recover(self, **more):
        return plain(desk.recover(self.stack, None, self.options(**more)))

    def tree(self):
        result = {}
        for folder, _folders, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                status = os.stat(path)
                result[path] = (files.read(path), status.st_mtime_ns, status.st_ino, status.st_mode)
        return result


def plain(result):
    """Results travel as JSON and must survive it."""
    return json.loads(json.dumps(result))


def checks(result, status):
    return {(item["check"], item["view"]) for item in result["findings"] if item["status"] == status}


@pytest.fixture
def scene(tmp_path, monkeypatch):
    return Scene(tmp_path, monkeypatch)


def test_weak_becomes_proved_and_stays(scene):
    first = scene.harden()
    assert first["changed"] and not first["failed"]
    assert first["msg"] == f"toyd 1.0 ({scene.main}): 1 file changed, reloaded, 2 endpoints proved"
    one = first["instances"][0]
    assert one["reloaded"] and one["files"][0]["path"] == scene.main
    assert one["proofs"][0]["before"]["TLSv1.0"] == "accepted" and one["proofs"][0]["after"]["TLSv1.0"] == "refused"
    assert one["proofs"][0]["verdict"] == "compliant"
    assert one["listeners"][0]["settings"]["protocols"]["value"] == ["TLSv1.2", "TLSv1.3"]
    assert not checks(first, "fail")
    assert first["diff"][0]["before"] != first["diff"][0]["after"]

    before = scene.tree()
    second = scene.harden()
    assert not second["changed"] and second["diff"] == []
    assert second["msg"] == f"toyd 1.0 ({scene.main}): the baseline holds, 2 endpoints proved"
    after = scene.tree()
    lock = os.path.join(scene.folder, "state", "toy", "toy", "lock")
    before.pop(lock), after.pop(lock)
    assert after == before
    assert len(scene.scans[-1]) == 2, "a run without work looks at each endpoint once"


def test_check_mode_tells_exactly_what_would_happen_and_touches_nothing(scene):
    before = scene.tree()
    told = scene.harden(check=True)
    assert scene.tree() == before
    assert told["changed"] and "1 file would be changed" in told["msg"]
    assert ("protocol.tls1_0", "effective") in checks(told, "fail"), "findings are about what is"
    assert not any(check == "config.running" for check, _view in checks(told, "fail"))
    done = scene.harden()
    assert done["diff"] == told["diff"]
    assert done["instances"][0]["files"] == told["instances"][0]["files"]


def test_created_and_removed_files_are_told_as_such(scene):
    stack = scene.stack
    files.save(stack.legacy, b"protocols TLSv1.0 TLSv1.2\n")
    before = scene.tree()
    told = scene.harden(check=True)
    assert scene.tree() == before and not os.path.exists(os.path.dirname(stack.strong))
    done = scene.harden()
    assert not done["failed"] and done["diff"] == told["diff"]
    assert done["instances"][0]["files"] == told["instances"][0]["files"]
    diff = {item["before_header"]: (item["before"], item["after"]) for item in done["diff"]}
    assert diff[stack.strong] == ("", "protocols TLSv1.2 TLSv1.3\n")
    assert diff[stack.legacy] == ("protocols TLSv1.0 TLSv1.2\n", "")
    hashes = {item["path"]: (item["before"], item["after"]) for item in done["instances"][0]["files"]}
    assert hashes[stack.strong][0] is None and hashes[stack.legacy][1] is None
    assert not scene.harden()["changed"]


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({"protocols": ("TLSv1.0", "TLSv1.2"), "suites_tls12": ()}, True),
        ({"protocols": ("TLSv1.2",), "suites_tls12": ("TLS_RSA_WITH_AES_128_CBC_SHA",)}, True),
        ({"protocols": ("TLSv1.2",)}, True),
        ({"protocols": ("TLSv1.2",), "suites_tls12": ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",)}, False),
    ],
    ids=["weak-protocol", "weak-suite", "list-kept-elsewhere", "strong"],
)
def test_a_backend_is_asked_wherever_the_plan_may_want_to_change_what_it_is_offered(scene, settings, asked):
    origin = (Provenance(scene.main, 1, "upstream"),)
    values = {name: Setting(value, origin) for name, value in settings.items()}
    client = Listener("toy", "", "client", "backend:443", (), False, True, values, ("tls://127.0.0.1:9",))
    real, seen = scene.stack.plan, []
    scene.stack.effective = lambda instance, documents: [client]
    scene.stack.plan = lambda *given: (seen.append(given[3]["upstreams"]), real(*given))[1]
    scene.audit()
    assert list(seen[0]) == (["backend:443"] if asked else [])


def test_audit_tells_and_touches_nothing(scene):
    before = scene.tree()
    told = scene.audit(export=True)
    assert scene.tree() == before
    assert not told["changed"] and not told["failed"]
    one = told["instances"][0]
    assert one["edits"][0]["line"] == 3 and one["export"][0]["text"] == MAIN.format(folder=scene.folder)
    assert one["documents"][0]["path"] == scene.main and one["documents"][0]["modified"]
    assert one["listeners"][0]["settings"]["protocols"]["value"] == ["TLSv1.0", "TLSv1.2"]
    assert {("protocol.tls1_0", "effective"), ("protocol.tls1_0", "configured")} <= checks(told, "fail")
    assert ("config.valid", "configured") in checks(told, "pass")


def test_process_that_has_not_loaded_its_files_is_reloaded(scene):
    scene.write(scene.main, MAIN.format(folder=scene.folder).replace("TLSv1.0 TLSv1.2", "TLSv1.2 TLSv1.3"))
    assert ("config.running", "effective") in checks(scene.audit(), "fail")
    before = scene.tree()
    told = scene.harden(check=True)
    assert told["changed"] and "a reload is due" in told["msg"] and scene.tree() == before
    done = scene.harden()
    assert done["changed"] and done["instances"][0]["reloaded"] and done["instances"][0]["files"] == []
    assert done["instances"][0]["proofs"][0]["before"]["TLSv1.0"] == "accepted"
    assert "(tls://127.0.0.1:4433 accepts TLSv1.0, which the files forbid): reloaded, 2 endpoints proved" in done["msg"]
    assert not scene.harden()["changed"]


def test_reload_by_handler_is_made_up_for(scene):
    first = scene.harden(reload="handler")
    assert first["changed"] and "left to the handler" in first["msg"]
    assert scene.stack.serving()[0] == ["TLSv1.0", "TLSv1.2"]
    # Every further run notifies it, though nothing is left to be written.
    assert scene.harden(reload="handler")["changed"]
    # The handler never ran. Even where no handshake shows it, the reload is still due.
    second = scene.harden(proof=False)
    assert second["instances"][0]["reloaded"] and scene.stack.serving()[0] == ["TLSv1.2", "TLSv1.3"]
    assert not scene.harden()["changed"]


def test_lost_clients_undo_the_change(scene):
    before = scene.tree()
    real = scene.report

    def report(endpoint):
        result = real(endpoint)
        if endpoint.endswith("4434") and scene.stack.serving()[0] != ["TLSv1.0", "TLSv1.2"]:
            result["protocols"]["TLSv1.2"]["status"] = "refused"
        return result

    scene.report = report
    result = scene.harden()
    one = result["instances"][0]
    assert result["failed"] and one["step"] == "prove" and one["undone"] and not result["changed"]
    assert "tls://127.0.0.1:4434 accepted TLSv1.2 before and does not now; the originals are back" in result["msg"]
    assert {path: entry for path, entry in scene.tree().items() if "/etc/" in path} == {
        path: entry for path, entry in before.items() if "/etc/" in path
    }
    assert scene.stack.serving()[0] == ["TLSv1.0", "TLSv1.2"]


def test_listener_dead_before_does_not_fail_the_change_and_is_told(scene):
    scene.dead.add("tls://127.0.0.1:4434")
    result = scene.harden()
    assert not result["failed"] and result["changed"]
    assert ("endpoint.reachable", "effective") in checks(result, "indeterminate")
    assert result["instances"][0]["proofs"][1]["verdict"] == "unreachable"


def test_not_running(scene):
    scene.stack.crash()
    result = scene.harden()
    assert not result["failed"] and "does not run, so nothing is proved" in result["msg"]
    assert not any(view == "effective" for _check, view in checks(result, "pass"))


def test_absent(scene):
    os.unlink(scene.main)
    result = scene.harden()
    assert result["failed"] and "toyd is not installed on this host; install it first" in result["msg"]
    for more in ({"missing": "ignore"}, {"check": True}):
        result = scene.harden(**more)
        assert not result["failed"] and not result["changed"] and "not installed" in result["msg"]
    assert scene.audit()["instances"] == []
    assert not os.path.exists(os.path.join(scene.folder, "state"))


def test_instance_that_is_not_there(scene):
    result = scene.harden(config=["/opt/toy.conf"])
    assert result["failed"] and f"main configuration file /opt/toy.conf; there is {scene.main}" in result["msg"]


def test_unknown_profile(scene):
    with pytest.raises(BaselineError, match="intermediat"):
        scene.harden(profile="intermediat")


def test_broken_before_and_not_mended(scene):
    scene.write(scene.site, SITE + "gibberish\n")
    before = scene.tree()
    result = scene.harden()
    one = result["instances"][0]
    assert result["failed"] and one["step"] == "test" and one["undone"]
    assert "broken before this run" in result["msg"] and "site.conf:4: unknown word gibberish" in result["msg"]
    assert {path for path in scene.tree() if "/etc/" in path} == {path for path in before if "/etc/" in path}
    assert all(scene.tree()[path] == entry for path, entry in before.items())


def test_broken_before_and_mended_by_the_plan(scene, monkeypatch):
    """Weak protocols that this build of the daemon does not know any more: the very edits make it valid."""
    real = scene.stack.test

    def test(host, instance):
        return Verdict(False, "toy.conf:3: TLSv1.0 is gone", ()) if b"TLSv1.0" in files.read(scene.main) else real(0, 0)

    monkeypatch.setattr(scene.stack, "test", test)
    result = scene.harden()
    assert not result["failed"] and result["changed"], result["msg"]
    assert "(its configuration was broken before)" in result["msg"]


def test_refused_plan_is_found_before_anything_is_touched(scene, monkeypatch):
    real = scene.stack.test

    def test(host, instance):
        weak = b"TLSv1.0" in files.read(scene.main)
        return real(0, 0) if weak else Verdict(False, "toy.conf:3: no TLSv1.3 here", ())

    monkeypatch.setattr(scene.stack, "test", test)
    before = scene.tree()
    result = scene.harden()
    assert result["failed"] and result["instances"][0]["step"] == "shadow"
    assert "would refuse the planned configuration; nothing was changed: toy.conf:3: no TLSv1.3 here" in result["msg"]
    assert all(scene.tree()[path] == entry for path, entry in before.items())


def test_without_namespaces_the_test_after_writing_decides(scene, monkeypatch):
    def refused(*args):
        raise shadow.Refused("unshare: Operation not permitted")

    monkeypatch.setattr(shadow, "test", refused)
    result = scene.harden()
    assert result["changed"] and result["instances"][0]["shadow_test"].startswith("not possible here: unshare")


def _refusing(number):
    def refuse(*arguments, **words):
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("call", [(os, "fork"), (tempfile, "mkdtemp")], ids=["no process", "no room"])
def test_a_machine_that_has_nothing_left_for_the_shadow_test_is_told_so(scene, monkeypatch, call):
    monkeypatch.setattr(*call, _refusing(errno.ENOSPC))
    result = scene.harden()
    assert result["changed"] and not result["failed"]
    assert result["instances"][0]["shadow_test"].startswith("not possible here: a process for it: No space left")


def test_an_error_of_the_machine_is_told_as_one_of_the_instance(scene, monkeypatch):
    monkeypatch.setattr(scene.stack, "read", _refusing(errno.EMFILE))
    result = scene.harden()
    assert result["failed"] and not result["changed"] and result["instances"][0]["undone"]
    assert "this host: Too many open files; nothing was changed" in result["msg"]


def test_unreadable_file_names_its_place(scene):
    with open(scene.site, "wb") as file:
        file.write(b"\xef\xbb\xbfprotocols TLSv1.2\n")
    result = scene.harden()
    assert result["failed"] and result["instances"][0]["step"] == "read"
    assert "site.conf:1:1: starts with a byte order mark" in result["msg"]
    assert ("config.valid", "configured") in checks(result, "fail")


def test_interrupted_run_is_brought_to_its_end(scene, monkeypatch):
    before = {path: entry for path, entry in scene.tree().items() if "/etc/" in path}
    child = os.fork()
    if child == 0:
        monkeypatch.setattr(Journal, "retire", lambda *args: os._exit(9))
        monkeypatch.setattr(scene.stack, "test", lambda *args: os._exit(9) if args else None)
        monkeypatch.setattr(desk._Work, "_test_in_shadow", lambda *args: False)
        scene.harden()
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert b"TLSv1.0" not in files.read(scene.main)
    told = scene.audit()
    assert "was interrupted while changing" in told["msg"] and not told["changed"]
    assert ("config.finished", "configured") in checks(told, "fail")
    assert scene.recover(check=True)["changed"]
    with desk.Store(os.path.join(scene.folder, "state"), "toy", "toy").lock():
        told = scene.audit()
    assert "was interrupted" not in told["msg"], "who is at work was not"
    assert ("config.finished", "configured") in checks(told, "indeterminate")
    result = scene.recover()
    assert result["changed"] and result["instances"][0]["recovery"]["outcome"] == "restored"
    assert "was interrupted (test) while changing" in result["msg"] and "the originals are back" in result["msg"]
    assert {path: entry for path, entry in scene.tree().items() if "/etc/" in path} == before
    again = scene.recover()
    assert not again["changed"] and "no run was interrupted" in again["msg"]
    assert ("config.finished", "configured") in checks(scene.audit(), "pass")


def test_a_change_that_was_cut_off_is_told_by_an_audit_whatever_became_of_its_instance(scene, monkeypatch):
    def cut_off(instance, path):
        """A journal is left as by a run that was killed."""
        store = desk.Store(os.path.join(scene.folder, "state"), "toy", instance)
        with store.lock():
            store.begin([files.Change(path, path, files.read(path), b"new")], None)
        return os.path.join(store.journal_dir, "journal.json")

    path = cut_off("gone", scene.main)
    told = scene.audit()
    (finding,) = [item for item in told["findings"] if item["check"] == "config.finished" and item["status"] == "fail"]
    assert scene.main in finding["observed"] and "is not found" in finding["observed"]
    assert not told["failed"] and told["instances"], "the instance that is there was read"
    with monkeypatch.context() as patch:
        patch.setattr(scene.stack, "discover", lambda _host: [])
        told = scene.audit()
    assert told["failed"] and "is not found" in told["msg"]

    os.unlink(path)
    with open(cut_off("toy", scene.site), "w") as file:
        file.write("{")
    told = scene.audit()
    assert ("config.finished", "configured") in checks(told, "indeterminate")


def test_what_may_have_reached_nobody_is_told_by_the_next_run(scene):
    """Until whoever passes on the result says that it has left."""
    first = scene.harden(receipts=True)
    assert first["receipts"] and not first["instances"][0]["untold"]
    again = scene.harden(receipts=True)
    assert again["changed"] and not again["failed"] and again["receipts"] == first["receipts"]
    (told,) = again["instances"][0]["untold"]
    assert [told[key] for key in ("transaction", "files", "edits")] == [
        first["instances"][0][key] for key in ("transaction", "files", "edits")
    ]
    assert "reached nobody" in again["msg"] and again["instances"][0]["transaction"] is None
    assert not scene.harden(check=True)["changed"], "only a run that holds the lock tells it"
    for path in again["receipts"]:
        os.unlink(path)
    after = scene.harden(receipts=True)
    assert not after["changed"] and not after["instances"][0]["untold"] and "receipts" not in after


def test_lock_is_told(scene):
    store = desk.Store(os.path.join(scene.folder, "state"), "toy", "toy")
    with store.lock():
        result = scene.harden()
    assert result["failed"] and result["instances"][0]["step"] == "lock" and f"process {os.getpid()}" in result["msg"]
