# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which virtual host answers where: addresses, the first host of each, names, and URIs to reach them from the host.

The rules are those of ``server/vhost.c``: an address of its own hides ``*`` and ``_default_``, the hosts that name the
same address and port share it, and the first of them answers where no name fits. The main server answers where no
virtual host does.
"""

from __future__ import annotations

import re
import socket
import typing as t

if t.TYPE_CHECKING:
    from .resolver import Configuration, Scope

#: A name that can stand in a URI and in a server_name extension.
_PLAIN_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")

#: Stands for the asterisk of a wildcard name. Long enough not to be a name someone else has.
_ANY_LABEL = "in-transit-any-name"

#: Loopback addresses to try for a wildcard address: a host on a loopback address itself hides the wildcard there.
_LOOPBACK = tuple(f"127.0.0.{number}" for number in range(1, 10))


class Address(t.NamedTuple):
    """An address with its hosts and the names each answers to there; the host that answers all other names first."""

    host: str
    port: int
    https: bool
    servers: tuple[tuple[Scope, tuple[str, ...]], ...]

    @property
    def label(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def tls(self) -> bool:
        """The first host decides: the connection is wrapped before any name is known."""
        return speaks_tls(self.servers[0][0], self.https)


def speaks_tls(server: Scope, https: bool = False) -> bool:
    """Whether ``SSLEngine`` is on. Where nobody sets it, a virtual host with a certificate at an address that listens
    for ``https`` (port 443 does by itself) speaks TLS as well. ``optional`` serves plaintext.
    """
    engine = server.last("sslengine")
    if engine is None:
        return https and server.kind == "virtualhost" and bool(server.merged("sslcertificatefile"))
    return [word.lower() for word in engine.args[:1]] == ["on"]


def canonical(host: str) -> str:
    """One spelling for one address."""
    if host in ("", "*", "0.0.0.0", "[::]") or host.lower() == "_default_":  # noqa: S104  a value to recognise
        return "*"
    if host.lower() == "localhost":
        return "127.0.0.1"
    if host.startswith("["):
        try:
            return f"[{socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, host[1:-1]))}]"
        except OSError:
            return host
    return host


def split(text: str) -> tuple[str, int]:
    """Host and port of ``Listen`` or ``<VirtualHost>``; port 0 where any is meant."""
    match = re.match(r"(\[[^\]]*\]|[^:]*)(?::(\d+|\*))?\Z", text)
    if match is None:
        return text, 0
    host, port = match.groups()
    if port is None and host.isdigit():
        host, port = "*", host
    return canonical(host), int(port) if port and port != "*" else 0


def names(server: Scope) -> tuple[str, ...]:
    """``ServerName`` and ``ServerAlias`` of a host as httpd compares them, without port and scheme."""
    found = []
    for statement in server.own("servername")[-1:]:
        found += [re.sub(r"^[a-z]+://|:\d+$", "", word.lower()) for word in statement.args[:1]]
    for statement in server.own("serveralias"):
        found += [word.lower() for word in statement.args]
    return tuple(dict.fromkeys(found))


def addresses(configuration: Configuration) -> list[Address]:
    """Every address httpd listens on, split by the hosts that answer there, in the order of ``Listen``."""
    main = configuration.main
    chains: dict[tuple[str, int], list[Scope]] = {}
    for server in main.hosts:
        for word in server.args:
            chain = chains.setdefault(split(word), [])
            if server not in chain:
                chain.append(server)
    found: dict[tuple[str, int], Address] = {}
    for statement in main.own("listen"):
        host, port = split(statement.args[0]) if statement.args else ("*", 0)
        if not port:
            continue
        https = statement.args[1].lower() == "https" if len(statement.args) > 1 else port == 443
        fitting = [(where, chain) for where, chain in chains.items() if where[1] in (0, port)]
        own = [(where[0], chain) for where, chain in fitting if where[0] != "*" and host in ("*", where[0])]
        # A port of its own comes before any port.
        every = [chain for where, chain in sorted(fitting, key=lambda item: -item[0][1]) if where[0] == "*"]
        for one, chain in own:
            found.setdefault((one, port), _address(one, port, https, chain))
        if host not in [one for one, _chain in own]:
            found.setdefault((host, port), _address(host, port, https, every[0] if every else [main]))
    return list(found.values())


def _address(host: str, port: int, https: bool, servers: t.Sequence[Scope]) -> Address:
    taken: dict[str, Scope] = {}
    for server in servers:
        for name in names(server):
            taken.setdefault(name, server)
    kept = [tuple(name for name in names(server) if taken[name] is server) for server in servers]
    return Address(host, port, https, tuple(zip(servers, kept)))


def endpoints(address: Address, number: int, every: t.Sequence[Address]) -> tuple[str, ...]:
    """URIs that reach one server of an address from the host itself; none where there is no way to.

    The first server is asked without a name too: that is what clients with an unknown name get.
    """
    host = _reachable(address, every)
    if host is None:
        return ()
    scheme = "https" if address.tls else "http"
    asked = [name for name in map(_sample, address.servers[number][1]) if name][:1]
    if number == 0 and (address.tls or not asked):
        asked.insert(0, "")
    return tuple(f"{scheme}://{host}:{address.port}?sni={name}" for name in asked)


def _reachable(address: Address, every: t.Sequence[Address]) -> str | None:
    if address.host == "*":
        here = {other.host for other in every if other.port == address.port}
        return next((host for host in _LOOPBACK if host not in here), None)
    if address.host.startswith("[") or _PLAIN_NAME.fullmatch(address.host):
        return address.host
    return None


def _sample(name: str) -> str:
    """A host name that a server name matches, or the empty text."""
    name = name.replace("*", _ANY_LABEL, 1).replace("?", "x")
    return name if _PLAIN_NAME.fullmatch(name) and not re.fullmatch(r"[0-9.]+", name) else ""
