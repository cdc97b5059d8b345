"""All alarms in memory, with their running hold timers: a snapshot of ``alarms``, then what others change in it."""

from __future__ import annotations

import heapq
import logging
from collections import Counter

import msgspec

from iotlab.clock import US_PER_S, Clock
from iotlab.domain.alarm import AlarmState
from iotlab.domain.schema import ALARMS
from iotlab.table.errors import ExpiredIteratorException, TrimmedDataAccessException
from iotlab.table.follower import Follower
from iotlab.table.store import Store, StreamRecord
from iotlab.table.values import Item
from iotlab.triggers.alarms import Alarm
from iotlab.triggers.writes import alarm_of, read_alarm

LOG = logging.getLogger(__name__)


class AlarmBook:
    """What the evaluator knows of all alarms.

    Hold timers run on the monotonic clock, so that setting the wall clock neither fires nor delays them. What is
    stored is their deadline by the wall clock; from it a timer goes on after a restart.

    Args:
        store: The lab's table.
        clock: For the timers.
        settle_s: A timer that was taken from the table fires this long after the start at the earliest, so that
            messages that waited in the broker meanwhile can end it.
    """

    def __init__(self, store: Store, clock: Clock, *, settle_s: float) -> None:
        self._store = store
        self._clock = clock
        self._settle_s = settle_s
        self._changes = Follower(store, ALARMS)
        self._timers: list[tuple[float, str, int]] = []
        self.alarms: dict[str, Alarm] = {}
        self.counts: Counter[AlarmState] = Counter()

    def load(self) -> None:
        """Take the snapshot. Raises UnavailableError, TableError."""
        self.alarms.clear()
        self.counts.clear()
        self._timers.clear()
        # The position comes before the scan: a change between the two is seen twice rather than never.
        self._changes.open_latest()
        for wire in self._store.scan_all(ALARMS):
            self._learn(wire)

    def refresh(self) -> None:
        """Take over what others changed, such as acknowledgements. Raises UnavailableError, TableError."""
        try:
            # Until no shard has any more: an acknowledgement must not wait behind the records of another shard.
            while records := self._changes.read():
                self._follow(records)
        except (ExpiredIteratorException, TrimmedDataAccessException):
            # The machine slept: the items themselves say how things stand.
            self.load()

    def _follow(self, records: list[StreamRecord]) -> None:
        for record in records:
            if record.new_image is not None:
                self._learn(record.new_image)
            else:
                self._forget(record.keys["alarm"]["S"])

    def reload(self, key: str) -> None:
        """Read one alarm anew, after somebody else was faster. Raises UnavailableError, TableError."""
        stored = read_alarm(self._store, key)
        if stored is None:
            self._forget(key)
        else:
            self._keep(stored)

    def put(self, alarm: Alarm) -> None:
        """Take over an alarm that was just written, and start its timer from its full length."""
        self._keep(alarm)

    def note(self, alarm: Alarm) -> None:
        """Replace an alarm by one that differs only in what is not stored between transitions."""
        self.alarms[alarm.alarm] = alarm

    def due(self) -> list[Alarm]:
        """Return the alarms whose hold timers have run out, and forget these timers."""
        now_s = self._clock.monotonic_s()
        found: list[Alarm] = []
        while self._timers and self._timers[0][0] <= now_s:
            _, key, version = heapq.heappop(self._timers)
            alarm = self.alarms.get(key)
            if alarm is not None and alarm.state == "pending" and alarm.version == version:
                found.append(alarm)
        return found

    def next_due_s(self) -> float | None:
        """Return the seconds until the next timer runs out; None when no timer runs."""
        return max(self._timers[0][0] - self._clock.monotonic_s(), 0.0) if self._timers else None

    def _learn(self, wire: Item) -> None:
        try:
            alarm = alarm_of(wire)
        except msgspec.ValidationError as error:
            LOG.warning("the alarm item %s can't be read and is left alone: %s", wire.get("alarm"), error)
            return
        known = self.alarms.get(alarm.alarm)
        if known is None or known.version < alarm.version:
            self._keep(alarm, at_least_s=self._settle_s)

    def _keep(self, alarm: Alarm, *, at_least_s: float = 0.0) -> None:
        known = self.alarms.get(alarm.alarm)
        if known is not None:
            self.counts[known.state] -= 1
            if known.evaluated_us > alarm.evaluated_us:
                alarm = msgspec.structs.replace(alarm, evaluated_us=known.evaluated_us)
        self.alarms[alarm.alarm] = alarm
        self.counts[alarm.state] += 1
        if alarm.deadline_us is not None and alarm.state == "pending":
            self._start_timer(alarm, alarm.deadline_us, at_least_s)

    def _start_timer(self, alarm: Alarm, deadline_us: int, at_least_s: float) -> None:
        left_s = (deadline_us - self._clock.now_us()) / US_PER_S
        # A wall clock that was set back must not make a hold longer than its rule says.
        longest_s = max(deadline_us - alarm.since_us, 0) / US_PER_S
        due_s = self._clock.monotonic_s() + max(min(left_s, longest_s), at_least_s)
        heapq.heappush(self._timers, (due_s, alarm.alarm, alarm.version))

    def _forget(self, key: str) -> None:
        known = self.alarms.pop(key, None)
        if known is not None:
            self.counts[known.state] -= 1
