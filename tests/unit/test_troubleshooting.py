"""The page of error messages quotes what the code says: a message that is reworded takes its row along."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
#: First cells of the tables. Words of others than us are in italics and cannot be checked here.
MESSAGES = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)
END = "\1"


def texts(node: ast.AST) -> list[str]:
    """String literals in a tree; what an f-string fills in is left as a NUL."""
    found = []
    for one in ast.walk(node):
        if isinstance(one, ast.JoinedStr):
            found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in one.values))
        elif isinstance(one, ast.Constant) and isinstance(one.value, str):
            found.append(one.value)
    return found


@functools.cache
def said() -> str:
    """Everything our code, roles and playbooks could say, with END behind each text."""
    python = [texts(ast.parse(path.read_text(encoding="utf-8"))) for path in (ROOT / "plugins").rglob("*.py")]
    yaml = [path for folder in ("roles", "playbooks") for path in (ROOT / folder).rglob("*.yml")]
    lines = [re.sub(r"{{.*?}}", "\0", path.read_text(encoding="utf-8")).splitlines() for path in yaml]
    return "".join(f"{text}{END}" for text in {text for many in (*python, *lines) for text in many})


def pattern(message: str) -> re.Pattern[str]:
    # "..." at an end may stand for what another piece of code puts there.
    inner = re.sub(r"^(\.\.\.[:;]? ?)|([:;]? ?\.\.\.)$", "", message)
    return re.compile(f"[^{END}]*".join(re.escape(part) for part in inner.split("...")))


@pytest.mark.parametrize("message", MESSAGES)
def test_the_code_says_so(message: str) -> None:
    assert pattern(message).search(said()), message


def test_a_message_nobody_says_is_noticed() -> None:
    assert len(MESSAGES) > 40
    assert not pattern("... is on fire; fetch water").search(said())
