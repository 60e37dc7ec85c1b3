"""What runs behind an instance: of a real process, and of what cannot be asked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import running
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.contract import Document
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host


def us():
    return next(one for one in Host().processes() if one.pid == os.getpid())


def test_a_real_process_and_a_real_file(tmp_path):
    file = tmp_path / "nginx.conf"
    file.write_text("events {}")
    os.utime(file, (0, 1_700_000_000))
    me = us()
    told = running.facts(Host(), ((me.pid, me.start), ((me.pid, me.start),)), [Document(str(file), b"", None)])
    assert told["documents"] == [{"path": str(file), "modified": "2023-11-14T22:13:20Z"}]
    assert told["process"]["pid"] == os.getpid()
    assert told["process"]["started"] == told["process"]["serves_since"]
    # We began before now, and after this machine did.
    assert re.fullmatch(r"\d{4}(-\d\d){2}T(\d\d:){2}\d\dZ", told["process"]["started"])
    assert Host().began(0) < Host().began(me.start) <= time.time() + 1


class Fake(Host):
    """A machine with one package, whose clock began in 2020."""

    def exe(self, pid):
        return {7: "/usr/sbin/nginx"}.get(pid, "")

    def read(self, path):
        if path == "/proc/stat":
            return b"cpu 1 2\nbtime 1600000000\n"
        return super().read(path)

    def which(self, name):
        return "/usr/bin/dpkg-query" if name == "dpkg-query" else None

    def run(self, argv, timeout=60, input=None, env=None):
        from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Completed

        if "nginx*" in argv:
            return Completed(1, "ii  nginx-common\nun  nginx-core\n", "")
        if "--listfiles" in argv:
            return Completed(0, "/.\n/etc\n/etc/nginx\n", "")
        if "-S" in argv:
            return Completed(0, "nginx-light: /usr/sbin/nginx\n", "")
        assert argv[-1] == "nginx-light"
        return Completed(0, "1.22.1-9\n", "")


def test_the_oldest_worker_tells_since_when_it_serves(tmp_path):
    ticks = os.sysconf("SC_CLK_TCK")
    generation = ((7, 0), ((9, 50 * ticks), (8, 20 * ticks)))
    told = running.facts(Fake(str(tmp_path)), generation, [Document("/gone", b"", None)])
    assert told == {
        "process": {"pid": 7, "started": "2020-09-13T12:26:40Z", "serves_since": "2020-09-13T12:27:00Z"},
        "package": "nginx-light 1.22.1-9",
        "documents": [{"path": "/gone", "modified": None}],
    }


class Looking(Host):
    """This machine, where the query tool of dpkg is looked at as if it served."""

    def exe(self, pid):
        return "/usr/bin/dpkg"

    def run(self, argv, timeout=60, input=None, env=None):
        assert "-S" not in argv, "all packages are searched for what one of that name has"
        return super().run(argv, timeout, input, env)


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="no dpkg on this machine")
def test_a_package_called_as_its_program_is_found_without_a_search():
    shown = subprocess.run(["dpkg-query", "--show", "dpkg"], capture_output=True, text=True, check=True).stdout.split()
    assert running.facts(Looking(), (7, 100), [])["package"] == " ".join(shown)


def test_nothing_runs_or_there_is_nothing_that_could(tmp_path):
    for token in (None, ("openssl",)):
        assert running.facts(Fake(str(tmp_path)), token, []) == {"process": None, "package": None, "documents": []}


def test_a_kernel_that_does_not_say_when_it_began(tmp_path):
    told = running.facts(Host(str(tmp_path)), (7, 100), [])
    assert told["process"] == {"pid": 7, "started": None, "serves_since": None}
