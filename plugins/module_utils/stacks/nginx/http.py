# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server says over HTTP about TLS: Strict-Transport-Security, and what plaintext gets beside a redirect.

Both are judged for the worst place under a server. What cannot be known from the files is not guessed: a header that
may come from an application is left out, an answer that may be content counts as content.
"""

from __future__ import annotations

import re
import typing as t

from .grammar import Directive
from .resolver import Scope

HSTS = "strict-transport-security"

#: Directives that hand a request to a program which may set headers of its own.
_HANDLERS = (
    "proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass", "js_content", "perl",
    "content_by_lua", "content_by_lua_block", "content_by_lua_file",
)  # fmt: skip

#: HTTP-01 (RFC 8555, section 8.3) begins on port 80 and carries nothing secret.
_ACME = "/.well-known/acme-challenge"

_MAX_AGE = re.compile(r"(?:^|;)\s*max-age\s*=\s*\"?(\d+)", re.IGNORECASE)
#: Regular expressions that match every path.
_EVERY_PATH = re.compile(r"\^?/?(?:\(?\.[*+]\)?)?\$?\Z|\^?/\?\(\.\*\)\$?\Z")
#: Conditions that hold for every plaintext request.
_PLAIN_REQUEST = re.compile(
    r"\(\s*(?:\$scheme\s*=\s*http|\$scheme\s*!=\s*https|\$https\s*=|\$https\s*!=\s*on|\$ssl_protocol\s*=)\s*\)\Z"
)


class Seen(t.NamedTuple):
    """A value and the directives that make it so."""

    value: t.Any
    directives: tuple[Directive, ...]


# --- Strict-Transport-Security --------------------------------------------------------------------------------------


def headers(scope: Scope) -> list[Directive]:
    """The ``add_header`` directives in force in a block, under ``add_header_inherit`` (1.29.3) where it is used."""
    inherit = scope.inherited("add_header_inherit")
    mode = inherit[-1].args[:1] if inherit else []
    own = scope.own("add_header")
    if mode == ["off"]:
        return own
    if mode == ["merge"]:
        return [*own, *(headers(scope.parent) if scope.parent else [])]
    if own or scope.parent is None:
        return own
    return headers(scope.parent)


def header_ages(scope: Scope) -> tuple[list[int | None], list[Directive]]:
    """The max-age of each HSTS header a response of this block carries, None where a variable decides it."""
    ages: list[int | None] = []
    used = []
    for directive in headers(scope):
        args = directive.args
        if len(args) >= 2 and args[0].lower() == HSTS and args[1]:
            match = _MAX_AGE.search(args[1])
            ages.append(None if "$" in args[1] else int(match.group(1)) if match else 0)
            used.append(directive)
    for directive in _more_headers(scope):
        for arg in directive.args:
            name, colon, value = arg.partition(":")
            if colon and name.strip().lower() == HSTS:
                match = _MAX_AGE.search(value)
                ages.append(None if "$" in value else int(match.group(1)) if match else 0)
                used.append(directive)
    return ages, used


def _more_headers(scope: Scope) -> list[Directive]:
    """``more_set_headers`` (headers-more) adds up over the levels."""
    found = []
    level: Scope | None = scope
    while level is not None:
        found += level.own("more_set_headers")
        level = level.parent
    return found


def answering(server: Scope) -> list[Scope]:
    """The blocks whose headers a response of this server can carry."""
    inner = [scope for scope in server.below() if scope.kind in ("location", "if") and _is_final(scope)]
    roots = [scope for scope in inner if scope.kind == "location" and _path(scope) == "/"]
    if roots and not server.own("return"):
        return inner
    return [server, *inner]


def _is_final(scope: Scope) -> bool:
    """A location, or an ``if`` in one: those of a server only answer with what they return."""
    return scope.kind == "location" or scope.around("location") is not None


def _path(location: Scope) -> str:
    """The prefix of a location; empty for a regular expression, a name or an exact path."""
    args = location.directive.args if location.directive else []
    if len(args) == 1 and not args[0].startswith(("~", "@", "=")):
        return args[0]
    return args[1] if len(args) == 2 and args[0] == "^~" else ""


def hsts(server: Scope) -> Seen | None:
    """The least max-age anywhere under a server, 0 where the header is missing; None when only programs know."""
    worst: Seen | None = None
    for scope in answering(server):
        ages, used = header_ages(scope)
        if not ages and any(scope.own(name) for name in _HANDLERS):
            continue
        # A client heeds only the first of several headers (RFC 6797, section 8.1).
        age = ages[0] if ages else 0
        if age is not None and (worst is None or age < worst.value):
            own = scope.own("add_header")
            opener = [scope.directive] if scope.directive else []
            worst = Seen(age, tuple(used or own or opener))
    return worst


# --- plaintext ------------------------------------------------------------------------------------------------------


def plaintext(server: Scope, port: int) -> Seen:
    """``redirected`` or ``refused`` when every plaintext request certainly gets nothing else, ``served`` otherwise."""
    outcome = _outcome(server, port)
    if outcome is not None:
        return outcome
    locations = server.blocks("location")
    if not any(_path(location) == "/" for location in locations):
        return Seen("served", _places(server))
    seen = []
    for location in locations:
        if _path(location).startswith(_ACME) or (location.directive and _ACME in location.directive.args[-1:]):
            continue
        outcome = _outcome(location, port)
        if outcome is None or outcome.value == "served":
            return Seen("served", _places(location))
        seen.append(outcome)
    value = "redirected" if any(item.value == "redirected" for item in seen) else "refused"
    return Seen(value, tuple(directive for item in seen for directive in item.directives))


def _places(scope: Scope) -> tuple[Directive, ...]:
    return tuple(scope.own("listen")) or ((scope.directive,) if scope.directive else ())


def _outcome(scope: Scope, port: int) -> Seen | None:
    """What the rewrite module answers in this block to a plaintext request, None when it may let one through.

    It works through ``return``, ``rewrite`` and ``if`` in their order (ngx_http_rewrite_module).
    """
    seen: list[Seen] = []
    for item in scope.items:
        if isinstance(item, Scope):
            if item.kind != "if":
                continue
            inner = _outcome(item, port)
            if inner is None:
                if any(item.own(name) for name in ("break", "rewrite", *_HANDLERS)):
                    return None
                continue
            seen.append(inner)
            if _always(item, port):
                break
        elif item.name in ("return", "rewrite"):
            answer = _answer(item)
            if answer is None:
                # A rewrite that goes on with another path; with "break" or "last" the rest of the block is skipped.
                if item.name == "return" or item.args[2:] in (["break"], ["last"]):
                    return None
                continue
            seen.append(Seen(answer, (item,)))
            if item.name == "return" or _EVERY_PATH.match(item.args[0]):
                break
        elif item.name == "break":
            return None
    else:
        return None
    if any(item.value == "served" for item in seen):
        return Seen("served", tuple(d for item in seen if item.value == "served" for d in item.directives))
    value = "redirected" if any(item.value == "redirected" for item in seen) else "refused"
    return Seen(value, tuple(directive for item in seen for directive in item.directives))


def _answer(directive: Directive) -> str | None:
    args = directive.args
    if directive.name == "rewrite":
        if len(args) >= 2 and args[1].lower().startswith("https://"):
            return "redirected"
        return "served" if len(args) >= 2 and args[1].lower().startswith("http://") else None
    if not args:
        return None
    code, target = (args[0], args[1] if len(args) > 1 else "") if args[0].isdigit() else ("302", args[0])
    if code in ("301", "302", "303", "307", "308"):
        return "redirected" if target.lower().startswith("https://") else "served"
    return "refused" if code.startswith(("4", "5")) else "served"


def _always(scope: Scope, port: int) -> bool:
    """Whether the condition of an ``if`` holds for every plaintext request on that port."""
    args = scope.directive.args if scope.directive else []
    text = " ".join(args)
    return bool(_PLAIN_REQUEST.match(text)) or text == f"($server_port = {port})"
