# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the action C(evidence_bundle) does, from its options to what it says: prove that it can be done, and do it."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError

from ..terminal import sentence
from . import bundle, facts, publish
from .exports.verdict import verdict as whole_verdict
from .recording import Play, record
from .run import Json, Record
from .signature import Signer
from .timestamp import TimeAuthority


class Made(t.NamedTuple):
    """The result of the task, what to tell people, and what to warn them of."""

    result: Json
    text: str
    warnings: list[str]


def ready(options: Json, check_mode: bool) -> Json:
    """Prove that a bundle can be written and signed, and start the run; the result. Raises InTransitError."""
    fresh = not os.path.isdir(options["directory"])
    bundle.ready(options["directory"], _sealing(options), touch=not check_mode)
    return {"changed": fresh, "sealed": False, "run": facts.start()}


def sealed(options: Json, play: Play) -> Made:
    """Write and seal the bundle; in check mode only tell of it. Raises InTransitError."""
    sealing = _sealing(options)
    bundle.ready(options["directory"], sealing, touch=not play.check_mode)
    found = record({**options, "sealed": options["directory"]}, play)
    if play.check_mode:
        verdict = whole_verdict(found, options["fail_severity"])
        path = os.path.join(options["directory"], found.run["run_id"])
        return _made("would be written to", verdict, options, path, os.path.join(path, "data", "report.html"))
    done = bundle.write(options["directory"], found, sealing)
    warnings = [*done.seal.warnings, *_published(options["metrics"], found, done)]
    made = _made("sealed in", done.verdict, options, done.seal.path, done.report)
    made.result.update(sealed=True, seal=done.seal.digest, timestamped=done.seal.stamped)
    return made._replace(text=f"{made.text}seal: {done.seal.digest}\n", warnings=warnings)


def _sealing(options: Json) -> bundle.Sealing:
    url, key = options["tsa_url"], options["signing_key"]
    return bundle.Sealing(
        Signer(key) if key else None,
        TimeAuthority(url, options["tsa_ca"], options["tsa_required"]) if url else None,
        options["classification"],
        options["fail_severity"],
    )


def _made(said: str, verdict: Json, options: Json, path: str, report: str) -> Made:
    # Hosts have their say in them.
    reasons = "; ".join(map(sentence, verdict["reasons"])) or "everything holds and is proved"
    words = f"evidence {said} {path}: {verdict['verdict'].replace('_', ' ')}, {reasons}"
    result = {
        "changed": True,
        "failed": {2: "fail", 3: "indeterminate"}.get(verdict["exit_code"]) in options["fail_on"],
        "msg": words,
        "bundle": path,
        "report": report,
        "sealed": False,
        "seal": None,
        "timestamped": False,
        "verdict": {key: verdict[key] for key in ("exit_code", "verdict", "reasons", "complete")},
        "counts": {key: verdict[key] for key in ("population", "endpoints", "results")},
    }
    return Made(result, f"\n{words}\nreport: {report}\n", [])


def _published(metrics: str | None, found: Record, done: bundle.Outcome) -> list[str]:
    """Tell others the head of the ledger. What fails here is told; the bundle is sealed all the same."""
    publish.log(publish.log_line(done.seal, done.verdict))
    if metrics:
        try:
            publish.write_metrics(metrics, found, done.verdict, done.seal.digest)
        except InTransitError as error:
            return [str(error)]
    return []
