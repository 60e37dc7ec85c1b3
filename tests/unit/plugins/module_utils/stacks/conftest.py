# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests over real daemons share: their keys, folders that daemons without rights can reach, and the table of
what was tried, which a run ends with."""

from __future__ import annotations

import collections
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.tests.unit.daemons import PATH, need
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.local_daemons import KINDS, made


@pytest.fixture(scope="module")
def keys():
    need("nginx", "apache2", "postfix", "postconf", "vsftpd", "haproxy", "openssl", root=True)
    os.environ["PATH"] = PATH
    # Not below pytest's folder: daemons that give up their rights must reach it.
    folder = Path(tempfile.mkdtemp(prefix="in_transit-keys-"))
    folder.chmod(0o755)
    for name, size in (("good", 2048), ("small", 1024)):
        pem = str(folder / f"{name}.pem")
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            f"rsa:{size}",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=a.example",
        ]
        subprocess.run([*command, "-out", pem, "-keyout", f"{pem}.key"], check=True, capture_output=True)
        with open(pem, "a") as file:
            file.write(Path(f"{pem}.key").read_text())
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder():
    path = Path(tempfile.mkdtemp(prefix="in_transit-faults-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(params=KINDS)
def daemon(request, keys, folder):
    one = made(request.param, folder, keys)
    yield one
    one.stop()


@pytest.fixture
def count(record_property):
    """A function that tells of a stack how often what was tried, for the tables at the end of the run."""

    def tell(title, stack, **numbers):
        record_property(COUNT, [title, stack, numbers])

    return tell


COUNT = "count"


def _counted(report):
    return [value for name, value in report.user_properties if name == COUNT] if report.when == "call" else []


def _spoken(numbers):
    return ", ".join(f"{number} {name}" for name, number in numbers.items() if number)


def pytest_report_teststatus(report):
    """What was counted, beside the test's name as soon as it has ended (``-v``)."""
    words = "; ".join(_spoken(numbers) for _title, _stack, numbers in _counted(report))
    if words:
        return report.outcome, "." if report.passed else "F", f"{report.outcome.upper()} {words}"
    return None


def pytest_terminal_summary(terminalreporter):
    tables = {}
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for title, stack, numbers in _counted(report):
            row = tables.setdefault(title, {}).setdefault(stack, collections.Counter())
            # Parts of a test find the same points.
            points = max(row["points"], numbers.get("points", 0))
            row.update(numbers)
            row["points"] = points
    for title, rows in tables.items():
        terminalreporter.section(title)
        for stack, row in rows.items():
            terminalreporter.line(f"{stack}: {_spoken(row)}")
