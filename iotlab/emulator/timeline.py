"""When each device speaks next: one heap for the whole fleet, on whatever clock its owner reads."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

MAX_LATE_S = 5.0
"""Later than this, missed turns are skipped and counted: a laptop that slept must not send an hour at once."""


@dataclass(order=True, slots=True)
class Slot:
    """One device's turn.

    Attributes:
        due_s: When it speaks next, in seconds since the run began.
        device: Its id; it decides between two turns at the same moment.
        period_s: Seconds to the turn after that; it may be changed at any time.
    """

    due_s: float
    device: str
    period_s: float = field(compare=False)


class Timeline:
    """All turns of a fleet, earliest first.

    Args:
        max_late_s: See `MAX_LATE_S`.

    Attributes:
        skipped: Turns that were left out because they were too late.
    """

    def __init__(self, max_late_s: float = MAX_LATE_S) -> None:
        self._heap: list[Slot] = []
        self._max_late_s = max_late_s
        self.skipped = 0

    def add(self, slot: Slot) -> None:
        """Let one more device take turns."""
        heapq.heappush(self._heap, slot)

    @property
    def next_s(self) -> float:
        """Return when the next turn is; infinite without devices."""
        return self._heap[0].due_s if self._heap else float("inf")

    def due(self, now_s: float) -> Iterator[tuple[str, float]]:
        """Yield device and due time of every turn up to ``now_s``, earliest first. Each device gets its next turn."""
        heap = self._heap
        while heap and heap[0].due_s <= now_s:
            slot = heap[0]
            device, due_s = slot.device, slot.due_s
            slot.due_s = self._after(slot, now_s)
            heapq.heapreplace(heap, slot)
            yield device, due_s

    def _after(self, slot: Slot, now_s: float) -> float:
        due_s = slot.due_s + slot.period_s
        if now_s - due_s <= self._max_late_s:
            return due_s
        missed = int((now_s - due_s) / slot.period_s) + 1
        self.skipped += missed
        return due_s + missed * slot.period_s
