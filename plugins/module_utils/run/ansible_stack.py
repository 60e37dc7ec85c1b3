# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the module files of all stacks share. The arguments are documented in the doc fragment ``stack``."""

from __future__ import annotations

import os
import signal
import typing as t

from ansible.module_utils import basic

from . import bytecode
from .ansible_exceptions import EXCEPTIONS, today

if t.TYPE_CHECKING:
    from ..stacks.contract import Stack

TIMEOUTS: dict[str, t.Any] = {
    "handshake": {"type": "float", "default": 3.0},
    "lock": {"type": "float", "default": 10.0},
    "settle": {"type": "float", "default": 30.0},
    "proof": {"type": "float", "default": 5.0},
}

#: Where journals, history and byte code are.
STATE_DIR = "/var/lib/encryption.in_transit"

COMMON: dict[str, t.Any] = {
    "profile": {"type": "str", "default": "intermediate"},
    "baseline": {"type": "dict", "default": {}},
    "overrides": {"type": "str", "default": "mend", "choices": ["mend", "report", "fail"]},
    "proof": {"type": "bool", "default": True},
    "timeouts": {"type": "dict", "options": TIMEOUTS, "apply_defaults": True},
    "exceptions": EXCEPTIONS,
    "config": {"type": "list", "elements": "path", "default": []},
    "state_dir": {"type": "path", "default": STATE_DIR},
    # Files of the controller are written by the action plugin of the same name.
    "export_dest": {"type": "str"},
}

HARDEN: dict[str, t.Any] = {
    **COMMON,
    "state": {"type": "str", "default": "present", "choices": ["present", "recover"]},
    "reload": {"type": "str", "default": "auto", "choices": ["auto", "handler"]},
    "missing": {"type": "str", "default": "fail", "choices": ["fail", "ignore"]},
    "history": {"type": "int", "default": 10},
}

#: Beyond these, for software that speaks HTTP.
HTTP: dict[str, t.Any] = {"hsts": {"type": "str", "default": "report", "choices": ["report", "mend"]}}

#: Beyond these, for software that can be told to log its handshakes.
LOGGING: dict[str, t.Any] = {"log_handshakes": {"type": "str", "default": "leave", "choices": ["leave", "on", "off"]}}

#: What a failed module tells of each instance. What was tried belongs into the record of the change: files and diffs.
FAILURE = (
    "name",
    "version",
    "config",
    "changed",
    "failed",
    "step",
    "undone",
    "reloaded",
    "recovery",
    "transaction",
    "files",
    "untold",
)

AUDIT: dict[str, t.Any] = {**COMMON, "export": {"type": "bool", "default": False}}


def harden(stack: Stack, own: t.Mapping[str, t.Any] | None = None) -> None:
    """Entry of a ``<stack>_tls`` module. ``own`` is the argument spec of options that only this stack has."""
    module = basic.AnsibleModule({**HARDEN, **(own or {})}, supports_check_mode=True)
    _run(module, {"present": "harden", "recover": "recover"}[module.params["state"]], stack)


def audit(stack: Stack, own: t.Mapping[str, t.Any] | None = None) -> None:
    """Entry of a ``<stack>_tls_info`` module."""
    _run(basic.AnsibleModule({**AUDIT, **(own or {})}, supports_check_mode=True), "audit", stack)


def _run(module: basic.AnsibleModule, verb: str, stack: Stack) -> None:
    for number in (signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _ended)
    options = {**module.params, "check": module.check_mode, "diff": module._diff, "today": today(), "receipts": True}
    from ..errors import InTransitError
    from ..stacks.host import Host
    from . import stack as desk

    try:
        result = getattr(desk, verb)(stack, Host(), options)
    except InTransitError as exc:
        module.fail_json(msg=str(exc))
    if _COMPILED and verb == "harden" and not module.check_mode:
        _COMPILED.save()
    for text in result.pop("warnings", ()):
        module.warn(text)
    if not module._diff:
        del result["diff"]
    # All is done but to say so, and to take away what Ansible unpacked: that is not to be cut short.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if result.pop("failed"):
        module.fail_json(**_brief(result))
    module.exit_json(**result)


def _ended(number: int, frame: object) -> None:
    """Asked to end, as by a terminal whose connection is gone: by Python's own way, which takes away what is temporary,
    Ansible's unpacked module included. In the midst of a change the transaction listens itself."""
    raise SystemExit(128 + number)


def _brief(result: dict[str, t.Any]) -> dict[str, t.Any]:
    """A failure is printed as it is, on a screen full of other hosts: what happened, and not all that is known."""
    return {
        "msg": result["msg"],
        "changed": result["changed"],
        "findings": [item for item in result["findings"] if item["check"] == "config.valid"],
        "instances": [{key: one[key] for key in FAILURE if key in one} for one in result["instances"]],
        "receipts": result.get("receipts", []),
    }


def _compiled() -> bytecode.Cache | None:
    """The byte code of this module, for what it imports from here on."""
    try:
        params = basic._load_params()  # made for modules that want to know them early
        state_dir = os.path.expanduser(os.path.expandvars(str(params.get("state_dir") or STATE_DIR)))
        name = str(params["_ansible_module_name"]).rpartition(".")[2]
    except (Exception, SystemExit):  # whatever is wrong with them, AnsibleModule tells it
        return None
    return bytecode.cache(state_dir, name[: -len("_info")] if name.endswith("_info") else name)


#: Module files import this first, and the stack after it.
_COMPILED = _compiled() if bytecode.in_archive() else None
