# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The primes of finite-field Diffie-Hellman that have a name, computed from their definition.

Each is ``2^b - 2^(b-64) + ([2^(b-130) c] + x) 2^64 - 1`` with c = e for RFC 7919 and c = pi for RFC 2409 and RFC 3526,
and the least x that makes it a safe prime.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

#: Bits -> x.
_RFC7919 = {2048: 560316, 3072: 2625351, 4096: 5736041, 6144: 15705020, 8192: 10965728}
_RFC2409 = {768: 149686, 1024: 129093}
_RFC3526 = {1536: 741804, 2048: 124476, 3072: 1690314, 4096: 240904, 6144: 929484, 8192: 4743158}
_MODP = {**_RFC2409, **_RFC3526}

_GUARD = 64  # bits computed more than needed, against rounding


def name_of(prime: int) -> str:
    """``ffdhe<bits>`` (RFC 7919), ``modp<bits>`` (RFC 2409, RFC 3526), or ``DH-<bits>`` for any other number."""
    bits = prime.bit_length()
    if bits in _RFC7919 and prime == _prime(bits, _e, _RFC7919[bits]):
        return f"ffdhe{bits}"
    if bits in _MODP and prime == _prime(bits, _pi, _MODP[bits]):
        return f"modp{bits}"
    return f"DH-{bits}"


def _prime(bits: int, constant: Callable[[int], int], x: int) -> int:
    return (1 << bits) - (1 << bits - 64) + (constant(bits - 130) + x << 64) - 1


def _e(bits: int) -> int:
    """e times 2^bits, rounded down."""
    one = 1 << bits + _GUARD
    total, term, count = 0, one, 1
    while term:
        total += term
        term //= count
        count += 1
    return total >> _GUARD


def _pi(bits: int) -> int:
    """pi times 2^bits, rounded down, by Machin's formula."""
    one = 1 << bits + _GUARD

    def arctan_of_inverse(number: int) -> int:
        total, term, count, sign = 0, one // number, 1, 1
        while term:
            total += sign * (term // count)
            term //= number * number
            count, sign = count + 2, -sign
        return total

    return 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239)) >> _GUARD
