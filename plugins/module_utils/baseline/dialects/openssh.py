# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How OpenSSH says the baseline: its names for ciphers, MACs, key exchanges and host key signatures.

SSH negotiates the same four things as TLS under names of its own (IANA, Secure Shell Protocol Parameters; vendor
extensions in OpenSSH's PROTOCOL). Each name is mapped to the TLS name of the same algorithm, and is approved where that
is. What has no counterpart in TLS is approved by the parts it is made of; see the maps.
"""

from __future__ import annotations

import typing as t

from .. import suites

if t.TYPE_CHECKING:
    from ..model import Baseline

#: The parts of a negotiation by the keyword of sshd_config(5) and ssh_config(5) that sets them.
KEYWORDS = ("KexAlgorithms", "HostKeyAlgorithms", "Ciphers", "MACs")

#: Names in a KexAlgorithms list that signal extensions (RFC 8308, 2.1; OpenSSH's PROTOCOL, 1.10).
SIGNALS = ("ext-info-", "kex-strict-")

#: The cipher of TLS with the same strength. SSH has counter mode (RFC 4344) with encrypt-then-MAC where TLS has CBC.
_CIPHERS = {
    "aes128-gcm@openssh.com": "AES_128_GCM",
    "aes256-gcm@openssh.com": "AES_256_GCM",
    "chacha20-poly1305@openssh.com": "CHACHA20_POLY1305",
    "aes128-ctr": "AES_128_GCM",
    "aes192-ctr": "AES_128_GCM",
    "aes256-ctr": "AES_256_GCM",
}

#: Of SHA-2 only, and encrypt-then-MAC where we choose; the older order is no weakness of counter mode (RFC 6668).
_MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
_TOLERATED_MACS = ("hmac-sha2-256", "hmac-sha2-512")

#: Groups (RFC 8731, RFC 5656, RFC 8268). The hybrid with NTRU Prime is as strong as X25519 whatever becomes of NTRU.
_EXCHANGES = {
    "mlkem768x25519-sha256": "X25519MLKEM768",
    "mlkem768nistp256-sha256": "SecP256r1MLKEM768",
    "mlkem1024nistp384-sha384": "SecP384r1MLKEM1024",
    "sntrup761x25519-sha512": "x25519",
    "sntrup761x25519-sha512@openssh.com": "x25519",
    "curve25519-sha256": "x25519",
    "curve25519-sha256@libssh.org": "x25519",
    "ecdh-sha2-nistp256": "secp256r1",
    "ecdh-sha2-nistp384": "secp384r1",
    "ecdh-sha2-nistp521": "secp521r1",
    "diffie-hellman-group14-sha256": "ffdhe2048",
    "diffie-hellman-group15-sha512": "ffdhe3072",
    "diffie-hellman-group16-sha512": "ffdhe4096",
    "diffie-hellman-group17-sha512": "ffdhe6144",
    "diffie-hellman-group18-sha512": "ffdhe8192",
    # The server chooses the group, of 2048 bits at least since OpenSSH 7.1.
    "diffie-hellman-group-exchange-sha256": "ffdhe2048",
}

#: Signatures (RFC 8709, RFC 5656, RFC 8332: PKCS #1 v1.5, SSH has no other RSA).
_SIGNATURES = {
    "ssh-ed25519": "ed25519",
    "sk-ssh-ed25519@openssh.com": "ed25519",
    "ecdsa-sha2-nistp256": "ecdsa_secp256r1_sha256",
    "sk-ecdsa-sha2-nistp256@openssh.com": "ecdsa_secp256r1_sha256",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com": "ecdsa_secp256r1_sha256",
    "ecdsa-sha2-nistp384": "ecdsa_secp384r1_sha384",
    "ecdsa-sha2-nistp521": "ecdsa_secp521r1_sha512",
    "rsa-sha2-256": "rsa_pkcs1_sha256",
    "rsa-sha2-512": "rsa_pkcs1_sha512",
}

_CERTIFICATE = "-cert-v01@openssh.com"


def _signature(name: str) -> str:
    """The scheme of a host key algorithm, of the certified kind too."""
    if name.endswith(_CERTIFICATE):
        plain = name[: -len(_CERTIFICATE)]
        name = plain if plain in _SIGNATURES else f"{plain}@openssh.com"
    return _SIGNATURES.get(name, "")


def _encryptions(names: t.Iterable[str]) -> list[str]:
    return list(dict.fromkeys(suites.by_name(name).encryption for name in names))


def forbids(baseline: Baseline, keyword: str, name: str) -> bool:
    """Whether offering a name breaks the baseline. Unknown names are forbidden."""
    if keyword == "Ciphers":
        return _CIPHERS.get(name) not in _encryptions(baseline.allowed_suites)
    if keyword == "MACs":
        return name not in _MACS + _TOLERATED_MACS
    if keyword == "KexAlgorithms":
        return baseline.forbids_group(_EXCHANGES.get(name, ""))
    return baseline.forbids_signature_scheme(_signature(name))


def approved(baseline: Baseline, keyword: str, known: t.Collection[str]) -> tuple[str, ...]:
    """What we configure for a keyword: of the names a build knows those of the baseline, in its order."""
    if keyword == "MACs":
        return tuple(name for name in _MACS if name in known)
    spelled: t.Iterable[str]
    of: t.Callable[[str], str]
    if keyword == "Ciphers":
        wanted, spelled = _encryptions([*baseline.suites_tls13, *baseline.suites_tls12]), _CIPHERS
        of = _CIPHERS.__getitem__
    elif keyword == "KexAlgorithms":
        wanted, spelled, of = list(baseline.groups), _EXCHANGES, _EXCHANGES.__getitem__
    else:
        wanted, spelled, of = list(baseline.signature_schemes), sorted(known), _signature
    found = [name for name in spelled if name in known and of(name) in wanted]
    # An AEAD before counter mode, whatever the size of the key.
    return tuple(sorted(found, key=lambda name: (name.endswith("-ctr"), wanted.index(of(name)))))
