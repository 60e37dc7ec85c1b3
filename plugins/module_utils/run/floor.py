# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wire reports of endpoints that exist only while somebody asks: libraries as servers and clients, and programs."""

from __future__ import annotations

import time
import typing as t

from ..errors import TransactionError
from ..findings import floor, judge
from ..wire import offer, ssh

if t.TYPE_CHECKING:
    from ..baseline.model import Baseline
    from ..stacks.contract import Instance, Stack
    from ..stacks.host import Host

    Json = t.Dict[str, t.Any]
    Scan = t.Callable[[t.Sequence[str]], t.List[Json]]


def reports(
    stack: Stack, host: Host, instance: Instance, endpoints: t.Iterable[str], baseline: Baseline, scan: Scan
) -> list[Json]:
    """One report with findings and verdict for each endpoint, in order; what cannot be asked is unreachable."""
    found = []
    for endpoint in endpoints:
        report = _report(stack, host, instance, endpoint, baseline, scan)
        report["findings"] = floor.judge_report(report, baseline, {"stack": stack.name})
        report["verdict"] = judge.verdict(report, report["findings"])
        found.append(report)
    return found


def _report(stack: Stack, host: Host, instance: Instance, endpoint: str, baseline: Baseline, scan: Scan) -> Json:
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    try:
        serving = stack.opened(host, instance, endpoint)
        if serving is None:
            stream = stack.offered(host, instance, endpoint)
            if ssh.is_ssh(stream):
                return ssh.report(endpoint, stream, baseline, started)
            return offer.report(endpoint, stream, baseline, started)
        with serving as uri:
            report = scan([uri])[0]
    except TransactionError as error:
        return {**offer.report(endpoint, b"", baseline, started), "reason": str(error)}
    # Neither the port of the moment nor the throw-away certificate is of any meaning.
    return {**report, "endpoint": endpoint, "port": 0, "certificates": []}
