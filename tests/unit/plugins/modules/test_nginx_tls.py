# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module files: what is documented is what there is, and a run ends as Ansible expects."""

from __future__ import annotations

import io
import json
import os
import re

import pytest
import yaml
from ansible.module_utils import basic

from ansible_collections.encryption.in_transit.plugins.doc_fragments.exceptions import ModuleDocFragment as Exceptions
from ansible_collections.encryption.in_transit.plugins.doc_fragments.export import ModuleDocFragment as Export
from ansible_collections.encryption.in_transit.plugins.doc_fragments.stack import ModuleDocFragment
from ansible_collections.encryption.in_transit.plugins.module_utils.run import ansible_stack
from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
from ansible_collections.encryption.in_transit.plugins.modules import nginx_tls, nginx_tls_info
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.toy_stack import ToyStack

ROLE = os.path.join(os.path.dirname(__file__), "../../../../roles/nginx_tls")


def documented(*texts):
    options = {}
    for text in texts:
        options.update(yaml.safe_load(text).get("options") or {})
    return options


def shape(options):
    """Names, types, defaults and choices, from a documentation or an argument spec alike."""
    result = {}
    for name, option in options.items():
        inner = option.get("suboptions") or option.get("options")
        keys = ("type", "elements", "default", "choices", "required")
        result[name] = {key: option[key] for key in keys if key in option}
        if inner:
            result[name]["options"] = shape(inner)
    return result


def test_options_of_nginx_tls_are_documented():
    text = documented(
        Exceptions.DOCUMENTATION,
        Export.DOCUMENTATION,
        ModuleDocFragment.DOCUMENTATION,
        ModuleDocFragment.HARDEN,
        ModuleDocFragment.HTTP,
        nginx_tls.DOCUMENTATION,
    )
    assert shape(text) == shape({**ansible_stack.HARDEN, **ansible_stack.HTTP})


def test_options_of_nginx_tls_info_are_documented():
    text = documented(
        Exceptions.DOCUMENTATION,
        Export.DOCUMENTATION,
        ModuleDocFragment.DOCUMENTATION,
        ModuleDocFragment.HTTP,
        nginx_tls_info.DOCUMENTATION,
    )
    assert shape(text) == shape({**ansible_stack.AUDIT, **ansible_stack.HTTP})


def test_defaults_are_those_of_the_desk():
    assert ansible_stack.COMMON["state_dir"]["default"] == desk.STATE_DIR


#: What the action takes out of a result, see ArrivingAction.
RECEIPTS = {"receipts"}


# --- a run ------------------------------------------------------------------------------------------------------


class Ended(Exception):
    pass


@pytest.fixture
def toy(tmp_path, monkeypatch):
    os.makedirs(tmp_path / "etc")
    (tmp_path / "etc" / "toy.conf").write_text("address 127.0.0.1:4433\nprotocols TLSv1.0\n")
    return ToyStack(tmp_path)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run an entry with arguments as Ansible would; the result, and whether it failed."""

    def ends(failed):
        def end(_module, **result):
            raise Ended(json.dumps(result), failed)

        return end

    monkeypatch.setattr(basic.AnsibleModule, "exit_json", ends(False))
    monkeypatch.setattr(basic.AnsibleModule, "fail_json", ends(True))

    def run(entry, stack, **arguments):
        arguments = {"state_dir": str(tmp_path / "state"), "proof": False, **arguments}
        text = json.dumps({"ANSIBLE_MODULE_ARGS": arguments})
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", text.encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        monkeypatch.setattr("sys.stdin", io.StringIO())
        with pytest.raises(Ended) as ended:
            entry(stack)
        result, failed = ended.value.args
        return json.loads(result), failed

    return run


def test_harden_check_and_audit(run, toy):
    result, failed = run(ansible_stack.harden, toy, _ansible_check_mode=True, _ansible_diff=True)
    assert not failed and result["changed"] and result["diff"][0]["after"].endswith("protocols TLSv1.2 TLSv1.3\n")
    result, failed = run(ansible_stack.harden, toy)
    assert not failed and result["changed"] and "diff" not in result
    for path in result["receipts"]:  # as the action does when it has the result
        os.unlink(path)
    result, failed = run(ansible_stack.harden, toy)
    assert not failed and not result["changed"]
    result, failed = run(ansible_stack.audit, toy, export=True)
    assert not failed and not result["changed"] and result["instances"][0]["export"]


def test_recover(run, toy):
    result, failed = run(ansible_stack.harden, toy, state="recover")
    assert not failed and not result["changed"] and "no run was interrupted" in result["msg"]


def test_failure_is_a_failed_task(run, tmp_path):
    result, failed = run(ansible_stack.harden, ToyStack(tmp_path / "nowhere"))
    assert failed and "not installed" in result["msg"] and "failed" not in result


def test_a_failure_is_told_in_few_words(run, toy):
    with open(toy.config, "wb") as file:
        file.write(b"\xef\xbb\xbfprotocols TLSv1.0\n")
    for entry in (ansible_stack.harden, ansible_stack.audit):
        result, failed = run(entry, toy)
        assert failed and "toy.conf" in result["msg"]
        assert set(result) - RECEIPTS == {"changed", "msg", "findings", "instances"}
        assert set(result["instances"][0]) == set(ansible_stack.FAILURE)
        assert {item["check"] for item in result["findings"]} <= {"config.valid"}


def test_a_failure_keeps_what_was_tried_for_the_record_of_the_change(run, toy, monkeypatch):
    def lost(_proof, _before, _after):
        return ["nobody answers any more"]

    toy.boot()
    monkeypatch.setattr(desk.HandshakeProof, "objections", lost)
    result, failed = run(ansible_stack.harden, toy, timeouts={"proof": 0.0})
    (instance,) = result["instances"]
    assert failed and instance["undone"] is True
    (changed,) = instance["files"]
    assert "+protocols TLSv1.2 TLSv1.3" in changed["diff"]


def test_bad_baseline_is_a_failed_task(run, toy):
    result, failed = run(ansible_stack.harden, toy, profile="lax")
    assert failed and re.match(r"baseline: profile: .*lax", result["msg"])
    result, failed = run(ansible_stack.harden, toy, baseline={"protocols": []})
    assert failed and "baseline: protocols" in result["msg"]


def test_results_are_documented(run, toy):
    result, _failed = run(ansible_stack.harden, toy, _ansible_diff=True)
    text = yaml.safe_load(nginx_tls.RETURN)
    assert set(result) - {"changed"} - RECEIPTS == set(text)
    assert set(result["instances"][0]) == set(text["instances"]["contains"])
    audit, _failed = run(ansible_stack.audit, toy, export=True, _ansible_diff=True)
    text = yaml.safe_load(nginx_tls_info.RETURN)
    assert set(audit) - {"changed"} == set(text)
    assert set(text["instances"]["contains"]) <= set(audit["instances"][0])


# --- the role ---------------------------------------------------------------------------------------------------


def role(*path):
    with open(os.path.join(ROLE, *path)) as file:
        return file.read()


def test_role_defaults_specs_readme_and_use_agree():
    defaults = yaml.safe_load(role("defaults", "main.yml"))
    specs = yaml.safe_load(role("meta", "argument_specs.yml"))["argument_specs"]
    assert set(specs["main"]["options"]) == set(defaults)
    for name, option in specs["main"]["options"].items():
        follows = isinstance(defaults[name], str) and "{{" in defaults[name]
        assert ("default" not in option) if follows else (option["default"] == defaults[name]), name
    for entry in ("verify", "collect"):
        for name, option in specs[entry]["options"].items():
            assert option == specs["main"]["options"][name]
    table = set(re.findall(r"^\| `(nginx_tls_\w+)`", role("README.md"), re.MULTILINE))
    assert table == set(defaults)
    for entry, tasks in (("main", "main.yml"), ("verify", "verify.yml")):
        used = set(re.findall(r"\b(?<!_)nginx_tls_\w+", role("tasks", tasks))) - {"nginx_tls_info"}
        assert used == set(specs[entry]["options"]), entry


def test_role_passes_every_option_of_the_module():
    (task,) = yaml.safe_load(role("tasks", "main.yml"))
    every = {*ansible_stack.HARDEN, *ansible_stack.HTTP, *ansible_stack.LOGGING} - {"state"}
    assert set(task["encryption.in_transit.nginx_tls"]) == every
    (task,) = yaml.safe_load(role("tasks", "verify.yml"))
    assert set(task["encryption.in_transit.nginx_tls_info"]) == {*ansible_stack.AUDIT, *ansible_stack.HTTP}
    (handler,) = yaml.safe_load(role("handlers", "main.yml"))
    assert set(handler["encryption.in_transit.nginx_tls"]) == every - {"reload"}
