"""What must hold for any bytes that a server sends or a file of a stranger holds, as functions of those bytes.

They return nothing and raise nothing.

``fuzz.py`` drives them by coverage (libFuzzer, by way of atheris); ``test_fuzz_corpus.py`` replays what was found.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import (
    ConfigurationError,
    EndpointError,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import openssl_conf, redact, vsftpd
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.apache import grammar as apache
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy import grammar as libraries
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.crypto_policy import openssl
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.haproxy import grammar as haproxy
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.nginx import grammar as nginx
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.postfix import grammar as postfix
from ansible_collections.encryption.in_transit.plugins.module_utils.wire import (
    certificate,
    endpoint,
    http,
    kex,
    starttls,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.answers import (
    ACCEPTED,
    CLOSED,
    DEADLINE,
    INDETERMINATE,
    LIMIT,
    PLAINTEXT,
    REFUSED,
    RESET,
    SOFT,
    TIMEOUT,
    Answer,
    Outcome,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.hello import PROTOCOL, TLS13
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.kit import Kit
from ansible_collections.encryption.in_transit.plugins.plugin_utils.registers import lint, load, tables
from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows import registry

from .references import OpenSSLConf, properties

_KIT = Kit(model.load("intermediate"))

#: Every kind of question an answer can be read for.
QUESTIONS = [
    _KIT.control12(True),
    _KIT.control13,
    _KIT.ssl2,
    _KIT.ssl3,
    _KIT.tls10,
    *_KIT.suites12_forbidden,
    _KIT.suites13_forbidden,
    _KIT.groups12_forbidden,
    _KIT.groups13_forbidden(),
    _KIT.signatures12_forbidden(),
]

_ENDS = (CLOSED, RESET, TIMEOUT, DEADLINE)


def _read(question: t.Any, data: bytes, end: str, step: int) -> tuple[Answer, Outcome]:
    answer = Answer(question)
    for at in range(0, len(data), step):
        if answer.feed(data[at : at + step]):
            break
    else:
        answer.finish(end)
    return answer, answer.outcome()


def answers(data: bytes) -> None:
    """Any answer has a meaning, it does not depend on how the bytes were cut, and accepts only what was offered."""
    if len(data) < 3:
        return
    question = QUESTIONS[data[0] % len(QUESTIONS)]
    end = _ENDS[data[1] % len(_ENDS)]
    body = data[3:]
    answer, whole = _read(question, body, end, len(body) or 1)
    _answer, cut = _read(question, body, end, data[2] % 16 + 1)
    names = ("status", "version", "suite", "group", "scheme", "alert")
    assert all(getattr(whole, name) == getattr(cut, name) for name in names), "the cut decides"
    assert whole.status in (ACCEPTED, REFUSED, SOFT, INDETERMINATE, PLAINTEXT)
    assert len(answer.head) <= 64
    if whole.status == ACCEPTED and whole.version in PROTOCOL and question.top in PROTOCOL:
        assert whole.version <= question.top
        assert whole.suite is None or whole.suite in question.suites
        if question.asks == "group":
            assert whole.group in question.groups
        if question.asks == "scheme":
            assert whole.scheme in question.schemes
        assert question.top != TLS13 or whole.version != TLS13 or whole.group is None or whole.group in question.groups


def certificates(data: bytes) -> None:
    """Any certificate has facts or is malformed; names of it match or do not."""
    with contextlib.suppress(certificate.CertificateFormatError):
        facts = certificate.facts(data)
        certificate.matches(facts, "portal.example")
        certificate.matches(facts, "192.0.2.1")
        assert certificate.chain_order([facts]) in ("ordered", "incomplete", "unordered", "surplus")


def dialogues(data: bytes) -> None:
    """Any talk before TLS comes to an end that has a name, within the limit of what is read."""
    if len(data) < 3:
        return
    names = sorted(starttls.DIALOGUES)
    dialogue = starttls.DIALOGUES[names[data[0] % len(names)]]("portal.example")
    body, step = data[2:], data[1] % 64 + 1
    try:
        next(dialogue)
        for at in range(0, len(body), step):
            dialogue.send(body[at : at + step])
        dialogue.send(None)
    except (StopIteration, starttls.DialogueEnd):
        return
    raise AssertionError("the dialogue goes on after the end")


def encrypted_flights(data: bytes) -> None:
    """Any encrypted flight is read or is not readable."""
    if len(data) < 100:
        return
    keys = kex.ClientKeys((kex.SECP256R1,))
    with contextlib.suppress(kex.KeyExchangeError):
        messages = keys.decrypt_flight(b"\1\0\0\0", data[:90], [data[90:]])
        keys.certificates(messages)
        keys.extensions(messages)


def tickets(data: bytes) -> None:
    """Any session ticket has extensions or is malformed."""
    with contextlib.suppress(kex.KeyExchangeError):
        assert all(0 <= kind < 65536 for kind in kex.ticket_extensions(data))


def responses(data: bytes) -> None:
    """Any answer to an HTTP request has a class."""
    talk = http.plain(endpoint.parse("http://portal.example"))
    try:
        next(talk)
        for at in range(0, len(data), 7):
            talk.send(data[at : at + 7])
        talk.send(None)
    except StopIteration as stop:
        assert stop.value["plaintext"] in ("served", "redirected", "refused", "unknown")
        return
    raise AssertionError("the conversation goes on after the end")


def endpoints(data: bytes) -> None:
    """Any text is an endpoint or an EndpointError."""
    with contextlib.suppress(EndpointError):
        assert 0 < endpoint.parse(data.decode("utf-8", "surrogateescape")).port < 65536


#: Every reader of configurations of daemons; the first byte of an input chooses one.
READERS: list[t.Callable[[str, bytes], object]] = [
    nginx.parse,
    apache.parse,
    postfix.parse_main,
    postfix.parse_master,
    vsftpd.parse,
    lambda path, data: openssl_conf.extended(data),
    haproxy.parse,
    haproxy.parse_crt_list,
]

FILE = "/etc/fuzzed.conf"


def configurations(data: bytes) -> None:
    """Any bytes are a configuration or an error that names the file."""
    if not data:
        return
    try:
        READERS[data[0] % len(READERS)](FILE, data[1:])
    except ConfigurationError as exc:
        assert FILE in str(exc)


#: What the libraries of a host read; the first byte of an input chooses one.
STYLES = [libraries.OPENSSL, libraries.GNUTLS, libraries.JAVA, libraries.POLICY, libraries.OPENSSH]

_NEW = "TLSv1.2"


def _parsed(data: bytes, style: libraries.Style) -> libraries.Tree | None:
    try:
        return libraries.parse(FILE, data, style)
    except ConfigurationError as exc:
        assert FILE in str(exc)
        return None


def _said(tree: libraries.Tree | None) -> list[tuple[str, str, str]]:
    assert tree is not None, "what was edited cannot be read any more"
    return [(entry.section, entry.name, entry.value.rstrip(" ")) for entry in tree.entries]


def _spliced(data: bytes, span: tuple[int, int, bytes]) -> bytes:
    start, end, text = span
    return data[:start] + text + data[end:]


def settings(data: bytes) -> None:
    """Any file of settings is read or refused, and an edit changes what it names: one value, or a line more."""
    if len(data) < 2:
        return
    style, chosen, body = STYLES[data[0] % len(STYLES)], data[1], data[2:]
    tree = _parsed(body, style)
    if tree is None or not tree.entries:
        return
    at = 0
    for entry in tree.entries:
        assert at <= entry.start <= entry.first <= entry.last <= entry.end <= entry.next <= len(body)
        at = entry.next
    before = _said(tree)
    index = chosen % len(tree.entries)
    entry = tree.entries[index]
    section, name, value = before[index]
    if not entry.is_head and name not in (".include", ".pragma"):
        after = _said(_parsed(_spliced(body, libraries.value(entry, _NEW)), style))
        assert after == [*before[:index], (section, name, _NEW), *before[index + 1 :]], "more than the value changed"
    within = value if entry.is_head else section
    if not entry.explicit:
        after = _said(_parsed(_spliced(body, libraries.behind(entry, ["fuzz = 1"])), style))
        assert after == [*before[: index + 1], (within, "fuzz", "1"), *before[index + 1 :]], "not a line more"
    after = _said(_parsed(_spliced(body, libraries.at_top(tree, ["fuzz = 1"])), style))
    assert after == [("", "fuzz", "1"), *before], "not a line more at the top"
    after = _said(_parsed(_spliced(body, libraries.at_end(tree, ["fuzz = 1"])), style))
    assert after[:-1] == before and after[-1][1:] == ("fuzz", "1"), "not a line more at the end"


class _OneFile:
    """A host that has one file."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def exists(self, path: str) -> bool:
        return path == FILE

    def read(self, path: str) -> bytes:
        if path != FILE:
            raise FileNotFoundError(path)
        return self._data


def openssl_files(data: bytes) -> None:
    """A file that OpenSSL reads has the values for us that it has for OpenSSL, or is refused by us."""
    # Other files, the environment, what ends a text in C, and parts of characters are of no interest here.
    if not data.isascii() or any(word in data for word in (b"\0", b".include", b".pragma", b"ENV")):
        return
    theirs = OpenSSLConf.read(data)
    tree = _parsed(data, libraries.OPENSSL)
    simple = openssl_conf.read(t.cast("t.Any", _OneFile(data)), FILE)
    if theirs is None:
        return
    names, section = [], "default"
    for step in ("openssl_conf", "ssl_conf", "system_default"):
        found = (theirs.section(section) or {}).get(step)
        if not found:
            break
        section = found.decode("utf-8", "surrogateescape")
        names.append(section)
    last = (theirs.section(section) or {}) if len(names) == 3 else {}
    values = {name.lower(): value.decode("utf-8", "replace") for name, value in last.items()}
    if tree is not None:
        config = openssl.Config([libraries.document(FILE, data, libraries.OPENSSL)])
        assert [target for _section, _entry, target in config.chain()] == names
        for place in {place for place, _entry in config.entries}:
            known = {name: _text(value) for name, value in (theirs.section(place or "default") or {}).items()}
            mine = {entry.name: config.expand(place, entry.value) for where, entry in config.entries if where == place}
            assert mine == known, place
    if simple is not None:
        assert list(simple.sections) == names
        assert simple.commands == values


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def java_files(data: bytes) -> None:
    """A file has the properties for us that java.util.Properties has, but for blanks at the end of values.

    Where that throws, we refuse it.
    """
    if not data.isascii():
        return  # what an escape does to a part of a character is of no interest
    theirs = properties(data)
    tree = _parsed(data, libraries.JAVA)
    if theirs is None or tree is None:
        assert theirs is None and tree is None
        return
    blank = " \t\f\r\n"
    assert {entry.name: entry.value.strip(blank) for entry in tree.entries} == {
        _text(name): _text(value).strip(blank) for name, value in theirs.items()
    }


def registries(data: bytes) -> None:
    """Any text that reg.exe may print or take is read or refused, and what can be written is read again as it was."""
    if not data:
        return
    text = data[1:].decode("utf-16-le" if data[0] & 4 else "utf-8", "replace")
    values: list[registry.Value] = []
    try:
        if data[0] % 4 == 0:
            values = registry.parse_document(text, FILE)
        elif data[0] % 4 == 1:
            values = list(registry.parse_query(text))
        else:
            values = list(registry.parse_brief(text, r"HKEY_LOCAL_MACHINE\SYSTEM") or ())
    except registry.RegistryError as exc:
        assert data[0] % 4 == 1 or FILE in str(exc)
    for value in values:
        with contextlib.suppress(registry.RegistryError):
            assert registry.parse_document(registry.document(registry.render([value]))) == [value]


_TODAY = datetime.date(2026, 11, 22)


@functools.lru_cache(maxsize=None)
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


def registers(data: bytes) -> None:
    """Any file is a register or has problems that name it; a table of flows that loses nothing is read as it was."""
    if not data:
        return
    path = Path(_folder().name, "register.csv" if data[0] & 1 else "register.yml")
    path.write_bytes(data[1:])
    held, problems = load.read([str(path)])
    problems += lint.lint(held, _TODAY, ["portal.example"])
    assert all(str(path) in str(problem) for problem in problems)
    flows = held.flows
    if flows and not tables.lost(flows):
        written = "".join(tables.csv_of("flows", flows)).encode("utf-8", "surrogatepass")
        back, wrong = tables.flows_from_csv(str(path), written)
        assert not wrong
        assert [_filled(flow) for flow in back] == [_filled(flow) for flow in flows]


def _filled(flow: dict[str, t.Any]) -> dict[str, t.Any]:
    """A flow without the lists that are empty, which a table cannot tell from none."""
    return {key: value for key, value in flow.items() if value != []}


def redactions(data: bytes) -> None:
    """Any text keeps its lines, and has no secret left that a second look would find."""
    text = data.decode("utf-8", "surrogateescape")
    clean, _count = redact.redact(text)
    assert clean.count("\n") == text.count("\n")
    assert redact.redact(clean)[0] == clean


TARGETS: dict[str, t.Callable[[bytes], None]] = {
    "answers": answers,
    "certificates": certificates,
    "dialogues": dialogues,
    "encrypted_flights": encrypted_flights,
    "tickets": tickets,
    "responses": responses,
    "endpoints": endpoints,
    "configurations": configurations,
    "settings": settings,
    "openssl_files": openssl_files,
    "java_files": java_files,
    "registries": registries,
    "registers": registers,
    "redactions": redactions,
}

#: No input is longer: more is cut off by the engine.
LONGEST = LIMIT
