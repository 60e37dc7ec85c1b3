# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How OpenSSL spells suites, groups and signature schemes, and what each of its releases knows.

Rendering takes IANA names in order and gives OpenSSL's lists; expanding is the other direction.
"""

from __future__ import annotations

import functools
import typing as t

from ...errors import BaselineError
from .. import groups as group_registry
from .. import model, signatures, suites

#: TLS 1.3 suites a build uses when nobody sets them, in its order: TLS_DEFAULT_CIPHERSUITES in ssl.h since 1.1.1.
DEFAULT_CIPHERSUITES = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")

#: 1.1.0 knew X25519 beside the curves of 1.0.2, and preferred it (CHANGES of 1.1.0; ssl/t1_lib.c).
_DEFAULT_GROUPS_110 = ("x25519", "secp256r1", "secp521r1", "secp384r1")

# --- rendering --------------------------------------------------------------------------------------------------


def cipher_list(names: t.Iterable[str]) -> str:
    """IANA suite names up to TLS 1.2 as a cipher list (ciphers(1)): ``ECDHE-RSA-AES128-GCM-SHA256:...``.

    Raises BaselineError for a name that is unknown, belongs to TLS 1.3 or is no suite of OpenSSL's, and for no names.
    """
    return _joined("cipher list", (_suite(name, tls13=False) for name in names))


def ciphersuites(names: t.Iterable[str]) -> str:
    """IANA names of TLS 1.3 suites as a list for ``Ciphersuites``. Raises BaselineError as :func:`cipher_list`."""
    return _joined("ciphersuites", (_suite(name, tls13=True) for name in names))


def groups(names: t.Iterable[str], optional_unknown: bool = False) -> str:
    """IANA group names as a group list, in the spelling all releases understand: ``X25519:prime256v1``.

    ``optional_unknown`` marks groups that 3.0 does not know with ``?``, which tells 3.3 and newer to skip them when
    they are missing; older releases reject the mark. Raises BaselineError as :func:`cipher_list`.
    """

    def spelled(name: str) -> str:
        group = _looked_up("group", name, group_registry.by_name)
        spelling = _spelled("group", name, group.openssl)
        return f"?{spelling}" if optional_unknown and "2" not in group.releases else spelling

    return _joined("group list", (spelled(name) for name in names))


def signature_algorithms(names: t.Iterable[str]) -> str:
    """IANA signature scheme names as a list for ``SignatureAlgorithms``. Errors as :func:`cipher_list`."""

    def spelled(name: str) -> str:
        return _spelled("signature scheme", name, _looked_up("signature scheme", name, signatures.by_name).openssl)

    return _joined("signature algorithms", (spelled(name) for name in names))


def _suite(name: str, tls13: bool) -> str:
    suite = _looked_up("cipher suite", name, suites.by_name)
    if suite.tls13 != tls13:
        right = "ciphersuites" if suite.tls13 else "cipher list"
        raise BaselineError(name, f"belongs in OpenSSL's {right}, which is another setting")
    return _spelled("cipher suite", name, suite.openssl)


_Entry = t.TypeVar("_Entry")


def _looked_up(what: str, name: str, lookup: t.Callable[[str], _Entry]) -> _Entry:
    try:
        return lookup(name)
    except KeyError:
        raise BaselineError(str(name), f"is not the IANA name of a {what}") from None


def _spelled(what: str, name: str, spellings: t.Sequence[str]) -> str:
    if not spellings:
        raise BaselineError(name, f"is a {what} that OpenSSL does not know")
    return spellings[0]


def _joined(what: str, names: t.Iterable[str]) -> str:
    text = ":".join(names)
    if not text:
        raise BaselineError(what, "would be empty: name at least one")
    return text


# --- expanding --------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def expand_cipher_list(text: str) -> tuple[str, ...]:
    """IANA names of the suites a cipher list turns on up to TLS 1.2, in order, without those of TLS 1.3.

    The answer is that of the OpenSSL this Python runs on (:mod:`ssl`), which on a managed host is the one its servers
    use. ``@SECLEVEL`` is not applied: what a level hides today a change of level would bring back, so the answer errs
    on the side of reporting. Words OpenSSL does not know mean nothing, as in a server. A suite that is not registered
    is called by its code point. Raises BaselineError when no suite is left.
    """
    import re
    import ssl

    leveled = ssl.OPENSSL_VERSION_INFO >= (1, 1, 0) and not ssl.OPENSSL_VERSION.startswith("LibreSSL")
    bare = re.sub(r"@SECLEVEL=\d+", "", text)
    # Separators may be doubled, but a list may not consist of nothing else.
    words = [word for word in re.split(r"[:, ;]+", bare) if word]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.set_ciphers(":".join([*words, "@SECLEVEL=0"] if leveled else words))
    except (ssl.SSLError, ValueError) as error:
        raise BaselineError("cipher list", f"{text!r} matches no suite of {ssl.OPENSSL_VERSION}") from error
    codes = (entry["id"] & 0xFFFF for entry in context.get_ciphers())
    return tuple(suites.name_of(code) for code in codes if code >> 8 != 0x13)


def expand_ciphersuites(text: str) -> tuple[str, ...]:
    """IANA names in a ``Ciphersuites`` list, in order. Empty text turns TLS 1.3 suites off.

    Words that are no TLS 1.3 suite are skipped, as OpenSSL 3 does. Raises BaselineError when only such words are there.
    """
    known = {suite.name for suite in suites.all_suites() if suite.tls13 and suite.openssl}
    words = [word for word in text.strip().split(":") if word]
    names = tuple(dict.fromkeys(word for word in words if word in known))
    if words and not names:
        raise BaselineError("ciphersuites", f"{text!r} names no TLS 1.3 suite of OpenSSL")
    return names


def expand_groups(text: str, version: tuple[int, ...] | None = None) -> tuple[str, ...]:
    """IANA names in a group list, in order of first mention, as the release ``version`` reads it.

    Understands every spelling, the marks ``?`` (skip when unknown) and ``*`` (send a key share), ``-`` (remove), tuples
    separated by ``/`` and ``DEFAULT`` of OpenSSL 3.5, and ``auto``, which servers use for the default groups. A name
    nobody has registered is kept as it is written, so that it can be judged; one marked ``?`` that the release does not
    know is left out. ``version`` None stands for the newest release known here. Raises BaselineError when nothing is
    left.
    """
    release = version or newest_release()
    known = capabilities(release).groups
    found: dict[str, None] = {}
    for word in text.replace("/", ":").split(":"):
        name = word.strip()
        marks = name[: len(name) - len(name.lstrip("?*-"))]
        name = name[len(marks) :].strip()
        if not name:
            continue
        if name.lower() in ("auto", "default"):
            names = default_groups(release)
        else:
            try:
                names = (group_registry.by_openssl(name).name,)
            except KeyError:
                names = (name,)
        for entry in names:
            if "-" in marks:
                found.pop(entry, None)
            elif "?" not in marks or known is None or entry in known:
                found.setdefault(entry)
    if not found:
        raise BaselineError("group list", f"{text!r} leaves no group")
    return tuple(found)


# --- releases ---------------------------------------------------------------------------------------------------


def newest_release() -> tuple[int, ...]:
    """The newest release of OpenSSL the registry was measured on."""
    from .. import registry

    return registry.OPENSSL_RELEASES[-1]


def default_groups(version: tuple[int, ...]) -> tuple[str, ...]:
    """IANA names of the groups a release offers when nobody sets them, in its order."""
    from .. import registry

    if version[:3] == (1, 1, 0):
        return _DEFAULT_GROUPS_110
    codes = registry.OPENSSL_DEFAULT_GROUPS[int(_release_index(version))]
    return tuple(group_registry.name_of(code) for code in codes)


def default_ciphersuites(version: tuple[int, ...]) -> tuple[str, ...]:
    """IANA names of the TLS 1.3 suites a release uses when nobody sets them, in its order."""
    return DEFAULT_CIPHERSUITES if version >= (1, 1, 1) else ()


def capabilities(version: tuple[int, ...], features: t.Iterable[str] = ()) -> model.Capabilities:
    """What a release of OpenSSL knows, whatever a distribution has switched off. ``features`` are passed through.

    A release between two measured ones counts as the older, and all before 1.0.2 count as 1.0.2.
    """
    oldest = 2 if version >= (4,) else 1 if version >= (1, 1) else 0  # 1.1.0 dropped SSL 2.0, 4.0 dropped SSL 3.0
    newest = "TLSv1.3" if version >= (1, 1, 1) else "TLSv1.2" if version >= (1, 0, 1) else "TLSv1.0"
    protocols = model.PROTOCOLS[oldest : model.PROTOCOLS.index(newest) + 1]
    if version[:3] == (1, 1, 0):
        # Not measured: 1.1.1 added ARIA and what belongs to TLS 1.3, 1.1.0 added X25519 (CHANGES).
        known_suites = frozenset(
            suite.name
            for suite in suites.all_suites()
            if "1" in suite.releases and not suite.tls13 and not suite.encryption.startswith("ARIA")
        )
        known_groups = _in_release(group_registry.all_groups(), "0") | {"x25519"}
    else:
        index = _release_index(version)
        known_suites = _in_release(suites.all_suites(), index)
        known_groups = _in_release(group_registry.all_groups(), index)
    return model.Capabilities("OpenSSL", version, protocols, known_suites, known_groups, frozenset(features))


def _in_release(entries: t.Iterable[suites.Suite | group_registry.Group], index: str) -> frozenset[str]:
    return frozenset(entry.name for entry in entries if index in entry.releases)


def _release_index(version: tuple[int, ...]) -> str:
    """Index of the newest measured release that is not newer than ``version``, as it stands in the registry."""
    from .. import registry

    older = [index for index, release in enumerate(registry.OPENSSL_RELEASES) if release <= version]
    return str(older[-1] if older else 0)
