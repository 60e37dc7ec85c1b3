# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parts of ``socket``, ``hashlib``, ``json`` and ``os`` without what these drag in, which is half a scan.

``socket`` is the C module under the one of that name: the same functions and objects, without enums and selectors.
``hashlib`` would start all of OpenSSL for one digest, ``json`` brings the compiler of regular expressions, ``os`` the
abstract base classes of collections.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

try:
    import _socket as socket
except ImportError:  # not CPython
    import socket  # type: ignore[no-redef]

try:
    from _sha256 import sha256  # type: ignore[import-not-found]
except ImportError:
    try:
        from _sha2 import sha256  # type: ignore[import-not-found]  # its name since CPython 3.12
    except ImportError:
        from hashlib import sha256

try:
    from posix import _exit, strerror, urandom
except ImportError:
    from os import _exit, strerror, urandom

try:
    from _json import encode_basestring_ascii, make_encoder
except ImportError:
    make_encoder = None  # type: ignore[assignment,misc]

__all__ = ["dumps", "leave", "sha256", "socket", "strerror", "urandom"]


def _foreign(value: Any) -> Any:
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _encoder() -> Callable[[Any], str]:
    """What ``json.dumps`` is made of, where there is such a thing."""
    if make_encoder is not None:
        try:
            # json.encoder: markers, default, encoder, indent, two separators, sort_keys, skipkeys, allow_nan
            encode = make_encoder(None, _foreign, encode_basestring_ascii, None, ": ", ", ", False, False, False)
        except TypeError:  # another signature
            pass
        else:
            return lambda value: "".join(encode(value, 0))
    from json import dumps as encode_slowly

    return encode_slowly


#: JSON of None, bool, int, finite float, str, and lists, tuples and dicts (str keys) of those.
dumps = _encoder()


def leave(status: int) -> None:
    """End the process without taking all modules apart first. What cannot be written out any more is no success."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            status = status or 1
    _exit(status)
