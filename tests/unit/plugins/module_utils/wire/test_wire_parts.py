"""The small parts: lean imports, named primes, HTTP headers."""

from __future__ import annotations

import hashlib
import json
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.wire import http, lean, primes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_dumps_writes_what_json_would(value: object) -> None:
    assert lean.dumps(value) == json.dumps(value)


def test_dumps_refuses_the_rest() -> None:
    with pytest.raises(TypeError, match="bytes has no form in JSON"):
        lean.dumps({"a": [b"x"]})
    assert "\\u001b" in lean.dumps("\x1b[2J")


@pytest.mark.parametrize("lacking", [None, lambda only_one: None])
def test_another_python_writes_the_same(monkeypatch: pytest.MonkeyPatch, lacking: object) -> None:
    """Neither PyPy nor a Python whose encoder takes other parameters has what dumps is made of."""
    monkeypatch.setattr(lean, "make_encoder", lacking)
    assert lean._encoder() is json.dumps


def test_lean_names_are_the_real_things() -> None:
    assert lean.sha256(b"abc").hexdigest() == hashlib.sha256(b"abc").hexdigest()
    assert issubclass(socket.socket, lean.socket.socket)


# The first digits are those printed in RFC 7919 and RFC 3526; the rest is proved by what the primes have to be.
@pytest.mark.parametrize(
    ("name", "bits", "middle"),
    [
        ("ffdhe2048", 2048, "ADF85458A2BB4A9AAFDC5620273D3CF1D8B9C583CE2D3695A9E13641146433FB"),
        ("ffdhe3072", 3072, "ADF85458A2BB4A9AAFDC5620273D3CF1D8B9C583CE2D3695A9E13641146433FB"),
        ("ffdhe8192", 8192, "ADF85458A2BB4A9AAFDC5620273D3CF1D8B9C583CE2D3695A9E13641146433FB"),
        ("modp1024", 1024, "C90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22"),
        ("modp2048", 2048, "C90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22"),
        ("modp4096", 4096, "C90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22"),
    ],
)
def test_named_primes(name: str, bits: int, middle: str) -> None:
    constant, table = (primes._e, primes._RFC7919) if name.startswith("ffdhe") else (primes._pi, primes._MODP)
    prime = primes._prime(bits, constant, table[bits])
    text = f"{prime:X}"
    assert text.startswith("F" * 16 + middle)
    assert text.endswith("F" * 16)
    assert prime.bit_length() == bits
    assert pow(2, prime - 1, prime) == 1
    assert pow(2, (prime - 1) // 2, prime) == 1, "2 is a square: the subgroup of prime order"
    assert primes.name_of(prime) == name
    assert primes.name_of(prime - 2) == f"DH-{bits}"


def test_a_prime_of_ones_own() -> None:
    assert primes.name_of((1 << 1023) + 1155) == "DH-1024"
    assert primes.name_of((1 << 767) + 7) == "DH-768"
    assert primes.name_of(0) == "DH-0"


@pytest.mark.parametrize(
    ("header", "age"),
    [
        ("max-age=31536000", 31536000),
        ("includeSubDomains; Max-Age=1", 1),
        ('max-age="60"; preload', 60),
        ("max-age = 5", 5),
        ("max-age=0", 0),
        ("", None),
        ("includeSubDomains", None),
        ("max-age=abc", None),
        ("max-age=-1", None),
        ("max-age=1; max-age=2", None),
        ("max-age=" + "9" * 40, int("9" * 18)),
    ],
)
def test_hsts_header(header: str, age: int | None) -> None:
    assert http.max_age(header) == age
