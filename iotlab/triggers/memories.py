"""What conditions remember of the readings before: bounded, without clock, and made again from the history."""

from __future__ import annotations

from collections import deque


class Window:
    """The least and the greatest value of the last while, each in constant time a reading.

    Args:
        span_us: How long.
    """

    __slots__ = ("_greatest", "_least", "_span_us")

    def __init__(self, span_us: int) -> None:
        self._span_us = span_us
        self._least: deque[tuple[int, float]] = deque()
        self._greatest: deque[tuple[int, float]] = deque()

    def add(self, at_us: int, value: float) -> tuple[float, float]:
        """Take a reading; return the least and the greatest value of the span that ends with it."""
        least, greatest, start_us = self._least, self._greatest, at_us - self._span_us
        while least and least[-1][1] >= value:
            least.pop()
        while greatest and greatest[-1][1] <= value:
            greatest.pop()
        least.append((at_us, value))
        greatest.append((at_us, value))
        while least[0][0] < start_us:
            least.popleft()
        while greatest[0][0] < start_us:
            greatest.popleft()
        return least[0][1], greatest[0][1]


class Steady:
    """For how long a value has stayed the same while readings came.

    Args:
        tolerance: A change of at most this is none.
        longest_gap_us: A longer time without readings does not count: nobody knows what the value did.
    """

    __slots__ = ("_longest_gap_us", "_reference", "_seen_us", "_steady_us", "_tolerance")

    def __init__(self, tolerance: float, longest_gap_us: int) -> None:
        self._tolerance = tolerance
        self._longest_gap_us = longest_gap_us
        self._reference: float | None = None
        self._seen_us = 0
        self._steady_us = 0

    def add(self, at_us: int, value: float) -> int:
        """Take a reading; return for how long the value has stayed, in µs."""
        gap_us, self._seen_us = at_us - self._seen_us, at_us
        if self._reference is None or abs(value - self._reference) > self._tolerance:
            self._reference, self._steady_us = value, 0
        elif gap_us <= self._longest_gap_us:
            self._steady_us += gap_us
        return self._steady_us


class Movement:
    """How far a counter moved: within the last while, or since its quiet time began.

    Args:
        span_us: How long; 0 is since the quiet time began.
    """

    __slots__ = ("_last", "_moves", "_span_us", "_total", "_was_quiet", "moved_us")

    def __init__(self, span_us: int) -> None:
        self._span_us = span_us
        self._moves: deque[tuple[int, float]] = deque()
        self._total = 0.0
        self._last: float | None = None
        self._was_quiet = False
        self.moved_us: int | None = None

    def add(self, at_us: int, value: float, *, quiet: bool) -> float:
        """Take a reading; return how far the counter moved. Outside of the quiet time that is nothing."""
        # What moved between a reading before the quiet time and one within it may have been before it.
        moved = self._step(value) if quiet and self._was_quiet else 0.0
        self._last, began, self._was_quiet = value, quiet and not self._was_quiet, quiet
        if not quiet or began:
            self._moves.clear()
            self._total = 0.0
        if moved:
            self._total += moved
            self.moved_us = at_us
            if self._span_us:
                self._moves.append((at_us, moved))
        while self._moves and self._moves[0][0] < at_us - self._span_us:
            self._total -= self._moves.popleft()[1]
        return self._total if self._moves or not self._span_us else 0.0

    def _step(self, value: float) -> float:
        if self._last is None:
            return 0.0
        # A counter that is less than before began anew: it has moved from 0 to its value.
        return value - self._last if value >= self._last else max(value, 0.0)


class Last:
    """One number: a counter's last value, or the value that a person was told last."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float | None = None


Memory = Window | Steady | Movement | Last | None
