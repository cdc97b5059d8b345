"""Running timers of alarms, on the monotonic clock: setting the wall clock neither fires nor delays them.

What is stored in an alarm's item is each timer's end by the wall clock; from it the timer goes on after a restart.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

from iotlab.clock import US_PER_S, Clock
from iotlab.triggers.alarms import Alarm

SILENCE = "silence"
"""The timer that ends when nothing came of a device for as long as its rule says. It is no alarm's and not stored:
the device's own item says when it was heard last."""


class Due(NamedTuple):
    """A timer that has run out: the key of its alarm, its name, and its end by the wall clock as it is stored."""

    key: str
    name: str
    deadline_us: int


class Timers:
    """All running timers.

    Args:
        clock: The time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, Due]] = []
        self._running: dict[tuple[str, str], int] = {}
        self._silent_s: dict[str, float] = {}

    def clear(self) -> None:
        """Forget all timers."""
        self._heap.clear()
        self._running.clear()
        self._silent_s.clear()

    def follow(self, alarm: Alarm, *, at_least_s: float = 0.0) -> None:
        """Run the timers of an alarm that do not run yet.

        Args:
            alarm: The alarm.
            at_least_s: They fire this long from now at the earliest, so that messages that waited in the broker
                meanwhile can end them.
        """
        for name, (began_us, deadline_us) in alarm.timers.items():
            if self._running.get((alarm.alarm, name)) == deadline_us:
                continue
            self._running[alarm.alarm, name] = deadline_us
            left_s = (deadline_us - self._clock.now_us()) / US_PER_S
            # A wall clock that was set back must not make a timer longer than its rule says.
            longest_s = max(deadline_us - began_us, 0) / US_PER_S
            self._push(max(min(left_s, longest_s), at_least_s), Due(alarm.alarm, name, deadline_us))

    def heard(self, key: str, silent_us: int, heard_us: int, *, at_least_s: float = 0.0) -> None:
        """Begin the silence of a device anew.

        Args:
            key: The key of the alarm that the silence raises.
            silent_us: How long the silence must be.
            heard_us: When something came, by the wall clock.
            at_least_s: See `follow`.
        """
        ago_s = max(self._clock.now_us() - heard_us, 0) / US_PER_S
        due_s = self._clock.monotonic_s() + max(silent_us / US_PER_S - ago_s, at_least_s)
        # One entry runs for each silence: at its end it is seen whether the device was heard meanwhile.
        if key not in self._silent_s:
            heapq.heappush(self._heap, (due_s, Due(key, SILENCE, 0)))
        self._silent_s[key] = due_s

    def due(self) -> list[Due]:
        """Return the timers that have run out, and forget them. Their alarms may not have them any more."""
        now_s = self._clock.monotonic_s()
        found: list[Due] = []
        while self._heap and self._heap[0][0] <= now_s:
            _, due = heapq.heappop(self._heap)
            if due.name == SILENCE:
                found += self._end_silence(due, now_s)
            else:
                if self._running.get((due.key, due.name)) == due.deadline_us:
                    del self._running[due.key, due.name]
                found.append(due)
        return found

    @property
    def are_running(self) -> bool:
        """Whether any timer runs."""
        return bool(self._heap)

    def next_due_s(self) -> float | None:
        """Return the seconds until the next timer runs out; None when no timer runs."""
        return max(self._heap[0][0] - self._clock.monotonic_s(), 0.0) if self._heap else None

    def _end_silence(self, due: Due, now_s: float) -> list[Due]:
        until_s = self._silent_s[due.key]
        if until_s > now_s:
            heapq.heappush(self._heap, (until_s, due))
            return []
        del self._silent_s[due.key]
        return [due]

    def _push(self, left_s: float, due: Due) -> None:
        heapq.heappush(self._heap, (self._clock.monotonic_s() + left_s, due))
