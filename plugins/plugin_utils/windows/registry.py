# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Windows registry as text: what ``reg query`` prints, and the files ``reg import`` takes.

Nothing here depends on the language of Windows: keys and values have the same form everywhere, and the messages around
them are never read. Formats: Microsoft, "reg query", "reg import" and KB310516 (.reg files).

Files are written in the older of their two forms, ``REGEDIT4``: in it a list of texts is bytes of the code page, so
that plain ASCII means the same everywhere. In the newer form that depends on how the file itself is encoded.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError

Data = t.Union[int, str, tuple[str, ...], bytes]

HEADER = "REGEDIT4"

#: First line of the files ``reg export`` writes, whose lists of texts are UTF-16.
EXPORTED = "Windows Registry Editor Version 5.00"

_ROOTS = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCU": "HKEY_CURRENT_USER",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKU": "HKEY_USERS",
    "HKCC": "HKEY_CURRENT_CONFIG",
}

# Data that is empty leaves its separator, and some versions leave not even that.
_VALUE = re.compile(r" {4}(.*?) {4}(REG_[A-Z_]+)(?: {4}(.*))?\Z")
_KEY = re.compile(r"HKEY_[A-Z_]+(?:\\.*)?\Z")

#: Types in .reg files, by their number in ``hex(n):``.
_HEX_TYPES = {1: "REG_SZ", 2: "REG_EXPAND_SZ", 3: "REG_BINARY", 4: "REG_DWORD", 7: "REG_MULTI_SZ", 11: "REG_QWORD"}
_STRINGS = ("REG_SZ", "REG_EXPAND_SZ")


class RegistryError(InTransitError):
    """Text that is not what reg.exe prints or takes."""


class Value(t.NamedTuple):
    """One value. ``key`` begins with the long name of its root.

    ``data`` is an int for REG_DWORD and REG_QWORD, a text for REG_SZ and REG_EXPAND_SZ, a tuple of texts for
    REG_MULTI_SZ, and bytes for everything else. None: the value is not there, or is to be taken away.
    """

    key: str
    name: str
    type: str
    data: Data | None

    @property
    def place(self) -> tuple[str, str]:
        """Identity: Windows compares names without regard to case."""
        return self.key.lower(), self.name.lower()


class Registry:
    """The part of a registry that was read."""

    def __init__(self, values: t.Iterable[Value] = (), keys: t.Iterable[str] = ()) -> None:
        self._values = {value.place: value for value in values}
        self._keys = {key.lower(): key for key in (*keys, *(value.key for value in self._values.values()))}

    def __iter__(self) -> t.Iterator[Value]:
        return iter(self._values.values())

    @property
    def keys(self) -> list[str]:
        """Every key that is there, whether it holds values or not."""
        return list(self._keys.values())

    def __contains__(self, key: str) -> bool:
        """Whether the key itself is there."""
        return full(key).lower() in self._keys

    def get(self, key: str, name: str) -> Value | None:
        return self._values.get((full(key).lower(), name.lower()))

    def data(self, key: str, name: str) -> Data | None:
        value = self.get(key, name)
        return None if value is None else value.data

    def number(self, key: str, name: str) -> int | None:
        """The data of a number; None when there is none, or something else."""
        data = self.data(key, name)
        return data if isinstance(data, int) else None

    def text(self, key: str, name: str) -> str | None:
        """The data of a text; None when there is none, or something else."""
        data = self.data(key, name)
        return data if isinstance(data, str) else None

    def below(self, key: str) -> list[str]:
        """Names of the keys right below a key, in the order they were read."""
        prefix = full(key).lower() + "\\"
        names = (known[len(prefix) :] for lower, known in self._keys.items() if lower.startswith(prefix))
        return list(dict.fromkeys(name.split("\\")[0] for name in names))

    def merged(self, changes: t.Iterable[Value]) -> Registry:
        """The registry after the changes: what ``reg import`` of them makes of it."""
        values = dict(self._values)
        for change in changes:
            if change.data is None:
                values.pop(change.place, None)
            else:
                values[change.place] = change
        return Registry(values.values(), self._keys.values())


def full(key: str) -> str:
    """The key with the long name of its root: ``HKLM\\X`` as ``HKEY_LOCAL_MACHINE\\X``."""
    root, slash, rest = key.partition("\\")
    return _ROOTS.get(root.upper(), root) + slash + rest


# --- what reg query prints --------------------------------------------------------------------------------------


def combined(parts: t.Iterable[Registry]) -> Registry:
    """Everything the parts hold."""
    every = list(parts)
    return Registry((value for part in every for value in part), (key for part in every for key in part.keys))


def parse_query(text: str) -> Registry:
    """The output of one ``reg query``, or of several in a row.

    A line that is neither key nor value continues the text right above it; behind a blank line, which ends every key,
    it is a message, which some versions print among the values.
    """
    values: list[Value] = []
    keys: list[str] = []
    continues = False
    for line in text.splitlines():
        match = _VALUE.match(line)
        if _KEY.match(line):
            keys.append(line.rstrip())
            continues = False
        elif match and keys:
            name, kind, data = match.groups()
            values.append(Value(keys[-1], name, kind, _read(kind, data or "", f"{keys[-1]} {name}")))
            continues = True
        elif not line.strip():
            continues = False
        elif continues and isinstance(before := values[-1].data, str):
            values[-1] = values[-1]._replace(data=f"{before}\n{line}")
    return Registry(values, keys)


def brief(key: str) -> str:
    """A part for cmd.exe: all keys and numbers below a key five levels below its root, without naming it each time.

    ``reg query`` repeats the whole key for each of its subkeys. Here cmd.exe splits what it prints at backslashes,
    underscores and blanks: of a key the first seven words go and the rest stays as it is, of a number stay the name,
    the type and the data.
    """
    return (
        '(for /f "tokens=1,3,4,8* delims=\\_ " %a '
        f"in ('reg query {key.replace('HKEY_LOCAL_MACHINE', 'HKLM', 1)} /s /reg:64') do @echo %a %b %c %e)"
    )


def parse_brief(text: str, key: str) -> Registry | None:
    """The output of :func:`brief`; None when there is more than keys and numbers, so that it must be read in full."""
    values: list[Value] = []
    keys: list[str] = []
    for line in filter(None, map(str.rstrip, text.splitlines())):
        if match := re.fullmatch(r"HKEY MACHINE SYSTEM(?: (.+))?", line):
            keys.append(f"{key}\\{match[1]}" if match[1] else key)
        elif keys and (match := re.fullmatch(r"(\S+) DWORD 0x([0-9a-f]{1,8})", line)):
            values.append(Value(keys[-1], match[1], "REG_DWORD", int(match[2], 16)))
        else:
            return None
    return Registry(values, keys)


def _read(kind: str, data: str, place: str) -> Data:
    try:
        if kind in ("REG_DWORD", "REG_QWORD"):
            return int(data, 16)
        if kind in _STRINGS:
            return data
        if kind == "REG_MULTI_SZ":
            return tuple(item for item in data.split("\\0") if item)
        return bytes.fromhex(data)
    except ValueError:
        raise RegistryError(f"{place}: {data!r} is no {kind}") from None


# --- .reg files -------------------------------------------------------------------------------------------------


def render(changes: t.Iterable[Value]) -> list[str]:
    """The changes as lines of a .reg file, without its header; values without data are taken away.

    Only ASCII is written, so that the code page of the host has no say. Raises RegistryError for anything else.
    """
    lines: list[str] = []
    key = None
    for change in changes:
        texts = change.data if isinstance(change.data, tuple) else (change.data,)
        for part in (change.key, change.name, *texts):
            if isinstance(part, str) and not re.fullmatch(r"[ -~]*", part):
                raise RegistryError(f"{change.key} {change.name}: only printable ASCII can be written, not {part!r}")
        if change.key != key:
            key = change.key
            lines.append(f"[{key}]")
        lines.append(f'"{_escaped(change.name)}"={_written(change)}')
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _written(change: Value) -> str:
    data = change.data
    if data is None:
        return "-"
    if change.type == "REG_DWORD" and isinstance(data, int):
        return f"dword:{data:08x}"
    if change.type == "REG_SZ" and isinstance(data, str):
        return f'"{_escaped(data)}"'
    number = next((number for number, kind in _HEX_TYPES.items() if kind == change.type), None)
    if number is None:
        raise RegistryError(f"{change.key} {change.name}: {change.type} cannot be written")
    tag = "hex" if number == 3 else f"hex({number:x})"
    return f"{tag}:{','.join(f'{byte:02x}' for byte in _bytes(change))}"


def _bytes(change: Value) -> bytes:
    data = change.data
    if isinstance(data, tuple):
        return "".join(f"{item}\0" for item in (*data, "")).encode("ascii")
    if isinstance(data, str):
        return f"{data}\0".encode("ascii")
    if isinstance(data, int):
        return data.to_bytes(8, "little")
    return data or b""


def document(lines: t.Iterable[str]) -> str:
    """Lines of :func:`render` as a whole .reg file, with the line ends of Windows."""
    return "\r\n".join((HEADER, "", *lines, ""))


def parse_document(text: str, file: str = "the file") -> list[Value]:
    """The changes a .reg file holds. Raises RegistryError naming file and line."""
    lines = text.lstrip("\ufeff").splitlines()
    header = lines[0].strip() if lines else ""
    if header not in (HEADER, EXPORTED):
        raise RegistryError(f"{file}:1: the first line of a .reg file is {HEADER!r} or {EXPORTED!r}")
    encoding = "ascii" if header == HEADER else "utf-16-le"
    changes: list[Value] = []
    key, number = None, 1
    rest = iter(lines[1:])
    for first in rest:
        number += 1
        begin, line = number, first
        while line.endswith("\\"):
            number += 1
            line = line[:-1] + next(rest, "").strip()
        if not line.strip() or line.startswith(";"):
            continue
        if re.fullmatch(r"\[HKEY_.+\]", line):
            key = line[1:-1]
            continue
        match = re.fullmatch(r'"((?:[^"\\]|\\.)*)"=(.*)', line)
        if key is None or match is None:
            raise RegistryError(f'{file}:{begin}: a key in brackets or a line "name"=data is needed, not {line!r}')
        name = _unescaped(match[1])
        changes.append(_parsed(key, name, match[2], encoding, f"{file}:{begin}"))
    return changes


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _parsed(key: str, name: str, data: str, encoding: str, place: str) -> Value:
    if data == "-":
        return Value(key, name, "REG_NONE", None)
    if match := re.fullmatch(r"dword:([0-9A-Fa-f]{1,8})", data):
        return Value(key, name, "REG_DWORD", int(match[1], 16))
    if match := re.fullmatch(r'"((?:[^"\\]|\\.)*)"', data):
        return Value(key, name, "REG_SZ", _unescaped(match[1]))
    if match := re.fullmatch(r"hex(?:\(([0-9a-f]+)\))?:((?:[0-9A-Fa-f]{2}(?:,|\Z))*)", data):
        kind = _HEX_TYPES.get(int(match[1] or "3", 16))
        raw = bytes.fromhex(match[2].replace(",", ""))
        try:
            if kind == "REG_MULTI_SZ":
                return Value(key, name, kind, tuple(item for item in raw.decode(encoding).split("\0") if item))
            if kind in _STRINGS:
                return Value(key, name, kind, raw.decode(encoding).rstrip("\0"))
        except UnicodeDecodeError:
            raise RegistryError(f"{place}: the bytes of {name} are no text in {encoding}") from None
        if kind in ("REG_DWORD", "REG_QWORD"):
            return Value(key, name, kind, int.from_bytes(raw, "little"))
        if kind:
            return Value(key, name, kind, raw)
    raise RegistryError(f"{place}: {data!r} is no data of a .reg file")


def spoken(value: Value | None) -> str:
    """The data for people: numbers small in decimal and large in hexadecimal, ``absent`` when there is none."""
    data = None if value is None else value.data
    if data is None:
        return "absent"
    if isinstance(data, int):
        return str(data) if data < 10000 else hex(data)
    if isinstance(data, bytes):
        return data.hex()
    return ", ".join(data) if isinstance(data, tuple) else data
