# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run did or found, on one screen, from the results of the modules. Pure: data in, text and counts out."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.judge import order

from .printable import one_line
from .terminal import MOST, capped, plural, sentence, table, wrapped

Json = t.Dict[str, t.Any]

#: Verdicts of endpoints, worst first, as they are shown.
VERDICTS = {
    "non_compliant": "NON-COMPLIANT",
    "indeterminate": "INDETERMINATE",
    "unreachable": "UNREACHABLE",
    "excepted": "under exception",
    "compliant": "compliant",
}


#: Four or more names, and how many were left out already.
_NAMES = re.compile(r"(?P<names>\w+(?:, \w+){3,})(?: and (?P<more>\d+) more)?")

#: What stands above what holds only thanks to exceptions, which no total counts as good.
_EXCEPTED = "Under approved exceptions, until they end:"


#: Results of what the hosts say of themselves that keep a run from being good, as they are counted.
_INSIDE = {"fail": "results that fail", "indeterminate": "not proved"}


class Summary(t.NamedTuple):
    """Text for people, and the same as data. ``code``: 0 good, 2 something failed, 3 something is not proved."""

    text: str
    code: int
    counts: Json


# --- harden -----------------------------------------------------------------------------------------------------


def harden(results: t.Mapping[str, t.Mapping[str, Json | None]], check_mode: bool, width: int = 80) -> Summary:
    """``results`` maps host to stack to the result of the ``<stack>_tls`` module."""
    rows: list[tuple[object, ...]] = []
    failures: list[str] = []
    notes: list[str] = []
    excepted: list[str] = []
    counts = dict.fromkeys(("changed", "unchanged", "failed", "unreachable", "absent"), 0)
    open_findings = 0
    for host in sorted(results):
        # A host that was never reached left nothing, and is shown all the same.
        for stack, left in sorted(results[host].items()) or [("", None)]:
            state, result = _state(left), left or {}
            counts[state] += 1
            words = {
                "changed": "would change" if check_mode else "hardened",
                "unchanged": "unchanged",
                "failed": "FAILED",
                "unreachable": "UNREACHABLE",
                "absent": "not installed",
            }[state]
            found = [item for item in result.get("findings") or () if item["status"] == "fail"]
            open_findings += len(found)
            instances = result.get("instances") or []
            version = ", ".join(dict.fromkeys(instance["version"] for instance in instances))
            proofs = [proof for instance in instances for proof in instance.get("proofs") or ()]
            rows.append(
                (
                    host,
                    f"{stack} {version}".strip(),
                    words,
                    sum(len(instance.get("edits") or ()) for instance in instances) or "-",
                    _spoken(proofs, "before"),
                    _spoken(proofs, "after") if state != "changed" or not check_mode else "",
                    len({item["check"] for item in found}) or "-",
                )
            )
            if state == "failed":
                failures.append(f"{host}: {sentence(result.get('msg') or 'failed without a message')}")
            notes += [f"{host}: {line}" for line in _grouped(found)]
            excepted += [f"{host}: {line}" for line in _grouped(_under_exception(result))]
    done = "would change" if check_mode else "changed"
    parts = [f"{counts['changed']} {done}"]
    parts += [f"{counts[key]} {key}" for key in ("unchanged", "failed", "unreachable", "absent") if counts[key]]
    lines = [table(("HOST", "STACK", "RESULT", "EDITS", "TLS BEFORE", "TLS NOW", "OPEN"), rows, width)]
    # Not capped: whoever reads of a failure must not have to search for it.
    lines += ["", "Failed, and left as before unless it says otherwise:", *wrapped(failures, width)] if failures else []
    lines += _section("Open now:" if check_mode else "Left open:", notes, width)
    lines += _section(_EXCEPTED, excepted, width)
    lines += ["", f"{plural(len(results), 'host')}: {', '.join(parts)}"]
    code = 2 if counts["failed"] else 3 if counts["unreachable"] else 0
    return Summary("\n".join(lines), code, {**counts, "open_findings": open_findings})


def _state(result: Json | None) -> str:
    if result is None or result.get("unreachable"):
        return "unreachable"
    if result.get("failed"):
        return "failed"
    if not result.get("instances"):
        return "absent"
    return "changed" if result.get("changed") else "unchanged"


def _spoken(proofs: t.Iterable[Json], moment: str) -> str:
    """Protocols accepted by any endpoint at that moment, without the family: ``1.0 1.2``, or ``-``."""
    seen = [proof.get(moment) or {} for proof in proofs]
    names = {name for classes in seen for name, status in classes.items() if status == "accepted"}
    return " ".join(sorted(name.replace("TLSv", "") for name in names)) or "-"


# --- verify -----------------------------------------------------------------------------------------------------


def verify(
    audits: t.Mapping[str, t.Mapping[str, Json | None]],
    reports: t.Iterable[Json],
    owners: t.Mapping[str, str],
    errors: t.Mapping[str, str | None] | None = None,
    width: int = 80,
    reminders: t.Iterable[str] = (),
) -> Summary:
    """The judgement of files and endpoints.

    ``audits`` maps host to stack to the result of the ``<stack>_tls_info`` module; ``reports`` are wire reports with
    ``findings`` and ``verdict``; ``owners`` maps an endpoint to its host, ``errors`` a host to why it was
    not read. ``reminders`` are sentences about entries of the registers.

    Each report is taken once, then each audit, then the reminders, so that all of them may be read when asked for: a
    fleet needs no more memory than what is shown of it.
    """
    reports = sorted(
        map(_shown, reports),
        key=lambda one: (list(VERDICTS).index(one["verdict"]), owners.get(one["endpoint"], ""), one["endpoint"]),
    )
    several = len({one.get("vantage") for one in reports}) > 1
    verdicts = {verdict: sum(one["verdict"] == verdict for one in reports) for verdict in VERDICTS}
    rows = []
    for one in reports:
        worst = next((item for item in one["findings"] if item["status"] in ("fail", "indeterminate")), None)
        rows.append(
            (
                owners.get(one["endpoint"]) or one["address"],
                " ".join(filter(None, (one["scheme"], str(one["port"]), one.get("sni"), _seen_from(one, several)))),
                VERDICTS[one["verdict"]],
                _accepted(one),
                worst["check"] if worst else "-",
            )
        )
    inside: list[str] = []
    excepted: list[str] = []
    besides: dict[str, list[Json]] = {}
    for one in reports:
        host = owners.get(one["endpoint"]) or one["address"]
        excepted += [f"{host}: {line}" for line in _grouped(_under_exception(one))]
        # Why an endpoint is non-compliant, its host's files tell by line; this is what no verdict tells.
        shown = ("indeterminate",) if one["verdict"] == "non_compliant" else ("fail", "indeterminate")
        besides.setdefault(host, []).extend(item for item in one["findings"] if item["status"] in shown)
    outside = [f"{host}: {line}" for host, found in besides.items() for line in _grouped(found)]
    unread, statuses = [], {"fail": 0, "indeterminate": 0}
    for host in sorted(audits):
        told = audits[host]
        if not told and (errors or {}).get(host):
            unread.append(f"{host}: {sentence((errors or {})[host])}")
        for stack, result in sorted(told.items()):
            state = _state(result)
            if state in ("failed", "unreachable"):
                reason = (result or {}).get("msg") or state
                unread.append(f"{host}: {stack} could not be read: {sentence(reason)}")
            found = [item for item in (result or {}).get("findings") or () if item["status"] in statuses]
            for item in found:
                statuses[item["status"]] += 1
            inside += [f"{host}: {line}" for line in _grouped(found)]
            excepted += [f"{host}: {line}" for line in _grouped(_under_exception(result or {}))]
    lines = []
    if rows:
        cut = len(rows) - MOST
        lines.append(table(("HOST", "ENDPOINT", "VERDICT", "TLS", "WORST FINDING"), rows[:MOST], width))
        lines += [f"and {cut} more endpoints"] if cut > 0 else []
    lines += _section("What else was seen from outside:", outside, width)
    lines += _section("What the hosts' own files and handshakes say:", inside, width)
    lines += _section(_EXCEPTED, list(dict.fromkeys(excepted)), width)
    lines += _section("What the registers ask for:", list(reminders), width)
    lines += ["", *wrapped(capped(unread), width)] if unread else []
    parts = [f"{count} {VERDICTS[verdict].lower()}" for verdict, count in verdicts.items() if count]
    total = f"{plural(len(audits), 'host')}, {plural(len(reports), 'endpoint')}: {', '.join(parts) or 'none'}"
    # Endpoints may all be compliant while the files of a host are not, and the run fails.
    more = [f"{count} {words}" for status, words in _INSIDE.items() if (count := statuses[status])]
    lines += ["", *wrapped([f"{total}{'; on the hosts themselves ' if more else ''}{', '.join(more)}"], width)]
    failed = verdicts["non_compliant"] + statuses["fail"]
    unproved = verdicts["indeterminate"] + verdicts["unreachable"] + statuses["indeterminate"] + len(unread)
    counts = {**verdicts, "findings": statuses, "hosts_not_read": len(unread)}
    code = 2 if failed else 3 if unproved or not reports else 0
    return Summary("\n".join(lines).lstrip("\n"), code, counts)


def _shown(report: Json) -> Json:
    """The parts of a wire report that lines are made of."""
    kept = {key: report.get(key) for key in ("endpoint", "address", "scheme", "port", "sni", "vantage", "verdict")}
    protocols = {name: {"status": seen["status"]} for name, seen in (report.get("protocols") or {}).items()}
    findings = [item for item in report["findings"] if item["status"] in (*_INSIDE, "excepted")]
    return {**kept, "protocols": protocols, "findings": findings}


def _seen_from(report: Json, several: bool) -> str:
    """The place an endpoint was seen from, where that is not the same for all."""
    return f"from {report['vantage']}" if several and report.get("vantage") else ""


def _accepted(report: Json) -> str:
    names = [name for name, seen in (report.get("protocols") or {}).items() if seen["status"] == "accepted"]
    return " ".join(name.replace("TLSv", "") for name in names) or "-"


# --- lines ------------------------------------------------------------------------------------------------------


def _section(title: str, lines: t.Sequence[str], width: int) -> list[str]:
    """Nothing for no lines."""
    return ["", title, *wrapped(capped(list(lines)), width)] if lines else []


def _under_exception(result: Json) -> list[Json]:
    return [item for item in result.get("findings") or () if item["status"] == "excepted"]


def _grouped(findings: t.Iterable[Json]) -> list[str]:
    """One line for each check that does not pass, the worst first: what was seen, where, and in how many places."""
    groups: dict[tuple[str, str], list[Json]] = {}
    for item in sorted(findings, key=order):
        groups.setdefault((item["status"], item["check"]), []).append(item)
    lines = []
    for (status, check), items in groups.items():
        places = list(dict.fromkeys(filter(None, map(_place, items))))
        more = f" and {plural(len(places) - 1, 'more place')}" if len(places) > 1 else ""
        where = f" ({one_line(places[0])}{more})" if places else ""
        words = status if status != "excepted" else f"{one_line(items[0]['exception'])} covers"
        lines.append(f"{words} {check}: {_few(sentence(items[0]['observed']))}{where}")
    return lines


def _few(text: str) -> str:
    """A long list of names, which says on a terminal no more than its first two and their number."""
    names = _NAMES.fullmatch(text)
    if names is None:
        return text
    first, second, *rest = names["names"].split(", ")
    return f"{first}, {second} and {len(rest) + int(names['more'] or 0)} more"


def _place(item: Json) -> str:
    """Where to look: the file and line that says so, else the endpoint or listener that showed it."""
    subject = item["subject"]
    places = (one for one in item["provenance"] if one.get("file"))
    # A registry key has no lines.
    source = next((f"{one['file']}:{one['line']}" if one["line"] else one["file"] for one in places), "")
    return source or subject.get("endpoint") or subject.get("listener") or ""
