# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Words that tables, pages and exports share about a result."""

from __future__ import annotations

import collections
import typing as t

if t.TYPE_CHECKING:
    from ..run import Json

#: Statuses of what does not pass, and still is a result.
OPEN = ("fail", "indeterminate", "excepted")


def place(subject: Json) -> str:
    """The subject in one word: the endpoint that was tested, or the listener that was read."""
    listener = " ".join(subject[key] for key in ("stack", "listener") if subject[key])
    return str(subject["endpoint"] or listener or subject["host"])


def by_place(results: t.Iterable[Json]) -> dict[str, list[Json]]:
    """The results of one host by :func:`place`."""
    groups: dict[str, list[Json]] = {}
    for item in results:
        groups.setdefault(place(item["subject"]), []).append(item)
    return groups


def requirements(controls: t.Iterable[Json]) -> dict[str, list[Json]]:
    """The requirements each check gives evidence for under this run's baseline; none for an unknown check."""
    found: dict[str, list[Json]] = collections.defaultdict(list)
    for control in controls:
        for check in control["checks"] if control["judged"] else ():
            found[check].append(control)
    return found


def concerns(control: Json, stack: str | None) -> bool:
    """Whether results about that software count: a benchmark of one server says nothing of another."""
    return control["stack"] in ("", stack)


def proof_text(proof: Json | None) -> str:
    """One line of proof: the outcome, the alert, and the first bytes received."""
    if not proof:
        return ""
    alert, response = proof.get("alert"), proof.get("response")
    parts = [str(proof.get("outcome") or "")]
    parts += [f"alert {alert}"] if alert is not None else []
    parts += [f"received {response}"] if response else []
    return f"{proof['probe']}: " + ", ".join(part for part in parts if part)
