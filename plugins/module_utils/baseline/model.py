# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What must hold: the baseline as one immutable value, how it is loaded, and how it is clamped to a build."""

from __future__ import annotations

from ..errors import BaselineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Container, Mapping
    from typing import NamedTuple as Record
else:
    from .record import Record

#: Protocol ids, oldest first. The only spelling used inside the collection; dialects translate.
PROTOCOLS = ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")

#: Check id of a Clamp by the part of the baseline it took from.
CLAMP_CHECKS = {
    "protocols": "protocol.clamped",
    "suites_tls12": "suite.clamped",
    "suites_tls13": "suite.clamped",
    "groups": "group.clamped",
}

#: Kinds of certificate keys and hashes of certificate signatures a baseline may name.
KEY_TYPES = ("rsa", "ecdsa", "ed25519", "ed448")
SIGNATURE_HASHES = ("sha224", "sha256", "sha384", "sha512")
SESSION_TICKETS = ("off", "rotated", "any")

#: Longest lifetime in days of publicly trusted certificates by date of issue: CA/Browser Forum TLS Baseline
#: Requirements 6.3.2, as changed by ballots SC-22, SC-31 and SC-081v3.
PUBLIC_LIFETIME_DAYS = (
    ("2018-03-01", 825),
    ("2020-09-01", 398),
    ("2026-03-15", 200),
    ("2027-03-15", 100),
    ("2029-03-15", 47),
)


class Capabilities(Record):
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


class Clamp(Record):
    """A part of the baseline that a build cannot do: what was wanted, what is left of it, and why. For people.

    ``check`` is one of ``CLAMP_CHECKS``. A clamp is no breach by itself: what the server then accepts is judged by the
    whole baseline, not by the clamped one.
    """

    check: str
    wanted: str
    got: str
    reason: str


class CertificateRules(Record):
    """What a server certificate must satisfy.

    ``key_types`` are among ``KEY_TYPES``; ``ec_curves`` (IANA group names) binds ``ecdsa`` keys;
    ``signature_hashes`` are the hash names an issuer may have signed with, EdDSA signatures aside, which have their
    own. ``lifetime_days_max`` binds every certificate; those of public authorities are bound by
    :meth:`lifetime_days` too. ``expiry_warning_share`` is the share of its own lifetime below which a certificate is
    due for renewal: a fixed number of days would be half the life of a 47-day certificate. ``issuers`` are the names
    (RFC 4514, as reports write them) of authorities that may have issued it, or an issuer of its; empty: any.
    """

    key_types: tuple[str, ...]
    rsa_bits_min: int
    ec_curves: tuple[str, ...]
    signature_hashes: tuple[str, ...]
    lifetime_days_max: int
    expiry_warning_share: float
    issuers: tuple[str, ...]

    def lifetime_days(self, not_before: str, public: bool) -> int:
        """Longest allowed lifetime in days of a certificate issued on ``not_before`` (ISO 8601 date or time).

        ``public`` tells whether it chains to a publicly trusted root, which binds it to ``PUBLIC_LIFETIME_DAYS``.
        """
        if not public:
            return self.lifetime_days_max
        limits = [days for since, days in PUBLIC_LIFETIME_DAYS if not_before >= since]
        return min([self.lifetime_days_max, *limits])


class Baseline(Record):
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

    @property
    def allowed_suites(self) -> tuple[str, ...]:
        """Every suite that a server may accept: the approved ones and those tolerated beside them."""
        return (*self.suites_tls13, *self.suites_tls12, *self.tolerated_suites)

    def forbids_suite(self, name: str) -> bool:
        """Whether a server that accepts the suite breaks the baseline. Unknown names are forbidden."""
        return not (name in self.suites_tls13 or name in self.suites_tls12 or name in self.tolerated_suites)

    def forbids_group(self, name: str) -> bool:
        """Whether a server that accepts the group breaks the baseline. Unknown names are forbidden."""
        return not (name in self.groups or name in self.tolerated_groups)

    def forbids_signature_scheme(self, name: str) -> bool:
        """Whether a server that signs with the scheme breaks the baseline. Unknown names are forbidden."""
        return not (name in self.signature_schemes or name in self.tolerated_signature_schemes)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types in the shape of ``docs/schemas/baseline.schema.json``; sets become sorted lists."""
        result: dict[str, Any] = {}
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
        import hashlib  # dear to import and seldom needed
        import json

        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def load(profile: str = "intermediate", overrides: Mapping[str, Any] | None = None) -> Baseline:
    """The baseline of a built-in profile, with the parts in ``overrides`` replaced.

    ``overrides`` has the shape of :meth:`Baseline.to_dict`; a part given replaces the profile's whole part, except
    ``certificate`` and ``sources``, whose keys are replaced one by one. Raises BaselineError naming the key.
    """
    from .profiles import PROFILES

    if profile not in PROFILES:
        from .overrides import unknown

        raise BaselineError("profile", unknown("profile", profile, PROFILES))
    data = PROFILES[profile]
    if overrides:
        from .overrides import merge

        data = merge(data, overrides)
    return _frozen(data)


def _frozen(data: Mapping[str, Any]) -> Baseline:
    """Checked profile data as a value."""

    def fixed(part: Mapping[str, Any]) -> dict[str, Any]:
        return {key: tuple(value) if isinstance(value, list) else value for key, value in part.items()}

    values = fixed(data)
    values["certificate"] = CertificateRules(**fixed(data["certificate"]))
    values["sources"] = tuple(sorted(data["sources"].items()))
    # What is approved needs no tolerance.
    for part, approved in (
        ("tolerated_suites", (*values["suites_tls12"], *values["suites_tls13"])),
        ("tolerated_groups", values["groups"]),
        ("tolerated_signature_schemes", values["signature_schemes"]),
    ):
        values[part] = frozenset(values[part]).difference(approved)
    return Baseline(**values)


def clamp(baseline: Baseline, capabilities: Capabilities) -> tuple[Baseline, tuple[Clamp, ...]]:
    """The part of the baseline that a build can do, and one Clamp for each kind of thing that was lost.

    Never adds anything, and clamping the result again changes nothing. Raises BaselineError when no protocol with a
    usable suite, or no group, would be left.
    """
    library = " ".join((capabilities.library, ".".join(map(str, capabilities.version)))).strip()
    clamps: list[Clamp] = []

    def keep(key: str, known: Container[str] | None) -> tuple[str, ...]:
        wanted: tuple[str, ...] = getattr(baseline, key)
        if known is None:
            return wanted
        got = tuple(name for name in wanted if name in known)
        if got != wanted:
            missing = " ".join(name for name in wanted if name not in known)
            reason = f"{library} does not know {missing}"
            clamps.append(Clamp(CLAMP_CHECKS[key], " ".join(wanted), " ".join(got), reason))
        return got

    protocols = keep("protocols", capabilities.protocols)
    # A protocol without a suite cannot be spoken; a lost protocol is one loss, its suites are not further ones.
    tls12 = keep("suites_tls12", capabilities.suites) if "TLSv1.2" in protocols else ()
    tls13 = keep("suites_tls13", capabilities.suites) if "TLSv1.3" in protocols else ()
    spoken = tuple(name for name in protocols if (tls12 if name == "TLSv1.2" else tls13))
    if spoken != protocols:
        lost = " ".join(name for name in protocols if name not in spoken)
        reason = f"{library} knows no approved suite for {lost}"
        clamps.append(Clamp(CLAMP_CHECKS["protocols"], " ".join(protocols), " ".join(spoken), reason))
    if not spoken:
        raise BaselineError("protocols", f"nothing would be left: {clamps[-1].reason}")
    groups = keep("groups", capabilities.groups)
    if not groups:
        raise BaselineError("groups", f"nothing would be left: {clamps[-1].reason}")
    required = tuple(name for name in baseline.required_protocols if name in spoken)
    clamped = baseline._replace(
        protocols=spoken, required_protocols=required, suites_tls12=tls12, suites_tls13=tls13, groups=groups
    )
    return clamped, tuple(clamps)
