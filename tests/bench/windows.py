# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Schannel costs over WinRM: our action against a loop of ansible.windows.win_regedit over the same values.

Both run by ansible-playbook through real pywinrm against one double of the host's end on loopback, which counts
requests and bytes. What a module of Windows costs is its transfer, which comes before the host would do anything; the
double answers it without doing it. The collection comes out of PyPI's package ``ansible``, once.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import typing as t
import zipfile
from pathlib import Path

from ansible_collections.encryption.in_transit.tests.windows.playbook import play
from ansible_collections.encryption.in_transit.tests.windows.prefix import Prefix
from ansible_collections.encryption.in_transit.tests.windows.wsman import Count, Service

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "ansible-windows"
NAMES = (
    "windows_unchanged_trips",
    "windows_unchanged_bytes",
    "windows_change_trips",
    "windows_loop_messages",
    "windows_loop_bytes",
)

HARDEN = {"encryption.in_transit.schannel_tls": {}}


def peer() -> str:
    """A folder of collections that holds ansible.windows; fetched when it is not there yet."""
    if not (CACHE / "ansible_collections" / "ansible" / "windows").exists():
        download = CACHE / "dl"
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "ansible==12.*", "-d", str(download)]
        subprocess.run(command, check=True)
        (wheel,) = download.glob("ansible-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            wanted = [name for name in archive.namelist() if name.startswith("ansible_collections/ansible/windows/")]
            archive.extractall(CACHE, wanted)
        wheel.unlink()
    return str(CACHE)


def measure(service: Service, folder: Path, *tasks: t.Any, collections: str = "") -> tuple[t.Any, Count]:
    before = service.count
    (result,) = play(folder, service.variables, *tasks, collections=collections)
    return result, service.count.since(before)


def loop(values: t.Sequence[dict[str, str]]) -> dict[str, t.Any]:
    """The same values as a task of the peer writes them."""
    items = [
        {
            "path": value["key"].replace("HKEY_LOCAL_MACHINE\\", "HKLM:\\"),
            "name": value["name"],
            "data": value["after"].split(", ") if value["type"] == "REG_MULTI_SZ" else value["after"],
            "type": {"REG_DWORD": "dword", "REG_SZ": "string", "REG_MULTI_SZ": "multistring"}[value["type"]],
        }
        for value in values
    ]
    regedit = {name: f"{{{{ item.{name} }}}}" for name in ("path", "name", "data", "type")}
    return {"ansible.windows.win_regedit": regedit, "loop": items}


def run() -> list[dict[str, t.Any]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Prefix(folder / "prefix").alive() as prefix, Service(prefix) as service:
            version = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
            prefix.set(version, "CurrentBuildNumber", "REG_SZ", "20348")
            changed, _change = measure(service, folder, HARDEN)
            again, unchanged = measure(service, folder, HARDEN)
            if not changed["changed"] or again["changed"]:
                raise RuntimeError(f"{changed['msg']}; {again['msg']}")
            values = changed["instances"][0]["values"]
            looped, theirs = measure(service, folder, loop(values), collections=peer())
            if looped.get("failed") or service.modules != len(values):
                raise RuntimeError(f"the loop failed: {str(looped)[:500]}")
    other = f"win_regedit x {len(values)}"
    messages, size = theirs.messages / unchanged.messages, theirs.size / unchanged.size
    trips = (again["round_trips"], changed["round_trips"])

    rows: list[tuple[t.Any, ...]] = [
        ("unchanged_trips", "round trips", trips[0], 1, "the promise", None, "1", trips[0] == 1),
        ("unchanged_bytes", "bytes, both ways", unchanged.size, 20000, "the promise", unchanged.size / 20000, "< 1",
         unchanged.size < 20000),
        ("change_trips", "round trips", trips[1], 3, "the promise", None, "<= 3", trips[1] <= 3),
        ("loop_messages", "messages", unchanged.messages, theirs.messages, other, messages, ">= 20", messages >= 20),
        ("loop_bytes", "bytes", unchanged.size, theirs.size, other, size, ">= 100", size >= 100),
    ]  # fmt: skip
    keys = ("name", "unit", "ours", "other", "other_name", "ratio", "goal", "met")
    return [dict(zip(keys, (f"windows_{row[0]}", *row[1:]))) for row in rows]
