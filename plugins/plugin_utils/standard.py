# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The organisation's TLS standard as a document, written from the very baseline that is enforced.

The document is a list of blocks, and each form (Markdown, HTML) is one small writer, so that both always say the same.
Nothing in it depends on the day it is written: the same baseline gives the same bytes.
"""

from __future__ import annotations

import os
import re
import typing as t

from markupsafe import escape

from ..module_utils.baseline import groups, suites
from ..module_utils.baseline.model import Baseline
from ..module_utils.findings.checks import BY_ID
from .evidence.run import controls
from .printable import one_line

Row = t.Sequence[str]
#: ("h2", text), ("p", text), ("ul", items), ("table", head, rows). Text between backticks is code.
Block = t.Tuple[t.Any, ...]

_CSS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "evidence", "templates", "report.css")


def document(baseline: Baseline, organisation: str, owner: str = "") -> list[Block]:
    """The standard of the organisation. ``owner`` is who answers for it."""
    facts: list[Row] = [
        ("Organisation", organisation),
        *([("Owner", owner)] if owner else []),
        ("Profile", f"`{baseline.profile}`, version {baseline.version}"),
        ("Rests on", baseline.source),
        ("Sources read on", baseline.as_of),
        ("SHA-256 of the baseline", f"`{baseline.digest}`"),
    ]
    return [
        ("h1", f"TLS standard of {organisation}"),
        ("table", ("", ""), facts),
        ("p", "This page is written from the data that servers are configured, scanned and judged by. It is changed by "
              "changing that data, never by hand. Every bundle of evidence names the baseline it was judged by, with "
              "the SHA-256 above."),
        ("h2", "Policy"),
        ("ul", _policy(baseline)),
        ("h2", "Protocols"),
        ("table", ("Protocol", "Rule"), _protocols(baseline)),
        ("h2", "Cipher suites"),
        ("p", "In this order. Everything that is neither approved nor tolerated is forbidden."),
        ("table", ("Code", "IANA name", "OpenSSL name", "Rule"), _suites(baseline)),
        ("h2", "Key agreement"),
        ("table", ("Code", "Group", "Kind", "Rule"), _groups(baseline)),
        ("h2", "Handshake signatures"),
        ("table", ("Scheme", "Rule"), [
            *((f"`{name}`", "approved") for name in baseline.signature_schemes),
            *((f"`{name}`", "tolerated") for name in sorted(baseline.tolerated_signature_schemes)),
        ]),
        ("h2", "Certificates"),
        ("table", ("What", "Rule"), _certificates(baseline)),
        ("h2", "Sessions and HTTP"),
        ("table", ("What", "Rule"), [
            ("Session tickets", {"off": "off", "rotated": "off, or with keys that change", "any": "any"}
                .get(baseline.session_tickets, baseline.session_tickets)),
            ("HTTP Strict Transport Security", f"max-age of at least {baseline.hsts_max_age} seconds"),
        ]),
        ("h2", "Exceptions"),
        ("ul", [
            "An exception names exact hosts, ports and checks, a justification, the risk, compensating controls, an "
            "owner, an approver who is not the owner, and a day on which it ends.",
            "It stands in the register of exceptions, under version control. Nothing else weakens a configuration.",
            "What it covers is reported as excepted, never as passed. From the day after its end it fails again.",
            "What is broken for everyone (SSL 2.0 and 3.0, suites without encryption or authentication, expired "
            "certificates) cannot be excepted.",
        ]),
        ("h2", "How it is held"),
        ("ul", [
            "`harden` configures the servers, proves each listener by handshake, and undoes what is not proved.",
            "`verify` judges what files say and what listeners accept. What is not proved is not compliant.",
            "`evidence` seals the results so that a stranger can verify them.",
        ]),
        ("h2", "Where it comes from"),
        ("table", ("Part", "Source"), [(f"`{part}`", source) for part, source in baseline.sources]),
        ("h2", "Requirements it speaks to"),
        ("p", "Requirements of frameworks that the checks of this baseline give evidence for; never proof of all of "
              "them. Unverified: the clause was not checked against its publisher's text."),
        ("table", ("Framework", "Requirement", "Substance", "Checks"), _requirements(baseline)),
    ]  # fmt: skip


def _policy(baseline: Baseline) -> list[str]:
    allowed, forbidden = " or ".join(baseline.protocols), ", ".join(baseline.forbidden_protocols)
    return [
        f"Data in transit is encrypted with {allowed}. Servers and clients refuse {forbidden}.",
        *(
            [f"Every server accepts {' and '.join(baseline.required_protocols)}."]
            if baseline.required_protocols
            else []
        ),
        "Only approved cipher suites, groups and signature schemes are configured.",
        "Nothing is served in plaintext; plaintext HTTP only redirects. No login is offered before TLS.",
        "Connections to backends hold the same rules, and verify the certificate of the backend.",
        "Certificates come from an authority that is trusted, name the service, and are renewed in time.",
    ]


def _protocols(baseline: Baseline) -> list[Row]:
    rows: list[Row] = [
        (f"`{name}`", "must be accepted" if name in baseline.required_protocols else "approved")
        for name in reversed(baseline.protocols)
    ]
    return [*rows, *((f"`{name}`", "forbidden") for name in reversed(baseline.forbidden_protocols))]


def _suites(baseline: Baseline) -> list[Row]:
    named = [(name, "approved") for name in (*baseline.suites_tls13, *baseline.suites_tls12)]
    named += [(name, "tolerated") for name in sorted(baseline.tolerated_suites)]
    found = [(suites.by_name(name), rule) for name, rule in named]
    return [
        (f"`{one.code:#06x}`", f"`{one.name}`", f"`{one.openssl[0]}`" if one.openssl else "", rule)
        for one, rule in found
    ]


def _groups(baseline: Baseline) -> list[Row]:
    kinds = {"ecdhe": "elliptic curve", "ffdhe": "finite field, TLS 1.3 only", "kem": "post-quantum",
             "hybrid": "post-quantum and classical"}  # fmt: skip
    named = [(name, "approved") for name in baseline.groups]
    named += [(name, "tolerated") for name in sorted(baseline.tolerated_groups)]
    found = [(groups.by_name(name), rule) for name, rule in named]
    return [(f"`{one.code:#06x}`", f"`{one.name}`", kinds[one.kind], rule) for one, rule in found]


def _certificates(baseline: Baseline) -> list[Row]:
    rules = baseline.certificate
    share = round(100 * rules.expiry_warning_share)
    rows: list[Row] = [("Keys", ", ".join(rules.key_types))]
    if "rsa" in rules.key_types:
        rows.append(("RSA", f"at least {rules.rsa_bits_min} bits"))
    if "ecdsa" in rules.key_types:
        rows.append(("ECDSA", ", ".join(f"`{name}`" for name in rules.ec_curves)))
    rows += [
        ("Signed with", ", ".join(rules.signature_hashes)),
        ("Lifetime", f"at most {rules.lifetime_days_max} days; shorter where the CA/Browser Forum says so"),
        ("Renewed", f"before {share} % of the lifetime is left"),
    ]
    return [*rows, ("Issued by", ", ".join(rules.issuers) or "any authority that is trusted")]


def _requirements(baseline: Baseline) -> list[Row]:
    rows: list[Row] = []
    for control in controls({"profile": baseline.profile, "digest": baseline.digest}):
        if control["judged"]:
            doubt = "" if control["confidence"] == "read" else f" ({control['confidence']})"
            framework = f"{control['framework']} {control['version']}"
            checks = ", ".join(f"`{name}`" for name in control["checks"] if name in BY_ID)
            rows.append((framework, control["id"] + doubt, control["title"], checks))
    return rows


# --- forms ------------------------------------------------------------------------------------------------------


def markdown(blocks: t.Iterable[Block]) -> str:
    """The document in Markdown (CommonMark with tables)."""
    parts = []
    for kind, *rest in blocks:
        if kind in ("h1", "h2"):
            parts.append(f"{'#' * int(kind[1])} {_escaped(rest[0])}")
        elif kind == "p":
            parts.append(_escaped(rest[0]))
        elif kind == "ul":
            parts.append("\n".join(f"- {_escaped(item)}" for item in rest[0]))
        else:
            head, rows = rest
            lines = [head, ["---"] * len(head), *rows]
            parts.append("\n".join(f"| {' | '.join(_escaped(cell) for cell in line)} |" for line in lines))
    return "\n\n".join(parts) + "\n"


def html(blocks: t.Iterable[Block]) -> str:
    """The document as one HTML page that needs nothing else, in the look of the report."""
    blocks = list(blocks)
    with open(_CSS, encoding="utf-8") as file:
        style = file.read()
    parts = []
    for kind, *rest in blocks:
        if kind == "ul":
            parts.append("<ul>" + "".join(f"<li>{_coded(item)}</li>" for item in rest[0]) + "</ul>")
        elif kind == "table":
            parts.append(_table(*rest))
        else:
            parts.append(f"<{kind}>{_coded(rest[0])}</{kind}>")
    title = next(escape(one_line(rest[0])) for kind, *rest in blocks if kind == "h1")
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<title>{title}</title>\n'
        f"<style>\n{style}main {{ padding: 40px 32px; }}\n</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _table(head: Row, rows: t.Iterable[Row]) -> str:
    titles = "".join(f'<th scope="col">{_coded(cell)}</th>' for cell in head)
    top = f"<thead><tr>{titles}</tr></thead>" if any(head) else ""
    lines = []
    for first, *others in rows:
        cells = "".join(f"<td>{_coded(cell)}</td>" for cell in others)
        lines.append(f'<tr><th scope="row">{_coded(first)}</th>{cells}</tr>')
    return f'<div class="scroll" tabindex="0"><table>{top}<tbody>\n' + "\n".join(lines) + "\n</tbody></table></div>"


def _coded(text: str) -> str:
    return re.sub("`([^`]*)`", r"<code>\1</code>", str(escape(one_line(text))))


def _escaped(text: str) -> str:
    """Text in Markdown: what would be markup is shown as it is, except code; a cell stays one cell."""
    parts = re.split("(`[^`]+`)", one_line(text))
    # Between cells a bar divides code as well (GitHub Flavored Markdown, 4.10).
    return "".join(
        part.replace("|", "\\|") if index % 2 else re.sub(r"([\\*_\[\]<>|#`!&])", r"\\\1", part)
        for index, part in enumerate(parts)
    )
