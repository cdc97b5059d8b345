"""Time as a part that can be replaced: nothing in this program asks the operating system directly."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol

US_PER_S = 1_000_000


class Clock(Protocol):
    """What every part that needs time is given."""

    @property
    def speed(self) -> float:
        """Return how many of its seconds pass in one second of the machine's; 1 unless a lab is played faster."""
        ...

    def now_us(self) -> int:
        """Return wall-clock time in microseconds since 1970-01-01 UTC. It may step back."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds that never step back, for measuring durations."""
        ...


class SystemClock:
    """The machine's own clocks."""

    speed = 1.0

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_s(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock for tests that moves only when it is told to."""

    speed = 1.0

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


class ScaledClock:
    """A lab's time that runs faster or slower than the machine's: a day in 144 s at a speed of 600.

    It follows the machine's monotonic clock, which all processes of one machine share, from one moment on. So
    processes that are given the same three numbers agree, one that is started again goes on where the others are,
    and nobody who sets the machine's time of day moves it.

    Args:
        speed: Lab seconds in one second of the machine; above 0.
        start_us: The lab's time at ``origin_s``, µs since 1970.
        origin_s: A moment of the machine's monotonic clock. Before it, lab time runs as well.
        machine: The machine's clock.
    """

    def __init__(self, *, speed: float, start_us: int, origin_s: float, machine: Clock | None = None) -> None:
        self.speed = speed
        self._start_us = start_us
        self._origin_s = origin_s
        self._machine = machine or SystemClock()

    def now_us(self) -> int:
        return self._start_us + round((self._machine.monotonic_s() - self._origin_s) * self.speed * US_PER_S)

    def monotonic_s(self) -> float:
        return self._machine.monotonic_s() * self.speed

    def machine_s(self, lab_us: int) -> float:
        """Return the moment of the machine's monotonic clock at which the lab's time is ``lab_us``."""
        return self._origin_s + (lab_us - self._start_us) / US_PER_S / self.speed


class UnhurriedClock:
    """A lab's time of day with durations in the machine's seconds: for what waits for networks, disks and processes.

    A keep alive of 30 s is one of the network's seconds, however fast the lab's day goes by.

    Args:
        clock: The lab's.
    """

    speed = 1.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now_us(self) -> int:
        return self._clock.now_us()

    def monotonic_s(self) -> float:
        return self._clock.monotonic_s() / self._clock.speed


def unhurried(clock: Clock) -> Clock:
    """Return the clock for connections and timeouts that belongs to a lab's clock."""
    return clock if clock.speed == 1.0 else UnhurriedClock(clock)


def to_datetime(us: int) -> datetime:
    """Return microseconds since 1970 as an aware UTC datetime."""
    return datetime.fromtimestamp(us / US_PER_S, tz=UTC)


def iso(us: int) -> str:
    """Return microseconds since 1970 as ISO 8601 text in UTC with milliseconds."""
    return to_datetime(us).isoformat(timespec="milliseconds").replace("+00:00", "Z")
