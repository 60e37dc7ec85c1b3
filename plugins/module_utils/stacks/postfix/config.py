# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which value is in force where: ``-o`` of a service before main.cf before the built-in default (master(5)).

A view sees planned values too, so that a plan can look at what it has decided so far.
"""

from __future__ import annotations

import typing as t

from ...baseline.dialects import openssl
from ...baseline.model import PROTOCOLS
from ...errors import BaselineError
from ..contract import Provenance
from . import values

if t.TYPE_CHECKING:
    from ..contract import Document, Instance
    from .grammar import Assignment, Service, Tree

#: Certificates of a server: ``chain_files`` wins over the others (postconf(5)).
_CERTIFICATES = ("tls_chain_files", "tls_cert_file", "tls_eccert_file", "tls_dcert_file")


class Value(t.NamedTuple):
    """A value in force, expanded, every place that made it so, and the assignment that decided, if a file has one."""

    text: str
    places: tuple[Provenance, ...]
    decider: Assignment | None


class Config:
    """The files of one instance."""

    def __init__(self, instance: Instance, documents: t.Sequence[Document]) -> None:
        self.instance = instance
        self.version = instance.version
        self.capabilities = instance.capabilities
        self.defaults: t.Mapping[str, str] = instance.facts["defaults"]
        self.main: Tree = documents[0].tree
        self.master: Tree = documents[1].tree
        self.services = self.master.services
        self.maps = {document.path: document for document in documents[2:]}
        #: Of several entries of one name the last one counts.
        self.entries: dict[str, list[Assignment]] = {}
        for entry in self.main.parameters:
            self.entries.setdefault(entry.name, []).append(entry)
        #: Parameters a plan adds to main.cf.
        self.added: dict[str, str] = {}

    def scope(self, service: Service | None = None) -> Scope:
        return Scope(self, service)

    def commands(self, *names: str) -> list[Service]:
        return [service for service in self.services if service.command in names]


class Scope:
    """The parameters one service of master.cf sees; without a service, those of main.cf."""

    def __init__(self, config: Config, service: Service | None) -> None:
        self.config, self.service = config, service

    @property
    def label(self) -> str:
        return self.service.label if self.service else "main.cf"

    def decider(self, name: str) -> Assignment | None:
        """The assignment in a file that sets ``name`` here."""
        if self.service is not None:
            for option in reversed(self.service.options):
                if option.name == name:
                    return option
        entries = self.config.entries.get(name)
        return entries[-1] if entries else None

    def _raw(self, name: str, places: list[Provenance]) -> str | None:
        decider = self.decider(name)
        from_main = decider is not None and not decider.service
        if name in self.config.added and (decider is None or from_main):
            places.append(Provenance(self.config.main.path, 0, f"{name} = {self.config.added[name]}"))
            return self.config.added[name]
        if decider is not None:
            places.append(Provenance(decider.path, decider.line, decider.text))
            return decider.current
        text = self.config.defaults.get(name)
        if text is not None:
            number = ".".join(map(str, self.config.version))
            places.append(Provenance("", 0, f"built-in default of Postfix {number}: {name} = {text}".rstrip()))
        return text

    def value(self, name: str) -> Value:
        places: list[Provenance] = []
        text = self._raw(name, places) or ""
        expanded = values.expand(text, lambda other: self._raw(other, places))
        # What a file says is the reason; a default that was only passed on the way is not.
        written = tuple(place for place in dict.fromkeys(places) if place.file)
        return Value(expanded.strip(), written or tuple(places[-1:]), self.decider(name))

    def text(self, name: str) -> str:
        return self.value(name).text

    def yes(self, name: str) -> bool:
        return values.is_yes(self.text(name))


class Server:
    """TLS as one service offers it to clients: ``prefix`` is ``smtpd_``, or ``tlsproxy_`` behind postscreen(8)."""

    def __init__(self, scope: Scope, prefix: str, wrapper: bool = False) -> None:
        self.scope, self.prefix, self.wrapper = scope, prefix, wrapper
        self.config = scope.config

    def value(self, name: str) -> Value:
        return self.scope.value(self.prefix + name)

    @property
    def level(self) -> str | None:
        """``none``, ``may`` or ``encrypt``; None for a value on which the daemon ends itself.

        The old switches count only while the level is empty.
        """
        text = self.value("tls_security_level").text.lower()
        if text:
            return values.SERVER_LEVELS.get(text)
        if self.scope.yes(self.prefix + "enforce_tls"):
            return "encrypt"
        return "may" if self.scope.yes(self.prefix + "use_tls") else "none"

    @property
    def level_places(self) -> tuple[Provenance, ...]:
        return self.value("tls_security_level").places

    @property
    def enforced(self) -> bool:
        """Whether the ``mandatory`` parameters count: TLS from the first byte is mandatory whatever the level."""
        return self.wrapper or self.level == "encrypt"

    @property
    def offered(self) -> bool:
        return self.wrapper or self.level in ("may", "encrypt")

    @property
    def mode(self) -> str:
        return "tls_mandatory_" if self.enforced else "tls_"

    def certificates(self) -> Value:
        """Paths; ``none`` is a server without a certificate, which only speaks anonymous suites."""
        chain, *others = (self.value(name) for name in _CERTIFICATES)
        if chain.text:
            return chain._replace(text=" ".join(values.split(chain.text)))
        used = [other for other in others if other.text]
        places = tuple(place for other in used for place in other.places) or chain.places
        return Value(" ".join(other.text for other in used), places, None)

    @property
    def anonymous(self) -> bool:
        return self.certificates().text.lower() == "none"

    def protocols(self) -> values.Protocols:
        return values.protocols(self.value(self.mode + "protocols").text, self.config.version)

    def ciphers(self) -> Ciphers:
        asks = self.scope.yes(self.prefix + "tls_ask_ccert")
        asks = asks or (self.enforced and self.scope.yes(self.prefix + "tls_req_ccert"))
        return ciphers(self.scope, self.prefix, self.enforced, ("aNULL",) if asks else ())

    def groups(self) -> tuple[tuple[str, ...], tuple[Provenance, ...]]:
        return groups(self.scope, self.value("tls_eecdh_grade"))

    def tickets(self) -> tuple[str, tuple[Provenance, ...]]:
        """tlsmgr(8) makes ticket keys and replaces them by itself; a static one cannot be configured."""
        options = self.scope.value("tls_ssl_options")
        if "no_ticket" in (word.lower() for word in values.split(options.text)):
            return "off", options.places
        cipher = self.scope.value("tls_session_ticket_cipher")
        return ("rotated" if cipher.text else "off"), cipher.places


class Client:
    """TLS as one delivery agent asks for it: ``prefix`` is ``smtp_`` or ``lmtp_``."""

    def __init__(self, scope: Scope, prefix: str) -> None:
        self.scope, self.prefix = scope, prefix
        self.config = scope.config

    def value(self, name: str) -> Value:
        return self.scope.value(self.prefix + name)

    @property
    def level(self) -> str | None:
        text = self.value("tls_security_level").text.lower()
        if text:
            return text if text in values.CLIENT_LEVELS else None
        if self.scope.yes(self.prefix + "enforce_tls"):
            return "verify" if self.scope.yes(self.prefix + "tls_enforce_peername") else "encrypt"
        return "may" if self.scope.yes(self.prefix + "use_tls") else "none"

    def modes(self) -> tuple[str, ...]:
        """Which lists count. A client with ``dane`` falls back to ``may`` where a domain publishes no TLSA record."""
        if self.level in (None, "none"):
            return ()
        if self.level in ("may", "dane", "half-dane"):
            return ("tls_",) if self.level == "may" else ("tls_", "tls_mandatory_")
        return ("tls_mandatory_",)

    def protocols(self) -> tuple[values.Protocols, tuple[Provenance, ...]]:
        """What any of its lists leaves on."""
        found = [self.value(mode + "protocols") for mode in self.modes()]
        read = [values.protocols(value.text, self.config.version) for value in found]
        names = {name for one in read for name in one.names}
        problem = next((one.problem for one in read if one.problem), "")
        places = tuple(dict.fromkeys(place for value in found for place in value.places))
        return values.Protocols(tuple(name for name in PROTOCOLS if name in names), problem), places

    def ciphers(self) -> list[Ciphers]:
        return [ciphers(self.scope, self.prefix, mode == "tls_mandatory_", ()) for mode in self.modes()]

    def relay(self) -> tuple[str, int] | None:
        """The one host mail goes to, when it is named without a look into the DNS: ``[host]:port``."""
        match = values.RELAY.match(self.scope.text("relayhost"))
        if not match:
            return None
        port = match.group(2) or ("465" if self.scope.yes(self.prefix + "tls_wrappermode") else "25")
        number = port_number(self.config, port)
        return (match.group(1), number) if number else None


# --- suites and groups ------------------------------------------------------------------------------------------------


class Ciphers(t.NamedTuple):
    """Suites up to TLS 1.2. ``grade`` names the list they come from, ``level`` is OpenSSL's security level."""

    names: tuple[str, ...]
    level: int
    grade: str
    places: tuple[Provenance, ...]
    problem: str


def ciphers(scope: Scope, prefix: str, enforced: bool, exclude: t.Sequence[str]) -> Ciphers:
    """The list of a grade, less what is excluded (tls_set_ciphers() of tls_misc.c).

    ``exclude_ciphers`` always counts, ``mandatory_exclude_ciphers`` only where TLS is mandatory. Postfix sets security
    level 0 before, so that only a list itself can raise it.
    """
    grade = scope.value(prefix + ("tls_mandatory_ciphers" if enforced else "tls_ciphers"))
    name = grade.text.lower()
    if name not in values.GRADES:
        return Ciphers((), 0, name, grade.places, f'"{grade.text}" is no cipher grade')
    base = scope.value(f"tls_{name}_cipherlist")
    excluded = [scope.value(prefix + "tls_exclude_ciphers")]
    if enforced:
        excluded.append(scope.value(prefix + "tls_mandatory_exclude_ciphers"))
    words = [word for value in excluded for word in values.SEPARATED.split(value.text) if word]
    places = tuple(
        dict.fromkeys(place for value in (grade, base, *(v for v in excluded if v.text)) for place in value.places)
    )
    bad = next((word for word in words if word[0] in "!+-@"), None)
    if bad:
        return Ciphers((), 0, name, places, f'"{bad}" cannot be excluded')
    marks = values.LEVEL_MARK.findall(base.text)
    text = ":".join([base.text, *(f"!{word}" for word in (*words, *exclude))])
    return Ciphers(expand(scope.config, text), int(marks[-1]) if marks else 0, name, places, "")


def expand(config: Config, text: str) -> tuple[str, ...]:
    """IANA names, for TLS 1.2 and older, of an OpenSSL cipher list."""
    try:
        names = openssl.expand_cipher_list(text)
    except BaselineError:
        return ()
    known = config.capabilities.suites
    # Lists such as HIGH name suites of shared keys and passwords, which Postfix cannot set up.
    return tuple(
        name for name in names if (known is None or name in known) and "PSK_" not in name and "_SRP_" not in name
    )


def groups(scope: Scope, grade: Value) -> tuple[tuple[str, ...], tuple[Provenance, ...]]:
    """Key-agreement groups: by default a list of Postfix's own, whatever the library would prefer."""
    name = grade.text.lower()
    if name in ("strong", "ultra"):
        value = scope.value(f"tls_eecdh_{name}_curve")
        return _groups(scope, value.text), (*value.places, *grade.places)
    if name == "none":
        return (), grade.places
    curves, finite = scope.value("tls_eecdh_auto_curves"), scope.value("tls_ffdhe_auto_groups")
    text = " ".join(filter(None, (curves.text, finite.text)))
    places = tuple(dict.fromkeys((*curves.places, *(finite.places if finite.text else ()))))
    return _groups(scope, text or "auto"), places


def _groups(scope: Scope, text: str) -> tuple[str, ...]:
    """Names the library does not know are left out, as Postfix does with a warning."""
    try:
        names = openssl.expand_groups(":".join(values.SEPARATED.split(text)), scope.config.capabilities.version)
    except BaselineError:
        return ()
    known = scope.config.capabilities.groups
    return tuple(name for name in names if known is None or name in known)


def port_number(config: Config, text: str) -> int:
    """The number of a port or of a service name of services(5); 0 when it has none."""
    if text.isdigit():
        return int(text)
    return int(config.instance.facts["ports"].get(text, 0))
