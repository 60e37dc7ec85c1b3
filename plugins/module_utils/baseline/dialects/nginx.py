# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How nginx spells protocols; suites and groups it spells as OpenSSL does (``dialects/openssl.py``)."""

from __future__ import annotations

import typing as t

from ...errors import BaselineError
from .. import model

#: nginx's words for protocol ids: ngx_http_ssl_module, directive ssl_protocols.
WORDS = {"TLSv1.0": "TLSv1"}
_IDS = {WORDS.get(protocol, protocol): protocol for protocol in model.PROTOCOLS}


def ssl_protocols(protocols: t.Iterable[str]) -> str:
    """Protocol ids as the arguments of ``ssl_protocols``, oldest first. Raises BaselineError for others and none."""
    wanted = set(protocols)
    unknown = sorted(wanted - set(model.PROTOCOLS))
    if unknown:
        raise BaselineError(unknown[0], f"is not a protocol (valid: {', '.join(model.PROTOCOLS)})")
    if not wanted:
        raise BaselineError("ssl_protocols", "would be empty: name at least one protocol")
    return " ".join(WORDS.get(protocol, protocol) for protocol in model.PROTOCOLS if protocol in wanted)


def parse_ssl_protocols(words: t.Iterable[str]) -> tuple[str, ...]:
    """Arguments of ``ssl_protocols`` as protocol ids, oldest first. nginx refuses other words, and so do we."""
    found = set()
    for word in words:
        if word not in _IDS:
            raise BaselineError(word, f"is not a protocol of nginx (valid: {', '.join(_IDS)})")
        found.add(_IDS[word])
    return tuple(protocol for protocol in model.PROTOCOLS if protocol in found)
