# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""TLS policy maps: per destination they beat every other parameter of a client (TLS_README, postconf(5)).

They are read and judged, never changed: the source text of an indexed map means nothing until postmap(1) has run.
"""

from __future__ import annotations

import typing as t

from . import values
from .grammar import Logical, decode, logical_lines

if t.TYPE_CHECKING:
    from .config import Config

PARAMETERS = ("smtp_tls_policy_maps", "lmtp_tls_policy_maps")

#: Types whose source is a text file of "key value" lines under the very name.
_TEXT = ("btree", "cdb", "dbm", "hash", "lmdb", "regexp", "pcre", "sdbm", "texthash")


class Entry(t.NamedTuple):
    """One line of a policy map. ``protocols`` is None where the line sets none."""

    parameter: str
    path: str
    line: int
    text: str
    destination: str
    level: str
    protocols: values.Protocols | None


def tables(text: str) -> list[tuple[str, str]]:
    """(type, name) of a list of lookup tables; ``proxy:`` only passes on."""
    found = []
    for word in values.split(text):
        kind, colon, name = word.partition(":")
        if kind == "proxy":
            kind, colon, name = name.partition(":")
        if colon:
            found.append((kind, name))
    return found


def files(text: str) -> list[str]:
    return [name for kind, name in tables(text) if kind in _TEXT and name.startswith("/")]


def opaque(text: str) -> list[str]:
    """Tables that cannot be read here: databases, directories, sockets."""
    return [f"{kind}:{name}" for kind, name in tables(text) if kind not in _TEXT]


def entries(config: Config) -> t.Iterator[Entry]:
    for parameter in PARAMETERS:
        seen: set[str] = set()
        for service in (None, *config.commands("smtp", "lmtp")):
            for path in files(config.scope(service).text(parameter)):
                if path in config.maps and path not in seen:
                    seen.add(path)
                    lines: t.Iterable[Logical] = config.maps[path].tree
                    for logical in lines:
                        entry = _entry(config, parameter, path, logical)
                        if entry is not None:
                            yield entry


def _entry(config: Config, parameter: str, path: str, logical: Logical) -> Entry | None:
    text = " ".join(decode(logical.text).split())
    destination, _blank, rest = text.partition(" ")
    words = values.split(rest)
    if not words:
        return None
    given = dict(word.partition("=")[::2] for word in words[1:])
    listed = given.get("protocols")
    read = None if listed is None else values.protocols(listed, config.version)
    return Entry(parameter, path, logical.line, text, destination, words[0].lower(), read)


def parse(path: str, data: bytes) -> tuple[Logical, ...]:
    return tuple(logical_lines(path, data))
