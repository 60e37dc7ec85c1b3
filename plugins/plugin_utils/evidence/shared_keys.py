# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one check about certificates that needs the whole fleet: does a key serve on more than one host?"""

from __future__ import annotations

import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.judge import finding

from ..terminal import plural

Json = t.Dict[str, t.Any]


class Keys:
    """Where each key of a fleet was seen. All reports are to be :meth:`seen` before any is :meth:`judged`.

    An address that several hosts share, such as a load balancer's, is one place and shares no key with itself.
    """

    def __init__(self) -> None:
        self._places: dict[str, dict[str, set[str]]] = {}

    def seen(self, host: str, report: Json) -> None:
        """Note the keys in a wire report about a host."""
        for leaf in _leaves(report):
            self._places.setdefault(leaf["sha256_spki"], {}).setdefault(str(report["address"]), set()).add(host)

    def judged(self, host: str, report: Json) -> Json:
        """The wire report with a finding ``certificate.shared_key`` for each key it shows."""
        found = []
        for leaf in _leaves(report):
            # Addresses that this host has no part in are other places.
            elsewhere = [hosts for hosts in self._places[leaf["sha256_spki"]].values() if host not in hosts]
            others = sorted(set().union(*elsewhere)) if elsewhere else []
            more = f" and {plural(len(others) - 3, 'more host')}" if len(others) > 3 else ""
            text = f"also on {', '.join(others[:3])}{more}" if others else "seen on this host only"
            about = {"host": host, "endpoint": report["endpoint"]}
            text = f"{leaf['key']['type']} key {leaf['sha256_spki'][:16]}: {text}"
            found.append(finding("certificate.shared_key", "fail" if others else "pass", "effective", about, text))
        return {**report, "findings": [*(report.get("findings") or []), *found]} if found else report


def _leaves(report: Json) -> list[Json]:
    chains = [served["chain"] for served in report.get("certificates") or () if served.get("chain")]
    return [chain[0] for chain in chains if chain[0].get("sha256_spki")]
