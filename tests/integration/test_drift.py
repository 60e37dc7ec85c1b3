"""Drift and remediation on real servers: three nginx of this machine, each a host of its own to Ansible.

Everything between the playbooks is done as administrators, package managers and attackers do it: to files, to the
running process, to the sealed evidence.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import jsonschema
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from referencing import Registry, Resource

from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.journal import COMMITTED, Journal
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx.stack import Nginx
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.unit.daemons import need

pytestmark = pytest.mark.servers

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
HOSTS = ("web1", "web2", "web3")
STRONG = "ssl_protocols TLSv1.2 TLSv1.3;"
WEAK = "ssl_protocols TLSv1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0;"

MAIN = """\
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi; access_log off;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384; ssl_session_tickets off;
    include {folder}/site.conf;
}}
"""
SITE = """\
server {{
    listen 127.0.0.1:{port} ssl; server_name {name}.hospital.example;
    {protocols}
    add_header Strict-Transport-Security "max-age=63072000" always;
    return 200 ok;
}}
"""


class Authority:
    """A certification authority of ours, which the controller trusts."""

    def __init__(self, folder: Path) -> None:
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _name("Hospital CA")
        now = datetime.datetime.now(datetime.timezone.utc)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        made = _certificate(self._name, self._name, self._key.public_key(), now)
        made = made.add_extension(x509.BasicConstraints(True, 0), True).add_extension(usage, True)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), False)
        self.path = folder / "ca.pem"
        self.path.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, folder: Path) -> None:
        """A certificate and its key, in cert.pem and key.pem; each call makes another."""
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
        made = _certificate(_name(name), self._name, key.public_key(), now)
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        made = made.add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), False)
        made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False)
        pem = serialization.Encoding.PEM
        (folder / "cert.pem").write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(pem))
        plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / "key.pem").touch(0o600)
        (folder / "key.pem").write_bytes(plain)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: t.Any, now: datetime.datetime) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    return builder.not_valid_after(now + datetime.timedelta(days=90))


class Web:
    """One nginx, which is one host to Ansible."""

    def __init__(self, name: str, folder: Path, authority: Authority) -> None:
        self.name, self.folder, self.authority = name, folder, authority
        folder.mkdir()
        self.port = free_port()
        self.config, self.site = folder / "nginx.conf", folder / "site.conf"
        self.config.write_text(MAIN.format(folder=folder))
        self.renew()
        self.write(STRONG)
        self.process = subprocess.Popen([need("nginx")[0], "-c", str(self.config)], stderr=subprocess.DEVNULL)
        until(self.answers)

    def write(self, protocols: str) -> None:
        self.site.write_text(SITE.format(port=self.port, name=self.name, protocols=protocols))

    def renew(self) -> None:
        self.authority.issue(f"{self.name}.hospital.example", self.folder)

    def load(self) -> None:
        """Let nginx load its files, and wait for the workers that have."""
        before = self._workers()
        self.process.send_signal(signal.SIGHUP)
        until(lambda: (now := self._workers()) and not now & before)

    def _workers(self) -> set[str]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return set(path.read_text().split())

    def answers(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    def vars(self) -> dict[str, t.Any]:
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "in_transit_address": "127.0.0.1",
            "in_transit_endpoints": [f"https://127.0.0.1:{self.port}?sni={self.name}.hospital.example"],
            "nginx_tls_config": [str(self.config)],
            "nginx_tls_state_dir": str(self.folder / "state"),
        }


def until(condition: t.Callable[[], t.Any]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def kill(pid: int) -> None:
    """A process and all that it started, as when the machine goes down (workers have sessions of their own)."""
    os.kill(pid, signal.SIGSTOP)
    children = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    for child in {int(one) for found in children for one in found}:
        kill(child)
    os.kill(pid, signal.SIGKILL)


def cut_off(web: Web) -> None:
    """Mend it in a process that is killed when all is written, loaded and proved: only the end of it is missing."""
    child = os.fork()
    if child == 0:
        enter = Journal.enter
        Journal.enter = lambda journal, phase: os._exit(9) if phase == COMMITTED else enter(journal, phase)
        told = web.vars()
        options = {"config": told["nginx_tls_config"], "state_dir": told["nginx_tls_state_dir"]}
        desk.harden(Nginx(), Host(), options)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def opened(path: Path) -> set[int]:
    """The processes that have the file open."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if link.readlink() == path:
                found.add(int(link.parts[2]))
    return found


class Fleet:
    """Three hosts, a controller's folder, and its playbooks."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.evidence = folder, folder / "evidence"
        authority = Authority(folder)
        self.webs = {name: Web(name, folder / name, authority) for name in HOSTS}
        self.more: dict[str, dict[str, t.Any]] = {}
        self.shared = {
            "in_transit_become": False,
            "in_transit_evidence_dir": str(self.evidence),
            "in_transit_ca_path": [str(authority.path)],
        }

    def start(self, playbook: str, *arguments: str, **variables: t.Any) -> subprocess.Popen[str]:
        hosts = {name: {**web.vars(), **self.more.get(name, {})} for name, web in self.webs.items()}
        inventory = self.folder / "hosts.json"
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": self.shared}}))
        extra = json.dumps(variables)
        command = [PLAYBOOK, f"encryption.in_transit.{playbook}", "-i", inventory, "-e", extra, *arguments]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible/collections"),
            "ANSIBLE_FORKS": "3",
        }
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, playbook: str, *arguments: str, **variables: t.Any) -> tuple[int, str]:
        """Exit code and output of ansible-playbook."""
        process = self.start(playbook, *arguments, **variables)
        output, _nothing = process.communicate()
        return process.returncode, output

    def drift(self, **variables: t.Any) -> dict[str, t.Any]:
        """What drift.json says, which has the shape it claims and the exit code that the play had."""
        before = self.files()
        code, output = self.run("drift", **variables)
        told = self.told()
        validate(told)
        assert bool(code) == bool(told["code"]), output
        assert self.files() == before, "drift changes nothing"
        return {**told, "output": output, "of": {one["host"]: one for one in told["hosts"]}}

    def told(self) -> dict[str, t.Any]:
        found: dict[str, t.Any] = json.loads((self.evidence / "drift.json").read_text())
        return found

    def files(self) -> dict[str, bytes]:
        names = ("nginx.conf", "site.conf", "cert.pem", "key.pem")
        return {f"{web.name}/{name}": (web.folder / name).read_bytes() for web in self.webs.values() for name in names}

    def bundles(self) -> list[str]:
        path = self.evidence / "ledger-sha256.txt"
        return [line.split()[1].split("/")[0] for line in path.read_text().splitlines()] if path.exists() else []


def setting(told: dict[str, t.Any], host: str, check: str) -> dict[str, t.Any]:
    return next(one for one in told["of"][host]["settings"] if one["check"] == check)


def validate(told: dict[str, t.Any]) -> None:
    folder = ROOT / "docs" / "schemas"
    schemas = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    registry = Registry().with_resources([(one["$id"], Resource.from_contents(one)) for one in schemas])
    schema = next(one for one in schemas if one["$id"].endswith("/drift.schema.json"))
    jsonschema.Draft202012Validator(schema, registry=registry).validate(told)


@pytest.fixture
def fleet(tmp_path: Path) -> t.Iterator[Fleet]:
    need("nginx")
    made = Fleet(tmp_path)
    yield made
    for web in made.webs.values():
        web.stop()


def test_what_drifted_is_told_mended_and_held_against_whoever_undoes_it(fleet: Fleet) -> None:
    """One story, since each run of a playbook takes its seconds."""
    web1, web2, web3 = fleet.webs.values()

    # Another run holds the ledger until this one wants it: it waits, and seals behind the other.
    fleet.evidence.mkdir()
    path = fleet.evidence / ".lock"
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sealing = fleet.start("evidence")
        until(lambda: opened(path) - {os.getpid()} or sealing.poll() is not None)
        assert sealing.poll() is None and not fleet.bundles()
    output, _nothing = sealing.communicate()
    assert sealing.returncode == 0 and len(fleet.bundles()) == 1, output

    # web1: somebody edits a file and loads it. web2: weak settings are loaded, and the files put back. web3: its
    # certificate is renewed, and nothing is wrong. All the while another run holds the lock of the ledger.
    web1.write(WEAK)
    web1.load()
    web2.write(WEAK)
    web2.load()
    web2.write(STRONG)
    web3.renew()
    web3.load()
    with (fleet.evidence / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = fleet.drift(drift_detail=True)
    states = {name: one["state"] for name, one in told["of"].items()}
    assert (told["code"], states) == (2, {"web1": "drifted", "web2": "drifted", "web3": "held"}), told["output"]

    one = setting(told, "web1", "protocol.tls1_0")
    assert [(place["file"], place["line"]) for place in one["where"]] == [(str(web1.site), 3)]
    assert one["configured"] == one["effective"] == {"before": "pass", "now": "fail"} and one["process"] is None
    assert one["since"]["held"]["run_id"] == fleet.bundles()[-1]
    assert (one["around"][0]["kind"], one["around"][0]["what"]) == ("file", str(web1.site))
    assert f"-    {STRONG}" in one["around"][0]["detail"] and f"+    {WEAK}" in one["around"][0]["detail"]
    assert f"protocol.tls1_0 at {web1.site}:3" in " ".join(told["output"].split()) or "..." in told["output"]

    one = setting(told, "web2", "protocol.tls1_0")
    assert one["process"] == "stale" and one["configured"] == {"before": "pass", "now": "pass"}
    assert {note["kind"]: note["now"] for note in told["of"]["web2"]["around"]} == {"process": "reloaded"}

    certificates = [note for note in told["of"]["web3"]["around"] if note["kind"] == "certificate"]
    assert {note["what"] for note in certificates} >= {str(web3.folder / "cert.pem")}

    # The controller is killed in the midst of it. What is there then is the old or the new, and the next run ends it.
    weak = web1.site.read_text()
    killed = fleet.start("remediate", in_transit_ticket="CHG-4711")
    until(lambda: (web1.folder / "state").exists() or killed.poll() is not None)
    kill(killed.pid)
    killed.communicate()
    assert (web1.site.read_text() == weak) != (STRONG in web1.site.read_text()), "no half state"
    assert web1.answers()

    code, output = fleet.run("remediate", in_transit_ticket="CHG-4711", in_transit_ticket_required=True)
    assert code == 0, output
    assert STRONG in web1.site.read_text()
    assert output.count("PLAY [Mend, a canary first]") == output.count("\n1 host: 1 changed\n") >= 1, "one by one"
    records = list((fleet.evidence / fleet.bundles()[-1] / "data" / "changes").glob("*.json"))
    assert "CHG-4711" in {json.loads(path.read_text())["ticket"] for path in records}
    assert fleet.drift()["code"] == 0

    # Something else undoes it, while a third of the fleet is away: what can be reached is mended, the rest is named.
    # On web2 a run was killed just before its end: every setting holds, and it is mended all the same.
    web1.write(WEAK)
    web1.load()
    web2.write(WEAK)
    web2.load()
    cut_off(web2)
    (journal,) = web2.folder.glob("state/nginx/*/journal")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        fleet.more["web3"] = {"ansible_connection": "ssh", "ansible_port": nobody.getsockname()[1]}
        code, output = fleet.run("remediate", drift_contested_times=1)
    assert code != 0 and "Left alone: ['web3']" in output, output
    assert STRONG in web1.site.read_text() and "1 host: 1 changed" in output
    told = {one["host"]: one for one in fleet.told()["hosts"]}
    assert {name: one["state"] for name, one in told.items()} == {
        "web1": "drifted",
        "web2": "drifted",
        "web3": "not_reached",
    }
    assert [one["check"] for one in told["web2"]["settings"]] == ["config.finished"]
    assert not journal.exists() and STRONG in web2.site.read_text()
    del fleet.more["web3"]

    # It is undone once more: reported, and left alone. The host that was away is compared with what was last seen.
    web1.write(WEAK)
    web1.load()
    code, output = fleet.run("remediate", drift_contested_times=1)
    assert code == 2 and "Left alone: ['web1']" in output and "Contested, something else" in output
    assert WEAK in web1.site.read_text()
    told = {one["host"]: one for one in fleet.told()["hosts"]}
    assert (told["web1"]["contested"], told["web1"]["remediable"]) == (["nginx"], [])
    assert told["web3"]["state"] == "held" and told["web3"]["compared_with"]["run_id"] != fleet.bundles()[-1]


def test_nothing_is_done_outside_of_the_change_windows_or_without_a_ticket(fleet: Fleet) -> None:
    tomorrow = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    window = {"days": [f"{tomorrow:%a}".lower()], "start": "10:00", "end": "10:30", "timezone": "UTC"}
    before = fleet.files()
    code, output = fleet.run("remediate", in_transit_change_windows=[window], in_transit_hosts="web1")
    assert code == 2 and "the next one opens" in output
    code, output = fleet.run("remediate", in_transit_ticket_required=True, in_transit_hosts="web1")
    assert code == 2 and "a ticket is required (in_transit_ticket)" in output
    assert fleet.files() == before and not fleet.bundles()
