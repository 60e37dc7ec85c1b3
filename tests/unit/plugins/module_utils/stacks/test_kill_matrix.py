# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run over a real daemon is killed at one system call after the other, and the next run ends what it began.

strace(1) kills the process on its way into the call, so each point is "everything up to here has happened, and no
more". A pipeline tries a few points of each stack, ``make faults`` all of them, and prints how many there were.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
from ansible_collections.encryption.in_transit.tests.unit.daemons import need
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.local_daemons import (
    HOST,
    KINDS,
    NEW,
    OLD,
    VsftpdDaemon,
    free_port,
    harden,
)
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.trees import tree

pytestmark = pytest.mark.servers

#: What writes, names, gives away, makes durable, locks, signals, starts a program (a test, a reload) or connects.
CALLS = (
    *("write", "pwrite64", "ftruncate", "rename", "unlink", "unlinkat", "link", "linkat", "mkdir", "rmdir"),
    *("chmod", "fchmod", "fchown", "setxattr", "fsetxattr", "utimensat", "fsync", "flock"),
    *("kill", "clone", "clone3", "fork", "vfork", "connect"),
)

#: Points of each stack and way to die that are tried; without limit by ``make faults``.
SOME = 0 if os.environ.get("FAULTS") == "all" else 3


class Victim:
    """A daemon whose configuration the run edits in as many files as it can have: one behind a symbolic link, with an
    owner, a mode and an age of its own."""

    def __init__(self, name, folder, keys):
        self.daemon = KINDS[name](folder / "one" if name != "postfix" else folder, keys)
        self.folder, self.tmp, self.keys = folder, folder / "tmp", keys
        self.ports = [self.daemon.port, free_port()]
        getattr(self, name)(self.daemon.etc)
        self.old = tree(self.daemon.etc)
        self.daemon.start()

    def nginx(self, etc):
        text = self.daemon.config.read_text().replace("} }\n", f"}}\ninclude {etc}/enabled.conf; }}\n")
        self.daemon.config.write_text(text)
        site = f"server {{ listen 127.0.0.1:{self.ports[1]} ssl; ssl_protocols TLSv1 TLSv1.2; }}\n"
        self.link(etc / "enabled.conf", site)

    def apache(self, etc):
        self.daemon.config.write_text(self.daemon.config.read_text() + f"Include {etc}/enabled.conf\n")
        place, pem = f"127.0.0.1:{self.ports[1]}", self.keys / "good.pem"
        site = f"SSLEngine on\nSSLCertificateFile {pem}\nSSLCertificateKeyFile {pem}\nSSLProtocol all\n"
        self.link(etc / "enabled.conf", f"Listen {place}\n<VirtualHost {place}>\n{site}</VirtualHost>\n")

    def postfix(self, etc):
        master = etc / "master.cf"
        wrapper = "-o smtpd_tls_wrappermode=yes\n"
        text = master.read_text().replace(wrapper, f"{wrapper}  -o smtpd_tls_mandatory_protocols=>=TLSv1\n")
        master.write_text(text)
        self.age(etc / "main.cf", etc / "master.cf")

        self.ports = self.daemon.daemon.ports

    def vsftpd(self, etc):
        self.ports = [self.daemon.port]
        self.age(self.daemon.config)

    def link(self, path, text):
        real = path.with_name("site.conf.real")
        real.write_text(text)
        path.symlink_to(real.name)
        os.chown(real, 1234, 2345)
        real.chmod(0o640)
        self.age(real, self.daemon.config)

    @staticmethod
    def age(*paths):
        for path in paths:
            os.utime(path, ns=(10**18, 10**18 + 7))

    def rewind(self):
        """The old files, and a daemon that has loaded them."""
        for path, (data, meta, *_xattrs) in self.old.items():
            if data not in ("folder", "link"):
                with open(path, "wb") as file:
                    file.write(data)
                os.utime(path, ns=(meta[3], meta[3]))
        shutil.rmtree(self.daemon.etc.parent / "state", ignore_errors=True)
        for path in self.tmp.iterdir():
            shutil.rmtree(path)
        self.reboot()

    def family(self):
        """The daemon's processes: those that name its files, and what they have started."""
        known = {one.pid: one for one in HOST.processes()}
        found = {pid for pid, one in known.items() if str(self.folder) in " ".join(one.argv)} - {os.getpid()}
        with contextlib.suppress(OSError, ValueError):
            found.add(int((self.folder / "queue/pid/master.pid").read_text()))
        while more := {pid for pid, one in known.items() if one.ppid in found} - found:
            found |= more
        return found & set(known)

    def reboot(self, run=0):
        """As by a power switch: the daemon's processes and the run's end, and it starts from the files as they lie."""
        while self.family() or of_session(run):
            # Stopped first: what is listed cannot have other children by the time it is killed.
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in self.family() | {one.pid for one in of_session(run)}:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
        # A process that ends loses its command line first and its sockets last.
        for port in self.ports:
            silent(port)
        with contextlib.suppress(FileNotFoundError):
            (self.daemon.etc.parent / "run/pid").unlink()
        self.daemon.start()

    def harden(self):
        return harden(self.daemon)

    def recover(self):
        return harden(self.daemon, act=desk.recover)


def silent(port):
    """Wait until nobody listens there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.01)
    raise AssertionError(f"something still listens on {port}")


def traced(act, *options):
    """Run in a child under strace: its id, whether it was killed, and what strace tells, a line for each call."""
    hold, go = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.setsid()
            os.close(go)
            os.read(hold, 1)
            act()
        os._exit(0)
    os.close(hold)
    with tempfile.NamedTemporaryFile("r", errors="replace") as told:
        command = ["strace", "-o", told.name, "-p", str(child), *options]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
            assert "attached" in strace.stderr.readline()
            os.close(go)
            _pid, status = os.waitpid(child, 0)
            strace.stderr.read()
        return child, os.waitstatus_to_exitcode(status) == -signal.SIGKILL, told.read().splitlines()


def points(act):
    """The calls of a run that change something, each as its name and how often it was made up to there."""
    seen, found = {}, []
    for line in traced(act, "-e", f"trace={','.join(CALLS)}")[2]:
        match = re.match(r"(\w+)\(.*= (-1 ENOENT)?", line)
        if match:
            name = match[1]
            seen[name] = seen.get(name, 0) + 1
            if not match[2]:
                found.append((name, seen[name]))
    return found


def killed(act, point):
    """The id of the run that was killed there, or None when it did not come that far."""
    name, number = point
    child, dead, _told = traced(act, "-e", f"trace={name}", "-e", f"inject={name}:signal=SIGKILL:when={number}")
    return child if dead else None


def some(found):
    """All points, or a few that lie evenly from the journal's beginning to the end."""
    if not SOME:
        return found
    begun = next(at for at, (name, _number) in enumerate(found) if name in ("link", "linkat"))
    inner = [point for point in found[begun:] if point[0] not in ("connect", "clone", "vfork")]
    return [inner[(2 * at + 1) * len(inner) // (2 * SOME)] for at in range(SOME)]


def ended(victim, new):
    """``old`` or ``new``: what all files are, exactly, and what the daemon serves. Nothing else is left."""
    found = tree(victim.daemon.etc)
    end = "old" if all(found.get(path, [None])[0] == entry[0] for path, entry in victim.old.items()) else "new"
    # A change keeps everything but the bytes, and with them the age.
    parts = slice(None) if end == "old" else slice(3)
    wanted = victim.old if end == "old" else new
    assert {path: (entry[0], entry[1][parts]) for path, entry in found.items() if len(entry) == 3} == {
        path: (entry[0], entry[1][parts]) for path, entry in wanted.items() if len(entry) == 3
    }
    assert {path: entry for path, entry in found.items() if len(entry) == 2} == {
        path: entry for path, entry in wanted.items() if len(entry) == 2
    }
    assert (victim.daemon.speaks(OLD), victim.daemon.speaks(NEW)) == (end == "old", True)
    state = victim.daemon.etc.parent / "state"
    # What lies under the journal's name would be an unfinished run; in the history it has the name of its run.
    left = [path for path in state.rglob("*") if path.name in ("journal", "journal.draft") and path.is_dir()]
    left += victim.tmp.iterdir()
    assert not left, left
    return end


def of_session(run):
    """Processes of a run: its session, and the trial starts, which have their own."""
    found = []
    for process in HOST.processes() if run else ():
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(process.pid) == run or any(tempfile.gettempdir() in word for word in process.argv):
                found.append(process)
    return found


def orphans(run):
    """Processes the killed run left behind, after the time they have to end by themselves."""
    deadline = time.monotonic() + 60
    while (found := of_session(run)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def attacked(victim, new, act, point, reboot):
    """Kill, perhaps reboot, recover; how it ended, None when the run was over before that point."""
    run = killed(act, point)
    if run is None:
        return None
    if reboot:
        victim.reboot(run)
    if not victim.daemon.speaks(NEW):
        # Killed between the end of vsftpd and its start. No unit knows this one, so nobody but its owner can start it.
        assert isinstance(victim.daemon, VsftpdDaemon), "the service is down"
        assert not orphans(run)
        victim.daemon.start()
    result = victim.recover()
    assert not result["failed"], result["msg"]
    assert not orphans(run)
    return ended(victim, new)


@pytest.fixture
def victim(request, keys, folder, monkeypatch):
    need("strace")
    (folder / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    made = Victim(request.param, folder, keys)
    yield made
    made.daemon.stop()


@pytest.mark.parametrize("victim", KINDS, indirect=True)
def test_killed_at_any_system_call(victim, capsys):
    found = points(victim.harden)
    new = tree(victim.daemon.etc)
    assert ended(victim, new) == "new" and len(found) > 50
    victim.rewind()
    ends, broken = [], []
    for at, point in enumerate(some(found)):
        for reboot in (False, True) if not SOME else (bool(at % 2),):
            try:
                ends.append(attacked(victim, new, victim.harden, point, reboot))
            except AssertionError as exc:
                ends.append("broken")
                broken.append(f"killed at {point}{' and rebooted' if reboot else ''}: {exc}")
            if ends[-1] != "old":
                victim.rewind()
    told = {end: ends.count(end) for end in ("old", "new", None, "broken")}
    with capsys.disabled():
        print(f"\n{victim.daemon.stack().name}: {len(found)} points, {len(ends)} tried: {told}", *broken, sep="\n")
    assert not broken
    assert told["old"] and told[None] <= len(ends) / 10
