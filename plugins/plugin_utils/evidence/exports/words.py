# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Words that tables, pages and exports share about a result."""

from __future__ import annotations

import typing as t

from ..run import Json


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


def proof_text(proof: Json | None) -> str:
    """One line of proof: the outcome, the alert, and the first bytes received."""
    if not proof:
        return ""
    alert, response = proof.get("alert"), proof.get("response")
    parts = [str(proof.get("outcome") or "")]
    parts += [f"alert {alert}"] if alert is not None else []
    parts += [f"received {response}"] if response else []
    return f"{proof['probe']}: " + ", ".join(part for part in parts if part)
