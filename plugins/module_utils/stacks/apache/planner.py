# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The smallest change that makes an httpd configuration hold the baseline.

Every directive in an active part that breaks the baseline is mended where it stands, in the main server, in virtual
hosts, in sections and in macros, also where another line overrides it today. What a condition (``<IfModule>`` and its
like) leaves out is left as it is. Directives are added only where a built-in default would break the baseline: in the
main server beside its other ``SSL…`` lines, or in the hosts when it has none. What is stricter than the baseline stays.
"""

from __future__ import annotations

import re
import typing as t

from ...baseline.model import PROTOCOLS, clamp
from ..contract import Kept, Plan, Provenance
from ..planning import BAD_OPTIONS, CHECKS, LEVEL, WEAK_SIGNATURE, Planner, below, kept_by
from . import http, layout
from .addresses import addresses
from .effective import (
    GROUP_COMMANDS,
    PROTOCOL_NAMES,
    TLS13,
    Command,
    Leg,
    Rules,
    cipher_lists,
    client_settings,
    commands,
    legs,
    provenance,
    server_settings,
    switches,
    tls_scope,
    word_of,
)  # fmt: skip
from .resolver import Statement, edited, resolve

if t.TYPE_CHECKING:
    from ...baseline.model import Baseline
    from ..contract import Document, Edit, Instance
    from .addresses import Address
    from .grammar import Directive
    from .resolver import Configuration, Scope

#: Switches that must not be on, and the check that says so.
_BAD_SWITCHES = {"sslcompression": "tls.compression", "sslinsecurerenegotiation": "tls.secure_renegotiation"}
#: TLS modules that have directives of their own, and the one that switches each on.
_OTHER_MODULES = {"gnutlsenable": "mod_gnutls", "nssengine": "mod_nss", "tlsengine": "mod_tls"}


def plan(
    instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
) -> Plan:
    """Edits, clamps and what was left alone. Raises BaselineError when the build can do nothing of the baseline."""
    clamped, clamps = clamp(baseline, instance.capabilities)
    planner = _Planner(instance, documents, clamped, options)
    planner.pin_excepted()
    planner.shield_hosts()
    planner.mend_in_place()
    planner.add_missing()
    planner.mend_hsts()
    planner.report()
    edits = planner.edits()
    planner.check(edits)
    return Plan(tuple(edits), clamps + tuple(planner.clamps), tuple(planner.unmended))


class _Planner(Planner):
    def __init__(
        self, instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
    ) -> None:
        super().__init__(documents, baseline, options)
        self.instance = instance
        self.rules = Rules(instance)
        self.configuration = resolve(instance, documents)
        self.main = self.configuration.main
        self.legs = list(legs(self.configuration))
        self._excepted = self._group_exceptions()
        self._shielded: set[tuple[int, str]] = set()

    def _tell(self, check: str, place: Statement | Scope, reason: str) -> None:
        """Leave something alone; the main server, which nothing opens, is known by the main file."""
        if place.directive is None:
            self._leave_at(check, Provenance(self.documents[0].path, 0, "main server"), reason)
        else:
            self._leave(check, place.directive, reason)

    def _respell(self, statement: Statement, value: str, check: str, reason: str) -> None:
        """Another last argument."""
        self._edit(statement.directive, layout.respell_last(statement.directive, value), check, reason)

    # --- what exceptions keep ---------------------------------------------------------------------------------------

    def _kept(self, address: Address, number: int) -> Kept:
        """What is kept for the names of a host at an address.

        From the newest protocol that is on, httpd goes down to the first that is off: what lies between stays on, too.
        """
        kept = kept_by(self.options, address.port or 0, address.servers[number][1])
        on = server_settings(self.rules, address, number)["protocols"].value if kept.protocols else ()
        stay = kept.protocols.intersection(on)
        if stay:
            oldest = min(map(PROTOCOLS.index, stay))
            between = (name for name in PROTOCOLS[oldest:] if name not in self.strict.protocols)
            kept = kept._replace(protocols=kept.protocols.union(between))
        return kept

    def _group_exceptions(self) -> dict[int, Kept]:
        """What is kept in each host, in the first one of its address where that decides, and in what they include."""
        found: dict[int, Kept] = {}
        for address, number in _tls_servers(self.configuration):
            kept = self._kept(address, number)
            if kept.ids:
                scope, first = tls_scope(address, number), address.servers[0][0]
                for one in {id(one): one for one in (scope, self.rules.protocol_scope(scope, first))}.values():
                    found[id(one)] = found.get(id(one), Kept()) | kept
        self.shared(found, self.main.below(), lambda scope: (id(item.directive) for item in _lines(scope)))
        return found

    def _keep(self, scope: Scope) -> t.ContextManager[None]:
        """Plan for a section with what exceptions keep in its host."""
        around: Scope | None = scope
        while around is not None and id(around) not in self._excepted:
            around = around.parent
        if around is None or (around is not scope and around.parent is None):
            return self.keeping(Kept())
        groups, suites = self.rules.groups(around).value, self.rules.suites_tls12(around).value
        return self.keeping(self._excepted[id(around)], self.rules.protocols(around).value, suites or (), groups or ())

    def pin_excepted(self) -> None:
        """What is kept and inherited becomes the host's own, so that it can be mended for everyone else."""
        for scope in (scope for scope in self.main.below() if id(scope) in self._excepted):
            with self._keep(scope):
                why = f"{', '.join(self.kept.ids)} keeps it here"
                old = [name for name in self.baseline.protocols if name not in self.strict.protocols]
                if old and not scope.own("sslprotocol"):
                    self._insert(scope, f"SSLProtocol {self._protocols()}", CHECKS[old[0]], why)
                if self.baseline.suites_tls12 != self.strict.suites_tls12 and not scope.own("sslciphersuite"):
                    self._insert(scope, f"SSLCipherSuite {self._own_list(scope)}", "suite.forbidden", why)
                tickets = "session.tickets" in self.kept.checks and not scope.own("sslsessiontickets")
                if tickets and self._weak_tickets(self.rules.session_tickets(scope, scope).value):
                    self._insert(scope, "SSLSessionTickets on", "session.tickets", why)

    def shield_hosts(self) -> None:
        """Hosts that inherit from a main server where something is kept get lines of their own."""
        if id(self.main) not in self._excepted:
            return
        why = f"{', '.join(self._excepted[id(self.main)].ids)} keeps something weaker in the main server"
        for address, number in _tls_servers(self.configuration):
            scope = tls_scope(address, number)
            decides = self.rules.protocol_scope(scope, address.servers[0][0])
            weak = self._weak_protocols(self.rules.protocols(decides).value)
            if weak and self._inherits(decides, "sslprotocol"):
                self._insert(decides, f"SSLProtocol {self._protocols()}", CHECKS[weak[0]], why)
            bad = self._weak_suites(self.rules.suites_tls12(scope).value, self.baseline.suites_tls12)
            if bad and self.baseline.suites_tls12 and self._inherits(scope, "sslciphersuite"):
                self._insert(scope, f"SSLCipherSuite {self._own_list(scope)}", "suite.forbidden", why)

    def _inherits(self, host: Scope, name: str) -> bool:
        """Whether the main server decides for a host that no exception is about, the first time it is asked."""
        if host is self.main or id(host) in self._excepted or host.own(name) or (id(host), name) in self._shielded:
            return False
        self._shielded.add((id(host), name))
        return True

    def _own_list(self, scope: Scope) -> str:
        """The cipher list for a host, at the security level of the one it inherits if that has to stay."""
        lists = cipher_lists(scope.inherited("sslciphersuite"), tls13=False)
        if not lists:
            return self._ciphers()
        names = self.rules.expand(lists[-1][0] + ":!aNULL:!eNULL:!EXP")
        return self._cipher_list(lists[-1][1], lists[-1][0], names)

    def _insert(self, scope: Scope, line: str, check: str, reason: str) -> None:
        """Into a host, beside its own TLS lines where it has some, as the main server that speaks TLS does."""
        home = scope.directive.tree.path if scope.directive is not None else None
        beside = [one.directive for one in _lines(scope) if re.match(r"ssl(?!proxy)", one.name)]
        # Files that many hosts include are other people's more often than not.
        beside = [one for one in beside if home in (None, one.tree.path)]
        if beside:
            self._edit(beside[-1], layout.insert_after(beside[-1], line), check, reason)
        elif scope.directive is not None:
            self._edit(scope.directive, layout.insert_into(scope.directive, line), check, reason)

    # --- the baseline in httpd's words ------------------------------------------------------------------------------

    def _protocols(self) -> str:
        return " ".join(["-all", *(f"+{word_of(name)}" for name in self.baseline.protocols)])

    def _weak_tickets(self, value: str) -> bool:
        return self.baseline.session_tickets != "any" and value == "static"

    # --- what stands there ------------------------------------------------------------------------------------------

    def mend_in_place(self) -> None:
        for scope in self.main.below():
            with self._keep(scope):
                self._mend_scope(scope)
            self._mend_proxy(scope)

    def _mend_scope(self, scope: Scope) -> None:
        for statement in scope.own("sslprotocol"):
            self._mend_protocols(statement, "")
        self._mend_ciphers(scope, "sslciphersuite", "suite.forbidden")
        for command in commands(scope.own("sslopensslconfcmd")):
            value, check, reason = self._command(command)
            if value != command.value:
                self._respell(command.statement, value, check, reason)
        for name, check in _BAD_SWITCHES.items():
            for statement in scope.own(name):
                if [word.lower() for word in statement.args] == ["on"] and check not in self.kept.checks:
                    self._respell(statement, "off", check, f"{statement.directive.text.split()[0]} must be off")
        for statement in scope.own("sslsessiontickets"):
            kept = "session.tickets" in self.kept.checks
            if [word.lower() for word in statement.args] == ["on"] and self._weak_tickets("static") and not kept:
                reason = "one ticket key until the next restart opens every recorded session that used it"
                self._respell(statement, "off", "session.tickets", reason)

    def _mend_protocols(self, statement: Statement, check: str) -> None:
        args = statement.args
        on = self.rules.words(args)
        unknown = [word for word in args if word.lstrip("+-").lower() not in (*PROTOCOL_NAMES, "all")]
        weak = self._weak_protocols(on)
        missing = [] if check else [name for name in self.baseline.required_protocols if name not in on]
        if missing and not weak and on:
            # Adding a newer protocol than those allowed is what the baseline asks for; an older one would loosen.
            oldest = min(map(PROTOCOLS.index, on))
            missing = [name for name in missing if PROTOCOLS.index(name) > oldest]
        # Where nothing but what an exception keeps is on, the baseline is still wanted beside it.
        missing = missing or ([] if set(on) & set(self.strict.protocols) or not on else list(self.strict.protocols))
        if not weak and not missing and not unknown and on:
            return
        if weak:
            reason = f"{', '.join(weak)} must be off"
        elif unknown:
            reason = f"httpd knows no protocol {unknown[0]!r}"
        else:
            reason = f"{', '.join(missing)} must be on" if on else "no protocol is left on"
        check = check or (CHECKS[weak[0]] if weak else "config.valid" if unknown else "protocol.approved")
        self._edit(statement.directive, layout.respell(statement.directive, self._protocols()), check, reason)

    def _mend_ciphers(self, scope: Scope, name: str, check: str) -> None:
        """Lists of the main server, of hosts and of sections: the last renegotiate to their own."""
        proxy = name == "sslproxyciphersuite"
        for text, statement in cipher_lists(scope.own(name), tls13=False):
            names = self.rules.expand(text + ":!aNULL:!eNULL:!EXP")
            new = self._cipher_list(statement, text, names, proxy)
            if new != text:
                self._respell(statement, new, check, self._why_suites(names))
        for text, statement in cipher_lists(scope.own(name), tls13=True):
            names = self.rules.expand_tls13(text)
            if self.baseline.suites_tls13 and self._weak_suites(names, self.baseline.suites_tls13):
                self._respell(statement, self._ciphersuites(), check, self._why_suites(names))

    def _cipher_list(self, statement: Statement, old: str, names: t.Sequence[str] | None, proxy: bool = False) -> str:
        """The list that should stand there; ``old`` itself when it is as good."""
        obstacle = None if proxy else lambda: self._needs_level(statement)
        return self._list_for(statement.directive, old, names, obstacle)

    def _needs_level(self, statement: Statement) -> str:
        """Why a lowered security level cannot be raised without risk; empty when it can.

        OpenSSL refuses to load a weak certificate above its level, and httpd then ends on the reload.
        """
        outside = self.documents[0].tree.outside
        # A file may be included in several hosts: its line is one, and has to do for all of them.
        users = [
            scope
            for scope in self.main.below()
            if any(item.directive is statement.directive for item in scope.own(statement.name))
        ]
        hosts = [host for scope in users for host in ([scope, *scope.hosts] if scope.parent is None else [scope])]
        for host in hosts:
            verify = host.last("sslverifyclient")
            if verify is not None and [word.lower() for word in verify.args] != ["none"]:
                return "clients may have certificates of that level; have them issued again"
            for word in self.rules.certificates(host).value:
                loads = outside.get(("loads", word))
                if loads is None:
                    return f"whether {word} loads at level {LEVEL} is not known; check it"
                if not loads:
                    return f"{word} does not load at level {LEVEL}; have it issued with a stronger key or hash"
        return ""

    def _command(self, command: Command) -> tuple[str, str, str]:
        """The value an OpenSSL command should have, the check that asks for it, and why."""
        name, value, baseline = command.name, command.value, self.baseline
        oldest, newest = (PROTOCOLS.index(baseline.protocols[number]) for number in (0, -1))
        limit = PROTOCOL_NAMES.get(value.lower())
        if name == "minprotocol" and (value.lower() == "none" or (limit and PROTOCOLS.index(limit) < oldest)):
            below = [one for one in PROTOCOLS[:oldest] if one in self.instance.capabilities.protocols]
            reason = f"MinProtocol overrides SSLProtocol, so {', '.join(below)} would be on"
            return word_of(PROTOCOLS[oldest]), CHECKS[PROTOCOLS[oldest - 1]], reason
        if name == "maxprotocol" and limit and PROTOCOLS.index(limit) < oldest:
            return word_of(PROTOCOLS[newest]), "protocol.approved", "no protocol of the baseline is below this limit"
        if name == "protocol":
            off: set[str] = set()
            for word, enabled in switches(value):
                some = set(PROTOCOLS) if word == "all" else {PROTOCOL_NAMES.get(word, "")}
                off = off - some if enabled else off | some
            if not set(baseline.protocols) - off:
                words = ["-ALL", *(word_of(protocol) for protocol in baseline.protocols)]
                return ",".join(words), "protocol.approved", "it switches off every protocol of the baseline"
        elif name == "cipherstring":
            names = self.rules.expand(value)
            new = self._cipher_list(command.statement, value, names)
            return new, "suite.forbidden", f"CipherString overrides SSLCipherSuite: {self._why_suites(names)}"
        elif name == "ciphersuites":
            names = self.rules.expand_tls13(value)
            if baseline.suites_tls13 and self._weak_suites(names, baseline.suites_tls13):
                return self._ciphersuites(), "suite.forbidden", self._why_suites(names)
        elif name in GROUP_COMMANDS:
            groups = self.rules.expand_groups(value)
            if value.lower() not in ("auto", "+automatic", "automatic") and self._weak_groups(groups):
                return self._groups(), "group.forbidden", self._why_groups(groups)
        elif name == "options":
            check, reason, words = "", "", [word.strip() for word in value.split(",")]
            for number, (word, enabled) in enumerate(switches(value)):
                if enabled and word in BAD_OPTIONS:
                    check, reason = BAD_OPTIONS[word], f"{words[number]} must be off"
                    words[number] = "-" + words[number].lstrip("+")
            return (",".join(words) if check else value), check, reason
        elif name in ("signaturealgorithms", "clientsignaturealgorithms"):
            kept = [word for word in value.split(":") if not WEAK_SIGNATURE.search(word)]
            if kept:
                return ":".join(kept), "signature.forbidden", "MD5 and SHA-1 signatures must not be made"
        return value, "", ""

    # --- connections to backends ------------------------------------------------------------------------------------

    def _proved(self, users: t.Iterable[Leg]) -> bool:
        """Whether every backend was seen to answer what the baseline approves: none may be lost."""
        return all(self.upstreams.get(leg.peer) is True for leg in users)

    def _mend_proxy(self, scope: Scope) -> None:
        for name in ("sslproxyprotocol", "sslproxyciphersuite"):
            if scope.own(name) and self._proved(leg for leg in self.legs if leg.scope.nearest(name) is scope):
                if name == "sslproxyciphersuite":
                    self._mend_ciphers(scope, name, "upstream.suite")
                    continue
                for statement in scope.own(name):
                    self._mend_protocols(statement, "upstream.protocol")

    # --- what is missing --------------------------------------------------------------------------------------------

    def add_missing(self) -> None:
        """Directives for built-in defaults that break the baseline, seen as the edits so far leave the files."""
        after = self._after(self.edits())
        # Edits only change arguments: the sections are the same, one by one.
        before = {id(new): old for new, old in zip(after.main.below(), self.main.below())}
        rules, baseline = self.rules, self.baseline
        for address, number in _tls_servers(after):
            scope, first = tls_scope(address, number), address.servers[0][0]
            here, there = before[id(scope)], before[id(first)]
            decides = rules.protocol_scope(scope, first)
            found = rules.protocols(decides)
            weak = self._weak_protocols(found.value)
            unset = decides.last("sslprotocol") is None
            if unset and (weak or not set(found.value) & set(baseline.protocols)):
                check = CHECKS[weak[0]] if weak else "protocol.approved"
                self._add(before[id(decides)], f"SSLProtocol {self._protocols()}", check, found.default)
            _text, origin = rules.cipher_string(scope)
            names = rules.suites_tls12(scope).value
            if baseline.suites_tls12 and not origin.statements and self._weak_suites(names, baseline.suites_tls12):
                self._add(here, f"SSLCipherSuite {self._ciphers()}", "suite.forbidden", origin.default)
            suites = rules.suites_tls13(scope)
            weak13 = bool(baseline.suites_tls13) and self._weak_suites(suites.value, baseline.suites_tls13)
            if weak13 and not suites.statements and self.instance.version >= TLS13:
                line = f"SSLCipherSuite TLSv1.3 {self._ciphersuites()}"
                self._add(here, line, "suite.forbidden", suites.default)
            groups = rules.groups(first)
            if not groups.statements and self._weak_groups(groups.value):
                self._add(there, f"SSLOpenSSLConfCmd Groups {self._groups()}", "group.forbidden", groups.default)
            tickets = rules.session_tickets(scope, first)
            if self._weak_tickets(tickets.value) and scope.last("sslsessiontickets") is None:
                self._add(here, "SSLSessionTickets off", "session.tickets", tickets.default)
        self._add_for_backends()

    def _after(self, edits: t.Sequence[Edit]) -> Configuration:
        return resolve(self.instance, edited(self.documents, edits)) if edits else self.configuration

    def _add(self, scope: Scope, line: str, check: str, default: str) -> None:
        """Into the main server beside its own TLS lines, where it holds for all hosts, else into the host."""
        shared = id(self.main) not in self._excepted and any(
            re.match(r"ssl(?!proxy)", one.name) for one in _lines(self.main)
        )
        self._insert(self.main if shared else scope, line, check, f"{default} breaks the baseline")

    def _add_for_backends(self) -> None:
        """Behind the ``SSLProxyEngine`` line, where it holds for every backend that line is for."""
        for leg in self.legs:
            engine = _engine(leg)
            if engine is None or not self._proved(other for other in self.legs if _engine(other) is engine):
                continue
            found = self.rules.protocols(leg.scope, proxy=True)
            if not found.statements and self._weak_protocols(found.value):
                span = layout.insert_after(engine, f"SSLProxyProtocol {self._protocols()}")
                self._edit(engine, span, "upstream.protocol", f"{found.default} breaks the baseline")
            _text, origin = self.rules.cipher_string(leg.scope, proxy=True)
            names = self.rules.suites_tls12(leg.scope, proxy=True).value
            approved = self.baseline.suites_tls12
            if approved and not origin.statements and self._weak_suites(names, approved):
                span = layout.insert_after(engine, f"SSLProxyCipherSuite {self._ciphers()}")
                self._edit(engine, span, "upstream.suite", f"{origin.default} breaks the baseline")

    # --- Strict-Transport-Security ----------------------------------------------------------------------------------

    def mend_hsts(self) -> None:
        for address, number in _tls_servers(self.configuration):
            server = address.servers[number][0]
            seen = http.hsts(server)
            if seen is None or seen.value >= self.baseline.hsts_max_age:
                continue
            if "http.hsts" in self._excepted.get(id(server), Kept()).checks:
                continue
            place = seen.statements[0] if seen.statements else server
            reason = f"max-age={seen.value} is less than {self.baseline.hsts_max_age}"
            if not seen.value:
                reason = "Strict-Transport-Security is missing"
            if self.hsts != "mend":
                reason += '; it binds browsers for a long time, so it is set only with hsts: "mend"'
                self._tell("http.hsts", place, reason)
            elif "headers_module" not in self.configuration.modules:
                self._tell("http.hsts", place, f"{reason}; load mod_headers, without which httpd cannot send it")
            else:
                self._mend_hsts(server, reason)

    def _mend_hsts(self, server: Scope, reason: str) -> None:
        age = str(self.baseline.hsts_max_age)
        scopes = [one for one in (server.parent, server) if one is not None]
        known = [header for scope in scopes for header in http.headers(scope)]
        inner = [header for scope in http.answering(server) for header in http.headers(scope)]
        for header in [*known, *inner]:
            directive = header.statement.directive
            if header.action == "unset" or (not header.certain and header.action in ("set", "add")):
                self._tell("http.hsts", header.statement, f"{reason}; this line is in the way")
            elif (http.age_of(header.value) or 0) < self.baseline.hsts_max_age:
                start, end = directive.arguments
                raw = directive.tree.data[start:end]
                new, count = re.subn(rb"(?i)(max-age\s*=\s*\\?\"?)\d+", rb"\g<1>" + age.encode("ascii"), raw, count=1)
                if count:
                    self._edit(directive, layout.Span(start, end, new), "http.hsts", reason)
                else:
                    self._tell("http.hsts", header.statement, f"{reason}; the value has no max-age")
        if any(header.certain and header.action != "unset" for header in known):
            return
        line = f'Header always set Strict-Transport-Security "max-age={age}"'
        # Always into the host: the main server speaks plaintext too, where the header must not be sent.
        owner = server.directive
        if owner is None:
            self._tell("http.hsts", server, f"{reason}; set it in a virtual host for TLS alone")
            return
        beside = [item.directive for item in _lines(server) if item.name == "header" or item.name.startswith("ssl")]
        beside = [directive for directive in beside if directive.tree.path == owner.tree.path]
        span = layout.insert_after(beside[-1], line) if beside else layout.insert_into(owner, line)
        self._edit(beside[-1] if beside else owner, span, "http.hsts", reason)

    # --- what is only reported --------------------------------------------------------------------------------------

    def report(self) -> None:
        for address in addresses(self.configuration):
            if address.tls:
                continue
            for server, _names in address.servers:
                plain = http.plaintext(server)
                if plain.value == "served":
                    reason = f"{address.label} answers in plaintext; redirect it to https or close it"
                    self._tell("transport.plaintext", plain.statements[0] if plain.statements else server, reason)
        for scope in self.main.below():
            for name, module in _OTHER_MODULES.items():
                for statement in scope.own(name):
                    if [word.lower() for word in statement.args] != ["off"]:
                        reason = f"{module} speaks TLS here, and only its handshakes can be judged; use mod_ssl"
                        self._tell("config.override", statement, reason)
        for letter, value in self.instance.facts["options"]:
            if letter in "cC" and value.lower().lstrip().startswith("ssl"):
                reason = "the command line httpd was started with sets this; take it away there"
                self._leave_at("config.override", Provenance("", 0, f"-{letter} {value}"), reason)
        for leg in self.legs:
            verify = leg.scope.last("sslproxyverify")
            if verify is None or [word.lower() for word in verify.args] != ["require"]:
                reason = (
                    f"the certificate of {leg.peer} is not verified; set SSLProxyVerify require and"
                    f" SSLProxyCACertificateFile with the CA that issued it"
                )
                self._tell("upstream.verification", verify or leg.statement, reason)

    def check(self, edits: t.Sequence[Edit]) -> None:
        """Look at the result as a stranger would: what still breaks the baseline was left alone, and is said so."""
        after = self._after(edits)
        baseline, rules = self.baseline, self.rules
        for address, number in _tls_servers(after):
            settings = server_settings(rules, address, number)
            protocols = settings["protocols"].value
            kept = kept_by(self.options, address.port or 0, address.servers[number][1])
            for name in self._weak_protocols(protocols):
                if name in kept.protocols:
                    continue
                reason = below(kept, name, protocols, "httpd")
                if reason:
                    self._leave_at(CHECKS[name], settings["protocols"].provenance[0], reason)
                self._still(CHECKS[name], settings["protocols"].provenance)
            if not set(protocols) & set(baseline.protocols):
                self._still("protocol.approved", settings["protocols"].provenance)
            for name in baseline.required_protocols:
                if name not in protocols:
                    self._still(CHECKS[name], settings["protocols"].provenance)
            for key in ("suites_tls12", "suites_tls13"):
                found = settings[key].value if key in settings else ()
                if any(baseline.forbids_suite(name) and name not in kept.names for name in found):
                    self._still("suite.forbidden", settings[key].provenance)
            found = settings["groups"].value if "groups" in settings else ()
            if any(baseline.forbids_group(name) and name not in kept.names for name in found):
                self._still("group.forbidden", settings["groups"].provenance)
        for leg in legs(after):
            settings = client_settings(rules, leg.scope)
            reason = "still in force after all edits"
            if self.upstreams.get(leg.peer) is not True:
                reason = f"not proved that {leg.peer} speaks what the baseline approves; it might be lost"
            place = settings["protocols"].provenance[0]
            if self._weak_protocols(settings["protocols"].value):
                self._leave_at("upstream.protocol", place if place.file else provenance(leg.statement), reason)
            for key in ("suites_tls12", "suites_tls13"):
                if key in settings and any(map(baseline.forbids_suite, settings[key].value)):
                    place = settings[key].provenance[0]
                    self._leave_at("upstream.suite", place if place.file else provenance(leg.statement), reason)


def _engine(leg: Leg) -> Directive | None:
    """The line that switches TLS to that backend on."""
    engine = leg.scope.last("sslproxyengine")
    return engine.directive if engine is not None else None


def _lines(scope: Scope) -> list[Statement]:
    """The simple directives that stand in this very section."""
    return [item for item in scope.items if isinstance(item, Statement)]


def _tls_servers(configuration: Configuration) -> t.Iterator[tuple[Address, int]]:
    for address in addresses(configuration):
        if address.tls:
            for number in range(len(address.servers)):
                yield address, number
