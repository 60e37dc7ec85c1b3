# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The smallest change that makes main.cf and master.cf hold the baseline.

Every protocol list of a server that breaks the baseline is mended where it stands, in force or not. Suites are set by
the list of one cipher grade that no delivery agent uses, so that outgoing mail is left as it is; that list also
carries OpenSSL's security level, without which Postfix signs with SHA-1. Both the opportunistic and the mandatory
parameter of a pair are set: which of them counts changes with the security level.

What a client demands of strangers decides whether mail is delivered at all, and a peer that cannot meet it may get
the mail in plaintext: so clients are changed only when asked, or when the one relay was seen to speak TLS 1.2.
"""

from __future__ import annotations

import contextlib
import typing as t

from ...baseline.dialects import openssl
from ...baseline.model import PROTOCOLS, Clamp, clamp
from ...errors import BaselineError, ConfigurationError
from ..contract import Edit, Kept, Plan, Provenance, Unmended
from ..planning import OF_LEVEL_0, kept_by, relaxed
from . import layout, policy, values
from .config import Client, Config, Server, ciphers, expand
from .effective import clients, doors, is_local, servers, why_no_tls

if t.TYPE_CHECKING:
    from ...baseline.model import Baseline
    from ..contract import Document, Instance
    from .config import Ciphers, Scope
    from .grammar import Assignment, Service

#: The check that names each protocol.
_CHECKS = {
    "SSLv2": "protocol.sslv2",
    "SSLv3": "protocol.sslv3",
    "TLSv1.0": "protocol.tls1_0",
    "TLSv1.1": "protocol.tls1_1",
    "TLSv1.2": "protocol.tls1_2",
    "TLSv1.3": "protocol.tls1_3",
}

_MODES = ("tls_", "tls_mandatory_")
_SERVER_PREFIXES = ("smtpd_", "tlsproxy_")

#: OpenSSL security level from which keys, groups and signatures have 112 bits (SSL_CTX_set_security_level(3)).
_LEVEL = 2


def plan(
    instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
) -> Plan:
    """Edits, clamps and what was left alone. Raises BaselineError when the build can do nothing of the baseline."""
    clamped, clamps = clamp(baseline, instance.capabilities)
    planner = _Planner(instance, documents, clamped, options)
    planner.demand_levels()
    planner.pin_excepted()
    planner.mend_protocols()
    planner.mend_suites()
    planner.mend_groups()
    planner.mend_tickets()
    planner.mend_clients()
    planner.clamp_tls13()
    planner.report()
    planner.check()
    return Plan(tuple(planner.edits()), clamps + tuple(planner.clamps), tuple(planner.unmended))


class _Planner:
    def __init__(
        self,
        instance: Instance,
        documents: t.Sequence[Document],
        baseline: Baseline,
        options: t.Mapping[str, t.Any],
    ) -> None:
        # The plan is noted in the assignments themselves, so they must be this plan's own.
        self.documents = layout.parsed(documents)
        self.instance, self.baseline = instance, baseline
        self.config = Config(instance, self.documents)
        self.overrides = options.get("overrides", "mend")
        self.outgoing = options.get("outgoing", "report")
        self.levels: t.Mapping[str, str] = options.get("security_level") or {}
        self.upstreams: t.Mapping[str, bool] = options.get("upstreams") or {}
        self.clamps: list[Clamp] = []
        self.unmended: list[Unmended] = []
        self._added: dict[str, layout.Why] = {}
        self._kept: set[int] = set()
        self.options = options
        self._level = _LEVEL
        #: By service: what exceptions keep, and the baseline that holds there.
        self._excepted: dict[int, tuple[Kept, Baseline]] = {}

    # --- noting what to do ----------------------------------------------------------------------------------------

    def _set(self, entry: Assignment, value: str, check: str, reason: str) -> None:
        """Plan another value, unless the user wants that file left alone."""
        if entry.current == value or id(entry) in self._kept:
            return
        if entry.service and self.overrides != "mend":
            if self.overrides == "fail":
                message = f'"{entry.text}" breaks the baseline ({reason}), and overrides is "fail"'
                raise ConfigurationError(entry.path, entry.line, 0, message)
            self._kept.add(id(entry))
            place = Provenance(entry.path, entry.line, entry.text)
            self._leave(check, (place,), f"{reason}; left alone because overrides is {self.overrides!r}")
            return
        entry.planned = value
        if not entry.check:
            entry.check, entry.reason = check, reason

    def _add(self, name: str, value: str, check: str, reason: str) -> None:
        """Plan a parameter of main.cf: another value where it stands, else one more line."""
        entries = self.config.entries.get(name)
        if entries:
            self._set(entries[-1], value, check, reason)
        else:
            self.config.added[name] = value
            self._added.setdefault(name, layout.Why(check, reason))

    def _decide(self, scope: Scope, name: str, value: str, check: str, reason: str) -> None:
        """Plan the value a scope sees, at the place that decides about it."""
        decider = scope.decider(name)
        if decider is not None:
            self._set(decider, value, check, reason)
        else:
            self._add(name, value, check, reason)

    def _leave(self, check: str, places: t.Sequence[Provenance], reason: str) -> None:
        item = Unmended(check, places[0] if places else Provenance("", 0, ""), reason)
        if not any(known.check == check and known.provenance == item.provenance for known in self.unmended):
            self.unmended.append(item)

    def edits(self) -> list[Edit]:
        found: list[Edit] = []
        for document in self.documents[:2]:
            tree = document.tree
            entries = [*tree.parameters, *(option for service in tree.services for option in service.options)]
            for entry in entries:
                if entry.planned is not None and entry.planned != entry.value:
                    found += layout.respell(tree, entry)
        # What a service uses comes before the lists all services share.
        for name, why in sorted(self._added.items(), key=lambda item: item[0].startswith("tls_")):
            found.append(layout.insert(self.config.main, name, self.config.added[name], why))
        return found

    # --- security levels ------------------------------------------------------------------------------------------

    def demand_levels(self) -> None:
        """Raise the level of the services the user names; nobody's level is raised unasked. Raises BaselineError."""
        known = {door.service.name for door in doors(self.config)}
        for name, wanted in self.levels.items():
            if wanted not in ("may", "encrypt"):
                raise BaselineError(f"security_level.{name}", f"{wanted!r} is not may or encrypt")
            if name not in known:
                message = f"is no service that takes mail (there is {', '.join(sorted(known))})"
                raise BaselineError(f"security_level.{name}", message)
        for door in doors(self.config):
            least, level = self.levels.get(door.service.name), door.owner.level
            if least is None or door.owner.wrapper or level in (least, "encrypt"):
                continue
            name = door.owner.prefix + "tls_security_level"
            reason = f"{door.service.label} must have the security level {least}, and has {level}"
            option = door.owner.scope.decider(name)
            if option is None or not option.service:
                # What main.cf says is for all services: this one gets an option of its own.
                option = layout.new_option(door.service, name)
            self._set(option, least, "transport.plaintext", reason)

    # --- what exceptions keep -------------------------------------------------------------------------------------

    def pin_excepted(self) -> None:
        """What is kept becomes the service's own option, so that main.cf can be mended for everyone else."""
        for door in doors(self.config):
            kept = kept_by(self.options, door.port)
            for _label, server in door.answers if kept.ids and door.owner.offered else ():
                service = server.scope.service
                if service is None or not server.offered or id(service) in self._excepted:
                    continue
                suites, spoken = server.ciphers(), server.protocols().names
                holds = relaxed(self.baseline, kept, spoken, suites.names, server.groups()[0])
                self._excepted[id(service)] = kept, holds
                old = [name for name in holds.protocols if name not in self.baseline.protocols]
                if old:
                    words = values.exclusions(holds.protocols, self.instance.capabilities.protocols)
                    self._pin(service, f"{server.prefix}{server.mode}protocols", ",".join(words), _CHECKS[old[0]], kept)
                if holds.suites_tls12 != self.baseline.suites_tls12:
                    name = f"tls_{suites.grade}_cipherlist"
                    text = server.scope.text(name)
                    if any(map(holds.forbids_suite, suites.names)):
                        low = any(one in holds.protocols for one in OF_LEVEL_0)
                        level = suites.level if low else max(_LEVEL, suites.level)
                        text = f"{openssl.cipher_list(holds.suites_tls12)}:@SECLEVEL={level}"
                    self._pin(service, name, text, "suite.forbidden", kept)
                    # Which list counts must not change with main.cf either.
                    used = server.prefix + ("tls_mandatory_ciphers" if server.enforced else "tls_ciphers")
                    self._pin(service, used, suites.grade, "suite.forbidden", kept)
                if "session.tickets" in kept.checks and server.tickets()[0] != "off":
                    options = ",".join(values.split(server.scope.text("tls_ssl_options")))
                    self._pin(service, "tls_ssl_options", options, "session.tickets", kept)

    def _pin(self, service: Service, name: str, value: str, check: str, kept: Kept) -> None:
        """An option of the service's own, also where other options are left alone: without it, it would lose it."""
        option = self.config.scope(service).decider(name)
        if option is None or not option.service:
            option = layout.new_option(service, name)
        if option.current != value:
            option.planned, option.check, option.reason = value, check, f"{', '.join(kept.ids)} keeps it here"
        self._kept.add(id(option))

    @contextlib.contextmanager
    def _under(self, server: Server) -> t.Iterator[Kept]:
        """Judge a server by the baseline that holds for it."""
        strict, service = self.baseline, server.scope.service
        kept, self.baseline = self._excepted.get(id(service), (Kept(), strict))
        if "signature.forbidden" in kept.checks and any(name in self.baseline.protocols for name in OF_LEVEL_0):
            self._level = 0
        try:
            yield kept
        finally:
            self.baseline, self._level = strict, _LEVEL

    # --- protocols ------------------------------------------------------------------------------------------------

    def _weak_protocols(self, names: t.Iterable[str]) -> list[str]:
        return [name for name in PROTOCOLS if name in names and name not in self.baseline.protocols]

    def _objection(self, text: str) -> tuple[str, str] | None:
        return self._objection_to(values.protocols(text, self.instance.version))

    def _objection_to(self, read: values.Protocols) -> tuple[str, str] | None:
        """(check, reason) against a protocol list; None when it holds the baseline."""
        if read.problem:
            return "protocol.approved", f"{read.problem}, so Postfix offers no TLS at all"
        names = [name for name in read.names if name in self.instance.capabilities.protocols]
        weak = self._weak_protocols(names)
        if weak:
            return _CHECKS[weak[0]], f"{', '.join(weak)} must be off"
        missing = [name for name in self.baseline.required_protocols if name not in names]
        if missing:
            return _CHECKS[missing[0]], f"{', '.join(missing)} must be on"
        if not names:
            return "protocol.approved", "no protocol is left"
        return None

    def _list(self, entry: Assignment | None) -> str:
        """The baseline's protocols. Without blanks in master.cf, where they separate arguments."""
        off = values.exclusions(self.baseline.protocols, self.instance.capabilities.protocols)
        return (", " if entry is None or not entry.service else ",").join(off)

    def mend_protocols(self) -> None:
        names = [prefix + mode + "protocols" for prefix in _SERVER_PREFIXES for mode in _MODES]
        entries: list[tuple[Service | None, Assignment]] = [
            (None, entry) for name in names for entry in self.config.entries.get(name, ())
        ]
        for one in self.config.services:
            entries += [(one, option) for option in one.options if option.name in names]
        # A value that refers to another is right when that one is.
        for referring in (False, True):
            for service, entry in entries:
                if ("$" in entry.value) is not referring or id(entry) in self._kept:
                    continue
                scope = self.config.scope(service)
                text = values.expand(entry.current, scope.text)
                stray = service is not None and layout.stray_after(service, entry)
                objection = self._objection(text)
                if stray:
                    objection = "protocol.approved", "a blank ends the value, and the daemon ends itself for the rest"
                if objection:
                    self._set(entry, self._list(entry), *objection)
        for server in servers(self.config):
            for mode in _MODES:
                found = server.value(mode + "protocols")
                objection = self._objection(found.text)
                if objection and found.decider is None:
                    reason = f"{found.places[-1].text} breaks the baseline: {objection[1]}"
                    self._add("smtpd_" + mode + "protocols", self._list(None), objection[0], reason)

    # --- suites ---------------------------------------------------------------------------------------------------

    def _weak_suites(self, names: t.Sequence[str]) -> bool:
        approved = self.baseline.suites_tls12
        return any(map(self.baseline.forbids_suite, names)) or not any(name in approved for name in names)

    def _grade(self) -> str | None:
        """A grade whose list may be changed: no client that is to be left alone uses it."""
        left = (client for client in clients(self.config) if not self._is_willing(client.prefix))
        used = {one.grade for client in left for one in client.ciphers()}
        return next((grade for grade in ("high", "medium") if grade not in used), None)

    def _good_list(self, text: str) -> str:
        """The list of the grade: what stands there when it is as good, with the security level."""
        marks = values.LEVEL_MARK.findall(text)
        names = expand(self.config, text)
        level = max(_LEVEL, int(marks[-1]) if marks else 0)
        if self._weak_suites(names):
            return f"{openssl.cipher_list(self.baseline.suites_tls12)}:@SECLEVEL={level}"
        return values.LEVEL_MARK.sub(f"@SECLEVEL={level}", text) if marks else f"{text}:@SECLEVEL={level}"

    def _why(self, found: Ciphers) -> tuple[str, str]:
        if found.problem:
            return "suite.forbidden", found.problem
        bad = [name for name in found.names if self.baseline.forbids_suite(name)]
        if bad:
            more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
            return "suite.forbidden", f"{', '.join(bad[:3])}{more} must be off"
        if not any(name in self.baseline.suites_tls12 for name in found.names):
            return "suite.forbidden", "no suite of the baseline is usable"
        return "signature.forbidden", f"security level {found.level} lets SHA-1 sign handshakes"

    def _is_bad(self, found: Ciphers) -> bool:
        return bool(found.problem) or self._weak_suites(found.names) or found.level < self._level

    def mend_suites(self) -> None:
        if not self.baseline.suites_tls12:
            return
        speaking = servers(self.config)
        nameless = next((server for server in speaking if server.anonymous), None)
        if nameless is not None:
            reason = "without a certificate only anonymous suites work; give it one, then the suites can be mended"
            self._leave("suite.forbidden", nameless.certificates().places, reason)
            return
        bad = [one for one in speaking if self._is_bad(one.ciphers()) and id(one.scope.service) not in self._excepted]
        if not bad:
            return
        grade = self._grade()
        if grade is None:
            reason = "delivery agents use both cipher grades, so neither list can be changed without changing what they"
            self._leave("suite.forbidden", bad[0].ciphers().places, f'{reason} send; see the option "outgoing"')
            return
        self._narrow(bad, grade)

    def _narrow(self, users: t.Sequence[Server | Client], grade: str) -> None:
        """Let these services use the list of one grade, and let that list hold the baseline."""
        name = f"tls_{grade}_cipherlist"
        for user in users:
            for enforced in (False, True) if isinstance(user, Server) else [m != "tls_" for m in user.modes()]:
                found = self._ciphers(user, enforced)
                if not self._is_bad(found):
                    continue
                check, reason = self._why(found)
                parameter = user.prefix + ("tls_mandatory_ciphers" if enforced else "tls_ciphers")
                if found.grade != grade:
                    # What behind postscreen follows smtpd by default is set there, for both.
                    target = "smtpd_tls" + parameter[len("tlsproxy_tls") :] if user.prefix == "tlsproxy_" else parameter
                    used = parameter if user.scope.decider(parameter) else target
                    self._decide(user.scope, used, grade, check, reason)
                value = user.scope.value(name)
                if expand(self.config, value.text) and not self._bad_list(value.text):
                    continue
                self._decide(user.scope, name, self._good_list(value.text), check, reason)

    def _bad_list(self, text: str) -> bool:
        marks = values.LEVEL_MARK.findall(text)
        return self._weak_suites(expand(self.config, text)) or not marks or int(marks[-1]) < _LEVEL

    def _ciphers(self, user: Server | Client, enforced: bool) -> Ciphers:
        return ciphers(user.scope, user.prefix, enforced, ())

    def clamp_tls13(self) -> None:
        """TLS 1.3 suites have no parameter: the library's own are in force."""
        names = openssl.default_ciphersuites(self.instance.capabilities.version)
        approved = self.baseline.suites_tls13
        speaks = [server for server in servers(self.config) if "TLSv1.3" in server.protocols().names]
        if speaks and approved and any(map(self.baseline.forbids_suite, names)):
            reason = "Postfix has no parameter for TLS 1.3 suites; set Ciphersuites in openssl.cnf"
            self.clamps.append(Clamp("suite.clamped", ":".join(approved), ":".join(names), reason))

    # --- groups and tickets ---------------------------------------------------------------------------------------

    def mend_groups(self) -> None:
        approved = self.baseline.groups
        for server in servers(self.config):
            if "group.forbidden" in self._excepted.get(id(server.scope.service), (Kept(), None))[0].checks:
                continue
            names, _places = server.groups()
            bad = [name for name in names if self.baseline.forbids_group(name)]
            if names and not bad and any(name in approved for name in names):
                continue
            reason = f"{', '.join(bad)} must be off" if bad else "no group of the baseline is usable"
            grade = server.value("tls_eecdh_grade")
            if grade.text.lower() != "auto":
                used = server.prefix + "tls_eecdh_grade" if grade.decider else "smtpd_tls_eecdh_grade"
                self._decide(server.scope, used, "auto", "group.forbidden", reason)
            curves = openssl.groups(name for name in approved if not name.startswith("ffdhe")).split(":")
            self._decide(server.scope, "tls_eecdh_auto_curves", " ".join(curves), "group.forbidden", reason)
            finite = server.scope.value("tls_ffdhe_auto_groups")
            if any(self.baseline.forbids_group(name) for name in values.split(finite.text)):
                kept = [name for name in values.split(finite.text) if not self.baseline.forbids_group(name)]
                self._decide(server.scope, "tls_ffdhe_auto_groups", " ".join(kept), "group.forbidden", reason)

    def mend_tickets(self) -> None:
        if self.baseline.session_tickets != "off":
            return  # tlsmgr(8) replaces ticket keys by itself
        for server in servers(self.config):
            kept = self._excepted.get(id(server.scope.service), (Kept(), None))[0]
            if server.tickets()[0] == "off" or "session.tickets" in kept.checks:
                continue
            options = server.scope.text("tls_ssl_options")
            value = f"{options}, NO_TICKET" if options else "NO_TICKET"
            decider = server.scope.decider("tls_ssl_options")
            value = value.replace(" ", "") if decider is not None and decider.service else value
            self._decide(server.scope, "tls_ssl_options", value, "session.tickets", "session tickets must be off")

    # --- what Postfix sends ---------------------------------------------------------------------------------------

    def _proved(self, client: Client) -> bool:
        """Whether mail goes to one relay only, and that was seen to answer an approved hello."""
        return client.relay() is not None and self.upstreams.get(client.scope.text("relayhost")) is True

    def _is_willing(self, prefix: str) -> bool:
        """Whether all agents of this kind may be changed: main.cf speaks to all of them."""
        mine = [client for client in clients(self.config) if client.prefix == prefix and client.modes()]
        return self.outgoing == "mend" or (bool(mine) and all(map(self._proved, mine)))

    def mend_clients(self) -> None:
        for client in clients(self.config):
            if not client.modes():
                continue
            if not self._is_willing(client.prefix):
                self._leave_client(client)
                continue
            self._mend_client(client)
            grade = self._grade()
            if grade is not None and self.baseline.suites_tls12 and any(map(self._is_bad, client.ciphers())):
                self._narrow([client], grade)

    def _mend_client(self, client: Client) -> None:
        for mode in client.modes():
            name = client.prefix + mode + "protocols"
            found = client.value(mode + "protocols")
            objection = self._objection(found.text)
            if objection:
                reason = objection[1]
                self._decide(client.scope, name, self._list(found.decider), "upstream.protocol", reason)

    def _leave_client(self, client: Client) -> None:
        read, places = client.protocols()
        level = client.level
        known = [name for name in read.names if name in self.instance.capabilities.protocols]
        if read.problem:
            self._leave("upstream.protocol", places, f"{read.problem}, so mail goes out without TLS; mend it here")
        elif self._weak_protocols(known):
            reason = f"at the level {level} a peer with nothing newer would get the mail in plaintext or not at all"
            self._leave("upstream.protocol", places, f'{reason}; set outgoing: "mend" to demand TLS 1.2 all the same')
        bad = [one for one in client.ciphers() if any(map(self.baseline.forbids_suite, one.names))]
        if bad:
            reason = f'what peers can do is not known; set outgoing: "mend" to narrow what is offered (level {level})'
            self._leave("upstream.suite", bad[0].places, reason)

    # --- what is only reported ------------------------------------------------------------------------------------

    def report(self) -> None:
        for door in doors(self.config):
            if is_local(door.host) or not door.port:
                continue
            level, places = door.owner.level, door.owner.level_places
            if level is None:
                continue  # config.valid tells
            if not door.owner.offered:
                reason = f"{door.service.label} offers no TLS; set its security level to may (port 25) or encrypt"
                self._leave("transport.plaintext", places, reason)
                continue
            scope = door.owner.scope
            if door.owner.enforced or not scope.yes("smtpd_sasl_auth_enable"):
                continue
            if not scope.yes("smtpd_tls_auth_only"):
                reason = f"{door.service.label} takes passwords before TLS; set smtpd_tls_auth_only = yes"
                self._leave("transport.login", scope.value("smtpd_tls_auth_only").places, reason)
        for client in clients(self.config):
            # LMTP hands mail to a store, which mostly is on the same host.
            if client.level == "none" and client.prefix == "smtp_":
                reason = "mail goes out in plaintext; set the security level to may, which is never worse"
                self._leave("transport.plaintext", client.value("tls_security_level").places, reason)
        for entry in policy.entries(self.config):
            places = (Provenance(entry.path, entry.line, entry.text),)
            mend = "mend the line and run postmap(1) on the file"
            if entry.level == "none":
                self._leave("transport.plaintext", places, f"mail to {entry.destination} goes in plaintext; {mend}")
            elif entry.protocols is not None:
                objection = self._objection_to(entry.protocols)
                if objection:
                    self._leave("upstream.protocol", places, f"{entry.destination}: {objection[1]}; {mend}")
        for parameter in policy.PARAMETERS:
            value = self.config.scope().value(parameter)
            hidden = policy.opaque(value.text)
            hidden += [path for path in policy.files(value.text) if path not in self.config.maps]
            if hidden:
                reason = f"{', '.join(hidden)} cannot be read here; read it yourself"
                self._leave("config.override", value.places, reason)

    def check(self) -> None:
        """Look at the result as a stranger would: what still breaks the baseline was left alone, and is said so."""
        for server in servers(self.config):
            if why_no_tls(server):
                reason = f"{server.scope.label}: {why_no_tls(server)}"
                self._leave("protocol.approved", server.certificates().places, reason)
                continue
            with self._under(server):
                self._check(server)

    def _check(self, server: Server) -> None:
        found = server.value(server.mode + "protocols")
        objection = self._objection(found.text)
        if objection:
            self._leave(objection[0], found.places, f"{objection[1]}; still in force after all edits")
        suites = server.ciphers()
        if self.baseline.suites_tls12 and not server.anonymous and self._is_bad(suites):
            check, reason = self._why(suites)
            self._leave(check, suites.places, f"{reason}; still in force after all edits")
        names, places = server.groups()
        if any(map(self.baseline.forbids_group, names)):
            self._leave("group.forbidden", places, "still in force after all edits")
