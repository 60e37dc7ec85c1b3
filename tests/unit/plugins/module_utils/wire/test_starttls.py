"""The dialogues before TLS, played against recorded and scripted servers, whole and cut at any byte."""

from __future__ import annotations

import socket
import threading
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.wire import starttls
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.starttls import (
    DIALOGUES,
    PLAINTEXT_PROBES,
    Closed,
    DialogueEnd,
    NotThisProtocol,
    Plaintext,
    RateLimited,
    Ready,
)

HOST = "portal.example"


class Case(t.NamedTuple):
    """A dialogue: what goes out (``>``) and what comes in (``<``), byte for byte, and how it has to end.

    ``facts`` are those worth comparing; ``detail`` is a part of the error's text.
    """

    name: str
    scheme: str
    talk: tuple[tuple[str, bytes], ...]
    end: type
    facts: dict[str, t.Any] = {}
    detail: str = ""


def talk(*lines: bytes) -> tuple[tuple[str, bytes], ...]:
    """Each line begins with its direction; neighbours of the same direction are one piece."""
    pieces: list[tuple[str, bytes]] = []
    for line in lines:
        way, data = chr(line[0]), line[1:]
        if pieces and pieces[-1][0] == way:
            data = pieces.pop()[1] + data
        pieces.append((way, data))
    return tuple(pieces)


def play(factory, pieces, cut=lambda data: [data]):
    """How the dialogue ends: the value it returns or the exception it raises.

    Fails the test when it says something else than ``pieces`` or says it early, before the answer is complete.
    """
    dialogue = factory(HOST)
    out = next(dialogue)
    for number, (way, data) in enumerate(pieces):
        if way == ">":
            assert out == data
            out = b""
            continue
        assert out == b""
        chunks = cut(data)
        for position, chunk in enumerate(chunks):
            assert out == b"", f"said {out!r} before the answer {data!r} was complete"
            last = position == len(chunks) - 1
            try:
                out = dialogue.send(chunk)
            except StopIteration as stop:
                end = stop.value
            except DialogueEnd as error:
                end = error
            else:
                continue
            assert last and number == len(pieces) - 1, f"ended early, at {chunk!r}: {end!r}"
            return end
    try:
        out = dialogue.send(None)
    except DialogueEnd as error:
        return error
    raise AssertionError(f"did not end; says {out!r}")


def bytewise(data):
    return [data[i : i + 1] for i in range(len(data))]


def check(case, cut=lambda data: [data]):
    end = play({**DIALOGUES}[case.scheme], case.talk, cut)
    assert type(end) is case.end, getattr(end, "detail", end)
    seen = end.facts
    assert {key: seen[key] for key in case.facts} == case.facts
    assert set(seen) == {"greeting", "advertised", "login_before_tls", "mechanisms", "unsolicited"}
    if case.detail:
        assert case.detail in end.detail
    assert (end.preamble != b"") is (case.scheme == "mysql") if isinstance(end, Ready) else True


# --- recorded from real servers: Debian 12's Postfix 3.7, Dovecot 2.3, vsftpd 3.0.3, Pure-FTPd 1.0.50, slapd 2.5,
# PostgreSQL 15, MariaDB 10.11, Prosody 0.12, xrdp 0.9 -----------------------------------------------------------------

EHLO = b">EHLO tls-scan.invalid\r\n"
POSTFIX = (
    b"<220 localhost ESMTP Postfix\r\n",
    EHLO,
    b"<250-localhost\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ETRN\r\n250-STARTTLS\r\n",
    b"<250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n",
)
POSTFIX_WITHOUT = (
    *POSTFIX[:2],
    b"<250-localhost\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ETRN\r\n",
    POSTFIX[3],
)
DOVECOT_LMTP = (
    b"<220 vm Dovecot (Debian) ready.\r\n",
    b">LHLO tls-scan.invalid\r\n",
    b"<250-vm\r\n250-8BITMIME\r\n250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n250 STARTTLS\r\n",
)
DOVECOT_IMAP = b"IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+"
DOVECOT_IMAP_OK = b"a1 OK Pre-login capabilities listed, post-login capabilities have more.\r\n"
DOVECOT_SIEVE = (
    b'<"IMPLEMENTATION" "Dovecot (Debian) Pigeonhole"\r\n',
    b'<"SIEVE" "fileinto reject envelope encoded-character vacation subaddress"\r\n"NOTIFY" "mailto"\r\n',
)
VSFTPD_FEAT = (
    b"<211-Features:\r\n AUTH TLS\r\n EPRT\r\n EPSV\r\n MDTM\r\n PASV\r\n PBSZ\r\n PROT\r\n REST STREAM\r\n SIZE\r\n",
    b"< TVFS\r\n211 End\r\n",
)
PURE_FTPD = (
    b"<220---------- Welcome to Pure-FTPd [privsep] [TLS] ----------\r\n220-You are user number 1 of 50 allowed.\r\n",
    b"<220-Local time is now 21:25. Server port: 20021.\r\n",
    b"<220-IPv6 connections are also welcome on this server.\r\n",
    b"<220 You will be disconnected after 15 minutes of inactivity.\r\n",
)
PURE_FTPD_FEAT = (
    b"<211-Extensions supported:\r\n UTF8\r\n EPRT\r\n IDLE\r\n MDTM\r\n SIZE\r\n MFMT\r\n REST STREAM\r\n",
    b"< MLST type*;size*;sizd*;modify*;UNIX.mode*;UNIX.uid*;UNIX.gid*;unique*;\r\n MLSD\r\n PRET\r\n AUTH TLS\r\n",
    b"< PBSZ\r\n PROT\r\n TVFS\r\n ESTA\r\n PASV\r\n EPSV\r\n ESTP\r\n211 End.\r\n",
)
STREAM = (
    b"><?xml version='1.0'?><stream:stream to='portal.example' version='1.0' xml:lang='en' xmlns='jabber:client'"
    b" xmlns:stream='http://etherx.jabber.org/streams'>"
)
PROSODY = (
    b"<<?xml version='1.0'?><stream:stream xmlns='jabber:client' xml:lang='en' "
    b"xmlns:stream='http://etherx.jabber.org/streams' from='portal.example' "
    b"id='6f4080ff-7df4-47c9-8e0e-fa530358c42d' version='1.0'><stream:features>"
)
PROSODY_MECHANISMS = (
    b"<<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism>"
    b"<mechanism>PLAIN</mechanism></mechanisms>"
)
XMPP_STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
PROCEED = b"<<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
MARIADB = (
    b"<d\0\0\0\n5.5.5-10.11.19-MariaDB-0+deb12u1\0\3\0\0\0A,YZ:Oax\0",
    b'<\x08\x02\x00\xff\x81\x15\0\0\0\0\0\0\x1d\0\0\0[=_G&&,Gb8/"\0mysql_native_password\0',
)
LDAP_REQUEST = b">\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
RDP_REQUEST = b">\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0"
SSL_REQUEST = b">\0\0\0\x08\x04\xd2\x16\x2f"

RECORDED = [
    Case(
        "postfix",
        "smtp",
        talk(*POSTFIX, b">STARTTLS\r\n", b"<220 2.0.0 Ready to start TLS\r\n"),
        Ready,
        {"greeting": "localhost ESMTP Postfix", "advertised": True, "login_before_tls": False, "unsolicited": None},
    ),
    Case(
        "postfix-without-tls",
        "smtp",
        talk(*POSTFIX_WITHOUT, b">STARTTLS\r\n", b"<502 5.5.1 Error: command not implemented\r\n"),
        Plaintext,
        {"advertised": False},
        "STARTTLS answered 502 5.5.1 Error: command not implemented",
    ),
    Case(
        "dovecot-lmtp",
        "lmtp",
        talk(*DOVECOT_LMTP, b">STARTTLS\r\n", b"<220 2.0.0 Begin TLS negotiation now.\r\n"),
        Ready,
        {"advertised": True},
    ),
    Case(
        "dovecot-imap",
        "imap",
        talk(
            b"<* OK [CAPABILITY " + DOVECOT_IMAP + b" STARTTLS LOGINDISABLED] Dovecot (Debian) ready.\r\n",
            b">a1 CAPABILITY\r\n",
            b"<* CAPABILITY " + DOVECOT_IMAP + b" STARTTLS LOGINDISABLED\r\n" + DOVECOT_IMAP_OK,
            b">a2 STARTTLS\r\n",
            b"<a2 OK Begin TLS negotiation now.\r\n",
        ),
        Ready,
        {"advertised": True, "login_before_tls": False, "mechanisms": []},
    ),
    Case(
        "dovecot-imap-login-in-clear",
        "imap",
        talk(
            b"<* OK [CAPABILITY " + DOVECOT_IMAP + b" STARTTLS AUTH=PLAIN] Dovecot (Debian) ready.\r\n",
            b">a1 CAPABILITY\r\n",
            b"<* CAPABILITY " + DOVECOT_IMAP + b" STARTTLS AUTH=PLAIN\r\n" + DOVECOT_IMAP_OK,
            b">a2 STARTTLS\r\n",
            b"<a2 OK Begin TLS negotiation now.\r\n",
        ),
        Ready,
        {"login_before_tls": True, "mechanisms": ["LOGIN", "PLAIN"]},
    ),
    Case(
        "dovecot-imap-without-tls",
        "imap",
        talk(
            b"<* OK [CAPABILITY " + DOVECOT_IMAP + b" AUTH=PLAIN] Dovecot (Debian) ready.\r\n",
            b">a1 CAPABILITY\r\n",
            b"<* CAPABILITY " + DOVECOT_IMAP + b" AUTH=PLAIN\r\n" + DOVECOT_IMAP_OK,
            b">a2 STARTTLS\r\n",
            b"<a2 BAD TLS support isn't enabled.\r\n",
        ),
        Plaintext,
        {"advertised": False, "login_before_tls": True},
    ),
    Case(
        "dovecot-pop3",
        "pop3",
        talk(
            b"<+OK Dovecot (Debian) ready.\r\n",
            b">CAPA\r\n",
            b"<+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\nSTLS\r\nSASL\r\n.\r\n",
            b">STLS\r\n",
            b"<+OK Begin TLS negotiation now.\r\n",
        ),
        Ready,
        {"greeting": "+OK Dovecot (Debian) ready.", "advertised": True, "login_before_tls": False, "mechanisms": []},
    ),
    Case(
        "dovecot-pop3-login-in-clear",
        "pop3",
        talk(
            b"<+OK Dovecot (Debian) ready.\r\n",
            b">CAPA\r\n",
            b"<+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\nUSER\r\nSASL PLAIN\r\n.\r\n",
            b">STLS\r\n",
            b"<-ERR TLS support isn't enabled.\r\n",
        ),
        Plaintext,
        {"advertised": False, "login_before_tls": True, "mechanisms": ["USER", "PLAIN"]},
    ),
    Case(
        "dovecot-sieve",
        "sieve",
        talk(
            *DOVECOT_SIEVE,
            b'<"SASL" ""\r\n"STARTTLS"\r\n"VERSION" "1.0"\r\nOK "Dovecot (Debian) ready."\r\n',
            b">STARTTLS\r\n",
            b'<OK "Begin TLS negotiation now."\r\n',
        ),
        Ready,
        {"greeting": "Dovecot (Debian) Pigeonhole", "advertised": True, "login_before_tls": False},
    ),
    Case(
        "dovecot-sieve-without-tls",
        "sieve",
        talk(
            *DOVECOT_SIEVE,
            b'<"SASL" "PLAIN"\r\n"VERSION" "1.0"\r\nOK "Dovecot (Debian) ready."\r\n',
            b">STARTTLS\r\n",
            b'<NO "TLS support isn\'t enabled."\r\n',
        ),
        Plaintext,
        {"advertised": False, "login_before_tls": True, "mechanisms": ["PLAIN"]},
    ),
    Case(
        "vsftpd",
        "ftp",
        talk(
            b"<220 (vsFTPd 3.0.3)\r\n",
            b">FEAT\r\n",
            *VSFTPD_FEAT,
            b">AUTH TLS\r\n",
            b"<234 Proceed with negotiation.\r\n",
        ),
        Ready,
        {"greeting": "(vsFTPd 3.0.3)", "advertised": True, "login_before_tls": None},
    ),
    Case(
        "vsftpd-without-tls",
        "ftp",
        talk(
            b"<220 (vsFTPd 3.0.3)\r\n",
            b">FEAT\r\n",
            b"<211-Features:\r\n EPRT\r\n EPSV\r\n MDTM\r\n PASV\r\n REST STREAM\r\n SIZE\r\n TVFS\r\n211 End\r\n",
            b">AUTH TLS\r\n",
            b"<530 Please login with USER and PASS.\r\n",
        ),
        Plaintext,
        {"advertised": False},
    ),
    Case(
        "vsftpd-full",
        "ftp",
        talk(b"<421 There are too many connected users, please try later.\r\n"),
        RateLimited,
        detail="421 There are too many connected users",
    ),
    Case(
        "pure-ftpd-advertises-what-it-refuses",
        "ftp",
        talk(
            *PURE_FTPD,
            b">FEAT\r\n",
            *PURE_FTPD_FEAT,
            b">AUTH TLS\r\n",
            b"<500 This security scheme is not implemented\r\n",
        ),
        Plaintext,
        {"advertised": True},
    ),
    Case(
        "slapd",
        "ldap",
        talk(LDAP_REQUEST, b"<\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"),
        Ready,
        {"advertised": None, "login_before_tls": None},
    ),
    Case(
        "slapd-without-tls",
        "ldap",
        talk(
            LDAP_REQUEST,
            b"<\x30\x2a\x02\x01\x01\x78\x25\x0a\x01\x02\x04\x00\x04\x1eunsupported extended operation",
        ),
        Plaintext,
        detail="result code 2 unsupported extended operation",
    ),
    Case(
        "prosody",
        "xmpp",
        talk(
            STREAM,
            PROSODY,
            b"<<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>",
            b">" + XMPP_STARTTLS,
            PROCEED,
        ),
        Ready,
        {"advertised": True, "login_before_tls": False, "mechanisms": []},
    ),
    Case(
        "prosody-login-in-clear",
        "xmpp",
        talk(
            STREAM,
            PROSODY,
            PROSODY_MECHANISMS,
            b"<" + XMPP_STARTTLS + b"</stream:features>",
            b">" + XMPP_STARTTLS,
            PROCEED,
        ),
        Ready,
        {"advertised": True, "login_before_tls": True, "mechanisms": ["SCRAM-SHA-1", "PLAIN"]},
    ),
    Case(
        "prosody-without-tls",
        "xmpp",
        talk(STREAM, PROSODY, PROSODY_MECHANISMS, b"<</stream:features>"),
        Plaintext,
        {"advertised": False, "login_before_tls": True},
        "starttls is not among the stream features",
    ),
    Case(
        "prosody-server",
        "xmpp-server",
        talk(
            STREAM.replace(b"jabber:client", b"jabber:server"),
            PROSODY.replace(b"jabber:client", b"jabber:server"),
            b"<<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>",
            b"<<dialback xmlns='urn:xmpp:features:dialback'/></stream:features>",
            b">" + XMPP_STARTTLS,
            PROCEED,
        ),
        Ready,
        {"advertised": True, "login_before_tls": False},
    ),
    Case(
        "prosody-server-optional",
        "xmpp-server",
        talk(
            STREAM.replace(b"jabber:client", b"jabber:server"),
            PROSODY.replace(b"jabber:client", b"jabber:server"),
            b"<" + XMPP_STARTTLS + b"<dialback xmlns='urn:xmpp:features:dialback'/></stream:features>",
            b">" + XMPP_STARTTLS,
            PROCEED,
        ),
        Ready,
        {"advertised": True, "login_before_tls": True},
    ),
    Case(
        "prosody-unknown-host",
        "xmpp",
        talk(
            STREAM,
            b"<<?xml version='1.0'?><stream:stream xml:lang='en' xmlns='jabber:client' id='ad04c6f1' version='1.0' ",
            b"<xmlns:stream='http://etherx.jabber.org/streams' from='127.0.0.1'><stream:error>",
            b"<<host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>",
        ),
        NotThisProtocol,
        detail="XMPP stream error host-unknown",
    ),
    Case("postgres", "postgres", talk(SSL_REQUEST, b"<S"), Ready),
    Case("postgres-without-tls", "postgres", talk(SSL_REQUEST, b"<N"), Plaintext, detail="SSLRequest answered N"),
    Case(
        "mariadb",
        "mysql",
        talk(MARIADB[0] + b"\xfe\xff", MARIADB[1]),
        Ready,
        {"greeting": "5.5.5-10.11.19-MariaDB-0+deb12u1", "advertised": True},
    ),
    Case(
        "mariadb-without-tls",
        "mysql",
        talk(MARIADB[0] + b"\xfe\xf7", MARIADB[1]),
        Plaintext,
        {"advertised": False},
        "CLIENT_SSL",
    ),
    Case(
        "mariadb-full",
        "mysql",
        talk(b"<\x17\0\0\0\xff\x10\x04Too many connections"),
        RateLimited,
        detail="error 1040 Too many connections",
    ),
    Case("xrdp", "rdp", talk(RDP_REQUEST, b"<\3\0\0\x13\x0e\xd0\0\0\x124\0\2\1\x08\0\1\0\0\0"), Ready),
    Case(
        "xrdp-without-tls",
        "rdp",
        talk(RDP_REQUEST, b"<\3\0\0\x13\x0e\xd0\0\0\x124\0\2\1\x08\0\0\0\0\0"),
        Plaintext,
        detail="standard RDP security",
    ),
]

# --- scripted after the standards, for what no server here says -------------------------------------------------------


def smtp(*after_ehlo: bytes) -> tuple[tuple[str, bytes], ...]:
    return talk(b"<220 mx.example ESMTP\r\n", EHLO, *after_ehlo)


def postgres_error(state: bytes, message: bytes) -> bytes:
    fields = b"SFATAL\0C" + state + b"\0M" + message + b"\0\0"
    return b"<E" + (len(fields) + 4).to_bytes(4, "big") + fields


def ldap(result: bytes, *, tag: bytes = b"\x78", message: bytes = b"\x01") -> tuple[tuple[str, bytes], ...]:
    operation = tag + bytes((len(result),)) + result
    body = b"\x02\x01" + message + operation
    return talk(LDAP_REQUEST, b"<\x30" + bytes((len(body),)) + body)


SCRIPTED = [
    Case(
        "smtp-multi-line-greeting",
        "smtp",
        talk(
            b"<220-mx.example ESMTP\r\n220-No spam please\r\n220 ready\r\n",
            EHLO,
            b"<250-mx\r\n250 starttls\r\n",
            b">STARTTLS\r\n",
            b"<220 go\r\n",
        ),
        Ready,
        {"greeting": "mx.example ESMTP", "advertised": True},
    ),
    Case(
        "smtp-bare-line-feeds",
        "smtp",
        talk(b"<220 mx\n", EHLO, b"<250-mx\n250 STARTTLS\n", b">STARTTLS\r\n", b"<220 go\n"),
        Ready,
        {"advertised": True},
    ),
    Case(
        "smtp-auth-offered-before-tls",
        "smtp",
        smtp(
            b"<250-mx\r\n250-AUTH=LOGIN\r\n250-AUTH LOGIN plain\r\n250 STARTTLS\r\n",
            b">STARTTLS\r\n",
            b"<220 go\r\n",
        ),
        Ready,
        {"login_before_tls": True, "mechanisms": ["LOGIN", "PLAIN"]},
    ),
    Case(
        "smtp-auth-external-is-no-login-in-clear",
        "smtp",
        smtp(b"<250-mx\r\n250-AUTH EXTERNAL\r\n250 STARTTLS\r\n", b">STARTTLS\r\n", b"<220 go\r\n"),
        Ready,
        {"login_before_tls": False, "mechanisms": ["EXTERNAL"]},
    ),
    Case(
        "smtp-hidden-starttls-is-tried",
        "smtp",
        smtp(b"<250 mx\r\n", b">STARTTLS\r\n", b"<220 go\r\n"),
        Ready,
        {"advertised": False},
    ),
    Case(
        "smtp-without-extensions",
        "smtp",
        smtp(b"<502 unknown\r\n", b">HELO tls-scan.invalid\r\n", b"<250 mx\r\n"),
        Plaintext,
        detail="no extensions, so no STARTTLS",
    ),
    Case(
        "smtp-asked-of-an-ftp-server",
        "smtp",
        talk(
            b"<220 (vsFTPd 3.0.3)\r\n",
            EHLO,
            b"<530 Please login with USER and PASS.\r\n",
            b">HELO tls-scan.invalid\r\n",
            b"<530 Please login with USER and PASS.\r\n",
        ),
        NotThisProtocol,
        detail="EHLO answered 530",
    ),
    Case("smtp-421-at-once", "smtp", talk(b"<421 4.7.0 Too many connections\r\n"), RateLimited, detail="greeting 421"),
    Case("smtp-554-at-once", "smtp", talk(b"<554 5.7.1 no access\r\n"), RateLimited, detail="greeting 554"),
    Case("smtp-ehlo-450", "smtp", smtp(b"<450 later\r\n"), RateLimited, detail="EHLO answered 450"),
    Case(
        "smtp-454",
        "smtp",
        smtp(b"<250-mx\r\n250 STARTTLS\r\n", b">STARTTLS\r\n", b"<454 4.7.0 TLS not available\r\n"),
        RateLimited,
        {"advertised": True},
        "STARTTLS answered 454",
    ),
    Case(
        "smtp-strange-code",
        "smtp",
        smtp(b"<250-mx\r\n250 STARTTLS\r\n", b">STARTTLS\r\n", b"<334 what?\r\n"),
        NotThisProtocol,
    ),
    Case("smtp-ssh", "smtp", talk(b"<SSH-2.0-OpenSSH_9.2\r\n"), NotThisProtocol, detail="no SMTP: SSH-2.0-OpenSSH_9.2"),
    Case(
        "smtp-terminal-escapes",
        "smtp",
        talk(b"<\x1b]0;owned\x07\x1b[2J\xff\r\n"),
        NotThisProtocol,
        detail="\\x1b]0;owned\\x07\\x1b[2J\\xff",
    ),
    Case("smtp-closed-at-once", "smtp", (), Closed, detail="closed the connection during the SMTP dialogue"),
    Case("smtp-closed-later", "smtp", smtp(b"<250-mx\r\n"), Closed),
    Case("lmtp-no-lhlo", "lmtp", talk(b"<220 mx\r\n", b">LHLO tls-scan.invalid\r\n", b"<502 no\r\n"), NotThisProtocol),
    Case(
        "imap-literal-and-case",
        "imap",
        talk(
            b"<* ok hello {5}\r\nx\r\ny}\r\n",
            b">a1 CAPABILITY\r\n",
            b"<* Capability imap4rev1 StartTLS logindisabled\r\na1 ok done\r\n",
            b">a2 STARTTLS\r\n",
            b"<* OK not yet\r\na2 ok go\r\n",
        ),
        Ready,
        {"advertised": True, "login_before_tls": False},
    ),
    Case("imap-bye", "imap", talk(b"<* BYE Too many connections\r\n"), RateLimited, detail="Too many connections"),
    Case(
        "imap-bye-later",
        "imap",
        talk(b"<* OK hi\r\n", b">a1 CAPABILITY\r\n", b"<* BYE idle\r\n"),
        RateLimited,
        detail="CAPABILITY answered * BYE idle",
    ),
    Case(
        "imap-preauth",
        "imap",
        talk(b"<* PREAUTH IMAP4rev1 server logged in as Smith\r\n"),
        Plaintext,
        {"login_before_tls": True},
        "PREAUTH",
    ),
    Case(
        "imap-unavailable",
        "imap",
        talk(
            b"<* OK hi\r\n",
            b">a1 CAPABILITY\r\n",
            b"<* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK\r\n",
            b">a2 STARTTLS\r\n",
            b"<a2 NO [UNAVAILABLE] try later\r\n",
        ),
        RateLimited,
        {"advertised": True},
    ),
    Case("imap-other", "imap", talk(b"<+OK POP3\r\n"), NotThisProtocol),
    Case("imap-wrong-tag", "imap", talk(b"<* OK hi\r\n", b">a1 CAPABILITY\r\n", b"<b1 OK\r\n"), NotThisProtocol),
    Case(
        "pop3-apop-and-no-capa",
        "pop3",
        talk(
            b"<+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n",
            b">CAPA\r\n",
            b"<-ERR unknown command\r\n",
            b">STLS\r\n",
            b"<+OK go\r\n",
        ),
        Ready,
        {"advertised": None, "login_before_tls": True, "mechanisms": ["APOP"]},
    ),
    Case(
        "pop3-no-capa-nothing-known",
        "pop3",
        talk(b"<+OK ready\r\n", b">CAPA\r\n", b"<-ERR what\r\n", b">STLS\r\n", b"<-ERR what\r\n"),
        Plaintext,
        {"advertised": None, "login_before_tls": None},
    ),
    Case("pop3-in-use", "pop3", talk(b"<-ERR [IN-USE] too many connections\r\n"), RateLimited),
    Case(
        "pop3-temporary",
        "pop3",
        talk(b"<+OK\r\n", b">CAPA\r\n", b"<-ERR\r\n", b">STLS\r\n", b"<-ERR [SYS/TEMP] later\r\n"),
        RateLimited,
    ),
    Case("pop3-other", "pop3", talk(b"<* OK IMAP\r\n"), NotThisProtocol),
    Case(
        "sieve-literals",
        "sieve",
        talk(
            b'<"IMPLEMENTATION" {7}\r\nServer1\r\n"SASL" {5+}\r\nPLAIN\r\n"STARTTLS"\r\nOK\r\n',
            b">STARTTLS\r\n",
            b"<ok\r\n",
        ),
        Ready,
        {"greeting": "Server1", "mechanisms": ["PLAIN"], "login_before_tls": True},
    ),
    Case("sieve-bye", "sieve", talk(b'<BYE "Too many connections"\r\n'), RateLimited),
    Case(
        "sieve-try-later",
        "sieve",
        talk(b'<"STARTTLS"\r\nOK\r\n', b">STARTTLS\r\n", b'<NO (TRYLATER) "busy"\r\n'),
        RateLimited,
    ),
    Case("sieve-other", "sieve", talk(b"<220 mx\r\n"), NotThisProtocol),
    Case("sieve-no-capabilities", "sieve", talk(b"<OK hello\r\n"), NotThisProtocol),
    Case(
        "ftp-preliminary-greeting-and-no-feat",
        "ftp",
        talk(
            b"<120 Service ready in 1 minutes\r\n220 ready\r\n",
            b">FEAT\r\n",
            b"<530 Please login\r\n",
            b">AUTH TLS\r\n",
            b"<234 go\r\n",
        ),
        Ready,
        {"advertised": None},
    ),
    Case(
        "ftp-auth-without-tls-in-feat",
        "ftp",
        talk(b"<220 x\r\n", b">FEAT\r\n", b"<211-F\r\n AUTH\r\n211 End\r\n", b">AUTH TLS\r\n", b"<234 go\r\n"),
        Ready,
        {"advertised": True},
    ),
    Case(
        "ftp-lines-that-look-like-the-end",
        "ftp",
        talk(
            b"<220 x\r\n",
            b">FEAT\r\n",
            b"<211-F\r\n220 not the end\r\n AUTH TLS\r\n211 End\r\n",
            b">AUTH TLS\r\n",
            b"<234 go\r\n",
        ),
        Ready,
        {"advertised": True},
    ),
    Case(
        "ftp-auth-ssl",
        "ftp",
        talk(
            b"<220 x\r\n",
            b">FEAT\r\n",
            b"<211-F\r\n AUTH SSL\r\n211 End\r\n",
            b">AUTH TLS\r\n",
            b"<504 unknown\r\n",
            b">AUTH SSL\r\n",
            b"<234 go\r\n",
        ),
        Ready,
        {"advertised": True},
    ),
    Case("ftp-feat-421", "ftp", talk(b"<220 x\r\n", b">FEAT\r\n", b"<421 bye\r\n"), RateLimited),
    Case(
        "ldap-long-lengths",
        "ldap",
        talk(LDAP_REQUEST, b"<\x30\x84\0\0\0\x10\x02\x01\x01\x78\x84\0\0\0\x07\x0a\x01\0\x04\0\x04\0"),
        Ready,
    ),
    Case("ldap-busy", "ldap", ldap(b"\x0a\x01\x33\x04\0\x04\x04busy"), RateLimited, detail="result code 51 busy"),
    Case("ldap-unavailable", "ldap", ldap(b"\x0a\x01\x34\x04\0\x04\0"), Plaintext, detail="result code 52"),
    Case("ldap-disconnection", "ldap", ldap(b"\x0a\x01\x34\x04\0\x04\0", message=b"\0"), RateLimited),
    Case("ldap-other-operation", "ldap", ldap(b"\x0a\x01\0\x04\0\x04\0", tag=b"\x61"), NotThisProtocol),
    Case("ldap-cut", "ldap", ldap(b"\x0a\x01\0\x04\x09\x04\0"), NotThisProtocol),
    Case("ldap-empty", "ldap", talk(LDAP_REQUEST, b"<\x30\0"), NotThisProtocol),
    Case("ldap-indefinite", "ldap", talk(LDAP_REQUEST, b"<\x30\x80"), NotThisProtocol),
    Case("ldap-huge", "ldap", talk(LDAP_REQUEST, b"<\x30\x84\x7f\xff\xff\xff"), NotThisProtocol),
    Case("ldap-http", "ldap", talk(LDAP_REQUEST, b"<HT"), NotThisProtocol),
    Case(
        "xmpp-other-prefix-and-spaces",
        "xmpp",
        talk(
            STREAM,
            b"<<s:stream xmlns:s='http://etherx.jabber.org/streams' >\n <s:features>\n  <starttls xmlns='x' />\n",
            b"<  <auth xmlns='http://jabber.org/features/iq-auth'/>\n </s:features>",
            b">" + XMPP_STARTTLS,
            b"<<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'></proceed>",
        ),
        Ready,
        {"advertised": True, "login_before_tls": True},
    ),
    Case(
        "xmpp-failure",
        "xmpp",
        talk(STREAM, b"<<stream:stream><stream:features><starttls/></stream:features>", b">" + XMPP_STARTTLS)
        + talk(b"<<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
        Plaintext,
    ),
    Case(
        "xmpp-no-features",
        "xmpp",
        talk(STREAM, b"<<stream:stream><stream:features/>"),
        Plaintext,
        {"advertised": False, "login_before_tls": False},
    ),
    Case(
        "xmpp-policy",
        "xmpp",
        talk(STREAM, b"<<stream:stream><stream:error><policy-violation/>"),
        RateLimited,
        detail="policy-violation",
    ),
    Case("xmpp-html", "xmpp", talk(STREAM, b"<HTTP/1.1 400 Bad Request\r\n\r\n<html>"), NotThisProtocol),
    Case("xmpp-text", "xmpp", talk(STREAM, b"<220 hello>"), NotThisProtocol),
    Case(
        "postgres-busy",
        "postgres",
        talk(SSL_REQUEST, postgres_error(b"53300", b"sorry, too many clients")),
        RateLimited,
        detail="53300 sorry, too many clients",
    ),
    Case(
        "postgres-error",
        "postgres",
        talk(SSL_REQUEST, postgres_error(b"0A000", b"no")),
        Plaintext,
        detail="0A000 no",
    ),
    Case("postgres-memcached", "postgres", talk(SSL_REQUEST, b"<ERROR"), NotThisProtocol),
    Case("postgres-other", "postgres", talk(SSL_REQUEST, b"<H"), NotThisProtocol),
    Case("mysql-other", "mysql", talk(b"<220 "), NotThisProtocol),
    Case("mysql-protocol-9", "mysql", talk(b"<\x09\0\0\0\x093.20\0abc"), Plaintext),
    Case("mysql-protocol-11", "mysql", talk(b"<\x09\0\0\0\x0b3.20\0abc"), NotThisProtocol),
    Case(
        "nntp",
        "nntp",
        talk(
            b"<200 news.example InterNetNews ready\r\n",
            b">CAPABILITIES\r\n",
            b"<101 Capability list:\r\nVERSION 2\r\nREADER\r\nSTARTTLS\r\nAUTHINFO\r\n.\r\n",
            b">STARTTLS\r\n",
            b"<382 Continue with TLS negotiation\r\n",
        ),
        Ready,
        {"greeting": "news.example InterNetNews ready", "advertised": True, "login_before_tls": False},
    ),
    Case(
        "nntp-login-in-clear",
        "nntp",
        talk(
            b"<201 no posting\r\n",
            b">CAPABILITIES\r\n",
            b"<101 list\r\nVERSION 2\r\nAUTHINFO USER SASL\r\nSASL PLAIN CRAM-MD5\r\n.\r\n",
            b">STARTTLS\r\n",
            b"<580 Can not initiate TLS negotiation\r\n",
        ),
        Plaintext,
        {"advertised": False, "login_before_tls": True, "mechanisms": ["USER", "PLAIN", "CRAM-MD5"]},
    ),
    Case(
        "nntp-old",
        "nntp",
        talk(b"<200 hi\r\n", b">CAPABILITIES\r\n", b"<500 what?\r\n", b">STARTTLS\r\n", b"<500 what?\r\n"),
        Plaintext,
        {"advertised": None, "login_before_tls": None},
    ),
    Case("nntp-400", "nntp", talk(b"<400 too many connections\r\n"), RateLimited),
    Case("rdp-nla", "rdp", talk(RDP_REQUEST, b"<\3\0\0\x13\x0e\xd0\0\0\0\0\0\2\0\x08\0\2\0\0\0"), Ready),
    Case(
        "rdp-no-certificate",
        "rdp",
        talk(RDP_REQUEST, b"<\3\0\0\x13\x0e\xd0\0\0\0\0\0\3\0\x08\0\3\0\0\0"),
        Plaintext,
        detail="SSL_CERT_NOT_ON_SERVER",
    ),
    Case(
        "rdp-strange-failure",
        "rdp",
        talk(RDP_REQUEST, b"<\3\0\0\x13\x0e\xd0\0\0\0\0\0\3\0\x08\0\6\0\0\0"),
        NotThisProtocol,
        detail="SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER",
    ),
    Case("rdp-before-negotiation", "rdp", talk(RDP_REQUEST, b"<\3\0\0\x0b\6\xd0\0\0\0\0\0"), Plaintext),
    Case("rdp-other", "rdp", talk(RDP_REQUEST, b"<SSH-"), NotThisProtocol),
    Case("rdp-other-pdu", "rdp", talk(RDP_REQUEST, b"<\3\0\0\x0b\6\x80\0\0\0\0\0"), NotThisProtocol),
    Case("rdp-short-answer", "rdp", talk(RDP_REQUEST, b"<\3\0\0\x0f\x0a\xd0\0\0\0\0\0\2\0\x08\0"), NotThisProtocol),
]

CASES = RECORDED + SCRIPTED
names = [case.name for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=names)
def test_dialogue(case):
    check(case)


def decided_early(case):
    """Whether the case ends before its last byte: what was read of it is already no such protocol."""
    return case.end is NotThisProtocol


@pytest.mark.parametrize("case", [case for case in CASES if not decided_early(case)], ids=lambda case: case.name)
def test_dialogue_byte_by_byte(case):
    check(case, bytewise)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_dialogue_cut_anywhere(data):
    case = data.draw(st.sampled_from([case for case in CASES if not decided_early(case)]))

    def cut(piece):
        marks = sorted(data.draw(st.sets(st.integers(1, max(1, len(piece) - 1)), max_size=5)))
        marks = [0, *[m for m in marks if m < len(piece)], len(piece)]
        return [piece[a:b] for a, b in zip(marks, marks[1:])]

    check(case, cut)


def test_every_scheme_has_a_way_to_tls_and_a_way_to_plaintext():
    for scheme in DIALOGUES:
        ends = {case.end for case in CASES if case.scheme == scheme}
        assert Ready in ends
        assert Plaintext in ends or scheme in ("lmtp", "xmpp-server")  # variants of another scheme's dialogue


# --- out of turn ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [case for case in CASES if case.end is Ready], ids=lambda case: case.name)
def test_bytes_behind_the_go_ahead_are_noted(case):
    """An attacker's answer put before TLS, to be taken for the first protected one (compare CVE-2011-0411)."""
    *before, (way, last) = case.talk
    end = play(DIALOGUES[case.scheme], (*before, (way, last + b"250 \x1bevil\r\n")))
    assert isinstance(end, Ready)
    assert end.facts["unsolicited"] == "250 \\x1bevil"


def test_an_answer_before_the_question_is_no_answer():
    """A second greeting does not pass for the answer to EHLO, nor a go-ahead for the one to STARTTLS."""
    case = talk(
        b"<220 mx\r\n220 again\r\n",
        EHLO,
        b"<250-mx\r\n250 STARTTLS\r\n220 go already\r\n",
        b">STARTTLS\r\n",
        b"<502 no\r\n",
    )
    end = play(DIALOGUES["smtp"], case)
    assert isinstance(end, Plaintext) and end.facts["unsolicited"] == "220 go already"


def test_a_server_that_speaks_tls_at_once():
    alert = b"\x15\x03\x01\x00\x02\x02\x28"
    for scheme in DIALOGUES:
        dialogue = DIALOGUES[scheme](HOST)
        next(dialogue)
        with pytest.raises(NotThisProtocol, match="TLS from the first byte"):
            dialogue.send(alert)


# --- limits and hostile input -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["smtp", "imap", "pop3", "ftp", "sieve", "xmpp", "nntp"])
def test_a_line_without_end(scheme):
    dialogue = DIALOGUES[scheme](HOST)
    next(dialogue)
    with pytest.raises(NotThisProtocol, match=f"line of more than {starttls.LINE_LIMIT} bytes"):
        dialogue.send(b"2" * (starttls.LINE_LIMIT + 1))


@pytest.mark.parametrize(
    "scheme,flood",
    [
        ("smtp", b"220-x\r\n"),
        ("ftp", b"120 x\r\n"),
        ("imap", b"* x {9}\r\n123456789"),
        ("sieve", b'"X"\r\n'),
        ("xmpp", b"<stream><x>"),
    ],
)
def test_lines_without_end(scheme, flood):
    dialogue = DIALOGUES[scheme](HOST)
    next(dialogue)
    if scheme == "imap":
        dialogue.send(b"* OK x\r\n")
    sent = 0
    with pytest.raises(NotThisProtocol, match=f"more than {starttls.INPUT_LIMIT} bytes"):
        while sent < 2 * starttls.INPUT_LIMIT:
            dialogue.send(flood)
            sent += len(flood)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(DIALOGUES) + [f"{name} probe" for name in PLAINTEXT_PROBES]), st.data())
def test_hostile_bytes_raise_nothing_else(scheme, data):
    name, _space, probe = scheme.partition(" ")
    dialogue = (PLAINTEXT_PROBES if probe else DIALOGUES)[name](HOST)
    known = [piece for case in CASES if case.scheme == name for way, piece in case.talk if way == "<"]
    pieces = st.binary(max_size=60) | st.sampled_from(known) if known else st.binary(max_size=60)
    next(dialogue)
    try:
        for _ in range(8):
            piece = bytearray(data.draw(pieces))
            if piece and data.draw(st.booleans()):
                piece[data.draw(st.integers(0, len(piece) - 1))] = data.draw(st.integers(0, 255))
            assert isinstance(dialogue.send(bytes(piece)), bytes)
        dialogue.send(None)
    except StopIteration as stop:
        assert isinstance(stop.value, (Ready, dict))
    except DialogueEnd as end:
        assert end.detail.isprintable() and end.detail.isascii() and len(end.detail) < 1000


def test_printable():
    assert starttls.printable(b"a\x00\x1b[1m\xc3\xa9\r\n") == "a\\x00\\x1b[1m\\xc3\\xa9"
    assert starttls.printable(b"x" * 300) == "x" * 200 + "..."


def test_the_served_domain_is_escaped_in_the_stream_header():
    assert b"to='a&#38;b&#39;&#60;'" in next(starttls.xmpp("a&b'<"))


# --- does the server go on without TLS? -------------------------------------------------------------------------------

STARTUP = b">\0\0\x009\0\3\0\0user\0tls-scan.invalid\0database\0tls-scan.invalid\0\0"
NO_ENTRY = (
    b'<E\0\0\0\xadSFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry for host "127.0.0.1", user "tls-scan.invalid", '
    b'database "tls-scan.invalid", no encryption\0Fauth.c\0L544\0RClientAuthentication\0\0'
)
USER, ANONYMOUS = b">USER tls-scan.invalid\r\n", b">USER anonymous\r\n"

ROOT_DSE = bytes.fromhex("3e302a02010163250400 0a0100 0a0100 020101 020105 0101ff 870b") + b"objectClass0\5\4\x031.1"
SSF_REQUIRED = "3024020101651f0a010d04000418636f6e666964656e7469616c697479207265717569726564"
TLS_REQUIRED = "302802010165230a010d0400041c544c5320636f6e666964656e7469616c697479207265717569726564"
SHOWN = "3030020101642b040030273025040b6f626a656374436c61737331160403746f70040f4f70656e4c444150726f6f74445345"

PROBES = [  # name, scheme, talk, facts expected; the first of each kind recorded from the servers named above
    ("postfix-may", "smtp", talk(*POSTFIX, b">MAIL FROM:<>\r\n", b"<250 2.1.0 Ok\r\n"), {"plaintext": "served"}),
    (
        "postfix-encrypt",
        "smtp",
        talk(*POSTFIX, b">MAIL FROM:<>\r\n", b"<530 5.7.0 Must issue a STARTTLS command first\r\n"),
        {"plaintext": "refused", "detail": "MAIL answered 530 5.7.0 Must issue a STARTTLS command first"},
    ),
    (
        "login-wanted-says-nothing",
        "smtp",
        talk(*POSTFIX, b">MAIL FROM:<>\r\n", b"<530 5.7.0 Authentication required\r\n"),
        {"plaintext": None},
    ),
    ("dovecot", "lmtp", talk(*DOVECOT_LMTP, b">MAIL FROM:<>\r\n", b"<250 2.1.0 OK\r\n"), {"plaintext": "served"}),
    (
        "vsftpd-forces-tls",
        "ftp",
        talk(b"<220 (vsFTPd 3.0.3)\r\n", USER, b"<530 Non-anonymous sessions must use encryption.\r\n"),
        {"plaintext": "refused", "login_before_tls": False, "anonymous_before_tls": None, "clear_data": None},
    ),
    (
        "vsftpd-without-tls",
        "ftp",
        talk(b"<220 (vsFTPd 3.0.3)\r\n", USER, b"<331 Please specify the password.\r\n"),
        {"plaintext": "served", "login_before_tls": True, "anonymous_before_tls": None, "clear_data": True},
    ),
    (
        "vsftpd-anonymous-only",
        "ftp",
        talk(
            b"<220 (vsFTPd 3.0.3)\r\n",
            USER,
            b"<530 This FTP server is anonymous only.\r\n",
            ANONYMOUS,
            b"<331 Please specify the password.\r\n",
        ),
        {"plaintext": "served", "login_before_tls": None, "anonymous_before_tls": True, "clear_data": True},
    ),
    (
        "pure-ftpd-forces-tls",
        "ftp",
        talk(
            *PURE_FTPD,
            USER,
            b"<421-Sorry, cleartext sessions and weak ciphers are not accepted on this server.\r\n",
            b"<421 Please reconnect using TLS security mechanisms.\r\n",
        ),
        {"plaintext": "refused", "login_before_tls": False},
    ),
    (
        "iis",
        "ftp",
        talk(b"<220 Microsoft FTP Service\r\n", USER, b"<534 Policy requires it.\r\n"),
        {"plaintext": "refused"},
    ),
    (
        "ftp-unclear",
        "ftp",
        talk(b"<220 x\r\n", USER, b"<530 Permission denied.\r\n", ANONYMOUS, b"<530 Permission denied.\r\n"),
        {"plaintext": None, "login_before_tls": None, "anonymous_before_tls": None, "clear_data": None},
    ),
    # As OpenLDAP 2.5 answers, by "security ssf=128", "security tls=128" and without.
    ("slapd-ssf", "ldap", talk(ROOT_DSE, b"<" + bytes.fromhex(SSF_REQUIRED)), {"plaintext": "refused"}),
    ("slapd-tls", "ldap", talk(ROOT_DSE, b"<" + bytes.fromhex(TLS_REQUIRED)), {"plaintext": "refused"}),
    ("slapd-open", "ldap", talk(ROOT_DSE, b"<" + bytes.fromhex(SHOWN)), {"plaintext": None}),
    ("ldap-nothing", "ldap", talk(ROOT_DSE, b"<0\x0c\2\1\1e\7\n\1\0\4\0\4\0"), {"plaintext": None}),
    ("postgres-host", "postgres", talk(STARTUP, b"<R"), {"plaintext": "served"}),
    ("postgres-hostssl", "postgres", talk(STARTUP, NO_ENTRY), {"plaintext": "refused"}),
    (
        "pooler",
        "postgres",
        talk(STARTUP, postgres_error(b"08P01", b"SSL required")),
        {"plaintext": "refused"},
    ),
    (
        "postgres-no-database",
        "postgres",
        talk(STARTUP, postgres_error(b"3D000", b"no such thing")),
        {"plaintext": None},
    ),
    (
        "xrdp-tls",
        "rdp",
        talk(RDP_REQUEST[:-4] + b"\0\0\0\0", b"<\3\0\0\x13\x0e\xd0\0\0\x124\0\3\0\x08\0\1\0\0\0"),
        {"plaintext": "refused", "detail": "standard RDP security answered SSL_REQUIRED_BY_SERVER"},
    ),
    (
        "xrdp-negotiate",
        "rdp",
        talk(RDP_REQUEST[:-4] + b"\0\0\0\0", b"<\3\0\0\x13\x0e\xd0\0\0\x124\0\2\1\x08\0\0\0\0\0"),
        {"plaintext": "served"},
    ),
    (
        "rdp-inconsistent",
        "rdp",
        talk(RDP_REQUEST[:-4] + b"\0\0\0\0", b"<\3\0\0\x13\x0e\xd0\0\0\0\0\0\3\0\x08\0\4\0\0\0"),
        {"plaintext": None},
    ),
    (
        "rdp-tls-unasked",
        "rdp",
        talk(RDP_REQUEST[:-4] + b"\0\0\0\0", b"<\3\0\0\x13\x0e\xd0\0\0\0\0\0\2\0\x08\0\1\0\0\0"),
        {"plaintext": "refused"},
    ),
]


@pytest.mark.parametrize("scheme,pieces,facts", [p[1:] for p in PROBES], ids=[p[0] for p in PROBES])
@pytest.mark.parametrize("cut", [lambda data: [data], bytewise], ids=["whole", "bytewise"])
def test_plaintext_probe(scheme, pieces, facts, cut):
    end = play(PLAINTEXT_PROBES[scheme], pieces, cut)
    assert isinstance(end, dict), end
    assert {key: end[key] for key in facts} == facts
    assert end["detail"].isprintable()


@pytest.mark.parametrize(
    "scheme,pieces",
    [
        ("ftp", talk(b"<220 x\r\n", USER, b"<421 Too many users\r\n")),
        ("smtp", talk(b"<421 busy\r\n")),
        ("postgres", talk(STARTUP, postgres_error(b"53300", b"full"))),
    ],
)
def test_plaintext_probe_turned_away(scheme, pieces):
    assert type(play(PLAINTEXT_PROBES[scheme], pieces)) is RateLimited


def test_no_probe_sends_a_password():
    for _name, _scheme, pieces, _facts in PROBES:
        assert not any(b"PASS " in data for way, data in pieces if way == ">")


# --- over a real socket -----------------------------------------------------------------------------------------------


def scripted_server(pieces, chunk):
    """A server on loopback that plays its side of ``pieces`` in portions of ``chunk`` bytes; its port and thread."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener, listener.accept()[0] as connection:
            for way, data in pieces:
                if way == "<":
                    for i in range(0, len(data), chunk):
                        connection.sendall(data[i : i + chunk])
                else:
                    got = b""
                    while len(got) < len(data):
                        got += connection.recv(len(data) - len(got))
                    assert got == data

    thread = threading.Thread(target=serve)
    thread.start()
    return listener.getsockname()[1], thread


@pytest.mark.parametrize("case", [case for case in RECORDED if case.end is Ready], ids=lambda case: case.name)
def test_against_a_scripted_server(case):
    port, thread = scripted_server(case.talk, 7)
    dialogue = DIALOGUES[case.scheme](HOST)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        out = next(dialogue)
        with pytest.raises(StopIteration) as stop:
            while True:
                connection.sendall(out)
                out = dialogue.send(connection.recv(4096) or None)
        assert isinstance(stop.value.value, Ready)
    thread.join(10)
    assert not thread.is_alive()
