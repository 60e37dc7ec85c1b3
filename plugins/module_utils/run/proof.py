# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Handshakes as proof of a change: what was lost by it, and where the running process contradicts its files."""

from __future__ import annotations

import typing as t

from ..findings.exceptions import Place, at, kept_protocols, port_of

if t.TYPE_CHECKING:
    from ..baseline.model import Baseline
    from ..stacks.contract import Listener

    Report = t.Dict[str, t.Any]
    Look = t.Dict[str, Report]
    Scan = t.Callable[[t.Sequence[str]], t.List[Report]]

#: Parts of a wire report about names, the noun of one name in them, and the listener settings they must stay within.
_NAMED = (
    ("suites", "suite", ("suites_tls12", "suites_tls13")),
    ("groups", "group", ("groups",)),
    ("signatures", "scheme", ("signature_schemes",)),
)


class HandshakeProof:
    """Proof over the endpoints of ``listeners``, which are the listeners as the files on disk (will) say.

    ``scan`` makes wire reports of endpoints. A look maps each endpoint to its report. ``grants`` are exceptions in
    force: what they keep must go on working, too.
    """

    def __init__(
        self, listeners: t.Iterable[Listener], baseline: Baseline, scan: Scan, grants: t.Iterable[t.Any] = ()
    ) -> None:
        self._baseline, self._scan, self._grants = baseline, scan, list(grants)
        self._listeners: dict[str, list[Listener]] = {}
        for listener in listeners:
            if listener.role in ("server", "floor") and listener.tls:
                for endpoint in listener.endpoints:
                    self._listeners.setdefault(endpoint, []).append(listener)

    @property
    def endpoints(self) -> list[str]:
        return list(self._listeners)

    def look(self) -> Look:
        """One wire report for each endpoint."""
        return {report["endpoint"]: report for report in self._scan(self.endpoints)} if self._listeners else {}

    def objections(self, before: Look, after: Look) -> list[str]:
        return self.lost(before, after) + self.contradictions(after)

    def lost(self, before: Look, after: Look) -> list[str]:
        """What the baseline approves or an exception keeps, was accepted before and is not any more."""
        found = []
        for endpoint, was in before.items():
            now = after.get(endpoint)
            if now is None:
                continue
            if not was["alive"]:
                if was.get("plaintext") is not None and now.get("plaintext") is None and not now["alive"]:
                    found.append(f"{endpoint} served in plaintext before, and nobody now ({_why_dead(now)})")
                wanted = self._kept(endpoint)
            elif not now["alive"]:
                found.append(f"{endpoint} answered before and does not now ({_why_dead(now)})")
                continue
            else:
                wanted = [*self._kept(endpoint), *self._baseline.protocols]
            gone = [name for name in dict.fromkeys(wanted) if _accepts(was, name) and not _accepts(now, name)]
            found += [f"{endpoint} accepted {name} before and does not now" for name in gone]
            lost_keys = _key_types(was) - _key_types(now) if was["alive"] else set()
            found += [f"{endpoint} has lost its {kind} certificate" for kind in sorted(lost_keys)]
        return found

    def _kept(self, endpoint: str) -> list[str]:
        """Protocols that exceptions keep on an endpoint."""
        kept: list[str] = []
        for listener in self._listeners.get(endpoint, ()) if self._grants else ():
            place = Place((), listener.stack, port_of(listener.address), listener.names)
            kept += kept_protocols(at(self._grants, place))
        return kept

    def contradictions(self, look: Look) -> list[str]:
        """What is accepted though the files on disk forbid it: they are not loaded, or another program answers."""
        found = []
        for endpoint, report in look.items():
            # A plan may bring TLS where the files have none yet.
            beyond = self._beyond_files(self._listeners[endpoint], report) if endpoint in self._listeners else []
            found += [f"{endpoint} accepts {what}, which the files forbid" for what in beyond]
        return found

    def _beyond_files(self, listeners: t.Sequence[Listener], report: Report) -> list[str]:
        found = []
        if _goes_on_without_tls(report) and _union(listeners, ("plaintext",)) == {"refused"}:
            found.append("work without TLS")
        allowed = _union(listeners, ("protocols",))
        if allowed is not None:
            found += [name for name in report.get("protocols") or () if _accepts(report, name) and name not in allowed]
        for part, noun, keys in _NAMED:
            names = _union(listeners, keys)
            if names is not None:
                for item in (report.get(part) or {}).get("forbidden") or ():
                    if item[noun] not in names:
                        found.append(f"{item[noun]} with {item['protocol']}")
        return found


def _goes_on_without_tls(report: Report) -> bool:
    dialogue = report.get("starttls") or {}
    return report.get("plaintext") is not None or dialogue.get("plaintext") == "served"


def _union(listeners: t.Sequence[Listener], keys: t.Sequence[str]) -> set[str] | None:
    """All values of those settings, or None when a listener does not know one of them: then nothing contradicts it."""
    values: set[str] = set()
    for listener in listeners:
        for key in keys:
            if key not in listener.settings:
                return None
            value = listener.settings[key].value
            values.update([value] if isinstance(value, str) else value)
    return values


def _accepts(report: Report, protocol: str) -> bool:
    return ((report.get("protocols") or {}).get(protocol) or {}).get("status") == "accepted"


def _key_types(report: Report) -> set[str]:
    chains = (served["chain"] for served in report.get("certificates") or ())
    return {chain[0]["key"]["type"] for chain in chains if chain}


def _why_dead(report: Report) -> str:
    if not report["reachable"]:
        return str(report.get("reason") or "no connection")
    return "plaintext" if report.get("plaintext") else "no handshake with an approved hello succeeds"


def summary(endpoint: str, before: Report | None, after: Report | None) -> dict[str, t.Any]:
    """An endpoint's protocol classes before and after, for the result."""

    def classes(report: Report | None) -> dict[str, str] | None:
        if report is None:
            return None
        return {name: str(seen["status"]) for name, seen in (report.get("protocols") or {}).items()}

    verdict = (after or before or {}).get("verdict")
    return {"endpoint": endpoint, "before": classes(before), "after": classes(after), "verdict": verdict}
