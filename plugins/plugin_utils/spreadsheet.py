# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CSV that is harmless in a spreadsheet, whatever the cells hold."""

from __future__ import annotations

import csv
import io
import itertools
import typing as t

from .printable import printable

#: First characters by which spreadsheets take a cell for a formula (OWASP, CSV Injection), and our own guard.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def guarded(cell: t.Any) -> str:
    """A CSV cell no spreadsheet runs. A leading apostrophe is always ours: take one off to have the text back."""
    text = "" if cell is None else printable(str(cell))
    return "'" + text if text.startswith(_FORMULA) else text


def table(columns: t.Sequence[str], rows: t.Iterable[t.Mapping[str, t.Any]]) -> t.Iterator[str]:
    """CSV by RFC 4180, a row at a time: CRLF, a header, quotes where needed; meant for UTF-8 without a mark."""
    line = io.StringIO()
    writer = csv.writer(line)
    cells = ([guarded(row.get(column)) for column in columns] for row in rows)
    for row in itertools.chain([columns], cells):
        writer.writerow(row)
        yield line.getvalue()
        line.seek(0)
        line.truncate()
