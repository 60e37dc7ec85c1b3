# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a configuration means: every address Postfix answers at and every way it sends mail, with effective settings.

Each service of master.cf is judged by itself, because its ``-o`` options beat main.cf. Behind postscreen(8) one port
has two answers: tlsproxy(8) speaks for clients still under test, smtpd(8) for the others.
"""

from __future__ import annotations

import re
import typing as t

from ...baseline.dialects import openssl
from ..contract import Listener, Provenance, Setting
from . import policy, values
from .config import Client, Config, Server, port_number

if t.TYPE_CHECKING:
    from ..contract import Document, Instance
    from .grammar import Service

_INET = re.compile(r"(?:(\[[^\]]*\]|[^:\[\]]*):)?(\w[\w-]*)\Z")
#: Where mail from anywhere comes in (RFC 5321, section 4.5.4.2).
_MX = 25
_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")


class Door(t.NamedTuple):
    """An address where mail comes in, and who answers there; ``owner`` is the service whose level rules."""

    service: Service
    owner: Server
    answers: tuple[tuple[str, Server], ...]
    host: str
    port: int
    proxied: bool


def doors(config: Config) -> list[Door]:
    found = []
    for service in config.commands("smtpd", "postscreen"):
        if service.type != "inet":
            continue
        scope = config.scope(service)
        match = _INET.match(service.name)
        port = port_number(config, match.group(2)) if match else 0
        host = _host(config, match.group(1) if match else None)
        if service.command == "smtpd":
            owner = Server(scope, "smtpd_", scope.yes("smtpd_tls_wrappermode"))
            answers = [("", owner)]
            proxied = bool(scope.text("smtpd_upstream_proxy_protocol"))
        else:
            owner = Server(scope, "postscreen_")
            names = {scope.text("tlsproxy_service_name"): "tlsproxy_", scope.text("smtpd_service_name"): "smtpd_"}
            answers = [
                (other.command, Server(config.scope(other), names[other.name]))
                for other in config.commands("tlsproxy", "smtpd")
                if other.name in names and other.type != "inet"
            ]
            proxied = bool(scope.text("postscreen_upstream_proxy_protocol"))
        found.append(Door(service, owner, tuple(answers), host, port, proxied))
    return found


def _host(config: Config, given: str | None) -> str:
    """``*`` for every interface, else the first address the service is bound to."""
    if given:
        return given if given != "localhost" else "127.0.0.1"
    scope = config.scope()
    families = [word.lower() for word in values.split(scope.text("inet_protocols"))]
    six = families == ["ipv6"]
    for word in values.split(scope.text("inet_interfaces")):
        if word.lower() == "all":
            return "[::]" if six else "*"
        if word.lower() in ("loopback-only", "localhost"):
            return "[::1]" if six else "127.0.0.1"
        if re.fullmatch(r"[0-9.]+", word):
            return word
        if re.fullmatch(r"\[?[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*\]?", word):
            return f"[{word.strip('[]')}]"
    return "*"


def is_local(host: str) -> bool:
    return host in _LOOPBACK or host.startswith("127.")


def servers(config: Config) -> list[Server]:
    """Every service that speaks TLS to clients."""
    return [server for door in doors(config) if door.owner.offered for _label, server in door.answers if server.offered]


def clients(config: Config) -> list[Client]:
    """Every delivery agent, in the order of master.cf."""
    return [
        Client(config.scope(service), "lmtp_" if service.command == "lmtp" else "smtp_")
        for service in config.commands("smtp", "lmtp")
    ]


def listeners(instance: Instance, documents: t.Sequence[Document]) -> list[Listener]:
    config = Config(instance, documents)
    found = [listener for door in doors(config) for listener in _door(config, door)]
    outgoing: dict[t.Any, tuple[list[str], Client]] = {}
    for client in clients(config):
        # Most agents differ in nothing that matters here: one entry for all of them.
        key = (client.prefix, client.level, client.relay(), repr(_client_settings(client)))
        outgoing.setdefault(key, ([], client))[0].append(client.scope.label)
    found += [_client(client, " ".join(names)) for names, client in outgoing.values()]
    for entry in policy.entries(config):
        found.append(_policy(config, entry))
    return found


def _door(config: Config, door: Door) -> t.Iterator[Listener]:
    address = f"{door.host}:{door.port or door.service.name}"
    for label, server in door.answers or (("", door.owner),):
        context = " ".join(filter(None, (door.service.name, label)))
        works = door.owner.offered and server.offered and not why_no_tls(server)
        settings = server_settings(server) if works else {}
        plaintext = _plaintext(door, works)
        if plaintext:
            settings["plaintext"] = Setting(plaintext, door.owner.level_places)
        yield Listener(
            "postfix",
            context,
            "server",
            address,
            (),
            True,
            works,
            settings,
            _endpoints(door, works),
        )


def _plaintext(door: Door, works: bool) -> str:
    """Whether mail is taken without TLS; empty where that is no matter: within the host, and from strangers to port 25.

    Anyone may hand in mail (RFC 3207, section 4): there TLS has to be offered, and cannot be demanded.
    """
    if is_local(door.host) or door.owner.wrapper:
        return ""
    if works and door.owner.level == "encrypt":
        return "refused"
    return "" if works and door.port == _MX else "served"


def why_no_tls(server: Server) -> str:
    """What makes the daemon take TLS out of service though it is configured; empty when nothing in the files does."""
    if server.protocols().problem:
        return server.protocols().problem
    if not server.certificates().text:
        return "no certificate is configured"
    return ""


def _endpoints(door: Door, works: bool) -> tuple[str, ...]:
    if not door.port or (not works and is_local(door.host)):
        return ()
    host = {"*": "127.0.0.1", "[::]": "[::1]"}.get(door.host, door.host)
    scheme = "smtps" if door.owner.wrapper else "smtp"
    return (f"{scheme}://{host}:{door.port}" + ("?proxy_protocol=1" if door.proxied else ""),)


def server_settings(server: Server) -> dict[str, Setting]:
    protocols = server.value(server.mode + "protocols")
    suites = server.ciphers()
    names = _known(server.config, server.protocols().names)
    group_names, group_places = server.groups()
    tickets, ticket_places = server.tickets()
    certificates = server.certificates()
    return {
        "protocols": Setting(names, protocols.places),
        "groups": Setting(group_names, group_places),
        "session_tickets": Setting(tickets, ticket_places),
        "certificates": Setting(tuple(certificates.text.split()), certificates.places),
        **_files(server, "keys", ("tls_key_file", "tls_eckey_file", "tls_dkey_file")),
        **_files(server, "trust", ("tls_CAfile", "tls_CApath")),
        **_suites(server.config, names, suites.names, suites.places, protocols.places),
    }


def _files(server: Server, key: str, names: tuple[str, ...]) -> dict[str, Setting]:
    """Files that a server names; with a chain file it looks at no key file (smtpd_tls_chain_files in postconf(5))."""
    if key == "keys" and server.value("tls_chain_files").text:
        return {}
    named = [value for value in map(server.value, names) if value.text]
    places = tuple(place for value in named for place in value.places)
    return {key: Setting(tuple(value.text for value in named), places)} if named else {}


def _suites(
    config: Config,
    protocols: tuple[str, ...],
    tls12: tuple[str, ...],
    places: tuple[Provenance, ...],
    none: tuple[Provenance, ...],
) -> dict[str, Setting]:
    old, new = any(name != "TLSv1.3" for name in protocols), "TLSv1.3" in protocols
    number = ".".join(map(str, config.capabilities.version))
    built_in = (Provenance("", 0, f"built-in default of OpenSSL {number}: Ciphersuites"),)
    return {
        "suites_tls12": Setting(tls12 if old else (), places if old else none),
        "suites_tls13": Setting(
            openssl.default_ciphersuites(config.capabilities.version) if new else (), built_in if new else none
        ),
    }


def _known(config: Config, names: t.Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in config.capabilities.protocols)


def _client_settings(client: Client) -> dict[str, Setting]:
    read, places = client.protocols()
    level = client.level
    if level in (None, "none") or read.problem:
        return {}
    suites = client.ciphers()
    names = _known(client.config, read.names)
    every = tuple(dict.fromkeys(name for one in suites for name in one.names))
    suite_places = tuple(dict.fromkeys(place for one in suites for place in one.places))
    found = {"protocols": Setting(names, places), **_suites(client.config, names, every, suite_places, places)}
    mandatory, verified = values.CLIENT_LEVELS[level or "none"]
    if mandatory and "dane" not in str(level):
        found["peer_verification"] = Setting(verified, client.value("tls_security_level").places)
    return found


def _client(client: Client, names: str) -> Listener:
    relay = client.relay()
    settings = _client_settings(client)
    address = client.scope.text("relayhost") or "*"
    endpoints: tuple[str, ...] = ()
    if relay and settings:
        scheme = "smtps" if client.scope.yes(client.prefix + "tls_wrappermode") else "smtp"
        host = f"[{relay[0]}]" if ":" in relay[0] else relay[0]
        endpoints = (f"{scheme}://{host}:{relay[1]}",)
    return Listener("postfix", names, "client", address, (), True, bool(settings), settings, endpoints)


def _policy(config: Config, entry: policy.Entry) -> Listener:
    settings: dict[str, Setting] = {}
    places = (Provenance(entry.path, entry.line, entry.text),)
    if entry.protocols is not None and not entry.protocols.problem:
        settings["protocols"] = Setting(_known(config, entry.protocols.names), places)
    return Listener("postfix", entry.parameter, "client", entry.destination, (), False, bool(settings), settings, ())
