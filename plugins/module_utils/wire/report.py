# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The wire report: plain JSON types, in the shape that ``docs/architecture.md`` describes."""

from __future__ import annotations

from .answers import ACCEPTED, INDETERMINATE, REFUSED, ssl2_names
from .hello import (
    COMPRESSIONS,
    EXTENDED_MASTER_SECRET,
    PROTOCOL,
    RENEGOTIATION_INFO,
    SESSION_TICKET,
    SSL2,
    SSL3,
    TLS10,
    TLS11,
    TLS12,
    TLS13,
)
from .plan import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .answers import Answer
    from .plan import Examination, Probe

    Json = dict[str, Any]

#: Names of the questions about each protocol, by version. TLS 1.2 and 1.3 are asked only when no control shows them.
_QUESTIONS = {SSL2: "sslv2", SSL3: "sslv3", TLS10: "tls10", TLS11: "tls11", TLS12: "tls12", TLS13: "tls13"}

#: A finite field below this is forbidden whoever made it (RFC 9325, 4.4).
_FINITE_FIELD_BITS = 2048


def assemble(examination: Examination, address: str, started: str, milliseconds: float) -> Json:
    """The report of one finished examination. ``started`` is UTC in ISO 8601."""
    endpoint = examination.endpoint
    report: Json = {
        "endpoint": endpoint.uri,
        "address": address,
        "port": endpoint.port,
        "sni": endpoint.sni,
        "scheme": endpoint.scheme,
        "reachable": examination.reachable,
        "alive": examination.alive,
        "plaintext": _plaintext(examination),
        "starttls": _starttls(examination),
        "protocols": {},
        "suites": {},
        "groups": {},
        "signatures": {},
        "features": {},
        "certificates": [],
        "http": None,
        "probes": [_probe(probe) for probe in examination.probes],
        "connections": examination.connections,
        "milliseconds": round(milliseconds, 3),
        "started": started,
    }
    if not examination.reachable:
        report["reason"] = _reason(examination)
    elif report["plaintext"] is None and examination.controls:
        report["protocols"] = _protocols(examination)
        accepted = [probe for probe in examination.probes if probe.status == ACCEPTED]
        report["suites"] = _suites(examination, accepted)
        report["groups"] = _groups(examination, accepted)
        report["signatures"] = _signatures(examination, accepted)
        report["features"] = _features(examination, accepted)
        report["certificates"] = _certificates(examination, accepted)
    report["http"] = next((talk.result for talk in examination.talks if talk.id == "http"), None)
    return report


def _probe(probe: Probe) -> Json:
    outcome = probe.outcome
    return {
        "id": probe.id,
        "hello_sha256": probe.digest or None,  # where none was sent
        "hello_length": probe.length,
        "outcome": probe.status,
        "alert": outcome.alert,
        "detail": outcome.detail,
        "response": probe.answer.head.hex() if probe.answer else "",
        "attempts": probe.attempts,
        "milliseconds": round(probe.milliseconds, 3),
    }


def _reason(examination: Examination) -> str:
    for talk in examination.talks:
        return talk.error
    return examination.probes[0].outcome.detail if examination.probes else ""


def _plaintext(examination: Examination) -> Json | None:
    probe = examination.plaintext
    if probe is None:
        return None
    banner = probe.answer.banner if probe.answer and not probe.facts else ""
    return {"banner": banner, "detail": probe.outcome.detail, "probe": probe.id}


def _starttls(examination: Examination) -> Json | None:
    """Facts of the dialogue before TLS; ``plaintext`` tells whether the protocol also goes on without TLS."""
    told = [probe for probe in examination.probes if probe.facts is not None]
    # A dialogue that came to TLS knows more than one that was sent away as too many.
    facts = next((probe.facts for probe in told if not probe.limited), told[0].facts if told else None)
    if facts is None:
        return None
    talk = next((talk for talk in examination.talks if talk.id == "plaintext"), None)
    said: Json = (talk.result if talk is not None else None) or {}
    seen = {key: value for key, value in said.items() if value is not None}
    return {"plaintext": None, "detail": None, **facts, **seen}


def _protocols(examination: Examination) -> Json:
    found = {}
    for version, name in _QUESTIONS.items():
        seen = examination.accepted(version)
        if seen is not None:
            result = Result(ACCEPTED, seen, seen.outcome.detail)
        elif name in examination.questions:
            result = examination.settle(examination.questions[name])
        else:
            result = Result(INDETERMINATE, None, "not asked")
        probe = result.probe.id if result.probe else None
        found[PROTOCOL[version]] = {"status": result.status, "probe": probe, "detail": result.detail}
    return found


def _part(examination: Examination, prefix: str, forbidden: list[Json], selected: Json) -> Json:
    """Suites, groups or signatures: what was chosen, what is forbidden and accepted, and what that says as a whole."""
    questions = [question for name, question in examination.questions.items() if name.startswith(prefix)]
    part: Json = {"selected": selected, "forbidden": forbidden, "status": None}
    if examination.survey is not None:
        kind = prefix.rstrip(".")
        part["accepted"] = examination.survey.accepted[kind]
        part["incomplete"] = sorted(protocol for what, protocol in examination.survey.open if what == kind)
    if forbidden:
        part["status"] = ACCEPTED
    elif questions:
        results = [examination.settle(question) for question in questions]
        open_ones = [result for result in results if result.status != REFUSED]
        part["status"] = INDETERMINATE if open_ones else REFUSED
        if open_ones:
            names = ", ".join(result.probe.id for result in open_ones if result.probe)
            part["detail"] = f"{open_ones[0].detail} (open: {names})"
    return part


def _suites(examination: Examination, accepted: list[Probe]) -> Json:
    kit = examination.kit
    selected: Json = {}
    forbidden: list[Json] = []
    for probe in accepted:
        protocol = PROTOCOL[probe.version or 0]
        if probe.answer is not None and probe.answer.specs:
            names = ssl2_names(probe.answer.specs)
        elif probe.outcome.suite is not None:
            names = [kit.suite_name(probe.outcome.suite)]
        else:
            continue
        selected.setdefault(protocol, names[0])
        for name in names:
            _note(forbidden, kit.baseline.forbids_suite(name), {"protocol": protocol, "suite": name, "probe": probe.id})
    part = _part(examination, "suites.", forbidden, selected)
    if examination.survey is not None:
        part["order"] = examination.survey.order
    return part


def _groups(examination: Examination, accepted: list[Probe]) -> Json:
    kit = examination.kit
    selected: Json = {}
    forbidden: list[Json] = []
    field: Json | None = None
    for probe in accepted:
        protocol, outcome, answer = PROTOCOL[probe.version or 0], probe.outcome, probe.answer
        if answer is not None and answer.finite_field is not None:
            found = _finite_field(answer)
            field = field or {**found, "protocol": protocol, "probe": probe.id}
            selected.setdefault(protocol, found["name"])
            item = {"protocol": protocol, "group": found["name"], "probe": probe.id}
            _note(forbidden, found["bits"] < _FINITE_FIELD_BITS, item)
        elif outcome.group is not None:
            name = kit.group_name(outcome.group)
            selected.setdefault(protocol, name)
            _note(forbidden, kit.baseline.forbids_group(name), {"protocol": protocol, "group": name, "probe": probe.id})
    part = _part(examination, "groups.", forbidden, selected)
    part["hybrid_pq"] = _hybrid(examination)
    part["finite_field"] = field
    return part


def _hybrid(examination: Examination) -> str | bool | None:
    """The hybrid post-quantum group that was accepted, False when all were refused, None when that is open."""
    if examination.hybrid:
        return examination.hybrid
    question = examination.questions.get("groups.tls13")
    if question is not None and question.accepted is None and examination.kit.hybrids:
        return False if examination.settle(question).status == REFUSED else None
    if question is None and examination.settle(examination.questions["tls13"]).status == REFUSED:
        return False
    return None


def _finite_field(answer: Answer) -> Json:
    """Size and name of the prime of a DHE key exchange. ``DH-<bits>`` when it is none of RFC 7919 or RFC 3526."""
    from .primes import name_of  # seldom needed

    prime = answer.finite_field[0] if answer.finite_field else 0
    return {"bits": prime.bit_length(), "name": name_of(prime)}


def _signatures(examination: Examination, accepted: list[Probe]) -> Json:
    kit = examination.kit
    selected: Json = {}
    forbidden: list[Json] = []
    for probe in accepted:
        scheme = probe.outcome.scheme
        if scheme is None and probe.answer is not None:
            scheme = probe.answer.signature
        if scheme is None:
            continue
        protocol, name = PROTOCOL[probe.version or 0], kit.scheme_name(scheme)
        selected.setdefault(protocol, name)
        item = {"protocol": protocol, "scheme": name, "probe": probe.id}
        _note(forbidden, kit.baseline.forbids_signature_scheme(name), item)
    return _part(examination, "signatures.", forbidden, selected)


def _note(forbidden: list[Json], broken: bool, item: Json) -> None:
    """Add what breaks the baseline, once for each protocol and name."""
    if broken and not any({**known, "probe": ""} == {**item, "probe": ""} for known in forbidden):
        forbidden.append(item)


def _features(examination: Examination, accepted: list[Probe]) -> Json:
    """What the controls show. TLS 1.3 encrypts most of it, so that None means: not to be seen from outside."""
    features: Json = dict.fromkeys(
        (
            "compression",
            "secure_renegotiation",
            "extended_master_secret",
            "session_tickets",
            "early_data",
            "fallback_scsv",
            "alpn",
            "ocsp_staple",
            "client_certificate",
        )
    )
    seen = [probe.answer for probe in accepted if probe.version not in (SSL2, TLS13)]
    answer = next((answer for answer in seen if answer is not None), None)
    if examination.survey is not None:
        features["fallback_scsv"] = examination.survey.fallback_scsv
        told = (talk.result for talk in examination.talks if talk.id == "early_data")
        features["early_data"] = next(told, None)
        if features["early_data"] is not None:
            features["session_tickets"] = True  # one of them told
    sealed = next((probe.answer for probe in accepted if probe.flight is not None), None)
    if sealed is not None and sealed.certificates is not None:
        features["client_certificate"] = sealed.client_certificate
        if sealed.question.extras:
            features["alpn"], features["ocsp_staple"] = sealed.alpn, sealed.staple
    if answer is None or answer.extensions is None:
        return features
    found = answer.extensions
    features["secure_renegotiation"] = RENEGOTIATION_INFO in found
    if not answer.question.slim and not answer.question.bare:
        features["extended_master_secret"] = EXTENDED_MASTER_SECRET in found
        features["session_tickets"] = SESSION_TICKET in found
    if answer.question.compress:
        features["compression"] = COMPRESSIONS.get(answer.compression or 0, str(answer.compression))
    if answer.question.extras:
        features["alpn"] = answer.alpn
        features["ocsp_staple"] = bool(answer.staple)
    # It may be wanted with one version only.
    features["client_certificate"] = features["client_certificate"] or answer.client_certificate
    return features


def _certificates(examination: Examination, accepted: list[Probe]) -> list[Json]:
    """One entry for each different leaf, in the order in which they were seen."""
    found: list[Json] = []
    leaves: set[bytes] = set()
    for probe in accepted:
        chain = probe.answer.certificates if probe.answer else None
        if not chain or chain[0] in leaves:
            continue
        leaves.add(chain[0])
        found.append(_chain(examination, probe, chain))
    return found


def _chain(examination: Examination, probe: Probe, chain: list[bytes]) -> Json:
    from . import certificate  # not needed for endpoints that fail before

    endpoint = examination.endpoint
    try:
        facts, order = _facts(chain)
    except certificate.CertificateFormatError as error:
        return {"chain": [], "probe": probe.id, "name_match": None, "order": None, "error": str(error)}
    served = {
        "chain": facts,
        "probe": probe.id,
        "name_match": certificate.matches(facts[0], endpoint.sni or endpoint.host),
        "order": order,
    }
    if examination.keep_der:
        from binascii import b2a_base64  # seldom needed

        served["der"] = [b2a_base64(der, newline=False).decode("ascii") for der in chain]
    return served


#: Facts of the chains seen last: many endpoints of one fleet show the same.
_KNOWN: dict[tuple[bytes, ...], tuple[list[Json], str]] = {}
_KNOWN_MOST = 64


def _facts(chain: list[bytes]) -> tuple[list[Json], str]:
    """Facts of each certificate, and what is to be said of their order. Raises CertificateFormatError."""
    from . import certificate  # loaded by now

    key = tuple(chain)
    if key not in _KNOWN:
        if len(_KNOWN) >= _KNOWN_MOST:
            _KNOWN.clear()
        facts = certificate.chain_facts(chain)
        _KNOWN[key] = facts, certificate.chain_order(facts)
    return _KNOWN[key]
