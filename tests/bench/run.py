# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the benchmarks beside this file, print one table, write build/bench.json.

A benchmark is a module here with ``run() -> list[dict]``, one dict per measurement::

    name, unit                what was measured, and in what
    ours, other, other_name   the two numbers, and what the other one is of; both measured in this run
    ratio, goal, met          how they relate, what was promised, and whether it holds; null: not measured

and optionally ``NAMES``, the names its measurements will have, so that one of them can be asked for by name.

    run.py [NAME]       all, or one by the name of its module or of a measurement

Exit status 1 when a benchmark could not be run, 2 when a goal was missed.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
import typing as t
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OUTPUT = ROOT / "build" / "bench.json"

COLUMNS = ("name", "unit", "ours", "other", "other_name", "ratio", "goal", "met")


def checked(row: dict[str, t.Any]) -> dict[str, t.Any]:
    """The measurement with its keys in order. Raises ValueError when it is none."""
    if set(row) != set(COLUMNS) or row["met"] not in (True, False, None):
        raise ValueError(f"no measurement, its keys must be {', '.join(COLUMNS)}: {row}")
    return {column: row[column] for column in COLUMNS}


def modules(only: str | None) -> list[str]:
    """Names of the modules to run. Raises SystemExit when ``only`` names nothing."""
    found = {}
    for path in sorted(HERE.glob("*.py")):
        if path.stem != "run":
            module = importlib.import_module(path.stem)
            if hasattr(module, "run"):
                found[path.stem] = {path.stem, *getattr(module, "NAMES", ())}
    if only is None:
        return list(found)
    chosen = [stem for stem, names in found.items() if only in names]
    if not chosen:
        sys.exit(f"no benchmark {only}; there are: {', '.join(sorted(set().union(*found.values())))}")
    return chosen


def table(rows: list[dict[str, t.Any]]) -> str:
    """The measurements for people: numbers with three digits, columns aligned."""

    def cell(value: t.Any) -> str:
        if value is None:
            return "-"
        if isinstance(value, bool):
            return "yes" if value else "NO"
        return f"{value:.3g}" if isinstance(value, float) else str(value)

    lines = [COLUMNS, *(tuple(cell(row[column]) for column in COLUMNS) for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(COLUMNS))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in lines)


def main() -> int:
    only = sys.argv[1] if len(sys.argv) > 1 else None
    sys.path[:0] = [str(HERE), str(ROOT / ".ansible" / "collections")]
    rows: list[dict[str, t.Any]] = []
    broken = []
    for name in modules(only):
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            rows += [checked(row) for row in importlib.import_module(name).run()]
        except Exception:  # one benchmark that cannot run must not hide the others' numbers
            traceback.print_exc()
            broken.append(name)
    rows = [row for row in rows if row["name"] == only] or rows
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(rows, indent=2) + "\n")
    print(table(rows))
    if broken:
        print(f"could not be run: {', '.join(broken)}", file=sys.stderr)
        return 1
    return 0 if all(row["met"] is not False for row in rows) else 2


if __name__ == "__main__":
    sys.exit(main())
