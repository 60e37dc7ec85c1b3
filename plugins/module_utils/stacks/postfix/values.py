# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What single values mean to Postfix: ``$name`` expansion, protocol lists, levels, grades and addresses.

A wrong value is no error to ``postfix check``: smtpd finds it when it starts, and then offers no TLS at all. So every
reader here tells a value Postfix refuses from one it takes.
"""

from __future__ import annotations

import re
import typing as t

from ...baseline.model import PROTOCOLS

Lookup = t.Callable[[str], t.Optional[str]]

#: Postfix's words for protocols in lower case: it compares them so (name_code(3) without NAME_CODE_FLAG_STRICT_CASE).
_WORDS = {**{name.lower(): name for name in PROTOCOLS if name != "TLSv1.0"}, "tlsv1": "TLSv1.0"}
#: Protocols by number, as ``>=0303`` names them (RFC 8446, section 4.2.1).
_NUMBERS = dict(zip((0x0002, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304), PROTOCOLS))

#: ``>=`` and ``<=`` in protocol lists came with this version (RELEASE_NOTES-3.6).
LIMITS = (3, 6)

#: Levels of a server; those that verify count as encrypt there (smtpd(8)).
SERVER_LEVELS = {"none": "none", "may": "may", "encrypt": "encrypt", "fingerprint": "encrypt", "verify": "encrypt",
                 "secure": "encrypt"}  # fmt: skip
#: Levels of a client, and whether TLS is demanded and the peer's certificate verified.
CLIENT_LEVELS = {"none": (False, False), "may": (False, False), "encrypt": (True, False), "dane": (True, False),
                 "dane-only": (True, True), "half-dane": (True, False), "fingerprint": (True, True),
                 "verify": (True, True), "secure": (True, True)}  # fmt: skip

GRADES = ("high", "medium", "low", "export", "null")


def is_yes(text: str) -> bool:
    return text.strip().lower() == "yes"


def split(text: str) -> list[str]:
    """Words of a list, which commas or white space separate (CHARS_COMMA_SP)."""
    return [word for word in re.split(r"[,\s]+", text) if word]


# --- protocol lists ---------------------------------------------------------------------------------------------------


class Protocols(t.NamedTuple):
    """A protocol list read. ``problem`` is why Postfix refuses it, and TLS with it; empty when it does not."""

    names: tuple[str, ...]
    problem: str


def protocols(text: str, version: tuple[int, ...]) -> Protocols:
    """Protocols a list leaves on, oldest first (tls_proto_mask_lims(3)).

    A name without ``!`` makes the list one of what is on; with ``!`` only, everything else is on.
    """
    included: set[str] = set()
    excluded: set[str] = set()
    low, high = 0, len(PROTOCOLS) - 1
    for word in re.split(r"[,\s:]+", text):
        if not word:
            continue
        if word[:2] in (">=", "<="):
            name = _limit(word[2:])
            if version < LIMITS:
                return Protocols((), f'"{word}" needs Postfix 3.6 or newer')
            if name is None:
                return Protocols((), f'"{word}" names no protocol')
            if word[0] == ">":
                low = PROTOCOLS.index(name)
            else:
                high = PROTOCOLS.index(name)
            continue
        known = _WORDS.get(word.lstrip("!").lower() if word.startswith("!") else word.lower())
        if known is None or word.startswith("!!"):
            return Protocols((), f'"{word}" names no protocol')
        (excluded if word.startswith("!") else included).add(known)
    names = tuple(
        name
        for number, name in enumerate(PROTOCOLS)
        if low <= number <= high and name not in excluded and (not included or name in included)
    )
    return Protocols(names, "")


def _limit(word: str) -> str | None:
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    try:
        return _NUMBERS.get(int(word, 16))
    except ValueError:
        return None


def exclusions(wanted: t.Iterable[str], known: t.Iterable[str]) -> list[str]:
    """Words of a list that means ``wanted``, to every version of Postfix: the others are excluded by name.

    A protocol newer than all of ``wanted`` is only named where it is ``known`` to the library.
    """
    names, here = set(wanted), set(known)
    newest = max(map(PROTOCOLS.index, names))
    off = (name for number, name in enumerate(PROTOCOLS) if name not in names and (number < newest or name in here))
    return ["!" + ("TLSv1" if name == "TLSv1.0" else name) for name in off]


# --- expansion --------------------------------------------------------------------------------------------------------

_MACRO = re.compile(r"\$(?:\$|([A-Za-z0-9_]+)|(?=[{(]))")
_DEPTH = 30


def expand(text: str, lookup: Lookup, depth: int = 0) -> str:
    """The value with every ``$name``, ``${name?yes:no}`` and comparison replaced (postconf(5), mac_expand(3)).

    What is not defined is empty, and so is what refers to itself without end.
    """
    if "$" not in text or depth > _DEPTH:
        return "" if depth > _DEPTH else text
    out, at = [], 0
    while True:
        match = _MACRO.search(text, at)
        if match is None:
            out.append(text[at:])
            return "".join(out)
        out.append(text[at : match.start()])
        at = match.end()
        if match.group() == "$$":
            out.append("$")
        elif match.group(1):
            out.append(_named(match.group(1), lookup, depth))
        else:
            end = _closing(text, at)
            out.append(_conditional(text[at + 1 : end - 1], lookup, depth))
            at = end


def _named(name: str, lookup: Lookup, depth: int) -> str:
    return expand(lookup(name) or "", lookup, depth + 1)


def _closing(text: str, start: int) -> int:
    """The offset after the bracket that closes the one at ``start``; the end where it is never closed."""
    opening, closing = text[start], {"{": "}", "(": ")"}[text[start]]
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] == opening) - (text[at] == closing)
        if not depth:
            return at + 1
    return len(text)


def _conditional(text: str, lookup: Lookup, depth: int) -> str:
    inner = text.strip()
    if inner.startswith("{"):
        end = _closing(inner, 0)
        match = re.match(r"\s*(==|!=|<=|>=|<|>)(level)?\s*(?=\{)", inner[end:])
        if not match:
            return ""
        right_end = _closing(inner, end + match.end())
        left = expand(inner[1 : end - 1].strip(), lookup, depth + 1)
        right = expand(inner[end + match.end() + 1 : right_end - 1].strip(), lookup, depth + 1)
        chosen, rest = _compare(left, match.group(1), right), inner[right_end:].strip()
        return _branch(chosen, rest, lookup, depth)
    match = re.match(r"([A-Za-z0-9_]+)\s*", inner)
    if not match:
        return ""
    rest = inner[match.end() :]
    value = _named(match.group(1), lookup, depth)
    return _branch(bool(value), rest, lookup, depth) if rest else value


def _branch(chosen: bool, rest: str, lookup: Lookup, depth: int) -> str:
    """``?{yes}:{no}``, ``?yes`` or ``:no``."""
    if rest.startswith(":"):
        return "" if chosen else expand(_bare(rest[1:]), lookup, depth + 1)
    body = rest[1:].lstrip()
    if body.startswith("{"):
        end = _closing(body, 0)
        yes, no = body[1 : end - 1], body[end:].lstrip()
        return expand((yes if chosen else _bare(no[1:])).strip(), lookup, depth + 1)
    return expand(body, lookup, depth + 1) if chosen else ""


def _bare(text: str) -> str:
    text = text.strip()
    return text[1:-1] if text.startswith("{") and text.endswith("}") else text


def _compare(left: str, operator: str, right: str) -> bool:
    a: t.Any = [int(part) for part in re.findall(r"\d+", left)] if re.match(r"\d", left) else left
    b: t.Any = [int(part) for part in re.findall(r"\d+", right)] if re.match(r"\d", right) else right
    if type(a) is not type(b):
        a, b = left, right
    return bool({"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator])


# --- other values -----------------------------------------------------------------------------------------------------

#: What separates words of cipher exclusions and curve lists.
SEPARATED = re.compile(r"[,:\s]+")
LEVEL_MARK = re.compile(r"@SECLEVEL=(\d+)")
#: A next hop that is one host: brackets forbid the MX lookup.
RELAY = re.compile(r"\[([A-Za-z0-9.:_-]+)\](?::(\w+))?\Z")
