# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.baseline import model
from ansible_collections.encryption.in_transit.plugins.module_utils.baseline.dialects import schannel
from ansible_collections.encryption.in_transit.plugins.module_utils.findings.checks import BY_ID
from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows import plan, settings
from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows.registry import Data, Registry, Value

BASELINE = model.load()
BUILDS = (schannel.SERVER_2016, schannel.SERVER_2019, schannel.SERVER_2022, schannel.SERVER_2025)


def dword(key: str, name: str, data: int) -> Value:
    return Value(key, name, "REG_DWORD", data)


def protocol(word: str, role: str, enabled: int) -> Value:
    return dword(rf"{settings.PROTOCOLS}\{word}\{role}", "Enabled", enabled)


def order(*names: str) -> Value:
    return Value(settings.POLICY, "Functions", "REG_SZ", ",".join(names))


def wanted(build: int, part: str) -> dict[tuple[str, str], Data]:
    made = plan.make(Registry(), build, BASELINE, [part])
    short = {change.after.key.replace(settings.SCHANNEL + "\\", ""): None for change in made.changes}
    assert short
    return {
        (change.after.key.replace(settings.SCHANNEL + "\\", ""), change.after.name): t.cast(Data, change.after.data)
        for change in made.changes
    }


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("parts", [settings.DEFAULT_PARTS, settings.PARTS])
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(build: int, parts: tuple[str, ...]) -> None:
    first = plan.make(Registry(), build, BASELINE, parts)
    after = Registry().merged(change.after for change in first.changes)
    assert plan.make(after, build, BASELINE, parts).changes == ()
    back = after.merged(change.undo for change in first.changes)
    assert list(back) == []


def test_protocol_keys_are_one_and_cipher_keys_all_bits() -> None:
    protocols = wanted(schannel.SERVER_2022, "protocols")
    assert len(protocols) == 24  # six protocols, two roles, two values
    assert protocols["Protocols\\TLS 1.2\\Server", "Enabled"] == 1
    assert protocols["Protocols\\TLS 1.3\\Client", "DisabledByDefault"] == 0
    assert protocols["Protocols\\TLS 1.0\\Client", "Enabled"] == 0
    assert protocols["Protocols\\SSL 2.0\\Server", "DisabledByDefault"] == 1
    ciphers = wanted(schannel.SERVER_2022, "ciphers")
    assert ciphers["Ciphers\\RC4 128/128", "Enabled"] == 0
    assert set(ciphers.values()) == {0}
    assert not any("AES" in key for key, _name in ciphers)


def test_tls13_is_left_alone_before_server_2022_and_switched_off_where_it_is_on() -> None:
    assert not any("TLS 1.3" in key for key, _name in wanted(schannel.SERVER_2019, "protocols"))
    there = Registry([protocol("TLS 1.3", "Server", 1), protocol("TLS 1.3", "Client", 0)])
    made = plan.make(there, schannel.SERVER_2019, BASELINE, ["protocols"])
    assert [change.after for change in made.changes if "TLS 1.3" in change.after.key] == [
        protocol("TLS 1.3", "Server", 0)
    ]
    assert [clamp.check for clamp in made.clamps] == ["protocol.clamped", "suite.clamped", "group.clamped"]


def test_suites_are_those_of_the_profile_the_build_has_in_its_order() -> None:
    old = str(wanted(schannel.SERVER_2016, "suites")[settings.POLICY, "Functions"]).split(",")
    new = str(wanted(schannel.SERVER_2022, "suites")[settings.POLICY, "Functions"]).split(",")
    assert old == [name for name in BASELINE.suites_tls12 if "CHACHA20" not in name]
    assert new == [*BASELINE.suites_tls13, *old]
    curves = wanted(schannel.SERVER_2016, "suites")[settings.POLICY, "EccCurves"]
    assert curves == ("curve25519", "NistP256", "NistP384")


def test_programs_get_their_values_in_both_views_and_both_versions() -> None:
    dotnet = wanted(schannel.SERVER_2019, "dotnet")
    assert len(dotnet) == 8
    assert sum("Wow6432Node" in key for key, _name in dotnet) == 4
    assert set(wanted(schannel.SERVER_2019, "winhttp").values()) == {0x800}
    assert set(wanted(schannel.SERVER_2022, "winhttp").values()) == {0x2800}


def test_roles_are_separate() -> None:
    made = plan.make(Registry(), schannel.SERVER_2022, BASELINE, ["protocols", "key_exchange"], ["client"])
    assert {change.after.key.rpartition("\\")[2] for change in made.changes} == {"Client", "Diffie-Hellman", "PKCS"}
    assert {change.after.name for change in made.changes} == {"Enabled", "DisabledByDefault", "ClientMinKeyBitLength"}


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        (protocol("TLS 1.2", "Server", 0xFFFFFFFF), True),  # Windows reads any number but 0 as on
        (protocol("TLS 1.2", "Server", 0), False),
        (protocol("TLS 1.0", "Server", 0xFFFFFFFF), False),
        (dword(rf"{settings.KEY_EXCHANGE}\Diffie-Hellman", "ServerMinKeyBitLength", 4096), True),
        (dword(rf"{settings.KEY_EXCHANGE}\Diffie-Hellman", "ServerMinKeyBitLength", 1024), False),
        (dword(settings.DOTNET[0], "SchUseStrongCrypto", 1), True),
        (Value(settings.DOTNET[0], "SchUseStrongCrypto", "REG_SZ", "1"), False),
        (dword(settings.WINHTTP[0], "DefaultSecureProtocols", 0xA80), False),
    ],
)
def test_values_are_compared_by_meaning(value: Value, holds: bool) -> None:
    made = plan.make(Registry([value]), schannel.SERVER_2022, BASELINE)
    assert any(wish.value.place == value.place for wish in made.wishes)
    assert (value.place not in [change.after.place for change in made.changes]) is holds


def test_undo_brings_back_what_was_there() -> None:
    old = protocol("TLS 1.0", "Server", 1)
    made = plan.make(Registry([old]), schannel.SERVER_2022, BASELINE, ["protocols"])
    undo = {change.after.place: change.undo for change in made.changes}
    assert undo[old.place] == old
    assert undo[protocol("TLS 1.1", "Server", 0).place].data is None


@given(
    st.dictionaries(
        st.sampled_from([wish.value for wish in settings.wishes(BASELINE._replace(groups=("x25519",),
            suites_tls12=BASELINE.suites_tls12[:4]), 20348, settings.PARTS, settings.ROLES)]),
        st.integers(0, 2**32 - 1),
    ),
    st.sampled_from(BUILDS),
)  # fmt: skip
def test_any_state_is_brought_to_the_baseline_and_back(states: dict[Value, int], build: int) -> None:
    before = Registry([dword(value.key, value.name, data) for value, data in states.items()])
    made = plan.make(before, build, BASELINE, settings.PARTS, accept=["G1", "G2", "G3", "G4", "G5"])
    after = before.merged(change.after for change in made.changes)
    assert plan.make(after, build, BASELINE, settings.PARTS).changes == ()
    assert set(after.merged(change.undo for change in made.changes)) == set(before)


@pytest.mark.parametrize("build", BUILDS)
def test_every_wish_names_a_check_of_the_catalogue(build: int) -> None:
    made = plan.make(Registry(), build, BASELINE, settings.PARTS)
    assert {wish.check for wish in made.wishes} <= set(BY_ID)
    places = [wish.value.place for wish in made.wishes]
    assert len(set(places)) == len(places)


# --- guards -------------------------------------------------------------------------------------------------------

OLD_ORDER = order("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
NO_TLS12 = {"suites_tls13": ["TLS_AES_128_GCM_SHA256"], "protocols": ["TLSv1.3"], "suites_tls12": []}


def refused(
    registry: list[Value], build: int, parts: list[str], overrides: dict[str, t.Any] | None = None
) -> list[str]:
    baseline = model.load("intermediate", overrides or {})
    with pytest.raises(plan.GuardError, match="nothing was changed") as error:
        plan.make(Registry(registry), build, baseline, parts, https=True)
    accepted = plan.make(Registry(registry), build, baseline, parts, accept=error.value.guards, https=True)
    assert accepted.changes
    return list(error.value.guards)


def test_g1_tls13_is_not_switched_on_over_an_order_without_its_suites() -> None:
    off = [protocol("TLS 1.3", "Server", 0), OLD_ORDER]
    assert refused(off, schannel.SERVER_2022, ["protocols"]) == ["G1"]
    # With the order in the same change there is nothing to refuse.
    assert plan.make(Registry(off), schannel.SERVER_2022, BASELINE, ["protocols", "suites"]).alarms == ()


def test_g1_a_state_that_was_there_is_told_and_does_not_stop_the_mending() -> None:
    made = plan.make(Registry([OLD_ORDER]), schannel.SERVER_2022, BASELINE, ["ciphers"])
    assert [alarm.guard for alarm in made.alarms] == ["G1"]
    assert made.changes


def test_g2_tls13_on_an_old_build_is_told() -> None:
    there = Registry([protocol("TLS 1.3", "Client", 1)])
    assert [alarm.guard for alarm in plan.make(there, 17763, BASELINE, ["ciphers"]).alarms] == ["G2"]
    assert plan.make(there, 17763, BASELINE, ["protocols"]).alarms == ()


def test_g3_the_internal_database_is_told_when_tls10_goes() -> None:
    there = Registry(keys=[plan.WID])
    made = plan.make(there, schannel.SERVER_2019, BASELINE)
    assert [(alarm.guard, alarm.refuses) for alarm in made.alarms] == [("G3", False)]
    assert plan.make(there, schannel.SERVER_2019, BASELINE, roles=["client"]).alarms == ()
    off = there.merged([protocol("TLS 1.0", "Server", 0)])
    assert plan.make(off, schannel.SERVER_2019, BASELINE).alarms == ()


def test_g4_something_must_be_left() -> None:
    # The other protocols were off already, and this profile switches off the last one there is a suite for.
    tls12_only = [protocol("TLS 1.3", "Server", 0), OLD_ORDER]
    assert refused(tls12_only, schannel.SERVER_2022, ["protocols"], NO_TLS12) == ["G1", "G4"]
    ecdsa = {"suites_tls12": ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"], "protocols": ["TLSv1.2"], "suites_tls13": []}
    assert refused([], schannel.SERVER_2019, ["protocols", "suites"], ecdsa) == ["G4"]
    # Without HTTPS on the way to the host, its certificate does not matter.
    baseline = model.load("intermediate", ecdsa)
    assert plan.make(Registry(), schannel.SERVER_2019, baseline, ["protocols", "suites"]).alarms == ()


def test_g5_an_order_longer_than_windows_reads_is_refused() -> None:
    known = [name for name in sorted(schannel.capabilities(20348).suites or ()) if name.startswith("TLS_")]
    named = order(*known, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", *known)
    made = plan.make(Registry([named]), schannel.SERVER_2019, BASELINE, ["ciphers"])
    assert "G5" in [alarm.guard for alarm in made.alarms]
    blanks = Value(settings.POLICY, "Functions", "REG_SZ", "TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384")
    assert "G5" in [alarm.guard for alarm in plan.make(Registry([blanks]), 20348, BASELINE, ["ciphers"]).alarms]
    many = BASELINE._replace(suites_tls12=tuple(name for name in known if "WITH" in name))
    with pytest.raises(plan.GuardError, match=r"G5: the order of suites has [0-9]+ characters"):
        plan.make(Registry(), schannel.SERVER_2019, many, ["suites"])


def test_g6_a_cipher_with_one_is_told() -> None:
    there = Registry([dword(rf"{settings.CIPHERS}\AES 128/128", "Enabled", 1)])
    made = plan.make(there, schannel.SERVER_2019, BASELINE)
    assert [(alarm.guard, "AES 128/128" in alarm.reason) for alarm in made.alarms] == [("G6", True)]
