# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run over a real daemon is killed at one system call after the other, and the next run ends what it began; and each
of these calls fails, and the run itself ends as it says.

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
import traceback

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
from ansible_collections.encryption.in_transit.tests.unit.daemons import need
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.disks import Disk
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.local_daemons import (
    EVERY,
    HOST,
    NEW,
    OLD,
    free_port,
    harden,
    made,
)
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.trees import tree

pytestmark = pytest.mark.servers

#: What writes, names, gives away, makes durable, locks, signals, starts a program (a test, a reload) or connects.
CALLS = (
    *("write", "pwrite64", "ftruncate", "rename", "unlink", "unlinkat", "link", "linkat", "mkdir", "rmdir"),
    *("chmod", "fchmod", "fchown", "setxattr", "fsetxattr", "utimensat", "fsync", "flock"),
    *("kill", "clone", "clone3", "fork", "vfork", "connect"),
)

#: What a disk, a mount, an attribute or a security module that says no sounds like.
ERRORS = ("EIO", "ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS")

#: Whether every point is tried, as by ``make faults``, and into how many tests they are dealt out then.
ALL = os.environ.get("FAULTS") == "all"
SHARDS = 10 if ALL else 1

#: Points of each stack that are tried otherwise.
SOME = 3


class Victim:
    """A daemon on a disk of its own, whose configuration the run edits in as many files as it can have: one behind a
    symbolic link, with an owner, a mode and an age of its own."""

    def __init__(self, name, folder, keys):
        self.disk = Disk(folder)
        self.name, self.folder, self.tmp, self.keys = name, self.disk.place, self.disk.place / "tmp", keys
        self.tmp.mkdir()
        self.daemon = made(name, self.folder, keys)
        self.ports = [self.daemon.port, free_port()]
        getattr(self, name)(self.daemon.etc)
        self.old = tree(self.daemon.etc)
        self.disk.sync()
        self.daemon.start()

    def gone(self):
        self.daemon.stop()
        self.end()
        self.disk.eject()

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

    def haproxy(self, etc):
        pem, listed = self.keys / "good.pem", etc / "enabled.list"
        bind = f"    bind 127.0.0.1:{self.ports[1]} ssl crt-list {listed}\n"
        self.daemon.config.write_text(self.daemon.config.read_text() + bind)
        self.link(listed, f"{pem} [ssl-min-ver TLSv1.0 ciphers ALL:@SECLEVEL=0]\n")

    def crypto_policy(self, etc):
        text = self.daemon.config.read_text().replace("CipherString", f".include {etc}/enabled.conf\n#")
        self.daemon.config.write_text(text)
        self.ports = []
        self.link(etc / "enabled.conf", "CipherString = ALL:@SECLEVEL=0\n")

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
            if path.is_dir():
                shutil.rmtree(path)
            else:
                # An empty file: Python tries by one whether it may write there, and may be killed while it does.
                assert not path.stat().st_size, path
                path.unlink()
        self.disk.sync()
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

    def signal(self, number, run):
        found = self.family() | {one.pid for one in of_session(run)}
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return found

    def end(self, run=0):
        """End the daemon's processes and the run's; at the end nobody listens any more."""
        # Stopped first: what is listed cannot have other children by the time it is killed.
        while self.signal(signal.SIGSTOP, run):
            self.signal(signal.SIGKILL, run)
        # A process that ends loses its command line first and its sockets last.
        for port in self.ports:
            silent(port)

    def reboot(self, run=0):
        """As by a power switch: what was not durable is lost, no process is left, and the daemon starts from the files
        as they lie."""
        self.signal(signal.SIGSTOP, run)
        self.disk.freeze()
        self.end(run)
        self.disk.thaw()
        # A file system of the memory, on every distribution.
        with contextlib.suppress(FileNotFoundError):
            (self.daemon.etc.parent / "run/pid").unlink()
        self.daemon.start()

    def answers(self):
        """Wait until the service is up, as long as somebody is at work on it."""
        deadline = time.monotonic() + 30
        while not self.daemon.speaks(NEW):
            assert time.monotonic() < deadline, "the service is down"
            time.sleep(0.1)

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


#: How a traced run ended, if it was not killed.
DONE, FAILED, RAISED = 0, 1, 2


def traced(act, *options):
    """Run in a child under strace: its id, its status, and what strace tells, a line for each call."""
    hold, go = os.pipe()
    child = os.fork()
    if child == 0:
        status = RAISED
        try:
            os.setsid()
            os.close(go)
            os.read(hold, 1)
            status = FAILED if act()["failed"] else DONE
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(hold)
    command = ["strace", "-p", str(child), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as strace:
        assert "attached" in strace.stderr.readline()
        os.close(go)
        told = strace.stderr.read().splitlines()
        _pid, status = os.waitpid(child, 0)
    return child, os.waitstatus_to_exitcode(status), told


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


def injected(act, point, what):
    """Run with something done to that call: the id of the run, its status, and whether it came that far."""
    name, number = point
    child, status, told = traced(act, "-e", f"trace={name}", "-e", f"inject={name}:{what}:when={number}")
    return child, status, status == -signal.SIGKILL or any(line.endswith("(INJECTED)") for line in told)


def some(found, shard):
    """The points of one test: all together, or a few that lie evenly from the journal's beginning to the end."""
    if ALL:
        return found[shard::SHARDS]
    begun = next(at for at, (name, _number) in enumerate(found) if name in ("link", "linkat"))
    inner = [point for point in found[begun:] if point[0] not in ("connect", "clone", "vfork")]
    return [inner[(2 * at + 1) * len(inner) // (2 * SOME)] for at in range(SOME)]


def ended(victim, new, swept=True):
    """``old`` or ``new``: what all files are, exactly, and what the daemon serves. Nothing else is left, but for what
    lies in the folder for temporary files until the next run has ``swept`` it."""
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
    left += victim.tmp.iterdir() if swept else ()
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


def mended(victim, new, run):
    """The service answers before anything is mended; then recover, and tell how it ended."""
    victim.answers()
    assert not orphans(run)
    result = victim.recover()
    assert not result["failed"], result["msg"]
    return ended(victim, new)


def killed(victim, new, point, reboot):
    run, status, there = injected(victim.harden, point, "signal=SIGKILL")
    assert there == (status != DONE)
    if not there:
        return OVER
    if reboot:
        victim.reboot(run)
    return mended(victim, new, run)


def refused(victim, new, point, error):
    run, status, there = injected(victim.harden, point, f"error={error}")
    assert status != RAISED, "it ended on its own mistake"
    assert there or status == DONE
    end = mended(victim, new, run)
    assert (end == "new") == (status == DONE), f"it said {status}, and it is {end}"
    return end if there else OVER


#: The run had ended before that point, for not every run waits equally often.
OVER = "over before"


@pytest.fixture
def victim(request, keys, folder, monkeypatch):
    need("strace", "mkfs.ext4")
    made = Victim(request.param, folder, keys)
    monkeypatch.setattr(tempfile, "tempdir", str(made.tmp))
    yield made
    made.gone()


@pytest.fixture
def attack(victim, count):
    """A function that tries one way after the other at each point, tells what became of them, and fails if any is
    broken."""
    found = points(victim.harden)
    new = tree(victim.daemon.etc)
    assert ended(victim, new) == "new" and len(found) > 50
    victim.rewind()

    def go(title, shard, act, ways):
        ends, broken = [], []
        for at, point in enumerate(some(found, shard)):
            for way in ways(at):
                try:
                    ends.append(act(victim, new, point, way))
                except AssertionError as exc:
                    ends.append("broken")
                    broken.append(f"{point}, {way}: {exc}")
                if ends[-1] != "old":
                    victim.rewind()
        told = {end: ends.count(end) for end in ("old", "new", OVER, "broken")}
        count(title, victim.name, points=len(found), tried=len(ends), **told)
        assert not broken, "\n".join(broken)
        assert told["old"] and told[OVER] <= max(1, len(ends) / 4)

    return go


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("victim", EVERY, indirect=True)
def test_killed_at_any_system_call(attack, shard):
    attack("Killed", shard, killed, lambda at: (False, True) if ALL else (bool(at % 2),))


@pytest.mark.skipif(not ALL, reason="make faults runs it; test_transaction.py has the engine's part")
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("victim", EVERY, indirect=True)
def test_any_system_call_fails(attack, shard):
    attack("Failing calls", shard, refused, lambda at: (ERRORS[(at + shard) % len(ERRORS)],))
