# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``socket``, ``sha256`` and ``dumps`` without what their modules drag in, which is half a scan of one endpoint.

``socket`` is the C module under the one of that name: the same functions and objects, without enums and selectors.
``hashlib`` would start all of OpenSSL for one digest, ``json`` brings the compiler of regular expressions.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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
    from _json import encode_basestring_ascii as _quoted
except ImportError:
    from json.encoder import py_encode_basestring_ascii as _quoted

__all__ = ["dumps", "sha256", "socket"]


def dumps(value: Any) -> str:
    """What ``json.dumps`` makes of None, bool, int, finite float, str, and lists and dicts (str keys) of those."""
    if isinstance(value, str):
        return str(_quoted(value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)}: {dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(dumps, value)) + "]"
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return repr(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
