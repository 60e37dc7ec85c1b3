# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the variables that roles leave on each host to the evidence of hosts that :func:`.run.assemble` takes."""

from __future__ import annotations

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
    everything = variables["hostvars"]
    playing = list(variables.get("ansible_play_hosts_all") or [])
    left = left_by_roles.scans(everything, playing)
    if left.failed:
        raise InputError(f"the scan of the endpoints failed: {left.failed}")
    targets = {name: left_by_roles.targets(left_by_roles.of(everything, name)) for name in playing}
    owners: dict[str, list[str]] = {}
    for name, endpoints in targets.items():
        for endpoint in endpoints:
            # An endpoint that several hosts name (a shared address) is evidence for each of them.
            owners.setdefault(endpoint, []).append(name)
    outside = [one for one in dict.fromkeys(left_by_roles.outside(everything, playing)) if one not in owners]
    scans, keys = collected.Scans(folder, left.results), shared_keys.Keys()
    for report in scans:
        for name in owners.get(report["endpoint"], ()):
            keys.seen(name, report)
    scans.match({*owners, *outside})
    for name in playing:
        reports = [keys.judged(name, report) for one in dict.fromkeys(targets[name]) for report in scans.of(one)]
        yield _host(name, left_by_roles.of(everything, name), reports, folder)
    for name in variables["groups"]["all"]:
        if name not in targets:
            yield {"host": name, "skipped": "not among the hosts of this play (its pattern, or --limit)"}
    external: dict[str, list[str]] = {}
    for endpoint in outside:
        external.setdefault(host_of(endpoint), []).append(endpoint)
    for host, endpoints in external.items():
        yield {"host": host, "external": True, "scans": [report for one in endpoints for report in scans.of(one)]}


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
