# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HAProxy on a host: which files its command line names, how to test and reload it, and when a reload is done.

The master process (``-W``, ``-Ws``) loads its files anew on SIGUSR2 and keeps the old workers when it cannot; without a
master a second process takes over the sockets of the first (management guide, sections 3 and 4).
"""

from __future__ import annotations

import os.path
import re
import shlex
import typing as t

from ...baseline.dialects import openssl
from ...baseline.model import PROTOCOLS, Capabilities
from ...errors import ConfigurationError, TransactionError
from .. import certificates
from ..contract import Document, Instance, TestResult
from ..host import decode
from ..sockets import listening
from ..text import edit_documents
from . import effective, grammar

if t.TYPE_CHECKING:
    from ..contract import Edit
    from ..host import Host, Process

#: The first version with ssl-min-ver, by which the baseline is said (CHANGELOG of 1.8).
_SINCE = (1, 8)
_DEFAULT = "/etc/haproxy/haproxy.cfg"
_UNIT = "haproxy.service"

_VERSION = re.compile(r"^HA-?Proxy version (\d+(?:\.\d+)*)", re.MULTILINE)
_LIBRARY = re.compile(r"^Running on (\w+)[^:\n]* version : \w+ v?([0-9.]+)", re.MULTILINE)
_PROTOCOLS = re.compile(r"^OpenSSL library supports : (.*)$", re.MULTILINE)
_SIGALGS = (2, 8)

#: Options of the command line with values: those the test needs as well, and those for running alone.
_LOADING = ("-C", "-L")
_RUNNING = ("-p", "-S", "-m", "-n", "-N")

_TIMEOUT = 120


def read_build(text: str) -> tuple[tuple[int, ...], Capabilities] | None:
    """Version and TLS library by what ``haproxy -vv`` prints; None when it is something else, or has no TLS."""
    version, library = _VERSION.search(text), _LIBRARY.search(text)
    if version is None or library is None:
        return None
    number = tuple(int(part) for part in version.group(1).split(".")[:3])
    release = tuple(int(part) for part in re.findall(r"\d+", library.group(2))[:3])
    features = ["sigalgs"] if number >= _SIGALGS else []
    if library.group(1) != "OpenSSL":
        known = Capabilities(library.group(1), release, PROTOCOLS[2:], None, None, frozenset(features))
    else:
        known = openssl.capabilities(release, features)
    spoken = _PROTOCOLS.search(text)
    if spoken:
        known = known._replace(protocols=tuple(name for name in PROTOCOLS if name in spoken.group(1).split()))
    return number, known


class CommandLine(t.NamedTuple):
    """What a command line says: files and folders of ``-f``, what else the test needs (``more``) and a process that
    runs (``running``), whether there is a master, and whether it leaves its terminal."""

    files: tuple[str, ...]
    more: tuple[str, ...]
    running: tuple[str, ...]
    master: bool
    daemon: bool


def command_line(argv: t.Sequence[str], folder: str) -> CommandLine:
    """Read the arguments of HAProxy, started in ``folder`` (haproxy(1)). What a reload has added is left out."""
    files: list[str] = []
    more: list[str] = []
    running: list[str] = []
    flags: set[str] = set()
    words = list(argv)
    while words:
        word = words.pop(0)
        if word == "--":
            files, words = files + words, []
        elif word in ("-sf", "-st"):
            while words and words[0].isdigit():
                words.pop(0)
        elif word == "-f" and words:
            files.append(words.pop(0))
        elif word in _LOADING and words:
            more += [word, words.pop(0)]
        elif word == "-x" and words:
            words.pop(0)
        elif word in _RUNNING:
            # -S may stand without a value.
            running += [word, words.pop(0)] if words and not words[0].startswith("-") else [word]
        else:
            flags.add(word)
    if "-C" in more:
        folder = os.path.join(folder, more[more.index("-C") + 1])
    paths = tuple(os.path.normpath(os.path.join(folder, name)) for name in files)
    return CommandLine(paths, tuple(more), tuple(running), bool(flags & {"-W", "-Ws"}), "-D" in flags)


def discover(host: Host) -> list[Instance]:
    """One instance for each set of files: of running processes first, then what the package's service would run."""
    found: dict[str, Instance] = {}
    builds: dict[str, tuple[tuple[int, ...], Capabilities] | None] = {}

    def add(program: str, line: CommandLine, process: Process | None, environment: dict[str, str]) -> None:
        if program not in builds:
            builds[program] = read_build(host.run([program, "-vv"], timeout=30).stdout)
        build = builds[program]
        if build is None or not line.files:
            return
        facts: dict[str, t.Any] = {
            "program": program,
            "files": line.files,
            "more": line.more,
            "running": line.running,
            "master": line.master,
            "daemon": line.daemon,
            "environment": environment,
            "unit": host.unit(process.pid) if process else None,
        }
        config = line.files[0]
        found.setdefault(config, Instance("haproxy", config, build[0], config, build[1], process is not None, facts))

    for process in sorted(masters(host), key=lambda process: -process.start):
        line = command_line(process.argv[1:], host.cwd(process.pid))
        add(process.exe, line, process, _environment(host, process.pid))
    program = host.which("haproxy")
    if program:
        line, environment = _of_service(host)
        if host.exists(line.files[0]):
            add(host.realpath(program), line, None, environment)
    return list(found.values())


def _is_haproxy(process: Process) -> bool:
    return os.path.basename(process.exe) == "haproxy"


def masters(host: Host) -> list[Process]:
    """Processes nobody of the same program has started: masters, and those that run without."""
    ours = {process.pid: process for process in host.processes() if process.argv and _is_haproxy(process)}
    return [process for process in ours.values() if process.ppid not in ours]


def _environment(host: Host, pid: int) -> dict[str, str]:
    """What a process was given, without what a master tells itself over a reload: with ``HAPROXY_MWORKER_REEXEC`` and
    the like, ``haproxy -c`` takes itself for the rest of a reload and checks nothing."""
    try:
        data = host.read(f"/proc/{pid}/environ")
    except OSError:
        return {}
    given = _pairs(decode(word) for word in data.split(b"\0"))
    return {name: value for name, value in given.items() if not name.startswith("HAPROXY_")}


def _pairs(words: t.Iterable[str]) -> dict[str, str]:
    return {name: value for name, equals, value in (word.partition("=") for word in words) if equals}


def _of_service(host: Host) -> tuple[CommandLine, dict[str, str]]:
    """The command line by which systemd would start the package's service, else the usual one; and its environment."""
    asked = ["systemctl", "show", "--property=ExecStart,Environment,EnvironmentFiles", _UNIT]
    shown = host.run(asked, timeout=30).stdout
    started = re.search(r"^ExecStart=.*?argv\[\]=(.*?) ;", shown, re.MULTILINE)
    given = re.search(r"^Environment=(.*)$", shown, re.MULTILINE)
    environment = _pairs(shlex.split(given.group(1))) if given else {}
    for path in re.findall(r"^EnvironmentFiles=(\S+)", shown, re.MULTILINE):
        try:
            lines = decode(host.read(path)).splitlines()
        except OSError:
            continue
        environment.update(_pairs(" ".join(shlex.split(line)) for line in lines if not line.lstrip().startswith("#")))
    words = started.group(1).split()[1:] if started else ["-f", _DEFAULT]
    # Of a variable without braces systemd makes words, of one with braces a word (systemd.service(5)).
    spread = [environment.get(word[1:], "").split() if word[:1] == "$" else [word] for word in words]
    line = command_line([re.sub(r"^\$\{(\w+)\}$", _from(environment), w) for some in spread for w in some], "/")
    return (line if line.files else line._replace(files=(_DEFAULT,))), environment


def _from(environment: t.Mapping[str, str]) -> t.Callable[[re.Match[str]], str]:
    return lambda match: environment.get(match.group(1), "")


# --- files ------------------------------------------------------------------------------------------------------------


def read(host: Host, instance: Instance) -> list[Document]:
    """Every file in the order HAProxy loads them, then the lists of certificates they name, each once.

    Raises ConfigurationError for a file that cannot be read or parsed.
    """
    if instance.version < _SINCE:
        version = ".".join(map(str, instance.version))
        raise ConfigurationError(
            instance.config, 0, 0, f"HAProxy {version} has no ssl-min-ver; upgrade to 1.8 or newer"
        )
    documents: dict[str, Document] = {}
    environment = instance.facts["environment"]
    for name in instance.facts["files"]:
        # Of a folder HAProxy takes what ends so, in the order of the C locale.
        inner = [f"{name}/{file}" for file in _listed(host, name) if file.endswith(".cfg")]
        for path in inner or [name]:
            real, data = _load(host, path, None)
            tree = grammar.parse(real, data, environment)
            environment = tree.environment
            documents.setdefault(real, Document(real, data, tree))
    found = list(documents.values())
    for line in (line for one in found for line in one.tree.lines if line.name in ("bind", "stats")):
        for option in effective.options(line):
            if option.name == "crt-list" and option.given:
                real, data = _load(host, option.given, line)
                documents.setdefault(real, Document(real, data, grammar.parse_crt_list(real, data)))
                found[0].tree.lists[option.given] = real
    found = list(documents.values())
    _look_at_certificates(host, found)
    return found


def _listed(host: Host, path: str) -> list[str]:
    """What is in a folder, without names that begin with a dot; nothing when it is none."""
    try:
        return [name for name in host.listdir(path) if not name.startswith(".")]
    except OSError:
        return []


def _load(host: Host, path: str, line: grammar.Line | None) -> tuple[str, bytes]:
    try:
        real = host.realpath(path)
        return real, host.read(real)
    except OSError as error:
        if line is None:
            raise ConfigurationError(path, 0, 0, f"cannot be read: {error.strerror}") from error
        raise line.tree.error(line.start, f"{path} cannot be read: {error.strerror}") from error


def _look_at_certificates(host: Host, documents: t.Sequence[Document]) -> None:
    """What the main tree has to know of the files of certificates."""
    tree: grammar.Tree = documents[0].tree
    named = {path for bind in effective.Config(documents).binds for path in bind.certificates}
    for path in sorted(named):
        inner = [name for name in _listed(host, path) if not name.endswith((".key", ".issuer", ".ocsp", ".sctl"))]
        if inner:
            tree.folders[path] = tuple(f"{path}/{name}" for name in inner)
    files = {file for path in named for file in tree.folders.get(path, (path,)) if not file.startswith("@")}
    tree.keys = frozenset(path + ".key" for path in files if host.exists(path + ".key"))
    if any(b"@SECLEVEL=" in document.data for document in documents):
        tree.loads = {path: certificates.loads(host, path) for path in files}


def edited(documents: t.Sequence[Document], edits: t.Sequence[Edit]) -> list[Document]:
    """The documents after edits, as :func:`read` would find them. No edit of ours touches what names files."""

    def parse(path: str, data: bytes, old: Document | None) -> Document:
        if old is None:
            return Document(path, data, grammar.parse(path, data))
        before: grammar.Tree = old.tree
        if before.crt_list:
            return Document(path, data, grammar.parse_crt_list(path, data))
        tree = grammar.parse(path, data, before.environment)
        tree.folders, tree.lists = before.folders, before.lists
        tree.keys, tree.loads = before.keys, before.loads
        return Document(path, data, tree)

    return edit_documents(documents, edits, parse)


# --- test and reload --------------------------------------------------------------------------------------------------


def _arguments(instance: Instance) -> list[str]:
    return [word for path in instance.facts["files"] for word in ("-f", path)] + list(instance.facts["more"])


def test_command(instance: Instance) -> list[str]:
    return [instance.facts["program"], "-c", *_arguments(instance)]


def test(host: Host, instance: Instance) -> TestResult:
    done = host.run(test_command(instance), timeout=_TIMEOUT, env=instance.facts["environment"])
    output = (done.stderr + done.stdout).strip()
    warnings = re.findall(r"^\[WARNING\][^:\n]*: (.*)$", output, re.MULTILINE)
    # Status 2 with these words is a file without any listener, such as the package brings before 2.5.
    valid = done.rc == 0 or (done.rc == 2 and "Configuration file has no error" in output)
    return TestResult(valid, output, tuple(warnings))


def _master(host: Host, instance: Instance) -> Process | None:
    """The youngest process that runs the instance's files."""
    mine = [
        process
        for process in masters(host)
        if command_line(process.argv[1:], host.cwd(process.pid)).files == instance.facts["files"]
    ]
    return max(mine, key=lambda process: process.start, default=None)


class Generation(t.NamedTuple):
    """A process and its workers, each as (pid, start)."""

    master: tuple[int, int]
    workers: tuple[tuple[int, int], ...]


def generation(host: Host, instance: Instance) -> Generation | None:
    master = _master(host, instance)
    if master is None:
        return None
    workers = {
        (process.pid, process.start)
        for process in host.processes()
        if process.ppid == master.pid and _is_haproxy(process)
    }
    workers.update(_confined(host, master.pid))
    return Generation((master.pid, master.start), tuple(sorted(workers)))


def _confined(host: Host, master: int) -> t.Iterator[tuple[int, int]]:
    """Workers in a root directory of their own (``chroot``), which are not among the processes that share ours."""
    try:
        pids = host.read(f"/proc/{master}/task/{master}/children").split()
    except OSError:
        return
    for pid in map(int, pids):
        try:
            name, _end, rest = host.read(f"/proc/{pid}/stat").rpartition(b")")
        except OSError:
            continue  # it ended meanwhile
        if name.endswith(b"(haproxy"):
            yield pid, int(rest.split()[19])


def reload(host: Host, instance: Instance) -> None:
    """By systemd where it runs the master, else by SIGUSR2; without a master by a process that takes over."""
    master = _master(host, instance)
    if master is None:
        raise TransactionError("reload", f"HAProxy with {instance.config} does not run")
    unit = host.unit(master.pid)
    if unit:
        shown = host.run(["systemctl", "show", "--property=MainPID,CanReload", unit], timeout=30).stdout.split()
        if f"MainPID={master.pid}" in shown and "CanReload=yes" in shown:
            _run(host, ["systemctl", "reload", unit], "reload")
            return
    if instance.facts["master"]:
        import signal

        try:
            host.signal(master.pid, signal.SIGUSR2)
        except OSError as error:
            raise TransactionError("reload", f"HAProxy {master.pid} took no signal: {error.strerror}") from error
    elif instance.facts["daemon"]:
        argv = [instance.facts["program"], *_arguments(instance), *instance.facts["running"], "-D"]
        argv += ["-sf", str(master.pid)]
        _run(host, argv, "reload", instance.facts["environment"])
    else:
        message = f"HAProxy {master.pid} has no master process that could reload it; start it with -W, or restart it"
        raise TransactionError("reload", message)


def start(host: Host, instance: Instance) -> None:
    """By systemd where it has a unit for these files, else in the background."""
    unit = instance.facts["unit"] or (_UNIT if instance.config == _DEFAULT else "")
    shown = host.run(["systemctl", "show", "--property=LoadState", unit], timeout=30).stdout if unit else ""
    if "LoadState=loaded" in shown:
        # A unit that failed too often in a row is refused without this.
        host.run(["systemctl", "reset-failed", unit], timeout=30)
        _run(host, ["systemctl", "start", unit], "start")
    else:
        flags = ["-W", "-D"] if instance.facts["master"] else ["-D"]
        argv = [instance.facts["program"], *_arguments(instance), *instance.facts["running"], *flags]
        _run(host, argv, "start", instance.facts["environment"])


def _run(host: Host, argv: list[str], step: str, environment: t.Mapping[str, str] | None = None) -> None:
    done = host.run(argv, timeout=_TIMEOUT, env=environment)
    if done.rc != 0:
        message = f"{' '.join(argv)} failed with status {done.rc}"
        raise TransactionError(step, message, output=(done.stderr + done.stdout).strip())


def settled(host: Host, instance: Instance, before: t.Any) -> bool:
    """New processes listen, and none of the old ones does: those only finish what they have begun."""
    now = generation(host, instance)
    if now is None:
        return False
    # Without workers the process itself serves.
    serving, old = (set(one.workers or [one.master]) if one else set() for one in (now, before))
    pids = {pid for socket in listening(host, everywhere=False) for pid in socket.pids}
    return any(pid in pids for pid, _start in serving - old) and not any(pid in pids for pid, _start in old)
