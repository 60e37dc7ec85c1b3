# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The actions for Windows against the registry of Wine: its reg.exe and cmd.exe are what Windows programs meet.

Nothing here is Windows. What stays unproved until it was run on one stands in docs/stacks/windows.md.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows.registry import parse_document
from ansible_collections.encryption.in_transit.tests.windows.playbook import ROOT, play, run, wine
from ansible_collections.encryption.in_transit.tests.windows.prefix import Prefix

SCHANNEL = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL"
VERSION = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
POLICY = "HKLM\\SOFTWARE\\Policies\\Microsoft\\Cryptography\\Configuration\\SSL\\00010002"

Json = t.Dict[str, t.Any]


pytestmark = pytest.mark.xdist_group("wine")


@pytest.fixture
def windows(wine_prefix: Prefix) -> Prefix:
    """A Server 2022 as it was installed: Wine's own registry, with the number of the build."""
    gone = ("Protocols", "Ciphers", "Hashes", "KeyExchangeAlgorithms")
    lines = [f'reg delete "{key}" /f /reg:64' for key in (*(f"{SCHANNEL}\\{name}" for name in gone), POLICY)]
    for key, name, kind, data in (
        (VERSION, "CurrentBuildNumber", "REG_SZ", "20348"),
        (VERSION, "ProductName", "REG_SZ", "Windows Server 2022 (Wine)"),
        (f"{SCHANNEL}\\Protocols\\TLS 1.0\\Server", "Enabled", "REG_DWORD", "1"),
        (f"{SCHANNEL}\\Ciphers\\RC4 128/128", "Enabled", "REG_DWORD", "0xffffffff"),
        (POLICY, "EccCurves", "REG_MULTI_SZ", "NistP521\\0brainpoolP256r1"),
    ):
        lines.append(f'reg add "{key}" /v {name} /t {kind} /d "{data}" /f /reg:64')
    wine_prefix.cmd("& ".join(lines))
    return wine_prefix


def harden(**options: t.Any) -> Json:
    return {"encryption.in_transit.schannel_tls": options}


def dump(prefix: Prefix) -> list[str]:
    """Every value below what the action may write, as reg.exe prints it."""
    keys = [SCHANNEL, POLICY]
    for view in ("SOFTWARE", "SOFTWARE\\Wow6432Node"):
        keys += [f"HKLM\\{view}\\Microsoft\\.NETFramework"]
        keys += [f"HKLM\\{view}\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\\WinHttp"]
    printed = prefix.cmd("& ".join(f'reg query "{key}" /s /reg:64' for key in keys)).stdout.decode().splitlines()
    return [line for line in printed if line.startswith("    ")]


def test_the_whole_path_from_a_playbook_to_the_registry_and_back(windows: Prefix, tmp_path: Path) -> None:
    before = dump(windows)
    back_again = harden(state="restored", rollback="{{ r1.instances[0].rollback }}")
    check, changed, again, audit, used, back, twice = play(
        tmp_path,
        wine(windows),
        {**harden(), "check_mode": True, "diff": True},
        harden(),
        harden(),
        {"encryption.in_transit.schannel_tls_info": {"export": True}},
        {"encryption.in_transit.usage": {}},
        back_again,
        back_again,
    )
    assert check["changed"] is True
    assert check["round_trips"] == 1
    assert "Enabled = 1" in check["diff"][0]["before"]
    assert "Enabled = 0" in check["diff"][0]["after"]
    assert "NistP521, brainpoolP256r1" in check["diff"][0]["before"]

    assert changed["changed"] is True, changed["msg"]
    assert changed["round_trips"] == 3
    assert changed["reboot_required"] is changed["restart_required"] is True
    assert changed["instances"][0]["values"] == check["instances"][0]["values"]
    assert changed["instances"][0]["warnings"] == []
    assert (again["changed"], again["round_trips"]) == (False, 1)
    # No binding is there, so that no handshake can prove what the registry says.
    open_ones = [item["check"] for item in audit["findings"] if item["status"] in ("fail", "indeterminate")]
    assert open_ones == ["config.running"]
    exported = {file["name"]: file["text"] for file in audit["instances"][0]["export"]}
    assert '"Enabled"=dword:00000001' in exported["registry.reg"]
    assert "dword:ffffffff" not in exported["registry.reg"]
    curves = next(value for value in parse_document(exported["registry.reg"]) if value.name == "EccCurves")
    assert curves.data == ("curve25519", "NistP256", "NistP384")
    # Nothing is logged here, and nobody is said to have nothing to lose.
    assert (used["changed"], used["handshakes"]) == (False, [])
    assert used["unknown"][0]["reason"] == "EventLogging is not set: no handshake is logged; Schannel logs no addresses"
    assert (back["changed"], twice["changed"]) == (True, False)
    assert dump(windows) == before


def test_guards_and_bad_options_are_told_before_anything_is_written(windows: Prefix, tmp_path: Path) -> None:
    windows.set(POLICY, "Functions", "REG_SZ", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    windows.set(f"{SCHANNEL}\\Protocols\\TLS 1.3\\Server", "Enabled", "REG_DWORD", "0")
    before = dump(windows)
    guarded, unknown, missing, absent = play(
        tmp_path,
        wine(windows),
        harden(parts=["protocols"]),
        harden(baseline={"suites_tls12": ["TLS_NO_SUCH"]}),
        harden(state="restored"),
        harden(state="restored", rollback="C:\\windows\\no.reg"),
    )
    assert "G1: TLS 1.3 would be on" in guarded["msg"]
    assert "suites_tls12[0]" in unknown["msg"]
    assert "needs rollback" in missing["msg"]
    assert "not on the host" in absent["msg"]
    assert all(result["failed"] for result in (guarded, unknown, missing, absent))
    assert dump(windows) == before


def test_a_connection_that_breaks_after_the_import_is_made_again(windows: Prefix, tmp_path: Path) -> None:
    """The read that follows goes over a new connection, and tells what the import came to."""
    (result,) = play(tmp_path, {**wine(windows), "ansible_wine_break_after": "reg import"}, harden())
    assert result["changed"] is True, result["msg"]
    assert "made again" in result["instances"][0]["warnings"][0]
    assert result["instances"][0]["rollback"]


def test_the_playbook_verify_reads_a_windows_host_from_inside_and_judges_it(windows: Prefix, tmp_path: Path) -> None:
    """An approved exception counts there as it does when the host is changed."""
    days = {"since": "2000-01-01", "expires": "9999-12-31"}
    variables = {
        **wine(windows),
        "in_transit_stacks": ["schannel", "iis"],
        "in_transit_ca_path": [],
        "schannel_tls_exceptions": [{"id": "EX-1", "ports": [443], "checks": ["protocol.tls1_0"], **days}],
        "verify_verdict_file": str(tmp_path / "verdict.json"),
    }
    done = run(tmp_path, variables, ROOT / "playbooks" / "verify.yml")
    told = done.stdout + done.stderr
    assert done.returncode != 0, told
    verdict = json.loads((tmp_path / "verdict.json").read_text())
    assert (verdict["code"], verdict["hosts_not_read"]) == (2, 0), told
    assert "server: fail protocol.tls1_1: TLSv1.1 is on" in told
    assert "server: fail protocol.tls1_0" not in told
    assert "server: indeterminate config.running" in told
