# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an auditor asks about a run itself: when, where, by whom, with which versions, parameters and inventory."""

from __future__ import annotations

import ctypes
import datetime
import getpass
import hashlib
import json
import os
import platform
import re
import subprocess
import typing as t

import yaml

from .run import Json
from .text import plain

#: Folder of the collection this file belongs to.
_ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 3))
#: adjtimex(2): the return value that says the kernel does not hold its clock for synchronised.
_TIME_ERROR = 5
#: Larger than struct timex on every platform; all zero means "read only".
_TIMEX_BYTES = 512


def now() -> str:
    """The time in UTC, to the second, as RFC 3339 with Z."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def start() -> Json:
    """Id and start of a run. Ids sort by time and differ between control nodes."""
    started = now()
    return {"run_id": re.sub("[-:]", "", started) + "-" + os.urandom(3).hex(), "started": started}


def collect(run: Json, variables: t.Mapping[str, t.Any], extra_vars: t.Iterable[str], check_mode: bool) -> Json:
    """All facts of ``run`` (from :func:`start`), which ends now.

    ``variables`` are the task's variables; of ``extra_vars`` only the names are told, since values may be secret.
    """
    sources = variables.get("ansible_inventory_sources") or []
    return {
        "run_id": run["run_id"],
        "started": run["started"],
        "ended": now(),
        "clock": clock(),
        "control_node": platform.node(),
        "operator": operator(variables, os.environ),
        "versions": versions(variables["ansible_version"]["full"]),
        "git": git(variables["playbook_dir"]) or git(os.curdir),
        "inventory": inventory([sources] if isinstance(sources, str) else sources),
        "parameters": {
            "limit": variables.get("ansible_limit"),
            "tags": [tag for tag in variables.get("ansible_run_tags") or [] if tag != "all"],
            "skip_tags": list(variables.get("ansible_skip_tags") or []),
            "extra_vars": sorted(extra_vars),
            "check_mode": check_mode,
        },
    }


def clock() -> Json:
    """Whether the kernel holds this machine's clock for synchronised. Needs no time daemon and no privilege."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        state = -1
    if state < 0:
        return {"source": "unknown", "synchronized": None}
    return {"source": "kernel (adjtimex)", "synchronized": state != _TIME_ERROR}


def operator(variables: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> Json:
    """Who started the run, as far as the machine knows."""
    controller = variables.get("awx_user_name") or variables.get("tower_user_name")
    if controller:
        started_by = "awx"
    elif "INVOCATION_ID" in environment and "XDG_SESSION_ID" not in environment:
        started_by = "systemd"
    elif environment.get("CI"):
        started_by = "ci"
    else:
        started_by = "terminal" if os.isatty(0) else "unknown"
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    on_behalf_of = controller or environment.get("SUDO_USER") or None
    return {"user": user, "on_behalf_of": plain(on_behalf_of), "started_by": started_by}


def git(folder: str) -> Json | None:
    """The repository around the folder, its commit, and whether anything in it was uncommitted; None without one."""

    def run(*arguments: str) -> str:
        command = ["git", "-C", folder, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    try:
        return {
            "repository": run("rev-parse", "--show-toplevel").rstrip("\n"),
            "commit": run("rev-parse", "HEAD").strip(),
            "dirty": bool(run("status", "--porcelain")),
        }
    except (OSError, subprocess.SubprocessError):
        return None


def inventory(sources: t.Iterable[str]) -> list[Json]:
    """Each source with its digest: of the file, of a folder's sorted listing, or of the text of a host list."""
    return [_inventory_source(str(source)) for source in sources]


def _inventory_source(source: str) -> Json:
    if os.path.isdir(source):
        lines = []
        for folder, folders, files in os.walk(source):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            lines += [_listing_line(os.path.join(folder, name), source) for name in files]
        text = "".join(sorted(lines)).encode("utf-8", "surrogateescape")
        return {"source": source, "files": len(lines), "sha256": hashlib.sha256(text).hexdigest()}
    if "," in source and not os.path.exists(source):
        return {"source": source, "files": 0, "sha256": hashlib.sha256(source.encode()).hexdigest()}
    digest = _digest(source)
    return {"source": source, "files": 1 if digest else 0, "sha256": digest}


def _listing_line(path: str, below: str) -> str:
    return f"{_digest(path) or 'unreadable'}  {os.path.relpath(path, below)}\n"


def _digest(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return None


def versions(ansible_core: str) -> Json:
    """Versions of what made the evidence. The wire engine has the version of the collection it is part of."""
    return {"collection": collection(), "ansible_core": ansible_core, "python": platform.python_version()}


def collection(root: str = _ROOT) -> str:
    """Version of this collection: from the manifest where it is installed, from galaxy.yml in a checkout."""
    try:
        with open(os.path.join(root, "MANIFEST.json"), encoding="utf-8") as file:
            return str(json.load(file)["collection_info"]["version"])
    except FileNotFoundError:
        with open(os.path.join(root, "galaxy.yml"), encoding="utf-8") as file:
            return str(yaml.safe_load(file)["version"])
