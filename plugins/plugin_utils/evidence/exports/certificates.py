# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory of certificates as CSV."""

from __future__ import annotations

import typing as t

from ..run import Endpoint, Json, Record
from .tables import table

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
)


def certificates_csv(record: Record) -> t.Iterator[str]:
    """The leaf certificates the endpoints presented: the inventory PCI DSS 4.2.1.1 asks for, as far as it was seen."""
    rows = (_certificate_row(one, leaf) for one in record.endpoints for leaf in one.certificates)
    return table(CERTIFICATE_COLUMNS, rows)


def _certificate_row(one: Endpoint, leaf: Json) -> Json:
    key, names = leaf.get("key") or {}, " ".join(leaf.get("names") or [])
    about = {"host": one.host, "endpoint": one.endpoint, "names": names}
    return {**leaf, **about, "key_type": key.get("type"), "key_bits": key.get("bits")}
