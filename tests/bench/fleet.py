# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How time and memory of the controller grow with the fleet: harden of unchanged hosts, verify, drift, evidence.

Simulated: the hosts. Each answers a module at once with what a real nginx host answered (``connections/recorded.py``),
so what a host itself and the way to it cost is not in these numbers; ``fleet_per_host`` measures that on real module
runs. Real: everything the controller does, and the scan from outside, of a real nginx that answers at an address of its
own for each host (all of 127.0.0.0/8 is this machine). That nginx shares the processors with the controller.

All hosts have the certificate of that nginx, so runs that judge it end with one finding for each, status 2.

``FLEET_SIZES`` has other numbers of hosts (``100,300,1000,3000``); a fleet of 1,000 takes some minutes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZES = tuple(int(size) for size in os.environ.get("FLEET_SIZES", "10,100,300,1000").split(","))
PLAYBOOKS = ("harden", "verify", "evidence", "drift")
FORKS = 20
#: Numbers of hosts of the measurement with real module runs, and how many times the floor a host may cost.
REAL, GOAL = (4, 24), 1.5
#: Parts of a run, in what they are measured, and how many times the empty play's slope they may have.
MEASURES: tuple[tuple[str, str, float | None], ...] = (
    ("seconds", "seconds", None),
    ("cpu", "seconds of processors", None),
    ("megabytes", "MB", None),
)
NAMES = (*(f"fleet_{name}_{key}" for name in PLAYBOOKS for key, *_rest in MEASURES), "fleet_per_host")

Json = t.Dict[str, t.Any]

#: How a playbook ends that found something, and had no other trouble.
_VERDICT = re.compile(r"Action failed: (evidence sealed in|verdict: fail|not everything holds)")

CONFIG = """\
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 8192; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi; access_log off;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    server {{
        listen {port} ssl; server_name portal.hospital.example;
        add_header Strict-Transport-Security "max-age=63072000" always;
        return 200 ok;
    }}
}}
"""


class Run(t.NamedTuple):
    """One run of ansible-playbook: wall time in seconds, processor time of all its processes, and the peak of memory
    of the largest of them in MB. Other work on the machine lengthens the first and hardly changes the others."""

    seconds: float
    cpu: float
    megabytes: float


@contextlib.contextmanager
def nginx(folder: Path) -> t.Iterator[int]:
    """A real nginx at every address of this machine; its port."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90",
         "-subj", "/CN=portal.hospital.example", "-addext", "subjectAltName=DNS:portal.hospital.example",
         "-out", f"{folder}/cert.pem", "-keyout", f"{folder}/key.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, port=port), encoding="utf-8")
    server = subprocess.Popen(["/usr/sbin/nginx", "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while socket.socket().connect_ex(("127.0.0.1", port)) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait()


def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
        "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).parent / "connections"),
        "ANSIBLE_FORKS": str(FORKS),
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
        "RECORDED": str(folder / "recorded"),
    }


def ansible(folder: Path, inventory: Json, playbook: str, *more: str) -> Run:
    """Run a playbook. Raises RuntimeError with the end of its output when something else than a verdict failed."""
    path = folder / "inventory.json"
    path.write_text(json.dumps(inventory), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(path), playbook, *more]
    with (folder / "output").open("w+", encoding="utf-8") as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment(folder), stdout=output, stderr=output)
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
        if process.returncode not in (0, 2) or (process.returncode and not _VERDICT.search(text)):
            raise RuntimeError(f"{playbook} ended with {process.returncode}: {text[-3000:]}")
    # Linux counts in kilobytes.
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


def fleet(size: int, folder: Path, **more: t.Any) -> Json:
    """An inventory of that many hosts, each with an address of its own, which is its name."""
    names = [f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}" for number in range(size)]
    shared = {
        "ansible_connection": "recorded",
        "ansible_python_interpreter": sys.executable,
        "in_transit_become": False,
        "in_transit_evidence_dir": str(folder / "evidence"),
        "in_transit_ca_path": [str(folder / "cert.pem")],
        "nginx_tls_config": [str(folder / "nginx.conf")],
        "nginx_tls_state_dir": str(folder / "state"),
        "nginx_tls_history": 1,
        **more,
    }
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    return {"all": {"hosts": {**{name: {} for name in names}, "localhost": local}, "vars": shared}}


def record(folder: Path) -> None:
    """Harden this machine's nginx, then keep what the modules of each playbook answer when nothing is to be changed."""
    (folder / "recorded").mkdir()
    inventory = fleet(0, folder, ansible_connection="local")
    ansible(folder, inventory, "encryption.in_transit.harden", "-e", "in_transit_hosts=localhost")
    options = {"config": [str(folder / "nginx.conf")], "state_dir": str(folder / "state")}
    for name, given in (("nginx_tls", {}), ("nginx_tls_info", {"export": True})):
        tasks = [
            {f"encryption.in_transit.{name}": {**options, **given}, "register": "answer"},
            {"ansible.builtin.copy": {"content": "{{ answer | to_json }}", "dest": str(folder / "recorded" / name)}},
        ]
        play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
        (folder / "record.json").write_text(json.dumps(play), encoding="utf-8")
        ansible(folder, inventory, str(folder / "record.json"))
    (folder / "recorded" / "ping").write_text('{"ping": "pong", "changed": false}', encoding="utf-8")


def floor(folder: Path) -> str:
    """A play of nothing but one module run."""
    path = folder / "floor.json"
    play = [{"hosts": "all:!localhost", "gather_facts": False, "tasks": [{"ansible.builtin.ping": {}}]}]
    path.write_text(json.dumps(play), encoding="utf-8")
    return str(path)


def row(name: str, unit: str, ours: float, other: float, other_name: str, goal: float | None = None) -> Json:
    return {
        "name": name,
        "unit": unit,
        "ours": round(ours, 3),
        "other": round(other, 3),
        "other_name": other_name,
        "ratio": round(ours / other, 3),
        "goal": f"at most {goal}" if goal else "-",
        "met": ours / other <= goal if goal else None,
    }


def slope(sizes: t.Sequence[int], values: t.Sequence[float]) -> float:
    """Least squares: how much a thousand hosts more cost."""
    mean, middle = sum(sizes) / len(sizes), sum(values) / len(values)
    spread = sum((size - mean) ** 2 for size in sizes)
    return 1000 * sum((size - mean) * (value - middle) for size, value in zip(sizes, values)) / spread


def run() -> list[Json]:
    """For each playbook its slopes per 1,000 hosts beside those of the empty play, and what a real host costs."""
    rows: list[Json] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with nginx(folder):
            record(folder)
            empty = floor(folder)
            runs: dict[str, list[Run]] = {}
            for size in SIZES:
                inventory = fleet(size, folder)
                for playbook in ("floor", *PLAYBOOKS):
                    target = empty if playbook == "floor" else f"encryption.in_transit.{playbook}"
                    done = ansible(folder, inventory, target)
                    runs.setdefault(playbook, []).append(done)
                    told = f"{done.seconds:.1f} s, {done.cpu:.1f} s of processors, {done.megabytes:.0f} MB"
                    load = f"load {os.getloadavg()[0]:.1f}"
                    print(f"fleet: {size} hosts, {playbook}: {told}, {load}", file=sys.stderr, flush=True)
            for playbook in PLAYBOOKS:
                rows += [_slope_row(playbook, runs, key, unit, goal) for key, unit, goal in MEASURES]
            rows.append(_per_host(folder, empty))
    return rows


def _slope_row(playbook: str, runs: t.Mapping[str, list[Run]], key: str, unit: str, goal: float | None) -> Json:
    """How much a thousand hosts more cost, beside the same of an empty play; of one size, how much that many cost."""
    ours, other = ([getattr(one, key) for one in runs[name]] for name in (playbook, "floor"))
    name = f"fleet_{playbook}_{key}"
    if len(SIZES) == 1:
        return row(name, f"{unit}, {SIZES[0]} hosts", ours[0], other[0], "an empty play")
    return row(name, f"{unit} per 1,000 hosts", slope(SIZES, ours), slope(SIZES, other), "an empty play", goal)


def _per_host(folder: Path, empty: str) -> Json:
    """The same with real module runs, on this machine: drift of unchanged hosts and as many pings, in turns.

    What a host more costs: what every run costs once, such as packing the module, is not in it.
    """
    cpu: dict[str, dict[int, list[float]]] = {empty: {}, "encryption.in_transit.drift": {}}
    for size in REAL:
        real = str(folder / f"real{size}")
        inventory = fleet(size, folder, ansible_connection="local", in_transit_evidence_dir=real)
        ansible(folder, inventory, "encryption.in_transit.evidence")
        for _turn in range(3):
            for target, found in cpu.items():
                found.setdefault(size, []).append(ansible(folder, inventory, target).cpu)
    few, many = REAL
    other, ours = ((min(found[many]) - min(found[few])) / (many - few) for found in cpu.values())
    unit = f"seconds of processors per host, from {few} to {many} hosts, real modules"
    return row("fleet_per_host", unit, ours, other, "an empty play", GOAL)


if __name__ == "__main__":
    json.dump(run(), sys.stdout, indent=1)
