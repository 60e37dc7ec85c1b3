"""The action as ansible-core runs it, behind tasks whose results the roles keep."""

from __future__ import annotations

import json

import pytest
import yaml

from ansible_collections.encryption.in_transit.tests.unit.plugins.action.plays import run

CHANGED = {
    "changed": True,
    "msg": "nginx: 1 file changed",
    "instances": [
        {
            "name": "/etc/nginx/nginx.conf",
            "version": "1.22.1",
            "changed": True,
            "config": "/etc/nginx/nginx.conf",
            "transaction": "20261121T020000-1",
            "files": [],
        }
    ],
}


def test_a_play_leaves_one_record_for_each_change(tmp_path):
    hosts = {
        "web1": {"__nginx_tls_result": CHANGED},
        "web2": {"__nginx_tls_result": {"instances": [{"name": "nginx", "version": "1.22.1", "changed": False}]}},
    }
    record = {
        "encryption.in_transit.change_record": {"dest": "evidence/changes", "ticket": "{{ in_transit_ticket }}"},
        "run_once": True,
        "delegate_to": "localhost",
    }
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (tmp_path / "play.yml").write_text(
        # Once for each batch of hosts, as in harden with serial.
        yaml.safe_dump([{"hosts": "all", "serial": 1, "gather_facts": False, "tasks": [record]}])
    )
    done = run(tmp_path, "play.yml", "-e", "in_transit_ticket=CHG-4711")
    assert done.returncode == 0, done.stdout
    (path,) = (tmp_path / "evidence" / "changes").iterdir()
    kept = json.loads(path.read_text())
    assert (kept["host"], kept["stack"], kept["outcome"], kept["ticket"]) == ("web1", "nginx", "changed", "CHG-4711")
    assert kept["message"] == "nginx: 1 file changed"
    assert path.stat().st_mode & 0o777 == 0o600


def test_windows_and_the_policy_of_a_system_leave_records_too(tmp_path):
    value = {"key": "HKLM\\TLS 1.0\\Server", "name": "Enabled", "type": "REG_DWORD", "before": "1", "after": "0"}
    edit = {"file": value["key"], "line": 0, "check": "protocol.tls1_0", "reason": "TLSv1.0 is on"}
    windows = {"name": "schannel", "version": "10.0", "changed": True, "config": "registry", "transaction": "t1",
               "values": [value], "edits": [edit], "rollback": "C:\\ProgramData\\t1.reg",
               "reboot_required": True}  # fmt: skip
    policy = {"name": "crypto-policies", "version": "20230731", "changed": True, "reloaded": True,
              "config": "/etc/crypto-policies/config", "transaction": "t2"}  # fmt: skip
    hosts = {
        "ward3": {"__schannel_tls_result": {"changed": True, "instances": [windows]}},
        "lab1": {"__crypto_policy_result": {"changed": True, "msg": "DEFAULT to FUTURE", "instances": [policy]}},
    }
    record = {
        "encryption.in_transit.change_record": {"dest": "evidence/changes"},
        "run_once": True,
        "delegate_to": "localhost",
    }
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (tmp_path / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [record]}]))
    done = run(tmp_path, "play.yml")
    assert done.returncode == 0, done.stdout
    kept = {one["host"]: one for one in map(json.loads, (
        path.read_text() for path in (tmp_path / "evidence" / "changes").iterdir()
    ))}  # fmt: skip
    ward = kept["ward3"]
    assert (ward["stack"], ward["values"], ward["edits"]) == ("schannel", [value], [edit])
    assert ward["rollback"].endswith("t1.reg") and ward["reboot_required"] is True
    assert (kept["lab1"]["stack"], kept["lab1"]["message"]) == ("crypto_policy", "DEFAULT to FUTURE")
    assert "values" not in kept["lab1"]


@pytest.mark.parametrize("ticket", ["", "CHG-4711"])
def test_hosts_are_hardened_only_with_a_ticket_where_one_is_required(tmp_path, ticket):
    variables = {"in_transit_stacks": [], "in_transit_become": False, "in_transit_ticket_required": True}
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": {"web1": {}}, "vars": variables}}))
    done = run(tmp_path, "encryption.in_transit.harden", "-e", f"in_transit_ticket={ticket}")
    assert (done.returncode == 0) == bool(ticket), done.stdout
    assert ("a ticket is required (in_transit_ticket); nothing was changed" in done.stdout) == (not ticket)
    # The tasks after a refusal are not reached.
    assert ("TASK [Show what was done]" in done.stdout) == bool(ticket)
