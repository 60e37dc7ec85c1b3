# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hosts listen on against what the register says."""

from __future__ import annotations

import datetime

import pytest
import yaml

from ansible_collections.encryption.in_transit.plugins.module_utils.run import discover
from ansible_collections.encryption.in_transit.plugins.plugin_utils import discovery, left_by_roles
from ansible_collections.encryption.in_transit.plugins.plugin_utils.registers import load

OWNER = {"name": "J. Doe", "email": "j@hospital.example"}


def listener(port=443, address="0.0.0.0", transport="tls", scheme="https", names=(), **changes):
    made = {
        **discover._unknown("TLSv1.2 TLSv1.3"),
        "address": address,
        "port": port,
        "scope": {"0.0.0.0": "any", "::": "any", "127.0.0.1": "loopback"}.get(address, "address"),
        "namespace": None,
        "process": {"pid": 7, "program": "/usr/sbin/nginx", "command": "nginx", "user": "root"},
        "package": "nginx",
        "unit": "nginx.service",
        "container": "",
        "clients": {"local": 0, "remote": 0},
        "transport": transport,
        "scheme": scheme,
        "certificates": [{"names": list(names)}] if names else [],
    }
    return {**made, **changes}


def host(*listeners, name="web1", address="portal.hospital.example", error="", **changes):
    result = {"listeners": list(listeners), "addresses": ["192.0.2.10"], "hostname": "web1", **changes}
    return discovery.Discovered(name, (name,), address, None if error else result, error)


def flow(*endpoints, name="FLOW-0007", **changes):
    made = {"id": name, "endpoints": list(endpoints), "encryption": "tls", "owner": OWNER}
    return {**made, **changes}


def statuses(joined, check):
    return [(item["status"], item["observed"]) for item in joined.findings if item["check"] == check]


def only(joined, check):
    ((status, _text),) = statuses(joined, check)
    return status


@pytest.mark.parametrize(
    "uri",
    [
        "https://portal.hospital.example:443",
        "https://PORTAL.hospital.example",
        "https://192.0.2.10",
        "https://web1:443",
        "tls://portal.hospital.example:443",
    ],
)
def test_an_endpoint_is_a_listener_by_any_name_of_its_host(uri):
    joined = discovery.join([host(listener())], [flow(uri)])
    assert only(joined, "register.unregistered") == "pass"
    assert only(joined, "register.silent") == "pass"
    assert joined.entries == []


def test_a_flow_may_name_the_hosts_behind_its_address():
    behind = flow("https://vip.hospital.example", hosts=["web1", "web2"])
    joined = discovery.join([host(listener()), host(listener(), name="web2", address="web2")], [behind])
    assert [status for status, _text in statuses(joined, "register.unregistered")] == ["pass", "pass"]


def test_what_is_verified_from_outside_only_is_not_looked_for_here():
    joined = discovery.join([host()], [flow("https://portal.hospital.example", managed=False)])
    assert joined.findings == []


def test_ssh_endpoints_are_compared_as_well():
    protected = flow("ssh://portal.hospital.example:22", encryption="ssh")
    joined = discovery.join([host(listener(22, transport="ssh", scheme=None))], [protected])
    assert only(joined, "register.unregistered") == "pass"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "fail"),
        ({"transport": "starttls", "scheme": "smtp"}, "fail"),
        ({"transport": "plaintext"}, "fail"),
        ({"address": "192.0.2.10"}, "fail"),
        ({"address": "127.0.0.1"}, "not_applicable"),
        ({"transport": "ssh", "scheme": None}, "not_applicable"),
        ({"transport": "unknown", "scheme": None}, "indeterminate"),
        ({"namespace": "net:[1]"}, "indeterminate"),
        ({"port": 8006}, "not_applicable"),
    ],
)
def test_what_is_in_no_register(changes, status):
    joined = discovery.join([host(listener(**changes))], [], expected={8006})
    assert only(joined, "register.unregistered") == status


def test_a_registered_endpoint_where_nothing_listens():
    joined = discovery.join([host(listener(8443))], [flow("https://portal.hospital.example")])
    assert statuses(joined, "register.silent") == [("fail", "port 443: nothing listens")]


def test_a_host_nobody_could_look_at_proves_nothing():
    joined = discovery.join([host(error="no connection")], [flow("https://portal.hospital.example")])
    assert only(joined, "register.silent") == "indeterminate"
    shown = discovery.show([host(error="no connection")], joined)
    assert (shown.code, "web1 could not be looked at: no connection" in shown.text) == (3, True)


@pytest.mark.parametrize(
    ("changes", "encryption", "status"),
    [
        ({}, "tls", ["fail"]),
        ({"verdict": "compliant"}, "tls", ["pass"]),
        ({}, "ipsec", ["indeterminate"]),
        ({"address": "127.0.0.1"}, "tls", []),
        ({"transport": "tls"}, "tls", []),
    ],
)
def test_plaintext(changes, encryption, status):
    scheme = "ipsec" if encryption == "ipsec" else "https"
    registered = flow(f"{scheme}://portal.hospital.example:443", encryption=encryption)
    joined = discovery.join([host(listener(**{"transport": "plaintext", **changes}))], [registered])
    assert [found for found, _text in statuses(joined, "transport.plaintext")] == status


@pytest.mark.parametrize(
    ("address", "uri", "own", "status"),
    [
        ("0.0.0.0", "https://192.0.2.10", ["192.0.2.10", "198.51.100.7"], ["fail"]),
        ("192.0.2.10", "https://192.0.2.10", ["192.0.2.10", "198.51.100.7"], ["pass"]),
        ("198.51.100.7", "https://192.0.2.10", ["192.0.2.10", "198.51.100.7"], ["fail"]),
        ("0.0.0.0", "https://192.0.2.10", ["192.0.2.10", "2001:db8::1"], ["pass"]),
        ("::", "https://192.0.2.10", ["192.0.2.10", "2001:db8::1"], ["fail"]),
        ("0.0.0.0", "https://portal.hospital.example", ["192.0.2.10", "198.51.100.7"], []),
        ("0.0.0.0", "https://203.0.113.5", ["192.0.2.10", "198.51.100.7"], []),
    ],
    ids=["any", "its-own", "another", "the-only-one", "of-both-families", "by-name", "in-front-of-the-host"],
)
def test_bound_wider_than_the_register_needs(address, uri, own, status):
    joined = discovery.join([host(listener(address=address), addresses=own)], [flow(uri, hosts=["web1"])])
    assert [found for found, _text in statuses(joined, "register.bound_wide")] == status


def test_a_tunnel_of_ours_tells_nothing_of_the_host_behind_it():
    tunnelled = host(listener(), address="127.0.10.12")
    assert statuses(discovery.join([tunnelled], [flow("https://127.0.10.12")]), "register.bound_wide") == []


def test_what_else_a_wide_binding_reaches_is_told():
    found = host(listener(), addresses=["192.0.2.10", "198.51.100.7"])
    wide = statuses(discovery.join([found], [flow("https://192.0.2.10")]), "register.bound_wide")
    assert wide == [("fail", "bound to 0.0.0.0, which is 198.51.100.7 as well")]


def test_a_loopback_endpoint_needs_no_other_address():
    registered = flow("https://127.0.0.1", hosts=["web1"])
    assert only(discovery.join([host(listener(address="192.0.2.10"))], [registered]), "register.bound_wide") == "fail"
    assert only(discovery.join([host(listener(address="127.0.0.1"))], [registered]), "register.bound_wide") == "pass"


def test_clients_on_the_host_itself_are_a_hint():
    joined = discovery.join([host(listener(clients={"local": 4, "remote": 0}))], [])
    assert "all 4 clients of this moment are on the host itself" in statuses(joined, "register.unregistered")[0][1]


def test_entries_are_numbered_on_and_become_valid_when_completed(tmp_path):
    found = host(
        listener(names=["*.hospital.example", "portal.hospital.example"]),
        listener(address="::"),
        listener(80, transport="plaintext", scheme="http"),
        listener(4000, transport="unknown", scheme=None),
        listener(22, transport="ssh", scheme=None),
        listener(5432, address="127.0.0.1"),
    )
    joined = discovery.join([found], [flow("https://other.hospital.example", managed=False)])
    text = discovery.entries_yaml(joined.entries)
    flows = yaml.safe_load(text)["flows"]
    assert [(one["id"], one["endpoints"], one["encryption"]) for one in flows] == [
        ("FLOW-0008", ["https://portal.hospital.example:443"], "tls"),
        ("FLOW-0009", ["http://portal.hospital.example:80"], "none"),
        ("FLOW-0010", ["tls://portal.hospital.example:4000"], discovery.TO_COMPLETE),
    ]
    path = tmp_path / "flows.yml"
    path.write_text(text)
    _registers, problems = load.read([str(path)])
    assert {one.key.partition(".")[0] for one in problems} == {"FLOW-0008", "FLOW-0009", "FLOW-0010"}
    completed = {**flows[0], "name": "portal", "data_class": "phi", "direction": "internet", "source": "browsers"}
    path.write_text(yaml.safe_dump({"flows": [{**completed, "owner": OWNER}]}))
    registers = load.load([str(path)], datetime.date(2026, 11, 22), hosts=["web1"])
    assert only(discovery.join([found], registers.flows), "register.silent") == "pass"


def test_nothing_unregistered_is_an_empty_register():
    assert yaml.safe_load(discovery.entries_yaml([])) == {"flows": []}


def test_one_screen():
    hosts = [host(listener(), listener(80, transport="plaintext", scheme="http", detail="evil\x1b[2J"))]
    joined = discovery.join(hosts, [flow("https://portal.hospital.example")])
    shown = discovery.show(hosts, joined)
    assert shown.code == 2
    assert "\x1b" not in shown.text
    assert shown.text.splitlines()[1].split() == ["web1", "80", "any", "plaintext", "nginx", "not", "registered"]
    assert shown.text.splitlines()[-1] == "1 host, 2 listeners, 1 flow: 1 port not registered, 2 failures"
    assert max(map(len, shown.text.splitlines()[:3])) <= 80
    assert shown.counts["findings"] == {"fail": 2, "indeterminate": 0}
    good = discovery.join([host(listener())], [flow("https://portal.hospital.example")])
    assert discovery.show([host(listener())], good).code == 0


def test_one_screen_tells_each_thing_once():
    found = host(
        *(listener(port, address) for port in (443, 8443) for address in ("0.0.0.0", "::")),
        listener(80, transport="plaintext", scheme="http", verdict="compliant"),
        listener(22, transport="ssh", scheme=None),
        listener(9443, "127.0.0.1", verdict="non_compliant"),
    )
    shown = discovery.show([found], discovery.join([found], []), 120)
    rows = [line.split("  ") for line in shown.text.splitlines()[1:5]]
    assert [[cell.strip() for cell in row if cell.strip()] for row in rows] == [
        ["web1", "443", "any", "tls", "nginx", "not registered"],
        ["web1", "8443", "any", "tls", "nginx", "not registered"],
        ["web1", "80", "any", "redirect to tls", "nginx", "not registered"],
        ["web1", "22", "any", "ssh", "nginx", "-"],
    ]
    everywhere = "0.0.0.0:443, 0.0.0.0:8443, [::]:443, [::]:8443 nginx"
    assert f"web1: fail register.unregistered: {everywhere}: tls, process nginx of nginx.service" in shown.text
    assert "1 listener would fail the baseline; the playbook verify tells in what" in shown.text.splitlines()
    assert shown.text.splitlines()[-1] == "1 host, 7 listeners, 0 flows: 3 ports not registered, 5 failures"


def test_what_the_role_leaves_is_found_again():
    assert left_by_roles.discovered({"__discover_result": {"listeners": []}}) == ({"listeners": []}, "")
    assert left_by_roles.discovered({"__discover_result": {"msg": "no python"}}) == (None, "no python")
    assert left_by_roles.discovered({}) == (None, "the module was not run")


def test_plaintext_under_an_exception_is_excepted_and_no_pass():
    grant = {"id": "EXC-2026-001", "hosts": ["web1"], "ports": [443], "names": [], "checks": ["transport.plaintext"]}
    found = host(listener(transport="plaintext"), listener(80, transport="plaintext"))
    joined = discovery.join([found], [], grants=[grant])
    by_port = {item["subject"]["listener"]: item for item in joined.findings if item["check"] == "transport.plaintext"}
    assert by_port["0.0.0.0:443 nginx"]["status"] == "excepted"
    assert by_port["0.0.0.0:443 nginx"]["exception"] == "EXC-2026-001"
    assert by_port["0.0.0.0:80 nginx"]["status"] == "fail"
