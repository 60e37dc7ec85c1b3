# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our engine against sslscan, nmap and sslyze on every server: agreement, or a dispute on record with a witness."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import groups, model, suites
from ansible_collections.encryption.in_transit.plugins.module_utils.run import scan
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.engine import ScanOptions
from ansible_collections.encryption.in_transit.tests.servers import catalogue, disputes, peers
from ansible_collections.encryption.in_transit.tests.servers.catalogue import Row
from ansible_collections.encryption.in_transit.tests.servers.disputes import Dispute, Item

Report = t.Dict[str, t.Any]
PEERS = ("sslscan", "nmap", "sslyze")

#: Disputes that came up so far; the last test wants all of them to have done so.
seen: set[Dispute] = set()
compared: set[str] = set()


def suite_name(item: int | str) -> str:
    """IANA's name of a suite; nmap calls those of TLS 1.3 by one of its own."""
    return suites.name_of(item) if isinstance(item, int) else item.replace("TLS_AKE_WITH_", "TLS_")


def group_name(item: int | str) -> str:
    name = groups.name_of(item) if isinstance(item, int) else item
    return {"X25519": "x25519", "X448": "x448"}.get(name, name)


def differences(report: Report, said: peers.Said) -> set[Item]:
    """Everything one side reports as accepted and the other does not."""
    ours = {name for name, part in report["protocols"].items() if part["status"] == "accepted"}
    sides = [("protocol", ours, set(said.protocols))]
    for protocol in ours & said.protocols:
        theirs = {suite_name(item) for item in said.suites.get(protocol, ())}
        sides.append((protocol, set(report["suites"]["accepted"].get(protocol, ())), theirs))
    if said.groups is not None:
        accepted = {name for names in report["groups"]["accepted"].values() for name in names}
        sides.append(("group", accepted, {group_name(item) for item in said.groups}))
    return {
        Item(sign, part, name)
        for part, ours, theirs in sides
        for sign, names in (("-", ours - theirs), ("+", theirs - ours))
        for name in names
    }


@pytest.mark.parametrize("row", catalogue.ROWS, ids=lambda row: row.name)
def test_agreement(row: Row, serve: t.Callable[[str], t.Any]) -> None:
    port = serve(row.name).port
    report = scan.scan([row.endpoint(port)], model.load("intermediate"), ScanOptions(detail="full"))[0]
    starttls = "" if row.scheme == "tls" else row.scheme
    unexplained, witnesses = [], {}
    with ThreadPoolExecutor() as pool:  # they mostly wait
        answers = pool.map(lambda peer: peers.BY_NAME[peer].scan(port, starttls, row.sni), PEERS)
    for peer, said in zip(PEERS, answers):
        for item in differences(report, said):
            explaining = [dispute for dispute in disputes.DISPUTES if dispute.explains(peer, row.name, item)]
            seen.update(explaining)
            witnesses.update({dispute.witness: dispute for dispute in explaining})
            if not explaining:
                unexplained.append((peer, item))
    assert unexplained == []
    lost = [dispute for witness, dispute in witnesses.items() if not witness.agrees(port, starttls, row.sni)]
    assert lost == []
    compared.add(row.name)


def test_every_dispute_came_up() -> None:
    if compared != set(catalogue.BY_NAME):
        pytest.skip("not every server was compared in this run")
    assert [dispute for dispute in disputes.DISPUTES if dispute not in seen] == []


def test_documentation_has_the_disputes() -> None:
    document = disputes.DOCUMENT.read_text(encoding="utf-8")
    assert disputes.rendered(document) == document, f"run python -m {disputes.__name__}"
