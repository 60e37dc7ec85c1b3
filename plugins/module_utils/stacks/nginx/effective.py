# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a configuration means: the TLS settings in force for every address and name, and where each comes from.

The rules are nginx's own (``ngx_http_ssl_module.c``, ``ngx_event_openssl.c`` and its CHANGES file); those that depend
on the version are marked with it. Two of them surprise most people:

* Directives of an inner block replace those around it, but several ``ssl_protocols`` in one block add up.
* One address is one OpenSSL context until the client's hello has been read: before nginx 1.29.2 the default server of
  the address decides the protocols for all its names, in every version the groups and the ticket key.
"""

from __future__ import annotations

import re
import typing as t

from ...baseline.dialects import openssl
from ...baseline.dialects.nginx import WORDS
from ...baseline.model import PROTOCOLS
from ..contract import Listener, Provenance, Setting
from ..openssl_lists import Lists
from . import http
from .addresses import Address, addresses, endpoints
from .grammar import no_collection
from .resolver import Scope, resolve

if t.TYPE_CHECKING:
    from ..contract import Document, Instance
    from .grammar import Directive

#: Protocol ids by nginx's words for them in lower case, as nginx compares them.
PROTOCOL_NAMES = {WORDS.get(protocol, protocol).lower(): protocol for protocol in PROTOCOLS}

#: Built-in ``ssl_protocols``, ``proxy_ssl_protocols`` and their like, by the first version that has them (CHANGES).
_DEFAULT_PROTOCOLS = (
    ((1, 27, 3), ("TLSv1.2", "TLSv1.3")),
    ((1, 23, 4), ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")),
    ((1, 9, 1), ("TLSv1.0", "TLSv1.1", "TLSv1.2")),
    ((0,), ("SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2")),
)
_DEFAULT_CIPHERS = {"ssl_": "HIGH:!aNULL:!MD5"}
_DEFAULT_CLIENT_CIPHERS = "DEFAULT"

#: The first version in which a server's own protocols count for its names.
OWN_PROTOCOLS = (1, 29, 2)
#: The first version without built-in Diffie-Hellman parameters: DHE suites then need ssl_dhparam.
_OWN_DH = (1, 11, 0)
#: The first version that changes ticket keys by itself, with a shared session cache.
_ROTATION = (1, 23, 2)

#: Modules in which connections to upstreams are made: directive, URL scheme of TLS, prefix of the TLS directives.
_CLIENTS = (
    ("proxy_pass", "https://", "proxy_ssl_", 443),
    ("grpc_pass", "grpcs://", "grpc_ssl_", 443),
    ("uwsgi_pass", "suwsgi://", "uwsgi_ssl_", 0),
)


class Found(t.NamedTuple):
    """A value in force and the directives that make it so: none when it is built in, which ``default`` then names."""

    value: t.Any
    directives: tuple[Directive, ...]
    default: str

    def setting(self) -> Setting:
        return Setting(self.value, provenances(self.directives) or (Provenance("", 0, self.default),))


class Command(t.NamedTuple):
    """One ``ssl_conf_command name value;`` (SSL_CONF_cmd(3)); ``name`` in lower case, as OpenSSL compares it."""

    name: str
    value: str
    directive: Directive


def word_of(protocol: str) -> str:
    """nginx's and OpenSSL's word for a protocol id."""
    return WORDS.get(protocol, protocol)


def provenances(directives: t.Iterable[Directive]) -> tuple[Provenance, ...]:
    return tuple(Provenance(item.tree.path, item.line, item.text) for item in directives)


def switches(value: str) -> list[tuple[str, bool]]:
    """The words of a ``Protocol`` or ``Options`` value in lower case, each with whether it switches on."""
    words = [word.strip() for word in value.split(",")]
    return [(word.lstrip("+-").lower(), not word.startswith("-")) for word in words if word]


def commands(scope: Scope, prefix: str = "ssl_", own: bool = False) -> list[Command]:
    """The OpenSSL commands in force in a block. Like add_header they are inherited only by blocks without any."""
    name = prefix + "conf_command"
    found = []
    for directive in scope.own(name) if own else scope.inherited(name):
        args = directive.args
        if len(args) == 2:
            found.append(Command(args[0].lower(), args[1], directive))
    return found


class Rules(Lists):
    """The settings in force in one block of one instance.

    Of directives nginx takes only once the first counts: it refuses the file anyway while there is a second one.
    """

    def __init__(self, instance: Instance) -> None:
        super().__init__(instance.capabilities)
        self.instance = instance
        self.version = instance.version
        self.nginx = f"nginx {'.'.join(map(str, instance.version))}"

    def default_protocols(self) -> tuple[str, ...]:
        return next(value for since, value in _DEFAULT_PROTOCOLS if self.version >= since)

    def protocols(self, scope: Scope, prefix: str = "ssl_") -> Found:
        """Protocols, oldest first. ``Protocol`` commands come after ssl_protocols and win; limits only take away."""
        used = scope.inherited(prefix + "protocols")
        names = {PROTOCOL_NAMES.get(word.lower()) for directive in used for word in directive.args}
        if not used:
            names = set(self.default_protocols())
        low, high = 0, len(PROTOCOLS)
        for command in commands(scope, prefix):
            if command.name == "protocol":
                for word, on in switches(command.value):
                    some = set(PROTOCOLS) if word == "all" else {PROTOCOL_NAMES.get(word)}
                    names = names | some if on else names - some
            elif command.name in ("minprotocol", "maxprotocol"):
                limit = PROTOCOL_NAMES.get(command.value.lower())
                if limit and command.name == "minprotocol":
                    low = PROTOCOLS.index(limit)
                elif limit:
                    high = PROTOCOLS.index(limit)
            else:
                continue
            used = [*used, command.directive]
        known = self.capabilities.protocols
        value = tuple(name for i, name in enumerate(PROTOCOLS) if name in names and low <= i <= high and name in known)
        return Found(value, tuple(used), f"built-in default of {self.nginx}: {prefix}protocols")

    def cipher_string(self, scope: Scope, prefix: str = "ssl_") -> tuple[str, Found]:
        """The OpenSSL cipher list for TLS 1.2 and older, and where it comes from (without its value)."""
        given = [command for command in commands(scope, prefix) if command.name == "cipherstring"]
        if given:
            return given[-1].value, Found((), (given[-1].directive,), "")
        directives = scope.inherited(prefix + "ciphers")
        if directives and directives[0].args:
            return directives[0].args[0], Found((), tuple(directives), "")
        text = _DEFAULT_CIPHERS.get(prefix, _DEFAULT_CLIENT_CIPHERS)
        return text, Found((), (), f"built-in default of {self.nginx}: {prefix}ciphers {text}")

    def suites_tls12(self, scope: Scope, prefix: str = "ssl_") -> Found:
        """The value is None where the list stands outside the configuration (``PROFILE=SYSTEM``)."""
        text, found = self.cipher_string(scope, prefix)
        names = self.expand(text)
        if names is not None and prefix == "ssl_" and self.version >= _OWN_DH and not self._has_dh(scope):
            names = tuple(name for name in names if not name.startswith(("TLS_DHE_", "TLS_DH_anon_")))
        return found._replace(value=names)

    def _has_dh(self, scope: Scope) -> bool:
        return bool(scope.inherited("ssl_dhparam")) or any(c.name == "dhparameters" for c in commands(scope))

    def suites_tls13(self, scope: Scope, prefix: str = "ssl_") -> Found:
        given = [command for command in commands(scope, prefix) if command.name == "ciphersuites"]
        if given:
            return Found(self.expand_tls13(given[-1].value), (given[-1].directive,), "")
        names = None if self.foreign else openssl.default_ciphersuites(self.capabilities.version)
        return Found(names, (), f"built-in default of {self.library}: Ciphersuites")

    def groups(self, scope: Scope) -> Found:
        given = [command for command in commands(scope) if command.name in ("groups", "curves", "ecdhparameters")]
        directives = scope.inherited("ssl_ecdh_curve")
        if given:
            return Found(self.expand_groups(given[-1].value), (given[-1].directive,), "")
        if directives:
            return Found(self.expand_groups(directives[0].args[0]), tuple(directives), "")
        if self.version < (1, 11, 0):
            return Found(("secp256r1",), (), f"built-in default of {self.nginx}: ssl_ecdh_curve prime256v1")
        return Found(self.expand_groups("auto"), (), f"built-in default of {self.library}: groups")

    def session_tickets(self, scope: Scope, default: Scope) -> Found:
        """``scope`` switches tickets, ``default`` (of the address) holds the key."""
        directives = scope.inherited("ssl_session_tickets")
        on = not (directives and directives[0].args == ["off"])
        for command in commands(scope):
            if command.name == "options":
                for word, enabled in switches(command.value):
                    if word == "sessionticket":
                        on = enabled
                        directives = [*directives, command.directive]
        if not on:
            return Found("off", tuple(directives), "")
        keys = default.inherited("ssl_session_ticket_key")
        if keys:
            return Found("static", (*directives, *keys), "")
        caches = default.inherited("ssl_session_cache")
        if self.version >= _ROTATION and any(word.startswith("shared:") for item in caches for word in item.args):
            return Found("rotated", (*directives, *caches), "")
        return Found("static", tuple(directives), f"built-in default of {self.nginx}: ssl_session_tickets on")

    def certificates(self, scope: Scope) -> Found:
        directives = scope.inherited("ssl_certificate")
        return Found(tuple(word for item in directives for word in item.args), tuple(directives), "")

    def protocol_scope(self, scope: Scope, default: Scope) -> Scope:
        """The server whose protocols count for the names of ``scope``."""
        return scope if self.version >= OWN_PROTOCOLS else default


#: Directives that name files of keys, and of the certificates by which clients are verified.
_FILES = {"keys": ("ssl_certificate_key",), "trust": ("ssl_client_certificate", "ssl_trusted_certificate")}


@no_collection()
def listeners(instance: Instance, documents: t.Sequence[Document]) -> list[Listener]:
    """Server listeners address by address, each address's default server first, then the connections to upstreams."""
    main = resolve(documents)
    rules = Rules(instance)
    every = addresses(main, instance)
    found = [_server(rules, address, number, every) for address in every for number in range(len(address.servers))]
    return found + _clients(rules, main)


def _server(rules: Rules, address: Address, number: int, every: t.Sequence[Address]) -> Listener:
    scope, names = address.servers[number]
    default = address.servers[0][0]
    settings: dict[str, Setting] = {}
    if address.tls:
        settings = server_settings(rules, scope, default, address.transport)
        certificates = rules.certificates(scope)
        if certificates.directives:
            settings["certificates"] = certificates.setting()
        for key, words in _FILES.items():
            named = tuple(item for word in words for item in scope.inherited(word))
            if named:
                settings[key] = Found(tuple(word for item in named for word in item.args), named, "").setting()
        if address.context == "http" and not _rejects(scope):
            age = http.hsts(scope)
            if age is not None:
                settings["hsts_max_age"] = Found(age.value, age.directives, "no Strict-Transport-Security").setting()
    elif address.context == "http" and address.transport == "tcp":
        plain = http.plaintext(scope, address.port)
        settings["plaintext"] = Found(plain.value, plain.directives, "no redirect to https").setting()
    elif address.context == "mail":
        directives = (*scope.inherited("starttls"), *scope.own("listen"))
        settings["plaintext"] = Found("served", directives, "").setting()
    return Listener(
        "nginx",
        "http/3" if address.transport == "quic" else address.context,
        "server",
        address.label,
        names,
        number == 0,
        address.tls,
        settings,
        endpoints(address, number, every),
    )


def server_settings(rules: Rules, scope: Scope, default: Scope, transport: str = "tcp") -> dict[str, Setting]:
    """What a client meets that asks for a name of ``scope`` at an address whose default server is ``default``."""
    decides = rules.protocol_scope(scope, default)
    protocols = rules.protocols(decides)
    if transport == "quic":  # RFC 9001, section 4.2
        protocols = protocols._replace(value=tuple(name for name in protocols.value if name == "TLSv1.3"))
    none = protocols._replace(value=())
    old = any(name != "TLSv1.3" for name in protocols.value)
    return _known(
        protocols=protocols,
        suites_tls12=rules.suites_tls12(scope) if old else none,
        suites_tls13=rules.suites_tls13(scope) if "TLSv1.3" in protocols.value else none,
        groups=rules.groups(default),
        session_tickets=rules.session_tickets(scope, default),
    )


def _known(**found: Found) -> dict[str, Setting]:
    return {name: item.setting() for name, item in found.items() if item.value is not None}


def _rejects(scope: Scope) -> bool:
    return any(item.args == ["on"] for item in scope.inherited("ssl_reject_handshake"))


# --- connections to upstreams -----------------------------------------------------------------------------------------


class Leg(t.NamedTuple):
    """One place that opens TLS connections: the block, the prefix of its TLS directives, and whom it talks to."""

    scope: Scope
    prefix: str
    directive: Directive
    peers: tuple[str, ...]
    name: str


def legs(main: Scope) -> t.Iterator[Leg]:
    """Every place that talks TLS to an upstream. ``peers`` are ``host:port`` or ``unix:path``; ``$`` leaves it open."""
    for module in main.blocks("http", "stream"):
        upstreams = {}
        for block in module.blocks("upstream"):
            if block.directive is not None and block.directive.args:
                upstreams[block.directive.args[0]] = block
        for scope in module.below():
            if module.kind == "stream":
                passes = scope.own("proxy_pass")
                if passes and [item.args for item in scope.inherited("proxy_ssl")][-1:] == [["on"]]:
                    yield _leg(scope, "proxy_ssl_", passes[-1], passes[-1].args[0], 0, upstreams)
                continue
            for name, scheme, prefix, port in _CLIENTS:
                for directive in scope.own(name):
                    target = directive.args[0] if directive.args else ""
                    if target.lower().startswith((scheme, "$scheme://")):
                        rest = target.partition("://")[2]
                        host = rest if rest.lower().startswith("unix:") else re.split(r"[/?#]", rest)[0]
                        yield _leg(scope, prefix, directive, host, port, upstreams)


def _leg(
    scope: Scope, prefix: str, directive: Directive, target: str, port: int, upstreams: t.Mapping[str, Scope]
) -> Leg:
    given = scope.inherited(prefix + "name")
    name = given[-1].args[0] if given and given[-1].args else re.sub(r":\d+$", "", target)
    sent = [item.args for item in scope.inherited(prefix + "server_name")][-1:] == [["on"]]
    group = upstreams.get(target)
    if group is None:
        return Leg(scope, prefix, directive, (_with_port(target, port),), name if sent else "")
    servers = [item.args[0] for item in group.own("server") if item.args]
    # A server of a group without a port is at port 80 whatever the protocol (ngx_http_upstream_server).
    peers = tuple(_with_port(server, 80) for server in servers)
    return Leg(scope, prefix, directive, peers or (target,), name if sent else "")


def _with_port(host: str, port: int) -> str:
    if host.lower().startswith("unix:") or "$" in host or not port or re.search(r"[^:\]]:\d+$|\]:\d+$", host):
        return host
    return f"{host}:{port}"


def client_settings(rules: Rules, leg: Leg) -> dict[str, Setting]:
    """What nginx offers to and demands of an upstream."""
    protocols = rules.protocols(leg.scope, leg.prefix)
    verify = leg.scope.inherited(leg.prefix + "verify")
    on = bool(verify) and verify[-1].args == ["on"]
    default = f"built-in default of {rules.nginx}: {leg.prefix}verify off"
    none = protocols._replace(value=())
    old = any(name != "TLSv1.3" for name in protocols.value)
    return _known(
        protocols=protocols,
        suites_tls12=rules.suites_tls12(leg.scope, leg.prefix) if old else none,
        suites_tls13=rules.suites_tls13(leg.scope, leg.prefix) if "TLSv1.3" in protocols.value else none,
        peer_verification=Found(on, tuple(verify), default),
    )


def _clients(rules: Rules, main: Scope) -> list[Listener]:
    found: dict[t.Any, Listener] = {}
    for leg in legs(main):
        context = leg.scope.around("http", "stream")
        settings = client_settings(rules, leg)
        for peer in leg.peers:
            known = not peer.lower().startswith("unix:") and "$" not in peer and re.search(r":\d+$", peer)
            uri = f"tls://{peer}?sni={leg.name if '$' not in leg.name else ''}"
            listener = Listener(
                "nginx",
                context.kind if context else "",
                "client",
                peer,
                (leg.name,) if leg.name else (),
                False,
                True,
                settings,
                (uri,) if known else (),
            )
            # A hundred locations with one upstream and the same settings are one connection to judge.
            key = (peer, leg.name, tuple((name, settings[name]) for name in sorted(settings)))
            found.setdefault(key, listener)
    return list(found.values())
