# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which TCP sockets listen on a machine, and whose they are: process, user, systemd unit, package and container.

Read from proc(5) alone (``proc_net_tcp``, ``proc_pid_fd``, ``namespaces(7)``); the package manager is asked once for
all programs together. What may not be looked at, for want of root, is left empty and never guessed.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import typing as t

from . import redact
from .host import decode

if t.TYPE_CHECKING:
    from .host import Host

#: States in proc_net_tcp(5).
_ESTABLISHED, _LISTEN = "01", "0A"

#: Longest command line that is told.
_COMMAND_MOST = 300

_ANY = ("0.0.0.0", "::")  # noqa: S104  compared, not bound

#: Control groups of containers: Docker, Podman, CRI-O and containerd name them by a digest, LXC and nspawn by a name.
_CONTAINER = re.compile(
    r"(?:docker|libpod|crio|cri-containerd)[-/]([0-9a-f]{12})[0-9a-f]*|/lxc(?:\.payload)?[./]([\w.-]+)"
    r"|/machine\.slice/(?:systemd-nspawn@|machine-)([\w.\\-]+)\.(?:service|scope)"
)
_SOCKET_LINK = re.compile(r"socket:\[(\d+)\]\Z")

#: How dpkg-query(1) tells whose a file is: packages, with their architecture, before the path.
_DPKG = re.compile(r"^([^\s:,]+)[^/\n]*: (/.*)$", re.MULTILINE)


class Listening(t.NamedTuple):
    """A TCP socket that listens. ``clients`` counts the connections it had at that moment, ``local`` from this machine.

    ``namespace`` is None for the network namespace we are in, else its name as in namespaces(7), and ``pid`` a process
    inside. ``pids`` are all the processes that hold the socket, the oldest first; none when they may not be seen.
    """

    address: str
    port: int
    user: str
    namespace: str | None
    pids: tuple[int, ...]
    clients: dict[str, int]

    @property
    def scope(self) -> str:
        """``any``, ``loopback`` or ``address``: how widely it is bound."""
        if self.address in _ANY:
            return "any"
        return "loopback" if is_loopback(self.address) else "address"


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach the address (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3)."""
    return address == "::1" or address.startswith("127.")


def listening(host: Host, everywhere: bool = True) -> list[Listening]:
    """Every listening TCP socket of our network namespace, and ``everywhere`` of all that a visible process is in.

    Raises OSError where there is no proc(5).
    """
    own = _namespace("self")
    members = _namespaces() if everywhere else {}
    found: list[tuple[str | None, _Row]] = []
    for namespace, pid in [(None, "self"), *((name, str(pid)) for name, pid in members.items() if name != own)]:
        rows = [row for name in ("tcp", "tcp6") for row in _table(host, f"/proc/{pid}/net/{name}")]
        if namespace is None and not rows:
            host.read("/proc/self/net/tcp")
        mine = set(_ANY) | {row.address for row in rows}
        clients: dict[tuple[str, int], dict[str, int]] = {}
        for row in rows:
            if row.state == _ESTABLISHED:
                where = "local" if is_loopback(row.peer) or row.peer in mine else "remote"
                for address in (row.address, *_ANY):
                    count = clients.setdefault((address, row.port), {"local": 0, "remote": 0})
                    count[where] += 1
        found += [
            (namespace, row._replace(clients=clients.get((row.address, row.port), {"local": 0, "remote": 0})))
            for row in rows
            if row.state == _LISTEN
        ]
    holders = _holders({row.inode for _namespace_, row in found})
    sockets = [
        Listening(row.address, row.port, _user(row.uid), namespace, tuple(holders.get(row.inode, ())), row.clients)
        for namespace, row in found
    ]
    # Servers with a socket for each worker (SO_REUSEPORT) listen at one place several times.
    merged: dict[tuple[str, int, str], Listening] = {}
    for one in sockets:
        place = (one.address, one.port, one.namespace or "")
        known = merged.get(place)
        merged[place] = one if known is None else known._replace(pids=tuple(sorted({*known.pids, *one.pids})))
    return sorted(merged.values(), key=lambda one: (one.namespace or "", one.port, one.address))


class _Row(t.NamedTuple):
    address: str
    port: int
    peer: str
    state: str
    uid: int
    inode: int
    clients: dict[str, int]


def _table(host: Host, path: str) -> list[_Row]:
    try:
        lines = host.read(path).decode("ascii", "replace").splitlines()[1:]
    except OSError:
        return []
    rows = []
    for line in lines:
        fields = line.split()
        if len(fields) > 9 and fields[3] in (_LISTEN, _ESTABLISHED):
            address, _colon, port = fields[1].partition(":")
            peer = _address(fields[2].partition(":")[0])
            rows.append(_Row(_address(address), int(port, 16), peer, fields[3], int(fields[7]), int(fields[9]), {}))
    return rows


def _address(digits: str) -> str:
    """An address as proc_net_tcp(5) writes it: words of 32 bits in the byte order of the machine."""
    packed = b"".join(struct.pack("=I", int(digits[at : at + 8], 16)) for at in range(0, len(digits), 8))
    if len(packed) == 16 and packed.startswith(b"\0" * 10 + b"\xff\xff"):
        packed = packed[12:]  # an IPv4 client of an IPv6 socket (RFC 4291 section 2.5.5.2)
    return socket.inet_ntop(socket.AF_INET6 if len(packed) == 16 else socket.AF_INET, packed)


def _namespace(pid: str) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return ""


def _namespaces() -> dict[str, int]:
    """A process in each network namespace, the oldest of those that can be seen."""
    found: dict[str, int] = {}
    for pid in _pids():
        name = _namespace(str(pid))
        if name:
            found.setdefault(name, pid)
    return found


def _pids() -> list[int]:
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def _holders(inodes: set[int]) -> dict[int, list[int]]:
    """Processes that have each socket open, by pid."""
    found: dict[int, list[int]] = {}
    for pid in _pids() if inodes else ():
        folder = f"/proc/{pid}/fd"
        try:
            names = os.listdir(folder)
        except OSError:
            continue  # it ended meanwhile, or we may not look
        held = set()
        for name in names:
            try:
                match = _SOCKET_LINK.match(os.readlink(f"{folder}/{name}"))
            except OSError:
                continue
            if match:
                held.add(int(match.group(1)))
        for inode in held & inodes:
            found.setdefault(inode, []).append(pid)
    return found


def _user(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


# --- whose they are ---------------------------------------------------------------------------------------------------


class Owner(t.NamedTuple):
    """Whose a socket is, as far as it can be seen; empty text for what cannot. ``command`` has no secret in it."""

    pid: int
    program: str
    command: str
    unit: str
    container: str


def owner(host: Host, pids: t.Sequence[int], place: str = "") -> Owner:
    """The process that holds a socket, the eldest of them but the service manager, which keeps some open for others.

    ``place`` (``address:port``) is by what a socket is known that only the service manager holds.
    """
    pid = next((pid for pid in pids if pid != 1), pids[0] if pids else 0)
    if not pid:
        return Owner(0, "", "", "", "")
    try:
        program = os.readlink(f"/proc/{pid}/exe")
        argv = host.read(f"/proc/{pid}/cmdline").rstrip(b"\0").split(b"\0")
        container = _container(host, pid)
    except OSError:
        return Owner(pid, "", "", "", "")
    program = program[: -len(" (deleted)")] if program.endswith(" (deleted)") else program
    unit = host.unit(pid) or (_socket_unit(host, place) if pid == 1 else "")
    return Owner(pid, program, command([decode(word) for word in argv]), unit or "", container)


def _container(host: Host, pid: int) -> str:
    """The innermost container of a process; empty when that is the whole host, as with one in a system container."""

    def innermost(number: int) -> str:
        text = host.read(f"/proc/{number}/cgroup").decode("utf-8", "replace")
        return next((name for pair in reversed(_CONTAINER.findall(text)) for name in pair if name), "")

    name = innermost(pid)
    return "" if not name or name == innermost(1) else name


def command(argv: t.Sequence[str]) -> str:
    """A command line that can be shown: secrets taken out, and no longer than people read."""
    words, hidden = [], False
    for word in argv:
        words.append(redact.MARK if hidden else word)
        # The value of `--password VALUE` is a word of its own.
        hidden = word.startswith("-") and "=" not in word and redact.is_secret_name(word.lstrip("-"))
    text, _count = redact.redact(" ".join(words))
    return text if len(text) <= _COMMAND_MOST else text[: _COMMAND_MOST - 3] + "..."


def _socket_unit(host: Host, place: str) -> str:
    """The socket unit that listens there for a service that is not started yet (systemd.socket(5))."""
    shown = host.run(["systemctl", "list-sockets", "--no-legend", "--full", "--no-pager"], timeout=30).stdout
    for line in shown.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == place:
            return words[1]
    return ""


def packages(host: Host, programs: t.Iterable[str]) -> dict[str, str]:
    """The package each program file is of, for those that are of one. The package manager is started once."""
    # With /usr merged, files lie where their package does not say they do.
    spelled = {path: program for program in sorted(set(programs)) for path in sorted(spellings(program))}
    if not spelled:
        return {}
    dpkg, rpm = host.which("dpkg-query"), host.which("rpm")
    if dpkg:
        shown = host.run([dpkg, "-S", *spelled], timeout=60).stdout
        return {spelled[path]: name for name, path in _DPKG.findall(shown) if path in spelled}
    if rpm:
        # One line for each file, in their order; of those that are of no package it says so in a sentence.
        shown = host.run([rpm, "-qf", "--queryformat", "%{NAME}\\n", *spelled], timeout=60).stdout
        lines = zip(spelled.values(), shown.splitlines())
        return {program: name for program, name in lines if name and " " not in name}
    return {}


def spellings(program: str) -> frozenset[str]:
    """The paths by which the package of a program may know it."""
    merged = program.startswith(("/usr/bin/", "/usr/sbin/", "/usr/lib"))
    return frozenset((program, program[4:]) if merged else (program,))


def own_addresses(host: Host) -> list[str]:
    """Addresses of this machine that others may know it by: none of the loopback interface, none of one link only."""
    found: dict[str, None] = {}
    try:
        trie = host.read("/proc/net/fib_trie").decode("ascii", "replace")
    except OSError:
        trie = ""
    for address in re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", trie):
        if not is_loopback(address):
            found[address] = None
    for digits, _name in _interfaces(host):
        address = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))
        if address != "::1" and not address.startswith("fe80:"):
            found[address] = None
    return list(found)


def reached_by(host: Host, address: str) -> str:
    """An address by which the machine itself reaches what is bound to ``address``; link-local ones with their scope."""
    if address == "0.0.0.0":  # noqa: S104  compared, not bound
        return "127.0.0.1"
    known = {socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits)): name for digits, name in _interfaces(host)}
    if address == "::":
        # Without IPv6 on the machine such a socket serves IPv4 alone.
        return "::1" if "::1" in known else "127.0.0.1"
    return f"{address}%{known[address]}" if address.startswith("fe80:") and address in known else address


def _interfaces(host: Host) -> list[tuple[str, str]]:
    """(address in hex, interface) of /proc/net/if_inet6."""
    try:
        lines = host.read("/proc/net/if_inet6").decode("ascii", "replace").splitlines()
    except OSError:
        return []
    return [(fields[0], fields[5]) for fields in map(str.split, lines) if len(fields) > 5]
