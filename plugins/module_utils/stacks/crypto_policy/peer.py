# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A program that sets nothing of its own, to see what a TLS library gives such programs: run as a process of its own,
so that the library reads its configuration afresh, and with nothing between the library and the wire.

It calls the library by ctypes and not by :mod:`ssl`, which sets versions and suites itself (What's New In Python 3.10).

    openssl|gnutls facts                what library it is, and which file it says it reads, as JSON
    gnutls names                        every name it knows, whatever its configuration has switched off, as JSON
    openssl|gnutls check                what the library has against its configuration, one line each; status 1 if any
    openssl|gnutls client PORT          one handshake with 127.0.0.1:PORT
    openssl|gnutls server PEM [PEM]     serves TLS on a loopback port, which it prints, until its standard input ends;
                                        each PEM file holds a key and its certificate

The calls are documented in SSL_CTX_new(3), SSL_CTX_config(3) and NCONF_load(3), and in the GnuTLS manual.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
import threading
import typing as t

_OPENSSL = ("libssl.so.4", "libssl.so.3", "libssl.so.1.1", "libssl.so.10")
_GNUTLS = ("libgnutls.so.30",)

#: SSL_CONF_FLAG_FILE, _CLIENT and _SERVER (ssl.h).
_CONF_FLAGS, _CONF_CLIENT, _CONF_SERVER = 2, 4, 8

_FILETYPE_PEM = 1  # X509_FILETYPE_PEM and SSL_FILETYPE_PEM
_GNUTLS_SERVER, _GNUTLS_CLIENT = 1, 2
_GNUTLS_CRD_CERTIFICATE, _GNUTLS_X509_FMT_PEM = 1, 1
_GNUTLS_E_AGAIN, _GNUTLS_E_INTERRUPTED = -28, -52

#: Environment of the calls that want GnuTLS in another mood, which it is in from the moment it is loaded. It fails on
#: a bad file only when told to, names the line only when it debugs, and knows every name only without its file (manual,
#: System-wide configuration, and Debugging and auditing).
_MOODS = {
    ("gnutls", "check"): {"GNUTLS_SYSTEM_PRIORITY_FAIL_ON_INVALID": "1", "GNUTLS_DEBUG_LEVEL": "2"},
    ("gnutls", "names"): {"GNUTLS_SYSTEM_PRIORITY_FILE": os.devnull},
}

#: Seconds a handshake may take before the connection is given up.
_PATIENCE = 30


#: Begins a line about what the library leaves out and goes on without.
IGNORED = "ignored: "


class Trouble(Exception):
    """What a library says when it refuses."""


class Absent(Trouble):
    """No library of that name is installed."""


#: Exit status of this program when the library is absent. One that is there and cannot be asked is another matter.
ABSENT = 3


def argv(*words: str) -> list[str]:
    """The command line that runs this file with the Python that runs now, out of an archive too."""
    root = str(__spec__.origin)
    for _part in __name__.split("."):
        root = os.path.dirname(root)
    code = f"import sys; sys.path.insert(0, {root!r}); from {__name__} import main; main()"
    return [sys.executable, "-I", "-c", code, *words]


def _load(names: t.Sequence[str]) -> t.Any:
    said = []
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError as error:
            # dlopen(3) says the same of a library that lacks another one, and names that.
            if not str(error).startswith(f"{name}: cannot open shared object file: No such file"):
                said.append(str(error))
    if said:
        raise Trouble("; ".join(said))
    raise Absent(f"none of {', '.join(names)} is installed")


class OpenSSL:
    """libssl as programs get it."""

    def __init__(self) -> None:
        self._ssl = _load(_OPENSSL)
        # libssl has loaded it, and finds its symbols there.
        self._crypto = ctypes.CDLL(self._ssl._name.replace("libssl", "libcrypto"))
        for library, name in (
            (self._ssl, "TLS_client_method"),
            (self._ssl, "TLS_server_method"),
            (self._ssl, "SSL_CTX_new"),
            (self._ssl, "SSL_new"),
            (self._ssl, "SSL_CONF_CTX_new"),
            (self._crypto, "NCONF_new"),
            (self._crypto, "NCONF_get_section"),
            (self._crypto, "OPENSSL_sk_value"),
        ):
            getattr(library, name).restype = ctypes.c_void_p
        for name in ("OpenSSL_version", "CONF_get1_default_config_file", "NCONF_get_string"):
            getattr(self._crypto, name).restype = ctypes.c_char_p
        self._crypto.ERR_get_error.restype = ctypes.c_ulong

    def facts(self) -> dict[str, t.Any]:
        # Settings of the start-up come with the first context.
        return {
            "version": self._crypto.OpenSSL_version(0).decode("ascii", "replace"),
            "file": os.fsdecode(self._crypto.CONF_get1_default_config_file()),
        }

    def _errors(self) -> list[str]:
        found: list[str] = []
        while True:
            code = self._crypto.ERR_get_error()
            if not code:
                return found
            text = ctypes.create_string_buffer(256)
            self._crypto.ERR_error_string_n(ctypes.c_ulong(code), text, ctypes.c_size_t(len(text)))
            found.append(text.value.decode("utf-8", "replace"))

    def _context(self, method: str) -> t.Any:
        context = self._ssl.SSL_CTX_new(ctypes.c_void_p(getattr(self._ssl, method)()))
        if not context:
            raise Trouble("SSL_CTX_new: " + "; ".join(self._errors()))
        return ctypes.c_void_p(context)

    def check(self) -> list[str]:
        """Programs start all the same: the library ignores what it does not understand. So each step is asked for."""
        path = self.facts()["file"]
        line = ctypes.c_long(0)
        conf = ctypes.c_void_p(self._crypto.NCONF_new(None))
        if os.path.exists(path) and self._crypto.NCONF_load(conf, os.fsencode(path), ctypes.byref(line)) <= 0:
            where = f"{path}:{line.value}" if line.value > 0 else path
            return [f"{where}: " + "; ".join(self._errors())]
        self._context("TLS_client_method")
        return [f"{IGNORED}{path}: {name} = {value}" for name, value in self._refused(conf)]

    def _refused(self, conf: t.Any) -> list[tuple[str, str]]:
        """Commands of the section for all programs that SSL_CONF_cmd(3) refuses, and the library therefore leaves out.

        They are tried one by one, for both ends: some are for one of them only.
        """
        section = None
        for name in (b"openssl_conf", b"ssl_conf", b"system_default"):
            section = self._crypto.NCONF_get_string(conf, section, name)
            if section is None:
                return []
        entries = ctypes.c_void_p(self._crypto.NCONF_get_section(conf, section))
        found = []
        for index in range(max(self._crypto.OPENSSL_sk_num(entries), 0)):
            entry = ctypes.cast(self._crypto.OPENSSL_sk_value(entries, index), ctypes.POINTER(ctypes.c_char_p * 3))
            _section, name, value = (part or b"" for part in entry.contents)
            command = name.rpartition(b".")[2]
            if not any(self._takes(method, command, value) for method in ("TLS_client_method", "TLS_server_method")):
                found.append((os.fsdecode(name), os.fsdecode(value)))
        return found

    def _takes(self, method: str, command: bytes, value: bytes) -> bool:
        trial = ctypes.c_void_p(self._ssl.SSL_CONF_CTX_new())
        self._ssl.SSL_CONF_CTX_set_flags(trial, _CONF_FLAGS | (_CONF_CLIENT if "client" in method else _CONF_SERVER))
        self._ssl.SSL_CONF_CTX_set_ssl_ctx(trial, self._context(method))
        return bool(self._ssl.SSL_CONF_cmd(trial, command, value) > 0)

    def client(self, connection: socket.socket) -> None:
        self._handshake(self._context("TLS_client_method"), connection, "SSL_connect")

    def server(self, files: t.Sequence[str]) -> t.Callable[[socket.socket], None]:
        context = self._context("TLS_server_method")
        for path in files:
            name = os.fsencode(path)
            if (
                self._ssl.SSL_CTX_use_certificate_file(context, name, _FILETYPE_PEM) != 1
                or self._ssl.SSL_CTX_use_PrivateKey_file(context, name, _FILETYPE_PEM) != 1
            ):
                raise Trouble(f"{path}: " + "; ".join(self._errors()))
        return lambda connection: self._handshake(context, connection, "SSL_accept")

    def _handshake(self, context: t.Any, connection: socket.socket, call: str) -> None:
        session = ctypes.c_void_p(self._ssl.SSL_new(context))
        self._ssl.SSL_set_fd(session, connection.fileno())
        getattr(self._ssl, call)(session)
        self._ssl.SSL_free(session)


class GnuTLS:
    """libgnutls as programs get it that ask for its defaults (gnutls_set_default_priority)."""

    def __init__(self) -> None:
        self._tls = _load(_GNUTLS)
        for name in ("gnutls_check_version", "gnutls_strerror", "gnutls_get_system_config_file"):
            if hasattr(self._tls, name):
                getattr(self._tls, name).restype = ctypes.c_char_p

    def facts(self) -> dict[str, t.Any]:
        # Told since 3.6.9, and the file is read since then as well.
        told = hasattr(self._tls, "gnutls_get_system_config_file")
        # 3.7.1 tells none before there is one; the manual names the default.
        path = (self._tls.gnutls_get_system_config_file() or b"/etc/gnutls/config") if told else b""
        return {
            "version": "GnuTLS " + self._tls.gnutls_check_version(None).decode("ascii", "replace"),
            "file": os.fsdecode(path),
        }

    def names(self) -> dict[str, list[str]]:
        return {kind: self._names(kind) for kind in ("protocol", "kx", "cipher", "mac", "group", "sign")}

    def _names(self, kind: str) -> list[str]:
        listed, named = getattr(self._tls, f"gnutls_{kind}_list"), getattr(self._tls, f"gnutls_{kind}_get_name")
        listed.restype, named.restype = ctypes.POINTER(ctypes.c_int), ctypes.c_char_p
        found: list[str] = []
        numbers = listed()
        while numbers[len(found)]:
            found.append((named(numbers[len(found)]) or b"").decode("ascii", "replace"))
        return found

    def _said(self, code: int) -> str:
        return t.cast(bytes, self._tls.gnutls_strerror(code)).decode("utf-8", "replace")

    def check(self) -> list[str]:
        path = self.facts()["file"]
        code = self._tls.gnutls_global_init()
        if code >= 0:
            session = self._session(_GNUTLS_CLIENT)
            code = self._tls.gnutls_set_default_priority(session)
        return [f"{path}: {self._said(code)}"] if code < 0 else []

    def _session(self, flags: int) -> t.Any:
        session = ctypes.c_void_p()
        code = self._tls.gnutls_init(ctypes.byref(session), flags)
        if code < 0:
            raise Trouble("gnutls_init: " + self._said(code))
        return session

    def _credentials(self, files: t.Sequence[str]) -> t.Any:
        credentials = ctypes.c_void_p()
        self._tls.gnutls_certificate_allocate_credentials(ctypes.byref(credentials))
        for path in files:
            name = os.fsencode(path)
            code = self._tls.gnutls_certificate_set_x509_key_file(credentials, name, name, _GNUTLS_X509_FMT_PEM)
            if code < 0:
                raise Trouble(f"{path}: {self._said(code)}")
        return credentials

    def client(self, connection: socket.socket) -> None:
        self._handshake(_GNUTLS_CLIENT, self._credentials(()), connection)

    def server(self, files: t.Sequence[str]) -> t.Callable[[socket.socket], None]:
        credentials = self._credentials(files)
        return lambda connection: self._handshake(_GNUTLS_SERVER, credentials, connection)

    def _handshake(self, flags: int, credentials: t.Any, connection: socket.socket) -> None:
        session = self._session(flags)
        self._tls.gnutls_set_default_priority(session)
        self._tls.gnutls_credentials_set(session, _GNUTLS_CRD_CERTIFICATE, credentials)
        self._tls.gnutls_transport_set_int2(session, connection.fileno(), connection.fileno())
        while self._tls.gnutls_handshake(session) in (_GNUTLS_E_AGAIN, _GNUTLS_E_INTERRUPTED):
            pass
        self._tls.gnutls_deinit(session)


def _serve(handshake: t.Callable[[socket.socket], None]) -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)

    def end() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=end, daemon=True).start()
    _say(str(listening.getsockname()[1]))
    while True:
        connection, _address = listening.accept()
        threading.Thread(target=_talk, args=(connection, handshake), daemon=True).start()


def _talk(connection: socket.socket, handshake: t.Callable[[socket.socket], None]) -> None:
    with connection:
        _limit(connection)
        handshake(connection)


def _limit(connection: socket.socket) -> None:
    """A time limit the library feels: :meth:`socket.settimeout` would only make the descriptor non-blocking."""
    import struct

    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connection.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", _PATIENCE, 0))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Entry of the process."""
    name, verb, *words = sys.argv[1:]
    os.environ.update(_MOODS.get((name, verb), {}))
    try:
        library: t.Any = {"openssl": OpenSSL, "gnutls": GnuTLS}[name]()
        if verb in ("facts", "names"):
            _say(json.dumps(getattr(library, verb)()))
        elif verb == "check":
            problems = library.check()
            _say("\n".join(problems))
            raise SystemExit(1 if any(not line.startswith(IGNORED) for line in problems) else 0)
        elif verb == "client":
            with socket.create_connection(("127.0.0.1", int(words[0])), _PATIENCE) as connection:
                connection.settimeout(None)
                _limit(connection)
                library.client(connection)
        else:
            _serve(library.server(words))
    except Trouble as error:
        sys.stderr.write(f"{name}: {error}\n")
        raise SystemExit(ABSENT if isinstance(error, Absent) else 1) from error
