# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Small, valid registers, to be broken by tests in one way at a time."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import typing as t
from pathlib import Path

import yaml

TODAY = datetime.date(2026, 11, 22)
HOSTS = ("portal.hospital.example", "pump-gw1.hospital.example")

OWNER = {"name": "J. Doe", "team": "Biomed", "email": "biomed@hospital.example"}
ATTESTATION = b"We encrypt in transit.\n"

FLOWS: list[dict[str, t.Any]] = [
    {
        "id": "FLOW-0001",
        "name": "Patient portal",
        "data_class": "phi",
        "direction": "internet",
        "source": "browsers",
        "endpoints": ["https://portal.hospital.example"],
        "encryption": "tls",
        "owner": OWNER,
        "verified_by": "probe",
    },
    {
        "id": "FLOW-0002",
        "name": "Infusion pumps",
        "data_class": "phi",
        "direction": "internal",
        "source": "pumps on ward 4",
        "endpoints": ["https://pump-gw1.hospital.example:8443"],
        "encryption": "tls",
        "owner": OWNER,
        "exceptions": ["EXC-2026-001"],
        "verified_by": "probe",
    },
    {
        "id": "FLOW-0003",
        "name": "Laboratory orders",
        "data_class": "phi",
        "direction": "partner",
        "source": "interface engine",
        "endpoints": ["https://orders.lab.example"],
        "managed": False,
        "encryption": "mtls",
        "owner": OWNER,
        "third_party": "TP-001",
        "verified_by": "attestation",
    },
]

EXCEPTIONS: list[dict[str, t.Any]] = [
    {
        "id": "EXC-2026-001",
        "title": "Pump gateway accepts TLS 1.0",
        "status": "approved",
        "scope": {
            "hosts": ["pump-gw1.hospital.example"],
            "ports": [8443],
            "checks": ["protocol.tls1_0", "suite.forbidden"],
        },
        "accept": ["TLS_RSA_WITH_AES_128_CBC_SHA"],
        "flows": ["FLOW-0002"],
        "justification": "Vendor firmware 3 has no TLS 1.2",
        "risk": {"rating": "high", "statement": "interception on VLAN 240"},
        "compensating_controls": ["VLAN 240 is isolated"],
        "owner": OWNER,
        "requested": "2026-10-02",
        "approval": {"by": "A. Roe, CISO", "date": "2026-10-09", "reference": "CHG-4711"},
        "expires": "2027-02-28",
        "remediation": {"plan": "firmware 4", "milestones": [{"date": "2026-12-15", "what": "pilot"}]},
    },
]

THIRD_PARTIES: list[dict[str, t.Any]] = [
    {
        "id": "TP-001",
        "name": "Reference laboratory",
        "contract": "BAA-2025-17",
        "owner": OWNER,
        "endpoints": ["https://orders.lab.example"],
        "evidence": [
            {"kind": "test", "date": "2026-11-01", "reference": "20261101T020000Z-0a1b2c"},
            {
                "kind": "attestation",
                "date": "2026-03-01",
                "file": "attestations/lab.txt",
                "sha256": hashlib.sha256(ATTESTATION).hexdigest(),
            },
        ],
    },
]


class _Dumper(yaml.SafeDumper):
    """Writes what is shared as often as it is used: registers have no aliases."""

    def ignore_aliases(self, data: t.Any) -> bool:
        return True


def registers() -> dict[str, list[dict[str, t.Any]]]:
    """A copy of all three."""
    return t.cast(
        "dict[str, list[dict[str, t.Any]]]",
        json.loads(json.dumps({"flows": FLOWS, "exceptions": EXCEPTIONS, "third_parties": THIRD_PARTIES})),
    )


def write(folder: Path, **entries: t.Any) -> list[str]:
    """Registers as YAML files, the valid ones where nothing else is given; their folder as the list of paths."""
    for kind, content in {**registers(), **entries}.items():
        text = yaml.dump({kind: content}, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
        # Dates as people write them, without quotes.
        (folder / f"{kind}.yml").write_text(re.sub(r"'(\d{4}-\d\d-\d\d)'", r"\1", text), encoding="utf-8")
    (folder / "attestations").mkdir(exist_ok=True)
    (folder / "attestations" / "lab.txt").write_bytes(ATTESTATION)
    return [str(folder)]
