# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what the role C(verify) left on the hosts of a play to its summary: each host and endpoint is read when its turn
comes, so that a fleet needs little memory."""

from __future__ import annotations

import datetime
import typing as t

from . import left_by_roles, summary
from .evidence.collected import Scans, Told
from .evidence.errors import InputError
from .registers import account

Json = t.Dict[str, t.Any]


def verify(
    hostvars: t.Mapping[str, t.Any],
    hosts: t.Iterable[str],
    folder: str,
    width: int,
    registers: Json | None,
    today: datetime.date,
) -> summary.Summary:
    """The summary of these hosts. ``folder`` is that of :mod:`.evidence.collected`, ``registers`` what was registered.

    Raises InputError when a scan failed or does not tell of all endpoints, EvidenceError for a file that is not what
    was written.
    """
    audits = _Audits(hostvars, sorted(hosts), "audit", folder)
    left = left_by_roles.scans(hostvars, audits)
    if left.failed:
        raise InputError(f"the scan failed: {left.failed}")
    owners, errors = {}, {}
    for host in audits:
        variables = left_by_roles.of(hostvars, host)
        owners.update(dict.fromkeys(left_by_roles.targets(variables), host))
        errors[host] = left_by_roles.error(variables)
    scans, tested = Scans(folder, left.results), []

    def reports() -> t.Iterator[Json]:
        for report in scans:
            audits.excepted += _excepted(report)
            tested.append({key: report.get(key) for key in ("endpoint", "verdict", "reachable", "port")})
            tested[-1]["host"] = owners.get(report["endpoint"])
            yield report
        scans.match({*owners, *left_by_roles.outside(hostvars, audits)})

    def reminders() -> t.Iterator[str]:
        if registers is not None:
            yield from account.account(registers, tested, audits.excepted, today).reminders

    return summary.verify(audits, reports(), owners, errors, width, reminders())


class _Audits(Told):
    """The same. ``excepted`` are the findings of all that were read so far."""

    def __init__(self, *given: t.Any) -> None:
        super().__init__(*given)
        self.excepted: list[Json] = []

    def __getitem__(self, host: str) -> dict[str, Json]:
        told = super().__getitem__(host)
        self.excepted += [item for result in told.values() for item in _excepted(result)]
        return told


def _excepted(told: Json) -> list[Json]:
    return [item for item in told.get("findings") or () if item["status"] == "excepted"]
