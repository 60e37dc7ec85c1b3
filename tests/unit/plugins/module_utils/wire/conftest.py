"""Every report that the engine makes in these tests is one that a controller takes from its scanners."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import judge
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import report as reports
from ansible_collections.encryption.in_transit.plugins.plugin_utils import arrival

BASELINE = model.load("intermediate", {})


@pytest.fixture(autouse=True)
def taken_by_controllers(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[None]:
    assemble, refused = reports.assemble, []

    def looked_at(*args: t.Any) -> dict[str, t.Any]:
        report = assemble(*args)
        findings = judge.judge_report(report, BASELINE)
        judged = {**report, "findings": findings, "verdict": judge.verdict(report, findings), "vantage": "here"}
        judged["certificates"] = [
            {key: value for key, value in served.items() if key != "der"} for served in report["certificates"]
        ]
        sent = json.loads(json.dumps({"changed": False, "msg": "", "findings": [], "reports": [judged]}))
        if arrival.checked("scan", sent).get("failed"):
            refused.append(arrival.checked("scan", sent)["msg"])
        return report

    monkeypatch.setattr(reports, "assemble", looked_at)
    yield
    assert not refused
