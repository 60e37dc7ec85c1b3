# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a client offers: the ClientHello it sends, as a wire report.

The other end of the question the rest of this room asks. A client that sends supported_versions (RFC 8446, section
4.2.1) names every version it takes. One that does not names only the newest: whether it would take an older one, its
hello cannot tell, and the report says so.
"""

from __future__ import annotations

import struct

from ..baseline import groups, signatures, suites
from .answers import ACCEPTED, INDETERMINATE, REFUSED
from .hello import (
    COMPRESSIONS,
    EXTENDED_MASTER_SECRET,
    FALLBACK_SCSV,
    PROTOCOL,
    RENEGOTIATION_INFO,
    RENEGOTIATION_SCSV,
    SIGNATURE_ALGORITHMS,
    SSL2,
    SUPPORTED_GROUPS,
    SUPPORTED_VERSIONS,
    TLS12,
    TLS13,
)
from .lean import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..baseline.model import Baseline

    Json = dict[str, Any]

_HANDSHAKE, _CLIENT_HELLO = 22, 1

#: Name of the one probe of such a report: nothing was asked, it was listened to.
_PROBE = "client_hello"


class Unreadable(Exception):
    """Bytes that are no ClientHello. The text tells what they are."""


class Offer:
    """One ClientHello: code points in the client's order, without GREASE (RFC 8701) and signalling values.

    ``versions`` is None when the client names only its newest version, ``newest``.
    """

    __slots__ = ("compressions", "extensions", "groups", "newest", "schemes", "suites", "versions")

    def __init__(self, message: bytes) -> None:
        at = _Reader(message)
        self.newest = at.number(2)
        at.take(32)
        at.take(at.number(1))
        self.suites = at.numbers(at.number(2))
        self.compressions = tuple(at.take(at.number(1)))
        self.extensions: dict[int, bytes] = {}
        if at.left:
            inner = _Reader(at.take(at.number(2)))
            while inner.left:
                kind = inner.number(2)
                self.extensions[kind] = inner.take(inner.number(2))
        self.groups = self._numbers(SUPPORTED_GROUPS, 2)
        self.schemes = self._numbers(SIGNATURE_ALGORITHMS, 2)
        self.versions = self._numbers(SUPPORTED_VERSIONS, 1) if SUPPORTED_VERSIONS in self.extensions else None

    def _numbers(self, kind: int, width: int) -> tuple[int, ...]:
        at = _Reader(self.extensions.get(kind, bytes(width)))
        return tuple(code for code in at.numbers(at.number(width)) if not suites.is_grease(code))


class _Reader:
    """Fields of a TLS message, in order."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, length: int) -> bytes:
        if length > self.left:
            raise Unreadable("a ClientHello that ends too early")
        self._at += length
        return self._data[self._at - length : self._at]

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def numbers(self, length: int) -> tuple[int, ...]:
        return struct.unpack(f">{length // 2}H", self.take(length - length % 2))


def message(stream: bytes) -> bytes:
    """The body of the ClientHello at the beginning of a stream of records. Raises Unreadable."""
    if not stream:
        raise Unreadable("the client said nothing")
    if stream[0] & 0x80 and stream[2:3] == b"\1":
        raise Unreadable("an SSLv2 CLIENT-HELLO")
    body = b""
    at = 0
    while at + 5 <= len(stream) and stream[at] == _HANDSHAKE:
        length = int.from_bytes(stream[at + 3 : at + 5], "big")
        body += stream[at + 5 : at + 5 + length]
        at += 5 + length
    if body[:1] != bytes([_CLIENT_HELLO]):
        raise Unreadable(f"no TLS handshake: {stream[:32]!r}")
    length = int.from_bytes(body[1:4], "big")
    if len(body) < 4 + length:
        raise Unreadable("a ClientHello that ends too early")
    return body[4 : 4 + length]


def blank(endpoint: str, scheme: str, started: str) -> Json:
    """A report of an end that was not heard, or not yet: it proves nothing."""
    return {
        "endpoint": endpoint,
        "address": "",
        "port": 0,
        "sni": None,
        "scheme": scheme,
        "reachable": False,
        "alive": False,
        "plaintext": None,
        "starttls": None,
        "protocols": {},
        "suites": {},
        "groups": {},
        "signatures": {},
        "features": {},
        "certificates": [],
        "http": None,
        "probes": [],
        "connections": 1,
        "milliseconds": 0.0,
        "started": started,
    }


def heard(probe: str, stream: bytes) -> Json:
    """The one probe of a report about what an end sent by itself."""
    return {
        "id": probe,
        "hello_sha256": sha256(stream).hexdigest(),
        "hello_length": len(stream),
        "outcome": ACCEPTED,
        "alert": None,
        "detail": "",
        "response": stream[:64].hex(),
        "attempts": 1,
        "milliseconds": 0.0,
    }


def report(endpoint: str, stream: bytes, baseline: Baseline, started: str) -> Json:
    """The wire report of what a client named ``endpoint`` offers; ``accepted`` there means offered.

    ``stream`` is what it sent first. Bytes that are no ClientHello give a report that proves nothing.
    """
    found = blank(endpoint, "hello", started)
    try:
        offer = Offer(message(stream))
    except Unreadable as error:
        found["reason"] = str(error)
        return found
    versions = offer.versions
    offered = [PROTOCOL[code] for code in versions or (min(offer.newest, TLS12),) if code in PROTOCOL]
    found["reachable"] = True
    found["probes"] = [heard(_PROBE, stream)]
    found["protocols"] = _protocols(offered, versions is not None, min(offer.newest, TLS12))
    below13 = [name for name in offered if name != PROTOCOL[TLS13]]
    found["suites"] = _names(offer.suites, suites.name_of, baseline.forbids_suite, "suite", offered)
    found["groups"] = _names(offer.groups, groups.name_of, baseline.forbids_group, "group", offered)
    hybrids = [name for name in map(groups.name_of, offer.groups) if "MLKEM" in name]
    found["groups"]["hybrid_pq"] = hybrids[0] if hybrids else False if offer.groups else None
    found["signatures"] = _names(
        offer.schemes, signatures.name_of, baseline.forbids_signature_scheme, "scheme", offered
    )
    scsv = RENEGOTIATION_SCSV in offer.suites
    found["features"] = {
        "compression": next(
            (kind for code, kind in COMPRESSIONS.items() if code and code in offer.compressions), False
        ),
        "secure_renegotiation": scsv or RENEGOTIATION_INFO in offer.extensions if below13 else None,
        "extended_master_secret": EXTENDED_MASTER_SECRET in offer.extensions if below13 else None,
    }
    usable = any(not baseline.forbids_suite(name) for name in map(suites.name_of, offer.suites))
    found["alive"] = usable and any(name in baseline.protocols for name in offered)
    return found


def _protocols(offered: list[str], all_named: bool, newest: int) -> Json:
    found: Json = {}
    for code, name in PROTOCOL.items():
        status, detail = REFUSED, "not offered"
        if name in offered:
            status, detail = ACCEPTED, "offered"
        elif code == SSL2:
            detail = "no SSLv2 CLIENT-HELLO was sent"
        elif not all_named and code < newest:
            status, detail = INDETERMINATE, "only the newest version is named in this hello"
        found[name] = {"status": status, "probe": _PROBE, "detail": detail}
    return found


def _names(codes: tuple[int, ...], name_of: Any, forbids: Any, noun: str, offered: list[str]) -> Json:
    """Suites, groups or signatures, as in the report of a server."""
    selected: Json = {}
    forbidden = []
    names = []
    for code in codes:
        if suites.is_grease(code) or code in (RENEGOTIATION_SCSV, FALLBACK_SCSV):
            continue
        name = name_of(code)
        if noun == "suite":
            # What belongs to a version that is not offered is never used.
            usable = [one for one in offered if (one == PROTOCOL[TLS13]) is (code >> 8 == 0x13)]
        else:
            usable = offered
        if not usable:
            continue
        names.append(name)
        selected.setdefault(usable[0], name)
        if forbids(name):
            forbidden.append({"protocol": usable[0], noun: name, "probe": _PROBE})
    status = ACCEPTED if forbidden else REFUSED if names else INDETERMINATE
    return {"selected": selected, "forbidden": forbidden, "status": status, "offered": names}
