# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of M(encryption.in_transit.evidence_bundle): gather what the hosts left, write it down, seal it."""

from __future__ import annotations

import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars

from ..module_utils.baseline import model
from ..module_utils.errors import InTransitError
from ..module_utils.findings.checks import SEVERITIES
from ..module_utils.run.ansible_exceptions import today
from ..plugin_utils.evidence import bundle, changes, collected, facts, gather, history, publish
from ..plugin_utils.evidence.exports.verdict import verdict as whole_verdict
from ..plugin_utils.evidence.run import Record, assemble
from ..plugin_utils.evidence.signature import Signer
from ..plugin_utils.evidence.timestamp import TimeAuthority
from ..plugin_utils.printable import printable
from ..plugin_utils.registers import load

display = Display()


class ActionModule(ActionBase):
    """Runs on the controller; needs no connection and changes no host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(
            argument_spec={
                "directory": {"type": "path", "required": True},
                "state": {"type": "str", "default": "sealed", "choices": ["ready", "sealed"]},
                "run": {"type": "dict"},
                "profile": {"type": "str", "default": "intermediate"},
                "baseline": {"type": "dict", "default": {}},
                "registers": {"type": "list", "elements": "path", "default": []},
                "changes": {"type": "path"},
                "hosts": {"type": "list", "elements": "dict"},
                "population": {"type": "list", "elements": "str"},
                "signing_key": {"type": "path"},
                "tsa_url": {"type": "str"},
                "tsa_ca": {"type": "path"},
                "tsa_required": {"type": "bool", "default": False},
                "metrics": {"type": "path"},
                "classification": {"type": "str", "default": "confidential"},
                "fail_severity": {"type": "str", "default": "low", "choices": list(SEVERITIES)},
                "fail_on": {
                    "type": "list",
                    "elements": "str",
                    "choices": ["fail", "indeterminate"],
                    "default": ["fail", "indeterminate"],
                },
            }
        )
        for name in ("directory", "signing_key", "tsa_ca", "metrics", "changes"):
            options[name] = self._absolute(options[name])
        try:
            if options["state"] == "ready":
                return {**result, **self._ready(options)}
            return {**result, **self._sealed(options, task_vars or {})}
        except InTransitError as error:
            code = getattr(error, "exit_code", 4)
            return {**result, "failed": True, "msg": str(error), "sealed": False, "verdict": {"exit_code": code}}

    def _absolute(self, path: str | None) -> str | None:
        """Relative to where the command was given, like every other path on a command line."""
        return os.path.abspath(os.path.expanduser(path)) if path else None

    def _sealing(self, options: dict[str, t.Any]) -> bundle.Sealing:
        url, key = options["tsa_url"], options["signing_key"]
        return bundle.Sealing(
            Signer(key) if key else None,
            TimeAuthority(url, options["tsa_ca"], options["tsa_required"]) if url else None,
            options["classification"],
            options["fail_severity"],
        )

    def _ready(self, options: dict[str, t.Any]) -> dict[str, t.Any]:
        fresh = not os.path.isdir(options["directory"])
        bundle.ready(options["directory"], self._sealing(options), touch=not self._task.check_mode)
        run = facts.start()
        place = None if self._task.check_mode else collected.folder(options["directory"], run["run_id"])
        return {"changed": fresh, "sealed": False, "run": run, "collected": place}

    def _sealed(self, options: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        check_mode = bool(self._task.check_mode)
        sealing = self._sealing(options)
        bundle.ready(options["directory"], sealing, touch=not check_mode)
        baseline = model.load(options["profile"], options["baseline"])
        hosts, population = options["hosts"], options["population"]
        run = options["run"] or facts.start()
        place = collected.folder(options["directory"], run["run_id"])
        record = assemble(
            {
                **facts.collect(run, variables, load_extra_vars(self._loader), check_mode),
                "history": history.earlier(options["directory"]),
            },
            variables["groups"]["all"] if population is None else population,
            gather.hosts(variables, place) if hosts is None else hosts,
            {**baseline.to_dict(), "digest": baseline.digest},
            load.entries(options["registers"], today(), list(variables["groups"]["all"])),
            changes.unbundled(options["changes"], options["directory"]) if options["changes"] else (),
            history.last(options["directory"]),
        )
        if check_mode:
            verdict = whole_verdict(record, options["fail_severity"])
            path = os.path.join(options["directory"], record.run["run_id"])
            report, seal, stamped = os.path.join(path, "data", "report.html"), None, False
            said = "would be written to"
        else:
            made = bundle.write(options["directory"], record, sealing)
            path, report, verdict = made.seal.path, made.report, made.verdict
            seal, stamped = made.seal.digest, made.seal.stamped
            said = "sealed in"
            published = self._publish(options["metrics"], record, made)
            for warning in [*made.seal.warnings, *published, *collected.remove(place)]:
                display.warning(printable(warning))
        reasons = "; ".join(verdict["reasons"]) or "everything holds and is proved"
        words = f"evidence {said} {path}: {verdict['verdict'].replace('_', ' ')}, {reasons}"
        display.display(printable(f"\n{words}\nreport: {report}\n" + (f"seal: {seal}\n" if seal else "")))
        failing = {2: "fail", 3: "indeterminate"}.get(verdict["exit_code"]) in options["fail_on"]
        return {
            "changed": True,
            "failed": failing,
            "msg": words,
            "bundle": path,
            "report": report,
            "sealed": not check_mode,
            "seal": seal,
            "timestamped": stamped,
            "verdict": {key: verdict[key] for key in ("exit_code", "verdict", "reasons", "complete")},
            "counts": {key: verdict[key] for key in ("population", "endpoints", "results")},
        }

    def _publish(self, metrics: str | None, record: Record, made: bundle.Outcome) -> list[str]:
        """Tell others the head of the ledger. What fails here is told; the bundle is sealed all the same."""
        publish.log(publish.log_line(made.seal, made.verdict))
        if metrics:
            try:
                publish.write_metrics(metrics, record, made.verdict, made.seal.digest)
            except InTransitError as error:
                return [str(error)]
        return []
