"""The scan command: what it prints, how it ends, and what it says to bad input."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import EndpointError
from ansible_collections.encryption.in_transit.plugins.module_utils.run import scan
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_bytes import make_certificate
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.wire.wire_servers import (
    Server,
    answering,
    hold,
)

ROOT = Path(__file__).resolve().parents[5]
SCRIPT = ROOT / "plugins/module_utils/run/command.py"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Server]:
    certificate, key = make_certificate(tmp_path_factory.mktemp("pki"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_ciphers("ECDHE+AESGCM")
    with Server(answering(context)) as server:
        yield server


@pytest.fixture(scope="module")
def weak(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Server]:
    certificate, key = make_certificate(tmp_path_factory.mktemp("pki"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_ciphers("ALL")
    with Server(answering(context)) as server:
        yield server


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, list[dict[str, t.Any]], str]:
    status = scan.main(list(argv))
    out, err = capsys.readouterr()
    return status, [json.loads(line) for line in out.splitlines()], err


def test_one_line_for_each_endpoint_in_order(capsys: pytest.CaptureFixture[str], good: Server, weak: Server) -> None:
    asked = [weak.uri(), good.uri(), "tls://127.0.0.1:1", good.uri("tls", "?sni=a.example")]
    status, lines, err = run(capsys, *asked)
    assert (status, err) == (2, "")
    assert [line["endpoint"] for line in lines] == asked
    assert [line["verdict"] for line in lines] == ["non_compliant", "compliant", "unreachable", "compliant"]
    line = lines[1]
    assert line["protocols"]["TLSv1.3"] == "accepted"
    assert line["protocols"]["SSLv3"] == "refused"
    assert line["probes"] == len(line["probe_details"]) <= 14
    assert line["milliseconds"] > 0
    assert {item["status"] for item in line["findings"]} <= {"pass", "fail", "not_applicable"}
    assert {item["check"] for item in lines[0]["findings"] if item["status"] == "fail"} >= {"suite.forbidden"}


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        (["compliant"], 0),
        (["compliant", "non_compliant", "unreachable"], 2),
        (["compliant", "unreachable"], 3),
        (["indeterminate"], 3),
        ([], 3),
    ],
)
def test_exit_status(verdicts: list[str], status: int) -> None:
    assert scan.exit_status(verdicts) == status


def test_endpoints_from_a_file_and_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, good: Server
) -> None:
    listed = tmp_path / "endpoints"
    listed.write_text(f"# the portal\n{good.uri()}\n\n  {good.uri('https')}  # as the browser sees it\n")
    status, lines, _err = run(capsys, f"@{listed}")
    assert status == 0
    assert [line["endpoint"] for line in lines] == [good.uri(), good.uri("https")]
    monkeypatch.setattr("sys.stdin", listed.open())
    status, lines, _err = run(capsys, "-")
    assert (status, len(lines)) == (0, 2)


def test_options(capsys: pytest.CaptureFixture[str], good: Server) -> None:
    status, lines, _err = run(capsys, "--profile=modern", "--host", "web1", good.uri())
    assert status == 2
    assert lines[0]["findings"][0]["subject"] == {"endpoint": good.uri(), "host": "web1"}
    status, lines, _err = run(capsys, "--detail", "full", "--per-host=2", "--rate=500", good.uri())
    assert status == 0
    assert lines[0]["suites"]["accepted"]["TLSv1.2"]
    with Server(hold) as silent:
        status, lines, _err = run(capsys, "--timeout", "0.1", "--deadline=0.5", silent.uri())
    assert (status, lines[0]["verdict"]) == (3, "indeterminate")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "no endpoint given"),
        (["portal:443"], "has no scheme"),
        (["--profile", "moderm", "tls://a:1"], "moderm"),
        (["--detail", "some", "tls://a:1"], "must be verdict or full"),
        (["--timeout", "soon", "tls://a:1"], "--timeout soon: must be a number"),
        (["--timeout", "-1", "tls://a:1"], "--timeout -1: must be a number"),
        (["--rate=nan", "tls://a:1"], "--rate nan: must be a number"),
        (["--profile"], "--profile needs a value"),
        (["--verbose", "tls://a:1"], "option --verbose is not known"),
        (["@/does/not/exist"], "No such file"),
    ],
)
def test_bad_input_is_one_line_and_status_4(capsys: pytest.CaptureFixture[str], argv: list[str], message: str) -> None:
    status, lines, err = run(capsys, *argv)
    assert (status, lines) == (4, [])
    assert message in err
    assert err.count("\n") == 1


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert scan.main(["--help"]) == 0
    assert "Exit status: 0" in capsys.readouterr().out


def test_the_command_needs_only_the_standard_library(good: Server, tmp_path: Path) -> None:
    """Started as a file, from anywhere, isolated from all installed packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT, good.uri()], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["verdict"] == "compliant"


@pytest.mark.parametrize("words", [["--help"], ["tls://127.0.0.1:1"]])
def test_what_could_not_be_written_is_no_success(words: list[str]) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-I", "-S", SCRIPT, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode in (scan.BAD_INPUT, 1)
    assert "Traceback" not in done.stderr


def test_what_a_verdict_does_not_wait_for(good: Server) -> None:
    """Each of these takes longer to import than the handshakes take."""
    argv = [sys.executable, "-I", "-S", "-X", "importtime", SCRIPT, good.uri()]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "module_utils.wire.engine" in imported
    dear = "asyncio socket ssl typing json hashlib datetime argparse threading urllib enum re functools collections"
    assert not imported & set(dear.split())


def test_a_reader_that_goes_away_is_no_traceback(good: Server) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT, good.uri()], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert "Traceback" not in done.stderr


def test_findings_name_what_is_known_of_their_endpoint(good: Server) -> None:
    baseline = model.load("intermediate")
    asked = [good.uri(), good.uri("https")]
    reports = scan.scan(asked, baseline, subject={"stack": "nginx"}, subjects={good.uri("https"): {"host": "web2"}})
    subjects = [report["findings"][0]["subject"] for report in reports]
    assert subjects[0] == {"endpoint": asked[0], "stack": "nginx"}
    assert subjects[1] == {"endpoint": asked[1], "stack": "nginx", "host": "web2"}
    with pytest.raises(EndpointError):
        scan.scan(["nonsense"], baseline)
