"""The action of tls_scan as ansible-core runs it: real chains, verified on the controller."""

from __future__ import annotations

import json
import ssl
import sys

import pytest
import yaml

from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence import collected
from ansible_collections.encryption.in_transit.tests.servers.pki import Pki
from ansible_collections.encryption.in_transit.tests.unit.plugins.action.plays import results, run
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_servers import (
    Server,
    answering,
)

# One worker makes the play, and all tests look at it.
pytestmark = pytest.mark.xdist_group("tls_scan")


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def portal(pki):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.cert(), pki.key())  # the leaf alone: its issuer is a root
    context.set_ciphers("ECDHE+AESGCM")
    with Server(answering(context)) as server:
        yield server


def inventory(folder, hosts):
    """Hosts with these variables; all of them are this machine."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (folder / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": local}}))


@pytest.fixture(scope="module")
def made(tmp_path_factory, pki, portal):
    """The result of each task, all run by one playbook."""
    folder = tmp_path_factory.mktemp("play")
    (folder / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    base = {"endpoints": [portal.uri(query="?sni=portal.example")], "http": False}
    tasks = {
        "system": {"fail_on": ["fail"]},
        "private": {"ca_path": [str(pki.ca)], "der": True},
        "unasked": {"ca_path": []},
        "dest": {"ca_path": [str(pki.ca)], "dest": str(folder / "reports.ndjson")},
        "broken": {"ca_path": ["broken.pem"]},
        "exported": {"ca_path": [str(pki.ca)], "export_dest": str(folder / "exported")},
        "exported_failing": {"export_dest": str(folder / "exported"), "fail_on": ["fail"]},
        "both": {"export_dest": "run", "dest": str(folder / "both")},
        "missing": {"ca_path": ["nowhere.pem"]},
        "unknown": {"ca_path": [], "endpoints": ["nonsense"]},
    }
    inventory(folder, {"localhost": {}})
    scans = {name: {"encryption.in_transit.tls_scan": {**base, **options}} for name, options in tasks.items()}
    told = results(folder, scans)
    told["written"] = list(collected.Scans(str(folder / "exported"), [told["exported"]]))
    return told


def findings(result):
    return {item["check"]: (item["status"], item["observed"]) for item in result["findings"]}


def test_a_private_authority_is_trusted_only_when_it_is_named(made):
    status, observed = findings(made["system"])["certificate.trust"]
    assert status == "fail"
    assert "the issuer O=in_transit tests was not sent and is not trusted" in observed
    assert findings(made["system"])["certificate.chain"][0] == "indeterminate"
    status, observed = findings(made["private"])["certificate.trust"]
    assert status == "pass"
    assert "leads to O=in_transit tests" in observed
    assert findings(made["private"])["certificate.chain"][0] == "pass"
    assert made["private"]["reports"][0]["certificates"][0]["trust"]["trusted"] is True


def test_what_is_exported_is_the_same_with_its_trust(made):
    told = made["exported"]
    assert "reports" not in told and "der" not in told and not told["findings"]
    (report,) = made["written"]
    assert findings(report) == findings(made["private"])
    assert "der" not in report
    assert made["exported_failing"]["failed"] and not told["failed"]
    assert "cannot be used with dest" in made["both"]["msg"]


def test_trust_does_not_decide_about_the_transport(made):
    for name in ("system", "private", "unasked"):
        assert made[name]["reports"][0]["verdict"] == "compliant"


def test_nobody_asked_or_nobody_could(made):
    """Nothing is claimed, not even that it is unknown, where trust is not judged; what else was found is the same."""
    assert "certificate.trust" not in findings(made["unasked"])
    assert made["dest"]["reports"][0].keys() == {"endpoint", "address", "vantage", "verdict"}
    judged = {check: seen for check, seen in findings(made["system"]).items() if check not in TRUST}
    assert judged == findings(made["unasked"])


TRUST = ("certificate.trust", "certificate.chain")


def test_certificates_are_kept_on_demand(made, pki):
    (report,) = made["private"]["reports"]
    served = report["certificates"][0]["chain"]
    encoded = "".join(pki.cert().read_text().split("-----")[2].split())
    assert made["private"]["der"] == {served[0]["sha256"]: encoded}
    assert "der" not in made["system"]
    assert "der" not in made["system"]["reports"][0]["certificates"][0]


def test_what_trust_shows_fails_the_task_when_asked_to(made):
    assert made["system"]["failed"]
    assert not made["private"]["failed"]


def test_bad_files_are_an_error_before_anything_is_scanned(made, portal):
    assert made["broken"]["failed"]
    assert "broken.pem:1: the certificate that begins here cannot be read" in made["broken"]["msg"]
    assert made["missing"]["failed"]
    assert "nowhere.pem" in made["missing"]["msg"]
    assert "reports" not in made["broken"]
    assert made["unknown"]["failed"]
    assert "no scheme" in made["unknown"]["msg"]


# --- points of view ---------------------------------------------------------------------------------------------------


def test_the_role_scans_from_every_point_of_view(tmp_path, portal):
    """Two scanners, and one host to drive both."""
    variables = {
        "verify_inside": False,
        "verify_endpoints": [portal.uri()],
        "verify_scanners": ["near", "far"],
        "verify_every_vantage": True,
        "verify_verdict_file": str(tmp_path / "verdict.json"),
    }
    hosts = {"near": {"in_transit_vantage": "inside"}, "far": {"in_transit_vantage": "outside"}}
    role = {"ansible.builtin.import_role": {"name": "encryption.in_transit.verify"}}
    inventory(tmp_path, hosts)
    play = {"hosts": "near", "gather_facts": False, "vars": variables, "tasks": [role]}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    done = run(tmp_path, "play.yml")
    assert done.returncode == 0, done.stdout
    verdict = json.loads((tmp_path / "verdict.json").read_text())
    assert (verdict["code"], verdict["compliant"]) == (0, 2)
    for vantage in ("inside", "outside"):
        assert f"from {vantage}" in done.stdout
