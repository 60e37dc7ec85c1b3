# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The door to the machine: paths inside a root, glob(3), programs and processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.host import Host, compile_glob


@pytest.fixture
def host(tmp_path):
    for name in ("etc/nginx/conf.d/b.conf", "etc/nginx/conf.d/a.conf", "etc/nginx/conf.d/.hidden.conf", "etc/x"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "etc/link").symlink_to("/etc/nginx/conf.d")
    (tmp_path / "etc/nginx/conf.d/c.conf").symlink_to("../../x")
    (tmp_path / "etc/nginx/conf.d/broken.conf").symlink_to("/nowhere")
    (tmp_path / "loop").symlink_to("loop")
    return Host(str(tmp_path))


def test_links_are_followed_inside_the_root(host):
    assert host.realpath("/etc/link/c.conf") == "/etc/x"
    assert host.read("/etc/link/c.conf") == b"etc/x"
    assert host.realpath("/../../etc/./missing") == "/etc/missing"
    with pytest.raises(OSError, match="Too many levels"):
        host.realpath("/loop")


def test_glob_is_sorted_by_byte_and_leaves_dotfiles_out(host):
    names = ["a.conf", "b.conf", "broken.conf", "c.conf"]
    assert host.glob("/etc/nginx/conf.d/*.conf") == [f"/etc/nginx/conf.d/{name}" for name in names]
    assert host.glob("/etc/l*k/[ab].conf") == ["/etc/link/a.conf", "/etc/link/b.conf"]
    assert host.glob("/etc/*/conf.d/a.conf") == ["/etc/nginx/conf.d/a.conf"]
    assert host.glob("/etc/nginx/nothing*") == []
    assert host.glob("/no/such/*.conf") == []
    assert host.glob("/etc/plain") == ["/etc/plain"]


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("*.conf", ["a.conf", "\udcff.conf"], [".a.conf", "a.conf~"]),
        ("[!a]?", ["bc"], ["ac", ".c", "b"]),
        ("[^a-c]", ["d"], ["b"]),
        ("[]]x", ["]x"], ["[x"]),
        (r"\*", ["*"], ["a"]),
        ("[a", ["[a"], ["a"]),
        ("a[z-a]", [], ["az", "aa"]),
        ("a+(b)", ["a+(b)"], ["aab"]),
    ],
)
def test_patterns(pattern, matching, other):
    compiled = compile_glob(pattern)
    assert [name for name in [*matching, *other] if compiled.match(name)] == matching


def test_names_that_are_not_utf8_can_be_opened(tmp_path):
    with open(os.fsencode(tmp_path) + b"/caf\xe9.conf", "wb") as stream:
        stream.write(b"x")
    host = Host(str(tmp_path))
    assert [host.read(path) for path in host.glob("/*.conf")] == [b"x"]


def test_programs_run_without_a_shell_and_end_in_time():
    host = Host()
    done = host.run(
        [sys.executable, "-c", "import os,sys; print(os.environ['LC_ALL'], sys.argv[1]); sys.exit(3)", "$x;"]
    )
    assert (done.rc, done.stdout, done.stderr) == (3, "C $x;\n", "")
    assert host.run(["/no/such/program"]).rc == 127
    assert host.run(["/etc/passwd"]).rc == 126
    assert host.run(["cat"], input="caf\udce9").stdout == "caf\udce9"
    start = time.monotonic()
    # The grandchild keeps the pipe open: it has to go as well.
    done = host.run(["sh", "-c", "sleep 60 & sleep 60"], timeout=0.3)
    assert (done.rc, "killed after 0.3 seconds" in done.stderr) == (124, True)
    assert time.monotonic() - start < 10


def test_processes_are_told_apart():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "a b", ""])
    try:
        found = {process.pid: process for process in Host().processes()}
        mine = found[child.pid]
        assert mine.ppid == os.getpid() and mine.start >= found[os.getpid()].start
        assert mine.argv[-1] == "a b" or mine.argv[-2:] == ("a b", "")
        assert os.path.realpath(mine.exe) == os.path.realpath(sys.executable)
    finally:
        child.kill()
        child.wait()


def test_programs_are_found_where_daemons_live():
    assert Host().which("sh").endswith("/sh")
    assert Host().which("no-such-program") is None
