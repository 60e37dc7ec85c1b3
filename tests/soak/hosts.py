"""What a soak looks at and changes on lab hosts: configurations as trees of bytes, and what has no business there."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import subprocess
import tarfile
import typing as t

import lab

#: What a human writes at the end of a file. The software has to leave it there, and nobody else writes it.
HUMAN = b"# seen by a human\n"


@dataclasses.dataclass(frozen=True)
class Stack:
    """``trees`` hold the configuration, ``edited`` is a file in them that harden changes, ``units`` are services."""

    trees: tuple[str, ...]
    edited: str
    units: tuple[str, ...]


STACKS = {
    "nginx": Stack(("etc/nginx",), "etc/nginx/conf.d/tls.conf", ("nginx",)),
    "apache": Stack(("etc/apache2",), "etc/apache2/mods-enabled/ssl.conf", ("apache2",)),
    "postfix": Stack(("etc/postfix",), "etc/postfix/main.cf", ("postfix",)),
    "haproxy": Stack(("etc/haproxy", "etc/default/haproxy"), "etc/haproxy/haproxy.cfg", ("haproxy",)),
    "vsftpd": Stack(
        ("etc/vsftpd.conf", "etc/vsftpd", "etc/systemd/system"),
        "etc/vsftpd.conf",
        ("vsftpd", "vsftpd@partners", "vsftpd@scanner"),
    ),
}

#: path: (kind, mode, owner, group, target of a link, digest). Of an edited file the human's line does not count.
Tree = dict[str, tuple[t.Any, ...]]

#: Our own files on a host: whatever is listed was left behind. The state folder holds locks and history only.
_LEFT = r"""
find /etc /var/www /srv \( -name '.in_transit-*' -o -name 'encryption.in_transit-*' \) 2>/dev/null
find /tmp /var/tmp /dev/shm /root -mindepth 1 -maxdepth 3 \( -name 'encryption.in_transit-*' -o -name 'ansible*' \
    -o -name '.ansible-*' \) -not -path '*/.ansible' -not -path '*/.ansible/tmp' 2>/dev/null
cd /var/lib/encryption.in_transit 2>/dev/null || exit 0
find . -mindepth 3 -maxdepth 3 -not -name lock -not -name history | sed 's/^/state folder: /'
for history in ./*/*/history; do
    [ "$(ls "$history" 2>/dev/null | wc -l)" -le 10 ] || echo "state folder: more than ten changes in $history"
done
for lock in ./*/*/lock; do
    [ ! -e "$lock" ] || flock --nonblock "$lock" true || echo "state folder: $lock is taken"
done
"""

#: pid, parent, state, kilobytes, open files, name of each process but those of this look.
_PROCESSES = r"""
ps --no-headers -eo pid,ppid,stat,rss,comm | while read -r pid parent state size name; do
    echo "$pid $parent $state $size $(ls "/proc/$pid/fd" 2>/dev/null | wc -l) $name"
done
"""
_LOOK = {"sh", "ps", "ls", "wc", "read"}


class Process(t.NamedTuple):
    pid: int
    parent: int
    state: str
    kilobytes: int
    files: int
    name: str


class Host:
    """One host of the fleet, reached by podman: not by what is tested."""

    def __init__(self, host: lab.Host) -> None:
        self.lab = host
        self.name = host.name
        self.stacks = [name for name in STACKS if name in host.groups]

    def run(self, script: str, data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        stdin: dict[str, t.Any] = {"stdin": subprocess.DEVNULL} if data is None else {"input": data}
        options = ["--interactive"] if data is not None else []
        return lab.podman("exec", *options, self.lab.container, "sh", "-c", script, check=False, **stdin)

    def sure(self, script: str, data: bytes | None = None) -> str:
        """The same, and what it printed; LabError when it failed."""
        done = self.run(script, data)
        if done.returncode:
            words = (done.stderr + done.stdout).decode(errors="replace").strip()
            raise lab.LabError(f"{self.name}: {script.strip().splitlines()[0]}: {words}")
        return done.stdout.decode(errors="replace")

    # --- configurations ---------------------------------------------------------------------------------------------

    def archive(self, stack: str) -> bytes:
        """The configuration of a stack as a tar archive."""
        trees = " ".join(STACKS[stack].trees)
        done = self.run(f"tar -C / --sort=name -cf - {trees}")
        if done.returncode:
            raise lab.LabError(f"{self.name}: {trees} cannot be read: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def put_back(self, stack: str, archive: bytes) -> None:
        """Exactly what was archived, served by processes that know nothing else."""
        one = STACKS[stack]
        self.sure(f"cd / && rm -rf {' '.join(one.trees)} && tar -C / -xpf -", archive)
        self.sure(f"systemctl daemon-reload && systemctl reset-failed && systemctl restart {' '.join(one.units)}")

    def start(self) -> None:
        units = " ".join(unit for stack in self.stacks for unit in STACKS[stack].units)
        self.sure(f"systemctl reset-failed; systemctl start {units}")

    # --- leaks ------------------------------------------------------------------------------------------------------

    def left(self) -> list[str]:
        """Files, locks and journals that nobody needs any more."""
        return self.sure(_LEFT).splitlines()

    def processes(self) -> list[Process]:
        found = []
        for line in self.sure(_PROCESSES).splitlines():
            pid, parent, state, size, files, name = line.split(None, 5)
            if name not in _LOOK:
                found.append(Process(int(pid), int(parent), state, int(size), int(files), name))
        return found


def tree(archive: bytes) -> Tree:
    """What is in an archive, without times."""
    found: Tree = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as file:
        for one in file:
            data = b""
            if one.isreg():
                held = file.extractfile(one)
                data = held.read() if held else b""
            digest = hashlib.sha256(data.replace(HUMAN, b"")).hexdigest()
            found[one.name] = (one.type.decode(), oct(one.mode), one.uid, one.gid, one.linkname, digest)
    return found


def edits(archive: bytes, name: str) -> int:
    """How often the human's line stands in a file."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as file:
        held = file.extractfile(name)
        return held.read().count(HUMAN) if held else 0


def differences(found: Tree, wanted: Tree) -> list[str]:
    """Paths that are not as wanted, for people."""
    return [
        f"{name}: {json.dumps(found.get(name))} and not {json.dumps(wanted.get(name))}"
        for name in sorted(found.keys() | wanted.keys())
        if found.get(name) != wanted.get(name)
    ]
