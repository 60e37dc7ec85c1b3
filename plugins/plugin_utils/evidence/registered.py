# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run says about the registers it was given, for run.json: coverage of flows, exceptions, third parties."""

from __future__ import annotations

import datetime
import typing as t

from ..registers import account, join

if t.TYPE_CHECKING:
    from .run import Endpoint

Json = t.Dict[str, t.Any]
Entries = t.Mapping[str, t.List[Json]]


def registers_section(registers: Entries, endpoints: t.Iterable[Endpoint], excepted: t.Iterable[Json], at: str) -> Json:
    """``flows`` counted by verdict with those that were not tested, one row for each exception and third party, and the
    findings about them, as of the day of ``at``."""
    reports = [{**one.report, "verdict": one.state, "host": one.host} for one in endpoints]
    held = {"flows": [], "exceptions": [], "third_parties": [], **registers}
    told = account.account(held, reports, excepted, datetime.date.fromisoformat(at[:10]))
    return {
        "flows": {
            "registered": len(told.flows),
            **{word: sum(one["verdict"] == word for one in told.flows) for word in join.WORST_FIRST},
            "rows": told.flows,
        },
        "exceptions": told.exceptions,
        "third_parties": told.third_parties,
        "findings": told.findings,
    }


def unregistered(registers: Entries, served: t.Iterable[tuple[str, int]]) -> int:
    """How many listeners, as (host, port), are in no flow."""
    known: set[tuple[str, int]] = set()
    for flow in registers.get("flows", ()):
        places = [where for where in map(join.place, flow["endpoints"]) if where]
        known |= {(host, port) for host, port, _name in places}
        known |= {(str(host).lower(), port) for host in flow.get("hosts") or () for _host, port, _name in places}
    return sum((host.lower(), port) not in known for host, port in served)
