# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The actions for Windows against the registry of Wine: its reg.exe and cmd.exe are what Windows programs meet.

Nothing here is Windows. What stays unproved until it was run on one stands in docs/stacks/windows.md.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.tests.unit.daemons import need
from ansible_collections.encryption.in_transit.tests.windows.playbook import play, wine
from ansible_collections.encryption.in_transit.tests.windows.prefix import Prefix

SCHANNEL = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL"
VERSION = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
POLICY = "HKLM\\SOFTWARE\\Policies\\Microsoft\\Cryptography\\Configuration\\SSL\\00010002"

Json = t.Dict[str, t.Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Prefix]:
    need("wine", "wineboot", "wineserver")
    with Prefix(tmp_path_factory.mktemp("wine") / "prefix").alive() as prefix:
        yield prefix


@pytest.fixture
def windows(made: Prefix) -> Prefix:
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
    made.cmd("& ".join(lines))
    return made


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
    (check,) = play(tmp_path, wine(windows), {**harden(), "check_mode": True, "diff": True})
    assert dump(windows) == before
    assert check["changed"] is True
    assert check["round_trips"] == 1
    assert "Enabled = 1" in check["diff"][0]["before"]
    assert "Enabled = 0" in check["diff"][0]["after"]
    assert "NistP521, brainpoolP256r1" in check["diff"][0]["before"]

    changed, again, audit = play(
        tmp_path, wine(windows), harden(), harden(), {"encryption.in_transit.schannel_tls_info": {"export": True}}
    )
    assert changed["changed"] is True, changed["msg"]
    assert changed["round_trips"] == 3
    assert changed["reboot_required"] is changed["restart_required"] is True
    assert changed["instances"][0]["values"] == check["instances"][0]["values"]
    assert changed["instances"][0]["warnings"] == []
    assert (again["changed"], again["round_trips"]) == (False, 1)
    after = dump(windows)
    assert not [line for line in after if line.endswith("0xffffffff")]
    assert "    EccCurves    REG_MULTI_SZ    curve25519\\0NistP256\\0NistP384" in after
    # No binding is there, so that no handshake can prove what the registry says.
    open_ones = [item["check"] for item in audit["findings"] if item["status"] in ("fail", "indeterminate")]
    assert open_ones == ["config.running"]
    exported = {file["name"]: file["text"] for file in audit["instances"][0]["export"]}
    assert '"Enabled"=dword:00000001' in exported["registry.reg"]

    rollback = changed["instances"][0]["rollback"]
    back, twice = play(
        tmp_path, wine(windows), harden(state="restored", rollback=rollback),
        harden(state="restored", rollback=rollback),
    )  # fmt: skip
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
