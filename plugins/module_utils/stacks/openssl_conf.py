# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OpenSSL's own configuration file (config(5)), as far as it reaches every TLS context of a program that reads it.

From OpenSSL 1.1.1 on ``openssl_conf`` names a section, its ``ssl_conf`` another, and the ``system_default`` of that one
the section whose commands (SSL_CONF_cmd(3)) every context begins with. Sections of one name are one section, and of
several values of one name in it the last one counts: so a file that includes another can say more in the same sections.
"""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from .host import Host

#: The first version that knows both ``system_default`` and ``.include``.
SINCE = (1, 1, 1)

_CHAIN = ("openssl_conf", "ssl_conf", "system_default")
_UNNAMED = "default"
_LEVEL = re.compile(r"@SECLEVEL=(\d)")
#: Paths and section names that mean themselves wherever they stand.
_PLAIN = re.compile(r"[\w./:+@-]+")
#: White space to OpenSSL (conf_def.h), which has less of it than Python.
_BLANK = " \t\r"
#: Values without quotes, or in one pair of them.
_VALUE = re.compile(r"[^\"'`]*|\"[^\"']*\"|'[^\"']*'")

Sections = t.Dict[str, t.Dict[str, str]]


class Defaults(t.NamedTuple):
    """What a file gives every context. ``sections`` are the names along the chain, as far as it goes; ``commands`` are
    those of the last one, names in lower case."""

    path: str
    sections: tuple[str, ...]
    commands: t.Mapping[str, str]


def read(host: Host, path: str) -> Defaults | None:
    """What a file and the files it includes give. None when a line can change that in a way that is not followed here;
    nothing at all when the file is missing, which OpenSSL takes for an empty one."""
    sections: Sections = {_UNNAMED: {}}
    try:
        if host.exists(path):
            _load(host, path, sections, _UNNAMED, 0)
    except (OSError, ValueError):
        return None
    return _defaults(path, sections)


def _defaults(path: str, sections: Sections) -> Defaults | None:
    names: list[str] = []
    found = sections[_UNNAMED]
    for step in _CHAIN:
        name = found.get(step, "")
        if not name:
            return Defaults(path, tuple(names), {})
        if not _PLAIN.fullmatch(name):
            return None
        names.append(name)
        found = sections.get(name, {})
    if any("." in name or "$" in value for name, value in found.items()):
        return None  # numbered commands all count, and variables stand for anything
    return Defaults(path, tuple(names), {name.lower(): value for name, value in found.items()})


def _load(host: Host, path: str, sections: Sections, section: str, depth: int) -> str:
    """Add a file's values, and return the section that is open at its end. Raises OSError, and ValueError for what is
    not followed."""
    if depth > 8:
        raise ValueError(path)
    for raw in host.read(path).decode("utf-8", "replace").split("\n"):
        line = raw.rstrip("\r")
        text = line.partition("#")[0]
        # A backslash hides what follows, at the end of a comment, too, which then goes on in the next line.
        if "\\" in text or line.endswith("\\"):
            raise ValueError(line)
        text = text.strip(_BLANK)
        if text.startswith(".include"):
            target = text[len(".include") :].strip().lstrip("=").strip()
            if not target.startswith("/") or not _VALUE.fullmatch(target):
                raise ValueError(text)
            # Of a folder OpenSSL takes what ends so.
            inner = [name for name in host.glob(f"{target.rstrip('/')}/*") if name.endswith((".cnf", ".conf"))]
            for name in inner or [target]:
                section = _load(host, name, sections, section, depth + 1)
        elif text.startswith("."):
            raise ValueError(text)
        elif text.startswith("["):
            section = text[1:].partition("]")[0].strip(_BLANK)
            if not section:
                raise ValueError(text)
            sections.setdefault(section, {})
        elif "=" in text:
            name, _equals, value = (part.strip(_BLANK) for part in text.partition("="))
            # With quotes that are closed before it, the sign of a comment is none in quotes.
            if "::" in name or not _VALUE.fullmatch(name) or not _VALUE.fullmatch(value):
                raise ValueError(text)
            # The last one counts, also among names that differ in case alone.
            sections[section].pop(name, None)
            sections[section][name] = value.strip("\"'")
    return section


def options(commands: t.Mapping[str, str]) -> list[str]:
    """The words of the command Options."""
    return [word.strip() for word in commands.get("options", "").split(",") if word.strip()]


def level(commands: t.Mapping[str, str]) -> int | None:
    """The security level the command CipherString sets; None when it sets none."""
    found = _LEVEL.findall(commands.get("cipherstring", ""))
    return int(found[-1]) if found else None


def extension(base: Defaults, commands: t.Mapping[str, str], comment: str) -> bytes | None:
    """A file that gives what ``base`` gives, and beyond that ``commands``; None when its path cannot be written."""
    if not base.path.startswith("/") or not _PLAIN.fullmatch(base.path):
        return None
    own = ("in_transit", "in_transit_ssl", "in_transit_tls")
    names = base.sections + own[len(base.sections) :]
    lines = [f"# {comment}", f".include {base.path}"]
    for section, step, name in zip((_UNNAMED, *names), _CHAIN, names):
        lines += [f"[{section}]", f"{step} = {name}"]
    lines += [f"[{names[-1]}]", *(f"{name} = {value}" for name, value in commands.items())]
    return "\n".join([*lines, ""]).encode("ascii")


def extended(data: bytes) -> tuple[str, dict[str, str]]:
    """Of a file that :func:`extension` made: the path of its base, and its commands in lower case."""
    lines = data.decode("utf-8", "replace").splitlines()
    base = next((line.partition(" ")[2] for line in lines if line.startswith(".include ")), "")
    last = max((number for number, line in enumerate(lines) if line.startswith("[")), default=len(lines))
    pairs = (line.partition("=") for line in lines[last + 1 :] if "=" in line)
    return base, {name.strip().lower(): value.strip() for name, _equals, value in pairs}
