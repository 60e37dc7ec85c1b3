# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Many endpoints at once, in one thread: sockets and a poller around :class:`plan.Examination`.

A thread or an event loop of the library per connection costs three to nine times the processor time of this loop, and
importing one costs more than a whole verdict.

Polite by default: few connections at a time to one address, and none for a while to one that stops answering.
"""

from __future__ import annotations

import errno
import select
import struct
import time

from ..errors import EndpointError
from . import endpoint as endpoints_
from .answers import ACCEPTED, CLOSED, DEADLINE, INDETERMINATE, PLAINTEXT, RESET, TIMEOUT, UNREACHABLE, Answer, Outcome
from .endpoint import Endpoint
from .kit import Kit
from .lean import sha256, socket, strerror
from .plan import Examination, Probe, Talk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Iterator

    from ..baseline.model import Baseline

    Json = dict[str, Any]

#: A closed connection is reset, so that it does not keep a port of ours in TIME_WAIT.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

#: PROXY protocol v1 of a connection that is not forwarded for anyone: every receiver has to accept it (section 2.1).
_PROXY_HEADER = b"PROXY UNKNOWN\r\n"

_WAITING = frozenset((errno.EAGAIN, errno.EWOULDBLOCK, errno.EINPROGRESS, errno.ENOTCONN, errno.EALREADY))
#: One system call less for each connection where the kernel makes sockets that do not block.
_NONBLOCK = getattr(socket, "SOCK_NONBLOCK", 0)
_STREAM = socket.SOCK_STREAM | _NONBLOCK

_READ_SIZE = 8192

#: After the events of one in so many connections, others are opened in place of those that are done:
#: endpoints always have something to answer while we think.
_AT_ONCE = 4

_NEVER = float("inf")

#: Resets and timeouts in a row after which an endpoint is asked whether it is still there, before anything else.
_STREAK = 2

#: Seconds to leave it alone when it is not, before it is asked again. After the last time it is given up.
_PAUSES = (1.0, 4.0, 12.0)

#: Pause after a server said that it is being asked too much.
_PAUSE_LIMITED = 5.0

#: Finished reports held back at most for one that comes earlier in the order and is not finished.
_HELD = 4096


_CONNECT, _DIALOGUE, _READ = 0, 1, 2


class ScanOptions:
    """How to scan. Times are in seconds, 0 means no limit.

    ``detail``            ``verdict`` (what decides, few connections) or ``full`` (everything the endpoint accepts)
    ``http``              whether to ask https endpoints for their Strict-Transport-Security header
    ``connect_timeout``   for a TCP connection
    ``read_timeout``      from a hello to the decision
    ``greeting_timeout``  for the first words of a server that speaks before TLS
    ``patience``          for one endpoint; ``deadline`` for the whole scan
    ``per_host``          connections to one address at a time; ``concurrency`` in all
    ``rate``              new connections to one address in a second
    ``der``               whether reports hold the certificates themselves, too
    """

    __slots__ = (
        "concurrency",
        "connect_timeout",
        "deadline",
        "der",
        "detail",
        "greeting_timeout",
        "http",
        "patience",
        "per_host",
        "rate",
        "read_timeout",
    )

    def __init__(
        self,
        detail: str = "verdict",
        connect_timeout: float = 3.0,
        read_timeout: float = 5.0,
        greeting_timeout: float = 25.0,
        deadline: float = 0.0,
        patience: float = 120.0,
        per_host: int = 4,
        concurrency: int = 128,
        rate: float = 0.0,
        http: bool = False,
        der: bool = False,
    ) -> None:
        if detail not in ("verdict", "full"):
            raise ValueError(f"detail {detail!r}: must be verdict or full")
        self.detail, self.http, self.der = detail, http, der
        self.connect_timeout, self.read_timeout, self.greeting_timeout = connect_timeout, read_timeout, greeting_timeout
        self.deadline, self.patience = deadline, patience
        self.per_host, self.concurrency, self.rate = max(per_host, 1), max(concurrency, 1), rate


def scan(
    endpoints: Iterable[str | Endpoint],
    baseline: Baseline,
    options: ScanOptions | None = None,
    on_report: Callable[[Json], None] | None = None,
) -> list[Json]:
    """Wire reports in the order of ``endpoints``; a name with several addresses gives one for each, next to each other.

    With ``on_report`` each report goes there instead, as soon as those before it are out, and the list stays empty.
    Raises EndpointError for an endpoint that cannot be understood, before anything is connected to.
    """
    found: list[Json] = []
    for report in stream(endpoints, baseline, options):
        (on_report or found.append)(report)
    return found


def stream(
    endpoints: Iterable[str | Endpoint],
    baseline: Baseline,
    options: ScanOptions | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Iterator[Json]:
    """The same, one report at a time. ``meanwhile`` is called once, when the first questions are out."""
    options = options or ScanOptions()
    parsed = [item if isinstance(item, Endpoint) else endpoints_.parse(item) for item in endpoints]
    for endpoint in parsed:
        if options.detail == "full" and endpoint.upgrade == "mysql":
            # MySQL and MariaDB count every connection without a login against its client's host, and at
            # max_connect_errors (100 by default) refuse that host and every application on it.
            why = "hundreds of connections without a login would lock this host out of the database"
            raise EndpointError(endpoint.uri, f"{why} (max_connect_errors); scan it with detail=verdict")
    return _Scan(parsed, baseline, options, meanwhile).run()


class _Target:
    """One address of one endpoint under examination.

    ``queue`` holds what is to be asked next, ``open`` counts what the examination waits for. ``check`` is the control
    that is to show whether an endpoint that went silent is still there, ``pauses`` how often it was left alone;
    ``steady`` says that it was there, so that silence is only its way of refusing, ``gone`` that it was not. ``until``
    is the time at which patience with it ends.
    """

    __slots__ = (
        "active",
        "address",
        "began",
        "check",
        "examination",
        "family",
        "gone",
        "host",
        "limit",
        "not_before",
        "offered",
        "open",
        "pauses",
        "place",
        "queue",
        "sockaddr",
        "started",
        "steady",
        "steps",
        "streak",
        "until",
    )

    def __init__(
        self, place: int, endpoint: Endpoint, family: int, sockaddr: Any, kit: Kit, host: _Host, options: ScanOptions
    ) -> None:
        self.place, self.family, self.sockaddr, self.host = place, family, sockaddr, host
        self.address: str = sockaddr[0]
        self.examination = Examination(endpoint, kit, options.detail == "full", options.http)
        self.examination.keep_der = options.der
        self.steps = self.examination.steps()
        self.queue: list[Any] = []
        self.active = self.open = self.streak = self.pauses = 0
        self.limit = options.per_host
        self.not_before = 0.0
        self.offered = self.steady = self.gone = False
        self.check: Probe | None = None
        self.began = 0.0
        self.until = _NEVER
        self.started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class _Host:
    """One address as a neighbour to be polite to. ``waiting`` are the targets there that have something to ask."""

    __slots__ = ("active", "not_before", "ready", "waiting")

    def __init__(self) -> None:
        self.active = 0
        self.not_before = 0.0
        self.waiting: list[_Target] = []
        self.ready = False


class _Connection:
    """One socket on its way from connecting to an outcome."""

    __slots__ = ("answer", "began", "deadline", "dialogue", "fd", "pending", "phase", "probe", "sock", "target")

    def __init__(self, target: _Target, probe: Any, sock: Any, began: float) -> None:
        self.target, self.probe, self.sock, self.began = target, probe, sock, began
        self.fd = sock.fileno()
        self.dialogue: Any = None
        self.answer: Answer | None = None
        self.pending = b""
        self.phase = _CONNECT
        self.deadline = 0.0


class _Epoll:
    """The poller of Linux."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self.poll = self._epoll.poll
        self.close = self._epoll.close

    def watch(self, connection: _Connection, writing: bool) -> None:
        self._epoll.register(connection.fd, select.EPOLLOUT if writing else select.EPOLLIN)

    def change(self, connection: _Connection, writing: bool) -> None:
        self._epoll.modify(connection.fd, select.EPOLLOUT if writing else select.EPOLLIN)

    def forget(self, connection: _Connection) -> None:
        """Closing the socket is enough."""


class _Selector:
    """Whatever poller the platform has."""

    def __init__(self) -> None:
        import selectors  # not on Linux

        self._selector = selectors.DefaultSelector()
        self._events = {False: selectors.EVENT_READ, True: selectors.EVENT_WRITE}
        self.close = self._selector.close

    def poll(self, timeout: float, _most: int) -> list[tuple[int, int]]:
        return [(key.fd, mask) for key, mask in self._selector.select(timeout)]

    def watch(self, connection: _Connection, writing: bool) -> None:
        self._selector.register(connection.fd, self._events[writing])

    def change(self, connection: _Connection, writing: bool) -> None:
        self._selector.modify(connection.fd, self._events[writing])

    def forget(self, connection: _Connection) -> None:
        if connection.fd in self._selector.get_map():
            self._selector.unregister(connection.fd)


class _Scan:
    """One run over a list of endpoints."""

    def __init__(
        self,
        endpoints: list[Endpoint],
        baseline: Baseline,
        options: ScanOptions,
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        self.endpoints, self.options, self.meanwhile = endpoints, options, meanwhile
        self.kit = Kit(baseline)
        self.hosts: dict[str, _Host] = {}
        self.ready: list[_Host] = []
        self.resting: list[_Target] = []
        self.connections: dict[int, _Connection] = {}
        self.poller: Any = _Epoll() if hasattr(select, "epoll") else _Selector()
        self.done: dict[int, Json] = {}
        self.unfinished = 0
        self.next_expiry = _NEVER
        self.deadline = time.monotonic() + options.deadline if options.deadline else _NEVER

    def run(self) -> Iterator[Json]:
        """Reports in order. Ends every connection however it is left."""
        targets = self._targets()
        place = 0
        exhausted = False
        try:
            while True:
                # Enough examinations under way that every connection allowed can be used.
                while not exhausted and self.unfinished < self.options.concurrency and len(self.done) < _HELD:
                    target = next(targets, None)
                    if target is None:
                        exhausted = True
                    else:
                        self._begin(target)
                while place in self.done:
                    yield self.done.pop(place)
                    place += 1
                if self.unfinished:
                    self._launch()
                    if self.meanwhile is not None:
                        self.meanwhile()
                        self.meanwhile = None
                    self._wait()
                elif exhausted and not self.done:
                    return
        finally:
            for connection in self.connections.values():
                connection.sock.close()
            self.poller.close()

    # --- targets ----------------------------------------------------------------------------------------------------

    def _targets(self) -> Iterator[_Target]:
        place = 0
        addresses = _resolve(self.endpoints)
        for endpoint in self.endpoints:
            for family, sockaddr in addresses(endpoint):
                host = self.hosts.get(sockaddr[0])
                if host is None:
                    host = self.hosts[sockaddr[0]] = _Host()
                yield _Target(place, endpoint, family, sockaddr, self.kit, host, self.options)
                place += 1

    def _begin(self, target: _Target) -> None:
        self.unfinished += 1
        if target.family:
            self._advance(target)
        else:
            target.examination.unresolved().conclude(Outcome(UNREACHABLE, target.sockaddr[1]))
            self._finish(target)

    def _advance(self, target: _Target) -> None:
        """Let the examination go on, and queue what it wants next."""
        wave = next(target.steps, None)
        if wave is None:
            self._finish(target)
            return
        target.open = len(wave)
        target.queue += wave
        self._offer(target)

    def _finish(self, target: _Target) -> None:
        milliseconds = (time.monotonic() - target.began) * 1000 if target.began else 0.0
        from .report import assemble  # not before there is something to report

        self.done[target.place] = assemble(target.examination, target.address, target.started, milliseconds)
        self.unfinished -= 1

    def _offer(self, target: _Target) -> None:
        """Let a target's questions be asked as soon as the limits allow."""
        if not target.queue or target.offered or target.active >= target.limit:
            return
        target.offered = True
        if target.not_before and target.not_before > time.monotonic():
            self.resting.append(target)
            return
        target.host.waiting.append(target)
        self._make_ready(target.host)

    def _make_ready(self, host: _Host) -> None:
        if host.waiting and not host.ready and host.active < self.options.per_host:
            host.ready = True
            self.ready.append(host)

    def _rest(self, target: _Target, seconds: float) -> None:
        """Leave an endpoint alone for a while, and then ask it one thing at a time."""
        target.limit = 1
        target.not_before = time.monotonic() + seconds
        if target.offered and target in target.host.waiting:
            target.host.waiting.remove(target)
            target.offered = False
        self._offer(target)

    # --- connections ------------------------------------------------------------------------------------------------

    def _launch(self) -> None:
        """Open as many connections as the limits allow."""
        now = time.monotonic()
        over = now >= self.deadline
        for target in [one for one in self.resting if over or one.not_before <= now]:
            self.resting.remove(target)
            target.host.waiting.append(target)
            self._make_ready(target.host)
        most, at_once = self.options.concurrency, self.options.per_host
        blocked: list[_Host] = []
        while self.ready and len(self.connections) < most:
            host = self.ready.pop()
            while host.waiting and host.active < at_once and len(self.connections) < most:
                if host.not_before > now and not over:
                    break
                target = host.waiting.pop(0)
                probe = target.queue.pop(0)
                target.offered = False
                self._open(target, probe)
                self._offer(target)
                if self.options.rate:
                    host.not_before = now + 1.0 / self.options.rate
            host.ready = bool(host.waiting) and host.active < at_once
            if host.ready:
                blocked.append(host)
        self.ready += blocked

    def _open(self, target: _Target, probe: Any) -> None:
        now = time.monotonic()
        if not target.began:
            target.began = now
            target.until = min(self.deadline, now + (self.options.patience or _NEVER))
        if target.gone or now >= target.until:
            why = "the endpoint stopped answering" if target.gone else "the time for it is over"
            self._conclude(target, probe, Outcome(INDETERMINATE, f"not asked: {why}"))
            return
        try:
            sock = socket.socket(target.family, _STREAM)
        except OSError as error:  # no file descriptor left: nothing about the endpoint
            self._conclude(target, probe, Outcome(INDETERMINATE, f"no socket: {error.strerror}"))
            return
        target.active += 1
        target.host.active += 1
        probe.attempts += 1
        if not _NONBLOCK:
            sock.setblocking(False)
        connection = _Connection(target, probe, sock, now)
        self.connections[connection.fd] = connection
        code = sock.connect_ex(target.sockaddr)
        if code and code not in _WAITING:
            self._fail(connection, code)
            return
        self._prepare(connection)
        # On a short way the connection stands already, and one wait is saved.
        out = connection.dialogue is None and self._send(connection, first=True)
        if not out and connection.fd in self.connections:
            self._set_deadline(connection, now, self.options.connect_timeout)
            self.poller.watch(connection, writing=True)

    def _set_deadline(self, connection: _Connection, now: float, seconds: float) -> None:
        connection.deadline = deadline = min(now + seconds, connection.target.until)
        self.next_expiry = min(self.next_expiry, deadline)

    def _prepare(self, connection: _Connection) -> None:
        """What is to be sent once the connection stands."""
        probe, endpoint = connection.probe, connection.target.examination.endpoint
        if endpoint.proxy_protocol:
            connection.pending = _PROXY_HEADER
        if isinstance(probe, Talk):
            connection.dialogue = probe.begin()
        elif endpoint.upgrade is not None:
            from . import starttls  # only where a protocol begins in plaintext

            connection.dialogue = starttls.DIALOGUES[endpoint.upgrade](endpoint.sni or endpoint.host)
        else:
            self._ask(connection)

    def _ask(self, connection: _Connection) -> None:
        """Queue the hello and be ready for its answer."""
        probe = connection.probe
        flight = probe.flight
        data = probe.hello.encode(probe.sni, flight.share if flight else None)
        probe.digest, probe.length = sha256(data).hexdigest(), len(data)
        connection.pending += data
        connection.answer = Answer(probe.hello)
        if flight is not None:
            flight.sent = data
            connection.answer.unseal = flight.open

    def _send(self, connection: _Connection, first: bool = False) -> bool:
        """Send what is pending. True when all of it is out; a failed connection is concluded."""
        try:
            sent = connection.sock.send(connection.pending)
        except OSError as error:
            if error.errno not in _WAITING:
                self._fail(connection, error.errno or 0)
            return False
        connection.pending = connection.pending[sent:]
        if connection.pending:
            return False
        self._listen(connection, first)
        return True

    def _listen(self, connection: _Connection, first: bool) -> None:
        options = self.options
        if connection.answer is not None:
            connection.phase, wait = _READ, options.read_timeout
        else:
            wait = options.greeting_timeout if connection.phase == _CONNECT else options.read_timeout
            connection.phase = _DIALOGUE
        self._set_deadline(connection, time.monotonic(), wait)
        (self.poller.watch if first else self.poller.change)(connection, writing=False)

    def _wait(self) -> None:
        """Wait for the next event and handle what happened."""
        if self.ready and len(self.connections) < self.options.concurrency:
            wake = min((host.not_before for host in self.ready), default=_NEVER)
        else:
            wake = _NEVER
        if self.resting:
            wake = min(wake, *(target.not_before for target in self.resting))
        wake = min(wake, self.next_expiry, self.deadline)
        now = time.monotonic()
        if not self.connections:
            if wake != _NEVER:
                time.sleep(max(wake - now, 0.0))
            return
        for fd, _mask in self.poller.poll(max(wake - now, 0.0), len(self.connections) // _AT_ONCE or 1):
            connection = self.connections.get(fd)
            if connection is not None:
                self._step(connection)
        now = time.monotonic()
        if now >= self.next_expiry:
            self._expire(now)

    def _step(self, connection: _Connection) -> None:
        if connection.phase == _CONNECT:
            code = connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                self._fail(connection, code)
            elif connection.dialogue is not None:
                self._converse(connection, None, begin=True)
            else:
                self._send(connection)
            return
        if connection.pending:
            self._send(connection)
            return
        try:
            data = connection.sock.recv(_READ_SIZE)
        except OSError as error:
            if error.errno not in _WAITING:
                self._ended(connection, RESET)
            return
        if connection.phase == _DIALOGUE:
            self._converse(connection, data or None)
        elif not data:
            self._ended(connection, CLOSED)
        elif connection.answer is not None and connection.answer.feed(data):
            self._answered(connection)

    def _converse(self, connection: _Connection, data: bytes | None, begin: bool = False) -> None:
        """Give the dialogue what came (None: closed) and send what it says."""
        from . import starttls  # loaded already when there is a dialogue

        probe = connection.probe
        try:
            say = next(connection.dialogue) if begin else connection.dialogue.send(data)
        except StopIteration as stop:
            if isinstance(probe, Talk):
                self._settle_talk(connection, stop.value, "")
                return
            probe.facts = stop.value.facts
            connection.pending += stop.value.preamble
            self._ask(connection)
        except starttls.DialogueEnd as end:
            self._dialogue_failed(connection, end)
            return
        else:
            connection.pending += say
            if data is None and not begin and not say:
                self._ended(connection, CLOSED)
                return
        if connection.pending:
            if not self._send(connection) and connection.fd in self.connections:
                self.poller.change(connection, writing=True)
        else:
            self._listen(connection, first=False)

    def _dialogue_failed(self, connection: _Connection, end: Any) -> None:
        from . import starttls  # see above

        if isinstance(connection.probe, Talk):
            self._settle_talk(connection, None, end.detail)
            return
        connection.probe.facts = end.facts
        if isinstance(end, starttls.Plaintext):
            outcome = Outcome(PLAINTEXT, end.detail)
        else:
            outcome = Outcome(INDETERMINATE, end.detail)
        if isinstance(end, starttls.RateLimited):
            connection.probe.limited = True
            self._rest(connection.target, _PAUSE_LIMITED)
        self._close(connection, outcome)

    def _settle_talk(self, connection: _Connection, result: Any, error: str) -> None:
        connection.probe.result, connection.probe.error = result, error
        self._close(connection, None)

    # --- ends -------------------------------------------------------------------------------------------------------

    def _answered(self, connection: _Connection) -> None:
        connection.target.streak = 0
        answer = connection.answer
        self._close(connection, answer.outcome() if answer is not None else None)

    def _ended(self, connection: _Connection, end: str) -> None:
        """The connection ended, or its time did, before there was a decision."""
        if end != CLOSED:
            self._missed(connection)
        answer = connection.answer
        if answer is not None:
            answer.finish(end)
            self._close(connection, answer.outcome())
        elif isinstance(connection.probe, Talk):
            self._settle_talk(connection, None, f"connection {end}")
        else:
            self._close(connection, Outcome(INDETERMINATE, f"{end} before TLS could begin"))

    def _fail(self, connection: _Connection, code: int) -> None:
        """No connection came about, or it broke before the hello was out."""
        self._missed(connection)
        self._close(connection, Outcome(UNREACHABLE, f"no connection: {strerror(code)}"))

    def _expire(self, now: float) -> None:
        for connection in [one for one in self.connections.values() if one.deadline <= now]:
            over = now >= connection.target.until
            if connection.phase == _CONNECT:
                self._missed(connection)
                self._close(connection, Outcome(UNREACHABLE, "no connection in time"))
            else:
                self._ended(connection, DEADLINE if over else TIMEOUT)
        self.next_expiry = min((one.deadline for one in self.connections.values()), default=_NEVER)

    def _missed(self, connection: _Connection) -> None:
        """No connection, a reset or a timeout. After two in a row: is it still there, or is that how it refuses?"""
        target = connection.target
        target.streak += 1
        if target.streak < _STREAK or target.steady or target.check is not None:
            return
        check = target.examination.check()
        if check is not None:
            target.check, target.limit = check, 1
            target.open += 1
            target.queue.insert(0, check)

    def _checked(self, target: _Target, check: Probe) -> None:
        """What the check of an endpoint that went silent showed."""
        target.check, target.streak = None, 0
        if check.status == ACCEPTED:
            if not target.pauses:
                target.steady, target.limit = True, self.options.per_host
            return
        target.examination.limits = True
        if target.pauses < len(_PAUSES):
            target.check = check
            target.open += 1
            target.queue.insert(0, check)
            self._rest(target, _PAUSES[target.pauses])
            target.pauses += 1
        else:
            target.gone = True

    def _close(self, connection: _Connection, outcome: Outcome | None) -> None:
        del self.connections[connection.fd]
        self.poller.forget(connection)
        try:  # noqa: SIM105  contextlib.suppress costs a tenth of the whole step
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        except OSError:
            pass  # it is gone already
        connection.sock.close()
        if connection.dialogue is not None:
            connection.dialogue.close()
        target = connection.target
        target.active -= 1
        target.host.active -= 1
        if isinstance(connection.probe, Probe):
            connection.probe.milliseconds = (time.monotonic() - connection.began) * 1000
        self._conclude(target, connection.probe, outcome, connection.answer)
        self._offer(target)
        self._make_ready(target.host)

    def _conclude(self, target: _Target, probe: Any, outcome: Outcome | None, answer: Answer | None = None) -> None:
        """Note an outcome; the last one of a wave lets the examination go on."""
        if isinstance(probe, Probe):
            if outcome is not None:
                probe.conclude(outcome, answer)
            if probe is target.check:
                self._checked(target, probe)
        elif outcome is not None:
            probe.error, probe.reached = outcome.detail, outcome.status != UNREACHABLE
        target.open -= 1
        if not target.open:
            self._advance(target)


def _resolve(endpoints: list[Endpoint]) -> Callable[[Endpoint], list[tuple[int, Any]]]:
    """A function from endpoints to (family, socket address), with every name looked up once and before anything else.

    A name without an address gives family 0 and (name, why).
    """
    names = sorted({endpoint.host for endpoint in endpoints if not endpoint.literal})
    if len(names) > 1:
        # The resolver blocks; a scan must not stand still for each dead name in turn.
        from concurrent.futures import ThreadPoolExecutor  # only for several names

        with ThreadPoolExecutor(min(len(names), 16)) as pool:
            known = dict(zip(names, pool.map(_look_up, names)))
    else:
        known = {name: _look_up(name) for name in names}

    def addresses(endpoint: Endpoint) -> list[tuple[int, Any]]:
        found = known.get(endpoint.host)
        if found is None:
            family = endpoints_.address_family(endpoint.host) or 0
            return [(family, endpoints_.sockaddr(endpoint.host, family, endpoint.port))]
        return [(family, endpoints_.sockaddr(address, family, endpoint.port)) for family, address in found]

    return addresses


def _look_up(name: str) -> list[tuple[int, str]]:
    """Addresses of a name, IPv6 first as the system orders them, or [(0, why there is none)]."""
    try:
        infos = socket.getaddrinfo(name.encode("ascii"), None, 0, socket.SOCK_STREAM)
    except OSError as error:
        return [(0, f"{name} does not resolve: {error.strerror or error.args[-1]}")]
    return list(dict.fromkeys((family, str(sockaddr[0])) for family, _type, _proto, _name, sockaddr in infos))
