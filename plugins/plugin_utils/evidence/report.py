# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report: one HTML file for the three people who read it, in this order: who decides, who audits, who mends.

It needs no script and no network, prints on A4, and says everything in words and symbols as well as in colour. All
text passes :func:`..printable.printable` and HTML escaping, whatever it is and wherever it came from.
"""

from __future__ import annotations

import collections
import datetime
import functools
import hashlib
import os.path
import shlex
import typing as t

import jinja2
from markupsafe import Markup

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import (
    BY_ID,
    CHECKS,
    SEVERITIES,
    STATUSES,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.judge import PROTOCOL_CHECKS

from ..printable import printable
from ..terminal import plural
from .exports.words import OPEN, by_place, concerns, place, proof_text
from .run import ENDPOINT_STATES, Endpoint, Json, Record, matches

#: Above this number of endpoints each host has a page of its own.
ONE_PAGE = 500

#: What is worst comes first.
_STATE_ORDER = ("non_compliant", "indeterminate", "unreachable", "excepted", "compliant")
_STATE_OF = {"fail": "non_compliant", "indeterminate": "indeterminate", "excepted": "excepted", "pass": "compliant"}
_DAYS_UNTIL_STALE = 365
#: How many of the next dates are told.
_DATES = 4

#: Checks that the roles only mend when they are told to, and the suffix of the variable that tells them.
_VARIABLES = {"http.hsts": "tls_hsts", "config.override": "tls_overrides"}

#: Symbol and word for every state; colour is never the only sign.
SIGNS = {
    "pass": ("✓", "pass"),
    "fail": ("✗", "fail"),
    "excepted": ("◆", "excepted"),
    "indeterminate": ("?", "not proved"),
    "not_applicable": ("\u2013", "not applicable"),
    "compliant": ("✓", "compliant"),
    "non_compliant": ("✗", "not compliant"),
    "unreachable": ("○", "unreachable"),
    "tested": ("✓", "tested"),
    "skipped": ("\u2013", "skipped"),
    "unaccounted": ("!", "unaccounted for"),
}


def render(record: Record, verdict: Json, signer: str | None = None) -> t.Iterator[tuple[str, str]]:
    """The pages as (path below data/, HTML), ``report.html`` first.

    ``verdict`` is :func:`.exports.verdict.verdict` of the record, ``signer`` the fingerprint of the key that will sign.
    """
    split = len(record.endpoints) > ONE_PAGE
    template = _environment().get_template("report.html.j2")
    checks, counts = _checks(record)
    new = frozenset((record.run["new"] or {}).get("results", ()))
    common = {"run": record.run, "verdict": verdict, "signer": signer, "new": new}
    yield (
        "report.html",
        template.render(
            **common,
            page="all",
            hosts=[] if split else sorted(_hosts(record, split), key=lambda host: host["rank"]),
            index=_index(_hosts(record, split)),
            summary=_summary(record),
            requirements=_requirements(record, counts),
            checks=checks,
            untested=_untested(record),
            exceptions=_exceptions(record),
            stale=_stale(record),
        ),
    )
    # Made anew one after the other: a large fleet need not be held in memory as pages.
    for host in _hosts(record, split) if split else ():
        yield host["page"], template.render(**common, page="host", hosts=[host], host=host)


@functools.lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    folder = os.path.join(os.path.dirname(__file__), "templates")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
    environment.globals.update(signs=SIGNS, statuses=("pass", "excepted", "indeterminate", "fail", "not_applicable"))
    environment.globals.update(endpoint_states=ENDPOINT_STATES, protocols=tuple(PROTOCOL_CHECKS))
    return environment


# --- page one ---------------------------------------------------------------------------------------------------


def _summary(record: Record) -> Json:
    states = record.run["endpoints"]
    total, proved = sum(states.values()), states["compliant"]
    words = (
        ("non_compliant", "does not hold it", "do not hold it"),
        ("excepted", "holds it only under an approved exception", "hold it only under approved exceptions"),
        ("indeterminate", "could not be proved either way", "could not be proved either way"),
        ("unreachable", "could not be reached", "could not be reached"),
    )
    rest = [f"{states[key]} {one if states[key] == 1 else many}." for key, one, many in words if states[key]]
    return {
        "total": total,
        "proved": proved,
        "rest": rest,
        "percent": 100 * proved // total if total else 0,
        "dates": sorted([*_certificate_dates(record), *_exception_dates(record)], key=_soonest)[:_DATES],
        "trend": _trend(record),
        "actions": _actions(record),
    }


def _soonest(date: Json) -> tuple[t.Any, ...]:
    return date["day"], date["what"], date["name"], date["where"]


def _certificate_dates(record: Record) -> t.Iterator[Json]:
    """When each certificate ends, and where it is served."""
    seen: dict[str, Json] = {}
    for one in record.endpoints:
        for leaf in one.certificates:
            entry = seen.setdefault(str(leaf.get("sha256")), {"leaf": leaf, "hosts": []})
            entry["hosts"].append(one.host)
    for entry in seen.values():
        leaf, hosts = entry["leaf"], list(dict.fromkeys(entry["hosts"]))
        more = f" and {plural(len(hosts) - 2, 'more host')}" if len(hosts) > 2 else ""
        where = f"{plural(len(entry['hosts']), 'endpoint')} on {', '.join(hosts[:2])}{more}"
        name = (leaf.get("names") or [leaf.get("subject") or "no name"])[0]
        yield _date(record, leaf["not_after"][:10], "certificate", name, where)


def _exception_dates(record: Record) -> t.Iterator[Json]:
    for entry in record.registers.get("exceptions", ()):
        if entry["status"] == "approved":
            yield _date(
                record, entry["expires"], "exception", f"{entry['id']} {entry['title']}", entry["owner"]["name"]
            )


def _date(record: Record, day: str, what: str, name: str, where: str) -> Json:
    left = (_day(day) - _day(record.run["ended"])).days
    return {"day": day, "left": left, "what": what, "name": name, "where": where}


def _trend(record: Record) -> list[Json]:
    """This run after the earlier ones: the share of its endpoints in each state, and what changed since the last."""
    run = record.run
    runs = [*run["history"], {key: run[key] for key in ("run_id", "complete", "endpoints")}]
    found = []
    for one in runs:
        day, total = one["run_id"], sum(one["endpoints"].values())
        when = f"{day[:4]}-{day[4:6]}-{day[6:8]} {day[9:11]}:{day[11:13]}"
        found.append({**one, "when": when, "total": total, "proved": one["endpoints"].get("compliant", 0)})
    return found


def _actions(record: Record) -> list[Json]:
    """What to do about everything that fails: the worst and most frequent first. One deed may mend several checks."""
    groups: dict[str, list[Json]] = {}
    for item in record.results:
        if item["status"] == "fail":
            groups.setdefault(BY_ID[item["check"]].mend, []).append(item)
    actions = [
        {
            "mend": mend,
            "titles": [check.title for check in CHECKS if check.id in {item["check"] for item in items}],
            "severity": min((item["severity"] for item in items), key=SEVERITIES.index),
            "places": len({(item["subject"]["host"], place(item["subject"])) for item in items}),
            "hosts": sorted({item["subject"]["host"] for item in items}),
        }
        for mend, items in groups.items()
    ]
    return sorted(actions, key=lambda a: (SEVERITIES.index(a["severity"]), -a["places"], a["mend"]))


def _checks(record: Record) -> tuple[list[Json], dict[tuple[str, str | None], t.Counter[str]]]:
    """Every check with results and their counts by status; and the same counts by check and software."""
    counts: dict[tuple[str, str | None], t.Counter[str]] = collections.defaultdict(collections.Counter)
    for item in record.results:
        counts[item["check"], item["subject"]["stack"]][item["status"]] += 1
    rows = []
    for check in CHECKS:
        total = sum((found for (name, _stack), found in counts.items() if name == check.id), collections.Counter())
        if total:
            about = {"id": check.id, "title": check.title, "severity": check.severity, "anchor": _anchor("c", check.id)}
            rows.append({**about, "counts": total, "state": _worst(total)})
    return rows, counts


def _requirements(
    record: Record, counts: t.Mapping[tuple[str, str | None], t.Counter[str]]
) -> list[tuple[str, list[Json]]]:
    """(framework, its requirements), with what their checks showed. Software that no host has is left out."""
    here = {stack for account in record.run["population"]["hosts"] for stack in account["stacks"]}
    frameworks: dict[str, list[Json]] = {}
    for control in record.controls:
        if control["stack"] and control["stack"] not in here:
            continue
        found = {
            key: count for key, count in counts.items() if key[0] in control["checks"] and concerns(control, key[1])
        }
        total = sum(found.values(), collections.Counter()) if control["judged"] else collections.Counter()
        tested = {name for name, _stack in found}
        row = {
            **control,
            "counts": total,
            "state": _worst(total),
            "part": len(tested) < len(control["checks"]),
            "checks": [(name, _anchor("c", name) if name in tested else "") for name in control["checks"]],
        }
        frameworks.setdefault(f"{control['framework']} {control['version']}", []).append(row)
    return list(frameworks.items())


def _worst(counts: t.Mapping[str, int]) -> str:
    """One status for many results: whatever is worst among them, and pass only when there is nothing else."""
    return next((status for status in (*OPEN, "pass") if counts.get(status)), "not_applicable")


def _exceptions(record: Record) -> list[Json]:
    """Every excepted result, with what the register says of its exception."""
    register = {entry["id"]: entry for entry in record.registers.get("exceptions", ())}
    return [
        {**_shown(item), "entry": register.get(item["exception"])}
        for item in record.results
        if item["status"] == "excepted"
    ]


def _untested(record: Record) -> list[Json]:
    """Everything this run says nothing about, with the reason."""
    rows = []
    for account in record.run["population"]["hosts"]:
        if account["state"] != "tested":
            rows.append({"what": account["host"], "state": account["state"], "why": account["reason"]})
        for listener in account["listeners"]:
            if not listener["probed"]:
                why = "the configuration was read; no connection to this listener was made"
                rows.append({"what": f"{account['host']} {listener['listener']}", "state": "skipped", "why": why})
    for one in record.endpoints:
        if one.state == "unreachable":
            why = str(one.report.get("reason") or "no TCP connection could be made")
            rows.append({"what": f"{one.host} {one.endpoint}", "state": "unreachable", "why": why})
    if record.run["listeners"]["unregistered"] is None:
        why = "no register of data flows was given, so a listener nobody knows of would not be noticed as such"
        rows.append({"what": "Unregistered listeners", "state": "skipped", "why": why})
    return rows


def _stale(record: Record) -> list[str]:
    """Warnings about data that is older than a year (PCI DSS 4.0.1, 12.3.3 reviews cryptography every 12 months)."""
    warnings = []
    baseline = record.run["baseline"]
    if _age(baseline["as_of"], record.run["ended"]) > _DAYS_UNTIL_STALE:
        warnings.append(f"The baseline {baseline['profile']} was last reviewed on {baseline['as_of']}.")
    if record.run["clock"]["synchronized"] is not True:
        state = "was not in sync" if record.run["clock"]["synchronized"] is False else "is in an unknown state"
        warnings.append(f"The clock of the control node {state}: the times in this bundle may be wrong.")
    if record.run["parameters"]["limit"]:
        warnings.append(f"The run was limited to {record.run['parameters']['limit']}.")
    return warnings


def _age(day: str, now: str) -> int:
    try:
        return (_day(now) - _day(day)).days
    except ValueError:
        return _DAYS_UNTIL_STALE + 1


def _day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text[:10])


# --- hosts and endpoints ----------------------------------------------------------------------------------------


def _hosts(record: Record, split: bool) -> t.Iterator[Json]:
    """One section per host that left anything."""
    endpoints: dict[str, list[Endpoint]] = {}
    for one in record.endpoints:
        endpoints.setdefault(one.host, []).append(one)
    for account in record.run["population"]["hosts"]:
        name = account["host"]
        found = record.results.of(name)
        if not found and not endpoints.get(name):
            continue
        listeners = [one for one in record.listeners.of(name) if one.get("tls", True)]
        views = [_endpoint(one, found, listeners) for one in endpoints.get(name, [])]
        yield {
            "account": account,
            "name": name,
            "anchor": _anchor("h", name),
            "page": f"{account['folder']}/report.html" if split else "",
            # Links to evidence are relative to the page.
            "root": "../../" if split else "",
            "endpoints": sorted(views, key=lambda view: view["rank"]),
            "inside": _inside(found, {view["path"] for view in views}),
            "command": f"ansible-playbook encryption.in_transit.harden --limit {shlex.quote(name)} --check --diff",
            "mendable": any(item["status"] == "fail" and item["view"] == "configured" for item in found),
            "rank": _rank(found, [view["state"] for view in views], name),
        }


def _rank(results: list[Json], states: list[str], name: str) -> tuple[t.Any, ...]:
    """Sort key: the worst state, then the number of failures by severity, then the name."""
    worst = min((_STATE_ORDER.index(state) for state in states), default=len(_STATE_ORDER))
    fails = [item["severity"] for item in results if item["status"] == "fail"]
    return worst, *(-fails.count(severity) for severity in SEVERITIES), name


def _endpoint(one: Endpoint, found: list[Json], listeners: list[Json]) -> Json:
    results = [item for item in found if one.path in item["evidence"]]
    listener = next((item for item in listeners if matches(item, one.report)), None)
    by_check = {item["check"]: item for item in results}
    open_ones = [_shown(item) for item in results if item["status"] in OPEN]
    for item in open_ones:
        item["places"] = item["places"] or _configured_places(item["check"], listener)
        item["variable"] = item["variable"] or _variable(item, (listener or {}).get("stack"))
    open_ones.sort(key=_worst_first)
    protocols = [_protocol(name, one.report, by_check, listener) for name in PROTOCOL_CHECKS]
    return {
        "endpoint": one.endpoint,
        "host": one.host,
        "anchor": _anchor("e", one.host, one.endpoint),
        "state": one.state,
        "path": one.path,
        **{key: one.report[key] for key in ("reachable", "reason", "address", "port", "sni", "started")},
        "protocols": protocols,
        # Where all is well one row is enough; the transcript has the rest.
        "plain": one.state == "compliant" and not any(protocol["differs"] for protocol in protocols),
        "tls": any(protocol["effective"] for protocol in protocols),
        "listener": listener,
        "open": open_ones,
        "passed": [BY_ID[item["check"]].title for item in results if item["status"] == "pass"],
        "certificates": [_certificate(leaf) for leaf in one.certificates],
        "rank": _rank(results, [one.state], one.endpoint),
    }


def _protocol(name: str, report: Json, by_check: dict[str, Json], listener: Json | None) -> Json:
    """One protocol of one endpoint: what the file says beside what the handshake showed."""
    result = by_check.get(PROTOCOL_CHECKS[name])
    seen = (report.get("protocols") or {}).get(name)
    setting = ((listener or {}).get("settings") or {}).get("protocols")
    configured = None if setting is None else name in setting["value"]
    effective = seen["status"] if seen else None
    proof = (result or {}).get("proof") or {}
    return {
        "name": name,
        "configured": configured,
        "places": setting["provenance"] if setting else [],
        "effective": effective,
        "state": result["status"] if result else "not_applicable",
        "alert": proof.get("alert"),
        "response": proof.get("response") or "",
        "detail": (seen or {}).get("detail") or "",
        "differs": configured is not None
        and effective in ("accepted", "refused")
        and configured is not (effective == "accepted"),
    }


def _certificate(leaf: Json) -> str:
    """One line about a leaf certificate, with whatever of it is known."""
    key = leaf.get("key") or {}
    parts = [
        str(leaf.get("subject") or " ".join(leaf.get("names") or []) or "no subject"),
        f"issued by {leaf.get('issuer') or 'nobody named'}",
        f"{key.get('type', 'unknown')} key" + (f" of {key['bits']} bits" if key.get("bits") else ""),
        f"{str(leaf.get('not_before'))[:10]} to {str(leaf.get('not_after'))[:10]}",
        f"SHA-256 {leaf.get('sha256')}",
    ]
    return ", ".join(parts)


def _configured_places(check: str, listener: Json | None) -> list[Json]:
    """Where the file decides what a handshake showed: for protocols, suites and groups the stack knows the line."""
    settings = (listener or {}).get("settings") or {}
    part, _dot, rest = check.partition(".")
    keys = {"protocol": ["protocols"], "suite": ["suites_tls12", "suites_tls13"], "group": ["groups"]}.get(part, [])
    keys = ["session_tickets"] if check == "session.tickets" else ["hsts_max_age"] if rest == "hsts" else keys
    places: list[Json] = []
    for key in keys:
        for item in (settings.get(key) or {}).get("provenance") or []:
            if item not in places:
                places.append(item)
    return places


def _inside(found: list[Json], scanned: set[str]) -> list[Json]:
    """Results that belong to no transcript: what the files say, and handshakes the host made with itself."""
    groups = by_place(item for item in found if scanned.isdisjoint(item["evidence"]))
    views = []
    for name, items in groups.items():
        statuses = {item["status"] for item in items}
        view = {
            "place": name,
            "kind": "Handshake from inside" if items[0]["subject"]["endpoint"] else "Configuration",
            "status": next((status for status in OPEN if status in statuses), "pass"),
            "open": sorted((_shown(item) for item in items if item["status"] in OPEN), key=_worst_first),
            "passed": [BY_ID[item["check"]].title for item in items if item["status"] == "pass"],
            "evidence": sorted({path for item in items for path in item["evidence"]}),
            "rank": _rank(items, [], name),
        }
        views.append({**view, "state": _STATE_OF[str(view["status"])]})
    return sorted(views, key=lambda view: view["rank"])


def _shown(item: Json) -> Json:
    check = BY_ID[item["check"]]
    return {
        **item,
        "title": check.title,
        "rationale": check.rationale,
        "places": list(item["provenance"]),
        "proof_text": proof_text(item["proof"]),
        "place": place(item["subject"]),
        "variable": _variable(item, item["subject"]["stack"]),
    }


def _variable(item: Json, stack: str | None) -> str:
    """The variable to set before harden mends this, as it stands in an inventory; empty when none is needed."""
    suffix = _VARIABLES.get(item["check"]) if item["status"] == "fail" else None
    return f"{stack}_{suffix}: mend" if suffix and stack else ""


def _worst_first(item: Json) -> tuple[t.Any, ...]:
    return STATUSES.index(item["status"]), SEVERITIES.index(item["severity"]), item["check"], item["key"]


def _index(hosts: t.Iterable[Json]) -> list[Json]:
    """All endpoints of all hosts, the worst first, each with the place where it is explained."""
    keys = ("host", "endpoint", "anchor", "state", "rank")
    rows = []
    for host in hosts:
        for view in host["endpoints"]:
            seen = [{key: protocol[key] for key in ("state", "effective")} for protocol in view["protocols"]]
            rows.append({**{key: view[key] for key in keys}, "page": host["page"], "protocols": seen})
    return sorted(rows, key=lambda row: (row["rank"][:-1], row["host"], row["endpoint"]))


def _anchor(kind: str, *words: str) -> str:
    return kind + hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]
