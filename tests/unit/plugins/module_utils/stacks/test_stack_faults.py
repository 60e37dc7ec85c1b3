# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What goes wrong on real hosts, with each of the four real daemons: clear words, nothing half-written, service up.

Needs root and Debian's nginx, apache2, postfix and vsftpd. Every daemon is one of ours, on loopback ports, with its
files in a folder of the test.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess

import pytest

from ansible_collections.encryption.in_transit.tests.unit.plugins.module_utils.stacks.local_daemons import (
    HOST,
    KINDS,
    NEW,
    OLD,
    VsftpdDaemon,
    harden,
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
