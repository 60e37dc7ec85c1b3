# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The smallest change that makes an nginx configuration hold the baseline.

Every directive that breaks the baseline is mended where it stands, at all levels and in all files, also where it is
not in force today: the next include, server or nginx version may wake it. Directives are added only where a built-in
default would break the baseline, and then in the http, stream or mail block: there the directive cannot be a second
one (``ssl_protocols`` of one block add up, most others are an error) and a server's own value still counts. What is
stricter than the baseline stays.
"""

from __future__ import annotations

import re
import typing as t

from ...baseline.model import PROTOCOLS, Clamp, clamp
from ..contract import Kept, Plan
from ..planning import BAD_OPTIONS, CHECKS, LEVEL, WEAK_SIGNATURE, Planner, kept_by
from . import http, layout
from .addresses import Address, addresses
from .effective import PROTOCOL_NAMES, Command, Leg, Rules, commands, legs, server_settings, switches, word_of
from .grammar import no_collection
from .resolver import Scope, edited, resolve

if t.TYPE_CHECKING:
    from ...baseline.model import Baseline
    from ..contract import Document, Edit, Instance
    from .grammar import Directive

#: The module blocks in which TLS is spoken.
MODULES = ("http", "stream", "mail")

#: Prefixes of the directives about connections to upstreams.
_CLIENT_PREFIXES = ("proxy_ssl_", "grpc_ssl_", "uwsgi_ssl_")

#: What is set about them, by the end of the directive's name.
_UPSTREAM = ("protocols", "ciphers", "conf_command")

#: Directives nginx takes only once in a block: a second one is "duplicate" and fatal.
_SINGLE = ("ssl_ciphers", "ssl_ecdh_curve", "ssl_session_tickets")


@no_collection()
def plan(
    instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
) -> Plan:
    """Edits, clamps and what was left alone. Raises BaselineError when the build can do nothing of the baseline."""
    clamped, clamps = clamp(baseline, instance.capabilities)
    planner = _Planner(instance, documents, clamped, options)
    planner.pin_excepted()
    planner.mend_in_place()
    planner.add_missing()
    planner.mend_hsts()
    planner.report()
    edits = planner.edits()
    planner.check(edits)
    return Plan(tuple(edits), clamps + tuple(planner.clamps), tuple(planner.unmended))


class _Planner(Planner):
    def __init__(
        self,
        instance: Instance,
        documents: t.Sequence[Document],
        baseline: Baseline,
        options: t.Mapping[str, t.Any],
    ) -> None:
        super().__init__(documents, baseline, options)
        self.instance = instance
        self.rules = Rules(instance)
        self.main = resolve(documents)
        self.modules = self.main.blocks(*MODULES)
        self.addresses = addresses(self.main, instance)
        self.legs = list(legs(self.main))
        self._uses = self._count_uses()
        self._ticket_users = self._group_by_tickets()
        self._upstream_users = self._group_by_upstream()
        self._deciders: set[int] = set()
        self._excepted = self._group_exceptions()

    # --- who uses what -------------------------------------------------------------------------------------------

    def _count_uses(self) -> dict[int, int]:
        """How often each TLS directive is in force somewhere: a snippet included in ten servers counts ten."""
        uses: dict[int, int] = {}
        for module in self.modules:
            for scope in module.below():
                for item in scope.items:
                    if not isinstance(item, Scope) and "ssl_" in item.name:
                        uses[id(item)] = uses.get(id(item), 0) + 1
        return uses

    # --- what exceptions keep ---------------------------------------------------------------------------------------

    def _group_exceptions(self) -> dict[int, Kept]:
        """What is kept in each server block, and in each that has a line in common with it.

        A server that decides for others keeps what is theirs, too: nginx has one list for all of them.
        """
        found: dict[int, Kept] = {}

        def keep(scope: Scope, kept: Kept) -> None:
            found[id(scope)] = found.get(id(scope), Kept()) | kept

        for address in self.addresses:
            default = address.servers[0][0]
            for server, names in address.servers if address.tls else ():
                kept = kept_by(self.options, address.port or 0, names)
                if not kept.ids:
                    continue
                decides = self.rules.protocol_scope(server, default)
                self._deciders.add(id(decides))
                keep(server, kept)
                if decides is not server:
                    keep(decides, Kept(kept.ids, protocols=kept.protocols))
                if default is not server:
                    keep(default, Kept(kept.ids, names=frozenset(n for n in kept.names if not n.startswith("TLS_"))))
        self.shared(
            found,
            (scope for module in self.modules for scope in module.below()),
            lambda scope: (id(item) for item in scope.items if self._uses.get(id(item), 0) > 1),
        )
        return found

    def _keep(self, scope: Scope) -> t.ContextManager[None]:
        """Plan for a block with what exceptions keep there."""
        kept = self._excepted.get(id(scope), Kept())
        if not kept.ids:
            return self.keeping(kept)
        suites, groups = self.rules.suites_tls12(scope).value, self.rules.groups(scope).value
        return self.keeping(kept, self.rules.protocols(scope).value, suites or (), groups or ())

    def pin_excepted(self) -> None:
        """What is kept and inherited becomes the server's own, so that it can be mended for everyone else."""
        for scope in (scope for module in self.modules for scope in module.below() if id(scope) in self._excepted):
            with self._keep(scope):
                why = f"{', '.join(self.kept.ids)} keeps it here"
                old = [name for name in self.baseline.protocols if name not in self.strict.protocols]
                if old and id(scope) in self._deciders and not scope.own("ssl_protocols"):
                    self._insert(scope, "ssl_protocols " + " ".join(self._protocols), CHECKS[old[0]], why)
                if self.baseline.suites_tls12 != self.strict.suites_tls12 and not scope.own("ssl_ciphers"):
                    text, origin = self.rules.cipher_string(scope)
                    source = origin.directives[0] if origin.directives else scope.directive
                    names = self.rules.suites_tls12(scope).value
                    if source is not None:
                        listed = self._cipher_list(source, text, names, "ssl_")
                        self._insert(scope, f"ssl_ciphers {listed}", "suite.forbidden", why)
                if self.baseline.groups != self.strict.groups and not scope.own("ssl_ecdh_curve"):
                    self._insert(scope, f"ssl_ecdh_curve {self._groups()}", "group.forbidden", why)
                tickets = "session.tickets" in self.kept.checks and not scope.own("ssl_session_tickets")
                if tickets and self._weak_tickets(self.rules.session_tickets(scope, scope).value):
                    self._insert(scope, "ssl_session_tickets on", "session.tickets", why)

    # --- the baseline in nginx's words ----------------------------------------------------------------------------

    @property
    def _protocols(self) -> list[str]:
        return [word_of(name) for name in self.baseline.protocols]

    # --- what stands there ----------------------------------------------------------------------------------------

    def mend_in_place(self) -> None:
        for module in self.modules:
            for scope in module.below():
                with self._keep(scope):
                    self._mend_protocols(scope, "ssl_", "")
                    self._mend_ciphers(scope, "ssl_", "suite.forbidden")
                    self._mend_groups(scope)
                    self._mend_tickets(scope)
                    self._mend_commands(scope, "ssl_", "")
                self._remove_duplicates(scope)
                for prefix in _CLIENT_PREFIXES:
                    self._mend_upstream(scope, prefix)

    def _mend_protocols(self, scope: Scope, prefix: str, check: str) -> None:
        directives = list(dict.fromkeys(scope.own(prefix + "protocols")))
        words = [word for directive in directives for word in directive.args]
        if not words:
            return
        # A word nginx does not know is fatal to it; it goes the way of the forbidden ones.
        on = {PROTOCOL_NAMES.get(word.lower(), word) for word in words}
        weak = [name for name in on if name not in self.baseline.protocols]
        # What must be spoken is a demand on servers; a backend may have its own.
        required = self.baseline.required_protocols if prefix == "ssl_" else ()
        missing = [name for name in required if name not in on]
        if missing and not weak:
            # Adding a newer protocol than those allowed is what the baseline asks for; an older one would loosen.
            oldest = min(PROTOCOLS.index(name) for name in on)
            missing = [name for name in missing if PROTOCOLS.index(name) > oldest]
        # Where nothing but what an exception keeps is on, the baseline is still wanted beside it.
        missing = missing or ([] if on & set(self.strict.protocols) else list(self.strict.protocols))
        if not weak and not missing:
            return
        known = sorted((name for name in weak if name in PROTOCOLS), key=PROTOCOLS.index)
        check = check or CHECKS[(known or missing or ["TLSv1.0"])[0]]
        reason = f"{', '.join(known or weak)} must be off" if weak else f"{', '.join(missing)} must be on"
        first, rest = directives[0], directives[1:]
        self._edit(first, layout.respell(first, self._protocols), check, reason)
        for directive in rest:
            # The values of one block add up: one directive is enough, the others would only be warned about.
            if self._uses.get(id(directive)) == 1 and layout.removable(directive):
                reason = f"a second {directive.name} in one block adds to the first instead of replacing it"
                self._edit(directive, layout.remove(directive), check, reason)
            elif any(PROTOCOL_NAMES.get(word.lower()) not in self.baseline.protocols for word in directive.args):
                self._edit(directive, layout.respell(directive, self._protocols), check, reason)

    def _mend_ciphers(self, scope: Scope, prefix: str, check: str) -> None:
        for directive in scope.own(prefix + "ciphers"):
            if not directive.args:
                continue
            old = directive.args[0]
            names = self.rules.suites_tls12(scope, prefix).value
            new = self._cipher_list(directive, old, names, prefix)
            if new != old:
                self._edit(directive, layout.respell(directive, [new]), check, self._why_suites(names))

    def _cipher_list(self, directive: Directive, old: str, names: t.Sequence[str] | None, prefix: str) -> str:
        """The list that should stand there; ``old`` itself when it is as good."""
        obstacle = (lambda: self._needs_level(directive)) if prefix == "ssl_" else None
        return self._list_for(directive, old, names, obstacle)

    def _needs_level(self, directive: Directive) -> str:
        """Why a lowered security level cannot be raised without risk; empty when it can.

        OpenSSL refuses to load a weak certificate above its level, and nginx then does not start; a client's weak
        certificate would be refused as well.
        """
        loads = self.documents[0].tree.certificates
        # A snippet may be included in several blocks: it is one line, and has to do for all of them.
        for inner in (inner for module in self.modules for inner in module.below()):
            if inner.kind not in (*MODULES, "server") or directive not in inner.inherited(directive.name):
                continue
            if any(item.args[:1] not in ([], ["off"]) for item in inner.inherited("ssl_verify_client")):
                return "clients may have certificates of that level; have them issued again"
            for item in inner.inherited("ssl_certificate"):
                for word in item.args:
                    if loads.get(word) is None:
                        return f"whether {word} loads at level {LEVEL} is not known; check it"
                    if not loads[word]:
                        return f"{word} does not load at level {LEVEL}; have it issued with a stronger key or hash"
        return ""

    def _mend_groups(self, scope: Scope) -> None:
        for directive in scope.own("ssl_ecdh_curve"):
            names = self.rules.expand_groups(directive.args[0]) if directive.args else ()
            if self._weak_groups(names):
                self._edit(
                    directive, layout.respell(directive, [self._groups()]), "group.forbidden", self._why_groups(names)
                )

    def _group_by_tickets(self) -> dict[int, list[tuple[Scope, Scope]]]:
        """Servers with the default servers of their addresses, by the block whose ssl_session_tickets they follow."""
        users: dict[int, list[tuple[Scope, Scope]]] = {}
        for address in self.addresses:
            for server, _names in address.servers:
                users.setdefault(id(server.nearest("ssl_session_tickets")), []).append((server, address.servers[0][0]))
        return users

    def _mend_tickets(self, scope: Scope) -> None:
        if self.baseline.session_tickets == "any" or "session.tickets" in self.kept.checks:
            return
        for directive in scope.own("ssl_session_tickets"):
            if directive.args != ["on"]:
                continue
            pairs = [(scope, scope), *self._ticket_users.get(id(scope), ())]
            if any(self._weak_tickets(self.rules.session_tickets(*pair).value) for pair in pairs):
                reason = "one ticket key for the life of the workers opens every recorded session that used it"
                self._edit(directive, layout.respell(directive, ["off"]), "session.tickets", reason)

    def _static(self, scope: Scope) -> bool:
        return self._weak_tickets(self.rules.session_tickets(scope, scope).value)

    def _weak_tickets(self, value: str) -> bool:
        return value == "static" or (value == "rotated" and self.baseline.session_tickets == "off")

    def _mend_commands(self, scope: Scope, prefix: str, check: str) -> None:
        for command in commands(scope, prefix, own=True):
            value, why, reason = self._command(command, scope, prefix)
            if value != command.value:
                self._edit(command.directive, layout.respell(command.directive, [value], 2), check or why, reason)

    def _command(self, command: Command, scope: Scope, prefix: str) -> tuple[str, str, str]:
        """The value an OpenSSL command should have, the check that asks for it, and why."""
        name, value, baseline = command.name, command.value, self.baseline
        if name == "protocol":
            on: set[str] = set()
            off: set[str] = set()
            for word, enabled in switches(value):
                some = set(PROTOCOLS) if word == "all" else {PROTOCOL_NAMES.get(word, "")}
                on, off = (on | some, off - some) if enabled else (on - some, off | some)
            weak = self._weak_protocols(on & set(self.instance.capabilities.protocols))
            if weak or not set(baseline.protocols) - off:
                check = CHECKS[weak[0]] if weak else "protocol.approved"
                words = ["-ALL", *(word_of(protocol) for protocol in baseline.protocols)]
                return ",".join(words), check, f"Protocol overrides {prefix}protocols"
        elif name == "maxprotocol":
            limit = PROTOCOL_NAMES.get(value.lower())
            if limit and all(PROTOCOLS.index(protocol) > PROTOCOLS.index(limit) for protocol in baseline.protocols):
                reason = "no protocol of the baseline is below this limit"
                return word_of(baseline.protocols[-1]), "protocol.approved", reason
        elif name == "cipherstring":
            names = self.rules.expand(value)
            new = self._cipher_list(command.directive, value, names, prefix)
            return new, "suite.forbidden", f"CipherString overrides {prefix}ciphers: {self._why_suites(names)}"
        elif name == "ciphersuites":
            names = self.rules.expand_tls13(value)
            if baseline.suites_tls13 and self._weak_suites(names, baseline.suites_tls13):
                return self._ciphersuites(), "suite.forbidden", self._why_suites(names)
        elif name in ("groups", "curves", "ecdhparameters"):
            groups = self.rules.expand_groups(value)
            if value.lower() not in ("auto", "+automatic", "automatic") and self._weak_groups(groups):
                return self._groups(), "group.forbidden", self._why_groups(groups)
        elif name == "options":
            check, reason, words = "", "", [word.strip() for word in value.split(",")]
            tickets = self.baseline.session_tickets != "any" and prefix == "ssl_"
            for number, (word, enabled) in enumerate(switches(value)):
                if enabled and word in BAD_OPTIONS:
                    check, reason = BAD_OPTIONS[word], f"{words[number]} must be off"
                elif enabled and word == "sessionticket" and tickets and self._static(scope):
                    check, reason = "session.tickets", "tickets keep one key for long"
                else:
                    continue
                words[number] = "-" + words[number].lstrip("+")
            return (",".join(words) if check else value), check, reason
        elif name in ("signaturealgorithms", "clientsignaturealgorithms"):
            kept = [word for word in value.split(":") if not WEAK_SIGNATURE.search(word)]
            if kept:
                return ":".join(kept), "signature.forbidden", "MD5 and SHA-1 signatures must not be made"
        return value, "", ""

    def _remove_duplicates(self, scope: Scope) -> None:
        for name in _SINGLE:
            directives = scope.own(name)
            for directive in directives[1:]:
                if directive is directives[0] or self._uses.get(id(directive)) != 1:
                    reason = f'nginx refuses a second "{name}" in one block; include {directive.tree.path} only once'
                    self._leave("config.valid", directive, reason)
                elif not layout.removable(directive):
                    self._leave("config.valid", directive, f'nginx refuses a second "{name}" in one block')
                else:
                    self._forget(directive)
                    reason = f'nginx refuses a second "{name}" in one block'
                    self._edit(directive, layout.remove(directive), "config.valid", reason)

    def _forget(self, directive: Directive) -> None:
        """Drop edits inside a statement that goes as a whole."""
        for path, start, end in list(self._spans):
            if path == directive.tree.path and directive.start <= start and end <= directive.end:
                del self._spans[path, start, end]

    # --- connections to upstreams -----------------------------------------------------------------------------------

    def _proved(self, leg: Leg) -> bool:
        return bool(leg.peers) and all(self.upstreams.get(peer) is True for peer in leg.peers)

    def _group_by_upstream(self) -> dict[tuple[int, str], list[Leg]]:
        """Connections to upstreams by the block whose directive of a name they follow."""
        users: dict[tuple[int, str], list[Leg]] = {}
        for leg in self.legs:
            for name in _UPSTREAM:
                users.setdefault((id(leg.scope.nearest(leg.prefix + name)), leg.prefix + name), []).append(leg)
        return users

    def _mend_upstream(self, scope: Scope, prefix: str) -> None:
        """Only with proof that every upstream behind these directives can do it: a backend must not be lost."""
        for name in _UPSTREAM:
            if not scope.own(prefix + name):
                continue
            if not all(map(self._proved, self._upstream_users.get((id(scope), prefix + name), ()))):
                continue
            if name == "protocols":
                self._mend_protocols(scope, prefix, "upstream.protocol")
            elif name == "ciphers":
                self._mend_ciphers(scope, prefix, "upstream.suite")
            else:
                self._mend_commands(scope, prefix, "upstream.protocol")

    # --- what is missing ------------------------------------------------------------------------------------------

    def add_missing(self) -> None:
        """Directives for built-in defaults that break the baseline, seen as the edits so far leave the files."""
        documents = edited(self.documents, self.edits())
        after = self.main if documents == list(self.documents) else resolve(documents)
        # Edits only change arguments and remove simple statements: the blocks are the same, one by one.
        before = {id(new): old for new, old in zip(after.below(), self.main.below())}
        for address in self.addresses if after is self.main else addresses(after, self.instance):
            if address.tls:
                self._add_for_servers(address, before)
        self._add_for_upstreams(after, before)

    def _add_for_servers(self, address: Address, before: t.Mapping[int, Scope]) -> None:
        rules, baseline, default = self.rules, self.baseline, address.servers[0][0]
        module = default.around(*MODULES)
        if module is None:
            return
        root = before[id(module)]
        for server, _names in address.servers:
            decides = rules.protocol_scope(server, default)
            found = rules.protocols(decides)
            spoken = set(found.value)
            if decides.nearest("ssl_protocols") is None:
                weak = self._weak_protocols(found.value)
                if weak or not spoken & set(baseline.protocols):
                    check = CHECKS[weak[0]] if weak else "protocol.approved"
                    self._add(root, "ssl_protocols " + " ".join(self._protocols), check, found.default)
                    spoken = set(baseline.protocols)
            if baseline.suites_tls12 and spoken != {"TLSv1.3"}:
                _text, origin = rules.cipher_string(server)
                names = rules.suites_tls12(server).value
                if not origin.directives and self._weak_suites(names, baseline.suites_tls12):
                    self._add(root, f"ssl_ciphers {self._ciphers()}", "suite.forbidden", f"{origin.default}")
            groups = rules.groups(default)
            if not groups.directives and self._weak_groups(groups.value):
                self._add(root, f"ssl_ecdh_curve {self._groups()}", "group.forbidden", groups.default)
            tickets = rules.session_tickets(server, default)
            if (
                baseline.session_tickets != "any"
                and self._weak_tickets(tickets.value)
                and server.nearest("ssl_session_tickets") is None
            ):
                reason = tickets.default or tickets.directives[0].text
                self._add(root, "ssl_session_tickets off", "session.tickets", reason)
            if "TLSv1.3" in spoken:
                self._add_ciphersuites(server, root, before, "ssl_", "suite.forbidden")

    def _add_ciphersuites(
        self, scope: Scope, root: Scope, before: t.Mapping[int, Scope], prefix: str, check: str
    ) -> None:
        """TLS 1.3 suites have no directive of their own, only an OpenSSL command."""
        found = self.rules.suites_tls13(scope, prefix)
        approved = self.baseline.suites_tls13
        if not approved or found.directives or not self._weak_suites(found.value, approved):
            return
        name = prefix + "conf_command"
        if "ssl_conf_command" not in self.instance.capabilities.features:
            got = ":".join(found.value)
            reason = f"{self.rules.nginx} with {self.rules.library} has no {name}; set Ciphersuites in openssl.cnf"
            item = Clamp("suite.clamped", self._ciphersuites(), got, reason)
            if item not in self.clamps:
                self.clamps.append(item)
            return
        # A block that has any command of its own inherits none: there it has to stand as well.
        owner = scope.nearest(name)
        target = before[id(owner)] if owner else root
        self._add(target, f"{name} Ciphersuites {self._ciphersuites()}", check, found.default)

    def _add(self, block: Scope, statement: str, check: str, default: str) -> None:
        self._insert(block, statement, check, f"{default} breaks the baseline")

    def _insert(self, block: Scope, statement: str, check: str, reason: str) -> None:
        if block.directive is not None:
            family = "ssl_" if statement.startswith("ssl_") else statement.partition("_ssl_")[0] + "_ssl_"
            span = layout.insert(block.directive, statement + ";", family)
            self._edit(block.directive, span, check, reason)

    def _add_for_upstreams(self, after: Scope, before: t.Mapping[int, Scope]) -> None:
        rules, baseline = self.rules, self.baseline
        weak: dict[tuple[int, str, str], list[tuple[Leg, str, str]]] = {}
        roots: dict[int, Scope] = {}
        for leg in legs(after):
            root = leg.scope.around(*MODULES)
            if root is None:
                continue
            roots[id(root)] = root
            protocols = rules.protocols(leg.scope, leg.prefix)
            if leg.scope.nearest(leg.prefix + "protocols") is None and self._weak_protocols(protocols.value):
                statement = f"{leg.prefix}protocols {' '.join(self._protocols)}"
                key = (id(root), statement, "upstream.protocol")
                weak.setdefault(key, []).append((leg, protocols.default, "protocols"))
            _text, origin = rules.cipher_string(leg.scope, leg.prefix)
            names = rules.suites_tls12(leg.scope, leg.prefix).value
            if baseline.suites_tls12 and not origin.directives and self._weak_suites(names, baseline.suites_tls12):
                statement = f"{leg.prefix}ciphers {self._ciphers()}"
                key = (id(root), statement, "upstream.suite")
                weak.setdefault(key, []).append((leg, origin.default, "ciphers"))
            if self._proved(leg):
                self._add_ciphersuites(leg.scope, before[id(root)], before, leg.prefix, "upstream.suite")
        for (root_id, statement, check), users in weak.items():
            if all(self._proved(leg) for leg, _default, _name in users):
                self._add(before[root_id], statement, check, users[0][1])
                continue
            for leg, default, _name in users:
                # These directives may stand in a location, but not in an "if" or "limit_except" in it.
                block = leg.scope.around("location", "server")
                if self._proved(leg) and block is not None:
                    self._add(before[id(block)], statement, check, default)

    # --- Strict-Transport-Security ----------------------------------------------------------------------------------

    def mend_hsts(self) -> None:
        plain = {id(server) for address in self.addresses if not address.tls for server, _names in address.servers}
        for address in self.addresses:
            if address.context != "http" or not address.tls:
                continue
            for server, _names in address.servers:
                seen = http.hsts(server)
                if seen is None or seen.value >= self.baseline.hsts_max_age:
                    continue
                if "http.hsts" in self._excepted.get(id(server), Kept()).checks:
                    continue
                reason = f"max-age={seen.value} is less than {self.baseline.hsts_max_age}"
                if not seen.value:
                    reason = "Strict-Transport-Security is missing"
                if self.hsts != "mend":
                    reason += '; it binds browsers for a long time, so it is set only with hsts: "mend"'
                    self._leave("http.hsts", seen.directives[0] if seen.directives else None, reason)
                elif id(server) in plain:
                    reason += "; the server also answers in plaintext, where the header must not be sent; split it"
                    self._leave("http.hsts", seen.directives[0] if seen.directives else None, reason)
                else:
                    self._mend_hsts(server, reason)

    def _mend_hsts(self, server: Scope, reason: str) -> None:
        line = f'add_header Strict-Transport-Security "max-age={self.baseline.hsts_max_age}" always;'
        for scope in dict.fromkeys([server, *http.answering(server)]):
            ages, used = http.header_ages(scope)
            if ages and (ages[0] is None or ages[0] >= self.baseline.hsts_max_age):
                continue
            if ages:
                self._raise_age(used[0], reason)
                continue
            if scope is server:
                # One header of its own would take the inherited ones from the server: they come along.
                own = scope.own("add_header")
                inherited = [] if own else http.headers(scope)
                lines = [*(item.text for item in inherited), line]
            elif scope.own("add_header"):
                lines = [line]
            else:
                continue
            if scope.directive is not None:
                for text in lines:
                    span = layout.insert(scope.directive, text, "add_header")
                    self._edit(scope.directive, span, "http.hsts", reason)

    def _raise_age(self, directive: Directive, reason: str) -> None:
        token = directive.tokens[2] if len(directive.tokens) > 2 else None
        if token is None or directive.name != "add_header":
            self._leave("http.hsts", directive, reason)
            return
        raw = directive.tree.data[token.start : token.end]
        age = str(self.baseline.hsts_max_age).encode("ascii")
        new, count = re.subn(rb"(?i)(max-age\s*=\s*)\d+", rb"\g<1>" + age, raw, count=1)
        if count:
            self._edit(directive, layout.Span(token.start, token.end, new), "http.hsts", reason)
        else:
            self._leave("http.hsts", directive, f"{reason}; the value has no max-age")

    # --- what is only reported --------------------------------------------------------------------------------------

    def report(self) -> None:
        for address in self.addresses:
            if address.context == "http" and not address.tls and address.transport == "tcp":
                for server, _names in address.servers:
                    plain = http.plaintext(server, address.port)
                    if plain.value == "served":
                        where = plain.directives[0] if plain.directives else server.directive
                        reason = f"{address.label} answers in plaintext; redirect it to https or close it"
                        self._leave("transport.plaintext", where, reason)
            elif address.context == "mail" and not address.tls:
                for server, _names in address.servers:
                    reason = f"{address.label} speaks without TLS; set starttls only, or listen with ssl"
                    self._leave("transport.plaintext", server.directive, reason)
        for module in self.modules:
            for scope in module.below():
                for item in scope.items:
                    found = item.directive if isinstance(item, Scope) else item
                    if found is not None and found.name.startswith("ssl_client_hello_by_lua"):
                        reason = "Lua code may set other protocols for a connection; read it, nginx cannot tell"
                        self._leave("config.override", found, reason)
        for leg in self.legs:
            verify = leg.scope.inherited(leg.prefix + "verify")
            if not verify or verify[-1].args != ["on"]:
                reason = (
                    f"the certificate of {', '.join(leg.peers)} is not verified; set {leg.prefix}verify on and"
                    f" {leg.prefix}trusted_certificate with the CA that issued it"
                )
                self._leave("upstream.verification", verify[-1] if verify else leg.directive, reason)

    def check(self, edits: t.Sequence[Edit]) -> None:
        """Look at the result as a stranger would: what still breaks the baseline was left alone, and is said so."""
        documents = edited(self.documents, edits)
        after = resolve(documents) if edits else self.main
        baseline, rules = self.baseline, self.rules
        for address in addresses(after, self.instance) if edits else self.addresses:
            if not address.tls:
                continue
            for server, names in address.servers:
                settings = server_settings(rules, server, address.servers[0][0], address.transport)
                protocols = settings["protocols"].value
                kept = kept_by(self.options, address.port or 0, names)
                for name in self._weak_protocols(protocols):
                    if name not in kept.protocols:
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
            found = rules.protocols(leg.scope, leg.prefix)
            unproved = [peer for peer in leg.peers if self.upstreams.get(peer) is not True]
            reason = "still in force after all edits"
            if unproved:
                reason = f"not proved that {', '.join(unproved)} speaks what the baseline approves; it might be lost"
            if self._weak_protocols(found.value):
                self._leave("upstream.protocol", found.directives[0] if found.directives else leg.directive, reason)
            for suites in (rules.suites_tls12(leg.scope, leg.prefix), rules.suites_tls13(leg.scope, leg.prefix)):
                if suites.value is None or any(map(baseline.forbids_suite, suites.value)):
                    directive = suites.directives[0] if suites.directives else leg.directive
                    self._leave("upstream.suite", directive, reason)
