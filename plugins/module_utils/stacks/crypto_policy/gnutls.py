# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What GnuTLS gives every program: the overrides in its system-wide file, which no priority string can undo.

Each line of section ``overrides`` switches one name off (GnuTLS manual, System-wide configuration of the library). The
names that are not of the baseline are added; what somebody else has switched off stays off.
"""

from __future__ import annotations

import re
import typing as t

from ...baseline.dialects import gnutls as dialect
from ...baseline.model import PROTOCOLS, Capabilities, clamp
from ...errors import ConfigurationError, TransactionError
from .. import planning
from ..contract import Document, Edit, Instance, Plan, Provenance, Setting
from . import asking, grammar
from .floor import STACK, Floor

if t.TYPE_CHECKING:
    from ...baseline.model import Baseline
    from ..host import Host
    from .grammar import Entry

_SECTION = "overrides"
_CHECK = {
    "protocol": "floor.protocols",
    "kx": "floor.suites",
    "cipher": "floor.suites",
    "group": "floor.groups",
    "sign": "floor.signatures",
}


def _overrides(documents: t.Sequence[Document]) -> list[Entry]:
    return [entry for one in documents for entry in one.tree.entries if entry.section == _SECTION and entry.name]


def _off(documents: t.Sequence[Document]) -> dict[str, set[str]]:
    """Squeezed names that are off, by kind."""
    found: dict[str, set[str]] = {kind: set() for kind in dialect.KEYS}
    for entry in _overrides(documents):
        for kind, key in dialect.KEYS.items():
            if entry.name.lower() == key:
                found[kind].add(dialect.named(kind, entry.value))
    return found


def _allowlist(documents: t.Sequence[Document]) -> Entry | None:
    """The line that turns the meaning of the file round."""
    for document in documents:
        for entry in document.tree.entries:
            if (entry.section, entry.name.lower(), entry.value.lower()) == ("global", "override-mode", "allowlist"):
                return t.cast("Entry", entry)
    return None


class GnuTLS(Floor):
    """GnuTLS's configuration file."""

    name = "gnutls"

    def discover(self, host: Host) -> list[Instance]:
        facts = asking.ask(host, self.name, "facts")
        if facts is None:
            return []
        if not facts["file"]:
            raise TransactionError("prove", f"{facts['version']} has no file for all programs; 3.6.9 is the first")
        names = asking.ask(host, self.name, "names")
        version = tuple(int(part) for part in re.findall(r"\d+", facts["version"])[:3])
        path = host.realpath(facts["file"])
        protocols = [dialect.PROTOCOLS[name] for name in names["protocol"] if name in dialect.PROTOCOLS]
        spoken = tuple(name for name in PROTOCOLS if name in protocols)
        groups = frozenset(dialect.group_names(names["group"]))
        capabilities = Capabilities("GnuTLS", version, spoken, None, groups, frozenset())
        told = {
            "floor": self.name,
            "programs": asking.installed(host, self.name),
            "said": facts["version"],
            "names": names,
        }
        return [Instance(STACK, self.name, version, path, capabilities, True, told)]

    def read(self, host: Host, instance: Instance) -> list[Document]:
        """The file if there is one. Raises ConfigurationError."""
        try:
            data = host.read(instance.config)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigurationError(instance.config, 0, 0, f"cannot be read: {error.strerror}") from error
        return [grammar.document(instance.config, data, grammar.GNUTLS)]

    def settings(self, instance: Instance, documents: t.Sequence[Document]) -> dict[str, Setting]:
        names = instance.facts["names"]
        if _allowlist(documents):
            return {}  # what the file leaves on is told by the library alone
        off = _off(documents)
        by_kind: dict[str, list[Provenance]] = {}
        for entry in _overrides(documents):
            for kind, key in dialect.KEYS.items():
                if entry.name.lower() == key:
                    by_kind.setdefault(kind, []).append(entry.place)
        version = ".".join(map(str, instance.version))
        built_in = Provenance("", 0, f"built into GnuTLS {version}")

        def places(*kinds: str) -> tuple[Provenance, ...]:
            return tuple(place for kind in kinds for place in by_kind.get(kind, ())) or (built_in,)

        def on(kind: str) -> list[str]:
            return [name for name in names[kind] if dialect.squeezed(name) not in off[kind]]

        spoken = {dialect.PROTOCOLS[name] for name in on("protocol") if name in dialect.PROTOCOLS}
        protocols = tuple(name for name in PROTOCOLS if name in spoken)
        found = {
            "protocols": Setting(protocols, places("protocol")),
            "groups": Setting(dialect.group_names(on("group")), places("group")),
        }
        if "TLSv1.2" in protocols:
            found["suites_tls12"] = Setting(dialect.composed(off, names), places("kx", "cipher"))
        return found

    def plan(
        self, instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
    ) -> Plan:
        clamped, clamps = clamp(baseline, instance.capabilities)
        planner = planning.Planner(documents, clamped, options)
        allowlist = _allowlist(documents)
        if allowlist is not None:
            reason = "the file lists what is allowed, and is generated on most hosts that have one: change its source"
            planner._leave("floor.suites", allowlist, reason)
            return Plan((), clamps, tuple(planner.unmended))
        off = _off(documents)
        wanted = dialect.disabled(clamped, instance.facts["names"])
        missing = {
            kind: [name for name in names if dialect.squeezed(name) not in off[kind]] for kind, names in wanted.items()
        }
        lines = [
            (kind, f"{dialect.KEYS[kind]} = {dialect.spelled(kind, name)}")
            for kind, names in missing.items()
            for name in names
        ]
        if not lines:
            return Plan((), clamps, ())
        reason = f"{', '.join(name for names in missing.values() for name in names[:2])} and others must be off"
        check = _CHECK[lines[0][0]]
        texts = [line for _kind, line in lines]
        if not documents:
            data = "\n".join([f"[{_SECTION}]", *texts]) + "\n"
            return Plan((Edit.creation(instance.config, data.encode("ascii"), check, reason),), clamps, ())
        tree = documents[0].tree
        last = tree.last(_SECTION)
        span = grammar.behind(last, texts) if last else grammar.at_end(tree, [f"[{_SECTION}]", *texts])
        edit = Edit(tree.path, *span, tree.position(span[0])[0], check, reason)
        return Plan((edit,), clamps, ())
