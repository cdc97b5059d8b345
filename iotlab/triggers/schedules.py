"""When a rule watches: days of the week and times of day in a time zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from iotlab.clock import US_PER_S

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY = 1440
_US_PER_MINUTE = 60 * US_PER_S
_CACHED_MINUTES = 10_000


class Times(msgspec.Struct, frozen=True):
    """A span of each of some days. One that ends at or before its start goes on into the next day.

    Attributes:
        days: 0 is Monday. The day is that on which the span begins.
        start_minute, end_minute: Minutes after midnight by the wall clock; the end is not part of the span.
    """

    days: frozenset[int] = frozenset(range(7))
    start_minute: int = 0
    end_minute: int = MINUTES_A_DAY

    def holds(self, weekday: int, minute: int) -> bool:
        """Say whether a minute of a day is within."""
        if self.start_minute < self.end_minute:
            return weekday in self.days and self.start_minute <= minute < self.end_minute
        if minute >= self.start_minute:
            return weekday in self.days
        return minute < self.end_minute and (weekday - 1) % 7 in self.days


class Schedule:
    """Some spans, in one time zone. A clock change moves them with the wall clock.

    Args:
        times: The spans; one of them suffices.
        zone: The time zone's name, such as ``Europe/Berlin``.

    Raises:
        ValueError: the zone's name can't be one. zoneinfo.ZoneInfoNotFoundError: there is no such zone.
    """

    def __init__(self, times: tuple[Times, ...], zone: str) -> None:
        self.times = times
        self.zone = zone
        self._zone = ZoneInfo(zone)
        self._known: dict[int, bool] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and (other.times, other.zone) == (self.times, self.zone)

    def __hash__(self) -> int:
        return hash((self.times, self.zone))

    def is_active(self, at_us: int) -> bool:
        """Say whether a time, in µs since 1970, is within."""
        minute = at_us // _US_PER_MINUTE
        found = self._known.get(minute)
        if found is None:
            if len(self._known) >= _CACHED_MINUTES:
                self._known.clear()
            found = self._known[minute] = self._holds(minute)
        return found

    def _holds(self, minute: int) -> bool:
        local = datetime.fromtimestamp(minute * 60, self._zone)
        return any(times.holds(local.weekday(), local.hour * 60 + local.minute) for times in self.times)
