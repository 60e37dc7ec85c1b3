# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Listeners and configuration files as evidence: a stack says where its secrets stand, the rest is the same for all.

Line numbers stay those of the real files, so that provenance can be followed.
"""

from __future__ import annotations

import json
import typing as t

from .contract import ExportFile
from .redact import MARK, redact

if t.TYPE_CHECKING:
    from .contract import Document, Listener


def listeners(every: t.Iterable[Listener]) -> ExportFile:
    """``listeners.json``: the effective settings with their provenance."""
    count = 0

    def clean(text: str) -> str:
        nonlocal count
        text, more = redact(text)
        count += more
        return text

    rows = []
    for listener in every:
        row = listener._asdict()
        row["settings"] = {
            name: {
                "value": setting.value,
                "provenance": [{**place._asdict(), "text": clean(place.text)} for place in setting.provenance],
            }
            for name, setting in listener.settings.items()
        }
        rows.append(row)
    return ExportFile("listeners.json", json.dumps(rows, indent=2, sort_keys=True) + "\n", count)


def document(one: Document, secrets: t.Iterable[tuple[int, int]]) -> ExportFile:
    """One file under its own path. ``secrets`` are spans of bytes; then the signs all stacks share are looked for."""
    pieces: list[str] = []
    at = count = 0
    for start, end in sorted(secrets):
        if start < at:
            continue
        pieces.append(one.data[at:start].decode("utf-8", "replace"))
        # A secret over several lines leaves as many, so that later lines keep their numbers.
        pieces.append(MARK + "\n" * one.data.count(b"\n", start, end))
        at = end
        count += 1
    pieces.append(one.data[at:].decode("utf-8", "replace"))
    text, more = redact("".join(pieces))
    return ExportFile("files/" + one.path.lstrip("/"), text, count + more)
