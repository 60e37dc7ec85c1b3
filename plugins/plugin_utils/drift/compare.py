# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One host then and now, compared three ways: the baseline, what its files say, what its process does. Pure.

Results (``docs/schemas/result.schema.json``) are matched by their key, which is the same in every run, and gathered by
*setting*: a check at a place. A setting has up to two views, ``configured`` and ``effective``, which may disagree.
"""

from __future__ import annotations

import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import (
    BY_ID,
    SEVERITIES,
    STATUSES,
    VIEWS,
)

from ..evidence.run import Endpoint, Json, matches
from .past import GOOD

#: What can have become of a setting, the worst first. ``held`` settings are only counted.
CHANGES = ("drifted", "new", "open", "unproved", "mended", "gone", "held")
#: Those that fail now.
FAILING = ("drifted", "new", "open")

_RANK = {change: rank for rank, change in enumerate(CHANGES)}


class Then(t.NamedTuple):
    """A host in the run it is compared with: its results, and ids of the checks that existed."""

    results: t.Sequence[Json]
    checks: t.Container[str]


class Now(t.NamedTuple):
    """A host in this run: its results, the listeners it serves, and the endpoints scanned from outside."""

    results: t.Sequence[Json]
    listeners: t.Sequence[Json] = ()
    endpoints: t.Sequence[Endpoint] = ()


def settings(then: Then | None, now: Now) -> list[Json]:
    """Every setting that did not simply hold, the worst first; see ``docs/schemas/drift.schema.json``.

    Without ``then`` whatever fails is ``new``.
    """
    before = {item["key"]: item for item in then.results} if then else {}
    known = {_subject(item) for item in before.values()}
    here = {_subject(item) for item in now.results}
    unreachable = {_subject(item) for item in now.results if _is_unreachable(item)}
    place_of = _placer(now.listeners, now.endpoints)
    groups: dict[tuple[str, str], list[tuple[str, Json | None, Json | None]]] = {}
    for item in now.results:
        old = before.pop(item["key"], None)
        expected = then is not None and item["check"] in then.checks and _subject(item) in known
        change = _change(old, item, expected)
        groups.setdefault((item["check"], place_of(item["subject"])), []).append((change, old, item))
    for old in before.values():
        if old["status"] == "fail" and _subject(old) not in unreachable:
            change = "mended" if _subject(old) in here else "gone"
            groups.setdefault((old["check"], place_of(old["subject"])), []).append((change, old, None))
    made = [_setting(check, place, group) for (check, place), group in groups.items()]
    changed = [one for one in made if one["change"] != "held"]
    return sorted(
        changed, key=lambda one: (_RANK[one["change"]], SEVERITIES.index(one["severity"]), one["check"], one["place"])
    )


def state(found: t.Iterable[Json]) -> str:
    """The word for a host: that of its worst setting."""
    return min((one["change"] for one in found), key=_RANK.__getitem__, default="held")


def _change(old: Json | None, item: Json, expected: bool) -> str:
    """What became of one result. ``expected``: had it not held, the earlier run would have said so."""
    was = old["status"] if old else "pass" if expected else None
    if item["status"] == "fail":
        return "drifted" if was in GOOD else "open" if was == "fail" else "new"
    if item["status"] == "indeterminate":
        return "unproved"
    return "mended" if was == "fail" else "held"


def _setting(check: str, place: str, group: t.Sequence[tuple[str, Json | None, Json | None]]) -> Json:
    change = min((one for one, _old, _item in group), key=_RANK.__getitem__)
    #: Results that make it what it is; the first of them speaks for all.
    those = [item or old for one, old, item in group if one == change]
    first = t.cast(Json, those[0])
    views = {view: _view(view, group) for view in VIEWS}
    excepted = next((old["exception"] for one, old, _item in group if one == change and old and old["exception"]), None)
    return {
        "check": check,
        "severity": first["severity"],
        "stack": next((one["subject"]["stack"] for one in _present(group) if one["subject"]["stack"]), None),
        "place": place,
        "endpoints": sorted({one["subject"]["endpoint"] for one in those if one and one["subject"]["endpoint"]}),
        "change": change,
        **views,
        "process": _process(views),
        "observed": first["observed"],
        "expected": first["expected"],
        "mend": first["mend"] or BY_ID[check].mend,
        "where": _where(group, change),
        "exception": excepted,
        "keys": sorted(one["key"] for one in those if one),
    }


def _present(group: t.Iterable[tuple[str, Json | None, Json | None]]) -> t.Iterator[Json]:
    for _change, old, item in group:
        found = item or old
        if found:
            yield found


def _view(view: str, group: t.Sequence[tuple[str, Json | None, Json | None]]) -> Json | None:
    """The worst status of a view then and now; None where nothing was said in that view."""
    mine = [(old, item) for _change, old, item in group if (item or old or {}).get("view") == view]
    if not mine:
        return None
    return {"before": _worst(old for old, _item in mine), "now": _worst(item for _old, item in mine)}


def _worst(items: t.Iterable[Json | None]) -> str | None:
    statuses = [item["status"] for item in items if item]
    return min(statuses, key=STATUSES.index, default=None)


def _process(views: t.Mapping[str, Json | None]) -> str | None:
    """Whether the process does as its files say: ``stale`` when only the files hold, ``pending`` when only it does."""
    configured, effective = ((views[view] or {}).get("now") for view in ("configured", "effective"))
    if configured in GOOD and effective == "fail":
        return "stale"
    if configured == "fail" and effective in GOOD:
        return "pending"
    return None


def _where(group: t.Sequence[tuple[str, Json | None, Json | None]], change: str) -> list[Json]:
    """The places that say so; where only a handshake does, those that configure the same."""
    saying = [place for one, old, item in group if one == change for place in (item or old or {})["provenance"]]
    every = [place for one in _present(group) for place in one["provenance"]]
    found = {(place["file"], place["line"]): place for place in saying or every if place["file"]}
    return list(found.values())


def _placer(listeners: t.Sequence[Json], endpoints: t.Iterable[Endpoint]) -> t.Callable[[Json], str]:
    """A function from the subject of a result to the listener it is about, by handshakes as well as by files."""
    leads: dict[str, str] = {}
    for listener in listeners:
        for uri in listener.get("endpoints") or ():
            leads.setdefault(uri, listener["place"])
    for one in endpoints:
        found = next((listener["place"] for listener in listeners if matches(listener, one.report)), None)
        if found:
            leads.setdefault(one.report["endpoint"], found)

    def place(subject: Json) -> str:
        uri = subject["endpoint"]
        return str(subject["listener"] or leads.get(uri or "") or uri or "")

    return place


def _subject(item: Json) -> tuple[t.Any, ...]:
    subject = item["subject"]
    return tuple(subject[key] for key in ("stack", "listener", "endpoint"))


def _is_unreachable(item: Json) -> bool:
    return bool(item["check"] == "endpoint.reachable" and item["status"] == "indeterminate")
