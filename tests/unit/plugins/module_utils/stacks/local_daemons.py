# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real daemons with a weak configuration, each one of ours: on loopback ports, with its files in a folder of the test.

Needs root and Debian's nginx, apache2, postfix, vsftpd and haproxy (the fixture ``keys`` of ``conftest.py`` asks for
them).
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from unittest import mock

from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.apache.stack import Apache
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy import asking
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy.stack import CryptoPolicy
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.haproxy.stack import Haproxy
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx.stack import Nginx
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.vsftpd import Vsftpd
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.test_postfix_servers import (
    Daemon as PostfixDaemon,
)

HOST = Host()
MODULES = "/usr/lib/apache2/modules"
OLD, NEW = "-tls1", "-tls1_2"

#: What leads to the settings of OpenSSL for all programs (config(5), SSL Configuration).
CHAIN = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\n"


def gone(path, seconds=30):
    """Wait for a daemon to take away its file, or for patience to end."""
    deadline = time.monotonic() + seconds
    while path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def succeed(*command, env=None):
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr


class Daemon:
    """A real daemon with a weak configuration. ``etc`` holds its files, ``run`` everything it writes."""

    starttls: tuple = ()
    #: A line on which it ends.
    nonsense = "NoSuchWord\n"
    #: Options of the module without which it would keep what is weak.
    options: dict = {}

    def __init__(self, folder, keys):
        self.etc, self.run = folder / "etc", folder / "run"
        for place in (self.etc, self.run):
            place.mkdir(parents=True)
        self.keys, self.port = keys, free_port()
        self.config = self.etc / "daemon.conf"
        self.write()

    def write(self, key="good", more=""):
        self.config.write_text(self.text(self.keys / f"{key}.pem", key == "small") + more)

    def speaks(self, flag, port=0, suites="ALL"):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port or self.port}", *self.starttls, flag]
        command += ["-cipher", f"{suites}:@SECLEVEL=0"]
        done = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=False)
        return "Cipher is" in done.stdout and "Cipher is (NONE)" not in done.stdout

    def environment(self):
        """Of one that loads its certificate before the list that might name a level for it."""
        level = 1 if b"small.pem" in self.config.read_bytes() else 2
        (self.run / "openssl.cnf").write_text(f"{CHAIN}CipherString = DEFAULT:@SECLEVEL={level}\n")
        return {**os.environ, "OPENSSL_CONF": str(self.run / "openssl.cnf")}

    def start(self):
        self.launch()
        deadline = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", self.port)) != 0:
            assert time.monotonic() < deadline, "it does not listen"
            time.sleep(0.05)

    def stop(self):
        for process in HOST.processes():
            if str(self.config) in process.argv:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, 9)


class NginxDaemon(Daemon):
    stack = Nginx

    def text(self, pem, weak):
        temp = "".join(
            f"{name}_temp_path {self.run}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        return (
            f"pid {self.run}/pid; error_log {self.run}/log; worker_processes 1; events {{}}\n"
            f"http {{ access_log off; {temp}\nssl_certificate {pem}; ssl_certificate_key {pem};\n"
            f"ssl_protocols TLSv1 TLSv1.2 TLSv1.3;\nssl_ciphers ALL:@SECLEVEL={int(weak)};\n"
            f"server {{ listen 127.0.0.1:{self.port} ssl; }} }}\n"
        )

    def launch(self):
        succeed("nginx", "-c", str(self.config))

    def stop(self):
        self.write()  # with a broken file it takes no orders
        subprocess.run(["nginx", "-c", str(self.config), "-s", "stop"], capture_output=True, check=False)
        gone(self.run / "pid")
        super().stop()


class ApacheDaemon(Daemon):
    stack = Apache

    def text(self, pem, weak):
        modules = "".join(
            f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in ("mpm_event", "authz_core", "ssl")
        )
        return (
            f"ServerRoot {self.etc}\nPidFile {self.run}/pid\nDefaultRuntimeDir {self.run}\nErrorLog {self.run}/log\n"
            f"Mutex file:{self.run} default\nServerName a.example\nUser www-data\nGroup www-data\n{modules}"
            f"Listen 127.0.0.1:{self.port} http\nStartServers 1\nSSLEngine on\nSSLCertificateFile {pem}\n"
            f"SSLCertificateKeyFile {pem}\nSSLProtocol all\nSSLCipherSuite ALL:@SECLEVEL={int(weak)}\n"
        )

    def launch(self):
        succeed("apache2", "-f", str(self.config), "-k", "start")

    def stop(self):
        self.write()
        # By its own means first: what a killed one leaves in its folder, the next one stumbles over.
        subprocess.run(["apache2", "-f", str(self.config), "-k", "stop"], capture_output=True, check=False)
        gone(self.run / "pid")
        super().stop()


class VsftpdDaemon(Daemon):
    stack = Vsftpd
    starttls = ("-starttls", "ftp")
    nonsense = "no_such_word=YES\n"

    def text(self, pem, weak):
        (self.run / "empty").mkdir(exist_ok=True)
        return (
            f"listen=YES\nlisten_address=127.0.0.1\nlisten_port={self.port}\nlocal_enable=YES\nanonymous_enable=NO\n"
            f"secure_chroot_dir={self.run}/empty\nbackground=YES\nssl_enable=YES\nrsa_cert_file={pem}\n"
            f"rsa_private_key_file={pem}\nssl_ciphers=ALL:@SECLEVEL={int(weak)}\n"
        )

    def launch(self):
        command = ["vsftpd", str(self.config)]
        environment = self.environment()
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=environment, check=False)


class HaproxyDaemon(Daemon):
    stack = Haproxy

    def text(self, pem, weak):
        return (
            f"global\n    ssl-default-bind-ciphers ALL:@SECLEVEL={int(weak)}\n"
            "    ssl-default-bind-options ssl-min-ver TLSv1.0\n"
            "frontend f\n    mode http\n    timeout client 60s\n"
            "    http-request return status 200 content-type text/plain string ok\n"
            f"    bind 127.0.0.1:{self.port} ssl crt {pem}\n"
        )

    def launch(self):
        succeed("haproxy", "-W", "-D", "-f", str(self.config), env=self.environment())


class Library(Daemon):
    """OpenSSL's own configuration, in a file of ours. What is asked is a server that starts by it and sets nothing."""

    options = {"security_level": "mend"}
    nonsense = "no equals sign\n"

    def __init__(self, folder, keys):
        super().__init__(folder, keys)
        self.ours = mock.patch.object(asking, "_bare", lambda argv: ["env", f"OPENSSL_CONF={self.config}", *argv])

    def stack(self):
        return CryptoPolicy()

    def text(self, pem, weak):
        return f"{CHAIN}MinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n"

    def start(self):
        """From now on the libraries of this machine are asked by this file; there is no process to be started."""
        self.stop()
        self.ours.start()

    def stop(self):
        self.ours.stop()

    def speaks(self, flag):
        pem = self.keys / "good.pem"
        server = ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert", pem, "-key", pem, "-quiet"]
        with subprocess.Popen(
            server, env={**os.environ, "OPENSSL_CONF": str(self.config)}, stderr=subprocess.DEVNULL
        ) as serving:
            try:
                while socket.socket().connect_ex(("127.0.0.1", self.port)) != 0:
                    if serving.poll() is not None:
                        return False
                    time.sleep(0.01)
                return super().speaks(flag)
            finally:
                serving.kill()


class Mail(Daemon):
    """The daemon of the Postfix tests, whose main file is main.cf."""

    starttls = ("-starttls", "smtp")
    nonsense = "no equals sign\n"

    def __init__(self, folder, keys):
        self.daemon = PostfixDaemon(folder)
        # postlogd(8) tells what is wrong with main.cf to itself, and waits for ever when that is too much.
        self.daemon.log = ""
        self.keys, self.etc, self.port = keys, folder / "etc", self.daemon.ports[0]
        self.config = self.etc / "main.cf"
        self.write()

    def stack(self):
        return self.daemon

    def write(self, key="good", more=""):
        pem = self.keys / f"{key}.pem"
        self.daemon.write(f"smtpd_tls_cert_file = {pem}\nsmtpd_tls_key_file = {pem}\n{more}")

    def launch(self):
        self.daemon.load()

    def stop(self):
        self.write()
        self.daemon.do("abort")


KINDS = {
    "nginx": NginxDaemon,
    "apache": ApacheDaemon,
    "postfix": Mail,
    "vsftpd": VsftpdDaemon,
    "haproxy": HaproxyDaemon,
}

#: What has files, and no process that has to load them, is attacked where there is something to attack.
EVERY = {**KINDS, "crypto_policy": Library}


def made(name, folder, keys):
    """A daemon below a folder, to which daemons without rights can come."""
    if name == "postfix":
        return Mail(folder, keys)
    return EVERY[name](folder / "one", keys)


def harden(*daemons, act=desk.harden, instances=(), **options):
    """The module's run over these daemons, or instances, and no others of this machine; ``act`` is its verb."""
    kinds = [one.stack() for one in daemons]
    configs = {path for one in daemons for path in (str(one.config), os.path.realpath(one.config))}

    class Ours(type(kinds[0])):
        def __init__(self):
            vars(self).update(vars(kinds[0]))

        def discover(self, host):
            if instances:
                return list(instances)
            found = [item for kind in kinds for item in type(kinds[0]).discover(kind, host)]
            named = {item.config: item for item in found if configs & {item.config, f"{item.config}/main.cf"}}
            return list(named.values())

    # Beside the folder of the configuration, which may be read-only.
    state = daemons[0].etc.parent / "state"
    return act(Ours(), HOST, {"state_dir": str(state), **daemons[0].options, **options})


def strict(daemon):
    return not daemon.speaks(OLD) and daemon.speaks(NEW)


def untouched(daemon, before, broken=False):
    """The bytes are the same, nothing lies beside them, and the service serves as it did; a ``broken`` configuration
    ends Postfix's next smtpd whether we come or not."""
    assert daemon.config.read_bytes() == before
    assert not [name for name in os.listdir(daemon.etc) if name.startswith(".in_transit")]
    assert (broken and isinstance(daemon, Mail)) or daemon.speaks(NEW), "the service is up"
