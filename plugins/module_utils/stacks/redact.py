# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take secrets out of text that becomes evidence. Every stack adds what only it can know; these are signs all share.

It errs on the side of taking out: a missed comment harms nobody, a missed key does. What is taken is replaced by
:data:`MARK` and counted, so that a reader sees that and where something was.
"""

from __future__ import annotations

import math
import re

MARK = "[redacted]"

#: Words that make their value a secret, in names of settings, headers and variables. ``pass`` alone is a common verb.
_WORDS = (
    r"passw(?:or)?d|passphrase|passwd|pwd|secret|token|api[-_]?key|apikey|access[-_]?key|private[-_]?key|"
    r"credentials?|authorization|auth[-_]?key|session[-_]?key|cookie|bearer|signature[-_]?key|psk|"
    r"community|shared[-_]?key|encryption[-_]?key|x[-_][a-z-]*key"
)
_SECRET_NAME = re.compile(rf"(?i)(?:^|[^a-z])(?:{_WORDS})(?:$|[^a-z])|(?:{_WORDS})$")

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY[A-Z ]*)-----.*?(?:-----END \1-----|\Z)", re.DOTALL)
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@\"'<>]*:[^\s/@\"'<>]*@")
#: As people write in comments: "password of the backup: ...".
_WHOSE = r"(?:[ \t]+(?:of|for|to|on)(?:[ \t]+[\w.@-]+){1,3})?"
_ASSIGNMENT = re.compile(
    rf"(?i)((?<![a-z0-9])[a-z0-9_.-]*(?:{_WORDS})[a-z0-9_]*[\"']?{_WHOSE}\s*(?:=>|[=:])\s*)"
    r"(\"[^\"\n]*\"|'[^'\n]*'|[^\s;,&#\"']+)"
)
# Credentials have digits, signs or capitals within; words behind "basic" in a sentence have not.
_SCHEME = re.compile(
    r"\b((?i:basic|bearer|digest|negotiate|token))[ \t]+(?=\S*(?:[0-9+/=_]|[a-z][A-Z]))[A-Za-z0-9+/=_.~-]{8,}"
)
_CRYPT = re.compile(r"\$(?:1|2[abxy]|5|6|7|y|gy|apr1|argon2[id]{1,2}|scrypt|pbkdf2[a-z0-9-]*)\$[^\s:;\"']+")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?")
_KNOWN_TOKEN = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|AKIA[0-9A-Z]{12,}|"
    r"sk[-_](?:live|test)[-_]\w{10,}|hvs\.[\w-]{20,}|AIza[\w-]{30,})"
)
_LONG = re.compile(r"(?<![A-Za-z0-9+/=_.~%-])[A-Za-z0-9+/_=-]{24,}(?![A-Za-z0-9+/_=-])")
#: Names in the registries of TLS that look like keys (RFC 8734).
_REGISTERED = re.compile(r"(?:ecdsa_)?brainpoolP\d+r1(?:tls13)?(?:_sha\d+)?\Z")
_HEX = re.compile(r"[0-9a-fA-F]{24,}\Z")

#: Bits of Shannon entropy a character of random base64 nearly has, and names made of words do not.
_ENTROPY_MIN = 4.0


def is_secret_name(name: str) -> bool:
    """Whether a setting, header or variable of that name usually holds a secret."""
    return bool(_SECRET_NAME.search(name.strip("$\"'")))


def looks_random(word: str) -> bool:
    """Whether a word looks like a key or token: long hexadecimal digits, or mixed characters without pattern."""
    if _HEX.match(word):
        return True
    if _REGISTERED.match(word) or len(word) < 24 or not (re.search(r"\d", word) and re.search(r"[A-Za-z]", word)):
        return False
    # Paths, settings and names of things are words joined by separators; tokens have long parts without one.
    if max(len(part) for part in re.split(r"[/_.=-]", word)) < 16:
        return False
    return _entropy(word) >= _ENTROPY_MIN


def _entropy(word: str) -> float:
    shares = [word.count(char) / len(word) for char in set(word)]
    return -sum(share * math.log2(share) for share in shares)


def redact(text: str) -> tuple[str, int]:
    """The text without what is a secret by its own look, and how many secrets were taken out."""
    count = 0

    def taken(match: re.Match[str], kept: str = "") -> str:
        nonlocal count
        count += 1
        return kept + MARK

    def pem(match: re.Match[str]) -> str:
        # As many lines as before, so that what follows keeps its number.
        kind, lines = match.group(1), match.group().count("\n")
        begin = f"-----BEGIN {kind}-----" + "\n" * min(lines, 1)
        return taken(match, begin) + "\n" * (lines - min(lines, 1)) + f"-----END {kind}-----"

    def assignment(match: re.Match[str]) -> str:
        value = match.group(2)
        done = MARK in value or match.string.startswith(f" {MARK}", match.end())
        if done or value.startswith("$"):
            return match.group()
        quote = value[0] if value[0] in "\"'" else ""
        return taken(match, match.group(1) + quote) + quote

    def long_word(match: re.Match[str]) -> str:
        return taken(match) if looks_random(match.group()) else match.group()

    text = _PEM.sub(pem, text)
    text = _USERINFO.sub(lambda match: taken(match, match.group(1)) + "@", text)
    text = _SCHEME.sub(lambda match: taken(match, match.group(1) + " "), text)
    text = _ASSIGNMENT.sub(assignment, text)
    text = _CRYPT.sub(taken, text)
    text = _JWT.sub(taken, text)
    text = _KNOWN_TOKEN.sub(taken, text)
    return _LONG.sub(long_word, text), count
