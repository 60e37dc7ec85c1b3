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
from ..handshakes import AccessLog, Field, Logged, Sources, compiled
from .addresses import addresses
from .effective import listeners
from .grammar import no_collection
from .resolver import resolve

if t.TYPE_CHECKING:
    from ..contract import Document, Instance
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
            return None, "access_log is off"
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
