# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which access logs of httpd tell protocol and suite (mod_log_config, and "Custom Log Formats" of mod_ssl).

A virtual host with a log of its own does not write to those of the main server; GlobalLog (2.4.19) takes the requests
of all of them. Only requests are logged: a handshake without one leaves no line.
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
from .resolver import resolve

if t.TYPE_CHECKING:
    from ..contract import Document, Edit, Instance
    from .resolver import Configuration, Scope, Statement

#: One item of a format: conditions and modifiers in any order, an argument in braces, and what is meant.
_ITEM = re.compile(r"%(?:[!<>,0-9]|\{([^}]*)\})*(\^[A-Za-z]{2}|[A-Za-z%])")

#: Items by letter and argument. %a may be what mod_remoteip took from a header, %h a name; %{c}a is the peer itself.
_FIELDS = {
    ("a", "c"): Field("client", 0),
    ("a", ""): Field("client", 1),
    ("h", "c"): Field("client", 2),
    ("h", ""): Field("client", 3),
    ("x", "SSL_PROTOCOL"): Field("protocol"),
    ("c", "version"): Field("protocol", 1),
    ("x", "SSL_CIPHER"): Field("suite"),
    ("c", "cipher"): Field("suite", 1),
    ("p", "local"): Field("port"),
    ("x", "SSL_TLS_SNI"): Field("name", 0),
    ("v", ""): Field("name", 1),
    ("t", "sec"): Field("seconds"),
    ("t", "msec"): Field("milliseconds"),
    ("t", "usec"): Field("microseconds"),
}

#: Directives that name a log, those of a virtual host in place of the main server's.
_LOGS = ("customlog", "transferlog")
_COMMON = '%h %l %u %t "%r" %>s %b'


def fields(text: str) -> list[str | Field]:
    """A log format as literal texts and fields."""
    found: list[str | Field] = []
    at = 0
    for match in _ITEM.finditer(text):
        found.append(_unescaped(text[at : match.start()]))
        argument, letter = match.group(1) or "", match.group(2)
        if letter == "%":
            found.append("%")
        elif (letter, argument) == ("t", ""):
            found += ("[", Field("common"), "]")
        else:
            found.append(_FIELDS.get((letter, argument.partition(":")[2] or argument), Field()))
        at = match.end()
    return [*found, _unescaped(text[at:])]


def _unescaped(text: str) -> str:
    """What parse_log_misc_string makes of the text between items."""
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t", "r": "\r"}.get(match.group(1), match.group()), text)


def _formats(scope: Scope) -> tuple[dict[str, str], str]:
    """Formats by nickname, and the one in force without: of the main server, and of the virtual host above it."""
    named, default = {}, _COMMON
    for statement in scope.merged("logformat"):
        words = statement.args
        if len(words) > 1:
            named[words[1]] = words[0]
        elif words:
            default = named.get(words[0], words[0])
    return named, default


def _log(statement: Statement, configuration: Configuration, scope: Scope) -> AccessLog:
    """What a log tells. Raises InTransitError with the reason why it tells nothing."""
    path, *words = statement.args
    named, default = _formats(scope)
    given = words[0] if words and statement.name != "transferlog" else ""
    if path.startswith("|") or re.match(r"[a-z]+(:|\Z)", path):  # a program, or a provider such as syslog
        raise InTransitError(f"{path} goes elsewhere")
    form = named.get(given, given) or default
    condition = next((word for word in words[1:] if word.startswith(("env=", "expr="))), "")
    condition = "" if condition == _OVER_TLS else condition
    try:
        return AccessLog(os.path.join(configuration.server_root, path), form, compiled(fields(form)), condition)
    except InTransitError as error:
        raise InTransitError(f"{path}: {error}") from error


def logs_of(configuration: Configuration, scope: Scope) -> list[Statement]:
    """The directives about logs that a server's requests go to."""
    main = configuration.main
    return [*(scope.own(*_LOGS) or main.own(*_LOGS)), *main.own("globallog")]


def _best(configuration: Configuration, scope: Scope) -> tuple[AccessLog | None, str]:
    """The one log of a server that tells most, and what it does not tell; None with the reason."""
    reasons: list[str] = []
    found: list[AccessLog] = []
    for statement in logs_of(configuration, scope):
        try:
            found.append(_log(statement, configuration, scope))
        except InTransitError as error:
            reasons.append(str(error))
    return AccessLog.best(found, reasons, "no access log is set")


def logged(instance: Instance, documents: t.Sequence[Document]) -> Logged:
    """The access logs of the hosts that speak TLS."""
    configuration = resolve(instance, documents)
    pairs = [(address, server) for address in addresses(configuration) for server, _names in address.servers]
    sources, silent = Sources(), []
    for (address, server), listener in zip(pairs, listeners(instance, documents)):
        if not address.tls:
            continue
        best, reason = _best(configuration, server)
        if best is None:
            silent.append((listener, reason))
        else:
            sources.add(best, listener, [reason] if reason else [])
    return Logged(sources.all(), tuple(silent))


# --- switching it on and off ------------------------------------------------------------------------------------------

#: GlobalLog is there from this version on.
_GLOBAL = (2, 4, 19)

#: Only what the server itself knows, and the name the client asked for; and only of requests over TLS.
_FORM = r'"%{c}a %t %{SSL_PROTOCOL}x %{SSL_CIPHER}x %{local}p %{SSL_TLS_SNI}x"'
_OVER_TLS = "expr=%{HTTPS} == 'on'"


def switched(instance: Instance, documents: t.Sequence[Document], on: bool) -> list[Edit]:
    """One log more for all hosts when one of them tells nothing of TLS; or without ours again."""
    configuration = resolve(instance, documents)
    main = configuration.main
    if not on:
        ours = [item for item in main.own("logformat", "globallog") if item.args[1:2] == [switching.NAME]]
        return [
            switching.edit(item.directive.tree.path, item.directive.tree.data, layout.remove(item.directive), on)
            for item in ours
        ]
    quiet = any(
        _best(configuration, server)[1]
        for address in addresses(configuration)
        for server, _names in address.servers
        if address.tls
    )
    folder = _folder(configuration)
    simple = [item for item in documents[0].tree.children if item.children is None and item.name != "use"]
    if not quiet or not folder or not simple or instance.version < _GLOBAL:
        return []
    if "log_config_module" not in configuration.modules:
        return []
    # The end of a file may be in the middle of a comment; behind a directive nothing is.
    last = simple[-1]
    path = f"{folder}/{switching.NAME}.log"
    lines = (f"LogFormat {_FORM} {switching.NAME}", f'GlobalLog "{path}" {switching.NAME} "{_OVER_TLS}"')
    return [switching.edit(last.tree.path, last.tree.data, layout.insert_after(last, line), on) for line in lines]


def _folder(configuration: Configuration) -> str:
    """Where a log is written already, so that ours can be, and is found by rotation; empty when there is none."""
    main = configuration.main
    for scope in (main, *main.hosts):
        for statement in (*logs_of(configuration, scope), *scope.own("errorlog")):
            name = statement.args[0] if statement.args else ""
            path = os.path.join(configuration.server_root, name)
            if name and not re.search(r"^\||^[a-z]+(:|\Z)|[$\"\\]", name) and not path.startswith("/dev/"):
                return os.path.dirname(path)
    return ""
