"""A host of the lab that goes down in the midst of a remediation: a container with systemd, killed and booted again.

Needs podman and the lab's images (``make lab`` builds them); only ``make faults`` runs it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.tests.unit.daemons import need

pytestmark = pytest.mark.skipif(os.environ.get("FAULTS") != "all", reason="make faults runs it: it boots a host")

ROOT = Path(__file__).resolve().parents[2]
HOST, CONTAINER = "debian12", "in-transit-test-debian12"
JOURNALS = "/var/lib/encryption.in_transit/*/*/journal/journal.json"
#: Content of every file below /etc/nginx, in one digest.
DIGEST = "cd /etc/nginx && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum"


def podman(*words: str) -> str:
    conf = ROOT / "build" / "lab" / "containers.conf"
    environment = {**os.environ, **({"CONTAINERS_CONF": str(conf)} if conf.stat().st_size else {})}
    done = subprocess.run(["podman", *words], env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def inside(command: str) -> str:
    return podman("exec", CONTAINER, "sh", "-c", command)


def lab(command: str) -> None:
    subprocess.run([sys.executable, ROOT / "lab" / "lab.py", "--fleet", "test", command, HOST], check=True)


def start(playbook: str, evidence: Path) -> subprocess.Popen[str]:
    endpoint = "https://127.0.20.12:443?sni=portal.hospital.example"
    variables = {"in_transit_stacks": ["nginx"], "in_transit_endpoints": [endpoint],
                 "in_transit_evidence_dir": str(evidence)}  # fmt: skip
    program = Path(sys.executable).with_name("ansible-playbook")
    return subprocess.Popen(
        [program, f"encryption.in_transit.{playbook}", "--inventory", ROOT / "build" / "lab" / "test" / "inventory",
         "--limit", HOST, "--extra-vars", json.dumps(variables)],
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
             "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections")},
        cwd=evidence.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def play(playbook: str, evidence: Path) -> tuple[int, str]:
    process = start(playbook, evidence)
    output, _nothing = process.communicate()
    return process.returncode, output


def told(evidence: Path) -> dict[str, t.Any]:
    (host,) = json.loads((evidence / "drift.json").read_text())["hosts"]
    return t.cast("dict[str, t.Any]", host)


@pytest.fixture
def host() -> t.Iterator[None]:
    need("podman", root=True)
    lab("reset")
    yield
    lab("reset")


@pytest.mark.usefixtures("host")
def test_a_host_that_goes_down_in_a_remediation_boots_and_is_mended_by_the_next_run(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    inside("tar -C /etc -cf /root/neglected.tar nginx")
    neglected = inside(DIGEST)
    code, output = play("harden", evidence)
    assert code == 0, output
    hardened = inside(DIGEST)
    assert hardened != neglected
    output = play("evidence", evidence)[1]
    assert (evidence / "ledger-sha256.txt").exists(), output

    # An old image is rolled out, which is drift. The host is killed as soon as the transaction has its journal.
    inside("rm -r /etc/nginx && tar -C /etc -xf /root/neglected.tar && systemctl reload nginx")
    init = int(podman("inspect", "--format", "{{.State.Pid}}", CONTAINER))
    process = start("remediate", evidence)
    while not list(Path(f"/proc/{init}/root").glob(JOURNALS[1:])):
        assert process.poll() is None, process.communicate()[0]
    os.kill(init, signal.SIGKILL)
    output, _nothing = process.communicate()
    assert process.returncode != 0, output
    assert "UNREACHABLE" in output, "what became of the host is said"
    assert told(evidence)["state"] == "drifted"

    # It boots with what lies on its disk, serves, and knows that a run is not at its end.
    podman("start", CONTAINER)
    while subprocess.run(["openssl", "s_client", "-connect", "127.0.20.12:443"], stdin=subprocess.DEVNULL,
                         capture_output=True, check=False).returncode:  # fmt: skip
        time.sleep(0.2)
    assert inside(f"ls {JOURNALS} | wc -l") == "1"
    lab("up")

    # What drifted is mended. Had everything been written already, nothing drifts, and it is harden that ends the run.
    code, output = play("remediate", evidence)
    assert inside(DIGEST) == hardened, output
    code, output = play("harden", evidence)
    assert code == 0 and inside(DIGEST) == hardened, output
    assert inside(f"ls {JOURNALS} 2>&1 | grep -c cannot") == "1", "nothing is left of the run that was interrupted"
    play("drift", evidence)
    assert told(evidence)["state"] != "drifted"
