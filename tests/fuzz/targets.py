"""What must hold for any bytes a server sends or a configuration holds, as functions of those bytes.

They return nothing and raise nothing.

``fuzz.py`` drives them by coverage (libFuzzer, by way of atheris); ``test_fuzz_corpus.py`` replays what was found.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import (
    ConfigurationError,
    EndpointError,
)
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks import openssl_conf, redact, vsftpd
from ansible_collections.encryption.in_transit.plugins.module_utils.stacks.apache import grammar as apache
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


#: Every reader of configurations; the first byte of an input chooses one.
READERS: list[t.Callable[[str, bytes], object]] = [
    nginx.parse,
    apache.parse,
    postfix.parse_main,
    postfix.parse_master,
    vsftpd.parse,
    lambda path, data: openssl_conf.extended(data),
]


def configurations(data: bytes) -> None:
    """Any bytes are a configuration or an error that names the file."""
    if not data:
        return
    try:
        READERS[data[0] % len(READERS)]("/etc/fuzzed.conf", data[1:])
    except ConfigurationError as exc:
        assert "/etc/fuzzed.conf" in str(exc)


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
    "redactions": redactions,
}

#: No input is longer: more is cut off by the engine.
LONGEST = LIMIT
