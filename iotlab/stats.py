"""Latency figures: a bounded reservoir of recent durations and its percentiles."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterable

import msgspec


class Percentiles(msgspec.Struct, frozen=True):
    """What a reservoir says. All durations in µs; 0 while there is none.

    Attributes:
        count: Durations added since the start, also those that are no longer kept.
        p50, p99, max: Nearest-rank figures of those that are kept.
        last: The newest.
    """

    count: int = 0
    p50: int = 0
    p99: int = 0
    max: int = 0
    last: int = 0


class Reservoir:
    """The newest ``capacity`` durations in µs. Safe to use from several threads."""

    def __init__(self, capacity: int = 4096) -> None:
        self._kept: deque[int] = deque(maxlen=capacity)
        self._count = 0
        self._lock = threading.Lock()

    def add(self, duration_us: int) -> None:
        """Keep one duration; a negative one (the wall clock was set back) counts as 0."""
        with self._lock:
            self._kept.append(max(duration_us, 0))
            self._count += 1

    def extend(self, durations_us: Iterable[int]) -> None:
        """Keep several durations, as `add` does, at the cost of one lock."""
        kept = [max(duration_us, 0) for duration_us in durations_us]
        with self._lock:
            self._kept.extend(kept)
            self._count += len(kept)

    def percentiles(self) -> Percentiles:
        """Return the figures of what is kept now."""
        with self._lock:
            kept, count = list(self._kept), self._count
        if not kept:
            return Percentiles(count=count)
        ranked = sorted(kept)
        return Percentiles(
            count=count, p50=_rank(ranked, 0.50), p99=_rank(ranked, 0.99), max=ranked[-1], last=kept[-1]
        )


def _rank(ranked: list[int], share: float) -> int:
    return ranked[max(math.ceil(len(ranked) * share) - 1, 0)]
