# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What servers write in their logs about handshakes: who came, with which protocol and suite, and when.

A stack knows its logs and how a line of them is read; opening them, with all that rotation left, is the same for all.
A log is written by strangers: a line is bytes, every pattern here takes time linear in the line, and what does not
match is counted, never guessed.
"""

from __future__ import annotations

import calendar
import contextlib
import os.path
import re
import stat
import time
import typing as t

from ..errors import InTransitError
from .host import split_lines

if t.TYPE_CHECKING:
    from .contract import Listener
    from .host import Host


class Handshake(t.NamedTuple):
    """One line of a log. ``time`` is in seconds since 1970, None where the line has none; ``client`` is the address of
    the peer, and ``protocol`` a protocol id, empty where the log does not tell it for sure. ``suite`` is a name as
    OpenSSL or IANA has it, ``port`` and ``name`` what the client came to; all empty when not told.
    """

    time: float | None
    client: str
    protocol: str
    suite: str
    port: str = ""
    name: str = ""


#: Reads one line, which is not newer than a time in seconds since 1970: a handshake, None where the line tells of
#: something else. Raises Unreadable when it makes no sense.
Reader = t.Callable[[bytes, float], t.Optional[Handshake]]


class Unreadable(Exception):
    """A line that is not in the form its log should have."""


class Writer(t.NamedTuple):
    """A listener that writes to a log, and the names lines may have for it: where none fits, its port tells."""

    listener: Listener
    names: tuple[str, ...]


class Source(t.NamedTuple):
    """A log in which handshakes stand, and who writes to it.

    ``paths`` are files whose rotated neighbours belong to them; those that do not exist are passed over.
    ``identifiers`` (SYSLOG_IDENTIFIER of systemd.journal-fields(7)) select what the journal has since the files were
    last written to. ``partly`` tells what of the writers' handshakes does not come here; empty when all do.
    """

    paths: tuple[str, ...]
    identifiers: tuple[str, ...]
    read: Reader
    writers: tuple[Writer, ...]
    partly: str = ""


class Logged(t.NamedTuple):
    """Where an instance tells of handshakes, and the listeners of which it tells nothing, with the reason."""

    sources: tuple[Source, ...]
    silent: tuple[tuple[Listener, str], ...]


# --- fields -----------------------------------------------------------------------------------------------------------

#: Words for protocols: SSL_get_version(3), and what other programs write.
_PROTOCOLS = {
    b"SSLv2": "SSLv2",
    b"SSLv3": "SSLv3",
    b"TLSv1": "TLSv1.0",
    b"TLSv1.0": "TLSv1.0",
    b"TLSv1.1": "TLSv1.1",
    b"TLSv1.2": "TLSv1.2",
    b"TLSv1.3": "TLSv1.3",
}

#: What stands in a log where there was no TLS.
_NOTHING = (b"", b"-", b"(NONE)", b"NONE", b"unknown")

#: What each kind of field may hold. None can match without bound, and none a quote.
KINDS = {
    "client": rb"[0-9A-Za-z.:_%-]{0,255}",
    "protocol": rb"[0-9A-Za-z./()_-]{0,32}",
    "suite": rb"[0-9A-Za-z()_-]{0,64}",
    "port": rb"[0-9-]{0,5}",
    "name": rb"[0-9A-Za-z.*_:~-]{0,255}",
    "common": rb"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8} [+-][0-9]{4}",
    "iso": rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{8}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})",
    "seconds": rb"[0-9]{1,11}(?:\.[0-9]{1,9})?",
    "milliseconds": rb"[0-9]{1,14}",
    "microseconds": rb"[0-9]{1,17}",
}
_TIMES = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6}

_MONTHS = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}


def protocol_id(word: bytes) -> str:
    """The protocol id of a word in a log, empty where there was no TLS. Raises Unreadable for any other word."""
    found = _PROTOCOLS.get(word)
    if found is None:
        if word in _NOTHING:
            return ""
        raise Unreadable
    return found


def moment(kind: str, text: bytes) -> float:
    """Seconds since 1970 of a time of that kind. Raises Unreadable when there is no such time."""
    try:
        if kind in _TIMES:
            return float(text) / _TIMES[kind]
        if kind == "common":
            day, month, year = int(text[:2]), _MONTHS[text[3:6]], int(text[7:11])
            clock, zone = text[12:20], text[-5:]
        else:
            year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
            clock = text[11:19]
            zone = b"+0000" if text.endswith(b"Z") else text[-6:].replace(b":", b"")[-5:]
        hour, minute, second = (int(part) for part in clock.split(b":"))
        offset = (int(zone[1:3]) * 60 + int(zone[3:])) * 60
        seconds = calendar.timegm((year, month, day, hour, minute, second))
        return float(seconds - offset if zone[:1] == b"+" else seconds + offset)
    except (KeyError, ValueError, OverflowError):
        raise Unreadable from None


class Field(t.NamedTuple):
    """A variable of a log format. ``kind`` is one of :data:`KINDS`; empty for what does not matter here. Of several of
    one kind the one of least ``rank`` is read."""

    kind: str = ""
    rank: int = 0


def compiled(parts: t.Sequence[str | Field], lead: bytes = b"") -> Reader:
    """The reader of a format that a program writes: literal texts and fields in turn. ``lead`` is a pattern of what
    stands before. Raises InTransitError when lines of that format do not tell what is needed.

    A field that does not matter ends where the next literal text begins; within quotes, at the next quote that no
    backslash is before. What comes behind the last field that matters is not looked at.
    """
    joined = _joined(parts)
    best: dict[str, int] = {}
    for place, part in enumerate(joined):
        if isinstance(part, Field) and part.kind:
            known = joined[best.get(part.kind, place)]
            if part.kind not in best or part.rank < t.cast(Field, known).rank:
                best[part.kind] = place
    missing = [f"for the {kind}" for kind in ("client", "protocol") if kind not in best]
    if missing:
        raise InTransitError(f"the format has no field {' and none '.join(missing)}")
    last = max(best.values())
    pattern = lead
    for place, part in enumerate(joined[: last + 2]):
        if isinstance(part, str):
            # Behind the last field the beginning of what follows is enough to show where it ends.
            literal = part.encode("utf-8", "surrogateescape")
            pattern += re.escape(literal if place <= last else literal[:1])
        elif best.get(part.kind) == place:
            pattern += b"(?P<%s>%s)" % (part.kind.encode(), KINDS[part.kind])
        elif place < last:
            pattern += _anything(joined[place + 1])
        else:
            raise InTransitError("two fields of the format have nothing between them")
    if last == len(joined) - 1:
        pattern += rb"\r?\Z"
    match = re.compile(pattern, re.DOTALL).match
    when = next((kind for kind in best if kind in ("common", "iso", *_TIMES)), None)
    optional = [kind if kind in best else None for kind in ("suite", "port", "name")]

    def read(line: bytes, _newest: float) -> Handshake | None:
        found = match(line)
        if found is None:
            raise Unreadable
        protocol = protocol_id(found["protocol"])
        if not protocol:
            return None
        given = (found[kind] if kind else b"" for kind in optional)
        suite, port, name = ("" if text in _NOTHING else text.decode("ascii") for text in given)
        moment_of = moment(when, found[when]) if when else None
        return Handshake(moment_of, client_of(found["client"]), protocol, suite, port, name)

    return read


def _joined(parts: t.Iterable[str | Field]) -> list[str | Field]:
    """The same with neighbouring texts as one, and none that is empty."""
    found: list[str | Field] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return found


def either(readers: t.Sequence[Reader]) -> Reader:
    """One reader of a log that has lines of several formats."""
    if len(readers) == 1:
        return readers[0]

    def read(line: bytes, newest: float) -> Handshake | None:
        for reader in readers:
            with contextlib.suppress(Unreadable):
                return reader(line, newest)
        raise Unreadable

    return read


def _anything(following: str | Field) -> bytes:
    if isinstance(following, Field):
        raise InTransitError("two fields of the format have nothing between them")
    literal = following.encode("utf-8", "surrogateescape")
    if literal[:1] == b'"':
        return rb'(?:[^"\\]|\\.)*'
    return b"[^%s]*" % re.escape(literal) if len(literal) == 1 else b"(?:(?!%s).)*" % re.escape(literal)


def client_of(text: bytes) -> str:
    """The address of a peer in its usual spelling; a Unix socket, which has none, is ``local``."""
    word = text.decode("ascii", "replace")
    if not word or word == "-" or word.startswith("unix:"):
        return "local"
    # An IPv4 client of a socket for both families (RFC 4291, section 2.5.5.2).
    return word[7:] if word.lower().startswith("::ffff:") and "." in word else word.lower()


# --- access logs of web servers ---------------------------------------------------------------------------------------


class AccessLog(t.NamedTuple):
    """A file that requests are logged to, its format, and the condition under which they are (empty: always)."""

    path: str
    form: str
    read: Reader
    condition: str

    @classmethod
    def best(cls, found: t.Sequence[AccessLog], reasons: t.Iterable[str], none: str) -> tuple[AccessLog | None, str]:
        """Of the logs that the same requests go to, the one to read, and what it leaves out. Without any, the reasons
        why others tell nothing, or ``none`` where there are no others."""
        if not found:
            return None, "; ".join(dict.fromkeys(reasons)) or none
        one = next((one for one in found if not one.condition), found[0])
        return one, f"only requests with {one.condition} are in {one.path}" if one.condition else ""


class Sources:
    """Collects access logs by their path."""

    def __init__(self) -> None:
        self._writers: dict[str, list[Writer]] = {}
        self._readers: dict[str, dict[str, Reader]] = {}
        self._partly: dict[str, list[str]] = {}

    def add(self, log: AccessLog, listener: Listener, gaps: t.Iterable[str]) -> None:
        """A listener writes to a log; ``gaps`` are what it leaves out."""
        self._writers.setdefault(log.path, []).append(Writer(listener, listener.names))
        self._readers.setdefault(log.path, {}).setdefault(log.form, log.read)
        self._partly.setdefault(log.path, []).extend(gaps)

    def all(self) -> tuple[Source, ...]:
        """One source for each path."""
        return tuple(
            Source(
                (path,),
                (),
                either(list(self._readers[path].values())),
                tuple(writers),
                "; ".join(dict.fromkeys(self._partly[path])),
            )
            for path, writers in self._writers.items()
        )


# --- lines that syslog has written ------------------------------------------------------------------------------------

#: What syslog daemons put before a message: RFC 3164 in local time and without a year, or RFC 3339; host and tag.
SYSLOG = re.compile(
    rb"(?:<[0-9]{1,3}>)?(?:(?P<bsd>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8})|(?P<iso>%s)) [^ ]{1,255} "
    rb"(?P<tag>[0-9A-Za-z._/-]{1,128})(?:\[[0-9]{1,10}\])?: " % KINDS["iso"]
)


def local_moment(text: bytes, newest: float, year: int | None = None) -> float:
    """Seconds since 1970 of ``Nov 22 01:20:00`` in local time; without a year, in the last one in which that is not
    after ``newest``. Raises Unreadable."""
    newest += 86400  # clocks differ, and lines are written while we read
    try:
        month, day = _MONTHS[text[:3]], int(text[4:6])
        hour, minute, second = (int(part) for part in text[7:15].split(b":"))
        last = time.localtime(newest).tm_year
        for candidate in [year] if year else [last, last - 1]:
            found = time.mktime((candidate, month, day, hour, minute, second, 0, 0, -1))
            if year or found <= newest:
                return found
    except (KeyError, ValueError, OverflowError):
        pass
    raise Unreadable


def stamped(line: bytes, newest: float) -> tuple[float, bytes, bytes]:
    """(time, tag, message) of a line of syslog that is not newer than ``newest``. Raises Unreadable."""
    found = SYSLOG.match(line)
    if found is None:
        raise Unreadable
    when = local_moment(found["bsd"], newest) if found["bsd"] else moment("iso", found["iso"])
    return when, found["tag"], line[found.end() :]


# --- opening logs -----------------------------------------------------------------------------------------------------

#: Bytes of one line that are looked at; of a longer one the rest is passed over.
LINE_MAX = 16384

#: What rotation adds to a name (logrotate(8), newsyslog(8)): a number or a date, and the ending of a packed file.
_ROTATED = r"(?:[.-][0-9][0-9T_.:-]{0,30})?"
_PACKED = r"(?:\.(?:gz|bz2|xz))?"


def rotated(host: Host, path: str) -> list[str]:
    """The log and what rotation left of it, newest first by the time of last change; a copy that is packed already
    beside the file itself is left out."""
    folder, name = os.path.split(host.realpath(path))
    stem, dot, ending = name.rpartition(".")
    middle = f"|{re.escape(stem)}{_ROTATED}{re.escape(dot + ending)}" if stem else ""
    matches = re.compile(f"(?:{re.escape(name)}{_ROTATED}{middle}){_PACKED}").fullmatch
    found = []
    with contextlib.suppress(OSError):
        names = host.listdir(folder)
        for one in names:
            if matches(one) and not (_unpacked(one) != one and _unpacked(one) in names):
                with contextlib.suppress(OSError):
                    found.append((-host.stat(f"{folder}/{one}").st_mtime, f"{folder}/{one}"))
    return [one for _age, one in sorted(found)]


def _unpacked(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return stem if dot and ending in ("gz", "bz2", "xz") else name


class Opened(t.NamedTuple):
    """One file of a log: its path, its lines as far as :data:`LINE_MAX`, and when it was last changed."""

    path: str
    lines: t.Iterator[bytes]
    changed: float


def opened(host: Host, source: Source, since: float, errors: list[str]) -> t.Iterator[Opened]:
    """The files of a log that were changed since then. What cannot be read is told in ``errors``."""
    seen = set()
    for path in (one for named in source.paths for one in rotated(host, named)):
        try:
            with contextlib.closing(host.open(path)) as raw:
                about = os.fstat(raw.fileno())
                if not stat.S_ISREG(about.st_mode):
                    errors.append(f"{path} is no file that could be read again")
                elif about.st_mtime >= since and (about.st_dev, about.st_ino) not in seen:
                    # Rotation may rename a file between two looks.
                    seen.add((about.st_dev, about.st_ino))
                    stream, damage = _plain(path, raw)
                    with contextlib.closing(stream):
                        yield Opened(path, _lines(stream, path, damage, errors), about.st_mtime)
        except (OSError, ImportError) as error:
            errors.append(f"{path}: {getattr(error, 'strerror', None) or error}")


def _plain(path: str, raw: t.BinaryIO) -> tuple[t.BinaryIO, tuple[type[BaseException], ...]]:
    """The bytes that were packed, and what is raised when they are damaged."""
    ending = path.rpartition(".")[2]
    stream: t.Any = raw
    damage: tuple[type[BaseException], ...] = (OSError, EOFError)
    if ending == "gz":
        import gzip
        import zlib

        stream, damage = gzip.GzipFile(fileobj=raw), (*damage, zlib.error)
    elif ending == "bz2":
        import bz2

        stream = bz2.BZ2File(raw)
    elif ending == "xz":
        import lzma

        stream = lzma.open(raw)  # noqa: SIM115  the caller closes it
        damage = (*damage, lzma.LZMAError)
    return stream, damage


def _lines(
    stream: t.BinaryIO, path: str, damage: tuple[type[BaseException], ...], errors: list[str]
) -> t.Iterator[bytes]:
    try:
        yield from split_lines(stream, LINE_MAX)
    except damage as error:
        errors.append(f"{path}: {getattr(error, 'strerror', None) or error}")


def journal(host: Host, source: Source, since: float, errors: list[str]) -> t.Iterator[bytes]:
    """What the journal has since then, in the form of ``journalctl -o short-iso``. Nothing where there is none."""
    program = host.which("journalctl") if source.identifiers else None
    if program is None:
        return
    options = ["--quiet", "--no-pager", "--output=short-iso", f"--since=@{max(0, int(since))}"]
    argv = [program, *options, *(f"--identifier={one}" for one in source.identifiers)]
    with contextlib.closing(host.lines(argv, LINE_MAX)) as lines:
        yield from lines
