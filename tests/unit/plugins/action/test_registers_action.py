# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The playbook that lints the registers: exit codes, every violation on screen, and tables written once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
EXAMPLE = ROOT / "inventories" / "example"


def lint(times=1, **variables):
    """The playbook, as often as asked for, in one run of Ansible."""
    command = [sys.executable, "-m", "ansible.cli.playbook", "-i", str(EXAMPLE / "hosts.yml")]
    done = subprocess.run(
        [*command, "-e", json.dumps(variables), *times * [str(ROOT / "playbooks" / "registers.yml")]],
        capture_output=True, text=True, cwd=ROOT, check=False,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_the_example_is_clean_and_becomes_tables_once(tmp_path):
    code, text = lint(times=2, in_transit_registers_export=str(tmp_path / "tables"))
    assert code == 0, text
    assert re.findall(r"^(changed|ok): ", text, re.MULTILINE) == ["changed", "ok"], text
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == [
        "exceptions.csv",
        "flows.csv",
        "third_parties.csv",
    ]
    assert "1 comment line would not be in the table" in " ".join(text.split())  # warnings are wrapped


def test_every_violation_is_told_and_the_play_fails(tmp_path):
    source = (EXAMPLE / "registers" / "exceptions.yml").read_text()
    broken = source.replace("protocol.tls1_0,", "protocol.tls10,").replace('"A. Roe, CISO", date', '"J. Doe", date')
    (tmp_path / "exceptions.yml").write_text(broken)
    others = [str(EXAMPLE / "registers" / name) for name in ("flows.yml", "third_parties.yml")]
    code, text = lint(in_transit_registers=[*others, str(tmp_path / "exceptions.yml")])
    assert code == 2
    lines = source.splitlines()
    check = next(number for number, line in enumerate(lines, 1) if "checks:" in line)
    approval = next(number for number, line in enumerate(lines, 1) if "approval:" in line)
    assert f"exceptions.yml:{check}: EXC-2026-001.scope.checks[0]: unknown check 'protocol.tls10'" in text
    assert f"exceptions.yml:{approval}: EXC-2026-001.approval.by: the owner cannot approve" in text


def test_a_life_beyond_a_year_cannot_be_set():
    code, text = lint(in_transit_exception_days=366)
    assert code == 2 and "must be 1 to 365 days" in text
