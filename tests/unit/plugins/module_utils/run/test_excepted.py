# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An exception on a real nginx: what it names stays, the neighbour is hardened, and on its day it ends by itself."""

from __future__ import annotations

import datetime
import os
import socket
import subprocess
import time

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx.stack import Nginx
from ansible_collections.encryption.in_transit.tests.unit.daemons import need

pytestmark = pytest.mark.servers

LAST_DAY = datetime.date(2027, 2, 28)
MAIN = """\
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi; access_log off;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    ssl_ciphers AES128-SHA:AES256-SHA:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0;
    ssl_session_tickets off;
    server {{ listen 127.0.0.1:{pumps} ssl; server_name pumps.example; return 200 ok; }}
    server {{ listen 127.0.0.1:{portal} ssl; server_name portal.example; return 200 ok; }}
}}
"""


def grant(port, **changes):
    return {
        "id": "EXC-2026-001",
        "ports": [port],
        "checks": ["protocol.tls1_0", "suite.forbidden", "signature.forbidden"],
        "accept": ["TLS_RSA_WITH_AES_128_CBC_SHA", "rsa_pkcs1_sha1"],
        "since": "2026-10-09",
        "expires": LAST_DAY.isoformat(),
        **changes,
    }


class Scene:
    def __init__(self, program, folder):
        self.folder, self.config = str(folder), str(folder / "nginx.conf")
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            other.bind(("127.0.0.1", 0))
            self.pumps, self.portal = one.getsockname()[1], other.getsockname()[1]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=a",
             "-out", f"{folder}/cert.pem", "-keyout", f"{folder}/key.pem"],
            check=True, capture_output=True,
        )  # fmt: skip
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder, pumps=self.pumps, portal=self.portal))
        self.process = subprocess.Popen([program, "-c", self.config], stderr=subprocess.DEVNULL)
        while not self.accepts(self.portal, "-tls1_2") and self.process.poll() is None:
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def accepts(self, port, version, cipher="ALL"):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", version, "-cipher", f"{cipher}:@SECLEVEL=0"]
        done = subprocess.run(command, input="", capture_output=True, text=True, check=False)
        return "New, " in done.stdout and "Cipher is (NONE)" not in done.stdout

    def run(self, verb, today, **options):
        options = {"config": [self.config], "state_dir": f"{self.folder}/state", "today": today, **options}
        return verb(Nginx(), Host(), options)

    def text(self):
        with open(self.config) as file:
            return file.read()


@pytest.fixture
def scene(tmp_path):
    made = Scene(need("nginx", "openssl")[0], tmp_path)
    yield made
    made.stop()


def verdicts(result):
    proofs = [proof for one in result["instances"] for proof in one["proofs"]]
    return {int(proof["endpoint"].rpartition(":")[2].partition("?")[0]): proof["verdict"] for proof in proofs}


def test_what_is_excepted_stays_until_its_day_and_the_neighbour_is_hardened(scene):
    grants = [grant(scene.pumps)]
    first = scene.run(desk.harden, LAST_DAY, exceptions=grants)
    assert first["changed"] and not first["failed"], first["msg"]
    assert scene.accepts(scene.pumps, "-tls1", "AES128-SHA")
    assert not scene.accepts(scene.pumps, "-tls1", "AES256-SHA"), "a suite that nobody excepted"
    assert not scene.accepts(scene.pumps, "-tls1_1"), "a protocol that nobody excepted"
    assert scene.accepts(scene.pumps, "-tls1_2")
    assert not scene.accepts(scene.portal, "-tls1")
    assert verdicts(first) == {scene.pumps: "excepted", scene.portal: "compliant"}
    assert "2 of 4 endpoints proved, 2 under exception" in first["msg"]
    kept = [item for item in first["findings"] if item["status"] == "excepted"]
    assert {item["check"] for item in kept} >= {"protocol.tls1_0", "suite.forbidden"}
    for item in kept:
        assert item["exception"] == "EXC-2026-001" and item["observed"] and item["expected"]
    failing = {item["check"] for item in first["findings"] if item["status"] == "fail"}
    assert failing <= {"http.hsts", "certificate.name"}
    text = scene.text()
    second = scene.run(desk.harden, LAST_DAY, exceptions=grants)
    assert not second["changed"] and scene.text() == text

    after = scene.run(desk.harden, LAST_DAY + datetime.timedelta(days=1), exceptions=grants)
    assert after["changed"] and not after["failed"], after["msg"]
    assert not scene.accepts(scene.pumps, "-tls1")
    assert set(verdicts(after).values()) == {"compliant"}
    assert not [item for item in after["findings"] if item["status"] == "excepted"]


def test_anything_weaker_than_what_is_excepted_still_fails(scene):
    # The server accepts two suites that the baseline forbids, and would choose either.
    found = scene.run(desk.audit, LAST_DAY, exceptions=[grant(scene.pumps, accept=["TLS_RSA_WITH_AES_256_CBC_SHA"])])
    assert verdicts(found)[scene.pumps] == "non_compliant"
    both = ["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA", "rsa_pkcs1_sha1", "ecdsa_sha1"]
    checks = ["protocol.tls1_0", "protocol.tls1_1", "suite.forbidden", "signature.forbidden"]
    found = scene.run(desk.audit, LAST_DAY, exceptions=[grant(scene.pumps, checks=checks, accept=both)])
    assert verdicts(found) == {scene.pumps: "excepted", scene.portal: "non_compliant"}


def test_what_nobody_can_except_is_refused_and_nothing_is_changed(scene):
    before = scene.text()
    for wrong, words in (({"checks": ["protocol.sslv3"]}, "cannot be excepted"), ({"expires": "2027-02-30"}, "no day")):
        with pytest.raises(InTransitError, match=words):
            scene.run(desk.harden, LAST_DAY, exceptions=[grant(scene.pumps, **wrong)])
    assert scene.text() == before and os.path.exists(scene.config)
