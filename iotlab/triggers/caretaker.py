"""The consumer of the stream of ``alarms`` that lets alarms do what they do by themselves; see `overdue`.

It needs no checkpoint: the alarms' own items say what is due, and each transition is written on condition of the
alarm's version.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Sequence

import msgspec

from iotlab.clock import US_PER_S, Clock
from iotlab.domain.notification import Route
from iotlab.domain.schema import ALARMS
from iotlab.errors import TableError, UnavailableError
from iotlab.table.errors import ExpiredIteratorException, TransactionCanceledException, TrimmedDataAccessException
from iotlab.table.follower import Follower
from iotlab.table.store import Store
from iotlab.table.values import Item
from iotlab.triggers.alarms import FLAPPING, Alarm, Flapping
from iotlab.triggers.loop import Loop
from iotlab.triggers.overdue import next_us, overdue
from iotlab.triggers.writes import TIMER, alarm_of, read_alarm, transition_writes

LOG = logging.getLogger(__name__)

POLL_S = 0.25


class CaretakerStats(msgspec.Struct, frozen=True):
    """Figures of one caretaker since it was made.

    Attributes:
        watched: Alarms that will do something by themselves.
        transitions: Transitions that it wrote.
        conflicts: Alarms that somebody else changed at the same moment, and that were looked at again.
        malformed: Items that could not be read, and were left alone.
        errors, last_error: Steps that failed because of the table, and were repeated.
    """

    watched: int
    transitions: int
    conflicts: int
    malformed: int
    errors: int
    last_error: str


class Caretaker:
    """Ends shelvings and flapping, and reminds of alarms that nobody acknowledges.

    Args:
        store: The lab's table, with all tables created.
        clock: The wall clock.
        routes: The notification channels with their ``after_s`` and ``repeat_s``.
        flapping: When an alarm is calm.
        after_commit: Called after each committed transition, on the caretaker's thread, to wake the notifier.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        routes: Sequence[Route] = (),
        flapping: Flapping = FLAPPING,
        after_commit: Callable[[], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._routes = {route.channel: route for route in routes}
        self._flapping = flapping
        self._after_commit = after_commit
        self._changes = Follower(store, ALARMS)
        self._watched: dict[str, Alarm] = {}
        self._due: list[tuple[int, str, int]] = []
        self._is_open = False
        self._transitions = self._conflicts = self._malformed = self._errors = 0
        self._last_error = ""
        self._loop = Loop("caretaker", self.step, self._wait_s, self._failed)

    def start(self) -> None:
        """Look after the alarms on a thread of its own until `stop`."""
        self._loop.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the thread after the step in work. Raises UnavailableError when that takes longer."""
        self._loop.stop(timeout_s)

    def wake(self) -> None:
        """Look now rather than at the next poll; from any thread."""
        self._loop.wake()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._loop.is_alive

    def stats(self) -> CaretakerStats:
        """Return figures for health and metrics; from any thread."""
        return CaretakerStats(
            len(self._watched), self._transitions, self._conflicts, self._malformed, self._errors, self._last_error
        )

    def step(self) -> int:
        """Follow the alarms and do what is due; return the number of transitions.

        Raises:
            UnavailableError, TableError: the table failed. The next step starts over from what is stored.
        """
        try:
            self._refresh()
            done = 0
            while (alarm := self._next_due()) is not None:
                done += self._act(alarm)
        except (TableError, UnavailableError):
            self._is_open = False
            raise
        return done

    def _refresh(self) -> None:
        if not self._is_open:
            self._load()
            return
        try:
            while records := self._changes.read():
                for record in records:
                    if record.new_image is not None:
                        self._learn(record.new_image)
                    else:
                        self._watched.pop(record.keys["alarm"]["S"], None)
        except (ExpiredIteratorException, TrimmedDataAccessException):
            self._load()

    def _load(self) -> None:
        self._watched.clear()
        self._due.clear()
        # The position comes before the scan: a change between the two is seen twice rather than never.
        self._changes.open_latest()
        for wire in self._store.scan_all(ALARMS):
            self._learn(wire)
        self._is_open = True

    def _learn(self, wire: Item) -> None:
        try:
            self._watch(alarm_of(wire))
        except msgspec.ValidationError as error:
            self._malformed += 1
            LOG.warning("the alarm item %s can't be read and is left alone: %s", wire.get("alarm"), error)

    def _watch(self, alarm: Alarm) -> None:
        known = self._watched.get(alarm.alarm)
        if known is not None and known.version > alarm.version:
            return
        due_us = next_us(alarm, self._routes, self._flapping)
        if due_us is None:
            self._watched.pop(alarm.alarm, None)
            return
        self._watched[alarm.alarm] = alarm
        heapq.heappush(self._due, (due_us, alarm.alarm, alarm.version))

    def _next_due(self) -> Alarm | None:
        now_us = self._clock.now_us()
        while self._due and self._due[0][0] <= now_us:
            _, key, version = heapq.heappop(self._due)
            alarm = self._watched.get(key)
            if alarm is not None and alarm.version == version:
                return alarm
        return None

    def _act(self, before: Alarm) -> int:
        now_us = self._clock.now_us()
        after = overdue(before, self._routes, now_us, self._flapping)
        if after is None:
            return 0
        try:
            self._store.transact_write(transition_writes(before, after, now_us, by=TIMER))
        except TransactionCanceledException:
            self._conflicts += 1
            self._look_again(before.alarm)
            return 0
        self._transitions += 1
        self._watch(after)
        if self._after_commit is not None:
            self._after_commit()
        return 1

    def _look_again(self, key: str) -> None:
        stored = read_alarm(self._store, key)
        self._watched.pop(key, None)
        if stored is not None:
            self._watch(stored)

    def _wait_s(self) -> float:
        if not self._due:
            return POLL_S
        left_s = (self._due[0][0] - self._clock.now_us()) / US_PER_S
        return min(max(left_s / self._clock.speed, 0.0), POLL_S)

    def _failed(self, error: Exception) -> None:
        self._is_open = False
        self._errors += 1
        self._last_error = str(error)
