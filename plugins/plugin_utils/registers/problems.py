# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong in a register, and where: every violation is one Problem, and all of them are told at once."""

from __future__ import annotations

import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError

from ..printable import one_line


class Problem(t.NamedTuple):
    """One violation. ``line`` counts from 1, 0 means the whole file; ``key`` is a path such as
    ``EXC-2026-001.scope.ports[0]``, empty for the file; ``message`` says what is wrong and what would be right."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return one_line(": ".join(part for part in (place, self.key, self.message) if part))


class RegisterError(InTransitError):
    """Registers that cannot be used. Nothing of them is used then; ``problems`` holds every violation."""

    def __init__(self, problems: t.Iterable[Problem]) -> None:
        self.problems = sorted(problems)
        count = len(self.problems)
        head = f"the registers have {count} problem{'s' if count > 1 else ''}, and nothing of them was used"
        super().__init__("\n".join([head + ":", *map(str, self.problems)]))
