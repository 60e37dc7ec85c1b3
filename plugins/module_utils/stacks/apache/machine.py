# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""httpd on a host: where it is, which configuration it runs, how to test and reload it, and when a reload is done."""

from __future__ import annotations

import os
import re
import sys
import typing as t

from ...baseline.dialects import openssl
from ...baseline.model import Capabilities
from ...errors import BaselineError, ConfigurationError, TransactionError
from .. import certificates
from ..contract import Document, Edit, Instance, TestResult
from ..text import apply_edits
from . import layout, trial
from .addresses import addresses
from .effective import GROUP_COMMANDS, TLS13, Rules, cipher_lists, commands, tls_scope
from .resolver import read, resolve

if t.TYPE_CHECKING:
    from ..host import Host, Process

#: Programs by the names distributions and the project's own installation give them.
_PROGRAMS = ("apache2", "httpd", "httpd2")
_PLACES = ("/usr/local/apache2/bin/httpd", "/usr/sbin/httpd2-prefork", "/opt/httpd/bin/httpd")

_VERSION = re.compile(r"^Server version: Apache/(\d+(?:\.\d+)*)", re.MULTILINE)
_SETTING = re.compile(r"^ -D (HTTPD_ROOT|SERVER_CONFIG_FILE)=\"([^\"]*)\"", re.MULTILINE)
_LIBRARY = re.compile(rb"(OpenSSL|LibreSSL) (\d+\.\d+\.\d+[a-z]*)[ -]")

#: Where mod_ssl lies below or beside the server's root.
_MODULES = ("modules/mod_ssl.so", "/usr/lib/apache2/modules/mod_ssl.so", "/usr/lib64/httpd/modules/mod_ssl.so")

#: Command line options with a value of their own: ``-D x`` and ``-Dx`` are the same.
_OPTIONS = "DdfcCeEkTn"

_TIMEOUT = 120


def discover(host: Host) -> list[Instance]:
    """One instance for each configuration: of running parents first, then of installed programs nobody runs."""
    found: dict[str, Instance] = {}
    for process in sorted(parents(host), key=lambda process: -process.start):
        instance = _instance(host, process.exe, process)
        if instance is not None:
            found.setdefault(instance.config, instance)
    running = {instance.facts["program"] for instance in found.values()}
    for program in _installed(host):
        # A program that runs has said which configuration it is meant for.
        instance = None if program in running else _instance(host, program, None)
        if instance is not None and instance.config not in found and host.exists(instance.config):
            found[instance.config] = instance
    return list(found.values())


def _installed(host: Host) -> list[str]:
    paths = [*(host.which(name) for name in _PROGRAMS), *(path for path in _PLACES if host.exists(path))]
    return list(dict.fromkeys(host.realpath(path) for path in paths if path))


def parents(host: Host) -> list[Process]:
    """Processes of httpd whose parent is another program: theirs are the children that serve."""
    mine = {process.pid: process for process in host.processes() if os.path.basename(process.exe) in _PROGRAMS}
    return [
        process
        for process in mine.values()
        if process.ppid not in mine and not any(trial.MARK in word for word in process.argv)
    ]


def options_of(argv: t.Sequence[str]) -> list[tuple[str, str]]:
    """(letter, value) of the options of a command line; switches without a value are left out."""
    found = []
    words = list(argv[1:])
    while words:
        word = words.pop(0)
        if len(word) < 2 or word[0] != "-" or word[1] not in _OPTIONS:
            continue
        value = word[2:] or (words.pop(0) if words else "")
        found.append((word[1], value))
    return found


def _instance(host: Host, program: str, process: Process | None) -> Instance | None:
    options = options_of(process.argv) if process else []
    environment = _environment(host, program, process)
    shown = host.run([program, "-V", "-f", os.devnull], timeout=30).stdout
    match = _VERSION.search(shown)
    if match is None:
        return None
    built = dict(_SETTING.findall(shown))
    given = dict(options)
    where = host.cwd(process.pid) if process else "/"
    root = os.path.normpath(os.path.join(where, given.get("d") or built.get("HTTPD_ROOT") or "/usr/local/apache2"))
    config = os.path.normpath(
        os.path.join(root, given.get("f") or built.get("SERVER_CONFIG_FILE") or "conf/httpd.conf")
    )
    version = tuple(int(part) for part in match.group(1).split("."))
    static = host.run([program, "-l"], timeout=30).stdout.split("\n")[1:]
    facts = {
        "program": program,
        "server_root": root,
        "options": [(letter, value) for letter, value in options if letter in "DdfcC"],
        "defines": [value for letter, value in options if letter == "D"],
        "environment": environment,
        "modules": [line.strip() for line in static if line.strip().endswith(".c")],
        "pid": process.pid if process else None,
        "unit": host.unit(process.pid) if process else None,
    }
    capabilities = _capabilities(host, root, process, version)
    return Instance("apache", config, version, config, capabilities, process is not None, facts)


def _environment(host: Host, program: str, process: Process | None) -> dict[str, str]:
    """Variables the configuration may use: those of the process, or what its distribution's start script sets."""
    if process is not None:
        try:
            words = host.read(f"/proc/{process.pid}/environ").decode("utf-8", "surrogateescape").split("\0")
        except OSError:
            words = []
        return dict(word.split("=", 1) for word in words if "=" in word)
    envvars = f"/etc/{os.path.basename(program)}/envvars"
    if not host.exists(envvars):
        return {}
    # A shell script, and only a shell knows what it sets.
    shown = host.run(["/bin/sh", "-c", '. "$0" >/dev/null 2>&1; env -0', envvars], timeout=30).stdout
    return {key: value for key, _equals, value in (word.partition("=") for word in shown.split("\0")) if key}


def _capabilities(host: Host, root: str, process: Process | None, version: tuple[int, ...]) -> Capabilities:
    """What the TLS library can do that the process has loaded, or that mod_ssl was built with."""
    places = [os.path.join(root, place) for place in _MODULES]
    if process is not None:
        try:
            maps = host.read(f"/proc/{process.pid}/maps").decode("utf-8", "surrogateescape")
        except OSError:
            maps = ""
        # An upgraded library is still the old one in memory; its file then has gone.
        places = sorted(set(re.findall(r"\s(/\S*/libcrypto[^\s/]*)$", maps, re.MULTILINE))) + places
    for place in places:
        try:
            found = _LIBRARY.search(host.read(place))
        except OSError:
            continue
        if found is None:
            continue
        number = tuple(int(part) for part in re.findall(r"\d+", found.group(2).decode("ascii")))[:3]
        if found.group(1) != b"OpenSSL":
            return Capabilities("LibreSSL", number, openssl.capabilities((3, 0, 0)).protocols, None, None, frozenset())
        known = openssl.capabilities(number)
        # Distributions build without it, and "all" then does not hold it.
        protocols = tuple(name for name in known.protocols if name != "SSLv3" or number < (1, 1, 0))
        if version < TLS13:
            protocols = tuple(name for name in protocols if name != "TLSv1.3")
        return known._replace(protocols=protocols)
    return Capabilities("", (), openssl.capabilities((3, 0, 0)).protocols, None, None, frozenset())


# --- test -------------------------------------------------------------------------------------------------------------


def argv(instance: Instance) -> list[str]:
    """The command line the instance was started with, without what it was asked to do."""
    found = [instance.facts["program"]]
    for letter, value in instance.facts["options"]:
        found += [f"-{letter}", value]
    if instance.facts["pid"] is None:
        found += ["-d", instance.facts["server_root"], "-f", instance.config]
    return found


def test_command(instance: Instance) -> list[str]:
    return [*argv(instance), "-t"]


def test(host: Host, instance: Instance) -> TestResult:
    """A trial start. Where the system allows none, httpd's own test of the syntax and what we can test beside it."""
    try:
        documents = read(host, instance)
    except ConfigurationError:
        documents = []
    try:
        verdict = trial.start(argv(instance), instance.facts["environment"], _logged(host, instance, documents))
    except trial.Refused as refused:
        done = host.run(test_command(instance), timeout=_TIMEOUT, env=instance.facts["environment"])
        output = (done.stderr + done.stdout).strip()
        objections = preflight(host, instance, documents) if done.rc == 0 and documents else []
        warning = f"no trial start is possible here ({refused}): keys, lists and groups were looked at instead"
        return TestResult(done.rc == 0 and not objections, "\n".join([output, *objections]), (warning,))
    # In a network of its own every port is free.
    conflicts = taken(host, instance, documents) if verdict.ok else []
    output = "\n".join([verdict.output, *conflicts]).strip()
    warnings = re.findall(r"^(?:\[[\w.-]*:(?:warn|error)\] |AH\d+: )(.*)$", verdict.output, re.MULTILINE)
    return TestResult(verdict.ok and not conflicts, output, tuple(warnings) if verdict.ok else ())


def taken(host: Host, instance: Instance, documents: t.Sequence[Document]) -> list[str]:
    """Addresses of the configuration that another process listens on: a graceful restart ends the parent for them."""
    parent = _parent(host, instance)
    if parent is None or not documents:
        return []
    try:
        mine = _sockets(host, parent.pid)
    except PermissionError:
        return []
    found = []
    foreign = [place for inode, place in _listening(host).items() if inode not in mine]
    for address in addresses(resolve(instance, documents)):
        for where, port in foreign:
            if port == address.port and ("*" in (where, address.host) or where == address.host):
                found.append(f"another process listens on {where}:{port}, so httpd cannot listen on {address.label}")
                break
    return found


def _logged(host: Host, instance: Instance, documents: t.Sequence[Document]) -> list[Document]:
    """The files that make hosts log elsewhere, changed to log with the main server: there we read httpd's words."""
    if not documents:
        return []
    edits: dict[tuple[str, int], Edit] = {}
    configuration = resolve(instance, documents)
    for server in configuration.main.hosts:
        for statement in server.own("errorlog"):
            place = os.path.dirname(os.path.join(configuration.server_root, (statement.args or ["/"])[0]))
            # A folder that is missing ends a start too, and has to.
            if statement.args[:1] != [""] and (statement.args[0].startswith(("|", "syslog")) or host.exists(place)):
                directive = statement.directive
                span = layout.remove(directive)
                edits[directive.tree.path, span.start] = Edit(directive.tree.path, *span, directive.line, "", "")
    changed = apply_edits(documents, edits.values())
    return [document._replace(data=data) for document in documents if (data := changed.get(document.path)) is not None]


def preflight(host: Host, instance: Instance, documents: t.Sequence[Document]) -> list[str]:
    """What ``httpd -t`` does not look at and a start would fail for, as far as we can tell without one."""
    rules = Rules(instance)
    configuration = resolve(instance, documents)
    found: list[str] = []

    def file(word: str) -> str:
        return os.path.join(configuration.server_root, word)

    for address in addresses(configuration):
        for number in range(len(address.servers)) if address.tls else ():
            server = tls_scope(address, number)
            chains = [file(word) for word in rules.certificates(server).value]
            keys = [file(item.args[0]) for item in server.merged("sslcertificatekeyfile") if item.args]
            level = re.findall(r"@SECLEVEL=(\d)", rules.cipher_string(server)[0])
            for chain, key in zip(chains, keys if len(keys) == len(chains) else chains):
                objection = certificates.objection(host, chain, key)
                if objection:
                    found.append(objection)
                elif certificates.loads(host, chain, int(level[-1]) if level else 2) is False:
                    found.append(f"{chain} is too weak for security level {level[-1] if level else 2}")
            if not rules.protocols(rules.protocol_scope(server, address.servers[0][0])).value:
                found.append(f"{address.label}: no protocol is left on")
    for scope in configuration.main.below():
        for name in ("sslciphersuite", "sslproxyciphersuite"):
            for text, statement in cipher_lists(scope.own(name), tls13=False):
                try:
                    openssl.expand_cipher_list(text)
                except BaselineError as error:
                    found.append(f"{statement.directive.tree.path}:{statement.directive.line}: {error}")
        for command in commands(scope.own("sslopensslconfcmd")):
            known = instance.capabilities.groups
            if command.name in GROUP_COMMANDS and known is not None:
                unknown = [name for name in rules.expand_groups(command.value) or () if name not in known]
                if unknown:
                    place = command.statement.directive
                    found.append(f"{place.tree.path}:{place.line}: {rules.library} knows no group {unknown[0]}")
    return list(dict.fromkeys(found))


# --- reload and start -------------------------------------------------------------------------------------------------


class Generation(t.NamedTuple):
    """The parent and those of its children that accept connections, each as (pid, start)."""

    parent: tuple[int, int]
    workers: tuple[tuple[int, int], ...]


def _parent(host: Host, instance: Instance) -> Process | None:
    """The youngest parent that runs the instance's configuration."""
    wanted = {letter: value for letter, value in instance.facts["options"] if letter in "df"}
    mine = []
    for process in parents(host):
        given = {letter: value for letter, value in options_of(process.argv) if letter in "df"}
        if process.exe != instance.facts["program"]:
            continue
        # An instance that did not run when we met it is known by its file alone.
        config = given.get("f")
        if given == wanted or (config and os.path.join(host.cwd(process.pid), config) == instance.config):
            mine.append(process)
    return max(mine, key=lambda process: process.start, default=None)


def generation(host: Host, instance: Instance) -> Generation | None:
    parent = _parent(host, instance)
    if parent is None:
        return None
    listening = _listening(host)
    workers = [
        (process.pid, process.start)
        for process in host.processes()
        if process.ppid == parent.pid and process.exe == parent.exe and _accepts(host, process.pid, listening)
    ]
    # With "-X" the parent serves by itself.
    return Generation((parent.pid, parent.start), tuple(sorted(workers)))


def _listening(host: Host) -> dict[str, tuple[str, int]]:
    """Address and port of each socket that listens for TCP connections, by its name in /proc/PID/fd (proc(5))."""
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = host.read(table).decode("ascii", "replace").splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if len(fields) > 9 and fields[3] == "0A":
                address, port = fields[1].split(":")
                found[f"socket:[{fields[9]}]"] = (_address(address), int(port, 16))
    return found


def _address(text: str) -> str:
    """An address of /proc/net/tcp, which holds 32-bit words in the byte order of the machine."""
    import socket
    import struct

    words = struct.pack(f"!{len(text) // 8}I", *(int(text[at : at + 8], 16) for at in range(0, len(text), 8)))
    if sys.byteorder == "little":
        words = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
    if not any(words):
        return "*"
    if len(words) == 4:
        return socket.inet_ntop(socket.AF_INET, words)
    return f"[{socket.inet_ntop(socket.AF_INET6, words)}]"


def _sockets(host: Host, pid: int) -> set[str]:
    """What the files a process has open are called. Raises PermissionError."""
    folder = f"/proc/{pid}/fd"
    try:
        return {os.path.basename(host.realpath(f"{folder}/{name}")) for name in host.listdir(folder)}
    except (FileNotFoundError, ProcessLookupError):
        return set()


def _accepts(host: Host, pid: int, listening: t.Container[str]) -> bool:
    """Whether a process holds a listening socket. A child that only finishes transfers has closed them all."""
    try:
        return any(name in listening for name in _sockets(host, pid))
    except PermissionError:
        return True


def reload(host: Host, instance: Instance) -> None:
    """Gracefully: by systemd where the parent is of a service that can, else by the signal httpd takes for it."""
    parent = _parent(host, instance)
    if parent is None:
        raise TransactionError("reload", f"httpd with {instance.config} does not run")
    unit = host.unit(parent.pid)
    if unit:
        shown = host.run(["systemctl", "show", "--property=MainPID,CanReload", unit], timeout=30).stdout.split()
        # Debian's unit names no pid file, and systemd does not always guess the main process.
        if {f"MainPID={parent.pid}", "MainPID=0"} & set(shown) and "CanReload=yes" in shown:
            done = host.run(["systemctl", "reload", unit], timeout=_TIMEOUT)
            if done.rc != 0:
                message = f"systemctl reload {unit} failed with status {done.rc}"
                raise TransactionError("reload", message, output=(done.stderr + done.stdout).strip())
            return
    import signal

    try:
        host.signal(parent.pid, signal.SIGUSR1)
    except OSError as error:
        raise TransactionError("reload", f"httpd parent {parent.pid} took no signal: {error.strerror}") from error


def start(host: Host, instance: Instance) -> None:
    """By systemd where it has a unit for this program, else as it was started before."""
    unit = instance.facts["unit"] or f"{os.path.basename(instance.facts['program'])}.service"
    environment: dict[str, str] = {}
    if "LoadState=loaded" in host.run(["systemctl", "show", "--property=LoadState", unit], timeout=30).stdout:
        # A unit that failed too often in a row is refused without this.
        host.run(["systemctl", "reset-failed", unit], timeout=30)
        command = ["systemctl", "start", unit]
    else:
        command, environment = [*argv(instance), "-k", "start"], instance.facts["environment"]
    done = host.run(command, timeout=_TIMEOUT, env=environment)
    if done.rc != 0:
        message = f"{' '.join(command)} failed with status {done.rc}"
        raise TransactionError("start", message, output=(done.stderr + done.stdout).strip())


def settled(host: Host, instance: Instance, before: t.Any) -> bool:
    """New children accept, and none of the old ones does: those that only finish transfers listen no more."""
    now = generation(host, instance)
    return now is not None and bool(now.workers) and (before is None or not set(now.workers) & set(before.workers))
