# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a user may replace in a profile, and every reason why not.

The rules here and those of ``docs/schemas/baseline.schema.json`` are the same where JSON Schema can say them; a test
keeps them so. What only code can say: names must be registered, and what a standard prohibits cannot be approved or
tolerated. A service that cannot do without it is a matter for a dated exception.
"""

from __future__ import annotations

import typing as t

from ..errors import BaselineError
from . import groups, model, signatures, suites

#: Protocols a baseline may approve.
APPROVABLE = model.PROTOCOLS[4:]

_TEXTS = ("profile", "version", "as_of", "source")
_PARTS = tuple(key for key in model.Baseline._fields if key not in (*_TEXTS, "sources"))
#: More valid names than this are not worth reading in an error message.
_LISTED = 24


def merge(data: t.Mapping[str, t.Any], overrides: t.Any) -> dict[str, t.Any]:
    """``data`` with the parts of ``overrides`` in their place, each checked, and the whole checked for sense.

    Raises BaselineError naming the key.
    """
    given = _mapping("overrides", overrides, model.Baseline._fields)
    merged = dict(data)
    for key, value in given.items():
        merged[key] = _checked(key, value, data[key])
    replaced = {key: "override" for key in given if key in _PARTS}
    merged["sources"] = {**data["sources"], **replaced, **_sources(given.get("sources", {}))}
    for protocol, key in (("TLSv1.2", "suites_tls12"), ("TLSv1.3", "suites_tls13")):
        if protocol not in merged["protocols"]:
            if given.get(key):
                raise BaselineError(key, f"given, but {protocol} is not among protocols")
            merged[key] = []
        elif not merged[key]:
            raise BaselineError(
                key, f"no usable suite is left for {protocol}: name at least one, or leave it out of protocols"
            )
    for key in ("protocols", "groups", "signature_schemes"):
        if not merged[key]:
            raise BaselineError(key, "nothing is left: name at least one")
    if "TLSv1.2" in merged["protocols"] and not any(groups.by_name(name).tls12 for name in merged["groups"]):
        raise BaselineError("groups", "none of them is usable with TLSv1.2: add secp256r1 or x25519")
    missing = [name for name in merged["required_protocols"] if name not in merged["protocols"]]
    if missing:
        if "required_protocols" in given:
            raise BaselineError("required_protocols", f"{missing[0]} is required, but not among protocols")
        merged["required_protocols"] = [name for name in merged["required_protocols"] if name not in missing]
    return merged


def _checked(key: str, value: t.Any, default: t.Any) -> t.Any:
    if key in _TEXTS:
        # YAML reads an unquoted date as a date.
        text = value.isoformat() if key == "as_of" and hasattr(value, "isoformat") else value
        if not isinstance(text, str) or not text:
            raise BaselineError(key, f"must be a text, not {_kind(value)}")
        if key == "as_of" and not _is_date(text):
            raise BaselineError(key, f"must be a date such as 2026-11-21, not {text!r}")
        return str(text)
    if key == "certificate":
        return _certificate(value, default)
    if key == "hsts_max_age":
        return _integer(key, value, 0)
    if key == "session_tickets":
        # YAML 1.1 reads an unquoted off as false.
        return _choice(key, "off" if value is False else value, model.SESSION_TICKETS)
    if key == "sources":
        return default
    return _names(key, value, _VOCABULARIES[key])


def _certificate(value: t.Any, default: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    rules = dict(default)
    for key, rule in _mapping("certificate", value, model.CertificateRules._fields).items():
        place = f"certificate.{key}"
        if key == "rsa_bits_min":
            rules[key] = _integer(place, rule, 2048, "RSA keys below 2048 bits have less than 112 bits of security")
        elif key == "lifetime_days_max":
            rules[key] = _integer(place, rule, 1)
        elif key == "expiry_warning_share":
            if isinstance(rule, bool) or not isinstance(rule, (int, float)) or not 0 < rule < 1:
                raise BaselineError(place, f"must be a share between 0 and 1, not {rule!r}")
            rules[key] = float(rule)
        elif key == "issuers":
            rules[key] = _texts(place, rule)
        else:
            rules[key] = _names(place, rule, _VOCABULARIES[place])
            if not rules[key] and key != "ec_curves":
                raise BaselineError(place, "nothing is left: name at least one")
    return rules


def _texts(key: str, value: t.Any) -> list[str]:
    """Distinguished names: any text with a type and a value."""
    if isinstance(value, str) or not isinstance(value, t.Sequence):
        raise BaselineError(key, f"must be a list of names, not {_kind(value)}")
    for index, text in enumerate(value):
        if not isinstance(text, str) or "=" not in text:
            raise BaselineError(f"{key}[{index}]", f"must be a name such as CN=Hospital CA,O=Hospital, not {text!r}")
    return [str(text) for text in dict.fromkeys(value)]


def _sources(value: t.Any) -> dict[str, str]:
    sources = _mapping("sources", value, _PARTS)
    for key, text in sources.items():
        if not isinstance(text, str):
            raise BaselineError(f"sources.{key}", f"must be a text, not {_kind(text)}")
    return {key: str(text) for key, text in sources.items()}


# --- vocabularies: which names a key takes, and why a known name may be refused ---------------------------------


class _Vocabulary(t.NamedTuple):
    what: str
    names: t.Callable[[], t.Iterable[str]]
    #: Why a known name cannot be used here; empty when it can.
    refuses: t.Callable[[str], str]
    #: The name here of something that goes by another name in OpenSSL; raises KeyError.
    translate: t.Callable[[str], str]


def _suites(tls13: bool | None = None) -> _Vocabulary:
    def refuses(name: str) -> str:
        suite = suites.by_name(name)
        if tls13 is not None and suite.tls13 != tls13 and not suite.prohibition:
            return f"it belongs in suites_tls{'13' if suite.tls13 else '12'}"
        return suite.prohibition

    def names() -> t.Iterable[str]:
        return (suite.name for suite in suites.all_suites())

    return _Vocabulary("cipher suite", names, refuses, lambda name: suites.by_openssl(name).name)


def _protocol_refusal(name: str) -> str:
    return "" if name in APPROVABLE else "it is prohibited (RFC 6176, RFC 7568, RFC 8996)"


def _fixed(what: str, names: t.Sequence[str], refuses: t.Callable[[str], str] = lambda name: "") -> _Vocabulary:
    def translate(name: str) -> str:
        raise KeyError(name)

    return _Vocabulary(what, lambda: names, refuses, translate)


_GROUPS = _Vocabulary(
    "group",
    lambda: (group.name for group in groups.all_groups()),
    lambda name: groups.by_name(name).prohibition,
    lambda name: groups.by_openssl(name).name,
)
_SCHEMES = _Vocabulary(
    "signature scheme",
    lambda: (scheme.name for scheme in signatures.all_schemes()),
    lambda name: signatures.by_name(name).prohibition,
    lambda name: signatures.by_openssl(name).name,
)
_CURVES = _GROUPS._replace(
    what="curve",
    refuses=lambda name: (
        groups.by_name(name).prohibition or ("" if groups.by_name(name).kind == "ecdhe" else "it is not a curve")
    ),
)
_PROTOCOLS = _fixed("protocol", model.PROTOCOLS, _protocol_refusal)
_VOCABULARIES = {
    "protocols": _PROTOCOLS,
    "required_protocols": _PROTOCOLS,
    "suites_tls12": _suites(tls13=False),
    "suites_tls13": _suites(tls13=True),
    "groups": _GROUPS,
    "signature_schemes": _SCHEMES,
    "tolerated_suites": _suites(),
    "tolerated_groups": _GROUPS,
    "tolerated_signature_schemes": _SCHEMES,
    "certificate.key_types": _fixed("key type", model.KEY_TYPES),
    "certificate.ec_curves": _CURVES,
    "certificate.signature_hashes": _fixed("hash", model.SIGNATURE_HASHES),
}


def _names(key: str, value: t.Any, vocabulary: _Vocabulary) -> list[str]:
    """``value`` as a list of names of the vocabulary, each once."""
    if isinstance(value, (str, bytes)) or not isinstance(value, (list, tuple, set, frozenset)):
        raise BaselineError(key, f"must be a list of names, not {_kind(value)}")
    known = {name: name for name in vocabulary.names()}
    found: list[str] = []
    for index, name in enumerate(value):
        place = f"{key}[{index}]"
        if not isinstance(name, str):
            raise BaselineError(place, f"must be the name of a {vocabulary.what}, not {_kind(name)}")
        if name not in known:
            try:
                right = vocabulary.translate(name)
            except KeyError:
                usable = [other for other in known if not vocabulary.refuses(other)]
                raise BaselineError(place, unknown(vocabulary.what, name, usable)) from None
            raise BaselineError(
                place, f"{name!r} is OpenSSL's name of the {vocabulary.what} {right}: use the IANA name"
            )
        refusal = vocabulary.refuses(name)
        if refusal:
            raise BaselineError(place, f"{name} cannot stand here: {refusal}")
        if name in found:
            raise BaselineError(place, f"{name} is named twice")
        found.append(known[name])
    # Protocols have one order, whatever the user's.
    return sorted(found, key=model.PROTOCOLS.index) if vocabulary is _PROTOCOLS else found


# --- single values ----------------------------------------------------------------------------------------------


def _mapping(key: str, value: t.Any, valid: t.Iterable[str]) -> t.Mapping[str, t.Any]:
    if not isinstance(value, t.Mapping):
        raise BaselineError(key, f"must be a mapping, not {_kind(value)}")
    for name in value:
        if name not in valid:
            place = str(name) if key == "overrides" else f"{key}.{name}"
            raise BaselineError(place, unknown("key", name, valid))
    return value


def _integer(key: str, value: t.Any, least: int, reason: str = "") -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        detail = f": {reason}" if reason and isinstance(value, int) else ""
        raise BaselineError(key, f"must be a whole number of at least {least}, not {value!r}{detail}")
    return int(value)


def _choice(key: str, value: t.Any, valid: t.Sequence[str]) -> str:
    if value not in valid:
        raise BaselineError(key, unknown("value", value, valid))
    return str(value)


def _is_date(text: str) -> bool:
    import datetime

    try:
        datetime.datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        return False
    return len(text) == len("2026-11-21")


def _kind(value: t.Any) -> str:
    return "nothing" if value is None else type(value).__name__


def unknown(what: str, name: t.Any, valid: t.Iterable[str]) -> str:
    """An unknown name, the nearest right one, and all of them when that is a list a person would read."""
    import difflib

    names = list(valid)
    lower = {other.lower(): other for other in names}
    near = difflib.get_close_matches(str(name).lower(), lower, n=1)
    text = f"unknown {what} {name!r}" + (f", did you mean {lower[near[0]]}?" if near else "")
    if len(names) > _LISTED:
        return f"{text} (one of {len(names)} IANA names, for example {names[0]})" if not near else text
    return f"{text} (valid: {', '.join(names)})"
