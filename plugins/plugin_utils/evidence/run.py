# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The source of truth of one evidence run: ``run.json`` and ``results.ndjson``. Everything else is derived from them.

``run.json`` answers what an auditor asks of information produced by the entity itself: where it comes from, with
which parameters, whether the population is complete, and when. ``results.ndjson`` holds one finding per line.
Both shapes are published in ``docs/schemas``.
"""

from __future__ import annotations

import collections
import hashlib
import itertools
import json
import re
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.model import load
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.profiles import PROFILES
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import (
    CHECKS,
    SEVERITIES,
    STATUSES,
    VIEWS,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.controls import CONTROLS
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.judge import verdict

from .errors import InputError
from .exports.words import OPEN
from .packed import Packed
from .registered import registers_section, unregistered
from .text import plain, safe_name, unique_names

if t.TYPE_CHECKING:
    from .history import Before

Json = t.Dict[str, t.Any]

#: Version of the shapes of run.json and results.ndjson: the first number changes when a reader would break.
SCHEMA_VERSION = "1.0"
SCHEMAS = "https://github.com/encryption/in_transit/blob/main/docs/schemas/"

#: What can have become of a host, and of an endpoint, in the order reports show them.
HOST_STATES = ("tested", "unreachable", "skipped", "not_applicable", "unaccounted")
ENDPOINT_STATES = ("compliant", "excepted", "non_compliant", "indeterminate", "unreachable")

#: What run.json and the report say of a change; its record has the rest.
_CHANGE_KEYS = ("change_id", "recorded", "ticket", "host", "stack", "outcome", "message")

SUBJECT_KEYS = ("host", "stack", "listener", "endpoint")

_POSITION = {check.id: position for position, check in enumerate(CHECKS)}
_DECIDES = frozenset(check.id for check in CHECKS if check.decides)


_PORT = re.compile("[0-9]{1,5}")

#: Parts of a wire report that tables and pages use; the transcript on disk has the rest.
_SHOWN = ("endpoint", "address", "port", "sni", "vantage", "reachable", "reason", "started", "protocols")


class Endpoint(t.NamedTuple):
    """One scanned endpoint: its state, what tables and pages say of it, and the file that holds its whole report.

    An endpoint with several addresses, or seen from several places, is one for each; ``endpoint`` then names them, too.
    ``certificates`` are the leaf certificates, one for each kind of key.
    """

    host: str
    endpoint: str
    state: str
    report: Json
    certificates: list[Json]
    path: str


class Record(t.NamedTuple):
    """Everything one bundle is made of, as plain JSON types in their final order.

    ``run`` and ``results`` are the source of truth. ``listeners`` are those that hosts serve. ``registers`` are the
    organisation's own, by name (``exceptions``, ``flows``), as lists of entries; empty without any. ``certificates``
    are chains that endpoints showed and files that listeners name, see ``exports/certificates.py``. ``files`` are
    [path below data/, content] of what was collected.
    """

    run: Json
    results: Packed
    endpoints: list[Endpoint]
    listeners: Packed
    certificates: Packed
    baseline: Json
    catalogue: list[Json]
    controls: list[Json]
    registers: dict[str, list[Json]]
    files: Packed


def dump(data: t.Any, indent: int | None = None) -> str:
    """JSON text in ASCII, so that it is harmless on a terminal; the same data always gives the same text."""
    separators = None if indent else (",", ":")
    return json.dumps(data, ensure_ascii=True, allow_nan=False, indent=indent, separators=separators) + "\n"


def readable(data: Json) -> str:
    """The same in lines: one for each key, and one for each item of a list below it.

    Fast, unlike an indent: a fleet has a transcript for every endpoint.
    """
    lines = []
    for key, value in data.items():
        if isinstance(value, list) and value:
            text = "[\n  " + ",\n  ".join(dump(item).strip() for item in value) + "\n ]"
        else:
            text = dump(value).strip()
        lines.append(f" {dump(key).strip()}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n" if lines else "{}\n"


def catalogue() -> list[Json]:
    """The checks as plain data, in the catalogue's order."""
    return [dict(zip(check._fields, check)) for check in CHECKS]


def controls(baseline: Json) -> list[Json]:
    """The framework requirements as plain data. ``judged`` is false for those that this baseline cannot judge."""
    profile = baseline["profile"]
    changed = profile in PROFILES and baseline.get("digest") != load(profile).digest
    return [
        {
            **dict(zip(control._fields, plain(control))),
            "judged": not control.profiles or (profile in control.profiles and not changed),
        }
        for control in CONTROLS
    ]


def assemble(
    facts: Json,
    population: t.Iterable[str],
    hosts: t.Iterable[Json],
    baseline: Json,
    registers: t.Mapping[str, list[Json]] | None = None,
    changes: t.Sequence[Json] = (),
    before: Before | None = None,
) -> Record:
    """Put together what one run collected.

    ``facts``       the run's own facts, see :mod:`.facts`
    ``population``  the names of all hosts of the inventory
    ``hosts``       ``{"host", "reachable", "skipped", "error", "stacks", "scans"}``; all but ``host`` may be left out:
                    ``skipped`` and ``error`` are reasons in words, ``stacks`` maps a stack to the result of its
                    ``_tls_info`` module with its export, ``scans`` is a list of wire reports with their ``findings``
    ``baseline``    ``Baseline.to_dict()``, with its ``digest``
    ``registers``   entries by register: ``exceptions``, ``flows``, ``third_parties``; a host that is ``external`` is
                    none of ours, its endpoints stand in a flow

    ``changes``     records of changes since the last bundle, see :mod:`.changes`
    ``before``      what was open in the last sealed run, see :mod:`.history`

    ``hosts`` are taken one after the other, so a generator keeps the memory small.

    Raises InputError when the data is not in these shapes.
    """
    facts = plain(facts)
    folders = unique_names(str(plain(str(name))) for name in population)
    results, listeners, certificates, files = Packed(), Packed(), Packed(), Packed()
    statuses: collections.Counter[str] = collections.Counter()
    endpoints: list[Endpoint] = []
    accounts: dict[str, Json] = {}
    external: list[str] = []
    excepted: list[Json] = []
    ports: list[tuple[str, int]] = []
    new: list[str] = []
    alike: dict[str, Json | None] = {}
    for host in itertools.chain(_plain_hosts(hosts), ({"host": name} for name in sorted(folders))):
        name = host["host"]
        if name in accounts:
            continue
        if host.get("external") and name not in folders:
            external.append(name)
        # A host nobody knows of has a folder that no other host's name leads to.
        found = _Collector(host, f"hosts/{folders.get(name) or safe_name(name, always_tag=True)}", facts, alike)
        results.put(name, sorted(found.results, key=_order))
        listeners.put(name, found.listeners)
        certificates.put(name, found.certificates)
        files.put(name, found.files)
        statuses.update(item["status"] for item in found.results)
        excepted += [item for item in found.results if item["status"] == "excepted"]
        ports += [(name, port) for port in map(_outer_port, found.listeners) if port]
        if before:
            open_now = (item for item in found.results if item["status"] in OPEN)
            new += [item["key"] for item in open_now if before.open.get(item["key"]) != item["status"]]
        endpoints += found.endpoints
        accounts[name] = _account(host, name in folders, found)
    ordered = [accounts[name] for name in sorted(accounts) if name not in external]
    run = {
        "$schema": SCHEMAS + "run.schema.json",
        "schema_version": SCHEMA_VERSION,
        "history": [],
        "changes": [{key: plain(one[key]) for key in _CHANGE_KEYS} for one in changes],
        **facts,
        "baseline": _baseline_facts(baseline),
        "population": _reconcile(len(folders), ordered),
        "listeners": _listeners(ordered),
        "endpoints": {state: sum(one.state == state for one in endpoints) for state in ENDPOINT_STATES},
        "results": {status: statuses[status] for status in STATUSES},
        "new": {"since": before.run_id, "results": sorted(new)} if before else None,
        "external": sorted(external),
        "registers": None,
    }
    if registers is not None:
        run["registers"] = registers_section(registers, endpoints, excepted, facts["started"])
        run["listeners"]["unregistered"] = unregistered(registers, ports)
    run["incomplete"] = _incomplete(run, ordered)
    run["complete"] = not run["incomplete"]
    # No host has an empty name.
    files.put("", [[f"changes/{safe_name(one['change_id'])}.json", readable(plain(one))] for one in changes])
    return Record(
        run=run,
        results=results,
        endpoints=sorted(endpoints, key=lambda one: (one.host, one.endpoint)),
        listeners=listeners,
        certificates=certificates,
        baseline=plain(baseline),
        catalogue=catalogue(),
        controls=controls(baseline),
        registers=plain(registers or {}),
        files=files,
    )


# --- shapes -----------------------------------------------------------------------------------------------------


def _plain_hosts(hosts: t.Iterable[t.Any]) -> t.Iterator[Json]:
    """Each host as plain data, by its plain name. Raises InputError for one that has none, or was given before."""
    given: set[str] = set()
    for host in hosts:
        if not isinstance(host, t.Mapping) or "host" not in host:
            raise InputError("evidence of a host: a mapping with the key 'host' is needed")
        name = host["host"]
        if not isinstance(name, str) or not name:
            raise InputError(f"evidence of a host: 'host' must be a name, not {name!r}")
        name = str(plain(name))
        if name in given:
            raise InputError(f"evidence of host {name}: given twice")
        given.add(name)
        try:
            yield plain(host)
        except TypeError as error:
            raise InputError(f"evidence of host {name}: {error}") from error


def _finding(item: t.Any, place: str) -> Json:
    """The finding itself when it has the shape of ``finding.schema.json``, as far as everything after relies on it."""
    if not isinstance(item, dict):
        raise InputError(f"{place}: a mapping is needed, not {item!r}")
    for key, allowed in (("check", _POSITION), ("severity", SEVERITIES), ("status", STATUSES), ("view", VIEWS)):
        if item.get(key) not in allowed:
            raise InputError(f"{place}.{key}: {item.get(key)!r} is not one of {', '.join(allowed)}")
    for key in ("observed", "expected", "mend"):
        if not isinstance(item.get(key), str):
            raise InputError(f"{place}.{key}: a text is needed, not {item.get(key)!r}")
    if not isinstance(item.get("subject"), dict) or not isinstance(item.get("provenance"), list):
        raise InputError(f"{place}: 'subject' must be a mapping and 'provenance' a list")
    return item


def _order(item: Json) -> tuple[t.Any, ...]:
    subject = item["subject"]
    place = tuple(subject[key] or "" for key in ("endpoint", "stack", "listener"))
    return (*place, _POSITION[item["check"]], item["view"], item["key"])


def _shown_chains(host: str, report: Json) -> list[Json]:
    """The chains an endpoint showed, with the suite it chose in each protocol."""
    chosen = (report.get("suites") or {}).get("selected") or {}
    about = {"host": host, "use": "served", "endpoint": report["endpoint"], "suites": chosen}
    return [
        {**about, "chain": served["chain"], "order": served.get("order"), "trust": served.get("trust")}
        for served in report.get("certificates") or []
        if served.get("chain")
    ]


# --- one host ---------------------------------------------------------------------------------------------------


class _Collector:
    """Results, endpoints and files of one host, as they come."""

    def __init__(self, host: Json, folder: str, facts: Json, alike: dict[str, Json | None]) -> None:
        self.name, self.folder, self.facts, self._alike = host["host"], folder, facts, alike
        self.results: list[Json] = []
        self.endpoints: list[Endpoint] = []
        self.files: list[list[str]] = []
        self.listeners: list[Json] = []
        self.certificates: list[Json] = []
        self._seen: dict[str, int] = {}
        for stack, audit in sorted((host.get("stacks") or {}).items()):
            self._stack(stack, audit)
        self._scans(host.get("scans") or [])

    def _stack(self, stack: str, audit: Json) -> None:
        place = f"host {self.name}, stack {stack}"
        if not isinstance(audit, dict):
            raise InputError(f"{place}: a mapping is needed, not {audit!r}")
        below = f"{self.folder}/config/{safe_name(stack)}"
        instances = audit.get("instances") or []
        folders = unique_names(str(instance.get("name")) for instance in instances)
        paths: dict[str, str] = {}
        handshakes = [report for instance in instances for report in instance.pop("handshakes", None) or []]
        kept = self._transcripts(handshakes, f"{self.folder}/inside/{safe_name(stack)}", place)
        transcripts = {report["endpoint"]: path for report, (_label, path) in zip(handshakes, kept)}
        for instance in instances:
            # Most hosts have one instance: its files then need no folder of their own.
            folder = f"{below}/{folders[str(instance.get('name'))]}" if len(instances) > 1 else below
            self.listeners += listeners_of(instance)
            named = instance.get("certificates") or []
            self.certificates += [{**one, "host": self.name, "stack": stack} for one in named]
            exported = instance.pop("export", None) or []
            instance["redactions"] = sum(int(item.get("redactions") or 0) for item in exported)
            placed = _export_paths(exported, folder)
            self.files += [[placed[item["name"]], item["text"]] for item in exported]
            paths.update(placed)
        rest = {key: value for key, value in audit.items() if key not in ("findings", "invocation")}
        self.files.append([f"{below}.json", readable(rest)])
        for index, finding in enumerate(audit.get("findings") or []):
            item = _finding(finding, f"{place}, findings[{index}]")
            endpoint = item["subject"].get("endpoint")
            seen = transcripts.get(str(endpoint))
            if endpoint and not seen:
                item = _unshown(item)
            self._add(item, self.facts["ended"], [seen] if seen else _examined(item, paths, below))

    def _scans(self, reports: list[Json]) -> None:
        kept = self._transcripts(reports, f"{self.folder}/scan", f"host {self.name}, scans")
        if len(set(kept)) < len(reports):
            raise InputError(f"host {self.name}: an endpoint is reported twice")
        for (endpoint, path), report in sorted(zip(kept, reports), key=lambda item: item[0]):
            place = f"host {self.name}, endpoint {endpoint}"
            findings = [_finding(f, f"{place}, findings[{n}]") for n, f in enumerate(report.get("findings") or [])]
            for item in findings:
                self._add(item, report.get("started") or self.facts["ended"], [path])
            state = _endpoint_state(report, findings)
            shown = {key: report.get(key) for key in _SHOWN}
            # Most endpoints of a fleet answer alike.
            shown["protocols"] = self._alike.setdefault(dump(shown["protocols"]), shown["protocols"])
            leaves = [served["chain"][0] for served in report.get("certificates") or [] if served.get("chain")]
            self.endpoints.append(Endpoint(self.name, endpoint, state, shown, leaves, path))
            self.certificates += _shown_chains(self.name, report)

    def _transcripts(self, reports: list[Json], below: str, place: str) -> list[tuple[str, str]]:
        """Keep each wire report without its findings as a file; what to call it, and its path."""
        for index, report in enumerate(reports):
            if not isinstance(report, dict) or not isinstance(report.get("endpoint"), str) or "reachable" not in report:
                raise InputError(f"{place}[{index}]: a wire report with 'endpoint' and 'reachable' is needed")
        labels = _labels(reports)
        names = unique_names(labels)
        paths = {label: f"{below}/{name}.json" for label, name in names.items()}
        for label, report in dict(zip(labels, reports)).items():
            bare = {key: value for key, value in report.items() if key != "findings"}
            self.files.append([paths[label], readable(bare)])
        return [(label, paths[label]) for label in labels]

    def _add(self, item: Json, at: str, evidence: list[str]) -> None:
        subject = {**{key: item["subject"].get(key) for key in SUBJECT_KEYS}, "host": self.name}
        identity = dump([subject, item["check"], item["view"]])
        # The same place, check and view may be judged more than once (two certificates): the count keeps them apart.
        count = self._seen[identity] = self._seen.get(identity, -1) + 1
        self.results.append(
            {
                "run_id": self.facts["run_id"],
                "key": hashlib.sha256(f"{identity}{count}".encode()).hexdigest()[:16],
                "observed_at": at,
                **{part: item[part] for part in ("check", "severity", "status", "view")},
                "subject": subject,
                **{part: item[part] for part in ("observed", "expected", "provenance")},
                **{part: item.get(part) for part in ("proof", "mend", "exception")},
                "evidence": evidence,
            }
        )


def _labels(reports: list[Json]) -> list[str]:
    """The endpoint of each report; where there are several of one, with its address and where it was seen from."""
    count = collections.Counter(report["endpoint"] for report in reports)
    return [
        report["endpoint"]
        if count[report["endpoint"]] == 1
        else " ".join(str(report[key]) for key in ("endpoint", "address", "vantage") if report.get(key))
        for report in reports
    ]


def _export_paths(exports: list[Json], below: str) -> dict[str, str]:
    """A safe path for every exported file; folders are kept, so that includes can be followed by eye."""
    try:
        wanted = [item["name"] for item in exports]
        if not all(isinstance(item["text"], str) for item in exports) or len(set(wanted)) != len(wanted):
            raise TypeError("every 'text' must be a text and every 'name' given once")
    except (TypeError, KeyError) as error:
        raise InputError(f"exports for {below}: 'name' and 'text' are needed, {error}") from error
    flat = {name: "/".join(safe_name(part) for part in name.split("/") if part) or "_" for name in wanted}
    lowered = [path.lower() for path in flat.values()]
    clashes = {name for name, path in flat.items() if lowered.count(path.lower()) > 1}
    return {
        name: f"{below}/{safe_name(name, always_tag=True) if name in clashes else path}" for name, path in flat.items()
    }


def _unshown(item: Json) -> Json:
    """A finding about an endpoint whose host shows no transcript of it: that it holds is then only said."""
    if item["view"] != "effective" or item["status"] not in ("pass", "excepted"):
        return item
    said = f"the host says that {item['observed']}, and shows no transcript of a handshake"
    return {**item, "status": "indeterminate", "observed": said, "exception": None}


def _examined(item: Json, paths: dict[str, str], below: str) -> list[str]:
    """The exported files a finding of view ``configured`` rests on; the audit's own file when it rests on none.

    An export is named by the path of its source, perhaps below a folder of its own.
    """
    sources = {str(place.get("file") or "") for place in item["provenance"]}
    wanted = tuple(source for source in sources if source.startswith("/"))
    found = sorted(path for name, path in paths.items() if wanted and f"/{name}".endswith(wanted))
    return found or [f"{below}.json"]


def _endpoint_state(report: Json, results: list[Json]) -> str:
    """The verdict, except that an endpoint which holds only thanks to an exception is never called compliant."""
    state = verdict(report, results)
    if state == "compliant" and any(one["status"] == "excepted" and one["check"] in _DECIDES for one in results):
        return "excepted"
    return state


# --- the population ---------------------------------------------------------------------------------------------


def _account(host: Json, known: bool, found: _Collector) -> Json:
    """What became of one host, with the reason where it was not tested."""
    stacks = host.get("stacks") or {}
    installed = [audit for audit in stacks.values() if audit.get("instances")]
    if host.get("skipped"):
        state, reason = "skipped", str(host["skipped"])
    elif host.get("reachable") is False:
        state, reason = "unreachable", str(host.get("error") or "no connection to the host")
    elif host.get("error"):
        state, reason = "unaccounted", str(host["error"])
    elif found.results:
        state, reason = "tested", None
    elif not stacks and not found.endpoints:
        state, reason = "unaccounted", "the host left no evidence and no reason"
    elif not installed and not found.endpoints:
        state, reason = "not_applicable", f"none of the software looked for is installed: {', '.join(sorted(stacks))}"
    else:
        state, reason = "unaccounted", "the host was read, but nothing on it was judged"
    return {
        "host": host["host"],
        "in_inventory": known,
        "state": state,
        "reason": reason,
        "stacks": {name: _versions(audit) for name, audit in sorted(stacks.items())},
        "endpoints": len(found.endpoints),
        "listeners": [{"listener": one["place"], "probed": _probed(one, found)} for one in found.listeners],
        "redactions": sum(instance["redactions"] for audit in installed for instance in audit["instances"]),
        "folder": found.folder if found.files else None,
    }


def _versions(audit: Json) -> str:
    found = {
        ".".join(map(str, version)) if isinstance(version, list) else str(version)
        for instance in audit.get("instances") or []
        for version in [instance.get("version")]
        if version
    }
    return ", ".join(sorted(found)) or "not installed"


def listeners_of(instance: Json) -> list[Json]:
    """Listeners the host itself serves, each with the words that name it in findings."""
    found = []
    for listener in instance.get("listeners") or []:
        if listener.get("role", "server") == "server":
            names = " ".join((listener.get("names") or [])[:3])
            place = " ".join(part for part in (listener.get("context"), listener.get("address"), names) if part)
            found.append({**listener, "place": place})
    return found


def _outer_port(listener: Json) -> int:
    """Port of a listener that others can reach; 0 for sockets and for those within the host."""
    address, _colon, port = str(listener.get("address", "")).rpartition(":")
    local = address.startswith("127.") or address in ("[::1]", "localhost", "unix")
    return int(port) if _PORT.fullmatch(port) and not local else 0


def matches(listener: Json, report: Json) -> bool:
    """Whether a wire report speaks of this listener: the same URI, or the same port and a name that leads to it."""
    if report["endpoint"] in (listener.get("endpoints") or ()):
        return True
    if str(listener.get("address", "")).rpartition(":")[2] != str(report.get("port")):
        return False
    name = report.get("sni")
    return name in (listener.get("names") or ()) if name else bool(listener.get("is_default"))


def _probed(listener: Json, found: _Collector) -> bool:
    """Whether a connection to the listener was made, from outside or by the host itself."""
    if any(one.report["reachable"] and matches(listener, one.report) for one in found.endpoints):
        return True
    inside = listener.get("endpoints") or ()
    return any(
        one["subject"]["endpoint"] in inside and one["check"] == "endpoint.reachable" and one["status"] == "pass"
        for one in found.results
    )


def _reconcile(in_inventory: int, accounts: list[Json]) -> Json:
    counts = {state: sum(one["state"] == state for one in accounts) for state in HOST_STATES}
    return {
        "in_inventory": in_inventory,
        **counts,
        "not_in_inventory": sorted(one["host"] for one in accounts if not one["in_inventory"]),
        "hosts": accounts,
    }


def _listeners(accounts: list[Json]) -> Json:
    known = [listener for one in accounts for listener in one["listeners"]]
    probed = sum(listener["probed"] for listener in known)
    # No register of data flows was read in this run: null, because "none is unregistered" would be a claim.
    return {"found": len(known), "probed": probed, "not_probed": len(known) - probed, "unregistered": None}


def _incomplete(run: Json, accounts: list[Json]) -> list[str]:
    """Why the run may not call itself complete; empty when every host of the inventory is accounted for."""
    reasons = [f"{one['host']}: {one['reason']}" for one in accounts if one["state"] == "unaccounted"]
    strangers = run["population"]["not_in_inventory"]
    reasons += [f"{name}: evidence was collected, but the host is not in the inventory" for name in strangers]
    total = sum(run["population"][state] for state in ("tested", "unreachable", "skipped", "not_applicable"))
    if total != run["population"]["in_inventory"] and not reasons:
        reasons.append(f"{run['population']['in_inventory']} hosts in the inventory, {total} accounted for")
    if not run["population"]["in_inventory"]:
        reasons.append("the inventory holds no hosts")
    return reasons


def _baseline_facts(baseline: Json) -> Json:
    """Name, version and digest of the baseline. The digest is that of ``Baseline.digest``."""
    data = plain(baseline)
    given = data.pop("digest", None)
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    facts = {key: data.get(key) for key in ("profile", "version", "as_of", "source")}
    missing = [key for key, value in facts.items() if not isinstance(value, str)]
    if missing:
        raise InputError(f"baseline.{missing[0]}: a text is needed, not {facts[missing[0]]!r}")
    return {**facts, "sha256": given or hashlib.sha256(text.encode("ascii")).hexdigest()}
