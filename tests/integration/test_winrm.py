# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Windows Remote Management: real pywinrm, Ansible's own winrm connection, and a double of the host's end.

The double starts no PowerShell. It takes apart what PowerShell would be given, and fails on any other form than ours.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.tests.windows.playbook import play
from ansible_collections.encryption.in_transit.tests.windows.prefix import Prefix
from ansible_collections.encryption.in_transit.tests.windows.wsman import Service

pytest.importorskip("winrm", reason="needs pywinrm, which requirements-dev.txt holds")


pytestmark = pytest.mark.xdist_group("wine")


@pytest.fixture
def service(wine_prefix: Prefix) -> t.Iterator[Service]:
    key = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL"
    wine_prefix.cmd(f'reg delete "{key}" /f /reg:64')
    # What Wine and Windows begin with.
    wine_prefix.set(f"{key}\\Protocols\\SSL 2.0\\Client", "DisabledByDefault", "REG_DWORD", "1")
    version = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
    wine_prefix.set(version, "CurrentBuildNumber", "REG_SZ", "17763")
    with Service(wine_prefix) as service:
        yield service


def test_three_round_trips_for_a_change_and_one_of_a_few_kilobytes_for_none(service: Service, tmp_path: Path) -> None:
    harden = {"encryption.in_transit.schannel_tls": {}}
    # become is what playbooks for other hosts carry, and does not get in the way.
    (changed,) = play(tmp_path, {**service.variables, "ansible_become": True}, harden)
    assert changed["changed"] is True, changed["msg"]
    assert changed["round_trips"] == 3
    assert [command.count("reg import") for command in service.commands] == [0, 1]
    before = service.count
    (again,) = play(tmp_path, service.variables, harden)
    assert (again["changed"], again["round_trips"]) == (False, 1)
    used = service.count.since(before)
    assert used.size < 20_000
    assert used.messages <= 6
