# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything an endpoint accepts, for ``detail: full``: offer all, take away what was chosen, ask again.

That takes one connection for each thing accepted and one for each refusal at the end.
"""

from __future__ import annotations

from .answers import ACCEPTED, REFUSED, SOFT, ssl2_names
from .hello import CHUNK, FALLBACK_SCSV, PROTOCOL, SSL2, SSL3, TLS12, TLS13, UNTIL_FLIGHT, UNTIL_KEYS, Hello
from .kit import chunks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Generator

    from .plan import Examination, Probe

    Waves = Generator[list[Any], None, None]

_INAPPROPRIATE_FALLBACK = 86


class Survey:
    """What was found: ``accepted[kind][protocol]`` are names, in the server's order where it has one.

    ``kind`` is ``suites``, ``groups`` or ``signatures``. ``order[protocol]`` is ``server`` or ``client``: whose order
    decides about suites. ``open`` holds (kind, protocol) of lists that may be incomplete for lack of an answer.
    """

    def __init__(self, examination: Examination) -> None:
        self.examination, self.kit = examination, examination.kit
        self.accepted: dict[str, dict[str, list[str]]] = {"suites": {}, "groups": {}, "signatures": {}}
        self.order: dict[str, str] = {}
        self.open: set[tuple[str, str]] = set()
        self.fallback_scsv: bool | None = None

    def steps(self) -> Waves:
        """All lists of all protocols that are accepted, side by side."""
        oldest = self.examination.accepted(SSL2)
        if oldest is not None and oldest.answer is not None:
            # An SSL 2.0 server lists all it has in common with the client; the client chooses.
            self.accepted["suites"][PROTOCOL[SSL2]] = ssl2_names(oldest.answer.specs)
        waves: list[Waves] = []
        for version, protocol in PROTOCOL.items():
            if version != SSL2 and self.examination.accepted(version) is not None:
                waves.append(self._suites(version, protocol))
        if self.examination.accepted(TLS12):
            waves += [self._curves(), self._schemes()]
        if self.examination.accepted(TLS13):
            waves += [self._groups(), self._schemes13()]
            if self.examination.accepted(TLS12):
                waves.append(self._fallback())
        yield from together(waves)

    # --- one list after the other ------------------------------------------------------------------------------------

    def _suites(self, version: int, protocol: str) -> Waves:
        kit = self.kit
        if version == TLS13:
            parts = [kit.suites13]
        else:
            # What servers usually have comes first and together, so that little remains to be put in order.
            usual = kit.allowed12 + tuple(code for code in kit.signed + kit.legacy if code not in kit.allowed12)
            usual = tuple(dict.fromkeys(usual))
            rest = tuple(code for code in kit.suites12 + kit.credentials12 if code not in usual)
            parts = chunks(usual, CHUNK) + chunks(rest, CHUNK)

        def hello(suites: tuple[int, ...]) -> Hello:
            if version == TLS13:
                return Hello(TLS13, suites, kit.groups13, kit.allowed_schemes13, until=UNTIL_KEYS)
            return Hello(version, suites, () if version == SSL3 else kit.groups12, kit.schemes12, bare=version == SSL3)

        found: list[list[int]] = [[] for _part in parts]
        runs = [self._eliminate("suites", protocol, part, hello, "suite", into) for part, into in zip(parts, found)]
        yield from together(runs)
        lists = [part for part in found if part]
        yield from self._find_order(protocol, lists, hello)
        names = [kit.suite_name(code) for code in (lists[0] if lists else [])]
        self.accepted["suites"][protocol] = names

    def _find_order(self, protocol: str, lists: list[list[int]], hello: Callable[[tuple[int, ...]], Hello]) -> Waves:
        """Whose order decides; where it is the server's, merge the lists by asking which head comes first."""
        longest = max(lists, key=len, default=[])
        if len(longest) > 1:
            probe = self._probe(f"survey.order.{protocol}", hello(tuple(reversed(longest))))
            yield [probe]
            chosen = probe.outcome.suite if probe.version is not None else None
            if chosen is not None:
                self.order[protocol] = "server" if chosen == longest[0] else "client"
        if self.order.get(protocol) != "server":
            lists[:] = [[code for part in lists for code in part]]
            return
        merged: list[int] = []
        while len(lists) > 1:
            heads = tuple(part[0] for part in lists)
            probe = self._probe(f"survey.order.{protocol}", hello(heads))
            yield [probe]
            chosen = probe.outcome.suite if probe.version is not None else None
            first = next((part for part in lists if part[0] == chosen), lists[0])
            merged.append(first.pop(0))
            lists[:] = [part for part in lists if part]
        lists[:] = [merged + (lists[0] if lists else [])]

    def _curves(self) -> Waves:
        """Groups of TLS 1.2, by ServerKeyExchange."""
        kit = self.kit

        def hello(groups: tuple[int, ...]) -> Hello:
            return Hello(TLS12, kit.with_curve, groups, kit.schemes12, "group", UNTIL_KEYS)

        offered = kit.curves12 + tuple(code for code in kit.forbidden_curves12 if code not in kit.curves12)
        yield from self._list("groups", PROTOCOL[TLS12], offered, hello, "group", kit.group_name)

    def _groups(self) -> Waves:
        """Groups of TLS 1.3, by HelloRetryRequest."""
        kit = self.kit

        def hello(groups: tuple[int, ...]) -> Hello:
            return Hello(TLS13, kit.suites13, groups, kit.allowed_schemes13, "group", UNTIL_KEYS)

        yield from self._list("groups", PROTOCOL[TLS13], kit.groups13, hello, "group", kit.group_name)

    def _schemes(self) -> Waves:
        kit = self.kit

        def hello(schemes: tuple[int, ...]) -> Hello:
            return Hello(TLS12, kit.signed, kit.groups12, schemes, "scheme", UNTIL_KEYS)

        yield from self._list("signatures", PROTOCOL[TLS12], kit.schemes12, hello, "scheme", kit.scheme_name)

    def _schemes13(self) -> Waves:
        """Signature schemes of TLS 1.3, by the encrypted CertificateVerify."""
        kit, group = self.kit, self.examination.readable_group()
        if group is None:
            self.open.add(("signatures", PROTOCOL[TLS13]))
            return
        reader = group

        def hello(schemes: tuple[int, ...]) -> Hello:
            return Hello(TLS13, kit.suites13, (reader,), schemes, "scheme", UNTIL_FLIGHT, shares=(reader,))

        yield from self._list("signatures", PROTOCOL[TLS13], kit.schemes13, hello, "scheme", kit.scheme_name)

    def _fallback(self) -> Waves:
        """Whether the server notices that a client fell back below what both know (RFC 7507)."""
        control = self.kit.control12(False)
        probe = self._probe("survey.fallback", control.variant(suites=(*control.suites, FALLBACK_SCSV)))
        yield [probe]
        if probe.outcome.alert == _INAPPROPRIATE_FALLBACK:
            self.fallback_scsv = True
        elif probe.status == ACCEPTED:
            self.fallback_scsv = False

    # --- the method -------------------------------------------------------------------------------------------------

    def _list(
        self,
        kind: str,
        protocol: str,
        offered: tuple[int, ...],
        hello: Callable[[tuple[int, ...]], Hello],
        fact: str,
        name: Callable[[int], str],
    ) -> Waves:
        found: list[int] = []
        yield from self._eliminate(kind, protocol, offered, hello, fact, found)
        self.accepted[kind][protocol] = [name(code) for code in found]

    def _eliminate(
        self,
        kind: str,
        protocol: str,
        offered: tuple[int, ...],
        hello: Callable[[tuple[int, ...]], Hello],
        fact: str,
        found: list[int],
    ) -> Waves:
        """Ask until nothing is accepted any more. ``found`` gets what was, in the order in which it was chosen.

        ``fact`` is the field of the outcome that holds it.
        """
        left = offered
        while left:
            probe = self._probe(f"survey.{kind}.{protocol}", hello(left))
            yield [probe]
            if probe.status not in (ACCEPTED, REFUSED, SOFT):
                probe = self._probe(f"survey.{kind}.{protocol}", hello(left))
                yield [probe]
            if probe.status != ACCEPTED or probe.version is None or PROTOCOL[probe.version] != protocol:
                if probe.status not in (ACCEPTED, REFUSED, SOFT):
                    self.open.add((kind, protocol))
                return
            code: int | None = getattr(probe.outcome, fact)
            if code is None or code not in left:
                self.open.add((kind, protocol))
                return
            found.append(code)
            left = tuple(other for other in left if other != code)

    def _probe(self, name: str, hello: Hello) -> Probe:
        return self.examination.ask_also(name, hello)


def together(runs: list[Waves]) -> Waves:
    """Several plans side by side: the next wave of each, as one wave."""
    going = [(run, wave) for run in runs for wave in (next(run, None),) if wave is not None]
    while going:
        yield [probe for _run, wave in going for probe in wave]
        going = [(run, wave) for run, _last in going for wave in (next(run, None),) if wave is not None]
