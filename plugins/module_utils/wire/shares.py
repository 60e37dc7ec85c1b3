# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Well-formed TLS 1.3 key shares that nobody holds the secret of.

A server that agrees answers them with a ServerHello, and that is all a probe wants to know. No arithmetic is needed:

- x25519, x448: any bytes are a public key (RFC 7748, 5);
- NIST curves: the generator is a point of the curve (SEC 2, 2.4.2, 2.5.1, 2.6.1);
- ffdhe*: every power of four is in the subgroup, whose generator is 2 (RFC 7919, appendix A);
- ML-KEM: 12-bit coefficients below 3329 and a 32-byte seed are an encapsulation key (FIPS 203, 7.2).
"""

from __future__ import annotations

from .lean import urandom

_Q = 3329  # the modulus of ML-KEM

_P256 = bytes.fromhex(
    "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
    "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"
)
_P384 = bytes.fromhex(
    "04AA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7"
    "3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F"
)
_P521 = bytes.fromhex(
    "0400C6858E06B70404E9CD9E3ECB662395B4429C648139053FB521F828AF606B4D3DBAA14B5E77EFE75928FE1DC127A2FFA8DE3348B3C1"
    "856A429BF97E7E31C2E5BD66"
    "011839296A789A3BC0045C8A5FB42C7D1BD998F54449579B446817AFBD17273E662C97EE72995EF42640C550B9013FAD0761353C7086A2"
    "72C24088BE94769FD16650"
)


def _encapsulation_key(rank: int) -> bytes:
    """An ML-KEM encapsulation key: 256 coefficients for each of ``rank`` polynomials, two in three bytes."""
    drawn = urandom(512 * rank)
    key = bytearray()
    for at in range(0, len(drawn), 4):
        first = (drawn[at] << 8 | drawn[at + 1]) % _Q
        second = (drawn[at + 2] << 8 | drawn[at + 3]) % _Q
        key += bytes((first & 0xFF, first >> 8 | (second & 0x0F) << 4, second >> 4))
    return bytes(key) + urandom(32)


def _finite_field(bits: int) -> bytes:
    exponent = 2 * (int.from_bytes(urandom(4), "big") % (bits // 2 - 8) + 1)
    return (1 << exponent).to_bytes(bits // 8, "big")


#: Groups a share can be made for, by code point, with its maker.
SYNTHETIC = {
    0x0017: lambda: _P256,
    0x0018: lambda: _P384,
    0x0019: lambda: _P521,
    0x001D: lambda: urandom(32),
    0x001E: lambda: urandom(56),
    0x0100: lambda: _finite_field(2048),
    0x0101: lambda: _finite_field(3072),
    0x0102: lambda: _finite_field(4096),
    0x0103: lambda: _finite_field(6144),
    0x0104: lambda: _finite_field(8192),
    0x0200: lambda: _encapsulation_key(2),
    0x0201: lambda: _encapsulation_key(3),
    0x0202: lambda: _encapsulation_key(4),
    # Hybrids (draft-ietf-tls-ecdhe-mlkem): the order of the parts is not the same in each.
    0x11EB: lambda: _P256 + _encapsulation_key(3),
    0x11EC: lambda: _encapsulation_key(3) + urandom(32),
    0x11ED: lambda: _P384 + _encapsulation_key(4),
    # X25519Kyber768Draft00: the same kind of key, the curve first.
    0x6399: lambda: urandom(32) + _encapsulation_key(3),
}


def synthetic(group: int) -> bytes:
    """A key share for a group of ``SYNTHETIC``."""
    return SYNTHETIC[group]()
