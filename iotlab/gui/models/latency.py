"""Percentiles of durations over a bounded recent past."""

from __future__ import annotations

import numpy as np


class Durations:
    """The last durations in milliseconds.

    Args:
        capacity: How many are kept; older ones are overwritten, and `count` still counts them.
    """

    def __init__(self, capacity: int = 20_000) -> None:
        self._kept = np.empty(capacity)
        self.count = 0

    def add(self, ms: float) -> None:
        """Add one duration."""
        self._kept[self.count % len(self._kept)] = ms
        self.count += 1

    def percentile(self, percent: float) -> float | None:
        """Return the percentile in milliseconds, or None when nothing was added yet."""
        if not self.count:
            return None
        return float(np.percentile(self._kept[: min(self.count, len(self._kept))], percent))

    def summary(self) -> dict[str, float | None]:
        """Return p50 and p99 in milliseconds, rounded to 0.001."""
        found = {"p50": self.percentile(50), "p99": self.percentile(99)}
        return {name: None if ms is None else round(ms, 3) for name, ms in found.items()}
