# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests over real daemons share: their keys, and folders that daemons without rights can reach."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.tests.unit.daemons import PATH, need
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.local_daemons import KINDS, Mail


@pytest.fixture(scope="module")
def keys():
    need("nginx", "apache2", "postfix", "postconf", "vsftpd", "openssl", root=True)
    os.environ["PATH"] = PATH
    # Not below pytest's folder: daemons that give up their rights must reach it.
    folder = Path(tempfile.mkdtemp(prefix="in_transit-keys-"))
    folder.chmod(0o755)
    for name, size in (("good", 2048), ("small", 1024)):
        pem = str(folder / f"{name}.pem")
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            f"rsa:{size}",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=a.example",
        ]
        subprocess.run([*command, "-out", pem, "-keyout", f"{pem}.key"], check=True, capture_output=True)
        with open(pem, "a") as file:
            file.write(Path(f"{pem}.key").read_text())
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder():
    made = Path(tempfile.mkdtemp(prefix="in_transit-faults-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(params=KINDS)
def daemon(request, keys, folder):
    one = KINDS[request.param](folder / "one", keys) if request.param != "postfix" else Mail(folder, keys)
    yield one
    one.stop()
