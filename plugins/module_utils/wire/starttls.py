# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to be said before a ClientHello may be sent, protocol by protocol, without any input or output.

``DIALOGUES[scheme](host)`` is a generator. ``next()`` and ``send(received)`` give the bytes to send now (``b""``: only
wait); ``send`` takes the bytes that just arrived, in any portions, or None when the server closed. It ends with

* a return value of :class:`Ready`: the server wants the ClientHello next;
* :class:`Plaintext`: the server does not offer TLS, or refuses it;
* :class:`RateLimited`: it does not want to talk now (or, :class:`Closed`, went away): nothing is proved;
* :class:`NotThisProtocol`: what came is no such server's talk, or breaks the limits below.

A command is sent only after the whole answer to the one before (no pipelining). The caller owns the clock: a slow
greeting is its time-out. At most ``INPUT_LIMIT`` bytes are read, at most ``LINE_LIMIT`` for one line.

``PLAINTEXT_PROBES[scheme](host)``, driven in the same way over a connection of its own, returns a dict telling whether
the server goes on without TLS: ``plaintext`` is ``served``, ``refused`` or None when that cannot be known, ``detail``
the reason. A probe never sends a password and never names an account that could exist.

Facts, the same keys for each protocol:

====================  =================================================================================================
``greeting``          what the server says of itself (printable text), or None
``advertised``        whether TLS stands among the offered capabilities; None when the protocol or server lists none
``login_before_tls``  whether a login is offered on the connection before TLS; None when that cannot be known
``mechanisms``        SASL mechanisms (and ``LOGIN``, ``USER``, ``APOP``) offered before TLS
``unsolicited``       None, or what the server sent out of turn, such as after its go-ahead and before TLS. A client
                      that takes it for protected content is open to response injection (compare CVE-2011-0411)
====================  =================================================================================================
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # not imported at run time: typing alone costs more than a probe
    import typing as t

    Json = t.Dict[str, t.Any]
    Dialogue = t.Generator[bytes, t.Optional[bytes], "Ready"]
    Probe = t.Generator[bytes, t.Optional[bytes], Json]
    Result = t.TypeVar("Result")
    #: A part of a dialogue, for ``yield from``.
    Part = t.Generator[bytes, t.Optional[bytes], Result]

INPUT_LIMIT = 64 * 1024
LINE_LIMIT = 4 * 1024

#: How the scanner names itself, and the account it asks for. RFC 2606 keeps ``.invalid`` from ever existing.
CLIENT_NAME = b"tls-scan.invalid"


class Ready:
    """TLS may start. ``preamble`` must be sent immediately before the ClientHello; only MySQL has one."""

    __slots__ = ("facts", "preamble")

    def __init__(self, facts: Json, preamble: bytes = b"") -> None:
        self.facts, self.preamble = facts, preamble


class DialogueEnd(Exception):
    """A dialogue that did not come to TLS. ``detail`` is printable text, ``facts`` what was learned until then."""

    def __init__(self, detail: str, facts: Json | None = None) -> None:
        super().__init__(detail)
        self.detail, self.facts = detail, {} if facts is None else facts


class Plaintext(DialogueEnd):
    """The server speaks the protocol, and offers no TLS or refuses it."""


class RateLimited(DialogueEnd):
    """The server turned this client away for now (421, 4xx, too many connections): whether it offers TLS is open."""


class Closed(RateLimited):
    """The server closed the connection in the middle of the dialogue, as connection limiters do."""


class NotThisProtocol(DialogueEnd):
    """Another protocol, or input beyond the limits."""


def printable(data: bytes, limit: int = 200) -> str:
    """One line of ASCII for people: up to ``limit`` bytes of ``data``, anything that could steer a terminal escaped."""
    data = data.strip(b"\r\n")
    text = data[:limit].decode("ascii", "backslashreplace")
    more = "..." if len(data) > limit else ""
    return "".join(c if " " <= c <= "~" else f"\\x{ord(c):02x}" for c in text) + more


class _Peer:
    """The server as one dialogue sees it: what it sent and was not read yet, and what is known of it."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.facts: Json = {
            "greeting": None,
            "advertised": None,
            "login_before_tls": None,
            "mechanisms": [],
            "unsolicited": None,
        }
        self._buffer = bytearray()
        self._searched = 0
        self._received = 0
        self._outgoing = b""

    # --- talking ----------------------------------------------------------------------------------------------------

    def say(self, data: bytes) -> None:
        """Queue a command; it goes out when the next reading has to wait."""
        # What came before a command was sent cannot be the answer to it.
        self._set_aside()
        self._outgoing = data

    def ready(self, preamble: bytes = b"") -> Ready:
        self._set_aside()
        return Ready(self.facts, preamble)

    def offer(self, mechanisms: t.Iterable[bytes], otherwise: bool | None = False) -> None:
        """Note the ``mechanisms`` offered before TLS. EXTERNAL needs TLS and ANONYMOUS no secret: they are no login."""
        names = [printable(name).upper() for name in mechanisms]
        self.facts["mechanisms"] = names
        self.facts["login_before_tls"] = any(n not in ("EXTERNAL", "ANONYMOUS") for n in names) or otherwise

    def other(self, what: bytes) -> NotThisProtocol:
        return NotThisProtocol(f"no {self.protocol}: {printable(what)}", self.facts)

    def _set_aside(self) -> None:
        if self._buffer:
            self.facts["unsolicited"] = printable(bytes(self._buffer))
            self._buffer.clear()
        self._searched = 0

    # --- reading: generators for ``yield from`` ---------------------------------------------------------------------

    def _more(self) -> Part[None]:
        data = yield self._outgoing
        self._outgoing = b""
        if data is None:
            said = f" after {printable(bytes(self._buffer))}" if self._buffer else ""
            raise Closed(f"the server closed the connection during the {self.protocol} dialogue{said}", self.facts)
        self._buffer += data
        self._received += len(data)
        if self._received > INPUT_LIMIT:
            raise NotThisProtocol(f"no {self.protocol}: more than {INPUT_LIMIT} bytes before TLS", self.facts)
        if bytes(self._buffer[:2]) in (b"\x15\x03", b"\x16\x03"):
            raise NotThisProtocol(f"no {self.protocol}: the server speaks TLS from the first byte", self.facts)

    def until(self, end: bytes) -> Part[bytes]:
        """Everything up to and including the one byte ``end``."""
        while True:
            at = self._buffer.find(end, self._searched)
            self._searched = at if at >= 0 else len(self._buffer)
            if self._searched >= LINE_LIMIT:
                raise NotThisProtocol(f"no {self.protocol}: a line of more than {LINE_LIMIT} bytes", self.facts)
            if at >= 0:
                self._searched = 0
                return self._take(at + 1)
            yield from self._more()

    def exactly(self, count: int) -> Part[bytes]:
        while len(self._buffer) < count:
            yield from self._more()
        return self._take(count)

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def line(self) -> Part[bytes]:
        return (yield from self.until(b"\n")).rstrip(b"\r\n")

    def line_with_literals(self) -> Part[bytes]:
        """A line of IMAP or ManageSieve, its literals (``{5}``, ``{5+}``, RFC 9051 section 4.3) as quoted strings."""
        line = yield from self.line()
        while line.endswith(b"}"):
            head, _brace, size = line[:-1].rpartition(b"{")
            size = size[:-1] if size.endswith(b"+") else size
            if not size.isdigit() or len(size) > 5:
                break
            literal = yield from self.exactly(int(size))
            line = head + b'"' + literal + b'"' + (yield from self.line())
        return line

    def lines_to_dot(self) -> Part[list[bytes]]:
        """The lines of a multi-line response of POP3 or NNTP, ended by a dot of its own."""
        lines: list[bytes] = []
        while True:
            line = yield from self.line()
            if line == b".":
                return lines
            lines.append(line)

    def reply(self) -> Part[tuple[int, list[bytes]]]:
        """A reply of SMTP, FTP or NNTP: its code and the text of each line.

        A reply of several lines (``250-``) ends with the same code and a space; RFC 959 section 4.2 lets the lines
        between begin with anything.
        """
        line = yield from self.line()
        code = line[:3]
        if len(code) != 3 or not code.isdigit() or line[3:4] not in (b"", b" ", b"-"):
            raise self.other(line)
        lines, last = [line[4:]], line[3:4] != b"-"
        while not last:
            line = yield from self.line()
            same = line[:3] == code
            last = same and line[3:4] != b"-"
            lines.append(line[4:] if same else line)
        return int(code), lines

    def greeted(self, *welcome: int) -> Part[None]:
        """The greeting of SMTP, FTP or NNTP, which must have one of the codes ``welcome``."""
        code, lines = yield from self.reply()
        while code // 100 == 1:  # RFC 959 section 5.4: "120 Service ready in nnn minutes" comes before the real one
            code, lines = yield from self.reply()
        self.facts["greeting"] = printable(lines[0])
        if code in welcome:
            return
        if code // 100 in (4, 5):
            raise RateLimited(f"{self.protocol} greeting {code} {printable(lines[0])}", self.facts)
        raise self.other(b"%d %s" % (code, lines[0]))

    def judged(self, command: str, go: int) -> Part[Ready]:
        """The answer of SMTP, FTP or NNTP to the command that starts TLS."""
        code, lines = yield from self.reply()
        detail = f"{command} answered {code} {printable(lines[0])}"
        if code == go:
            return self.ready()
        if code // 100 == 4:
            raise RateLimited(detail, self.facts)
        if code // 100 == 5:
            raise Plaintext(detail, self.facts)
        raise NotThisProtocol(detail, self.facts)


def _demands_tls(code: int, lines: t.Sequence[bytes]) -> bool:
    """Whether a refusal is about missing encryption: by its code (RFC 2228: 522, 534; RFC 4954: 538) or its words."""
    text = b" ".join(lines).upper()
    words = (b"TLS", b"SSL", b"ENCRYPT", b"SECUR", b"CLEARTEXT", b"CLEAR TEXT", b"USE AUTH")
    return code >= 400 and (code in (522, 534, 538) or any(word in text for word in words))


# --- SMTP (RFC 5321, RFC 3207) and LMTP (RFC 2033) --------------------------------------------------------------------


def _extended_hello(peer: _Peer, hello: bytes) -> Part[dict[bytes, list[bytes]]]:
    """Greeting and EHLO or LHLO: the extensions offered, keyword in capitals -> parameters."""
    yield from peer.greeted(220)
    peer.say(b"%s %s\r\n" % (hello, CLIENT_NAME))
    code, lines = yield from peer.reply()
    if code // 100 == 4:
        raise RateLimited(f"{hello.decode()} answered {code} {printable(lines[0])}", peer.facts)
    if code // 100 == 5 and hello == b"EHLO":
        # FTP greets with 220 as well: only HELO tells an SMTP server without extensions from another protocol.
        peer.say(b"HELO %s\r\n" % CLIENT_NAME)
        if (yield from peer.reply())[0] == 250:
            raise Plaintext(f"no extensions, so no STARTTLS: EHLO answered {code} {printable(lines[0])}", peer.facts)
    if code != 250:
        raise peer.other(b"%s answered %d %s" % (hello, code, lines[0]))
    offered: dict[bytes, list[bytes]] = {}
    for line in lines[1:]:
        # "AUTH=PLAIN" is the form of drafts before RFC 4954; servers still list it beside the other.
        keyword, *parameters = line.upper().replace(b"AUTH=", b"AUTH ", 1).split() or [b""]
        offered.setdefault(keyword, []).extend(p for p in parameters if p not in offered.get(keyword, ()))
    peer.facts["advertised"] = b"STARTTLS" in offered
    peer.offer(offered.get(b"AUTH", ()))
    return offered


def smtp(host: str, hello: bytes = b"EHLO") -> Dialogue:
    """SMTP: RFC 3207 sections 2 and 4. STARTTLS is tried even when not advertised: only its answer is a proof."""
    peer = _Peer("SMTP")
    yield from _extended_hello(peer, hello)
    peer.say(b"STARTTLS\r\n")
    return (yield from peer.judged("STARTTLS", 220))


def lmtp(host: str) -> Dialogue:
    """LMTP: RFC 2033 section 4.1, SMTP with LHLO."""
    return smtp(host, b"LHLO")


def smtp_plaintext(host: str, hello: bytes = b"EHLO") -> Probe:
    """Does the server begin a mail transaction without TLS? RFC 3207 section 4: 530 when it demands STARTTLS.

    The empty sender is the harmless one: nothing is queued without a recipient, and none is named.
    """
    peer = _Peer("SMTP")
    yield from _extended_hello(peer, hello)
    peer.say(b"MAIL FROM:<>\r\n")
    code, lines = yield from peer.reply()
    plaintext = "served" if code == 250 else "refused" if _demands_tls(code, lines) else None
    return {"plaintext": plaintext, "detail": f"MAIL answered {code} {printable(lines[0])}"}


def lmtp_plaintext(host: str) -> Probe:
    """As :func:`smtp_plaintext`, after LHLO."""
    return smtp_plaintext(host, b"LHLO")


# --- FTP (RFC 4217) ---------------------------------------------------------------------------------------------------


def ftp(host: str) -> Dialogue:
    """FTP: RFC 4217 section 4, FEAT of RFC 2389. FEAT may say ``AUTH`` without ``TLS``, or be closed before login."""
    peer = _Peer("FTP")
    yield from peer.greeted(220)
    peer.say(b"FEAT\r\n")
    code, lines = yield from peer.reply()
    auth = [line.upper() for line in lines[1:] if line.upper().split()[:1] == [b"AUTH"]]
    if code == 211:
        peer.facts["advertised"] = bool(auth)
    elif code == 421:
        raise RateLimited(f"FEAT answered 421 {printable(lines[0])}", peer.facts)
    peer.say(b"AUTH TLS\r\n")
    try:
        return (yield from peer.judged("AUTH TLS", 234))
    except Plaintext:
        # Servers older than RFC 4217 know the mechanism by the name of its drafts.
        if not any(b"SSL" in line for line in auth):
            raise
    peer.say(b"AUTH SSL\r\n")
    return (yield from peer.judged("AUTH SSL", 234))


def ftp_plaintext(host: str) -> Probe:
    """Would the server take the password of an account without TLS? RFC 4217 section 5: refused before PASS is asked.

    ``login_before_tls`` is about accounts, asked with a name that cannot exist. Only where that is no answer, as on a
    server for anonymous access, ``anonymous_before_tls`` says whether a password for ``anonymous`` is asked in clear:
    the account is one that needs no protecting, but then all of the server's content is. ``clear_data`` is True when
    either is accepted, since the data channel of a session without TLS is in clear (RFC 4217 section 9), and None
    otherwise: that a session *with* TLS may open a clear data channel shows only after a login.
    """
    peer = _Peer("FTP")
    yield from peer.greeted(220)
    asked = {CLIENT_NAME: "login_before_tls", b"anonymous": "anonymous_before_tls"}
    found: Json = {"plaintext": None, "detail": "", "login_before_tls": None, "anonymous_before_tls": None}
    for name, fact in asked.items():
        peer.say(b"USER %s\r\n" % name)
        code, lines = yield from peer.reply()
        found["detail"] = f"USER {name.decode()} answered {code} {printable(lines[0])}"
        if code in (230, 331, 332) or _demands_tls(code, lines):
            found[fact] = code < 400
            found["plaintext"] = "served" if found[fact] else "refused"
            break
        if code == 421:
            raise RateLimited(found["detail"], peer.facts)
    found["clear_data"] = True if found["plaintext"] == "served" else None
    return found


# --- IMAP (RFC 9051), POP3 (RFC 2595), ManageSieve (RFC 5804), NNTP (RFC 4642) ----------------------------------------


def imap(host: str) -> Dialogue:
    """IMAP: RFC 9051 sections 6.2.1 (STARTTLS), 6.2.3 (LOGINDISABLED) and 7.1 (greetings); codes of RFC 5530.

    Dovecot takes a client with the server's own address for a secure one and offers it a login before TLS, whatever
    ``disable_plaintext_auth`` says (its manual, "SSL configuration"); in POP3 and ManageSieve, too. What a scan from
    the host itself sees there is not what other hosts see.
    """
    peer = _Peer("IMAP")
    greeting = yield from peer.line_with_literals()
    peer.facts["greeting"] = printable(greeting)
    start = greeting.upper()
    if start.startswith(b"* BYE"):
        raise RateLimited(f"IMAP greeting {printable(greeting)}", peer.facts)
    if start.startswith(b"* PREAUTH"):
        peer.facts["login_before_tls"] = True
        raise Plaintext("the session is authenticated before TLS (PREAUTH), when STARTTLS is not allowed", peer.facts)
    if not start.startswith(b"* OK"):
        raise peer.other(greeting)
    _answer, lines = yield from _imap_command(peer, b"a1", b"CAPABILITY")
    listed = [line.split()[2:] for line in lines if line.split()[1:2] == [b"CAPABILITY"]]
    if listed:
        capabilities = listed[-1]
        peer.facts["advertised"] = b"STARTTLS" in capabilities
        login = [] if b"LOGINDISABLED" in capabilities else [b"LOGIN"]
        peer.offer(login + [name[5:] for name in capabilities if name.startswith(b"AUTH=")])
    answer, _lines = yield from _imap_command(peer, b"a2", b"STARTTLS")
    if answer.startswith(b"OK"):
        return peer.ready()
    detail = f"STARTTLS answered {printable(answer)}"
    if any(code in answer for code in (b"[UNAVAILABLE]", b"[LIMIT]", b"[INUSE]")):
        raise RateLimited(detail, peer.facts)
    raise Plaintext(detail, peer.facts)


def _imap_command(peer: _Peer, tag: bytes, command: bytes) -> Part[tuple[bytes, list[bytes]]]:
    """The tagged answer to a command (without its tag) and the untagged lines before it, all in capitals."""
    peer.say(b"%s %s\r\n" % (tag, command))
    untagged: list[bytes] = []
    while True:
        line = yield from peer.line_with_literals()
        first, _space, rest = line.partition(b" ")
        if first == tag and rest[:3].upper().rstrip() in (b"OK", b"NO", b"BAD"):
            return rest.upper(), untagged
        if first != b"*":
            raise peer.other(line)
        if rest.upper().startswith(b"BYE"):
            raise RateLimited(f"{command.decode()} answered {printable(line)}", peer.facts)
        untagged.append(line.upper())


def pop3(host: str) -> Dialogue:
    """POP3: STLS of RFC 2595 section 4, CAPA of RFC 2449 section 5, APOP of RFC 1939 section 7."""
    peer = _Peer("POP3")
    greeting = yield from peer.line()
    peer.facts["greeting"] = printable(greeting)
    if greeting.startswith(b"-ERR"):
        raise RateLimited(f"POP3 greeting {printable(greeting)}", peer.facts)
    if not greeting.startswith(b"+OK"):
        raise peer.other(greeting)
    apop = [b"APOP"] if b"<" in greeting and b"@" in greeting.partition(b"<")[2] else []
    peer.say(b"CAPA\r\n")
    if (yield from _pop3_ok(peer))[0]:
        words = [line.upper().split() for line in (yield from peer.lines_to_dot()) if line.split()]
        capabilities = {first: rest for first, *rest in words}
        peer.facts["advertised"] = b"STLS" in capabilities
        user = [b"USER"] if b"USER" in capabilities else []
        peer.offer(apop + user + capabilities.get(b"SASL", []))
    else:
        peer.offer(apop, otherwise=None)  # before RFC 2449 USER was always there, but no server that old is sure to be
    peer.say(b"STLS\r\n")
    ok, line = yield from _pop3_ok(peer)
    if ok:
        return peer.ready()
    detail = f"STLS answered {printable(line)}"
    raise (RateLimited if b"[SYS/TEMP]" in line.upper() else Plaintext)(detail, peer.facts)


def _pop3_ok(peer: _Peer) -> Part[tuple[bool, bytes]]:
    line = yield from peer.line()
    if not line.startswith((b"+OK", b"-ERR")):
        raise peer.other(line)
    return line.startswith(b"+OK"), line


def sieve(host: str) -> Dialogue:
    """ManageSieve: RFC 5804 sections 1.7 (capabilities, sent as greeting) and 2.2 (STARTTLS)."""
    peer = _Peer("ManageSieve")
    status, line, listed = yield from _sieve_response(peer)
    if status != b"OK":
        raise RateLimited(f"ManageSieve greeting {printable(line)}", peer.facts)
    capabilities = {name.upper(): value for name, value in listed}
    if not capabilities:
        raise peer.other(line)
    peer.facts["greeting"] = printable(capabilities.get(b"IMPLEMENTATION", line))
    peer.facts["advertised"] = b"STARTTLS" in capabilities
    peer.offer(capabilities.get(b"SASL", b"").split())
    peer.say(b"STARTTLS\r\n")
    status, line, _listed = yield from _sieve_response(peer)
    if status == b"OK":
        return peer.ready()
    detail = f"STARTTLS answered {printable(line)}"
    raise (RateLimited if status == b"BYE" or b"TRYLATER" in line.upper() else Plaintext)(detail, peer.facts)


def _sieve_response(peer: _Peer) -> Part[tuple[bytes, bytes, list[tuple[bytes, bytes]]]]:
    """``OK``, ``NO`` or ``BYE``, that line, and the name and value on each line of quoted strings before it."""
    listed: list[tuple[bytes, bytes]] = []
    while True:
        line = yield from peer.line_with_literals()
        status = line.split(b" ")[0].upper()
        if status in (b"OK", b"NO", b"BYE"):
            return status, line, listed
        quoted = line.split(b'"')
        if len(quoted) < 3 or quoted[0]:
            raise peer.other(line)
        listed.append((quoted[1], quoted[3] if len(quoted) > 3 else b""))


def nntp(host: str) -> Dialogue:
    """NNTP: RFC 4642 section 2.2 (STARTTLS: 382), CAPABILITIES of RFC 3977 section 5.2, AUTHINFO of RFC 4643."""
    peer = _Peer("NNTP")
    yield from peer.greeted(200, 201)
    peer.say(b"CAPABILITIES\r\n")
    if (yield from peer.reply())[0] == 101:
        words = [line.upper().split() for line in (yield from peer.lines_to_dot()) if line.split()]
        capabilities = {first: rest for first, *rest in words}
        peer.facts["advertised"] = b"STARTTLS" in capabilities
        authinfo = capabilities.get(b"AUTHINFO", [])
        user = [b"USER"] if b"USER" in authinfo else []
        peer.offer(user + (capabilities.get(b"SASL", []) if b"SASL" in authinfo else []))
    peer.say(b"STARTTLS\r\n")
    return (yield from peer.judged("STARTTLS", 382))


# --- LDAP (RFC 4511) --------------------------------------------------------------------------------------------------

_LDAP_START_TLS = b"1.3.6.1.4.1.1466.20037"
_LDAP_REQUEST = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + _LDAP_START_TLS
_LDAP_BUSY = 51
#: SearchRequest for the root DSE: base object, one entry, no attributes, whatever its class.
_LDAP_SEARCH = (
    bytes.fromhex("302a0201016325 0400 0a0100 0a0100 020101 020105 0101ff 870b")
    + b"objectClass"
    + b"\x30\x05\x04\x031.1"
)
_LDAP_ENTRY, _LDAP_DONE = 0x64, 0x65
#: confidentialityRequired and strongerAuthRequired (RFC 4511 section 4.1.9).
_LDAP_WANTS_TLS = (13, 8)


def ldap(host: str) -> Dialogue:
    """LDAP: the StartTLS extended operation, RFC 4511 section 4.14.

    A server without TLS answers protocolError(2); OpenLDAP and Active Directory without a certificate unavailable(52).
    Whether a simple bind would be taken in clear cannot be known without trying one.
    """
    peer = _Peer("LDAP")
    peer.say(_LDAP_REQUEST)
    operation, message_id, result, words = yield from _ldap_answer(peer)
    if operation != 0x78:  # ExtendedResponse
        raise peer.other(bytes((operation,)) + words)
    detail = f"StartTLS answered result code {result} {printable(words)}".rstrip()
    if message_id == b"\x00":  # RFC 4511 section 4.4.1: notice of disconnection
        raise RateLimited(f"notice of disconnection instead of an answer: {detail}", peer.facts)
    if result == 0:
        return peer.ready()
    raise (RateLimited if result == _LDAP_BUSY else Plaintext)(detail, peer.facts)


def ldap_plaintext(host: str) -> Probe:
    """Is a search of the root DSE (RFC 4512 section 5.1), which every server answers, answered without TLS?

    ``refused`` is a proof. An answer is none of the contrary: Active Directory, for one, shows everybody the root DSE,
    and whether a password is taken, too, cannot be known without an account.
    """
    peer = _Peer("LDAP")
    peer.say(_LDAP_SEARCH)
    operation, _message_id, result, words = yield from _ldap_answer(peer)
    detail = f"a search without TLS was answered with result code {result} {printable(words)}".rstrip()
    if operation == _LDAP_DONE and result in _LDAP_WANTS_TLS:
        return {"plaintext": "refused", "detail": detail}
    return {"plaintext": None, "detail": "the root DSE is shown without TLS; whether more is takes an account"}


def _ldap_answer(peer: _Peer) -> Part[tuple[int, bytes, int, bytes]]:
    """Operation, message id, result code and diagnostic message of one answer; -1 and b"" for one without a result."""
    head = yield from peer.exactly(2)
    if head[0] != 0x30 or head[1] > 0x84 or head[1] == 0x80:
        raise peer.other(head)
    # LDAP uses definite lengths, but not always the shortest: Active Directory writes four octets for each.
    octets = (yield from peer.exactly(head[1] & 0x7F)) if head[1] & 0x80 else head[1:]
    length = int.from_bytes(octets, "big")
    if length > INPUT_LIMIT:
        raise peer.other(head + octets)
    body = yield from peer.exactly(length)
    try:
        _tag, message_id, rest = _ber(body)
        operation, content, _rest = _ber(rest)
        if operation == _LDAP_ENTRY:
            return operation, message_id, -1, b""
        tag, code, rest = _ber(content)
        _tag, _matched, rest = _ber(rest)
        _tag, words, _rest = _ber(rest)
    except IndexError:
        raise peer.other(head + octets + body) from None
    if tag != 0x0A:  # ENUMERATED
        raise peer.other(head + octets + body)
    return operation, message_id, int.from_bytes(code, "big"), words


def _ber(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag and content of the BER element ``data`` begins with, and what follows it. IndexError when it is cut short."""
    length, start = data[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    if len(data) < start + length:
        raise IndexError
    return data[0], data[start : start + length], data[start + length :]


# --- XMPP (RFC 6120) --------------------------------------------------------------------------------------------------


def xmpp(host: str, namespace: str = "jabber:client") -> Dialogue:
    """XMPP client stream: RFC 6120 section 5.4. ``host`` is the served domain; a server knows no stream without one."""
    peer = _Peer("XMPP")
    domain = "".join(f"&#{ord(c)};" if c in "&<>'\"" else c for c in host)
    peer.say(
        f"<?xml version='1.0'?><stream:stream to='{domain}' version='1.0' xml:lang='en' xmlns='{namespace}'"
        " xmlns:stream='http://etherx.jabber.org/streams'>".encode()
    )
    offers: set[bytes] = set()
    mechanisms: list[bytes] = []
    name, required = b"", False
    while True:
        before = name
        text, name, empty = yield from _xmpp_tag(peer)
        if name == b"/mechanism":
            mechanisms.append(text)
        elif name == b"required" and before == b"starttls":
            required = True
        elif name == b"/features" or (name == b"features" and empty):
            break
        offers.add(name)
    peer.facts["advertised"] = b"starttls" in offers
    # "auth" is the login of XEP-0078, "dialback" the way servers recognise each other without TLS (XEP-0220).
    peer.offer(mechanisms, otherwise=not required and bool(offers & {b"auth", b"dialback"}))
    if b"starttls" not in offers:
        raise Plaintext("starttls is not among the stream features", peer.facts)
    peer.say(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    _text, name, empty = yield from _xmpp_tag(peer)
    if name == b"failure":
        raise Plaintext("starttls answered failure", peer.facts)
    if name != b"proceed":
        raise peer.other(b"starttls answered " + name)
    if not empty:
        yield from peer.until(b">")
    return peer.ready()


def xmpp_server(host: str) -> Dialogue:
    """XMPP server-to-server stream: the same with the namespace ``jabber:server`` (RFC 6120 section 4.8.2)."""
    return xmpp(host, "jabber:server")


def _xmpp_tag(peer: _Peer) -> Part[tuple[bytes, bytes, bool]]:
    """The text before the next tag, the tag's name without prefix (``/name`` when it closes), whether it is empty.

    Reading tag by tag instead of parsing XML keeps the effort linear; what goes on before TLS has no comments or CDATA.
    """
    text, _angle, tag = (yield from peer.until(b">")).strip().partition(b"<")
    if not tag:
        raise peer.other(text)
    empty = tag.endswith(b"/>")
    words = tag.rstrip(b"/>").split() or [b""]
    slash = b"/" if words[0].startswith(b"/") else b""
    name = slash + words[0].lstrip(b"/").rpartition(b":")[2]
    if name == b"error":
        condition = (yield from _xmpp_tag(peer))[1]
        detail = f"XMPP stream error {printable(condition)}"
        busy = condition in (b"policy-violation", b"resource-constraint", b"system-shutdown", b"reset")
        raise (RateLimited if busy else NotThisProtocol)(detail, peer.facts)
    if name not in (b"?xml", b"stream") and peer.facts["greeting"] is None:
        raise peer.other(text + b"<" + tag)
    if name == b"stream":
        peer.facts["greeting"] = printable(tag.rstrip(b">"))
    return text, name, empty


# --- databases --------------------------------------------------------------------------------------------------------

_POSTGRES_BUSY = (b"53300", b"57P01", b"57P03")  # too many connections, shutting down, cannot connect now


def postgres(host: str) -> Dialogue:
    """PostgreSQL: SSLRequest, answered ``S`` or ``N``; manual, "Message Flow", section "SSL Session Encryption"."""
    peer = _Peer("PostgreSQL")
    peer.say(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
    answer = yield from peer.exactly(1)
    if answer == b"S":
        return peer.ready()
    if answer == b"N":
        raise Plaintext("SSLRequest answered N", peer.facts)
    if answer == b"E":
        fields = yield from _postgres_error(peer)
        detail = f"SSLRequest answered {printable(fields.get(b'C', b''))} {printable(fields.get(b'M', b''))}"
        raise (RateLimited if fields.get(b"C") in _POSTGRES_BUSY else Plaintext)(detail, peer.facts)
    raise peer.other(answer)


def _postgres_error(peer: _Peer) -> Part[dict[bytes, bytes]]:
    """Fields of an ErrorResponse whose type byte was read: ``C`` SQLSTATE, ``M`` message in the server's language."""
    head = yield from peer.exactly(4)
    length = int.from_bytes(head, "big")
    if not 4 < length < INPUT_LIMIT:
        raise peer.other(b"E" + head)
    body = yield from peer.exactly(length - 4)
    return {field[:1]: field[1:] for field in body.split(b"\x00") if field}


def postgres_plaintext(host: str) -> Probe:
    """Does the server begin to authenticate a session without TLS? Start-up packet of protocol 3.0, then we leave.

    ``pg_hba.conf`` decides by host, role and database, so ``refused`` is said of a role and database that do not exist;
    a line for a particular role may still allow it. ``served`` is a proof.
    """
    peer = _Peer("PostgreSQL")
    name = CLIENT_NAME
    packet = b"\x00\x03\x00\x00user\x00%s\x00database\x00%s\x00\x00" % (name, name)
    peer.say((len(packet) + 4).to_bytes(4, "big") + packet)
    answer = yield from peer.exactly(1)
    if answer == b"R":  # any Authentication message: the host line matched without TLS
        return {"plaintext": "served", "detail": "the server began to authenticate without TLS"}
    if answer != b"E":
        raise peer.other(answer)
    fields = yield from _postgres_error(peer)
    state, message = fields.get(b"C", b""), fields.get(b"M", b"")
    detail = f"start-up without TLS answered {printable(state)} {printable(message)}"
    if state in _POSTGRES_BUSY:
        raise RateLimited(detail, peer.facts)
    # 28000: no line of pg_hba.conf lets this connection in. Poolers say 08P01 with a word about SSL or TLS.
    refused = state == b"28000" or any(word in message.upper() for word in (b"SSL", b"TLS"))
    return {"plaintext": "refused" if refused else None, "detail": detail}


_MYSQL_CLIENT_SSL = 0x0800
#: SSLRequest: CLIENT_PROTOCOL_41, CLIENT_SSL and CLIENT_SECURE_CONNECTION, packets of 16 MiB, utf8, sequence number 1.
_MYSQL_SSL_REQUEST = b"\x20\x00\x00\x01" + b"\x00\x8a\x00\x00" + b"\x00\x00\x00\x01" + b"\x21" + bytes(23)


def mysql(host: str) -> Dialogue:
    """MySQL and MariaDB: "Connection Phase" of their protocol. SSLRequest gets no answer, therefore it is a preamble.

    A connection that ends before the login counts against ``max_connect_errors``, whether it ended after the greeting
    or in the TLS handshake. After so many in a row (100 by default) the server refuses the client's host, and with it
    every application there, until ``FLUSH HOSTS``. Only a login sets the count back; clients on a loopback address are
    not counted (seen on MariaDB 10.11). Spend few connections on such an endpoint.

    There is no question whether it goes on without TLS, because only an account is told: with
    ``require_secure_transport`` MySQL 8 checks the account first and then says 3159, ER_SECURE_TRANSPORT_REQUIRED
    (``acl_authenticate()`` in sql_authentication.cc). MariaDB 10.11 says 1045, access denied, to the right password
    and to accounts that do not exist alike, as it does without that setting (measured; MDEV-30178).
    """
    peer = _Peer("MySQL")
    head = yield from peer.exactly(4)
    length = int.from_bytes(head[:3], "little")
    if head[3] != 0 or not 1 < length < LINE_LIMIT:
        raise peer.other(head)
    packet = yield from peer.exactly(length)
    if packet[0] == 0xFF:
        number = int.from_bytes(packet[1:3], "little")
        raise RateLimited(f"MySQL greeting error {number} {printable(packet[3:])}", peer.facts)
    version, zero, rest = packet[1:].partition(b"\x00")
    if packet[0] not in (9, 10) or not zero:
        raise peer.other(packet)
    peer.facts["greeting"] = printable(version)
    # After the version: thread id 4, scramble 8, filler 1, capabilities (lower half) 2.
    capabilities = int.from_bytes(rest[13:15], "little") if packet[0] == 10 else 0
    peer.facts["advertised"] = bool(capabilities & _MYSQL_CLIENT_SSL)
    if not peer.facts["advertised"]:
        raise Plaintext("CLIENT_SSL is not among the server's capabilities", peer.facts)
    return peer.ready(_MYSQL_SSL_REQUEST)


# --- RDP (MS-RDPBCGR) -------------------------------------------------------------------------------------------------

_RDP_FAILURES = {
    1: "SSL_REQUIRED_BY_SERVER",
    2: "SSL_NOT_ALLOWED_BY_SERVER",
    3: "SSL_CERT_NOT_ON_SERVER",
    4: "INCONSISTENT_FLAGS",
    5: "HYBRID_REQUIRED_BY_SERVER",
    6: "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER",
}
_RDP_NO_TLS = (2, 3)
#: With ``PROTOCOL_HYBRID`` beside ``PROTOCOL_SSL`` a server that insists on network level authentication answers, too.
_RDP_TLS, _RDP_STANDARD = 0x03, 0x00


def _rdp_negotiate(peer: _Peer, protocols: int) -> Part[tuple[int, int]]:
    """X.224 Connection Request (MS-RDPBCGR 2.2.1.1) for ``protocols``: kind of the answer and its value.

    Kind 2 is the selected protocol, 3 a failure code (2.2.1.2), 0 a server older than the negotiation.
    """
    request = b"\x01\x00\x08\x00" + protocols.to_bytes(4, "little")
    peer.say(b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00" + request)
    head = yield from peer.exactly(4)
    length = int.from_bytes(head[2:], "big")
    if head[:2] != b"\x03\x00" or not 11 <= length < LINE_LIMIT:
        raise peer.other(head)
    body = yield from peer.exactly(length - 4)
    if body[1] != 0xD0:  # Connection Confirm
        raise peer.other(head + body)
    answer = body[7:15]
    if not answer:
        return 0, 0
    if answer[0] not in (2, 3) or len(answer) != 8:
        raise peer.other(head + body)
    return answer[0], int.from_bytes(answer[4:], "little")


def rdp(host: str) -> Dialogue:
    """RDP: security negotiation of MS-RDPBCGR 1.3.1.1 and 2.2.1.1. TLS 1.x follows the Connection Confirm."""
    peer = _Peer("RDP")
    kind, value = yield from _rdp_negotiate(peer, _RDP_TLS)
    if kind == 2 and value:
        return peer.ready()
    if kind == 3 and value not in _RDP_NO_TLS:
        raise NotThisProtocol(f"RDP negotiation failure {_RDP_FAILURES.get(value, value)}", peer.facts)
    why = f"negotiation failure {_RDP_FAILURES[value]}" if kind == 3 else "the server selected standard RDP security"
    raise Plaintext(why, peer.facts)


def rdp_plaintext(host: str) -> Probe:
    """Does the server agree to standard RDP security, that is to a session without TLS (MS-RDPBCGR 5.3)?"""
    peer = _Peer("RDP")
    kind, value = yield from _rdp_negotiate(peer, _RDP_STANDARD)
    if kind == 3:
        required = value in (1, 5, 6)
        detail = f"standard RDP security answered {_RDP_FAILURES.get(value, value)}"
        return {"plaintext": "refused" if required else None, "detail": detail}
    if value:
        return {"plaintext": "refused", "detail": f"the server selected protocol {value} unasked"}
    return {"plaintext": "served", "detail": "the server agreed to standard RDP security"}


#: Scheme of an endpoint URI -> dialogue to have before TLS.
DIALOGUES: dict[str, t.Callable[[str], Dialogue]] = {
    "smtp": smtp,
    "lmtp": lmtp,
    "imap": imap,
    "pop3": pop3,
    "ftp": ftp,
    "sieve": sieve,
    "ldap": ldap,
    "xmpp": xmpp,
    "xmpp-server": xmpp_server,
    "postgres": postgres,
    "mysql": mysql,
    "nntp": nntp,
    "rdp": rdp,
}

#: Scheme of an endpoint URI -> question whether the server goes on without TLS.
PLAINTEXT_PROBES: dict[str, t.Callable[[str], Probe]] = {
    "smtp": smtp_plaintext,
    "lmtp": lmtp_plaintext,
    "ftp": ftp_plaintext,
    "ldap": ldap_plaintext,
    "postgres": postgres_plaintext,
    "rdp": rdp_plaintext,
}
