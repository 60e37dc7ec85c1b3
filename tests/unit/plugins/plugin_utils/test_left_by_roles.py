"""What roles leave on hosts is found by its name."""

from __future__ import annotations

from ansible_collections.encryption.in_transit.plugins.plugin_utils import left_by_roles


def test_results_are_found_by_kind_and_stack():
    variables = {
        "__nginx_tls_audit": {"instances": []},
        "__nginx_tls_result": {"failed": True},
        "__x_tls_audit": {},
        "nginx_tls_x": 1,
    }
    assert left_by_roles.stacks(variables, "audit") == {"nginx": {"instances": []}}
    assert left_by_roles.stacks(variables, "result") == {"nginx": {"failed": True}}


def test_a_stack_that_is_no_server_has_its_bare_name():
    variables = {
        "__crypto_policy_audit": {"instances": []},
        "__discover_result": {"failed": True},
        "__crypto_policy_result": {},
    }
    assert left_by_roles.stacks(variables, "audit") == {"crypto_policy": {"instances": []}}
    assert left_by_roles.stacks(variables, "result") == {}


def test_shares_of_several_scanners_are_one_scan():
    hostvars = {
        "a": {"__verify_scan": {"reports": [{"endpoint": "1"}]}},
        "b": {"__verify_scan": {"reports": [{"endpoint": "2"}]}},
        "c": {"__verify_scan": {"skipped": True}},
        "d": {},
    }
    found = [report for one in left_by_roles.scans(hostvars, hostvars).results for report in one.get("reports", [])]
    assert found == [{"endpoint": "1"}, {"endpoint": "2"}]
    assert left_by_roles.scans(hostvars, hostvars).failed is None


def test_one_scanner_that_failed_fails_the_scan():
    hostvars = {
        "a": {"__verify_scan": {"reports": []}},
        "b": {"__verify_scan": {"unreachable": True, "msg": "no route to scanner2"}},
    }
    assert left_by_roles.scans(hostvars, hostvars).failed == "no route to scanner2"
