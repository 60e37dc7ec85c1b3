# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How fast registers of 10,000 flows and 1,000 exceptions are validated, and joined with 10,000 verdicts.

From YAML files to checked data with every rule applied, as each playbook does it; then every flow to its verdict. Times
are the best of several runs, in CPU seconds: other work on the machine does not count. The peer of the reading is
PyYAML's own safe loader with libyaml, which only parses the same text.
"""

from __future__ import annotations

import datetime
import tempfile
import typing as t
from pathlib import Path

import yaml
from nginx_parser import seconds

from ansible_collections.encryption.in_transit.plugins.plugin_utils.registers import join, load

NAMES = ("registers_validate", "registers_join")

FLOWS, EXCEPTIONS = 10_000, 1_000
VALIDATE_GOAL, JOIN_GOAL = 5.0, 2.0
TODAY = datetime.date(2026, 11, 22)

FLOW = """\
  - id: FLOW-{number:05}
    name: Flow number {number}
    data_class: phi
    direction: internal
    source: interface engine
    endpoints: ["https://host{number:05}.hospital.example:443"]
    encryption: tls
    profile: intermediate
    software: nginx
    owner: {{name: J. Doe, team: Web, email: web@hospital.example}}
    cleartext_hops: []
    exceptions: [{exceptions}]
    verified_by: probe
"""
EXCEPTION = """\
  - id: EXC-2026-{number:04}
    title: Device {number} accepts TLS 1.0
    status: approved
    scope:
      hosts: [host{number:05}.hospital.example]
      ports: [443]
      checks: [protocol.tls1_0, suite.forbidden]
    accept: [TLS_RSA_WITH_AES_128_CBC_SHA]
    flows: [FLOW-{number:05}]
    justification: Vendor firmware 3 has no newer protocol
    risk: {{rating: high, statement: interception on the device network}}
    compensating_controls: [the network is isolated]
    owner: {{name: J. Doe, team: Biomed, email: biomed@hospital.example}}
    requested: 2026-10-02
    approval: {{by: A. Roe, date: 2026-10-09, reference: CHG-{number}}}
    expires: 2027-02-28
    remediation: {{plan: firmware 4, milestones: [{{date: 2026-12-15, what: pilot}}]}}
"""


def write(folder: Path) -> tuple[list[str], list[str]]:
    """Both registers; their paths, and the hosts in them."""
    flows = "".join(
        FLOW.format(number=number, exceptions=f"EXC-2026-{number:04}" if number < EXCEPTIONS else "")
        for number in range(FLOWS)
    )
    (folder / "flows.yml").write_text(f"flows:\n{flows}")
    exceptions = "".join(EXCEPTION.format(number=number) for number in range(EXCEPTIONS))
    (folder / "exceptions.yml").write_text(f"exceptions:\n{exceptions}")
    hosts = [f"host{number:05}.hospital.example" for number in range(FLOWS)]
    return [str(folder / "flows.yml"), str(folder / "exceptions.yml")], hosts


def run() -> list[dict[str, t.Any]]:
    with tempfile.TemporaryDirectory() as name:
        paths, hosts = write(Path(name))
        validate = min(seconds(lambda: load.load(paths, TODAY, hosts)) for _ in range(3))
        texts = [Path(path).read_text() for path in paths]
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        parse = seconds(lambda: [yaml.load(text, loader) for text in texts])
        registers = load.load(paths, TODAY, hosts)
    reports = [{"endpoint": f"https://{host}:443?sni={host}", "verdict": "compliant", "host": host} for host in hosts]
    rows = join.flows(registers.flows, reports)
    assert all(row["verdict"] == "compliant" for row in rows)
    joined = min(seconds(lambda: join.flows(registers.flows, reports)) for _ in range(3))
    return [
        {
            "name": "registers_validate",
            "unit": f"CPU seconds for {FLOWS} flows and {EXCEPTIONS} exceptions",
            "ours": validate,
            "other": parse,
            "other_name": "PyYAML safe load alone",
            "ratio": parse / validate,
            "goal": f"under {VALIDATE_GOAL:g} s",
            "met": validate < VALIDATE_GOAL,
        },
        {
            "name": "registers_join",
            "unit": f"CPU seconds for {FLOWS} flows and {len(reports)} verdicts",
            "ours": joined,
            "other": JOIN_GOAL,
            "other_name": "the promise",
            "ratio": JOIN_GOAL / joined,
            "goal": f"under {JOIN_GOAL:g} s",
            "met": joined < JOIN_GOAL,
        },
    ]
