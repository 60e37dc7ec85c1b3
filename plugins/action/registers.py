# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.registers): load the registers, tell every violation, hand on what counts today."""

from __future__ import annotations

import os
import typing as t

from ansible.utils.display import Display

from ..module_utils.errors import InTransitError
from ..module_utils.run.ansible_exceptions import today
from ..plugin_utils import files
from ..plugin_utils.controlling import ControllerAction, Json
from ..plugin_utils.registers import grants, join, lint, load, reading, tables
from ..plugin_utils.registers.problems import Problem
from ..plugin_utils.terminal import plural

display = Display()


class ActionModule(ControllerAction):
    """Runs on the controller; needs no connection and changes no host."""

    SPEC: t.ClassVar[Json] = {
        "paths": {"type": "list", "elements": "path", "required": True},
        "hosts": {"type": "list", "elements": "str"},
        "maximum_days": {"type": "int", "default": lint.MAXIMUM_DAYS},
        "export": {"type": "path", "default": ""},
    }

    def act(self, options: Json, variables: Json) -> Json:
        hosts = options["hosts"]
        if hosts is None:
            hosts = list(variables["groups"]["all"])
        paths = [os.path.expanduser(path) for path in options["paths"]]
        day = today()
        try:
            registers, problems = load.read(paths)
            problems = sorted(problems + lint.lint(registers, day, hosts, options["maximum_days"]))
            if problems:
                return self._failed(problems)
            written, lost = self._export(registers, options["export"]) if options["export"] else ([], [])
        except (InTransitError, ValueError) as error:
            return {"failed": True, "msg": str(error), "problems": []}
        counting = grants.grants(registers.exceptions, day)
        endpoints, outside = join.targets(registers.flows, hosts)
        counts = {kind: len(getattr(registers, kind)) for kind in load.KINDS}
        return {
            "changed": bool(written),
            "msg": ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items()) + ": no violation",
            "problems": [],
            "counts": counts,
            "grants": counting,
            "exceptions": {host: found for host in hosts if (found := grants.for_host(counting, host))},
            "endpoints": endpoints,
            "outside": outside,
            "written": written,
            "lost": [one._asdict() for one in lost],
        }

    @staticmethod
    def _failed(problems: list[Problem]) -> Json:
        lines = [str(problem) for problem in problems]
        display.display("\n" + "\n".join(lines) + "\n")
        msg = f"{plural(len(problems), 'violation')} in the registers, nothing of them is used; the first: {lines[0]}"
        return {"failed": True, "changed": False, "msg": msg, "problems": [one._asdict() for one in problems]}

    def _export(self, registers: load.Registers, folder: str) -> tuple[list[str], list[Problem]]:
        """Each register as CSV, and what would not come back from it; files that are right are not written."""
        texts = {f"{kind}.csv": "".join(tables.csv_of(kind, getattr(registers, kind))) for kind in load.KINDS}
        stale = {name: text for name, text in texts.items() if _content(os.path.join(folder, name)) != text}
        if not self.check_mode:
            files.write_all(folder, stale)
        lost = tables.lost(registers.flows)
        for path in registers.files:
            if not path.endswith(".csv"):
                data, _unreadable = reading.read(path)
                lost += tables.comments(path, reading.decode(path, data)[0])
        for one in lost:
            display.warning(str(one))
        return sorted(os.path.join(folder, name) for name in stale), lost


def _content(path: str) -> str | None:
    if not os.path.exists(path):
        return None
    return reading.decode(path, reading.read(path)[0])[0]
