# Copyright: (c) 2026, the encryption.in_transit authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Change windows: when hosts may be changed. Pure, but for the time zones of the system.

A window is ``{"days": ["sat", "sun"], "start": "22:00", "end": "04:00", "timezone": "Europe/Berlin"}``. Days are those
on which it opens, all when left out; one whose end is not after its start closes on the day after. Times are those of
the clocks there, so that a window moves with daylight saving time.
"""

from __future__ import annotations

import datetime
import re
import typing as t

import zoneinfo

from ansible_collections.encryption.in_transit.plugins.module_utils.errors import InTransitError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_KEYS = ("days", "start", "end", "timezone")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\Z")


class Window(t.NamedTuple):
    """One window; ``days`` are numbers, Monday is 0."""

    days: frozenset[int]
    start: datetime.time
    end: datetime.time
    zone: zoneinfo.ZoneInfo

    def holds(self, moment: datetime.datetime) -> bool:
        """Whether it is open at that moment (aware, in any zone)."""
        there = moment.astimezone(self.zone)
        time, today = there.time(), there.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= time < self.end
        # The part after midnight belongs to the day on which it opened.
        return (today in self.days and time >= self.start) or ((today - 1) % 7 in self.days and time < self.end)

    def opens(self, moment: datetime.datetime) -> datetime.datetime:
        """When it opens next after that moment."""
        there = moment.astimezone(self.zone)
        for ahead in range(8):
            day = there.date() + datetime.timedelta(days=ahead)
            opening = datetime.datetime.combine(day, self.start, self.zone)
            if day.weekday() in self.days and opening > there:
                return opening
        raise AssertionError("a window opens at least once a week")  # pragma: no cover


def parse(data: t.Sequence[t.Any]) -> list[Window]:
    """Windows from data. Raises InTransitError that names the window and the key."""
    return [_window(one, f"change window {number}") for number, one in enumerate(data, 1)]


def next_opening(windows: t.Iterable[Window], moment: datetime.datetime) -> datetime.datetime | None:
    """None while one of them is open, else when the first of them opens."""
    windows = list(windows)
    if any(window.holds(moment) for window in windows):
        return None
    return min(window.opens(moment) for window in windows)


def _window(data: t.Any, place: str) -> Window:
    if not isinstance(data, t.Mapping):
        raise InTransitError(f"{place}: a mapping with {', '.join(_KEYS)} is needed, not {data!r}")
    unknown = sorted(set(map(str, data)) - set(_KEYS))
    if unknown:
        raise InTransitError(f"{place}: {unknown[0]!r} is unknown; there are {', '.join(_KEYS)}")
    days = data.get("days") or DAYS
    wrong = [day for day in days if day not in DAYS] if isinstance(days, (list, tuple)) else [days]
    if wrong:
        raise InTransitError(f"{place}.days: {wrong[0]!r} is not one of a list of {', '.join(DAYS)}")
    name = data.get("timezone")
    if not isinstance(name, str):
        raise InTransitError(f"{place}.timezone: the name of a time zone is needed, such as Europe/Berlin or UTC")
    try:
        zone = zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InTransitError(f"{place}.timezone: {name!r} is unknown on the controller (package tzdata)") from error
    start, end = (_time(data.get(key), f"{place}.{key}") for key in ("start", "end"))
    return Window(frozenset(map(DAYS.index, days)), start, end, zone)


def _time(value: t.Any, place: str) -> datetime.time:
    match = _TIME.match(value) if isinstance(value, str) else None
    if not match:
        # YAML 1.1 takes 22:00 without quotes for the number 1320.
        raise InTransitError(f'{place}: a time such as "22:00", in quotes, is needed, not {value!r}')
    return datetime.time(int(match.group(1)), int(match.group(2)))
