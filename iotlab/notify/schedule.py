"""Which notification of one channel is next: in the order of each alarm's transitions, and when it is due."""

from __future__ import annotations

import bisect
import heapq
import random
from collections.abc import Callable
from itertools import takewhile

from iotlab.clock import US_PER_S, Clock
from iotlab.notify.outbox import Row

FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 900.0


def backoff_s(attempts: int, chance: random.Random) -> float:
    """Return how long to wait after that many failed attempts: exponential with full jitter, at most 15 minutes.

    Source: Amazon Builders' Library, "Timeouts, retries, and backoff with jitter".
    """
    longest_s = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(attempts - 1, 30))
    return chance.uniform(0.0, longest_s)


class Schedule:
    """The waiting rows of one channel. Not thread-safe.

    A row waits until the rows of its alarm with smaller versions are settled: nobody should read "cleared" before
    "raised". Rows of different alarms do not wait for each other.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[str, list[Row]] = {}
        self._groups: dict[str, set[str]] = {}
        self._keys: set[str] = set()
        self._due: list[tuple[float, int, str, str, int]] = []

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, row: Row, *, nudge: bool = False) -> None:
        """Take up a row; one that is here already is left as it is.

        Args:
            row: The row.
            nudge: Have the first row of its alarm looked at now, which may be waiting for a row such as this one.
        """
        key, alarm = row.notification.key, row.notification.alarm
        if key in self._keys:
            return
        self._keys.add(key)
        self._note_group(row)
        rows = self._rows.setdefault(alarm, [])
        bisect.insort(rows, row, key=lambda each: each.notification.version)
        if rows[0] is row:
            self._push(row)
        elif nudge and not rows[0].attempts:
            self._push_at(rows[0], self._clock.monotonic_s())

    def next_due(self) -> Row | None:
        """Return the row that is due, if one is; it stays the first of its alarm until it is removed."""
        now_s = self._clock.monotonic_s()
        while self._due and self._due[0][0] <= now_s:
            _, _, alarm, key, attempts = heapq.heappop(self._due)
            rows = self._rows.get(alarm)
            if rows and rows[0].notification.key == key and rows[0].attempts == attempts:
                return rows[0]
        return None

    def again(self, row: Row, delay_s: float) -> None:
        """Have a row due once more, replaced by how it is now; its alarm's first row comes first as ever."""
        rows = self._rows[row.notification.alarm]
        at = _index(rows, row)
        rows[at] = row
        self._note_group(row)
        if at == 0:
            self._push_at(row, self._clock.monotonic_s() + delay_s)

    def remove(self, row: Row) -> None:
        """Forget a row; when it was the first of its alarm, the next one becomes due."""
        alarm = row.notification.alarm
        rows = self._rows[alarm]
        at = _index(rows, row)
        gone = rows.pop(at)
        self._keys.discard(gone.notification.key)
        for group in {gone.group, row.group} - {""}:
            self._forget_group(group, gone.notification.key)
        if not rows:
            del self._rows[alarm]
        elif at == 0:
            self._push(rows[0])

    def of_alarm(self, row: Row) -> list[Row]:
        """Return all rows of a row's alarm, in order."""
        return list(self._rows[row.notification.alarm])

    def of_group(self, group: str) -> list[Row]:
        """Return the rows that are sent together under this key, oldest first."""
        keys = self._groups.get(group, set())
        alarms = {key.rpartition("@")[0].rpartition(":")[0] for key in keys}
        rows = [row for alarm in alarms for row in self._rows.get(alarm, ()) if row.notification.key in keys]
        return sorted(rows, key=_age)

    def beginnings(self, joins: Callable[[Row], bool]) -> list[Row]:
        """Return of each alarm the first rows that join, up to one that does not; oldest first."""
        found = [row for rows in self._rows.values() for row in takewhile(joins, rows)]
        return sorted(found, key=_age)

    def next_due_s(self) -> float | None:
        """Return the seconds until something may be due; None when nothing waits."""
        return max(self._due[0][0] - self._clock.monotonic_s(), 0.0) if self._due else None

    def _note_group(self, row: Row) -> None:
        if row.group:
            self._groups.setdefault(row.group, set()).add(row.notification.key)

    def _forget_group(self, group: str, key: str) -> None:
        keys = self._groups.get(group)
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._groups[group]

    def _push(self, row: Row) -> None:
        left_s = (row.next_us - self._clock.now_us()) / US_PER_S if row.attempts else 0.0
        self._push_at(row, self._clock.monotonic_s() + min(max(left_s, 0.0), LONGEST_BACKOFF_S))

    def _push_at(self, row: Row, due_s: float) -> None:
        notification = row.notification
        entry = (due_s, notification.created_us, notification.alarm, notification.key, row.attempts)
        heapq.heappush(self._due, entry)


def _age(row: Row) -> tuple[int, str, int]:
    notification = row.notification
    return notification.created_us, notification.alarm, notification.version


def _index(rows: list[Row], row: Row) -> int:
    return next(at for at, each in enumerate(rows) if each.notification.key == row.notification.key)
