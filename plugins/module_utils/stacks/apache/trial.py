# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real start of httpd beside the running one, which nobody sees and which leaves nothing.

``httpd -t`` passes a key that does not fit its certificate, a cipher list without a suite, an unknown group and an
empty set of protocols; a graceful restart then ends the parent process and with it the service. Only a start tells.

The trial runs in namespaces of its own (unshare(2)): *network*, so that every port is free and nothing is reached;
*mount*, in which all file systems are covered by overlays on a tmpfs (so logs, sockets, caches and stores it writes
are gone with it); *IPC* and *process ids*, so that piped loggers and other helpers end when it does.
"""

from __future__ import annotations

import json
import os
import re
import typing as t

from .. import scratch

if t.TYPE_CHECKING:
    from ..contract import Document

# linux/sched.h, linux/mount.h and sys/prctl.h
_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWPID, _CLONE_NEWNET = 0x00020000, 0x08000000, 0x20000000, 0x40000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_PR_SET_PDEATHSIG = 1
_SIGKILL = 9
# linux/sockios.h and linux/if.h
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1

#: Not covered: what the kernel makes up, and what programs need as it is.
_KERNEL = ("proc", "sys", "dev")

#: Variables by which systemd speaks with the one process it has started: not with ours.
_NOT_OURS = ("NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID", "WATCHDOG_USEC", "MAINPID")

#: Seconds a start may take: thousands of certificates, or programs that httpd starts with itself.
_TIMEOUT = 60

#: What a log line begins with: time, module and level, process and thread.
_LOG_HEAD = re.compile(r"^\[[^\]]*\] (\[[\w.-]*:\w+\]) (?:\[pid [^\]]*\] )?(?:\([^)]*\))?", re.MULTILINE)

#: Marks the pid file in the command line of a trial, so that nobody takes it for the service.
MARK = f"{scratch.PREFIX}trial-"


class Refused(Exception):
    """No trial start can be made here, or it would tell nothing; the text says why."""


class Verdict(t.NamedTuple):
    """Whether httpd came up, and its words."""

    ok: bool
    output: str


def start(argv: t.Sequence[str], environment: t.Mapping[str, str], documents: t.Sequence[Document]) -> Verdict:
    """Start httpd by ``argv`` (without ``-k``) with ``documents`` in the place of the files. Raises Refused."""
    with scratch.folder("trial-") as folder:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            _Trial(folder, writer, argv, environment, documents).outer()
        os.close(writer)
        with open(reader, "rb") as stream:
            answer = stream.read()
        os.waitpid(child, 0)
    verdict = json.loads(answer or '{"refused": "the trial process ended without an answer"}')
    if "refused" in verdict:
        raise Refused(verdict["refused"])
    return Verdict(verdict["ok"], verdict["output"])


class _Trial:
    """Two processes: the outer one enters the namespaces, the inner one is the first of its process ids."""

    def __init__(
        self,
        folder: str,
        writer: int,
        argv: t.Sequence[str],
        environment: t.Mapping[str, str],
        documents: t.Sequence[Document],
    ) -> None:
        import ctypes

        self.folder, self.writer, self.argv, self.documents = folder, writer, argv, documents
        self.environment = {key: value for key, value in environment.items() if key not in _NOT_OURS}
        self.libc = ctypes.CDLL(None, use_errno=True)

    def outer(self) -> t.NoReturn:
        verdict: dict[str, t.Any] | None = None
        try:
            self._call("prctl", _PR_SET_PDEATHSIG, _SIGKILL)
            try:
                self._call("unshare", _CLONE_NEWNS | _CLONE_NEWIPC | _CLONE_NEWPID | _CLONE_NEWNET)
                self._cover()
            except OSError as error:
                verdict = {"refused": f"no private view of this system: {error}"}
            else:
                child = os.fork()
                if child == 0:
                    self._inner()
                os.waitpid(child, 0)
        finally:
            if verdict is not None:
                self._tell(verdict)
            os._exit(0)

    def _inner(self) -> t.NoReturn:
        try:
            self._call("prctl", _PR_SET_PDEATHSIG, _SIGKILL)
            foreign = self._network()
            verdict = self._run()
            if not verdict["ok"] and not foreign and "AH00072" in verdict["output"]:
                verdict = {"refused": "addresses of other hosts cannot be bound here"}
            self._tell(verdict)
        finally:
            # With the first process of its namespace everything in it is killed.
            os._exit(0)

    def _tell(self, verdict: dict[str, t.Any]) -> None:
        with open(self.writer, "wb") as stream:
            stream.write(json.dumps(verdict).encode("ascii"))

    def _call(self, function: str, *arguments: t.Any) -> None:
        import ctypes

        if getattr(self.libc, function)(*arguments) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{function}: {os.strerror(number)}")

    def _mount(self, source: str, target: str, kind: bytes | None, flags: int, data: str = "") -> None:
        import ctypes

        self._call(
            "mount", os.fsencode(source), os.fsencode(target), kind, ctypes.c_ulong(flags), os.fsencode(data) or None
        )

    # --- a private view -----------------------------------------------------------------------------------------------

    def _cover(self) -> None:
        """Lay an overlay over every file system, so that all is there to read and every write is ours alone."""
        self._mount("none", "/", None, _MS_REC | _MS_PRIVATE)
        self._mount("in_transit", self.folder, b"tmpfs", _MS_NOSUID | _MS_NODEV)
        tops = [f"/{entry.name}" for entry in os.scandir("/") if entry.is_dir(follow_symlinks=False)]
        tops = [top for top in tops if top[1:] not in _KERNEL]
        mounts = _mounts()
        inner = [path for path in mounts if path != "/" and path not in tops and f"/{path.split('/')[1]}" in tops]
        # All are opened before the first is covered: what lies below a covered folder cannot be named any more.
        store = f"/proc/self/fd/{os.open(self.folder, os.O_PATH | os.O_CLOEXEC)}"
        views = []
        for path in [*sorted(tops), *sorted(inner, key=lambda path: path.count("/"))]:
            try:
                views.append((path, os.open(path, os.O_PATH | os.O_CLOEXEC), os.path.isdir(path)))
            except OSError:
                continue  # unreachable for us, and so for httpd
        for number, (path, descriptor, is_folder) in enumerate(views):
            source = f"/proc/self/fd/{descriptor}"
            if path == self.folder:
                self._mount(source, path, None, _MS_BIND)
                continue
            if is_folder and not mounts.get(path, "").startswith(("proc", "sysfs", "cgroup", "autofs", "mqueue")):
                upper, work = f"{store}/u{number}", f"{store}/w{number}"
                os.mkdir(upper)
                os.mkdir(work)
                status = os.stat(path)
                os.chown(upper, status.st_uid, status.st_gid)
                os.chmod(upper, status.st_mode & 0o7777)
                try:
                    options = f"lowerdir={source},upperdir={upper},workdir={work}"
                    self._mount("in_transit", path, b"overlay", 0, options)
                    continue
                except OSError:
                    if path in tops:
                        raise
            try:
                self._mount(source, path, None, _MS_BIND)
                self._mount("none", path, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY)
            except OSError:
                continue  # a mount inside another that is not covered here
        if os.path.isdir("/dev/shm"):  # noqa: S108  a mount point, nothing is made in it
            self._mount("in_transit", "/dev/shm", b"tmpfs", _MS_NOSUID | _MS_NODEV)  # noqa: S108
        for number, document in enumerate(self.documents):
            staged = os.path.join(self.folder, f"d{number}")
            with open(staged, "wb") as file:
                file.write(document.data)
            self._mount(staged, document.path, None, _MS_BIND)

    def _network(self) -> bool:
        """Loopback up, and every address ours to listen on; whether the latter is allowed."""
        import fcntl
        import socket
        import struct

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            try:
                fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
            except OSError:
                return False
        done = True
        for family in ("ipv4", "ipv6"):
            try:
                with open(f"/proc/sys/net/{family}/ip_nonlocal_bind", "w", encoding="ascii") as setting:
                    setting.write("1")
            except OSError:
                done = done and family == "ipv6"
        return done

    # --- the start ----------------------------------------------------------------------------------------------------

    def _run(self) -> dict[str, t.Any]:
        import subprocess
        import time

        pid_file, log = os.path.join(self.folder, "pid"), os.path.join(self.folder, "log")
        words = os.path.join(self.folder, "words")
        argv = [*self.argv, "-c", f"PidFile {pid_file}", "-c", f"ErrorLog {log}", "-DFOREGROUND"]
        with open(words, "wb") as stream:
            httpd = subprocess.Popen(
                [os.fsencode(word) for word in argv],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env={**self.environment, "LC_ALL": "C"},
                start_new_session=True,
            )
        # The pid file is written when everything has been read, opened and bound.
        deadline = time.monotonic() + _TIMEOUT
        while httpd.poll() is None and not os.path.exists(pid_file) and time.monotonic() < deadline:
            time.sleep(0.01)
        # With a foreground process the file may be there before its workers: they must not end it.
        time.sleep(0.05)
        ok = httpd.poll() is None and os.path.exists(pid_file)
        output = _text(words) + _text(log)
        if not ok and httpd.poll() is None:
            output += f"httpd was not ready after {_TIMEOUT} seconds"
        if not ok and re.search(r"(?i)pass ?phrase", output):
            return {"refused": "a private key asks for its passphrase at the terminal"}
        # httpd goes through its configuration twice before it serves, and says everything twice.
        lines = dict.fromkeys(_LOG_HEAD.sub(r"\1 ", output).splitlines())
        return {"ok": ok, "output": "\n".join(line for line in lines if ":notice] " not in line)}


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def _mounts() -> dict[str, str]:
    """File system types by mount point (proc(5), mountinfo); the topmost where several are stacked."""
    found = {}
    with open("/proc/self/mountinfo", "rb") as stream:
        for line in stream.read().splitlines():
            left, _dash, right = line.partition(b" - ")
            path = re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match.group(1), 8)]), left.split(b" ")[4])
            found[os.fsdecode(path)] = os.fsdecode(right.split(b" ")[0])
    return found
