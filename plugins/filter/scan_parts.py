# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter scan_parts: which scanner scans which endpoints."""

from __future__ import annotations

DOCUMENTATION = r"""
name: scan_parts
short_description: Share endpoints among scanners
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - Returns what each scanner is to scan. The share of each depends only on the lists, and parts that would be empty are
    left out.
  - A scanner's point of view is its variable C(in_transit_vantage), else its inventory name.
positional: endpoints, variables
options:
  _input:
    description: Inventory names of the scanners.
    type: list
    elements: str
    required: true
  endpoints:
    description: Endpoints to share.
    type: list
    elements: str
    required: true
  variables:
    description: Variables of the scanners by inventory name, usually C(hostvars).
    type: dict
    required: true
  every_vantage:
    description:
      - Whether every endpoint is scanned from every point of view, scanners with the same one sharing the work.
        Otherwise all scanners share it, and each endpoint is seen from one place.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: See the portal from inside and from outside
  encryption.in_transit.tls_scan:
    endpoints: "{{ item.endpoints }}"
    vantage: "{{ item.vantage }}"
  loop: >-
    {{ groups.in_transit_scanners
       | encryption.in_transit.scan_parts(['https://portal.example'], hostvars, every_vantage=true) }}
  delegate_to: "{{ item.scanner }}"
"""

RETURN = r"""
_value:
  description: One entry for each scanner that has something to scan.
  type: list
  elements: dict
  contains:
    scanner:
      description: Inventory name of the scanner.
      type: str
      returned: always
    vantage:
      description: Its point of view.
      type: str
      returned: always
    endpoints:
      description: What it is to scan.
      type: list
      elements: str
      returned: always
"""

import typing as t

from ansible.errors import AnsibleFilterError


def scan_parts(
    scanners: t.Sequence[str],
    endpoints: t.Sequence[str],
    variables: t.Mapping[str, t.Mapping[str, t.Any]],
    every_vantage: bool = False,
) -> list[dict[str, t.Any]]:
    """Parts in the order of ``scanners``; each endpoint in one of them, or in one for each point of view."""
    if not scanners:
        raise AnsibleFilterError("scan_parts: there is no scanner")
    names = list(dict.fromkeys(scanners))
    vantages = {name: str(_variables(variables, name).get("in_transit_vantage") or name) for name in names}
    parts = []
    for name in names:
        sharing = [other for other in names if not every_vantage or vantages[other] == vantages[name]]
        share = list(endpoints)[sharing.index(name) :: len(sharing)]
        if share:
            parts.append({"scanner": name, "vantage": vantages[name], "endpoints": share})
    return parts


def _variables(variables: t.Mapping[str, t.Mapping[str, t.Any]], name: str) -> t.Mapping[str, t.Any]:
    try:
        return variables[name]
    except KeyError:
        raise AnsibleFilterError(f"scan_parts: the scanner {name} is not in the inventory") from None


class FilterModule:
    """Filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"scan_parts": scan_parts}
