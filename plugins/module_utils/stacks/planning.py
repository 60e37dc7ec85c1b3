# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the planners of stacks with OpenSSL share: collecting edits, and telling what breaks the baseline and why."""

from __future__ import annotations

import contextlib
import re
import typing as t

from ..baseline.dialects import openssl
from ..baseline.model import PROTOCOLS
from ..errors import ConfigurationError
from .contract import Edit, Kept, Provenance, Unmended

if t.TYPE_CHECKING:
    from ..baseline.model import Baseline, Clamp
    from .contract import Document

#: The check that names each protocol.
CHECKS = {
    "SSLv2": "protocol.sslv2",
    "SSLv3": "protocol.sslv3",
    "TLSv1.0": "protocol.tls1_0",
    "TLSv1.1": "protocol.tls1_1",
    "TLSv1.2": "protocol.tls1_2",
    "TLSv1.3": "protocol.tls1_3",
}

#: OpenSSL security level from which certificates, groups and signatures have 112 bits (SSL_CTX_set_security_level(3)).
LEVEL = 2
_LEVEL_MARK = re.compile(r"@SECLEVEL=(\d+)")

#: Words of a signature algorithm list that stand for MD5, SHA-1 or DSA, in OpenSSL's and in the standard's spelling.
WEAK_SIGNATURE = re.compile(r"(?i)(?:[+_](?:sha1|md5)$|^dsa[+_])")

#: What OpenSSL options do for us: switched on they break the baseline (SSL_CONF_cmd(3), Options).
BAD_OPTIONS = {"compression": "tls.compression", "unsafelegacyrenegotiation": "tls.secure_renegotiation"}


#: Versions that need MD5 and SHA-1 in the handshake, which OpenSSL 3 allows at security level 0 only (RFC 4346, 7.4.3).
OF_LEVEL_0 = ("TLSv1.0", "TLSv1.1")


def kept_by(options: t.Mapping[str, t.Any], port: int, names: t.Sequence[str] = ()) -> Kept:
    """What approved exceptions keep at a listener, from the options of a plan."""
    ask = options.get("exceptions")
    return ask(port, names) if ask else Kept()


def relaxed(
    baseline: Baseline,
    kept: Kept,
    protocols: t.Container[str],
    suites: t.Container[str] = (),
    groups: t.Container[str] = (),
) -> Baseline:
    """The baseline at a place where exceptions keep something: it approves what is kept and on as well.

    ``protocols``, ``suites`` and ``groups`` are those in force there now: what is off is not approved, so that nothing
    is ever loosened.
    """

    def more(approved: tuple[str, ...], names: t.Iterable[str], on: t.Container[str]) -> tuple[str, ...]:
        return approved + tuple(name for name in sorted(names) if name in on and name not in approved)

    spoken = {*baseline.protocols, *(name for name in kept.protocols if name in protocols)}
    return baseline._replace(
        protocols=tuple(name for name in PROTOCOLS if name in spoken),
        required_protocols=tuple(name for name in baseline.required_protocols if name not in kept.protocols),
        suites_tls12=more(baseline.suites_tls12, kept.names, suites),
        groups=more(baseline.groups, kept.names, groups),
    )


def below(kept: Kept, protocol: str, on: t.Container[str], software: str) -> str:
    """Why software with a range of versions cannot switch this one off; empty when no older one is kept on."""
    older = [name for name in PROTOCOLS[: PROTOCOLS.index(protocol)] if name in kept.protocols and name in on]
    return f"{software} cannot switch {protocol} off while {', '.join(kept.ids)} keeps {older[0]} on" if older else ""


class _Tree(t.Protocol):
    path: str
    data: bytes

    def position(self, offset: int) -> tuple[int, int]: ...

    def error(self, offset: int, message: str) -> ConfigurationError: ...


class _Directive(t.Protocol):
    """A directive as every grammar has it: a span of its tree, and its text on one line."""

    start: int

    @property
    def tree(self) -> _Tree: ...

    @property
    def line(self) -> int: ...

    @property
    def text(self) -> str: ...


class Planner:
    """Edits and what was left alone. Subclasses walk over a configuration and call the methods below."""

    def __init__(self, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]) -> None:
        self.documents, self.baseline, self.strict, self.options = documents, baseline, baseline, options
        self.kept = Kept()
        self.overrides = options.get("overrides", "mend")
        self.hsts = options.get("hsts", "report")
        self.upstreams: t.Mapping[str, bool] = options.get("upstreams") or {}
        self.clamps: list[Clamp] = []
        self._left: dict[tuple[str, Provenance], Unmended] = {}
        self._spans: dict[tuple[str, int, int], list[Edit]] = {}

    @contextlib.contextmanager
    def keeping(self, kept: Kept, *on: t.Container[str]) -> t.Iterator[None]:
        """Plan for a place where exceptions keep something; ``on`` are the arguments of :func:`relaxed`."""
        before = self.baseline, self.kept
        if kept.ids:
            self.baseline, self.kept = relaxed(self.strict, kept, *on), kept
        try:
            yield
        finally:
            self.baseline, self.kept = before

    @staticmethod
    def shared(found: dict[int, Kept], blocks: t.Iterable[t.Any], lines: t.Callable[[t.Any], t.Iterable[int]]) -> None:
        """Let blocks that have a line in common keep the same: ``found`` maps ids of blocks, ``lines`` names lines."""
        owners: dict[int, list[t.Any]] = {}
        for block in blocks if found else ():
            for line in lines(block):
                owners.setdefault(line, []).append(block)
        for users in owners.values():
            together = Kept()
            for block in users:
                together |= found.get(id(block), Kept())
            for block in users if together.ids else ():
                found[id(block)] = found.get(id(block), Kept()) | together

    # --- collecting ---------------------------------------------------------------------------------------------------

    def _edit(self, directive: _Directive, span: tuple[int, int, bytes], check: str, reason: str) -> None:
        """Note an edit, unless the user wants that file left alone. The same edit from two contexts counts once."""
        tree = directive.tree
        start, end, replacement = span
        if tree.data[start:end] == replacement:
            return
        if self.overrides != "mend" and tree.path != self.documents[0].path:
            if self.overrides == "fail":
                message = f'"{directive.text}" breaks the baseline ({reason}), and overrides is "fail"'
                raise tree.error(directive.start, message)
            self._leave(check, directive, f"{reason}; left alone because overrides is {self.overrides!r}")
            return
        edit = Edit(tree.path, start, end, replacement, tree.position(start)[0], check, reason)
        known = self._spans.setdefault((tree.path, start, end), [])
        # Insertions at one place are all wanted, each once; of replacements the first reason stands.
        if not known or (start == end and replacement not in [item.replacement for item in known]):
            known.append(edit)

    def _leave(self, check: str, directive: _Directive | None, reason: str, default: str = "") -> None:
        """Tell what was left alone; without a directive ``default`` names what is built in."""
        if directive is None:
            self._leave_at(check, Provenance("", 0, default), reason)
        else:
            self._leave_at(check, Provenance(directive.tree.path, directive.line, directive.text), reason)

    def _leave_at(self, check: str, place: Provenance, reason: str) -> None:
        self._left.setdefault((check, place), Unmended(check, place, reason))

    @property
    def unmended(self) -> list[Unmended]:
        return list(self._left.values())

    def edits(self) -> list[Edit]:
        """In the order of the documents and of their bytes."""
        order = {document.path: number for number, document in enumerate(self.documents)}
        every = [edit for edits in self._spans.values() for edit in edits]
        return sorted(every, key=lambda edit: (order[edit.path], edit.start, edit.end))

    def _still(self, check: str, provenance: t.Sequence[Provenance]) -> None:
        """What is in force although nobody has told of it yet."""
        place = provenance[0]
        same = any(known == check and other.file == place.file for known, other in self._left)
        clamped = any(item.check.partition(".")[0] == check.partition(".")[0] for item in self.clamps)
        if not same and not clamped:
            self._leave_at(check, place, "still in force after all edits; mend it here")

    # --- the baseline in OpenSSL's words ------------------------------------------------------------------------------

    def _ciphers(self) -> str:
        return openssl.cipher_list(self.baseline.suites_tls12)

    def _ciphersuites(self) -> str:
        return openssl.ciphersuites(self.baseline.suites_tls13)

    def _groups(self) -> str:
        return openssl.groups(self.baseline.groups)

    # --- what breaks it -----------------------------------------------------------------------------------------------

    def _weak_suites(self, names: t.Sequence[str] | None, approved: t.Sequence[str]) -> bool:
        """Whether a list breaks the baseline, or leaves nothing of it. What cannot be told apart counts as weak."""
        if names is None:
            return True
        return any(map(self.baseline.forbids_suite, names)) or not any(name in approved for name in names)

    def _weak_groups(self, names: t.Sequence[str] | None) -> bool:
        if names is None:
            return True
        return any(map(self.baseline.forbids_group, names)) or not any(name in self.baseline.groups for name in names)

    def _weak_protocols(self, names: t.Iterable[str]) -> list[str]:
        return [name for name in PROTOCOLS if name in names and name not in self.baseline.protocols]

    def _why_suites(self, names: t.Sequence[str] | None) -> str:
        if names is None:
            return "a list that is kept elsewhere cannot be proved to hold the baseline"
        bad = [name for name in names if self.baseline.forbids_suite(name)]
        if not bad:
            return "no suite of the baseline is usable" if names else "no suite is usable"
        return f"{', '.join(bad[:3])}{f' and {len(bad) - 3} more' if len(bad) > 3 else ''} must be off"

    def _why_groups(self, names: t.Sequence[str] | None) -> str:
        bad = [name for name in names or () if self.baseline.forbids_group(name)]
        return f"{', '.join(bad[:4])} must be off" if bad else "none of the baseline's groups is offered"

    def _list_for(
        self, directive: _Directive, old: str, names: t.Sequence[str] | None, obstacle: t.Callable[[], str] | None
    ) -> str:
        """The cipher list that should stand there; ``old`` itself when it is as good.

        ``obstacle`` tells why a security level below :data:`LEVEL` cannot be raised without risk, empty when it can;
        without it the level stays.
        """
        weak = bool(self.baseline.suites_tls12) and self._weak_suites(names, self.baseline.suites_tls12)
        marks = _LEVEL_MARK.findall(old)
        if not marks:
            return self._ciphers() if weak else old
        level = wanted = int(marks[-1])
        old_ones = [name for name in OF_LEVEL_0 if name in self.baseline.protocols]
        if level < LEVEL and obstacle is not None:
            why = f"{', '.join(self.kept.ids)} keeps {old_ones[0]}, which needs it" if old_ones else obstacle()
            if not why:
                wanted = LEVEL
            elif "signature.forbidden" not in self.kept.checks:
                reason = f"@SECLEVEL={level} is kept: {why}; then write @SECLEVEL={LEVEL} or take it away"
                self._leave("signature.forbidden", directive, reason)
        if not weak and wanted == level:
            return old
        body = self._ciphers() if weak else _LEVEL_MARK.sub("", old).strip(":")
        return f"{body}:@SECLEVEL={wanted}"
