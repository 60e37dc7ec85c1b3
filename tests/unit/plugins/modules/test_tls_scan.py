# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module tls_scan: what is documented is what there is, and a run ends as Ansible expects."""

from __future__ import annotations

import io
import json
import ssl

import pytest
import yaml
from ansible.module_utils import basic

from ansible_collections.encryption.in_transit.plugins.doc_fragments.exceptions import ModuleDocFragment as Exceptions
from ansible_collections.encryption.in_transit.plugins.module_utils.run import ansible_scan
from ansible_collections.encryption.in_transit.plugins.modules import tls_scan
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_bytes import make_certificate
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_servers import (
    Server,
    answering,
)
from ansible_collections.encryption.in_transit.tests.unit.plugins.modules.test_nginx_tls import documented, shape


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    certificate, key = make_certificate(tmp_path_factory.mktemp("pki"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_ciphers("ECDHE+AESGCM")
    with Server(answering(context)) as server:
        yield server


def run(monkeypatch, capfd, check=False, **options):
    """(exit status, result) of the module in this process."""
    arguments = {"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": check, "_ansible_remote_tmp": "/tmp"}}
    if hasattr(basic, "_ANSIBLE_PROFILE"):
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy")
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(arguments).encode())
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(SystemExit) as ended:
        tls_scan.main()
    out, _err = capfd.readouterr()
    return ended.value.code, json.loads(out)


def test_options_are_documented():
    assert shape(documented(Exceptions.DOCUMENTATION, tls_scan.DOCUMENTATION)) == shape(ansible_scan.ARGUMENTS)


def test_the_result_is_documented(monkeypatch, capfd, good):
    _status, result = run(monkeypatch, capfd, endpoints=[good.uri()], http=False, der=True)
    returned = yaml.safe_load(tls_scan.RETURN)
    # Only the action has a file on the controller to tell of.
    assert set(returned) - {"collected"} <= set(result)
    assert set(returned["reports"]["contains"]) <= set(result["reports"][0])


@pytest.mark.parametrize("check", [False, True], ids=["run", "check mode"])
def test_a_run_reads_and_changes_nothing(monkeypatch, capfd, good, check):
    endpoints = [good.uri(), "tls://127.0.0.1:1"]
    status, result = run(monkeypatch, capfd, check, endpoints=endpoints, vantage="here", http=False)
    assert status == 0
    assert result["changed"] is False
    assert result["msg"] == "2 endpoints: 1 compliant, 1 unreachable"
    assert [report["verdict"] for report in result["reports"]] == ["compliant", "unreachable"]
    assert {report["vantage"] for report in result["reports"]} == {"here"}
    assert len(result["findings"]) == sum(len(report["findings"]) for report in result["reports"])


def test_findings_fail_the_task_only_when_asked_to(monkeypatch, capfd, good):
    asked = {"endpoints": [good.uri()], "http": False, "profile": "modern"}
    assert run(monkeypatch, capfd, **asked)[0] == 0
    status, result = run(monkeypatch, capfd, **asked, fail_on=["fail"])
    assert status == 1
    assert result["failed"]
    assert result["reports"][0]["verdict"] == "non_compliant"
    status, result = run(monkeypatch, capfd, endpoints=["tls://127.0.0.1:1"], fail_on=["indeterminate"])
    assert status == 1


def test_subjects_and_overrides(monkeypatch, capfd, good):
    about = {good.uri(): {"host": "web1"}}
    override = {"required_protocols": ["TLSv1.3"]}
    _status, result = run(monkeypatch, capfd, endpoints=[good.uri()], subjects=about, baseline=override, http=False)
    assert {item["subject"]["host"] for item in result["findings"]} == {"web1"}
    assert result["reports"][0]["vantage"]


def test_reports_may_go_to_a_file(monkeypatch, capfd, good, tmp_path):
    dest = tmp_path / "reports.ndjson"
    asked = {"endpoints": [good.uri(), "tls://127.0.0.1:1"], "http": False, "dest": str(dest)}
    status, result = run(monkeypatch, capfd, check=True, **asked)
    assert (status, result["changed"], dest.exists()) == (0, False, False)
    status, result = run(monkeypatch, capfd, **asked)
    assert (status, result["changed"], result["dest"]) == (0, True, str(dest))
    assert set(result["reports"][0]) == {"endpoint", "address", "vantage", "verdict"}
    assert {item["status"] for item in result["findings"]} == {"indeterminate"}
    written = [json.loads(line) for line in dest.read_text().splitlines()]
    assert [report["verdict"] for report in written] == ["compliant", "unreachable"]
    assert written[0]["probes"]
    assert written[0]["findings"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"endpoints": ["portal.example:443"]}, "has no scheme; write https://"),
        ({"endpoints": ["tls://a:1"], "profile": "moderm"}, "moderm"),
        ({"endpoints": ["tls://a:1"], "baseline": {"suites_tls12": ["TLS_X"]}}, "TLS_X"),
    ],
)
def test_bad_input_is_one_clear_error(monkeypatch, capfd, options, message):
    status, result = run(monkeypatch, capfd, **options)
    assert status == 1
    assert message in result["msg"]


def test_a_long_scan_says_how_far_it_is(monkeypatch, good):
    monkeypatch.setattr(ansible_scan, "_SAY_AFTER", 0.0)
    said = []
    arguments = {name: spec.get("default") for name, spec in ansible_scan.ARGUMENTS.items()}
    times = {name: spec["default"] for name, spec in ansible_scan.TIMEOUTS.items()}
    options = {**arguments, "endpoints": [good.uri()] * 3, "timeouts": times, "http": False}
    ansible_scan.scan(options, progress=said.append)
    assert said == [f"{done} addresses of 3 endpoints scanned" for done in (1, 2, 3)]
