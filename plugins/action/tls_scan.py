# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.tls_scan): the module scans, here the chains it saw are verified and judged.

Signatures need C(cryptography), which a controller has and a scanning host need not.
"""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ..module_utils.baseline import model
from ..module_utils.errors import InTransitError
from ..module_utils.findings import exceptions, judge
from ..module_utils.run.ansible_exceptions import today
from ..module_utils.run.ansible_scan import ARGUMENTS
from ..plugin_utils import arrival, certificates

Json = t.Dict[str, t.Any]


class ActionModule(ActionBase):
    """Reads files of the controller and runs the module where the task runs."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: Json | None = None) -> Json:
        result: Json = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(argument_spec=ARGUMENTS)
        # What runs in the background ends where nobody can judge trust, and a file stays on the scanning host.
        judging = bool(options["ca_path"]) and not options["dest"] and not self._task.async_val
        try:
            verifier = self._verifier(options["ca_path"]) if judging else None
        except InTransitError as error:
            return {**result, "failed": True, "msg": str(error)}
        arguments = dict(self._task.args)
        if verifier is not None:
            arguments.update(der=True, fail_on=[])
        made = self._execute_module(
            module_name="encryption.in_transit.tls_scan",
            module_args=arguments,
            task_vars=task_vars,
            wrap_async=self._task.async_val,
        )
        result.update(_looked_at(made, options))
        if verifier is None or "reports" not in result:
            return result
        baseline = model.load(options["profile"], options["baseline"])
        grants = exceptions.checked(options["exceptions"], today())
        for report in result["reports"]:
            verifier.assess(report, result.get("der") or {})
            # The judge again, who now knows more: everything else comes out as before.
            about = options["subjects"].get(report["endpoint"])
            report["findings"] = judge.judge_report(report, baseline, about, grants)
            report["verdict"] = judge.verdict(report, report["findings"])
        if not options["der"]:
            result.pop("der", None)
        result["findings"] = sorted(
            (item for report in result["reports"] for item in report["findings"]), key=judge.order
        )
        if {item["status"] for item in result["findings"]} & set(options["fail_on"]):
            result["failed"] = True
        return result

    def _verifier(self, paths: t.Sequence[str]) -> certificates.Verifier:
        """Raises ConfigurationError for a file of trusted authorities that is of no use."""
        found = [path if path == certificates.SYSTEM else self._find_needle("files", path) for path in paths]
        return certificates.Verifier(found)


def _looked_at(made: Json, options: Json) -> Json:
    """What the scanner returned, in its shape and about every endpoint that it was asked, and no other."""
    if options["dest"] or "reports" not in made:
        return made
    made = arrival.shown(arrival.checked("scan", made))
    asked, told = set(options["endpoints"]), {report["endpoint"] for report in made.get("reports") or ()}
    if "reports" in made and asked != told:
        wrong = f"was not asked of {min(told - asked)}" if told - asked else f"did not tell of {min(asked - told)}"
        return {"failed": True, "changed": False, "msg": f"the scanner {wrong}; nothing of what it told is used"}
    return made
