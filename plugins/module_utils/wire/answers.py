# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What came back: an incremental reader of a server's first flight, and what the flight means for the question.

The reader takes any bytes in any pieces, never raises for them, and keeps at most ``LIMIT`` of them. The meaning is
the same however the bytes were cut.
"""

from __future__ import annotations

import struct

from .hello import (
    ALPN,
    KEY_SHARE,
    PROTOCOL,
    SSL2,
    SSL2_CIPHERS,
    SSL3,
    STATUS_REQUEST,
    SUPPORTED_VERSIONS,
    TLS12,
    TLS13,
    UNTIL_FLIGHT,
    UNTIL_HELLO,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from .hello import Hello

#: Bytes read from one connection at most.
LIMIT = 65536

#: Bytes of an answer kept as evidence.
KEPT = 64

# Status of one probe.
ACCEPTED = "accepted"
REFUSED = "refused"
SOFT = "soft_refusal"
INDETERMINATE = "indeterminate"
PLAINTEXT = "plaintext"
UNREACHABLE = "unreachable"

# How reading ended when it was not by a decision.
CLOSED, RESET, TIMEOUT, DEADLINE = "closed", "reset", "timeout", "deadline"

#: Random of a HelloRetryRequest: SHA-256 of "HelloRetryRequest" (RFC 8446, 4.1.3).
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")

#: Alert descriptions (IANA, TLS Alerts).
ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
}

#: Alerts that refuse what was asked, from a server that understood the question.
REFUSING_ALERTS = frozenset((40, 70, 71))

#: Alerts that may refuse what was asked or only how it was asked: proof takes controls and a second shape.
SOFT_ALERTS = frozenset((0, 10, 47, 50, 51, 80, 109, 110, 115, 120))

UNRECOGNIZED_NAME = 112

# What the first bytes were.
_HELLO, _RETRY, _SSL2_HELLO, _SSL2_ERROR, _TEXT, _FOREIGN, _BROKEN = range(1, 8)

_TEXT_BYTES = frozenset((*range(0x20, 0x7F), 0x09, 0x0A, 0x0D, 0x1B))

#: Text is called text after so many bytes of it, or when there are no more.
_TEXT_SURE = 8

_ALERT, _HANDSHAKE, _APPLICATION = 21, 22, 23
_SERVER_HELLO, _CERTIFICATE, _SERVER_KEY_EXCHANGE, _CERTIFICATE_REQUEST, _HELLO_DONE, _STATUS = 2, 11, 12, 13, 14, 22

_NAMED_CURVE = 3

#: A group that has no number: an explicit curve or finite field given by its parameters.
EXPLICIT_CURVE = 0xFF01


class Answer:
    """One server's first flight.

    Feed it with :meth:`feed` until that returns True, or end it with :meth:`finish`. Facts not seen stay None.
    ``suite`` is a code point; ``group`` a named group; ``finite_field`` a pair (prime, generator); ``signature`` the
    scheme of a TLS 1.2 ServerKeyExchange; ``certificates`` DER, in the server's order; ``sealed`` the encrypted
    records of a TLS 1.3 flight and ``hello`` the ServerHello message before them, for who holds the keys: ``unseal`` is
    called when whole records have come, adds what they hold, and returns True when that is all.
    """

    # Defaults of the class: most answers are one alert, and setting thirty facts to nothing would be half the work.
    head = hello = b""
    end = ""
    alert: int | None = None
    version: int | None = None
    suite: int | None = None
    compression: int | None = None
    extensions: dict[int, bytes] | None = None
    group: int | None = None
    finite_field: tuple[int, int] | None = None
    signature: int | None = None
    keys_seen = False
    certificates: list[bytes] | None = None
    client_certificate: bool | None = None
    staple: bool | None = None
    specs: tuple[int, ...] = ()
    warnings: tuple[int, ...] = ()
    sealed: tuple[bytes, ...] = ()
    unseal: Callable[[Answer], bool] | None = None
    _kind = _received = 0
    _records = _handshake = _alert = b""
    _broken = ""

    def __init__(self, question: Hello) -> None:
        self.question = question

    # --- reading -------------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> bool:
        """Take the next bytes. True when nothing that may still come could change the meaning."""
        room = LIMIT - self._received
        if len(data) > room:
            data = data[:room]
        if self._received < KEPT:
            self.head += data[: KEPT - self._received]
        self._received += len(data)
        records = self._records + data if self._records else data
        try:
            done = self._read(records)
        except (IndexError, struct.error):
            done = self._break("a message shorter than it says")
        return done or self._received >= LIMIT

    def finish(self, end: str) -> None:
        """No more bytes will come: ``end`` is one of CLOSED, RESET, TIMEOUT and DEADLINE."""
        self.end = end
        if not self._kind and self.head and not self._tls_begins(self.head[0]):
            self._kind = _TEXT if _TEXT_BYTES.issuperset(self.head) else _FOREIGN

    @staticmethod
    def _tls_begins(byte: int) -> bool:
        return 20 <= byte <= 24

    def _break(self, why: str) -> bool:
        """Bytes that are TLS no more. What was understood before them stays understood."""
        self._broken = why
        if not self._kind:
            self._kind = _BROKEN
        return True

    def _read(self, data: bytes) -> bool:
        if len(data) == self._received and data and not self._tls_begins(data[0]):
            self._records = data
            return self._read_foreign(data)
        at, end = 0, len(data)
        while end - at >= 5:
            kind, version, length = struct.unpack_from(">BHH", data, at)
            if not self._tls_begins(kind):
                return self._break(f"a record of type {kind}")
            # Some servers put no sensible version into the alert for a hello they could not read.
            if version >> 8 != 3 and not (kind == _ALERT and length == 2):
                return self._break(f"a record of version 0x{version:04x}")
            if length > 18432:  # 2^14 and what compression and encryption may add
                return self._break(f"a record of {length} bytes")
            if end - at < 5 + length:
                break
            body = data[at + 5 : at + 5 + length]
            at += 5 + length
            if kind == _HANDSHAKE:
                self._handshake += body
                if self._read_handshake():
                    return True
            elif kind == _ALERT:
                if self._read_alerts(body):
                    return True
            elif kind == _APPLICATION:
                if self.version is None:
                    return self._break("application data before ServerHello")
                self.sealed += (data[at - 5 - length : at],)
        self._records = data[at:]
        return bool(self.sealed) and not self._records and self.unseal is not None and self.unseal(self)

    def _read_foreign(self, data: bytes) -> bool:
        """An answer that does not begin like TLS: SSLv2, text, or something else."""
        if self.question.top == SSL2 and data[0] & 0x80:
            return self._read_ssl2(data)
        if not _TEXT_BYTES.issuperset(data[:_TEXT_SURE]):
            self._kind = _FOREIGN
            return True
        if len(data) < _TEXT_SURE:
            return False
        self._kind = _TEXT
        return True

    def _read_ssl2(self, data: bytes) -> bool:
        if len(data) < 3:
            return False
        length = struct.unpack_from(">H", data)[0] & 0x7FFF
        if data[2] == 0 and length == 3:
            self._kind = _SSL2_ERROR
            return True
        if data[2] != 4 or length < 11:
            self._kind = _FOREIGN
            return True
        if len(data) < 2 + length:
            return False
        version, certificate, specs, _connection = struct.unpack_from(">HHHH", data, 5)
        if version != SSL2:
            self._kind = _FOREIGN
            return True
        listed = data[13 + certificate : 13 + certificate + specs]
        self.specs = tuple(int.from_bytes(listed[at : at + 3], "big") for at in range(0, len(listed) - 2, 3))
        self.certificates = [data[13 : 13 + certificate]] if certificate else []
        self.version, self._kind = SSL2, _SSL2_HELLO
        return True

    def _read_alerts(self, body: bytes) -> bool:
        pending = self._alert + body
        while len(pending) >= 2:
            level, description = pending[0], pending[1]
            pending = pending[2:]
            if level == 1 and description != 0:  # a warning
                self.warnings += (description,)
                continue
            self.alert = description
            return True
        self._alert = pending
        return False

    def _read_handshake(self) -> bool:
        flight, at = self._handshake, 0
        done = False
        while not done and len(flight) - at >= 4:
            kind = flight[at]
            length = flight[at + 1] << 16 | flight[at + 2] << 8 | flight[at + 3]
            if self.version is None and kind not in (0, _SERVER_HELLO):
                return self._break(f"handshake message {kind} before ServerHello")
            if length > LIMIT:
                return self._break(f"a handshake message of {length} bytes")
            if len(flight) - at < 4 + length:
                break
            message = flight[at : at + 4 + length]
            at += 4 + length
            done = self._read_message(kind, message)
        self._handshake = flight[at:]
        return done

    def _read_message(self, kind: int, message: bytes) -> bool:
        if kind == _SERVER_HELLO:
            if self.hello:
                return self._break("a second ServerHello")
            self._read_hello(message)
            if self._kind == _RETRY or self.question.until == UNTIL_HELLO:
                return True
            return self.version == TLS13 and self.question.until != UNTIL_FLIGHT
        body = message[4:]
        if kind == _CERTIFICATE:
            self.certificates = _chain(body)
        elif kind == _STATUS:
            self.staple = len(body) > 4
        elif kind == _SERVER_KEY_EXCHANGE:
            self._read_keys(body)
            return self.question.until < UNTIL_FLIGHT
        elif kind == _CERTIFICATE_REQUEST:
            self.client_certificate = True
        elif kind == _HELLO_DONE:
            if self.client_certificate is None:
                self.client_certificate = False
            return True
        return False

    def _read_hello(self, message: bytes) -> None:
        """ServerHello or HelloRetryRequest (RFC 8446, 4.1.3 and 4.1.4)."""
        (version,) = struct.unpack_from(">H", message, 4)
        random = message[6:38]
        at = 39 + message[38]
        suite, compression = struct.unpack_from(">HB", message, at)
        extensions = _extensions(message, at + 3)
        if SUPPORTED_VERSIONS in extensions:
            (version,) = struct.unpack(">H", extensions[SUPPORTED_VERSIONS])
        if version == TLS13 and KEY_SHARE in extensions:
            (self.group,) = struct.unpack_from(">H", extensions[KEY_SHARE])
        self._kind = _RETRY if version == TLS13 and random == RETRY_RANDOM else _HELLO
        self.version, self.suite, self.compression, self.extensions = version, suite, compression, extensions
        self.hello = message

    def _read_keys(self, body: bytes) -> None:
        """ServerKeyExchange (RFC 5246, 7.4.3; RFC 8422, 5.4)."""
        from ..baseline import suites  # only here; the reader itself knows no names

        self.keys_seen = True
        try:
            suite = suites.by_code(self.suite or 0)
        except KeyError:
            return
        shared_secret = suite.authentication == "PSK"
        at = 2 + struct.unpack_from(">H", body)[0] if shared_secret else 0  # an identity hint comes first (RFC 4279)
        if suite.key_exchange == "ECDHE":
            if body[at] != _NAMED_CURVE:
                self.group = EXPLICIT_CURVE
                return
            (self.group,) = struct.unpack_from(">H", body, at + 1)
            at += 4 + body[at + 3]
        elif suite.key_exchange == "DHE":
            prime, at = _opaque16(body, at)
            generator, at = _opaque16(body, at)
            _public, at = _opaque16(body, at)
            self.finite_field = int.from_bytes(prime, "big"), int.from_bytes(generator, "big")
        else:
            return
        if self.version == TLS12 and not suite.anonymous and not shared_secret:
            (self.signature,) = struct.unpack_from(">H", body, at)

    # --- meaning -------------------------------------------------------------------------------------------------

    @property
    def alpn(self) -> str | None:
        """The protocol chosen by ALPN, or None."""
        body = (self.extensions or {}).get(ALPN, b"")
        return body[3:].decode("ascii", "replace") if len(body) > 3 else None

    @property
    def offers_staple(self) -> bool:
        """Whether a ServerHello up to TLS 1.2 announced an OCSP response."""
        return STATUS_REQUEST in (self.extensions or {})

    @property
    def banner(self) -> str:
        """The first bytes as text; whoever prints it has to escape it."""
        return self.head.decode("ascii", "replace").strip()

    def outcome(self) -> Outcome:
        """What the answer means for the question that was asked."""
        kind = self._kind
        if kind == _TEXT:
            return Outcome(PLAINTEXT, "answered in plaintext")
        if kind == _SSL2_ERROR:
            return Outcome(REFUSED, "SSLv2 ERROR")
        if kind == _SSL2_HELLO:
            return Outcome(ACCEPTED, f"SSLv2 SERVER-HELLO with {len(self.specs)} cipher kinds", version=SSL2)
        if kind == _FOREIGN:
            return Outcome(INDETERMINATE, "the answer is neither TLS nor text")
        if kind in (_HELLO, _RETRY):
            return self._meaning_of_hello()
        if self.alert is not None:
            return _meaning_of_alert(self.alert)
        if self._broken:
            return Outcome(INDETERMINATE, f"broken answer: {self._broken}")
        return self._meaning_of_end()

    def _meaning_of_hello(self) -> Outcome:
        question, version, suite = self.question, self.version or 0, self.suite or 0
        spoken = PROTOCOL.get(version)
        if spoken is None or version > question.top or version < SSL3:
            return Outcome(INDETERMINATE, f"ServerHello of version 0x{version:04x}, which was not offered")
        if suite not in question.suites:
            return Outcome(INDETERMINATE, f"ServerHello with suite 0x{suite:04x}, which was not offered", spoke=version)
        if self._kind == _RETRY:
            return self._meaning_of_retry()
        if question.asks == "group":
            return self._meaning_of_keys("group", self.group, question.groups)
        if question.asks == "scheme":
            return self._meaning_of_keys("scheme", self.signature, question.schemes)
        group, detail = self.group, f"ServerHello {spoken}"
        if version == TLS13 and group is not None and group not in question.groups:
            # No client goes on from here (RFC 8446, 4.2.8), so no such group was agreed on; version and suite were.
            group, detail = None, f"{detail} with a key share of group 0x{group:04x}, which was not offered"
        return Outcome(ACCEPTED, detail, version, suite, group, self.signature)

    def _meaning_of_retry(self) -> Outcome:
        question, group = self.question, self.group
        if group is None:
            # wolfSSL answers so when no group is common; a server may also only want its cookie back.
            return Outcome(REFUSED, "HelloRetryRequest without a group", spoke=TLS13, unsure=True)
        if group not in question.groups:
            detail = f"HelloRetryRequest for group 0x{group:04x}, which was not offered"
            return Outcome(REFUSED, detail, spoke=TLS13)
        return Outcome(ACCEPTED, "HelloRetryRequest", version=TLS13, suite=self.suite, group=group)

    def _meaning_of_keys(self, noun: str, found: int | None, offered: tuple[int, ...]) -> Outcome:
        """A ServerHello where the key exchange decides: servers exist that use what was not offered."""
        version = self.version
        if found is not None and found in offered:
            detail = f"key exchange with {noun} 0x{found:04x}"
            return Outcome(ACCEPTED, detail, version, self.suite, self.group, self.signature)
        if found is not None:
            return Outcome(REFUSED, f"answered with {noun} 0x{found:04x}, which was not offered", spoke=version)
        ended = self.alert is not None or self.end in (CLOSED, RESET)
        if self.keys_seen or self._broken or not ended:
            return Outcome(INDETERMINATE, f"ServerHello, but no {noun} was seen", spoke=version)
        how = f"alert {self.alert}" if self.alert is not None else self.end
        return Outcome(SOFT, f"ServerHello, then {how} before the key exchange", alert=self.alert, spoke=version)

    def _meaning_of_end(self) -> Outcome:
        truncated = bool(self._records or self._handshake or self._alert)
        if self.end in (CLOSED, RESET) and not truncated:
            warning = self.warnings[-1] if self.warnings else None
            text = f"connection {self.end}" + (f" after warning alert {warning}" if self.warnings else "")
            status = INDETERMINATE if UNRECOGNIZED_NAME in self.warnings else SOFT
            return Outcome(status, text, alert=warning)
        if self.end == TIMEOUT:
            text = "no complete answer in time" if self._received else "no answer in time"
        elif self.end == DEADLINE:
            text = "the time for this scan is over"
        elif self.end:
            text = f"{self.end} in the middle of the answer"
        else:
            text = f"no decision within {LIMIT} bytes"
        return Outcome(INDETERMINATE, text)


class Outcome:
    """What one probe showed; never changed.

    ``status`` is one of the constants above; ``version``, ``suite``, ``group`` and ``scheme`` are what an accepting
    server chose; ``spoke`` is the version of a ServerHello that accepts nothing of the question; ``unsure`` marks a
    refusal to be confirmed with a real key share.
    """

    __slots__ = ("alert", "detail", "group", "scheme", "spoke", "status", "suite", "unsure", "version")

    def __init__(
        self,
        status: str,
        detail: str,
        version: int | None = None,
        suite: int | None = None,
        group: int | None = None,
        scheme: int | None = None,
        alert: int | None = None,
        spoke: int | None = None,
        unsure: bool = False,
    ) -> None:
        self.status, self.detail = status, detail
        self.version, self.suite, self.group, self.scheme = version, suite, group, scheme
        self.alert, self.spoke, self.unsure = alert, spoke if spoke is not None else version, unsure

    def __repr__(self) -> str:
        return f"Outcome({self.status!r}, {self.detail!r})"


#: Most answers are one of a few alerts.
_OF_ALERTS: dict[int, Outcome] = {}


def _meaning_of_alert(alert: int) -> Outcome:
    """What a fatal alert means to a server that has said nothing else. One object for each alert."""
    known = _OF_ALERTS.get(alert)
    if known is None:
        status = REFUSED if alert in REFUSING_ALERTS else SOFT if alert in SOFT_ALERTS else INDETERMINATE
        known = Outcome(status, f"alert {ALERTS.get(alert, 'unknown')} ({alert})", alert=alert)
        _OF_ALERTS[alert] = known
    return known


def _opaque16(body: bytes, at: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">H", body, at)
    if at + 2 + length > len(body):
        raise IndexError
    return body[at + 2 : at + 2 + length], at + 2 + length


def _extensions(message: bytes, at: int) -> dict[int, bytes]:
    """Extensions of a ServerHello by number; the block may be missing (RFC 5246, 7.4.1.3)."""
    found: dict[int, bytes] = {}
    if at >= len(message):
        return found
    end = at + 2 + struct.unpack_from(">H", message, at)[0]
    if end > len(message):
        raise IndexError
    at += 2
    while at < end:
        number, length = struct.unpack_from(">HH", message, at)
        if at + 4 + length > end:
            raise IndexError
        found[number] = message[at + 4 : at + 4 + length]
        at += 4 + length
    return found


def _chain(body: bytes) -> list[bytes]:
    """The certificates of a Certificate message up to TLS 1.2."""
    found: list[bytes] = []
    end = 3 + int.from_bytes(body[:3], "big")
    if end > len(body):
        raise IndexError
    at = 3
    while at < end:
        length = int.from_bytes(body[at : at + 3], "big")
        if at + 3 + length > end:
            raise IndexError
        found.append(body[at + 3 : at + 3 + length])
        at += 3 + length
    return found


def ssl2_names(specs: tuple[int, ...]) -> list[str]:
    """Names of SSLv2 cipher kinds, in the server's order."""
    return [SSL2_CIPHERS.get(spec, f"0x{spec:06x}") for spec in specs]
