# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a scanner sent becomes what a run believes: looked at, its chains verified, and judged by the controller."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.module_utils.findings import exceptions, judge
from ansible_collections.encryption.in_transit.plugins.module_utils.run.ansible_exceptions import today

from . import arrival
from .certificates import Verifier

Json = t.Dict[str, t.Any]


_NOT_WHOLE = "what the scanner sent is not whole; nothing of it is used"


class ScannerError(InTransitError):
    """A scanner sent what cannot be; nothing of it is used."""


class Judge:
    """Judges wire reports anew once their chains are verified; without a verifier they stay as they are.

    ``options`` are those of C(tls_scan). ``statuses`` are those of all findings so far. Raises InTransitError.
    """

    def __init__(self, options: Json, verifier: Verifier | None) -> None:
        self._verifier, self._subjects = verifier, options["subjects"]
        self._baseline = model.load(options["profile"], options["baseline"])
        self._grants = exceptions.checked(options["exceptions"], today())
        self.statuses: set[str] = set()

    def judged(self, report: Json, der: t.Mapping[str, str]) -> Json:
        """The report with its trust; ``der`` has the certificates in base64 by their SHA-256."""
        if self._verifier is not None:
            self._verifier.assess(report, der)
            # The judge again, who now knows more: everything else comes out as before.
            about = self._subjects.get(report["endpoint"])
            report["findings"] = judge.judge_report(report, self._baseline, about, self._grants)
            report["verdict"] = judge.verdict(report, report["findings"])
        self.statuses.update(item["status"] for item in report["findings"])
        return report


def all_told(asked: t.Iterable[str], told: t.Iterable[str]) -> None:
    """Raises ScannerError unless a scanner told of every endpoint that it was asked, and of no other."""
    wanted, seen = set(asked), set(told)
    more, less = sorted(seen - wanted), sorted(wanted - seen)
    if more or less:
        wrong = f"was not asked of {more[0]}" if more else f"did not tell of {less[0]}"
        raise ScannerError(f"the scanner {wrong}; nothing of what it told is used")


def lines(path: str, asked: t.Iterable[str]) -> t.Iterator[tuple[Json, Json]]:
    """The reports in a file that C(tls_scan) wrote for its action, each with its certificates in base64.

    They are read one after the other, so an error may come late; what came before it is not to be used then. Raises
    ScannerError for a file that is not whole or not in that shape.
    """
    told: list[str] = []
    whole = False
    with open(path, "rb") as stream:
        for line in iter(lambda: stream.readline(arrival.MOST_TEXT), b""):
            sent = _mapping(line)
            if whole:
                raise ScannerError(_NOT_WHOLE)
            if sent == {"reports": len(told)}:
                # The last line counts those before it.
                whole = True
                continue
            der = sent.pop("der", {})
            looked_at = arrival.checked("scan", {"reports": [sent], "der": der})
            if looked_at.get("failed"):
                raise ScannerError(str(looked_at["msg"]))
            told.append(sent["endpoint"])
            yield looked_at["reports"][0], der
    if not whole:
        raise ScannerError(_NOT_WHOLE)
    all_told(asked, told)


def _mapping(line: bytes) -> Json:
    try:
        sent = json.loads(line)
    except ValueError:
        raise ScannerError(_NOT_WHOLE) from None
    if not isinstance(sent, dict):
        raise ScannerError(_NOT_WHOLE)
    return sent
