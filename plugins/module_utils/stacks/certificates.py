# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What OpenSSL says of certificate files, without any daemon: for plans that must not make one unusable."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .host import Host

#: Reasons of OpenSSL by which a certificate is too weak for a security level (SSL_CTX_set_security_level(3)).
_WEAK = ("EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK")


def loads(host: Host, path: str, level: int = 2) -> bool | None:
    """Whether OpenSSL takes a certificate chain at a security level; None when it cannot be read.

    The private key is not touched: the chain is judged before the key is looked for (SSL_CTX_use_certificate(3)).
    """
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.set_ciphers(f"ALL:@SECLEVEL={level}")
        context.load_cert_chain(host.outside(path), host.outside(path), password=lambda: "")
    except ssl.SSLError as error:
        if error.reason in _WEAK:
            return False
        # The key is not in the file with the chain, as it should be.
        return True if b"-----BEGIN CERTIFICATE-----" in host.read(path) else None
    except OSError:
        return None
    return True


def objection(host: Host, certificate: str, key: str, level: int | None = None) -> str | None:
    """Why OpenSSL would not serve with this chain and key, in its words; None when it would.

    It is asked at the host's own security level, or at ``level``. A key that only a passphrase opens is not judged.
    The key is read and nothing of it is kept.
    """
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    asked: list[bool] = []

    def passphrase() -> str:
        asked.append(True)
        return ""

    try:
        if level is not None:
            context.set_ciphers(f"ALL:@SECLEVEL={level}")
        context.load_cert_chain(host.outside(certificate), host.outside(key), password=passphrase)
    except OSError as error:  # SSLError is one
        if asked:
            return None
        return f"{certificate} with {key}: {error.strerror or error}"
    return None
