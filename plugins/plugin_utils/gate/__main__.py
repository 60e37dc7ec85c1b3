# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The gate as a command for pipelines. Run the folder this file is in::

python3 plugins/plugin_utils/gate --registers registers --flow FLOW-0031 --junit gate.xml
"""

from __future__ import annotations

import os
import sys
import types

if not __package__:  # started as a folder: make the collection known by its name, wherever it lies
    _root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    for _name, _path in (
        ("ansible_collections", []),
        ("ansible_collections.encryption", []),
        ("ansible_collections.encryption.in_transit", [_root]),
    ):
        _module = types.ModuleType(_name)
        _module.__path__ = _path
        sys.modules.setdefault(_name, _module)
    __package__ = "ansible_collections.encryption.in_transit.plugins.plugin_utils.gate"
    sys.path[0] = ""

import argparse
import datetime
import shutil
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import SEVERITIES
from ansible_collections.encryption.in_transit.plugins.module_utils.run.static import STACKS
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.engine import ScanOptions
from ansible_collections.encryption.in_transit.plugins.plugin_utils import files
from ansible_collections.encryption.in_transit.plugins.plugin_utils.certificates import SYSTEM
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import facts
from ansible_collections.encryption.in_transit.plugins.plugin_utils.gate import judgement, outputs

BAD_INPUT = 4

_EPILOG = """\
exit status: 0 everything passes, 2 something fails, 3 something is not proved (unreachable, not readable, or no
listener), 4 bad input: nothing was judged
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> t.NoReturn:
        self.print_usage(sys.stderr)
        self.exit(BAD_INPUT, f"gate: {message}\n")


def _files(text: str) -> tuple[str, str]:
    stack, equals, path = text.partition("=")
    if not (equals and stack and path):
        raise argparse.ArgumentTypeError(f"{text!r}: write STACK=PATH, for example nginx=deploy/nginx")
    return stack, path


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("gate", description="Decide whether something may go live.", epilog=_EPILOG)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("endpoints", nargs="*", metavar="ENDPOINT", help="URI such as https://portal.example:443")
    add("--flow", action="append", default=[], metavar="ID", help="a registered flow: all its endpoints")
    add("--registers", action="append", default=[], metavar="PATH", help="register file or folder; its approved"
        " exceptions count")  # fmt: skip
    add("--static", action="append", default=[], type=_files, metavar="STACK=PATH", help="judge configuration files in"
        f" a repository; STACK is one of {', '.join(sorted(STACKS))}")  # fmt: skip
    add("--host", default="", metavar="NAME", help="host the files are meant for: its exceptions count")
    add("--ca", action="append", metavar="FILE", help="trusted authorities; 'system' (default), or 'none' to leave"
        " trust alone")  # fmt: skip
    add("--profile", default="intermediate", help="baseline to hold (default: %(default)s)")
    add("--fail-severity", default="low", choices=SEVERITIES, help="least severity that decides (default: %(default)s)")
    add("--timeout", type=float, default=5.0, metavar="SECONDS", help="for each answer (default: %(default)g)")
    add("--junit", metavar="FILE", help="write JUnit XML")
    add("--sarif", metavar="FILE", help="write SARIF 2.1.0")
    add(
        "--sarif-location",
        default="",
        metavar="FILE",
        help="where code scanning is to show what has no file of its own",
    )
    add("--json", metavar="FILE", help="write everything as JSON")
    add("--github", action="store_true", default=os.environ.get("GITHUB_ACTIONS") == "true", help="annotate lines in"
        " GitHub Actions (default there)")  # fmt: skip
    return parser


def main(argv: t.Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    given = _parser().parse_args(argv)
    request = judgement.Request(
        tuple(given.endpoints),
        tuple(given.flow),
        tuple(given.registers),
        tuple(given.static),
        given.profile,
        fail_severity=given.fail_severity,
        options=ScanOptions(connect_timeout=given.timeout, read_timeout=given.timeout, http=True),
        ca_path=tuple(path for path in given.ca or [SYSTEM] if path != "none"),
        host=given.host,
    )
    try:
        answer = judgement.ask(request, datetime.datetime.now(datetime.timezone.utc))
        for path, made in (
            (given.junit, outputs.junit_text),
            (given.sarif, lambda one: outputs.sarif_text(one, facts.collection(), given.sarif_location)),
            (given.json, outputs.json_text),
        ):
            if path:
                files.write(path, made(answer))
    except (InTransitError, ValueError) as error:
        sys.stderr.write(f"gate: {error}\n")
        return BAD_INPUT
    width = max(80, min(shutil.get_terminal_size((80, 24)).columns, 160))
    sys.stdout.write(outputs.text(answer, width) + "\n")
    if given.github:
        sys.stdout.writelines(line + "\n" for line in outputs.github(answer))
    return answer.code


if __name__ == "__main__":
    raise SystemExit(main())
