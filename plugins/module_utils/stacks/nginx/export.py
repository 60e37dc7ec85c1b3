# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration as evidence: every file in the order nginx reads them and the listeners, without secrets.

Directives are redacted by what they mean; then the whole text, comments included, by the signs all stacks share.
Line numbers stay those of the real files, so that provenance can be followed.
"""

from __future__ import annotations

import re
import typing as t

from .. import exporting
from ..contract import Document, ExportFile, Instance
from ..redact import is_secret_name, looks_random
from .effective import listeners
from .grammar import Directive, Token

#: The argument (counted from 1) that is secret if the one before it names a secret: header and variable setters.
_NAMED = {
    "add_header", "add_trailer", "auth_jwt_claim_set", "env", "fastcgi_param", "grpc_set_header", "js_var",
    "more_set_headers", "more_set_input_headers", "proxy_set_header", "scgi_param", "set", "uwsgi_param",
}  # fmt: skip

#: Directives whose every argument is secret.
_SECRET = {"auth_jwt_key", "secure_link_md5", "secure_link_secret", "session_log_zone_key", "zone_sync_ssl_password"}

#: Data blocks: their entries are ``what value;`` and the block's own arguments name the value.
_TABLES = {"map", "geo", "split_clients"}

_VARIABLE = re.compile(r"\$\{?\w+\}?")


def export(instance: Instance, documents: t.Sequence[Document]) -> list[ExportFile]:
    """The listeners first, as JSON, then one file for each document under its own path."""
    files = [exporting.listeners(listeners(instance, documents))]
    return files + [exporting.document(document, _secrets(document)) for document in documents]


def _secrets(document: Document) -> t.Iterator[tuple[int, int]]:
    """Spans that hold a secret by what the directive means."""
    tables: list[tuple[int, bool]] = []
    for directive in document.tree.walk():
        while tables and directive.start >= tables[-1][0]:
            tables.pop()
        if directive.is_code:
            # Lua holds whatever its author needed at hand.
            start, end = directive.head + 1, directive.end - 1
            yield start, start + len(document.data[start:end].rstrip())
            continue
        if directive.children is not None:
            if directive.name in _TABLES:
                tables.append((directive.end, any(map(is_secret_name, directive.args))))
            continue
        tokens = directive.tokens
        if tables:
            yield from _table_entry(tokens, tables[-1][1])
        elif directive.name in _SECRET:
            yield from (_inside(directive, token) for token in tokens[1:])
        elif directive.name in _NAMED:
            yield from _named(directive, tokens)
        elif directive.name.endswith(("_by_lua", "perl_set", "perl")):
            yield from (_inside(directive, token) for token in tokens[1:] if len(token.value) > 40)
        elif is_secret_name(directive.name) and not directive.name.endswith("_file"):
            yield from (_inside(directive, token) for token in tokens[1:] if _constant(token.value))


def _table_entry(tokens: t.Sequence[Token], secret: bool) -> t.Iterator[tuple[int, int]]:
    for token in tokens:
        named = secret and _constant(token.value) and token.value not in ("default", "include")
        if named or looks_random(token.value):
            yield token.start, token.end


def _named(directive: Directive, tokens: t.Sequence[Token]) -> t.Iterator[tuple[int, int]]:
    if directive.name.startswith("more_"):
        for token in tokens[1:]:
            name, colon, _value = token.value.partition(":")
            if colon and is_secret_name(name):
                yield _inside(directive, token)
        return
    if directive.name == "env":
        for token in tokens[1:]:
            name, equals, _value = token.value.partition("=")
            if equals and is_secret_name(name):
                yield token.start, token.end
        return
    if len(tokens) > 2 and is_secret_name(tokens[1].value):
        yield from (_inside(directive, token) for token in tokens[2:] if _constant(token.value))


def _constant(value: str) -> bool:
    """Whether a value holds more than variables: ``$http_authorization`` passes on, it does not tell."""
    return bool(re.search(r"[A-Za-z0-9]", _VARIABLE.sub("", value)))


def _inside(directive: Directive, token: Token) -> tuple[int, int]:
    """The span of a word without its quotes."""
    quoted = directive.tree.data[token.start : token.start + 1] in (b'"', b"'")
    return token.start + quoted, token.end - quoted
