# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a crypto-policies module (``.pmod``) says the baseline, in the words that the installed policies use.

crypto-policies(7), policy definition format. Properties have scopes since 2021 (``cipher@TLS``); before, in RHEL 8
before 8.5, TLS has properties of its own (``tls_cipher``, ``min_tls_version``) and shares the rest with SSH and
Kerberos, which are none of ours. An unknown value is an error of the whole policy, so only words that the installed
policies use themselves are used.
"""

from __future__ import annotations

import re
import typing as t

from .. import model, suites

PROTOCOLS = {"SSLv2": "SSL2.0", "SSLv3": "SSL3.0", "TLSv1.0": "TLS1.0", "TLSv1.1": "TLS1.1"}
PROTOCOLS.update({"TLSv1.2": "TLS1.2", "TLSv1.3": "TLS1.3"})

_GROUPS = {
    "X25519MLKEM768": "MLKEM768-X25519",
    "SecP256r1MLKEM768": "P256-MLKEM768",
    "SecP384r1MLKEM1024": "P384-MLKEM1024",
}
_SIGNATURES = {"ed25519": "EDDSA-ED25519", "ed448": "EDDSA-ED448"}


def cipher(encryption: str) -> str:
    """A suite's cipher (``AES_128_GCM``) in these words: ``AES-128-GCM``."""
    return encryption.replace("_", "-")


def group(name: str) -> str:
    """The IANA name of a group in these words."""
    finite = re.match(r"ffdhe(\d+)\Z", name)
    brainpool = re.match(r"brainpoolP(\d+)r1", name)
    if finite:
        return f"FFDHE-{finite.group(1)}"
    return f"BRAINPOOL-P{brainpool.group(1)}R1" if brainpool else _GROUPS.get(name, name.upper())


def signature(name: str) -> str:
    """The IANA name of a scheme in these words; empty when there is none."""
    if name in _SIGNATURES:
        return _SIGNATURES[name]
    found = re.match(r"(rsa_pss_rsae|rsa_pss_pss|rsa_pkcs1|ecdsa)(?:_secp\d+r1)?_sha(224|256|384|512)\Z", name)
    if not found:
        return ""
    key = {"rsa_pss_rsae": "RSA-PSS-RSAE", "rsa_pss_pss": "RSA-PSS", "rsa_pkcs1": "RSA", "ecdsa": "ECDSA"}
    return f"{key[found.group(1)]}-SHA2-{found.group(2)}"


class Module(t.NamedTuple):
    """The lines of a module, and what of the baseline the installed policies have no word for (part, IANA name)."""

    lines: list[str]
    lost: list[tuple[str, str]]


def module(baseline: model.Baseline, words: t.Mapping[str, t.Container[str]], scoped: bool) -> Module:
    """The module for a baseline. ``words`` holds what the installed policies use, by property."""
    lost: list[tuple[str, str]] = []

    def known(prop: str, part: str, names: t.Iterable[str], spell: t.Callable[[str], str]) -> str:
        found = []
        for name in names:
            word = spell(name)
            if word in words.get(prop, ()):
                found.append(word)
            else:
                lost.append((part, name))
        return " ".join(dict.fromkeys(found))

    both = [suites.by_name(name).encryption for name in (*baseline.suites_tls13, *baseline.suites_tls12)]
    ciphers = known("cipher", "suites_tls13", dict.fromkeys(both), cipher)
    oldest = PROTOCOLS[next(name for name in model.PROTOCOLS if name in baseline.protocols)]
    dtls = "DTLS1.2"  # there is no other that is approved where TLS 1.2 is, and none where it is not
    if not scoped:
        return Module([f"min_tls_version = {oldest}", f"min_dtls_version = {dtls}", f"tls_cipher = {ciphers}"], lost)
    spoken = [PROTOCOLS[name] for name in reversed(baseline.protocols)]
    lines = [f"protocol@TLS = {' '.join(spoken)} {dtls}", f"cipher@TLS = {ciphers}"]
    lines.append("mac@TLS = AEAD HMAC-SHA2-256 HMAC-SHA2-384")
    # OpenSSL's generator answers the lack of DHE-RSA with "-aRSA", and takes ECDHE with RSA certificates away as well.
    lines += ["key_exchange@TLS = ECDHE", "key_exchange@OpenSSL = ECDHE DHE-RSA"]
    lines.append(f"group@TLS = {known('group', 'groups', baseline.groups, group)}")
    schemes = [*baseline.signature_schemes, *sorted(baseline.tolerated_signature_schemes)]
    spelled = [word for word in dict.fromkeys(map(signature, schemes)) if word in words.get("sign", ())]
    lines.append(f"sign@TLS = {' '.join(spelled)}")
    return Module(lines, lost)


def ssh_lines(baseline: model.Baseline, words: t.Mapping[str, t.Container[str]]) -> list[str]:
    """Lines for OpenSSH beside those of :func:`module`, for policies with scopes: the parts that TLS and SSH have in
    common, in the words that the installed policies use."""
    both = [suites.by_name(name).encryption for name in (*baseline.suites_tls13, *baseline.suites_tls12)]
    ciphers = [cipher(name) for name in dict.fromkeys(both)]
    # Counter mode is SSH's, see openssh.py.
    ciphers += [name.replace("-GCM", "-CTR") for name in ciphers if name.endswith("-GCM")]
    schemes = [signature(name) for name in baseline.signature_schemes if not name.startswith("rsa_pss")]
    wanted = {
        "cipher": ciphers,
        "mac": ["AEAD", "HMAC-SHA2-256", "HMAC-SHA2-512"],
        "group": [group(name) for name in baseline.groups],
        "hash": ["SHA2-256", "SHA2-384", "SHA2-512"],
        "sign": schemes,
    }
    known = {prop: [name for name in names if name in words.get(prop, ())] for prop, names in wanted.items()}
    return [f"{prop}@OpenSSH = {' '.join(names)}" for prop, names in known.items() if names]


def values(lines: t.Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Settings of a listener that a module of :func:`module`'s making gives, from its properties."""
    found: dict[str, tuple[str, ...]] = {}
    oldest = lines.get("min_tls_version", "")
    spoken = lines.get("protocol@TLS", "").split()
    by_word = {word: name for name, word in PROTOCOLS.items()}
    if oldest in by_word:
        found["protocols"] = model.PROTOCOLS[model.PROTOCOLS.index(by_word[oldest]) :]
    elif spoken:
        found["protocols"] = tuple(name for name in model.PROTOCOLS if PROTOCOLS[name] in spoken)
    if "group@TLS" in lines:
        from .. import groups

        words = lines["group@TLS"].split()
        found["groups"] = tuple(one.name for one in groups.all_groups() if group(one.name) in words)
    return found
