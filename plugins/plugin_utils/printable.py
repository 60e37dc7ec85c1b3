# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text from networks, files and inventories is data: made harmless here, once, for everything that shows it."""

from __future__ import annotations

import re

#: Control characters, line separators, and the invisible ones that reorder text on screen (Unicode TR36, section 3).
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


def escaped(match: re.Match[str]) -> str:
    """A matched character as its Python escape."""
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def printable(text: str) -> str:
    """The text with everything that is invisible or steers a terminal, spreadsheet or browser shown as ``\\xNN``."""
    # What Python calls printable holds none of them, and most text is.
    return text if text.isprintable() else _UNPRINTABLE.sub(escaped, text)


def one_line(value: object) -> str:
    """The same for a place that holds one line only: line ends and tabs are shown as well."""
    return printable(str(value)).replace("\n", "\\n").replace("\t", "\\t")
