# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which questions one endpoint is asked, in which order, and what the answers prove together.

No input or output happens here: :meth:`Examination.steps` yields lists of connections to make (:class:`Probe` and
:class:`Talk`) and is resumed when all of them have their outcome.

Nothing counts as refused because of silence. An alert that refuses proves it, provided the endpoint completed a
handshake of ours in the same scan. A closed or reset connection, or an alert that may only mean that the hello was not
liked, proves it when a second hello of another shape ends the same way, and a control handshake succeeds before and
after. Everything else is indeterminate.
"""

from __future__ import annotations

from .answers import ACCEPTED, INDETERMINATE, PLAINTEXT, REFUSED, SOFT, UNREACHABLE, UNRECOGNIZED_NAME, Outcome
from .hello import PROTOCOL, SSL2, SSL3, TLS10, TLS11, TLS12, TLS13, UNTIL_FLIGHT, Hello

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Generator, Optional

    from .answers import Answer
    from .endpoint import Endpoint
    from .flight import Flight
    from .kit import Kit
    from .survey import Survey

    #: A conversation other than a hello, driven like a dialogue of ``starttls``.
    Conversation = Generator[bytes, Optional[bytes], Any]

_PROTOCOL_VERSION_ALERT = 70

#: Questions about versions that a hello for a higher version asks, too.
_LEGACY = (("tls10", TLS10), ("tls11", TLS11))

#: Refusing alerts that do not prove anything when the hello could carry neither groups nor the server's name.
_ALERTS_OF_MISFIT = frozenset((40, 71))

#: Least size of the ClientHello of a second try.
_RETRY_SIZE = 576


_NOT_ASKED = Outcome(INDETERMINATE, "not asked")


class Probe:
    """One question over one connection, and its outcome.

    ``status`` is that of the outcome, ``version`` the one an accepting server chose, else None. ``settled`` is the
    status for the question: where the version is asked about, an older one means that this one is refused.
    ``milliseconds`` counts from the start of connecting, ``limited`` marks an endpoint that asked us to come later.
    ``flight`` holds the keys where the encrypted part of the answer is to be read, ``facts`` those of the dialogue
    before TLS.
    """

    __slots__ = (
        "answer",
        "attempts",
        "digest",
        "facts",
        "flight",
        "hello",
        "id",
        "length",
        "limited",
        "milliseconds",
        "outcome",
        "settled",
        "sni",
        "status",
        "version",
    )

    def __init__(self, name: str, hello: Hello, sni: str | None) -> None:
        self.id, self.hello, self.sni = name, hello, sni
        self.outcome = _NOT_ASKED
        self.status = self.settled = INDETERMINATE
        self.version: int | None = None
        self.answer: Answer | None = None
        self.facts: dict[str, Any] | None = None
        self.flight: Flight | None = None
        self.digest = ""
        self.length = self.attempts = 0
        self.milliseconds = 0.0
        self.limited = False

    def conclude(self, outcome: Outcome, answer: Answer | None = None) -> None:
        """Note the outcome."""
        self.outcome, self.answer = outcome, answer
        self.status = self.settled = outcome.status
        if outcome.status == ACCEPTED:
            self.version = outcome.version
            if self.hello.asks == "version" and outcome.version != self.hello.top:
                self.settled = REFUSED


class Talk:
    """A conversation over a connection of its own: ``begin()`` makes the generator, ``result`` is what it returned.

    ``reached`` tells whether a TCP connection came about, ``error`` why there is no result.
    """

    __slots__ = ("attempts", "begin", "error", "id", "reached", "result")

    def __init__(self, name: str, begin: Callable[[], Conversation]) -> None:
        self.id, self.begin = name, begin
        self.result: Any = None
        self.error = ""
        self.attempts = 0
        self.reached = True


def _silent(probe: Probe) -> bool:
    """Whether a connection was closed or reset without an answer, which connection limiters do as well."""
    return probe.settled == SOFT and probe.outcome.alert is None


class Question:
    """Something to be refused, asked in one shape or more. ``version`` is the protocol version it is about.

    ``shapes`` has a probe for each shape of the hello; one that got no answer is replaced by its repetition.
    """

    __slots__ = ("id", "shapes", "version")

    def __init__(self, name: str, version: int, probe: Probe) -> None:
        self.id, self.version = name, version
        self.shapes = [probe]

    @property
    def accepted(self) -> Probe | None:
        """The first probe that was accepted; where the version is the question, with that version."""
        for probe in self.shapes:
            if probe.settled == ACCEPTED:
                return probe
        return None

    @property
    def soft(self) -> bool:
        """Whether its proof rests on connections that ended without a refusing alert."""
        return any(probe.settled == SOFT for probe in self.shapes)

    @property
    def silent(self) -> bool:
        """Whether its proof rests on connections that ended without any answer."""
        return any(_silent(probe) for probe in self.shapes)

    @property
    def decisive(self) -> bool:
        return all(probe.settled in (REFUSED, SOFT) for probe in self.shapes)


class Result:
    """Answer to a question: ``status`` is accepted, refused or indeterminate, ``probe`` the one that shows it."""

    __slots__ = ("detail", "probe", "status")

    def __init__(self, status: str, probe: Probe | None, detail: str) -> None:
        self.status, self.probe, self.detail = status, probe, detail


class Examination:
    """Everything asked of one address of one endpoint, and everything learned.

    ``limits`` is set when a handshake that had succeeded did not later: silence then proves nothing any more; ``gone``
    when it never did again. ``full``: list everything it accepts; ``ask_http``: ask an https endpoint for its headers;
    ``keep_der``: report the certificates themselves, too.
    """

    def __init__(self, endpoint: Endpoint, kit: Kit, full: bool = False, ask_http: bool = False) -> None:
        self.endpoint, self.kit, self.full, self.ask_http = endpoint, kit, full, ask_http
        self.probes: list[Probe] = []
        self.talks: list[Talk] = []
        self.questions: dict[str, Question] = {}
        self.controls: list[Probe] = []
        self.live_after = self.limits = self.gone = False
        self.reachable = self.keep_der = False
        self.first_accepted: Probe | None = None
        self._plaintext: Probe | None = None
        self._first: dict[int | None, Probe] = {}
        self._shapes: set[bool] = set()
        self._refusing: set[int] = set()
        self.hybrid: str | None = None
        self.survey: Survey | None = None

    # --- what was seen ----------------------------------------------------------------------------------------------

    def _note(self, probes: list[Any]) -> None:
        """Remember what a wave showed."""
        for probe in probes:
            if isinstance(probe, Talk):
                self.reachable = self.reachable or probe.reached
                continue
            status = probe.status
            if status != UNREACHABLE:
                self.reachable = True
            if status == PLAINTEXT:
                self._plaintext = self._plaintext or probe
            elif status == REFUSED:
                self._refusing.add(probe.hello.top)
            elif status == ACCEPTED:
                self.first_accepted = self.first_accepted or probe
                hello = probe.hello
                self._first.setdefault(probe.version, probe)
                if not hello.bare and hello.top != SSL2:
                    self._shapes.add(hello.top == TLS13)

    @property
    def plaintext(self) -> Probe | None:
        """The first probe answered in plaintext, unless another one completed a handshake."""
        return None if self.first_accepted else self._plaintext

    @property
    def alive(self) -> bool:
        """Whether a control, which offers only what the baseline approves, was accepted with an approved protocol."""
        approved = self.kit.baseline.protocols
        return any(probe.version is not None and PROTOCOL[probe.version] in approved for probe in self.controls)

    def accepted(self, version: int) -> Probe | None:
        """The first probe that was accepted with a protocol version."""
        return self._first.get(version)

    @property
    def connections(self) -> int:
        """TCP connections made or tried."""
        return sum(probe.attempts for probe in self.probes) + sum(talk.attempts for talk in self.talks)

    def settle(self, question: Question) -> Result:
        """What the answers to a question prove."""
        accepted = question.accepted
        if accepted is not None:
            return Result(ACCEPTED, accepted, accepted.outcome.detail)
        for probe in question.shapes:
            if probe.settled not in (REFUSED, SOFT):
                return Result(INDETERMINATE, probe, probe.outcome.detail)
        last = question.shapes[-1]
        if self.first_accepted is None:
            return Result(INDETERMINATE, last, f"{last.outcome.detail}, but no handshake at all succeeded")
        if self._needs_another_shape(question):
            return Result(INDETERMINATE, last, f"{last.outcome.detail}, not confirmed by a second hello")
        # What one hello was told in words stands, whatever became of the others.
        proof = next((probe for probe in question.shapes if not self._unsure(probe)), None)
        if proof is None and not question.soft:
            proof = last
        if proof is not None:
            return Result(REFUSED, proof, proof.outcome.detail)
        if self.limits and question.silent:
            detail = f"{last.outcome.detail}, but so was a handshake that had succeeded before"
            return Result(INDETERMINATE, last, detail)
        if not self.live_after:
            return Result(INDETERMINATE, last, f"{last.outcome.detail}, and no handshake succeeded afterwards")
        return Result(REFUSED, last, f"{last.outcome.detail}, more than one hello, between handshakes that succeeded")

    def _needs_another_shape(self, question: Question) -> bool:
        """Whether a refusal is still only that of one hello, which the server may not have liked.

        A hello for a higher version offers all lower ones (RFC 5246, E.1), so those for TLS 1.0 and 1.1, which have
        another shape, ask about older versions too.
        """
        if len(question.shapes) > 1 or not self._unsure(question.shapes[0]):
            return False
        if question.version not in (SSL3, TLS10):
            return True
        above = (self.questions.get(name) for name, version in _LEGACY if version > question.version)
        return not any(other is not None and other.decisive for other in above)

    def _unsure(self, probe: Probe) -> bool:
        """Whether a refusal may be about the hello and not about what it asks."""
        if probe.settled == SOFT or probe.outcome.unsure:
            return True
        if probe.outcome.alert not in _ALERTS_OF_MISFIT or probe.hello.top == SSL2:
            return False  # to SSLv2, any TLS alert says that nobody there speaks SSLv2
        # A hello like this one was accepted before, if only for another version?
        return probe.hello.bare or (probe.hello.top == TLS13) not in self._shapes

    def unresolved(self) -> Probe:
        """A probe that stands for the connection that cannot even be tried."""
        return self._probe("control.tls12", self.kit.control12(False))

    # --- asking -----------------------------------------------------------------------------------------------------

    def steps(self) -> Generator[list[Any], None, None]:
        """What to ask next: lists of probes and talks, resumed when all of a list have their outcome."""
        for wave in self._plan():
            if wave:
                yield wave
                self._note(wave)

    def _plan(self) -> Generator[list[Any], None, None]:
        if self.endpoint.scheme == "http":
            from . import http

            yield from self._talk("http", http.plain)
            return
        yield from self._controls()
        if self._hopeless():
            return
        if self._answered():
            yield self._ask_old_versions() + self._ask_new_versions()
        else:
            # Silence: servers exist that only answer the hello of their own time.
            yield self._ask_old_versions()
            if self._hopeless() or not self._answered():
                return
            yield self._ask_new_versions()
        yield self._ask_rest()
        yield from self._follow_ups()
        yield from self._control_again()
        if self.first_accepted is not None:
            yield from self._encrypted_flight()
            if self.full:
                from .survey import Survey

                self.survey = Survey(self)
                yield from self.survey.steps()
            yield from self._beyond_tls()

    def _talk(self, name: str, conversation: Callable[[Endpoint], Conversation]) -> Generator[list[Any], None, None]:
        talk = Talk(name, lambda: conversation(self.endpoint))
        self.talks.append(talk)
        yield [talk]

    def readable_group(self) -> int | None:
        """A group the endpoint chose with TLS 1.3 and that we know a key exchange for."""
        from .kex import GROUPS

        for probe in self.probes:
            group = probe.outcome.group if probe.version == TLS13 else None
            if group in GROUPS:
                return group
        return None

    def _encrypted_flight(self) -> Generator[list[Any], None, None]:
        """The certificates of an endpoint that shows them only encrypted."""
        if self.accepted(TLS13) is None:
            return
        if not self.full and any(probe.answer and probe.answer.certificates for probe in self.probes):
            return
        group = self.readable_group()
        if group is not None:
            http = self.endpoint.scheme == "https"
            probe = self.ask_also("flight.tls13", self.kit.flight13(group, http))
            yield [probe]
            if http and probe.status != ACCEPTED:  # perhaps it speaks another protocol than HTTP
                yield [self.ask_also("flight.tls13", self.kit.flight13(group, http=False))]

    def ask_also(self, name: str, hello: Hello) -> Probe:
        """A probe beyond the verdict; probes of the same name are numbered."""
        count = sum(probe.id.startswith(f"{name}.") for probe in self.probes)
        probe = self._probe(f"{name}.{count + 1}", hello)
        if hello.top == TLS13 and hello.until == UNTIL_FLIGHT:
            from .flight import Flight

            probe.flight = Flight(hello.shares)
        return probe

    def check(self) -> Probe | None:
        """The control again, in the midst of the plan, for an endpoint that went silent; None if it never answered."""
        first = self.first_accepted
        return None if first is None else self.ask_also("control.check", first.hello)

    def _beyond_tls(self) -> Generator[list[Any], None, None]:
        """What only a finished handshake shows, and what the protocol inside says."""
        if self.full:
            yield from self._early_data()
        if self.ask_http and self.endpoint.scheme == "https":
            from . import http

            yield from self._talk("http", http.secured)
        elif self.endpoint.upgrade is not None:
            from . import starttls  # loaded already

            ask = starttls.PLAINTEXT_PROBES.get(self.endpoint.upgrade)
            if ask is not None:
                yield from self._talk("plaintext", lambda endpoint: ask(endpoint.sni or endpoint.host))

    def _early_data(self) -> Generator[list[Any], None, None]:
        """Whether clients that come back may send data with their first flight."""
        from .ticket import SUITES, early_data

        group = self.readable_group() if self.accepted(TLS13) else None
        suites = tuple(code for code in self.kit.version13.suites if code in SUITES)
        if group is not None and suites:
            hello = self.kit.flight13(group, http=False).variant(suites=suites)
            yield from self._talk("early_data", lambda endpoint: early_data(endpoint, hello))

    def _probe(self, name: str, hello: Hello, named: bool = True) -> Probe:
        probe = Probe(name, hello, self.endpoint.sni if named else None)
        self.probes.append(probe)
        return probe

    def _controls(self) -> Generator[list[Any], None, None]:
        """Both controls, and each again in another shape when it was neither accepted nor refused by an alert."""
        http = self.endpoint.scheme == "https"
        wave = self._ask("tls12", TLS12, self._probe("control.tls12", self.kit.control12(http)))
        wave += self._ask("tls13", TLS13, self._probe("control.tls13", self.kit.control13))
        self.controls = wave[:]
        yield wave
        again = [probe for probe in wave if self._try_again(probe)]
        if again and not any(probe.status == PLAINTEXT for probe in wave):
            more = [self._probe(f"{probe.id}.again", probe.hello.reshaped()) for probe in again]
            for probe in more:
                self._also("tls13" if probe.hello.top == TLS13 else "tls12", probe)
            self.controls += more
            yield more

    def _also(self, name: str, probe: Probe) -> Probe:
        """Another shape of a question asked before."""
        self.questions[name].shapes.append(probe)
        return probe

    @staticmethod
    def _try_again(probe: Probe) -> bool:
        if probe.status == UNREACHABLE:
            # A refused connection is an answer; one that timed out may have been lost.
            return "in time" in probe.outcome.detail
        return probe.outcome.unsure or probe.status in (SOFT, INDETERMINATE)

    def _answered(self) -> bool:
        """Whether a TLS server gave any answer so far."""
        return any(probe.status in (ACCEPTED, REFUSED, SOFT) for probe in self.probes)

    def _hopeless(self) -> bool:
        """Whether there is no TLS to be examined: nobody there, plaintext, or an endpoint that turned us away."""
        return all(probe.status in (UNREACHABLE, PLAINTEXT) or probe.limited for probe in self.probes)

    def _ask(self, name: str, version: int, probe: Probe) -> list[Probe]:
        """Note a question; its probe as a wave."""
        self.questions[name] = Question(name, version, probe)
        return [probe]

    def _unspoken(self, name: str) -> bool:
        """Whether the control of a version was refused because of the version, by an endpoint that lives."""
        alerts = [probe.outcome.alert for probe in self.questions[name].shapes]
        return _PROTOCOL_VERSION_ALERT in alerts and self.first_accepted is not None

    def _ask_old_versions(self) -> list[Probe]:
        kit, ask, probe = self.kit, self._ask, self._probe
        wave = ask("sslv2", SSL2, probe("sslv2", kit.ssl2, named=False))
        wave += ask("sslv3", SSL3, probe("sslv3", kit.ssl3, named=False))
        wave += ask("tls10", TLS10, probe("tls10", kit.tls10))
        wave += ask("tls11", TLS11, probe("tls11", kit.tls11))
        return wave

    def _ask_new_versions(self) -> list[Probe]:
        """Forbidden suites, groups and signature schemes; where a control was not accepted, the version itself."""
        kit = self.kit
        wave: list[Probe] = []
        for number, hello in enumerate(kit.suites12_forbidden, 1):
            name = f"suites.tls12.{number}"
            wave += self._ask(name, TLS12, self._probe(name, hello))
        if self.accepted(TLS12):
            wave += self._ask_tls12()
        elif not self._unspoken("tls12"):
            wave.append(self._also("tls12", self._probe("tls12", kit.version12)))
        if self.accepted(TLS13):
            wave += self._ask_tls13()
        elif not self._unspoken("tls13"):
            wave.append(self._also("tls13", self._probe("tls13", kit.version13)))
        return wave

    def _ask_rest(self) -> list[Probe]:
        """What the answers so far leave to be asked."""
        wave: list[Probe] = []
        if self.accepted(TLS12) and "signatures.tls12" not in self.questions:
            wave += self._ask_tls12()
        else:
            wave += self._separate_signatures()
        if self.accepted(TLS13) and "suites.tls13" not in self.questions:
            wave += self._ask_tls13()
        else:
            wave += self._separate_groups()
        return wave

    def _ask_tls12(self) -> list[Probe]:
        kit = self.kit
        wave: list[Probe] = []
        if kit.forbidden_curves12:
            wave += self._ask("groups.tls12", TLS12, self._probe("groups.tls12", kit.groups12_forbidden))
        if kit.forbidden_schemes12:
            # Rides along: is there a second certificate for the other kind of key?
            hello = kit.signatures12_forbidden(self._other_schemes())
            wave += self._ask("signatures.tls12", TLS12, self._probe("signatures.tls12", hello))
        return wave

    def _ask_tls13(self) -> list[Probe]:
        kit = self.kit
        wave: list[Probe] = []
        if kit.forbidden13:
            wave += self._ask("suites.tls13", TLS13, self._probe("suites.tls13", kit.suites13_forbidden))
        # Rides along, unless a control has shown it: does the endpoint know a hybrid post-quantum group?
        chosen = [probe.outcome.group for probe in self.probes if probe.version == TLS13]
        self.hybrid = next((kit.group_name(group) for group in chosen if group in kit.hybrids), None)
        besides = () if self.hybrid else kit.hybrids
        if kit.forbidden_groups13 or besides:
            hello = kit.groups13_forbidden(besides)
            wave += self._ask("groups.tls13", TLS13, self._probe("groups.tls13", hello))
        return wave

    def _other_schemes(self) -> tuple[int, ...]:
        """Schemes of the kind of key that the first control did not show."""
        shown = self.controls[0].outcome.suite
        if shown is None:
            return ()
        name = self.kit.suite_name(shown)
        return self.kit.rsa_schemes if "_ECDSA_" in name else self.kit.ec_schemes

    def _separate_groups(self) -> list[Probe]:
        """Where the hybrid group that rode along was accepted, ask about the forbidden ones without it."""
        kit, question = self.kit, self.questions.get("groups.tls13")
        chosen = question.accepted.outcome if question is not None and question.accepted else None
        if chosen is None or chosen.group in kit.forbidden_groups:
            return []
        self.hybrid = kit.group_name(chosen.group)
        if not kit.forbidden_groups13:
            del self.questions["groups.tls13"]
            return []
        return self._ask("groups.tls13", TLS13, self._probe("groups.tls13.forbidden", kit.groups13_forbidden()))

    def _separate_signatures(self) -> list[Probe]:
        """The same for the schemes of the other kind of key, whose certificate is now known."""
        kit, question = self.kit, self.questions.get("signatures.tls12")
        chosen = question.accepted.outcome if question is not None and question.accepted else None
        if chosen is None:
            return []
        if chosen.scheme not in kit.forbidden_schemes:
            hello = kit.signatures12_forbidden()
            return self._ask("signatures.tls12", TLS12, self._probe("signatures.tls12.forbidden", hello))
        others = self._other_schemes()
        hello = self.controls[0].hello.variant(schemes=others)
        return [self._probe("control.other_key", hello)] if others else []

    def _follow_ups(self) -> Generator[list[Any], None, None]:
        """First once more what had no answer, then in another shape what was only soft."""
        yield from self._ask_again()
        if self.limits and not self.gone:
            # It turned us away for a while: what was asked in that time was not asked.
            yield from self._ask_again()
        if any(question.silent and question.accepted is None for question in self.questions.values()):
            yield from self._control_between()
        wave: list[Probe] = []
        for question in self.questions.values():
            if question.accepted is None and question.decisive and self._needs_another_shape(question):
                first = question.shapes[0]
                probe = self._probe(f"{first.id}.reshaped", first.hello.reshaped(), named=question.version != SSL2)
                wave.append(self._also(question.id, probe))
        yield wave

    def _ask_again(self) -> Generator[list[Any], None, None]:
        """Repeat what had no answer, or silence for one where that is strange. The repetition takes its place."""
        again: list[tuple[Probe, Probe]] = []
        for question in self.questions.values():
            for number, probe in enumerate(question.shapes):
                # Silence is strange where a hello for the same version was refused in words.
                strange = _silent(probe) and (self.limits or probe.hello.top in self._refusing)
                if question.accepted is None and (strange or probe.settled not in (REFUSED, SOFT)):
                    question.shapes[number] = self._retry(probe)
                    again.append((probe, question.shapes[number]))
        yield [after for _before, after in again]
        # The same hello, first met by silence and then not: silence is no answer here.
        self.limits = self.limits or any(_silent(before) and not _silent(after) for before, after in again)

    def _control_between(self) -> Generator[list[Any], None, None]:
        """Directly after connections that ended in silence: does that happen to a handshake that is taken, too?"""
        control = self.check()
        if control is not None:
            yield [control]
            self.limits = self.limits or control.status != ACCEPTED

    def _retry(self, probe: Probe) -> Probe:
        """The same question again: longer, and with the server's name if that was what was missed."""
        hello, outcome = probe.hello, probe.outcome
        if hello.top == SSL2:
            changed = hello
        elif hello.bare and outcome.alert == UNRECOGNIZED_NAME:
            changed = hello.variant(bare=False, slim=True)
        else:
            changed = hello if hello.bare else hello.variant(least=_RETRY_SIZE)
        return self._probe(f"{probe.id}.again", changed, named=not changed.bare and hello.top != SSL2)

    def _control_again(self) -> Generator[list[Any], None, None]:
        """When a refusal rests on silence, the endpoint must be seen alive after it."""
        first = self.first_accepted
        soft = any(question.soft and question.accepted is None for question in self.questions.values())
        if first is None or not soft:
            return
        last = self._probe("control.last", first.hello, named=first.sni is not None)
        yield [last]
        self.live_after = last.status == ACCEPTED
