# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module discover without its documentation: arguments in, result out."""

from __future__ import annotations

import collections
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..baseline import model
from ..errors import InTransitError
from ..stacks.host import Host
from . import discover as desk

TIMEOUTS: dict[str, t.Any] = {
    "greeting": {"type": "float", "default": 1.5},
    "read": {"type": "float", "default": 3.0},
    "endpoint": {"type": "float", "default": 10.0},
}

ARGUMENTS: dict[str, t.Any] = {
    "probe": {"type": "str", "default": "handshake", "choices": list(desk.PROBES)},
    "quiet_ports": {"type": "list", "elements": "str", "default": []},
    "namespaces": {"type": "str", "default": "all", "choices": ["all", "own"]},
    "profile": {"type": "str", "default": "intermediate"},
    "baseline": {"type": "dict", "default": {}},
    "timeouts": {"type": "dict", "options": TIMEOUTS, "apply_defaults": True},
}


def main() -> None:
    """Entry of the module."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        result = discover(module.params)
    except InTransitError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, **result)


def discover(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The module's result for its options."""
    times = params["timeouts"]
    options = desk.Options(
        params["probe"],
        tuple(params["quiet_ports"]),
        params["namespaces"],
        times["greeting"],
        times["read"],
        times["endpoint"],
    )
    found = desk.discover(Host(), model.load(params["profile"], params["baseline"]), options)
    count = collections.Counter(one["transport"] for one in found["listeners"])
    parts = ", ".join(f"{number} {transport}" for transport, number in sorted(count.items()))
    total = len(found["listeners"])
    msg = f"{total} listening socket{'s' if total != 1 else ''}: {parts}" if total else "no socket listens"
    return {"msg": msg, **found}
