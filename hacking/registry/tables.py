# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the tables of ``docs/baseline.md`` from the profiles. A unit test fails when the page and the code disagree."""

from __future__ import annotations

import pathlib
import re
import sys
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "baseline.md"

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model, profiles


def listed(names: t.Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in names) or "none"


def rsa_keys(baseline: model.Baseline) -> str:
    rules = baseline.certificate
    return f"{rules.rsa_bits_min} bits or more" if "rsa" in rules.key_types else "not accepted"


def required(baseline: model.Baseline) -> str:
    return listed(baseline.required_protocols) if baseline.required_protocols else "any approved one"


ROWS: dict[str, t.Callable[[model.Baseline], str]] = {
    "Source": lambda baseline: baseline.source,
    "Version, sources read on": lambda baseline: f"{baseline.version}, {baseline.as_of}",
    "Protocols": lambda baseline: listed(baseline.protocols),
    "Must be accepted": required,
    "TLS 1.3 suites": lambda baseline: listed(baseline.suites_tls13),
    "TLS 1.2 suites": lambda baseline: listed(baseline.suites_tls12),
    "Groups": lambda baseline: listed(baseline.groups),
    "Signature schemes": lambda baseline: listed(baseline.signature_schemes),
    "Tolerated suites": lambda baseline: listed(sorted(baseline.tolerated_suites)),
    "Tolerated groups": lambda baseline: listed(sorted(baseline.tolerated_groups)),
    "Tolerated signature schemes": lambda baseline: listed(sorted(baseline.tolerated_signature_schemes)),
    "Certificate keys": lambda baseline: listed(baseline.certificate.key_types),
    "RSA keys": rsa_keys,
    "ECDSA curves": lambda baseline: listed(baseline.certificate.ec_curves),
    "Certificate hashes": lambda baseline: listed(baseline.certificate.signature_hashes),
    "Certificate lifetime": lambda baseline: f"{baseline.certificate.lifetime_days_max} days or less",
    "HSTS max-age": lambda baseline: f"{baseline.hsts_max_age} s or more",
    "Session tickets": lambda baseline: baseline.session_tickets,
}


def profile_table() -> str:
    """One column a profile, one row a part."""
    loaded = [model.load(name) for name in profiles.PROFILES]
    lines = [
        "| | " + " | ".join(f"`{baseline.profile}`" for baseline in loaded) + " |",
        "|---" * (len(loaded) + 1) + "|",
    ]
    for title, cell in ROWS.items():
        lines.append(f"| {title} | " + " | ".join(map(cell, loaded)) + " |")
    return "\n".join(lines)


def source_table() -> str:
    """Where each part of each profile comes from."""
    lines = ["| Profile | Part | Source |", "|---|---|---|"]
    for name in profiles.PROFILES:
        sources = dict(model.load(name).sources)
        lines += [f"| `{name}` | `{part}` | {sources[part]} |" for part in model.Baseline._fields if part in sources]
    return "\n".join(lines)


def lifetime_table() -> str:
    lines = ["| Issued on or after | Days |", "|---|---|"]
    return "\n".join(lines + [f"| {since} | {days} |" for since, days in model.PUBLIC_LIFETIME_DAYS])


TABLES = {"profiles": profile_table, "sources": source_table, "lifetimes": lifetime_table}


def render(page: str) -> str:
    """The page with every table between its marks written anew."""

    def table(found: re.Match[str]) -> str:
        name = found.group(1)
        return f"<!-- table {name}: written by hacking/registry/tables.py -->\n{TABLES[name]()}\n<!-- end -->"

    return re.sub(r"<!-- table (\w+):.*?-->.*?<!-- end -->", table, page, flags=re.DOTALL)


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if render(text) == text else f"{PAGE} is not what the profiles say")
    PAGE.write_text(render(text), encoding="utf-8")
