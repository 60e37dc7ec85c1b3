# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The outcome of a run for whoever waits for it."""

from __future__ import annotations

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import SEVERITIES

from ...terminal import plural
from ..run import SCHEMA_VERSION, Json, Record


def verdict(record: Record, fail_severity: str = "low") -> Json:
    """The whole run in one exit code, with the reasons.

    0: everything passes or is validly excepted. 2: something fails. 3: something was not proved, or the population is
    not complete. (4 and 5 are errors of the run itself, see :mod:`.errors`.) Checks below ``fail_severity`` do not
    count.
    """
    counted = SEVERITIES[: SEVERITIES.index(fail_severity) + 1]
    gate = [item["status"] for item in record.results if item["severity"] in counted]
    due = (record.run["registers"] or {}).get("findings", ())
    gate += [item["status"] for item in due if item["severity"] in counted]
    population, unproved = record.run["population"], []
    if "indeterminate" in gate:
        unproved.append(f"{plural(gate.count('indeterminate'), 'result')} not proved either way")
    if population["unreachable"]:
        unproved.append(f"{plural(population['unreachable'], 'host')} not reached")
    if not record.run["complete"]:
        unproved.append(f"the run is not complete: {'; '.join(record.run['incomplete'])}")
    if not gate and not unproved:
        unproved.append("nothing was tested")
    failing = [f"{plural(gate.count('fail'), 'result')} failed"] if "fail" in gate else []
    code = 2 if failing else 3 if unproved else 0
    excepted = [f"{plural(gate.count('excepted'), 'result')} held only by exceptions"] if "excepted" in gate else []
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": record.run["run_id"],
        "exit_code": code,
        "verdict": {0: "excepted" if excepted else "compliant", 2: "non_compliant", 3: "indeterminate"}[code],
        "reasons": failing + unproved + excepted,
        "fail_severity": fail_severity,
        "complete": record.run["complete"],
        "results": record.run["results"],
        "endpoints": record.run["endpoints"],
        "population": {key: value for key, value in population.items() if isinstance(value, int)},
    }
