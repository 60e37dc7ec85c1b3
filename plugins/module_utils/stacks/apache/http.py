# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server says over HTTP about TLS: Strict-Transport-Security, and what plaintext gets beside a redirect.

Both are judged for the worst place under a server. What cannot be known from the files is not guessed: a header that
may come from an application is left out, an answer that may be content counts as content.
"""

from __future__ import annotations

import re
import typing as t

from .resolver import Scope, Statement

HSTS = "strict-transport-security"

#: Directives that hand requests below a path to programs, which may set headers of their own.
_HANDLERS = ("proxypass", "proxypassmatch", "wsgiscriptalias", "jkmount")

_REDIRECTS = ("redirect", "redirectmatch", "redirectpermanent", "redirecttemp")

#: HTTP-01 (RFC 8555, section 8.3) begins on port 80 and carries nothing secret.
_ACME = ".well-known/acme-challenge"

_MAX_AGE = re.compile(r"(?:^|;)\s*max-age\s*=\s*\\?\"?(\d+)", re.IGNORECASE)
_SETS = ("set", "setifempty", "add", "append", "merge")
#: Conditions that every TLS request fulfils.
_ALWAYS = re.compile(
    r"(?i)(?:env=https|expr=\s*%\{https\}\s*(?:==?|-eq)\s*['\"]?on['\"]?|expr=\s*%\{req_scheme\}\s*==?\s*['\"]?https['\"]?)\Z"
)
#: Patterns of mod_rewrite and RedirectMatch that match every path.
_EVERY_PATH = re.compile(r"\^?/?(?:\(?\.[*+?]?\)?)?\$?\Z|\^?/\?\(\.\*\)\$?\Z")
#: RewriteCond arguments that hold for every plaintext request.
_PLAIN_REQUEST = re.compile(
    r"(?i)(?:%\{https\} (?:!=? ?\"?on\"?|=?\"?off\"?|\^off\$|!\^?on\$?)"
    r"|%\{server_port\} (?:80|\^80\$|!443|!\^443\$))\Z"
)
_NOT_ACME = re.compile(r"(?i)%\{(?:request_uri|the_request|request_filename)\} !\S*\.?well-known/acme-challenge\S*\Z")


class Seen(t.NamedTuple):
    """A value and the directives that make it so."""

    value: t.Any
    statements: tuple[Statement, ...]


# --- Strict-Transport-Security --------------------------------------------------------------------------------------


class Header(t.NamedTuple):
    """One ``Header`` directive about Strict-Transport-Security. ``certain``: it applies to every response."""

    statement: Statement
    action: str
    value: str
    certain: bool


def headers(scope: Scope) -> list[Header]:
    """Those of this very section, in their order."""
    found = []
    for statement in scope.own("header"):
        args = statement.args
        if args and args[0].lower() in ("always", "onsuccess"):
            args = args[1:]
        if len(args) < 2 or args[1].rstrip(":").lower() != HSTS:
            continue
        condition = args[3] if len(args) > 3 else ""
        certain = not condition or bool(_ALWAYS.match(condition))
        found.append(Header(statement, args[0].lower(), args[2] if len(args) > 2 else "", certain))
    return found


def age_of(value: str) -> int | None:
    """The max-age in a header value; None where variables decide it."""
    match = _MAX_AGE.search(value)
    if match:
        return int(match.group(1))
    return None if "%{" in value else 0


def answering(server: Scope) -> list[Scope]:
    """The sections, inside the server or around it, whose headers a response can carry beside the server's own."""
    sections = (
        [section for section in server.parent.sections() if section.kind != "virtualhost"] if server.parent else []
    )
    found = [scope for section in [*sections, *server.sections()] for scope in section.below()]
    return [scope for scope in found if scope.own("header")]


def hsts(server: Scope) -> Seen | None:
    """The least max-age anywhere under a server, 0 where the header is missing; None when only programs know.

    The headers of main server, virtual host and sections are worked through in this order (mod_headers merges them).
    """
    base = [header for scope in ([server.parent, server] if server.parent else [server]) for header in headers(scope)]
    worst = _outcome(base)
    if worst is None:
        if _handed_on(server):
            return None
        worst = Seen(0, ())
    for scope in answering(server):
        seen = _outcome([*base, *headers(scope)])
        if seen is not None and seen.value is not None and (worst.value is None or seen.value < worst.value):
            worst = seen
    return worst if worst.value is not None else None


def _handed_on(server: Scope) -> bool:
    """Whether a program answers every request: nothing is known of its headers."""
    if server.own("sethandler") or any(scope.own("sethandler", *_HANDLERS) for scope in _roots(server)):
        return True
    paths = [item.args[0] for item in server.own(*_HANDLERS) if item.args]
    return any(path in ("/", "/*") or (path.startswith("^") and _EVERY_PATH.match(path)) for path in paths)


def _outcome(found: t.Sequence[Header]) -> Seen | None:
    """What a response carries after these directives; None when none of them has a say."""
    seen: Seen | None = None
    for header in found:
        if header.action == "unset":
            seen = Seen(0, (header.statement,))
        elif header.certain and header.action in _SETS:
            # A client heeds only the first of several headers (RFC 6797, section 8.1).
            if seen is None or not seen.value or header.action == "set":
                seen = Seen(age_of(header.value), (header.statement,))
        elif header.action.startswith("edit") and seen is not None:
            seen = Seen(None, (*seen.statements, header.statement))
    return seen


# --- plaintext ------------------------------------------------------------------------------------------------------


def plaintext(server: Scope) -> Seen:
    """``redirected`` or ``refused`` when every plaintext request certainly gets nothing else, ``served`` otherwise."""
    rewritten = _rewritten(server)
    if rewritten is not None:
        return rewritten
    for scope in [*_roots(server), server]:
        if scope.own("sslrequiressl"):
            return Seen("refused", tuple(scope.own("sslrequiressl")))
        requires = scope.own("require")
        if requires and all([word.lower() for word in item.args] == ["all", "denied"] for item in requires):
            return Seen("refused", tuple(requires))
    for statement in [item for scope in [server, *_roots(server)] for item in scope.own(*_REDIRECTS)]:
        answer = _redirect(statement)
        if answer is not None:
            return Seen(answer, (statement,))
    return Seen("served", ())


def _roots(server: Scope) -> list[Scope]:
    return [scope for scope in server.sections("location") if scope.args[:1] == ["/"]]


def _redirect(statement: Statement) -> str | None:
    """What ``Redirect`` and its like answer to every request; None when some requests pass it."""
    args = statement.args
    status = "302"
    if statement.name in ("redirect", "redirectmatch") and len(args) > 1 and re.match(r"\d+\Z|[a-z]+\Z", args[0]):
        status, args = args[0].lower(), args[1:]
    if status in ("gone",) or re.match(r"[45]\d\d\Z", status):
        return "refused" if args and args[0] == "/" else None
    path, target = (args[0], args[1]) if len(args) > 1 else ("/", args[0] if args else "")
    every = bool(_EVERY_PATH.match(path)) if statement.name == "redirectmatch" else path == "/"
    if statement.name == "redirectmatch" and _ACME in path.replace("\\", "") and "(?!" in path:
        every = True
    if not every:
        return None
    return "redirected" if target.lower().startswith("https://") else "served"


def _rewritten(server: Scope) -> Seen | None:
    """What mod_rewrite, which comes first, answers to every request; None when it has no say."""
    engine = server.own("rewriteengine")
    if not engine or [word.lower() for word in engine[-1].args] != ["on"]:
        return None
    conditions: list[Statement] = []
    for item in server.own("rewritecond", "rewriterule"):
        if item.name == "rewritecond":
            conditions.append(item)
            continue
        args = item.args
        sure = all(_holds(condition) for condition in conditions)
        flags = args[2].strip("[]").lower().split(",") if len(args) > 2 else []
        conditions = []
        if len(args) < 2 or (args[1] == "-" and _ACME in args[0].replace("\\", "")):
            continue
        if sure and _EVERY_PATH.match(args[0]):
            if args[1].lower().startswith("https://"):
                return Seen("redirected", (item,))
            refused = any(flag.strip() in ("f", "forbidden", "g", "gone") for flag in flags)
            return Seen("refused" if refused else "served", (item,))
        if not args[1].lower().startswith("https://"):
            # Something may be answered before any redirect below is reached.
            return Seen("served", (item,))
    return None


def _holds(condition: Statement) -> bool:
    text = " ".join(condition.args[:2])
    return bool(_PLAIN_REQUEST.match(text) or _NOT_ACME.match(text.replace("\\", "")))
