# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From a record to a sealed bundle on disk: which files there are, and what happens when one cannot be written."""

from __future__ import annotations

import contextlib
import os
import typing as t

from . import report
from .bag import Bag, Seal, prepare
from .errors import EvidenceError
from .exports import cbom, certificates, junit, ocsf, oscal, prometheus, tables
from .exports.verdict import verdict as whole_verdict
from .run import Json, Record, dump
from .signature import Signer
from .timestamp import AUTHORITY_FILE, TimeAuthority

_HERE = os.path.dirname(os.path.abspath(__file__))
_TEMPLATES = os.path.join(_HERE, "templates")
#: docs/schemas of the collection this file belongs to.
_SCHEMAS = os.path.normpath(os.path.join(_HERE, *[os.pardir] * 3, "docs", "schemas"))
SCHEMA_FILES = ("run.schema.json", "result.schema.json", "finding.schema.json")


class Outcome(t.NamedTuple):
    """A sealed bundle, the path of its report, and the verdict it holds."""

    seal: Seal
    report: str
    verdict: Json


class Sealing(t.NamedTuple):
    """How a bundle is sealed: by which key, at whose time, with which classification and gate."""

    signer: Signer | None = None
    authority: TimeAuthority | None = None
    classification: str = "confidential"
    fail_severity: str = "low"


UNSIGNED = Sealing()


def ready(directory: str, sealing: Sealing = UNSIGNED, touch: bool = True) -> None:
    """Prove that a bundle can be written and sealed, before any work is done for it. Raises EvidenceError.

    Makes the directory, unless ``touch`` is false: then it is only looked at.
    """
    _shipped()
    prepare(directory, touch)
    if sealing.authority and sealing.authority.required:
        sealing.authority.stamp(b"")


def payload(
    record: Record, verdict: Json, signer: str | None = None
) -> t.Iterator[tuple[str, bytes | t.Iterable[bytes]]]:
    """Every file below data/ as (path, content), always in the same order."""
    yield "run.json", dump(record.run, indent=2).encode()
    yield "results.ndjson", map(str.encode, record.results.ndjson())
    yield "baseline.json", dump(record.baseline, indent=2).encode()
    yield "checks.json", dump(record.catalogue, indent=2).encode()
    yield "controls.json", dump(record.controls, indent=2).encode()
    yield "verdict.json", dump(verdict, indent=2).encode()
    for kind, entries in record.registers.items():
        yield f"registers/{kind}.json", dump(entries, indent=2).encode()
    yield "results.csv", map(str.encode, tables.results_csv(record))
    yield "findings.csv", map(str.encode, tables.findings_csv(record))
    yield "junit.xml", map(str.encode, junit.junit_xml(record))
    yield "inventory/certificates.csv", map(str.encode, certificates.certificates_csv(record))
    yield "export/ocsf.ndjson", map(str.encode, ocsf.events(record))
    yield "export/metrics.prom", map(str.encode, prometheus.metrics(record, verdict))
    yield "export/cbom.cdx.json", cbom.cbom_json(record).encode()
    for name, text in oscal.documents(record):
        yield f"export/{name}", map(str.encode, text)
    for path, text in record.files:
        # Configuration need not be UTF-8: bytes that came in escaped go out as they were.
        yield path, text.encode("utf-8", "surrogateescape")
    for path, page in report.render(record, verdict, signer):
        yield path, page.encode()
    for name, content in _shipped():
        if name in SCHEMA_FILES:
            yield f"schemas/{name}", content


def write(directory: str, record: Record, sealing: Sealing = UNSIGNED) -> Outcome:
    """Write and seal the bundle ``<directory>/<run id>``.

    Raises EvidenceError. The folder is then still named ``*.unsealed``, and its verdict.json, where the disk still
    takes it, says so with exit code 5.
    """
    signer, authority = sealing.signer, sealing.authority
    verdict = whole_verdict(record, sealing.fail_severity)
    fingerprint = signer.fingerprint if signer else None
    run = record.run
    bag = Bag(directory, run["run_id"])
    try:
        for path, content in payload(record, verdict, fingerprint):
            bag.add(path, content)
        for name, content in _shipped():
            if name not in SCHEMA_FILES:
                bag.add_tag(name, content)
        if authority:
            bag.add_tag(AUTHORITY_FILE, authority.certificates)
        synchronized = {True: "synchronized", False: "NOT synchronized", None: "unknown"}[run["clock"]["synchronized"]]
        seal = bag.seal(
            [
                ("Bag-Software-Agent", f"encryption.in_transit {run['versions']['collection']}"),
                ("Bagging-Date", run["ended"][:10]),
                ("External-Identifier", run["run_id"]),
                ("External-Description", "Evidence of encryption in transit"),
                ("X-EIT-Sealed", run["ended"]),
                ("X-EIT-Clock", synchronized),
                ("X-EIT-Complete", "yes" if run["complete"] else "NO"),
                ("X-EIT-Classification", sealing.classification),
                ("X-EIT-Signer", fingerprint or "none"),
                ("X-EIT-Time-Authority", authority.url if authority else "none"),
            ],
            signer,
            authority,
        )
    except Exception as error:
        _mark_failed(bag.path, verdict, str(error))
        raise
    return Outcome(seal, os.path.join(seal.path, "data", "report.html"), verdict)


def _mark_failed(path: str, verdict: Json, reason: str) -> None:
    failed = {**verdict, "exit_code": 5, "verdict": "error", "reasons": [reason, *verdict["reasons"]]}
    # The disk may be the very reason; the folder's name says the same.
    with contextlib.suppress(OSError), open(os.path.join(path, "data", "verdict.json"), "w", encoding="ascii") as file:
        file.write(dump(failed, indent=2))


def _shipped() -> list[tuple[str, bytes]]:
    """Files that travel in every bundle as they are."""
    places = [(name, os.path.join(_TEMPLATES, name)) for name in ("verify.sh", "VERIFY.md")]
    places += [(name, os.path.join(_SCHEMAS, name)) for name in SCHEMA_FILES]
    found = []
    for name, path in places:
        try:
            with open(path, "rb") as file:
                found.append((name, file.read()))
        except OSError as error:
            raise EvidenceError(f"{path}: {error.strerror}; the collection is not installed whole") from error
    return found
