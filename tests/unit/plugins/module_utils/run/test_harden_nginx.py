# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The whole of harden on a real nginx, killed at every point of its way. Needs Debian's nginx-light and openssl."""

from __future__ import annotations

import functools
import os
import subprocess
import time

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import files
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx.stack import Nginx
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.unit.daemons import need

pytestmark = pytest.mark.servers

MAIN = """\
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi; access_log off;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    ssl_ciphers ALL:@SECLEVEL=0; # what the old appliance needed
    include {folder}/sites/*;
}}
"""
SITE = "server {{ listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1 TLSv1.2; return 200 ok; }}\r\n"


class Scene:
    def __init__(self, program, folder):
        self.folder, self.config = str(folder), str(folder / "nginx.conf")
        self.port = free_port()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=a",
             "-out", f"{folder}/cert.pem", "-keyout", f"{folder}/key.pem"],
            check=True, capture_output=True,
        )  # fmt: skip
        (folder / "sites").mkdir()
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
        (folder / "sites" / "a").write_text(SITE.format(port=self.port), newline="")
        self.old = self.contents()
        self.process = subprocess.Popen([program, "-c", self.config], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while self.handshake("-tls1_2") is None and time.monotonic() < deadline:
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def contents(self):
        return {name: files.read(os.path.join(self.folder, name)) for name in ("nginx.conf", "sites/a")}

    def handshake(self, version):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", version, "-cipher", "ALL:@SECLEVEL=0"]
        done = subprocess.run(command, input="", capture_output=True, text=True, timeout=20, check=False)
        return True if "New, " in done.stdout and "Cipher is (NONE)" not in done.stdout else None

    def serves(self):
        return "old" if self.handshake("-tls1") else "new" if self.handshake("-tls1_2") else "nothing"

    def options(self):
        return {"config": [self.config], "state_dir": f"{self.folder}/state", "timeouts": {"lock": 0}}

    def harden(self):
        return desk.harden(Nginx(), Host(), self.options())

    def killed(self, place):
        """Harden in a child that dies at the point of that number. Whether it got there."""
        child = os.fork()
        if child == 0:
            count = 0

            def fault(_point):
                nonlocal count
                count += 1
                if count == place:
                    os._exit(9)

            # The desk gives no way in for faults; only this child has one.
            desk.Store = functools.partial(desk.Store, fault=fault)
            try:
                self.harden()
            finally:
                os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.fixture
def scene(tmp_path):
    program = need("nginx")[0]
    made = Scene(program, tmp_path)
    yield made
    made.stop()


def test_from_weak_to_proved_and_then_nothing(scene):
    assert scene.serves() == "old"
    first = scene.harden()
    assert first["changed"] and not first["failed"], first["msg"]
    assert scene.serves() == "new"
    assert scene.contents()["sites/a"].endswith(b"return 200 ok; }\r\n")
    second = scene.harden()
    assert not second["changed"] and not second["failed"], second["msg"]


def test_killed_anywhere(scene):
    place, ends = 0, []
    while scene.killed(place := place + 1):
        recovered = desk.recover(Nginx(), Host(), scene.options())
        assert not recovered["failed"], (place, recovered["msg"])
        end = "old" if scene.contents() == scene.old else "new"
        assert scene.serves() == end, place
        ends.append(end)
        if end == "new":
            for name, data in scene.old.items():
                with open(os.path.join(scene.folder, name), "wb") as file:
                    file.write(data)
            desk.recover(Nginx(), Host(), scene.options())
            os.kill(scene.process.pid, 1)
            deadline = time.monotonic() + 10
            while scene.serves() != "old" and time.monotonic() < deadline:
                time.sleep(0.05)
    assert len(ends) > 20 and set(ends) == {"old", "new"} and ends == sorted(ends, reverse=True)
    assert not [name for name in os.listdir(f"{scene.folder}/sites") if name != "a"]
