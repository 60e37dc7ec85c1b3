# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Endpoints in, wire reports with findings and a verdict out; and the same as a small command.

The command prints one JSON object per endpoint and line, in the order of the endpoints. ``command.py`` starts it.
"""

from __future__ import annotations

import sys

from ..baseline import model
from ..errors import InTransitError
from ..wire import engine, lean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator, Mapping, Sequence

    from ..baseline.model import Baseline
    from ..wire.engine import ScanOptions

    Json = dict[str, Any]

USAGE = """\
usage: scan [options] ENDPOINT...

Judge TLS endpoints by handshake. ENDPOINT is a URI such as https://host:443, tls://host:2762, smtp://host:25 or
https://192.0.2.1?sni=name; "-" reads endpoints from standard input, "@FILE" from a file, one per line.

  --profile NAME      baseline to judge against (default: intermediate)
  --detail LEVEL      verdict (default) or full: everything each endpoint accepts
  --http              ask https endpoints for their Strict-Transport-Security header too
  --timeout SECONDS   for connecting and for an answer (default: 3 and 5)
  --deadline SECONDS  for the whole scan (default: none)
  --per-host NUMBER   connections to one address at a time (default: 4)
  --rate NUMBER       new connections to one address in a second (default: no limit)
  --host NAME         name of the host to record in the findings

Exit status: 0 all compliant, 2 any not compliant, 3 any unreachable or indeterminate, 4 bad input.
"""

#: Verdicts as ``findings.judge`` gives them.
VERDICTS = ("compliant", "excepted", "non_compliant", "unreachable", "indeterminate")

COMPLIANT, NON_COMPLIANT, UNPROVED, BAD_INPUT = 0, 2, 3, 4


def scan(
    endpoints: Iterable[str],
    baseline: Baseline,
    options: ScanOptions | None = None,
    subject: Json | None = None,
    subjects: Mapping[str, Json] | None = None,
    grants: Sequence[Json] = (),
) -> list[Json]:
    """Wire reports with ``findings`` and ``verdict`` added, in order.

    ``subject`` is written into all findings, ``subjects`` into those of the endpoint that is its key; ``grants`` are
    exceptions in force (``findings.exceptions``). Raises what ``wire.engine.scan`` raises.
    """
    return list(stream(endpoints, baseline, options, subject, subjects, grants))


def stream(
    endpoints: Iterable[str],
    baseline: Baseline,
    options: ScanOptions | None = None,
    subject: Json | None = None,
    subjects: Mapping[str, Json] | None = None,
    grants: Sequence[Json] = (),
) -> Iterator[Json]:
    """The same, one at a time, each as soon as those before it are finished."""
    for seen in engine.stream(endpoints, baseline, options, _get_ready):
        from ..findings import judge  # loaded by now

        report, about = seen, {**(subject or {}), **(subjects or {}).get(seen["endpoint"], {})}
        findings = judge.judge_report(report, baseline, about, grants)
        if grants and judge.needs_survey(report, findings, about, grants):
            (report,) = engine.scan([report["endpoint"]], baseline, _in_full(options))
            findings = judge.judge_report(report, baseline, about, grants)
        report["findings"] = findings
        report["verdict"] = judge.verdict(report, findings)
        yield report


def _in_full(options: ScanOptions | None) -> ScanOptions:
    """The same options, to learn everything an endpoint accepts."""
    from copy import copy  # seldom needed

    full = copy(options) if options else engine.ScanOptions()
    full.detail = "full"
    return full


def _get_ready() -> None:
    """Load what is of use only when there are answers, while the first of them are on their way."""
    from ..findings import judge  # noqa: F401  for stream()
    from ..wire import certificate, report  # noqa: F401  for the engine


def exit_status(verdicts: Iterable[str]) -> int:
    """0 when every verdict is compliant or excepted, 2 when any is non_compliant, else 3; no verdict proves nothing."""
    seen = set(verdicts)
    if "non_compliant" in seen:
        return NON_COMPLIANT
    return COMPLIANT if seen and seen <= {"compliant", "excepted"} else UNPROVED


def line(report: Json) -> Json:
    """What the command prints of a report: the verdict and its grounds first, then all the rest."""
    first = {
        "endpoint": report["endpoint"],
        "verdict": report["verdict"],
        "protocols": {name: seen["status"] for name, seen in report["protocols"].items()},
        "findings": report["findings"],
        "probes": len(report["probes"]),
        "connections": report["connections"],
        "milliseconds": report["milliseconds"],
    }
    rest = {name: value for name, value in report.items() if name not in first}
    rest["protocol_details"], rest["probe_details"] = report["protocols"], report["probes"]
    return {**first, **rest}


class _Usage(Exception):
    """A command line that cannot be understood."""


def _arguments(argv: list[str]) -> tuple[list[str], dict[str, str]]:
    """Endpoints and options. By hand: argparse takes longer to import than most scans take."""
    endpoints: list[str] = []
    given: dict[str, str] = {}
    waiting = iter(argv)
    for word in waiting:
        name, equals, value = word.partition("=")
        if word == "--http":
            given["http"] = "yes"
        elif name in ("--profile", "--detail", "--timeout", "--deadline", "--per-host", "--rate", "--host"):
            if not equals:
                value = next(waiting, "")
            if not value:
                raise _Usage(f"{name} needs a value")
            given[name[2:]] = value
        elif word == "-":
            endpoints += _lines(sys.stdin.read())
        elif word.startswith("@"):
            with open(word[1:], encoding="utf-8") as file:
                endpoints += _lines(file.read())
        elif word.startswith("-"):
            raise _Usage(f"option {word} is not known")
        else:
            endpoints.append(word)
    return endpoints, given


def _lines(text: str) -> list[str]:
    stripped = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in stripped if line]


def _number(given: dict[str, str], name: str, default: float) -> float:
    try:
        number = float(given.get(name, default))
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9:
        raise _Usage(f"--{name} {given[name]}: must be a number, not below 0")
    return number


def _options(given: dict[str, str]) -> ScanOptions:
    timeout = _number(given, "timeout", 0)
    return engine.ScanOptions(
        detail=given.get("detail", "verdict"),
        http="http" in given,
        connect_timeout=timeout or 3.0,
        read_timeout=timeout or 5.0,
        greeting_timeout=max(timeout, 25.0),
        deadline=_number(given, "deadline", 0),
        per_host=int(_number(given, "per-host", 4)),
        rate=_number(given, "rate", 0),
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if "-h" in argv or "--help" in argv:
        sys.stdout.write(USAGE)
        return COMPLIANT
    verdicts: set[str] = set()
    try:
        endpoints, given = _arguments(argv)
        if not endpoints:
            raise _Usage("no endpoint given")
        baseline = model.load(given.get("profile", "intermediate"))
        subject = {"host": given["host"]} if "host" in given else None
        reports = stream(endpoints, baseline, _options(given), subject)
        # The lines are the progress; where they go to a file, a person at the terminal gets a count instead.
        counted = sys.stderr.isatty() and not sys.stdout.isatty()
        for done, report in enumerate(reports, 1):
            verdicts.add(report["verdict"])
            sys.stdout.write(lean.dumps(line(report)) + "\n")
            sys.stdout.flush()
            if counted:
                sys.stderr.write(f"\r{done} of {len(endpoints)} endpoints")
        if counted:
            sys.stderr.write("\n")
    except (_Usage, InTransitError, ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            return BAD_INPUT
        sys.stderr.write(f"scan: {error}\n")
        return BAD_INPUT
    return exit_status(verdicts)
