# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What only the controller can say of a served certificate chain: whether it leads to a trust anchor.

The facts of single certificates come from ``module_utils.wire.certificate``, which managed hosts have, too. Here
``cryptography`` (45 or newer, for extension policies) verifies signatures and builds the path. Nothing is fetched: no
missing issuer, no revocation list, no OCSP response.
"""

from __future__ import annotations

import base64
import datetime
import math
import ssl
import typing as t
import warnings
from pathlib import Path

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.model import PUBLIC_LIFETIME_DAYS
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import ConfigurationError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.exceptions import host_of
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import certificate

try:
    from cryptography import __version__ as cryptography_version
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import verification
    from cryptography.x509.oid import ExtendedKeyUsageOID
except ImportError:  # ansible-core needs it, so a controller has it; ansible-test imports this file without
    pass

Json = t.Dict[str, t.Any]

_PEM_BEGIN, _PEM_END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"

#: Policies a certificate must assert one of when a publicly trusted authority issued it (CA/Browser Forum TLS Baseline
#: Requirements 7.1.6.1): domain, organization, individual and extended validation.
_PUBLIC_POLICIES = ("2.23.140.1.2.1", "2.23.140.1.2.2", "2.23.140.1.2.3", "2.23.140.1.1")

#: Words of the verifier about what it does not implement. They prove nothing about the chain.
_NOT_IMPLEMENTED = ("unaccounted-for critical extensions", "unsupported")

_PATH_LIMIT = 10


#: Stands for the store of the machine among names of files.
SYSTEM = "system"


class TrustAnchors(t.NamedTuple):
    """Certificates trusted beforehand. ``private`` tells that the user named all; else the system's are among them."""

    certificates: tuple[x509.Certificate, ...]
    private: bool


def load_trust_anchors(paths: t.Sequence[str] = ()) -> TrustAnchors:
    """The certificates in PEM files ``paths``; :data:`SYSTEM` among them, or no path at all, is the system's store.

    Raises ConfigurationError for a file that cannot be read, holds no certificate or, when the user named it, a
    broken one. System stores hold old roots that a strict parser refuses; those few are left out.
    """
    named = [anchor for path in paths if path != SYSTEM for anchor in _read_pem(path, strict=True)]
    if paths and SYSTEM not in paths:
        return TrustAnchors(tuple(named), private=True)
    store = ssl.get_default_verify_paths().cafile
    if store is None:
        raise ConfigurationError("system trust store", 0, 0, "OpenSSL knows of none; name the files of the trusted CAs")
    return TrustAnchors((*named, *_read_pem(store, strict=False)), private=False)


def _read_pem(path: str, strict: bool) -> t.Iterator[x509.Certificate]:
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(path, 0, 0, f"cannot be read: {error.strerror}") from error
    blocks = text.split(_PEM_BEGIN)
    if len(blocks) == 1:
        raise ConfigurationError(path, 0, 0, "holds no certificate in PEM form")
    line = 1
    for before, block in zip(blocks, blocks[1:]):
        line += before.count(b"\n")
        pem = _PEM_BEGIN + block.partition(_PEM_END)[0] + _PEM_END + b"\n"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about serial numbers of old roots
                anchor = x509.load_pem_x509_certificate(pem)
        except ValueError as error:
            if strict:
                raise ConfigurationError(path, line, 0, "the certificate that begins here cannot be read") from error
            continue
        yield anchor


def assess(chain: t.Sequence[bytes], host: str, anchors: TrustAnchors, at: datetime.datetime) -> Json:
    """Judgeable facts of a served chain (DER, leaf first) for ``host`` at the aware moment ``at``. Pure.

    ==================  ===============================================================================================
    ``trusted``         True, False, or None when the verifier cannot tell
    ``reason``          null when trusted, else ``expired``, ``not_yet_valid``, ``self_signed``, ``unknown_authority``
                        (a whole chain, to a root that is not trusted), ``incomplete`` (an issuer was neither sent nor
                        is it trusted), ``invalid`` (signature, constraint, purpose or algorithm; see ``detail``), or
                        ``undecided`` (something the verifier does not implement)
    ``detail``          a sentence for people, null when trusted
    ``anchor``          subject of the trust anchor the chain leads to, or null
    ``order``           see ``certificate.chain_order``
    ``name_match``      whether the leaf names the host
    ``days_left``       whole days until the leaf expires, negative afterwards
    ``lifetime_days``   days of validity, both ends included and begun days counted, as the CA/Browser Forum counts
    ``public``          whether the certificate is one of the public web: it asserts a policy of the CA/Browser Forum,
                        and is not verified by anchors that the user named
    ``lifetime_limit``  the longest lifetime in days the CA/Browser Forum allowed at the date of issue (ballot
                        SC-081v3); null for private authorities, whom it does not bind
    ``key_type``        of the leaf: rsa, ec, ...
    ==================  ===============================================================================================

    Raises CertificateFormatError when the chain is empty or one of its certificates is malformed.
    """
    facts = certificate.chain_facts(chain)
    if not facts:
        raise certificate.CertificateFormatError("the chain has no certificate")
    leaf = facts[0]
    begin, end = _moment(leaf["not_before"]), _moment(leaf["not_after"])
    verdict = _verify(chain, facts, anchors, at)
    public = _is_public(chain[0]) and not (verdict["trusted"] and anchors.private)
    limits = [days for since, days in PUBLIC_LIFETIME_DAYS if leaf["not_before"] >= since]
    return {
        **verdict,
        "order": certificate.chain_order(facts),
        "name_match": certificate.matches(leaf, host),
        "days_left": math.floor((end - at) / datetime.timedelta(days=1)),
        # RFC 5280 section 4.1.2.5: valid from notBefore through notAfter, inclusive.
        "lifetime_days": math.ceil((end - begin + datetime.timedelta(seconds=1)) / datetime.timedelta(days=1)),
        "public": public,
        "lifetime_limit": limits[-1] if public and limits else None,
        "key_type": leaf["key"]["type"],
    }


def summarize(assessments: t.Sequence[Json]) -> Json:
    """One endpoint's chains together, since a client may be given any of them: the worst of each.

    ``key_types`` in alphabetical order; ``trusted`` True only when all are, False when one is not; ``name_match`` of
    all; ``days_left`` of the first to expire (null without any chain); ``reasons`` of those not trusted, by key type.
    """
    trusted = [one["trusted"] for one in assessments]
    return {
        "key_types": sorted({one["key_type"] for one in assessments}),
        "trusted": False if False in trusted else None if None in trusted or not trusted else True,
        "name_match": bool(assessments) and all(one["name_match"] for one in assessments),
        "days_left": min((one["days_left"] for one in assessments), default=None),
        "reasons": {one["key_type"]: one["reason"] for one in assessments if one["reason"]},
    }


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)


def _is_public(der: bytes) -> bool:
    try:
        extensions = x509.load_der_x509_certificate(der).extensions
        policies = extensions.get_extension_for_class(x509.CertificatePolicies).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    return any(policy.policy_identifier.dotted_string in _PUBLIC_POLICIES for policy in policies)


# --- the path to a trust anchor ---------------------------------------------------------------------------------------


def _for_servers(policy: t.Any, cert: x509.Certificate, purposes: x509.ExtendedKeyUsage | None) -> None:
    allowed = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if purposes is not None and not allowed & set(purposes):
        raise ValueError("extended key usage does not allow TLS servers")


def _an_authority(policy: t.Any, cert: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("an issuer on the path is not an authority")


def _signs_certificates(policy: t.Any, cert: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("an issuer on the path may not sign certificates")


def _policies() -> dict[str, verification.ExtensionPolicy]:
    """RFC 5280's demands. The verifier's own defaults are those of the public web, which private authorities often
    do not meet: key identifiers, key usage and names in every certificate."""
    agnostic = verification.Criticality.AGNOSTIC
    leaf = verification.ExtensionPolicy.permit_all().may_be_present(x509.ExtendedKeyUsage, agnostic, _for_servers)
    issuer = leaf.require_present(x509.BasicConstraints, agnostic, _an_authority)
    return {"ee_policy": leaf, "ca_policy": issuer.may_be_present(x509.KeyUsage, agnostic, _signs_certificates)}


def _verify(chain: t.Sequence[bytes], facts: t.Sequence[Json], anchors: TrustAnchors, at: datetime.datetime) -> Json:
    """``trusted``, ``reason``, ``detail`` and ``anchor``."""
    try:
        leaf, *others = [x509.load_der_x509_certificate(der) for der in chain]
        verifier = (
            verification.PolicyBuilder()
            .store(verification.Store(list(anchors.certificates)))
            .time(at.astimezone(datetime.timezone.utc).replace(tzinfo=None))
            .max_chain_depth(_PATH_LIMIT)
            .extension_policies(**_policies())
            # Of a server verifier this has all but the name, which is a fact of its own.
            .build_client_verifier()
        )
        path = verifier.verify(leaf, others).chain
    except verification.VerificationError as error:
        reason, detail = _why_not(facts, leaf, others, anchors, at, str(error))
        return {"trusted": None if reason == "undecided" else False, "reason": reason, "detail": detail, "anchor": None}
    except ValueError as error:
        return {"trusted": None, "reason": "undecided", "detail": f"cannot be verified: {error}", "anchor": None}
    return {"trusted": True, "reason": None, "detail": None, "anchor": path[-1].subject.rfc4514_string()}


def _why_not(
    facts: t.Sequence[Json],
    leaf: x509.Certificate,
    others: t.Sequence[x509.Certificate],
    anchors: TrustAnchors,
    at: datetime.datetime,
    words: str,
) -> tuple[str, str]:
    """Reason and detail for a chain that the verifier refuses with ``words``."""
    if at > _moment(facts[0]["not_after"]):
        return "expired", f"expired {facts[0]['not_after']}"
    if at < _moment(facts[0]["not_before"]):
        return "not_yet_valid", f"not valid before {facts[0]['not_before']}"
    if facts[0]["self_signed"] and leaf not in anchors.certificates:
        return "self_signed", "the certificate is its own issuer"
    last, left = leaf, list(others)
    while not (reached := [anchor for anchor in anchors.certificates if anchor.subject == last.issuer]):
        if last.issuer == last.subject:
            return "unknown_authority", f"the root {last.subject.rfc4514_string()} is not trusted"
        issuer = next((cert for cert in left if cert.subject == last.issuer), None)
        if issuer is None:
            return "incomplete", f"the issuer {last.issuer.rfc4514_string()} was not sent and is not trusted"
        left.remove(issuer)
        last = issuer
    detail = words.replace("validation failed: ", "").replace("candidates exhausted: ", "")
    detail = detail.partition(" (encountered")[0]
    # RFC 5280 section 6.1.1: a trust anchor is a name and a key, whatever certificate holds them. The verifier wants
    # basicConstraints in it.
    modern = any(certificate.facts(anchor.public_bytes(Encoding.DER))["ca"] for anchor in reached)
    if not modern or any(word in detail for word in _NOT_IMPLEMENTED):
        return "undecided", detail
    return "invalid", detail.replace("Python extension validator failed: ValueError: ", "")


# --- for wire reports -------------------------------------------------------------------------------------------------


class Verifier:
    """Adds ``trust`` to the certificates of wire reports: :func:`assess` without what the report says already."""

    def __init__(self, paths: t.Sequence[str]) -> None:
        """Raises what :func:`load_trust_anchors` raises, but for a machine that has no store and none was named."""
        self._anchors, self._why = TrustAnchors((), private=False), ""
        if not hasattr(verification.PolicyBuilder, "extension_policies"):
            self._why = f"cryptography {cryptography_version} of the controller is too old; 45.0 can verify chains"
            return
        try:
            self._anchors = load_trust_anchors(paths)
        except ConfigurationError as error:
            if any(path != SYSTEM for path in paths):
                raise
            self._why = str(error)

    def assess(self, report: Json, der: t.Mapping[str, str]) -> None:
        """``der`` holds the certificates in base64 by the SHA-256 in their facts. A chain not in it stays unknown."""
        host = report["sni"] or host_of(report["endpoint"])
        for served in report["certificates"]:
            served["trust"] = self._trust(served["chain"], host, _moment(report["started"]), der)

    def _trust(self, facts: t.Sequence[Json], host: str, at: datetime.datetime, der: t.Mapping[str, str]) -> Json:
        try:
            if self._why:
                raise ValueError(self._why)
            chain = [base64.b64decode(der[certificate_["sha256"]], validate=True) for certificate_ in facts]
            found = assess(chain, host, self._anchors, at)
        except (ValueError, KeyError) as error:
            why = f"its trust cannot be judged: {error}"
            return {"trusted": None, "reason": "undecided", "detail": why, "anchor": None, "public": False}
        return {key: value for key, value in found.items() if key not in ("order", "name_match", "key_type")}
