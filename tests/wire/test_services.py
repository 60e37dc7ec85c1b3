# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mail, database and chat servers as their packages have them, each with TLS demanded and with TLS only offered.

What ``openssl s_client`` says of the same server is the second opinion.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import pwd
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.run import scan
from ansible_collections.encryption.in_transit.tests.servers.pki import Pki
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.servers.server import Process
from ansible_collections.encryption.in_transit.tests.unit.daemons import need

Report = t.Dict[str, t.Any]

#: Dovecot takes clients on its own address for secure, and so does the judge for it. Connections to this one come from
#: 127.0.0.1.
ELSEWHERE = "127.0.0.2"


class Service(Process):
    """A daemon on several ports of one address, of which the first one tells that it is ready."""

    def __init__(
        self, name: str, folder: Path, argv: t.Callable[[dict[str, int], Path], t.Sequence[object]], *schemes: str
    ) -> None:
        super().__init__(name, lambda _port, own: argv(self.ports, own), folder)
        self.ports = {scheme: free_port() for scheme in schemes}
        self.port = self.ports[schemes[0]]

    def uri(self, scheme: str, name: str = "") -> str:
        return f"{scheme}://{self.address}:{self.ports[scheme]}" + (f"?sni={name}" if name else "")


def dovecot(pki: Pki, folder: Path, demanded: bool) -> Service:
    (program,) = need("dovecot", root=True, files=("/usr/lib/dovecot/managesieve-login", "/usr/lib/dovecot/pop3-login"))

    def argv(ports: dict[str, int], own: Path) -> t.Sequence[object]:
        listeners = "".join(
            f"service {service}-login {{\n inet_listener {scheme} {{\n port = {ports[scheme]}\n }}\n {more}}}\n"
            for service, scheme, more in (
                ("imap", "imap", "inet_listener imaps {\n port = 0\n }\n"),
                ("pop3", "pop3", "inet_listener pop3s {\n port = 0\n }\n"),
                ("managesieve", "sieve", ""),
            )
        )
        config = own / "dovecot.conf"
        config.write_text(
            f"""
protocols = imap pop3 sieve
listen = {ELSEWHERE}
base_dir = {own}/run
state_dir = {own}/state
log_path = {own}/dovecot.log
mail_location = maildir:{own}/mail
ssl = {"required" if demanded else "yes"}
disable_plaintext_auth = {"yes" if demanded else "no"}
ssl_min_protocol = TLSv1.2
ssl_cipher_list = ECDHE+AESGCM:ECDHE+CHACHA20
ssl_cert = <{pki.chain()}
ssl_key = <{pki.key()}
passdb {{
  driver = static
  args = password=x
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={own}
}}
{listeners}"""
        )
        return [program, "-F", "-c", config]

    service = Service("dovecot", folder, argv, "imap", "pop3", "sieve")
    service.address = ELSEWHERE
    return service


def as_user(name: str, *argv: object) -> list[object]:
    """A daemon that does not run for root, as its own user."""
    if os.geteuid() or name == getpass.getuser():
        return list(argv)
    return ["setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups", *argv]


def owned(path: Path, name: str) -> Path:
    with contextlib.suppress(KeyError, PermissionError):
        user = pwd.getpwnam(name)
        os.chown(path, user.pw_uid, user.pw_gid)
    return path


def postgres(pki: Pki, folder: Path, demanded: bool) -> Service:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    place = str(programs[-1]) if programs else "/usr/lib/postgresql/15/bin"
    need("setpriv", root=True, files=(f"{place}/postgres", f"{place}/initdb"))

    def argv(ports: dict[str, int], own: Path) -> t.Sequence[object]:
        data = owned(own, "postgres") / "data"
        key = owned(Path(shutil.copy(pki.key(), own / "server.key")), "postgres")
        key.chmod(0o600)
        initdb = as_user("postgres", f"{place}/initdb", "-D", data, "-A", "scram-sha-256", "--no-sync", "--no-locale")
        passwords = owned(own / "password", "postgres") if (own / "password").write_text("x\n") else own
        subprocess.run([*map(str, initdb), f"--pwfile={passwords}"], check=True, capture_output=True)
        kind = "hostssl" if demanded else "host"
        (data / "pg_hba.conf").write_text(f"{kind} all all 127.0.0.1/32 scram-sha-256\n")
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": ports["postgres"],
            "unix_socket_directories": "",
            "ssl": "on",
            "ssl_cert_file": pki.chain(),
            "ssl_key_file": key,
            "ssl_min_protocol_version": "TLSv1.2",
            "ssl_ciphers": "ECDHE+AESGCM:ECDHE+CHACHA20",
            "fsync": "off",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return as_user("postgres", f"{place}/postgres", "-D", data, *options)

    return Service("postgres", folder, argv, "postgres")


def mariadb(pki: Pki, folder: Path, demanded: bool) -> Service:
    program, _install = need("mariadbd", "mariadb-install-db", root=True)

    def argv(ports: dict[str, int], own: Path) -> t.Sequence[object]:
        data = own / "data"
        data.mkdir()
        options = ("--no-defaults", "--user=root", f"--datadir={data}", "--innodb-buffer-pool-size=8M")
        return [
            program,
            *options,
            "--skip-grant-tables",
            "--skip-networking=OFF",
            "--bind-address=127.0.0.1",
            f"--port={ports['mysql']}",
            f"--socket={own}/socket",
            f"--ssl-cert={pki.chain()}",
            f"--ssl-key={pki.key()}",
            "--tls-version=TLSv1.2,TLSv1.3",
            "--ssl-cipher=ECDHE+AESGCM:ECDHE+CHACHA20",
            f"--require-secure-transport={'ON' if demanded else 'OFF'}",
        ]

    return Service("mariadb", folder, argv, "mysql")


def prosody(pki: Pki, folder: Path, demanded: bool) -> Service:
    (program,) = need("prosody", root=True, files=("/usr/share/lua/5.4/ssl.lua",))

    def argv(ports: dict[str, int], own: Path) -> t.Sequence[object]:
        config = own / "prosody.cfg.lua"
        config.write_text(
            f"""
run_as_root = true
pidfile = "{own}/pid"
data_path = "{own}"
interfaces = {{ "{ELSEWHERE}" }}
c2s_ports = {{ {ports["xmpp"]} }}
c2s_direct_tls_ports = {{ }}
s2s_ports = {{ }}
modules_enabled = {{ "tls", "saslauth" }}
modules_disabled = {{ "s2s" }}
c2s_require_encryption = {str(demanded).lower()}
allow_unencrypted_plain_auth = {str(not demanded).lower()}
authentication = "internal_plain"
ssl = {{ key = "{pki.key()}", certificate = "{pki.chain()}", protocol = "tlsv1_2+",
  ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20" }}
log = {{ info = "{own}/prosody.log" }}
VirtualHost "localhost"
"""
        )
        return [program, "-F", "--config", config]

    service = Service("prosody", folder, argv, "xmpp")
    service.address = ELSEWHERE
    return service


def slapd(pki: Pki, folder: Path, demanded: bool) -> Service:
    (program,) = need("slapd")
    suites = "+VERS-TLS1.3:+VERS-TLS1.2:+AES-128-GCM:+AES-256-GCM:+AEAD:+ECDHE-RSA:+SIGN-ALL:-SIGN-RSA-SHA1"

    def argv(ports: dict[str, int], own: Path) -> t.Sequence[object]:
        lines = [
            f"TLSCertificateFile {pki.chain()}",
            f"TLSCertificateKeyFile {pki.key()}",
            f"TLSCipherSuite NONE:{suites}:-SIGN-ECDSA-SHA1:+GROUP-ALL:+CTYPE-X509:+COMP-NULL",
            f"pidfile {own}/pid",
            *(["security ssf=128"] if demanded else []),
        ]
        config = own / "slapd.conf"
        config.write_text("\n".join(lines) + "\n")
        return [program, "-d", "0", "-h", f"ldap://127.0.0.1:{ports['ldap']}", "-f", config]

    return Service("slapd", folder, argv, "ldap")


SERVICES: dict[str, t.Callable[[Pki, Path, bool], Service]] = {
    "dovecot": dovecot,
    "postgres": postgres,
    "mariadb": mariadb,
    "prosody": prosody,
    "slapd": slapd,
}

#: What cannot be told from outside, by scheme and whether TLS is demanded: whether a password is taken without it.
TOLD = {("mysql", True): "indeterminate", ("mysql", False): "indeterminate", ("ldap", False): "indeterminate"}
VERDICTS = {"pass": "compliant", "fail": "non_compliant", "indeterminate": "indeterminate"}

VERSIONS = {"TLSv1.0": "tls1", "TLSv1.1": "tls1_1", "TLSv1.2": "tls1_2", "TLSv1.3": "tls1_3"}


def s_client(service: Service, scheme: str, version: str) -> bool:
    """Whether OpenSSL comes to terms with the service in one version. Its own policy is set aside."""
    host = ["-xmpphost", "localhost"] if scheme == "xmpp" else []
    place = f"{service.address}:{service.ports[scheme]}"
    argv = ["openssl", "s_client", "-connect", place, "-starttls", scheme, *host, f"-{version}"]
    argv += [] if version == "tls1_3" else ["-cipher", "ALL:@SECLEVEL=0"]
    done = subprocess.run(argv, input=b"", capture_output=True, check=False)
    return b"BEGIN CERTIFICATE" in done.stdout


@pytest.mark.parametrize("demanded", [True, False], ids=["demanded", "offered"])
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_seen_for_what_it_is(name: str, demanded: bool, pki: Pki, folder: Path) -> None:
    with SERVICES[name](pki, folder, demanded) as service:
        assert isinstance(service, Service)
        schemes = list(service.ports)
        endpoints = [service.uri(scheme, "localhost" if scheme == "xmpp" else "") for scheme in schemes]
        reports = scan.scan(endpoints, model.load("intermediate"))
        for scheme, report in zip(schemes, reports):
            shown = [report["protocols"][version]["status"] == "accepted" for version in VERSIONS]
            assert shown == [False, False, True, True], (scheme, report["protocols"])
            assert shown == [s_client(service, scheme, option) for option in VERSIONS.values()], scheme
            checks = {item["check"]: item["status"] for item in report["findings"]}
            without = {checks[check] for check in ("transport.plaintext", "transport.login") if check in checks}
            expected = TOLD.get((scheme, demanded), "pass" if demanded else "fail")
            assert without == {expected}, (scheme, report["starttls"])
            assert report["verdict"] == VERDICTS[expected], (scheme, report["starttls"])
            assert report["certificates"][0]["chain"][0]["subject"] == "CN=localhost"
