# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a Windows host shows an auditor: registry, bindings, certificates, and Schannel's events where they are logged.

Nothing here can hold a secret: Schannel's keys are switches and lists of public names, private keys are not in the
registry, and of the events only numbers are kept.
"""

from __future__ import annotations

import json
import re
import typing as t
from xml.etree import ElementTree

from ansible_collections.encryption.in_transit.plugins.module_utils.wire import certificate

from . import bindings, host, settings
from .registry import Registry, RegistryError, combined, document, parse_query, render

Json = t.Dict[str, t.Any]

#: Most events that are asked for, newest first.
EVENTS = 500

#: Commands beyond :data:`host.READ`.
COMMANDS = (
    host.query(host.CERTIFICATES, deep=True),
    f"wevtutil qe System \"/q:*[System[Provider[@Name='Schannel']]]\" /c:{EVENTS} /rd:true /f:xml",
    host.query(settings.LOCAL, "Functions"),
)

#: Schannel's events: Microsoft, "Schannel Events".
MEANINGS = {
    36870: "private key cannot be used",
    36871: "credentials could not be made, for one because the protocol is switched off",
    36874: "no suite in common with the client",
    36880: "handshake completed",
    36887: "alert received",
    36888: "alert sent",
}

_KEPT = ("Type", "Protocol", "CipherSuite", "ExchangeStrength", "AlertDesc", "ErrorState")


def export(facts: host.Facts, extra: t.Sequence[str], listeners: list[Json]) -> tuple[list[Json], list[str]]:
    """Files for the evidence (``name``, ``text``, ``redactions``), and warnings about what could not be read."""
    warnings: list[str] = []
    files = {
        "registry.reg": _registry(combined([facts.registry, parse_query(extra[2])])),
        "listeners.json": _json(listeners),
    }
    files["bindings.json"] = _json([_binding(one) for one in bindings.bindings(facts.registry)])
    try:
        files["certificates.json"] = _json(_certificates(parse_query(extra[0])))
    except RegistryError as error:
        warnings.append(str(error))
    logging = facts.registry.number(settings.SCHANNEL, "EventLogging")
    try:
        files["events.json"] = _json({"event_logging": logging, "newest": EVENTS, "counts": count(extra[1])})
    except ElementTree.ParseError as error:
        warnings.append(f"Schannel's events could not be read: {error}")
    return [{"name": name, "text": text, "redactions": 0} for name, text in files.items()], warnings


def _json(data: t.Any) -> str:
    return json.dumps(data, indent=2, sort_keys=True) + "\n"


def _registry(registry: Registry) -> str:
    """The values that were read as a .reg file; what is not ASCII or of an odd type is left out."""
    lines: list[str] = []
    for value in sorted(registry, key=lambda one: one.place):
        try:
            lines += render([value])
        except RegistryError as error:
            lines.append(f"; left out: {str(error).encode('ascii', 'replace').decode()}")
    return document(_grouped(lines)).replace("\r\n", "\n")


def _grouped(lines: t.Iterable[str]) -> t.Iterator[str]:
    key = None
    for line in lines:
        if not line.startswith("["):
            yield line
        elif line != key:
            key = line
            yield line


def _binding(one: bindings.Binding) -> Json:
    return {**one._asdict(), "flags": one.flags, "meaning": bindings.meaning(one.flags)}


def _certificates(registry: Registry) -> list[Json]:
    found = []
    for thumbprint, der in sorted(bindings.certificates(registry).items()):
        found.append({"thumbprint": thumbprint, **certificate.facts(der)})
    return found


def count(text: str) -> list[Json]:
    """How often each kind of event was logged, see :func:`events`."""
    counts: dict[tuple[t.Any, ...], int] = {}
    for fields in events(text):
        number = fields.get("EventID", "")
        key = (int(number) if number.isdigit() else 0, *(fields.get(name) for name in _KEPT))
        counts[key] = counts.get(key, 0) + 1
    rows = []
    for (number, *rest), times in sorted(counts.items(), key=lambda item: (-item[1], str(item[0]))):
        details = {name: value for name, value in zip(_KEPT, rest) if value}
        meaning = MEANINGS.get(number, "see Schannel Events")
        rows.append({"event": number, "meaning": meaning, "times": times, **details})
    return rows


def events(text: str) -> list[dict[str, str]]:
    """What each event says, by name, from ``wevtutil qe ... /f:xml``: events in XML without a root.

    A value is the text of an element (UserData) or of a ``Data`` with that ``Name`` (EventData), or ``SystemTime``.
    Raises ElementTree.ParseError when it is none.
    """
    if "<Event" not in text:
        return []
    clean = re.sub(r"[^\t\n\r -\ud7ff\ue000-\ufffd]", "", text)
    if "<!" in clean:
        raise ElementTree.ParseError("there is a document type or a comment in it, which wevtutil never writes")
    root = ElementTree.fromstring(f"<Events>{clean}</Events>")  # noqa: S314  no entities, see above
    found = []
    for event in root:
        fields: dict[str, str] = {}
        for node in event.iter():
            fields[node.get("Name") or node.tag.rpartition("}")[2]] = (node.text or "").strip()
            fields.update((name, value) for name, value in node.items() if name == "SystemTime")
        found.append(fields)
    return found
