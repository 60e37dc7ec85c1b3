# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Entries of registers that were drafted from what was found, for their owners to complete."""

from __future__ import annotations

import typing as t

import yaml

from .printable import one_line

#: What an owner has to fill in. No schema takes it for a value, so that no entry is valid by accident.
TO_COMPLETE = "COMPLETE ME"


def register(what: str, key: str, entries: t.Sequence[tuple[str, dict[str, t.Any]]]) -> str:
    """A register file of (remark, entry) below ``key``; ``what`` says in its first line what the entries are."""
    head = f'# {what}. Complete each "{TO_COMPLETE}" and move the entry into the register.\n'
    if not entries:
        return head + f"{key}: []\n"
    parts = [head + f"{key}:\n"]
    for remark, entry in entries:
        text = yaml.safe_dump([entry], sort_keys=False, allow_unicode=False, width=1000)
        parts.append(f"  # {one_line(remark)}\n" + "".join(f"  {line}\n" for line in text.splitlines()))
    return "".join(parts)
