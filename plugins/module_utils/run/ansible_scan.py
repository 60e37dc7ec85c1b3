# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module tls_scan without its documentation: arguments in, result out."""

from __future__ import annotations

import json
import platform
import tempfile
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..baseline import model
from ..errors import InTransitError
from ..findings import exceptions, judge
from ..wire.engine import ScanOptions
from . import scan as desk
from .ansible_exceptions import EXCEPTIONS, today

TIMEOUTS: dict[str, t.Any] = {
    "connect": {"type": "float", "default": 3.0},
    "read": {"type": "float", "default": 5.0},
    "greeting": {"type": "float", "default": 25.0},
    "endpoint": {"type": "float", "default": 120.0},
    "scan": {"type": "float", "default": 0.0},
}

ARGUMENTS: dict[str, t.Any] = {
    "endpoints": {"type": "list", "elements": "str", "required": True},
    "profile": {"type": "str", "default": "intermediate"},
    "baseline": {"type": "dict", "default": {}},
    "detail": {"type": "str", "default": "verdict", "choices": ["verdict", "full"]},
    "http": {"type": "bool", "default": True},
    "timeouts": {"type": "dict", "options": TIMEOUTS, "apply_defaults": True},
    "concurrency": {"type": "int", "default": 128},
    "per_host": {"type": "int", "default": 4},
    "rate": {"type": "float", "default": 0.0},
    "vantage": {"type": "str", "default": ""},
    "subjects": {"type": "dict", "default": {}},
    "ca_path": {"type": "list", "elements": "str", "default": ["system"]},  # read by the action, on the controller
    "der": {"type": "bool", "default": False},
    "exceptions": EXCEPTIONS,
    "dest": {"type": "path", "default": ""},
    # The action puts a file of the scanning host in its place, from where it fetches the reports.
    "export_dest": {"type": "str", "default": ""},
    "fail_on": {"type": "list", "elements": "str", "choices": ["fail", "indeterminate"], "default": []},
}


#: Seconds after which a scan that still runs says in the log of its host how far it is.
_SAY_AFTER = 15.0

#: What remains of a report in the result when the reports go to a file.
_KEPT = ("endpoint", "address", "vantage", "verdict")


def main() -> None:
    """Entry of the module."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    dest = module.params["dest"]
    try:
        if module.params["export_dest"]:
            result = _exported(module)
        elif not dest:
            result = scan(module.params, progress=module.log)
        elif module.check_mode:
            result = scan(module.params, lambda report: None, module.log)
        else:
            with tempfile.NamedTemporaryFile("w", dir=module.tmpdir, encoding="ascii", delete=False) as file:
                result = scan(module.params, lambda report: file.write(json.dumps(report) + "\n"), module.log)
            module.atomic_move(file.name, dest)
            result.update(changed=True, dest=dest)
    except (InTransitError, OSError, ValueError) as exc:
        module.fail_json(msg=str(exc))
    if {item["status"] for item in result["findings"]} & set(module.params["fail_on"]):
        module.fail_json(**result)
    module.exit_json(**result)


def _exported(module: AnsibleModule) -> dict[str, t.Any]:
    """The result without reports and findings. They are in the file, one report in each line, and their number last."""
    with open(module.params["export_dest"], "x", encoding="ascii") as file:
        result = scan(module.params, lambda report: file.write(json.dumps(report) + "\n"), module.log)
        file.write(json.dumps({"reports": len(result["reports"])}) + "\n")
    return {"changed": False, "msg": result["msg"], "findings": []}


def scan(
    options: t.Mapping[str, t.Any],
    on_report: t.Callable[[dict[str, t.Any]], object] | None = None,
    progress: t.Callable[[str], object] | None = None,
) -> dict[str, t.Any]:
    """The module's result for its options. With ``on_report`` the reports go there, and the result only names them.

    ``progress`` is told every :data:`_SAY_AFTER` seconds how far the scan is.
    """
    baseline = model.load(options["profile"], options["baseline"])
    times = options["timeouts"]
    scan_options = ScanOptions(
        detail=options["detail"],
        http=options["http"],
        connect_timeout=times["connect"],
        read_timeout=times["read"],
        greeting_timeout=times["greeting"],
        patience=times["endpoint"],
        deadline=times["scan"],
        concurrency=options["concurrency"],
        per_host=options["per_host"],
        rate=options["rate"],
        der=options["der"],
    )
    vantage = options["vantage"] or platform.node()
    reports, findings = [], []
    der: dict[str, str] = {}
    grants = exceptions.checked(options["exceptions"], today())
    stream = desk.stream(options["endpoints"], baseline, scan_options, subjects=options["subjects"], grants=grants)
    said = time.monotonic()
    for done, report in enumerate(stream, 1):
        if progress is not None and time.monotonic() - said >= _SAY_AFTER:
            said = time.monotonic()
            progress(f"{done} addresses of {len(options['endpoints'])} endpoints scanned")
        report["vantage"] = vantage
        if options["export_dest"]:
            report["der"] = der = {}
        for served in report["certificates"]:
            # Once each: a fleet shares its issuers.
            der.update(zip((facts["sha256"] for facts in served["chain"]), served.pop("der", ())))
        if on_report is None:
            reports.append(report)
            findings += report["findings"]
        else:
            on_report(report)
            reports.append({key: report[key] for key in _KEPT})
        if on_report is not None and not options["export_dest"]:
            findings += [item for item in report["findings"] if item["status"] in ("fail", "indeterminate", "excepted")]
    count = {name: sum(report["verdict"] == name for report in reports) for name in desk.VERDICTS}
    verdicts = ", ".join(f"{number} {name}" for name, number in count.items() if number)
    msg = f"{len(reports)} endpoints: {verdicts}" if reports else "no endpoints"
    result = {"changed": False, "msg": msg, "reports": reports, "findings": sorted(findings, key=judge.order)}
    return {**result, "der": der} if options["der"] else result
