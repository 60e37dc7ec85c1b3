# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a configuration means: the TLS settings in force for every address and name, and where each comes from.

The rules are mod_ssl's own (``ssl_engine_config.c``, ``ssl_engine_init.c``, ``ssl_engine_kernel.c``; CHANGES of 2.4),
checked by handshakes with 2.4.62 and newer. Those that surprise most people:

* A word of ``SSLProtocol`` without sign forgets the words before it: ``TLSv1.2 TLSv1.3`` is TLS 1.3 alone.
* There are no holes: ``+TLSv1 +TLSv1.2`` is TLS 1.2 alone, because only a newest and an oldest version are set.
* Since 2.4.42 with OpenSSL 1.1.1 a virtual host has its own protocols if it or the main server sets any; else those
  of the first host of its address. Groups are always those of the first host.
* ``SSLOpenSSLConfCmd`` adds up over main server and host, and comes after all other directives.
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
from .addresses import Address, addresses, endpoints, speaks_tls
from .resolver import resolve

if t.TYPE_CHECKING:
    from ..contract import Document, Instance
    from .resolver import Configuration, Scope, Statement

#: Protocol ids by OpenSSL's and mod_ssl's words for them in lower case, as both compare them.
PROTOCOL_NAMES = {WORDS.get(protocol, protocol).lower(): protocol for protocol in PROTOCOLS}

#: Protocols of a virtual host of its own (CHANGES of 2.4.42).
_OWN_PROTOCOLS = (2, 4, 42)
#: The first version that knows TLSv1.3 in SSLProtocol and SSLCipherSuite (CHANGES of 2.4.36).
TLS13 = (2, 4, 36)

#: mod_ssl puts this behind every list, since 2.4.
_ALWAYS_OFF = ":!aNULL:!eNULL:!EXP"
_DEFAULT_CIPHERS = "DEFAULT"


class Found(t.NamedTuple):
    """A value in force and the directives that make it so: none when it is built in, which ``default`` then names."""

    value: t.Any
    statements: tuple[Statement, ...]
    default: str

    def setting(self) -> Setting:
        return Setting(self.value, provenances(self.statements) or (Provenance("", 0, self.default),))


class Command(t.NamedTuple):
    """One ``SSLOpenSSLConfCmd name value`` (SSL_CONF_cmd(3)); ``name`` in lower case, as OpenSSL compares it."""

    name: str
    value: str
    statement: Statement


def word_of(protocol: str) -> str:
    """mod_ssl's and OpenSSL's word for a protocol id."""
    return WORDS.get(protocol, protocol)


def provenance(statement: Statement) -> Provenance:
    directive = statement.directive
    return Provenance(directive.tree.path, directive.line, " ".join(directive.text.split()))


def provenances(statements: t.Iterable[Statement]) -> tuple[Provenance, ...]:
    return tuple(map(provenance, statements))


def commands(statements: t.Iterable[Statement]) -> list[Command]:
    pairs = ((statement.args, statement) for statement in statements)
    return [Command(args[0].lower(), args[1], statement) for args, statement in pairs if len(args) == 2]


def switches(value: str) -> list[tuple[str, bool]]:
    """The words of a ``Protocol`` or ``Options`` value in lower case, each with whether it switches on."""
    found = [word.strip() for word in value.split(",")]
    return [(word.lstrip("+-").lower(), not word.startswith("-")) for word in found if word]


def cipher_lists(statements: t.Iterable[Statement], tls13: bool) -> list[tuple[str, Statement]]:
    """The lists for TLS 1.3, or for what is older, in ``SSLCipherSuite [SSL|TLSv1.3] list`` and its like."""
    found = []
    for statement in statements:
        args = statement.args
        kind = args[0] if len(args) > 1 else "SSL"
        if args and (kind == "TLSv1.3") is tls13 and kind in ("SSL", "TLSv1.3"):
            found.append((args[-1], statement))
    return found


class Rules(Lists):
    """The settings in force in one instance."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(instance.capabilities)
        self.instance = instance
        self.version = instance.version
        self.httpd = f"httpd {'.'.join(map(str, instance.version))}"

    # --- protocols --------------------------------------------------------------------------------------------------

    def words(self, args: t.Sequence[str]) -> set[str]:
        """The protocol ids that the words of ``SSLProtocol`` switch on."""
        on: set[str] = set()
        for arg in args:
            word = arg.lstrip("+-").lower()
            # SSL 2.0 is gone from 2.4, and "all" is what the library has.
            some = set(self.capabilities.protocols) if word == "all" else {PROTOCOL_NAMES.get(word, "")}
            some -= {"", "SSLv2"}
            on = on - some if arg.startswith("-") else on | some if arg.startswith("+") else some
        return on & set(self.capabilities.protocols)

    def default_protocols(self) -> set[str]:
        return set(self.capabilities.protocols) - {"SSLv2", "SSLv3"}

    def protocols(self, scope: Scope, proxy: bool = False) -> Found:
        """Protocols, oldest first, by the directives of ``scope`` itself and of the main server."""
        name = "SSLProxyProtocol" if proxy else "SSLProtocol"
        used = scope.inherited(name.lower())
        names = self.words(used[-1].args) if used else self.default_protocols()
        # From the newest down to the first hole (ssl_init_ctx_protocol); before OpenSSL 1.1.0 each had its own switch.
        present = [number for number, protocol in enumerate(PROTOCOLS) if protocol in names]
        low = high = present[-1] if present else len(PROTOCOLS)
        while low - 1 in present:
            low -= 1
        off: set[str] = set()
        decisive: list[Statement] = []
        for command in [] if proxy else commands(scope.merged("sslopensslconfcmd")):
            limit = PROTOCOL_NAMES.get(command.value.lower())
            if command.name == "minprotocol" and (limit or command.value.lower() == "none"):
                low = PROTOCOLS.index(limit) if limit else 0
            elif command.name == "maxprotocol" and (limit or command.value.lower() == "none"):
                high = PROTOCOLS.index(limit) if limit else len(PROTOCOLS) - 1
            elif command.name == "protocol":
                for word, on in switches(command.value):
                    some = set(PROTOCOLS) if word == "all" else {PROTOCOL_NAMES.get(word, "")}
                    off = off - some if on else off | some
            else:
                continue
            decisive.append(command.statement)
        known = self.capabilities.protocols
        value = tuple(
            name for number, name in enumerate(PROTOCOLS) if low <= number <= high and name in known and name not in off
        )
        return Found(value, (*used[-1:], *decisive), f"built-in default of {self.httpd}: {name} all -SSLv3")

    def protocol_scope(self, scope: Scope, first: Scope) -> Scope:
        """The host whose protocols count for the names of ``scope`` at an address whose first host is ``first``."""
        own = self.version >= _OWN_PROTOCOLS and self.capabilities.version >= (1, 1, 1)
        return scope if own and scope.inherited("sslprotocol") else first

    # --- suites and groups ------------------------------------------------------------------------------------------

    def cipher_string(self, scope: Scope, proxy: bool = False) -> tuple[str, Found]:
        """The OpenSSL cipher list for TLS 1.2 and older, and where it comes from (without its value)."""
        name = "SSLProxyCipherSuite" if proxy else "SSLCipherSuite"
        if not proxy:
            given = [one for one in commands(scope.merged("sslopensslconfcmd")) if one.name == "cipherstring"]
            if given:
                return given[-1].value, Found((), (given[-1].statement,), "")
        lists = self._inherited_lists(scope, name.lower(), tls13=False)
        if lists:
            text, statement = lists[-1]
            return text + _ALWAYS_OFF, Found((), (statement,), "")
        default = f"built-in default of {self.httpd}: {name} {_DEFAULT_CIPHERS}"
        return _DEFAULT_CIPHERS + _ALWAYS_OFF, Found((), (), default)

    def _inherited_lists(self, scope: Scope, name: str, tls13: bool) -> list[tuple[str, Statement]]:
        """The two kinds of lists are inherited apart from each other, though one directive sets both."""
        found = cipher_lists(scope.own(name), tls13)
        return found or (self._inherited_lists(scope.parent, name, tls13) if scope.parent else [])

    def suites_tls12(self, scope: Scope, proxy: bool = False) -> Found:
        """The value is None where the list stands outside the configuration (``PROFILE=SYSTEM``)."""
        text, found = self.cipher_string(scope, proxy)
        return found._replace(value=self.expand(text))

    def suites_tls13(self, scope: Scope, proxy: bool = False) -> Found:
        given: list[tuple[str, Statement]] = []
        for command in [] if proxy else commands(scope.merged("sslopensslconfcmd")):
            if command.name == "ciphersuites":
                given.append((command.value, command.statement))
        given = given or self._inherited_lists(scope, "sslproxyciphersuite" if proxy else "sslciphersuite", tls13=True)
        if given:
            text, statement = given[-1]
            return Found(self.expand_tls13(text), (statement,), "")
        names = None if self.foreign else openssl.default_ciphersuites(self.capabilities.version)
        return Found(names, (), f"built-in default of {self.library}: Ciphersuites")

    def groups(self, first: Scope) -> Found:
        given = [one for one in commands(first.merged("sslopensslconfcmd")) if one.name in GROUP_COMMANDS]
        if given:
            return Found(self.expand_groups(given[-1].value), (given[-1].statement,), "")
        return Found(self.expand_groups("auto"), (), f"built-in default of {self.library}: groups")

    # --- the rest ---------------------------------------------------------------------------------------------------

    def session_tickets(self, scope: Scope, first: Scope) -> Found:
        """Off where the host or the first one of its address says so: options of OpenSSL add up."""
        switched = [one.last("sslsessiontickets") for one in (scope, first)]
        off = [one for one in switched if one is not None and [word.lower() for word in one.args] == ["off"]]
        if off:
            return Found("off", (off[0],), "")
        for command in commands(scope.merged("sslopensslconfcmd")):
            if command.name == "options" and ("sessionticket", False) in switches(command.value):
                return Found("off", (command.statement,), "")
        # Without a file OpenSSL makes a key when a server is configured, and keeps it until the next restart.
        keys = [one for one in [scope.last("sslsessionticketkeyfile")] if one is not None]
        used = [one for one in [switched[0]] if one is not None]
        return Found("static", (*used, *keys), f"built-in default of {self.httpd}: SSLSessionTickets on")

    def certificates(self, scope: Scope) -> Found:
        """Those of main server and host add up."""
        statements = scope.merged("sslcertificatefile")
        return Found(tuple(word for item in statements for word in item.args[:1]), tuple(statements), "")


#: SSL_CONF_cmd(3) names of the list of groups.
GROUP_COMMANDS = ("groups", "curves", "ecdhparameters")


#: Directives that name files of keys, and of the certificates by which clients are verified.
_FILES = {"keys": ("sslcertificatekeyfile",), "trust": ("sslcacertificatefile", "sslcacertificatepath")}


def listeners(instance: Instance, documents: t.Sequence[Document]) -> list[Listener]:
    """Server listeners address by address, each address's first host first, then the connections to backends."""
    configuration = resolve(instance, documents)
    rules = Rules(instance)
    every = addresses(configuration)
    found = [_server(rules, address, number, every) for address in every for number in range(len(address.servers))]
    return found + _clients(rules, configuration)


def _server(rules: Rules, address: Address, number: int, every: t.Sequence[Address]) -> Listener:
    scope, names = address.servers[number]
    settings: dict[str, Setting] = {}
    if address.tls:
        settings = server_settings(rules, address, number)
        age = http.hsts(scope)
        if age is not None:
            settings["hsts_max_age"] = Found(age.value, age.statements, "no Strict-Transport-Security").setting()
    else:
        plain = http.plaintext(scope)
        settings["plaintext"] = Found(plain.value, plain.statements, "no redirect to https").setting()
    uris = endpoints(address, number, every)
    return Listener("apache", "http", "server", address.label, names, number == 0, address.tls, settings, uris)


def tls_scope(address: Address, number: int) -> Scope:
    """The host whose TLS a client meets: one without SSLEngine has no context, and the first one's stays."""
    scope = address.servers[number][0]
    return scope if speaks_tls(scope, address.https) else address.servers[0][0]


def server_settings(rules: Rules, address: Address, number: int) -> dict[str, Setting]:
    """What a client meets that asks for a name of that host."""
    scope, first = tls_scope(address, number), address.servers[0][0]
    protocols = rules.protocols(rules.protocol_scope(scope, first))
    none = protocols._replace(value=())
    old = any(name != "TLSv1.3" for name in protocols.value)
    found = _known(
        protocols=protocols,
        suites_tls12=rules.suites_tls12(scope) if old else none,
        suites_tls13=rules.suites_tls13(scope) if "TLSv1.3" in protocols.value else none,
        groups=rules.groups(first),
        session_tickets=rules.session_tickets(scope, first),
    )
    certificates = rules.certificates(scope)
    if certificates.statements:
        found["certificates"] = certificates.setting()
    for key, words in _FILES.items():
        named = tuple(item for word in words for item in scope.merged(word))
        if named:
            found[key] = Found(tuple(word for item in named for word in item.args[:1]), named, "").setting()
    return found


def _known(**found: Found) -> dict[str, Setting]:
    return {name: item.setting() for name, item in found.items() if item.value is not None}


# --- connections to backends ------------------------------------------------------------------------------------------


class Leg(t.NamedTuple):
    """One directive that opens TLS connections to a backend, in the server whose ``SSLProxy…`` settings hold for it.

    ``peer`` is ``host:port``; where a variable stands in it, nobody knows whom it means.
    """

    scope: Scope
    statement: Statement
    peer: str
    name: str


_URL = re.compile(r"(?i)(?:proxy:)?(?:https|wss|h2|balancer)://([^/\s?\"|]+)")


def legs(configuration: Configuration) -> t.Iterator[Leg]:
    """Every place that talks TLS to a backend; without ``SSLProxyEngine on`` such requests fail and do not count."""
    main = configuration.main
    for server in [main, *main.hosts]:
        for scope in [server, *(section for section in _inside(server))]:
            engine = scope.last("sslproxyengine")
            if engine is None or [word.lower() for word in engine.args] != ["on"]:
                continue
            # Sections of <Proxy> may have settings of their own since 2.4.30.
            holder = scope if scope.kind in ("proxy", "proxymatch") else server
            for statement in scope.own(
                "proxypass", "proxypassmatch", "balancermember", "rewriterule", "sethandler", "proxyremote"
            ):
                if statement.name == "rewriterule" and not re.search(r"\[[^\]]*\b[pP]\b[^\]]*\]", statement.text):
                    continue
                for match in _URL.finditer(" ".join(statement.args)):
                    if match.group().lower().startswith(("balancer", "proxy:balancer")):
                        continue
                    host = match.group(1)
                    peer = host if "$" in host or "%" in host or re.search(r":\d+$", host) else f"{host}:443"
                    yield Leg(holder, statement, peer, re.sub(r":\d+$", "", host))


def _inside(server: Scope) -> t.Iterator[Scope]:
    for section in server.sections():
        if section.kind != "virtualhost":
            yield from section.below()


def client_settings(rules: Rules, scope: Scope) -> dict[str, Setting]:
    """What httpd offers to and demands of a backend."""
    protocols = rules.protocols(scope, proxy=True)
    verify = scope.last("sslproxyverify")
    on = verify is not None and [word.lower() for word in verify.args] == ["require"]
    none = protocols._replace(value=())
    old = any(name != "TLSv1.3" for name in protocols.value)
    default = f"built-in default of {rules.httpd}: SSLProxyVerify none"
    return _known(
        protocols=protocols,
        suites_tls12=rules.suites_tls12(scope, proxy=True) if old else none,
        suites_tls13=rules.suites_tls13(scope, proxy=True) if "TLSv1.3" in protocols.value else none,
        peer_verification=Found(on, (verify,) if verify else (), default),
    )


def _clients(rules: Rules, configuration: Configuration) -> list[Listener]:
    found: dict[t.Any, Listener] = {}
    for leg in legs(configuration):
        settings = client_settings(rules, leg.scope)
        known = not re.search(r"[$%]", leg.peer)
        name = leg.name if known and not re.match(r"[0-9.]+\Z|\[", leg.name) else ""
        endpoints = (f"tls://{leg.peer}?sni={name}",) if known else ()
        listener = Listener("apache", "http", "client", leg.peer, (leg.name,), False, True, settings, endpoints)
        key = (leg.peer, tuple((name, settings[name]) for name in sorted(settings)))
        found.setdefault(key, listener)
    return list(found.values())
