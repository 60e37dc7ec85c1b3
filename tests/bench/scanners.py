"""Our engine against the other scanners and against a C program that sends the same bytes.

All run against the same nginx on loopback, in turns, so that a busy machine is busy for all of them; medians. Wall and
CPU time are those of the whole process tree, connections are what the server counted. ``run()`` takes about three
minutes; with ``BENCH_FULL=1`` there are more turns.
"""

from __future__ import annotations

import json
import os
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
from ansible_collections.encryption.in_transit.tests.servers.programs import BOOKWORM, Missing
from ansible_collections.encryption.in_transit.tests.servers.server import Process, free_port
from ansible_collections.encryption.in_transit.tests.servers.synthetic import Recorder

ROOT = Path(__file__).resolve().parents[2]
FULL = os.environ.get("BENCH_FULL") == "1"
TURNS = 9 if FULL else 5

#: The least we promise: how many times faster than each peer, in wall and CPU time, for one endpoint and for a hundred.
GOALS = {
    "sslscan": {"wall": 5, "cpu": 3, "hundred": 30},
    "nmap": {"wall": 6, "cpu": 5, "hundred": 12},
    "sslyze": {"wall": 25, "cpu": 20, "hundred": 100},
    "testssl": {"wall": 500, "cpu": 500},
}
CONNECTIONS = 14
FLOOR_WALL, FLOOR_CPU, MEMORY_MB = 1.15, 2.0, 100
START_MS = 40

COLLECTIONS = ROOT / ".ansible/collections"
COMMAND = (sys.executable, "-m", "ansible_collections.encryption.in_transit.plugins.module_utils.run.scan")


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
            [str(word) for word in argv], stdin=source, stdout=words, stderr=words, env={**os.environ, **(environment or {})}
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


def row(name: str, unit: str, ours: float, other: float, other_name: str, goal: float, less: bool = False) -> dict[str, t.Any]:
    """One line of the table. The ratio is other / ours, of which ``goal`` is the least; ``less``: ours / other, the most."""
    ratio = (ours / other if less else other / ours) if ours and other else None
    met = ratio is not None and (ratio <= goal if less else ratio >= goal)
    return {
        "name": f"scan: {name}",
        "unit": unit,
        "ours": round(ours, 4),
        "other": round(other, 4),
        "other_name": other_name,
        "ratio": None if ratio is None else round(ratio, 2),
        "goal": f"{'<=' if less else '>='} {goal:g}",
        "met": met,
    }


def limit(name: str, unit: str, ours: float, goal: float) -> dict[str, t.Any]:
    """One line of the table without anybody to compare with."""
    return {
        "name": f"scan: {name}",
        "unit": unit,
        "ours": round(ours, 2),
        "other": None,
        "other_name": "",
        "ratio": None,
        "goal": f"<= {goal:g}",
        "met": ours <= goal,
    }


def missing(name: str, other_name: str, why: str) -> dict[str, t.Any]:
    return {
        "name": f"scan: {name}",
        "unit": why,
        "ours": None,
        "other": None,
        "other_name": other_name,
        "ratio": None,
        "goal": "measured",
        "met": False,
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

    def connections(self) -> int:
        """Connections accepted so far. The request for it is one as well."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status}/") as answer:
            return int(answer.read().split()[7])


def ours(endpoints: t.Sequence[str]) -> Cost:
    """The command ``make scan`` runs, in a process of its own. A thousand endpoints do not fit the command line well."""
    return cost([*COMMAND, *endpoints], {"PYTHONPATH": str(COLLECTIONS)})


def peer(name: str, port: int) -> Cost:
    tool = peers.BY_NAME[name]
    with tempfile.TemporaryDirectory() as folder:
        return cost(tool.argv(port, "", Path(folder)), tool.environment())


def addresses(count: int) -> list[str]:
    return [f"127.0.{number // 250}.{number % 250 + 1}" for number in range(count)]


def one_endpoint(target: Target) -> t.Iterator[dict[str, t.Any]]:
    endpoint = [f"tls://127.0.0.1:{target.port}"]
    commands: dict[str, t.Callable[[], Cost]] = {"ours": lambda: ours(endpoint)}
    for name in GOALS:
        try:
            peers.BY_NAME[name].argv(target.port, "", Path("/"))
        except Missing as why:
            yield missing("one endpoint", peers.BY_NAME[name].title, str(why))
        else:
            if name != "testssl":
                commands[name] = lambda name=name: peer(name, target.port)  # type: ignore[misc]
    ours(endpoint)  # writes the compiled modules, which installed software has
    seen = in_turns(commands, TURNS)
    try:
        seen["testssl"] = peer("testssl", target.port)  # half a minute each: once
    except Missing:
        pass
    for name in GOALS:
        if name in seen:
            title = peers.BY_NAME[name].title
            yield row("one endpoint, wall time", "s", seen["ours"].wall, seen[name].wall, title, GOALS[name]["wall"])
            yield row("one endpoint, CPU time", "s", seen["ours"].cpu, seen[name].cpu, title, GOALS[name]["cpu"])
    before = target.connections()
    ours(endpoint)
    made = target.connections() - before - 1
    yield limit("one endpoint, connections", "connections", made, CONNECTIONS)
    for name in seen:
        if name not in ("ours", "testssl"):
            before = target.connections()
            peer(name, target.port)
            other = target.connections() - before - 1
            yield row("one endpoint, connections", "connections", made, other, peers.BY_NAME[name].title, 1)
    yield limit("one endpoint, whole process", "ms", min(ours(endpoint).wall for _ in range(20)) * 1000, START_MS)


def hundred_endpoints(target: Target, folder: Path) -> t.Iterator[dict[str, t.Any]]:
    hosts = addresses(100)
    listed = folder / "hosts"
    listed.write_text("".join(f"{host}:{target.port}\n" for host in hosts))
    plain = folder / "plain"
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
        title = peers.BY_NAME[name].title
        try:
            wall = statistics.median(command().wall for _ in range(3 if FULL else 1))
        except Missing as why:
            yield missing("100 endpoints", title, str(why))
        else:
            goal = GOALS[name]["hundred"]
            yield row("100 endpoints, wall time", "s", seen["ours"].wall, wall, f"{title}, in parallel", goal)


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
        yield missing("1000 endpoints", "C program sending the same bytes", f"no C compiler: {why}")
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
        5 if FULL else 3,
    )
    title = "C program sending the same bytes"
    yield row("1000 endpoints, wall time", "s", seen["ours"].wall, seen["floor"].wall, title, FLOOR_WALL, less=True)
    yield row("1000 endpoints, CPU time", "s", seen["ours"].cpu, seen["floor"].cpu, title, FLOOR_CPU, less=True)
    yield limit("1000 endpoints, resident memory", "MB", seen["ours"].memory, MEMORY_MB)


def imports(target: Target) -> dict[str, t.Any]:
    """What a scan loads that is neither ours nor the standard library's, or is asyncio: nothing."""
    script = (
        "import runpy, sys, json\n"
        "before = set(sys.modules)\n"
        "sys.argv = sys.argv[1:]\n"
        "try: runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)\n"
        "except SystemExit: pass\n"
        "names = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "foreign = sorted(names - set(sys.stdlib_module_names) - {'ansible_collections'} | names & {'asyncio'})\n"
        "print('\\n' + json.dumps(foreign))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, COMMAND[-1], f"tls://127.0.0.1:{target.port}"],
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        check=False,
    )
    foreign = json.loads(done.stdout.splitlines()[-1])
    return limit(f"imports from elsewhere, or of asyncio {foreign or ''}".strip(), "modules", len(foreign), 0)


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
