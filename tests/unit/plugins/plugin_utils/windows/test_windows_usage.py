# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Schannel's events tell of clients, from a recorded form: that it is understood, and no more."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.encryption.in_transit.plugins.plugin_utils import arrival
from ansible_collections.encryption.in_transit.plugins.plugin_utils import usage as told
from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows import settings, usage
from ansible_collections.encryption.in_transit.plugins.plugin_utils.windows.registry import Value
from ansible_collections.encryption.in_transit.tests.windows.scripted import Scripted

SAMPLE = (Path(__file__).parents[4] / "fixtures/windows/wevtutil-schannel.xml").read_text()
NOW = 1_790_000_000.0  # 2026-09-21T13:33:20Z
OPTIONS = {"since": "30d", "profile": "intermediate", "baseline": {}}
OLD = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"
EVENT_DATA = (
    "<Event><System><EventID>36880</EventID><TimeCreated SystemTime='{}'/></System><EventData>"
    "<Data Name='Type'>client</Data><Data Name='Protocol'>{}</Data><Data Name='CipherSuite'>0x1301</Data>"
    "</EventData></Event>"
)


def look(events: str = SAMPLE, logging: int | None = 7) -> tuple[dict[str, t.Any], Scripted]:
    """The result on a host that answers with these events, as the action gives it."""
    values = [] if logging is None else [Value(settings.SCHANNEL, "EventLogging", "REG_DWORD", logging)]
    windows = Scripted(values=values)
    windows.fault = lambda line, answer: answer.replace("@@end", f"{events}\r\n@@end") if "wevtutil" in line else answer
    result = usage.usage(windows.remote, OPTIONS, NOW)
    assert arrival.checked("usage", result) == result
    return result, windows


def handshakes_only(sample: str) -> str:
    return "\n".join(line for line in sample.splitlines() if ">36880<" in line)


def test_protocols_and_suites_are_counted_and_judged() -> None:
    result, windows = look(handshakes_only(SAMPLE))
    rows = [(row["protocol"], row["suite"], row["count"], row["below"], row["breaks"]) for row in result["handshakes"]]
    assert rows == [
        ("TLSv1.0", OLD, 1, ["TLSv1.0", OLD], "unknown"),
        ("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 2, [], "no"),
    ]
    assert {(row["client"], row["direction"], *row["ports"]) for row in result["handshakes"]} == {
        ("not told", "incoming")
    }
    assert (result["handshakes"][0]["last"], result["logs"][0]["oldest"]) == (
        "2026-09-21T10:00:05Z",
        "2026-09-21T10:00:00Z",
    )
    assert [one["reason"] for one in result["unknown"]] == ["Schannel logs no addresses"]
    (line,) = [line for line in windows.lines if "wevtutil" in line]
    assert "EventID=36880 and TimeCreated[timediff(@SystemTime) <= 2592000000]" in line
    assert windows.files == {}, "nothing is written"


def test_the_report_names_no_client_and_drafts_no_exception() -> None:
    hosts = [told.Told("ward3", look(handshakes_only(SAMPLE))[0])]
    shown = told.show(hosts, 120)
    assert shown.code == 2 and "ward3  every listener  not told  TLSv1.0" in shown.text
    assert "Schannel logs no addresses" in shown.text
    assert told.exceptions(hosts, told.datetime.date(2026, 9, 21)) == []


def test_values_in_event_data_are_read_as_well() -> None:
    result, _windows = look(EVENT_DATA.format("2026-09-21T09:00:00.1234567Z", "TLS 1.3"))
    ((row),) = result["handshakes"]
    assert (row["protocol"], row["suite"], row["direction"]) == ("TLSv1.3", "TLS_AES_128_GCM_SHA256", "outgoing")


@pytest.mark.parametrize(("logging", "said"), [(None, "not set"), (1, "1"), (3, "3")])
def test_a_host_that_logs_no_handshakes_is_unknown(logging: int | None, said: str) -> None:
    result, _windows = look("", logging)
    assert result["handshakes"] == []
    assert result["unknown"][0]["reason"].startswith(f"EventLogging is {said}: no handshake is logged")


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (EVENT_DATA.format("2026-09-21T09:00:00Z", "TLS 9"), "1 events are not in the form they should have"),
        (EVENT_DATA.format("yesterday", "TLS 1.2"), "1 events are not in the form they should have"),
        ("<Event>", "events could not be read"),
        ("<Event><!DOCTYPE x></Event>", "events could not be read"),
    ],
)
def test_what_is_no_event_is_told_and_never_guessed(events: str, said: str) -> None:
    result, _windows = look(events)
    assert result["handshakes"] == []
    assert said in result["unknown"][0]["reason"]
