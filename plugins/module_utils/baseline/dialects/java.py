# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How Java spells what is outside the baseline: the words of ``jdk.tls.disabledAlgorithms``.

The property takes protocols, parts of suites and whole suites (JSSE Reference Guide, Disabled and Restricted
Cryptographic Algorithms; sun.security.ssl.SSLAlgorithmDecomposer). Static RSA cannot be named by its part, which is
that of every certificate with an RSA key as well: such suites are named whole, as crypto-policies does.
"""

from __future__ import annotations

import re

from .. import model, suites

#: Java's words for protocol ids, where they differ.
WORDS = {"TLSv1.0": "TLSv1"}
_DTLS = {"TLSv1.1": "DTLSv1.0"}

#: What Java knows of ciphers, in the words of suites; those no profile approves are off in most releases already.
_CIPHERS = {
    "RC4_128": "RC4",
    "DES_CBC": "DES",
    "3DES_EDE_CBC": "3DES_EDE_CBC",
    "AES_128_CBC": "AES_128_CBC",
    "AES_256_CBC": "AES_256_CBC",
    "AES_128_GCM": "AES_128_GCM",
    "AES_256_GCM": "AES_256_GCM",
    "CHACHA20_POLY1305": "ChaCha20-Poly1305",
}
_EXCHANGES = ("DHE_RSA", "DHE_DSS", "ECDH", "anon", "NULL")
_STATIC_RSA = ("TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384")

#: By the names of schemes, which are about handshakes and not about certificates.
_SCHEMES = ("rsa_pkcs1_sha1", "ecdsa_sha1", "dsa_sha1", "dsa_sha224", "dsa_sha256")
_SIZES = ("DH keySize < 2048", "EC keySize < 224")


def disabled(baseline: model.Baseline) -> list[str]:
    """What ``jdk.tls.disabledAlgorithms`` must hold, in order."""
    found = []
    for name in baseline.forbidden_protocols:
        if name != "SSLv2":
            found.append(WORDS.get(name, name))
        if name in _DTLS:
            found.append(_DTLS[name])
    wanted = {suites.by_name(name).encryption for name in (*baseline.suites_tls12, *baseline.suites_tls13)}
    found += [word for name, word in _CIPHERS.items() if name not in wanted]
    return [*found, *_EXCHANGES, *_STATIC_RSA, *_SCHEMES, "MD5withRSA", *_SIZES]


def words(text: str) -> list[str]:
    """The entries of the property."""
    return [word for word in (re.sub(r"\s+", " ", part).strip().strip('"') for part in text.split(",")) if word]


def lacking(text: str, baseline: model.Baseline) -> list[str]:
    """What of :func:`disabled` a value of the property does not hold, by name, by a pattern or by a wider bound."""
    present = [word.lower() for word in words(text)]
    return [word for word in disabled(baseline) if not any(_covers(other, word.lower()) for other in present)]


def _covers(other: str, word: str) -> bool:
    bound = re.match(r"(\w+) keysize < (\d+)\Z", word)
    if bound:
        wider = re.match(rf"{bound.group(1)} keysize < (\d+)\Z", other)
        return wider is not None and int(wider.group(1)) >= int(bound.group(2))
    if other.endswith("*"):
        return word.startswith(other[:-1])
    # Handshakes are what the baseline is about.
    return other in (word, f"{word} usage handshakesignature")


def protocols(text: str) -> tuple[str, ...]:
    """Protocol ids that a value of the property leaves, oldest first. Java has no SSLv2."""
    off = {word.lower() for word in words(text)}
    return tuple(name for name in model.PROTOCOLS if name != "SSLv2" and WORDS.get(name, name).lower() not in off)
