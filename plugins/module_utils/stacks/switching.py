# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option ``log_handshakes``: a log of handshakes switched on beside what is logged already, and off again.

What is ours can be told from what others set: by the name of a log format where there are such names, else by a comment
above the line, which keeps the value from before.
"""

from __future__ import annotations

import re
import typing as t

from .contract import Edit, Plan

#: The name of our log formats, and of the files they write.
NAME = "in_transit_handshakes"

#: What asks for these edits.
CHECK = "log_handshakes"
ON, OFF = "handshakes are to be logged", "handshakes are no longer to be logged"

_MARK = b"# log_handshakes of encryption.in_transit; before: "
_UNSET = b"not set"


def with_logging(plan: Plan, options: t.Mapping[str, t.Any], switched: t.Callable[[bool], list[Edit]]) -> Plan:
    """A plan with the edits the option asks for; ``switched`` makes those for on and off."""
    wanted = options.get("log_handshakes", "leave")
    return plan if wanted == "leave" else plan._replace(edits=(*plan.edits, *switched(wanted == "on")))


def edit(path: str, data: bytes, span: tuple[int, int, bytes], on: bool) -> Edit:
    """An edit of ours: replace ``data[start:end]``."""
    start, end, replacement = span
    return Edit(path, start, end, replacement, data.count(b"\n", 0, start) + 1, CHECK, ON if on else OFF)


def lines_on(path: str, data: bytes, values: t.Mapping[str, str], equals: str) -> list[Edit]:
    """Set parameters in a file of lines ``name = value``, of which the last about a name counts."""
    found = []
    added = b""
    for name, value in values.items():
        known = list(re.finditer(rb"(?m)^%s[ \t]*=[ \t]*([^\r\n]*)" % name.encode(), data))
        if known:
            last = known[-1]
            found.append(edit(path, data, (last.start(), last.start(), _MARK + last.group(1) + b"\n"), True))
            found.append(edit(path, data, (*last.span(1), value.encode()), True))
        else:
            added += _MARK + _UNSET + f"\n{name}{equals}{value}\n".encode()
    if added:
        # A last line without an end keeps being one.
        open_end = data and not data.endswith(b"\n")
        found.append(edit(path, data, (len(data), len(data), b"\n" + added[:-1] if open_end else added), True))
    return found


def lines_off(path: str, data: bytes) -> list[Edit]:
    """Take away what :func:`lines_on` has set, and put back what was there before."""
    found = []
    added: list[tuple[int, int]] = []
    for ours in re.finditer(rb"(?m)^%s([^\n]*)\n([^=\n]*=[ \t]*)([^\r\n]*)\r?(?:\n|\Z)" % re.escape(_MARK), data):
        before = ours.group(1)
        if before != _UNSET:
            found.append(edit(path, data, (ours.start(), ours.start(2), b""), False))
            found.append(edit(path, data, (*ours.span(3), before), False))
        elif added and added[-1][1] == ours.start():
            added[-1] = added[-1][0], ours.end()
        else:
            added.append(ours.span())
    for start, end in added:
        # A last line that had no end gets none.
        open_end = end == len(data) and not data.endswith(b"\n") and start > 0
        found.append(edit(path, data, (start - 1 if open_end else start, end, b""), False))
    return found
