# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asking the libraries of this host, and the programs that use them: what they accept, and what they offer.

A library as a server is a process of ours on a loopback port (``peer.py``), for others to scan. A client is started
against a listener of ours, which keeps the first bytes it sends and hangs up. Nothing leaves the host, and no program
gets an answer it could act on.
"""

from __future__ import annotations

import contextlib
import errno
import json
import re
import typing as t

from ...errors import TransactionError
from .. import scratch
from . import peer

if t.TYPE_CHECKING:
    import socket

    from ..host import Completed, Host

#: Variables by which a session gives programs another file than the library's own. The floor is what holds without.
PRIVATE = (
    "OPENSSL_CONF",
    "OPENSSL_CONF_INCLUDE",
    "GNUTLS_SYSTEM_PRIORITY_FILE",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "CURL_HOME",
)

#: Seconds for one program. They do next to nothing; a host that is busy may take its time.
_PATIENCE = 60

#: More than this is no ClientHello (RFC 8446, section 5.1 allows records of 16 KiB, and hellos are one of them).
_HELLO_MOST = 1 << 16
_HANDSHAKE = 22

#: How GnuTLS names file and line.
_UNPARSED = r"cfg: unable to parse: (.+): (\d+)"


class Program(t.NamedTuple):
    """A client program: where it is, its arguments with ``{port}`` in them, what it is told on standard input, the
    dialogue before TLS (``postgres`` or none), and the library it is built for where ldd(1) does not tell."""

    name: str
    paths: tuple[str, ...]
    words: tuple[str, ...]
    input: str = ""
    before: str = ""
    library: str = "openssl"


_APT_REQUEST = "600 URI Acquire\nURI: https://127.0.0.1:{port}/\nFilename: /dev/null\n\n"
_PYTHON = (
    "import socket, ssl; context = ssl.create_default_context(); "
    "context.wrap_socket(socket.create_connection(('127.0.0.1', {port}), 30), server_hostname='localhost')"
)

#: What opens connections on most hosts, with the system's settings and nobody's own. The package manager is among
#: them: apt by its https method, dnf by libcurl and Python.
PROGRAMS = (
    Program("curl", ("/usr/bin/curl",), ("-q", "-sk", "--noproxy", "*", "-m", "30", "https://127.0.0.1:{port}/")),
    Program("python3", ("/usr/bin/python3", "/usr/libexec/platform-python"), ("-I", "-c", _PYTHON)),
    Program(
        "psql",
        ("/usr/bin/psql",),
        ("-X", "-w", "host=127.0.0.1 port={port} sslmode=require gssencmode=disable user=nobody dbname=nobody"),
        before="postgres",
    ),
    Program("apt", ("/usr/lib/apt/methods/https",), (), _APT_REQUEST),
    Program(
        "wget",
        ("/usr/bin/wget",),
        ("--no-config", "--no-proxy", "-q", "-t", "1", "-T", "30", "-O", "/dev/null", "https://127.0.0.1:{port}/"),
    ),
)


def run(host: Host, *argv: str, input: str | None = None) -> Completed:
    """Run a program without the variables of this session that would give it a configuration of its own."""
    return host.run(_bare(argv), timeout=_PATIENCE, input=input)


def _bare(argv: t.Sequence[str]) -> list[str]:
    return ["env", *(word for name in PRIVATE for word in ("-u", name)), *argv]


def ask(host: Host, library: str, verb: str) -> t.Any:
    """What the library says of itself, see ``peer.py``; None when it is not installed. Raises TransactionError."""
    done = run(host, *peer.argv(library, verb))
    if done.rc == peer.ABSENT:
        return None
    if done.rc != 0:
        why = done.stderr.strip().splitlines()[-1:] or [f"status {done.rc}"]
        raise TransactionError("prove", f"{library} cannot be asked: {why[0]}")
    return json.loads(done.stdout)


def check_command(library: str) -> list[str]:
    """argv of the test that :func:`problems` reads."""
    return _bare(peer.argv(library, "check"))


def problems(host: Host, library: str) -> list[str]:
    """What the library has against its configuration as it stands; what it only leaves out begins with
    ``peer.IGNORED``."""
    done = host.run(check_command(library), timeout=_PATIENCE)
    found = [line for line in done.stdout.splitlines() if line]
    # GnuTLS ends the process, and says why only to those who debug it.
    found += re.findall(r"cfg: (?:unknown|invalid).*", done.stderr) if done.rc else []
    found += (
        [f"{path}:{line}: cannot be parsed" for path, line in re.findall(_UNPARSED, done.stderr)] if done.rc else []
    )
    return found or ([done.stderr.strip()[-400:] or f"{library} ended with status {done.rc}"] if done.rc else [])


def installed(host: Host, library: str) -> list[tuple[Program, str]]:
    """The programs of this host that use the library, each with its path."""
    found = []
    for program in PROGRAMS:
        path = next((path for path in program.paths if host.exists(path)), None)
        if path is not None and _library(host, program, path) == library:
            found.append((program, path))
    return found


def _library(host: Host, program: Program, path: str) -> str:
    """A program may use another library in the next release of the distribution, as apt did in Debian 13."""
    linked = host.run(["ldd", path]).stdout
    told = [name for name in ("gnutls", "openssl") if {"gnutls": "libgnutls.", "openssl": "libssl."}[name] in linked]
    return told[0] if len(told) == 1 else program.library


def hear(host: Host, argv: t.Callable[[int], t.Sequence[str]], input: str = "", before: str = "") -> bytes:
    """The first bytes a program sends to a loopback port of ours, up to the end of its ClientHello; empty when none.

    ``argv`` makes its command line of the port. Others on this host could connect as well: what they send is nothing
    but a hello, and the program then fails to be heard.
    """
    import socket
    import threading

    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0), backlog=4) as listening:
        port = listening.getsockname()[1]
        thread = threading.Thread(target=_listen, args=(listening, before, heard), daemon=True)
        try:
            thread.start()
        except RuntimeError as exc:  # Python's word for what clone(2) says of a machine at its limits
            raise OSError(errno.EAGAIN, str(exc)) from exc
        run(host, *argv(port), input=input.format(port=port) if input else None)
        # A program that never connected leaves the listener waiting.
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            pass
        thread.join(_PATIENCE)
    return heard[0] if heard else b""


def _listen(listening: socket.socket, before: str, heard: list[bytes]) -> None:
    with contextlib.suppress(OSError):
        connection, _address = listening.accept()
        with connection:
            connection.settimeout(_PATIENCE)
            if before == "postgres":
                # SSLRequest and its answer (PostgreSQL, Message Formats).
                connection.recv(8)
                connection.sendall(b"S")
            if before == "ssh":
                heard.append(_greeted(connection))
                return
            heard.append(_received(connection, _missing))
            # handshake_failure (RFC 8446, section 6.2): the program need not wait for more.
            connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")


def _received(connection: socket.socket, missing: t.Callable[[bytes], int]) -> bytes:
    """What comes until nothing is missing, or the other end has no more."""
    data = b""
    while missing(data) and len(data) < _HELLO_MOST:
        more = connection.recv(missing(data))
        if not more:
            break
        data += more
    return data


def _missing(stream: bytes) -> int:
    """How many bytes, at least, a stream of records lacks to hold a whole handshake message; 0 when it is there, or
    when the stream is of something else (RFC 8446, sections 4 and 5.1)."""
    at = done = 0
    total = 4
    while done < total:
        if len(stream) < at + 5:
            return at + 5 - len(stream)
        length = int.from_bytes(stream[at + 3 : at + 5], "big")
        if stream[at] != _HANDSHAKE or not length:
            return 0
        if len(stream) < at + 5 + length:
            return at + 5 + length - len(stream)
        if not done and length >= 4:
            total = 4 + int.from_bytes(stream[at + 6 : at + 9], "big")
        at, done = at + 5 + length, done + length
    return 0


# --- SSH --------------------------------------------------------------------------------------------------------------

#: How we introduce ourselves (RFC 4253, section 4.2).
_VERSION = b"SSH-2.0-in_transit\r\n"


def _greeted(connection: socket.socket) -> bytes:
    """What the other end sends first, up to the end of its KEXINIT. Both ends speak first (RFC 4253, section 7.1)."""
    connection.settimeout(_PATIENCE)
    connection.sendall(_VERSION)
    return _received(connection, _missing_of_ssh)


def _missing_of_ssh(stream: bytes) -> int:
    """How many bytes a stream lacks, at least, to hold a version and the packet after it (RFC 4253, section 6)."""
    start = 0 if stream.startswith(b"SSH-") else stream.find(b"\nSSH-") + 1
    end = stream.find(b"\n", start) + 1
    if not stream[start:].startswith(b"SSH-") or not end:
        return 1
    if len(stream) < end + 4:
        return end + 4 - len(stream)
    return max(end + 4 + int.from_bytes(stream[end : end + 4], "big") - len(stream), 0)


def ssh_speaks(address: tuple[str, int]) -> bytes:
    """What the SSH server at an address of this host sends first; empty when none is there."""
    import socket

    with contextlib.suppress(OSError), socket.create_connection(address, _PATIENCE) as connection:
        return _greeted(connection)
    return b""


def ssh_trial(host: Host, path: str) -> bytes:
    """What an sshd of the files as they stand would send first: one that serves us alone, as inetd(8) starts it."""
    # It answers on standard output.
    argv = ["sh", "-c", 'exec "$0" -i >&0', path]
    with contextlib.suppress(OSError):
        return host.inetd(_bare(argv), _greeted, timeout=_PATIENCE)
    return b""


def ssh_client_offers(host: Host) -> bytes:
    """What ssh(1) sends first to a host it knows nothing of, with the system's file and nobody's own."""
    settings = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ProxyCommand=none")
    words = [word for one in settings for word in ("-o", one)]
    return hear(
        host,
        lambda port: ["ssh", "-F", "/etc/ssh/ssh_config", *words, "-p", str(port), "127.0.0.1", "true"],
        before="ssh",
    )


# --- libraries and programs -------------------------------------------------------------------------------------------


def library_offers(host: Host, library: str) -> bytes:
    """The ClientHello of a program that sets nothing."""
    return hear(host, lambda port: peer.argv(library, "client", str(port)))


def program_offers(host: Host, program: Program, path: str) -> bytes:
    """The ClientHello of one of :data:`PROGRAMS`."""

    def argv(port: int) -> list[str]:
        return [path, *(word.format(port=port) for word in program.words)]

    return hear(host, argv, program.input, program.before)


@contextlib.contextmanager
def served(host: Host, library: str) -> t.Iterator[str]:
    """The library as a server that sets nothing, with an RSA and an ECDSA certificate: its URI while it lasts.

    Raises TransactionError when no certificate can be made or the library does not start to serve.
    """
    with scratch.folder() as folder, host.beside(
        _bare(peer.argv(library, "server", *_certificates(host, folder)))
    ) as line:
        if not line.isdigit():
            raise TransactionError("prove", f"{library} does not serve on a loopback port")
        yield f"tls://127.0.0.1:{line}"


#: Throw-away keys of both kinds, for suites of both kinds. Sizes that every library serves at any of its levels.
_KEYS = {"rsa": ["rsa:3072"], "ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]}


def _certificates(host: Host, folder: str) -> list[str]:
    found = []
    # OpenSSL 1.1.1 makes no certificate without this section.
    config = f"{folder}/req.cnf"
    with open(config, "w", encoding="ascii") as target:
        target.write("[req]\ndistinguished_name = dn\n[dn]\n")
    for kind, newkey in _KEYS.items():
        key, certificate, both = (f"{folder}/{kind}.{part}" for part in ("key", "crt", "pem"))
        # Without the host's file, which may be what is wrong, and which openssl req(1) reads for more than TLS.
        subject = ("-config", config, "-subj", "/CN=localhost", "-days", "2", "-sha256")
        words = ("-x509", "-nodes", "-newkey", *newkey, "-keyout", key, "-out", certificate, *subject)
        done = host.run(["openssl", "req", *words], timeout=_PATIENCE, env={"OPENSSL_CONF": "/dev/null"})
        if done.rc != 0:
            why = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise TransactionError("prove", f"openssl req cannot make a certificate: {why[0]}")
        with open(both, "wb") as pem:
            for path in (key, certificate):
                with open(path, "rb") as source:
                    pem.write(source.read())
        found.append(both)
    return found
