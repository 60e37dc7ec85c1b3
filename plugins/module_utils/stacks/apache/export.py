# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration as evidence: every file httpd reads and the listeners, without secrets.

Directives are redacted by what they mean; then the whole text, comments included, by the signs all stacks share.
"""

from __future__ import annotations

import re
import typing as t

from .. import exporting
from ..contract import Document, ExportFile, Instance
from ..redact import is_secret_name
from .effective import listeners
from .grammar import Directive

#: Directives whose every argument is secret.
_SECRET = {
    "authldapbindpassword", "dbdparams", "mdexternalaccountbinding", "oidcclientsecret", "oidccryptopassphrase",
    "sessioncryptopassphrase", "sslsrpunknownuserseed",
}  # fmt: skip

#: Directives of the form ``what name value``: secret where the name says so.
_NAMED = (
    "setenv",
    "setenvif",
    "define",
    "header",
    "requestheader",
    "wsgidaemonprocess",
    "php_value",
    "php_admin_value",
)

#: Parameters in the lines of any directive: ``secret=…`` of ProxyPass, ``password=…`` of others.
_PARAMETER = re.compile(rb"(?i)\b(?:secret|password|passwd|bindpw|pass|token|key)=(\"[^\"]*\"|'[^']*'|\S+)")


def export(instance: Instance, documents: t.Sequence[Document]) -> list[ExportFile]:
    """The listeners first, as JSON, then one file for each document under its own path."""
    files = [exporting.listeners(listeners(instance, documents))]
    return files + [exporting.document(document, _secrets(document)) for document in documents]


def _secrets(document: Document) -> t.Iterator[tuple[int, int]]:
    """Spans that hold a secret by what the directive means."""
    for directive in document.tree.walk():
        if directive.children is not None:
            if directive.name in ("perl", "luaquickhandler"):
                yield directive.next, directive.close
            continue
        start, end = directive.arguments
        if directive.name in _SECRET and start < end:
            yield start, end
        elif directive.name in _NAMED:
            yield from _named(directive, start, end)
        else:
            for match in _PARAMETER.finditer(document.data, start, end):
                yield match.span(1)


def _named(directive: Directive, start: int, end: int) -> t.Iterator[tuple[int, int]]:
    words = list(re.finditer(rb"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\S+", directive.tree.data[start:end]))
    for number, match in enumerate(words[:-1]):
        name = match.group().decode("utf-8", "replace")
        # "Header set Authorization …" passes a secret on; "%{…}e" takes it from somewhere else.
        if is_secret_name(name) and not words[number + 1].group().startswith((b"%{", b'"%{')):
            yield start + words[number + 1].start(), start + words[-1].end()
            return
    for match in _PARAMETER.finditer(directive.tree.data, start, end):
        yield match.span(1)
