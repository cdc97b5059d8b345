"""What a person does to an alarm, from the window, the command line, a phone or anywhere that reaches the table.

Each act writes the alarm on condition of its version, its journal row and its notifications in one transaction.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from iotlab.clock import Clock, iso
from iotlab.domain.alarm import Transition
from iotlab.errors import AlarmError
from iotlab.table.errors import TransactionCanceledException
from iotlab.table.store import Store
from iotlab.triggers import people
from iotlab.triggers.alarms import Alarm
from iotlab.triggers.writes import read_alarm, transition, transition_writes

Step = Callable[[Alarm, int], Alarm]
_ATTEMPTS = 10
_LONGEST_PAUSE_S = 0.02


class Person:
    """Somebody who acts on alarms.

    Every act returns what it did, for the journal, and raises `AlarmError` when there is no such alarm, its state
    does not allow the act, or it changed since the person saw it; and `UnavailableError` when the table can't be
    reached: whether it happened is then unknown, and asking again is safe.

    Args:
        store: The lab's table, embedded or remote.
        name: The person's name, as shown to others.
        clock: Where the time of each act comes from.
    """

    def __init__(self, store: Store, name: str, clock: Clock) -> None:
        self._store = store
        self._name = people.person(name)
        self._clock = clock

    def acknowledge(self, alarm: str, *, seen_version: int | None = None) -> Transition:
        """Say that somebody knows. ``seen_version`` is the version that the person saw; None is whatever stands."""
        return self._do(alarm, lambda before, now_us: people.acknowledged(before, self._name, now_us), seen_version)

    def answer(self, alarm: str, waiting_us: int) -> Transition:
        """Acknowledge for one who saw the alarm wait since ``waiting_us``, and not what it waits for since then."""

        def step(before: Alarm, now_us: int) -> Alarm:
            after = people.acknowledged(before, self._name, now_us)
            if before.waiting_us != waiting_us:
                raise _changed(before)
            return after

        return self._do(alarm, step, None)

    def unacknowledge(self, alarm: str, *, seen_version: int | None = None) -> Transition:
        """Take an acknowledgement back: the alarm waits for one again, with its reminders."""
        return self._do(alarm, people.unacknowledged, seen_version)

    def shelve(self, alarm: str, for_s: float, *, seen_version: int | None = None) -> Transition:
        """Hide it for a time, which ends by itself, also after a restart."""
        return self._do(alarm, lambda old, now_us: people.shelved(old, self._name, for_s, now_us), seen_version)

    def unshelve(self, alarm: str, *, seen_version: int | None = None) -> Transition:
        """End a shelving before its time."""
        return self._do(alarm, people.unshelved, seen_version)

    def clear(self, alarm: str, *, seen_version: int | None = None) -> Transition:
        """End the episode. The next reading that is beyond the threshold begins another one."""
        return self._do(alarm, people.cleared_by_hand, seen_version)

    def comment(self, alarm: str, text: str) -> Transition:
        """Write a comment into the journal, 1 to 1000 characters."""
        return self._do(alarm, lambda before, _: people.commented(before, text), None)

    def assign(self, alarm: str, to: str, *, seen_version: int | None = None) -> Transition:
        """Say who is to see to it; an empty name takes that back."""
        return self._do(alarm, lambda before, _: people.assigned(before, to), seen_version)

    def _do(self, key: str, step: Step, seen_version: int | None) -> Transition:
        for attempt in range(1, _ATTEMPTS + 1):
            before = self._read(key)
            now_us = self._clock.now_us()
            if seen_version is not None and seen_version != before.version:
                # The state says it best, where it alone forbids the act.
                step(before, now_us)
                raise _changed(before)
            after = step(before, now_us)
            try:
                self._store.transact_write(transition_writes(before, after, now_us, by=self._name))
            except TransactionCanceledException:
                # Two who act in step would lose to the same one each time: the table commits them together.
                time.sleep(random.uniform(0, _LONGEST_PAUSE_S * attempt))  # noqa: S311  jitter is no secret
                continue
            return transition(before, after, now_us, by=self._name)
        raise _changed(self._read(key))

    def _read(self, key: str) -> Alarm:
        found = read_alarm(self._store, key)
        if found is None:
            raise AlarmError(
                f"there is no alarm {key!r}", hint="Its key is <rule>/<device>, as the alarm list shows it."
            )
        return found


def _changed(now: Alarm) -> AlarmError:
    return AlarmError(
        f"{now.title} changed meanwhile: it is {now.state} (version {now.version})",
        hint="Look at the alarm as it is now and decide again.",
    )


def shown_until(alarm: Alarm) -> str:
    """Return until when an alarm is shelved, for a person; empty when it is not."""
    return "" if alarm.shelved_until_us is None else iso(alarm.shelved_until_us)
