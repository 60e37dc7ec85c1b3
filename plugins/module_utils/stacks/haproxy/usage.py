# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which frontends of HAProxy log protocol and suite, where the lines end, and how they read.

HAProxy hands lines to syslog and writes none itself. The syslog of the machine puts them into :data:`FILES` (the rule
that Debian's package brings), else they are in the journal. Which of its lines tell of TLS is said by ``log-format`` or
``option httpslog`` (Configuration Manual, sections 4.2 and 8.2), whether any are sent by ``log`` (sections 3.1, 4.2).
"""

from __future__ import annotations

import re
import typing as t

from ...errors import InTransitError
from ..handshakes import Field, Handshake, Logged, Source, Writer, compiled, either, stamped
from .effective import Config, Rules, listeners, served

if t.TYPE_CHECKING:
    from ..contract import Document, Instance, Listener
    from ..handshakes import Reader
    from .effective import Block
    from .grammar import Line

#: Where syslog puts what HAProxy says; without it, the journal has it.
FILES = ("/var/log/haproxy.log",)

#: What ``option httpslog`` writes (section 8.2.5), as far as it matters here.
HTTPSLOG = (
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r"
    " %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc"
)
_BUILT_IN = (["option", "httplog"], ["option", "tcplog"], ["option", "httpslog"])

#: A variable with flags in braces, or an expression; a percent sign or a blank that is meant as itself.
_ITEM = re.compile(
    r"%(?:\([^)]*\))?(?:\{(?P<flags>[^}]*)\})?(?:\[(?P<expression>[^\]]*)\]|(?P<name>[A-Za-z]+|%))|\\(?P<plain>.)"
)

#: Variables (section 8.2.6) and expressions (section 7.3) and what they hold. Of the frontend's name and the one the
#: client asked for, the first tells more.
_FIELDS = {
    "ci": Field("client"),
    "src": Field("client", 1),
    "sslv": Field("protocol"),
    "ssl_fc_protocol": Field("protocol", 1),
    "sslc": Field("suite"),
    "ssl_fc_cipher": Field("suite", 1),
    "fp": Field("port"),
    "dst_port": Field("port", 1),
    "ft": Field("name"),
    "f": Field("name", 1),
    "ssl_fc_sni": Field("name", 2),
}

#: Words for protocols in a line; most lines tell of something else.
_TLS = re.compile(rb"TLSv1|SSLv3")

_CAPTURES = {"hr": ("request", "http-request"), "hs": ("response", "http-response")}

_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
#: Options of ``log`` with a value; the facility follows them.
_OPTIONS = ("len", "format", "sample", "profile")
#: Addresses of the machine itself: sockets, and loopback.
_LOCAL = re.compile(r"(?:(?:unix|udp|ipv4|ipv6)@)*(?:/.*|(?:127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)(?::\d+)?)")


# --- how a line reads -------------------------------------------------------------------------------------------------


def fields(text: str, captures: t.Container[str] = ()) -> list[str | Field]:
    """A log-format as literal texts and fields. ``captures`` says which of ``hr`` and ``hs`` write anything: without a
    captured header not even the blank behind them. Raises InTransitError for encodings that are not read."""
    found: list[str | Field] = []
    always = ""
    at = 0
    for match in _ITEM.finditer(text):
        found.append(text[at : match.start()])
        at = match.end()
        flags, name = f"{always},{match['flags'] or ''}", match["expression"] or match["name"]
        encoded = next((flag for flag in flags.split(",") if flag in ("+json", "+cbor", "+X")), None)
        if encoded:
            raise InTransitError(f"its log-format has {encoded}, which is not read")
        if match["plain"] or name == "%":
            found.append(match["plain"] or "%")
        elif name == "o" and not match["expression"]:
            always = match["flags"] or ""
        elif name in _CAPTURES and not match["expression"]:
            found += ["{", Field(), "}"] if name in captures else []
            at += name not in captures and text[at : at + 1] == " "
        else:
            quoted = flags.rfind("+Q") > flags.rfind("-Q")
            field = _FIELDS.get(name.strip(), Field())
            found += ['"', field, '"'] if quoted else [field]
    return [*found, text[at:]]


def reader(forms: t.Iterable[t.Sequence[str | Field]], tags: t.Container[bytes] = (b"haproxy",)) -> Reader:
    """The reader of lines that syslog has of HAProxy, in any of these formats. Raises InTransitError when one of them
    tells nothing of TLS.

    The time is that of syslog: HAProxy's own has no zone.
    """
    inner = either([compiled(form) for form in forms])

    def read(line: bytes, newest: float) -> Handshake | None:
        if not _TLS.search(line):
            return None
        when, tag, message = stamped(line, newest)
        found = inner(message, newest) if tag in tags else None
        return found._replace(time=when) if found else None

    return read


# --- who logs, and where to -------------------------------------------------------------------------------------------


def logged(instance: Instance, documents: t.Sequence[Document]) -> Logged:
    """One log for all frontends: what syslog and the journal have of them."""
    rules, config = Rules(instance), Config(documents)
    everywhere = [line for one in documents for line in one.tree.lines if line.section.kind == "global"]
    writers: list[Writer] = []
    silent: list[tuple[Listener, str]] = []
    forms: dict[tuple[str, frozenset[str]], list[str | Field]] = {}
    tags: dict[str, None] = {}
    gaps: dict[str, None] = {}
    for bind, listener in served(rules, config):
        if not listener.tls:
            continue
        lines = _lines(bind.block)
        try:
            form = _form(lines)
            if form not in forms:
                parts = fields(*form)
                compiled(parts)
                forms[form] = parts
            gaps.update(dict.fromkeys(_sent(lines, everywhere)))
        except InTransitError as error:
            silent.append((listener, str(error)))
            continue
        tags[_tag([*everywhere, *lines])] = None
        name = bind.block.name
        # %ft marks connections that came by TLS.
        writers.append(Writer(listener, (name, f"{name}~", *listener.names)))
    outgoing = (one for one in listeners(instance, documents) if one.role == "client")
    silent += [(one, "handshakes with servers are not logged") for one in outgoing if one.tls]
    if not writers:
        return Logged((), tuple(silent))
    read = reader(forms.values(), frozenset(tag.encode() for tag in tags))
    return Logged((Source(FILES, tuple(tags), read, tuple(writers), "; ".join(gaps)),), tuple(silent))


def _lines(block: Block) -> list[Line]:
    """What a section says, below what its defaults say."""
    return [*(_lines(block.parent) if block.parent else ()), *block.lines]


def _form(lines: t.Sequence[Line]) -> tuple[str, frozenset[str]]:
    """The log-format in force, and which of its captures write anything. Raises InTransitError when it is not known, or
    has no TLS in it."""
    deciding = [one for one in lines if one.name == "log-format" or [one.name, *one.args[:1]] in _BUILT_IN]
    if not deciding:
        raise InTransitError("no log-format is set, and the built-in one has no TLS in it")
    last = deciding[-1]
    text = HTTPSLOG
    if last.name == "log-format":
        if len(last.words) < 2 or last.words[1].value is None:
            raise InTransitError(f"{last.tree.path}:{last.line}: a variable in log-format is not known")
        text = last.words[1].value
    elif last.args[0] != "httpslog":
        raise InTransitError(f"option {last.args[0]} has no TLS in it")
    if any(one.conditional for one in deciding):
        raise InTransitError("a macro decides about its log-format")
    captures = frozenset(name for name, words in _CAPTURES.items() if any(_captures(one, *words) for one in lines))
    return text, captures


def _captures(line: Line, side: str, rule: str) -> bool:
    words = [line.name, *line.args[:2]]
    return words[:2] in (["capture", side], [rule, "capture"]) or words == ["declare", "capture", side]


def _sent(lines: t.Sequence[Line], everywhere: t.Sequence[Line]) -> list[str]:
    """What of the lines does not come to the syslog of this machine. Raises InTransitError when none does."""
    targets: list[Line] = []
    for line in lines:
        if line.name == "log":
            targets += [one for one in everywhere if one.name == "log"] if line.args == ["global"] else [line]
        elif line.name == "no" and line.args == ["log"]:
            targets = []
    lost = [_lost(one) for one in targets]
    if all(lost):
        raise InTransitError("; ".join(dict.fromkeys(lost)) or "no log is set")
    gaps = []
    if all("sample" in one.args for one, reason in zip(targets, lost) if not reason):
        gaps.append("log takes samples")
    if any(one.name == "option" and one.args[:1] == ["dontlog-normal"] for one in lines):
        gaps.append("option dontlog-normal leaves out what went well")
    if any("set-log-level" in one.args for one in lines):
        gaps.append("set-log-level may leave some out")
    return gaps


def _lost(line: Line) -> str:
    """Why what a ``log`` line sends does not come to the syslog of this machine, or has no handshakes; else empty."""
    target, *rest = line.args or [""]
    options = {}
    while len(rest) > 1 and rest[0] in _OPTIONS:
        options[rest[0]] = rest[1]
        del rest[:2]
    # What a service prints without a head is given one by the journal.
    printed = target in ("stdout", "stderr") and options.get("format") in ("raw", "short")
    if line.conditional:
        return f"a macro decides about log {target}"
    if not (printed or _LOCAL.fullmatch(target)):
        return f"log {target} goes elsewhere" if target else "log has a variable that is not known"
    if "profile" in options:
        return f"log {target} has a profile, which is not read"
    if rest[1:2] and rest[1] in _LEVELS and _LEVELS.index(rest[1]) < _LEVELS.index("info"):
        return f"log {target} takes nothing below {rest[1]}, and handshakes are info"
    return ""


def _tag(lines: t.Iterable[Line]) -> str:
    """What lines begin with (``log-tag``)."""
    return next((one.args[0] for one in reversed(list(lines)) if one.name == "log-tag" and one.args), "haproxy")
