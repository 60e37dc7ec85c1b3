# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fixtures for the engine against real servers. Each server of the catalogue is started once, when first asked for."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.tests.servers import catalogue
from ansible_collections.encryption.in_transit.tests.servers.pki import Pki
from ansible_collections.encryption.in_transit.tests.servers.programs import Missing, NotRoot
from ansible_collections.encryption.in_transit.tests.servers.server import Process


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.servers)


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call() -> t.Iterator[None]:
    """A program that is not there: on a developer's machine that is no failure, in CI it is one."""
    outcome = yield
    raised = outcome.excinfo[1] if outcome.excinfo else None  # type: ignore[attr-defined]
    if isinstance(raised, Missing):
        ending = pytest.fail.Exception if os.environ.get("CI") == "true" else pytest.skip.Exception
        outcome.force_exception(ending(str(raised)))  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def folder() -> t.Iterator[Path]:
    # Not pytest's folder: servers that drop privileges have to get in.
    path = Path(tempfile.mkdtemp(prefix="in_transit-servers-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def pki(folder: Path) -> Pki:
    return Pki(folder / "pki")


@pytest.fixture(scope="session")
def serve(pki: Pki, folder: Path) -> t.Iterator[t.Callable[[str], Process]]:
    """``serve(name)``: the running server of the catalogue with this name."""
    running: dict[str, Process] = {}
    with contextlib.ExitStack() as stack:

        def started(name: str) -> Process:
            if name not in running:
                row = catalogue.BY_NAME[name]
                if row.needs_root and os.geteuid():
                    raise NotRoot(name)
                server = row.server(pki, folder)
                stack.enter_context(server)
                running[name] = server
            return running[name]

        yield started
