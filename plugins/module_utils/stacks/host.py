# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The only door from a stack to the machine: reading files, listing processes, running programs. It never writes:
what a transaction writes is its own affair (``files.py``).

Paths are absolute and text; bytes that are not UTF-8 travel as surrogate escapes (PEP 383), whatever the locale, so
that every path a kernel knows can be named and opened again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat as stat_module
import typing as t

if t.TYPE_CHECKING:
    import socket

Answer = t.TypeVar("Answer")


class Completed(t.NamedTuple):
    """A program that ended. ``rc`` is its exit status, ``-N`` when signal N ended it.

    As with a POSIX shell and timeout(1), 127 means not found, 126 not executable and 124 out of time; ``stderr``
    then says so.
    """

    rc: int
    stdout: str
    stderr: str


class Process(t.NamedTuple):
    """A process as proc(5) shows it. ``start`` counts clock ticks since boot: with ``pid`` it never names another."""

    pid: int
    ppid: int
    start: int
    argv: tuple[str, ...]
    exe: str


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


#: A run of these in a pattern makes it a glob for glob(3).
_MAGIC = re.compile(r"[*?[]")

#: More symbolic links than this in one path are a loop, as in Linux path_resolution(7).
_LINKS_MAX = 40


def _kernel_text(path: str) -> bytes:
    """A file of proc(5): without the buffer that open() makes, for there are many. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(descriptor, 65536):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


class Host:
    """The machine below ``root``. Every path a method takes or returns is as seen from inside ``root``.

    Tests hand in a directory tree and override :meth:`run` and :meth:`processes`.
    """

    def __init__(self, root: str = "/") -> None:
        self.root = os.path.abspath(root)

    # --- files ----------------------------------------------------------------------------------------------------

    def outside(self, path: str) -> bytes:
        """The path by which the kernel finds what ``path`` names inside ``root``, symbolic links resolved inside."""
        if self.root == "/":
            return encode(path)
        return encode(self.root + self.realpath(path))

    def read(self, path: str) -> bytes:
        """The bytes of a file. Raises OSError."""
        with open(self.outside(path), "rb") as stream:
            return stream.read()

    def open(self, path: str) -> t.BinaryIO:
        """A file that is too long to be read at once. A pipe is not waited for. Raises OSError."""
        return os.fdopen(os.open(self.outside(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")

    def exists(self, path: str) -> bool:
        return os.path.exists(self.outside(path))

    def stat(self, path: str) -> os.stat_result:
        """Follows symbolic links. Raises OSError."""
        return os.stat(self.outside(path))

    def listdir(self, path: str) -> list[str]:
        """Names in a directory, sorted by byte. Raises OSError."""
        return [decode(name) for name in sorted(os.listdir(self.outside(path)))]

    def realpath(self, path: str) -> str:
        """The path without symbolic links; what does not exist is kept as it is. Raises OSError on a loop of links."""
        if self.root == "/":
            return decode(os.path.realpath(encode(path)))
        todo = [part for part in path.split("/") if part][::-1]
        done: list[str] = []
        links = 0
        while todo:
            part = todo.pop()
            if part == ".":
                continue
            if part == "..":
                done = done[:-1]
                continue
            try:
                target = decode(os.readlink(encode("/".join([self.root, *done, part]))))
            except OSError:
                done.append(part)
                continue
            links += 1
            if links > _LINKS_MAX:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            if target.startswith("/"):
                done = []
            todo.extend([part for part in target.split("/") if part][::-1])
        return "/" + "/".join(done)

    def glob(self, pattern: str) -> list[str]:
        """Paths that match as glob(3) matches in the C locale: sorted by byte, names with a leading dot left out.

        A pattern without ``*``, ``?`` and ``[`` names one path, which need not exist. A directory that cannot be
        listed matches nothing.
        """
        if not _MAGIC.search(pattern):
            return [pattern]
        found = [""]
        parts = [part for part in pattern.split("/") if part]
        for depth, part in enumerate(parts):
            if not _MAGIC.search(part):
                found = [f"{folder}/{part}" for folder in found]
                continue
            matches = compile_glob(part).match
            following: list[str] = []
            for folder in found:
                try:
                    names = self.listdir(folder or "/")
                except OSError:
                    continue
                following += [f"{folder}/{name}" for name in names if matches(name)]
            last = depth == len(parts) - 1
            # A broken link as the last part is still a match: the reader has to stumble over it, as the daemon does.
            found = following if last else [path for path in following if self._is_folder(path)]
        if not _MAGIC.search(parts[-1]):
            found = [path for path in found if self.exists(path)]
        return sorted(found, key=encode)

    def sweep(self, path: str) -> None:
        """Take away a file of no bytes that a program we ran left behind. Anything else stays."""
        try:
            if self.stat(path).st_size == 0:
                os.unlink(self.outside(path))
        except OSError:
            pass

    def _is_folder(self, path: str) -> bool:
        try:
            return stat_module.S_ISDIR(self.stat(path).st_mode)
        except OSError:
            return False

    # --- programs and processes -----------------------------------------------------------------------------------

    def which(self, name: str) -> str | None:
        """The program ``name`` on PATH; where administrators' programs live is always searched too."""
        folders = [*os.environ.get("PATH", "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]
        for folder in folders:
            path = f"{folder}/{name}"
            if folder.startswith("/") and self._is_program(path):
                return path
        return None

    def _is_program(self, path: str) -> bool:
        try:
            mode = self.stat(path).st_mode
        except OSError:
            return False
        return stat_module.S_ISREG(mode) and bool(mode & 0o111)

    def run(
        self,
        argv: t.Sequence[str],
        timeout: float = 60,
        input: str | None = None,  # the name subprocess uses
        env: t.Mapping[str, str] | None = None,
    ) -> Completed:
        """Run a program to its end, never through a shell, in the C locale; ``env`` is added to the environment.

        ``timeout`` is in seconds; the program and its children are then killed. Never raises for what the program does.
        """
        import signal  # a run that changes nothing starts few programs
        import subprocess

        try:
            child = subprocess.Popen(
                [encode(word) for word in argv],
                stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "LC_ALL": "C", **(env or {})},
                start_new_session=True,
            )
        except FileNotFoundError:
            return Completed(127, "", f"{argv[0]}: not found")
        except OSError as error:
            return Completed(126, "", f"{argv[0]}: {error.strerror}")
        with child:
            try:
                stdout, stderr = child.communicate(None if input is None else encode(input), timeout)
                rc = child.returncode
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                stdout, stderr = child.communicate()
                rc = 124
                stderr += encode(f"\n{argv[0]}: killed after {timeout:g} seconds")
        return Completed(rc, decode(stdout), decode(stderr))

    def lines(self, argv: t.Sequence[str], limit: int) -> t.Generator[bytes, None, None]:
        """What a program prints, a line at a time, without line ends; of a longer line the first ``limit`` bytes.

        Its words on standard error go nowhere. It is killed when nobody asks for more. Raises OSError when it cannot
        be started or ends with another status than 0.
        """
        import subprocess

        child = subprocess.Popen(
            [encode(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
        )
        with child:
            try:
                yield from split_lines(t.cast(t.BinaryIO, child.stdout), limit)
                if child.wait():
                    raise OSError(errno.EIO, f"{argv[0]} ended with status {child.returncode}")
            finally:
                if child.poll() is None:
                    child.kill()

    def inetd(
        self,
        argv: t.Sequence[str],
        talk: t.Callable[[socket.socket], Answer],
        timeout: float = 10,
        env: t.Mapping[str, str] | None = None,
    ) -> Answer:
        """Let a program serve one connection as inetd(8) would, and talk to it: ``talk`` gets the client's end.

        The connection is TCP over the loopback interface, made before the program starts, so that nobody else can
        have it. ``timeout`` is in seconds, for each answer; ``env`` is added to the environment. At the end the program
        and its children are killed. Raises OSError when it cannot be started, and whatever ``talk`` raises.
        """
        import signal
        import socket
        import subprocess

        with socket.create_server(("127.0.0.1", 0), backlog=1) as listening:
            client = socket.create_connection(listening.getsockname(), timeout)
            server, address = listening.accept()
        with client, server:
            if address != client.getsockname():
                raise OSError(errno.ECONNREFUSED, "somebody else connected to the trial", argv[0])
            child = subprocess.Popen(
                [encode(word) for word in argv],
                stdin=server.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "LC_ALL": "C", **(env or {})},
                start_new_session=True,
            )
            with child:
                server.close()
                try:
                    return talk(client)
                finally:
                    with contextlib.suppress(OSError):
                        os.killpg(child.pid, signal.SIGKILL)

    @contextlib.contextmanager
    def beside(self, argv: t.Sequence[str], env: t.Mapping[str, str] | None = None) -> t.Iterator[str]:
        """Run a program beside us and give the first line it prints, empty when it ends without one; its words on
        standard error go nowhere. At the end it and its children are killed. Raises OSError when it cannot be started.
        """
        import signal
        import subprocess

        child = subprocess.Popen(
            [encode(word) for word in argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C", **(env or {})},
            start_new_session=True,
        )
        with child:
            try:
                yield decode(t.cast(t.BinaryIO, child.stdout).readline()).strip()
            finally:
                with contextlib.suppress(OSError):
                    os.killpg(child.pid, signal.SIGKILL)

    def processes(self) -> list[Process]:
        """Processes that share our root directory, by pid. Those of containers do not, though proc(5) lists them."""
        found = []
        try:
            ours = os.stat("/")
            pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
        except OSError:
            return []
        for pid in pids:
            exe = self.exe(pid)
            if not exe:
                continue  # a kernel thread or a zombie, or it ended meanwhile, or we may not look
            folder = f"/proc/{pid}"
            try:
                theirs = os.stat(f"{folder}/root")
                if (theirs.st_dev, theirs.st_ino) != (ours.st_dev, ours.st_ino):
                    continue
                cmdline = _kernel_text(f"{folder}/cmdline")
                # The second field is a name in parentheses that may hold anything, parentheses too.
                fields = _kernel_text(f"{folder}/stat").rpartition(b")")[2].split()
            except OSError:
                continue
            if cmdline and fields:
                argv = tuple(decode(word) for word in cmdline.rstrip(b"\0").split(b"\0"))
                found.append(Process(pid, int(fields[1]), int(fields[19]), argv, exe))
        return found

    def exe(self, pid: int) -> str:
        """The program of a process; empty when it ended, or we may not look."""
        try:
            exe = os.readlink(f"/proc/{pid}/exe")
        except OSError:
            return ""
        # After a package upgrade the running program's file is gone until its restart.
        return exe[: -len(" (deleted)")] if exe.endswith(" (deleted)") else exe

    def began(self, start: int) -> float:
        """When the process with this ``start`` began, in seconds since 1970 (proc(5), btime and starttime).

        Infinite where the kernel does not say when the machine was started.
        """
        with contextlib.suppress(OSError):
            for line in self.read("/proc/stat").splitlines():
                if line.startswith(b"btime "):
                    return int(line.split()[1]) + start / os.sysconf("SC_CLK_TCK")
        return float("inf")

    def cwd(self, pid: int) -> str:
        """The working directory of a process, ``/`` when it cannot be seen."""
        try:
            return os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            return "/"

    def unit(self, pid: int) -> str | None:
        """The systemd service a process belongs to by its control group (systemd.slice(5)), or None."""
        try:
            with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="surrogateescape") as stream:
                lines = stream.read().splitlines()
        except OSError:
            return None
        for line in lines:
            _number, controllers, path = line.split(":", 2)
            if controllers not in ("", "name=systemd"):
                continue
            for part in reversed(path.split("/")):
                if part.endswith(".service"):
                    return part
        return None

    def signal(self, pid: int, number: int) -> None:
        """Send a signal. Raises OSError."""
        os.kill(pid, number)

    def hostname(self) -> str:
        """What gethostname(2) says, in lower case."""
        return os.uname().nodename.lower()


def split_lines(stream: t.BinaryIO, limit: int) -> t.Iterator[bytes]:
    """The lines of a stream, without line ends; of a longer line the first ``limit`` bytes. Needs little memory."""
    whole = True
    while True:
        line = stream.readline(limit)
        if not line:
            return
        if whole:
            yield line.rstrip(b"\n")
        whole = line.endswith(b"\n")


def compile_glob(part: str) -> t.Pattern[str]:
    """One path component of a glob(3) pattern as a regular expression for whole names."""
    out, i = [], 0
    if part[:1] in ("*", "?", "["):
        out.append(r"(?!\.)")
    while i < len(part):
        char = part[i]
        i += 1
        if char == "*":
            out.append(".*")
        elif char == "?":
            out.append(".")
        elif char == "\\" and i < len(part):
            out.append(re.escape(part[i]))
            i += 1
        elif char == "[" and (end := part.find("]", i + 1 + (part[i : i + 1] in ("!", "^")))) > 0:
            inner = part[i:end]
            negated = inner[:1] in ("!", "^")
            out.append(f"[{'^' if negated else ''}{re.escape(inner[negated:]).replace(chr(92) + '-', '-')}]")
            i = end + 1
        else:
            out.append(re.escape(char))
    try:
        return re.compile("".join(out) + r"\Z", re.DOTALL)
    except re.error:  # a range that runs backwards: such a bracket matches no character
        return re.compile(r"(?!)")
