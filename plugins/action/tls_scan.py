# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.tls_scan): the module scans, here the chains it saw are verified and judged.

Signatures need C(cryptography), which a controller has and a scanning host need not.
"""

from __future__ import annotations

import tempfile
import typing as t

from ansible import constants as C
from ansible.plugins.action import ActionBase

from ..module_utils.errors import InTransitError
from ..module_utils.findings import judge
from ..module_utils.run.ansible_scan import ARGUMENTS
from ..plugin_utils import arrival, certificates, judging
from ..plugin_utils.evidence import collected

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
        judging_trust = bool(options["ca_path"]) and not options["dest"] and not self._task.async_val
        try:
            verifier = self._verifier(options["ca_path"]) if judging_trust else None
            if options["export_dest"]:
                return {**result, **self._exported(options, judging.Judge(options, verifier), task_vars or {})}
            made = self._scan({"der": True, "fail_on": []} if verifier else {}, task_vars)
            if self._task.async_val or options["dest"]:
                return {**result, **arrival.shown(arrival.stripped("scan", made))}
            return {**result, **_judged(made, options, verifier)}
        except InTransitError as error:
            return {**result, "failed": True, "changed": False, "msg": str(error)}

    def _scan(self, arguments: Json, task_vars: Json | None) -> Json:
        """What the module returned, with these arguments instead of those of the task."""
        made = self._execute_module(
            module_name="encryption.in_transit.tls_scan",
            module_args={**self._task.args, **arguments},
            task_vars=task_vars,
            wrap_async=self._task.async_val,
        )
        return t.cast(Json, made)

    def _exported(self, options: Json, judge_: judging.Judge, task_vars: Json) -> Json:
        """The module's result without its reports, which are in a file of the controller."""
        if options["dest"] or self._task.async_val or self._connection.become:
            raise InTransitError("export_dest: cannot be used with dest, with async or with become")
        remote = self._connection._shell.join_path(self._make_tmp_path(), "reports.ndjson")
        made = self._scan({"export_dest": remote, "der": True, "fail_on": []}, task_vars)
        made = arrival.shown(arrival.checked("scan", made))
        if made.get("failed") or made.get("unreachable"):
            return made
        with tempfile.NamedTemporaryFile(dir=C.DEFAULT_LOCAL_TMP) as local:
            self._connection.fetch_file(remote, local.name)
            found = (judge_.judged(*line) for line in judging.lines(local.name, options["endpoints"]))
            folder = collected.folder(options["export_dest"])
            told = collected.put_reports(folder, str(task_vars["inventory_hostname"]), found)
        failed = bool(judge_.statuses & set(options["fail_on"]))
        return {**made, "failed": failed, collected.KEY: told}

    def _verifier(self, paths: t.Sequence[str]) -> certificates.Verifier:
        """Raises ConfigurationError for a file of trusted authorities that is of no use."""
        found = [path if path == certificates.SYSTEM else self._find_needle("files", path) for path in paths]
        return certificates.Verifier(found)


def _judged(made: Json, options: Json, verifier: certificates.Verifier | None) -> Json:
    """What the scanner returned, in its shape and about every endpoint that it was asked; with trust, if it is judged.

    Raises InTransitError.
    """
    result = arrival.shown(arrival.checked("scan", made))
    if "reports" not in result and (result.get("failed") or result.get("unreachable")):
        return result
    judging.all_told(options["endpoints"], (report["endpoint"] for report in result.get("reports") or ()))
    if verifier is None:
        return result
    judge_ = judging.Judge(options, verifier)
    result["reports"] = [judge_.judged(report, result.get("der") or {}) for report in result["reports"]]
    if not options["der"]:
        result.pop("der", None)
    result["findings"] = sorted((item for report in result["reports"] for item in report["findings"]), key=judge.order)
    if judge_.statuses & set(options["fail_on"]):
        result["failed"] = True
    return result
