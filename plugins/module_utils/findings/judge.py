# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one judge: wire reports and effective listeners against a baseline.

Enforcement, verification and reports all call these functions, so they cannot disagree. Everything
is pure: plain data in, a list of findings (``docs/schemas/finding.schema.json``) out. The shapes of
reports and findings are described in ``docs/architecture.md``, listeners in ``stacks/contract.py``.
"""

from __future__ import annotations

from .checks import BY_ID, SEVERITIES, STATUSES
from .exceptions import Place, apply, at, host_of, kept_names, port_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

    from ..baseline.model import Baseline, Clamp

    Json = t.Dict[str, t.Any]

PROTOCOL_CHECKS = {
    "SSLv2": "protocol.sslv2",
    "SSLv3": "protocol.sslv3",
    "TLSv1.0": "protocol.tls1_0",
    "TLSv1.1": "protocol.tls1_1",
    "TLSv1.2": "protocol.tls1_2",
    "TLSv1.3": "protocol.tls1_3",
}

_STATUS_RANK = {status: rank for rank, status in enumerate(STATUSES)}
_SEVERITY_RANK = {severity: rank for rank, severity in enumerate(SEVERITIES)}

#: Finding status for what the negative probes of suites, groups or signatures showed as a whole.
_NEGATIVE = {"refused": "pass", "accepted": "fail"}

#: Parts of a wire report of which one scan in full detail lists everything.
_SURVEYED = {"suite.forbidden": ("suites",), "group.forbidden": ("groups",), "signature.forbidden": ("signatures",)}

#: Key types of certificate facts in the words of ``CertificateRules.key_types``.
_KEY_TYPES = {"ec": "ecdsa"}

#: Schemes by which strangers deliver mail.
_OPPORTUNISTIC = ("smtp", "lmtp")

_DAY = 86400


def finding(
    check: str,
    status: str,
    view: str,
    subject: Json,
    observed: str,
    expected: str = "",
    provenance: t.Iterable[t.Any] = (),
    proof: Json | None = None,
    mend: str = "",
    names: t.Iterable[str] | None = None,
) -> Json:
    """One finding. ``check`` must be in the catalogue, which gives severity, expectation and way to mend by default.

    ``names`` are all that breaks the rule, for exceptions that accept some by name; ``exceptions.apply`` takes the key
    out again.
    """
    known = BY_ID[check]
    made: Json = {
        "check": check,
        "severity": known.severity,
        "status": status,
        "view": view,
        "subject": subject,
        "observed": observed,
        "expected": expected or known.title,
        "provenance": [{"file": p.file, "line": p.line, "text": p.text} for p in provenance] if provenance else [],
        "proof": proof,
        "mend": (mend or known.mend) if status in ("fail", "indeterminate") else "",
        "exception": None,
    }
    if names is not None:
        made["names"] = tuple(names)
    return made


def order(item: Json) -> tuple[int, int, str, str]:
    """Sort key: what fails comes first, the worst at the top; then by check and subject, the same in every run."""
    subject = item["subject"]
    place = "\0".join(str(subject.get(key) or "") for key in ("host", "endpoint", "stack", "listener"))
    return (*_rank(item), place)


def _rank(item: Json) -> tuple[int, int, str]:
    """The same for findings about one subject."""
    return _STATUS_RANK[item["status"]], _SEVERITY_RANK[item["severity"]], item["check"]


# --- what a handshake showed ------------------------------------------------------------------------------------


def judge_report(
    report: Json, baseline: Baseline, subject: Json | None = None, grants: t.Iterable[Json] = ()
) -> list[Json]:
    """Findings of view ``effective`` for one wire report, in catalogue order of the worst first.

    ``grants`` are exceptions in force, see ``exceptions.py``.
    """
    about = {"endpoint": report["endpoint"], **(subject or {})}
    if not report["reachable"]:
        detail = report.get("reason") or "no TCP connection could be made"
        return [finding("endpoint.reachable", "indeterminate", "effective", about, detail)]
    probes = {probe["id"]: probe for probe in report.get("probes", ())}

    def proof(probe_id: str | None) -> Json | None:
        probe = probes.get(probe_id or "")
        if probe is None:
            return None
        return {
            "probe": probe["id"],
            **{key: probe.get(key) for key in ("outcome", "alert", "response", "hello_sha256")},
        }

    found = [finding("endpoint.reachable", "pass", "effective", about, "a TCP connection was made")]
    found += _plaintext(report, about)
    found += _starttls(report, about)
    if report.get("protocols"):
        found += _protocols(report, baseline, about, proof)
        found += _negative("suite.forbidden", report.get("suites"), "suite", about, proof)
        found += _negative("group.forbidden", report.get("groups"), "group", about, proof)
        found += _negative("signature.forbidden", report.get("signatures"), "scheme", about, proof)
        found += _hybrid(report, about)
        found += _features(report.get("features") or {}, about)
        found += _certificates(report, baseline, about)
        found += _hsts(report, baseline, about)
    apply(found, grants, lambda: _place(report, about))
    return sorted(found, key=_rank)


def needs_survey(report: Json, findings: t.Iterable[Json], subject: Json, grants: t.Iterable[Json]) -> bool:
    """Whether a failure would be covered by an exception, if only all names the endpoint accepts were known."""
    here = at(grants, _place(report, subject))
    return bool(here) and any(
        item["status"] == "fail"
        and part in report
        and "accepted" not in report[part]
        and kept_names(here, item["check"])
        for item in findings
        for part in _SURVEYED.get(item["check"], ())
    )


def _place(report: Json, about: Json) -> Place:
    hosts = tuple(filter(None, (host_of(report["endpoint"]), about.get("host"))))
    names = (report["sni"],) if report.get("sni") else ()
    return Place(hosts, about.get("stack") or "", report["port"], names)


def verdict(report: Json, findings: t.Iterable[Json]) -> str:
    """``compliant``, ``excepted``, ``non_compliant``, ``unreachable`` or ``indeterminate`` for one endpoint.

    Only checks that decide about the transport count; certificate dates or a missing HSTS header
    are findings of their own. An endpoint about which nothing was proved is never compliant, nor is one that would
    fail but for an exception.
    """
    if not report["reachable"]:
        return "unreachable"
    statuses = {item["status"] for item in findings if BY_ID[item["check"]].decides}
    if "fail" in statuses:
        return "non_compliant"
    if "indeterminate" in statuses or not statuses & {"pass", "excepted"}:
        return "indeterminate"
    return "excepted" if "excepted" in statuses else "compliant"


def _plaintext(report: Json, about: Json) -> list[Json]:
    check, expected = "transport.plaintext", "no content before TLS"
    plain = (report.get("http") or {}).get("plaintext")
    if report.get("plaintext") is not None:
        banner = report["plaintext"].get("banner", "")
        text = f"answered a TLS hello in plaintext: {banner}" if banner else "TLS is not offered"
        return [finding(check, "fail", "effective", about, text, expected)]
    if plain is not None:
        status = {"served": "fail", "redirected": "pass", "refused": "pass"}.get(plain, "indeterminate")
        location = report["http"].get("location")
        text = f"plaintext HTTP is {plain}" + (f" to {location}" if location else "")
        return [finding(check, status, "effective", about, text, expected)]
    return []


def _starttls(report: Json, about: Json) -> list[Json]:
    """What a service that upgrades to TLS lets clients do without it."""
    facts, found = report.get("starttls") or {}, []
    login, plain = facts.get("login_before_tls"), facts.get("plaintext")
    if login is not None:
        status = "fail" if login else "pass"
        text = f"login {'is offered' if login else 'is not offered'} before TLS"
        if login and report["address"] in ("127.0.0.1", "::1"):
            # Dovecot, for one, trusts clients on its own machine and tells others that LOGIN is disabled.
            status, text = "not_applicable", f"{text}, to a client on the same machine"
        found.append(finding("transport.login", status, "effective", about, text))
    if plain is not None:
        status = "fail" if plain == "served" else "pass"
        text = f"work without TLS is {plain}"
        if plain == "served" and _from_anywhere(report):
            status, text = "not_applicable", f"{text}: mail from anywhere"
        found.append(finding("transport.plaintext", status, "effective", about, text, "no content before TLS"))
    elif facts and login is None and report.get("plaintext") is None and not _from_anywhere(report):
        # A database, for one, says only to its accounts that it wants TLS.
        text = facts.get("detail") or "whether it goes on without TLS cannot be told from outside"
        found.append(finding("transport.plaintext", "indeterminate", "effective", about, text, "no content before TLS"))
    return found


def _from_anywhere(report: Json) -> bool:
    """Whether anyone may hand in mail there (RFC 3207, section 4): TLS cannot be demanded of every sender."""
    return report["scheme"] in _OPPORTUNISTIC and report["port"] in (24, 25)


def _protocols(report: Json, baseline: Baseline, about: Json, proof: t.Callable[..., t.Any]) -> list[Json]:
    found, spoken, open_ones = [], [], []
    for protocol, check in PROTOCOL_CHECKS.items():
        seen = report["protocols"].get(protocol)
        if seen is None:
            continue
        status, approved = seen["status"], protocol in baseline.protocols
        required = protocol in baseline.required_protocols
        if status == "accepted":
            spoken.append(protocol)
            result = "pass" if approved else "fail"
        elif status == "refused":
            result = "pass" if not approved else "fail" if required else "not_applicable"
        else:
            open_ones.append(protocol)
            result = "indeterminate" if required or not approved else "not_applicable"
        expected = "accepted" if required else "accepted or refused" if approved else "refused"
        text = f"{protocol} {status}" + (f": {seen['detail']}" if seen.get("detail") else "")
        found.append(finding(check, result, "effective", about, text, expected, proof=proof(seen.get("probe"))))
    usable = [protocol for protocol in spoken if protocol in baseline.protocols]
    wanted = " or ".join(baseline.protocols)
    result = "pass" if usable else "indeterminate" if set(open_ones) & set(baseline.protocols) else "fail"
    text = ", ".join(spoken) + " accepted" if spoken else "no protocol was seen to work"
    found.append(finding("protocol.approved", result, "effective", about, text, f"{wanted} accepted"))
    return found


def _negative(check: str, part: Json | None, noun: str, about: Json, proof: t.Callable[..., t.Any]) -> list[Json]:
    if not part or part.get("status") is None:
        return []
    forbidden = part.get("forbidden") or []
    if forbidden:
        text = ", ".join(f"{item['protocol']} {item[noun]}" for item in forbidden) + " accepted"
        # A server chooses one name of those offered: only a survey of all of them shows what else it accepts.
        known = "accepted" in part and not part.get("incomplete")
        names = [item[noun] for item in forbidden] if known else None
        shown = proof(forbidden[0].get("probe"))
        return [finding(check, "fail", "effective", about, text, "refused", proof=shown, names=names)]
    status = _NEGATIVE.get(part["status"], "indeterminate")
    text = {
        "pass": f"every forbidden {noun} offered was refused",
        "fail": f"a forbidden {noun} was accepted",
    }.get(status, part.get("detail") or f"it was not proved that every forbidden {noun} is refused")
    return [finding(check, status, "effective", about, text, "refused")]


def _hybrid(report: Json, about: Json) -> list[Json]:
    hybrid = (report.get("groups") or {}).get("hybrid_pq")
    if hybrid is None:
        return []
    # No profile requires it yet: a fact for planning, not a breach.
    status = "pass" if hybrid else "not_applicable"
    return [finding("group.hybrid_pq", status, "effective", about, str(hybrid or "no hybrid group accepted"))]


def _features(features: Json, about: Json) -> list[Json]:
    found = []
    for name, good in (("compression", False), ("secure_renegotiation", True), ("extended_master_secret", True)):
        value = features.get(name)
        if value is not None:
            text = f"{name.replace('_', ' ')}: {'yes' if value else 'no'}"
            status = "pass" if bool(value) is good else "fail"
            found.append(finding(f"tls.{name}", status, "effective", about, text))
    return found


def _hsts(report: Json, baseline: Baseline, about: Json) -> list[Json]:
    http = report.get("http")
    if not http or "hsts_max_age" not in http:
        return []
    age, wanted = http["hsts_max_age"], baseline.hsts_max_age
    text = "no Strict-Transport-Security header" if age is None else f"max-age={age}"
    status = "pass" if (age or 0) >= wanted else "fail"
    return [finding("http.hsts", status, "effective", about, text, f"max-age of at least {wanted} seconds")]


# --- certificates -----------------------------------------------------------------------------------------------


def _certificates(report: Json, baseline: Baseline, about: Json) -> list[Json]:
    rules, now, found = baseline.certificate, _moment(report["started"]), []
    for served in report.get("certificates") or ():
        leaf = served["chain"][0] if served["chain"] else None
        if leaf is None:
            if "trust" in served:
                text = f"the certificate cannot be read: {served.get('error')}"
                found.append(finding("certificate.trust", "indeterminate", "effective", about, text))
            continue
        begin, end = _moment(leaf["not_before"]), _moment(leaf["not_after"])
        lifetime, left = (end - begin) / _DAY, (end - now) / _DAY
        name = f"{leaf['key']['type']} certificate {leaf['sha256'][:16]}"

        def add(
            check: str, good: bool, text: str, expected: str, subject: str = name, names: tuple[str, ...] | None = None
        ) -> None:
            status = "pass" if good else "fail"
            found.append(finding(check, status, "effective", about, f"{subject}: {text}", expected, names=names))

        if now < begin:
            add("certificate.expiry", False, f"not valid before {leaf['not_before']}", "valid now")
        else:
            warn = lifetime * rules.expiry_warning_share
            text = f"expires {leaf['not_after']}, {left:.0f} days left" if left > 0 else f"expired {leaf['not_after']}"
            add("certificate.expiry", left > warn, text, f"more than {warn:.0f} days left")
        # Asked by address alone, a server cannot know which name is meant.
        if report.get("sni") and served.get("name_match") is not None:
            names = ", ".join(leaf["names"][:5]) or "no names"
            add("certificate.name", served["name_match"], names, f"names {report['sni']}")
        key = leaf["key"]
        kind = _KEY_TYPES.get(key["type"], key["type"])
        strong = kind in rules.key_types
        if kind == "rsa":
            strong = strong and (key.get("bits") or 0) >= rules.rsa_bits_min
        elif kind == "ecdsa":
            strong = strong and key.get("curve") in rules.ec_curves
        size = key.get("curve") or f"{key.get('bits')} bits"
        wanted = f"{', '.join(rules.key_types)}; RSA of at least {rules.rsa_bits_min} bits"
        add("certificate.key", strong, f"{kind} key, {size}", wanted, names=(f"{kind} {size}",))
        algorithm = leaf["signature_algorithm"].lower()
        allowed = algorithm.startswith("ed") or any(name.lower() in algorithm for name in rules.signature_hashes)
        hashes = ", ".join(rules.signature_hashes)
        add("certificate.signature", allowed, leaf["signature_algorithm"], hashes, names=(leaf["signature_algorithm"],))
        if rules.issuers:
            issuers = issuers_of(served["chain"])
            add("certificate.issuer", bool(set(issuers) & set(rules.issuers)), issuers[0], " or ".join(rules.issuers))
        # Only whoever verified the chain can tell whether a public authority issued it.
        trust = served.get("trust") or {}
        limit = rules.lifetime_days(leaf["not_before"], public=bool(trust.get("public")))
        add("certificate.lifetime", lifetime <= limit + 1, f"{lifetime:.0f} days", f"at most {limit} days")
        if trust:
            found.extend(_trust(trust, served["order"], name, about))
    return found


def issuers_of(chain: t.Sequence[Json]) -> list[str]:
    """Names from the leaf's issuer upwards, as far as the chain goes. By name: ``certificate.trust`` tells whether the
    signatures are theirs."""
    names = [chain[0]["issuer"]]
    by_subject = {one["subject"]: one["issuer"] for one in reversed(chain[1:])}
    while by_subject.get(names[-1], names[-1]) not in names:
        names.append(by_subject[names[-1]])
    return names


def _trust(trust: Json, order: str, name: str, about: Json) -> list[Json]:
    """What the verification of a chain on the controller showed."""
    status = {True: "pass", False: "fail"}.get(trust["trusted"], "indeterminate")
    text = f"leads to {trust['anchor']}" if trust["trusted"] else trust["detail"]
    found = [finding("certificate.trust", status, "effective", about, f"{name}: {text}")]
    status = {"ordered": "pass", "unordered": "fail", "surplus": "fail"}.get(order, "indeterminate")
    if order == "incomplete":
        # Its issuer may be a root, which servers may leave out; one of the public web has an issuer between.
        status = "pass" if trust["trusted"] else "fail" if trust.get("public") else status
    found.append(finding("certificate.chain", status, "effective", about, f"{name}: the chain is {order}"))
    return found


def _moment(text: str) -> int:
    """Seconds since 1970 of ``YYYY-MM-DDTHH:MM:SSZ``; datetime would be dear to import. Years begin with March here."""
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    if month < 3:
        year, month = year - 1, month + 12
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469
    return days * _DAY + int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19])


# --- what the files say -----------------------------------------------------------------------------------------


def judge_listeners(
    listeners: t.Iterable[t.Any],
    baseline: Baseline,
    subject: Json | None = None,
    clamps: t.Iterable[Clamp] = (),
    grants: t.Sequence[Json] = (),
) -> list[Json]:
    """Findings of view ``configured`` for effective listeners. What a stack does not know is left out, never passed.

    ``grants`` are exceptions in force on this host, see ``exceptions.py``.
    """
    found: list[Json] = []
    for listener in listeners:
        names = " ".join(listener.names[:3])
        place = " ".join(part for part in (listener.context, listener.address, names) if part)
        about = {"stack": listener.stack, "listener": place, **(subject or {})}
        if listener.role == "client":
            judged = _client(listener, baseline, about)
        elif listener.tls:
            judged = _server(listener, baseline, about)
        else:
            judged = _without_tls(listener.settings, about)
        apply(judged, grants, lambda: _place_of(listener, about))  # noqa: B023  called at once
        found += judged
    for clamp in clamps:
        # No breach by itself: what is accepted instead is judged above, by the whole baseline.
        text = f"{clamp.got}: {clamp.reason}"
        found.append(finding(clamp.check, "not_applicable", "configured", dict(subject or {}), text, clamp.wanted))
    return sorted(found, key=order)


def _place_of(listener: t.Any, about: Json) -> Place:
    hosts = (about["host"],) if about.get("host") else ()
    return Place(hosts, listener.stack, port_of(listener.address), tuple(listener.names))


def _without_tls(settings: Json, about: Json) -> list[Json]:
    if "plaintext" not in settings:
        return []
    setting = settings["plaintext"]
    status = "fail" if setting.value == "served" else "pass"
    text, expected = f"plaintext is {setting.value}", "redirected or refused"
    return [finding("transport.plaintext", status, "configured", about, text, expected, setting.provenance)]


def _server(listener: t.Any, baseline: Baseline, about: Json) -> list[Json]:
    settings = listener.settings
    # A service that upgrades a connection to TLS may go on without as well.
    found = _without_tls(settings, about)
    if "protocols" in settings:
        setting = settings["protocols"]
        for protocol, check in PROTOCOL_CHECKS.items():
            on, approved = protocol in setting.value, protocol in baseline.protocols
            required = protocol in baseline.required_protocols
            bad = (on and not approved) or (required and not on)
            status = "fail" if bad else "not_applicable" if approved and not on else "pass"
            expected = "on" if required else "on or off" if approved else "off"
            text = f"{protocol} is {'on' if on else 'off'}"
            found.append(finding(check, status, "configured", about, text, expected, setting.provenance))
        usable = [protocol for protocol in setting.value if protocol in baseline.protocols]
        found.append(
            finding(
                "protocol.approved",
                "pass" if usable else "fail",
                "configured",
                about,
                ", ".join(usable) or "none",
                " or ".join(baseline.protocols),
                setting.provenance,
            )
        )
    found += _names(settings, ("suites_tls12", "suites_tls13"), baseline.forbids_suite, "suite.forbidden", about)
    found += _names(settings, ("groups",), baseline.forbids_group, "group.forbidden", about)
    if "session_tickets" in settings and baseline.session_tickets != "any":
        setting = settings["session_tickets"]
        good = setting.value == "off" or (setting.value == "rotated" and baseline.session_tickets == "rotated")
        status = "pass" if good else "fail"
        wanted = "off" if baseline.session_tickets == "off" else "off or rotated"
        found.append(finding("session.tickets", status, "configured", about, setting.value, wanted, setting.provenance))
    if "hsts_max_age" in settings:
        setting, wanted_age = settings["hsts_max_age"], baseline.hsts_max_age
        status = "pass" if setting.value >= wanted_age else "fail"
        text = f"max-age={setting.value}" if setting.value else "header absent"
        found.append(
            finding(
                "http.hsts", status, "configured", about, text, f"max-age of at least {wanted_age}", setting.provenance
            )
        )
    return found


def _client(listener: t.Any, baseline: Baseline, about: Json) -> list[Json]:
    found, settings = [], listener.settings
    if "protocols" in settings:
        setting = settings["protocols"]
        weak = [protocol for protocol in setting.value if protocol not in baseline.protocols]
        text = "offers " + (", ".join(setting.value) or "none")
        expected = " or ".join(baseline.protocols) + " only"
        status = "fail" if weak else "pass"
        places = setting.provenance
        found.append(finding("upstream.protocol", status, "configured", about, text, expected, places, names=weak))
    found += _names(settings, ("suites_tls12", "suites_tls13"), baseline.forbids_suite, "upstream.suite", about)
    if "peer_verification" in settings:
        setting = settings["peer_verification"]
        text = "the peer's certificate is " + ("verified" if setting.value else "not verified")
        status = "pass" if setting.value else "fail"
        found.append(
            finding("upstream.verification", status, "configured", about, text, "verified", setting.provenance)
        )
    return found


def _names(
    settings: Json, keys: tuple[str, ...], forbids: t.Callable[[str], bool], check: str, about: Json
) -> list[Json]:
    known = [settings[key] for key in keys if key in settings]
    if not known:
        return []
    bad = [name for setting in known for name in setting.value if forbids(name)]
    places = [place for setting in known for place in setting.provenance]
    if not bad:
        count = sum(len(setting.value) for setting in known)
        return [finding(check, "pass", "configured", about, f"{count} names, all allowed", "none forbidden", places)]
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    text = ", ".join(bad[:5]) + more
    return [finding(check, "fail", "configured", about, text, "none forbidden", places, names=bad)]
