# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What must hold: the baseline as one immutable value, how it is loaded, and how it is clamped to a build."""

from __future__ import annotations

import typing as t

from ..errors import BaselineError

#: Protocol ids, oldest first. The only spelling used inside the collection; dialects translate.
PROTOCOLS = ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")

#: The part of a baseline that holds the suites of each protocol a baseline may approve.
SUITE_PARTS = {"TLSv1.2": "suites_tls12", "TLSv1.3": "suites_tls13"}


class Capabilities(t.NamedTuple):
    """What one build of a TLS library can do.

    ``suites`` and ``groups`` hold IANA names; ``None`` means not known, and everything is then assumed to be there.
    ``features`` are free names that a stack and its dialect agree on, for example ``ssl_conf_command``.
    """

    library: str
    version: tuple[int, ...]
    protocols: tuple[str, ...]
    suites: frozenset[str] | None
    groups: frozenset[str] | None
    features: frozenset[str]


class Clamp(t.NamedTuple):
    """A part of the baseline that a build cannot do: what was wanted, what is left of it, and why. For people."""

    check: str
    wanted: str
    got: str
    reason: str


class CertificateRules(t.NamedTuple):
    """What a server certificate must satisfy.

    ``key_types`` are ``rsa``, ``ecdsa``, ``ed25519`` and ``ed448``; ``ec_curves`` IANA group names for ``ecdsa`` keys;
    ``signature_hashes`` the hash names an issuer may have signed with. ``lifetime_days_max`` binds every certificate.
    ``expiry_warning_share`` is the share of its own lifetime below which a certificate is due for renewal: a fixed
    number of days would be half the life of a 47-day certificate.
    """

    key_types: tuple[str, ...]
    rsa_bits_min: int
    ec_curves: tuple[str, ...]
    signature_hashes: tuple[str, ...]
    lifetime_days_max: int
    expiry_warning_share: float


class Baseline(t.NamedTuple):
    """The standard as data. Names are those of the IANA registries; ordered parts are in order of preference.

    ``protocols``           approved protocol ids, oldest first; all others are forbidden
    ``required_protocols``  every one of these must be accepted; when empty, any one of ``protocols`` is enough
    ``suites_tls12``        approved up to TLS 1.2
    ``suites_tls13``        approved with TLS 1.3
    ``tolerated_*``         not configured by us, and no finding when a server accepts them as well
    ``hsts_max_age``        least accepted max-age in seconds
    ``session_tickets``     ``off``; ``rotated``: off or with rotated keys; ``any``
    ``sources``             pairs (part, where its values come from); ``override`` for parts the user replaced
    """

    profile: str
    version: str
    as_of: str
    source: str
    protocols: tuple[str, ...]
    required_protocols: tuple[str, ...]
    suites_tls12: tuple[str, ...]
    suites_tls13: tuple[str, ...]
    groups: tuple[str, ...]
    signature_schemes: tuple[str, ...]
    tolerated_suites: frozenset[str]
    tolerated_groups: frozenset[str]
    tolerated_signature_schemes: frozenset[str]
    certificate: CertificateRules
    hsts_max_age: int
    session_tickets: str
    sources: tuple[tuple[str, str], ...]

    @property
    def forbidden_protocols(self) -> tuple[str, ...]:
        """Protocol ids that an endpoint must refuse, oldest first."""
        return tuple(name for name in PROTOCOLS if name not in self.protocols)

    def forbids_suite(self, name: str) -> bool:
        """Whether a server that accepts the suite breaks the baseline. Unknown names are forbidden."""
        return not (name in self.suites_tls13 or name in self.suites_tls12 or name in self.tolerated_suites)

    def forbids_group(self, name: str) -> bool:
        """Whether a server that accepts the group breaks the baseline. Unknown names are forbidden."""
        return not (name in self.groups or name in self.tolerated_groups)

    def forbids_signature_scheme(self, name: str) -> bool:
        """Whether a server that signs with the scheme breaks the baseline. Unknown names are forbidden."""
        return not (name in self.signature_schemes or name in self.tolerated_signature_schemes)

    def to_dict(self) -> dict[str, t.Any]:
        """Plain JSON types in the shape of ``docs/schemas/baseline.schema.json``; sets become sorted lists."""
        result: dict[str, t.Any] = {}
        for key, value in zip(self._fields, self):
            if isinstance(value, frozenset):
                result[key] = sorted(value)
            elif isinstance(value, CertificateRules):
                rules = zip(value._fields, value)
                result[key] = {name: list(rule) if isinstance(rule, tuple) else rule for name, rule in rules}
            elif key == "sources":
                result[key] = dict(self.sources)
            else:
                result[key] = list(value) if isinstance(value, tuple) else value
        return result

    @property
    def digest(self) -> str:
        """SHA-256 in hex over the canonical JSON of :meth:`to_dict`: sorted keys, no spaces, ASCII."""
        import hashlib  # noqa: PLC0415  both are dear to import and seldom needed
        import json  # noqa: PLC0415

        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def load(profile: str = "intermediate", overrides: t.Mapping[str, t.Any] | None = None) -> Baseline:
    """The baseline of a built-in profile, with the parts in ``overrides`` replaced.

    ``overrides`` has the shape of :meth:`Baseline.to_dict`; a part given replaces the profile's whole part, except
    ``certificate``, whose keys are replaced one by one. Raises BaselineError naming the key.
    """
    from . import loading  # noqa: PLC0415  the wire engine needs only the types above

    return loading.load(profile, overrides)


def clamp(baseline: Baseline, capabilities: Capabilities) -> tuple[Baseline, tuple[Clamp, ...]]:
    """The part of the baseline that a build can do, and one Clamp for each kind of thing that was lost.

    Never adds anything, and clamping the result again changes nothing. Raises BaselineError when no protocol with a
    usable suite, or no group, would be left.
    """
    build = " ".join((capabilities.library, ".".join(map(str, capabilities.version)))).strip()
    clamps: list[Clamp] = []

    def keep(key: str, check: str, known: t.Container[str] | None) -> tuple[str, ...]:
        wanted: tuple[str, ...] = getattr(baseline, key)
        if known is None:
            return wanted
        missing = [name for name in wanted if name not in known]
        got = tuple(name for name in wanted if name in known)
        if missing:
            clamps.append(Clamp(check, " ".join(wanted), " ".join(got), f"{build} does not know {' '.join(missing)}"))
        return got

    protocols = keep("protocols", "protocol.clamped", capabilities.protocols)
    suites: dict[str, tuple[str, ...]] = {}
    for protocol, key in SUITE_PARTS.items():
        # A lost protocol is one loss, its suites are not further ones.
        suites[key] = keep(key, "suite.clamped", capabilities.suites) if protocol in protocols else ()
        if protocol in protocols and not suites[key]:
            rest = tuple(name for name in protocols if name != protocol)
            reason = f"{build} knows no suite of the baseline for {protocol}"
            clamps.append(Clamp("protocol.clamped", " ".join(protocols), " ".join(rest), reason))
            protocols = rest
    if not protocols:
        raise BaselineError("protocols", f"nothing is left: {clamps[-1].reason if clamps else 'none are approved'}")
    groups = keep("groups", "group.clamped", capabilities.groups)
    if not groups:
        raise BaselineError("groups", f"nothing is left: {clamps[-1].reason if clamps else 'none are approved'}")
    required = tuple(name for name in baseline.required_protocols if name in protocols)
    clamped = baseline._replace(protocols=protocols, required_protocols=required, groups=groups, **suites)
    return clamped, tuple(clamps)
