# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Actions discovery and gate: options documented, files written, check mode writes nothing."""

from __future__ import annotations

import json
import types

import pytest
import yaml

from ansible_collections.encryption.in_transit.plugins.action.discovery import ActionModule
from ansible_collections.encryption.in_transit.plugins.module_utils.run import discover as desk
from ansible_collections.encryption.in_transit.plugins.modules import discovery, gate
from ansible_collections.encryption.in_transit.plugins.plugin_utils.gate.judgement import Request

FLOWS = """\
flows:
  - id: FLOW-0001
    name: portal
    data_class: phi
    direction: internet
    source: browsers
    endpoints: ["https://portal.hospital.example"]
    hosts: [web1]
    encryption: tls
    owner: {name: J. Doe, email: j@hospital.example}
    verified_by: probe
"""


def listener(port, transport="tls"):
    return {
        **desk._unknown("as tested"),
        "address": "0.0.0.0",
        "port": port,
        "scope": "any",
        "namespace": None,
        "process": {"pid": 1, "program": "/usr/sbin/nginx", "command": "nginx", "user": "root"},
        "package": "nginx",
        "unit": "",
        "container": "",
        "clients": {"local": 0, "remote": 0},
        "transport": transport,
        "scheme": "https",
    }


def run(tmp_path, listeners, check=False, **options):
    action = ActionModule.__new__(ActionModule)
    action._task = types.SimpleNamespace(check_mode=check)
    left = {"__discover_result": {"listeners": listeners, "addresses": [], "hostname": "web1"}}
    variables = {"hostvars": {"web1": left}, "ansible_play_hosts_all": ["web1"], "groups": {"all": ["web1"]}}
    register = tmp_path / "flows.yml"
    register.write_text(FLOWS)
    asked = {"registers": [str(register)], "expected_ports": [], "directory": str(tmp_path / "out"), "fail_on": []}
    return action._joined({**asked, **options}, variables)


def test_what_was_found_is_written(tmp_path):
    made = run(tmp_path, [listener(443), listener(8443)])
    assert (made["code"], made["failed"], made["changed"]) == (2, False, True)
    assert made["counts"]["unregistered"] == 1
    written = json.loads((tmp_path / "out" / "discovered.json").read_text())
    assert written["code"] == 2
    assert written["hosts"]["web1"]["listeners"][1]["port"] == 8443
    entries = yaml.safe_load((tmp_path / "out" / "flows-to-complete.yml").read_text())["flows"]
    assert [one["id"] for one in entries] == ["FLOW-0002"]
    assert [one["check"] for one in made["findings"]] == ["register.unregistered"]


def test_check_mode_tells_the_same_and_writes_nothing(tmp_path):
    made = run(tmp_path, [listener(443), listener(8443)], check=True)
    assert (made["code"], made["changed"], len(made["files"])) == (2, True, 2)
    assert not (tmp_path / "out").exists()


def test_a_failing_run_returns_little(tmp_path):
    made = run(tmp_path, [listener(8443)], fail_on=["fail"])
    assert made["failed"]
    assert not {"findings", "entries"} & set(made)


def test_everything_registered_is_zero(tmp_path):
    made = run(tmp_path, [listener(443)], directory="")
    assert (made["code"], made["changed"], made["files"]) == (0, False, [])


def test_expected_ports_need_no_entry(tmp_path):
    assert run(tmp_path, [listener(443), listener(8443)], expected_ports=["8440-8450"])["code"] == 0


@pytest.mark.parametrize("module", [discovery, gate])
def test_results_are_documented(module):
    assert {"msg", "code", "files"} <= set(yaml.safe_load(module.RETURN))


def test_the_gate_has_an_option_for_everything_it_is_asked():
    options = set(yaml.safe_load(gate.DOCUMENTATION)["options"])
    names = {"files": "static", "options": "timeout"}
    assert {names.get(field, field) for field in Request._fields} <= options
