"""When hosts may be changed: at the edges of windows, over midnight, over the change of the clocks."""

from __future__ import annotations

import datetime

import pytest
import zoneinfo
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError
from ansible_collections.encryption.in_transit.plugins.plugin_utils import change_window

UTC = datetime.timezone.utc
NIGHT = {"days": ["sat"], "start": "22:00", "end": "04:00", "timezone": "Europe/Berlin"}
NOON = {"days": ["mon", "wed"], "start": "12:00", "end": "13:00", "timezone": "UTC"}


def at(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "moment", "is_open"),
    [
        # Monday, 23 November 2026.
        (NOON, "2026-11-23T11:59:59", False),
        (NOON, "2026-11-23T12:00:00", True),
        (NOON, "2026-11-23T12:59:59", True),
        (NOON, "2026-11-23T13:00:00", False),
        (NOON, "2026-11-24T12:30:00", False),
        # Saturday night in Berlin, in winter an hour ahead of UTC.
        (NIGHT, "2026-11-21T20:59:59", False),
        (NIGHT, "2026-11-21T21:00:00", True),
        (NIGHT, "2026-11-22T02:59:59", True),
        (NIGHT, "2026-11-22T03:00:00", False),
        (NIGHT, "2026-11-21T02:00:00", False),
        # The same in summer, two hours ahead.
        (NIGHT, "2026-07-18T20:00:00", True),
        (NIGHT, "2026-07-19T02:00:00", False),
        # No end: the whole day.
        ({**NOON, "start": "00:00", "end": "00:00"}, "2026-11-23T23:59:59", True),
        ({**NOON, "start": "00:00", "end": "00:00"}, "2026-11-24T00:00:00", False),
        ({"start": "01:00", "end": "02:00", "timezone": "UTC"}, "2026-11-26T01:30:00", True),
    ],
)
def test_open_and_closed(window, moment, is_open):
    windows = change_window.parse([window])
    assert (change_window.next_opening(windows, at(moment)) is None) == is_open


def test_the_first_of_several_windows_opens_next():
    opening = change_window.next_opening(change_window.parse([NIGHT, NOON]), at("2026-11-23T13:00:00"))
    assert opening == at("2026-11-25T12:00:00")
    assert opening.tzinfo == zoneinfo.ZoneInfo("UTC")


@given(
    st.datetimes(datetime.datetime(2026, 1, 1), datetime.datetime(2027, 12, 31), timezones=st.just(UTC)),
    st.sets(st.sampled_from(change_window.DAYS), min_size=1),
    st.times(),
    st.times(),
    st.sampled_from(("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")),
)
def test_where_none_is_open_the_next_one_opens_within_a_week_and_is_open_then(moment, days, start, end, zone):
    data = {"days": sorted(days), "start": f"{start:%H:%M}", "end": f"{end:%H:%M}", "timezone": zone}
    windows = change_window.parse([data])
    opening = change_window.next_opening(windows, moment)
    if opening is None:
        assert windows[0].holds(moment)
        return
    assert moment < opening <= moment + datetime.timedelta(days=8)
    # A time that the change of the clocks leaves out comes an hour later.
    there = opening.astimezone(UTC)
    assert (
        windows[0].holds(there)
        or windows[0].holds(there + datetime.timedelta(hours=1))
        or there.astimezone(opening.tzinfo).time() != opening.time().replace(fold=0)
    )


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ("always", "change window 1: a mapping"),
        ({**NOON, "day": "mon"}, "change window 1: 'day' is unknown; there are days, start, end, timezone"),
        ({**NOON, "days": ["monday"]}, "change window 1.days: 'monday' is not one of a list of mon"),
        ({**NOON, "days": "mon"}, "change window 1.days: 'mon' is not one of a list"),
        ({**NOON, "start": 1320}, 'change window 1.start: a time such as "22:00", in quotes'),
        ({**NOON, "end": "24:00"}, "change window 1.end: a time such as"),
        ({**NOON, "timezone": "Berlin"}, "change window 1.timezone: 'Berlin' is unknown"),
        ({**NOON, "timezone": "../../etc/passwd"}, "change window 1.timezone: .* is unknown"),
        ({"start": "01:00", "end": "02:00"}, "change window 1.timezone: the name of a time zone is needed"),
    ],
)
def test_bad_input_is_named(window, words):
    with pytest.raises(InTransitError, match=words):
        change_window.parse([window])
