# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The desk behind the static gate: configuration files in a repository, judged before any host has them.

The same parsers and the same judge as on a host. What only a host knows is assumed, and told: version and TLS library
are those that ``stacks/*/draft.py`` name. What depends on a file that is not in the repository is not judged.
"""

from __future__ import annotations

import importlib
import os
import posixpath
import typing as t

from ..errors import ConfigurationError, InTransitError
from ..findings import judge
from ..stacks.registry import stack_of
from ..stacks.repository import Layout, Repository

if t.TYPE_CHECKING:
    from ..baseline.model import Baseline

    Json = t.Dict[str, t.Any]

#: Stacks that can judge files alone, with the module of their draft.
STACKS = {
    "apache": "apache.draft",
    "haproxy": "haproxy.draft",
    "nginx": "nginx.draft",
    "postfix": "postfix.draft",
    "vsftpd": "vsftpd_draft",
}


class Judged(t.NamedTuple):
    """``findings`` name the files as the repository does. ``assumed`` says in words what was taken for granted."""

    stack: str
    path: str
    findings: list[Json]
    listeners: int
    assumed: str


def judge_files(stack: str, path: str, baseline: Baseline, grants: t.Sequence[Json] = ()) -> Judged:
    """Judge what is at ``path``: the main file, the folder it is in, or a tree that has it where a host does.

    Raises InTransitError when there is no such stack or path. A configuration that cannot be read is a finding.
    """
    if stack not in STACKS:
        raise InTransitError(f"stack {stack!r} has no static mode; one of {', '.join(sorted(STACKS))}")
    if not os.path.exists(path):
        raise InTransitError(f"{path}: there is no such file or folder")
    known = stack_of(stack)
    draft = importlib.import_module(f"{__package__.rpartition('.')[0]}.stacks.{STACKS[stack]}")
    layout, host = _placed(path, draft.LAYOUTS)
    instance = draft.draft(host, layout)
    assumed = f"{known.title} {'.'.join(map(str, instance.version))} with {instance.capabilities.library}"
    assumed += f" {'.'.join(map(str, instance.capabilities.version))}"
    about = {"stack": stack}
    try:
        documents = known.read(host, instance)
        listeners = known.effective(instance, documents)
        found = judge.judge_listeners(listeners, baseline, about, (), grants)
    except ConfigurationError as error:
        place = _Place(_named(host, error.file), error.line, "")
        found = [judge.finding("config.valid", "fail", "configured", about, _local(host, error), "", (place,))]
        return Judged(stack, path, found, 0, assumed)
    status, text = "not_applicable", f"read as {assumed}; the daemon's own test was not run"
    if host.missed:
        status, text = "indeterminate", f"{', '.join(host.missed)} may match files that are not in the repository"
    elif not any(item["status"] in ("fail", "pass", "excepted") for item in found):
        status, text = "indeterminate", "the files name no listener that could be judged"
    found.append(judge.finding("config.valid", status, "configured", about, text))
    for item in found:
        for one in item["provenance"]:
            one["file"] = _named(host, one["file"]) if one["file"] else ""
    return Judged(stack, path, sorted(found, key=judge.order), len(listeners), assumed)


class _Place(t.NamedTuple):
    file: str
    line: int
    text: str


def _named(host: Repository, path: str) -> str:
    """A file as the repository knows it, from where the command was given: that is what annotations are made of."""
    found = host.named(path)
    below = os.path.relpath(found)
    return found if found == path or below.startswith("..") else below


def _local(host: Repository, error: ConfigurationError) -> str:
    """The words of an error with the file as the repository knows it, and advice where a file is missing."""
    text = str(error).replace(error.file, _named(host, error.file), 1)
    return f"{text}; add it to the folder that is judged" if "cannot be read" in text else text


def _placed(path: str, layouts: t.Sequence[Layout]) -> tuple[Layout, Repository]:
    """The layout that fits, and the repository seen as the machine of that layout."""
    if os.path.isfile(path):
        for layout in layouts:
            if ("/" + os.path.abspath(path)).endswith("/" + layout.main):
                return layout, _repository(os.path.abspath(path)[: -len(layout.main)] or "/", layout)
        names = " or ".join(dict.fromkeys(layout.main for layout in layouts))
        raise InTransitError(f"{path}: the main file is called {names}; name that, or the folder it belongs into")
    for layout in layouts:
        if os.path.isdir(path + layout.home) and os.path.exists(path + posixpath.join(layout.home, layout.main)):
            return layout, Repository(path, "/", _brought(layout))
    for layout in layouts:
        if os.path.exists(os.path.join(path, layout.main)):
            return layout, _repository(path, layout)
    for layout in layouts:
        # A tree or a folder with parts of a configuration: the package brings the main file.
        if layout.main in layout.brought:
            inside = os.path.isdir(path + layout.home)
            return layout, Repository(path, "/", _brought(layout)) if inside else _repository(path, layout)
    names = " or ".join(dict.fromkeys(layout.main for layout in layouts))
    raise InTransitError(f"{path}: there is no {names} in it")


def _repository(folder: str, layout: Layout) -> Repository:
    return Repository(folder, layout.home, _brought(layout))


def _brought(layout: Layout) -> dict[str, bytes]:
    return {posixpath.join(layout.home, name): data for name, data in layout.brought.items()}
