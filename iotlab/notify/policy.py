"""When one channel is told: its hours, its quiet hours, its digest and its grouping. No I/O, no clock.

Decided here:

- Outside a channel's ``hours`` a notification is *skipped*, which its row says: another channel is there for it.
- In quiet hours it is *held* and delivered afterwards, with what else was held, as one message.
- Severities that pass (critical unless said otherwise) wait for neither quiet hours nor a digest. What the same
  alarm has waiting before them goes with them, so that nobody reads the end of a story before its beginning.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo

import msgspec

from iotlab.clock import US_PER_S, to_datetime
from iotlab.domain.alarm import Severity
from iotlab.domain.notification import Notification


class Hours(msgspec.Struct, frozen=True):
    """A part of each day, from ``start`` up to but not including ``end``; over midnight where the end is earlier."""

    start: time
    end: time

    def holds(self, moment: datetime) -> bool:
        """Say whether a local moment is within it."""
        at = moment.time()
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


class Hold(msgspec.Struct, frozen=True):
    """Why and until when a notification waits. ``until_us`` is µs since 1970."""

    until_us: int
    why: str


class Policy(msgspec.Struct, frozen=True):
    """When a channel is told.

    Attributes:
        hours: It is told only of what happens in these hours; None always.
        quiet: Quiet hours; None none.
        digest_at: What does not pass waits for this time of day; None does not wait.
        passes: Severities that wait for neither.
        group_s: What comes within this time after the first goes with it as one message; 0 each alone.
        zone: The zone of the times of day; None is the machine's.
    """

    hours: Hours | None = None
    quiet: Hours | None = None
    digest_at: time | None = None
    passes: tuple[Severity, ...] = ("critical",)
    group_s: float = 0.0
    zone: tzinfo | None = None

    @property
    def holds(self) -> bool:
        """Whether anything is ever held back for longer than its grouping."""
        return self.quiet is not None or self.digest_at is not None

    def is_skipped(self, notification: Notification) -> bool:
        """Say whether the channel is not told, because it happened outside its hours."""
        return self.hours is not None and not self.hours.holds(self._local(notification.created_us))

    def hold(self, notification: Notification, now_us: int, *, is_first_attempt: bool = True) -> Hold | None:
        """Return why it must wait now; None when it need not. A repeated attempt waits for quiet hours only."""
        if notification.severity in self.passes:
            return self._grouping(notification, now_us) if is_first_attempt else None
        quiet = self._quiet(now_us)
        if quiet is not None or not is_first_attempt:
            return quiet
        return self._digest(notification, now_us) or self._grouping(notification, now_us)

    def _quiet(self, now_us: int) -> Hold | None:
        now = self._local(now_us)
        if self.quiet is None or not self.quiet.holds(now):
            return None
        return Hold(self._next(now, self.quiet.end), f"quiet hours until {self.quiet.end:%H:%M}")

    def _digest(self, notification: Notification, now_us: int) -> Hold | None:
        if self.digest_at is None:
            return None
        until_us = self._next(self._local(notification.created_us), self.digest_at)
        return Hold(until_us, f"digest at {self.digest_at:%H:%M}") if until_us > now_us else None

    def _grouping(self, notification: Notification, now_us: int) -> Hold | None:
        until_us = notification.created_us + round(self.group_s * US_PER_S)
        # A clock that was set back must not hold it for longer than the window.
        waits = notification.created_us <= now_us < until_us
        return Hold(until_us, "") if waits else None

    def _local(self, us: int) -> datetime:
        return to_datetime(us).astimezone(self.zone)

    def _next(self, moment: datetime, at: time) -> int:
        """Return the next moment after this one at which the local clock shows ``at``, µs since 1970."""
        for later in (0, 1, 2):
            wall = datetime.combine(moment.date() + timedelta(days=later), at)
            # The machine's own zone is asked anew, for the offset may differ on that day.
            found = wall.astimezone() if self.zone is None else wall.replace(tzinfo=self.zone)
            if found > moment:
                return round(found.timestamp() * US_PER_S)
        raise AssertionError("each time of day comes within two days")
