# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which access logs of nginx tell protocol and suite (ngx_http_log_module, ngx_stream_log_module, ngx_http_ssl_module).

A server's access logs are those of its own block, else of the blocks around it; blocks inside may have others. Only
requests are logged: a handshake without one leaves no line.
"""

from __future__ import annotations

import os.path
import re
import typing as t

from ...errors import InTransitError
from .. import switching
from ..handshakes import AccessLog, Field, Logged, Sources, compiled
from . import layout
from .addresses import addresses
from .effective import listeners
from .grammar import no_collection
from .resolver import resolve

if t.TYPE_CHECKING:
    from ..contract import Document, Edit, Instance
    from .grammar import Directive
    from .resolver import Scope

#: Variables and what they hold. With the realip module $remote_addr may be what a header says of somebody further away.
_FIELDS = {
    "realip_remote_addr": Field("client", 0),
    "remote_addr": Field("client", 1),
    "ssl_protocol": Field("protocol"),
    "ssl_cipher": Field("suite"),
    "server_port": Field("port"),
    "ssl_server_name": Field("name", 0),
    "server_name": Field("name", 1),
    "time_local": Field("common"),
    "time_iso8601": Field("iso"),
    "msec": Field("seconds"),
}
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")

_OFF = "access_log is off"

#: Blocks that can have access logs of their own within a server.
_INNER = ("location", "if", "limit_except", "server")


def fields(text: str) -> list[str | Field]:
    """A log format as literal texts and fields."""
    found: list[str | Field] = []
    at = 0
    for match in _VARIABLE.finditer(text):
        found += (text[at : match.start()], _FIELDS.get(match.group(1) or match.group(2), Field()))
        at = match.end()
    return [*found, text[at:]]


def _formats(module: Scope) -> dict[str, str]:
    """Every log_format by name; nginx joins the strings of one without anything between."""
    found = {}
    for directive in module.own("log_format"):
        words = [word for word in directive.args[1:] if not word.startswith("escape=")]
        found[directive.args[0]] = "".join(words)
    return found


def _log(directive: Directive, formats: t.Mapping[str, str], prefix: str) -> AccessLog:
    """What an access_log tells. Raises InTransitError with the reason why it tells nothing."""
    path, *words = directive.args
    name = words[0] if words else "combined"
    if path.startswith("syslog:"):
        raise InTransitError(f"{path} goes elsewhere")
    if "$" in path:
        raise InTransitError(f"the name of {path} has variables in it")
    condition = next((word[3:] for word in words if word.startswith("if=")), "")
    # For requests without TLS the variable is empty, and there is nothing to be told of them.
    condition = "" if condition in ("$ssl_protocol", "$ssl_cipher", "$https") else condition
    form = formats.get(name, "")
    try:
        return AccessLog(os.path.join(prefix, path), form, compiled(fields(form)), condition)
    except InTransitError as error:
        raise InTransitError(f"log_format {name}: {error}") from error


def _logs(scope: Scope, formats: t.Mapping[str, str], prefix: str) -> tuple[AccessLog | None, str]:
    """The one access log of a block to read, and what it does not tell; None with the reason."""
    reasons: list[str] = []
    found: list[AccessLog] = []
    for directive in scope.inherited("access_log"):
        if directive.args == ["off"]:
            return None, _OFF
        try:
            found.append(_log(directive, formats, prefix))
        except InTransitError as error:
            reasons.append(str(error))
    return AccessLog.best(found, reasons, "no access_log is set, and the built-in one has no TLS in it")


@no_collection()
def logged(instance: Instance, documents: t.Sequence[Document]) -> Logged:
    """The access logs of the servers that speak TLS."""
    main = resolve(documents)
    pairs = [(address, server) for address in addresses(main, instance) for server, _names in address.servers]
    sources, silent = Sources(), []
    known: dict[int, tuple[list[AccessLog], str, list[str]]] = {}
    for (address, server), listener in zip(pairs, listeners(instance, documents)):
        if not address.tls:
            continue
        if id(server) not in known:
            known[id(server)] = _of_server(server, address.context, instance.facts["prefix"])
        used, reason, gaps = known[id(server)]
        if not used:
            silent.append((listener, "the mail module has no access log" if address.context == "mail" else reason))
        for one in used:
            sources.add(one, listener, gaps)
    return Logged(sources.all(), tuple(silent))


def _of_server(server: Scope, context: str, prefix: str) -> tuple[list[AccessLog], str, list[str]]:
    """Logs of a server and of the blocks in it; why there are none; what they leave out."""
    module = server.around(context)
    formats = _formats(module) if module else {}
    best, reason = _logs(server, formats, prefix)
    used = {best.path: best} if best else {}
    gaps = [reason] if best and reason else []
    for scope in server.below():
        if scope is not server and scope.kind in _INNER and scope.own("access_log"):
            inner, why = _logs(scope, formats, prefix)
            if inner:
                used.setdefault(inner.path, inner)
            if why and scope.directive is not None:
                gaps.append(f"{scope.directive.text}: {why}" if scope.directive.text else why)
    if not best and used:
        gaps.append(reason)
    return list(used.values()), reason, gaps


# --- switching it on and off ------------------------------------------------------------------------------------------

#: Only what the server itself knows, and the name the client asked for. Nothing else of the request is written down.
_FORM = "'$remote_addr [$time_iso8601] $ssl_protocol $ssl_cipher $server_port $ssl_server_name'"


@no_collection()
def switched(instance: Instance, documents: t.Sequence[Document], on: bool) -> list[Edit]:
    """One access log more wherever those in force tell nothing of TLS; or without ours again.

    Where the log is off it stays off: another access_log would not change that. An http block without any gets the
    built-in one written out, which the first other one would replace.
    """
    main = resolve(documents)
    spans: dict[tuple[str, layout.Span], Directive] = {}

    def note(directive: Directive, span: layout.Span) -> None:
        spans.setdefault((directive.tree.path, span), directive)

    for module in main.blocks("http", "stream"):
        if not on:
            for scope in module.below():
                for item in [*scope.own("log_format")[:], *scope.own("access_log")]:
                    place = 0 if item.name == "log_format" else 1
                    if item.args[place : place + 1] == [switching.NAME] and layout.removable(item):
                        note(item, layout.remove(item))
            continue
        holders = _holders(module, main, instance)
        path = _beside(module, instance)
        if not holders or not path or module.directive is None:
            continue
        if not any(item.args[:1] == [switching.NAME] for item in module.own("log_format")):
            note(module.directive, layout.insert(module.directive, f"log_format {switching.NAME} {_FORM};", "\0"))
        for holder in holders:
            if holder.directive is None:
                continue
            if not holder.own("access_log") and holder.kind == "http":
                if not instance.facts.get("access_log"):
                    continue
                line = f"access_log {instance.facts['access_log']} combined;"
                note(holder.directive, layout.insert(holder.directive, line, "access_log"))
            line = f"access_log {path} {switching.NAME} if=$ssl_protocol;"
            note(holder.directive, layout.insert(holder.directive, line, "access_log"))
    return [switching.edit(path, directive.tree.data, span, on) for (path, span), directive in spans.items()]


def _holders(module: Scope, main: Scope, instance: Instance) -> list[Scope]:
    """Blocks whose access logs are in force for TLS and tell nothing of it, each once."""
    formats, prefix = _formats(module), instance.facts["prefix"]
    found: dict[int, Scope] = {}
    for address in addresses(main, instance):
        for server, _names in address.servers if address.tls else ():
            for scope in server.below() if server.around(module.kind) is module else ():
                if scope is not server and not (scope.kind in _INNER and scope.own("access_log")):
                    continue
                best, reason = _logs(scope, formats, prefix)
                if reason and (best or reason != _OFF):
                    holder = scope.nearest("access_log") or module
                    found.setdefault(id(holder), holder)
    return list(found.values())


def ours(documents: t.Iterable[Document], prefix: str) -> list[str]:
    """The files our logs are written to."""
    return [
        os.path.join(prefix, directive.args[0])
        for document in documents
        if switching.NAME.encode() in document.data
        for directive in document.tree.walk()
        if directive.name == "access_log" and directive.args[1:2] == [switching.NAME]
    ]


def _beside(module: Scope, instance: Instance) -> str:
    """Our file: in the folder of a log that is there already, so that rotation finds it too."""
    named = [item.args[0] for scope in module.below() for item in scope.own("access_log") if item.args]
    for name in [*named, instance.facts.get("access_log", "")]:
        path = os.path.join(instance.facts["prefix"], name)
        if name and name != "off" and not re.search(r"[$\s;{}\"']|^syslog:", name) and not path.startswith("/dev/"):
            return f"{os.path.dirname(path)}/{switching.NAME}.log"
    return ""
