# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration as evidence, without secrets: passwords in inline tables and of database lookups in main.cf."""

from __future__ import annotations

import re
import typing as t

from .. import exporting
from ..contract import Document, ExportFile, Instance
from ..redact import is_secret_name
from .effective import listeners

if t.TYPE_CHECKING:
    from .grammar import Assignment

#: Old-style LDAP and SQL lookups keep their passwords in main.cf: ``name_bind_pw``, ``name_password`` (ldap_table(5)).
_PASSWORD = re.compile(r"(?i)(?:^|_)(?:bind_pw|pw|password|passwd|secret)$")
#: A value that names a table, where the secret is in another file.
_TABLE = re.compile(r"(?:proxy:)?(?!inline:|static:)[a-z0-9_]+:\S+\Z")
#: Entries of ``inline:{ key=value, { key = value } }``; the key of a password is no secret.
_ENTRY = re.compile(rb"(?<![<>=!])=\s*([^\s,{}]+)")


def export(instance: Instance, documents: t.Sequence[Document]) -> list[ExportFile]:
    files = [exporting.listeners(listeners(instance, documents))]
    for number, document in enumerate(documents):
        files.append(exporting.document(document, _secrets(document) if number < 2 else ()))
    return files


def _secrets(document: Document) -> t.Iterator[tuple[int, int]]:
    tree = document.tree
    for entry in (*tree.parameters, *(option for service in tree.services for option in service.options)):
        for start, end in _inside(entry):
            yield from entry.logical.spans(start, end)


def _inside(entry: Assignment) -> t.Iterator[tuple[int, int]]:
    """Places of secrets in the text of the entry's logical line."""
    value = entry.value
    if not value or not (is_secret_name(entry.name) or _PASSWORD.search(entry.name)):
        return
    if "inline:" in value:
        for match in _ENTRY.finditer(entry.logical.text, entry.start, entry.end):
            yield match.span(1)
    elif "static:" in value or not all(map(_TABLE.match, re.split(r"[,\s]+", value))):
        yield entry.start, entry.end
