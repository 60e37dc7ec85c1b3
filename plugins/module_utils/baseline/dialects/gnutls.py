# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How GnuTLS spells the baseline, and what in its words is outside of it.

GnuTLS composes suites of key exchange, cipher and MAC, and is told of each what is off (manual, System-wide
configuration of the library). Names are compared without case and without separators: its lists, its manual and its
configuration differ in them.
"""

from __future__ import annotations

import re
import typing as t

from .. import groups, model, signatures, suites

#: GnuTLS's words for protocol ids (gnutls_protocol_get_name). DTLS is of the same kind as the TLS it is made of.
PROTOCOLS = {"SSL3.0": "SSLv3", "TLS1.0": "TLSv1.0", "TLS1.1": "TLSv1.1", "TLS1.2": "TLSv1.2", "TLS1.3": "TLSv1.3"}
_DTLS = {"DTLS0.9": "TLSv1.0", "DTLS1.0": "TLSv1.1", "DTLS1.2": "TLSv1.2"}

#: Configuration keys (section ``overrides``) by kind of name; the lists of names are those of gnutls_<kind>_list.
KEYS = {
    "protocol": "disabled-version",
    "kx": "tls-disabled-kx",
    "cipher": "tls-disabled-cipher",
    "group": "tls-disabled-group",
    "sign": "insecure-sig",
}

#: Parts of names of key exchanges that need no mention: without certificates, which applications ask for by name and
#: get only then; and those of export suites, which are listed and not in any build.
_ASKED_FOR = ("PSK", "SRP", "ANON", "VKO", "EXPORT")

#: What GnuTLS calls otherwise than the names of suites do.
_CIPHERS = {"ARCFOUR-128": "RC4_128", "3DES-CBC": "3DES_EDE_CBC"}


def squeezed(name: str) -> str:
    """A name for comparison."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def spelled(kind: str, name: str) -> str:
    """A name as the value of a key. Releases up to 3.7.1 cut six characters off each group, whatever they are."""
    return ("group-" if kind == "group" else "") + name.lower()


def named(kind: str, value: str) -> str:
    """The squeezed name in the value of a key."""
    name = squeezed(value)
    return name[len("group") :] if kind == "group" and name.startswith("group") else name


def disabled(baseline: model.Baseline, known: t.Mapping[str, t.Sequence[str]]) -> dict[str, list[str]]:
    """What of the names a build knows must be off, by kind. ``known`` is in the words of the build.

    MACs need no mention: all approved ciphers are AEADs. Signatures are switched off only where no baseline may approve
    them and for DSA: the key is about certificates as well.
    """
    exchanges = {"ECDHE-RSA", "ECDHE-ECDSA"} if baseline.suites_tls12 else set()
    approved = {squeezed(suites.by_name(name).encryption) for name in (*baseline.suites_tls12, *baseline.suites_tls13)}
    in_tls = {squeezed(suite.encryption) for suite in suites.all_suites() if suite.gnutls}
    schemes = {squeezed(one.gnutls.replace("SIGN-", "")): one for one in signatures.all_schemes() if one.gnutls}
    found: dict[str, list[str]] = {kind: [] for kind in KEYS}
    for name in known["protocol"]:
        protocol = PROTOCOLS.get(name) or _DTLS.get(name)
        if protocol and protocol not in baseline.protocols:
            found["protocol"].append(name)
    for name in known["kx"]:
        if name not in exchanges and not any(word in name for word in _ASKED_FOR):
            found["kx"].append(name)
    for name in known["cipher"]:
        cipher = squeezed(_CIPHERS.get(name, name))
        if cipher in in_tls and cipher not in approved:
            found["cipher"].append(name)
    for name in known["group"]:
        if baseline.forbids_group(_group(name)):
            found["group"].append(name)
    for name in dict.fromkeys(known["sign"]):
        scheme = schemes.get(squeezed(name))
        if scheme is not None and scheme.prohibition:
            found["sign"].append(name)
    return {kind: names for kind, names in found.items() if names}


def _group(name: str) -> str:
    by_word = {squeezed(word): group.name for group in groups.all_groups() for word in (group.name, group.gnutls)}
    return by_word.get(squeezed(name), name)


def composed(off: t.Mapping[str, t.Collection[str]], known: t.Mapping[str, t.Sequence[str]]) -> tuple[str, ...]:
    """IANA names of the suites up to TLS 1.2 that a build may compose when names are off: never fewer than it does.

    ``off`` holds squeezed names by kind. Suites that applications without certificates ask for are left out.
    """
    exchanges = {name for name in known["kx"] if not any(word in name for word in _ASKED_FOR)}
    exchanges = {name for name in exchanges if squeezed(name) not in off.get("kx", ())}
    left = [name for name in known["cipher"] if squeezed(name) not in off.get("cipher", ())]
    ciphers = {squeezed(_CIPHERS.get(name, name)) for name in left}
    found = []
    for suite in suites.all_suites():
        exchange = suite.name[len("TLS_") :].partition("_WITH_")[0].replace("_", "-")
        if suite.gnutls and not suite.tls13 and exchange in exchanges and squeezed(suite.encryption) in ciphers:
            found.append(suite.name)
    return tuple(found)


def group_names(names: t.Iterable[str]) -> tuple[str, ...]:
    """IANA names of groups in GnuTLS's words; one nobody has registered is kept."""
    return tuple(_group(name) for name in names)
