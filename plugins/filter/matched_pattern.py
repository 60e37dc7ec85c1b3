# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter matched_pattern: a play over nobody is an error, not a pass."""

from __future__ import annotations

DOCUMENTATION = r"""
name: matched_pattern
short_description: Refuse a pattern that matches no host
version_added: 0.1.0
author: The encryption.in_transit authors (@encryption)
description:
  - For C(hosts) of a play. Returns the pattern as it is, or ends the run with an error when it matches no host of the
    inventory within C(--limit).
  - ansible-core skips such a play and ends with status 0, so that a job over an empty inventory, or one that could not
    be read, looks like one in which all was well.
  - A syntax check and listings (C(--syntax-check), C(--list-hosts), C(--list-tasks), C(--list-tags)) run nothing, and
    take every pattern.
positional: groups
options:
  _input:
    description: Pattern, or list of patterns, as C(hosts) takes it.
    type: raw
    required: true
  groups:
    description: Hosts of the inventory by group, usually C(groups).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Verify
  hosts: "{{ target | default('web:&production') | encryption.in_transit.matched_pattern(groups) }}"
  roles:
    - role: encryption.in_transit.verify
"""

RETURN = r"""
_value:
  description: The pattern.
  type: raw
"""

import typing as t

from ansible import context
from ansible.errors import AnsibleFilterError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

from ansible_collections.encryption.in_transit.plugins.plugin_utils.terminal import plural

_RUNS_NOTHING = ("syntax", "listhosts", "listtasks", "listtags")


def matched_pattern(pattern: str | t.Sequence[str], groups: t.Mapping[str, t.Sequence[str]]) -> str | t.Sequence[str]:
    """The pattern. Raises AnsibleFilterError where ansible-core would find no host for it."""
    options: t.Mapping[str, t.Any] = context.CLIARGS
    if any(options.get(name) for name in _RUNS_NOTHING):
        return pattern
    # ansible-core's own reading of patterns and limits, of the same hosts.
    inventory = InventoryManager(DataLoader(), parse=False)
    for group, hosts in groups.items():
        inventory.add_group(group)
        for host in hosts:
            inventory.add_host(host, group=group)
    limit = options.get("subset")
    inventory.subset(limit)
    if inventory.get_hosts(pattern):
        return pattern
    raise AnsibleFilterError(_refusal(pattern, len(groups["all"]), limit, options.get("inventory") or ()))


def _refusal(pattern: str | t.Sequence[str], known: int, limit: str | None, sources: t.Iterable[str]) -> str:
    words = pattern if isinstance(pattern, str) else ",".join(pattern)
    within = f" within --limit {limit}" if limit else ""
    mend = "choose hosts it has, by in_transit_hosts or --limit"
    if not known:
        mend = "see why with ansible-inventory --graph, or give one with --inventory"
    return (
        f"no host matches {words!r}{within} in the inventory ({', '.join(sources)}), which has "
        f"{plural(known, 'host') if known else 'no hosts'}. A run over nobody proves nothing, so it ends here: {mend}"
    )


class FilterModule:
    """Filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"matched_pattern": matched_pattern}
