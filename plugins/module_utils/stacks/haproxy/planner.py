# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The smallest change that makes a HAProxy configuration hold the baseline.

What breaks the baseline is mended where it stands: in ``global``, on ``bind`` lines and in lists of certificates, also
where it is not in force today. What a built-in default breaks is said once, in the first ``global`` section, which has
to stand above every line it is for; where none does, one is put at the top. What an exception keeps is pinned to its
own ``bind`` line, so that the defaults can be right for all others. Connections to servers are changed on their own
lines, and only where the server was seen to answer what is left.
"""

from __future__ import annotations

import typing as t

from ...baseline.dialects import openssl
from ...baseline.model import PROTOCOLS, clamp
from ..contract import Edit, Kept, Plan
from ..planning import CHECKS, LEVEL, WEAK_SIGNATURE, Planner, below, kept_by
from .effective import BIND, WORDS, Config, Option, Rules, address_of, options, redirects
from .machine import edited

if t.TYPE_CHECKING:
    from ...baseline.model import Baseline
    from ..contract import Document, Instance
    from .effective import Bag, Bind, Leg
    from .grammar import Line, Tree, Word

#: What is offered by a list, by the option that holds it: the check for listeners.
_LISTS = {
    "ciphers": "suite.forbidden",
    "ciphersuites": "suite.forbidden",
    "curves": "group.forbidden",
    "ecdhe": "group.forbidden",
    "sigalgs": "signature.forbidden",
}


def plan(
    instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
) -> Plan:
    """Edits, clamps and what was left alone. Raises BaselineError when the build can do nothing of the baseline."""
    clamped, clamps = clamp(baseline, instance.capabilities)
    planner = _Planner(instance, documents, clamped, options)
    planner.mend_listeners()
    planner.mend_servers()
    planner.add_missing()
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
        self.rules = Rules(instance)
        self.config = Config(documents)
        self.binds = [bind for bind in self.config.binds if bind.tls]

    # --- what stands there ------------------------------------------------------------------------------------------

    def mend_listeners(self) -> None:
        for document in self.documents:
            for line in document.tree.lines:
                if line.section.kind == "global" and line.name.startswith(BIND):
                    self._mend(line, self._global_options(line))
        for bind in self.binds:
            kept = self._kept(bind)
            with self._keep(kept, bind.bag):
                self._mend(bind.line, options(bind.line))
                if kept.ids:
                    self._pin(bind)
            for entry in bind.entries:
                if entry.own.values:
                    with self._keep(self._kept(bind, entry.names), entry.own.over(bind.bag)):
                        self._mend(entry.lines[0], options(entry.lines[0]))

    @staticmethod
    def _global_options(line: Line) -> list[Option]:
        """Those of one line of ``global``, under the names they have on other lines."""
        if line.name == BIND + "options":
            return options(line)
        return [Option(line, line.words[0], line.words[1])] if len(line.words) > 1 else []

    def _kept(self, bind: Bind, names: t.Sequence[str] | None = None) -> Kept:
        if names is None:
            names = [name for entry in bind.entries for name in entry.names]
        kept = Kept()
        for address in map(address_of, bind.addresses):
            kept |= kept_by(self.options, address.port or 0, names)
        return kept

    def _keep(self, kept: Kept, bag: Bag) -> t.ContextManager[None]:
        rules = self.rules
        on = rules.protocols(bag).value, rules.suites_tls12(bag).value or (), rules.groups(bag).value or ()
        return self.keeping(kept, *on)

    def _pin(self, bind: Bind) -> None:
        """What is kept and inherited becomes the line's own, so that it can be mended for everyone else."""
        why = f"{', '.join(self.kept.ids)} keeps it here"
        old = [name for name in self.baseline.protocols if name not in self.strict.protocols]
        if old and "ssl-min-ver" not in bind.own.values:
            self._append(bind.line, f"ssl-min-ver {self._oldest}", CHECKS[old[0]], why)
        if self.baseline.suites_tls12 != self.strict.suites_tls12 and "ciphers" not in bind.own.values:
            given = next((option.given for option in bind.bag.possible("ciphers") if option), None) or "DEFAULT"
            listed = self._list_for(bind.line, given, self.rules.suites_tls12(bind.bag).value, None)
            self._append(bind.line, f"ciphers {listed}", "suite.forbidden", why)
        if self.baseline.groups != self.strict.groups and "curves" not in bind.own.values:
            self._append(bind.line, f"curves {self._groups()}", "group.forbidden", why)

    @property
    def _oldest(self) -> str:
        return WORDS[self.baseline.protocols[0]]

    def _mend(self, line: Line, found: t.Sequence[Option], client: bool = False) -> None:
        for option in found:
            name = option.word.text[len(BIND) :] if option.word.text.startswith(BIND) else option.name
            if name in _LISTS:
                self._mend_list(line, name, option, client)
            elif option.protocol or name in ("ssl-min-ver", "ssl-max-ver"):
                self._mend_version(line, option, client)
            elif name == "tls-tickets" and self._no_tickets(Kept()):
                self._respell(line, option.word, "no-tls-tickets", "session.tickets", _TICKETS)

    def _mend_version(self, line: Line, option: Option, client: bool) -> None:
        order, protocol = PROTOCOLS.index, option.protocol
        oldest, newest = self.baseline.protocols[0], self.baseline.protocols[-1]
        # What must be spoken is a demand on servers; and an older one than those that are on would loosen.
        required = () if client else self.baseline.required_protocols
        check = "upstream.protocol" if client else CHECKS[protocol or "TLSv1.0"]
        if option.name.startswith("no-"):
            if protocol in required:
                self._respell(line, option.word, f"ssl-min-ver {self._oldest}", check, f"{protocol} must be on")
            return
        missing = protocol is not None and any(order(name) > order(protocol) for name in required)
        reason = f"{protocol} must be off" if protocol else "a version that is not known cannot be proved to hold"
        if option.name == "ssl-min-ver" and option.value:
            if protocol is None or not order(oldest) <= order(protocol) <= order(newest):
                self._respell(line, option.value, self._oldest, check, reason)
        elif option.name == "ssl-max-ver" and option.value:
            if protocol is None or order(protocol) < order(oldest) or missing:
                self._respell(line, option.value, WORDS[newest], check, "a newer version must be on")
        elif protocol not in self.baseline.protocols or missing:
            self._respell(line, option.word, f"ssl-min-ver {self._oldest}", check, reason)

    def _mend_list(self, line: Line, name: str, option: Option, client: bool) -> None:
        given, check = option.given, _LISTS[name]
        if option.value is None:
            return
        if name in ("ciphers", "ciphersuites"):
            check = "upstream.suite" if client else check
        new, reason = given or "", ""
        if name == "ciphers":
            names = None if given is None else self.rules.expand(given)
            obstacle = None if client else (lambda: self._needs_level(line))
            new, reason = self._list_for(line, given or "", names, obstacle), self._why_suites(names)
        elif name == "ciphersuites":
            names = None if given is None else self.rules.expand_tls13(given)
            if self.baseline.suites_tls13 and self._weak_suites(names, self.baseline.suites_tls13):
                new, reason = self._ciphersuites(), self._why_suites(names)
        elif name in ("curves", "ecdhe"):
            groups = None if given is None else self.rules.expand_groups(given)
            if self._weak_groups(groups):
                new, reason = self._groups() if name == "curves" else self._one_group(), self._why_groups(groups)
        elif given is not None:
            kept = [word for word in given.split(":") if not WEAK_SIGNATURE.search(word)]
            new, reason = ":".join(kept) or new, "MD5 and SHA-1 signatures must not be made"
        if new != given:
            self._respell(line, option.value, new, check, reason)

    def _one_group(self) -> str:
        """For ``ecdhe``, which takes one curve, and not X25519 (SSL_CTX_set_tmp_ecdh(3))."""
        curves = [name for name in self.baseline.groups if name.startswith("secp")]
        return openssl.groups(curves[:1] or self.baseline.groups[:1])

    def _needs_level(self, line: Line) -> str:
        """Why a lowered security level cannot be raised without risk; empty when it can.

        OpenSSL refuses to load a weak certificate above its level, and HAProxy then does not start; a client's weak
        certificate would be refused as well.
        """
        loads = self.config.main.loads
        for bind in self.binds:
            mine = line.section.kind == "global" or line is bind.line or any(line in one.lines for one in bind.entries)
            if not mine:
                continue
            if any(option and option.given != "none" for option in bind.bag.possible("verify")):
                return "clients may have certificates of that level; have them issued again"
            for path in bind.certificates:
                if loads.get(path) is None:
                    return f"whether {path} loads at level {LEVEL} is not known; check it"
                if not loads[path]:
                    return f"{path} does not load at level {LEVEL}; have it issued with a stronger key or hash"
        return ""

    # --- connections to servers -------------------------------------------------------------------------------------

    def _proved(self, leg: Leg) -> bool:
        return self.upstreams.get(leg.address) is True

    def mend_servers(self) -> None:
        """Only with proof that the server can do it, and on its own line: a server must not be lost."""
        for leg in filter(self._proved, self.config.legs):
            found = options(leg.line)
            self._mend(leg.line, found, client=True)
            own = {option.name for option in found} | {"ssl-min-ver" for one in found if one.name.startswith("force-")}
            protocols = self.rules.protocols(leg.bag, server=False)
            if "ssl-min-ver" not in own and self._weak_protocols(protocols.value):
                self._append(leg.line, f"ssl-min-ver {self._oldest}", "upstream.protocol", self._default(protocols))
            suites = self.rules.suites_tls12(leg.bag)
            if "ciphers" not in own and self._weak_suites(suites.value, self.baseline.suites_tls12):
                self._append(leg.line, f"ciphers {self._ciphers()}", "upstream.suite", self._default(suites))
            suites = self.rules.suites_tls13(leg.bag)
            if "ciphersuites" not in own and self._weak_suites(suites.value, self.baseline.suites_tls13):
                self._append(leg.line, f"ciphersuites {self._ciphersuites()}", "upstream.suite", self._default(suites))

    @staticmethod
    def _default(found: t.Any) -> str:
        return f"{found.lines[0].text if found.lines else found.default} breaks the baseline"

    # --- what is missing --------------------------------------------------------------------------------------------

    def add_missing(self) -> None:
        """Defaults for what is built in and breaks the baseline, seen as the edits so far leave the files."""
        so_far = self.edits()
        after = Config(edited(self.documents, so_far)) if so_far else self.config
        wanted: dict[str, tuple[str, str]] = {}
        kept_tickets = any("session.tickets" in self._kept(bind).checks for bind in self.binds)
        for bind, new in zip(self.binds, (bind for bind in after.binds if bind.tls)):
            kept = self._kept(bind)
            for bag in (
                self.rules.default(new),
                *(entry.own.over(new.bag) for entry in new.entries if entry.own.values),
            ):
                with self._keep(kept, bag):
                    for statement, check, found in self._lacking(bag):
                        wanted.setdefault(statement, (check, self._default(found)))
            tickets = self.rules.session_tickets(new.bag)
            if tickets.value == "static" and self._no_tickets(kept):
                if kept_tickets:
                    self._append(bind.line, "no-tls-tickets", "session.tickets", _TICKETS)
                else:
                    wanted.setdefault("options no-tls-tickets", ("session.tickets", _TICKETS))
        if wanted:
            self._add(wanted)

    def _no_tickets(self, kept: Kept) -> bool:
        return self.baseline.session_tickets != "any" and "session.tickets" not in kept.checks

    def _lacking(self, bag: Bag) -> t.Iterator[tuple[str, str, t.Any]]:
        """What ``global`` has to say for these settings: the end of the statement, its check, what is in force."""
        rules, baseline = self.rules, self.baseline
        protocols = rules.protocols(bag)
        weak = self._weak_protocols(protocols.value)
        if None in bag.possible("ssl-min-ver") and weak:
            yield f"options ssl-min-ver {WORDS[self.strict.protocols[0]]}", CHECKS[weak[0]], protocols
        suites = rules.suites_tls12(bag)
        spoken = [name for name in protocols.value if name not in weak and name != "TLSv1.3"]
        needed = baseline.suites_tls12 and spoken and None in bag.possible("ciphers")
        if needed and self._weak_suites(suites.value, baseline.suites_tls12):
            yield f"ciphers {openssl.cipher_list(self.strict.suites_tls12)}", "suite.forbidden", suites
        suites = rules.suites_tls13(bag)
        needed = baseline.suites_tls13 and None in bag.possible("ciphersuites")
        if needed and self._weak_suites(suites.value, baseline.suites_tls13):
            yield f"ciphersuites {self._ciphersuites()}", "suite.forbidden", suites
        groups = rules.groups(bag)
        if None in bag.possible("curves") and None in bag.possible("ecdhe") and self._weak_groups(groups.value):
            yield f"curves {openssl.groups(self.strict.groups)}", "group.forbidden", groups

    def _add(self, wanted: t.Mapping[str, tuple[str, str]]) -> None:
        home = self._home()
        if home is None:
            together: dict[str, list[str]] = {}
            for statement in wanted:
                name, _blank, value = statement.partition(" ")
                together.setdefault(name, []).append(value)
            lines = [f"    {BIND}{name} {' '.join(values)}\n" for name, values in together.items()]
            check, reason = next(iter(wanted.values()))
            self._edit(
                _first(self.documents), (0, 0, "".join(["global\n", *lines, "\n"]).encode("ascii")), check, reason
            )
            return
        mine = [line for line in home.tree.lines if line.section is home.section and not line.conditional]
        relatives = [line for line in mine if line.name.startswith(BIND)]
        lists = [line for line in relatives if line.name == BIND + "options"]
        fresh: dict[str, list[tuple[str, str, str]]] = {}
        for statement, (check, reason) in wanted.items():
            name, _blank, value = statement.partition(" ")
            if name == "options" and lists:
                self._append(lists[-1], value, check, reason)
            else:
                fresh.setdefault(name, []).append((value, check, reason))
        after = relatives[-1] if relatives else home if _conditional_end(home) else mine[-1]
        model = mine[-1] if mine[-1] is not home else None
        for name, parts in fresh.items():
            text = f"{BIND}{name} " + " ".join(value for value, _check, _reason in parts)
            self._edit(after, _below(after, model, text), *parts[0][1:])

    def _home(self) -> Line | None:
        """The line that begins the first ``global`` section, if that stands above every line with TLS."""
        order = {document.path: number for number, document in enumerate(self.documents)}

        def place(line: Line) -> tuple[int, int]:
            return order[line.tree.path], line.start

        first = min((bind.line for bind in self.binds), key=place)
        usable = [line for line in self.config.globals if not line.conditional and place(line) < place(first)]
        return usable[0] if usable else None

    def _append(self, line: Line, text: str, check: str, reason: str) -> None:
        self._edit(line, (line.end, line.end, b" " + text.encode("ascii")), check, reason)

    def _respell(self, line: Line, word: Word, text: str, check: str, reason: str) -> None:
        self._edit(line, (word.start, word.end, text.encode("ascii")), check, reason)

    # --- what is only reported --------------------------------------------------------------------------------------

    def report(self) -> None:
        for listener_line, address in self._plaintext():
            reason = f"{address} answers in plaintext; redirect it to https (redirect scheme https) or close it"
            self._leave("transport.plaintext", listener_line, reason)
        for leg in self.config.legs:
            if not self.rules.verifies(leg.bag).value:
                given = [option for option in leg.bag.possible("verify") if option]
                reason = f"the certificate of {leg.address} is not verified; set verify required and ca-file there"
                self._leave("upstream.verification", given[-1].line if given else leg.line, reason)

    def _plaintext(self) -> t.Iterator[tuple[Line, str]]:
        for bind in self.config.binds:
            if not bind.tls and bind.block.http and not any(map(redirects, bind.block.lines)):
                yield bind.line, ", ".join(address_of(one).label for one in bind.addresses)

    def check(self, edits: t.Sequence[Edit]) -> None:
        """Look at the result as a stranger would: what still breaks the baseline was left alone, and is said so."""
        after = Config(edited(self.documents, edits)) if edits else self.config
        baseline = self.baseline
        for bind in (bind for bind in after.binds if bind.tls):
            bags = [(self.rules.default(bind), self._kept(bind))]
            bags += [(one.own.over(bind.bag), self._kept(bind, one.names)) for one in bind.entries if one.own.values]
            for bag, kept in bags:
                settings = self.rules.settings(bag)
                protocols = settings["protocols"].value
                wrong = [name for name in self._weak_protocols(protocols) if name not in kept.protocols]
                for name in wrong:
                    reason = below(kept, name, protocols, "HAProxy")
                    if reason:
                        self._leave_at(CHECKS[name], settings["protocols"].provenance[0], reason)
                wrong += [name for name in baseline.required_protocols if name not in protocols]
                for name in wrong:
                    self._still(CHECKS[name], settings["protocols"].provenance)
                for key, check in (("suites_tls12", "suite"), ("suites_tls13", "suite"), ("groups", "group")):
                    forbids = baseline.forbids_group if check == "group" else baseline.forbids_suite
                    names = settings[key].value if key in settings else ()
                    if any(forbids(name) and name not in kept.names for name in names):
                        self._still(f"{check}.forbidden", settings[key].provenance)
        for old, leg in zip(self.config.legs, after.legs):
            reason = "still in force after all edits"
            if not self._proved(leg):
                reason = f"not proved that {leg.address} speaks what the baseline approves; it might be lost"
            found = self.rules.protocols(leg.bag, server=False)
            if self._weak_protocols(found.value):
                self._leave("upstream.protocol", old.line, reason)
            for suites in (self.rules.suites_tls12(leg.bag), self.rules.suites_tls13(leg.bag)):
                if suites.value is None or any(map(baseline.forbids_suite, suites.value)):
                    self._leave("upstream.suite", old.line, reason)


_TICKETS = "one ticket key until the next reload opens every recorded session that used it"


def _first(documents: t.Sequence[Document]) -> Line:
    """The first line of all; a file that has a bind line has one."""
    trees: list[Tree] = [document.tree for document in documents]
    return next(line for tree in trees for line in tree.lines)


def _conditional_end(home: Line) -> bool:
    """Whether a section ends in lines that a macro may take away, among which nothing must be put."""
    mine = [line for line in home.tree.lines if line.section is home.section]
    return mine[-1].conditional


def _below(line: Line, model: Line | None, text: str) -> tuple[int, int, bytes]:
    """A new line below ``line``, indented like ``model``."""
    data = line.tree.data
    indent = b"    "
    if model is not None:
        indent = data[data.rfind(b"\n", 0, model.start) + 1 : model.start]
    code = indent + text.encode("ascii")
    end = data.find(b"\n", line.end)
    if end < 0:
        return len(data), len(data), b"\n" + code
    return end + 1, end + 1, code + (b"\r\n" if data[end - 1 : end] == b"\r" else b"\n")
