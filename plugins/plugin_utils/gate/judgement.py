# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""May it go live? Endpoints, registered flows and configuration files, judged together, with one answer.

The same engine, parsers and judge as everywhere else. An endpoint passes only when everything that decides about it is
proved; a file passes when it says what the baseline wants, read by the rules of an assumed version.
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import judge
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import SEVERITIES
from ansible_collections.encryption.in_transit.plugins.module_utils.run import scan, static
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.engine import ScanOptions

from .. import certificates
from ..registers import load
from ..registers.grants import for_host
from ..registers.grants import grants as granted

Json = t.Dict[str, t.Any]

#: How a flow may be protected for its endpoints to be proved by a TLS handshake.
_BY_TLS = ("tls", "mtls")


class Request(t.NamedTuple):
    """What is to be judged. ``flows`` are ids in ``registers``, ``files`` are (stack, path) for the static mode.

    Failures of checks below ``fail_severity`` are shown and do not decide; nor do those under an approved exception of
    the registers. Exceptions about files are those of ``host``, for which they are meant. ``ca_path`` are files of
    trusted authorities, or ``system``; without any the trust of certificates is not judged.
    """

    endpoints: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    registers: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    profile: str = "intermediate"
    baseline: t.Mapping[str, t.Any] = {}
    fail_severity: str = "low"
    options: ScanOptions | None = None
    ca_path: tuple[str, ...] = ()
    host: str = ""


class Answer(t.NamedTuple):
    """``code`` as in :mod:`.run.scan`: 0 all passes, 2 something fails, 3 something is not proved.

    ``reports`` are wire reports with findings and verdict, ``judged`` results of the static mode, ``flows`` the flow
    ids of each endpoint.
    """

    code: int
    reports: list[Json]
    judged: list[static.Judged]
    flows: dict[str, list[str]]
    reasons: list[str]
    started: str

    @property
    def findings(self) -> list[Json]:
        """All of them, the worst first."""
        found = [item for report in self.reports for item in report["findings"]]
        found += [item for one in self.judged for item in one.findings]
        return sorted(found, key=judge.order)


def ask(request: Request, now: datetime.datetime) -> Answer:
    """The answer. Raises InTransitError for what cannot be understood, before anything is connected to."""
    if not (request.endpoints or request.flows or request.files):
        raise InTransitError("nothing to judge: name endpoints, flows or files")
    grants: list[Json] = []
    owners: dict[str, list[str]] = {}
    wanted: dict[str, list[str]] = {request.profile: list(dict.fromkeys(request.endpoints))}
    if request.flows and not request.registers:
        raise InTransitError(f"{request.flows[0]}: name the register it is in")
    if request.registers:
        registers = load.load(request.registers, now.date())
        for flow in _chosen(registers.flows, request.flows):
            mine = wanted.setdefault(flow.get("profile", request.profile), [])
            mine += [uri for uri in flow["endpoints"] if uri not in mine]
            for uri in flow["endpoints"]:
                owners.setdefault(uri, []).append(flow["id"])
        grants = granted(registers.exceptions, now.date())
    baselines = {profile: model.load(profile, request.baseline) for profile in wanted}
    own = for_host(grants, request.host) if request.host else []
    judged = [static.judge_files(stack, path, baselines[request.profile], own) for stack, path in request.files]
    verifier = certificates.Verifier(request.ca_path) if request.ca_path else None
    reports: list[Json] = []
    for profile, endpoints in wanted.items():
        if endpoints:
            reports += _scanned(endpoints, baselines[profile], request, verifier, grants)
    code, reasons = _decide(request, reports, judged)
    return Answer(code, reports, judged, owners, reasons, now.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _scanned(
    endpoints: t.Sequence[str],
    baseline: model.Baseline,
    request: Request,
    verifier: certificates.Verifier | None,
    grants: t.Sequence[Json],
) -> t.Iterator[Json]:
    """Reports with findings and verdict, judged again when the trust of their certificates is known."""
    options = request.options or ScanOptions()
    options.der = verifier is not None
    for report in scan.scan(endpoints, baseline, options, grants=grants):
        if verifier is not None:
            der: dict[str, str] = {}
            for served in report["certificates"]:
                der.update(zip((facts["sha256"] for facts in served["chain"]), served.pop("der", ())))
            verifier.assess(report, der)
            report["findings"] = judge.judge_report(report, baseline, None, grants)
            report["verdict"] = judge.verdict(report, report["findings"])
        yield report


def _chosen(flows: t.Iterable[Json], ids: t.Sequence[str]) -> list[Json]:
    known = {flow["id"]: flow for flow in flows}
    for name in ids:
        if name not in known:
            raise InTransitError(f"{name}: there is no such flow in the registers")
        if known[name]["encryption"] not in _BY_TLS:
            raise InTransitError(f"{name}: is protected by {known[name]['encryption']}, which no TLS handshake proves")
    return [known[name] for name in ids]


def _decide(request: Request, reports: t.Sequence[Json], judged: t.Sequence[static.Judged]) -> tuple[int, list[str]]:
    counted = SEVERITIES[: SEVERITIES.index(request.fail_severity) + 1]
    failing, unproved = [], []
    for name, verdict, findings in [
        *((report["endpoint"], report["verdict"], report["findings"]) for report in reports),
        *((f"{one.stack}={one.path}", "", one.findings) for one in judged),
    ]:
        statuses = [item["status"] for item in findings if item["severity"] in counted]
        if "fail" in statuses or verdict == "non_compliant":
            failing.append(f"{name} fails")
        elif "indeterminate" in statuses or verdict in ("unreachable", "indeterminate"):
            unproved.append(f"{name} is not proved")
    return (2 if failing else 3 if unproved else 0), failing + unproved
