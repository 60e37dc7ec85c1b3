# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A managed host at the other end of a real SSH connection, which is cut at a moment of our choice.

The host is this machine, by way of an sshd(8) of ours. Between it and Ansible stands a proxy, so that bytes can be
counted, and a connection can be reset or forgotten without a word.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from ansible_collections.encryption.in_transit.tests.servers.ports import free_port
from ansible_collections.encryption.in_transit.tests.unit.daemons import PATH, need
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.local_daemons import HOST

ROOT = Path(__file__).parents[5]

#: How a connection ends: its processes on the host are killed; both ends get a reset; nothing comes through any more.
WAYS = ("killed", "reset", "silent")

#: Both the modules and the playbook stop here at an event, say so, and wait to be let go.
GATE = """\
import os, time

PLACE = os.path.dirname(os.path.abspath(__file__))
seen = {}

def passing(name, event):
    seen[event] = seen.get(event, 0) + 1
    point = f"{event} {seen[event]}"
    with open(f"{PLACE}/{name}.events", "a") as file:
        file.write(f"{os.getpid()} {point}\\n")
    try:
        with open(f"{PLACE}/{name}.stop") as file:
            wanted = file.read()
    except FileNotFoundError:
        return
    if wanted == point:
        with open(f"{PLACE}/{name}.stop", "w") as file:
            file.write(str(os.getpid()))
        os.rename(f"{PLACE}/{name}.stop", f"{PLACE}/{name}.stopped")
        while os.path.exists(f"{PLACE}/{name}.stopped"):
            time.sleep(0.01)
"""

#: Every Python that a session starts imports this. What changes the machine is an event (PEP 578). What a module
#: forks off is another process, and goes on.
SITE = """\
import os, sys
import gate

KINDS = {"open", "socket.connect", "subprocess.Popen"} | {"os." + name for name in (
    "rename link symlink remove mkdir rmdir chmod chown utime setxattr truncate kill fork posix_spawn".split())}
owner, busy = os.getpid(), False

def heed(event, arguments):
    global busy
    if event not in KINDS or busy or os.getpid() != owner:
        return
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
        return
    busy = True
    try:
        gate.passing("module", event)
    finally:
        busy = False

sys.addaudithook(heed)
"""

#: The beginning of each task.
CALLBACK = """\
import sys
from ansible.plugins.callback import CallbackBase
sys.path.insert(0, {place!r})
import gate

class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "aggregate", "tasks"

    def v2_playbook_on_task_start(self, task, is_conditional):
        gate.passing("task", task.get_name(include_role_fqcn=False).replace(" ", "_"))
"""


class Proxy(threading.Thread):
    """Forwards connections of its ``port`` to another. ``up`` counts bytes to the host, ``down`` bytes from it."""

    def __init__(self, target):
        super().__init__(daemon=True)
        self.target, self.pairs = target, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.open()
        self.start()

    def open(self):
        """Let connections through; those of before are gone."""
        self.reset()
        self.silent, self.away = False, False
        self.count, self.limits = {"up": 0, "down": 0}, {}

    def cut(self, way):
        """From now on nobody comes through."""
        self.away = True
        if way == "silent":
            self.silent = True
        else:
            self.reset()

    def reset(self):
        while self.pairs:
            for end in self.pairs.pop():
                with contextlib.suppress(OSError):
                    # Closed without lingering, which TCP says with RST (socket(7)).
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.shutdown(socket.SHUT_RD)  # wakes the thread that reads from it
                    end.close()

    def run(self):
        while True:
            try:
                near, _peer = self.socket.accept()
            except OSError:
                return
            if self.away:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            self.pairs.append((near, far))
            for name, source, sink in (("up", near, far), ("down", far, near)):
                threading.Thread(target=self._pump, args=(name, source, sink), daemon=True).start()

    def _pump(self, name, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.silent:
                    continue
                room, way = self.limits.get(name, (None, None))
                if room is not None and self.count[name] + len(data) >= room:
                    sink.sendall(data[: room - self.count[name]])
                    self.cut(way)
                    continue
                self.count[name] += len(data)
                sink.sendall(data)
            if not self.silent:
                sink.shutdown(socket.SHUT_WR)

    def close(self):
        # Woken before its socket is closed, lest it accepts what comes to the next one of that number.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.join()
        self.socket.close()
        self.reset()


class ManagedHost:
    """This machine behind an sshd of ours, with folders of its own for all that Ansible and its modules write there."""

    def __init__(self, folder, tmp):
        sshd, keygen = need("sshd", "ssh-keygen", "ssh", root=True)[:2]
        self.folder, self.tmp = folder, tmp
        self.home, self.remote, self.changes = folder / "home", folder / "remote", folder / "evidence" / "changes"
        for place in (folder, self.home, folder / "site", folder / "callbacks"):
            place.mkdir()
        (folder / "site/gate.py").write_text(GATE)
        (folder / "site/sitecustomize.py").write_text(SITE)
        (folder / "callbacks/tasks.py").write_text(CALLBACK.format(place=str(folder / "site")))
        for name in ("host", "user"):
            command = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", folder / name]
            subprocess.run(command, check=True)
        self.port = free_port()
        # With UsePAM a session would be registered with this machine's login manager.
        (folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {folder}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
            f"AuthorizedKeysFile {folder}/user.pub\nPermitRootLogin yes\nPasswordAuthentication no\n"
            f"Subsystem sftp internal-sftp\nSetEnv PATH={PATH} TMPDIR={tmp} "
            f"PYTHONPATH={folder}/site PYTHONDONTWRITEBYTECODE=1\n"
        )
        os.makedirs("/run/sshd", exist_ok=True)
        with open(folder / "sshd.log", "w") as log:
            self.sshd = subprocess.Popen([sshd, "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
        self.proxy = Proxy(self.port)
        until(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0)

    def close(self):
        self.part()
        self.proxy.close()
        self.sshd.kill()
        self.sshd.wait()

    def part(self):
        """Ansible keeps its connections: end them, and whatever is left on the other side."""
        for process in HOST.processes():
            if any(str(self.folder / "control") in word for word in process.argv):
                _kill(process.pid)
        for pid in self.sessions():
            _kill(pid)

    def sessions(self):
        """The processes of sshd that serve a connection."""
        known = HOST.processes()
        found = {self.sshd.pid}
        while more := {one.pid for one in known if one.ppid in found and "sshd" in one.argv[0]} - found:
            found |= more
        return found - {self.sshd.pid}

    def cut(self, way):
        """What works on the host goes on, and Ansible does not come back."""
        self.proxy.away = True
        if way == "killed":
            for pid in self.sessions():
                _kill(pid)
        else:
            self.proxy.cut(way)

    def mend(self):
        self.part()
        self.proxy.open()

    # --- the gate -------------------------------------------------------------------------------------------------

    def stop_at(self, name, point):
        """``point`` is an event and how often it came up to there."""
        self._gate(name, "stop").write_text(" ".join(map(str, point)))

    def stopped(self, name):
        """The process that stands at the gate, or 0."""
        path = self._gate(name, "stopped")
        return int(path.read_text()) if path.exists() else 0

    def go_on(self, name):
        for kind in ("stop", "stopped"):
            self._gate(name, kind).unlink(missing_ok=True)

    def events(self, name):
        """What passed the gate since this was asked last: the points of each process, by its id."""
        path = self._gate(name, "events")
        found = {}
        for line in path.read_text().splitlines() if path.exists() else ():
            pid, event, number = line.split()
            found.setdefault(int(pid), []).append((event, int(number)))
        path.unlink(missing_ok=True)
        return found

    def _gate(self, name, kind):
        return self.folder / "site" / f"{name}.{kind}"

    # --- Ansible --------------------------------------------------------------------------------------------------

    def play(self, variables, pipelining, retries=0, interval=15):
        """A run of the playbook ``harden`` under way. It takes a host for lost that is silent for three intervals, in
        seconds."""
        facts = {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.proxy.port,
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.folder / "user"),
            "ansible_python_interpreter": sys.executable,
            "in_transit_become": False,
            "in_transit_changes_dir": str(self.changes),
            **variables,
        }
        (self.folder / "inventory.json").write_text(json.dumps({"all": {"hosts": {"far.example": facts}}}))
        (self.folder / "ansible.cfg").write_text("")
        ssh = (
            "-F /dev/null -o ControlMaster=auto -o ControlPersist=600s -o PreferredAuthentications=publickey "
            f"-o StrictHostKeyChecking=no -o UserKnownHostsFile={self.folder}/known_hosts "
            f"-o ServerAliveInterval={interval} -o ServerAliveCountMax=3 -o LogLevel=ERROR"
        )
        words = {
            "CONFIG": self.folder / "ansible.cfg",
            "COLLECTIONS_PATH": ROOT / ".ansible" / "collections",
            "CALLBACK_PLUGINS": self.folder / "callbacks",
            "CALLBACKS_ENABLED": "tasks",
            "PIPELINING": int(pipelining),
            "SSH_ARGS": ssh,
            "SSH_RETRIES": retries,
            "SSH_CONTROL_PATH_DIR": self.folder / "control",
            "REMOTE_TMP": self.remote,
            "LOCAL_TEMP": self.folder / "local",
            "NOCOLOR": 1,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "ansible", "playbook", "-i", "inventory.json", "encryption.in_transit.harden"],
            cwd=self.folder,
            env={**os.environ, **{f"ANSIBLE_{key}": str(value) for key, value in words.items()}}
            | {"HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def forget(self):
        """As if no run had been here."""
        for place in (self.remote, self.changes):
            shutil.rmtree(place, ignore_errors=True)


def parent(pid):
    """Of a process, the one it has at this moment; None when it is gone."""
    return next((one.ppid for one in HOST.processes() if one.pid == pid), None)


def gone(pid):
    """Wait for a process that is not our child to end."""
    until(lambda: not os.path.exists(f"/proc/{pid}/exe"))


def until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def _kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
