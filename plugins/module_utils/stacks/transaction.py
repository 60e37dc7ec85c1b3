# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One change of one instance: it holds as a whole, or the originals are back.

    journal → write → test → reload → settle → prove → commit      files are edited, created and removed alike
                  any failure: restore → test → reload → prove

Killed at any instant, :func:`recover` in the next run ends in exactly the old configuration, or, from the commit on,
in exactly the new one. The transaction knows nothing of any daemon (``contract.Stack`` does) nor of handshakes (the
:class:`Proof` it is given does).
"""

from __future__ import annotations

import time
import typing as t

from ..errors import InTransitError, TransactionError
from . import files
from .journal import COMMITTED, Journal, Store

if t.TYPE_CHECKING:
    from .contract import Instance, Stack, TestResult
    from .host import Host


class Proof(t.Protocol):
    """How a transaction sees what clients see."""

    def look(self) -> t.Any:
        """Handshakes with every affected listener; whatever the other methods compare."""

    def objections(self, before: t.Any, after: t.Any) -> list[str]:
        """Why the new configuration is not proved: what was lost, and what is still accepted. For people."""

    def lost(self, before: t.Any, after: t.Any) -> list[str]:
        """What worked before and does not now. For people."""


class Timeouts(t.NamedTuple):
    """Seconds to wait: ``lock`` for another run, ``settle`` for new workers, ``proof`` for a proof to come true."""

    lock: float = 10
    settle: float = 30
    proof: float = 5


class Outcome(t.NamedTuple):
    """A transaction that held. ``before`` and ``after`` are looks, None where the daemon was not asked to reload."""

    id: str
    reloaded: bool
    before: t.Any
    after: t.Any
    files: list[dict[str, str | None]]
    problems: list[str]


class Recovery(t.NamedTuple):
    """What became of an interrupted run: ``outcome`` is ``restored``, ``kept`` (it had been proved) or ``conflict``."""

    id: str
    phase: str
    outcome: str
    paths: list[str]
    conflicts: list[str]
    reloaded: bool
    problems: list[str]


class Interrupted(Exception):
    """A signal that asks us to end."""


class Transaction:
    """The steps of one change of one instance, whose lock the caller holds."""

    def __init__(
        self, stack: Stack, host: Host, instance: Instance, store: Store, proof: Proof, timeouts: Timeouts
    ) -> None:
        self.stack, self.host, self.instance = stack, host, instance
        self.store, self.proof, self.timeouts = store, proof, timeouts

    def run(self, changes: t.Sequence[files.Change], reload: bool, record: t.Mapping[str, t.Any]) -> Outcome:
        """Make the changes hold. Raises TransactionError, whose ``undone`` tells whether all is as it was.

        With ``reload`` false the files are written and tested, and the store remembers that a reload is due.
        A daemon that does not run is neither started nor proved. ``record`` is kept in the history.
        """
        generation = self.stack.generation(self.host, self.instance)
        live = reload and generation is not None
        step, before, after, journal = "prove", None, None, None
        with _Signals() as signals:
            try:
                before = self.proof.look() if live else None
                step = "journal"
                journal = self.store.begin(changes, generation)
                step = "write"
                journal.enter(step)
                journal.write()
                self.stack.written(self.host, self.instance)
                step = "test"
                journal.enter(step)
                tested = self._test()
                if live:
                    step = "reload"
                    journal.enter(step)
                    self._reload(generation)
                    step = "prove"
                    journal.enter(step)
                    after = self._prove(before)
                elif generation is not None:
                    self.store.await_reload(generation)
                step = "commit"
                journal.enter(COMMITTED)
            except BaseException as exc:
                # Whatever it was, a signal or a mistake of our own included: the originals first.
                signals.ignore()
                journal = journal or self.store.unfinished()
                if journal is None:
                    raise
                raise self._undo(journal, step, exc, before) from exc
            signals.ignore()
            outcome = {"outcome": "changed", "files": journal.summary(), "test": tested.output, **record}
            problems = self._conclude(journal, outcome, live)
        return Outcome(journal.id, live, before, after, journal.summary(), problems)

    def _conclude(self, journal: Journal, record: t.Mapping[str, t.Any], live: bool) -> list[str]:
        """Bookkeeping after the commit. It cannot fail the transaction any more: the next run repeats it."""
        try:
            if live:
                self.store.reloaded()
            journal.retire(record)
        except OSError as exc:
            return [f"the change holds, but its history is not complete: {files.explain(exc, exc.filename or '')}"]
        return []

    def reload(self, before: t.Any) -> t.Any:
        """Let a process that has not loaded the files on disk load them, and prove it. Nothing is written.

        Raises TransactionError; it was undone, which means untouched, unless the new workers are there already.
        """
        self._test()
        self._reload(self.stack.generation(self.host, self.instance))
        try:
            after = self._prove(before)
        except TransactionError as exc:
            raise TransactionError(exc.step, f"reloaded as the files have it, but {exc}", undone=False) from exc
        self.store.reloaded()
        return after

    def _test(self) -> TestResult:
        result = self.stack.test(self.host, self.instance)
        if not result.ok:
            raise TransactionError("test", f"{self.stack.title} refuses the configuration", output=result.output)
        return result

    def _reload(self, generation: t.Any) -> None:
        self.store.fault("reload.ask")
        self.stack.reload(self.host, self.instance)
        self.store.fault("reload.settle")
        _settle(self.stack, self.host, self.instance, generation, self.timeouts.settle)

    def _prove(self, before: t.Any) -> t.Any:
        """Look until there is no objection: a busy host is slow, not wrong. Not for long: clients may be waiting."""
        deadline = time.monotonic() + self.timeouts.proof
        pause = 0.1
        while True:
            self.store.fault("prove.look")
            after = self.proof.look()
            objections = self.proof.objections(before, after)
            if not objections:
                return after
            if time.monotonic() + pause > deadline:
                raise TransactionError("prove", f"the configuration is not proved: {few(objections)}")
            time.sleep(pause)
            pause *= 2

    def _undo(self, journal: Journal, step: str, cause: BaseException, before: t.Any) -> TransactionError:
        problems: list[str] = []
        try:
            journal.enter("undo")
            problems += [f"{path} was edited by someone else and is left alone" for path in journal.restore()]
            problems += _tell_written(self.stack, self.host, self.instance)
            if journal.running and step in ("reload", "prove", "commit"):
                problems += _back_in_force(self.stack, self.host, self.instance, journal, self.timeouts.settle)
                if before is not None:
                    lost = self.proof.lost(before, self.proof.look())
                    problems += [few(lost)] if lost else []
            # The originals are in place: what remains open is reported, not retried.
            journal.retire({"outcome": "undone", "step": step, "error": str(cause), "problems": problems})
        except Exception as exc:  # whatever it is must not hide the cause
            problems.append(f"undoing failed ({exc}) and is repeated by the next run, or with state=recover")
        text = str(cause) if isinstance(cause, (InTransitError, Interrupted)) else repr(cause)
        text += "; NOT all is as it was: " + "; ".join(problems) if problems else "; the originals are back"
        return TransactionError(step, text, undone=not problems, output=getattr(cause, "output", ""))


def recover(stack: Stack, host: Host, instance: Instance, store: Store, timeouts: Timeouts) -> Recovery | None:
    """Bring an interrupted transaction to its end; None when there is none. Raises TransactionError."""
    journal = store.unfinished()
    if journal is None:
        return None
    phase = journal.phase
    with _Signals() as signals:
        # The end of recovery is the same whether it is asked to stop or not: let it get there.
        signals.ignore()
        try:
            return _recovered(stack, host, instance, journal, timeouts)
        except OSError as exc:
            why = files.explain(exc, exc.filename or "this host")
            message = f"run {journal.id} was interrupted ({phase}), and bringing it to its end failed: {why}"
            raise TransactionError("recover", f"{message}; the next run tries again", undone=False) from exc


def _recovered(stack: Stack, host: Host, instance: Instance, journal: Journal, timeouts: Timeouts) -> Recovery:
    phase, problems, conflicts, reloaded = journal.phase, [], [], False
    if phase != COMMITTED:
        journal.enter("undo")
        conflicts = journal.restore()
        problems = _tell_written(stack, host, instance)
        if journal.running:
            # Somebody may have reloaded the half-written files since: always load what is there now.
            problems += _back_in_force(stack, host, instance, journal, timeouts.settle)
            reloaded = not problems and not journal.still(stack.generation(host, instance))
    outcome = "kept" if phase == COMMITTED else "conflict" if conflicts else "restored"
    journal.retire({"outcome": outcome, "step": phase, "conflicts": conflicts, "problems": problems})
    return Recovery(journal.id, phase, outcome, journal.paths, conflicts, reloaded, problems)


def _tell_written(stack: Stack, host: Host, instance: Instance) -> list[str]:
    """Tell of files that were brought back. What stands in the way, for people."""
    try:
        stack.written(host, instance)
    except TransactionError as exc:
        return [f"{exc} {exc.output}".strip()]
    return []


def _back_in_force(stack: Stack, host: Host, instance: Instance, journal: Journal, timeout: float) -> list[str]:
    """Let the daemon, which ran before, serve by the files as they stand. What stands in the way, for people."""
    result = stack.test(host, instance)
    problems = [] if result.ok else [f"{stack.title} refuses the configuration: {result.output}"]
    if result.ok:
        try:
            generation = stack.generation(host, instance)
            if generation is None:
                stack.start(host, instance)
            else:
                stack.reload(host, instance)
            _settle(stack, host, instance, generation, timeout)
        except TransactionError as exc:
            problems = [f"{exc} {exc.output}".strip()]
    # Workers that are still those of before never left the configuration they had: nothing is out of force.
    return [] if journal.still(stack.generation(host, instance)) else problems


def few(texts: t.Sequence[str]) -> str:
    """The first three, and how many more: one message must not grow with the number of a host's endpoints."""
    more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
    return "; ".join(texts[:3]) + more


def _settle(stack: Stack, host: Host, instance: Instance, before: t.Any, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    pause, gone = 0.01, 0
    while not stack.settled(host, instance, before):
        gone = gone + 1 if before is not None and stack.generation(host, instance) is None else 0
        if gone == 3:
            raise TransactionError("reload", f"{stack.title} ended on the reload")
        if time.monotonic() > deadline:
            message = f"{stack.title} serves no new workers {timeout:g} seconds after the reload"
            raise TransactionError("reload", f"{message}; its error log tells why")
        time.sleep(pause)
        pause = min(pause * 2, 0.5)


class _Signals:
    """Turns the polite ways to end a process into :class:`Interrupted`, so that a run undoes what it began."""

    def __enter__(self) -> _Signals:
        import signal
        import threading

        self._old: dict[int, t.Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                self._old[number] = signal.signal(number, self._raise)
        self._ignored = False
        return self

    def _raise(self, number: int, frame: object) -> None:
        if not self._ignored:
            self._ignored = True
            raise Interrupted(f"ended by signal {number}")

    def ignore(self) -> None:
        """From now on the work is finished whatever is asked."""
        self._ignored = True

    def __exit__(self, *details: object) -> None:
        import signal

        for number, handler in self._old.items():
            signal.signal(number, handler)
