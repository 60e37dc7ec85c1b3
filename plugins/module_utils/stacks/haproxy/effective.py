# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a configuration means: the TLS settings in force on every address and towards every server.

The rules are HAProxy's own (``cfgparse-ssl.c``, ``ssl_sock.c``, ``ssl_crtlist.c`` and the manual, section 5). Four of
them surprise most people:

* The defaults of ``global`` reach only lines below them: a ``bind`` above it, or in an earlier file, has none.
* Versions are one range: with ``ssl-min-ver``, ``ssl-max-ver`` or ``force-*`` anywhere, ``no-tlsv*`` is ignored.
* A line of a ``crt-list`` has settings of its own for its names, and the first one decides for
  clients without a name; before 3.0 not over their versions.
* A line between ``.if`` and ``.endif`` may count or not. Whatever is on by any of its branches is told as on.
"""

from __future__ import annotations

import itertools
import os.path
import re
import typing as t

from ...baseline.dialects import openssl
from ...baseline.model import PROTOCOLS
from ..contract import Listener, Provenance, Setting
from ..openssl_lists import Lists

if t.TYPE_CHECKING:
    from ..contract import Document, Instance
    from .grammar import Line, Tree, Word

#: Protocol ids by HAProxy's words for them, as ``ssl-min-ver`` takes them and, in lower case, ``no-`` and ``force-``.
WORDS = {"SSLv3": "SSLv3", "TLSv1.0": "TLSv1.0", "TLSv1.1": "TLSv1.1", "TLSv1.2": "TLSv1.2", "TLSv1.3": "TLSv1.3"}
_SWITCHES = {word.lower().replace(".", ""): protocol for word, protocol in WORDS.items()}

#: The oldest protocol of a ``bind`` line that names none, by the first version (CHANGELOG of 2.2).
_BIND_MINIMUM = (((2, 2), "TLSv1.2"), ((0,), "TLSv1.0"))

#: The first version in which the versions of the first certificate count for clients without a name, too.
_OWN_VERSIONS = (3, 0)
_VERSIONS = ("ssl-min-ver", "ssl-max-ver")

#: Options of ``bind`` and ``server`` lines that take a value; all others are single words (manual, sections 5.1, 5.2).
_VALUED = frozenset(
    [
        *("accept-netscaler-cip", "addr", "agent-addr", "agent-inter", "agent-port", "agent-send", "alpn", "backlog"),
        *("ca-file", "ca-ignore-err", "ca-sign-file", "ca-sign-pass", "ca-verify-file", "cc", "check-alpn"),
        *("check-proto", "check-sni", "ciphers", "ciphersuites", "client-sigalgs", "cookie", "crl-file", "crt"),
        *("crt-ignore-err", "crt-list", "curves", "default-crt", "downinter", "ecdhe", "error-limit", "expose-fd"),
        *("fall", "fastinter", "gid", "group", "guid", "guid-prefix", "id", "idle-ping", "init-addr", "inter"),
        *("interface", "label", "level", "log-proto", "max-reuse", "maxconn", "maxqueue", "minconn", "mode", "mss"),
        *("name", "namespace", "nbconn", "nice", "npn", "observe", "on-error", "on-marked-down", "on-marked-up"),
        *("pool-conn-name", "pool-low-conn", "pool-max-conn", "pool-purge-delay", "port", "process", "proto"),
        *("proxy-v2-options", "quic-cc-algo", "quic-socket", "redir", "resolve-net", "resolve-opts"),
        *("resolve-prefer", "resolvers", "rise", "set-proxy-v2-tlv", "severity-output", "shard", "shards", "sigalgs"),
        *("slowstart", "sni", "socks4", "source", "ssl-max-ver", "ssl-min-ver", "tcp-md5sig", "tcp-ut", "thread"),
        *("tls-ticket-keys", "track", "uid", "usesrc", "user", "verify", "verifyhost", "weight", "ws"),
    ]
)

#: Settings of which the last one counts.
_SINGLE = ("ciphers", "ciphersuites", "curves", "ecdhe", "sigalgs", "verify", "ca-file", "sni", "tls-ticket-keys")

#: Lines of ``global`` that give every later line a default, by what is left of their name.
BIND, SERVER = "ssl-default-bind-", "ssl-default-server-"

_ADDRESS = re.compile(r"(?:([a-z0-9]+)@)?(.*?)(?::(\d+)(?:-\d+)?)?\Z")
_STREAMS = ("", "ipv4", "ipv6", "tcp", "tcp4", "tcp6", "mptcp", "mptcp4", "mptcp6", "quic4", "quic6")
_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_MAX_AGE = re.compile(r"(?i)max-age\s*=\s*\"?(\d+)")
#: Conditions under which a redirection catches all that came in plaintext.
_PLAINTEXT_ONLY: tuple[list[str], ...] = ([], ["if", "!{", "ssl_fc", "}"], ["unless", "{", "ssl_fc", "}"])


class Option(t.NamedTuple):
    """An option of a line: its word, and its value's word when it takes one."""

    line: Line
    word: Word
    value: Word | None

    @property
    def name(self) -> str:
        return self.word.text

    @property
    def given(self) -> str | None:
        """The value; None when it is not known."""
        return self.value.value if self.value else None

    @property
    def protocol(self) -> str | None:
        """The protocol an option of versions is about; None for other options, and when the value is not known."""
        if self.name in _VERSIONS:
            return self.given if self.given in WORDS else None
        return _SWITCHES.get(self.name.partition("-")[2]) if self.name.startswith(("no-", "force-")) else None


class Found(t.NamedTuple):
    """A value in force and the lines that make it so: none when it is built in, which ``default`` then names."""

    value: t.Any
    lines: tuple[Line, ...]
    default: str

    def setting(self) -> Setting:
        places = tuple(Provenance(one.tree.path, one.line, one.text) for one in dict.fromkeys(self.lines))
        return Setting(self.value, places or (Provenance("", 0, self.default),))


def options(line: Line) -> list[Option]:
    """The options of a line, whatever it begins with."""
    words = line.words
    if line.tree.crt_list:
        inner = [number for number, word in enumerate(words) if word.text in ("[", "]")]
        words = words[inner[0] + 1 : inner[1]] if inner else []
    elif not line.name.startswith((BIND, SERVER)):
        skipped = {"bind": 2, "default-server": 1, "server-template": 4, "stats": 3}.get(line.name, 3)
        words = words[skipped:]
    else:
        words = words[1:]
    found, at = [], 0
    while at < len(words):
        takes = words[at].text in _VALUED and at + 1 < len(words)
        found.append(Option(line, words[at], words[at + 1] if takes else None))
        at += 1 + takes
    return found


class Bag:
    """Options in force at one place. Each value is kept with all its possibilities: None stands for a built-in one."""

    def __init__(self, other: Bag | None = None) -> None:
        self.values: dict[str, tuple[Option | None, ...]] = dict(other.values) if other else {}
        self.off: dict[str, Line] = dict(other.off) if other else {}
        self.no_tickets: Line | None = other.no_tickets if other else None

    def possible(self, name: str) -> tuple[Option | None, ...]:
        return self.values.get(name, (None,))

    def take(self, option: Option, maybe: bool = False, name: str = "") -> None:
        """An option that comes later; ``maybe`` when a macro decides whether it counts."""
        name = name or option.name
        if name.startswith("force-") and option.protocol:
            self._put("ssl-min-ver", option, maybe)
            self._put("ssl-max-ver", option, maybe)
        elif name in (*_VERSIONS, *_SINGLE):
            self._put(name, option, maybe)
        elif name.startswith("no-") and option.protocol and not maybe:
            self.off[option.protocol] = option.line
        elif name == "no-tls-tickets" and not maybe:
            self.no_tickets = option.line
        elif name == "tls-tickets":
            self.no_tickets = None

    def _put(self, name: str, option: Option, maybe: bool) -> None:
        self.values[name] = (*self.possible(name), option) if maybe else (option,)

    def over(self, defaults: Bag) -> Bag:
        """These, and ``defaults`` for all that is not among them."""
        both = Bag(defaults)
        both.values.update(self.values)
        both.off.update(self.off)
        both.no_tickets = self.no_tickets or defaults.no_tickets
        return both


class Block(t.NamedTuple):
    """A section with its lines, and the defaults it takes."""

    kind: str
    name: str
    lines: list[Line]
    parent: Block | None

    def all(self, name: str) -> list[Line]:
        """Lines that begin with a word, those of the defaults first."""
        return [*(self.parent.all(name) if self.parent else ()), *(one for one in self.lines if one.name == name)]

    @property
    def http(self) -> bool:
        modes = self.all("mode")
        return bool(modes) and modes[-1].args[:1] == ["http"]


class Entry(t.NamedTuple):
    """Certificates of a ``bind`` line that have settings in common, with the names they are chosen by."""

    lines: tuple[Line, ...]
    names: tuple[str, ...]
    own: Bag


class Bind(t.NamedTuple):
    """A line that serves TLS or plaintext. ``own`` is what it says itself, ``bag`` what is in force."""

    line: Line
    block: Block
    own: Bag
    bag: Bag
    tls: bool
    entries: tuple[Entry, ...]
    certificates: tuple[str, ...]
    addresses: tuple[str, ...]


class Leg(t.NamedTuple):
    """A line that opens TLS connections, with what is in force."""

    line: Line
    block: Block
    bag: Bag
    address: str


class Config:
    """The configuration as HAProxy builds it: every TLS line with the defaults that stood above it."""

    def __init__(self, documents: t.Sequence[Document]) -> None:
        self.documents = documents
        self.main: Tree = documents[0].tree
        self._lists: dict[str, Tree] = {one.path: one.tree for one in documents if one.tree.crt_list}
        self.binds: list[Bind] = []
        self.legs: list[Leg] = []
        self.globals: list[Line] = []
        self._bags = {BIND: Bag(), SERVER: Bag()}
        self._base = {"crt-base": "", "ca-base": ""}
        self._walk()

    def _walk(self) -> None:
        named: dict[str, Block] = {}
        last: Block | None = None
        seen: t.Any = None
        block = Block("", "", [], None)
        for line in (line for one in self.documents if not one.tree.crt_list for line in one.tree.lines):
            if line.section is not seen:
                seen = line.section
                parent = named.get(seen.parent, last) if seen.kind in ("frontend", "listen", "backend") else None
                block = Block(seen.kind, seen.name, [], named.get(seen.parent) if seen.kind == "defaults" else parent)
                if seen.kind == "defaults":
                    last = named[seen.name] = block
                if seen.kind == "global":
                    self.globals.append(line)
            block.lines.append(line)
            if block.kind == "global":
                self._global(line, block)
            elif line.name == "bind" and len(line.words) > 1:
                self._bind(line, block, line.words[1])
            elif line.name in ("server", "peer", "server-template") and block.kind != "defaults":
                self._server(line, block)

    def _global(self, line: Line, block: Block) -> None:
        for prefix, bag in self._bags.items():
            if line.name == prefix + "options":
                for option in options(line):
                    bag.take(option, line.conditional)
            elif line.name.startswith(prefix) and len(line.words) > 1:
                bag.take(Option(line, line.words[0], line.words[1]), line.conditional, line.name[len(prefix) :])
        if line.name == "ssl-server-verify" and line.args:
            self._bags[SERVER].take(Option(line, line.words[0], line.words[1]), line.conditional, "verify")
        elif line.name in self._base and line.args:
            self._base[line.name] = line.args[0]
        elif line.name == "stats" and line.args[:1] == ["socket"] and "ssl" in line.args[2:]:
            self._bind(line, block, line.words[2])

    def _bind(self, line: Line, block: Block, address: Word) -> None:
        found = options(line)
        own = Bag()
        entries: list[Entry] = []
        certificates: list[str] = []
        for option in found:
            own.take(option)
            if option.name in ("crt", "default-crt") and option.given:
                path = self._path("crt-base", option.given)
                certificates += self.main.folders.get(path, (path,))
                entries.append(Entry((line,), (), Bag()))
            elif option.name == "crt-list" and option.given in self.main.lists:
                for entry, path in self._entries(self._lists[self.main.lists[option.given]]):
                    entries.append(entry)
                    certificates.append(path)
        addresses = tuple(address.text.split(",")) if address.value is not None else ("",)
        tls = any(option.name == "ssl" for option in found) or addresses[0].startswith("quic")
        self.binds.append(
            Bind(
                *(line, block, own, own.over(self._bags[BIND]), tls),
                *(tuple(entries), tuple(dict.fromkeys(certificates)), addresses),
            )
        )

    def _entries(self, tree: Tree) -> t.Iterator[tuple[Entry, str]]:
        for line in tree.lines:
            own = Bag()
            for option in options(line):
                own.take(option)
            words = [word.text for word in line.words]
            names = words[words.index("]") + 1 :] if "]" in words else words[1:]
            yield (
                Entry((line,), tuple(name for name in names if name[:1] != "!"), own),
                self._path("crt-base", words[0]),
            )

    def _server(self, line: Line, block: Block) -> None:
        own, tls = Bag(), False
        for one in (*block.all("default-server"), line):
            for option in options(one):
                own.take(option)
                tls = option.name == "ssl" or (tls and option.name != "no-ssl")
        if tls and len(line.words) > 2:
            address = line.words[3 if line.name == "server-template" and len(line.words) > 3 else 2]
            self.legs.append(Leg(line, block, own.over(self._bags[SERVER]), address.text))

    def _path(self, base: str, name: str) -> str:
        return name if name.startswith("@") else os.path.join(self._base[base], name)

    def trust(self, bag: Bag) -> Found:
        used = [option for option in bag.possible("ca-file") if option and option.given]
        return Found(tuple(self._path("ca-base", option.given or "") for option in used), _lines(used), "")


def _lines(given: t.Iterable[Option | None]) -> tuple[Line, ...]:
    return tuple(option.line for option in given if option)


class Rules(Lists):
    """What options mean in one build."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(instance.capabilities)
        self.version = instance.version
        self.haproxy = f"HAProxy {'.'.join(map(str, instance.version))}"

    def protocols(self, bag: Bag, server: bool = True) -> Found:
        """Protocols, oldest first: one range without holes. ``server`` tells a listener from a client's connection."""
        lows, highs = bag.possible("ssl-min-ver"), bag.possible("ssl-max-ver")
        names: set[str] = set()
        for low, high in itertools.product(lows, highs):
            names |= self._range(low, high, bag.off, server)
        used = [*_lines(lows), *_lines(highs), *(() if any((*lows, *highs)) else bag.off.values())]
        minimum = self._minimum(server)
        default = f"built-in default of {self.haproxy}: " + (f"ssl-min-ver {minimum}" if minimum else "every version")
        return Found(tuple(name for name in PROTOCOLS if name in names), tuple(used), default)

    def default(self, bind: Bind) -> Bag:
        """What a client without a name meets, or with an unknown one: the first certificate's settings."""
        own = Bag(bind.entries[0].own if bind.entries else None)
        if self.version < _OWN_VERSIONS:
            own.values = {name: value for name, value in own.values.items() if name not in _VERSIONS}
        return own.over(bind.bag)

    def _minimum(self, server: bool) -> str:
        return next(name for since, name in _BIND_MINIMUM if self.version >= since) if server else ""

    def _range(self, low: Option | None, high: Option | None, off: t.Container[str], server: bool) -> set[str]:
        order = PROTOCOLS.index
        # A version that is not known may be any.
        lowest = order((low.protocol or "SSLv3") if low else (self._minimum(server) or "SSLv3"))
        highest = order((high.protocol or PROTOCOLS[-1]) if high else PROTOCOLS[-1])
        if low is None and lowest > highest:
            lowest = highest  # HAProxy then warns, and takes the newest one for the oldest too
        there = [
            number
            for number, name in enumerate(PROTOCOLS)
            if name in self.capabilities.protocols and lowest <= number <= highest and (low or high or name not in off)
        ]
        return set(PROTOCOLS[there[0] : there[-1] + 1]) if there else set()

    def suites_tls12(self, bag: Bag) -> Found:
        """The value is None where the list is not known."""
        return self._names(bag.possible("ciphers"), self.expand, "DEFAULT", f"{self.library}: DEFAULT")

    def suites_tls13(self, bag: Bag) -> Found:
        every = None if self.foreign else ":".join(openssl.default_ciphersuites(self.capabilities.version))
        return self._names(bag.possible("ciphersuites"), self.expand_tls13, every, f"{self.library}: Ciphersuites")

    def groups(self, bag: Bag) -> Found:
        given = bag.possible("curves")
        if given == (None,):
            given = bag.possible("ecdhe")
        return self._names(given, self.expand_groups, "auto", f"{self.library}: groups")

    def _names(
        self,
        given: tuple[Option | None, ...],
        expand: t.Callable[[str], tuple[str, ...] | None],
        built_in: str | None,
        default: str,
    ) -> Found:
        names: dict[str, None] | None = {}
        for option in given:
            text = option.given if option else built_in
            some = expand(text) if text is not None else None
            names = None if names is None or some is None else {**names, **dict.fromkeys(some)}
        value = None if names is None else tuple(names)
        return Found(value, _lines(given), f"built-in default of {default}")

    def session_tickets(self, bag: Bag) -> Found:
        if bag.no_tickets:
            return Found("off", (bag.no_tickets,), "")
        keys = _lines(bag.possible("tls-ticket-keys"))
        return Found("static", keys, f"built-in default of {self.haproxy}: one ticket key until the next reload")

    def verifies(self, bag: Bag) -> Found:
        given = bag.possible("verify")
        value = all(option is None or option.given == "required" for option in given)
        return Found(value, _lines(given), f"built-in default of {self.haproxy}: verify required")

    def settings(self, bag: Bag, server: bool = True, quic: bool = False) -> dict[str, Setting]:
        """What a peer meets. What is not known is left out."""
        protocols = self.protocols(bag, server)
        if quic:  # RFC 9001, section 4.2
            protocols = protocols._replace(value=tuple(name for name in protocols.value if name == "TLSv1.3"))
        none = protocols._replace(value=())
        old = any(name != "TLSv1.3" for name in protocols.value)
        found = {
            "protocols": protocols,
            "suites_tls12": self.suites_tls12(bag) if old else none,
            "suites_tls13": self.suites_tls13(bag) if "TLSv1.3" in protocols.value else none,
        }
        if server:
            found.update(groups=self.groups(bag), session_tickets=self.session_tickets(bag))
        else:
            found["peer_verification"] = self.verifies(bag)
        return {name: item.setting() for name, item in found.items() if item.value is not None}


class Address(t.NamedTuple):
    """An address of a line: ``host`` as it stands there, ``port`` None where there is none that is known."""

    family: str
    host: str
    port: int | None

    @property
    def label(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host or "*"
        return f"{host}:{self.port}" if self.port is not None else host

    @property
    def quic(self) -> bool:
        return self.family.startswith("quic")

    def reachable(self) -> str:
        """``host:port`` by which the host itself reaches it; empty where there is no way to."""
        if self.port is None or self.family not in _STREAMS or self.host.startswith("/"):
            return ""
        known = {"": "127.0.0.1", "*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  compared
        host = known.get(self.host, self.host)
        if self.host == "" and self.family.endswith("6"):
            host = "::1"
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}" if _NAME.fullmatch(host) else ""


def address_of(text: str) -> Address:
    match = _ADDRESS.match(text)
    family, host, port = match.groups() if match else ("", text, None)
    return Address(family or "", (host or "").strip("[]"), int(port) if port else None)


def listeners(instance: Instance, documents: t.Sequence[Document]) -> list[Listener]:
    """Every address line by line, what clients without a name meet first, then the connections to servers."""
    rules, config = Rules(instance), Config(documents)
    found = [one for _bind, one in served(rules, config)]
    return found + [_client(rules, config, leg) for leg in config.legs]


def served(rules: Rules, config: Config) -> list[tuple[Bind, Listener]]:
    """Every listener with the line it stands on."""
    return [(bind, one) for bind in config.binds for one in _served(rules, config, bind)]


def _served(rules: Rules, config: Config, bind: Bind) -> t.Iterator[Listener]:
    context = " ".join(filter(None, (bind.block.kind, bind.block.name)))
    for address in map(address_of, bind.addresses):
        if not bind.tls:
            yield _plain(bind, context, address)
            continue
        files: dict[str, Setting] = {}
        paths = tuple(path for path in bind.certificates if not path.startswith("@"))
        if paths:
            files["certificates"] = Found(paths, (bind.line,), "").setting()
        keys = tuple(path + ".key" for path in paths if path + ".key" in config.main.keys)
        if keys:
            files["keys"] = Found(keys, (bind.line,), "").setting()
        trust = config.trust(bind.bag)
        if trust.value:
            files["trust"] = trust.setting()
        age = _hsts(bind.block) if bind.block.http else None
        if age is not None:
            files["hsts_max_age"] = age.setting()
        # Names without options of their own share a listener, with clients without a name where those get the same.
        default = rules.default(bind)
        groups: dict[int, tuple[Bag, list[str]]] = {0: (default, [])}
        for entry in bind.entries:
            bag = entry.own.over(bind.bag)
            key = 0 if bag.values == default.values else id(entry.lines[0]) if entry.own.values else 1
            groups.setdefault(key, (bag, []))[1].extend(entry.names)
        for which, (bag, names) in groups.items():
            yield Listener(
                *("haproxy", context, "server", address.label, tuple(dict.fromkeys(names)), which == 0, True),
                {**rules.settings(bag, quic=address.quic), **files},
                _endpoints(bind, address, names, which == 0),
            )


def _plain(bind: Bind, context: str, address: Address) -> Listener:
    settings: dict[str, Setting] = {}
    endpoints: tuple[str, ...] = ()
    if bind.block.http:
        caught = [line for line in bind.block.lines if redirects(line)]
        value = "redirected" if caught else "served"
        settings["plaintext"] = Found(value, tuple(caught) or (bind.line,), "").setting()
        endpoints = _endpoints(bind, address, [], True)
    return Listener("haproxy", context, "server", address.label, (), True, False, settings, endpoints)


def redirects(line: Line) -> bool:
    args = line.args if line.name == "redirect" else line.args[1:] if line.args[:1] == ["redirect"] else []
    rest = args[2:]
    while rest[:1] == ["code"]:
        rest = rest[2:]
    return line.name in ("redirect", "http-request") and args[:2] == ["scheme", "https"] and rest in _PLAINTEXT_ONLY


def _hsts(block: Block) -> Found | None:
    """Only where the frontend itself sets the header for every answer: else a server behind it may send it."""
    for line in block.lines:
        args = line.args
        known = line.name == "http-response" and args[:1] in (["set-header"], ["add-header"]) and len(args) == 3
        if known and args[1].lower() == "strict-transport-security":
            match = _MAX_AGE.search(args[2])
            return Found(int(match.group(1)) if match else 0, (line,), "")
    return None


def _endpoints(bind: Bind, address: Address, names: t.Iterable[str], default: bool) -> tuple[str, ...]:
    place = address.reachable()
    flags = {option.name for option in options(bind.line)}
    if not place or address.quic or flags & {"interface", "namespace", "accept-netscaler-cip"}:
        return ()
    scheme = "http" if not bind.tls else "https" if bind.block.http else "tls"
    tail = "&proxy_protocol=1" if "accept-proxy" in flags else ""
    samples = (name.replace("*", "any", 1) for name in names)
    asked = [name for name in samples if _NAME.fullmatch(name)][:1]
    if default and "strict-sni" not in flags:
        asked.insert(0, "")
    return tuple(f"{scheme}://{place}?sni={name}{tail}" for name in asked)


def _client(rules: Rules, config: Config, leg: Leg) -> Listener:
    address = address_of(leg.address)
    sni = next((option.given or "" for option in leg.bag.possible("sni") if option), "")
    name = sni[4:-1] if sni.startswith("str(") and sni.endswith(")") else ""
    settings = rules.settings(leg.bag, server=False)
    trust = config.trust(leg.bag)
    if trust.value:
        settings["trust"] = trust.setting()
    place = address.reachable()
    context = " ".join(filter(None, (leg.block.kind, leg.block.name)))
    names = (name,) if name else ()
    uri = (f"tls://{place}?sni={name}",) if place else ()
    return Listener("haproxy", context, "client", leg.address, names, False, True, settings, uri)
