# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vsftpd as a stack.

The grammar is lines of ``name=value`` (vsftpd.conf(5)); of several lines about one thing the last one counts. Four
traits shape everything else:

* A name the build does not know ends the daemon, and builds differ: 3.0.3 has ``ssl_tlsv1`` only, 3.0.5 also
  ``ssl_tlsv11`` to ``ssl_tlsv13`` (its manual writes them otherwise), Red Hat's builds ``ssl_tlsv1_1`` and so on. The
  names are therefore read from the program itself.
* 3.0.3 has no name for TLS 1.1 and newer. What its names cannot refuse a cipher list can: with suites that only
  TLS 1.2 has, an older hello finds none it shares.
* On SIGHUP it reads its files and keeps its TLS context. So a reload is a restart, and open sessions end with it
  where the service manager ends the whole control group.
* It has no test of its own. The test is a session on a connection of our own, as inetd(8) would start one.

What no name of the build can say, OpenSSL's own configuration can, for this service alone: a file that includes the one
the service reads today and says more, and a drop-in by which systemd names it to the service (``OPENSSL_CONF``,
openssl-env(7)). Both are part of the plan.
"""

from __future__ import annotations

import os.path
import re
import typing as t

from ..baseline import suites as suite_registry
from ..baseline.dialects import openssl
from ..baseline.model import PROTOCOLS, Capabilities, clamp
from ..errors import BaselineError, ConfigurationError, TransactionError
from . import exporting, openssl_conf
from .contract import (
    Document,
    Edit,
    ExportFile,
    Instance,
    Listener,
    Plan,
    Provenance,
    Setting,
    Stack,
    TestResult,
    Unmended,
)
from .host import decode
from .planning import OF_LEVEL_0, below, kept_by, relaxed
from .switching import with_logging
from .text import edit_documents

if t.TYPE_CHECKING:
    import socket

    from ..baseline.model import Baseline
    from .handshakes import Logged
    from .host import Host, Process

#: Names that switch a protocol, in all dialects (parseconf.c of 3.0.3 and 3.0.5; Red Hat's patches).
_SWITCHES = {
    "SSLv2": ("ssl_sslv2",),
    "SSLv3": ("ssl_sslv3",),
    "TLSv1.0": ("ssl_tlsv1",),
    "TLSv1.1": ("ssl_tlsv11", "ssl_tlsv1_1"),
    "TLSv1.2": ("ssl_tlsv12", "ssl_tlsv1_2"),
    "TLSv1.3": ("ssl_tlsv13", "ssl_tlsv1_3"),
}

#: Options of the modules that only this stack has, as an argument spec.
OPTIONS: dict[str, t.Any] = {"plaintext": {"type": "str", "default": "refuse", "choices": ["refuse", "report"]}}

#: The check that names each protocol.
_CHECKS = {
    "SSLv2": "protocol.sslv2",
    "SSLv3": "protocol.sslv3",
    "TLSv1.0": "protocol.tls1_0",
    "TLSv1.1": "protocol.tls1_1",
    "TLSv1.2": "protocol.tls1_2",
    "TLSv1.3": "protocol.tls1_3",
}

#: Built-in switches other than those of protocols, as in tunables.c.
_DEFAULTS = {
    "allow_anon_ssl": False,
    "anonymous_enable": True,
    "debug_ssl": False,
    "dual_log_enable": False,
    "force_anon_data_ssl": False,
    "force_anon_logins_ssl": False,
    "force_local_data_ssl": True,
    "force_local_logins_ssl": True,
    "implicit_ssl": False,
    "listen": False,
    "listen_ipv6": False,
    "local_enable": False,
    "require_ssl_reuse": True,
    "setproctitle_enable": False,
    "ssl_enable": False,
    "syslog_enable": False,
    "xferlog_enable": False,
    "xferlog_std_format": False,
}

#: What str_upper of a switch's value may be (parseconf.c).
_WORDS = {"YES": True, "TRUE": True, "1": True, "NO": False, "FALSE": False, "0": False}

#: What a session of a trial must not do: write logs, ask a resolver, be refused by lists.
_QUIET = {
    "dual_log_enable": "NO",
    "implicit_ssl": "NO",
    "log_ftp_protocol": "NO",
    "reverse_lookup_enable": "NO",
    "session_support": "NO",
    "syslog_enable": "NO",
    "tcp_wrappers": "NO",
    "vsftpd_log_file": "/dev/null",
    "xferlog_enable": "NO",
}
#: What lets a trial log in without a password, to open a data channel.
_ANONYMOUS = {
    "allow_anon_ssl": "YES",
    "anon_root": "/",
    "anonymous_enable": "YES",
    "deny_email_enable": "NO",
    "force_anon_data_ssl": "YES",
    "no_anon_password": "YES",
    "pasv_enable": "YES",
    "userlist_enable": "NO",
}

#: The security level a cipher list may name (SSL_CTX_set_security_level(3)).
_LEVEL = re.compile(r":?@SECLEVEL=(\d+)")

_PLACES = ("/usr/sbin/vsftpd", "/usr/local/sbin/vsftpd")
_TEMPLATES = tuple(f"{folder}/systemd/system/vsftpd@.service" for folder in ("/etc", "/usr/lib", "/lib"))
_LIBRARIES = ("/usr/lib/*-linux-gnu*", "/lib/*-linux-gnu*", "/usr/lib64", "/lib64", "/usr/lib", "/usr/local/lib")
#: Where what is written for one unit stands: OpenSSL's configuration, and the drop-in that names it (systemd.unit(5)).
_PRIVATE = "/etc/encryption.in_transit/{}.cnf"
_DROP_IN = "/etc/systemd/system/{}.d/zz-encryption.in_transit.conf"
#: Units whose name means itself in a unit file; others are escaped in ways of their own.
_UNIT = re.compile(r"[A-Za-z0-9:_.@-]+\.service")
_COMMENT = "Written by encryption.in_transit for {} alone; it is written anew when the baseline demands it."
_SYSTEMCTL_TIMEOUT = 120
_START_TIMEOUT = 10

#: The second state in proc_net_tcp(5): a socket that listens.
_LISTENS = "0A"


# --- the build --------------------------------------------------------------------------------------------------------


class Build(t.NamedTuple):
    """What a program file tells of itself. ``names`` are its words, among them every name its files may use."""

    program: str
    version: tuple[int, ...]
    names: frozenset[str]
    config: str
    ciphers: str
    capabilities: Capabilities
    openssl_conf: str

    @property
    def title(self) -> str:
        return f"vsftpd {'.'.join(map(str, self.version))}"

    def switch(self, protocol: str) -> str | None:
        """The name by which this build switches a protocol, None when it cannot."""
        return next((name for name in _SWITCHES[protocol] if name in self.names), None)

    def default(self, name: str) -> bool | None:
        """The built-in value of a switch; None when it differs between builds of that dialect."""
        if name in _DEFAULTS:
            return _DEFAULTS[name]
        if name in ("ssl_sslv2", "ssl_sslv3"):
            return False
        if "ssl_tlsv1_1" in self.names:
            return None
        if "ssl_tlsv11" in self.names:
            return name in ("ssl_tlsv12", "ssl_tlsv13")
        return True

    def always_on(self, protocol: str) -> bool:
        """Whether a protocol is spoken for want of a name that switches it."""
        return PROTOCOLS.index(protocol) >= PROTOCOLS.index("TLSv1.1") and self.switch(protocol) is None


def read_build(host: Host, program: str) -> Build | None:
    """Read what a program file tells. None when it is no vsftpd, or cannot be read."""
    try:
        data = host.read(program)
    except OSError:
        return None
    version = re.search(rb"vsftpd: version (\d+(?:\.\d+)+)", data)
    if version is None:
        return None
    names = frozenset(word.decode("ascii") for word in re.findall(rb"(?<=\0)[a-z][a-z0-9_]{2,40}(?=\0)", data))
    config = re.search(rb"\0(/[\w./-]*/vsftpd\.conf)\0", data)
    ciphers = re.search(rb"\0(PROFILE=SYSTEM|ECDHE-RSA-AES256-GCM-SHA384|DES-CBC3-SHA)\0", data)
    library = re.search(rb"\0libssl\.so\.([\w.]+)\0", data)
    version_of_library, folder = _library(host, library.group(1).decode("ascii") if library else "")
    known = openssl.capabilities(version_of_library)
    if not {"ecdh_param_file", "dh_param_file"} & names:
        # ssl.c gives the context one curve and no other parameters; TLS 1.3 keeps to them as well.
        known = known._replace(groups=frozenset(["secp256r1"]))
    return Build(
        program,
        tuple(int(part) for part in version.group(1).split(b".")),
        names,
        decode(config.group(1)) if config else "/etc/vsftpd.conf",
        ciphers.group(1).decode("ascii") if ciphers else "DEFAULT",
        known,
        f"{folder}/openssl.cnf" if folder else "",
    )


def _library(host: Host, suffix: str) -> tuple[tuple[int, ...], str]:
    """Version of the OpenSSL with that suffix of its file, as libcrypto tells it, and the folder of its configuration
    (``openssl version -d``); else the oldest version it may be, and nothing."""
    for folder in _LIBRARIES:
        for path in host.glob(f"{folder}/libcrypto.so.{suffix}"):
            try:
                data = host.read(path)
            except OSError:
                continue
            found = re.search(rb"OpenSSL (\d+)\.(\d+)\.(\d+)[a-z]* +\d{1,2} \w{3} \d{4}", data)
            place = re.search(rb'OPENSSLDIR: "(/[\w./-]+)"', data)
            if found:
                return tuple(int(part) for part in found.groups()), decode(place.group(1)) if place else ""
    digits = [int(part) for part in re.findall(r"\d+", suffix)] or [1, 0, 2]
    return tuple([*digits, 0, 0][:3]), ""


# --- grammar ----------------------------------------------------------------------------------------------------------


class Option(t.NamedTuple):
    """One ``name=value``. ``start`` and ``end`` are the bytes of the value; the command line has line 0 and no file."""

    path: str
    line: int
    name: str
    value: str
    start: int
    end: int

    @property
    def on(self) -> bool | None:
        """The value of a switch; None for a word vsftpd does not take for one."""
        return _WORDS.get(self.value.upper())

    def provenance(self) -> Provenance:
        text = f"{self.name}={self.value}"
        return Provenance(self.path, self.line, text if self.line else f"-o{text} on the command line")


class Tree(t.NamedTuple):
    """A parsed file. ``user`` is whom a file of user_config_dir is about; ``own`` the commands of the OpenSSL
    configuration that was written for the service, None for everything else.

    Of the main file: ``key`` is the kind of key in the certificate, ``objection`` why OpenSSL would not serve with it,
    ``weak`` whether it needs a security level below 2 to be loaded, ``unit`` the systemd service whose environment can
    be set (empty when there is none), ``base`` the OpenSSL configuration without ours, None when it is not understood.
    """

    options: tuple[Option, ...]
    user: str = ""
    own: t.Mapping[str, str] | None = None
    key: str = ""
    objection: str = ""
    weak: bool = False
    unit: str = ""
    base: openssl_conf.Defaults | None = None


def parse(path: str, data: bytes) -> tuple[Option, ...]:
    """Every setting of a file. Any bytes can be parsed; whether vsftpd takes them is another question."""
    options = []
    offset = 0
    for number, line in enumerate(data.split(b"\n"), 1):
        # Only a line that begins with the sign is a comment; blanks may stand before a setting, and nowhere else.
        if not line.startswith(b"#") and line.strip(b" \t\r\v\f"):
            name, _equals, value = line.lstrip(b" \t\r\v\f").partition(b"=")
            end = offset + len(line)
            options.append(Option(path, number, decode(name), decode(value), end - len(value), end))
        offset += len(line) + 1
    return tuple(options)


def _refuse(build: Build, option: Option, data: bytes) -> None:
    """Raise ConfigurationError for what ends the daemon as soon as it reads it, which it does not say where."""
    name, line = option.name, option.line
    if name.startswith("\ufeff"):
        raise ConfigurationError(option.path, line, 1, "begins with a byte order mark, which ends vsftpd; take it away")
    begin = data.rfind(b"\n", 0, option.start) + 1
    raw = data[begin : option.end]
    column = len(raw) - len(raw.lstrip(b" \t\r\v\f")) + 1
    if name.startswith("#"):
        raise ConfigurationError(option.path, line, column, 'a comment must begin in the first column: "#" is no name')
    if name != name.strip():
        raise ConfigurationError(option.path, line, column, f'"{name.strip()}" has blanks before the "="')
    if name not in build.names and not any(word.endswith(name) for word in build.names if name):
        near = [word for word in sorted(build.names) if word.replace("_", "") == name.replace("_", "")]
        hint = f"; this build calls it {near[0]}" if near else ""
        raise ConfigurationError(option.path, line, column, f'"{name}" is no setting of {build.title}{hint}')
    if (name in _DEFAULTS or name.startswith("ssl_tlsv")) and option.on is None:
        found = "a carriage return" if option.value.endswith("\r") else "blanks" if option.value.strip() else "nothing"
        bad = option.value.strip().upper() in _WORDS or not option.value.strip()
        text = f"{found} after the value" if bad and option.value.strip() else f"{option.value!r}"
        value_column = option.start - begin + 1
        raise ConfigurationError(option.path, line, value_column, f"{name} must be YES or NO, without blanks: {text}")


def read(host: Host, instance: Instance) -> list[Document]:
    """The files of the command line, in order, then those about single users.

    Raises ConfigurationError for a file that cannot be read, and for what ends the daemon at its next start.
    """
    build: Build = instance.facts["build"]
    documents: dict[str, Document] = {}

    def load(named: str, user: str = "") -> None:
        try:
            path = host.realpath(named)
            data = host.read(path)
        except OSError as error:
            if user and isinstance(error, IsADirectoryError):
                return  # user_config_dir may have folders for other things
            raise ConfigurationError(named, 0, 0, f"cannot be read: {error.strerror}") from error
        options = parse(path, data)
        for option in options:
            _refuse(build, option, data)
        documents.setdefault(path, Document(path, data, Tree(options, user)))

    for word in instance.facts["arguments"]:
        if not word.startswith("-"):
            load(word)
    config = _Config(instance, list(documents.values()))
    folder = config.text("user_config_dir")
    if folder:
        for path in host.glob(f"{folder.rstrip('/')}/*"):
            load(path, os.path.basename(path))
    found = list(documents.values())
    key, objection = _certificate(host, config)
    # A title takes the place of the environment (sysutil_setproctitle_init), and OpenSSL finds no variable any more.
    titled = config.on("setproctitle_enable")
    unit = "" if titled else _own_unit(host, instance)
    ours = [_service_document(path, host.read(path)) for path in _service_files(unit) if host.exists(path)]
    base = _base(host, instance, ours, {} if titled else _environment_without_ours(instance))
    weak = False
    if any(option.name == "ssl_ciphers" and _LEVEL.search(option.value) for option in config.options) or (
        _level_is_low(build, base)
    ):
        from .certificates import loads

        weak = loads(host, config.text("rsa_cert_file")) is False
    facts = found[0].tree._replace(key=key, objection=objection, weak=weak, unit=unit, base=base)
    found[0] = found[0]._replace(tree=facts)
    return found + ours


# --- OpenSSL's configuration of the service ---------------------------------------------------------------------------


def _service_files(unit: str) -> tuple[str, ...]:
    """The OpenSSL configuration that is written for a unit, and its drop-in; nothing without a unit."""
    return (_PRIVATE.format(unit), _DROP_IN.format(unit)) if unit else ()


def _service_document(path: str, data: bytes) -> Document:
    commands = openssl_conf.extended(data)[1] if path.endswith(".cnf") else {}
    return Document(path, data, Tree((), own=commands))


def _own_unit(host: Host, instance: Instance) -> str:
    """The systemd service that runs this instance and no other program, or would; empty when there is none."""
    unit, pid = instance.facts["unit"] or "", instance.facts["pid"] or 0
    if not _UNIT.fullmatch(unit):
        return ""
    if host.exists(_DROP_IN.format(unit)):
        return unit
    # A listener that was started by hand or by cron is in the control group of something else.
    shown = _show(host, unit, "LoadState,MainPID").splitlines()
    return unit if {"LoadState=loaded", f"MainPID={pid}"} <= set(shown) else ""


def _base(
    host: Host, instance: Instance, ours: t.Sequence[Document], environment: t.Mapping[str, str]
) -> openssl_conf.Defaults | None:
    """The OpenSSL configuration of the service without ours: what ours includes, once it is there."""
    build: Build = instance.facts["build"]
    named = [openssl_conf.extended(one.data)[0] for one in ours if one.path.endswith(".cnf")]
    path = named[0] if named else environment.get("OPENSSL_CONF") or build.openssl_conf
    return openssl_conf.read(host, path) if path else None


def _environment_without_ours(instance: Instance) -> dict[str, str]:
    ours = _service_files(instance.facts["unit"] or "")
    return {name: value for name, value in instance.facts["environment"].items() if value not in ours}


def _trial_environment(host: Host, instance: Instance) -> dict[str, str]:
    """The environment at the next start, by what stands on disk."""
    found = _environment_without_ours(instance)
    files = _service_files(instance.facts["unit"] or "")
    if files and host.exists(files[1]):
        found["OPENSSL_CONF"] = files[0]
    return found


def _level_is_low(build: Build, base: openssl_conf.Defaults | None) -> bool:
    """Whether SHA-1 may sign for want of a security level: it may from OpenSSL 1.1.0 to 1.1.1 below level 2, which is
    1 unless the configuration says otherwise (SSL_CTX_set_security_level(3)); from 3.0 on it has too few bits for 1."""
    found = openssl_conf.level(base.commands) if base else None
    return build.capabilities.version < (3,) and (1 if found is None else found) < 2


def _certificate(host: Host, config: _Config) -> tuple[str, str]:
    """Kind of key in the certificate (``RSA``, ``ECDSA`` or empty), and why OpenSSL would not serve with it."""
    from .certificates import objection

    path = config.text("rsa_cert_file") or "/usr/share/ssl/certs/vsftpd.pem"
    if not host.exists(path):
        return "", f"the certificate file {path} is missing"
    why = objection(host, path, config.text("rsa_private_key_file") or path) or ""
    try:
        found = re.search(rb"-----BEGIN CERTIFICATE-----(.*?)-----END", host.read(path), re.DOTALL)
    except OSError as error:
        return "", f"{path}: {error.strerror}"
    import binascii

    try:
        der = binascii.a2b_base64(found.group(1)) if found else b""
    except binascii.Error:
        der = b""
    # The algorithm identifier of the public key: id-ecPublicKey (RFC 5480), rsaEncryption (RFC 3279).
    kind = "ECDSA" if b"\x2a\x86\x48\xce\x3d\x02\x01" in der else "RSA" if b"\xf7\x0d\x01\x01\x01" in der else ""
    return kind, why


def edited(documents: t.Sequence[Document], edits: t.Sequence[Edit]) -> list[Document]:
    """The documents after edits. Of vsftpd's own files no edit of ours touches which there are, nor the certificate."""

    def parsed(path: str, data: bytes, old: Document | None) -> Document:
        if old is None or old.tree.own is not None:
            return _service_document(path, data)
        return Document(path, data, old.tree._replace(options=parse(path, data)))

    return edit_documents(documents, edits, parsed)


# --- effective settings -----------------------------------------------------------------------------------------------


class _Config:
    """What files and command line say together."""

    def __init__(self, instance: Instance, documents: t.Sequence[Document]) -> None:
        self.instance, self.documents = instance, documents
        self.build: Build = instance.facts["build"]
        self.tree: Tree = documents[0].tree if documents else Tree(())
        #: In the order vsftpd reads them: the last one about a thing counts.
        self.options: list[Option] = []
        files = iter([one for one in documents if not one.tree.user and one.tree.own is None])
        for word in instance.facts["arguments"]:
            if not word.startswith("-"):
                document = next(files, None)
                self.options += document.tree.options if document else ()
            elif word.startswith("-o"):
                name, _equals, value = word[2:].partition("=")
                self.options.append(Option("", 0, name, value, 0, 0))
        self._last = {option.name: option for option in self.options}
        base = self.tree.base
        #: What OpenSSL's configuration says, each command with the file it stands in.
        self.openssl = {name: (value, base.path) for name, value in base.commands.items()} if base else {}
        for document in documents:
            self.openssl.update((name, (value, document.path)) for name, value in (document.tree.own or {}).items())

    def option(self, name: str) -> Option | None:
        return self._last.get(name)

    def text(self, name: str) -> str:
        option = self.option(name)
        return option.value if option else ""

    def on(self, name: str) -> bool:
        """A switch. What cannot be known counts as on: it is used for what should be off."""
        option = self.option(name)
        value = self.build.default(name) if option is None else option.on
        return value is not False

    def places(self, *names: str) -> tuple[Provenance, ...]:
        """Where the values of these settings come from."""
        return tuple(self._place(name) for name in names)

    def _place(self, name: str) -> Provenance:
        option = self.option(name)
        if option:
            return option.provenance()
        value = {True: f"{name}=YES", False: f"{name}=NO", None: name}.get(
            self.build.default(name) if name in _DEFAULTS or name.startswith("ssl_") else None, name
        )
        return Provenance("", 0, f"built-in default of {self.build.title}: {value}")

    # --- TLS ---

    def ciphers(self) -> tuple[str, tuple[Provenance, ...]]:
        """The OpenSSL cipher list and where it comes from."""
        option = self.option("ssl_ciphers")
        if option:
            return option.value, (option.provenance(),)
        text = self.build.ciphers
        return text, (Provenance("", 0, f"built-in default of {self.build.title}: ssl_ciphers={text}"),)

    def expand(self, cipher_list: str) -> tuple[str, ...] | None:
        """IANA names a client can be served with; None when the list stands somewhere else."""
        if cipher_list.strip().upper().startswith("PROFILE="):
            return None
        try:
            names = openssl.expand_cipher_list(cipher_list)
        except BaselineError:
            return ()
        return tuple(name for name in names if self._usable(name))

    def _usable(self, name: str) -> bool:
        """Whether a suite can be negotiated: without shared secrets or parameters for DHE, and with one kind of key."""
        try:
            suite = suite_registry.by_name(name)
        except KeyError:
            return True
        known = self.build.capabilities.suites
        if suite.credential_bound or (known is not None and name not in known):
            return False
        if suite.key_exchange in ("DHE", "DH") and "dh_param_file" not in self.build.names:
            return False
        return suite.anonymous or not self.tree.key or suite.authentication == self.tree.key

    def enabled(self) -> tuple[str, ...]:
        """Protocols the switches leave on, oldest first."""
        found = []
        lowest = self.openssl.get("minprotocol", ("", ""))[0]
        for protocol in PROTOCOLS[PROTOCOLS.index(lowest) if lowest in PROTOCOLS else 0 :]:
            name = self.build.switch(protocol)
            if protocol in self.build.capabilities.protocols and (
                self.build.always_on(protocol) if name is None else self.on(name)
            ):
                found.append(protocol)
        return tuple(found)

    def protocols(self) -> tuple[str, ...]:
        """Protocols a client can be served with: those that are on and have a suite."""
        names = self.expand(self.ciphers()[0])
        return tuple(name for name in self.enabled() if name == "TLSv1.3" or names is None or _speakable(name, names))

    def settings(self) -> dict[str, Setting]:
        text, origin = self.ciphers()
        names, protocols = self.expand(text), self.protocols()
        switches = [self.build.switch(protocol) for protocol in PROTOCOLS]
        set_here = [name for name in switches if name and self.option(name)]
        unset = Provenance("", 0, f"built-in defaults of {self.build.title}")
        library = f"OpenSSL {'.'.join(map(str, self.build.capabilities.version))}"
        places = (*(self.places(*set_here) or (unset,)), *origin, *self._openssl_place("MinProtocol"))
        found = {"protocols": Setting(protocols, places)}
        if names is not None:
            old = any(name != "TLSv1.3" for name in protocols)
            found["suites_tls12"] = Setting(names if old else (), origin)
        thirteen = openssl.default_ciphersuites(self.build.capabilities.version)
        if "ciphersuites" in self.openssl:
            thirteen = tuple(self.openssl["ciphersuites"][0].split(":"))
        origin = self._openssl_place("Ciphersuites")
        origin = origin or (Provenance("", 0, f"built-in default of {library}: Ciphersuites"),)
        found["suites_tls13"] = Setting(thirteen if "TLSv1.3" in protocols else (), origin)
        if self.build.capabilities.groups == frozenset(["secp256r1"]):
            found["groups"] = Setting(("secp256r1",), (Provenance("", 0, f"built into {self.build.title}"),))
        static = Provenance("", 0, f"built into {self.build.title}: one ticket key from start to end")
        found["session_tickets"] = Setting("static", (static,))
        if "-sessionticket" in self.openssl.get("options", ("", ""))[0].lower().replace(" ", "").split(","):
            found["session_tickets"] = Setting("off", self._openssl_place("Options"))
        if self.text("rsa_cert_file"):
            found["certificates"] = Setting((self.text("rsa_cert_file"),), self.places("rsa_cert_file"))
        for key, name in (("keys", "rsa_private_key_file"), ("trust", "ca_certs_file")):
            if self.text(name):
                found[key] = Setting((self.text(name),), self.places(name))
        return found

    def _openssl_place(self, command: str) -> tuple[Provenance, ...]:
        value, path = self.openssl.get(command.lower(), ("", ""))
        return (Provenance(path, 0, f"{command} = {value}"),) if path else ()

    # --- what goes on without TLS ---

    def plaintext(self) -> Setting:
        """``served`` when anyone can log in, or open a data channel, without TLS; provenance tells by what."""
        names: list[str] = []
        if self.on("local_enable"):
            names += [name for name in ("force_local_logins_ssl", "force_local_data_ssl") if not self.on(name)]
        if self.on("anonymous_enable"):
            # With allow_anon_ssl off an anonymous session may not use TLS at all (prelogin.c).
            forced = ("force_anon_logins_ssl", "force_anon_data_ssl")
            names += [name for name in forced if not self.on(name)]
        if self.on("implicit_ssl"):
            names = [name for name in names if name.endswith("_data_ssl")]
        places = [*self.places(*names), *(option.provenance() for option in self.exempted())]
        if places:
            return Setting("served", tuple(places))
        return Setting("refused", self.places("force_local_logins_ssl", "force_local_data_ssl"))

    def exempted(self) -> list[Option]:
        """What files about single users say against the forcing of TLS on data channels."""
        return [
            option
            for document in self.documents
            if document.tree.user
            for option in document.tree.options
            if option.name in ("force_local_data_ssl", "force_anon_data_ssl") and option.on is False
        ]

    # --- addresses ---

    def address(self) -> tuple[str, str]:
        """What it listens on, for people, and the host by which a loopback client reaches it (empty: it cannot)."""
        port = self.port
        every = ("", "0.0.0.0", "::")  # noqa: S104  compared, not bound
        if self.on("listen_ipv6"):
            given = self.text("listen_address6")
            # The socket serves IPv4 as well (ipv6(7)), and loopback IPv6 is what hosts lack more often.
            return (f"[{given}]:{port}", f"[{given}]") if given not in every else (f"[::]:{port}", "127.0.0.1")
        if self.on("listen"):
            given = self.text("listen_address")
            return (f"{given}:{port}", given) if given not in every else (f"*:{port}", "127.0.0.1")
        return "inetd", ""

    @property
    def port(self) -> int:
        text = self.text("listen_port")
        return int(text) if text.isdigit() else 21


def settings_of(
    instance: Instance, documents: t.Sequence[Document]
) -> tuple[t.Callable[[str], bool], t.Callable[[str], str]]:
    """Two functions: whether a switch is on, and the text of any other setting, empty when nobody sets it."""
    config = _Config(instance, documents)
    return config.on, config.text


def _speakable(protocol: str, names: t.Iterable[str]) -> bool:
    for name in names:
        try:
            oldest = suite_registry.by_name(name).min_protocol
        except KeyError:
            return True
        if PROTOCOLS.index(oldest) <= PROTOCOLS.index(protocol):
            return True
    return False


def listeners(instance: Instance, documents: t.Sequence[Document]) -> list[Listener]:
    """The one address vsftpd serves, on the control channel; what it says of logins and data holds for both."""
    config = _Config(instance, documents)
    tls = config.on("ssl_enable")
    label, host = config.address()
    implicit = tls and config.on("implicit_ssl")
    scheme = "ftps" if implicit else "ftp"
    if tls:
        settings = {**config.settings(), "plaintext": config.plaintext()}
    else:
        settings = {"plaintext": Setting("served", config.places("ssl_enable"))}
    endpoints = (f"{scheme}://{host}:{config.port}",) if host else ()
    return [Listener("vsftpd", scheme, "server", label, (), True, tls, settings, endpoints)]


# --- plan -------------------------------------------------------------------------------------------------------------


def plan(
    instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
) -> Plan:
    """Values are mended where they stand, also where a later one is in force today; missing ones go to the end of the
    main file. Raises BaselineError when the build can do nothing of the baseline."""
    clamped, clamps = clamp(baseline, instance.capabilities)
    planner = _Planner(instance, documents, clamped, options)
    planner.mend_plaintext()
    if planner.tls:
        planner.mend_protocols()
        planner.mend_ciphers()
    edits = planner.edits()
    edits += planner.service_edits(edited(documents, edits))
    planner.check(edited(documents, edits))
    curve = f"{planner.build.title} has one curve built in, P-256"
    clamps = tuple(one._replace(reason=curve) if one.check == "group.clamped" else one for one in clamps)
    return Plan(tuple(edits), clamps, tuple(planner.unmended))


class _Planner:
    def __init__(
        self,
        instance: Instance,
        documents: t.Sequence[Document],
        baseline: Baseline,
        options: t.Mapping[str, t.Any],
    ) -> None:
        self.instance, self.documents = instance, documents
        self.config = _Config(instance, documents)
        self.build = self.config.build
        self.overrides = options.get("overrides", "mend")
        self.kept = kept_by(options, self.config.port)
        self.baseline = self._relaxed(baseline)
        self.force = options.get("plaintext", "refuse") == "refuse"
        self.tls = self.config.on("ssl_enable")
        self.unmended: list[Unmended] = []
        self._edits: list[Edit] = []
        self._missing: list[tuple[str, str, str]] = []

    def _relaxed(self, baseline: Baseline) -> Baseline:
        """The baseline with what exceptions keep of what is on."""
        if not self.kept.ids:
            return baseline
        suites = self.config.expand(self.config.ciphers()[0]) or ()
        return relaxed(baseline, self.kept, self.config.enabled(), suites)

    # --- collecting edits ---

    def _respell(self, option: Option, value: str, check: str, reason: str) -> None:
        if not option.line:
            self._leave(check, option.provenance(), f"{reason}; it stands on the command line: mend the unit")
        elif self.overrides != "mend" and option.path != self.documents[0].path:
            if self.overrides == "fail":
                text = f'"{option.name}={option.value}" breaks the baseline ({reason}), and overrides is "fail"'
                raise ConfigurationError(option.path, option.line, 0, text)
            text = f"{reason}; left alone because overrides is {self.overrides!r}"
            self._leave(check, option.provenance(), text)
        else:
            new = value.encode("ascii")
            self._edits.append(Edit(option.path, option.start, option.end, new, option.line, check, reason))

    def _leave(self, check: str, place: Provenance, reason: str) -> None:
        item = Unmended(check, place, reason)
        if item not in self.unmended:
            self.unmended.append(item)

    def _want(self, name: str, on: bool, check: str, reason: str) -> None:
        """Every occurrence of a switch says ``on``; where there is none and the built-in value is another, one does."""
        value = "YES" if on else "NO"
        found = [option for option in self.config.options if option.name == name]
        for option in found:
            if option.on is not on:
                self._respell(option, value, check, reason)
        if not found and self.build.default(name) is not on:
            self._missing.append((f"{name}={value}", check, reason))

    def edits(self) -> list[Edit]:
        main = self.documents[0]
        end = len(main.data)
        last = main.data.count(b"\n") + 1
        open_line = bool(main.data) and not main.data.endswith(b"\n")
        added = []
        for number, (text, check, reason) in enumerate(self._missing):
            # A last line without an end keeps being one.
            code = b"\n" + text.encode("ascii") if open_line else text.encode("ascii") + b"\n"
            added.append(Edit(main.path, end, end, code, last + number + open_line, check, reason))
        order = {document.path: number for number, document in enumerate(self.documents)}
        return sorted(self._edits, key=lambda edit: (order[edit.path], edit.start)) + added

    # --- what is wanted ---

    def mend_plaintext(self) -> None:
        config = self.config
        if {"transport.plaintext", "transport.login"} & self.kept.checks:
            return
        if not self.force:
            places = config.plaintext() if self.tls else Setting("served", config.places("ssl_enable"))
            if places.value == "served":
                reason = 'logins or data go in plaintext; left alone because plaintext is "report"'
                self._leave("transport.plaintext", places.provenance[0], reason)
            return
        if not self.tls:
            if config.tree.objection:
                reason = f"TLS is off, and cannot be switched on: {config.tree.objection}; set rsa_cert_file"
                self._leave("transport.plaintext", config.places("ssl_enable")[0], reason)
                return
            self.tls = True
        check = "transport.plaintext"
        self._want("ssl_enable", True, check, "everything goes in plaintext without TLS")
        if config.on("local_enable"):
            self._want("force_local_logins_ssl", True, check, "passwords may be sent in plaintext")
            self._want("force_local_data_ssl", True, check, "files may be sent in plaintext")
        if config.on("anonymous_enable"):
            self._want("allow_anon_ssl", True, check, "anonymous sessions may not use TLS")
            self._want("force_anon_logins_ssl", True, check, "anonymous sessions may do without TLS")
            self._want("force_anon_data_ssl", True, check, "files may be sent in plaintext")
        for option in config.exempted():
            user = os.path.basename(option.path)
            self._respell(option, "YES", check, f"files of {user} may be sent in plaintext")

    def mend_protocols(self) -> None:
        for protocol in self.build.capabilities.protocols:
            name = self.build.switch(protocol)
            if name is None:
                continue
            if protocol not in self.baseline.protocols:
                self._want(name, False, _CHECKS[protocol], f"{protocol} must be off")
            elif protocol in self.baseline.required_protocols or not set(self.config.enabled()) & set(
                self.baseline.protocols
            ):
                self._want(name, True, _CHECKS[protocol], f"{protocol} must be on")

    def mend_ciphers(self) -> None:
        approved = self.baseline.suites_tls12
        if not approved:
            return
        wanted = openssl.cipher_list(approved)
        low = _level_is_low(self.build, self.config.tree.base) and not self.config.tree.weak and not self._needs_low()
        floor = ":@SECLEVEL=2" if low else ""
        found = [option for option in self.config.options if option.name == "ssl_ciphers"]
        for option in found:
            reason, level = self._why_suites(option.value), _LEVEL.search(option.value)
            # A certificate that only a low level loads is a finding of its own; without the level nothing would start.
            stays = bool(level) and (self.config.tree.weak or self._needs_low())
            kept = f":@SECLEVEL={level.group(1)}" if level and stays else floor
            if reason:
                self._respell(option, wanted + kept, "suite.forbidden", reason)
            elif (int(level.group(1)) < 2 if level else bool(floor)) and not stays:
                reason = "a security level below 2 allows signatures with SHA-1"
                self._respell(option, _LEVEL.sub("", option.value) + floor, "signature.forbidden", reason)
        reason = self._why_suites(self.build.ciphers)
        if not found and (reason or floor):
            check = "suite.forbidden" if reason else "signature.forbidden"
            reason = reason or "without a security level signatures with SHA-1 are allowed"
            self._missing.append((f"ssl_ciphers={wanted}{floor}", check, reason))

    def _needs_low(self) -> bool:
        """Whether an exception keeps a protocol that OpenSSL speaks at security level 0 only."""
        return any(name in self.baseline.protocols for name in OF_LEVEL_0)

    def _why_suites(self, text: str) -> str:
        """What is wrong with a cipher list; empty when nothing is."""
        names = self.config.expand(text)
        if names is None:
            return "a list that is kept elsewhere cannot be proved to hold the baseline"
        bad = [name for name in names if self.baseline.forbids_suite(name)]
        if bad:
            return f"{', '.join(bad[:3])}{f' and {len(bad) - 3} more' if len(bad) > 3 else ''} must be off"
        usable = any(name in self.baseline.suites_tls12 for name in names)
        return "" if usable else "no suite of the baseline is usable with this certificate"

    def service_edits(self, documents: t.Sequence[Document]) -> list[Edit]:
        """What vsftpd has no names for, said in OpenSSL's configuration for its service; what is not needed goes.

        ``documents`` are those after all other edits.
        """
        tree = self.config.tree
        if not self.tls or not tree.unit or self.overrides != "mend":
            return []
        wanted: dict[str, bytes | None] = dict.fromkeys(_service_files(tree.unit))
        commands = self._commands([one for one in documents if one.tree.own is None])
        if commands:
            if tree.base is None or self.build.capabilities.version < openssl_conf.SINCE:
                return []
            comment = _COMMENT.format(tree.unit)
            values = {name: value for name, (value, _check, _reason) in commands.items()}
            data = openssl_conf.extension(tree.base, values, comment)
            if data is None:
                return []
            private, drop_in = wanted
            named = f"# {comment}\n[Service]\nEnvironment=OPENSSL_CONF={private}\n"
            wanted = {private: data, drop_in: named.encode("ascii")}
        check = next((check for _value, check, _reason in commands.values()), "config.override")
        reason = "; ".join(reason for _value, _check, reason in commands.values()) or "the baseline needs it no more"
        return _whole_files(documents, wanted, check, reason)

    def _commands(self, documents: t.Sequence[Document]) -> dict[str, tuple[str, str, str]]:
        """OpenSSL commands that close what is left open, each with its check and the reason."""
        config = _Config(self.instance, documents)
        settings = config.settings()
        found = {}
        lowest = min(map(PROTOCOLS.index, self.baseline.protocols), default=0)
        older = [name for name in settings["protocols"].value if PROTOCOLS.index(name) < lowest]
        if older:
            reason = f"{self.build.title} has no setting that switches {older[-1]} off"
            found["MinProtocol"] = (PROTOCOLS[lowest], _CHECKS[older[-1]], reason)
        if any(map(self.baseline.forbids_suite, settings["suites_tls13"].value)):
            reason = f"{self.build.title} has no setting for TLS 1.3 suites"
            found["Ciphersuites"] = (openssl.ciphersuites(self.baseline.suites_tls13), "suite.forbidden", reason)
        if self._wants_tickets_off(settings):
            words = config.openssl.get("options", ("", ""))[0]
            kept = [word for word in words.split(",") if word.strip() and "sessionticket" not in word.lower()]
            reason = f"{self.build.title} has no setting for session tickets, and keeps their key until it is restarted"
            found["Options"] = (",".join([*kept, "-SessionTicket"]), "session.tickets", reason)
        return found

    def _elsewhere(self, command: str) -> str:
        """How to say a command to this service where the plan cannot."""
        text = f"give it an OPENSSL_CONF of its own with {command}"
        if self.config.on("setproctitle_enable"):
            text = f"set setproctitle_enable=NO, which keeps OPENSSL_CONF from it, and {text}"
        return text

    def _wants_tickets_off(self, settings: t.Mapping[str, Setting]) -> bool:
        excepted = self.baseline.session_tickets == "any" or "session.tickets" in self.kept.checks
        return not excepted and settings["session_tickets"].value == "static"

    def check(self, documents: t.Sequence[Document]) -> None:
        """What still breaks the baseline after the edits was left alone, and is said so."""
        config = _Config(self.instance, documents)
        if not config.on("ssl_enable"):
            return
        settings = config.settings()
        for protocol in settings["protocols"].value:
            if protocol not in self.baseline.protocols:
                reason = f"{self.build.title} has no setting that switches {protocol} off"
                if self.build.switch(protocol):
                    reason = f"{protocol} is still on after all edits; mend it here"
                elif protocol != "TLSv1.2":
                    reason += ", and the cipher list of the baseline has suites that it can use; leave out those"
                reason += f", or {self._elsewhere('MinProtocol')}"
                if not self.build.switch(protocol):
                    reason = below(self.kept, protocol, settings["protocols"].value, self.build.title) or reason
                self._leave(_CHECKS[protocol], settings["protocols"].provenance[0], reason)
        if any(map(self.baseline.forbids_suite, settings["suites_tls13"].value)):
            reason = f"vsftpd has no setting for TLS 1.3 suites; {self._elsewhere('Ciphersuites')}"
            self._leave("suite.forbidden", settings["suites_tls13"].provenance[0], reason)
        if self._wants_tickets_off(settings):
            reason = (
                "vsftpd has no setting for session tickets, and keeps their key until it is restarted; "
                + self._elsewhere("Options = -SessionTicket")
            )
            self._leave("session.tickets", settings["session_tickets"].provenance[0], reason)


def _whole_files(
    documents: t.Sequence[Document], wanted: t.Mapping[str, bytes | None], check: str, reason: str
) -> list[Edit]:
    """Edits by which these files have these bytes, or are not there."""
    known = {document.path: document for document in documents}
    found = []
    for path, data in wanted.items():
        document = known.get(path)
        if document is None and data is not None:
            found.append(Edit.creation(path, data, check, reason))
        elif document is not None and data is None:
            found.append(Edit.removal(document, check, reason))
        elif document is not None and data is not None and data != document.data:
            found.append(Edit(path, 0, len(document.data), data, 1, check, reason))
    return found


# --- instances --------------------------------------------------------------------------------------------------------


def discover(host: Host) -> list[Instance]:
    """One instance for each main file: of running listeners first, then of services and files nobody runs."""
    builds: dict[str, Build | None] = {}
    found: dict[str, Instance] = {}

    def build_of(program: str) -> Build | None:
        if program not in builds:
            builds[program] = read_build(host, program)
        return builds[program]

    def add(build: Build, words: t.Sequence[str], folder: str, process: Process | None, unit: str | None) -> None:
        arguments = _arguments(build, words, folder)
        config = next(word for word in arguments if not word.startswith("-"))
        if config in found or (process is None and not host.exists(config)):
            return
        facts = {
            "build": build,
            "arguments": arguments,
            "unit": unit,
            "pid": process.pid if process else None,
            "environment": _environment(host, process, unit),
        }
        found[config] = Instance(
            "vsftpd", config, build.version, config, build.capabilities, process is not None, facts
        )

    for process in masters(host):
        build = build_of(process.exe)
        if build is not None:
            unit = host.unit(process.pid)
            words = process.argv[1:] if not _titled(process) else _exec_start(host, unit)
            add(build, words, host.cwd(process.pid), process, unit)
    programs = [host.which("vsftpd"), *(path for path in _PLACES if host.exists(path))]
    for program in dict.fromkeys(host.realpath(path) for path in programs if path):
        build = build_of(program)
        if build is None:
            continue
        add(build, [] if build.config in found else _exec_start(host, "vsftpd.service"), "/", None, "vsftpd.service")
        if any(map(host.exists, _TEMPLATES)):
            for path in host.glob(f"{os.path.dirname(build.config).rstrip('/')}/vsftpd/*.conf") + host.glob(
                "/etc/vsftpd/*.conf"
            ):
                name = os.path.basename(path)[: -len(".conf")]
                add(build, [path], "/", None, f"vsftpd@{name}.service")
    return list(found.values())


def masters(host: Host) -> list[Process]:
    """Listeners. A session is a child of one, and one that inetd(8) started has a socket as its standard input."""
    every = [process for process in host.processes() if os.path.basename(process.exe) == "vsftpd"]
    pids = {process.pid for process in every}
    return [
        process
        for process in every
        if process.ppid not in pids and "/socket:[" not in host.realpath(f"/proc/{process.pid}/fd/0")
    ]


def _environment(host: Host, process: Process | None, unit: str | None) -> dict[str, str]:
    """What of a process's environment OpenSSL looks at (openssl-env(7)). A title takes its place in memory; then the
    unit tells it, as it does for one that does not run."""
    pairs: list[str] = []
    if process and not _titled(process):
        try:
            pairs = decode(host.read(f"/proc/{process.pid}/environ")).split("\0")
        except OSError:
            return {}
    elif unit:
        pairs = _show(host, unit, "Environment").partition("=")[2].split()
    return dict(pair.split("=", 1) for pair in pairs if pair.startswith("OPENSSL_") and "=" in pair)


def _titled(process: Process) -> bool:
    """Whether setproctitle_enable has put a title in place of the command line."""
    return process.argv[0].startswith("vsftpd: ")


def _exec_start(host: Host, unit: str | None) -> list[str]:
    """The arguments by which a systemd service starts its program, without the program."""
    if not unit:
        return []
    shown = host.run(["systemctl", "show", "--property=ExecStart", unit], timeout=30).stdout
    found = re.search(r"argv\[\]=(.*?) ;", shown)
    return found.group(1).split()[1:] if found else []


def _arguments(build: Build, words: t.Sequence[str], folder: str) -> list[str]:
    """Files and settings of a command line in the order they count, paths absolute. Without a file the built-in one
    is read, after all settings (main.c)."""
    # Whether it leaves the terminal is a matter of how it was started, and ours is another way.
    known = [word for word in words if word[:1] != "-" or (word[:2] == "-o" and not word.startswith("-obackground="))]
    found = [word if word.startswith("-") else os.path.normpath(os.path.join(folder, word)) for word in known]
    return found if any(not word.startswith("-") for word in found) else [*found, build.config]


# --- test, restart ----------------------------------------------------------------------------------------------------


def test_command(instance: Instance, overrides: t.Mapping[str, str] | None = None) -> list[str]:
    """argv that serves one session on a connection handed over as standard input."""
    build: Build = instance.facts["build"]
    more = {name: value for name, value in {**_QUIET, **(overrides or {})}.items() if name in build.names}
    settings = {"listen": "NO", "listen_ipv6": "NO", **more}
    return [build.program, *instance.facts["arguments"], *(f"-o{name}={value}" for name, value in settings.items())]


class _Session:
    """A client of one session."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._lines = connection.makefile("rb")

    def reply(self) -> str:
        """The next reply: its last line, or the words of a daemon that ends; empty at the end of the session."""
        while True:
            line = decode(self._lines.readline(4096)).rstrip("\r\n")
            if not line or line[3:4] != "-":
                return line

    def ask(self, command: str) -> str:
        self.connection.sendall(command.encode("ascii") + b"\r\n")
        return self.reply()

    def encrypt(self, context: t.Any) -> None:
        self._lines.close()
        self.connection = context.wrap_socket(self.connection)
        self._lines = self.connection.makefile("rb")


def _client() -> t.Any:
    """A TLS client that takes whatever is offered: this asks whether vsftpd can serve, not how well."""
    import ssl
    import warnings

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.TLSv1
    return context


def test(host: Host, instance: Instance) -> TestResult:
    """A session as inetd(8) would start it: files, certificate and lists load, a handshake succeeds, and so does one
    on a data channel, which an anonymous login of the trial's own opens. Nothing is logged and no port is taken."""
    environment = _trial_environment(host, instance)
    try:
        ok, output, tls = host.inetd(test_command(instance), _control, env=environment)
    except OSError as error:
        return TestResult(False, f"the trial session failed: {error.strerror or error}", ())
    if not ok:
        return TestResult(False, _with_file(host, instance, output), ())
    if not tls:
        return TestResult(True, output, ())
    try:
        why = host.inetd(test_command(instance, _ANONYMOUS), _data, env=environment)
    except OSError as error:
        why = str(error.strerror or error)
    return TestResult(True, output, (f"no data channel could be tried: {why}",) if why else ())


def _with_file(host: Host, instance: Instance, words: str) -> str:
    """vsftpd's last words, with the file they are about: it names none."""
    name = "rsa_cert_file" if "certificate" in words else "rsa_private_key_file" if "private key" in words else ""
    try:
        path = _Config(instance, read(host, instance)).text(name) if name else ""
    except ConfigurationError:
        return words
    return f"{words} ({name}={path})" if path else words


def _control(connection: socket.socket) -> tuple[bool, str, bool]:
    """Whether vsftpd serves, its words, and whether it speaks TLS."""
    session = _Session(connection)
    greeting = session.reply()
    if not greeting.startswith("220"):
        missing = "secure_chroot_dir" in greeting  # made by the unit or at boot, and needed only by sessions
        return missing, greeting or "it ended without a word", False
    answer = session.ask("AUTH TLS")
    if not answer.startswith("234"):
        return True, "the files load; TLS is off", False
    try:
        session.encrypt(_client())
    except OSError as error:
        return False, f"the files load, but no TLS handshake succeeds: {error.strerror or error}", False
    spoken = session.connection.version()  # type: ignore[attr-defined]  # a socket of ssl by now
    return True, f"the files load, and a handshake succeeds with {spoken}", True


def _data(connection: socket.socket) -> str:
    """Why no encrypted data channel could be had; empty when one could."""
    import socket

    session = _Session(connection)
    if not session.reply().startswith("220") or not session.ask("AUTH TLS").startswith("234"):
        return "no session for anonymous"
    context = _client()
    session.encrypt(context)
    for command, wanted in (("USER anonymous", "230"), ("PBSZ 0", "200"), ("PROT P", "200")):
        answer = session.ask(command)
        if not answer.startswith(wanted):
            return f"{command} was answered {answer}"
    answer = session.ask("PASV")
    numbers = re.search(r"\((?:\d+,){4}(\d+),(\d+)\)", answer)
    if numbers is None:
        return f"PASV was answered {answer}"
    port = int(numbers.group(1)) * 256 + int(numbers.group(2))
    with socket.create_connection(("127.0.0.1", port), connection.gettimeout()) as plain:
        answer = session.ask("NLST")
        if not answer.startswith("150"):
            return f"NLST was answered {answer}"
        # RFC 4217 section 10.2 leaves it open; vsftpd wants the session of the control channel (require_ssl_reuse).
        with context.wrap_socket(plain, session=session.connection.session) as channel:  # type: ignore[attr-defined]
            while channel.recv(4096):
                pass
    answer = session.reply()
    return "" if answer.startswith("226") else f"NLST ended with {answer}"


def _master(host: Host, instance: Instance) -> Process | None:
    """The listener that runs the instance's files."""
    for process in masters(host):
        if _titled(process):
            if instance.facts["unit"] and host.unit(process.pid) == instance.facts["unit"]:
                return process
            continue
        arguments = _arguments(instance.facts["build"], process.argv[1:], host.cwd(process.pid))
        if arguments == instance.facts["arguments"]:
            return process
    return None


def generation(host: Host, instance: Instance) -> tuple[int, int] | None:
    """The listener as (pid, start)."""
    master = _master(host, instance)
    return (master.pid, master.start) if master else None


def restart(host: Host, instance: Instance) -> None:
    """By systemd where it runs the listener, else by its end and the same command line again."""
    master = _master(host, instance)
    if master is None:
        raise TransactionError("reload", f"vsftpd with {instance.config} does not run")
    if master.pid == 1 or master.ppid == 0:
        message = f"vsftpd is process {master.pid} of a container and ends with it; restart the container yourself"
        raise TransactionError("reload", message)
    unit = host.unit(master.pid)
    if unit and f"MainPID={master.pid}\n" in _show(host, unit, "MainPID"):
        _systemctl(host, "restart", unit)
        return
    _spawn(host, instance, master.pid)


def start(host: Host, instance: Instance) -> None:
    unit = instance.facts["unit"]
    if unit and "LoadState=loaded" in _show(host, unit, "LoadState"):
        # A unit that failed too often in a row is refused without this.
        host.run(["systemctl", "reset-failed", unit], timeout=30)
        _systemctl(host, "start", unit)
    else:
        _spawn(host, instance)


#: What :func:`_spawn` has a shell do with a process to be ended, 0 for none, and a command line. vsftpd writes its last
#: words to standard input, and one that has ended has no command line any more, whoever cares for its status (proc(5)).
_SUCCESSION = """\
pid=$1 left=500
shift
if [ "$pid" != 0 ]; then
    kill "$pid" || exit 64
    while grep -q . "/proc/$pid/cmdline" 2>/dev/null; do
        [ $((left -= 1)) -gt 0 ] || exit 65
        sleep 0.02
    done
fi
exec "$@" 0>&1
"""
_OLD_STAYS = {64: "took no signal", 65: "does not end"}


def _spawn(host: Host, instance: Instance, old: int = 0) -> None:
    """Start a listener, in place of an ``old`` one if there is one.

    One process ends the old one and becomes the new one. It does not end with this run: whenever that is killed,
    somebody listens again.
    """
    argv = [instance.facts["build"].program, *instance.facts["arguments"], "-obackground=YES"]
    environment = _trial_environment(host, instance)
    done = host.run(["/bin/sh", "-c", _SUCCESSION, "sh", str(old), *argv], timeout=30, env=environment)
    if done.rc in _OLD_STAYS:
        raise TransactionError("reload", f"vsftpd {old} {_OLD_STAYS[done.rc]}", output=done.stderr.strip())
    if done.rc != 0:
        raise TransactionError("start", f"{' '.join(argv)} failed with status {done.rc}", output=done.stdout.strip())


def _show(host: Host, unit: str, name: str) -> str:
    return host.run(["systemctl", "show", f"--property={name}", unit], timeout=30).stdout


def _systemctl(host: Host, verb: str, unit: str) -> None:
    import time

    done = host.run(["systemctl", verb, unit], timeout=_SYSTEMCTL_TIMEOUT)
    if done.rc != 0:
        message = f"systemctl {verb} {unit} failed with status {done.rc}"
        raise TransactionError("reload", message, output=(done.stderr + done.stdout).strip())
    # A simple service counts as started before the program is there (systemd.service(5), Type=).
    deadline = time.monotonic() + _START_TIMEOUT
    while not any(host.unit(process.pid) == unit for process in masters(host)):
        state = _show(host, unit, "ActiveState")
        if "=failed" in state or "=inactive" in state or time.monotonic() > deadline:
            said = host.run(["systemctl", "status", "--no-pager", "--full", unit], timeout=30).stdout
            raise TransactionError("reload", f"{unit} ended at its start", output=said.strip())
        time.sleep(0.05)


def written(host: Host, instance: Instance) -> None:
    """Have systemd read its units again when a drop-in of ours came, went or changed."""
    for path in _service_files(instance.facts["unit"] or "")[1:]:
        there = host.exists(path)
        shown = _show(host, instance.facts["unit"], "DropInPaths,NeedDaemonReload")
        if there != (path in shown) or (there and "NeedDaemonReload=yes" in shown):
            _manager_reload(host)


def _manager_reload(host: Host) -> None:
    done = host.run(["systemctl", "daemon-reload"], timeout=_SYSTEMCTL_TIMEOUT)
    if done.rc != 0:
        message = f"systemctl daemon-reload failed with status {done.rc}"
        raise TransactionError("reload", message, output=(done.stderr + done.stdout).strip())


def settled(host: Host, instance: Instance, before: t.Any) -> bool:
    """Another listener than before, and it listens."""
    now = generation(host, instance)
    return now is not None and now != before and _listens(host, now[0])


def _listens(host: Host, pid: int) -> bool:
    inodes = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = host.read(f"/proc/{pid}/net/{name}").decode("ascii").splitlines()[1:]
        except OSError:
            continue
        inodes |= {fields[9] for fields in map(str.split, lines) if fields[3] == _LISTENS}
    held = host.glob(f"/proc/{pid}/fd/*")
    return any(f"socket:[{inode}]" in host.realpath(path) for path in held for inode in inodes)


# --- the surface ------------------------------------------------------------------------------------------------------


class Vsftpd(Stack):
    """The vsftpd stack.

    ``options`` of :meth:`plan`:

    =============  ====================================================================================================
    ``overrides``  ``mend`` (default) edits every file, and creates those for the service; ``report`` leaves settings
                   outside the main file alone and reports them; ``fail`` raises ConfigurationError for the first
    ``plaintext``  ``refuse`` (default) forces TLS on logins and data; ``report`` leaves and reports what goes without
    =============  ====================================================================================================
    """

    name = "vsftpd"
    title = "vsftpd"
    reloads = "restarted (which ends open sessions)"

    def discover(self, host: Host) -> list[Instance]:
        return discover(host)

    def read(self, host: Host, instance: Instance) -> list[Document]:
        return read(host, instance)

    def edited(self, documents: t.Sequence[Document], edits: t.Sequence[Edit]) -> list[Document]:
        return edited(documents, edits)

    def effective(self, instance: Instance, documents: t.Sequence[Document]) -> list[Listener]:
        return listeners(instance, documents)

    def plan(
        self, instance: Instance, documents: t.Sequence[Document], baseline: Baseline, options: t.Mapping[str, t.Any]
    ) -> Plan:
        from .vsftpd_usage import switched

        made = plan(instance, documents, baseline, options)
        return with_logging(made, options, lambda on: switched(instance, documents, on))

    def test(self, host: Host, instance: Instance) -> TestResult:
        return test(host, instance)

    def test_command(self, instance: Instance) -> list[str]:
        return test_command(instance)

    def written(self, host: Host, instance: Instance) -> None:
        written(host, instance)

    def generation(self, host: Host, instance: Instance) -> t.Any:
        return generation(host, instance)

    def reload(self, host: Host, instance: Instance) -> None:
        restart(host, instance)

    def start(self, host: Host, instance: Instance) -> None:
        start(host, instance)

    def settled(self, host: Host, instance: Instance, before: t.Any) -> bool:
        return settled(host, instance, before)

    def handshakes(self, instance: Instance, documents: t.Sequence[Document]) -> Logged:
        from . import vsftpd_usage

        return vsftpd_usage.logged(instance, documents)

    def export(self, instance: Instance, documents: t.Sequence[Document]) -> list[ExportFile]:
        return [
            exporting.listeners(listeners(instance, documents)),
            *(exporting.document(document, ()) for document in documents),
        ]
