# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the roles of this collection leave in the variables of each host, and how it is found again.

``__<stack>_tls_result``  what C(<stack>_tls) returned     ``__verify_targets``  endpoints of the host
``__<stack>_tls_audit``   what C(<stack>_tls_info) returned  ``__verify_scan``     what a scanner returned
``__verify_registers``    what C(registers) returned       ``__verify_error``    why the host could not be read
``__discover_result``     what C(discover) returned            ``__usage_result``    what C(usage) returned
"""

from __future__ import annotations

import re
import typing as t

from . import arrival

#: A stack that is of no server has a name and no ``_tls``: crypto_policy.
_LEFT = re.compile(r"__(?:([a-z0-9_]+)_tls|([a-z0-9_]+_policy))_(result|audit)\Z")

_NOT_RUN = {"failed": True, "msg": "the module was not run"}


def of(hostvars: t.Mapping[str, t.Any], host: str) -> t.Mapping[str, t.Any]:
    """The variables of a host as they were left. What hosts sent is data: to template it is needless and dear."""
    return t.cast("t.Mapping[str, t.Any]", getattr(hostvars, "raw_get", hostvars.__getitem__)(host))


def stacks(variables: t.Mapping[str, t.Any], kind: str) -> dict[str, t.Any]:
    """The results a host has of that kind (``result`` or ``audit``), by stack, in alphabetical order."""
    found = {}
    for name in sorted(key for key in variables if isinstance(key, str)):
        match = _LEFT.match(name)
        if match and match.group(3) == kind and variables[name]:
            found[match.group(1) or match.group(2)] = arrival.checked("stack", variables[name])
    return found


def targets(variables: t.Mapping[str, t.Any]) -> list[str]:
    """Endpoints that belong to the host."""
    return list(variables.get("__verify_targets") or [])


class Scans(t.NamedTuple):
    """``results`` of all scans, in which their reports are or are named; ``failed``: why one failed, or None."""

    results: list[dict[str, t.Any]]
    failed: str | None


def scans(hostvars: t.Mapping[str, t.Any], hosts: t.Iterable[str]) -> Scans:
    """What scanners returned.

    The results of scanners are on the hosts that drove them, one or several on each; other hosts skipped the task.
    """
    left = [of(hostvars, host).get("__verify_scan") or {} for host in hosts]
    # The action of tls_scan has checked them: of a fleet there are too many to do it in every task.
    results = [result for one in left for result in one.get("results", [one])]
    failures = [str(one.get("msg")) for one in results if one.get("failed") or one.get("unreachable")]
    return Scans(results, failures[0] if failures else None)


def outside(hostvars: t.Mapping[str, t.Any], hosts: t.Iterable[str]) -> list[str]:
    """Registered endpoints that no host of the inventory serves; every host of the play has the same."""
    for host in hosts:
        return list((of(hostvars, host).get("__verify_registers") or {}).get("outside") or [])
    return []


def error(variables: t.Mapping[str, t.Any]) -> str | None:
    """Why the host could not be read, when something failed."""
    text = variables.get("__verify_error")
    return str(text) if text else None


def discovered(variables: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any] | None, str]:
    """What the module C(discover) returned for the host, or None and why there is nothing."""
    return _answered("discover", "listeners", variables.get("__discover_result"))


def used(variables: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any] | None, str]:
    """What the module C(usage) returned for the host, or None and why there is nothing."""
    return _answered("usage", "handshakes", variables.get("__usage_result"))


def _answered(kind: str, answer: str, left: t.Any) -> tuple[dict[str, t.Any] | None, str]:
    left = left or _NOT_RUN
    if isinstance(left, dict) and answer not in left:
        left = {**left, "failed": True}  # the roles go on past a failure (failed_when), which takes that word away
    left = arrival.checked(kind, left)
    return (left, "") if answer in left else (None, str(left.get("msg") or "no reason was given"))
