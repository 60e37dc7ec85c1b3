# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every rule of the registers, broken one at a time; schemas and code; and the registers of the example inventory."""

from __future__ import annotations

import datetime
import json
import typing as t
from pathlib import Path

import jsonschema_rs
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import BY_ID
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.exceptions import EXCEPTABLE
from ansible_collections.encryption.in_transit.plugins.plugin_utils.registers import lint, load, shape
from ansible_collections.encryption.in_transit.tests.unit.plugins.plugin_utils.registers import (
    register_samples as samples,
)

EXAMPLE = Path(__file__).resolve().parents[5] / "inventories" / "example"


def linted(tmp_path: Path, change: t.Callable[[dict[str, t.Any]], object], **options: t.Any) -> list[str]:
    registers = samples.registers()
    change(registers)
    loaded, problems = load.read(samples.write(tmp_path, **registers))
    assert not problems
    options.setdefault("hosts", samples.HOSTS)
    found = lint.lint(loaded, samples.TODAY, **options)
    assert all(one.line > 0 and one.file for one in found)
    return [f"{one.key}: {one.message}" for one in found]


def exception(**values: t.Any) -> t.Callable[[dict[str, t.Any]], object]:
    return lambda registers: registers["exceptions"][0].update(values)


def scope(**values: t.Any) -> t.Callable[[dict[str, t.Any]], object]:
    return lambda registers: registers["exceptions"][0]["scope"].update(values)


def flow(number: int, **values: t.Any) -> t.Callable[[dict[str, t.Any]], object]:
    return lambda registers: registers["flows"][number].update(values)


def another(**values: t.Any) -> t.Callable[[dict[str, t.Any]], object]:
    def change(registers: dict[str, t.Any]) -> None:
        registers["exceptions"].append({**registers["exceptions"][0], "id": "EXC-2026-002", **values})

    return change


APPROVED = {"by": "A. Roe", "date": "2026-10-09", "reference": "CHG-1"}
CASES: list[tuple[t.Callable[[dict[str, t.Any]], object], str]] = [
    (flow(0, endpoints=["https://portal.hospital.example:99999"]), "FLOW-0001.endpoints[0]: endpoint 'https://portal"),
    (flow(0, endpoints=["gopher://portal.hospital.example"]), "FLOW-0001.endpoints[0]: endpoint 'gopher://"),
    (flow(0, endpoints=["http://portal.hospital.example"]), "FLOW-0001.endpoints[0]: http:// has no TLS"),
    (flow(0, encryption="ssh"), "FLOW-0001.endpoints[0]: encryption is ssh; write ssh://portal.hospital.example"),
    (
        flow(0, endpoints=["https://other.hospital.example"]),
        "FLOW-0001.endpoints: host 'other.hospital.example'",
    ),
    (flow(0, hosts=["other"]), "FLOW-0001.hosts[0]: host 'other' is not in the inventory"),
    (flow(0, profile="interim"), "FLOW-0001.profile: unknown profile 'interim', did you mean"),
    (flow(0, third_party="TP-999"), "FLOW-0001.third_party: third party TP-999 is in no register"),
    (flow(0, exceptions=["EXC-2020-001"]), "FLOW-0001.exceptions[0]: exception EXC-2020-001 is in no register"),
    (flow(0, direction="partner"), "FLOW-0001.direction: a flow to a partner names its third_party"),
    (flow(0, verified_by="attestation"), "FLOW-0001.verified_by: only a third party can attest"),
    (flow(0, encryption="none"), "FLOW-0001.encryption: phi without encryption needs an exception"),
    (flow(1, id="FLOW-0001"), "FLOW-0001.id: is used before"),
    (scope(hosts=["other"]), "EXC-2026-001.scope.hosts[0]: host 'other' is neither in the inventory"),
    (scope(stack="ngnix"), "EXC-2026-001.scope.stack: unknown stack 'ngnix', did you mean nginx"),
    (scope(stack="crypto_policy"), "EXC-2026-001.scope.stack: crypto_policy is for all programs of a host"),
    (scope(checks=["floor.protocols"]), "EXC-2026-001.scope.checks[0]: floor.protocols cannot be excepted"),
    (scope(checks=["protocol.tls10"]), "EXC-2026-001.scope.checks[0]: unknown check 'protocol.tls10', did you mean"),
    (scope(checks=["protocol.sslv3"]), "EXC-2026-001.scope.checks[0]: protocol.sslv3 cannot be excepted"),
    (scope(checks=["certificate.expiry"]), "EXC-2026-001.scope.checks[0]: certificate.expiry cannot be excepted"),
    (exception(accept=[]), "EXC-2026-001.accept: suite.forbidden needs every suite"),
    (exception(accept=["AES128-SHA"]), "EXC-2026-001.accept[0]: 'AES128-SHA' is not a suite"),
    (exception(accept=["TLS_RSA_WITH_NULL_SHA"]), "EXC-2026-001.accept[0]: TLS_RSA_WITH_NULL_SHA cannot be excepted"),
    (exception(accept=["TLS_RSA_EXPORT_WITH_RC4_40_MD5"]), "cannot be excepted"),
    (exception(accept=["TLS_DH_anon_WITH_AES_128_CBC_SHA"]), "cannot be excepted"),
    (scope(checks=["protocol.tls1_0"]), "EXC-2026-001.accept[0]: must be nothing"),
    (scope(checks=["protocol.tls1_1"]), "EXC-2026-001.scope.checks: TLS 1.0 and 1.1 have no suite"),
    (lambda registers: registers["exceptions"][0].pop("approval"), "EXC-2026-001.status: is approved, but approval"),
    (exception(approval={**APPROVED, "by": "Biomed, J. Doe"}), "EXC-2026-001.approval.by: the owner cannot approve"),
    (exception(approval={**APPROVED, "by": "biomed@hospital.example"}), "EXC-2026-001.approval.by: the owner cannot"),
    (exception(approval={**APPROVED, "date": "2026-11-23"}), "EXC-2026-001.approval.date: is in the future"),
    (exception(approval={**APPROVED, "date": "2026-10-01"}), "EXC-2026-001.approval.date: is before it was requested"),
    (exception(expires="2026-10-09"), "EXC-2026-001.expires: is not after its approval"),
    (exception(expires="2027-04-08"), "EXC-2026-001.expires: is 181 days after its approval; at most 180 (2027-04-07)"),
    (exception(remediation={"plan": "x"}), "EXC-2026-001.remediation: a risk rated high needs milestones"),
    (
        exception(remediation={"plan": "x", "milestones": [{"date": "2027-03-01", "what": "x"}]}),
        "EXC-2026-001.remediation.milestones[0].date: is after the exception ends",
    ),
    (exception(flows=["FLOW-9999"]), "EXC-2026-001.flows[0]: flow FLOW-9999 is in no register"),
    (exception(supersedes="EXC-2026-001"), "EXC-2026-001.supersedes: an exception cannot renew itself"),
    (another(), "EXC-2026-002.scope: overlaps EXC-2026-001"),
    (
        lambda registers: registers["third_parties"][0]["evidence"][0].pop("reference"),
        "TP-001.evidence[0]: a test needs the reference",
    ),
    (
        lambda registers: registers["third_parties"][0]["evidence"][1].update(sha256="0" * 64),
        "TP-001.evidence[1].sha256: ",
    ),
    (
        lambda registers: registers["third_parties"][0]["evidence"][1].update(file="gone.pdf"),
        "TP-001.evidence[1].file: ",
    ),
    (
        lambda registers: registers["third_parties"][0]["evidence"][0].update(date="2027-01-01"),
        "TP-001.evidence[0].date: is in the future",
    ),
]


@pytest.mark.parametrize(("change", "wanted"), CASES, ids=[wanted[:50] for _change, wanted in CASES])
def test_a_broken_rule_is_told(change: t.Callable[[dict[str, t.Any]], object], wanted: str, tmp_path: Path) -> None:
    found = linted(tmp_path, change)
    assert any(wanted in one for one in found), found


@pytest.mark.parametrize(
    "change",
    [
        lambda registers: None,
        another(supersedes="EXC-2026-001"),
        another(scope={**samples.EXCEPTIONS[0]["scope"], "ports": [8444]}),
        another(status="closed"),
        scope(stack="schannel"),
        exception(expires="2027-04-07"),
        exception(scope={**samples.EXCEPTIONS[0]["scope"], "hosts": ["orders.lab.example"]}),
        exception(expires="2026-11-01", remediation={"plan": "x"}, risk={"rating": "low", "statement": "x"}),  # over
        flow(0, hosts=["PUMP-GW1.hospital.example"], endpoints=["https://vip.hospital.example"]),
    ],
)
def test_what_is_right_is_not_complained_about(change: t.Callable[[dict[str, t.Any]], object], tmp_path: Path) -> None:
    assert linted(tmp_path, change) == []


def test_the_longest_life_can_be_set_within_a_year(tmp_path: Path) -> None:
    change = exception(expires="2027-10-08")
    assert linted(tmp_path, change, maximum_days=365) == []
    for beyond in (0, 366):
        with pytest.raises(ValueError, match="1 to 365"):
            linted(tmp_path, change, maximum_days=beyond)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    def change(registers: dict[str, t.Any]) -> None:
        flow(0, profile="x", third_party="TP-999")(registers)
        scope(checks=["protocol.sslv2", "suite.forbidden"])(registers)
        exception(approval={**APPROVED, "by": "J. Doe"})(registers)

    assert len(linted(tmp_path, change)) == 4


def test_what_may_be_excepted_is_in_the_catalogue() -> None:
    assert set(EXCEPTABLE) <= set(BY_ID)
    never = ("protocol.sslv2", "protocol.sslv3", "certificate.expiry", "endpoint.reachable", "config.running")
    assert not set(never) & set(EXCEPTABLE)


# --- schemas and code -------------------------------------------------------------------------------------------

VALIDATORS = {kind: jsonschema_rs.validator_for(shape.document(kind), validate_formats=True) for kind in load.KINDS}
JUNK = st.sampled_from([None, True, 7, "", "x", "2027-02-30", "FLOW-0001\n", [], ["a", "a"], {}, {"x": 1}])


def _paths(value: t.Any, path: tuple[t.Any, ...] = ()) -> t.Iterator[tuple[t.Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from _paths(item, (*path, key))


PATHS = {kind: sorted(_paths({kind: entries}), key=str) for kind, entries in samples.registers().items()}


@given(st.data(), st.sampled_from(load.KINDS), JUNK, st.sampled_from(["set", "drop", "add"]))
def test_schema_and_code_agree(data: st.DataObject, kind: str, junk: t.Any, how: str) -> None:
    document: t.Any = {kind: samples.registers()[kind]}
    *above, last = data.draw(st.sampled_from(PATHS[kind]))
    holder = document
    for key in above:
        holder = holder[key]
    if how == "set":
        holder[last] = junk
    elif how == "drop":
        del holder[last]
    elif isinstance(holder, dict):
        holder["unknown"] = junk
    told = shape.validator(kind)(document)
    assert bool(told) is not VALIDATORS[kind].is_valid(json.loads(json.dumps(document))), (told, document)


def test_a_keyword_nobody_checks_is_refused() -> None:
    with pytest.raises(ValueError, match="not understood: contains"):
        shape.compiled({"contains": {}}, {})


@pytest.mark.parametrize("kind", load.KINDS)
def test_schemas_are_schemas_and_describe_every_key(kind: str) -> None:
    schema = shape.document(kind)
    jsonschema_rs.meta.validate(schema)
    for key, part in schema["$defs"]["entry"]["properties"].items():
        assert part.get("description"), key


# --- the example ------------------------------------------------------------------------------------------------


def test_the_example_is_complete_and_lints_clean() -> None:
    inventory = yaml.safe_load((EXAMPLE / "hosts.yml").read_text())
    hosts = {name for group in inventory["all"]["children"].values() for name in group["hosts"]}
    day = datetime.date(2026, 11, 22)
    registers = load.load([str(EXAMPLE / "registers")], day, hosts, lint.MAXIMUM_DAYS)
    served = {host for one in registers.flows for host in one.get("hosts") or [one["endpoints"][0].split("/")[2]]}
    assert hosts <= {name.partition(":")[0] for name in served}, "every host of the fleet serves a flow"
    assert {one["direction"] for one in registers.flows} == {"internet", "partner", "internal"}
    assert registers.exceptions and registers.third_parties
    for path in registers.files:
        first = Path(path).read_text().splitlines()[0]
        assert (Path(path).parent / first.partition("$schema=")[2]).resolve().is_file(), "editors find the schema"
