"""Which rows one message of a channel is about, or why the next row must wait."""

from __future__ import annotations

import hashlib

import msgspec

from iotlab.clock import Clock
from iotlab.notify.outbox import Row
from iotlab.notify.policy import Hold, Policy
from iotlab.notify.schedule import Schedule

MAX_GROUP = 40
"""Rows in one message: they are settled in one transaction of at most 100 writes, some with a trace each."""
_SHORT_S = 0.5
_PATIENCE_S = 30.0


class Skip(msgspec.Struct, frozen=True):
    """The row is not for this channel at this time of day."""

    why: str


class Gathering:
    """Puts together what goes together.

    Args:
        schedule: The channel's waiting rows.
        policy: When the channel is told.
        clock: The time of day, and for how long to wait for the rest of a group.
    """

    def __init__(self, schedule: Schedule, policy: Policy, clock: Clock) -> None:
        self._schedule = schedule
        self._policy = policy
        self._clock = clock
        self._incomplete: dict[str, float] = {}

    def gather(self, row: Row) -> list[Row] | Hold | Skip:
        """Return what to send now with a row that is due: it alone or with others; or why it waits; or is skipped."""
        if row.group:
            return self._group_again(row)
        if not row.attempts and self._policy.is_skipped(row.notification):
            return Skip(f"it happened outside of the channel's hours, {self._policy.hours}")
        now_us = self._clock.now_us()
        hold = self._policy.hold(row.notification, now_us, is_first_attempt=not row.attempts)
        if hold is None:
            return self._with_others(row, now_us)
        story = self._story(row, now_us)
        return story or hold

    def _with_others(self, row: Row, now_us: int) -> list[Row]:
        if row.attempts or not (row.held or self._policy.group_s):
            return [row]
        found = self._schedule.beginnings(lambda each: self._joins(each, row, now_us))
        return [row, *(each for each in found if each.notification.key != row.notification.key)][:MAX_GROUP]

    def _joins(self, row: Row, first: Row, now_us: int) -> bool:
        if row.attempts or row.group or self._policy.is_skipped(row.notification):
            return False
        if self._policy.group_s:
            hold = self._policy.hold(row.notification, now_us)
            return hold is None or not hold.why
        same_alarm = row.notification.alarm == first.notification.alarm
        return (bool(row.held) or same_alarm) and self._policy.hold(row.notification, now_us) is None

    def _story(self, row: Row, now_us: int) -> list[Row]:
        """Return what an alarm has waiting up to the row that may not wait; empty when all of it may."""
        rows = self._schedule.of_alarm(row)
        if row.attempts or any(each.attempts or each.group for each in rows):
            return []
        urgent = [at for at, each in enumerate(rows) if self._policy.hold(each.notification, now_us) is None]
        return rows[: urgent[-1] + 1][:MAX_GROUP] if urgent else []

    def _group_again(self, row: Row) -> list[Row] | Hold:
        rows = self._schedule.of_group(row.group)
        if len(rows) >= row.group_size:
            self._incomplete.pop(row.group, None)
            return rows
        # At the start the rows come one by one; and what a person has deleted never comes.
        now_s = self._clock.monotonic_s()
        since_s = self._incomplete.setdefault(row.group, now_s)
        if now_s - since_s >= _PATIENCE_S:
            return rows
        return Hold(self._clock.now_us() + round(_SHORT_S * 1_000_000), "")


def group_key(rows: list[Row]) -> str:
    """Return the stable key of a message about these rows; empty for a single row, which has its own."""
    if len(rows) == 1:
        return rows[0].group
    if rows[0].group:
        return rows[0].group
    keys = "\n".join(sorted(row.notification.key for row in rows))
    return f"group:{hashlib.blake2b(keys.encode(), digest_size=12).hexdigest()}"
