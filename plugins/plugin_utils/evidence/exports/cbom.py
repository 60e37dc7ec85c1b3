# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cryptography bill of materials: CycloneDX 1.6 (ECMA-424) in JSON.

Certificates, their public keys and signature algorithms, and what TLS each endpoint spoke, tied to the endpoints as
services. What PCI DSS 12.3.3 asks for as an inventory of cipher suites and protocols, and a migration to post-quantum
cryptography starts from.
"""

from __future__ import annotations

import typing as t
import urllib.parse
import uuid

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import suites

from ...printable import printable
from ..run import Json, Record, dump

_PREFIX = "encryption.in_transit:"


def cbom_json(record: Record) -> str:
    """The whole document. The same record always gives the same text."""
    parts = _Parts()
    # What was seen on the wire comes first, for its facts stay: those of a file are only what a host says of it.
    for served in (True, False):
        for one in record.certificates:
            if (one["use"] == "served") is served:
                parts.add(one)
    run = record.run
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, _PREFIX + run['run_id'])}",
        "version": 1,
        "metadata": {
            "timestamp": run["ended"],
            "tools": {
                "components": [
                    {
                        "type": "application",
                        "name": "encryption.in_transit",
                        "version": run["versions"]["collection"],
                    }
                ]
            },
        },
        **parts.document(),
    }
    return dump(document, indent=1)


class _Parts:
    """Components by their reference, each once, and services with what they rest on."""

    def __init__(self) -> None:
        self.components: dict[str, Json] = {}
        self.services: dict[str, Json] = {}
        self.uses: dict[str, set[str]] = {}

    def document(self) -> Json:
        return {
            "components": [self.components[name] for name in sorted(self.components)],
            "services": [self.services[name] for name in sorted(self.services)],
            "dependencies": [{"ref": name, "dependsOn": sorted(self.uses[name])} for name in sorted(self.uses)],
        }

    def add(self, one: Json) -> None:
        """Everything one sighting tells."""
        certificates = [self._certificate(facts) for facts in one["chain"]]
        if one["use"] == "served":
            name = f"service/{one['host']}/{one['endpoint']}"
            self.services.setdefault(
                name,
                {
                    "bom-ref": name,
                    "name": printable(f"{one['host']} {one['endpoint']}"),
                    "endpoints": [_reference(one["endpoint"])],
                    "properties": [{"name": f"{_PREFIX}host", "value": printable(one["host"])}],
                },
            )
            protocols = [self._protocol(protocol, suite) for protocol, suite in sorted(one["suites"].items())]
            self.uses.setdefault(name, set()).update([*certificates, *filter(None, protocols)])
            return
        for reference in certificates:
            self._place(reference, one)

    def _place(self, reference: str, one: Json) -> None:
        """Where a file holds the certificate."""
        place = {"name": f"{_PREFIX}{one['use']}", "value": printable(f"{one['host']}:{one['path']}")}
        properties = self.components[reference].setdefault("properties", [])
        if place not in properties:
            properties.append(place)

    def _certificate(self, facts: Json) -> str:
        reference = f"crypto/certificate/sha256@{facts['sha256']}"
        if reference not in self.components:
            self.components[reference] = _asset(
                reference,
                facts["subject"] or " ".join(facts["names"][:1]) or facts["sha256"],
                "certificate",
                "certificateProperties",
                {
                    "subjectName": printable(facts["subject"]),
                    "issuerName": printable(facts["issuer"]),
                    "notValidBefore": facts["not_before"],
                    "notValidAfter": facts["not_after"],
                    "signatureAlgorithmRef": self._algorithm(facts["signature_algorithm"]),
                    "subjectPublicKeyRef": self._key(facts),
                    "certificateFormat": "X.509",
                },
            )
        return reference

    def _key(self, facts: Json) -> str:
        key, digest = facts["key"], facts.get("sha256_spki") or facts["sha256"]
        reference = f"crypto/key/spki-sha256@{digest}"
        material: Json = {"type": "public-key", "id": digest}
        if key.get("bits"):
            material["size"] = key["bits"]
        name = f"{key['type']} {key.get('curve') or key.get('bits') or ''}".strip()
        asset = _asset(reference, name, "related-crypto-material", "relatedCryptoMaterialProperties", material)
        self.components.setdefault(reference, asset)
        return reference

    def _algorithm(self, name: str) -> str:
        reference = f"crypto/algorithm/{name}"
        asset = _asset(reference, name, "algorithm", "algorithmProperties", {"primitive": "signature"})
        self.components.setdefault(reference, asset)
        return reference

    def _protocol(self, protocol: str, suite: str) -> str:
        """One protocol with one suite: that is how endpoints differ."""
        family, _mark, version = protocol.partition("v")
        reference = f"crypto/protocol/{protocol}/{suite}"
        described: Json = {"name": suite}
        try:
            code = suites.by_name(suite).code
        except KeyError:
            code = -1  # an SSL 2.0 kind, or one that nobody registered
        if 0 <= code <= 0xFFFF:
            described["identifiers"] = [f"0x{code >> 8:02X}", f"0x{code & 0xFF:02X}"]
        properties = {"type": "tls" if family == "TLS" else "other", "version": version, "cipherSuites": [described]}
        asset = _asset(reference, f"{protocol} {suite}", "protocol", "protocolProperties", properties)
        self.components.setdefault(reference, asset)
        return reference


def _reference(endpoint: str) -> str:
    """Whatever was handed over as an endpoint as a URI reference (RFC 3986): brackets stand around addresses only."""
    place, mark, query = endpoint.partition("?")
    return urllib.parse.quote(place, safe=":/[]") + mark + urllib.parse.quote(query, safe="=&/:")


def _asset(reference: str, name: str, kind: str, key: str, properties: t.Mapping[str, t.Any]) -> Json:
    return {
        "type": "cryptographic-asset",
        "bom-ref": reference,
        "name": printable(name),
        "cryptoProperties": {"assetType": kind, key: dict(properties)},
    }
