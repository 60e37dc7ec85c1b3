# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each Java runtime of a host gives every program: ``jdk.tls.disabledAlgorithms`` in its ``java.security``.

The property replaces what it stood for before, so the one in the file is added to, and all that is in it stays. Each
runtime has its own file; packages link it to ``/etc``, archives unpacked by hand do not, and applications bring
runtimes of their own.
"""

from __future__ import annotations

import os
import re
import typing as t

from ...baseline.dialects import java as dialect
from ...baseline.model import PROTOCOLS, Capabilities, clamp
from ...errors import ConfigurationError, TransactionError
from .. import planning
from ..contract import Document, Instance, Plan, Setting
from . import asking, grammar
from .floor import STACK, Floor

if t.TYPE_CHECKING:
    from ...baseline.model import Baseline
    from ..host import Host
    from .grammar import Entry

_PROPERTY = "jdk.tls.disabledAlgorithms"

#: Where vendors and packages put runtimes: Debian and Red Hat, Oracle and IBM, by hand.
_HOMES = ("/usr/lib/jvm/*", "/usr/java/*", "/opt/*", "/opt/*/jre", "/opt/*/jdk", "/usr/local/*")

#: The file below a home: since Java 9, Java 8, and Java 8 within a JDK.
_FILES = ("conf/security/java.security", "lib/security/java.security", "jre/lib/security/java.security")


class Java(Floor):
    """Java runtimes, one instance for each ``java.security``."""

    name = "java"

    def discover(self, host: Host) -> list[Instance]:
        homes = [home for pattern in _HOMES for home in host.glob(pattern)]
        running = [process.exe for process in host.processes() if os.path.basename(process.exe) == "java"]
        homes += [os.path.dirname(os.path.dirname(path)) for path in running]
        found: dict[str, Instance] = {}
        for home in homes:
            path = next((f"{home}/{name}" for name in _FILES if host.exists(f"{home}/{name}")), None)
            if path is None or host.realpath(path) in found:
                continue
            config = host.realpath(path)
            version = _version(host, home)
            newest = PROTOCOLS if version >= (8, 0, 261) else PROTOCOLS[:-1]
            # TLS 1.3 came with 11, and with update 261 to Java 8 (release notes).
            capabilities = Capabilities("Java", version, newest[1:], None, None, frozenset())
            told = {"floor": self.name, "programs": [], "said": _said(host, home), "home": home}
            found[config] = Instance(STACK, f"{self.name}:{config}", version, config, capabilities, True, told)
        return list(found.values())

    def read(self, host: Host, instance: Instance) -> list[Document]:
        try:
            data = host.read(instance.config)
        except OSError as error:
            raise ConfigurationError(instance.config, 0, 0, f"cannot be read: {error.strerror}") from error
        return [grammar.document(instance.config, data, grammar.JAVA)]

    def settings(self, instance: Instance, documents: t.Sequence[Document]) -> dict[str, Setting]:
        entry = _property(documents)
        if entry is None:
            return {}
        spoken = [name for name in dialect.protocols(entry.value) if name in instance.capabilities.protocols]
        return {"protocols": Setting(tuple(spoken), (entry.place,))}

    def plan(
        self, instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
    ) -> Plan:
        clamped, clamps = clamp(baseline, instance.capabilities)
        planner = planning.Planner(documents, clamped, options)
        entry = _property(documents)
        tree = documents[0].tree
        if entry is None:
            line = f"{_PROPERTY}={', '.join(dialect.disabled(clamped))}"
            span = grammar.at_end(tree, [line])
            planner._edit(_End(tree), span, "floor.protocols", f"no {_PROPERTY}: nothing is off")
        else:
            lacking = dialect.lacking(entry.value, clamped)
            if lacking:
                reason = f"{', '.join(lacking[:4])}{' and others' if len(lacking) > 4 else ''} must be off"
                joint = ", " if dialect.words(entry.value) else "=" if entry.bare else ""
                end = entry.last
                text = (joint + ", ".join(lacking)).encode("ascii")
                check = "floor.protocols" if set(lacking) & set(_protocol_words()) else "floor.suites"
                planner._edit(entry, (end, end, text), check, reason)
        return Plan(tuple(planner.edits()), clamps, tuple(planner.unmended))

    # --- asking -------------------------------------------------------------------------------------------------------

    def _keytool(self, host: Host, instance: Instance) -> str | None:
        home = instance.facts["home"]
        return next((path for path in (f"{home}/bin/keytool", f"{home}/jre/bin/keytool") if host.exists(path)), None)

    def roles(self, instance: Instance) -> tuple[str, ...]:
        # A runtime has nothing that serves; what is off is off in both roles.
        return ("client",)

    def test_command(self, instance: Instance) -> list[str]:
        return [f"{instance.facts['home']}/bin/keytool", "-printcert", "-sslserver", "127.0.0.1:0"]

    def problems(self, host: Host, instance: Instance) -> list[str]:
        """keytool(1) makes a TLS context as every program does, for which the runtime reads the file."""
        path = self._keytool(host, instance)
        if path is None:
            return []
        done = asking.run(host, path, *self.test_command(instance)[1:])
        said = done.stdout + done.stderr
        # Nobody listens at port 0. What is wrong with the file comes first, as an error of the class that reads it.
        wrong = re.search(r"(?:ExceptionInInitializerError|NoClassDefFoundError|IllegalArgument|Security)\S*.*", said)
        return [f"{instance.config}: {wrong.group()}"] if wrong else []

    def offers(self, host: Host, instance: Instance, name: str) -> bytes:
        path = self._keytool(host, instance)
        if path is None:
            raise TransactionError("prove", f"{instance.facts['home']} has no keytool to ask it by")
        return asking.hear(host, lambda port: [path, "-printcert", "-sslserver", f"127.0.0.1:{port}"])


class _End:
    """Where no directive is: the end of a file."""

    def __init__(self, tree: t.Any) -> None:
        self.tree, self.start, self.text = tree, len(tree.data), ""
        self.line = tree.position(self.start)[0]


def _protocol_words() -> list[str]:
    return [dialect.WORDS.get(name, name) for name in PROTOCOLS]


def _property(documents: t.Sequence[Document]) -> Entry | None:
    """Of two properties of one name the last counts (java.util.Properties)."""
    found = [entry for document in documents for entry in document.tree.entries if entry.name == _PROPERTY]
    return found[-1] if found else None


def _version(host: Host, home: str) -> tuple[int, ...]:
    """The version in the file ``release`` of a home, (0,) when there is none: ``17.0.15``, or ``1.8.0_392``."""
    said = re.search(r'JAVA_VERSION="([^"]+)"', _said(host, home))
    numbers = [int(part) for part in re.findall(r"\d+", said.group(1))] if said else []
    if numbers[:1] == [1]:
        numbers = numbers[1:]
    return tuple(numbers[:3]) or (0,)


def _said(host: Host, home: str) -> str:
    for path in (f"{home}/release", f"{home}/../release"):
        try:
            return host.read(path).decode("utf-8", "replace")
        except OSError:
            continue
    # Debian's packages have none: the name of the folder tells.
    found = re.search(r"(?:java|jdk|jre)-?(1\.\d+|\d+)", os.path.basename(host.realpath(home)))
    return f'JAVA_VERSION="{found.group(1)}.0"' if found else ""
