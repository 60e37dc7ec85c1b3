# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which daemons of Postfix log their handshakes, where, and how a line of it reads.

From level 1 of ``smtpd_tls_loglevel`` and its relatives a daemon writes one line for each handshake
(``tls_log_summary()`` in ``src/tls/tls_misc.c``): "Anonymous TLS connection established from a.example[192.0.2.1]:
TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits)". Its tag is ``syslog_name`` and the name of the program.
"""

from __future__ import annotations

import re
import typing as t

from .. import switching
from ..handshakes import KINDS, Handshake, Logged, Source, Writer, client_of, protocol_id, stamped
from .config import Config
from .effective import clients, doors, listeners, servers

if t.TYPE_CHECKING:
    from ..contract import Document, Edit, Instance, Listener
    from ..handshakes import Reader
    from .config import Scope

#: Where syslog daemons put what has the facility mail: Debian, Red Hat and SUSE, FreeBSD.
FILES = ("/var/log/mail.log", "/var/log/maillog", "/var/log/mail")

_LINE = re.compile(
    rb"(?:[A-Z][a-z]{1,31} )?TLS connection (?:established|reused) (?:from|to) [^ \[]{0,255}"
    rb"\[([0-9A-Za-z.:_/%%-]{1,255})\](?::[0-9]{1,5})?: (%s) with cipher (%s) \(" % (KINDS["protocol"], KINDS["suite"])
)


def summary(message: bytes) -> tuple[str, str, str] | None:
    """(address, protocol id, suite) of a line about a handshake, without its head; None for any other line.

    Raises Unreadable for a protocol nobody knows.
    """
    found = _LINE.match(message)
    if found is None:
        return None
    client, protocol, suite = found.groups()
    if b"/" in client:
        client = b"-"  # a Unix socket
    return client_of(client), protocol_id(protocol), suite.decode("ascii")


def logged(instance: Instance, documents: t.Sequence[Document]) -> Logged:
    """One log for all daemons: that of ``maillog_file``, else what syslog and the journal have of them."""
    config = Config(instance, documents)
    writers: list[Writer] = []
    silent: list[tuple[Listener, str]] = []

    def tell(listener: Listener, scope: Scope, command: str, parameter: str) -> None:
        if scope.text(parameter) in ("", "0"):
            silent.append((listener, f"{parameter} is 0"))
        else:
            writers.append(Writer(listener, (f"{scope.text('syslog_name') or 'postfix'}/{command}",)))

    found = iter(listeners(instance, documents))
    for door in doors(config):
        for _label, server in door.answers or (("", door.owner),):
            listener = next(found)
            if listener.tls and server.scope.service is not None:
                tell(listener, server.scope, server.scope.service.command, f"{server.prefix}tls_loglevel")
    # The others are entries of policy maps, which are about connections of these agents.
    outgoing = {name: one for one in found if one.is_default and one.tls for name in one.context.split(" ")}
    for client in clients(config):
        agent, service = outgoing.get(client.scope.label), client.scope.service
        if agent is not None and service is not None:
            tell(agent, client.scope, service.command, f"{client.prefix}tls_loglevel")
    if not writers:
        return Logged((), tuple(silent))
    tags = tuple(dict.fromkeys(name for writer in writers for name in writer.names))
    file = config.scope().text("maillog_file")
    source = Source(
        (file,) if file else FILES,
        () if file else tags,
        _reader(frozenset(tag.encode() for tag in tags)),
        tuple(writers),
    )
    return Logged((source,), tuple(silent))


def _reader(tags: frozenset[bytes]) -> Reader:
    def read(line: bytes, newest: float) -> Handshake | None:
        if b"TLS connection " not in line:  # most lines tell of something else
            return None
        when, tag, message = stamped(line, newest)
        found = summary(message) if tag in tags else None
        return Handshake(when, *found, "", tag.decode("ascii")) if found and found[1] else None

    return read


def switched(instance: Instance, documents: t.Sequence[Document], on: bool) -> list[Edit]:
    """Level 1 in main.cf for the daemons that log nothing; or what was there before again.

    What master.cf says of one service is left: somebody wanted it so.
    """
    path, data = documents[0].path, documents[0].data
    if not on:
        return switching.lines_off(path, data)
    config = Config(instance, documents)
    users = [(server.scope, "smtpd_") for server in servers(config)]
    users += [(client.scope, client.prefix) for client in clients(config) if client.modes()]
    names = dict.fromkeys(f"{prefix}tls_loglevel" for scope, prefix in users if _is_silent(scope, prefix))
    return switching.lines_on(path, data, dict.fromkeys(names, "1"), " = ")


def _is_silent(scope: Scope, prefix: str) -> bool:
    decider = scope.decider(f"{prefix}tls_loglevel")
    own = decider is not None and bool(decider.service)
    return scope.text(f"{prefix}tls_loglevel") in ("", "0") and not own
