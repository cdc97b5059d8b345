"""Time as a part that can be replaced: nothing in this program asks the operating system directly."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol

US_PER_S = 1_000_000


class Clock(Protocol):
    """What every part that needs time is given."""

    def now_us(self) -> int:
        """Return wall-clock time in microseconds since 1970-01-01 UTC. It may step back."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds that never step back, for measuring durations."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_s(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock for tests that moves only when it is told to."""

    def __init__(self, now_us: int = 1_763_958_000 * US_PER_S) -> None:
        self._now_us = now_us
        self._monotonic_s = 0.0
        self._lock = threading.Lock()

    def now_us(self) -> int:
        with self._lock:
            return self._now_us

    def monotonic_s(self) -> float:
        with self._lock:
            return self._monotonic_s

    def advance(self, seconds: float) -> None:
        """Let both clocks run on by ``seconds``."""
        with self._lock:
            self._now_us += round(seconds * US_PER_S)
            self._monotonic_s += seconds

    def step(self, seconds: float) -> None:
        """Set the wall clock by ``seconds`` forward or back, as NTP or a person would; monotonic time stays."""
        with self._lock:
            self._now_us += round(seconds * US_PER_S)


def to_datetime(us: int) -> datetime:
    """Return microseconds since 1970 as an aware UTC datetime."""
    return datetime.fromtimestamp(us / US_PER_S, tz=UTC)


def iso(us: int) -> str:
    """Return microseconds since 1970 as ISO 8601 text in UTC with milliseconds."""
    return to_datetime(us).isoformat(timespec="milliseconds").replace("+00:00", "Z")
