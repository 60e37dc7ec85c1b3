"""Other readers of the same files, to hold ours against: OpenSSL itself, and java.util.Properties as specified."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import re
import typing as t


class _Value(ctypes.Structure):
    """CONF_VALUE of openssl/conf.h."""

    _fields_ = [("section", ctypes.c_char_p), ("name", ctypes.c_char_p), ("value", ctypes.c_char_p)]


@functools.lru_cache(maxsize=None)
def _libcrypto() -> t.Any:
    """The library with the types of the functions used here; None where there is none."""
    name = ctypes.util.find_library("crypto")
    if name is None:
        return None
    found = ctypes.CDLL(name)
    pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    for function, result, arguments in (
        ("NCONF_new", pointer, [pointer]),
        ("NCONF_free", None, [pointer]),
        ("NCONF_load_bio", number, [pointer, pointer, ctypes.POINTER(ctypes.c_long)]),
        ("NCONF_get_section", pointer, [pointer, text]),
        ("BIO_new_mem_buf", pointer, [text, number]),
        ("BIO_free", number, [pointer]),
        ("OPENSSL_sk_num", number, [pointer]),
        ("OPENSSL_sk_value", ctypes.POINTER(_Value), [pointer, number]),
        ("ERR_clear_error", None, []),
    ):
        known = getattr(found, function)
        known.restype, known.argtypes = result, arguments
    return found


class OpenSSLConf:
    """A configuration file as OpenSSL reads it. ``None`` of :meth:`read` means that it refuses the file."""

    def __init__(self, conf: int) -> None:
        self._conf = conf

    @classmethod
    def read(cls, data: bytes) -> OpenSSLConf | None:
        library = _libcrypto()
        if library is None:
            return None
        conf = cls(library.NCONF_new(None))
        source = library.BIO_new_mem_buf(data, len(data))
        loaded = library.NCONF_load_bio(conf._conf, source, ctypes.byref(ctypes.c_long()))
        library.BIO_free(source)
        library.ERR_clear_error()
        return conf if loaded > 0 else None

    def section(self, name: str) -> dict[str, bytes] | None:
        """Names and values of a section; None when there is no such section."""
        library = _libcrypto()
        found = library.NCONF_get_section(self._conf, name.encode("utf-8", "surrogateescape"))
        library.ERR_clear_error()
        if not found:
            return None
        values = [library.OPENSSL_sk_value(found, at).contents for at in range(library.OPENSSL_sk_num(found))]
        return {value.name.decode("utf-8", "surrogateescape"): value.value for value in values}

    def __del__(self) -> None:
        _libcrypto().NCONF_free(self._conf)


def properties(data: bytes) -> dict[bytes, bytes] | None:
    """A file as java.util.Properties.load reads it, byte by byte; None when that throws IllegalArgumentException."""
    found: dict[bytes, bytes] = {}
    lines = iter(re.split(rb"\r\n|\r|\n", data))
    for natural in lines:
        line = natural.lstrip(b" \t\f")
        if not line or line[:1] in b"#!":
            continue
        while (len(line) - len(line.rstrip(b"\\"))) % 2:
            more = next(lines, None)
            line = line[:-1] + (more or b"").lstrip(b" \t\f")
            if more is None:
                break
        if not line:
            continue
        at = 0
        while at < len(line) and line[at] not in b" \t\f=:":
            at += 2 if line[at] == 0x5C else 1
        name, rest = line[:at], line[at:].lstrip(b" \t\f")
        if rest[:1] in (b"=", b":"):
            rest = rest[1:].lstrip(b" \t\f")
        try:
            found[_unescaped(name)] = _unescaped(rest)
        except ValueError:
            return None
    return found


def _unescaped(text: bytes) -> bytes:
    def meant(match: re.Match[bytes]) -> bytes:
        code = match.group(1)
        if code[:1] != b"u":
            return {b"t": b"\t", b"n": b"\n", b"r": b"\r", b"f": b"\f"}.get(code, code)
        if not re.fullmatch(rb"u[0-9a-fA-F]{4}", code):
            raise ValueError(code)
        return chr(int(code[1:], 16)).encode("utf-8", "surrogatepass")

    return re.sub(rb"\\(u.{0,4}|.)", meant, text, flags=re.DOTALL)
