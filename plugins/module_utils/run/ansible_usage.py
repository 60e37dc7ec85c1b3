# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module usage without its documentation: arguments in, result out."""

from __future__ import annotations

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..baseline import model
from ..errors import InTransitError
from ..stacks import registry
from ..stacks.host import Host
from . import usage as desk

ARGUMENTS: dict[str, t.Any] = {
    "stacks": {"type": "list", "elements": "str", "default": list(registry.NAMES), "choices": list(registry.NAMES)},
    "since": {"type": "str", "default": "30d"},
    "addresses": {"type": "str", "default": "full", "choices": ["full", "masked"]},
    "clients": {"type": "int", "default": 10000},
    "profile": {"type": "str", "default": "intermediate"},
    "baseline": {"type": "dict", "default": {}},
    "config": {"type": "list", "elements": "path", "default": []},
}


def main() -> None:
    """Entry of the module."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        result = usage(module.params)
    except InTransitError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(changed=False, **result)


def usage(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The module's result for its options."""
    since = desk.moment(params["since"], time.time())
    options = desk.Options(since, params["addresses"] == "masked", params["clients"], tuple(params["config"]))
    baseline = model.load(params["profile"], params["baseline"])
    stacks = [registry.stack_of(name) for name in dict.fromkeys(params["stacks"])]
    found = desk.usage(stacks, Host(), baseline, options)
    return {"msg": desk.summary(found), "since": desk.stamp(since), "profile": baseline.profile, **found}
