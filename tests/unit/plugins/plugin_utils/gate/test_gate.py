# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The gate: what passes, what does not, and that every output says so."""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import os
import ssl
import subprocess
import sys
import xml.etree.ElementTree as ET

import jsonschema
import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import openssl
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import BY_ID
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.judge import finding
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Provenance
from ansible_collections.encryption.in_transit.plugins.plugin_utils.evidence.exports.sarif import sarif
from ansible_collections.encryption.in_transit.plugins.plugin_utils.gate import __main__ as command
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_bytes import make_certificate
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_servers import (
    Server,
    answering,
)

CIPHERS = openssl.cipher_list(model.load("intermediate").suites_tls12)
BAD_SITE = """\
events {}
http {
    ssl_protocols TLSv1 TLSv1.2;
    server { listen 443 ssl; server_name portal.example; ssl_certificate a.pem; }
}
"""
FLOWS = """\
flows:
  - id: FLOW-0001
    name: results
    data_class: phi
    direction: internal
    source: browsers
    endpoints: ["{uri}"]
    managed: false
    encryption: tls
    owner: {{name: J. Doe, email: j@hospital.example}}
    verified_by: probe
  - id: FLOW-0002
    name: files
    data_class: phi
    direction: internal
    source: laboratory
    endpoints: ["ssh://127.0.0.1:22"]
    managed: false
    encryption: ssh
    owner: {{name: J. Doe, email: j@hospital.example}}
    verified_by: config
"""


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    certificate, key = make_certificate(tmp_path_factory.mktemp("pki"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_ciphers("ECDHE+AESGCM")
    with Server(answering(context)) as server:
        yield server


def gate(*argv):
    """(exit status, standard output, standard error)."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = command.main(["--ca", "none", *argv])
        except SystemExit as ended:
            status = ended.code
    return status, out.getvalue(), err.getvalue()


def test_a_good_endpoint_passes(good):
    # The certificate of tests lives longer than the profile likes, and nobody asks a name of 127.0.0.1.
    status, out, _err = gate(good.uri(), "--fail-severity", "medium")
    assert status == 0, out
    assert out.splitlines()[-1] == "PASSED: 1 subject"


def test_what_is_not_proved_does_not_pass(good):
    status, out, _err = gate("tls://127.0.0.1:1", good.uri(), "--fail-severity", "medium")
    assert (status, out.splitlines()[-1]) == (3, "NOT PROVED: 2 subjects; tls://127.0.0.1:1 is not proved")


def test_failing_is_worse_than_not_proved(good):
    status, out, _err = gate(good.uri(), "tls://127.0.0.1:1", "--profile", "modern")
    assert status == 2
    assert "FAILS" in out
    assert "UNREACHABLE" in out


def test_a_registered_flow_is_judged_by_its_id(good, tmp_path):
    register = tmp_path / "flows.yml"
    register.write_text(FLOWS.format(uri=good.uri()))
    asked = ("--registers", str(register), "--fail-severity", "medium", "--flow")
    status, out, _err = gate(*asked, "FLOW-0001")
    assert (status, "FLOW-0001" in out) == (0, True)
    assert gate(*asked, "FLOW-0009")[::2] == (4, "gate: FLOW-0009: there is no such flow in the registers\n")
    status, _out, err = gate(*asked, "FLOW-0002")
    assert (status, "is protected by ssh" in err) == (4, True)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "nothing to judge"),
        (["--flow", "FLOW-0001"], "name the register"),
        (["portal.example"], "has no scheme"),
        (["https://a", "--profile", "moderm"], "moderm"),
        (["--static", "nginx"], "write STACK=PATH"),
        (["--static", "exim=."], "no static mode"),
        (["--static", "nginx=/nowhere"], "there is no such file"),
        (["--registers", "/nowhere.yml", "--flow", "FLOW-0001"], "/nowhere.yml"),
        (["--speed", "9"], "unrecognized arguments"),
    ],
)
def test_bad_input_is_four_and_judges_nothing(argv, message):
    status, out, err = gate(*argv)
    assert (status, out) == (4, "")
    assert message in err


def test_a_file_that_cannot_be_written_is_said(good):
    status, _out, err = gate(good.uri(), "--json", "/nowhere/gate.json")
    assert (status, "/nowhere/gate.json: cannot be written" in err) == (4, True)


def test_files_are_annotated(tmp_path, monkeypatch):
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "nginx.conf").write_text(BAD_SITE)
    monkeypatch.chdir(tmp_path)
    status, out, _err = gate(
        "--static", "nginx=deploy", "--github", "--junit", "g.xml", "--sarif", "g.sarif", "--json", "g.json"
    )
    assert status == 2
    assert "deploy/nginx.conf:3: fail protocol.tls1_0: TLSv1.0 is on" in out
    assert "::error file=deploy/nginx.conf,line=3,title=protocol.tls1_0::" in out
    suite = ET.parse("g.xml").getroot()[0]
    failed = [case.get("classname") for case in suite if case.find("failure") is not None]
    assert "protocol.tls1_0" in failed
    assert int(suite.get("failures")) == len(failed)
    everything = json.loads((tmp_path / "g.json").read_text())
    assert (everything["code"], everything["result"]) == (2, "fail")
    assert everything["files"][0]["stack"] == "nginx"
    results = wellformed(json.loads((tmp_path / "g.sarif").read_text()))
    (tls10,) = [one for one in results if one["ruleId"] == "protocol.tls1_0"]
    place = tls10["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "deploy/nginx.conf", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 3}


with open(os.path.join(os.path.dirname(__file__), "sarif-2.1.0-rtm.5.json"), encoding="utf-8") as schema:
    SARIF = jsonschema.Draft4Validator(json.load(schema))


def wellformed(log):
    """The results of a SARIF log, after its schema and what the standard demands beyond it (sections by number)."""
    assert [error.message for error in SARIF.iter_errors(log)] == []
    assert log["version"] == "2.1.0"  # 3.13.2
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")  # 3.14.17
    driver = run["tool"]["driver"]
    assert driver["name"]  # 3.19.8
    rules = driver["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert set(rule) <= {
            *("id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration", "properties")
        }
        assert all(rule[key]["text"] for key in ("shortDescription", "fullDescription", "help"))  # 3.11.3
        assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
        assert 0 < float(rule["properties"]["security-severity"]) <= 10
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]  # 3.27.6
        assert result["message"]["text"]  # 3.27.11
        assert result["kind"] in ("pass", "open", "informational", "notApplicable", "review", "fail")  # 3.27.9
        assert (result["kind"] == "fail") == (result["level"] != "none")  # 3.27.10
        assert all(result["locations"])
        for location in result["locations"]:
            if "physicalLocation" not in location:
                assert location["logicalLocations"][0]["fullyQualifiedName"]  # 3.33.5
                continue
            assert location["physicalLocation"]["region"]["startLine"] >= 1  # 3.30.5
            uri = location["physicalLocation"]["artifactLocation"]["uri"]
            assert " " not in uri and "\\" not in uri  # RFC 3986
            assert uri.startswith("file:///") or "uriBaseId" in location["physicalLocation"]["artifactLocation"]
        for suppression in result.get("suppressions", []):
            assert suppression["kind"] in ("inSource", "external")  # 3.35.3
            assert suppression["status"] in ("accepted", "underReview", "rejected")  # 3.35.4
        assert result["partialFingerprints"]
    return run["results"]


def test_sarif_of_every_status_and_check():
    about = {"endpoint": "https://portal.example"}
    place = Provenance("/etc/a b.conf", 0, "x")
    items = [finding(name, "fail", "configured", about, "seen", "wanted", [place]) for name in BY_ID]
    items += [finding("http.hsts", status, "effective", about, "seen") for status in ("indeterminate", "pass")]
    items += [{**items[0], "status": "excepted", "exception": "EXC-2026-001"}]
    results = wellformed(json.loads(sarif(items, "0.1.0", fallback="flows.yml")))
    assert len(results) == len(items) - 1
    assert results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "file:///etc/a%20b.conf"
    assert results[-2]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "flows.yml"
    assert results[-2]["kind"] == "review"
    assert results[-1]["suppressions"][0]["justification"] == "EXC-2026-001"
    assert len({one["partialFingerprints"]["place/v1"] for one in results}) == len(BY_ID) + 1
    assert sarif(items, "0.1.0") == sarif(items, "0.1.0")
    assert wellformed(json.loads(sarif([], "0.1.0"))) == []
    (alone,) = wellformed(json.loads(sarif(items[-3:-1], "0.1.0")))
    assert alone["locations"] == [{"logicalLocations": [{"fullyQualifiedName": "https://portal.example"}]}]


def test_workflow_commands_cannot_be_forged():
    from ansible_collections.encryption.in_transit.plugins.plugin_utils.gate import outputs

    assert outputs._data("a%\n::error::b") == "a%25%0A::error::b"
    assert outputs._property("a,b:c") == "a%2Cb%3Ac"


def test_the_folder_runs_by_itself_from_anywhere(tmp_path):
    folder = os.path.dirname(os.path.realpath(command.__file__))
    done = subprocess.run(
        [sys.executable, folder, "tls://127.0.0.1:1"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (3, "")
    assert "NOT PROVED" in done.stdout


def test_trust_is_judged_where_authorities_are_named(good, tmp_path):
    asked = (good.uri(), "--fail-severity", "medium", "--ca")
    other, _key = make_certificate(tmp_path)
    status, out, _err = gate(*asked, str(other))
    assert (status, "fail certificate.trust" in out) == (2, True)
    status, _out, err = gate(*asked, "/nowhere.pem")
    assert (status, "/nowhere.pem" in err) == (4, True)


EXCEPTION = """\
exceptions:
  - id: EXC-2026-001
    title: Old scanners
    scope: {{hosts: [scan1.hospital.example], ports: [443], checks: [http.hsts]}}
    justification: Vendor firmware sends no header before spring
    risk: {{rating: medium, statement: interception on one isolated network}}
    compensating_controls: [isolated network]
    owner: {{name: J. Doe, email: j@hospital.example}}
    requested: "{day}"
    approval: {{by: A. Roe, date: "{day}", reference: CHG-1}}
    expires: "{expires}"
    remediation: {{plan: new firmware, milestones: [{{date: "{day}", what: pilot}}]}}
    status: approved
"""


def test_exceptions_count_for_the_host_that_files_are_meant_for(tmp_path):
    today = datetime.date.today()
    dates = {"day": today.isoformat(), "expires": (today + datetime.timedelta(days=30)).isoformat()}
    (tmp_path / "exceptions.yml").write_text(EXCEPTION.format(**dates))
    (tmp_path / "flows.yml").write_text(
        FLOWS.format(uri="https://scan1.hospital.example:443").partition("  - id: FLOW-0002")[0]
    )
    good = f"ssl_session_tickets off; ssl_ciphers {CIPHERS}; ssl_protocols TLSv1.2 TLSv1.3"
    (tmp_path / "nginx.conf").write_text(BAD_SITE.replace("ssl_protocols TLSv1 TLSv1.2", good))
    asked = ("--static", f"nginx={tmp_path}", "--registers")
    registers = [str(tmp_path / "exceptions.yml"), "--registers", str(tmp_path / "flows.yml")]
    status, _out, err = gate(*asked, *registers)
    assert status == 2, err
    status, out, err = gate(*asked, *registers, "--host", "scan1.hospital.example")
    assert status == 0, out + err
    assert "excepted http.hsts: header absent (exception EXC-2026-001)" in out
