# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What OpenSSL gives every program: the section of ``openssl.cnf`` that SSL_CTX_new(3) applies.

Three names lead there: ``openssl_conf`` before the first section, ``ssl_conf`` in the section it names, and
``system_default`` in the one that names (config(5), SSL Configuration). Sections are free in name, may stand in any
file that is included, and are one when they have one name; the last value counts. Where a name is missing, all behind
it means nothing, without a word: the chain is mended where it ends, and no second one is made.
"""

from __future__ import annotations

import os
import re
import typing as t

from ...baseline import signatures
from ...baseline.dialects import openssl as dialect
from ...baseline.model import PROTOCOLS, clamp
from ...errors import BaselineError, ConfigurationError
from .. import planning
from ..contract import Document, Edit, Instance, Plan, Provenance, Setting
from . import asking, grammar
from .floor import STACK, Floor

if t.TYPE_CHECKING:
    from ...baseline.model import Baseline
    from ..host import Host
    from .grammar import Entry, Tree

#: The names that lead to the settings, and what a section is called when we have to make it.
_CHAIN = (("openssl_conf", "in_transit_init"), ("ssl_conf", "in_transit_ssl"), ("system_default", "in_transit_tls"))

#: Most levels of .include that are followed; OpenSSL has no limit of its own.
_DEPTH = 16

#: OpenSSL's words for protocols (SSL_CONF_cmd(3), MinProtocol), in lower case.
_WORDS = {"sslv3": "SSLv3", "tlsv1": "TLSv1.0", "tlsv1.1": "TLSv1.1", "tlsv1.2": "TLSv1.2", "tlsv1.3": "TLSv1.3"}
_SPELLED = {**{name: name for name in PROTOCOLS}, "TLSv1.0": "TLSv1"}

_CHECK = {
    "minprotocol": "floor.protocols",
    "maxprotocol": "floor.protocols",
    "protocol": "floor.protocols",
    "cipherstring": "floor.suites",
    "ciphersuites": "floor.suites",
    "groups": "floor.groups",
    "signaturealgorithms": "floor.signatures",
}


#: What OpenSSL replaces in a value (conf_def.c, str_copy): quoted text, escapes, variables.
_PIECE = re.compile(
    r"(?P<quote>[\"'`])(?P<quoted>(?:\\.|(?!(?P=quote))[^\\])*)(?:(?P=quote)|\\?\Z)"
    r"|\\(?P<escaped>.|\Z)"
    r"|\$(?:\{(?P<braces>(?:\w*::)?\w*)\}|\((?P<brackets>(?:\w*::)?\w*)\)|(?P<plain>(?:\w*::)?\w*))",
    re.DOTALL | re.ASCII,
)
_ESCAPES = {"r": "\r", "n": "\n", "b": "\b", "t": "\t"}


class Config:
    """What all files say together."""

    def __init__(self, documents: t.Sequence[Document]) -> None:
        self.documents = documents
        self._trees = {document.path: t.cast("Tree", document.tree) for document in documents}
        #: In the order OpenSSL reads them, each with the section it counts in.
        self.entries: list[tuple[str, Entry]] = []
        self._values: dict[tuple[str, str], str] = {}
        self._heads: set[str] = set()
        self._section = ""
        if documents:
            self._walk(self._trees[documents[0].path], 0)

    def _walk(self, tree: Tree, depth: int) -> None:
        """An included file begins in the section it is included in, and may end in another (conf_def.c)."""
        for entry in tree.entries:
            if entry.is_head:
                # What stands before the first section is in one called default.
                self._section = "" if entry.value == "default" else entry.value
                self._heads.add(entry.value)
            elif entry.name == ".include":
                for path in tree.outside.get("includes", {}).get(entry.value, ()):
                    if path in self._trees and depth < _DEPTH:
                        self._walk(self._trees[path], depth + 1)
            elif entry.name != ".pragma":
                section = entry.section if entry.explicit else self._section
                section = "" if section == "default" else section
                self.entries.append((section, entry))
                self._values[section, entry.name] = self.expand(section, entry.value)

    def expand(self, section: str, text: str) -> str:
        """A value as OpenSSL stores it: without quotes, escapes replaced, and with the values of variables. A variable
        that has none stays as it is; OpenSSL reads no file with one."""

        def meant(match: re.Match[str]) -> str:
            if match["quote"]:
                return re.sub(r"\\(.)", r"\1", match["quoted"], flags=re.DOTALL)
            if match["escaped"] is not None:
                return _ESCAPES.get(match["escaped"], match["escaped"])
            named = next((name for name in match.group("braces", "brackets", "plain") if name is not None), None)
            return match.group() if named is None else self._known(section, named, match.group())

        return _PIECE.sub(meant, text)

    def _known(self, section: str, name: str, otherwise: str) -> str:
        place, colons, key = name.rpartition("::")
        if place == "ENV" and key in os.environ:
            return os.environ[key]
        for candidate in ("" if place == "default" else place if colons else section, ""):
            if (candidate, key) in self._values:
                return self._values[candidate, key]
        return otherwise

    def last(self, section: str, name: str) -> Entry | None:
        """The line that decides about a name in a section."""
        found = [entry for place, entry in self.entries if place == section and entry.name == name]
        return found[-1] if found else None

    def has(self, section: str) -> bool:
        return section in self._heads or any(place == section for place, _entry in self.entries)

    def chain(self) -> list[tuple[str, Entry, str]]:
        """As far as it goes: (section, entry, the section it names)."""
        found: list[tuple[str, Entry, str]] = []
        section = ""
        for name, _made in _CHAIN:
            entry = self.last(section, name)
            if entry is None:
                break
            target = self.expand(section, entry.value)
            if not target:
                break
            found.append((section, entry, target))
            section = target
        return found

    def commands(self) -> dict[str, Entry]:
        """What is in force, by command in lower case. All before the first dot of a name is left out, and an entry may
        come several times under other prefixes: the last one counts (SSL_CONF_cmd(3), config(5))."""
        chain = self.chain()
        if len(chain) < len(_CHAIN):
            return {}
        found: dict[str, Entry] = {}
        for section, entry in self.entries:
            prefix, _dot, name = entry.name.rpartition(".")
            # A lower or upper bound for DTLS is none for TLS.
            if section == chain[-1][2] and not (prefix.lower() == "dtls" or entry.value.lower().startswith("dtls")):
                name = name.lower()
                found["groups" if name == "curves" else name] = entry
        return found


class OpenSSL(Floor):
    """OpenSSL's configuration file."""

    name = "openssl"

    def discover(self, host: Host) -> list[Instance]:
        facts = asking.ask(host, "openssl", "facts")
        if facts is None:
            return []
        found = re.search(r"(\d+)\.(\d+)\.(\d+)", facts["version"])
        version = tuple(map(int, found.groups())) if found else (0,)
        path = host.realpath(facts["file"])
        told = {"floor": self.name, "programs": asking.installed(host, "openssl"), "said": facts["version"]}
        capabilities = dialect.capabilities(version)
        return [Instance(STACK, self.name, version, path, capabilities, True, told)]

    def read(self, host: Host, instance: Instance) -> list[Document]:
        """The main file and what it includes; without a main file nothing is set. Raises ConfigurationError."""
        found: dict[str, Document] = {}

        def load(path: str, depth: int) -> None:
            if path in found or depth > _DEPTH:
                return
            try:
                data = host.read(path)
            except FileNotFoundError:
                if depth:
                    raise ConfigurationError(path, 0, 0, "is included and does not exist") from None
                return
            except OSError as error:
                raise ConfigurationError(path, 0, 0, f"cannot be read: {error.strerror}") from error
            document = grammar.document(path, data, grammar.OPENSSL)
            found[path] = document
            includes = {}
            for entry in document.tree.entries:
                if entry.name == ".include":
                    includes[entry.value] = _included(host, entry)
            document.tree.outside["includes"] = includes
            for paths in includes.values():
                for one in paths:
                    load(one, depth + 1)

        load(instance.config, 0)
        return list(found.values())

    def settings(self, instance: Instance, documents: t.Sequence[Document]) -> dict[str, Setting]:
        config = Config(documents)
        commands = config.commands()
        found: dict[str, Setting] = {}
        names, entries = _protocols(config, commands)
        if entries:
            known = [name for name in names if name in instance.capabilities.protocols]
            found["protocols"] = Setting(tuple(known), _places(entries))
        for key, command, read in (
            ("suites_tls12", "cipherstring", dialect.expand_cipher_list),
            ("suites_tls13", "ciphersuites", dialect.expand_ciphersuites),
            ("groups", "groups", lambda text: dialect.expand_groups(text, instance.version)),
            ("signature_schemes", "signaturealgorithms", _schemes),
        ):
            entry = commands.get(command)
            if entry is not None:
                try:
                    value = read(config.expand(entry.section, entry.value))
                except BaselineError:
                    value = ()
                found[key] = Setting(value, _places([entry]))
        if "TLSv1.2" not in found.get("protocols", Setting((), ())).value and "protocols" in found:
            found.pop("suites_tls12", None)
        return found

    def plan(
        self, instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
    ) -> Plan:
        clamped, clamps = clamp(baseline, instance.capabilities)
        if not documents:
            planned = _fresh(instance, clamped)
            return Plan((planned,), clamps, ())
        planner = _Planner(instance, documents, clamped, options)
        planner.mend()
        return Plan(tuple(planner.edits()), clamps, tuple(planner.unmended))


def _included(host: Host, entry: Entry) -> list[str]:
    """The files of an .include: itself, or in a folder those whose names end in .cnf and .conf (config(5)).

    In the order of their names, which need not be OpenSSL's: it takes them as the folder has them. Raises
    ConfigurationError for a path that is none of ours to resolve.
    """
    path = re.sub(r"[\"']", "", entry.value)
    if not path.startswith("/") or "$" in path:
        message = f'"{entry.text}" names a file by a relative path or a variable, which depends on the program'
        raise entry.tree.error(entry.start, message)
    found = []
    try:
        for name in host.listdir(path):
            if name.endswith((".cnf", ".conf")):
                found.append(host.realpath(f"{path.rstrip('/')}/{name}"))
    except NotADirectoryError:
        return [host.realpath(path)]
    except OSError:
        return []  # OpenSSL goes on without it, too
    return found


def _places(entries: t.Iterable[Entry]) -> tuple[Provenance, ...]:
    return tuple(entry.place for entry in entries)


def _protocols(config: Config, commands: t.Mapping[str, Entry]) -> tuple[list[str], list[Entry]]:
    """Protocols within the bounds, and the lines that make them. No line: the build decides."""
    found = list(PROTOCOLS)
    entries = []
    for command, lower in (("minprotocol", True), ("maxprotocol", False)):
        entry = commands.get(command)
        if entry is None:
            continue
        bound = _WORDS.get(config.expand(entry.section, entry.value).lower())
        if bound is None:
            continue  # a word OpenSSL does not know sets nothing
        entries.append(entry)
        limit = PROTOCOLS.index(bound)
        found = [
            name for name in found if (PROTOCOLS.index(name) >= limit if lower else PROTOCOLS.index(name) <= limit)
        ]
    entry = commands.get("protocol")
    if entry is not None and entries:
        entries.append(entry)
        for word in re.split(r"[\s,]+", config.expand(entry.section, entry.value)):
            name = _WORDS.get(word.lstrip("+-").lower())
            if name in found and word.startswith("-"):
                found.remove(name)
    return found, entries if "minprotocol" in commands and entries else []


def _schemes(text: str) -> tuple[str, ...]:
    """IANA names in a SignatureAlgorithms list; ``RSA+SHA256`` and ``rsa_pkcs1_sha256`` are one."""
    by_word = {word.lower(): scheme.name for scheme in signatures.all_schemes() for word in scheme.openssl}
    words = [word for word in re.split(r"[:\s]+", text) if word]
    return tuple(by_word.get(word.lstrip("?").lower(), word) for word in words)


def _usable_schemes(baseline: Baseline, version: tuple[int, ...]) -> str:
    """What a release knows of the approved and tolerated schemes. An unknown name would void the whole list."""
    from ...baseline import registry

    older = [index for index, release in enumerate(registry.OPENSSL_RELEASES) if release <= version]
    index = str(older[-1] if older else 0)
    names = [*baseline.signature_schemes, *sorted(baseline.tolerated_signature_schemes)]
    known = [name for name in names if index in signatures.by_name(name).releases and signatures.by_name(name).openssl]
    return dialect.signature_algorithms(known)


def _wanted(baseline: Baseline, version: tuple[int, ...]) -> dict[str, tuple[str, str]]:
    """(command as it is spelled, value) of every setting of the baseline, by command in lower case."""
    oldest = next(name for name in PROTOCOLS if name in baseline.protocols)
    found = {"minprotocol": ("MinProtocol", _SPELLED[oldest])}
    if baseline.suites_tls12:
        found["cipherstring"] = ("CipherString", dialect.cipher_list(baseline.suites_tls12))
    if baseline.suites_tls13:
        found["ciphersuites"] = ("Ciphersuites", dialect.ciphersuites(baseline.suites_tls13))
    found["groups"] = ("Groups", dialect.groups(baseline.groups))
    found["signaturealgorithms"] = ("SignatureAlgorithms", _usable_schemes(baseline, version))
    return found


def _fresh(instance: Instance, baseline: Baseline) -> Edit:
    """A file of nothing but the chain and the settings, for a host without one."""
    lines = [f"{_CHAIN[0][0]} = {_CHAIN[0][1]}"]
    for (_name, section), (key, target) in zip(_CHAIN, _CHAIN[1:]):
        lines += ["", f"[{section}]", f"{key} = {target}"]
    lines += ["", f"[{_CHAIN[-1][1]}]"]
    lines += [f"{name} = {value}" for name, value in _wanted(baseline, instance.version).values()]
    data = "\n".join(lines) + "\n"
    return Edit.creation(instance.config, data.encode("ascii"), "floor.protocols", "OpenSSL has no configuration")


class _Planner(planning.Planner):
    def __init__(
        self, instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
    ) -> None:
        super().__init__(documents, baseline, options)
        self.instance = instance
        self.level = options.get("security_level", "report")
        self.config = Config(documents)
        self.main: Tree = documents[0].tree
        self._appended: list[str] = []

    def mend(self) -> None:
        commands = self.config.commands()
        wanted = _wanted(self.baseline, self.instance.version)
        for command, entry in commands.items():
            self._mend_one(command, entry, wanted)
        missing = [f"{name} = {value}" for command, (name, value) in wanted.items() if command not in commands]
        if missing:
            self._complete(missing)

    # --- what is there ------------------------------------------------------------------------------------------------

    def _mend_one(self, command: str, entry: Entry, wanted: t.Mapping[str, tuple[str, str]]) -> None:
        text = self.config.expand(entry.section, entry.value)
        if command == "options":
            self._mend_options(entry, text)
            return
        new, reason = text, ""
        if command == "minprotocol":
            name = _WORDS.get(text.lower())
            if name is None:
                new, reason = wanted[command][1], f"{text} is no protocol to OpenSSL, which then sets none"
            elif self._weak_protocols([one for one in PROTOCOLS if PROTOCOLS.index(one) >= PROTOCOLS.index(name)]):
                new, reason = wanted[command][1], f"{name} must be off"
        elif command == "maxprotocol":
            name = _WORDS.get(text.lower())
            need = self.baseline.required_protocols or self.baseline.protocols[:1]
            if name is None or PROTOCOLS.index(name) < max(map(PROTOCOLS.index, need)):
                newest = self.baseline.protocols[-1]
                new, reason = _SPELLED[newest], f"{text} leaves out {' and '.join(need)}"
        elif command == "cipherstring":
            names = self._expanded(dialect.expand_cipher_list, text)
            new, reason = self._list_for(entry, text, names, self._obstacle), self._why_suites(names)
        elif command == "ciphersuites":
            names = self._expanded(dialect.expand_ciphersuites, text)
            if self._weak_suites(names, self.baseline.suites_tls13):
                new, reason = wanted.get(command, ("", text))[1], self._why_suites(names)
        elif command == "groups":
            names = self._expanded(lambda one: dialect.expand_groups(one, self.instance.version), text)
            unknown = [name for name in names if name not in (self.instance.capabilities.groups or names)]
            if unknown or self._weak_groups(names):
                why = f"this release drops the whole list for {', '.join(unknown)}" if unknown else ""
                new, reason = wanted[command][1], why or self._why_groups(names)
        elif command == "signaturealgorithms":
            bad = [name for name in _schemes(text) if self.baseline.forbids_signature_scheme(name)]
            if bad:
                new, reason = wanted[command][1], f"{', '.join(bad[:4])} must be off"
        if new != text:
            self._edit(entry, grammar.value(entry, new), _CHECK[command], reason)

    def _expanded(self, expand: t.Callable[[str], tuple[str, ...]], text: str) -> tuple[str, ...]:
        try:
            return expand(text)
        except BaselineError:
            return ()

    def _obstacle(self) -> str:
        if self.level == "mend":
            return ""
        return "a service on this host may serve a certificate that only this level allows"

    def _mend_options(self, entry: Entry, text: str) -> None:
        words = [word.strip() for word in text.split(",") if word.strip()]
        bad = [word for word in words if not word.startswith("-") and word.lstrip("+").lower() in planning.BAD_OPTIONS]
        if bad:
            kept = ",".join(word for word in words if word not in bad) or "-UnsafeLegacyRenegotiation"
            check = planning.BAD_OPTIONS[bad[0].lstrip("+").lower()]
            self._edit(entry, grammar.value(entry, kept), check, f"{', '.join(bad)} must be off")

    # --- what is missing ----------------------------------------------------------------------------------------------

    def _complete(self, settings: t.Sequence[str]) -> None:
        """Put settings where the chain ends, and what is missing of the chain where that ends."""
        chain = self.config.chain()
        section = chain[-1][2] if chain else ""
        reason = "what this section does not say, the build decides"
        if len(chain) < len(_CHAIN):
            reason = f"no {_CHAIN[len(chain)][0]} leads to settings for all programs"
        for depth in range(len(chain), len(_CHAIN)):
            key, made = _CHAIN[depth]
            empty = self.config.last(section, key)
            if empty is None:
                self._put(section, [f"{key} = {made}"], reason)
            else:
                self._edit(empty, grammar.value(empty, made), "floor.protocols", reason)
            section = made
        self._put(section, settings, reason)
        if self._appended:
            span = grammar.at_end(self.main, self._appended)
            self._insert(self.main, span, reason)

    def _put(self, section: str, lines: t.Sequence[str], reason: str) -> None:
        if not section:
            # Before any section, an included file's too: what follows one is in it.
            self._insert(self.main, grammar.at_top(self.main, lines), reason)
            return
        for document in reversed(self.documents):
            last = document.tree.last(section)
            if last is not None and (document is self.documents[0] or self.overrides == "mend"):
                self._insert(document.tree, grammar.behind(last, lines), reason)
                return
        # Sections of one name are one.
        self._appended += ["", f"[{section}]", *lines]

    def _insert(self, tree: Tree, span: tuple[int, int, bytes], reason: str) -> None:
        start, end, text = span
        line = tree.position(start)[0]
        self._spans.setdefault((tree.path, start, end), []).append(
            Edit(tree.path, start, end, text, line, "floor.protocols", reason)
        )
