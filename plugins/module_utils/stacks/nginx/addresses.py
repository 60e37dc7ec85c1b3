# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which server answers where: addresses, their default servers, names, and URIs to reach them from the host itself."""

from __future__ import annotations

import re
import socket
import typing as t

from .resolver import Scope

if t.TYPE_CHECKING:
    from ..contract import Instance

#: Mail protocols by port, as nginx guesses where ``protocol`` is missing (ngx_mail_*_module.c).
_MAIL_PORTS = {25: "smtp", 465: "smtp", 587: "smtp", 110: "pop3", 995: "pop3", 143: "imap", 993: "imap"}

#: A name that can stand in a URI and in a server_name extension.
_PLAIN_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")

#: Stands for the asterisk of a wildcard name. Long enough not to be a name someone else has.
_ANY_LABEL = "in-transit-any-name"

#: Loopback addresses to try for a wildcard address: a listener on a loopback address itself hides the wildcard there.
_LOOPBACK = tuple(f"127.0.0.{number}" for number in range(1, 10))


class Listen(t.NamedTuple):
    """One ``listen`` directive. ``host`` is ``*``, an address or a name; ``port`` 0 for Unix sockets."""

    host: str
    port: int
    ports: str
    transport: str
    tls: bool
    default: bool
    proxy_protocol: bool


class Address(t.NamedTuple):
    """An address with its servers and the names each answers to there; the default server comes first.

    ``transport`` is ``tcp``, ``udp``, ``quic`` or ``unix``; ``scheme`` what a client speaks once it is connected.
    """

    context: str
    host: str
    port: int
    ports: str
    transport: str
    tls: bool
    scheme: str
    proxy_protocol: bool
    servers: tuple[tuple[Scope, tuple[str, ...]], ...]

    @property
    def label(self) -> str:
        return self.host if self.transport == "unix" else f"{self.host}:{self.ports}"


def listen(args: t.Sequence[str], default_port: int) -> Listen:
    """Read the arguments of a ``listen`` directive, which may be none."""
    where, words = (args[0], args[1:]) if args else ("*", ())
    transport = "quic" if "quic" in words else "udp" if "udp" in words else "tcp"
    host, ports = where, ""
    if where.lower().startswith("unix:"):
        transport = "unix"
    elif re.match(r"\d+(-\d+)?\Z", where):
        host, ports = "*", where
    else:
        match = re.match(r"(\[[^\]]*\]|[^:]*)(?::(\d+(?:-\d+)?))?\Z", where)
        if match:
            host, ports = match.group(1), match.group(2) or ""
    ports = "" if transport == "unix" else ports or str(default_port)
    return Listen(
        _canonical(host, transport),
        int(ports.partition("-")[0] or 0),
        ports,
        transport,
        "ssl" in words or transport == "quic",
        "default_server" in words or "default" in words,
        "proxy_protocol" in words,
    )


def _canonical(host: str, transport: str) -> str:
    """One spelling for one address, as nginx compares socket addresses and not texts."""
    if transport == "unix":
        return host
    if host in ("", "*", "0.0.0.0"):  # noqa: S104  a value to recognise, nothing is bound
        return "*"
    if host.lower() == "localhost":
        return "127.0.0.1"
    if host.startswith("["):
        try:
            return f"[{socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, host[1:-1]))}]"
        except OSError:
            return host
    return host


def names(scope: Scope, hostname: str) -> tuple[str, ...]:
    """The server names of a block as nginx compares them; ``""`` when it has none."""
    words = [word for directive in scope.own("server_name") for word in directive.args]
    found = []
    for word in words or [""]:
        name = hostname if word == "$hostname" else word if word.startswith("~") else word.lower()
        if name not in found:
            found.append(name)
    return tuple(found)


def addresses(main: Scope, instance: Instance) -> list[Address]:
    """Every address of the http, stream and mail blocks, in the order nginx meets them."""
    hostname = str(instance.facts.get("hostname", ""))
    unprivileged = 80 if instance.facts.get("root", True) else 8000
    found: list[Address] = []
    for module in main.blocks("http", "stream", "mail"):
        table: dict[tuple[str, str, str], list[tuple[Scope, Listen]]] = {}
        for server in module.blocks("server"):
            directives = server.own("listen")
            listens = [listen(item.args, unprivileged) for item in directives]
            if not listens and module.kind == "http":
                listens = [listen((), unprivileged)]
            for one in listens:
                # Datagrams and streams of one port are two sockets.
                table.setdefault((one.host, one.ports, one.transport), []).append((server, one))
        for (host, ports, transport), users in table.items():
            default = next((server for server, one in users if one.default), users[0][0])
            ordered = [default, *dict.fromkeys(server for server, _one in users if server is not default)]
            # "ssl on" of the default server (removed in 1.25.1) makes the address TLS as well as any "listen … ssl".
            tls = any(one.tls for _server, one in users) or _is_on(default, "ssl")
            found.append(
                Address(
                    module.kind,
                    host,
                    users[0][1].port,
                    ports,
                    transport,
                    tls or _starttls(default, module.kind),
                    _scheme(default, module.kind, users[0][1].port, tls),
                    any(one.proxy_protocol for _server, one in users),
                    tuple(zip(ordered, _names_by_server(ordered, users, hostname))),
                )
            )
    return found


def _names_by_server(
    ordered: t.Sequence[Scope], users: t.Sequence[tuple[Scope, Listen]], hostname: str
) -> list[tuple[str, ...]]:
    """A name taken by an earlier server of the file is ignored in later ones, as nginx warns."""
    taken: dict[str, Scope] = {}
    for server, _one in users:
        for name in names(server, hostname):
            taken.setdefault(name, server)
    return [tuple(name for name in names(server, hostname) if name and taken[name] is server) for server in ordered]


def _is_on(scope: Scope, name: str) -> bool:
    directives = scope.inherited(name)
    return bool(directives) and directives[-1].args == ["on"]


def _starttls(scope: Scope, context: str) -> bool:
    directives = scope.inherited("starttls")
    return context == "mail" and bool(directives) and directives[-1].args in (["on"], ["only"])


def _scheme(scope: Scope, context: str, port: int, tls: bool) -> str:
    if context == "http":
        return "https" if tls else "http"
    if context == "stream":
        return "tls"
    directives = scope.inherited("protocol")
    protocol = directives[-1].args[0] if directives and directives[-1].args else _MAIL_PORTS.get(port, "")
    return protocol + "s" if tls and protocol else protocol


def endpoints(address: Address, number: int, every: t.Sequence[Address]) -> tuple[str, ...]:
    """URIs that reach one server of an address from the host itself; none where there is no way to.

    The default server is asked without a name too: that is what clients with an unknown name get.
    """
    speaks = address.scheme if address.tls or address.scheme == "http" else ""
    if address.transport != "tcp" or not speaks:
        return ()
    host = _reachable(address, every)
    if host is None:
        return ()
    base = f"{speaks}://{host}:{address.port}"
    tail = "&proxy_protocol=1" if address.proxy_protocol else ""
    asked = [name for name in map(_sample, address.servers[number][1]) if name][:1]
    if number == 0 and address.tls:
        asked.insert(0, "")
    elif number == 0 and not asked:
        asked = [""]
    return tuple(f"{base}?sni={name}{tail}" for name in asked)


def _reachable(address: Address, every: t.Sequence[Address]) -> str | None:
    here = {other.host for other in every if other.ports == address.ports and other.transport == "tcp"}
    if address.host == "*":
        return next((host for host in _LOOPBACK if host not in here), None)
    if address.host == "[::]":
        return "[::1]" if "[::1]" not in here else None
    if address.host.startswith("[") or _PLAIN_NAME.fullmatch(address.host):
        return address.host
    return None


def _sample(name: str) -> str:
    """A host name that a server name matches, or the empty text."""
    if name.startswith("*."):
        name = _ANY_LABEL + name[1:]
    elif name.startswith("."):
        name = name[1:]
    elif name.endswith(".*"):
        name = name[:-1] + "invalid"
    return name if name not in ("_", "") and _PLAIN_NAME.fullmatch(name) and not _is_address(name) else ""


def _is_address(name: str) -> bool:
    return bool(re.fullmatch(r"[0-9.]+", name))
