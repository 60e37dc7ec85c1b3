# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every real TLS server the engine is tested against: how to run it, and what is true of it.

What is true was established without our engine: from the program's own configuration and by handshakes of
independent clients (``tests/wire/test_peers.py`` repeats them). A row names only what makes the server
interesting; complete lists are compared with the other scanners.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import typing as t
from pathlib import Path

from . import programs
from .pki import Pki
from .programs import BOOKWORM, BULLSEYE, TRIXIE, Generation
from .server import Process

HERE = Path(__file__).resolve().parent

ALL_TLS = "TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3"
LEGACY_SSL = "SSLv3 TLSv1.0 TLSv1.1 TLSv1.2"


class Row(t.NamedTuple):
    """One server.

    ``argv(pki, port, folder)`` gives its command line, ``environment`` belongs to the process. ``scheme`` is that of
    its endpoint, ``sni`` the name it must be asked for. ``protocols``: what it accepts. ``forbidden``: some suites
    (IANA names) outside every built-in baseline that it accepts; none named means that it accepts none.
    ``groups``: forbidden groups it accepts. ``plaintext``: whether work without TLS is ``served`` or ``refused``.
    """

    name: str
    argv: t.Callable[[Pki, int, Path], t.Sequence[object]]
    protocols: str
    forbidden: str = ""
    groups: str = ""
    scheme: str = "tls"
    environment: t.Callable[[], t.Mapping[str, str]] = dict
    sni: str = ""
    plaintext: str = ""
    needs_root: bool = False

    @property
    def compliant(self) -> bool:
        """Whether the transport holds the intermediate baseline."""
        if self.plaintext == "served":
            return False
        return not self.forbidden and not self.groups and set(self.protocols.split()) <= {"TLSv1.2", "TLSv1.3"}

    def endpoint(self, port: int, address: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{address}:{port}" + (f"?sni={self.sni}" if self.sni else "")

    def server(self, pki: Pki, folder: Path) -> Process:
        return Process(self.name, lambda port, own: self.argv(pki, port, own), folder, self.environment())


# --- OpenSSL's own server -----------------------------------------------------------------------------------------


def s_server(
    generation: Generation, *options: str, leaf: str = "rsa"
) -> t.Callable[[Pki, int, Path], t.Sequence[object]]:
    def argv(pki: Pki, port: int, folder: Path) -> t.Sequence[object]:
        return generation.run(
            "openssl",
            *(
                "s_server",
                "-accept",
                f"127.0.0.1:{port}",
                "-key",
                pki.key(leaf),
                "-cert",
                pki.cert(leaf),
                "-cert_chain",
                pki.ca,
            ),
            *("-quiet", "-www", *options),
        )

    return argv


#: The policy of Debian's openssl.cnf would hide the old protocols, so no configuration is read.
PLAIN_OPENSSL = {"OPENSSL_CONF": "/dev/null"}
EVERY_SUITE = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")


# --- nginx and its relatives --------------------------------------------------------------------------------------

NGINX = """
user root; daemon off; worker_processes 1; pid nginx.pid; error_log error.log info;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  ssl_certificate {chain}; ssl_certificate_key {key};
  {http}
  server {{
    listen {address}:{port} ssl backlog=4096; server_name localhost;
    {server}
    location / {{ return 200 "ok\\n"; }}
  }}
}}
"""


def nginx(
    generation: Generation, server: str, http: str = "", address: str = "127.0.0.1", leaf: str = "rsa"
) -> t.Callable[[Pki, int, Path], t.Sequence[object]]:
    """``server`` and ``http`` are directives with the names of ``facts`` below in braces."""

    def argv(pki: Pki, port: int, folder: Path) -> t.Sequence[object]:
        facts = {
            "address": address,
            "port": port,
            "chain_rsa": pki.chain(),
            "key_rsa": pki.key(),
            "chain_ecdsa": pki.chain("ecdsa"),
            "key_ecdsa": pki.key("ecdsa"),
            "ca": pki.ca,
            "dh1024": pki.dh(1024),
        }
        config = folder / "nginx.conf"
        config.write_text(
            NGINX.format(
                chain=pki.chain(leaf),
                key=pki.key(leaf),
                address=address,
                port=port,
                http=http.format(**facts),
                server=server.format(**facts),
            )
        )
        return generation.run("nginx", "-p", folder, "-c", config, "-e", "error.log")

    return argv


NGINX_STOCK = "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on;"
#: Mozilla's intermediate configuration, version 5.7 of its guidelines.
NGINX_INTERMEDIATE = """
    ssl_protocols TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers off; ssl_session_tickets off;
    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
    ssl_ecdh_curve X25519:prime256v1:secp384r1;
    add_header Strict-Transport-Security "max-age=63072000" always;
"""
TWO_CHAINS = """
    ssl_certificate {chain_rsa}; ssl_certificate_key {key_rsa};
    ssl_certificate {chain_ecdsa}; ssl_certificate_key {key_ecdsa};
"""
NGINX_REJECT = """server {{
  listen {address}:{port} ssl default_server; ssl_protocols TLSv1.2 TLSv1.3; ssl_reject_handshake on;
}}"""
NGINX_WEAK = """
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:COMPLEMENTOFALL:@SECLEVEL=0;
    ssl_dhparam {dh1024}; ssl_ecdh_curve X25519:prime256v1:secp224r1:secp256k1;
"""


def lighttpd(module: str, *options: str) -> t.Callable[[Pki, int, Path], t.Sequence[object]]:
    def argv(pki: Pki, port: int, folder: Path) -> t.Sequence[object]:
        (folder / "www").mkdir()
        config = folder / "lighttpd.conf"
        lines = (
            f'server.modules = ( "{module}" )',
            f'server.document-root = "{folder}/www"',
            'server.bind = "127.0.0.1"',
            f"server.port = {port}",
            'ssl.engine = "enable"',
            f'ssl.pemfile = "{pki.both()}"',
            *options,
        )
        config.write_text("\n".join(lines) + "\n")
        return BOOKWORM.run("lighttpd", "-D", "-f", config, "-m", BOOKWORM.root / "usr/lib/lighttpd")

    return argv


def apache(*directives: str) -> t.Callable[[Pki, int, Path], t.Sequence[object]]:
    modules = ("mpm_event", "authz_core", "socache_shmcb", "ssl")

    def argv(pki: Pki, port: int, folder: Path) -> t.Sequence[object]:
        where = BOOKWORM.root / "usr/lib/apache2/modules"
        lines = [f"LoadModule {name}_module {where}/mod_{name}.so" for name in modules]
        lines += (
            f"ServerRoot {folder}",
            "ServerName localhost",
            "User daemon",
            "Group daemon",
            "PidFile apache.pid",
            "DefaultRuntimeDir .",
            "ErrorLog error.log",
            f"Listen 127.0.0.1:{port}",
            "SSLEngine on",
            f"SSLCertificateFile {pki.chain()}",
            f"SSLCertificateKeyFile {pki.key()}",
            *directives,
        )
        config = folder / "apache.conf"
        config.write_text("\n".join(lines) + "\n")
        return BOOKWORM.run("apache2", "-DFOREGROUND", "-d", folder, "-f", config)

    return argv


# --- other TLS libraries --------------------------------------------------------------------------------------------


def gnutls(priority: str) -> t.Callable[[Pki, int, Path], t.Sequence[object]]:
    def argv(pki: Pki, port: int, folder: Path) -> t.Sequence[object]:
        return BOOKWORM.run(
            "gnutls-serv",
            *("--port", port, "--x509certfile", pki.chain(), "--x509keyfile", pki.key(), "--priority", priority),
            *("--http", "--quiet"),
        )

    return argv


#: SSLv2Hello is no protocol, but leave to open with an SSL 2.0 hello.
JAVA_ALL = "SSLv2Hello,SSLv3,TLSv1,TLSv1.1,TLSv1.2,TLSv1.3"


def java(mode: str, *properties: str) -> t.Callable[[Pki, int, Path], t.Sequence[object]]:
    def argv(pki: Pki, port: int, folder: Path) -> t.Sequence[object]:
        options = [f"-D{item}" for item in properties]
        return [programs.java(), "-Xshare:auto", *options, HERE / "TlsServer.java", port, pki.keystore(), mode]

    return argv


def node(version: str, leaf: str = "rsa", **options: object) -> t.Callable[[Pki, int, Path], t.Sequence[object]]:
    def argv(pki: Pki, port: int, folder: Path) -> t.Sequence[object]:
        wanted = {"port": port, "key": str(pki.key(leaf)), "cert": str(pki.cert(leaf)), **options}
        if "dhparam" in wanted:
            wanted["dhparam"] = str(pki.dh(t.cast(int, options["dhparam"])))
        return [programs.node(version), HERE / "node.js", json.dumps(wanted)]

    return argv


def tlslite(lowest: str) -> t.Callable[[Pki, int, Path], t.Sequence[object]]:
    def argv(pki: Pki, port: int, folder: Path) -> t.Sequence[object]:
        interpreter = programs.python_tool("python")
        return [interpreter, HERE / "tlslite_server.py", port, pki.chain(), pki.key(), lowest]

    return argv


#: TLS_RSA_WITH_RC4_128_MD5, RC4_128_SHA, NULL_MD5, NULL_SHA and 3DES_EDE_CBC_SHA by number.
NSS_WEAK = ":0004:0005:0001:0002:000A"


def nss(*options: str) -> t.Callable[[Pki, int, Path], t.Sequence[object]]:
    def argv(pki: Pki, port: int, folder: Path) -> t.Sequence[object]:
        database = f"sql:{folder}"
        for command in (
            TRIXIE.run("certutil", "-N", "-d", database, "--empty-password"),
            TRIXIE.run("pk12util", "-i", pki.keystore(), "-d", database, "-W", "changeit"),
        ):
            subprocess.run(command, check=True, capture_output=True)
        return TRIXIE.run("selfserv", "-n", "localhost", "-p", port, "-d", database, *options)

    return argv


# --- servers with a plaintext greeting --------------------------------------------------------------------------------


def vsftpd(*settings: str) -> t.Callable[[Pki, int, Path], t.Sequence[object]]:
    def argv(pki: Pki, port: int, folder: Path) -> t.Sequence[object]:
        (folder / "empty").mkdir()
        lines = (
            "listen=YES",
            "listen_address=127.0.0.1",
            f"listen_port={port}",
            "background=NO",
            "anonymous_enable=YES",
            "nopriv_user=nobody",
            "ftp_username=nobody",
            f"secure_chroot_dir={folder}/empty",
            f"rsa_cert_file={pki.chain()}",
            f"rsa_private_key_file={pki.key()}",
            "ssl_enable=YES",
            *settings,
        )
        config = folder / "vsftpd.conf"
        config.write_text("\n".join(lines) + "\n")
        return BOOKWORM.run("vsftpd", config)

    return argv


def slapd(*settings: str) -> t.Callable[[Pki, int, Path], t.Sequence[object]]:
    def argv(pki: Pki, port: int, folder: Path) -> t.Sequence[object]:
        lines = (
            f"TLSCACertificateFile {pki.ca}",
            f"TLSCertificateFile {pki.cert()}",
            f"TLSCertificateKeyFile {pki.key()}",
            f"pidfile {folder}/pid",
            *settings,
        )
        config = folder / "slapd.conf"
        config.write_text("\n".join(lines) + "\n")
        return BOOKWORM.run("slapd", "-d", "0", "-h", f"ldap://127.0.0.1:{port}", "-f", config)

    return argv


def postfix(*settings: str) -> t.Callable[[Pki, int, Path], t.Sequence[object]]:
    """Postfix' master with an instance of its own, nothing shared with a mail server of this machine."""

    def argv(pki: Pki, port: int, folder: Path) -> t.Sequence[object]:
        root = BOOKWORM.root
        for name in ("queue", "data"):
            (folder / name).mkdir()
        for name in ("pid", "private", "public", "active", "incoming", "maildrop", "deferred"):
            (folder / "queue" / name).mkdir()
            shutil.chown(folder / "queue" / name, "nobody")
        shutil.chown(folder / "data", "nobody")
        services = (
            f"127.0.0.1:{port} inet n - n - - smtpd",
            "tlsmgr unix - - n 1000? 1 tlsmgr",
            "anvil unix - - n - 1 anvil",
            "rewrite unix - - n - - trivial-rewrite",
            "proxymap unix - - n - - proxymap",
            "postlog unix-dgram n - n - 1 postlogd",
        )
        (folder / "master.cf").write_text("\n".join(services) + "\n")
        lines = (
            "compatibility_level = 3.6",
            f"config_directory = {folder}",
            f"queue_directory = {folder}/queue",
            f"data_directory = {folder}/data",
            f"daemon_directory = {root}/usr/lib/postfix/sbin",
            f"command_directory = {root}/usr/sbin",
            f"shlib_directory = {root}/usr/lib/postfix",
            f"meta_directory = {root}/etc/postfix",
            "mail_owner = nobody",
            "default_privs = daemon",
            "setgid_group = mail",
            "myhostname = localhost",
            "inet_protocols = ipv4",
            f"maillog_file = {folder}/maillog",
            f"maillog_file_prefixes = {folder}",
            "import_environment = LD_LIBRARY_PATH PATH LC_ALL MAIL_CONFIG MAIL_LOGTAG",
            "smtpd_client_connection_rate_limit = 0",
            "smtpd_client_event_limit_exceptions = static:all",
            "smtpd_peername_lookup = no",
            "alias_maps =",
            "local_recipient_maps =",
            f"smtpd_tls_chain_files = {pki.key()}, {pki.chain()}",
            "smtpd_tls_security_level = may",
            *settings,
        )
        (folder / "main.cf").write_text("\n".join(lines) + "\n")
        return [BOOKWORM.program("master"), "-c", folder, "-d"]

    return argv


#: Postfix starts its own parts, which find their libraries by the environment only.
AS_POSTFIX: dict[str, t.Any] = {
    "environment": lambda: {"LD_LIBRARY_PATH": BOOKWORM.library_path("usr/lib/postfix")},
    "needs_root": True,
}
POSTFIX_STRICT = (
    "smtpd_tls_security_level = encrypt",
    "smtpd_tls_mandatory_protocols = >=TLSv1.2",
    "smtpd_tls_mandatory_ciphers = high",
    "tls_high_cipherlist = ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2",
    "smtpd_tls_mandatory_exclude_ciphers = aNULL",
)

ROWS: tuple[Row, ...] = (
    # SSL 2.0 and EXPORT, and a refusal without an alert: OpenSSL 1.0.1i.
    Row(
        "node-ssl2",
        node("0.10.32", "rsa512", ciphers="ALL:COMPLEMENTOFALL", method="SSLv23_method"),
        f"SSLv2 {LEGACY_SSL}",
        "TLS_RSA_EXPORT_WITH_RC4_40_MD5 TLS_RSA_EXPORT_WITH_DES40_CBC_SHA TLS_RSA_WITH_RC4_128_MD5",
    ),
    Row("node-ssl2-only", node("0.10.32", ciphers="ALL:COMPLEMENTOFALL", method="SSLv2_method"), "SSLv2"),
    Row(
        "node-ssl3-only",
        node("0.10.32", ciphers="ALL", method="SSLv3_method"),
        "SSLv3",
        "TLS_RSA_WITH_RC4_128_SHA TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    ),
    # OpenSSL 1.0.2: anonymous and NULL suites, IDEA, SEED, DH of 1024 bits.
    Row(
        "node-1.0.2",
        node("8.17.0", ciphers="ALL:COMPLEMENTOFALL", method="SSLv23_method", dhparam=1024, curve="auto"),
        "TLSv1.0 TLSv1.1 TLSv1.2",
        "TLS_DH_anon_WITH_AES_128_CBC_SHA TLS_RSA_WITH_NULL_SHA256 TLS_RSA_WITH_IDEA_CBC_SHA TLS_RSA_WITH_SEED_CBC_SHA",
    ),
    Row(
        "openssl-1.1.1",
        s_server(BULLSEYE, *EVERY_SUITE),
        ALL_TLS,
        "TLS_ECDH_anon_WITH_AES_256_CBC_SHA TLS_RSA_WITH_NULL_SHA TLS_RSA_WITH_SEED_CBC_SHA",
        environment=lambda: PLAIN_OPENSSL,
    ),
    Row(
        "openssl-3.0",
        s_server(BOOKWORM, *EVERY_SUITE),
        ALL_TLS,
        "TLS_ECDH_anon_WITH_AES_256_CBC_SHA TLS_RSA_WITH_NULL_SHA TLS_RSA_WITH_AES_128_CCM_8",
        environment=lambda: PLAIN_OPENSSL,
    ),
    Row(
        "openssl-3.5",
        s_server(TRIXIE, *EVERY_SUITE),
        ALL_TLS,
        "TLS_ECDH_anon_WITH_AES_256_CBC_SHA TLS_RSA_WITH_NULL_SHA TLS_RSA_WITH_AES_128_CCM_8",
        environment=lambda: PLAIN_OPENSSL,
    ),
    Row("nginx-stock", nginx(BOOKWORM, NGINX_STOCK), "TLSv1.2 TLSv1.3", "TLS_RSA_WITH_AES_128_CBC_SHA"),
    Row(
        "nginx-weak",
        nginx(BOOKWORM, NGINX_WEAK),
        ALL_TLS,
        "TLS_DH_anon_WITH_CAMELLIA_128_CBC_SHA256 TLS_RSA_WITH_NULL_MD5",
        "secp224r1 secp256k1",
    ),
    Row("nginx-intermediate", nginx(BOOKWORM, NGINX_INTERMEDIATE), "TLSv1.2 TLSv1.3"),
    # A hole between the oldest and the newest protocol.
    Row(
        "nginx-hole",
        nginx(BOOKWORM, "ssl_protocols TLSv1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0;"),
        "TLSv1.0 TLSv1.2",
        "TLS_RSA_WITH_AES_128_CBC_SHA",
    ),
    Row("nginx-ecdsa", nginx(BOOKWORM, NGINX_INTERMEDIATE, leaf="ecdsa"), "TLSv1.2 TLSv1.3"),
    # Answers by name only: without one, every hello gets unrecognized_name.
    Row("nginx-by-name", nginx(BOOKWORM, NGINX_INTERMEDIATE, http=NGINX_REJECT), "TLSv1.2 TLSv1.3", sni="localhost"),
    Row("nginx-modern", nginx(BOOKWORM, "ssl_protocols TLSv1.3;"), "TLSv1.3"),
    Row(
        "nginx-two-chains",
        nginx(BOOKWORM, NGINX_INTERMEDIATE + TWO_CHAINS),
        "TLSv1.2 TLSv1.3",
    ),
    Row(
        "nginx-mutual",
        nginx(BOOKWORM, NGINX_INTERMEDIATE + "ssl_verify_client on; ssl_client_certificate {ca};"),
        "TLSv1.2 TLSv1.3",
    ),
    Row("nginx-3.5", nginx(TRIXIE, NGINX_INTERMEDIATE.replace("X25519:", "X25519MLKEM768:X25519:")), "TLSv1.2 TLSv1.3"),
    Row("nginx-mlkem-only", nginx(TRIXIE, "ssl_protocols TLSv1.3; ssl_ecdh_curve X25519MLKEM768;"), "TLSv1.3"),
    Row(
        "apache",
        apache("SSLProtocol all -SSLv3", "SSLCipherSuite HIGH:!aNULL"),
        "TLSv1.2 TLSv1.3",
        "TLS_RSA_WITH_AES_128_CBC_SHA",
    ),
    # Refuses by closing the connection, without an alert. Takes DHE suites only from a client that names groups for
    # them (RFC 7919).
    Row(
        "lighttpd-gnutls",
        lighttpd("mod_gnutls", 'ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "TLSv1.0")'),
        ALL_TLS,
        "TLS_RSA_WITH_AES_128_CBC_SHA TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
    ),
    # Answers an unacceptable group by a HelloRetryRequest without key_share.
    Row(
        "lighttpd-wolfssl",
        lighttpd("mod_wolfssl"),
        "TLSv1.2 TLSv1.3",
        "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "secp256k1",
    ),
    Row(
        "gnutls",
        gnutls(
            "NONE:+VERS-ALL:+CIPHER-ALL:+ARCFOUR-128:+3DES-CBC:+NULL:+MAC-ALL:+MD5:+KX-ALL:+ANON-DH:+ANON-ECDH:"
            "+SIGN-ALL:+GROUP-ALL:+CTYPE-ALL:+COMP-NULL"
        ),
        "TLSv1.0 TLSv1.1 TLSv1.2",
        "TLS_RSA_WITH_RC4_128_MD5 TLS_DH_anon_WITH_AES_128_CBC_SHA TLS_RSA_WITH_NULL_SHA",
    ),
    # Nothing weak but DHE.
    Row(
        "gnutls-ffdhe",
        gnutls(
            "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+AES-128-GCM:+AEAD:+ECDHE-RSA:+DHE-RSA:+SIGN-ALL:-SIGN-RSA-SHA1"
            ":-SIGN-ECDSA-SHA1:+GROUP-ALL:+CTYPE-X509:+COMP-NULL"
        ),
        "TLSv1.2 TLSv1.3",
        "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    ),
    # NSS has never both ends of the range at once.
    Row(
        "nss-ssl3",
        nss("-V", "ssl3:tls1.2", "-c", NSS_WEAK),
        LEGACY_SSL,
        "TLS_RSA_WITH_RC4_128_SHA TLS_RSA_WITH_NULL_SHA",
    ),
    Row("nss", nss("-V", "tls1.0:tls1.3", "-u", "-Z", "-G", "-Q"), ALL_TLS, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    # EXPORT with Diffie-Hellman of 512 bits, anonymous EXPORT, SSL 3.0; answers with a curve that was not offered.
    Row(
        "java-legacy",
        java(JAVA_ALL, "jdk.tls.ephemeralDHKeySize=legacy"),
        "SSLv3 TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3",
        "TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA TLS_DH_anon_EXPORT_WITH_RC4_40_MD5 TLS_RSA_WITH_DES_CBC_SHA",
    ),
    Row("java-hole", java("SSLv3,TLSv1.2"), "SSLv3 TLSv1.2", "TLS_RSA_WITH_RC4_128_MD5"),
    Row("java-stock", java("stock"), "TLSv1.2 TLSv1.3", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    Row(
        "tlslite",
        tlslite("3.0"),
        "SSLv3 TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3",
        "TLS_RSA_WITH_RC4_128_SHA TLS_RSA_WITH_NULL_SHA",
    ),
    Row("tlslite-tls1.3", tlslite("3.4"), "TLSv1.3"),
    Row(
        "postfix",
        postfix(),
        ALL_TLS,
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA TLS_ECDH_anon_WITH_AES_256_CBC_SHA",
        scheme="smtp",
        plaintext="served",
        **AS_POSTFIX,
    ),
    Row(
        "postfix-encrypt", postfix(*POSTFIX_STRICT), "TLSv1.2 TLSv1.3", scheme="smtp", plaintext="refused", **AS_POSTFIX
    ),
    Row("vsftpd", vsftpd(), "TLSv1.2 TLSv1.3", scheme="ftp", plaintext="served", needs_root=True),
    Row(
        "vsftpd-forced",
        vsftpd("allow_anon_ssl=YES", "force_anon_logins_ssl=YES"),
        "TLSv1.2 TLSv1.3",
        scheme="ftp",
        plaintext="refused",
        needs_root=True,
    ),
    Row("slapd", slapd(), ALL_TLS, "TLS_RSA_WITH_AES_128_CBC_SHA", scheme="ldap"),
)

BY_NAME = {row.name: row for row in ROWS}
