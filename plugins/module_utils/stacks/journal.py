# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What survives a kill: the lock, the journal of one transaction, and the bounded history of finished ones.

Everything about one instance lives in one private folder, outside every include path:

    lock              flock(2)ed by the run at work; its text names the holder
    journal/          the unfinished transaction; it appears and disappears by one rename
        journal.json  phase and files
        0.old 0.new   bytes of the first file before and after; one of them is missing where it is created or removed
        0.link        the original file itself, as a hard link, where the file system allows it
    history/<id>/     finished transactions, the newest few: journal.json, bytes, record.json
        untold        until the controller has the result of the run that finished it, and removes this file
    reload-pending    the generation that has not loaded the files on disk yet (only with reload: handler)
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import re
import shutil
import time
import typing as t

from ..errors import TransactionError
from . import files, scratch

Fault = t.Callable[[str], None]

#: From this phase on the new configuration stays; before it, the old one comes back.
COMMITTED = "committed"

#: Beside a finished transaction until its result is known to have arrived.
UNTOLD = "untold"

_JOURNAL, _RECORD = "journal.json", "record.json"


def no_fault(point: str) -> None:
    """Tests put in its place what kills the process at a named point. Production has no other way in."""


class Store:
    """The folder of one instance of one stack.

    ``keep`` finished transactions stay in the history. Nothing is created before :meth:`lock` is taken. With
    ``receipts`` what is finished is ``untold`` until the caller removes the files that :meth:`untold` names.
    """

    def __init__(
        self,
        state_dir: str,
        stack: str,
        instance: str,
        keep: int = 10,
        fault: Fault = no_fault,
        receipts: bool = False,
    ) -> None:
        name = re.sub(r"[^A-Za-z0-9._-]", "_", instance)
        if name != instance or name.startswith("."):
            name = f"{name.lstrip('.')}-{files.sha256(instance.encode())[:8]}"
        self.state_dir = state_dir
        self.folder = os.path.join(state_dir, stack, name)
        self.journal_dir = os.path.join(self.folder, "journal")
        self.history_dir = os.path.join(self.folder, "history")
        self.keep = keep
        self.fault = fault
        self.receipts = receipts
        self._draft = os.path.join(self.folder, "journal.draft")
        self._pending = os.path.join(self.folder, "reload-pending")

    # --- lock ---------------------------------------------------------------------------------------------------

    def lock(self, wait: float = 0) -> Lock:
        """The instance's lock, a context manager. Raises TransactionError naming the holder after ``wait`` seconds."""
        try:
            self._make_folder(self.state_dir, parents=True)
            self._make_folder(os.path.dirname(self.folder))
            self._make_folder(self.folder)
            lock = Lock(os.path.join(self.folder, "lock"), wait)
        except OSError as exc:
            raise TransactionError("lock", f"state folder {files.explain(exc, self.folder)}") from exc
        # Of runs that were killed: before their journal was complete, or in the middle of a test.
        shutil.rmtree(self._draft, ignore_errors=True)
        scratch.sweep()
        return lock

    def busy(self) -> bool:
        """Whether another run is at work here now. Creates nothing, and is asked only where there is a journal: for an
        instant the lock is shared, which a run that begins would see."""
        try:
            lock = os.open(os.path.join(self.folder, "lock"), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def _make_folder(self, path: str, parents: bool = False) -> None:
        if parents:
            os.makedirs(path, mode=0o700, exist_ok=True)
        elif not os.path.isdir(path):
            os.mkdir(path, 0o700)
        status = os.stat(path)
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            # Whoever can write here could put a journal of their own making in place, to be restored as root.
            raise TransactionError("lock", f"state folder {path} must belong to this user and be writable by no other")

    # --- journal ------------------------------------------------------------------------------------------------

    def begin(self, changes: t.Sequence[files.Change], generation: t.Any) -> Journal:
        """Write the journal of a new transaction, durable on return. Raises TransactionError; then nothing is left.

        ``generation`` is the running one, None when the daemon does not run.
        """
        draft = self._draft
        moment = time.time_ns()
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(moment // 10**9))
        identity = f"{stamp}.{moment % 10**9:09d}Z-{os.getpid()}"
        try:
            self.fault("journal.draft")
            os.mkdir(draft, 0o700)
            entries = [self._enter(draft, identity, number, change) for number, change in enumerate(changes)]
            data = {"format": 1, "id": identity, "phase": "begun", "generation": _token(generation), "files": entries}
            files.save(os.path.join(draft, _JOURNAL), _encode(data))
            self.fault("journal.rename")
            files.rename(draft, self.journal_dir)
        except OSError as exc:
            raise TransactionError("journal", f"journal {files.explain(exc, exc.filename or self.folder)}") from exc
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self.fault("journal.begun")
        return Journal(self, data)

    def _enter(self, draft: str, identity: str, number: int, change: files.Change) -> dict[str, t.Any]:
        self.fault("journal.file")
        base = os.path.join(draft, str(number))
        for data, kind in ((change.old, "old"), (change.new, "new")):
            if data is not None:
                files.create(f"{base}.{kind}", data)
        if change.old is None:
            meta = files.new_metadata()
        else:
            meta = self._original(change.target)
            # Putting this very file back needs no space on a full disk and restores every last attribute.
            # On another file system, or one without hard links, the copy serves.
            with contextlib.suppress(OSError):
                os.link(change.target, f"{base}.link", follow_symlinks=False)
        summary = change.summary()
        return {
            "path": change.path,
            "target": change.target,
            "temporary": os.path.join(os.path.dirname(change.target), f".in_transit-{identity}-{number}"),
            "folders": files.missing_folders(change.target),
            "old_sha256": summary["before"],
            "new_sha256": summary["after"],
            "uid": meta.uid,
            "gid": meta.gid,
            "mode": meta.mode,
            "mtime_ns": meta.mtime_ns,
            "xattrs": {name: base64.b64encode(value).decode("ascii") for name, value in meta.xattrs.items()},
        }

    @staticmethod
    def _original(target: str) -> files.Metadata:
        status = os.lstat(target)
        if status.st_nlink > 1:
            message = f"{target} has {status.st_nlink} hard links, which an atomic replacement would separate"
            raise TransactionError("journal", f"{message}; make it a file of its own (find / -samefile {target})")
        return files.metadata(target)

    def unfinished(self) -> Journal | None:
        """The journal of a transaction that was killed, or None. Raises TransactionError when it cannot be read."""
        path = os.path.join(self.journal_dir, _JOURNAL)
        try:
            data = json.loads(files.read(path))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as exc:
            raise TransactionError(
                "recover", f"{path}: the journal of an interrupted run cannot be read: {exc}"
            ) from exc
        if data.get("format") != 1:
            raise TransactionError(
                "recover", f"{path}: written by a newer version of this collection; run that version"
            )
        return Journal(self, data)

    def untold(self) -> dict[str, dict[str, t.Any]]:
        """Finished transactions whose result may have reached nobody, oldest first: by the file that says so, what the
        history keeps of them, and their ``files`` as :meth:`Journal.summary` tells of them. Raises TransactionError."""
        found = {}
        try:
            for name in sorted(os.listdir(self.history_dir)):
                folder = os.path.join(self.history_dir, name)
                path = os.path.join(folder, UNTOLD)
                if os.path.exists(path):
                    data, record = (json.loads(files.read(os.path.join(folder, one))) for one in (_JOURNAL, _RECORD))
                    found[path] = {**record, "files": Journal(self, data).summary()}
        except FileNotFoundError:
            pass  # no history yet; or whoever runs without our lock has told of it in between
        except (OSError, ValueError) as exc:
            raise TransactionError("recover", f"{self.history_dir}: the history cannot be read: {exc}") from exc
        return found

    def prune(self) -> None:
        """Forget the oldest finished transactions. Ids sort by time; one that vanished meanwhile is no error."""
        try:
            known = sorted(os.listdir(self.history_dir))
        except FileNotFoundError:
            return
        for name in known[: max(0, len(known) - self.keep)]:
            shutil.rmtree(os.path.join(self.history_dir, name), ignore_errors=True)

    # --- a reload that somebody else was to do --------------------------------------------------------------------

    def await_reload(self, generation: t.Any) -> None:
        """Remember that this generation of workers has not loaded the files on disk."""
        files.save(self._pending, _token(generation).encode())

    def reload_pending(self, generation: t.Any) -> bool:
        """Whether this generation is still one that has not loaded the files on disk."""
        try:
            return files.read(self._pending) == _token(generation).encode()
        except FileNotFoundError:
            return False

    def reloaded(self) -> None:
        files.remove(self._pending)


def abandoned(state_dir: str, stack: str, known: t.Iterable[Store]) -> list[Journal]:
    """The unfinished journals of instances that are not among the known. Raises TransactionError."""
    folder = os.path.join(state_dir, stack)
    names = {os.path.basename(store.folder) for store in known}
    try:
        others = sorted(set(os.listdir(folder)) - names)
    except OSError:
        return []  # no run has been here, or not with the rights we have
    # A folder's name is that of its instance, made fit for a path: made fit again it stays as it is.
    found = (Store(state_dir, stack, name).unfinished() for name in others)
    return [journal for journal in found if journal is not None]


class Lock:
    """An exclusive flock(2): gone with its process, however that ends."""

    def __init__(self, path: str, wait: float) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            self._take(path, wait)
        except BaseException:  # on a full disk, too: who could not be named does not hold it either
            os.close(self._file)
            raise

    def _take(self, path: str, wait: float) -> None:
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    holder = os.pread(self._file, 200, 0).decode("utf-8", "replace").strip() or "an unnamed process"
                    message = f"another run is at work on this instance: {holder} holds {path}"
                    raise TransactionError("lock", f"{message}; wait for it, or raise the lock timeout") from None
                time.sleep(0.1)
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"process {os.getpid()} since {started}\n".encode(), 0)

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *details: object) -> None:
        os.close(self._file)


class Journal:
    """The transaction under way. Every phase is on disk before it begins."""

    def __init__(self, store: Store, data: dict[str, t.Any]) -> None:
        self._store, self._data = store, data
        self._fault = store.fault

    @property
    def id(self) -> str:
        return str(self._data["id"])

    @property
    def phase(self) -> str:
        return str(self._data["phase"])

    @property
    def running(self) -> bool:
        """Whether the daemon ran when the transaction began."""
        return bool(self._data["generation"])

    def still(self, generation: t.Any) -> bool:
        """Whether this is the very generation that ran when the transaction began: it has loaded nothing since."""
        return self.running and _token(generation) == self._data["generation"]

    @property
    def paths(self) -> list[str]:
        return [str(entry["path"]) for entry in self._data["files"]]

    def enter(self, phase: str) -> None:
        """Record the phase that is about to begin."""
        self._fault(f"{phase}.record")
        self._data["phase"] = phase
        files.save(os.path.join(self._store.journal_dir, _JOURNAL), _encode(self._data))
        self._fault(phase)

    def write(self) -> None:
        """Put the new bytes in place of the old ones. Raises TransactionError; then some files may be new already.

        All of them are laid beside their targets first: a full disk is found before anything is touched, and the
        renames follow each other as closely as they can.
        """
        for number, entry in enumerate(self._data["files"]):
            self._fault("write.temporary")
            if entry["new_sha256"] is not None:
                self._make_folders(entry)
                self._lay(entry, self._blob(number, "new"))
        for entry in self._data["files"]:
            self._fault("write.rename")
            self._replace(entry)
        self._fault("written")

    def _make_folders(self, entry: dict[str, t.Any]) -> None:
        for folder in entry["folders"]:
            try:
                files.make_folder(folder)
            except OSError as exc:
                raise TransactionError("write", files.explain(exc, folder)) from exc
            self._fault("write.folder")

    def _lay(self, entry: dict[str, t.Any], data: bytes, mtime: bool = False) -> None:
        try:
            files.create(entry["temporary"], data, _metadata(entry), mtime)
        except OSError as exc:
            raise TransactionError("write", files.explain(exc, entry["target"])) from exc

    def _replace(self, entry: dict[str, t.Any]) -> None:
        target = entry["target"]
        try:
            if files.digest(target) != entry["old_sha256"]:
                raise TransactionError("write", f"{target} was edited by someone else since it was read; run again")
            if entry["new_sha256"] is None:
                files.remove(target)
            else:
                files.rename(entry["temporary"], target)
        except OSError as exc:
            raise TransactionError("write", files.explain(exc, target)) from exc

    def restore(self) -> list[str]:
        """Bring every original back: bytes, owner, mode, extended attributes and mtime; what was created goes.

        Only where the file still holds what the journal knows; the paths of files that someone else has edited since
        are returned, and those files are left as they are. Can be repeated at will. Raises TransactionError.
        """
        conflicts = []
        for number, entry in enumerate(self._data["files"]):
            self._fault("restore")
            target = entry["target"]
            try:
                files.remove(entry["temporary"])
                found = files.digest(target)
                if found == entry["new_sha256"]:
                    self._put_back(number, entry)
                elif found != entry["old_sha256"]:
                    conflicts.append(entry["path"])
                for folder in reversed(entry["folders"]):
                    files.remove_folder(folder)
            except OSError as exc:
                raise TransactionError("restore", files.explain(exc, target), undone=False) from exc
        self._fault("restored")
        return conflicts

    def _put_back(self, number: int, entry: dict[str, t.Any]) -> None:
        if entry["old_sha256"] is None:
            files.remove(entry["target"])
            return
        link = os.path.join(self._store.journal_dir, f"{number}.link")
        try:
            if files.sha256(files.read(link)) != entry["old_sha256"]:
                raise OSError(link)  # an editor still had the original open and wrote into it
            files.rename(link, entry["target"])
        except OSError:
            self._lay(entry, self._blob(number, "old"), mtime=True)
            self._fault("restore.rename")
            files.rename(entry["temporary"], entry["target"])

    def retire(self, record: t.Mapping[str, t.Any]) -> None:
        """Move the finished transaction into the history, together with its record."""
        self._fault("retire")
        folder, history = self._store.journal_dir, self._store.history_dir
        files.save(os.path.join(folder, _RECORD), _encode({"id": self.id, **record}))
        if self._store.receipts:
            files.save(os.path.join(folder, UNTOLD), b"")
        for number, entry in enumerate(self._data["files"]):
            files.remove(os.path.join(folder, f"{number}.link"))
            files.remove(entry["temporary"])
        os.makedirs(history, mode=0o700, exist_ok=True)
        self._fault("retire.rename")
        files.rename(folder, os.path.join(history, self.id))
        self._fault("retired")
        self._store.prune()

    def summary(self) -> list[dict[str, str | None]]:
        """Each file as :meth:`files.Change.summary` tells of it."""
        keys = {"path": "path", "target": "target", "before": "old_sha256", "after": "new_sha256"}
        return [{name: entry[key] for name, key in keys.items()} for entry in self._data["files"]]

    def _blob(self, number: int, kind: str) -> bytes:
        return files.read(os.path.join(self._store.journal_dir, f"{number}.{kind}"))


def _token(generation: t.Any) -> str:
    """A generation as text that can be compared with one of another process; empty when the daemon does not run."""
    return "" if generation is None else repr(generation)


def _metadata(entry: t.Mapping[str, t.Any]) -> files.Metadata:
    xattrs = {name: base64.b64decode(value) for name, value in entry["xattrs"].items()}
    return files.Metadata(entry["uid"], entry["gid"], entry["mode"], entry["mtime_ns"], xattrs)


def _encode(data: t.Mapping[str, t.Any]) -> bytes:
    return json.dumps(data, indent=1, sort_keys=True).encode("ascii") + b"\n"
