# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Metrics in the Prometheus text format, for the textfile collector of node_exporter.

No sample has a time (the collector skips files with times), and no label holds a message or a cipher suite: what
passes is counted, and only what does not pass is named.
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.model import PROTOCOLS

from ...printable import printable
from ..run import ENDPOINT_STATES, HOST_STATES, Json, Record
from .words import OPEN, place

Labels = t.Dict[str, t.Any]
Samples = t.Iterable[t.Tuple[Labels, float]]


def metrics(record: Record, verdict: Json, head: str = "") -> t.Iterator[str]:
    """The exposition, a metric at a time. ``head`` is the seal of the bundle: the newest line of the ledger."""
    run = record.run
    about = {"run_id": run["run_id"], "profile": run["baseline"]["profile"], "head": head}
    listeners = {state: count for state, count in run["listeners"].items() if isinstance(count, int)}
    endpoints = [({"host": one.host, "endpoint": one.endpoint}, one) for one in record.endpoints]
    protocols = [(labels, version) for labels, one in endpoints if (version := _oldest(one.report)) is not None]
    exceptions = [one for one in record.registers.get("exceptions", ()) if one["status"] == "approved"]
    told: tuple[tuple[str, str, Samples], ...] = (
        ("run_info", "The last run; head is the seal of its bundle.", [(about, 1)]),
        ("run_timestamp_seconds", "When the last run ended, in seconds since 1970.", [({}, _seconds(run["ended"]))]),
        ("run_exit_code", "0 all holds, 2 something fails, 3 something was not proved.", [({}, verdict["exit_code"])]),
        ("run_complete", "1 when every host of the inventory is accounted for.", [({}, run["complete"])]),
        ("clock_synchronized", "1 when the control node's clock was.", [({}, run["clock"]["synchronized"] is True)]),
        ("hosts", "Hosts of the inventory.", [({"state": s}, run["population"][s]) for s in HOST_STATES]),
        ("endpoints", "Endpoints tested.", [({"state": s}, run["endpoints"][s]) for s in ENDPOINT_STATES]),
        ("results", "Results of all checks.", [({"status": s}, count) for s, count in run["results"].items()]),
        ("listeners", "Listeners in configurations.", [({"state": s}, count) for s, count in listeners.items()]),
        ("endpoint_state", "The state of each endpoint.", [({**at, "state": one.state}, 1) for at, one in endpoints]),
        ("endpoint_min_tls_version", "Oldest protocol accepted: 1.0 to 1.3; 0.2 and 0.3 are SSL.", protocols),
        ("check_open", "What does not pass: fail, indeterminate or excepted.", _open(record)),
        ("cert_not_after_timestamp_seconds", "The end of a certificate's life.", _certificates(record)),
        (
            "exception_expires_timestamp_seconds",
            "The end of the last day of each approved exception.",
            [({"id": one["id"]}, _seconds(f"{one['expires']}T23:59:59Z")) for one in exceptions],
        ),
    )
    for name, text, samples in told:
        yield from _metric(f"eit_{name}", text, samples)


def _open(record: Record) -> Samples:
    """One sample for each place, check and status: the same check may fail twice there, for two certificates."""
    seen = {
        (item["subject"]["host"], place(item["subject"]), item["check"], item["severity"], item["status"])
        for item in record.results
        if item["status"] in OPEN
    }
    return ((dict(zip(("host", "place", "check", "severity", "status"), values)), 1) for values in sorted(seen))


def _certificates(record: Record) -> Samples:
    for one in record.endpoints:
        for leaf in one.certificates:
            labels = {"host": one.host, "endpoint": one.endpoint, "sha256": str(leaf.get("sha256"))[:16]}
            yield labels, _seconds(leaf["not_after"])


def _oldest(report: Json) -> float | None:
    """The oldest accepted protocol as a number, as TLS itself counts: SSL 3.0 came before TLS 1.0."""
    seen = report.get("protocols") or {}
    accepted = [name for name in PROTOCOLS if (seen.get(name) or {}).get("status") == "accepted"]
    if not accepted:
        return None
    family, _v, version = accepted[0].partition("v")
    return float(version) if family == "TLS" else float(version) / 10


def _metric(name: str, text: str, samples: Samples) -> t.Iterator[str]:
    # Texts that differ may have the same escaped form, and of a file with one sample twice the collector takes nothing.
    lines = {f"{name}{_labels(labels)}": f"{float(value):.15g}" for labels, value in samples}
    if lines:
        body = "".join(f"{sample} {value}\n" for sample, value in lines.items())
        yield f"# HELP {name} {text}\n# TYPE {name} gauge\n{body}"


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}" if labels else ""


def _escaped(value: t.Any) -> str:
    """A label value: backslash, quote and line feed have escapes; other control characters are spelled out."""
    return printable(str(value)).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _seconds(moment: str) -> float:
    return datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()
