# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nginx on a host: where it is, which configuration it runs, how to test and reload it, and when a reload is done."""

from __future__ import annotations

import os
import re
import typing as t

from ...baseline.dialects import openssl
from ...baseline.model import PROTOCOLS, Capabilities
from ...errors import ConfigurationError, TransactionError
from ..contract import Instance, TestResult
from . import grammar

if t.TYPE_CHECKING:
    from ..host import Host, Process

#: Programs by the name people start them by, and where their own installers put them.
_PROGRAMS = ("nginx", "openresty", "angie", "tengine", "freenginx")
_PLACES = (
    "/usr/local/nginx/sbin/nginx",
    "/usr/local/openresty/nginx/sbin/nginx",
    "/usr/local/angie/sbin/angie",
    "/opt/nginx/sbin/nginx",
)

#: The title a master process gives itself, with the command line it was started with.
_MASTER = re.compile(r"(?:nginx|angie): master process (.*)", re.DOTALL)
_WORKER = re.compile(r"(?:nginx|angie): worker process\Z")

_VERSION = re.compile(r"^(nginx|freenginx|Angie|Tengine|openresty) version: \S*?/(\d+(?:\.\d+)*)", re.MULTILINE)
_LIBRARY = re.compile(r"built with (OpenSSL|LibreSSL|BoringSSL|AWS-LC)[ -]?v?([0-9][0-9.]*[a-z]?)?")
_RUNNING = re.compile(r"running with (?:OpenSSL|LibreSSL|BoringSSL|AWS-LC)[ -]?v?([0-9][0-9.]*[a-z]?)")

#: ssl_conf_command and its like are there from here on, with OpenSSL 1.0.2 (CHANGES of 1.19.4).
_CONF_COMMAND = (1, 19, 4)
#: The first version that knows the word TLSv1.3.
_TLS13 = (1, 13, 0)

#: Relatives whose own numbers say nothing of nginx's, and a version of nginx whose rules they surely follow: where
#: newer rules would only be kinder, the older ones do no harm.
_RELATIVES = {"Angie": (1, 23, 1), "freenginx": (1, 27, 2)}

#: Seconds: a test resolves host names in the configuration.
_TEST_TIMEOUT = 120
_RELOAD_TIMEOUT = 120


class Build(t.NamedTuple):
    """What ``nginx -V`` tells. ``version`` is the version of nginx whose rules hold; empty text for what is missing."""

    product: str
    product_version: str
    version: tuple[int, ...]
    prefix: str
    config: str
    pid: str
    capabilities: Capabilities
    modules: tuple[str, ...]
    access_log: str


def discover(host: Host) -> list[Instance]:
    """One instance for each configuration: of running masters first, then of installed programs nobody runs."""
    found: dict[str, Instance] = {}
    builds: dict[str, Build | None] = {}

    def build_of(program: str) -> Build | None:
        if program not in builds:
            builds[program] = read_build(host.run([program, "-V"], timeout=30).stderr)
        return builds[program]

    # After a change of the program (signal USR2) two masters run for a while: the younger one stays.
    for process in sorted(masters(host), key=lambda process: -process.start):
        build = build_of(process.exe)
        if build is not None:
            instance = _instance(host, process.exe, build, process)
            found.setdefault(instance.config, instance)
    for program in _installed(host):
        build = build_of(program)
        if build is not None:
            instance = _instance(host, program, build, None)
            if instance.config not in found and host.exists(instance.config):
                found[instance.config] = instance
    return list(found.values())


def _installed(host: Host) -> list[str]:
    """Programs on PATH and in usual places, each once."""
    paths = [*(host.which(name) for name in _PROGRAMS), *(path for path in _PLACES if host.exists(path))]
    return list(dict.fromkeys(host.realpath(path) for path in paths if path))


def masters(host: Host) -> list[Process]:
    return [process for process in host.processes() if process.argv and _MASTER.match(process.argv[0])]


def _instance(host: Host, program: str, build: Build, process: Process | None) -> Instance:
    options = _options(_started_by(process)) if process else {}
    prefix = options.get("p") or build.prefix
    if process and not prefix.startswith("/"):
        prefix = os.path.join(host.cwd(process.pid), prefix)
    config = os.path.normpath(os.path.join(prefix, options.get("c") or build.config))
    facts = {
        "program": program,
        "product": build.product,
        "product_version": build.product_version,
        "prefix": prefix,
        "pid_file": build.pid,
        "access_log": build.access_log,
        "options": options,
        "modules": list(build.modules),
        "hostname": host.hostname(),
        "root": process is None or _owner(host, process.pid) == 0,
        "pid": process.pid if process else None,
        "unit": host.unit(process.pid) if process else None,
    }
    return Instance("nginx", config, build.version, config, build.capabilities, process is not None, facts)


def _owner(host: Host, pid: int) -> int:
    try:
        return host.stat(f"/proc/{pid}").st_uid
    except OSError:
        return 0


def _started_by(process: Process) -> str:
    match = _MASTER.match(process.argv[0])
    return " ".join((match.group(1) if match else "", *process.argv[1:]))


def _options(command_line: str) -> dict[str, str]:
    """The options ``c``, ``p``, ``e`` and ``g`` of a command line whose quotes are gone.

    nginx joins its arguments by blanks when it names its master process; a value ends where the next option begins.
    """
    parts = re.split(r"(?:^|\s)-([a-zA-Z])\s*(?=\S)", command_line)
    pairs = zip(parts[1::2], parts[2::2])
    return {letter: value.strip() for letter, value in pairs if letter in "cpeg" and value.strip()}


def read_build(text: str) -> Build | None:
    """Read what ``nginx -V`` (or a relative's) prints; None when it is something else."""
    versions = dict(_VERSION.findall(text))
    if not versions:
        return None
    # Relatives print nginx's own version too, or are numbered like it (OpenResty, with a fourth number).
    product = next((name for name in ("Angie", "Tengine", "freenginx", "openresty") if name in versions), "nginx")
    match = re.search(r"openresty/", text)
    product = "openresty" if product == "nginx" and match else product
    number = _numbers(versions.get("nginx") or versions[product])[:3]
    if product in _RELATIVES and "nginx" not in versions:
        number = min(number, _RELATIVES[product]) if product == "freenginx" else _RELATIVES[product]
    arguments = _configure_arguments(text)
    prefix = _value(arguments, "--prefix") or "/usr/local/nginx"
    return Build(
        product,
        versions.get(product) or versions["nginx"],
        number,
        prefix,
        os.path.join(prefix, _value(arguments, "--conf-path") or "conf/nginx.conf"),
        os.path.join(prefix, _value(arguments, "--pid-path") or "logs/nginx.pid"),
        _capabilities(text, number),
        tuple(sorted(word[len("--with-") :] for word in arguments if re.match(r"--with-(stream|mail|http_)", word))),
        os.path.join(prefix, _value(arguments, "--http-log-path") or "logs/access.log"),
    )


def _configure_arguments(text: str) -> list[str]:
    line = re.search(r"^configure arguments:(.*)", text, re.MULTILINE)
    words = re.findall(r"(?:'[^']*'|\S)+", line.group(1)) if line else []
    return [word.replace("'", "") for word in words]


def _value(arguments: t.Iterable[str], name: str) -> str:
    return next((word.partition("=")[2] for word in arguments if word.startswith(name + "=")), "")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _capabilities(text: str, version: tuple[int, ...]) -> Capabilities:
    match = _LIBRARY.search(text)
    if match is None:
        return Capabilities("", (), (), frozenset(), frozenset(), frozenset())
    running = _RUNNING.search(text)
    number = _numbers((running.group(1) if running else match.group(2)) or "0")[:3]
    if match.group(1) != "OpenSSL":
        # Nothing is known of the others but that they have the protocols the baseline asks for.
        return Capabilities(match.group(1), number, PROTOCOLS[2:], None, None, frozenset())
    features = ["ssl_conf_command"] if version >= _CONF_COMMAND and number >= (1, 0, 2) else []
    known = openssl.capabilities(number, features)
    if version < _TLS13:
        known = known._replace(protocols=tuple(name for name in known.protocols if name != "TLSv1.3"))
    return known


# --- test and reload --------------------------------------------------------------------------------------------------


def test_command(instance: Instance) -> list[str]:
    options = instance.facts["options"]
    argv = [instance.facts["program"], "-t", "-c", instance.config]
    if options.get("p"):
        argv += ["-p", instance.facts["prefix"]]
    if options.get("g"):
        argv += ["-g", options["g"]]
    return argv


def test(host: Host, instance: Instance) -> TestResult:
    pid_file = _pid_file(host, instance)
    # The test of a server that does not run leaves an empty pid file, on SELinux hosts with a label it cannot use; that
    # of a log that is new leaves the log.
    left = [path for path in (pid_file, *_our_logs(host, instance)) if not host.exists(path)]
    done = host.run(test_command(instance), timeout=_TEST_TIMEOUT)
    for path in left:
        host.sweep(path)
    output = (done.stderr + done.stdout).strip()
    warnings = re.findall(r"^(?:nginx: )?\[(?:warn|alert)\] (.*)$", output, re.MULTILINE)
    return TestResult(done.rc == 0, output, tuple(warnings))


def _our_logs(host: Host, instance: Instance) -> list[str]:
    from . import resolver, usage

    try:
        return usage.ours(resolver.read(host, instance), instance.facts["prefix"])
    except ConfigurationError:
        return []  # the test itself will say what is wrong


def _pid_file(host: Host, instance: Instance) -> str:
    """Where nginx would put its pid. The directive stands on top of the main file, if anywhere."""
    name = str(instance.facts["pid_file"])
    try:
        for directive in grammar.parse(instance.config, host.read(instance.config)).children:
            if directive.name == "pid" and directive.args:
                name = directive.args[0]
    except (OSError, ConfigurationError):
        pass  # the test itself will say what is wrong
    return os.path.join(instance.facts["prefix"], name)


def _master(host: Host, instance: Instance) -> Process | None:
    """The youngest master that runs the instance's configuration."""
    mine = []
    for process in masters(host):
        options = _options(_started_by(process))
        prefix = options.get("p") or instance.facts["prefix"]
        if not prefix.startswith("/"):
            prefix = os.path.join(host.cwd(process.pid), prefix)
        same_program = process.exe == instance.facts["program"]
        given = options.get("c")
        config = os.path.normpath(os.path.join(prefix, given)) if given else None
        if config == instance.config or (config is None and same_program and not instance.facts["options"].get("c")):
            mine.append(process)
    return max(mine, key=lambda process: process.start, default=None)


class Generation(t.NamedTuple):
    """A master and those of its workers that accept connections, each as (pid, start)."""

    master: tuple[int, int]
    workers: tuple[tuple[int, int], ...]


def generation(host: Host, instance: Instance) -> Generation | None:
    master = _master(host, instance)
    if master is None:
        return None
    workers = [
        (process.pid, process.start)
        for process in host.processes()
        if process.ppid == master.pid and process.argv and _WORKER.match(process.argv[0])
    ]
    return Generation((master.pid, master.start), tuple(sorted(workers)))


def reload(host: Host, instance: Instance) -> None:
    """By systemd where the master is a service's main process, else by the signal nginx takes for it."""
    master = _master(host, instance)
    if master is None:
        raise TransactionError("reload", f"nginx with {instance.config} does not run")
    unit = host.unit(master.pid)
    if unit:
        shown = host.run(["systemctl", "show", "--property=MainPID,CanReload", unit], timeout=30).stdout.split()
        if f"MainPID={master.pid}" in shown and "CanReload=yes" in shown:
            done = host.run(["systemctl", "reload", unit], timeout=_RELOAD_TIMEOUT)
            if done.rc != 0:
                message = f"systemctl reload {unit} failed with status {done.rc}"
                raise TransactionError("reload", message, output=(done.stderr + done.stdout).strip())
            return
    import signal

    try:
        host.signal(master.pid, signal.SIGHUP)
    except OSError as error:
        raise TransactionError("reload", f"nginx master {master.pid} took no signal: {error.strerror}") from error


def start(host: Host, instance: Instance) -> None:
    """By systemd where it has a unit for this program, else as the program starts itself in the background."""
    unit = instance.facts["unit"]
    if not unit and not instance.facts["options"]:
        # It has ended, so nothing tells of its unit; but this is the configuration its package starts.
        unit = f"{os.path.basename(instance.facts['program'])}.service"
    shown = host.run(["systemctl", "show", "--property=LoadState", unit], timeout=30).stdout if unit else ""
    if "LoadState=loaded" in shown:
        # A unit that failed too often in a row is refused without this.
        host.run(["systemctl", "reset-failed", unit], timeout=30)
        argv = ["systemctl", "start", unit]
    else:
        argv = [word for word in test_command(instance) if word != "-t"]
    done = host.run(argv, timeout=_RELOAD_TIMEOUT)
    if done.rc != 0:
        message = f"{' '.join(argv)} failed with status {done.rc}"
        raise TransactionError("start", message, output=(done.stderr + done.stdout).strip())


def settled(host: Host, instance: Instance, before: t.Any) -> bool:
    """New workers accept, and none of the old ones does: those that only finish transfers have another title."""
    now = generation(host, instance)
    return now is not None and bool(now.workers) and (before is None or not set(now.workers) & set(before.workers))
