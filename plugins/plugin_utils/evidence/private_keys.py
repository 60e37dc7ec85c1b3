# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The last guard before sealing: a private key in any file of a bundle stops it.

Redaction happens where configuration is read, by people who know the software. This here only knows what a private
key looks like in any format, and is meant never to find one.
"""

from __future__ import annotations

import base64
import re
import typing as t

_WORDS = rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY( BLOCK)?-----"


def _in_base64(text: bytes) -> list[bytes]:
    """The characters that stand for the text inside base64, for each of the three ways it can be aligned."""
    found = []
    for before in range(3):
        code = base64.b64encode(b"\0" * before + text)
        # Characters that also carry bits of the neighbours are left off at both ends.
        found.append(code[(0, 2, 3)[before] : len(code) - (0, 3, 2)[(before + len(text)) % 3]])
    return found


_BASE64 = b"|".join(re.escape(code) for text in (b"PRIVATE KEY-----", b"openssh-key-v1\0") for code in _in_base64(text))
#: Keys in base64 without their armour: RSA in PKCS #1 (RFC 8017); RSA, EC, Ed25519, X25519 in PKCS #8 (RFC 5958, 8410).
_BARE = (
    rb"MII[A-Za-z0-9+/]{3}IBA(AKC|DANBgkqhkiG9w0BAQEFAASC)"
    rb"|MI[GH][A-Za-z0-9+/]AgEAMB[A-Z]GByqGSM49"
    rb"|MC4CAQAwBQYDK2V[uw]BCIEI"
)

_PATTERN = re.compile(b"|".join((_WORDS, _BASE64, _BARE, rb"PuTTY-User-Key-File-\d", rb"AGE-SECRET-KEY-1[A-Z0-9]{20}")))
#: Longer than anything the pattern can match.
_OVERLAP = 256


def first_secret(chunks: t.Iterable[bytes]) -> int | None:
    """Byte offset of the first private key in the chunks of one file, or None."""
    tail, start = b"", 0
    for chunk in chunks:
        window = tail + chunk
        match = _PATTERN.search(window)
        if match:
            return start + match.start()
        tail = window[-_OVERLAP:]
        start += len(window) - len(tail)
    return None
