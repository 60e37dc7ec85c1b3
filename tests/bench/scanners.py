# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our engine against the other scanners and against a C program that sends the same bytes.

All run against the same nginx on loopback, in turns, so that a busy machine is busy for all of them; medians. Wall and
CPU time are those of the whole process tree, connections are what the server counted. ``run()`` takes about three
minutes; with ``BENCH_FULL=1`` there are more turns.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import typing as t
import urllib.request
from pathlib import Path

from ansible_collections.encryption.in_transit.tests.servers import catalogue, peers
from ansible_collections.encryption.in_transit.tests.servers.pki import Pki
from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.servers.programs import BOOKWORM, Missing
from ansible_collections.encryption.in_transit.tests.servers.server import Process
from ansible_collections.encryption.in_transit.tests.servers.synthetic import Recorder

ROOT = Path(__file__).resolve().parents[2]
FULL = os.environ.get("BENCH_FULL") == "1"
TURNS = 21 if FULL else 11

#: The least we promise: how many times faster than each peer, in wall and CPU time and with
#: how many times fewer connections for one endpoint, and in wall time for a hundred.
GOALS = {
    "sslscan": {"wall": 5, "cpu": 3, "connections": 7, "hundred": 30},
    "nmap": {"wall": 6, "cpu": 5, "connections": 3, "hundred": 12},
    "sslyze": {"wall": 25, "cpu": 20, "connections": 40, "hundred": 100},
    "testssl": {"wall": 500, "cpu": 500},
}
#: Half a minute for each endpoint: run once.
SLOW = ("testssl",)
CONNECTIONS = 14
FLOOR_WALL, FLOOR_CPU, MEMORY_MB = 1.15, 2.0, 100
START_MS = 40

#: The Python of the distribution where there is one: it runs modules on managed hosts, and most peers are builds of the
#: distribution, too.
PYTHON = shutil.which("python3", path=os.defpath) or sys.executable
COMMAND = (PYTHON, "-I", "-S", ROOT / "plugins/module_utils/run/command.py")


class Cost(t.NamedTuple):
    """Of one process tree: seconds of wall and CPU time, and its largest resident set in megabytes."""

    wall: float
    cpu: float
    memory: float


def cost(argv: t.Sequence[object], environment: t.Mapping[str, str] | None = None, stdin: str = "") -> Cost:
    with tempfile.TemporaryFile() as words, tempfile.TemporaryFile() as source:
        source.write(stdin.encode())
        source.seek(0)
        begin = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in argv],
            stdin=source,
            stdout=words,
            stderr=words,
            env={**os.environ, **(environment or {})},
        )
        _, _, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = 0  # reaped above
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def in_turns(commands: t.Mapping[str, t.Callable[[], Cost]], turns: int) -> dict[str, Cost]:
    """The medians of each command, all of them run once in each turn."""
    seen: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(turns):
        for name, command in commands.items():
            seen[name].append(command())
    return {name: Cost(*map(statistics.median, zip(*costs))) for name, costs in seen.items()}


def versus(name: str, unit: str, ours: float, other: float, other_name: str, goal: float) -> dict[str, t.Any]:
    """One line of the table: the ratio is other / ours, of which ``goal`` is the least."""
    ratio = other / ours
    return line(name, unit, ours, other, other_name, ratio, f">= {goal:g}", ratio >= goal)


def at_most(name: str, unit: str, ours: float, goal: float, other: float = 0, other_name: str = "") -> dict[str, t.Any]:
    """One line of the table: ours, or ours / other where there is another, must be at most ``goal``."""
    ratio = ours / other if other else None
    return line(name, unit, ours, other or None, other_name, ratio, f"<= {goal:g}", (ratio or ours) <= goal)


def missing(name: str, other_name: str, why: object) -> dict[str, t.Any]:
    """One line of the table that says what could not be measured, and why."""
    return line(name, str(why), None, None, other_name, None, "measured", None)


def line(
    name: str,
    unit: str,
    ours: float | None,
    other: float | None,
    other_name: str,
    ratio: float | None,
    goal: str,
    met: bool | None,
) -> dict[str, t.Any]:
    return {
        "name": name,
        "unit": unit,
        "ours": ours,
        "other": other,
        "other_name": other_name,
        "ratio": ratio,
        "goal": goal,
        "met": met,
    }


class Target:
    """nginx with Mozilla's intermediate configuration on every loopback address, and its count of connections."""

    def __init__(self, folder: Path) -> None:
        self.status = free_port()
        counter = f"server {{{{ listen 127.0.0.1:{self.status}; location / {{{{ stub_status; }}}} }}}}"
        start = catalogue.nginx(BOOKWORM, catalogue.NGINX_INTERMEDIATE, http=counter, address="0.0.0.0")
        pki = Pki(folder / "pki")
        self.process = Process("nginx-bench", lambda port, own: start(pki, port, own), folder)
        self.port = self.process.port

    def connections_of(self, command: t.Callable[[], object]) -> int:
        before = self.connections()
        command()
        return self.connections() - before - 1

    def connections(self) -> int:
        """Connections accepted so far. The request for it is one as well."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status}/") as answer:
            return int(answer.read().split()[7])


def ours(endpoints: t.Sequence[str]) -> Cost:
    """What ``make scan`` runs, in a process of its own."""
    return cost([*COMMAND, *endpoints])


def peer(name: str, port: int) -> Cost:
    tool = peers.BY_NAME[name]
    with tempfile.TemporaryDirectory() as folder:
        return cost(tool.argv(port, "", "", Path(folder)), tool.environment())


def addresses(count: int) -> list[str]:
    return [f"127.0.{number // 250}.{number % 250 + 1}" for number in range(count)]


def one_endpoint(target: Target) -> t.Iterator[dict[str, t.Any]]:
    endpoint = [f"tls://127.0.0.1:{target.port}"]
    ours(endpoint)  # writes the compiled modules, which installed software has
    present = [name for name in GOALS if is_there(name, target.port)]
    commands: dict[str, t.Callable[[], Cost]] = {"ours": lambda: ours(endpoint)}
    commands.update({name: functools.partial(peer, name, target.port) for name in present if name not in SLOW})
    seen = in_turns(commands, TURNS)
    seen.update({name: peer(name, target.port) for name in present if name in SLOW})
    for name, goals in GOALS.items():
        title = peers.BY_NAME[name].title
        if name not in present:
            yield missing(f"one endpoint, wall: {name}", title, "run tests/servers/install.sh")
            continue
        yield versus(f"one endpoint, wall: {name}", "s", seen["ours"].wall, seen[name].wall, title, goals["wall"])
        yield versus(f"one endpoint, CPU: {name}", "s", seen["ours"].cpu, seen[name].cpu, title, goals["cpu"])
    made = target.connections_of(commands["ours"])
    yield at_most("one endpoint, connections", "connections", made, CONNECTIONS)
    for name in present:
        if name not in SLOW:
            theirs, title = target.connections_of(commands[name]), peers.BY_NAME[name].title
            yield versus(
                f"one endpoint, connections: {name}", "connections", made, theirs, title, GOALS[name]["connections"]
            )
    # The best of many, for it is the machine at rest that was promised.
    best = min(ours(endpoint).wall for _ in range(20))
    yield at_most("one endpoint, process start to end", "ms", best * 1000, START_MS)


def is_there(name: str, port: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        try:
            peers.BY_NAME[name].argv(port, "", "", Path(folder))
        except Missing:
            return False
    return True


def hundred_endpoints(target: Target, folder: Path) -> t.Iterator[dict[str, t.Any]]:
    hosts = addresses(100)
    listed, plain = folder / "endpoints", folder / "hosts"
    listed.write_text("".join(f"{host}:{target.port}\n" for host in hosts))
    plain.write_text("\n".join(hosts) + "\n")
    seen = in_turns({"ours": lambda: ours([f"tls://{host}:{target.port}" for host in hosts])}, TURNS)
    commands: dict[str, t.Callable[[], Cost]] = {
        "sslscan": lambda: cost(
            ["xargs", "-P", "4", "-n", "1", "-a", listed, *peers.TRIXIE.run("sslscan", "--no-colour")],
        ),
        "nmap": lambda: cost(
            peers.nmap_argv(["-p", target.port, "--script", "+ssl-enum-ciphers,+sslv2", "-iL", plain]),
            peers.BY_NAME["nmap"].environment(),
        ),
        "sslyze": lambda: cost([peers.programs.python_tool("sslyze"), *peers.SSLYZE_OPTIONS, f"--targets_in={listed}"]),
    }
    for name, command in commands.items():
        what, title = f"100 endpoints, wall: {name}", f"{peers.BY_NAME[name].title}, in parallel"
        if is_there(name, target.port):
            wall = statistics.median(command().wall for _ in range(3 if FULL else 1))
            yield versus(what, "s", seen["ours"].wall, wall, title, GOALS[name]["hundred"])
        else:
            yield missing(what, title, "run tests/servers/install.sh")


def record(target: Target, plan: Path) -> int:
    """Write what our engine says to one endpoint, connection by connection, for c_floor. Returns their number."""
    with Recorder(target.port) as recorder:
        ours([f"tls://127.0.0.1:{recorder.port}"])
        talks = list(recorder.talks.values())
    with plan.open("wb") as out:
        for talk in talks:
            steps: list[list[t.Any]] = []
            for from_client, data in talk:
                if from_client and (not steps or steps[-1][1]):
                    steps.append([data, 0])
                elif from_client:
                    steps[-1][0] += data
                elif steps:
                    steps[-1][1] += len(data)
            out.write(struct.pack("B", len(steps)))
            for sent, expected in steps:
                out.write(struct.pack("<I", len(sent)) + sent + struct.pack("<I", expected))
    return len(talks)


def thousand_endpoints(target: Target, folder: Path) -> t.Iterator[dict[str, t.Any]]:
    program = folder / "c_floor"
    try:
        subprocess.run(["cc", "-O2", "-o", program, Path(__file__).with_name("c_floor.c")], check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as why:
        yield missing("1000 endpoints, wall", "C program sending the same bytes", f"no C compiler: {why}")
        return
    plan = folder / "plan"
    record(target, plan)
    hosts = addresses(1000)
    endpoints = [f"tls://{host}:{target.port}" for host in hosts]
    seen = in_turns(
        {
            "ours": lambda: ours(endpoints),
            "floor": lambda: cost([program, plan, "128", str(target.port), *hosts]),
        },
        9 if FULL else 5,
    )
    title = "C program sending the same bytes"
    mine, floor = seen["ours"], seen["floor"]
    yield at_most("1000 endpoints, wall", "s", mine.wall, FLOOR_WALL, floor.wall, title)
    yield at_most("1000 endpoints, CPU", "s", mine.cpu, FLOOR_CPU, floor.cpu, title)
    yield at_most("1000 endpoints, resident memory", "MB", mine.memory, MEMORY_MB)
    done = subprocess.run([*COMMAND, *endpoints], capture_output=True, text=True, check=False)
    wrong = sum(not right(json.loads(text)) for text in done.stdout.splitlines())
    wrong += len(endpoints) - len(done.stdout.splitlines())
    yield at_most("1000 endpoints, wrong classes", "endpoints", wrong, 0)


def right(report: dict[str, t.Any]) -> bool:
    """Whether what is said of the target is what its configuration says."""
    accepted = {name for name, status in report["protocols"].items() if status == "accepted"}
    refused = {name for name, status in report["protocols"].items() if status == "refused"}
    return (
        report["verdict"] == "compliant"
        and accepted == {"TLSv1.2", "TLSv1.3"}
        and refused == {"SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"}
    )


def imports(target: Target) -> dict[str, t.Any]:
    """What a scan loads that is neither ours nor the standard library's, or is asyncio: nothing."""
    argv = [*COMMAND[:-1], "-X", "importtime", COMMAND[-1], f"tls://127.0.0.1:{target.port}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    # import time: self [us] | cumulative | imported package
    loaded = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()[1:]]
    names = {name.partition(".")[0] for name in loaded}
    foreign = sorted(names - set(sys.stdlib_module_names) - {"module_utils"} | names & {"asyncio"})
    return at_most(f"imports of strangers or asyncio {foreign or ''}".strip(), "modules", len(foreign), 0)


def run() -> list[dict[str, t.Any]]:
    """All lines of this benchmark: ``name unit ours other other_name ratio goal met`` each."""
    with tempfile.TemporaryDirectory(prefix="in_transit-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        target = Target(folder)
        with target.process:
            return [
                imports(target),
                *one_endpoint(target),
                *hundred_endpoints(target, folder),
                *thousand_endpoints(target, folder),
            ]


if __name__ == "__main__":
    for line in run():
        print(json.dumps(line), flush=True)
