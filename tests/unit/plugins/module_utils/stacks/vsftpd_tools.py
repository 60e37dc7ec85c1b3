# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Builds and configurations in memory for the tests of the vsftpd stack."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import vsftpd
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.vsftpd import Vsftpd
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.nginx_tools import MemoryHost

FIXTURES = Path(__file__).parents[4] / "fixtures" / "vsftpd"
MAIN = "/etc/vsftpd.conf"
PROGRAM = "/usr/sbin/vsftpd"
VSFTPD = Vsftpd()

_NAMES = """
allow_anon_ssl anon_root anon_upload_enable anon_world_readable_only anonymous_enable background ca_certs_file
connect_from_port_20 deny_email_enable dirmessage_enable dual_log_enable force_anon_data_ssl force_anon_logins_ssl
force_local_data_ssl force_local_logins_ssl ftpd_banner implicit_ssl listen listen_address listen_address6 listen_ipv6
listen_port local_enable local_umask log_ftp_protocol no_anon_password pam_service_name pasv_enable require_ssl_reuse
rsa_cert_file rsa_private_key_file secure_chroot_dir session_support setproctitle_enable ssl_ciphers ssl_enable
ssl_sslv2 ssl_sslv3 ssl_tlsv1 syslog_enable tcp_wrappers use_localtime user_config_dir userlist_enable vsftpd_log_file
write_enable xferlog_enable
"""
#: What distinguishes builds: names, version, built-in cipher list and built-in file.
_BUILDS = {
    "3.0.3": ([], "3.0.3", "ECDHE-RSA-AES256-GCM-SHA384", MAIN),
    "3.0.5": (["ssl_tlsv11", "ssl_tlsv12", "ssl_tlsv13"], "3.0.5", "ECDHE-RSA-AES256-GCM-SHA384", MAIN),
    "rhel": (
        ["ssl_tlsv1_1", "ssl_tlsv1_2", "dh_param_file", "ecdh_param_file"],
        "3.0.5",
        "PROFILE=SYSTEM",
        "/etc/vsftpd/vsftpd.conf",
    ),
}


def program(build="3.0.3", library="3"):
    """Bytes such as the program file of a build has."""
    more, version, ciphers, config = _BUILDS[build]
    words = [*_NAMES.split(), *more, config, ciphers, f"libssl.so.{library}"]
    return b"\x7fELF\0" + f"vsftpd: version {version}\n".encode() + b"\0" + "\0".join(words).encode() + b"\0"


def libcrypto(version="3.0.20"):
    return b"\0".join([b"\x7fELF", f"OpenSSL {version} 27 Jan 2026".encode(), b'OPENSSLDIR: "/usr/lib/ssl"', b""])


class FakeHost(MemoryHost):
    """A host that knows its programs, and lets a trial session answer what a test says."""

    def __init__(self, files, build="3.0.3", library="3.0.20", processes=(), answers=None):
        soname = "1.1" if library.startswith("1.1") else "3"
        known = {
            PROGRAM: program(build, soname),
            f"/usr/lib/x86_64-linux-gnu/libcrypto.so.{soname}": libcrypto(library),
        }
        super().__init__({**known, **files}, processes=processes, programs={"vsftpd": PROGRAM}, answers=answers)
        self.sessions = []

    def cwd(self, pid):
        return "/"

    def inetd(self, argv, talk, timeout=10, env=None):
        self.sessions.append((list(argv), dict(env or {})))
        raise OSError(111, "refused in memory")


class Case:
    """One configuration: bytes or text of the main file, or a mapping of files."""

    def __init__(self, files, build="3.0.3", library="3.0.20", key="RSA", objection="", weak=False, arguments=()):
        files = files if isinstance(files, dict) else {MAIN: files}
        config = _BUILDS[build][3]
        if config != MAIN and MAIN in files:
            files = {config: files.pop(MAIN), **files}
        self.host = FakeHost(files, build, library)
        (self.instance, *_others) = VSFTPD.discover(self.host)
        if arguments:
            self.instance.facts["arguments"] = list(arguments)
        self.documents = VSFTPD.read(self.host, self.instance)
        tree = self.documents[0].tree._replace(key=key, objection=objection, weak=weak)
        self.documents[0] = self.documents[0]._replace(tree=tree)

    @property
    def listener(self):
        (found,) = VSFTPD.effective(self.instance, self.documents)
        return found

    def value(self, key):
        return self.listener.settings[key].value

    def plan(self, profile="intermediate", baseline=None, **options):
        return VSFTPD.plan(self.instance, self.documents, model.load(profile, baseline), options)

    def mended(self, profile="intermediate", baseline=None, **options):
        """The case after its plan, which must then plan nothing more."""
        after = Case.__new__(Case)
        after.host, after.instance = self.host, self.instance
        after.documents = VSFTPD.edited(self.documents, self.plan(profile, baseline, **options).edits)
        assert after.plan(profile, baseline, **options).edits == ()
        return after

    def text(self, number=0):
        return self.documents[number].data


def lines(data):
    """What a file sets, without layout."""
    return [f"{option.name}={option.value}" for option in vsftpd.parse("x", data)]
