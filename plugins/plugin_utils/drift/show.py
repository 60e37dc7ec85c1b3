# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Drift on a terminal: a line for each host, and whatever is known of each setting on demand. Pure."""

from __future__ import annotations

from ..evidence.run import Json
from ..terminal import MOST, capped, plural, sentence, table
from .report import STATES

#: States as they are shown; those that need somebody are loud.
WORDS = {
    "drifted": "DRIFTED",
    "new": "NEW",
    "open": "STILL OPEN",
    "unproved": "NOT PROVED",
    "not_reached": "NOT REACHED",
    "mended": "mended",
    "gone": "gone",
    "not_applicable": "not applicable",
    "held": "held",
}
_QUIET = ("held", "not_applicable")
_VIEWS = {"configured": "files", "effective": "process"}
_PROCESS = {
    "stale": "the process does not do what its files say: it runs with other settings than they have now",
    "pending": "the process has not loaded what its files say: its next reload or start makes it so",
}


def text(told: Json, detail: bool = False, width: int = 80) -> str:
    """The report for people. Quiet hosts beyond some dozens are only counted."""
    quiet = [one for one in told["hosts"] if one["state"] in _QUIET]
    shown = [one for one in told["hosts"] if one["state"] not in _QUIET] + quiet[:MOST]
    lines = [table(("HOST", "STATE", "WHAT"), [(one["host"], _state(one), _what(one)) for one in shown], width)]
    if len(quiet) > MOST:
        lines.append(f"and {len(quiet) - MOST} more hosts that held")
    if detail:
        for one in shown:
            lines += _host(one)
    lines += _contested(told)
    if told["around"]:
        lines += ["", "Changed for all hosts:", *(f"  {_note(one)}" for one in told["around"])]
    if told["notes"]:
        lines += ["", "Know that:", *(f"  {sentence(note)}" for note in told["notes"])]
    if told["problem"]:
        lines += ["", f"NO COMPARISON: {sentence(told['problem'])}"]
    parts = [f"{told['counts'][state]} {WORDS[state].lower()}" for state in STATES if told["counts"][state]]
    against = f"against run {told['previous']['run_id']}" if told["previous"] else "against no earlier run"
    lines += ["", f"{plural(len(told['hosts']), 'host')} {against}: {', '.join(parts) or 'none'}"]
    return "\n".join(lines)


def _state(host: Json) -> str:
    return WORDS[host["state"]] + (" (contested)" if host["contested"] else "")


def _what(host: Json) -> str:
    """The worst thing in a few words, and how much more there is."""
    if host["reason"]:
        return sentence(host["reason"])
    if not host["settings"]:
        count = len(host["around"])
        return f"{plural(count, 'change')} around it" if count else ""
    worst = host["settings"][0]
    where = next((f"{place['file']}:{place['line']}" for place in worst["where"]), "")
    more = len(host["settings"]) - 1
    where = where or worst["place"] or worst["stack"] or "-"
    said = [worst["check"], f"at {where}", _since(worst), f"and {more} more" if more else ""]
    return sentence(" ".join(filter(None, said)))


def _since(setting: Json) -> str:
    since = setting["since"] or {}
    if since.get("held"):
        return f"held until {since['held']['started']}"
    return f"since {since['failing']['started']} or before" if since.get("failing") else ""


def _host(host: Json) -> list[str]:
    if not host["settings"] and not host["around"]:
        return []
    then = host["compared_with"]
    lines = ["", f"{sentence(host['host'])}, {'against run ' + then['run_id'] if then else 'never tested before'}"]
    for one in host["settings"]:
        lines += [f"  {line}" for line in _setting(one)]
    told = [note for one in host["settings"] for note in one["around"]]
    rest = [note for note in host["around"] if note not in told]
    lines += ["  changed as well:", *(f"    {_note(note)}" for note in rest)] if rest else []
    return lines + (
        [f"  {sentence(host['problem'])}: nothing is said of what changed around"] if host["problem"] else []
    )


def _setting(one: Json) -> list[str]:
    lines = [
        f"{WORDS[one['change']]} {one['check']} at {sentence(one['place'] or one['stack'] or '-')}: "
        f"{sentence(one['observed'])}"
    ]
    lines += [f"  {sentence(place['file'])}:{place['line']}: {sentence(place['text'])}" for place in one["where"]]
    views = [f"{word} {_view(one[view])}" for view, word in _VIEWS.items() if one[view]]
    lines.append(f"  {', '.join(views)}")
    if one["process"]:
        lines.append(f"  {_PROCESS[one['process']]}")
    if _since(one):
        since = one["since"]
        not_since = since["failing"]["started"] if since["failing"] else "now"
        held = (
            f"{since['held']['started']} (run {since['held']['run_id']})"
            if since["held"]
            else "before the runs that are kept"
        )
        lines.append(f"  held until {held}, fails since {not_since}")
    if one["exception"]:
        lines.append(f"  exception {sentence(one['exception'])} covered it, and does not any more")
    lines += [f"  with it: {_note(note)}" for note in one["around"][:3]]
    lines += [f"      {sentence(line)}" for note in one["around"][:1] for line in note["detail"]]
    if one["change"] not in ("mended", "gone"):
        lines.append(f"  to do: {sentence(one['mend'])}")
    return lines


def _view(view: Json) -> str:
    return f"{view['before'] or 'unknown'} -> {view['now'] or 'unknown'}"


def _note(one: Json) -> str:
    sides = [("nothing" if side is None else sentence(side)) for side in (one["before"], one["now"])]
    at = f" at {one['at']}" if one["at"] else ""
    if one["kind"] == "file":
        done = "created" if one["before"] is None else "removed" if one["now"] is None else "edited"
        return f"{sentence(one['what'])} was {done}{at}"
    if one["kind"] == "process":
        return f"{sentence(one['what'])}: {sides[1]}{at}"
    what = "certificate of " if one["kind"] == "certificate" else "listener " if one["kind"] == "listener" else ""
    begins = f", valid from {one['at']}" if one["kind"] == "certificate" and one["at"] else ""
    return f"{what}{sentence(one['what'])}: {sides[0]} -> {sides[1]}{begins}"


def _contested(told: Json) -> list[str]:
    lines = []
    for host in told["hosts"]:
        for one in host["settings"]:
            if one["contested"]:
                last = one["contested"][-1]["recorded"]
                times = len(one["contested"])
                lines.append(
                    f"{sentence(host['host'])}: {one['check']} was mended {times} times, last {last}, and fails again"
                )
    told_by = "Contested, something else seems to manage them; left alone until that is settled:"
    return ["", told_by, *(f"  {line}" for line in capped(lines))] if lines else []
