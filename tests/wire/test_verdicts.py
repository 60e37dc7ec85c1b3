# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the engine says of each server of the catalogue, against what is true of it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.run import scan
from ansible_collections.encryption.in_transit.plugins.module_utils.wire.engine import ScanOptions
from ansible_collections.encryption.in_transit.tests.servers import catalogue
from ansible_collections.encryption.in_transit.tests.servers.catalogue import Row

Report = t.Dict[str, t.Any]

every_server = pytest.mark.parametrize("row", catalogue.ROWS, ids=lambda row: row.name)


@pytest.fixture(scope="module")
def verdict(serve: t.Callable[[str], t.Any]) -> t.Callable[[Row], Report]:
    """The report of a server at ``detail: verdict``; each server is scanned once."""
    return _once(serve, "verdict")


@pytest.fixture(scope="module")
def full(serve: t.Callable[[str], t.Any]) -> t.Callable[[Row], Report]:
    return _once(serve, "full")


def _once(serve: t.Callable[[str], t.Any], detail: str) -> t.Callable[[Row], Report]:
    known: dict[str, Report] = {}

    def report(row: Row) -> Report:
        if row.name not in known:
            endpoint = row.endpoint(serve(row.name).port)
            options = ScanOptions(detail=detail)
            known[row.name] = scan.scan([endpoint], model.load("intermediate"), options)[0]
        return known[row.name]

    return report


@every_server
def test_protocols(row: Row, verdict: t.Callable[[Row], Report]) -> None:
    expected = {name: "accepted" if name in row.protocols.split() else "refused" for name in model.PROTOCOLS}
    assert {name: seen["status"] for name, seen in verdict(row)["protocols"].items()} == expected


@every_server
def test_verdict(row: Row, verdict: t.Callable[[Row], Report]) -> None:
    assert verdict(row)["verdict"] == ("compliant" if row.compliant else "non_compliant")


@every_server
def test_nothing_forbidden_is_missed(row: Row, verdict: t.Callable[[Row], Report]) -> None:
    report = verdict(row)
    if row.forbidden:
        assert report["suites"]["status"] == "accepted"
        assert report["suites"]["forbidden"]
    if row.groups:
        assert report["groups"]["status"] == "accepted"
        assert {item["group"] for item in report["groups"]["forbidden"]} & set(row.groups.split())


@pytest.mark.parametrize("row", [row for row in catalogue.ROWS if row.plaintext], ids=lambda row: row.name)
def test_work_without_tls(row: Row, verdict: t.Callable[[Row], Report]) -> None:
    assert verdict(row)["starttls"]["plaintext"] == row.plaintext
    status = {item["check"]: item["status"] for item in verdict(row)["findings"]}["transport.plaintext"]
    assert status == ("fail" if row.plaintext == "served" else "pass")


@every_server
def test_nothing_true_is_indeterminate(row: Row, verdict: t.Callable[[Row], Report]) -> None:
    """A server that answers everything leaves no question open, but what it says only to its accounts."""
    told_to_accounts = {"transport.plaintext"} if row.scheme == "ldap" else set()
    open_ones = {item["check"] for item in verdict(row)["findings"] if item["status"] == "indeterminate"}
    assert open_ones == told_to_accounts


@every_server
def test_connections(row: Row, verdict: t.Callable[[Row], Report]) -> None:
    """At most 14; second opinions about silent refusals, and one talk before STARTTLS, come on top."""
    report = verdict(row)
    again = [probe for probe in report["probes"] if probe["id"].endswith((".again", ".reshaped", ".last"))]
    assert report["connections"] <= 14 + len(again) + (row.scheme != "tls")


@every_server
def test_enumeration(row: Row, full: t.Callable[[Row], Report]) -> None:
    report = full(row)
    suites, groups = report["suites"]["accepted"], report["groups"]["accepted"]
    assert set(row.forbidden.split()) <= {name for names in suites.values() for name in names}
    assert set(row.groups.split()) <= {name for names in groups.values() for name in names}
    assert sorted(suites, key=model.PROTOCOLS.index) == row.protocols.split()


@every_server
def test_certificates(row: Row, verdict: t.Callable[[Row], Report]) -> None:
    chains = verdict(row)["certificates"]
    if not chains and "TLSv1.2" not in row.protocols and "TLSv1.3" not in row.protocols:
        return  # a hello old enough for this server is read for its answer only
    expected = {"nginx-two-chains": {"rsa", "ec"}, "nginx-ecdsa": {"ec"}}.get(row.name, {"rsa"})
    assert {chain["chain"][0]["key"]["type"] for chain in chains} == expected
    assert all(chain["name_match"] for chain in chains)


def test_mutual_tls_is_noticed(verdict: t.Callable[[Row], Report]) -> None:
    assert verdict(catalogue.BY_NAME["nginx-mutual"])["features"]["client_certificate"] is True
    assert verdict(catalogue.BY_NAME["nginx-intermediate"])["features"]["client_certificate"] is False


def test_features_of_nss(verdict: t.Callable[[Row], Report]) -> None:
    features = verdict(catalogue.BY_NAME["nss"])["features"]
    assert features["session_tickets"] is True
    assert features["extended_master_secret"] is True
    assert features["secure_renegotiation"] is True


@pytest.mark.parametrize("name", ["nginx-3.5", "nginx-mlkem-only"])
def test_hybrid_group_is_found(name: str, verdict: t.Callable[[Row], Report]) -> None:
    assert verdict(catalogue.BY_NAME[name])["groups"]["hybrid_pq"] == "X25519MLKEM768"
