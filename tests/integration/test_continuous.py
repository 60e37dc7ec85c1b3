"""The engines that run us on a schedule or at an alert: ansible-rulebook, ansible-runner, ansible-builder."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.unit.daemons import need

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
TOKEN = "sesame"

PLAYBOOK = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        content: "{name} {{{{ in_transit_hosts }}}}"
        dest: {folder}/{name}.{{{{ lookup('pipe', 'date +%s%N') }}}}
"""


def alert(port: int, host: str, token: str = TOKEN) -> int:
    """What the webhook answers to an alert about a host; 0 while nobody listens."""
    event = {"status": "firing", "groupLabels": {"alertname": "InTransitDrift", "host": host}}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/alerts", json.dumps(event), {"Authorization": f"Bearer {token}"})
        return connection.getresponse().status
    except ConnectionRefusedError:
        return 0
    finally:
        connection.close()


def until(condition: t.Callable[[], t.Any], seconds: float = 180) -> t.Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError("nothing happened")


@pytest.fixture
def environment() -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible/collections"),
    }


def test_an_alert_fires_an_audit_and_then_a_remediation_once(tmp_path: Path, environment: dict[str, str]) -> None:
    need("java")
    port = free_port()
    for name in ("audit", "remediate"):
        (tmp_path / f"{name}.yml").write_text(PLAYBOOK.format(name=name, folder=tmp_path / "ran"))
    (tmp_path / "ran").mkdir()
    (tmp_path / "hosts").write_text(f"localhost ansible_connection=local ansible_python_interpreter={sys.executable}\n")
    variables = {
        "in_transit_webhook_token": TOKEN,
        "in_transit_webhook_port": port,
        "in_transit_audit": str(tmp_path / "audit.yml"),
        "in_transit_remediate": str(tmp_path / "remediate.yml"),
    }
    (tmp_path / "vars.json").write_text(json.dumps(variables))

    def ran() -> list[str]:
        files = sorted((tmp_path / "ran").iterdir(), key=lambda path: path.name.partition(".")[2])
        return [text for path in files if (text := path.read_text())]

    argv = [
        "ansible-rulebook",
        "--rulebook",
        "encryption.in_transit.alerts",
        "--inventory",
        "hosts",
        "--vars",
        "vars.json",
    ]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([BIN / argv[0], *argv[1:]], cwd=tmp_path, env=environment, stdout=log, stderr=log)
        try:
            assert until(lambda: alert(port, "web1", "wrong")) == 401
            assert alert(port, "bad; name") == 200
            assert alert(port, "web1") == 200
            until(lambda: len(ran()) == 2)
            assert alert(port, "web1") == 200
            assert alert(port, "web2") == 200
            until(lambda: len(ran()) >= 4)
        finally:
            process.terminate()
            process.wait(timeout=60)
    assert ran() == ["audit web1", "remediate web1", "audit web2", "remediate web2"], (tmp_path / "log").read_text()


class Runner:
    """ansible-runner over a host without any server, at an endpoint that nobody serves."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment
        (folder / "nginx.conf").write_text("events {} http { server { listen 443 ssl; ssl_protocols TLSv1; } }")
        (folder / "exceptions.yml").write_text("exceptions: []\n")
        self.common = {
            "in_transit_endpoints": [f"https://127.0.0.1:{free_port()}"],
            "in_transit_become": False,
            "in_transit_stacks": [],
            "in_transit_evidence_dir": str(folder / "evidence"),
            "discover_probe": "none",
            "discover_namespaces": "own",
        }

    def run(self, playbook: str, **variables: t.Any) -> Path:
        """The folder of artifacts. What ansible-runner returns is what stands there."""
        import ansible_runner

        done = ansible_runner.run(
            private_data_dir=str(self.folder),
            playbook=f"encryption.in_transit.{playbook}",
            project_dir=str(self.folder),
            inventory=f"gateway ansible_connection=local ansible_python_interpreter={sys.executable}",
            extravars={**self.common, **variables},
            envvars=self.environment,
            ident=playbook,
            quiet=True,
        )
        artifacts = self.folder / "artifacts" / playbook
        assert (done.status, str(done.rc)) == ((artifacts / "status").read_text(), (artifacts / "rc").read_text())
        return artifacts


#: Every playbook, in an order in which each finds what it needs: variables of its own, exit code of the play (empty:
#: any), and what it says. An endpoint that cannot be reached is not compliant, so most of them fail, and say why.
PLAYBOOKS: dict[str, tuple[dict[str, t.Any], str, str]] = {
    "verify": ({}, "2", "1 unreachable"),
    "registers": ({"in_transit_registers": ["exceptions.yml"]}, "0", "ok=1"),
    "standard": ({"in_transit_organisation": "Example Hospital"}, "0", "changed=1"),
    "gate": ({"gate_static": [{"stack": "nginx", "path": "nginx.conf"}]}, "2", "protocol.tls1_0"),
    "discover": ({}, "2", "not registered"),
    "usage": ({"in_transit_usage_since": "1h"}, "0", "1 host, "),
    "harden": ({}, "0", "1 host: "),
    "evidence": ({}, "2", "sealed"),
    "verify_evidence": ({}, "0", "verified"),
    "events": ({"in_transit_events_sink": "file:///dev/null"}, "0", "changed=1"),
    "drift": ({}, "2", "not proved"),
    "remediate": ({}, "2", "Left alone: ['gateway']"),
    "selfcheck": ({}, "", "What the module reads, asks and would change"),
}


@pytest.mark.parametrize("playbooks", [["verify"], list(PLAYBOOKS)], ids=["one", "every"])
def test_runner_runs_playbooks_and_leaves_their_artifacts(
    playbooks: list[str], tmp_path: Path, environment: dict[str, str]
) -> None:
    assert set(PLAYBOOKS) == {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    if len(playbooks) > 1 and os.environ.get("FAULTS") != "all":
        pytest.skip("make faults runs it; one playbook stands for all here")
    runner = Runner(tmp_path, environment)
    wrong = {}
    for playbook in playbooks:
        variables, code, said = PLAYBOOKS[playbook]
        artifacts = runner.run(playbook, **variables)
        rc, text = (artifacts / "rc").read_text(), (artifacts / "stdout").read_text()
        events = [json.loads(path.read_text()) for path in (artifacts / "job_events").glob("*.json")]
        ended = [one["event_data"]["processed"] for one in events if one["event"] == "playbook_on_stats"]
        if rc != (code or rc) or said not in text or len(ended) != 1 or not ended[0]:
            wrong[playbook] = (rc, text)
    assert not wrong, "\n".join(f"{name}: {rc}\n{text}" for name, (rc, text) in wrong.items())


def test_builder_accepts_the_execution_environment(tmp_path: Path, environment: dict[str, str]) -> None:
    definition = (ROOT / "execution-environment.yml").read_text()
    version = next(line.split()[1] for line in (ROOT / "galaxy.yml").read_text().splitlines() if line[:8] == "version:")
    assert definition.count(f"encryption-in_transit-{version}.tar.gz") == 2
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / f"encryption-in_transit-{version}.tar.gz").write_bytes(b"stands in for the tarball")
    (tmp_path / "execution-environment.yml").write_text(definition)
    subprocess.run([BIN / "ansible-builder", "create"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert "collections/encryption-in_transit" in (tmp_path / "context/_build/requirements.yml").read_text()
    introspected = subprocess.run(
        [BIN / "ansible-builder", "introspect", ROOT / ".ansible/collections"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "cryptography" in introspected
    assert "openssh-client " in introspected
