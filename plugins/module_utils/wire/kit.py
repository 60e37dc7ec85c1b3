# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The questions a baseline leads to, made once and asked of every endpoint."""

from __future__ import annotations

from ..baseline import groups, signatures, suites
from .hello import (
    ALPN,
    CHUNK,
    SSL2,
    SSL2_CIPHERS,
    SSL3,
    STATUS_REQUEST,
    TLS10,
    TLS11,
    TLS12,
    TLS13,
    UNTIL_FLIGHT,
    UNTIL_KEYS,
    Hello,
    extension,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable

    from ..baseline.model import Baseline

#: Explicit curves are offered only where they are the question: a server might take one for lack of a better.
_EXPLICIT = frozenset((0xFF01, 0xFF02))

#: PKCS #1 v1.5, which TLS 1.3 allows for the signatures inside certificates.
_CERTIFICATE_SCHEMES = frozenset((0x0401, 0x0501, 0x0601))

_OCSP_REQUEST = extension(STATUS_REQUEST, b"\1\0\0\0\0")
_HTTP_PROTOCOLS = extension(ALPN, b"\0\x0c\2h2\x08http/1.1")


def chunks(values: tuple[int, ...], size: int) -> list[tuple[int, ...]]:
    """``values`` in as few parts of at most ``size`` as possible, all about as long."""
    count = -(-len(values) // size)
    each = -(-len(values) // count) if count else 1
    return [values[at : at + each] for at in range(0, len(values), each)]


def _codes(registry: Iterable[groups.Group | signatures.Scheme], names: Iterable[str]) -> list[int]:
    by_name = {entry.name: entry.code for entry in registry}
    return [by_name[name] for name in names if name in by_name]


#: Kinds of key that sign TLS 1.2 handshakes.
_KEYS = ("rsa", "rsa_pss", "ecdsa", "eddsa")


class Kit:
    """Hellos for one baseline.

    The negative ones offer only what the baseline forbids, together with everything else a server could want (all
    groups and schemes of the version), so that a refusal is about what was asked and about nothing else.
    """

    def __init__(self, baseline: Baseline) -> None:
        self.baseline = baseline
        self._made: dict[tuple[str, tuple[int, ...]], Hello] = {}
        self._sort_suites()
        self._sort_groups()
        self._sort_schemes()
        self._make_hellos()

    # --- the registries, sorted by what the baseline says -----------------------------------------------------------

    def _sort_suites(self) -> None:
        baseline, kind = self.baseline, suites.codes
        self.suites12, self.suites13 = kind("open"), kind("tls13")
        code_of = {name: suites.by_name(name).code for name in baseline.allowed_suites}
        allowed = frozenset(code_of.values())
        self.approved12 = tuple(code_of[name] for name in baseline.suites_tls12 if code_of[name] in self.suites12)
        self.approved13 = tuple(code_of[name] for name in baseline.suites_tls13 if code_of[name] in self.suites13)
        self.forbidden12 = tuple(code for code in self.suites12 if code not in allowed)
        self.forbidden13 = tuple(code for code in self.suites13 if code not in allowed)
        rest = allowed.intersection(self.suites12).difference(self.approved12)
        self.allowed12 = self.approved12 + tuple(sorted(rest))
        self.credentials12 = tuple(code for code in kind("bound") if code not in allowed)
        self.legacy, self.with_curve, self.signed = kind("legacy"), kind("ecdhe"), kind("signed")

    def _sort_groups(self) -> None:
        forbids = self.baseline.forbids_group
        registry = groups.all_groups()
        approved = _codes(registry, self.baseline.groups)
        ordered = sorted(registry, key=lambda group: group.code not in approved)  # stable: the approved ones first
        ordered[: len(approved)] = [groups.by_code(code) for code in approved]
        with_12 = [group for group in ordered if group.tls12]
        with_13 = [group for group in ordered if group.tls13]
        self.curves12 = tuple(group.code for group in with_12 if group.code not in _EXPLICIT)
        # Servers take a DHE suite only from a client that names finite-field groups (RFC 7919, 4), GnuTLS for one.
        self.groups12 = self.curves12 + tuple(group.code for group in ordered if group.kind == "ffdhe")
        self.groups13 = tuple(group.code for group in with_13)
        self.approved_curves12 = tuple(group.code for group in with_12 if group.code in approved)
        self.approved_groups13 = tuple(group.code for group in with_13 if group.code in approved)
        self.forbidden_groups = frozenset(group.code for group in registry if forbids(group.name))
        self.forbidden_curves12 = tuple(group.code for group in with_12 if group.code in self.forbidden_groups)
        self.forbidden_groups13 = tuple(group.code for group in with_13 if group.code in self.forbidden_groups)
        # Those of the standards, not of their drafts.
        hybrids = (group for group in with_13 if group.kind == "hybrid" and not group.deprecated)
        self.hybrids = tuple(group.code for group in hybrids if group.code not in self.forbidden_groups)

    def _sort_schemes(self) -> None:
        forbids = self.baseline.forbids_signature_scheme
        registry = signatures.all_schemes()
        approved = _codes(registry, self.baseline.signature_schemes)
        ordered = sorted(registry, key=lambda scheme: scheme.code not in approved)
        ordered[: len(approved)] = [signatures.by_code(code) for code in approved]
        with_12 = [scheme for scheme in ordered if scheme.tls12]
        allowed = [scheme for scheme in ordered if not forbids(scheme.name)]
        self.forbidden_schemes = frozenset(scheme.code for scheme in registry if forbids(scheme.name))
        self.schemes12 = tuple(scheme.code for scheme in with_12)
        self.allowed_schemes12 = tuple(scheme.code for scheme in allowed if scheme.tls12)
        self.allowed_schemes13 = tuple(s.code for s in allowed if s.tls13 or s.code in _CERTIFICATE_SCHEMES)
        self.schemes13 = tuple(scheme.code for scheme in ordered if scheme.tls13)
        self.forbidden_schemes12 = tuple(scheme.code for scheme in with_12 if scheme.code in self.forbidden_schemes)
        by_key = {key: [scheme.code for scheme in allowed if scheme.tls12 and scheme.key == key] for key in _KEYS}
        self.rsa_schemes = tuple(by_key["rsa_pss"] + by_key["rsa"])
        self.ec_schemes = tuple(by_key["ecdsa"] + by_key["eddsa"])

    # --- the hellos -------------------------------------------------------------------------------------------------

    def _make_hellos(self) -> None:
        groups12, schemes = self.groups12, self.schemes12
        # Where TLS 1.2 is not approved the control still shows the certificates.
        self._control12 = Hello(
            TLS12,
            self.allowed12[: len(self.approved12)] or self.allowed12 or self.signed[-CHUNK:],
            self.approved_curves12 or groups12,
            self.allowed_schemes12 or schemes,
            asks="version",
            until=UNTIL_FLIGHT,
            compress=True,
            extras=_OCSP_REQUEST,
        )
        self._control12_http = self._control12.variant(extras=_OCSP_REQUEST + _HTTP_PROTOCOLS)
        self.control13 = Hello(
            TLS13,
            self.approved13 or self.suites13,
            self.approved_groups13 or self.groups13,
            self.allowed_schemes13,
            asks="version",
            until=UNTIL_KEYS,
        )
        # Every suite the negative probes leave out, for servers that refuse the controls.
        self.version12 = Hello(TLS12, self.allowed12 or self.signed[-CHUNK:], groups12, schemes, asks="version")
        self.version13 = Hello(
            TLS13, self.suites13, self.groups13, self.allowed_schemes13, asks="version", until=UNTIL_KEYS
        )
        self.ssl2 = Hello(SSL2, tuple(SSL2_CIPHERS), asks="version")
        self.ssl3 = Hello(SSL3, self.legacy, groups12, asks="version", bare=True)
        # Unlike that for TLS 1.1 in all but the question, so that each confirms what the other shows of older versions.
        self.tls10 = Hello(TLS10, self.legacy[::-1], groups12, asks="version", slim=True, least=576)
        self.tls11 = Hello(TLS11, self.legacy, groups12, asks="version")
        # Read to the key exchange, which shows the size of the field where a DHE suite is accepted.
        self.suites12_forbidden = [
            Hello(TLS12, part, groups12, schemes, until=UNTIL_KEYS) for part in chunks(self.forbidden12, CHUNK)
        ]
        self.suites12_credentials = [
            Hello(TLS12, part, groups12, schemes) for part in chunks(self.credentials12, CHUNK)
        ]
        schemes13 = self.allowed_schemes13
        self.groups12_forbidden = Hello(TLS12, self.with_curve, self.forbidden_curves12, schemes, "group", UNTIL_KEYS)
        self.suites13_forbidden = Hello(TLS13, self.forbidden13, self.groups13, schemes13, until=UNTIL_KEYS)

    def control12(self, http: bool) -> Hello:
        """An approved hello for TLS 1.2; the answer is read as a whole, for the certificates and features in it."""
        return self._control12_http if http else self._control12

    def flight13(self, group: int, http: bool) -> Hello:
        """A hello for TLS 1.3 whose answer can be read as a whole, with ``group`` of ``kex``."""
        extras = _OCSP_REQUEST + _HTTP_PROTOCOLS if http else _OCSP_REQUEST
        return self.version13.variant(groups=(group,), shares=(group,), until=UNTIL_FLIGHT, extras=extras)

    def groups13_forbidden(self, besides: tuple[int, ...] = ()) -> Hello:
        """Forbidden groups, and ``besides`` them others that are a question of their own."""
        key = ("groups", besides)
        if key not in self._made:
            suites = self.approved13 or self.suites13
            groups = besides + self.forbidden_groups13
            self._made[key] = Hello(TLS13, suites, groups, self.allowed_schemes13, "group", UNTIL_KEYS)
        return self._made[key]

    def signatures12_forbidden(self, besides: tuple[int, ...] = ()) -> Hello:
        """Forbidden signature schemes, and ``besides`` them others that are a question of their own."""
        key = ("signatures", besides)
        if key not in self._made:
            schemes = self.forbidden_schemes12 + besides
            self._made[key] = Hello(TLS12, self.signed[-CHUNK:], self.curves12, schemes, "scheme", UNTIL_KEYS)
        return self._made[key]

    def suite_name(self, code: int | None) -> str:
        return suites.name_of(code or 0)

    def group_name(self, code: int | None) -> str:
        return groups.name_of(code or 0)

    def scheme_name(self, code: int | None) -> str:
        return signatures.name_of(code or 0)
