"""The last values of one channel, for its sparkline."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SPARKLINE_SAMPLES = 120


class Ring:
    """A bounded series of (time, value), oldest first. Appending the newest drops the oldest.

    Args:
        capacity: Samples kept.
    """

    __slots__ = ("_capacity", "_end", "_start", "_t", "_y", "version")

    def __init__(self, capacity: int = SPARKLINE_SAMPLES) -> None:
        # Twice the room: the window slides through it and is copied back only once per `capacity` appends,
        # so that a view is always contiguous.
        self._t = np.empty(2 * capacity)
        self._y = np.empty(2 * capacity)
        self._capacity = capacity
        self._start = self._end = 0
        self.version = 0

    def __len__(self) -> int:
        return self._end - self._start

    def append(self, t_s: float, value: float) -> bool:
        """Add one sample; return False, and count nothing, when it is not newer than the last."""
        if self._end > self._start and t_s <= self._t[self._end - 1]:
            return False
        if self._end == len(self._t):
            self._slide()
        self._t[self._end] = t_s
        self._y[self._end] = value
        self._end += 1
        self._start = max(self._start, self._end - self._capacity)
        self.version += 1
        return True

    def prepend(self, t_s: Floats, values: Floats) -> None:
        """Add samples of the past, ascending, as far as there is room before the oldest one here."""
        own_t, own_y = self.times().copy(), self.values().copy()
        older = t_s < own_t[0] if len(own_t) else np.ones(len(t_s), dtype=bool)
        all_t = np.concatenate([t_s[older], own_t])[-self._capacity :]
        all_y = np.concatenate([values[older], own_y])[-self._capacity :]
        self._start, self._end = 0, len(all_t)
        self._t[: self._end], self._y[: self._end] = all_t, all_y
        self.version += 1

    def _slide(self) -> None:
        kept = self._end - self._start
        self._t[:kept] = self._t[self._start : self._end]
        self._y[:kept] = self._y[self._start : self._end]
        self._start, self._end = 0, kept

    def times(self) -> Floats:
        """Return the times in seconds, oldest first; a view that the next append may change."""
        return self._t[self._start : self._end]

    def values(self) -> Floats:
        """Return the values, oldest first; a view that the next append may change."""
        return self._y[self._start : self._end]
