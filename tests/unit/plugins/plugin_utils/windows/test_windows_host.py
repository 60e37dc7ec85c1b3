# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that refuses, cuts off, breaks away or speaks German: clear words, a known state, a way back."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows import host, settings
from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows.desk import Schannel
from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows.plan import spoken_protocols
from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows.registry import Value
from ansible_collections.encryption.in_transit.tests.windows.scripted import Scripted

Json = t.Dict[str, t.Any]

OPTIONS: Json = {
    "profile": "intermediate",
    "baseline": {},
    "parts": list(settings.DEFAULT_PARTS),
    "roles": ["server", "client"],
    "accept": [],
    "export": False,
}


def harden(there: Scripted, check: bool = False, **options: t.Any) -> Json:
    return Schannel(there.remote, {**OPTIONS, **options}, check, https=True).harden()


def protocol(word: str, role: str, name: str, data: int) -> Value:
    return Value(rf"{settings.PROTOCOLS}\{word}\{role}", name, "REG_DWORD", data)


@pytest.mark.parametrize("build", [14393, 17763, 20348, 26100])
def test_three_round_trips_for_a_change_and_one_for_none(build: int) -> None:
    there = Scripted(build)
    first, second = harden(there), harden(there)
    assert (first["changed"], first["round_trips"]) == (True, 3)
    assert (second["changed"], second["round_trips"]) == (False, 1)
    assert not [item for item in second["findings"] if item["status"] == "fail"]
    one = first["instances"][0]
    assert one["rollback"].startswith("C:\\Windows\\encryption.in_transit\\schannel-")
    assert one["transaction"] in one["rollback"]
    assert not [path for path in there.files if "\\Temp\\" in path and path == one["rollback"]]


def grant(port: int, *checks: str, **more: t.Any) -> Json:
    days = {"since": "2000-01-01", "expires": "9999-12-31"}
    return {"id": f"EX-{port}", "ports": [port], "checks": list(checks), **days, **more}


def old_protocols(there: Scripted) -> list[tuple[str, str]]:
    """Role and protocol of every weak one that is on."""
    return [
        (role, name)
        for role in settings.ROLES
        for name in spoken_protocols(there.registry, 20348, role)
        if name not in ("TLSv1.2", "TLSv1.3")
    ]


@pytest.mark.parametrize("stack", ["", "schannel", "iis"])
def test_an_exception_keeps_the_protocol_it_names_on_the_whole_host_and_nothing_else(stack: str) -> None:
    there = Scripted(values=[protocol("TLS 1.1", "Server", "Enabled", 1)])
    mine = [grant(443, "protocol.tls1_0", stack=stack)]
    result = harden(there, exceptions=mine)
    assert old_protocols(there) == [("server", "TLSv1.0")]
    statuses = {
        (item["check"], item["subject"]["listener"]): item for item in result["findings"] if "tls1" in item["check"]
    }
    (only,) = statuses.values()
    assert (only["check"], only["status"], only["exception"]) == ("protocol.tls1_0", "excepted", "EX-443")
    assert not [item for item in result["findings"] if item["status"] == "fail"]
    assert harden(there, exceptions=mine)["changed"] is False
    # It keeps what is there: once the protocol is off, nothing switches it on, and without it it goes.
    assert harden(there)["changed"] is True
    assert old_protocols(there) == []
    assert harden(there, exceptions=mine)["changed"] is False


@pytest.mark.parametrize(
    "mine",
    [
        grant(443, "protocol.tls1_0", stack="nginx"),
        grant(443, "protocol.tls1_0", expires="2000-01-02"),
        grant(443, "protocol.tls1_2"),
        grant(443, "suite.forbidden", accept=["TLSv1.0"]),
    ],
)
def test_an_exception_for_other_software_or_times_keeps_nothing(mine: Json) -> None:
    there = Scripted()
    harden(there, exceptions=[mine])
    assert ("server", "TLSv1.0") not in old_protocols(there)


def test_an_exception_for_what_the_host_connects_to_keeps_the_client_and_winhttp() -> None:
    there = Scripted()
    mine = [grant(1433, "upstream.protocol", accept=["TLSv1.0"])]
    result = harden(there, exceptions=mine)
    assert old_protocols(there) == [("client", "TLSv1.0")]
    assert there.registry.number(settings.WINHTTP[0], "DefaultSecureProtocols") == 0x2880
    assert [item["status"] for item in result["findings"] if item["check"] == "upstream.protocol"] == ["excepted"]
    assert harden(there, exceptions=mine)["changed"] is False


def test_suites_and_curves_that_are_excepted_stay_behind_those_of_the_baseline() -> None:
    suite = "TLS_RSA_WITH_AES_128_CBC_SHA"
    there = Scripted(values=[Value(settings.POLICY, "Functions", "REG_SZ", f"{suite},TLS_RSA_WITH_RC4_128_SHA")])
    mine = [grant(443, "suite.forbidden", accept=[suite, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"])]
    result = harden(there, exceptions=mine)
    order = (there.registry.text(settings.POLICY, "Functions") or "").split(",")
    assert (order[0], order[-1]) == ("TLS_AES_128_GCM_SHA256", suite)
    assert not {"TLS_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"} & set(order)
    assert [item["status"] for item in result["findings"] if item["check"] == "suite.forbidden"] == ["excepted"]
    assert harden(there, exceptions=mine)["changed"] is False


def test_an_exception_covers_its_own_binding_and_no_other() -> None:
    binding = rf"{host.BINDINGS}\0.0.0.0:".replace("HKLM", "HKEY_LOCAL_MACHINE", 1)
    there = Scripted(values=[Value(f"{binding}{port}", "DefaultFlags", "REG_DWORD", 0) for port in (443, 8443)])
    options = {**OPTIONS, "exceptions": [grant(443, "protocol.tls1_0", "protocol.tls1_1")]}
    found = Schannel(there.remote, options, True, https=False).audit()["findings"]
    seen = {item["subject"]["listener"]: item["status"] for item in found if item["check"] == "protocol.tls1_0"}
    assert seen["http.sys 0.0.0.0:443"] == "excepted"
    assert seen["http.sys 0.0.0.0:8443"] == "fail"


def test_values_of_other_types_come_back_exactly() -> None:
    """Numbers are read in few words; anything else costs a round trip, and is never guessed at."""
    key = rf"{settings.PROTOCOLS}\TLS 1.0\Server"
    there = Scripted(values=[Value(key, "Enabled", "REG_SZ", "yes  no \\ maybe"), Value(key, "my own", "REG_DWORD", 5)])
    before = set(there.registry)
    result = harden(there)
    assert (result["changed"], result["failed"]) == (True, False)
    work = Schannel(there.remote, OPTIONS, False, https=False)
    assert work.restore(result["instances"][0]["rollback"])["changed"] is True
    assert set(there.registry) == before


def test_windows_own_order_of_suites_is_read_where_no_policy_is() -> None:
    there = Scripted(values=[Value(settings.LOCAL, "Functions", "REG_MULTI_SZ", ("TLS_RSA_WITH_RC4_128_SHA",))])
    found = Schannel(there.remote, OPTIONS, True, https=False).audit()["findings"]
    assert [item["status"] for item in found if item["check"] == "suite.forbidden"] == ["fail"]


def test_what_is_not_proved_yet_is_never_a_pass() -> None:
    (finding,) = [item for item in harden(Scripted())["findings"] if item["check"] == "config.running"]
    assert finding["status"] == "indeterminate"


def test_an_audit_of_a_host_as_installed_tells_what_is_wrong_and_what_is_not_known() -> None:
    there = Scripted(20348)
    result = Schannel(there.remote, OPTIONS, True, https=False).audit()
    statuses = {(item["check"], item["subject"].get("listener")): item["status"] for item in result["findings"]}
    assert statuses["protocol.tls1_0", "Schannel server"] == "fail"
    assert statuses["protocol.sslv3", "Schannel server"] == "pass"
    assert statuses["schannel.protocol_keys", "Schannel server"] == "fail"
    assert statuses["suite.forbidden", "Schannel server"] == "indeterminate"
    assert statuses["upstream.protocol", "Schannel client"] == "fail"
    assert statuses["client.system_defaults", None] == "fail"
    assert (result["changed"], result["round_trips"]) == (False, 1)


def test_registry_tools_disabled_by_policy() -> None:
    there = Scripted(message="FEHLER: Das Bearbeiten der Registrierung wurde deaktiviert.\r\n")
    there.registry = type(there.registry)()
    with pytest.raises(InTransitError, match="DisableRegistryTools"):
        harden(there)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [("PROCESSOR_ARCHITECTURE", "x86", "32-bit Windows"), ("CurrentBuildNumber", "9600", "older than Server 2016")],
)
def test_hosts_that_are_not_supported(name: str, data: str, words: str) -> None:
    there = Scripted()
    old = next(value for value in there.registry if value.name == name)
    there.registry = there.registry.merged([old._replace(data=data)])
    with pytest.raises(InTransitError, match=words):
        harden(there)


def test_a_user_who_is_no_administrator() -> None:
    there = Scripted()
    there.refused = lambda _value: True
    before = set(there.registry)
    result = harden(there)
    assert result["failed"] is True
    assert "none of the 50 values was written, nothing was changed: the user is no administrator" in result["msg"]
    assert result["instances"][0]["undone"] is True
    assert (set(there.registry), result["changed"]) == (before, False)


def test_an_import_of_which_a_part_did_not_arrive_is_taken_back() -> None:
    there = Scripted(values=[protocol("TLS 1.0", "Server", "Enabled", 1)])
    there.refused = lambda value: value.name == "Functions"
    before = set(there.registry)
    result = harden(there)
    assert "1 of 50 values were not written" in result["msg"]
    assert "everything is as before" in result["msg"]
    assert (result["instances"][0]["step"], result["instances"][0]["undone"]) == ("prove", True)
    assert set(there.registry) == before


def test_a_file_that_was_corrupted_on_its_way_is_taken_back() -> None:
    there = Scripted()
    put = there.put_file

    def garbled(in_path: str, out_path: str) -> None:
        put(in_path, out_path)
        there.files[out_path] = there.files[out_path].replace("dword:00000800", "dword:00000400", 1)

    there.put_file = garbled  # type: ignore[method-assign]
    result = harden(there)
    assert result["failed"] is True
    assert "1 of 50 values were not written" in result["msg"]
    assert result["instances"][0]["undone"] is True


def test_a_rollback_file_the_host_could_not_write_is_told() -> None:
    there = Scripted()

    def no_disk(line: str, answer: str) -> str:
        return re.sub(r"REGEDIT4.*?(?=@@)", "", answer, flags=re.DOTALL) if "reg import" in line else answer

    there.fault = no_disk
    result = harden(there)
    assert result["changed"] is True
    assert "could not write C:\\Windows\\encryption.in_transit" in result["instances"][0]["warnings"][0]


def test_an_answer_that_is_cut_off_before_anything_was_written() -> None:
    there = Scripted()
    there.fault = lambda _line, answer: answer[: len(answer) // 2]
    with pytest.raises(InTransitError, match="end marker is missing"):
        harden(there)


def test_a_connection_lost_after_the_import_is_made_again() -> None:
    there = Scripted()

    def once(line: str, answer: str) -> str:
        if "reg import" in line:
            raise OSError("connection reset by peer")
        return answer

    there.fault = once
    result = harden(there)
    assert (result["changed"], result["failed"], there.resets) == (True, False, 1)
    assert "made again" in result["instances"][0]["warnings"][-1]


def test_a_connection_lost_for_good_names_what_undoes_it_at_the_console() -> None:
    there = Scripted()
    lost: list[str] = []

    def gone(line: str, answer: str) -> str:
        if lost or "reg import" in line:
            lost.append(line)
            raise OSError("no route to host")
        return answer

    there.fault = gone
    result = harden(there)
    assert result["failed"] is True
    assert "it is not known whether it took place" in result["msg"]
    match = re.search(r'reg import "(C:\\Windows\\encryption\.in_transit\\.*?\.reg)" /reg:64', result["msg"])
    assert match
    assert match[1] in there.files
    assert (result["instances"][0]["step"], result["instances"][0]["undone"]) == ("read", False)


def test_a_host_that_takes_no_file_was_not_changed() -> None:
    there = Scripted()

    def full(in_path: str, out_path: str) -> None:
        raise OSError("disk full")

    there.put_file = full  # type: ignore[method-assign]
    before = set(there.registry)
    result = harden(there)
    assert "could not be sent, nothing was changed: disk full" in result["msg"]
    assert set(there.registry) == before


@pytest.mark.parametrize("message", ["Fehler: Schl\udc81ssel fehlt\r\n", "\u30a8\u30e9\u30fc\r\n", "\udcff\udcfe\r\n"])
def test_messages_in_any_language_and_code_page(message: str) -> None:
    there = Scripted(message=message)
    assert harden(there)["changed"] is True
    assert harden(there)["changed"] is False


def test_the_rollback_file_brings_every_value_back() -> None:
    there = Scripted(values=[protocol("TLS 1.0", "Server", "Enabled", 1), protocol("SSL 3.0", "Client", "Enabled", 0)])
    before = set(there.registry)
    path = harden(there)["instances"][0]["rollback"]
    work = Schannel(there.remote, OPTIONS, True, https=False)
    assert work.restore(path)["changed"] is True
    assert set(there.registry) != before
    work = Schannel(there.remote, OPTIONS, False, https=False)
    assert work.restore(path)["msg"].endswith("values are as they were")
    assert set(there.registry) == before
    assert work.restore(path)["changed"] is False


@pytest.mark.parametrize("path", ["C:\\none.reg", 'C:\\a" & del b'])
def test_a_rollback_file_that_is_not_there_or_no_name(path: str) -> None:
    with pytest.raises(InTransitError, match=r"is not on the host|cannot be part of a command"):
        Schannel(Scripted().remote, OPTIONS, False, https=False).restore(path)
