# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Postfix on a host: its instances, what its build can do, how to test and reload it, and when a reload is done.

``postfix check`` and ``postfix reload`` succeed with values on which smtpd(8) then offers no TLS or ends itself; so the
test here reads every value about TLS as the daemons will.
"""

from __future__ import annotations

import os
import posixpath
import re
import typing as t

from ...baseline.dialects import openssl
from ...errors import ConfigurationError, TransactionError
from .. import certificates
from ..contract import Document, Instance, TestResult
from . import grammar, policy, values
from .config import Config
from .effective import clients, doors

if t.TYPE_CHECKING:
    from ..host import Host, Process
    from .config import Server

#: Service names of Postfix's own master.cf, for hosts without services(5).
_PORTS = {"smtp": 25, "submission": 587, "smtps": 465, "submissions": 465, "lmtp": 24}
_SERVICE = re.compile(r"^([a-z0-9][\w.+-]*)[ \t]+(\d+)/tcp(?:[ \t]+([^#\n]*))?", re.MULTILINE)

#: Pairs of parameters that name a certificate and its key.
_PAIRS = (("tls_cert_file", "tls_key_file"), ("tls_eccert_file", "tls_eckey_file"), ("tls_dcert_file", "tls_dkey_file"))

#: Commands whose arguments are options only (smtpd(8) and the others take no more).
_NO_ARGUMENTS = ("smtpd", "postscreen", "tlsproxy", "smtp", "lmtp")

#: Children that take connections from outside.
_LISTENING = ("smtpd", "postscreen", "tlsproxy")

#: Seconds; the last one is how long idle children may take to end after a reload.
_TEST_TIMEOUT = 120
_RELOAD_TIMEOUT = 120
_PATIENCE = 2


class Generation(t.NamedTuple):
    """The master and its queue manager, each as (pid, start): the only child that ends on a reload and never before."""

    master: tuple[int, int]
    queue: tuple[int, int] | None


# --- instances --------------------------------------------------------------------------------------------------------


def discover(host: Host) -> list[Instance]:
    """The instance of the default configuration and those postmulti(1) knows, which its main.cf names."""
    postconf = host.which("postconf")
    if postconf is None:
        return []
    defaults = read_defaults(host.run([postconf, "-d"], timeout=30).stdout)
    if "mail_version" not in defaults:
        return []
    library = _numbers(host.run([postconf, "-T", "run-version"], timeout=30).stdout)
    ports = read_ports(host)
    first = defaults.get("config_directory", "/etc/postfix")
    found = []
    for folder in [first, *_others(host, first, defaults)]:
        if host.exists(f"{folder}/main.cf"):
            found.append(instance(host, folder, defaults, library, ports))
    return found


def _numbers(text: str) -> tuple[int, ...]:
    match = re.match(r"OpenSSL (\d+)\.(\d+)\.(\d+)", text)
    return tuple(map(int, match.groups())) if match else openssl.newest_release()


def read_defaults(text: str) -> dict[str, str]:
    """What ``postconf -d`` prints."""
    pairs = (line.partition(" =") for line in text.splitlines())
    return {name: value.strip() for name, equals, value in pairs if equals}


def read_ports(host: Host) -> dict[str, int]:
    """TCP ports by name and alias (services(5))."""
    found = dict(_PORTS)
    try:
        text = host.read("/etc/services").decode("utf-8", "replace")
    except OSError:
        return found
    for name, number, aliases in _SERVICE.findall(text):
        for word in (name, *aliases.split()):
            found.setdefault(word, int(number))
    return found


def _others(host: Host, folder: str, defaults: t.Mapping[str, str]) -> list[str]:
    scope = _parameters(host, folder, defaults)
    return [path for path in values.split(scope("multi_instance_directories") or "") if path.startswith("/")]


def _parameters(host: Host, folder: str, defaults: t.Mapping[str, str]) -> values.Lookup:
    """main.cf as far as it can be read, for finding things before anything is judged."""
    found = dict(defaults, config_directory=folder)
    try:
        path = f"{folder}/main.cf"
        found.update((entry.name, entry.value) for entry in grammar.parse_main(path, host.read(path)).parameters)
    except (OSError, ConfigurationError):
        pass  # reading it in earnest will tell why
    return lambda name: values.expand(found.get(name, ""), found.get)


def instance(
    host: Host, folder: str, defaults: t.Mapping[str, str], library: tuple[int, ...], ports: t.Mapping[str, int]
) -> Instance:
    lookup = _parameters(host, folder, defaults)
    queue = lookup("queue_directory") or "/var/spool/postfix"
    version = tuple(map(int, re.findall(r"\d+", defaults["mail_version"])[:3]))
    facts = {
        "folder": folder,
        "program": posixpath.join(lookup("command_directory") or "/usr/sbin", "postfix"),
        "pid_file": posixpath.join(queue, "pid/master.pid"),
        "defaults": {**defaults, "config_directory": folder},
        "ports": dict(ports),
        "unit": None,
    }
    config = f"{folder}/main.cf"
    known = openssl.capabilities(library)
    found = Instance("postfix", config, version, config, known, False, facts)
    master = _master(host, found)
    if master is not None:
        facts["unit"] = host.unit(master.pid)
    return found._replace(running=master is not None)


def read(host: Host, instance: Instance) -> list[Document]:
    """main.cf, master.cf and the source texts of TLS policy maps that can be read."""
    folder = instance.facts["folder"]
    documents = []
    for name, parser in (("main.cf", grammar.parse_main), ("master.cf", grammar.parse_master)):
        path = f"{folder}/{name}"
        try:
            data = host.read(path)
        except OSError as error:
            raise ConfigurationError(path, 0, 0, f"cannot be read: {error.strerror}") from error
        documents.append(Document(path, data, parser(path, data)))
    config = Config(instance, documents)
    scopes = [config.scope(service) for service in (None, *config.commands("smtp", "lmtp"))]
    tables = [scope.text(parameter) for parameter in policy.PARAMETERS for scope in scopes]
    for path in dict.fromkeys(path for text in tables for path in policy.files(text)):
        try:
            data = host.read(path)
        except OSError:
            continue  # the plan tells that it was not read
        documents.append(Document(path, data, policy.parse(path, data)))
    return documents


# --- test -------------------------------------------------------------------------------------------------------------


def test_command(instance: Instance) -> list[str]:
    return [instance.facts["program"], "-c", instance.facts["folder"], "check"]


def test(host: Host, instance: Instance) -> TestResult:
    """What ``postfix check`` says, and then what the daemons would find out too late."""
    done = host.run(test_command(instance), timeout=_TEST_TIMEOUT)
    said = (done.stderr + done.stdout).strip()
    warnings = re.findall(r"^\S*?(?:postfix|postconf)\S*: warning: (.*)$", said, re.MULTILINE)
    if done.rc != 0:
        return TestResult(False, said, tuple(warnings))
    try:
        config = Config(instance, read(host, instance))
    except ConfigurationError as error:
        return TestResult(False, f"{said}\n{error}".strip(), tuple(warnings))
    problems = list(dict.fromkeys(_problems(host, config)))
    for client in clients(config):
        problem = client.protocols()[0].problem
        if problem:
            warnings.append(f"{client.scope.label}: {problem}, so mail goes out without TLS")
        # TLS_README, "Client-side TLS connection reuse": the connection is kept by another daemon.
        reuses = client.modes() and client.scope.yes(client.prefix + "tls_connection_reuse")
        if reuses and not list(config.commands("tlsproxy")):
            name = f"{client.prefix}tls_connection_reuse"
            warnings.append(f"{client.scope.label}: {name} needs tlsproxy in master.cf; mail over TLS is deferred")
    return TestResult(not problems, "\n".join(filter(None, (said, *problems))), tuple(warnings))


def _problems(host: Host, config: Config) -> t.Iterator[str]:
    """Values that postfix(1) takes and a daemon does not."""
    for service in config.commands(*_NO_ARGUMENTS):
        for start, end in service.stray:
            word = grammar.decode(service.logical.text[start:end])
            where = f"{service.path}:{service.line}: {service.label}"
            yield f'{where}: unexpected argument "{word}", on which the daemon ends itself'
    for door in doors(config):
        if door.owner.level is None:
            place = door.owner.level_places[0]
            yield f"{place.file}:{place.line}: {place.text}: no security level; the daemon ends itself"
            continue
        if not door.owner.offered:
            continue
        for _label, server in door.answers:
            yield from _server_problems(host, server)


def _server_problems(host: Host, server: Server) -> t.Iterator[str]:
    for found, problem in (
        (server.value(server.mode + "protocols").places, server.protocols().problem),
        (server.ciphers().places, server.ciphers().problem),
    ):
        if problem:
            yield f"{found[0].file}:{found[0].line}: {found[0].text}: {problem}; Postfix then offers no TLS"
    if server.value("tls_chain_files").text:
        for path in values.split(server.value("tls_chain_files").text):
            if not host.exists(path):
                yield f"{path}: No such file; Postfix then offers no TLS"
        return
    level = server.ciphers().level
    for certificate, key in _PAIRS:
        path, key_path = server.value(certificate).text, server.value(key).text
        if not path or path.lower() == "none":
            continue
        # Certificates are loaded at level 0; the level of the list counts in each handshake.
        why = certificates.objection(host, path, key_path or path, 0)
        if why:
            yield f"{why}; Postfix then offers no TLS"
        elif level and certificates.loads(host, path, level) is False:
            yield f"{path}: key or signature is too weak for OpenSSL's security level {level}; issue a new certificate"


# --- reload -----------------------------------------------------------------------------------------------------------


def _master(host: Host, instance: Instance, processes: t.Sequence[Process] | None = None) -> Process | None:
    try:
        pid = int(host.read(instance.facts["pid_file"]))
    except (OSError, ValueError):
        return None
    for process in host.processes() if processes is None else processes:
        # The file outlives a crash, and its number may belong to someone else by now.
        if process.pid == pid and posixpath.basename(process.exe) == "master":
            return process
    return None


def generation(host: Host, instance: Instance) -> Generation | None:
    processes = host.processes()
    master = _master(host, instance, processes)
    if master is None:
        return None
    children = (process for process in processes if process.ppid == master.pid and process.argv)
    queue = next((one for one in children if posixpath.basename(one.argv[0]) in ("qmgr", "nqmgr", "oqmgr")), None)
    return Generation((master.pid, master.start), (queue.pid, queue.start) if queue else None)


def reload(host: Host, instance: Instance) -> None:
    """By postfix(1), which with ``-c`` means this instance only, also where others hang on it."""
    argv = [instance.facts["program"], "-c", instance.facts["folder"], "reload"]
    done = host.run(argv, timeout=_RELOAD_TIMEOUT)
    if done.rc != 0:
        message = f"{' '.join(argv)} failed with status {done.rc}"
        raise TransactionError("reload", message, output=(done.stderr + done.stdout).strip())


def start(host: Host, instance: Instance) -> None:
    """By the systemd unit it ran under, else as postfix(1) starts it."""
    unit = instance.facts["unit"]
    if unit and "LoadState=loaded" in host.run(["systemctl", "show", "--property=LoadState", unit], timeout=30).stdout:
        host.run(["systemctl", "reset-failed", unit], timeout=30)
        argv = ["systemctl", "start", unit]
    else:
        argv = [instance.facts["program"], "-c", instance.facts["folder"], "start"]
    done = host.run(argv, timeout=_RELOAD_TIMEOUT)
    if done.rc != 0:
        message = f"{' '.join(argv)} failed with status {done.rc}"
        raise TransactionError("start", message, output=(done.stderr + done.stdout).strip())


def settled(host: Host, instance: Instance, before: t.Any) -> bool:
    """A new queue manager runs, and no process from before it takes connections any more.

    Idle ones end at once; one at work ends with its session, which may last, and takes no other: no need to wait.
    """
    now = generation(host, instance)
    if now is None or now.queue is None or (before is not None and now.queue == before.queue):
        return False
    since = now.queue[1]
    older = any(
        process.ppid == now.master[0]
        and process.start < since
        and process.argv
        and posixpath.basename(process.argv[0]) in _LISTENING
        for process in host.processes()
    )
    return not older or _ticks(host) - since > _PATIENCE * os.sysconf("SC_CLK_TCK")


def _ticks(host: Host) -> float:
    """Clock ticks since boot, as :class:`Process` counts them (proc(5), uptime)."""
    return float(host.read("/proc/uptime").split()[0]) * os.sysconf("SC_CLK_TCK")
