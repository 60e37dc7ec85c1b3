# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration as evidence: every file in the order HAProxy reads them and the listeners, without secrets."""

from __future__ import annotations

import typing as t

from .. import exporting
from ..contract import Document, ExportFile, Instance
from ..redact import is_secret_name
from .effective import listeners

if t.TYPE_CHECKING:
    from .grammar import Line, Word


def export(instance: Instance, documents: t.Sequence[Document]) -> list[ExportFile]:
    """The listeners first, as JSON, then one file for each document under its own path."""
    files = [exporting.listeners(listeners(instance, documents))]
    return files + [exporting.document(one, (word[:2] for word in secrets(one))) for one in documents]


def secrets(document: Document) -> t.Iterator[Word]:
    """Words that hold a secret by what their line means."""
    for line in document.tree.lines:
        yield from line.passwords()
        yield from _named(line)


def _named(line: Line) -> t.Iterator[Word]:
    name, args, words = line.name, line.args, line.words[1:]
    if name == "stats" and args[:1] == ["auth"]:
        yield from words[1:2]
    elif name in ("setenv", "presetenv") and args and is_secret_name(args[0]):
        yield from words[1:]
    elif name == "acl" and len(args) > 1 and is_secret_name(args[1].partition("(")[2] or args[0]):
        # What a header or parameter of that name is compared with.
        yield from (word for word in words[2:] if not word.text.startswith("-"))
    elif name in ("tcp-check", "http-check") and args[:1] and args[0].startswith("send"):
        yield from words[1:]
    elif name.startswith("http-") and len(args) > 2 and is_secret_name(args[1]):
        yield words[2]
