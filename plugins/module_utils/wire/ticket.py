# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finishing a TLS 1.3 handshake, for what a server says only to clients that do: its session tickets (RFC 8446, 4.6.1).

A ticket tells whether a client that comes back with it may send early data, which a stranger can replay. Sent under the
keys are only the messages that end a handshake, an empty list of certificates where one is demanded, and that we leave.
Like ``kex.py`` this is not fit for protecting data.
"""

from __future__ import annotations

from . import kex
from .answers import ACCEPTED, CLOSED, Answer
from .flight import Flight
from .hello import EARLY_DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t

    from .endpoint import Endpoint
    from .hello import Hello

    Conversation = t.Generator[bytes, t.Optional[bytes], t.Optional[bool]]

#: TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384 and TLS_CHACHA20_POLY1305_SHA256.
SUITES = (0x1301, 0x1302, 0x1303)

_NEW_SESSION_TICKET = 4
_ALERT, _HANDSHAKE, _APPLICATION = 21, 22, 23
_CHANGE_CIPHER_SPEC = b"\x14\x03\x03\0\1\1"
_CLOSE_NOTIFY = b"\x01\x00"

_HEADER = 5
_TAG = 16

#: Encrypted records read at most while waiting for a ticket.
_RECORDS_MOST = 32


def early_data(endpoint: Endpoint, hello: Hello) -> Conversation:
    """Finish a handshake with ``hello``, which shares keys of groups of ``kex`` and offers only :data:`SUITES`.

    Returns True when the server's first ticket allows early data, False when it does not, and None when it sends no
    ticket or the handshake does not come to its end. Driven like the conversations of ``http``.
    """
    preamble = b""
    if endpoint.upgrade is not None:
        from . import starttls  # loaded already where a protocol begins in plaintext

        session = yield from starttls.DIALOGUES[endpoint.upgrade](endpoint.sni or endpoint.host)
        preamble = session.preamble
    flight = Flight(hello.shares)
    flight.sent = hello.encode(endpoint.sni, flight.share)
    answer = Answer(hello)
    answer.unseal = flight.open
    received = yield preamble + flight.sent
    while received is not None and not answer.feed(received):
        received = yield b""
    if received is None:
        answer.finish(CLOSED)
    if flight.error or flight.done is None or answer.outcome().status != ACCEPTED:
        return None
    keys = _Keys(flight)
    pending, records = b"".join(answer.sealed[keys.flight_records :]), 0
    received = yield keys.farewell()
    while received is not None and records < _RECORDS_MOST:
        pending += received
        while len(pending) >= _HEADER:
            end = _HEADER + int.from_bytes(pending[3:_HEADER], "big")
            if len(pending) < end:
                break
            record, pending = pending[:end], pending[end:]
            if record[0] != _APPLICATION:
                continue
            records += 1
            try:
                ticket = keys.ticket(record)
            except kex.KeyExchangeError:
                return None
            if ticket is not None:
                return ticket
        received = yield b""
    return None


class _Keys:
    """The keys after a server's first flight (RFC 8446, 7.1), and what is said under them."""

    def __init__(self, flight: Flight) -> None:
        suite, schedule, transcript, self.flight_records = flight.done
        self._suite, self._schedule, self._transcript = suite, schedule, transcript
        self._messages = dict(flight.messages)
        self._size = transcript.digest_size
        zeros = bytes(self._size)
        master = schedule.hmac(schedule.derived(schedule.handshake), zeros)
        digest = transcript.digest()
        self._hello = schedule.expand(schedule.handshake, "c hs traffic", schedule.hellos_digest, self._size)
        self._client = schedule.expand(master, "c ap traffic", digest, self._size)
        self._server = _Cipher(suite, schedule, schedule.expand(master, "s ap traffic", digest, self._size))
        self._handshake = b""

    def farewell(self) -> bytes:
        """The records that end the handshake (RFC 8446, 4.4), and with it the connection."""
        said = b""
        if kex.CERTIFICATE_REQUEST in self._messages:
            request = self._messages[kex.CERTIFICATE_REQUEST]
            context = request[: 1 + request[0]]
            said = _message(kex.CERTIFICATE, context + b"\0\0\0")
            self._transcript.update(said)
        key = self._schedule.expand(self._hello, "finished", b"", self._size)
        said += _message(kex.FINISHED, self._schedule.hmac(key, self._transcript.digest()))
        first = _Cipher(self._suite, self._schedule, self._hello).seal(said, _HANDSHAKE)
        last = _Cipher(self._suite, self._schedule, self._client).seal(_CLOSE_NOTIFY, _ALERT)
        return _CHANGE_CIPHER_SPEC + first + last

    def ticket(self, record: bytes) -> bool | None:
        """Whether the ticket that this record completes allows early data, None when it completes none.

        Raises KeyExchangeError for a record that is not the server's next, and for a malformed message.
        """
        content, kind = self._server.open(record)
        if kind != _HANDSHAKE:
            return None
        self._handshake += content
        while len(self._handshake) >= 4:
            end = 4 + int.from_bytes(self._handshake[1:4], "big")
            if len(self._handshake) < end:
                break
            number, body = self._handshake[0], self._handshake[4:end]
            self._handshake = self._handshake[end:]
            if number == _NEW_SESSION_TICKET:
                return _allows_early_data(body)
        return None


def _message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + len(body).to_bytes(3, "big") + body


def _allows_early_data(ticket: bytes) -> bool:
    """Of a NewSessionTicket: lifetime, age_add, nonce, ticket, and extensions with max_early_data_size (4.2.10)."""
    extensions = kex.ticket_extensions(ticket)
    return int.from_bytes(extensions.get(EARLY_DATA, b""), "big") > 0


class _Cipher:
    """The records of one direction (RFC 8446, 5.2 and 5.3), with the tags that ``kex`` has no need of."""

    def __init__(self, suite: t.Any, schedule: t.Any, secret: bytes) -> None:
        self._suite = suite
        self._key = schedule.expand(secret, "key", b"", suite.key_length)
        self._iv = int.from_bytes(schedule.expand(secret, "iv", b"", 12), "big")
        self._next = 0

    def seal(self, content: bytes, kind: int) -> bytes:
        plain = content + bytes((kind,))
        header = b"\x17\x03\x03" + (len(plain) + _TAG).to_bytes(2, "big")
        sealed, tag = self._apply(header, plain, sealing=True)
        return header + sealed + tag

    def open(self, record: bytes) -> tuple[bytes, int]:
        """Content and its type."""
        sealed, tag = record[_HEADER:-_TAG], record[-_TAG:]
        if len(record) <= _HEADER + _TAG:
            raise kex.KeyExchangeError("an encrypted record of impossible length")
        plain, expected = self._apply(record[:_HEADER], sealed, sealing=False)
        if tag != expected:
            raise kex.KeyExchangeError("a record that is not authentic")
        content = plain.rstrip(b"\0")
        if not content:
            raise kex.KeyExchangeError("a record without a type")
        return content[:-1], content[-1]

    def _apply(self, header: bytes, data: bytes, sealing: bool) -> tuple[bytes, bytes]:
        """``data`` en- or decrypted, and the tag over the encrypted form."""
        suite = self._suite
        nonce = (self._iv ^ self._next).to_bytes(12, "big")
        self._next += 1
        blocks = range(suite.first, suite.first + -(-len(data) // suite.cipher_block))
        own = [suite.block(nonce, suite.first - 1)]  # what the tag is made with
        stream = suite.cipher(self._key, b"".join(own + [suite.block(nonce, i) for i in blocks]))
        mask, stream = stream[: suite.cipher_block], stream[suite.cipher_block :]
        mixed = (int.from_bytes(data, "big") ^ int.from_bytes(stream[: len(data)], "big")).to_bytes(len(data), "big")
        sealed = mixed if sealing else data
        if suite.cipher_block == 64:
            return mixed, _poly1305(mask, header, sealed)
        subkey = int.from_bytes(suite.cipher(self._key, bytes(16)), "big")
        return mixed, _ghash(subkey, int.from_bytes(mask, "big"), header, sealed)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 16)


def _ghash(subkey: int, mask: int, header: bytes, sealed: bytes) -> bytes:
    """The tag of GCM (NIST SP 800-38D, sections 6.3, 6.4 and 7.1)."""
    lengths = (8 * len(header)).to_bytes(8, "big") + (8 * len(sealed)).to_bytes(8, "big")
    data, found = _padded(header) + _padded(sealed) + lengths, 0
    for at in range(0, len(data), 16):
        factor, product, shifted = found ^ int.from_bytes(data[at : at + 16], "big"), 0, subkey
        for bit in range(127, -1, -1):
            if factor >> bit & 1:
                product ^= shifted
            shifted = shifted >> 1 ^ (0xE1 << 120 if shifted & 1 else 0)
        found = product
    return (found ^ mask).to_bytes(16, "big")


def _poly1305(mask: bytes, header: bytes, sealed: bytes) -> bytes:
    """The tag of AEAD_CHACHA20_POLY1305 (RFC 8439, sections 2.5 and 2.8)."""
    factor = int.from_bytes(mask[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    lengths = len(header).to_bytes(8, "little") + len(sealed).to_bytes(8, "little")
    data, found = _padded(header) + _padded(sealed) + lengths, 0
    for at in range(0, len(data), 16):
        found = (found + int.from_bytes(data[at : at + 16] + b"\x01", "little")) * factor % ((1 << 130) - 5)
    return ((found + int.from_bytes(mask[16:32], "little")) % (1 << 128)).to_bytes(16, "little")
