# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``socket`` and ``sha256`` without what their modules drag in, which is a third of a scan of one endpoint.

``socket`` is the C module under the one of that name: the same functions and objects, without enums and selectors.
``hashlib`` would start all of OpenSSL for one digest.
"""

from __future__ import annotations

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

__all__ = ["sha256", "socket"]
