# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The transaction: what it does, what it undoes, and what it leaves alone."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import signal
import stat

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.model import PROTOCOLS
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import TransactionError
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import files, shadow
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Edit
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.journal import Store, no_fault
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.transaction import (
    Timeouts,
    Transaction,
    recover,
)
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.trees import tree
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.toy_stack import ToyProof, ToyStack

WEAK, STRONG = ["TLSv1.0", "TLSv1.2"], ["TLSv1.2", "TLSv1.3"]
QUICK = Timeouts(lock=0, settle=0.3, proof=0.2)


class Scene:
    """A toyd with three files: its own, one behind a symbolic link, one with an odd mode and attributes. With
    ``legacy`` a fourth, which the plan removes and creates another for, in folders that are not there yet."""

    def __init__(self, folder, misbehave=(), legacy=False):
        self.folder = str(folder)
        etc = os.path.join(self.folder, "etc")
        os.makedirs(os.path.join(etc, "available"))
        main, linked, odd = (os.path.join(etc, name) for name in ("toy.conf", "enabled.conf", "odd.conf"))
        real = os.path.join(etc, "available", "site.conf")
        self._write(main, f"include {linked}\ninclude {odd}\n# main\nprotocols TLSv1.0 TLSv1.2\n")
        self._write(real, "# a site\r\nprotocols TLSv1.0 TLSv1.2\n")
        self._write(odd, "protocols TLSv1.0 TLSv1.2")
        os.symlink("available/site.conf", linked)
        os.chmod(odd, 0o640)
        with contextlib.suppress(PermissionError):  # not root: then there is no foreign owner to be kept
            os.chown(odd, 1234, 2345)
        with contextlib.suppress(OSError):  # a file system without extended attributes
            os.setxattr(odd, "user.note", b"kept")
        for path in (main, real, odd):
            os.utime(path, ns=(10**18, 10**18 + 7))
        self.paths = [main, real, odd]
        self.main, self.odd, self.link = main, odd, linked
        self.stack = ToyStack(self.folder, misbehave)
        if legacy:
            self._write(self.stack.legacy, "protocols TLSv1.0 TLSv1.2\n")
            os.chmod(self.stack.legacy, 0o604)
            os.utime(self.stack.legacy, ns=(10**18, 10**18 + 7))
        self.stack.boot()
        self.state_dir = os.path.join(self.folder, "state")

    @staticmethod
    def _write(path, text):
        with open(path, "w", newline="") as file:
            file.write(text)

    @property
    def instance(self):
        return self.stack.discover(None)[0]

    def store(self, fault=no_fault, keep=10):
        return Store(self.state_dir, "toy", "toy", keep, fault)

    def changes(self):
        documents = self.stack.read(None, self.instance)

        class Baseline:
            protocols = tuple(STRONG)

        return files.changes(documents, self.stack.plan(self.instance, documents, Baseline, {}).edits)

    def transaction(self, fault=no_fault, proof=None, timeouts=QUICK):
        store = self.store(fault)
        return Transaction(self.stack, None, self.instance, store, proof or ToyProof(self.stack), timeouts)

    def apply(self, fault=no_fault, proof=None, reload=True, changes=None):
        transaction = self.transaction(fault, proof)
        with transaction.store.lock():
            return transaction.run(self.changes() if changes is None else changes, reload, {"by": "test"})

    def recover(self, fault=no_fault):
        store = self.store(fault)
        with store.lock():
            return recover(self.stack, None, self.instance, store, QUICK)

    def tree(self):
        """Everything about the files that an undo has to bring back."""
        return tree(os.path.join(self.folder, "etc"))

    def contents(self):
        return {path: entry[0] for path, entry in self.tree().items()}

    def history(self):
        folder = self.store().history_dir
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        return [json.loads(files.read(os.path.join(folder, name, "record.json"))) for name in names]


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def test_change_keeps_everything_but_bytes(scene):
    before = scene.tree()
    outcome = scene.apply()
    after = scene.tree()
    assert scene.stack.serving() == [STRONG, STRONG, STRONG]
    assert outcome.reloaded and outcome.before == [WEAK, WEAK, WEAK] and outcome.after == [STRONG, STRONG, STRONG]
    assert set(after) == set(before), "no temporary file stays beside the configuration"
    assert after[scene.link] == before[scene.link], "the symbolic link stays a link"
    for path in scene.paths:
        assert after[path][0] == before[path][0].replace(b"TLSv1.0 TLSv1.2", b"TLSv1.2 TLSv1.3")
        assert after[path][1][:3] == before[path][1][:3], "owner and mode"
        assert after[path][2] == before[path][2], "extended attributes"
    record = scene.history()[0]
    assert record["outcome"] == "changed" and record["by"] == "test" and len(record["files"]) == 3
    assert record["files"][0]["before"] == files.sha256(before[scene.main][0])
    assert not scene.store().unfinished()


def test_state_is_private(scene):
    scene.apply()
    for folder, _folders, names in os.walk(scene.state_dir):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        for name in names:
            assert stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode) == 0o600


def test_history_is_bounded(scene):
    for _round in range(4):
        store = scene.store(keep=2)
        for path in scene.paths:
            files.save(path, files.read(path).replace(b"TLSv1.2 TLSv1.3", b"TLSv1.0 TLSv1.2"))
        with store.lock():
            Transaction(scene.stack, None, scene.instance, store, ToyProof(scene.stack), QUICK).run(
                scene.changes(), True, {}
            )
    assert len(scene.history()) == 2


@pytest.mark.parametrize("misbehaviour", ["deaf", "stubborn", "dies"])
def test_failure_after_reload_is_undone(tmp_path, misbehaviour):
    scene = Scene(tmp_path, [misbehaviour])
    before = scene.tree()
    with pytest.raises(TransactionError) as caught:
        scene.apply()
    step = {"deaf": "reload", "dies": "reload", "stubborn": "prove"}[misbehaviour]
    assert caught.value.step == step
    assert scene.tree() == before
    assert scene.stack.serving() == [WEAK, WEAK, WEAK]
    assert caught.value.undone, caught.value
    assert scene.history()[0]["outcome"] == "undone"


def test_daemon_that_died_on_reload_is_started_again(tmp_path):
    scene = Scene(tmp_path, ["dies"])
    with pytest.raises(TransactionError, match="toyd ended on the reload; the originals are back"):
        scene.apply()
    assert scene.stack.serving() == [WEAK, WEAK, WEAK]


def test_files_are_created_and_removed(tmp_path):
    scene = Scene(tmp_path, legacy=True)
    mask = os.umask(0o077)
    try:
        scene.apply()
    finally:
        os.umask(mask)
    assert not os.path.exists(scene.stack.legacy)
    assert files.read(scene.stack.strong) == b"protocols TLSv1.2 TLSv1.3\n"
    assert scene.stack.serving() == [STRONG] * 4
    modes = [stat.S_IMODE(os.stat(path).st_mode) for path in (scene.stack.strong, os.path.dirname(scene.stack.strong))]
    assert modes == [0o644, 0o755], "readable by all, whatever the umask"
    told = {item["path"]: (item["before"] is None, item["after"] is None) for item in scene.history()[0]["files"]}
    assert told[scene.stack.strong] == (True, False) and told[scene.stack.legacy] == (False, True)
    assert scene.changes() == []


@pytest.mark.parametrize("links", [True, False])
def test_creation_and_removal_are_undone(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", lambda *a, **k: (_ for _ in ()).throw(OSError(errno.EXDEV, "EXDEV")))
    scene = Scene(tmp_path, ["stubborn"], legacy=True)
    before = scene.tree()
    with pytest.raises(TransactionError, match="the originals are back") as caught:
        scene.apply()
    assert caught.value.undone and scene.tree() == before
    assert scene.stack.serving() == [WEAK] * 4


@pytest.mark.parametrize("place", ["strong", "legacy"])
def test_what_someone_else_puts_in_the_way_stays(tmp_path, place):
    """A file made where we create one, before we do; a file made where we removed one, before we undo it."""
    scene = Scene(tmp_path, ["stubborn"], legacy=True)
    path, at = {"strong": (scene.stack.strong, "write.folder"), "legacy": (scene.stack.legacy, "written")}[place]

    def fault(point):
        if point == at and os.path.isdir(os.path.dirname(path)) and not os.path.exists(path):
            files.create(path, b"# mine\n")

    with pytest.raises(TransactionError, match=r"edited by someone else") as caught:
        scene.apply(fault)
    assert files.read(path) == b"# mine\n" and not caught.value.undone


def test_a_creation_over_a_file_and_a_removal_through_a_link_are_refused(scene):
    documents = scene.stack.read(None, scene.instance)
    made = scene.main + ".d"
    files.create(made, b"")
    with pytest.raises(TransactionError, match="is there already") as caught:
        files.changes(documents, [Edit.creation(made, b"x", "config.valid", "")])
    assert caught.value.step == "plan"
    linked = next(document for document in documents if document.path == scene.link)
    with pytest.raises(TransactionError, match="is a symbolic link"):
        files.changes(documents, [Edit.removal(linked, "config.valid", "")])


def test_the_service_manager_is_told_of_what_is_written_and_brought_back(scene):
    told = []
    scene.stack.written = lambda host, instance: told.append(scene.contents()[scene.main])
    scene.stack.misbehave.add("stubborn")
    before = scene.contents()[scene.main]
    with pytest.raises(TransactionError):
        scene.apply()
    assert len(told) == 2 and told[0] != before and told[1] == before
    killed(scene, scene.apply, "test")
    scene.recover()
    assert told[-1] == before and len(told) == 3


def test_daemon_refuses(scene):
    before = scene.tree()
    change = scene.changes()[0]._replace(new=b"gibberish\n")
    with pytest.raises(TransactionError, match="toyd refuses") as caught:
        scene.apply(changes=[change])
    assert caught.value.step == "test" and caught.value.undone
    assert "toy.conf:1: unknown word gibberish" in caught.value.output
    assert scene.tree() == before


def test_human_edit_between_plan_and_apply_is_not_overwritten(scene):
    changes = scene.changes()
    files.save(scene.odd, b"# edited meanwhile\n")
    before = scene.tree()
    with pytest.raises(TransactionError, match=r"odd\.conf was edited by someone else") as caught:
        scene.apply(changes=changes)
    assert caught.value.step == "write"
    after = scene.tree()
    assert after[scene.odd] == before[scene.odd] and after[scene.main] == before[scene.main]
    assert not caught.value.undone, "the edited file is named as not being as it was"


def test_human_edit_after_a_kill_is_not_overwritten(scene):
    killed(scene, scene.apply, "test")
    with open(scene.odd, "ab") as file:
        file.write(b"\n# mended by hand\n")
    byhand = files.read(scene.odd)
    recovery = scene.recover()
    assert recovery.outcome == "conflict" and recovery.conflicts == [scene.odd]
    assert files.read(scene.odd) == byhand
    assert files.read(scene.main).endswith(b"protocols TLSv1.0 TLSv1.2\n"), "the others are restored"
    assert scene.recover() is None, "and the next run starts afresh"


def test_hard_links_are_refused(scene):
    os.link(scene.odd, scene.odd + ".twin")
    before = scene.tree()
    with pytest.raises(TransactionError, match=r"odd\.conf has 2 hard links"):
        scene.apply()
    assert scene.tree() == before


#: By error of a write, the word that tells what helps.
HINTS = {
    errno.ENOSPC: "is full",
    errno.EDQUOT: "quota",
    errno.EPERM: "immutable",
    errno.EACCES: "write access",
    errno.EROFS: "read-only",
    errno.EIO: "dmesg",
}


@pytest.mark.parametrize("number", HINTS)
def test_failing_write_names_file_and_help(scene, monkeypatch, number):
    before, real = scene.tree(), os.rename

    def rename(source, target):
        if target == scene.odd and not source.endswith(".link"):
            raise OSError(number, os.strerror(number), target)
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(TransactionError, match=rf"odd\.conf: .*{HINTS[number]}") as caught:
        scene.apply()
    assert caught.value.undone
    assert scene.tree() == before


def test_full_disk_is_found_before_anything_is_touched(scene, monkeypatch):
    before, real, renamed = scene.tree(), files.create, []
    monkeypatch.setattr(files, "rename", lambda *paths, real=files.rename: (renamed.append(paths), real(*paths)))

    def create(path, *rest):
        if path.startswith(os.path.dirname(scene.odd)) and path.endswith("-2"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        real(path, *rest)

    monkeypatch.setattr(files, "create", create)
    with pytest.raises(TransactionError, match="is full"):
        scene.apply()
    assert not [target for _source, target in renamed if "/etc/" in target]
    assert scene.tree() == before


def test_undo_without_hard_links_restores_as_much(scene, monkeypatch):
    def link(*args, **kwargs):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", link)
    scene.stack.misbehave.add("stubborn")
    before = scene.tree()
    with pytest.raises(TransactionError, match="the originals are back"):
        scene.apply()
    assert scene.tree() == before


def test_undo_needs_no_space(scene, monkeypatch):
    """On a disk that has become full the originals come back by rename alone."""
    before, real = scene.tree(), files.create
    scene.stack.misbehave.add("stubborn")
    full = []

    def create(path, *rest):
        if full and "/etc/" in path:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        real(path, *rest)

    monkeypatch.setattr(files, "create", create)
    with pytest.raises(TransactionError, match="the originals are back"):
        scene.apply(fault=lambda point: full.append(1) if point == "written" else None)
    assert full and scene.tree() == before


def test_not_running_is_not_started(scene):
    scene.stack.crash()
    outcome = scene.apply()
    assert not outcome.reloaded and outcome.after is None
    assert scene.stack.serving() is None
    assert b"TLSv1.0" not in files.read(scene.odd)


def test_reload_left_to_others_is_remembered(scene):
    outcome = scene.apply(reload=False)
    assert not outcome.reloaded and scene.stack.serving() == [WEAK, WEAK, WEAK]
    assert scene.store().reload_pending(scene.stack.generation(None, None))
    scene.stack.reload(None, None)
    assert not scene.store().reload_pending(scene.stack.generation(None, None))


def test_proof_may_come_true_late(scene):
    class Late(ToyProof):
        def objections(self, before, after):
            return ["not yet"] if self.looks < 3 else super().objections(before, after)

    outcome = scene.apply(proof=Late(scene.stack))
    assert outcome.after == [STRONG, STRONG, STRONG]


def test_mistake_of_our_own_is_undone_too(scene):
    class Mistaken(ToyProof):
        def objections(self, before, after):
            raise KeyError("oops")

    before = scene.tree()
    with pytest.raises(TransactionError, match=r"KeyError.*the originals are back"):
        scene.apply(proof=Mistaken(scene.stack))
    assert scene.tree() == before and scene.stack.serving() == [WEAK, WEAK, WEAK]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_undoes(scene, number):
    before = scene.tree()
    points = recorded(scene.apply)
    restored = []
    for place in range(len(points)):
        undo = Points(place, lambda: os.kill(os.getpid(), number))
        try:
            scene.apply(undo)
        except TransactionError as exc:
            assert f"ended by signal {int(number)}" in str(exc) and exc.undone
            restored.append(points[place])
        except Exception as exc:
            assert type(exc).__name__ == "Interrupted", exc
        else:
            for path, (content, (uid, gid, mode, mtime, _nlink), xattrs) in rewind(before).items():
                meta = files.Metadata(uid, gid, stat.S_IMODE(mode), mtime, xattrs)
                files.remove(path)
                files.create(path, content, meta, mtime=True)
            scene.stack.boot()
        assert scene.tree() == before, points[place]
        assert scene.stack.serving() == [WEAK, WEAK, WEAK], points[place]
        assert scene.store().unfinished() is None
    assert {"write.rename", "test", "reload.ask", "prove.look"} <= set(restored)


def test_lock_names_its_holder(scene):
    with scene.store().lock():
        with pytest.raises(TransactionError, match=rf"process {os.getpid()} since .* holds .*lock") as caught:
            scene.store().lock()
        assert caught.value.step == "lock"
    with scene.store().lock():
        pass


def test_foreign_state_folder_is_refused(scene):
    os.mkdir(scene.state_dir)
    os.chmod(scene.state_dir, 0o777)
    with pytest.raises(TransactionError, match="writable by no other"):
        scene.store().lock()


def test_unreadable_journal_is_an_error_not_a_guess(scene):
    with scene.store().lock():
        os.mkdir(scene.store().journal_dir)
        files.create(os.path.join(scene.store().journal_dir, "journal.json"), b"{")
    with pytest.raises(TransactionError, match=r"journal\.json: the journal of an interrupted run cannot be read"):
        scene.recover()


def test_one_file_by_two_names_is_changed_once(scene):
    documents = scene.stack.read(None, scene.instance)
    twin = documents[0]._replace(path=documents[0].path + ".link")
    os.symlink(documents[0].path, twin.path)
    edit = Edit(documents[0].path, 0, 0, b"#\n", 1, "protocol.tls1_0", "")
    same = files.changes([*documents, twin], [edit, edit._replace(path=twin.path)])
    assert [change.target for change in same] == [documents[0].path]
    with pytest.raises(TransactionError, match="are one file"):
        files.changes([*documents, twin], [edit, edit._replace(path=twin.path, replacement=b"##\n")])


# --- shadow -----------------------------------------------------------------------------------------------------


def test_shadow_judges_without_touching(scene):
    before = scene.tree()
    good = scene.changes()
    bad = [good[0]._replace(new=b"gibberish\n"), *good[1:]]
    try:
        assert shadow.test(scene.stack, None, scene.instance, good).ok
        result = shadow.test(scene.stack, None, scene.instance, bad)
    except shadow.Refused as exc:
        pytest.skip(f"{exc}")
    assert not result.ok and "unknown word gibberish" in result.output
    assert scene.tree() == before


def test_shadow_shows_created_and_hides_removed_files(tmp_path):
    scene = Scene(tmp_path, legacy=True)
    before = scene.tree()
    changes = scene.changes()
    bad = [change._replace(new=b"gibberish\n") if change.old is None else change for change in changes]
    try:
        assert shadow.test(scene.stack, None, scene.instance, changes).ok
        result = shadow.test(scene.stack, None, scene.instance, bad)
        files.save(scene.stack.legacy, b"gibberish\n")
        gone = shadow.test(scene.stack, None, scene.instance, changes)
    except shadow.Refused as exc:
        pytest.skip(f"{exc}")
    assert not result.ok and f"{scene.stack.strong}:1: unknown word gibberish" in result.output
    assert gone.ok, "the removed file is not read"
    assert not os.path.exists(os.path.dirname(scene.stack.strong)) and set(scene.tree()) == set(before)


def test_shadow_never_writes_for_real(scene):
    """Nothing can be laid over the root folder, so a new folder in it could only be a real one."""
    path = "/in_transit-no-such-folder/made.conf"
    with pytest.raises(shadow.Refused, match="no private mount namespace"):
        shadow.test(scene.stack, None, scene.instance, [files.Change(path, path, None, b"x")])
    assert not os.path.exists(os.path.dirname(path))


def test_shadow_refused_says_why(scene, monkeypatch):
    def refuse(folder, changes):
        raise PermissionError(errno.EPERM, "unshare: Operation not permitted")

    monkeypatch.setattr(shadow, "_enter", refuse)
    with pytest.raises(shadow.Refused, match="unshare: Operation not permitted"):
        shadow.test(scene.stack, None, scene.instance, scene.changes())


# --- killed at every point ----------------------------------------------------------------------------------------


class Points:
    """Calls ``action`` at the point of that number."""

    def __init__(self, place, action):
        self.place, self.action, self.seen = place, action, []

    def __call__(self, point):
        self.seen.append(point)
        if len(self.seen) == self.place + 1:
            self.action()


def recorded(run):
    """The points a run passes, found by a run in a child process on the same scene, undone by the test afterwards."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        seen = []

        def fault(point):
            seen.append(point)
            if point == "prove.look":
                # Ends as a failed proof: the scene is as it was.
                raise TransactionError("prove", "rehearsal")

        try:
            run(fault)
        except TransactionError:
            pass
        finally:
            os.write(writer, json.dumps(seen).encode())
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as stream:
        seen = json.loads(stream.read())
    os.waitpid(child, 0)
    return seen


def rewind(tree):
    return {path: entry for path, entry in tree.items() if entry[0] not in ("link", "folder")}


def killed(scene, run, at):
    """Run in a child that dies at once at a point: its name, or its number. Whether it died."""
    child = os.fork()
    if child == 0:
        count = [0]

        def fault(point):
            count[0] += 1
            if at in (point, count[0]):
                os._exit(9)

        try:
            run(fault)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def ends_in_old_or_new(scene, old, new, count):
    contents, serving = scene.contents(), scene.stack.serving()
    if contents == {path: entry[0] for path, entry in old.items()}:
        assert scene.tree() == old, "bytes, owner, mode, mtime, attributes, links and folders"
        assert serving == [WEAK] * count
        return "old"
    assert contents == new and serving == [STRONG] * count
    return "new"


@pytest.mark.parametrize(
    "reboot, misbehave, links",
    [(False, (), True), (True, (), False), (True, ("stubborn",), True), (False, ("stubborn",), False)],
    ids=["good-kill-links", "good-reboot-copies", "undoing-reboot-links", "undoing-kill-copies"],
)
def test_killed_anywhere_ends_in_old_or_new(tmp_path, monkeypatch, reboot, misbehave, links):
    """Three files are edited, one is created in new folders, one is removed."""
    if not links:
        monkeypatch.setattr(os, "link", lambda *a, **k: (_ for _ in ()).throw(OSError(errno.EXDEV, "EXDEV")))
    model = Scene(tmp_path / "model", legacy=True)
    model.apply()
    strong = {os.path.relpath(path, model.folder): entry for path, entry in model.contents().items()}
    at, ends = 0, []
    while True:
        at += 1
        scene = Scene(tmp_path / str(at), misbehave, legacy=True)
        old, count = scene.tree(), len(scene.stack.serving())
        new = {
            os.path.join(scene.folder, name): content.replace(model.folder.encode(), scene.folder.encode())
            if isinstance(content, bytes)
            else content
            for name, content in strong.items()
        }
        new[scene.link] = "link"
        if not killed(scene, lambda fault, scene=scene: scene.apply(fault), at):
            break
        scene.stack.misbehave.clear()
        if reboot:
            scene.stack.crash()
            scene.stack.boot()
        # The recovery dies as well, once at each of its own points, before one gets through.
        died = 0
        while killed(scene, lambda fault, scene=scene: scene.recover(fault), died + 1):
            died += 1
            assert died < 50
        scene.recover()
        ends.append(ends_in_old_or_new(scene, old, new, count))
        assert scene.store().unfinished() is None
    if misbehave:
        assert set(ends) == {"old"} and len(ends) > 25
    else:
        assert set(ends) == {"old", "new"} and len(ends) > 20
        assert ends == sorted(ends, reverse=True), "old up to the commit, new from then on"


def test_reload_that_did_not_help_is_told(tmp_path):
    scene = Scene(tmp_path, ["stubborn"])
    for path in scene.paths:
        files.save(path, files.read(path).replace(b"TLSv1.0 TLSv1.2", b"TLSv1.2 TLSv1.3"))
    before = scene.tree()
    with pytest.raises(
        TransactionError, match="reloaded as the files have it, but the configuration is not proved"
    ) as caught:
        scene.transaction().reload(scene.stack.serving())
    assert caught.value.step == "prove" and not caught.value.undone
    assert scene.tree() == before


def test_run_after_a_kill_converges(scene):
    killed(scene, scene.apply, "reload.settle")
    assert scene.recover().outcome == "restored"
    scene.apply()
    assert scene.stack.serving() == [STRONG, STRONG, STRONG]


def test_recovery_that_fails_is_told_and_repeated(scene, monkeypatch):
    before = scene.tree()
    killed(scene, scene.apply, "write.rename")

    def save(*arguments):
        raise OSError(errno.EIO, os.strerror(errno.EIO), scene.store().journal_dir)

    with monkeypatch.context() as patch:
        patch.setattr(files, "save", save)
        with pytest.raises(TransactionError, match=r"the disk or its driver .*the next run tries again") as caught:
            scene.recover()
    assert not caught.value.undone
    assert scene.recover().outcome == "restored" and scene.tree() == before


def test_a_lock_that_fails_is_not_held(scene, monkeypatch):
    def flock(*arguments):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", flock)
        with pytest.raises(TransactionError, match=r"state folder .*the disk or its driver"):
            scene.apply()
    held = [
        os.readlink(f"/proc/self/fd/{number}")
        for number in os.listdir("/proc/self/fd")
        if number.isdigit()
        if os.path.exists(f"/proc/self/fd/{number}")
    ]
    assert not [path for path in held if path.startswith(scene.state_dir)]


def test_service_that_did_not_come_back_after_a_reboot_is_started(scene):
    killed(scene, scene.apply, "write.rename")
    scene.stack.crash()
    recovery = scene.recover()
    assert recovery.reloaded and scene.stack.serving() == [WEAK, WEAK, WEAK]


def test_protocol_names_are_those_of_the_baseline():
    assert set(WEAK + STRONG) <= set(PROTOCOLS)
