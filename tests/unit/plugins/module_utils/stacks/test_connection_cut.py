# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The SSH connection of a play is cut, and the next play finds nothing half done and keeps a record of what was done.

Without a terminal (``pipelining``) nobody tells a module that its connection is gone: it does its work, and its result
reaches nobody. With one it gets SIGHUP, unless nobody told sshd either. A pipeline tries a few moments, ``make faults``
all of them.
"""

from __future__ import annotations

import json
import re
import shutil

import pytest

from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.connections import (
    WAYS,
    ManagedHost,
    gone,
    parent,
    until,
)
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.test_canaries import (
    PLANTED,
    plant,
)
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.test_kill_matrix import (
    ALL,
    OVER,
    SHARDS,
    Victim,
    ended,
)
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.trees import tree

pytestmark = pytest.mark.servers

#: One with a graceful reload, and one that has to be restarted.
STACKS = ("nginx", "vsftpd")

#: Otherwise: the reload is asked for; a shadow test is over, and its folder is still there; the new file has its owner,
#: and not yet its name.
SOME = {
    "nginx": [(("os.kill", 1), "killed", True)],
    "vsftpd": [(("os.rmdir", 1), "killed", False), (("os.chown", 1), "reset", False)],
}

#: How many bytes come through: of what is sent to the host, half a megabyte with the module; and of the result.
SENT, ANSWERED = (3000, 100_000, 400_000), (1, 300, 3000)

#: Of what happens often and is much the same, one in so many: files opened, whose names and owners come next; and the
#: connections of a proof.
EVERY = {"open": 4, "socket.connect": 8}

#: Without a terminal the module does not know, so the moment says little: one in so many.
UNHEARD = 4


class Far:
    """A real daemon on a host that Ansible reaches by a real connection."""

    def __init__(self, name, folder, keys):
        self.victim = Victim(name, folder, keys)
        plant(name, self.victim.daemon.config)
        self.victim.old = tree(self.victim.daemon.etc)
        self.victim.rewind()
        self.host = ManagedHost(folder / "ssh", self.victim.tmp)
        self.state = self.victim.daemon.etc.parent / "state"
        self.secrets = [secret.encode() for secret in PLANTED[name][1]]
        self.secrets.append((keys / "good.pem.key").read_bytes().splitlines()[5])
        assert self.victim.harden()["changed"]
        self.new = tree(self.victim.daemon.etc)
        self.victim.rewind()

    def close(self):
        self.host.close()
        self.victim.gone()

    def rewind(self):
        self.victim.rewind()
        self.host.forget()

    def start(self, pipelining=True, retries=0, way=None):
        """A play, which is impatient where the connection is going to fall silent."""
        name = self.victim.name
        options = {
            "in_transit_stacks": [name],
            f"{name}_tls_config": [str(self.victim.daemon.config)],
            f"{name}_tls_state_dir": str(self.state),
        }
        return self.host.play(options, pipelining, retries, interval=3 if way == "silent" else 15)

    def transactions(self):
        """What the host's own history knows, by id."""
        found = [json.loads(path.read_text()) for path in self.state.glob("*/*/history/*/record.json")]
        return {one["id"]: one["outcome"] for one in found}

    def recorded(self):
        """What the controller has records of, by transaction."""
        found = [json.loads(path.read_text()) for path in self.host.changes.glob("*.json")]
        return {one["transaction"]: one["outcome"] for one in found if one["transaction"]}

    def points(self, pipelining):
        """Events of a module's run that nobody cuts, of which the next run has nothing to tell."""
        self.rewind()
        self.host.events("module")
        output, recap = over(self.start(pipelining))
        assert recap["changed"] and not recap["failed"], output
        # The module's, and not those of what confirms that its result has arrived.
        points, *_more = self.host.events("module").values()
        output, recap = over(self.start(pipelining))
        assert recap["changed"] == recap["failed"] == 0, output
        return [(event, at) for event, at in points if at % EVERY.get(event, 1) == 0]

    def settled(self):
        """After the cut: ``old`` or ``new``. Then connections come through again, and the next play ends new."""
        for pid in self.host.events("module"):
            gone(pid)
        if not self.state.exists():
            # Our code had not begun: Ansible's own way to unpack a module has no ear for a signal.
            for path in self.victim.tmp.glob("ansible_*_payload_*"):
                shutil.rmtree(path)
        self.victim.answers()
        end = ended(self.victim, self.new, swept=False)
        self.host.mend()
        output, recap = over(self.start())
        assert recap["unreachable"] == recap["failed"] == 0, output
        assert ended(self.victim, self.new) == "new"
        done = self.transactions()
        assert "changed" in done.values()
        assert self.recorded() == done, output
        for place in (self.host.remote, self.host.changes, self.victim.tmp, self.host.home):
            for path in place.rglob("*"):
                assert not path.is_file() or not [one for one in self.secrets if one in path.read_bytes()], path
        return end


def over(play):
    """Wait for a play to end: its output, and the numbers of its recap."""
    output, _none = play.communicate()
    recap = re.search(r"^far\.example\s*: (ok=.*)$", output, re.M)
    assert recap, output
    numbers = dict(word.split("=") for word in recap[1].split())
    return output, {name: int(number) for name, number in numbers.items()}


def stood(far, name, point, *options):
    """A play of which a ``module``, or the playbook (``task``), stands at that point; or which is over before."""
    far.host.stop_at(name, point)
    play = far.start(*options)
    until(lambda: far.host.stopped(name) or play.poll() is not None)
    return play


def lost(play):
    """Wait for a play that lost its host."""
    output, recap = over(play)
    assert recap["unreachable"] == 1 and play.returncode, output


@pytest.fixture
def far(request, keys, folder):
    made = Far(request.param, folder, keys)
    yield made
    made.close()


def cut(far, point, way, pipelining):
    """Cut while the module stands at that point, let it go on, and tell how it ended."""
    far.rewind()
    far.host.events("module")
    play = stood(far, "module", point, pipelining, 0, way)
    if not far.host.stopped("module"):
        far.host.go_on("module")
        output, recap = over(play)
        assert recap["changed"] and not recap["failed"], output
        return OVER
    module = far.host.stopped("module")
    shell = parent(module)
    far.host.cut(way)
    if not pipelining and way != "silent":
        # With the leader of its session, which the terminal's end has ended, the module gets SIGHUP (setsid(2)).
        until(lambda: parent(module) != shell)
    far.host.go_on("module")
    lost(play)
    end = far.settled()
    assert end == "new" or not pipelining
    return end


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("far", STACKS, indirect=True)
def test_cut_inside_the_module(far, shard, count):
    attempts = SOME[far.victim.name]
    if ALL:
        attempts = []
        for pipelining in (True, False):
            points = far.points(pipelining)[:: UNHEARD if pipelining else 1]
            attempts += [(point, WAYS[at % len(WAYS)], pipelining) for at, point in enumerate(points)]
        attempts = attempts[shard::SHARDS]
    ends, broken = [], []
    for attempt in attempts:
        try:
            ends.append(cut(far, *attempt))
        except AssertionError as exc:
            ends.append("broken")
            broken.append(f"{attempt}: {exc}")
            far.host.go_on("module")
            far.host.mend()
    told = {end: ends.count(end) for end in ("old", "new", OVER, "broken")}
    count("Connection cut inside the module", far.victim.name, tried=len(ends), **told)
    assert not broken, "\n".join(broken)
    assert told[OVER] <= len(ends) / 4


@pytest.mark.parametrize("far", STACKS[: len(STACKS) if ALL else 1], indirect=True)
def test_cut_at_the_beginning_of_a_task(far, count):
    name = far.victim.name
    module = (f"{name}_tls_:_Bring_{name}_to_the_baseline_and_prove_it", 1)
    tasks = [module]
    if ALL:
        over(far.start())
        (tasks,) = far.host.events("task").values()
    for at, task in enumerate(tasks):
        far.rewind()
        way = WAYS[at % len(WAYS)]
        play = stood(far, "task", task, True, 0, way)
        far.host.cut(way)
        far.host.go_on("task")
        if at <= tasks.index(module):
            lost(play)
            assert far.settled() == "old"
        else:
            # What comes now is the controller's: nothing is lost with the host.
            output, recap = over(play)
            assert recap["changed"] and not play.returncode, output
            assert far.recorded() == far.transactions()
            assert far.settled() == "new"
    count("Connection cut at the beginning of a task", name, tried=len(tasks))


@pytest.mark.skipif(not ALL, reason="make faults runs it; test_cut_inside_the_module has a sample")
@pytest.mark.parametrize("way", WAYS[1:])
@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("far", STACKS, indirect=True)
def test_cut_within_the_bytes_of_a_task(far, pipelining, way, count):
    """A part of the module has come to the host, or a part of its result to the controller."""
    proxy = far.host.proxy
    for number in SENT:
        far.rewind()
        proxy.limits["up"] = (number, way)
        lost(far.start(pipelining, 0, way))
        assert far.settled() == "old"
    for number in ANSWERED:
        far.rewind()
        play = stood(far, "module", ("os.chown", 1), pipelining, 0, way)
        proxy.limits["down"] = (proxy.count["down"] + number, way)
        far.host.go_on("module")
        lost(play)
        assert far.settled() == "new"
    count("Connection cut after so many bytes", far.victim.name, tried=len(SENT + ANSWERED))


@pytest.mark.skipif(not ALL, reason="make faults runs it; test_stack.py has the engine's part")
@pytest.mark.parametrize("far", STACKS[:1], indirect=True)
def test_a_play_that_tries_again_tells_what_its_first_try_changed(far):
    """With ``retries`` of the connection, what is run again finds everything done."""
    play = stood(far, "module", ("os.kill", 1), True, 3)
    far.host.proxy.reset()
    far.host.go_on("module")
    output, recap = over(play)
    assert recap["changed"] == 2 and not recap["unreachable"] and not recap["failed"], output
    assert far.recorded() == far.transactions()
