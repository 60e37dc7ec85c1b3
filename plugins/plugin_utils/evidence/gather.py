# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the variables that roles leave on each host to the evidence of hosts that :func:`.run.assemble` takes."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.exceptions import host_of

from .. import left_by_roles
from . import collected, shared_keys
from .errors import InputError
from .run import Json


def hosts(variables: t.Mapping[str, t.Any], folder: str = "") -> t.Iterator[Json]:
    """What became of every host of the inventory, from Ansible's variables and the ``folder`` of :mod:`.collected`.

    One host after the other is read from there, when it is asked for. Raises InputError and EvidenceError.
    """
    everyone, everything = variables["groups"]["all"], variables["hostvars"]
    playing = list(variables.get("ansible_play_hosts_all") or [])
    scan = left_by_roles.scan(everything, playing)
    if scan["failed"]:
        raise InputError(f"the scan of the endpoints failed: {scan['failed']}")
    targets = {name: left_by_roles.targets(everything[name]) for name in playing}
    outside = set(left_by_roles.outside(everything, playing)) - {one for found in targets.values() for one in found}
    scans = shared_keys.judged(_by_owner([one for one in scan["reports"] if one["endpoint"] not in outside], targets))
    found = (_host(name, everything[name], scans.get(name, []), folder) for name in playing)
    skipped = "not among the hosts of this play (its pattern, or --limit)"
    absent = [{"host": name, "skipped": skipped} for name in everyone if name not in targets]
    external = _external([one for one in scan["reports"] if one["endpoint"] in outside])
    return itertools.chain(found, absent, external)


def _external(reports: t.Iterable[Json]) -> list[Json]:
    """Reports of registered endpoints that no host of the inventory serves, by the host in the URI."""
    by_host: dict[str, list[Json]] = {}
    for report in reports:
        by_host.setdefault(host_of(report["endpoint"]), []).append(report)
    return [{"host": host, "external": True, "scans": found} for host, found in by_host.items()]


def _by_owner(reports: t.Iterable[Json], targets: t.Mapping[str, list[str]]) -> dict[str, list[Json]]:
    """Reports by host. An endpoint that several hosts name (a shared address) is evidence for each of them."""
    by_endpoint: dict[str, dict[t.Any, Json]] = {}
    for report in reports:
        by_endpoint.setdefault(report["endpoint"], {})[report.get("address"), report.get("vantage")] = report
    named = {endpoint for endpoints in targets.values() for endpoint in endpoints}
    strays = sorted(set(by_endpoint) - named)
    if strays:
        raise InputError(f"endpoint {strays[0]} was scanned, but no host names it as one of its own")
    missing = sorted(named - set(by_endpoint))
    if missing:
        raise InputError(f"endpoint {missing[0]} was to be scanned, but there is no report of it")
    return {
        name: [report for endpoint in dict.fromkeys(endpoints) for report in by_endpoint[endpoint].values()]
        for name, endpoints in targets.items()
    }


def _host(name: str, variables: t.Mapping[str, t.Any], scans: list[Json], folder: str) -> Json:
    told = left_by_roles.stacks(variables, "audit")
    unreachable = [audit for audit in told.values() if audit.get("unreachable")]
    errors = [
        f"{stack} could not be read: {audit.get('msg') or 'no reason was given'}"
        for stack, audit in told.items()
        if audit.get("failed") and not audit.get("unreachable")
    ]
    if not told and left_by_roles.error(variables):
        errors = [left_by_roles.error(variables) or ""]
    reasons = [str(audit.get("msg") or "no connection to the host") for audit in unreachable[:1]] or errors
    return {
        "host": name,
        "reachable": not unreachable,
        "error": "; ".join(reasons) or None,
        "stacks": {
            stack: collected.whole(folder, name, audit) for stack, audit in told.items() if "instances" in audit
        },
        "scans": scans,
    }
