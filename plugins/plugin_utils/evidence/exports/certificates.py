# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory of certificates: what endpoints showed, and every file that listeners name, with who answers for it.

``Record.certificates`` holds one *sighting* for each chain that an endpoint showed (``use`` is ``served``, with
``endpoint``, ``suites``, ``chain``, ``order`` and ``trust``), and for each file in the shape of
``run.certificates.inspect`` (``use`` is ``certificate``, ``key`` or ``trust``), all with their ``host``.
"""

from __future__ import annotations

import datetime
import math
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.judge import issuers_of

from ...registers import join
from ...spreadsheet import table
from ..run import Json, Record

CERTIFICATE_COLUMNS = (
    "host",
    "endpoint",
    "subject",
    "issuer",
    "names",
    "not_before",
    "not_after",
    "key_type",
    "key_bits",
    "signature_algorithm",
    "serial",
    "sha256",
    "use",
    "path",
    "stack",
    "owner",
    "flows",
    "lifetime_days",
    "lifetime_limit",
    "days_left",
    "share_left",
    "issuer_allowed",
    "trusted",
    "trust_reason",
    "chain_order",
    "key_sha256",
    "key_on_hosts",
    "file_owner",
    "file_group",
    "file_mode",
    "error",
)

_DAY = datetime.timedelta(days=1)


def certificates_csv(record: Record) -> t.Iterator[str]:
    """One line for each certificate at each place, keys and unreadable files too: the inventory PCI DSS 4.2.1.1 asks
    for, as far as it was seen. Of a chain the leaf stands here, of a trust store everything that was kept."""
    return table(CERTIFICATE_COLUMNS, rows(record))


def rows(record: Record) -> t.Iterator[Json]:
    """The same as data. ``share_left`` is the share of its lifetime that a certificate has left, ``key_on_hosts`` on
    how many hosts its key was seen, ``issuer_allowed`` empty where the baseline names no authorities."""
    at = _moment(record.run["ended"])
    allowed = set((record.baseline.get("certificate") or {}).get("issuers") or ())
    owners = _owners(record)
    hosts = key_hosts(record)
    for one in record.certificates:
        access = one.get("access") or {}
        about = {
            "host": one["host"],
            "endpoint": one.get("endpoint"),
            "use": one["use"],
            "path": one.get("path"),
            "stack": one.get("stack"),
            "chain_order": one.get("order"),
            "file_owner": access.get("owner"),
            "file_group": access.get("group"),
            "file_mode": access.get("mode"),
            "error": one.get("error"),
            **_answerable(one, owners),
        }
        trusted = one["use"] == "trust"
        leaves = one["chain"] if trusted else one["chain"][:1]
        issuers = set() if trusted or not leaves else set(issuers_of(one["chain"]))
        for leaf in leaves:
            yield {**about, **_facts(leaf, at), **_trust(one), **_rogue(issuers, allowed), **_shared(leaf, hosts)}
        if not leaves:
            yield about


def key_hosts(record: Record) -> dict[str, set[str]]:
    """Hosts on which each key was seen, served or in a file, by the SHA-256 of the public key (SPKI)."""
    found: dict[str, set[str]] = {}
    for one in record.certificates:
        for leaf in one["chain"][:1] if one["use"] != "trust" else ():
            if leaf.get("sha256_spki"):
                found.setdefault(leaf["sha256_spki"], set()).add(one["host"])
    return found


def _owners(record: Record) -> dict[join.Place, tuple[str, str]]:
    """Flow ids and mail addresses of their owners, by the endpoint they name."""
    found: dict[join.Place, tuple[str, str]] = {}
    for flow in record.registers.get("flows") or ():
        for endpoint in flow["endpoints"]:
            place = join.place(endpoint)
            if place is not None:
                ids, mail = found.get(place, ("", ""))
                found[place] = (f"{ids} {flow['id']}".strip(), mail or flow["owner"]["email"])
    return found


def _answerable(one: Json, owners: t.Mapping[join.Place, tuple[str, str]]) -> Json:
    """The flows that the endpoints of a sighting belong to, and who answers for them."""
    seen = [join.place(uri) for uri in [one.get("endpoint"), *one.get("endpoints", ())] if uri]
    places = [place for place in seen if place]
    # Where a host looks at itself, its endpoints have an address of their own; the register knows its name.
    host = one["host"]
    places += [(host, port, name) for _host, port, sni in places for name in dict.fromkeys((sni, host))]
    flows, mail = next((owners[place] for place in places if place in owners), ("", ""))
    return {"flows": flows, "owner": mail}


def _facts(leaf: Json, at: datetime.datetime) -> Json:
    begin, end = _moment(leaf["not_before"]), _moment(leaf["not_after"])
    key = leaf.get("key") or {}
    return {
        **{name: leaf.get(name) for name in CERTIFICATE_COLUMNS if name in leaf},
        "names": " ".join(leaf.get("names") or []),
        "key_type": key.get("type"),
        "key_bits": key.get("bits"),
        "key_sha256": leaf.get("sha256_spki"),
        # RFC 5280 section 4.1.2.5: valid at both moments.
        "lifetime_days": math.ceil((end - begin + datetime.timedelta(seconds=1)) / _DAY),
        "days_left": math.floor((end - at) / _DAY),
        "share_left": f"{max(0.0, min(1.0, (end - at) / max(end - begin, _DAY))):.2f}",
    }


def _trust(one: Json) -> Json:
    trust = one.get("trust")
    if not trust:
        return {}
    words = {True: "yes", False: "no"}
    return {
        "trusted": words.get(trust["trusted"], "unknown"),
        "trust_reason": trust["reason"],
        "lifetime_limit": trust.get("lifetime_limit"),
    }


def _rogue(issuers: set[str], allowed: set[str]) -> Json:
    return {"issuer_allowed": ("yes" if issuers & allowed else "no") if issuers and allowed else None}


def _shared(leaf: Json, hosts: t.Mapping[str, set[str]]) -> Json:
    return {"key_on_hosts": len(hosts.get(leaf.get("sha256_spki") or "", ())) or None}


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
