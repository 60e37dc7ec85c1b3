# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The desk behind discovery: which sockets listen on this host, whose they are, and what they speak.

What is sent to whom is decided here, by one rule. A port whose protocol is known, by its number, its program or its
greeting, is asked in that protocol by the wire engine: as far as the start of TLS, and whether a session without TLS
would begin. No password is sent and nothing is handed over. Any other port gets a TLS hello, which every server can
tell from a request of its own. Ports of :data:`QUIET` get no byte, for what listens
there acts on bytes instead of reading them as a request, and with ``probe=greeting`` no port gets any.
"""

from __future__ import annotations

import functools
import json
import os
import typing as t

from ..baseline import model
from ..errors import InTransitError
from ..stacks import sockets
from ..wire import endpoint as endpoints
from ..wire import greeting
from ..wire.engine import ScanOptions
from .scan import scan

if t.TYPE_CHECKING:
    from ..baseline.model import Baseline
    from ..stacks.host import Host

    Json = t.Dict[str, t.Any]

PROBES = ("none", "greeting", "handshake")

#: Raw printing (whatever arrives is printed; nmap leaves the same ports alone), LPD, and protocols of industrial and
#: building control, whose devices are known to fail on what they do not expect.
QUIET = ("102", "502", "515", "9100-9107", "20000", "44818")

#: Schemes of ports, as IANA registers them. Of several for one port the first in ``endpoint`` is meant.
_BY_PORT = {
    **{port: scheme for scheme, (port, _dialogue) in reversed(list(endpoints.UPGRADED.items()))},
    **{port: scheme for scheme, port in endpoints.TLS_FIRST.items() if port},
    80: "http",
}

#: Programs that wait for their client to begin in plaintext, so that nothing but their name tells of their STARTTLS.
_BY_PROGRAM = {
    "postgres": "postgres",
    "pgbouncer": "postgres",
    "slapd": "ldap",
    "ns-slapd": "ldap",
    "xrdp": "rdp",
}

#: clone(2) flag of network namespaces.
_CLONE_NEWNET = 0x40000000


class Options(t.NamedTuple):
    """How to discover.

    ``quiet`` are further ports to be left alone, ``namespaces`` is ``all`` or ``own``: whether to look into other
    network namespaces than our own. In seconds: ``greeting`` for first words, ``read`` for an answer, ``endpoint`` for
    one port.
    """

    probe: str = "handshake"
    quiet: tuple[str, ...] = ()
    namespaces: str = "all"
    greeting: float = 1.5
    read: float = 3.0
    endpoint: float = 10.0


def discover(host: Host, baseline: Baseline | None = None, options: Options | None = None) -> Json:
    """``listeners``, ``addresses`` and ``hostname`` of this host. Plain JSON types.

    A listener:

    =================  ============================================================================================
    ``address``,       where it is bound; ``scope`` is ``any``, ``loopback`` or ``address``
    ``port``, ``scope``
    ``namespace``      name of its network namespace, null for our own
    ``process``        ``{"pid", "program", "command", "user"}``, the command without secrets
    ``package``,       empty when there is none, or it cannot be seen
    ``unit``,
    ``container``
    ``clients``        ``{"local", "remote"}``: connections open at that moment
    ``transport``      ``tls``, ``starttls``, ``plaintext``, ``ssh`` or ``unknown``
    ``scheme``         of an endpoint URI, null when it is not known
    ``endpoint``       the URI it was probed by, null when it was not
    ``detail``         what it rests on, in a few words
    ``verdict``        of ``findings.judge`` about that endpoint, null without a handshake
    ``protocols``      those accepted
    ``certificates``   facts of the leaf certificates served
    =================  ============================================================================================

    Raises InTransitError for options that mean nothing and where proc(5) is missing.
    """
    options, baseline = options or Options(), baseline or model.load("intermediate")
    quiet = ports((*QUIET, *options.quiet))
    try:
        found = sockets.listening(host, everywhere=options.namespaces == "all")
    except OSError as error:
        raise InTransitError(f"listening sockets cannot be read: {error}") from error
    listeners = [_listener(host, one) for one in found]
    programs = [one["process"]["program"] for one in listeners if not one["container"]]
    packages = sockets.packages(host, filter(None, programs))
    for one in listeners:
        one["package"] = "" if one["container"] else packages.get(one["process"]["program"], "")
    for namespace in dict.fromkeys(one["namespace"] for one in listeners):
        mine = [one for one in listeners if one["namespace"] == namespace]
        act = functools.partial(_probe, host, mine, quiet, baseline, options)
        answers = act() if namespace is None else _inside(mine, act)
        for one, answer in zip(mine, answers):
            one.update(answer)
    return {"listeners": listeners, "addresses": sockets.own_addresses(host), "hostname": host.hostname()}


def ports(texts: t.Iterable[str]) -> frozenset[int]:
    """Ports and ranges of them (``9100-9107``). Raises InTransitError for anything else."""
    found: set[int] = set()
    for text in texts:
        first, dash, last = str(text).partition("-")
        if not (first.isdigit() and (last.isdigit() or not dash)):
            raise InTransitError(f"{text!r} is no port; write a number, or a range such as 9100-9107")
        low, high = int(first), int(last or first)
        if not 0 < low <= high < 65536:
            raise InTransitError(f"{text!r} is no port: they go from 1 to 65535, the lower one first")
        found.update(range(low, high + 1))
    return frozenset(found)


def _listener(host: Host, one: sockets.Listening) -> Json:
    owner = sockets.owner(host, one.pids, f"{f'[{one.address}]' if ':' in one.address else one.address}:{one.port}")
    return {
        "address": one.address,
        "port": one.port,
        "scope": one.scope,
        "namespace": one.namespace,
        "process": {"pid": owner.pid, "program": owner.program, "command": owner.command, "user": one.user},
        "package": "",
        "unit": owner.unit,
        "container": owner.container,
        "clients": one.clients,
    }


# --- what they speak --------------------------------------------------------------------------------------------------


def _probe(
    host: Host, listeners: t.Sequence[Json], quiet: frozenset[int], baseline: Baseline, how: Options
) -> list[Json]:
    """The answer of each listener, in their order."""
    answers = [_unknown("not asked: probe=none") for _one in listeners]
    if how.probe == "none":
        return answers
    places = [(sockets.reached_by(host, one["address"]), one["port"]) for one in listeners]
    schemes = [_known_scheme(one) for one in listeners]
    asked = [index for index, one in enumerate(listeners) if one["port"] not in quiet]
    for index in set(range(len(listeners))) - set(asked):
        answers[index] = _unknown("no byte is sent to this port")
    everything = how.probe == "greeting"
    heard = greeting.listen([places[index] for index in asked if everything or not schemes[index]], how.greeting)
    open_ones = []
    for index in asked:
        said = heard.get(places[index], b"")
        protocol = greeting.recognise(said)
        if protocol is not None and protocol not in endpoints.SCHEMES:
            answers[index] = _without_tls(protocol)
        elif how.probe == "greeting":
            answers[index] = {**_unknown(f"greets as {protocol}" if protocol else "says nothing of its own accord")}
            answers[index]["scheme"] = protocol
        else:
            schemes[index] = schemes[index] or protocol or "tls"
            open_ones.append(index)
    for index, answer in _shake_hands(open_ones, places, schemes, baseline, how).items():
        answers[index] = answer
    return answers


def _shake_hands(
    indexes: t.Sequence[int],
    places: t.Sequence[greeting.Place],
    schemes: t.Sequence[str | None],
    baseline: Baseline,
    how: Options,
) -> dict[int, Json]:
    uris = {index: f"{schemes[index]}://{_in_uri(places[index][0])}:{places[index][1]}?sni=" for index in indexes}
    limits = ScanOptions(
        connect_timeout=how.read,
        read_timeout=how.read,
        greeting_timeout=max(how.read, how.endpoint - 2),
        patience=how.endpoint,
        # Our own host: every connection goes to another program.
        per_host=16,
    )
    reports = scan([uris[index] for index in indexes], baseline, limits) if indexes else []
    return {index: _answer(schemes[index] or "", report) for index, report in zip(indexes, reports)}


def _known_scheme(listener: Json) -> str | None:
    program = os.path.basename(listener["process"]["program"])
    return _BY_PORT.get(listener["port"]) or _BY_PROGRAM.get(program)


def _in_uri(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _unknown(detail: str) -> Json:
    return {
        "transport": "unknown",
        "scheme": None,
        "endpoint": None,
        "detail": detail,
        "verdict": None,
        "protocols": [],
        "certificates": [],
    }


def _without_tls(protocol: str) -> Json:
    """A protocol that has no TLS of ours: SSH brings its own encryption (RFC 4253), the others bring none."""
    transport = "ssh" if protocol == "ssh" else "plaintext"
    return {**_unknown(f"greets as {protocol}"), "transport": transport}


def _answer(scheme: str, report: Json) -> Json:
    """A wire report as the answer of a listener."""
    accepted = [name for name, seen in (report["protocols"] or {}).items() if seen["status"] == "accepted"]
    answer = {
        **_unknown(""),
        "endpoint": report["endpoint"],
        "verdict": report["verdict"],
        "protocols": accepted,
        "certificates": [served["chain"][0] for served in report["certificates"] if served["chain"]],
    }
    plain, http = report["plaintext"], (report["http"] or {}).get("plaintext")
    if accepted:
        upgraded = report["starttls"] is not None
        web = (report["features"] or {}).get("alpn") in ("h2", "http/1.1")
        answer["scheme"] = "https" if scheme == "tls" and web else scheme
        answer["transport"], answer["detail"] = "starttls" if upgraded else "tls", " ".join(accepted)
    elif plain is not None or http is not None:
        protocol = greeting.recognise((plain or {}).get("banner", "").encode()) or (None if scheme == "tls" else scheme)
        if protocol is not None and protocol not in endpoints.SCHEMES:
            return {**answer, **_without_tls(protocol), "endpoint": report["endpoint"], "verdict": None}
        answer["transport"], answer["scheme"] = "plaintext", protocol
        answer["detail"] = f"plaintext is {http}" if http else plain["detail"]
    elif not report["reachable"]:
        answer["detail"] = report["reason"]
    else:
        answer["detail"] = next((probe["detail"] for probe in report["probes"] if probe["detail"]), "no TLS was seen")
    return answer


# --- other network namespaces -----------------------------------------------------------------------------------------


def _inside(listeners: t.Sequence[Json], act: t.Callable[[], list[Json]]) -> list[Json]:
    """What ``act`` answers in the network namespace of these listeners.

    In a process of its own, which need not come back. Without the right to go there nothing is known of them.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reader)
            _enter(next(one["process"]["pid"] for one in listeners if one["process"]["pid"]))
            answer = json.dumps(act())
            with os.fdopen(writer, "w", encoding="ascii") as stream:
                stream.write(answer)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, encoding="ascii") as stream:
        text = stream.read()
    os.waitpid(child, 0)
    if not text:
        return [_unknown("it listens in another network namespace, which could not be entered") for _one in listeners]
    answers: list[Json] = json.loads(text)
    return answers


def _enter(pid: int) -> None:
    """Raises OSError."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    if libc.setns(handle, _CLONE_NEWNET) != 0:  # os.setns came with Python 3.12
        raise OSError(ctypes.get_errno(), "setns")
    os.close(handle)
