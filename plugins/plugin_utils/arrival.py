# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hosts send is looked at here before anything is made of it: a host may be taken over, or simply broken.

A result is limited in size and has the shape of ``docs/schemas/host_results.schema.json``, so that everything behind
may rely on it, or it counts as a failure of that host. Whether it is true, no shape can tell.
"""

from __future__ import annotations

import functools
import math
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import EndpointError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import BY_ID
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import endpoint

from .printable import one_line, printable
from .registers import shape
from .terminal import shorten

Json = t.Dict[str, t.Any]

#: Of one result: values in it, characters, and containers within containers. The largest host of the lab has a
#: hundredth of each.
MOST_VALUES = 1_000_000
MOST_TEXT = 64 << 20
MOST_DEPTH = 32
#: Whole numbers that every reader of JSON takes for what they are (RFC 8259, 6: 53 bits) and some more for counters.
_MOST_NUMBER = 1 << 63

#: Keys that are ansible-core's own, of any module. Others are left out, for ansible-core obeys some of them whoever
#: sends them: C(ansible_facts) are variables that stand before those of the inventory, and for a task that runs once
#: those of the first host decide for all; C(ansible_stats) are the run's.
_OWN = frozenset(
    (
        *("changed", "deprecations", "diff", "exception", "failed", "invocation", "module_stderr", "module_stdout"),
        *("msg", "rc", "skip_reason", "skipped", "unreachable", "warnings"),
        # of what runs in the background
        *("ansible_job_id", "finished", "results_file", "started"),
        # what was refused stays so where a task ignores its failure; whoever sends it refuses himself
        "refused",
    )
)
#: Those of which ansible-core prints the text as it is.
_PRINTED = ("msg", "diff", "warnings", "deprecations", "exception", "module_stdout", "module_stderr", "skip_reason")

#: What a module was run for, by kind. A result that leaves it out and tells of no failure would look like a good one.
#: Of a scanner it is known what it was asked, see :mod:`.judging`.
_ANSWER = {"stack": "instances", "discover": "listeners", "usage": "handshakes"}
_WITHOUT_ANSWER = ("failed", "unreachable", "ansible_job_id", "refused")

#: The one fact that the controller itself adds to a result, to ask only once.
_FACT = "discovered_interpreter_python"


def checked(kind: str, result: t.Any) -> Json:
    """The result, of nothing but known keys; or a failure that says what of it cannot be.

    ``kind`` is the module's: ``stack``, ``scan``, ``discover`` or ``usage``. Never raises for whatever was sent.
    """
    if not isinstance(result, dict):
        return _refused(kind, f"a mapping is needed, not {type(result).__name__}")
    kept = stripped(kind, result)
    sent = {key: value for key, value in kept.items() if key in _known(kind)}
    problem = _size(sent, kind == "scan") or _shape(kind, sent) or _sense(kind, sent)
    answer = _ANSWER.get(kind)
    if not problem and answer and answer not in sent and not any(kept.get(key) for key in _WITHOUT_ANSWER):
        problem = f"{answer}: is missing, and no failure is told"
    return _refused(kind, problem, bool(result.get("changed"))) if problem else kept


def prepare(kind: str) -> None:
    """Make once what :func:`checked` needs of the schema."""
    _known(kind)
    _validator(kind)


def stripped(kind: str, result: Json) -> Json:
    """The result without keys that are neither the module's nor ansible-core's own of any module."""
    known = _known(kind)
    kept = {key: value for key, value in result.items() if key in known or key in _OWN or _internal(key)}
    facts = result.get("ansible_facts")
    if isinstance(facts, dict) and isinstance(facts.get(_FACT), str):
        kept["ansible_facts"] = {_FACT: facts[_FACT]}
    return kept


def shown(result: Json) -> Json:
    """The result, with text that ansible-core prints as it is made harmless for a terminal."""
    return {key: _printable(value) if key in _PRINTED else value for key, value in result.items()}


def _refused(kind: str, problem: str, changed: bool = False) -> Json:
    # What is shown of a wrong value is the host's own text.
    msg = f"what the host sent is no result of the module, and nothing of it is used: {shorten(one_line(problem), 500)}"
    return {"failed": True, "changed": changed, "msg": msg, "refused": kind}


def _internal(key: t.Any) -> bool:
    """ansible-core takes such keys out of what a host sends, so these are its own."""
    return isinstance(key, str) and key.startswith("_ansible_")


def _printable(value: t.Any) -> t.Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list) else value


# --- size -------------------------------------------------------------------------------------------------------


def _size(sent: Json, unlimited: bool) -> str:
    """What is wrong with size, nesting, keys and numbers; empty when nothing is. Goes no deeper than it allows.

    A scanner's result is as large as what it was told to scan, so that only its total is ``unlimited``.
    """
    values = text = 0
    waiting: list[tuple[t.Any, int]] = [(sent, 0)]
    while waiting:
        value, depth = waiting.pop()
        values += 1
        if value is None or value is True or value is False:
            continue
        if isinstance(value, str):
            text += len(value)
        elif isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                return "keys must be text"
            text += sum(map(len, value))
            waiting += [(item, depth + 1) for item in value.values()]
        elif isinstance(value, list):
            waiting += [(item, depth + 1) for item in value]
        elif isinstance(value, int):
            if not -_MOST_NUMBER <= value < _MOST_NUMBER:
                return "a number is larger than any count can be"
        elif not isinstance(value, float):
            return f"{type(value).__name__} is no type of JSON"
        elif not math.isfinite(value):
            return f"{value} is no number"
        if depth > MOST_DEPTH:
            return f"more than {MOST_DEPTH} levels of nesting"
        if values + len(waiting) > MOST_VALUES and not unlimited:
            return f"more than {MOST_VALUES} values"
        if text > MOST_TEXT and not unlimited:
            return f"more than {MOST_TEXT} characters of text"
    return ""


# --- shape ------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def _known(kind: str) -> frozenset[str]:
    """The keys that modules of this kind return."""
    return frozenset(shape.document("host_results")["$defs"][kind]["properties"])


@functools.lru_cache(maxsize=None)
def _validator(kind: str) -> t.Callable[[t.Any], list[shape.Wrong]]:
    schema = shape.document("host_results")
    return shape.compiled(schema["$defs"][kind], schema)


def _shape(kind: str, sent: Json) -> str:
    wrong = _validator(kind)(sent)
    return f"{_path(wrong[0].path)}: {wrong[0].message}" if wrong else ""


def _path(keys: t.Iterable[t.Any]) -> str:
    """``instances[0].name``."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".")


# --- sense ------------------------------------------------------------------------------------------------------


def _sense(kind: str, sent: Json) -> str:
    """What no schema can say: names that must be different or known, URIs that must be right."""
    if kind not in ("stack", "scan"):
        return ""
    reports = sent.get("reports") or []
    findings = [sent.get("findings") or [], *(report["findings"] for report in reports)]
    unknown = next((item["check"] for found in findings for item in found if item["check"] not in BY_ID), None)
    if unknown is not None:
        return f"findings: there is no check {unknown!r}"
    instances = sent.get("instances") or []
    twice = _twice(instances)
    if twice is not None:
        return f"instances: there are two of the name {twice!r}"
    for index, one in enumerate(instances):
        twice = _twice(one.get("export") or ())
        if twice is not None:
            return f"instances[{index}].export: there are two files of the name {twice!r}"
        # Whoever scans is told what to scan by the host: one endpoint that cannot be must not end the scan of all.
        for listener in one.get("listeners") or ():
            for uri in listener["endpoints"] if listener["role"] == "server" else ():
                try:
                    endpoint.parse(uri)
                except EndpointError as error:
                    return f"instances[{index}].listeners: {error}"
    return ""


def _twice(named: t.Iterable[Json]) -> str | None:
    seen: set[str] = set()
    for one in named:
        if one["name"] in seen:
            return str(one["name"])
        seen.add(one["name"])
    return None
