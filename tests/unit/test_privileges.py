"""What runs with rights runs no shell, leaves no file to others, and is on the page that says why it needs them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/privileges.md").read_text()
SOURCES = sorted((ROOT / "plugins").rglob("*.py"))

#: Words of a task that runs a shell, or splits a line as one does.
SHELLS = {"shell", "raw", "script", "expect"}
LINES = {"command", "cmd"}


def called(node):
    """The full name of what is called: ``os.chmod``."""
    return ast.unparse(node.func)


@pytest.fixture(scope="module")
def calls():
    """(file, line, name, call) of every call in what is shipped."""
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                found.append((path.relative_to(ROOT).as_posix(), node.lineno, called(node), node))
    assert len(found) > 5000
    return found


def test_no_program_is_started_by_a_shell(calls):
    shells = {
        "os.system",
        "os.popen",
        "subprocess.getoutput",
        "subprocess.getstatusoutput",
        "pty.spawn",
        "eval",
        "exec",
    }
    for path, line, name, node in calls:
        if path != "plugins/module_utils/run/bytecode.py":  # which does what every import does
            assert name not in shells, f"{path}:{line}: {name}"
        for keyword in node.keywords:
            shell = keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and not keyword.value.value)
            assert not shell or not name.startswith("subprocess"), f"{path}:{line}: {name}(shell=...)"
            assert keyword.arg != "use_unsafe_shell", f"{path}:{line}"
        argument = node.args[0] if node.args else None
        if name.startswith("subprocess.") and isinstance(argument, (ast.Constant, ast.JoinedStr)):
            raise AssertionError(f"{path}:{line}: a line where an argv is needed")


def test_what_a_shell_runs_is_a_constant():
    """A few lines of shell stand in the sources. What comes from elsewhere is an argument to them, and no part."""
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            words = node.elts if isinstance(node, ast.List) else []
            first = [getattr(word, "value", None) for word in words[:2]]
            if first not in (["sh", "-c"], ["/bin/sh", "-c"], ["bash", "-c"]):
                continue
            script = words[2]
            found.append(path.name)
            assert isinstance(script, ast.Constant) or ast.unparse(script).isupper(), f"{path}:{node.lineno}"
    assert found


def test_no_temporary_file_has_a_name_that_others_know(calls):
    for path, line, name, node in calls:
        assert name != "tempfile.mktemp", f"{path}:{line}"
        if name in ("open", "os.open", "os.mkdir", "os.makedirs", "io.open"):
            first = node.args[0]
            assert not (isinstance(first, ast.Constant) and str(first.value).startswith(("/tmp", "/var/tmp"))), path


def test_what_others_may_read_is_known(calls):
    """Every change of a mode, and what it is for. All else is made by mkstemp(3), for its owner alone."""
    known = {
        "plugins/module_utils/stacks/files.py": "the mode of the original; folders of configurations that daemons read",
        "plugins/module_utils/stacks/shadow.py": "a planned file for a daemon's own test, as the original",
        "plugins/module_utils/stacks/apache/trial.py": "a copy of a file for httpd's own test, as readable as that",
        "plugins/plugin_utils/evidence/publish.py": "metrics, which an agent of another user reads",
    }
    changing = {path for path, _line, name, _node in calls if name in ("os.chmod", "os.fchmod")}
    changing -= {path for path in changing if not _opens_to_others(path)}
    assert changing == set(known)


def _opens_to_others(path):
    """Whether the file changes a mode to another than one of the owner alone."""
    modes = re.findall(r"os\.f?chmod\([^,]+, ([^,)\n]+)", (ROOT / path).read_text())
    return any(not re.fullmatch("0o[0-7]00", mode) for mode in modes)


def tasks(node):
    """Every task of a YAML file, those in blocks as well."""
    if isinstance(node, list):
        for one in node:
            yield from tasks(one)
    elif isinstance(node, dict):
        yield node
        for key in ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            yield from tasks(node.get(key) or [])


def test_no_task_runs_a_shell_or_a_line():
    seen, shells = 0, []
    for path in [*(ROOT / "roles").glob("*/*/*.yml"), *(ROOT / "playbooks").glob("*.yml")]:
        for task in tasks(yaml.safe_load(path.read_text())):
            seen += 1
            for key, value in task.items():
                word = str(key).rpartition(".")[2]
                if word in SHELLS:
                    shells.append((path.name, str(value)))
                if word in LINES and (not isinstance(value, dict) or "argv" not in value):
                    raise AssertionError(f"{path}: {key}: argv is needed, not {value}")
    assert seen > 60
    assert [name for name, _value in shells] == ["selfcheck.yml"], "it asks a pipe of commands, and changes nothing"
    assert "{{" not in shells[0][1], "nothing in it comes from elsewhere"


def test_secrets_are_no_arguments_of_tasks():
    for path in [*(ROOT / "roles").glob("*/*/*.yml"), *(ROOT / "playbooks").glob("*.yml")]:
        for line in path.read_text().splitlines():
            assert not re.search(r"(?i)^\s*[a-z_]*(password|passphrase|secret|token)\s*:", line), f"{path}: {line}"


@pytest.mark.parametrize("kind", ["modules", "roles"])
def test_every_module_and_role_is_on_the_page(kind):
    places = (ROOT / "plugins/modules").glob("*.py") if kind == "modules" else (ROOT / "roles").iterdir()
    names = {path.stem for path in places if not path.name.startswith((".", "_"))}
    assert not [name for name in sorted(names) if f"`{name}`" not in PAGE]
