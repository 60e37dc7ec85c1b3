# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The desk in front of every stack: harden, audit and recover its instances on this host.

Each function returns plain JSON types: ``failed``, ``changed``, ``msg`` for people, ``findings``, ``diff`` and
``instances``, one entry for each instance found. An error of one instance never hides the others' results.
``warnings``, where there are any, are for the eyes of whoever runs it.
:func:`audit` returns every finding, the others only those that do not hold or are not proved: a host where all is
well should cost its controller little.

``options`` (a mapping; the values in parentheses are the defaults):

==================  ===============================================================================================
``profile``         name of a built-in profile (``intermediate``)
``baseline``        parts of the profile to be replaced (``{}``)
``overrides``       ``mend`` (default), ``report`` or ``fail``: see the stack
``hsts``            ``report`` (default) or ``mend``: see the stack, where it speaks HTTP
``exceptions``      grants for this host (``findings.exceptions``); the plan gets those in force ``today`` (``[]``)
``today``           datetime.date; needed where there are ``exceptions``
``reload``          ``auto`` (default), or ``handler``: a later run reloads and proves
``proof``           whether to prove by handshake (``True``)
``timeouts``        seconds: ``lock`` (10), ``settle`` (30), ``proof`` (5), ``handshake`` (3)
``missing``         :func:`harden`: ``fail`` (default) or ``ignore`` when the software is not installed
``config``          main configuration files of the instances meant; empty: all
``state_dir``       folder of journals and history (:data:`STATE_DIR`)
``history``         number of finished transactions to keep (10)
``receipts``        whether the caller removes the files named in ``receipts`` of the result as soon as the result has
                    arrived; until then the next run tells once more what this one did (``False``)
``check``           plan, judge and test, but write and reload nothing (``False``)
``diff``            whether to return the diff (``True``)
``export``          :func:`audit`: whether to return the redacted configuration (``False``)
==================  ===============================================================================================
"""

from __future__ import annotations

import contextlib
import typing as t

from ..baseline import model
from ..errors import ConfigurationError, InTransitError, TransactionError
from ..findings import exceptions, judge
from ..stacks import files, transaction
from ..stacks.contract import Kept
from ..stacks.journal import Store, abandoned
from .proof import HandshakeProof, summary

if t.TYPE_CHECKING:
    from ..stacks.contract import Document, Instance, Listener, Plan, Stack
    from ..stacks.host import Host

    Json = t.Dict[str, t.Any]
    Options = t.Mapping[str, t.Any]

#: Checks about names that a plan can keep.
_NAMED = ("suite.forbidden", "group.forbidden")

#: Checks about what a server may have from the system's TLS library instead of its own configuration.
_FROM_FLOOR = {*exceptions.PROTOCOLS.values(), *_NAMED, "signature.forbidden"}

#: Statuses of findings that are told of a host that was hardened.
_OPEN = ("fail", "indeterminate", "excepted")

STATE_DIR = "/var/lib/encryption.in_transit"


def harden(stack: Stack, host: Host, options: Options) -> Json:
    """Bring every instance to the baseline, prove it, and undo what is not proved."""
    return _each(stack, host, options, lambda work: work.harden())


def audit(stack: Stack, host: Host, options: Options) -> Json:
    """What the files say, what the running process accepts, and what :func:`harden` would do. Changes nothing."""
    return _each(stack, host, {**options, "audit": True, "missing": "ignore"}, lambda work: work.audit())


def recover(stack: Stack, host: Host, options: Options) -> Json:
    """Bring runs that were interrupted to their end: each instance has exactly its old or exactly its new files."""
    return _each(stack, host, options, lambda work: work.recover())


def _each(stack: Stack, host: Host, options: Options, act: t.Callable[[_Work], None]) -> Json:
    baseline = model.load(options.get("profile", "intermediate"), options.get("baseline") or {})
    if options.get("exceptions"):
        options = {**options, "exceptions": exceptions.checked(options["exceptions"], options["today"])}
    found = stack.discover(host)
    instances = [instance for instance in found if stack.meant(instance, options)]
    wanted = options.get("config") or []
    unknown = sorted(set(wanted) - {instance.config for instance in instances})
    lost = _lost(stack, found, options)
    if not instances:
        return {**_absent(stack, options), **({"failed": True, "msg": lost} if lost else {})}
    if unknown:
        known = ", ".join(sorted(instance.config for instance in instances))
        message = (
            f"no {stack.title} on this host has the main configuration file {', '.join(unknown)}; there is {known}"
        )
        return {"changed": False, "failed": True, "msg": message, "findings": [], "diff": [], "instances": []}
    results = []
    for instance in instances:
        if wanted and instance.config not in wanted:
            continue
        work = _Work(stack, host, instance, baseline, options)
        try:
            act(work)
        except InTransitError as exc:
            work.fail(exc)
        except OSError as exc:  # of this machine: no memory, no process, no file descriptor
            work.fail(InTransitError(files.explain(exc, exc.filename or "this host")))
        results.append(work.result)
    merged: Json = {key: [item for one in results for item in one.pop(key)] for key in ("findings", "diff")}
    if lost and options.get("audit"):
        # The other instances were read all the same.
        merged["findings"].append(judge.finding("config.finished", "fail", "configured", {"stack": stack.name}, lost))
        lost = ""
    merged["findings"].sort(key=judge.order)
    if not options.get("audit"):
        merged["findings"] = [item for item in merged["findings"] if item["status"] in _OPEN]
    receipts = [path for one in results for path in one.pop("receipts")]
    if receipts:
        merged["receipts"] = receipts
    heed = [text for one in results for text in one.pop("heed")]
    if heed:
        merged["warnings"] = list(dict.fromkeys(heed))
    return {
        "changed": any(one["changed"] for one in results),
        "failed": bool(lost) or any(one["failed"] for one in results),
        "msg": "; ".join([*(one["msg"] for one in results), *([lost] if lost else [])]),
        **merged,
        "instances": results,
    }


def _lost(stack: Stack, instances: t.Sequence[Instance], options: Options) -> str:
    """About runs that were interrupted on instances that cannot be found any more, for people; else empty."""
    if options.get("check"):
        return ""
    state_dir = options.get("state_dir") or STATE_DIR
    journals = abandoned(state_dir, stack.name, [Store(state_dir, stack.name, one.name) for one in instances])
    paths = ", ".join(path for journal in journals for path in journal.paths)
    if not paths:
        return ""
    message = f"a run was interrupted while changing {paths}, and the {stack.title} that reads it is not found: it may"
    return f"{message} have ended in between. Start it as before, then run again, or with state=recover"


def _absent(stack: Stack, options: Options) -> Json:
    failed = options.get("missing", "fail") == "fail" and not options.get("check")
    message = f"{stack.title} is not installed on this host: nothing to do"
    if failed:
        message = f"{stack.title} is not installed on this host; install it first, or set missing=ignore"
    return {"changed": False, "failed": failed, "msg": message, "findings": [], "diff": [], "instances": []}


class _View(t.NamedTuple):
    """What the files say now, and what they would say after the plan."""

    documents: list[Document]
    listeners: list[Listener]
    plan: Plan
    planned_documents: list[Document]
    planned_listeners: list[Listener]


class _Work:
    """One instance in one run. Every step writes what it learnt into ``result`` at once."""

    def __init__(
        self, stack: Stack, host: Host, instance: Instance, baseline: model.Baseline, options: Options
    ) -> None:
        self.stack, self.host, self.instance, self.options = stack, host, instance, options
        self.baseline = baseline
        self.grants: list[Json] = list(options.get("exceptions") or ())
        self.check = bool(options.get("check"))
        self.auditing = bool(options.get("audit"))
        seconds: Json = {key: value for key, value in (options.get("timeouts") or {}).items() if value is not None}
        self.handshake_timeout = seconds.pop("handshake", 3)
        self.timeouts = transaction.Timeouts(**seconds)
        state_dir, keep = options.get("state_dir") or STATE_DIR, options.get("history", 10)
        self.store = Store(state_dir, stack.name, instance.name, keep, receipts=bool(options.get("receipts")))
        library = " ".join((instance.capabilities.library, _dotted(instance.capabilities.version)))
        self.title = f"{stack.title} {_dotted(instance.version)}"
        self.result: Json = {
            "name": instance.name,
            "version": _dotted(instance.version),
            "config": instance.config,
            "library": library,
            "running": instance.running,
            "changed": False,
            "failed": False,
            "reloaded": False,
            "msg": "",
            "step": None,
            "undone": None,
            "output": "",
            "shadow_test": None,
            "warnings": [],
            "recovery": None,
            "transaction": None,
            "files": [],
            "edits": [],
            "clamps": [],
            "unmended": [],
            "listeners": [],
            "proofs": [],
            "untold": [],
            "receipts": [],
            "findings": [],
            "diff": [],
            "heed": [],
        }

    # --- the three verbs ------------------------------------------------------------------------------------------

    def harden(self) -> None:
        if self.check:
            self._note_unfinished()
            self._harden()
            return
        with self.store.lock(self.timeouts.lock), self._telling():
            self._recover()
            self._harden()

    def audit(self) -> None:
        self._note_unfinished()
        view = self._view()
        test = self.stack.test(self.host, self.instance)
        self._tell_test(test)
        proof = self._proof(view.listeners)
        look = proof.look()
        self._tell_view(view)
        self._tell_diff(view)
        self._tell_proofs(look, look)
        self._judge(view.listeners, view.plan, look)
        self._tell_certificates(view.listeners, look)
        handshakes = list(look.values())
        plaintext = [endpoint for one in view.listeners if not one.tls for endpoint in one.endpoints]
        if plaintext and self.options.get("proof", True):
            without_tls = self._scan(list(dict.fromkeys(plaintext)))
            self.result["findings"] += [item for report in without_tls for item in report["findings"]]
            handshakes += without_tls
        if self.options.get("export"):
            from ..stacks import running

            generation = self.stack.generation(self.host, self.instance)
            self.result.update(running.facts(self.host, generation, view.documents))
            exported = self.stack.export(self.instance, view.documents)
            self.result["export"] = [file._asdict() for file in exported]
            self.result["handshakes"] = [
                {key: value for key, value in report.items() if key != "findings"} for report in handshakes
            ]
        count = len(view.plan.edits)
        edits = f"{count} edit{'s' if count > 1 else ''} would be made" if count else "no edit would be made"
        self._say(f"{self._proved(look)}, {edits}")

    def recover(self) -> None:
        if self.check:
            self._note_unfinished()
            self._say("nothing was touched")
            return
        with self.store.lock(self.timeouts.lock), self._telling():
            if not self._recover():
                self._say("no run was interrupted")

    # --- steps ----------------------------------------------------------------------------------------------------

    def _harden(self) -> None:
        view = self._view()
        self._tell_view(view)
        proof = self._proof(view.planned_listeners)
        if view.plan.edits:
            self._change(view, proof)
        else:
            self._hold(view, proof)

    def _hold(self, view: _View, proof: HandshakeProof) -> None:
        """The files are right: is the process?"""
        generation = self.stack.generation(self.host, self.instance)
        look = proof.look() if generation is not None else {}
        stale = proof.contradictions(look)
        due = generation is not None and self.store.reload_pending(generation)
        reload = (stale or due) and self.options.get("reload", "auto") == "auto" and not self.check
        if reload:
            change = transaction.Transaction(self.stack, self.host, self.instance, self.store, proof, self.timeouts)
            before, look = look, change.reload(look)
            self.result["reloaded"] = True
            self._tell_proofs(before, look)
        else:
            self._tell_proofs(look, look)
        self._judge(view.listeners, view.plan, look)
        if stale or due:
            # Where the reload is left to a handler, this is what notifies it.
            self.result["changed"] = True
            why = stale[0] if stale else "a reload was left to a handler"
            done = f"{self.stack.reloads}, {self._proved(look)}" if reload else "a reload is due"
            self._say(f"the files hold the baseline, but the process had not loaded them ({why}): {done}")
        else:
            self._say(f"{'nothing to change' if self._open() else 'the baseline holds'}, {self._proved(look)}")

    def _change(self, view: _View, proof: HandshakeProof) -> None:
        changes = files.changes(view.documents, view.plan.edits)
        self._tell_diff(view)
        self._tell_beneath(view)
        broken = self._test_in_shadow(changes)
        texts = self._diff(view)
        self.result["files"] = [{**one.summary(), "diff": _unified(one.path, texts)} for one in changes]
        what = f"{len(changes)} file{'s' if len(changes) > 1 else ''}"
        if self.check:
            look = proof.look() if self.instance.running else {}
            self.result["changed"] = True
            self._tell_proofs(look, None)
            self._judge(view.listeners, view.plan, look)
            self._say(f"{what} would be changed")
            return
        record = {
            "instance": self.result["config"],
            "profile": self.baseline.profile,
            "baseline": self.baseline.digest,
            "edits": self.result["edits"],
            "diff": texts,
        }
        reload = self.options.get("reload", "auto") == "auto"
        change = transaction.Transaction(self.stack, self.host, self.instance, self.store, proof, self.timeouts)
        done = change.run(changes, reload, record)
        self.result.update(changed=True, reloaded=done.reloaded, transaction=done.id)
        self.result["listeners"] = [_listener(one) for one in view.planned_listeners]
        self.result["warnings"] += done.problems
        self._tell_proofs(done.before or {}, done.after)
        self._judge(view.planned_listeners, view.plan, done.after or {})
        mended = " (its configuration was broken before)" if broken else ""
        if done.reloaded:
            self._say(f"{what} changed{mended}, {self.stack.reloads}, {self._proved(done.after)}")
        elif self.instance.running:
            self._say(f"{what} changed{mended}; the reload, and with it the proof, is left to the handler")
        else:
            self._say(f"{what} changed{mended}; {self.stack.title} does not run, so nothing is proved")

    def _test_in_shadow(self, changes: t.Sequence[files.Change]) -> bool:
        """Let the daemon judge the plan before anything is touched. Whether the original configuration is broken."""
        from ..stacks import shadow

        original = self.stack.test(self.host, self.instance)
        try:
            planned = shadow.test(self.stack, self.host, self.instance, changes)
        except shadow.Refused as exc:
            self.result["shadow_test"] = f"not possible here: {exc}"
            if not original.ok:
                # Untested and unable to fall back on something that works: not the moment to write.
                raise self._broken(original) from exc
            self._tell_test(original)
            return False
        self.result["shadow_test"] = "passed" if planned.ok else "failed"
        self._tell_test(planned)
        if planned.ok:
            return not original.ok
        if not original.ok:
            raise self._broken(original)
        message = f"{self.stack.title} would refuse the planned configuration; nothing was changed"
        raise TransactionError("shadow", message, output=planned.output)

    def _broken(self, original: t.Any) -> TransactionError:
        message = (
            f"the configuration was broken before this run, and the baseline's edits do not mend it; nothing was "
            f"changed. {self.stack.title} says: {original.output.strip()}"
        )
        return TransactionError("test", message, output=original.output)

    def _recover(self) -> bool:
        recovery = transaction.recover(self.stack, self.host, self.instance, self.store, self.timeouts)
        if recovery is None:
            return False
        self.result.update(recovery=recovery._asdict(), changed=True, reloaded=recovery.reloaded)
        paths = ", ".join(recovery.paths)
        words = {"restored": "the originals are back", "kept": "its change had been proved and stays"}
        text = f"run {recovery.id} was interrupted ({recovery.phase}) while changing {paths}"
        if recovery.outcome == "conflict":
            edited = ", ".join(recovery.conflicts)
            message = (
                f"{text}; {edited} was edited by someone else since and is left alone: compare and mend it by hand"
            )
            raise TransactionError("recover", message, undone=False)
        if recovery.problems:
            message = f"{text}; {words[recovery.outcome]}, but {'; '.join(recovery.problems)}"
            raise TransactionError("recover", message, undone=False)
        self._say(f"{text}: {words[recovery.outcome]}")
        # The process may have been started anew.
        for instance in self.stack.discover(self.host):
            if instance.config == self.instance.config:
                self.instance = instance
        return True

    @contextlib.contextmanager
    def _telling(self) -> t.Iterator[None]:
        """Tell first of earlier runs whose results may have reached nobody; the result then stands for them, too."""
        for record in self.store.untold().values():
            told = _untold(record)
            self.result["untold"].append(told)
            self.result["changed"] |= told["changed"]
            self._say(told["msg"])
        try:
            yield
        finally:
            if self.store.receipts:
                self.result["receipts"] = list(self.store.untold())

    def _note_unfinished(self) -> None:
        """Tell of a change that was not brought to its end, which whoever only looks must not do."""
        status, text = "pass", "no run was interrupted"
        try:
            journal = self.store.unfinished()
            if journal and self.store.busy():
                status, text = (
                    "indeterminate",
                    f"run {journal.id} is at work on {', '.join(journal.paths)} at this moment",
                )
            # Once more: whoever was at work may have come to the end by itself in between.
            elif journal and self.store.unfinished():
                status, text = "fail", f"run {journal.id} was interrupted while changing {', '.join(journal.paths)}"
                self.result["changed"] = self.check
                self._say(f"{text}; the next run brings it to its end first")
        except TransactionError as exc:
            status, text = "indeterminate", str(exc)
            self.result["warnings"].append(text)
        self.result["findings"].append(
            judge.finding("config.finished", status, "configured", {"stack": self.stack.name}, text)
        )

    # --- what is known --------------------------------------------------------------------------------------------

    def _view(self) -> _View:
        documents = self.stack.read(self.host, self.instance)
        listeners = self.stack.effective(self.instance, documents)
        options = {**self.options, "upstreams": self._upstreams(listeners), "exceptions": self._kept}
        plan = self.stack.plan(self.instance, documents, self.baseline, options)
        if not plan.edits:
            return _View(documents, listeners, plan, documents, listeners)
        planned = self.stack.edited(documents, plan.edits)
        return _View(documents, listeners, plan, planned, self.stack.effective(self.instance, planned))

    def _upstreams(self, listeners: t.Iterable[Listener]) -> dict[str, bool]:
        """For each backend the instance reaches over TLS: was it seen to answer an approved hello?"""
        weak = [one for one in listeners if one.role == "client" and one.tls and one.endpoints and self._is_weak(one)]
        if not weak or not self.options.get("proof", True):
            return {}
        peers = {one.endpoints[0]: one.address for one in weak}
        seen: dict[str, bool] = {}
        for report in self._scan(list(peers)):
            # A name may have several addresses, and nginx uses them all.
            peer = peers[report["endpoint"]]
            seen[peer] = seen.get(peer, True) and bool(report["alive"])
        return seen

    def _kept(self, port: int, names: t.Sequence[str]) -> Kept:
        here = exceptions.at(self.grants, exceptions.Place((), self.stack.name, port, tuple(names)))
        return Kept(
            tuple(grant["id"] for grant in here),
            frozenset(check for grant in here for check in grant["checks"]),
            frozenset(exceptions.kept_protocols(here)),
            frozenset(name for check in _NAMED for name in exceptions.kept_names(here, check)),
        )

    def _is_weak(self, listener: Listener) -> bool:
        """Whether the plan may want to change what it offers, for which the backend's answer must be known: weak
        protocols, weak suites, and lists that are kept elsewhere."""
        if not {"protocols", "suites_tls12"} <= set(listener.settings):
            return True
        found = judge.judge_listeners([listener], self.baseline)
        return any(item["status"] == "fail" and item["check"] != "upstream.verification" for item in found)

    def _scan(self, endpoints: t.Sequence[str]) -> list[Json]:
        from ..wire.engine import ScanOptions
        from .scan import scan

        patience = self.handshake_timeout
        # Our own host, or a backend it talks to all day: no need to be as polite as to strangers.
        options = ScanOptions(connect_timeout=patience, read_timeout=patience, per_host=16, http=self.auditing)
        return scan(endpoints, self.baseline, options, {"stack": self.stack.name}, grants=self.grants)

    def _proof(self, listeners: t.Iterable[Listener]) -> HandshakeProof:
        proved = listeners if self.options.get("proof", True) else ()
        return HandshakeProof(proved, self.baseline, self._look, self.grants)

    def _look(self, endpoints: t.Sequence[str]) -> list[Json]:
        """Reports of endpoints, those included that exist only while somebody asks."""
        floors = [endpoint for endpoint in endpoints if endpoint.startswith("floor:")]
        reports = self._scan([endpoint for endpoint in endpoints if endpoint not in floors])
        if floors:
            from .floor import reports as ask

            reports += ask(self.stack, self.host, self.instance, floors, self.baseline, self._scan)
        return reports

    # --- what is told ---------------------------------------------------------------------------------------------

    def fail(self, error: InTransitError) -> None:
        self.result["failed"] = True
        if isinstance(error, TransactionError):
            self.result.update(step=error.step, undone=error.undone, output=error.output)
            words = error.output.strip()
            self._say(str(error) + (f": {words}" if words and words not in str(error) else ""))
            return
        self.result.update(step="read", undone=not self.result["changed"])
        if isinstance(error, ConfigurationError):
            about = {"stack": self.stack.name}
            self.result["findings"].append(judge.finding("config.valid", "fail", "configured", about, str(error)))
            test = self.stack.test(self.host, self.instance)
            self._tell_test(test)
            if not test.ok:
                self._say(f"{error}. The configuration was broken before this run; nothing was changed")
                return
        self._say(str(error) if self.result["changed"] else f"{error}; nothing was changed")

    def _say(self, text: str) -> None:
        told = self.result["msg"]
        self.result["msg"] = f"{told}; {text}" if told else f"{self.title} ({self.instance.config}): {text}"

    def _proved(self, look: Json | None) -> str:
        """How far the proof goes, and what it leaves open."""
        if not self.options.get("proof", True):
            return "not proved, as asked"
        good = sum(report["verdict"] == "compliant" for report in (look or {}).values())
        count = f"{good} of {len(look)}" if look and good < len(look) else str(good)
        text = f"{count} endpoint{'s' if look and len(look) > 1 else ''} proved" if look else "no endpoint to be proved"
        excepted = sum(report["verdict"] == "excepted" for report in (look or {}).values())
        text += f", {excepted} under exception" if excepted else ""
        left = self._open()
        return text + (f", {left} finding{'s' if left > 1 else ''} left open" if left else "")

    def _open(self) -> int:
        return sum(item["status"] == "fail" for item in self.result["findings"])

    def _tell_test(self, test: t.Any) -> None:
        self.result["output"] = test.output
        self.result["warnings"] += test.warnings
        status = "pass" if test.ok else "fail"
        text = "the daemon's own test passes" if test.ok else test.output.strip()
        self.result["findings"].append(
            judge.finding("config.valid", status, "configured", {"stack": self.stack.name}, text)
        )

    def _tell_view(self, view: _View) -> None:
        self.result["listeners"] = [_listener(one) for one in view.listeners]
        self.result["clamps"] = [one._asdict() for one in view.plan.clamps]
        self.result["edits"] = [
            {"file": one.path, "line": one.line, "check": one.check, "reason": one.reason} for one in view.plan.edits
        ]
        self.result["unmended"] = [
            {"check": one.check, "reason": one.reason, **one.provenance._asdict()} for one in view.plan.unmended
        ]

    def _tell_beneath(self, view: _View) -> None:
        """What all programs get has no port, so no exception keeps it, and whoever relies on it has to be told."""
        if not any(one.role == "floor" for one in view.listeners):
            return
        for grant in self.grants:
            if _FROM_FLOOR.intersection(grant["checks"]):
                ports = ", ".join(map(str, grant["ports"]))
                self.result["heed"].append(
                    f"{grant['id']} keeps something at port {ports}, and nothing of what all programs get: what serves "
                    "there must set its protocols, suites and security level itself, or it loses them when it restarts"
                )

    def _tell_diff(self, view: _View) -> None:
        if self.options.get("diff", True):
            self.result["diff"] = self._diff(view)

    def _diff(self, view: _View) -> list[dict[str, str]]:
        """Before and after of each changed file, from the stack's export: secrets are redacted there."""
        before, after = (
            {file.name: file.text for file in self.stack.export(self.instance, documents)}
            for documents in (view.documents, view.planned_documents)
        )
        found = []
        for path in dict.fromkeys(edit.path for edit in view.plan.edits):
            # A file that is created is only in the one, a file that is removed only in the other.
            names = {**before, **after}
            name = next(name for name in names if ("/" + name).endswith("/" + path.lstrip("/")))
            headers = {"before_header": path, "after_header": f"{path} (baseline {self.baseline.profile})"}
            found.append({**headers, "before": before.get(name, ""), "after": after.get(name, "")})
        return found

    def _tell_proofs(self, before: Json, after: Json | None) -> None:
        endpoints = list(before) or list(after or {})
        self.result["proofs"] = [
            summary(endpoint, before.get(endpoint), (after or {}).get(endpoint)) for endpoint in endpoints
        ]

    def _judge(self, listeners: t.Sequence[Listener], plan: Plan, look: Json) -> None:
        """Findings about these listeners, from what the files say of them and from handshakes with them alike."""
        about = {"stack": self.stack.name}
        found = self.result["findings"]
        floors = [one for one in listeners if one.role == "floor"]
        servers = [one for one in listeners if one not in floors]
        found += judge.judge_listeners(servers, self.baseline, about, plan.clamps, self.grants)
        if floors:
            from ..findings.floor import judge_listener

            found += [item for one in floors for item in judge_listener(one, self.baseline, about)]
        for unmended in plan.unmended:
            self._tell_unmended(unmended)
        for seen in self.stack.remarks(self.host, self.instance):
            found.append(
                judge.finding(
                    seen.check, seen.status, "effective", about, seen.observed, "", seen.provenance, mend=seen.mend
                )
            )
        for report in look.values():
            found += report["findings"]
        if look:
            contradictions = self._proof(listeners).contradictions(look)
            status = "fail" if contradictions else "pass"
            text = "; ".join(contradictions) or "no handshake contradicts the files"
            found.append(judge.finding("config.running", status, "effective", about, text))

    def _tell_certificates(self, listeners: t.Sequence[Listener], look: Json) -> None:
        from ..findings.certificates import judge_files
        from .certificates import inspect

        named = inspect(self.host, self.instance, listeners)
        self.result["certificates"] = named
        self.result["findings"] += judge_files(named, look, {"stack": self.stack.name})

    def _tell_unmended(self, unmended: t.Any) -> None:
        """Give the findings at that place the reason why it was left; where there is none, it is a finding itself."""
        place = unmended.provenance
        failing = (item for item in self.result["findings"] if item["status"] in ("fail", "excepted"))
        same = [
            item
            for item in failing
            if item["check"] == unmended.check
            and any(one["file"] == place.file and one["line"] == place.line for one in item["provenance"])
        ]
        for item in same:
            item["mend"] = unmended.reason
        if not same:
            about = {"stack": self.stack.name}
            found = judge.finding("config.override", "fail", "configured", about, unmended.reason, "", (place,))
            self.result["findings"].append(found)


def _dotted(version: t.Iterable[int]) -> str:
    return ".".join(map(str, version))


def _untold(record: Json) -> Json:
    """What the history keeps of a finished run, as the result of its instance told it."""
    outcome, problems = record["outcome"], record.get("problems") or []
    interrupted = outcome in ("restored", "kept", "conflict")
    texts = record.get("diff") or ()
    return {
        "transaction": record["id"],
        "changed": outcome != "undone",
        "failed": outcome in ("undone", "conflict") or bool(problems),
        "undone": not problems if outcome == "undone" else None,
        "step": record.get("step"),
        "msg": f"the result of run {record['id']} reached nobody ({outcome}): "
        + ", ".join(one["path"] for one in record["files"]),
        "output": record.get("error") or record.get("test") or "",
        "files": [{**one, "diff": _unified(one["path"], texts)} for one in record["files"]],
        "edits": record.get("edits") or [],
        "recovery": {"id": record["id"], "phase": record["step"], "outcome": outcome} if interrupted else None,
    }


def _unified(path: str, texts: t.Iterable[t.Mapping[str, str]]) -> str:
    """The diff of one file in a few lines, for the record of the change."""
    import difflib

    for one in texts:
        if one["before_header"] == path:
            before, after = (one[key].splitlines(keepends=True) for key in ("before", "after"))
            return "".join(difflib.unified_diff(before, after, path, path, n=2))
    return ""


def _listener(listener: Listener) -> Json:
    settings = {
        key: {"value": setting.value, "provenance": [place._asdict() for place in setting.provenance]}
        for key, setting in listener.settings.items()
    }
    return {**listener._asdict(), "settings": settings}
