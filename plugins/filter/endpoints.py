# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters over endpoint URIs: which of them are the same, and whose they are."""

from __future__ import annotations

import typing as t

from ansible_collections.encryption.in_transit.plugins.plugin_utils.registers.join import place


def distinct_endpoints(endpoints: t.Iterable[str]) -> list[str]:
    """See distinct_endpoints.yml."""
    found: dict[t.Any, str] = {}
    for endpoint in endpoints:
        where = place(endpoint)
        # Plaintext HTTP on a port is another question than TLS on it; what cannot be parsed the scan will refuse.
        found.setdefault((where, endpoint.startswith("http://")) if where else endpoint, endpoint)
    return list(found.values())


def endpoint_subjects(pairs: t.Iterable[t.Sequence[t.Any]]) -> dict[str, dict[str, str]]:
    """See endpoint_subjects.yml."""
    owners: dict[str, set[str]] = {}
    for host, endpoints in pairs:
        for endpoint in endpoints or ():
            owners.setdefault(endpoint, set()).add(str(host))
    return {endpoint: {"host": min(hosts)} for endpoint, hosts in owners.items() if len(hosts) == 1}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"distinct_endpoints": distinct_endpoints, "endpoint_subjects": endpoint_subjects}
