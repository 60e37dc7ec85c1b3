# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plain data and file names out of whatever networks, files and inventories hold."""

from __future__ import annotations

import hashlib
import os.path
import re
import typing as t

from ..printable import escaped

_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSAFE = re.compile(r"[^A-Za-z0-9._]+")
#: Device names that Windows keeps for itself in every folder and with every suffix.
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")
_LONGEST = 100


def plain(value: t.Any) -> t.Any:
    """A copy made of plain JSON types only, lone surrogates written out.

    Takes Ansible's own string and container types, which other libraries do not know. Raises TypeError for anything
    JSON has no word for.
    """
    # Most of what there is, and a fleet has millions of it.
    kind = value.__class__
    if kind is str and value.isascii():
        return value
    if kind is dict:
        return {
            key if key.__class__ is str and key.isascii() else plain(str(key)): plain(item)
            for key, item in value.items()
        }
    if kind is list:
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return _SURROGATE.sub(escaped, str.__str__(value))
    if isinstance(value, t.Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} is not plain data")


def safe_name(text: str, always_tag: bool = False) -> str:
    """A file name for any text: ASCII letters, digits, dot, underscore and dash, at most 117 characters, never hidden.

    A name that had to be changed carries eight digits of the text's SHA-256, so that different texts stay different.
    """
    name = _UNSAFE.sub("-", text).strip("-.")
    if name and name == text and len(name) <= _LONGEST and not _RESERVED.match(name) and not always_tag:
        return name
    stem, suffix = os.path.splitext(name)
    if not 1 < len(suffix) <= 5:
        stem, suffix = name, ""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[: 16 if always_tag else 8]
    stem = "_" + stem if _RESERVED.match(stem + ".") else stem
    return f"{stem[: _LONGEST - len(suffix)].strip('-.') or '_'}-{digest}{suffix}"


def unique_names(texts: t.Iterable[str]) -> dict[str, str]:
    """A file name for each text. Names differ also where upper and lower case are the same (macOS, Windows)."""
    names = {text: safe_name(text) for text in sorted(set(texts))}
    taken: dict[str, list[str]] = {}
    for text, name in names.items():
        taken.setdefault(name.lower(), []).append(text)
    for rivals in taken.values():
        if len(rivals) > 1:
            names.update((text, safe_name(text, always_tag=True)) for text in rivals)
    return names
