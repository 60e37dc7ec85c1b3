# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The other scanners, run as their manuals say, and what each of them says in one shape.

They judge our engine and are judged by it; nothing here uses its code. Suites are compared by code point.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import tempfile
import typing as t
import xml.etree.ElementTree as ET
from pathlib import Path

from . import programs
from .programs import TRIXIE

PROTOCOLS = ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")


class Said(t.NamedTuple):
    """What a scanner said.

    ``protocols``: accepted ones. ``suites``: protocol -> code points (SSL 2.0: three bytes) or, where the tool gives
    only those, IANA names. ``groups``: code points or names, of all protocol versions together; None when the tool
    does not look. ``complaint``: what it said about trouble, empty when it saw none.
    """

    protocols: frozenset[str]
    suites: dict[str, frozenset[t.Any]]
    groups: frozenset[t.Any] | None
    complaint: str
    status: int


class Peer(t.NamedTuple):
    """A scanner: ``argv(port, starttls, name, folder)`` and ``read(result, folder)``.

    ``starttls`` is a protocol and ``name`` what to ask for in server_name, either of them or both empty.
    """

    name: str
    title: str
    argv: t.Callable[[int, str, str, Path], list[str]]
    read: t.Callable[[subprocess.CompletedProcess[str], Path], Said]
    environment: t.Callable[[], dict[str, str]] = dict

    def scan(self, port: int, starttls: str = "", name: str = "", timeout: float = 300) -> Said:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                self.argv(port, starttls, name, Path(folder)),
                env={**os.environ, **self.environment()},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
            )
            return self.read(done, Path(folder))


def _trouble(text: str) -> str:
    words = re.compile(r"error|fail|could not|doesn't seem|unable|timed? ?out|reset|refused", re.IGNORECASE)
    return "; ".join(line.strip() for line in text.splitlines() if words.search(line))[:500]


# --- sslscan --------------------------------------------------------------------------------------------------------


def _sslscan(port: int, starttls: str, name: str, folder: Path) -> list[str]:
    options = [f"--starttls-{starttls}"] if starttls else []
    options += [f"--sni-name={name}"] if name else []
    return TRIXIE.run("sslscan", "--no-colour", f"--xml={folder}/xml", *options, f"127.0.0.1:{port}")


def _read_sslscan(done: subprocess.CompletedProcess[str], folder: Path) -> Said:
    text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    try:
        root = ET.parse(folder / "xml").getroot()
    except (ET.ParseError, FileNotFoundError):
        return Said(frozenset(), {}, frozenset(), _trouble(text + done.stderr), done.returncode)
    protocols = set()
    for item in root.iter("protocol"):
        if item.get("enabled") == "1":
            kind, version = item.get("type"), item.get("version")
            protocols.add(f"SSLv{version}" if kind == "ssl" else f"TLSv{version}")
    suites: dict[str, set[int]] = {}
    for item in root.iter("cipher"):
        suites.setdefault(item.get("sslversion", ""), set()).add(int(item.get("id", "0"), 16))
    groups = frozenset(int(item.get("id", "0"), 16) for item in root.iter("group"))
    return Said(
        frozenset(protocols),
        {name: frozenset(codes) for name, codes in suites.items()},
        groups,
        _trouble(text + done.stderr),
        done.returncode,
    )


# --- nmap -----------------------------------------------------------------------------------------------------------


def nmap_argv(options: t.Sequence[object]) -> list[str]:
    return TRIXIE.run("nmap", "-Pn", "-n", *options, libraries=(f"usr/lib/{TRIXIE.libraries.name}/blas",))


def _nmap(port: int, starttls: str, name: str, folder: Path) -> list[str]:
    # The plus sign runs the scripts on a port whose service nmap does not know; with STARTTLS it has to find out.
    scripts = (
        ("-sV", "--version-light", "--script", "ssl-enum-ciphers,sslv2")
        if starttls
        else ("--script", "+ssl-enum-ciphers,+sslv2")
    )
    wanted = ("--script-args", f"tls.servername={name}") if name else ()
    return nmap_argv(["-p", port, *scripts, *wanted, "-oX", folder / "xml", "127.0.0.1"])


def _read_nmap(done: subprocess.CompletedProcess[str], folder: Path) -> Said:
    suites: dict[str, frozenset[str]] = {}
    for script in ET.parse(folder / "xml").getroot().iter("script"):
        if script.get("id") == "ssl-enum-ciphers":
            for table in script.findall("table"):
                names = [item.text or "" for item in table.iter("elem") if item.get("key") == "name"]
                suites[(table.get("key") or "")] = frozenset(names)
        elif script.get("id") == "sslv2" and "SSLv2 supported" in (script.get("output") or ""):
            names = re.findall(r"SSL2_\w+", script.get("output") or "")
            suites["SSLv2"] = frozenset(name.replace("SSL2_", "SSL_CK_") for name in names)
    return Said(
        frozenset(suites), t.cast("dict[str, frozenset[t.Any]]", suites), None, _trouble(done.stderr), done.returncode
    )


# --- sslyze ---------------------------------------------------------------------------------------------------------

_SSLYZE = {
    "ssl_2_0_cipher_suites": "SSLv2",
    "ssl_3_0_cipher_suites": "SSLv3",
    "tls_1_0_cipher_suites": "TLSv1.0",
    "tls_1_1_cipher_suites": "TLSv1.1",
    "tls_1_2_cipher_suites": "TLSv1.2",
    "tls_1_3_cipher_suites": "TLSv1.3",
}
SSLYZE_OPTIONS = (
    *("--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3"),
    *("--certinfo", "--elliptic_curves", "--mozilla_config=disable"),
)


def _sslyze(port: int, starttls: str, name: str, folder: Path) -> list[str]:
    options = [f"--starttls={starttls}"] if starttls else []
    options += [f"--sni={name}"] if name else []
    return [
        str(programs.python_tool("sslyze")),
        *SSLYZE_OPTIONS,
        f"--json_out={folder}/json",
        *options,
        f"127.0.0.1:{port}",
    ]


def _read_sslyze(done: subprocess.CompletedProcess[str], folder: Path) -> Said:
    server = json.loads((folder / "json").read_text())["server_scan_results"][0]
    complaints = [(server.get("connectivity_error_trace") or "").strip().rpartition("\n")[2]]
    suites: dict[str, frozenset[str]] = {}
    groups: frozenset[str] = frozenset()
    for key, part in (server["scan_result"] or {}).items():
        if part["status"] == "ERROR":
            complaints.append(f"{key}: {(part['error_trace'] or '').strip().rpartition(chr(10))[2]}")
        elif part["status"] == "COMPLETED" and key in _SSLYZE and part["result"]["is_tls_version_supported"]:
            accepted = part["result"]["accepted_cipher_suites"]
            suites[_SSLYZE[key]] = frozenset(item["cipher_suite"]["name"] for item in accepted)
        elif part["status"] == "COMPLETED" and key == "elliptic_curves":
            groups = frozenset(item["name"] for item in part["result"]["supported_curves"] or ())
    return Said(
        frozenset(suites),
        t.cast("dict[str, frozenset[t.Any]]", suites),
        groups,
        "; ".join(filter(None, complaints))[:500],
        done.returncode,
    )


# --- testssl.sh -----------------------------------------------------------------------------------------------------

_TESTSSL = {
    "SSLv2": "SSLv2",
    "SSLv3": "SSLv3",
    "TLS1": "TLSv1.0",
    "TLS1_1": "TLSv1.1",
    "TLS1_2": "TLSv1.2",
    "TLS1_3": "TLSv1.3",
}


def _testssl(port: int, starttls: str, name: str, folder: Path) -> list[str]:
    options = ["-t", starttls] if starttls else []
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    for tool in ("host", "hexdump"):  # it looks for them on the path
        wrapper = tools / tool
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(TRIXIE.run(tool))} "$@"\n')
        wrapper.chmod(0o755)
    return [
        *(
            "env",
            f"PATH={tools}:{os.environ['PATH']}",
            "bash",
            str(TRIXIE.program("testssl")),
            "--quiet",
            "--color",
            "0",
            "--nodns",
            "none",
            "--warnings",
            "off",
        ),
        *("--ip", "127.0.0.1", "--jsonfile", f"{folder}/json", "--openssl", "/usr/bin/openssl"),
        *("-p", "-s", "-f", "-S", *options, f"127.0.0.1:{port}"),
    ]


def _read_testssl(done: subprocess.CompletedProcess[str], folder: Path) -> Said:
    try:
        items = json.loads((folder / "json").read_text())
    except (ValueError, FileNotFoundError):
        return Said(frozenset(), {}, None, _trouble(done.stdout + done.stderr), done.returncode)
    found = {item["id"]: item["finding"] for item in items}
    protocols = frozenset(
        name
        for key, name in _TESTSSL.items()
        if re.match(r"(vulnerable|supported but|offered|.*final)", found.get(key, "not"))
        and "not offered" not in found[key]
    )
    complaint = "; ".join(item["finding"] for item in items if item["severity"] in ("FATAL", "WARN"))
    return Said(protocols, {}, None, complaint[:500] or _trouble(done.stdout), done.returncode)


PEERS: tuple[Peer, ...] = (
    Peer("sslscan", "sslscan 2.1.5", _sslscan, _read_sslscan),
    Peer(
        "nmap",
        "nmap 7.95 ssl-enum-ciphers, sslv2",
        _nmap,
        _read_nmap,
        lambda: {"NMAPDIR": str(TRIXIE.root / "usr/share/nmap")},
    ),
    Peer("sslyze", "sslyze 6.3.1", _sslyze, _read_sslyze),
    Peer(
        "testssl",
        "testssl.sh 3.2",
        _testssl,
        _read_testssl,
        lambda: {"TESTSSL_INSTALL_DIR": str(TRIXIE.root / "etc/testssl")},
    ),
)
BY_NAME = {peer.name: peer for peer in PEERS}


def s_client(port: int, *options: str, generation: programs.Generation, timeout: float = 20) -> bool:
    """Whether a handshake of OpenSSL's client with these options comes to an end. The third witness in a dispute."""
    argv = generation.run("openssl", "s_client", "-brief", "-connect", f"127.0.0.1:{port}", *options)
    done = subprocess.run(
        argv,
        input="",
        env={**os.environ, "OPENSSL_CONF": "/dev/null"},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )
    return "CONNECTION ESTABLISHED" in done.stderr


def gnutls_client(port: int, priority: str, starttls: str = "", timeout: float = 20) -> bool:
    """The same of GnuTLS' client, which names finite-field groups in TLS 1.2 as RFC 7919 wants it."""
    upgrade = ("--starttls-proto", starttls) if starttls else ()
    argv = programs.BOOKWORM.run("gnutls-cli", "--insecure", "--priority", priority, *upgrade, "-p", port, "127.0.0.1")
    done = subprocess.run(argv, input="", capture_output=True, text=True, timeout=timeout, check=False)
    return "Handshake was completed" in done.stdout


_NODE_CLIENT = """
var options = {host: '127.0.0.1', port: +process.argv[1], secureProtocol: process.argv[2], ciphers: process.argv[3],
    rejectUnauthorized: false};
process.on('uncaughtException', function () { process.exit(1); });
var stream = require('tls').connect(options, function () { process.exit(0); });
stream.on('error', function () { process.exit(1); });
stream.on('close', function () { process.exit(1); });
"""


def node_client(port: int, method: str, ciphers: str, timeout: float = 20) -> bool:
    """Whether a handshake of node 0.10 (OpenSSL 1.0.1) comes to an end: a client that still has SSL 2.0 and 3.0."""
    argv = [str(programs.node("0.10.32")), "-e", _NODE_CLIENT.strip(), str(port), method, ciphers]
    return subprocess.run(argv, capture_output=True, timeout=timeout, check=False).returncode == 0
