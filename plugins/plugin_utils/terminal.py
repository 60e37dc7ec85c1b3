# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tables for a terminal: 80 columns by default, no colour needed, hostile text made harmless."""

from __future__ import annotations

import textwrap
import typing as t

from .printable import one_line

#: Characters of one text that a terminal gets: whoever sent it may have sent a megabyte.
_LONGEST = 2000

#: Widest column that is kept whole when a table must shrink.
_LEAST = 8

#: Lines of a list that are shown before the rest is only counted.
MOST = 30


def shorten(text: str, width: int) -> str:
    """At most ``width`` characters of ``text``; a cut shows as ``...``, in the middle, since ends tell most."""
    if len(text) <= width:
        return text
    if width <= 3:
        return text[:width]
    head = (width - 3 + 1) // 2
    return text[:head] + "..." + text[len(text) - (width - 3 - head) :]


def sentence(text: object) -> str:
    """Text of several lines, such as a daemon's own words, in one that is not endless."""
    return shorten(one_line("; ".join(line.strip() for line in str(text).splitlines() if line.strip())), _LONGEST)


def table(headers: t.Sequence[str], rows: t.Sequence[t.Sequence[object]], width: int = 80) -> str:
    """Left-aligned columns, two spaces apart, at most ``width`` wide: the widest columns are shortened first."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    sizes = [max(len(line[index]) for line in [list(headers), *cells]) for index in range(len(headers))]
    while sum(sizes) + 2 * (len(sizes) - 1) > width and max(sizes) > _LEAST:
        sizes[sizes.index(max(sizes))] -= 1
    lines = []
    for line in [list(headers), *cells]:
        parts = (shorten(cell, size).ljust(size) for cell, size in zip(line, sizes))
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def plural(count: int, noun: str) -> str:
    """``1 host``, ``2 hosts``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def capped(lines: list[str]) -> list[str]:
    """The first lines of a list, and how many more there are."""
    if len(lines) <= MOST:
        return lines
    return [*lines[:MOST], f"and {len(lines) - MOST} more; the results and the evidence hold them all"]


def wrapped(lines: t.Iterable[str], width: int = 80) -> list[str]:
    """Lines wider than ``width`` continue below, indented. A path or a name is never broken: it has to be copied.

    What steers a terminal is shown in them, as in a :func:`table`.
    """
    wrapper = textwrap.TextWrapper(width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    return [part for line in lines for part in wrapper.wrap(one_line(line))]
