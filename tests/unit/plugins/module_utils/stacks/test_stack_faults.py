# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What goes wrong on real hosts, with each of the real daemons: clear words, nothing half-written, service up.

Needs root and Debian's nginx, apache2, postfix, vsftpd and haproxy. Every daemon is one of ours, on loopback ports,
with its files in a folder of the test.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.run import stack as desk
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import transaction
from ansible_collections.encryption.in_transit.tests.unit.daemons import need
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks import landlock
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.disks import Disk
from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.local_daemons import (
    HOST,
    KINDS,
    NEW,
    OLD,
    VsftpdDaemon,
    harden,
    made,
    strict,
    untouched,
)

pytestmark = pytest.mark.servers


def test_a_weak_daemon_is_hardened(daemon):
    """What all that follows is compared with."""
    daemon.start()
    assert daemon.speaks(OLD) and daemon.speaks(NEW)
    result = harden(daemon)
    assert result["changed"] and not result["failed"], result["msg"]
    assert strict(daemon)
    assert not harden(daemon)["changed"]


def test_broken_before_we_came(daemon):
    daemon.start()
    daemon.config.write_text(daemon.config.read_text() + daemon.nonsense)
    before = daemon.config.read_bytes()
    result = harden(daemon)
    assert result["failed"] and not result["changed"]
    assert "broken before this run" in result["msg"] and "nothing was changed" in result["msg"]
    untouched(daemon, before, broken=True)


def test_stopped(daemon):
    daemon.start()
    stack = daemon.stack()
    (found,) = [one for one in stack.discover(HOST) if str(daemon.config).startswith(one.config)]
    daemon.stop()
    # One that does not run is found by its unit or its default place; these have none.
    result = harden(daemon, instances=[found._replace(running=False, facts={**found.facts, "pid": None})])
    assert result["changed"] and not result["failed"], result["msg"]
    assert "does not run, so nothing is proved" in result["msg"]
    assert socket.socket().connect_ex(("127.0.0.1", daemon.port)) != 0, "and is not started"
    daemon.start()
    assert strict(daemon)


def test_read_only_mount(daemon):
    daemon.start()
    before = daemon.config.read_bytes()
    subprocess.run(["mount", "--bind", daemon.etc, daemon.etc], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", daemon.etc], check=True)
        result = harden(daemon)
        assert result["failed"] and not result["changed"]
        assert str(daemon.config) in result["msg"] and "mounted read-only" in result["msg"]
        untouched(daemon, before)
    finally:
        subprocess.run(["umount", daemon.etc], check=True)


def test_symbolic_link(daemon):
    real = daemon.etc.parent / "real.conf"
    shutil.copy(daemon.config, real)
    daemon.config.unlink()
    daemon.config.symlink_to(real)
    daemon.start()
    result = harden(daemon)
    assert result["changed"] and not result["failed"], result["msg"]
    assert daemon.config.is_symlink() and strict(daemon)


def test_hard_link(daemon):
    daemon.start()
    os.link(daemon.config, daemon.etc.parent / "twin")
    before = daemon.config.read_bytes()
    result = harden(daemon)
    assert result["failed"] and not result["changed"]
    assert f"{daemon.config} has 2 hard links" in result["msg"]
    untouched(daemon, before)


def test_immutable(daemon):
    daemon.start()
    before = daemon.config.read_bytes()
    if subprocess.run(["chattr", "+i", daemon.config], capture_output=True, check=False).returncode:
        pytest.skip("this file system knows no immutable files")
    try:
        result = harden(daemon)
        assert result["failed"] and not result["changed"]
        assert str(daemon.config) in result["msg"] and "chattr -i" in result["msg"]
        untouched(daemon, before)
    finally:
        subprocess.run(["chattr", "-i", daemon.config], check=True)


def test_somebody_elses_and_private(daemon):
    daemon.start()
    before = daemon.config.read_bytes()
    os.chown(daemon.config, 1234, 2345)
    os.chmod(daemon.config, 0o600)
    result = harden(daemon)
    if isinstance(daemon, VsftpdDaemon):
        assert result["failed"] and "not owned by correct user" in result["msg"]
        untouched(daemon, before)
    else:
        assert result["changed"] and not result["failed"], result["msg"]
        assert strict(daemon)
    status = daemon.config.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (1234, 2345, 0o600)


def test_bytes_that_are_not_utf8(daemon):
    comment = b"# f\xfcr M\xfcller \xff\xfe\n"
    daemon.config.write_bytes(comment + daemon.config.read_bytes())
    daemon.start()
    result = harden(daemon)
    assert result["changed"] and not result["failed"], result["msg"]
    assert daemon.config.read_bytes().startswith(comment) and strict(daemon)


def test_missing_certificate(daemon):
    daemon.start()
    daemon.write("missing")
    before = daemon.config.read_bytes()
    result = harden(daemon)
    assert result["failed"] and not result["changed"]
    assert "missing.pem" in result["msg"] and "broken before this run" in result["msg"]
    untouched(daemon, before, broken=True)


def test_key_too_small_for_the_security_level(daemon):
    """Either it is hardened at the level that loads the key, and this is a finding, or nothing is touched."""
    daemon.write("small")
    daemon.start()
    before = daemon.config.read_bytes()
    result = harden(daemon)
    assert daemon.speaks(NEW), result["msg"]
    if result["failed"]:
        assert "small.pem" in result["msg"] and "too" in result["msg"]
        untouched(daemon, before)
    else:
        assert strict(daemon)
        assert {"signature.forbidden", "certificate.key"} & {item["check"] for item in result["findings"]}


@contextlib.contextmanager
def small(folder, options):
    """The folder on a small file system of its own, with what was in it."""
    aside = f"{folder}.aside"
    shutil.copytree(folder, aside, symlinks=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=755,{options}", "tmpfs", folder], check=True)
    try:
        shutil.copytree(aside, folder, symlinks=True, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder):
    """Use up every byte."""
    with contextlib.suppress(OSError), open(folder / "fill", "wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def exhaust(folder):
    """Use up every inode."""
    with contextlib.suppress(OSError):
        for number in range(10000):
            (folder / f"fill{number}").touch()


@pytest.mark.parametrize("options, use_up", [("size=1m", fill), ("nr_inodes=200", exhaust)], ids=["bytes", "inodes"])
@pytest.mark.parametrize("place", ["etc", "state"])
def test_no_room(daemon, place, options, use_up):
    """Beside the configuration, and in the folder of the journals."""
    state = daemon.etc.parent / "state"
    state.mkdir(mode=0o700)
    folder = {"etc": daemon.etc, "state": state}[place]
    with small(folder, options.replace("size", "mode=700,size") if place == "state" else options):
        daemon.start()
        before = daemon.config.read_bytes()
        use_up(folder)
        result = harden(daemon)
        assert result["failed"] and not result["changed"]
        assert "is full" in result["msg"] and "df -i" in result["msg"], result["msg"]
        untouched(daemon, before)
        for path in folder.glob("fill*"):
            path.unlink()
        result = harden(daemon)
        assert result["changed"] and not result["failed"], result["msg"]
        assert strict(daemon)
        daemon.stop()


@pytest.mark.parametrize("name", KINDS)
def test_disk_whose_medium_takes_nothing_more(name, keys, folder):
    """From one moment to the next, as thinly provisioned storage does: the device fails below a file system that has
    room. What was read before serves on."""
    need("mkfs.ext4")
    medium = folder / "medium"
    medium.mkdir()
    with small(medium, "size=64m"), contextlib.ExitStack() as mounts:
        disk = Disk(folder, medium)
        daemon = made(name, disk.place, keys)
        for part in ("queue", "data") if name == "postfix" else ():
            mounts.enter_context(small(disk.place / part, "size=8m"))
            shutil.chown(disk.place / part, "postfix" if part == "data" else "root")
        try:
            daemon.start()
            before = daemon.config.read_bytes()
            disk.sync()
            fill(medium)
            result = harden(daemon)
            assert result["failed"] and not result["changed"]
            words = ("the disk or its driver reports an error", "mounted read-only", "is full")
            assert any(word in result["msg"] for word in words), result["msg"]
            untouched(daemon, before)
        finally:
            daemon.write = lambda: None  # its file is whole, and nothing can be written
            daemon.stop()
            mounts.close()
            disk.eject()


def test_denied_by_a_security_module(daemon):
    """To root, too: by landlock(7), which denies where SELinux and AppArmor do, and by the same error."""
    if landlock.version() < 2:
        pytest.skip("this kernel has no Landlock that knows moves between folders")
    before = daemon.config.read_bytes()
    for name in ("state", "tmp"):
        (daemon.etc.parent / name).mkdir(mode=0o700)
    beside = [place for place in daemon.etc.parent.iterdir() if place != daemon.etc]
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        landlock.confine(*filter(os.path.isdir, beside), "/dev", "/proc")
        tempfile.tempdir = str(daemon.etc.parent / "tmp")
        # Whoever is confined sees nothing of processes that are not.
        daemon.start()
        with open(writer, "w") as told:
            json.dump(harden(daemon), told)
        os._exit(0)
    os.close(writer)
    with open(reader) as told:
        result = json.load(told)
    os.waitpid(child, 0)
    assert result["failed"] and not result["changed"]
    assert str(daemon.config) in result["msg"] and "security module" in result["msg"], result["msg"]
    untouched(daemon, before)


@pytest.fixture
def between(monkeypatch):
    """A function that lets something happen after the plan was made and tested, and before it is carried out."""

    def arrange(act):
        real = transaction.Transaction.run

        def run(self, *arguments):
            monkeypatch.setattr(transaction.Transaction, "run", real)
            act()
            return real(self, *arguments)

        monkeypatch.setattr(transaction.Transaction, "run", run)

    return arrange


def test_edited_between_plan_and_apply(daemon, between):
    daemon.start()
    comment = b"# mine, and not to be lost\n"
    mine = daemon.config.read_bytes() + comment
    between(lambda: daemon.config.write_bytes(mine))
    result = harden(daemon)
    assert result["failed"] and not result["changed"]
    assert f"{daemon.config} was edited by someone else" in result["msg"]
    untouched(daemon, mine)
    assert not harden(daemon)["failed"] and strict(daemon)
    assert comment in daemon.config.read_bytes()


def test_certificate_swapped_between_plan_and_apply(daemon, between, keys):
    """By one that is none. Who serves by the old one goes on, and the files are as they were."""
    pem = daemon.etc.parent / "swapped.pem"
    shutil.copy(keys / "good.pem", pem)
    daemon.config.write_text(daemon.config.read_text().replace(str(keys / "good.pem"), str(pem)))
    daemon.start()
    before = daemon.config.read_bytes()
    between(lambda: pem.write_text("no certificate\n"))
    result = harden(daemon)
    assert result["failed"] and not result["changed"], result["msg"]
    # Postfix and vsftpd read it for each session, or when they are started again.
    untouched(daemon, before, broken=True)
    shutil.copy(keys / "good.pem", pem)
    result = harden(daemon)
    assert result["changed"] and not result["failed"], result["msg"]
    assert strict(daemon)


@pytest.mark.parametrize("daemon", ["nginx", "apache", "vsftpd", "haproxy"], indirect=True)
def test_interrupted_and_not_to_be_found(daemon):
    """It ended with the run, and no unit tells where it is configured: that is said, and once it runs it is mended."""
    daemon.start()
    before = daemon.config.read_bytes()
    child = os.fork()
    if child == 0:
        transaction.Transaction._test = lambda self: os._exit(9)
        harden(daemon)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    written = daemon.config.read_bytes()
    daemon.stop()
    daemon.config.write_bytes(written)
    for act in (desk.harden, desk.recover):
        result = harden(daemon, act=act, missing="ignore")
        assert result["failed"] and str(daemon.config) in result["msg"] and "is not found" in result["msg"]
    assert daemon.config.read_bytes() == written != before
    daemon.start()
    result = harden(daemon, act=desk.recover)
    assert result["changed"] and not result["failed"], result["msg"]
    untouched(daemon, before)


@pytest.mark.parametrize("daemon", ["vsftpd"], indirect=True)
def test_killed_while_nobody_listens(daemon):
    """A restart has a moment between two processes. A run that is killed in it does not leave the service down."""
    daemon.start()
    stack = daemon.stack()
    (instance,) = [one for one in stack.discover(HOST) if one.config == str(daemon.config)]
    old, _start = stack.generation(HOST, instance)
    child = os.fork()
    if child == 0:
        stack.reload(HOST, instance)
        os._exit(0)
    while os.path.exists(f"/proc/{old}/exe"):
        time.sleep(0.0001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    deadline = time.monotonic() + 60
    while not daemon.speaks(NEW):
        assert time.monotonic() < deadline, "the service is down"


def test_second_run_at_the_same_moment(daemon, between):
    second = []
    daemon.start()
    between(lambda: second.append(harden(daemon, timeouts={"lock": 0})))
    result = harden(daemon)
    assert second[0]["failed"] and not second[0]["changed"] and "another run is at work" in second[0]["msg"]
    assert result["changed"] and not result["failed"], result["msg"]
    assert strict(daemon)


@pytest.mark.parametrize("daemon", ["nginx", "apache", "haproxy"], indirect=True)
def test_reload_that_never_comes(daemon):
    """The process that reloads is stopped: it takes the signal and does nothing. Workers go on serving as before."""
    daemon.start()
    before = daemon.config.read_bytes()
    stack = daemon.stack()
    (instance,) = [one for one in stack.discover(HOST) if str(daemon.config).startswith(one.config)]
    pid = instance.facts.get("pid") or stack.generation(HOST, instance).master[0]
    os.kill(pid, signal.SIGSTOP)
    try:
        result = harden(daemon, timeouts={"settle": 1, "handshake": 1})
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    assert result["failed"] and not result["changed"], result["msg"]
    assert result["instances"][0]["step"] in ("reload", "prove")
    untouched(daemon, before)


def test_daemon_that_ends_on_the_reload(daemon, monkeypatch):
    """It is started again, by the old files."""
    daemon.start()
    before = daemon.config.read_bytes()

    def reload(self, host, instance):
        if self.generation(host, instance) is not None:
            monkeypatch.undo()
            daemon.stop()
            daemon.config.write_bytes(hardened())

    def hardened():
        (journal,) = daemon.etc.parent.glob("state/*/*/journal")
        return next(path for path in journal.glob("*.new") if path.stat().st_size).read_bytes()

    monkeypatch.setattr(type(daemon.stack()), "reload", reload)
    result = harden(daemon)
    assert result["failed"] and not result["changed"]
    assert "ended on the reload; the originals are back" in result["msg"], result["msg"]
    untouched(daemon, before)


def take(port):
    """Listen on a port that a daemon was just stopped on, as soon as its last process let go of it."""
    for _try in range(600):
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the daemon keeps its port")


def test_port_of_another_process(daemon):
    """While the daemon is down its port has been taken: the files are mended, and nothing is proved by a stranger."""
    daemon.start()
    stack = daemon.stack()
    (found,) = [one for one in stack.discover(HOST) if str(daemon.config).startswith(one.config)]
    daemon.stop()
    with take(daemon.port):
        result = harden(daemon, instances=[found._replace(running=False, facts={**found.facts, "pid": None})])
    assert result["changed"] and not result["failed"], result["msg"]
    assert "nothing is proved" in result["msg"]
    assert not [item for item in result["findings"] if item["view"] == "effective" and item["status"] == "pass"]


def test_clock_that_jumps(daemon, monkeypatch):
    """Back by years in the middle of a run, and on again: waiting is not by this clock, and records stay apart."""
    daemon.start()
    moments = itertools.cycle([10**18, 2 * 10**18, 5 * 10**17])
    monkeypatch.setattr(time, "time_ns", lambda: next(moments))
    monkeypatch.setattr(time, "time", lambda: next(moments) / 10**9)
    result = harden(daemon)
    assert result["changed"] and not result["failed"], result["msg"]
    assert strict(daemon) and not harden(daemon)["changed"]


def test_without_names(daemon, monkeypatch):
    real = socket.getaddrinfo

    def down(host, *arguments, **words):
        if host and not host.strip("0123456789.:abcdef"):
            return real(host, *arguments, **words)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    daemon.start()
    with monkeypatch.context() as patch:
        for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr", "getfqdn"):
            patch.setattr(socket, name, down)
        result = harden(daemon)
    assert result["changed"] and not result["failed"], result["msg"]
    assert strict(daemon)


@pytest.mark.parametrize("name", KINDS)
def test_two_instances(name, keys, folder):
    """The error of one never hides the other's result."""
    kind = KINDS[name]
    for place in ("a", "b"):
        (folder / place).mkdir(mode=0o755)
    good, bad = (kind(folder / place / "x" if name != "postfix" else folder / place, keys) for place in ("a", "b"))
    try:
        good.start()
        bad.start()
        bad.config.write_text(bad.config.read_text() + bad.nonsense)
        before = bad.config.read_bytes()
        result = harden(good, bad)
        assert result["failed"] and result["changed"]
        assert {one["failed"] for one in result["instances"]} == {True, False}
        assert strict(good)
        untouched(bad, before, broken=True)
    finally:
        good.stop()
        bad.stop()
