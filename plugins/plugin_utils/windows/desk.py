# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The desk in front of Schannel: what ``schannel_tls`` and ``schannel_tls_info`` return.

The shape is that of the other stacks (``module_utils/run/stack.py``), so that summary, evidence and reports read it
alike; what only Windows has comes on top: ``values``, ``rollback``, ``restart_required``, ``reboot_required``,
``round_trips``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError, TransactionError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import exceptions, judge
from ansible_collections.encryption.in_transit.plugins.module_utils.run.ansible_exceptions import today
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Kept, Listener, Provenance

from . import bindings, evidence, host, plan, settings
from .registry import Registry, Value, parse_document, spoken
from .remote import Remote, RemoteError, quoted

Json = t.Dict[str, t.Any]
Options = t.Mapping[str, t.Any]

#: Wishes that are judged one by one; those about protocols and suites are judged as what servers and clients offer.
_JUDGED = ("schannel.broken_ciphers", "schannel.key_exchange", "schannel.event_log", "client.system_defaults")

RESTART = "services and programs take it when they start anew; a reboot of the host makes sure of all of them"


def instance(stack: str, facts: host.Facts, version: str, config: str) -> Json:
    """The keys every stack's instance has, with nothing done yet."""
    return {
        "name": stack,
        "version": version,
        "config": config,
        "library": f"Schannel {facts.version}",
        "running": True,
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
        "values": [],
        "rollback": None,
        "restart_required": False,
        "reboot_required": False,
    }


def result(remote: Remote, one: Json, findings: list[Json], diff: list[Json], audit: bool) -> Json:
    """The whole result about one instance. An audit tells all findings, the others what does not hold."""
    found = sorted(findings, key=judge.order)
    if not audit:
        found = [item for item in found if item["status"] in ("fail", "indeterminate", "excepted")]
    return {
        "changed": one["changed"],
        "failed": one["failed"],
        "msg": one["msg"],
        "findings": found,
        "diff": diff,
        "instances": [one],
        "restart_required": one["restart_required"],
        "reboot_required": one["reboot_required"],
        "round_trips": remote.round_trips,
    }


def failed(one: Json, error: InTransitError, facts: host.Facts) -> None:
    """Tell in the instance what went wrong and where that left the host."""
    one["failed"] = True
    one.update(step=getattr(error, "step", "plan"), undone=getattr(error, "undone", True))
    one.update(changed=not one["undone"], restart_required=False, reboot_required=False)
    one["msg"] = f"{title(facts)}: {error}"


def title(facts: host.Facts) -> str:
    return f"{facts.product} (build {facts.build})"


def exported(listener: Listener) -> Json:
    """A listener in plain JSON types, as results carry it."""
    rows = {
        key: {"value": setting.value, "provenance": [place._asdict() for place in setting.provenance]}
        for key, setting in listener.settings.items()
    }
    return {**listener._asdict(), "settings": rows}


def told(pairs: t.Iterable[tuple[Value, Value | None]]) -> list[Json]:
    """Values before and after, for people and programs."""
    return [
        {"key": new.key, "name": new.name, "type": new.type, "before": spoken(old), "after": spoken(new)}
        for new, old in pairs
    ]


def diff(pairs: t.Sequence[tuple[Value, Value | None]], header: str) -> list[Json]:
    """Before and after of the values that change; empty when none does."""
    if not pairs:
        return []
    before, after = (host.tabular(pairs, side) for side in (1, 0))
    return [{"before_header": "registry", "after_header": header, "before": before, "after": after}]


# --- exceptions ---------------------------------------------------------------------------------------------------

#: Checks about names that a plan can keep: of suites and groups, and of protocols for clients.
_NAMED = ("suite.forbidden", "group.forbidden", "upstream.protocol")


def grants(options: Options) -> list[Json]:
    """The exceptions in force for what Schannel serves, IIS among it: its TLS is Schannel's."""
    every = exceptions.checked(options.get("exceptions") or (), today())
    return [{**grant, "stack": ""} for grant in every if grant.get("stack") in (None, "", bindings.STACK, "iis")]


def host_wide(every: t.Iterable[Json]) -> list[Json]:
    """The same for Schannel as a whole, which has no port: its switches know hosts and no listeners."""
    return [{**grant, "ports": [0], "names": []} for grant in every]


def kept(every: t.Sequence[Json]) -> Kept:
    """What these exceptions keep."""
    return Kept(
        tuple(grant["id"] for grant in every),
        frozenset(check for grant in every for check in grant["checks"]),
        frozenset(exceptions.kept_protocols(every)),
        frozenset(name for check in _NAMED for name in exceptions.kept_names(every, check)),
    )


# --- what a registry means, judged --------------------------------------------------------------------------------


def findings(
    registry: Registry,
    facts: host.Facts,
    baseline: model.Baseline,
    made: plan.Plan,
    written: bool = False,
    granted: t.Sequence[Json] = (),
) -> list[Json]:
    """Everything that can be said of the registry by itself; handshakes are the business of the scanner.

    ``baseline`` is the whole one: what a build lacks is told as clamped, and judged nevertheless.
    ``written`` tells that the registry was just changed; ``granted`` are the exceptions of :func:`grants`.
    """
    about = {"stack": bindings.STACK}
    roles = [bindings.machine(registry, facts.build, role) for role in settings.ROLES]
    served = bindings.listeners(registry, facts.build)
    found = judge.judge_listeners(roles, baseline, about, made.clamps, host_wide(granted))
    found += judge.judge_listeners(served, baseline, about, (), granted)
    found += [_keys(registry, facts.build, role, kept(granted)) for role in settings.ROLES]
    found += [item for one in roles for item in _not_known(one, registry)]
    for check in _JUDGED:
        wishes = [wish for wish in made.wishes if wish.check == check]
        found += [_wishes(check, wishes, registry)] if wishes else []
    found += [_alarm(alarm) for alarm in made.alarms]
    return [*found, _running(served, written)]


def _running(served: t.Sequence[Listener], written: bool) -> Json:
    """A registry proves nothing of services that started before it was written; a handshake with each of them does."""
    if written:
        text, status = f"the registry was written a moment ago; {RESTART}", "indeterminate"
    elif any(one.endpoints for one in served):
        text = f"{len(served)} bindings are there to be proved by handshake"
        status = "not_applicable"
    else:
        text = f"no binding is there that a handshake could be made with; {RESTART}"
        status = "indeterminate"
    return judge.finding("config.running", status, "effective", {"stack": bindings.STACK}, text)


def _keys(registry: Registry, build: int, role: str, left: Kept) -> Json:
    """Whether every protocol stands in the registry, on or off; TLS 1.3 only where there is one to be switched.

    What an exception keeps is left as it is found, said or unsaid, and judged as what it is: on.
    """
    missing = []
    on = plan.kept_protocols(registry, build, role, left)
    capable = [name for name in settings.capable(build) if name not in on]
    for protocol in capable:
        key = plan.protocol_key(protocol, role)
        missing += [
            f"{protocol} {name}" for name in ("Enabled", "DisabledByDefault") if registry.number(key, name) is None
        ]
    about = {"stack": bindings.STACK, "listener": f"Schannel {role}"}
    text = f"not set: {', '.join(missing)}" if missing else f"{2 * len(capable)} values are set"
    place = Provenance(settings.PROTOCOLS, 0, text)
    status = "fail" if missing else "pass"
    return judge.finding("schannel.protocol_keys", status, "configured", about, text, "", (place,))


def _not_known(listener: Listener, registry: Registry) -> list[Json]:
    """What rests on a default that the registry does not tell cannot be judged, and is never passed."""
    about = {"stack": bindings.STACK, "listener": listener.context}
    words = {
        "suites_tls12": ("suite.forbidden", "no order of suites is set; the default of the build holds"),
        "groups": ("group.forbidden", "no order of curves is set; the default of the build holds"),
    }
    if listener.role == "client":
        words = {}
    return [
        judge.finding(check, "indeterminate", "configured", about, text, "none forbidden")
        for key, (check, text) in words.items()
        if key not in listener.settings
    ]


def _wishes(check: str, wishes: t.Sequence[settings.Wish], registry: Registry) -> Json:
    bad = [wish for wish in wishes if not wish.holds(registry)]
    about = {"stack": bindings.STACK}
    places = []
    for wish in bad or wishes:
        text = f"{wish.name}={spoken(registry.get(wish.key, wish.name))}"
        places.append(Provenance(wish.key, 0, text))
    text = f"{len(bad)} of {len(wishes)} values do not say so" if bad else f"{len(wishes)} values say so"
    return judge.finding(check, "fail" if bad else "pass", "configured", about, text, "", places)


def _alarm(alarm: plan.Alarm) -> Json:
    about = {"stack": bindings.STACK, "listener": alarm.guard}
    return judge.finding("config.override", "fail", "configured", about, alarm.reason, "", (), None, alarm.way)


# --- the verbs ----------------------------------------------------------------------------------------------------


class Schannel:
    """One host in one run."""

    def __init__(self, remote: Remote, options: Options, check_mode: bool, https: bool) -> None:
        self.remote, self.options, self.check_mode, self.https = remote, options, check_mode, https
        self.baseline = model.load(options["profile"], options["baseline"])
        self.grants = grants(options)

    def harden(self) -> Json:
        """Bring the registry to the baseline, or say what that would be."""
        facts, _rest = host.read(self.remote)
        one = instance(bindings.STACK, facts, facts.version, settings.SCHANNEL)
        try:
            made = self._plan(facts)
        except InTransitError as error:
            failed(one, error, facts)
            return result(self.remote, one, [], [], False)
        pairs = [(change.after, change.before) for change in made.changes]
        after = facts
        found: list[Json] = []
        self._tell(one, made, pairs)
        if pairs and not self.check_mode:
            try:
                applied = host.apply(
                    self.remote, facts, [(change.after, change.undo) for change in made.changes], bindings.STACK
                )
            except TransactionError as error:
                failed(one, error, facts)
                return result(self.remote, one, found, [], False)
            after = applied.facts
            self._applied(one, applied)
        self._view(one, after, made, found, written=after is not facts)
        words = f"{len(pairs)} values {'would be written' if self.check_mode else 'written and read again'}"
        one["msg"] = f"{title(facts)}: {words if pairs else 'the baseline holds'}"
        if pairs:
            one["msg"] += "; a reboot is needed" if made.reboot else "; services must be restarted"
        return result(self.remote, one, found, diff(pairs, self._header()), False)

    def restore(self, path: str) -> Json:
        """Bring back what a rollback file of the host holds."""
        facts, (text,) = host.read(self.remote, [f"type {quoted(path)}"])
        one = instance(bindings.STACK, facts, facts.version, settings.SCHANNEL)
        if not text.strip():
            raise RemoteError(f"{path} is not on the host, or cannot be read: name the rollback file a run returned")
        wanted = parse_document(text.strip(), path)
        pairs = [(new, facts.registry.get(new.key, new.name)) for new in wanted]
        pairs = [(new, old) for new, old in pairs if (old.data if old else None) != new.data]
        one.update(changed=bool(pairs), restart_required=bool(pairs), reboot_required=bool(pairs), values=told(pairs))
        if pairs and not self.check_mode:
            try:
                host.restore(self.remote, path, wanted)
            except TransactionError as error:
                failed(one, error, facts)
        if not one["failed"]:
            words = "would come back" if self.check_mode else "are as they were"
            one["msg"] = f"{title(facts)}: {len(pairs)} values {words}" if pairs else "nothing to bring back"
        return result(self.remote, one, [], diff(pairs, path), False)

    def audit(self) -> Json:
        """What the registry says and what :meth:`harden` would do. Changes nothing."""
        more = evidence.COMMANDS if self.options["export"] else ()
        facts, extra = host.read(self.remote, more)
        one = instance(bindings.STACK, facts, facts.version, settings.SCHANNEL)
        made = self._plan(facts, plan.GUARDS)
        pairs = [(change.after, change.before) for change in made.changes]
        self._tell(one, made, pairs)
        one.update(changed=False, restart_required=False, reboot_required=False)
        found: list[Json] = []
        self._view(one, facts, made, found)
        if self.options["export"]:
            one["export"], warnings = evidence.export(facts, extra, one["listeners"])
            one["warnings"] += warnings
        fails = sum(item["status"] == "fail" for item in found)
        one["msg"] = f"{title(facts)}: {fails} findings, {len(pairs)} values would be written"
        return result(self.remote, one, found, diff(pairs, self._header()), True)

    # --- steps --------------------------------------------------------------------------------------------------------

    def _plan(self, facts: host.Facts, accept: t.Collection[str] | None = None) -> plan.Plan:
        return plan.make(
            facts.registry,
            facts.build,
            self.baseline,
            self.options["parts"],
            self.options["roles"],
            self.options.get("accept", ()) if accept is None else accept,
            self.https,
            kept(self.grants),
        )

    def _tell(self, one: Json, made: plan.Plan, pairs: list[tuple[Value, Value | None]]) -> None:
        one["clamps"] = [clamp._asdict() for clamp in made.clamps]
        one["values"] = told(pairs)
        one["edits"] = [
            {"file": change.wish.key, "line": 0, "check": change.wish.check, "reason": change.wish.why}
            for change in made.changes
        ]
        one["warnings"] = [f"{alarm.guard}: {alarm.reason}. {alarm.way}" for alarm in made.alarms]
        one.update(changed=bool(pairs), restart_required=bool(pairs), reboot_required=made.reboot)

    def _applied(self, one: Json, applied: host.Applied) -> None:
        one["rollback"] = applied.rollback
        one["transaction"] = applied.rollback.rpartition("\\")[2].removesuffix(".reg")
        if not applied.saved:
            one["warnings"].append(f"the host could not write {applied.rollback}; values tells what was before")
        if applied.reconnected:
            one["warnings"].append("the connection was lost after the import, and made again to read the registry")

    def _view(self, one: Json, facts: host.Facts, made: plan.Plan, found: list[Json], written: bool = False) -> None:
        found += findings(facts.registry, facts, self.baseline, made, written, self.grants)
        one["listeners"] = [exported(item) for item in bindings.listeners(facts.registry, facts.build)]

    def _header(self) -> str:
        return f"registry (baseline {self.baseline.profile})"
