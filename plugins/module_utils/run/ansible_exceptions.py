# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module option ``exceptions``, documented in the doc fragment of that name, and the day it is measured by."""

from __future__ import annotations

import datetime
import typing as t

EXCEPTIONS: dict[str, t.Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "id": {"type": "str", "required": True},
        "hosts": {"type": "list", "elements": "str", "default": []},
        "ports": {"type": "list", "elements": "int", "required": True},
        "names": {"type": "list", "elements": "str", "default": []},
        "stack": {"type": "str", "default": ""},
        "checks": {"type": "list", "elements": "str", "required": True},
        "accept": {"type": "list", "elements": "str", "default": []},
        "since": {"type": "str", "required": True},
        "expires": {"type": "str", "required": True},
    },
}


def today() -> datetime.date:
    """The day in UTC, as this machine's clock has it."""
    return datetime.datetime.now(datetime.timezone.utc).date()
