# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading a TLS 1.3 server's first flight (RFC 8446), with the standard library alone.

In TLS 1.3 the certificate and the signature over the handshake are encrypted to whoever sent the ClientHello. This is
the least that makes them readable: a key share we know the secret of, the key schedule, and the record ciphers.

What keeps it so small is that nothing here needs to be kept secret. The flight holds what the server shows to anyone
who asks, and nothing is ever sent under its keys but that we are done (``ticket.py``). Therefore

- private keys are those that make the arithmetic vanish: 1 on the NIST curves and in the finite-field groups, where the
  shared secret then is the server's own share; the zero vector in ML-KEM, where the ciphertext shows the message. They
  are valid keys by the standards servers check against. Only x25519 and x448 allow no such key;
- no effort is made against timing;
- the AEAD tags are not checked. The Finished message is: its HMAC covers every byte of every message of the flight, so
  a flight that ends with it was read as it was sent. What the tags would add, integrity record by record, matters to
  someone who acts on a record before the handshake ends. Without a Finished message nothing vouches for the messages.

None of this is fit for protecting data.
"""

from __future__ import annotations

import hashlib
import hmac
import os

from .shares import synthetic

TYPE_CHECKING = False
if TYPE_CHECKING:  # not imported at run time: typing alone costs more than a probe
    import typing as t

    Message = t.Tuple[int, bytes]

SECP256R1, SECP384R1, SECP521R1, X25519, X448 = 0x0017, 0x0018, 0x0019, 0x001D, 0x001E
SECP256R1MLKEM768, X25519MLKEM768, SECP384R1MLKEM1024 = 0x11EB, 0x11EC, 0x11ED

#: Handshake types of a server's first flight (RFC 8446 section 4).
ENCRYPTED_EXTENSIONS, CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, FINISHED = 8, 11, 13, 15, 20

#: A flight of more bytes is no flight; the longest record is RFC 8446 section 5.2's.
FLIGHT_LIMIT = 256 * 1024
_RECORD_LIMIT = (1 << 14) + 256


class KeyExchangeError(ValueError):
    """A flight that cannot be read; the message says why."""


# --- key exchange: our share and, from the server's, the secret -------------------------------------------------------


class _Exchange:
    """One side of a key exchange: ``share`` is what we send, ``answer`` the length of what the server sends."""

    def __init__(self, share: bytes, answer: int) -> None:
        self.share, self.answer = share, answer

    def secret(self, peer: bytes) -> bytes:
        """The shared secret for the server's share, whose length is right."""
        raise NotImplementedError


class _Montgomery(_Exchange):
    """x25519 and x448 (RFC 7748 section 5)."""

    def __init__(self, group: int) -> None:
        scalar = int.from_bytes(os.urandom(56), "little")
        if group == X25519:
            self.prime, self.a24, base = (1 << 255) - 19, 121665, 9
            self.scalar = scalar & ((1 << 254) - 8) | 1 << 254
        else:
            self.prime, self.a24, base = (1 << 448) - (1 << 224) - 1, 39081, 5
            self.scalar = scalar & ((1 << 447) - 4) | 1 << 447
        share = self._ladder(base)
        super().__init__(share, len(share))

    def secret(self, peer: bytes) -> bytes:
        secret = self._ladder(int.from_bytes(peer, "little"))
        _expect(any(secret), "the server's share is a point of small order (RFC 8446 section 7.4.2)")
        return secret

    def _ladder(self, u: int) -> bytes:
        p, a24, bits = self.prime, self.a24, self.prime.bit_length()
        u &= (1 << bits) - 1
        x2, z2, x3, z3, swapped = 1, 0, u, 1, 0
        for at in range(bits - 1, -1, -1):
            bit = self.scalar >> at & 1
            if bit != swapped:
                x2, x3, z2, z3 = x3, x2, z3, z2
            swapped = bit
            a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
            aa, bb, da, cb = a * a % p, b * b % p, d * a % p, c * b % p
            e = aa - bb
            x3, z3 = (da + cb) ** 2 % p, u * (da - cb) ** 2 % p
            x2, z2 = aa * bb % p, e * (aa + a24 * e) % p
        if swapped:
            x2, z2 = x3, z3
        return (x2 * pow(z2, p - 2, p) % p).to_bytes((bits + 7) // 8, "little")


class _NistCurve(_Exchange):
    """secp256r1, secp384r1, secp521r1 with the private key 1: we send the generator, the secret is the server's x."""

    def __init__(self, group: int) -> None:
        generator = synthetic(group)
        super().__init__(generator, len(generator))

    def secret(self, peer: bytes) -> bytes:
        _expect(peer[0] == 4, "the server's share is no uncompressed point")
        return peer[1 : (len(peer) + 1) // 2]


class _FiniteField(_Exchange):
    """ffdhe2048 to ffdhe8192 (RFC 7919) with the private key 1: we send the generator 2, the secret is the answer."""

    def __init__(self, bits: int) -> None:
        super().__init__((2).to_bytes(bits // 8, "big"), bits // 8)

    def secret(self, peer: bytes) -> bytes:
        return peer


class _MlKem(_Exchange):
    """ML-KEM (FIPS 203) with the zero vector as private key, and no noise.

    With s = e = 0 the encapsulation key is a zero vector and a seed, and the ciphertext's second part v is the message
    and a little noise: a coefficient near q/2 is a one. The shared secret is made of the message (algorithm 17).
    """

    def __init__(self, rank: int) -> None:
        u_bits, self.bits = (11, 5) if rank == 4 else (10, 4)  # of one coefficient of u and v in the ciphertext
        super().__init__(bytes(384 * rank) + os.urandom(32), 32 * (u_bits * rank + self.bits))

    def secret(self, peer: bytes) -> bytes:
        bits, half = self.bits, 1 << self.bits - 1
        v = int.from_bytes(peer[-32 * bits :], "little")
        message = 0
        for at in range(256):
            coefficient = v >> at * bits & 2 * half - 1
            message |= (abs(coefficient - half) < half // 2) << at
        key_hash = hashlib.sha3_256(self.share).digest()
        return hashlib.sha3_512(message.to_bytes(32, "little") + key_hash).digest()[:32]


class _Hybrid(_Exchange):
    """Two exchanges side by side (draft-ietf-tls-ecdhe-mlkem); shares and secrets are joined in the same order."""

    def __init__(self, first: _Exchange, second: _Exchange) -> None:
        self.first, self.second = first, second
        super().__init__(first.share + second.share, first.answer + second.answer)

    def secret(self, peer: bytes) -> bytes:
        return self.first.secret(peer[: self.first.answer]) + self.second.secret(peer[self.first.answer :])


_EXCHANGES: dict[int, t.Callable[[], _Exchange]] = {
    SECP256R1: lambda: _NistCurve(SECP256R1),
    SECP384R1: lambda: _NistCurve(SECP384R1),
    SECP521R1: lambda: _NistCurve(SECP521R1),
    X25519: lambda: _Montgomery(X25519),
    X448: lambda: _Montgomery(X448),
    0x0100: lambda: _FiniteField(2048),
    0x0101: lambda: _FiniteField(3072),
    0x0102: lambda: _FiniteField(4096),
    0x0103: lambda: _FiniteField(6144),
    0x0104: lambda: _FiniteField(8192),
    0x0200: lambda: _MlKem(2),
    0x0201: lambda: _MlKem(3),
    0x0202: lambda: _MlKem(4),
    SECP256R1MLKEM768: lambda: _Hybrid(_NistCurve(SECP256R1), _MlKem(3)),
    X25519MLKEM768: lambda: _Hybrid(_MlKem(3), _Montgomery(X25519)),
    SECP384R1MLKEM1024: lambda: _Hybrid(_NistCurve(SECP384R1), _MlKem(4)),
}

#: Groups whose first flight can be read, by code point.
GROUPS = tuple(_EXCHANGES)


# --- record ciphers: the keystream of all blocks of all records at once -----------------------------------------------


def _aes_boxes() -> tuple[bytes, bytes]:
    """The S-box of FIPS 197 section 5.1.1, and the same with every entry doubled in GF(2^8)."""
    box, p, q = bytearray(256), 1, 1
    box[0] = 0x63
    while True:
        p ^= p << 1 & 0xFF ^ (0x1B if p & 0x80 else 0)  # times 3, a generator; q walks the inverses
        q ^= q << 1
        q ^= q << 2
        q = (q ^ q << 4) & 0xFF
        q ^= 0x09 if q & 0x80 else 0
        turned = q * 0x101
        box[p] = (q ^ turned >> 7 ^ turned >> 6 ^ turned >> 5 ^ turned >> 4) & 0xFF ^ 0x63
        if p == 1:
            break
    doubled = bytes((v << 1 & 0xFF) ^ (0x1B if v & 0x80 else 0) for v in box)
    return bytes(box), doubled


_BOX, _DOUBLED = _aes_boxes()


def _aes_round_keys(key: bytes) -> list[bytes]:
    """Key expansion of FIPS 197 section 5.2."""
    size, constant = len(key) // 4, 1
    words = [key[i : i + 4] for i in range(0, len(key), 4)]
    for i in range(size, 4 * (size + 7)):
        word = words[-1]
        if i % size == 0:
            word = (word[1:] + word[:1]).translate(_BOX)
            word = bytes((word[0] ^ constant,)) + word[1:]
            constant = constant << 1 ^ (0x11B if constant & 0x80 else 0)
        elif size > 6 and i % size == 4:
            word = word.translate(_BOX)
        words.append(bytes(a ^ b for a, b in zip(words[i - size], word)))
    return [b"".join(words[i : i + 4]) for i in range(0, len(words), 4)]


def _aes(key: bytes, inputs: bytes) -> bytes:
    """AES (FIPS 197 section 5.1) of blocks of 16 octets.

    The state is kept as sixteen strings, one for each position in a block, each as long as there are blocks. Then a
    table look-up for all blocks is one ``bytes.translate``, ShiftRows is picking another string, and the additions of
    MixColumns are XORs of integers.
    """
    blocks = len(inputs) // 16
    ones = int.from_bytes(b"\x01" * blocks, "big")
    number = int.from_bytes
    start, *middle, final = _aes_round_keys(key)
    state = [number(inputs[i::16], "big") ^ k * ones for i, k in enumerate(start)]
    for round_key in middle:
        shifted = [state[5 * i % 16].to_bytes(blocks, "big") for i in range(16)]
        once = [number(position.translate(_BOX), "big") for position in shifted]
        twice = [number(position.translate(_DOUBLED), "big") for position in shifted]
        state = []
        for i, k in enumerate(round_key):
            column = i & 12
            below, opposite, above = (column | (i + step & 3) for step in (1, 2, 3))
            state.append(twice[i] ^ twice[below] ^ once[below] ^ once[opposite] ^ once[above] ^ k * ones)
    out = bytearray(len(inputs))
    for i, k in enumerate(final):
        position = state[5 * i % 16].to_bytes(blocks, "big").translate(_BOX)
        out[i::16] = (number(position, "big") ^ k * ones).to_bytes(blocks, "big")
    return bytes(out)


def _chacha20(key: bytes, inputs: bytes) -> bytes:
    """The block function of RFC 8439 section 2.3 for inputs of counter and nonce, 16 octets each.

    Each of the sixteen words is one integer with a lane of 64 bits for each block: the upper halves take what an
    addition or rotation spills over, and are cleared after it.
    """
    blocks = len(inputs) // 16
    lanes = int.from_bytes(b"\x01\0\0\0\0\0\0\0" * blocks, "little")
    mask = lanes * 0xFFFFFFFF
    fixed = b"expand 32-byte k" + key
    start = [int.from_bytes(fixed[i : i + 4], "little") * lanes for i in range(0, 48, 4)]
    for i in range(0, 16, 4):
        lane = bytearray(8 * blocks)
        for octet in range(4):
            lane[octet::8] = inputs[i + octet :: 16]
        start.append(int.from_bytes(lane, "little"))
    x = list(start)
    columns = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
    diagonals = ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
    for a, b, c, d in (columns + diagonals) * 10:
        for left, right, into, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[left] = x[left] + x[right] & mask
            turned = x[into] ^ x[left]
            x[into] = (turned << turn | turned >> 32 - turn) & mask
    out = bytearray(64 * blocks)
    for i, (word, first) in enumerate(zip(x, start)):
        lane = bytearray((word + first & mask).to_bytes(8 * blocks, "little"))
        for octet in range(4):
            out[4 * i + octet :: 64] = lane[octet::8]
    return bytes(out)


class _Suite:
    """A cipher suite (RFC 8446 appendix B.4): a block function in counter mode.

    ``block(nonce, i)`` is the input that makes keystream block ``i``; the blocks before ``first`` are the tag's.
    """

    def __init__(
        self,
        hash_name: str,
        key_length: int,
        tag_length: int,
        cipher: t.Callable[[bytes, bytes], bytes],
        cipher_block: int,
        block: t.Callable[[bytes, int], bytes],
        first: int,
    ) -> None:
        self.hash_name, self.key_length, self.tag_length = hash_name, key_length, tag_length
        self.cipher, self.cipher_block, self.block, self.first = cipher, cipher_block, block, first

    def decrypt(self, key: bytes, iv: bytes, records: t.Sequence[bytes]) -> list[bytes]:
        """The plaintexts of all ``records``; their tags are cut off."""
        base, size, inputs = int.from_bytes(iv, "big"), self.cipher_block, []
        lengths = [len(record) - self.tag_length for record in records]
        for sequence, length in enumerate(lengths):
            nonce = (base ^ sequence).to_bytes(12, "big")
            inputs += [self.block(nonce, i) for i in range(self.first, self.first + -(-length // size))]
        stream, at, plain = self.cipher(key, b"".join(inputs)), 0, []
        for record, length in zip(records, lengths):
            mixed = int.from_bytes(record[:length], "big") ^ int.from_bytes(stream[at : at + length], "big")
            plain.append(mixed.to_bytes(length, "big"))
            at += -(-length // size) * size
        return plain


def _gcm_block(nonce: bytes, i: int) -> bytes:  # NIST SP 800-38D section 7.1
    return nonce + i.to_bytes(4, "big")


def _ccm_block(nonce: bytes, i: int) -> bytes:  # RFC 3610 section 2.3: flags 2 say that the counter has three octets
    return b"\x02" + nonce + i.to_bytes(3, "big")


def _chacha20_block(nonce: bytes, i: int) -> bytes:  # RFC 8439 section 2.3
    return i.to_bytes(4, "little") + nonce


_SUITES = {
    0x1301: _Suite("sha256", 16, 16, _aes, 16, _gcm_block, 2),
    0x1302: _Suite("sha384", 32, 16, _aes, 16, _gcm_block, 2),
    0x1303: _Suite("sha256", 32, 16, _chacha20, 64, _chacha20_block, 1),
    0x1304: _Suite("sha256", 16, 16, _aes, 16, _ccm_block, 1),
    0x1305: _Suite("sha256", 16, 8, _aes, 16, _ccm_block, 1),
}


# --- key schedule and messages ----------------------------------------------------------------------------------------


def _expect(true: t.Any, otherwise: str) -> None:
    if not true:
        raise KeyExchangeError(otherwise)


class _Schedule:
    """The secrets of RFC 8446 section 7.1 that a server's flight is protected with."""

    def __init__(self, hash_name: str, shared: bytes, hellos_digest: bytes) -> None:
        self.hash_name = hash_name
        zeros = bytes(hashlib.new(hash_name).digest_size)
        handshake = self.hmac(self.derived(self.hmac(zeros, zeros)), shared)
        self.handshake, self.hellos_digest = handshake, hellos_digest
        self.server = self.expand(handshake, "s hs traffic", hellos_digest, len(zeros))
        self.finished_key = self.expand(self.server, "finished", b"", len(zeros))

    def derived(self, secret: bytes) -> bytes:
        """What the next secret of the schedule is extracted with."""
        empty = hashlib.new(self.hash_name)
        return self.expand(secret, "derived", empty.digest(), empty.digest_size)

    def hmac(self, key: bytes, data: bytes) -> bytes:
        return hmac.new(key, data, self.hash_name).digest()

    def expand(self, secret: bytes, label: str, context: bytes, length: int) -> bytes:
        """HKDF-Expand-Label; one HMAC gives all the bytes that are ever asked for here."""
        name = b"tls13 " + label.encode("ascii")
        info = length.to_bytes(2, "big") + bytes((len(name),)) + name + bytes((len(context),)) + context
        return self.hmac(secret, info + b"\x01")[:length]


def _vector(data: bytes, at: int, width: int) -> tuple[bytes, int]:
    """A vector whose length takes ``width`` octets, and where it ends."""
    start = at + width
    end = start + int.from_bytes(data[at:start], "big")
    _expect(start <= len(data) and end <= len(data), "a handshake message is cut short")
    return data[start:end], end


def _extensions(data: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at < len(data):
        kind = int.from_bytes(data[at : at + 2], "big")
        found[kind], at = _vector(data, at + 2, 2)
    return found


def ticket_extensions(body: bytes) -> dict[int, bytes]:
    """Type -> content of the extensions of a NewSessionTicket (RFC 8446 section 4.6.1)."""
    _nonce, at = _vector(body, 8, 1)
    _ticket, at = _vector(body, at, 2)
    return _extensions(_vector(body, at, 2)[0])


def _server_hello(message: bytes) -> tuple[int, int, bytes]:
    """Suite, group and key share of a ServerHello with its four octets of header."""
    _expect(message[:1] == b"\x02", "not a ServerHello")
    body, end = _vector(message, 1, 3)
    _expect(end == len(message), "there is more than one ServerHello")
    _session, at = _vector(body, 34, 1)
    suite = int.from_bytes(body[at : at + 2], "big")
    extensions = _extensions(_vector(body, at + 3, 2)[0])
    _expect(extensions.get(43) == b"\x03\x04", "the ServerHello does not select TLS 1.3")
    share = extensions.get(51, b"")
    _expect(len(share) > 4, "the ServerHello has no key share")
    return suite, int.from_bytes(share[:2], "big"), _vector(share, 2, 2)[0]


class ClientKeys:
    """The key shares of one ClientHello, or of many: they protect nothing, so they may be used again.

    ``groups`` are code points of :data:`GROUPS`; a group without arithmetic (all but those with x25519 and x448) costs
    nothing. Raises KeyExchangeError for another group.
    """

    def __init__(self, groups: t.Iterable[int] = (X25519, SECP256R1)) -> None:
        self._exchanges = {}
        for group in groups:
            _expect(group in _EXCHANGES, f"no key exchange for group 0x{group:04x}")
            self._exchanges[group] = _EXCHANGES[group]()
        # Of the last server share: a flight that comes in pieces is read again with each of them.
        self._chosen, self._secret = (0, b""), b""
        self.done: tuple[_Suite, _Schedule, t.Any, int] | None = None

    def shares(self) -> list[tuple[int, bytes]]:
        """Group and ``key_exchange`` for the key_share extension, in the order of ``groups``."""
        return [(group, exchange.share) for group, exchange in self._exchanges.items()]

    def decrypt_flight(
        self,
        client_hello: bytes,
        server_hello: bytes,
        encrypted_records: t.Sequence[bytes],
        retry: tuple[bytes, bytes] | None = None,
    ) -> list[Message]:
        """The encrypted handshake messages of the server's first flight, as (handshake type, body).

        After a complete one ``done`` holds suite, key schedule, running transcript hash up to the server's Finished,
        and how many of the records it took.

        ``client_hello`` and ``server_hello`` are handshake messages: with their header of four octets, without record
        headers. ``encrypted_records`` are the fragments of the records of type 23 (application_data) in order, without
        their headers of five octets; change_cipher_spec records are left out. ``retry`` holds the first ClientHello
        and the HelloRetryRequest when there was one, ``client_hello`` then being the second.

        A list that ends with ``FINISHED`` is complete and its integrity verified. A shorter one is what the records
        given so far hold; messages cut short are left out. Raises KeyExchangeError when the flight cannot be read:
        a group or suite that is not known here, a Finished that does not fit, anything malformed, an encrypted alert.
        """
        code, group, share = _server_hello(server_hello)
        _expect(code in _SUITES, f"suite 0x{code:04x} cannot be read")
        _expect(group in self._exchanges, f"the server chose group 0x{group:04x}, for which no share was offered")
        suite, exchange = _SUITES[code], self._exchanges[group]
        _expect(len(share) == exchange.answer, "the server's share has the wrong length")
        if (group, share) != self._chosen:
            self._chosen, self._secret = (group, share), exchange.secret(share)
        transcript = hashlib.new(suite.hash_name)
        if retry is not None:
            # RFC 8446 section 4.4.1: the first hello is replaced by a message of type 254 with its hash.
            digest = hashlib.new(suite.hash_name, retry[0]).digest()
            transcript.update(b"\xfe\0\0" + bytes((len(digest),)) + digest + retry[1])
        transcript.update(client_hello + server_hello)
        schedule = _Schedule(suite.hash_name, self._secret, transcript.digest())
        key = schedule.expand(schedule.server, "key", b"", suite.key_length)
        iv = schedule.expand(schedule.server, "iv", b"", 12)

        sizes = [len(record) for record in encrypted_records]
        _expect(sum(sizes) <= FLIGHT_LIMIT, f"a flight of more than {FLIGHT_LIMIT} bytes")
        _expect(all(suite.tag_length < n <= _RECORD_LIMIT for n in sizes), "an encrypted record of impossible length")
        messages: list[Message] = []
        pending = bytearray()
        for count, plain in enumerate(suite.decrypt(key, iv, encrypted_records), 1):
            content = plain.rstrip(b"\0")
            if content[-1:] == b"\x15":
                raise KeyExchangeError(f"the server sent an encrypted alert: {content[:2].hex()}")
            _expect(content[-1:] == b"\x16" and len(content) > 1, "a record does not decrypt to a handshake")
            pending += content[:-1]
            at = 0
            while len(pending) >= at + 4:
                end = at + 4 + int.from_bytes(pending[at + 1 : at + 4], "big")
                if len(pending) < end:
                    break
                kind, body = pending[at], bytes(pending[at + 4 : end])
                messages.append((kind, body))
                if kind == FINISHED:
                    expected = schedule.hmac(schedule.finished_key, transcript.digest())
                    _expect(body == expected, "the server's Finished does not fit the flight")
                    transcript.update(pending[at:end])
                    self.done = suite, schedule, transcript, count
                    return messages
                transcript.update(pending[at:end])
                at = end
            del pending[:at]
        return messages

    @staticmethod
    def certificates(messages: t.Sequence[Message]) -> list[bytes]:
        """DER of the server's certificates in its order; empty when it sent none."""
        return [der for der, _extensions_of_it in _certificate_entries(messages)]

    @staticmethod
    def ocsp_response(messages: t.Sequence[Message]) -> bytes | None:
        """DER of the OCSP response stapled to the leaf (RFC 8446 section 4.4.2.1), or None."""
        for _der, extensions in _certificate_entries(messages):
            status = extensions.get(5)
            if status is None or status[:1] != b"\x01":
                return None
            return _vector(status, 1, 3)[0]
        return None

    @staticmethod
    def signature_scheme(messages: t.Sequence[Message]) -> int:
        """Code point of the SignatureScheme of CertificateVerify. Raises KeyExchangeError when there is none."""
        body = dict(messages).get(CERTIFICATE_VERIFY, b"")
        _expect(len(body) > 4, "the flight has no CertificateVerify")
        return int.from_bytes(body[:2], "big")

    @staticmethod
    def extensions(messages: t.Sequence[Message]) -> dict[int, bytes]:
        """Type -> content of the extensions in EncryptedExtensions; empty when it was not seen."""
        body = dict(messages).get(ENCRYPTED_EXTENSIONS)
        return {} if body is None else _extensions(_vector(body, 0, 2)[0])


def _certificate_entries(messages: t.Sequence[Message]) -> list[tuple[bytes, dict[int, bytes]]]:
    """Certificate and extensions of each entry of the Certificate message (RFC 8446 section 4.4.2)."""
    body = dict(messages).get(CERTIFICATE)
    if body is None:
        return []
    _context, at = _vector(body, 0, 1)
    listed, end = _vector(body, at, 3)
    _expect(end == len(body), "the Certificate message is malformed")
    entries, at = [], 0
    while at < len(listed):
        der, at = _vector(listed, at, 3)
        extensions, at = _vector(listed, at, 2)
        entries.append((der, _extensions(extensions)))
    return entries
