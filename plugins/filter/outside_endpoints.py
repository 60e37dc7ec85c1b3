# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter outside_endpoints: from the listeners a host told us, the endpoints to be proved from outside."""

from __future__ import annotations

DOCUMENTATION = r"""
name: outside_endpoints
short_description: Turn a host's listeners into endpoints to scan from outside
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Reads the result of a C(<stack>_tls_info) module and returns one URI for each listener and server name that can be
    reached from another host, sorted and without duplicates.
  - Listeners on every address are reached by O(address); listeners on one address by that address. Listeners on the
    loopback interface and UNIX sockets are left out; the host proves those itself.
positional: address
options:
  _input:
    description: Result of a C(<stack>_tls_info) module.
    type: dict
    required: true
  address:
    description: Name or address by which the scanner reaches the host, usually C(ansible_host).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Scan what nginx serves, from here
  encryption.in_transit.tls_scan:
    endpoints: "{{ nginx | encryption.in_transit.outside_endpoints(ansible_host | default(inventory_hostname)) }}"
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: Endpoint URIs.
  type: list
  elements: str
"""

import typing as t
from urllib.parse import urlsplit

from ansible.errors import AnsibleFilterError

_EVERY = ("127.0.0.1", "::1")


def _listens_everywhere(address: str) -> bool:
    return address.rsplit(":", 1)[0] in ("*", "0.0.0.0", "[::]")  # noqa: S104  compared, not bound


def outside_endpoints(result: t.Mapping[str, t.Any], address: str) -> list[str]:
    """Endpoint URIs of the listeners in ``result``, as seen from outside."""
    if not isinstance(result, t.Mapping) or "instances" not in result:
        raise AnsibleFilterError("outside_endpoints: the input must be the result of a <stack>_tls_info module")
    host = f"[{address}]" if ":" in address and not address.startswith("[") else address
    found = set()
    for instance in result["instances"]:
        for listener in instance.get("listeners", ()):
            if listener["role"] != "server":
                continue
            for endpoint in listener["endpoints"]:
                parts = urlsplit(endpoint)
                if _listens_everywhere(listener["address"]):
                    found.add(parts._replace(netloc=f"{host}:{parts.port}").geturl())
                elif parts.hostname not in _EVERY and not (parts.hostname or "").startswith("127."):
                    found.add(endpoint)
    return sorted(found)


class FilterModule:
    """Filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"outside_endpoints": outside_endpoints}
