"""The report in a real browser: what axe-core says of it, and whether its filter works without a script.

`make axe` fetches axe-core; without it or without Chromium these tests are skipped, in a pipeline too: a browser is
larger than everything else the tests need.
"""

from __future__ import annotations

import html
import json
import pathlib
import re
import shutil
import subprocess

import evidence_samples as samples
import pytest

from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import report
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.exports.verdict import verdict
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.run import assemble

AXE = pathlib.Path(__file__).parents[5] / ".cache/axe/node_modules/axe-core/axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not (CHROMIUM and AXE.exists()), reason="needs Chromium and axe-core: make axe")

# The page's own policy forbids scripts; only the copy under test may run one.
RUN_AXE = """
axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(found => {
  const told = found.violations.map(v => [v.id, v.impact, v.nodes.length, v.nodes[0].html, v.nodes[0].failureSummary]);
  document.body.innerHTML = "<pre id=told></pre>";
  document.getElementById("told").textContent = JSON.stringify({violations: told, passes: found.passes.length});
});
"""
#: Choose each filter as a click or the arrow keys do, and count the rows one can see.
RUN_FILTER = """
const seen = {};
for (const id of ["show-all", "show-open", "show-failing"]) {
  document.getElementById(id).checked = true;
  seen[id] = [...document.querySelectorAll(".matrix tr[data-state]")].filter(row => row.offsetParent !== null).length;
}
document.body.innerHTML = "<pre id=told></pre>";
document.getElementById("told").textContent = JSON.stringify(seen);
"""


def told(tmp_path, scripts, width=1180):
    history = [
        {
            "run_id": f"202611{day}T020005Z-000001",
            "exit_code": 2,
            "complete": True,
            "endpoints": {"compliant": 8, "excepted": 1, "non_compliant": 4, "indeterminate": 1, "unreachable": 1},
        }
        for day in (18, 19, 20)
    ]
    hosts = [*samples.hosts(), {"host": "away.example", "reachable": False, "error": "No route to host"}]
    registers = {"exceptions": [samples.exception()]}
    facts = {**samples.FACTS, "history": history}
    record = assemble(facts, [*samples.HOSTS, "away.example"], hosts, samples.baseline(), registers)
    page = dict(report.render(record, verdict(record)))["report.html"]
    page = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    path = tmp_path / "report.html"
    path.write_text(page.replace("</body>", "".join(f"<script>{text}</script>" for text in scripts) + "</body>"))
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},2000"]
    command += [f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=60000", "--dump-dom", path.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return json.loads(html.unescape(re.search('<pre id="told">(.*?)</pre>', dom, re.DOTALL).group(1)))


@pytest.mark.parametrize("width", [1180, 500])
def test_axe_finds_nothing(tmp_path, width):
    found = told(tmp_path, [AXE.read_text(encoding="utf-8"), RUN_AXE], width)
    assert found["violations"] == []
    assert found["passes"] > 20


def test_the_filter_works_without_a_script_of_ours(tmp_path):
    assert told(tmp_path, [RUN_FILTER]) == {"show-all": 15, "show-open": 5, "show-failing": 2}
