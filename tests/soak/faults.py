"""What happens to a fleet while it is worked on.

Each fault is a context manager around one run: it is in force, or strikes, within, and is lifted at the end. It takes
the strike, which knows the host, the stack and the dice, and lets things happen later in the run.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import typing as t

from hosts import HUMAN, STACKS

import lab

if t.TYPE_CHECKING:
    from soak import Strike

Fault = t.Callable[["Strike"], t.ContextManager[None]]


@contextlib.contextmanager
def nothing(_strike: Strike) -> t.Iterator[None]:
    yield


@contextlib.contextmanager
def daemon_stopped(strike: Strike) -> t.Iterator[None]:
    units = " ".join(STACKS[strike.stack].units)
    strike.host.sure(f"systemctl stop {units}")
    yield
    strike.host.sure(f"systemctl start {units}")


@contextlib.contextmanager
def edited_by_a_human(strike: Strike) -> t.Iterator[None]:
    """In place, as a shell or some editors write, or as a new file in the place of the old one, as others do."""
    path = f"/{STACKS[strike.stack].edited}"
    line = HUMAN.decode().strip()
    ways = [f"echo '{line}' >> {path}", f"cp -p {path} {path}~; echo '{line}' >> {path}~; mv {path}~ {path}"]
    script = strike.dice.choice(ways)
    strike.later(lambda _run: strike.host.sure(script))
    strike.edits = 1
    yield


@contextlib.contextmanager
def module_killed(strike: Strike) -> t.Iterator[None]:
    """SIGKILL for all that works on the host, up to some seconds after it began."""
    pause = strike.dice.choice([0.2, 1, 3, 6]) * strike.dice.random()
    script = (
        f"n=0; until pgrep -x python3 >/dev/null || [ $n = 900 ]; do n=$((n + 1)); sleep 0.05; done; "
        f"sleep {pause:.2f}; pkill -KILL -x python3; true"
    )
    strike.later(lambda _run: strike.host.sure(script), at=0)
    yield


@contextlib.contextmanager
def controller_killed(strike: Strike) -> t.Iterator[None]:
    def kill(run: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)

    strike.later(kill)
    yield
    # What the run has begun on the hosts ends by itself.
    for host in strike.soak.hosts:
        host.sure("n=0; while pgrep -x python3 >/dev/null && [ $n != 1200 ]; do n=$((n + 1)); sleep 0.1; done")


@contextlib.contextmanager
def host_restarted(strike: Strike) -> t.Iterator[None]:
    """As by a loss of power: nothing on it has time to end well."""
    strike.later(lambda _run: lab.podman("restart", "--time", "0", strike.host.lab.container))
    yield
    strike.wait_for_host()


@contextlib.contextmanager
def host_unreachable(strike: Strike) -> t.Iterator[None]:
    """It stands still, and nothing answers; from the beginning or from the middle of the run."""
    strike.later(lambda _run: lab.podman("pause", strike.host.lab.container), at=strike.dice.choice([0, None]))
    yield
    lab.podman("unpause", strike.host.lab.container)
    strike.wait_for_host()
    strike.host.sure("n=0; while pgrep -x python3 >/dev/null && [ $n != 1200 ]; do n=$((n + 1)); sleep 0.1; done")


@contextlib.contextmanager
def disk_full(strike: Strike) -> t.Iterator[None]:
    """Not a byte is left where the state, temporary files or the configuration are."""
    places = ["/var/lib/encryption.in_transit", "/tmp"]
    places += [f"/{path}" for path in STACKS[strike.stack].trees[:1] if path.count("/") == 1 and "." not in path]
    place = strike.dice.choice(places)
    strike.place = place
    strike.host.sure(
        f"mkdir -p -m 700 {place} && cp -a {place} /run/full && mount -t tmpfs -o size=16m tmpfs {place} && "
        f"cp -a /run/full/. {place}/ && chmod --reference=/run/full {place} && rm -rf /run/full && "
        f"{{ dd if=/dev/zero of={place}/.full bs=4k 2>/dev/null; true; }}"
    )
    yield
    strike.host.sure(f"umount {place} 2>/dev/null || umount -l {place}")


@contextlib.contextmanager
def second_run(strike: Strike) -> t.Iterator[None]:
    """The same playbook at the same time, begun at any moment of the first."""
    strike.later(lambda _run: strike.another())
    yield


@contextlib.contextmanager
def certificate_swapped(strike: Strike) -> t.Iterator[None]:
    """For rubbish, or for one of somebody else with its key. Then the right one is put back and loaded."""
    folder, kept = "/etc/ssl/hospital", "/root/hospital"
    rubbish = f"echo rubbish > {folder}/server.crt"
    other = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 5 -subj /CN=somebody.else "
        f"-keyout {folder}/server.key -out {folder}/server.crt 2>/dev/null && "
        f"cat {folder}/server.crt {folder}/server.key > {folder}/pair && "
        f"{{ [ ! -e {folder}/server.crt.key ] || [ -L {folder}/server.crt.key ] || "
        f"cp {folder}/server.key {folder}/server.crt.key; }}"
    )
    strike.host.sure(f"rm -rf {kept} && cp -a {folder} {kept}")
    script = strike.dice.choice([rubbish, other])
    strike.later(lambda _run: strike.host.sure(script))
    yield
    strike.host.sure(f"rm -rf {folder} && mv {kept} {folder}")
    strike.host.start()
    units = " ".join(unit for stack in strike.host.stacks for unit in STACKS[stack].units)
    strike.host.sure(f"systemctl restart {units}")


FAULTS: dict[str, Fault] = {
    "nothing": nothing,
    "daemon stopped": daemon_stopped,
    "edited by a human": edited_by_a_human,
    "module killed": module_killed,
    "controller killed": controller_killed,
    "host restarted": host_restarted,
    "host unreachable": host_unreachable,
    "disk full": disk_full,
    "second run": second_run,
    "certificate swapped": certificate_swapped,
}
