"""A series of any length that can be drawn at any zoom for the price of one screen width."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from iotlab.gui.models.ring import Floats

FACTOR = 4
"""Samples of one level that a bucket of the next sums up."""


@dataclass
class _Level:
    """Buckets of FACTOR ** depth samples each: extremes, first and last time, and the longest pause inside."""

    low: Floats = field(default_factory=lambda: np.empty(0))
    high: Floats = field(default_factory=lambda: np.empty(0))
    first: Floats = field(default_factory=lambda: np.empty(0))
    last: Floats = field(default_factory=lambda: np.empty(0))
    pause: Floats = field(default_factory=lambda: np.empty(0))
    count: int = 0

    def reserve(self, count: int) -> None:
        for name in ("low", "high", "first", "last", "pause"):
            setattr(self, name, grown(getattr(self, name), self.count, count))


def grown(array: Floats, used: int, needed: int) -> Floats:
    """Return ``array``, or a copy with at least ``needed`` places when it has fewer; the first ``used`` are kept."""
    if needed <= len(array):
        return array
    larger = np.empty(max(needed, 2 * len(array), 256))
    larger[:used] = array[:used]
    return larger


class Pyramid:
    """Samples in order of time with min/max summaries over 4, 16, 64, … of them.

    Appending costs amortised O(1); `query` costs O(buckets), whatever the length.
    """

    def __init__(self) -> None:
        self._t: Floats = np.empty(256)
        self._y: Floats = np.empty(256)
        self._count = 0
        self._levels: list[_Level] = []

    def __len__(self) -> int:
        return self._count

    @property
    def times(self) -> Floats:
        """All times in seconds, ascending; a view."""
        return self._t[: self._count]

    @property
    def values(self) -> Floats:
        """All values in the order of their times; a view."""
        return self._y[: self._count]

    def append(self, t_s: float, value: float) -> None:
        """Add one sample. One that is older than the last finds its place; one of the same time replaces it."""
        if self._count and t_s <= self._t[self._count - 1]:
            self.merge(np.array([t_s]), np.array([value]))
            return
        self._extend(np.array([t_s]), np.array([value]))

    def merge(self, t_s: Floats, values: Floats) -> None:
        """Add samples of any order, before, between or after those here; of two at one time the newer call wins."""
        order = np.argsort(t_s, kind="stable")
        t_s, values = t_s[order], values[order]
        if len(t_s) and np.all(np.diff(t_s) > 0) and (not self._count or t_s[0] > self._t[self._count - 1]):
            self._extend(t_s, values)
            return
        all_t = np.concatenate([self.times, t_s])
        all_y = np.concatenate([self.values, values])
        order = np.argsort(all_t, kind="stable")
        all_t, all_y = all_t[order], all_y[order]
        newest = np.append(all_t[1:] != all_t[:-1], True) if len(all_t) else np.empty(0, dtype=bool)
        self._count, self._levels = 0, []
        self._extend(all_t[newest], all_y[newest])

    def drop_before(self, index: int) -> None:
        """Forget the first ``index`` samples."""
        t_s, values = self.times[index:].copy(), self.values[index:].copy()
        self._count, self._levels = 0, []
        self._extend(t_s, values)

    def _extend(self, t_s: Floats, values: Floats) -> None:
        end = self._count + len(t_s)
        self._t = grown(self._t, self._count, end)
        self._y = grown(self._y, self._count, end)
        self._t[self._count : end] = t_s
        self._y[self._count : end] = values
        self._count = end
        self._summarise()

    def _summarise(self) -> None:
        depth, below = 0, self._count
        while below >= FACTOR:
            if depth == len(self._levels):
                self._levels.append(_Level())
            level = self._levels[depth]
            complete = below // FACTOR
            if complete > level.count:
                self._fill(level, depth, complete)
            below, depth = level.count, depth + 1

    def _fill(self, level: _Level, depth: int, complete: int) -> None:
        start, level_start = level.count * FACTOR, level.count
        stop = complete * FACTOR
        level.reserve(complete)
        if depth == 0:
            low = high = self._y[start:stop]
            first = last = self._t[start:stop]
            pause = np.zeros(stop - start)
        else:
            below = self._levels[depth - 1]
            low, high = below.low[start:stop], below.high[start:stop]
            first, last, pause = below.first[start:stop], below.last[start:stop], below.pause[start:stop]
        span = slice(level_start, complete)
        level.low[span] = low.reshape(-1, FACTOR).min(axis=1)
        level.high[span] = high.reshape(-1, FACTOR).max(axis=1)
        firsts, lasts = first.reshape(-1, FACTOR), last.reshape(-1, FACTOR)
        level.first[span] = firsts[:, 0]
        level.last[span] = lasts[:, -1]
        between = (firsts[:, 1:] - lasts[:, :-1]).max(axis=1)
        level.pause[span] = np.maximum(pause.reshape(-1, FACTOR).max(axis=1), between)
        level.count = complete

    def typical_interval_s(self) -> float:
        """Return the median distance of the last 200 samples in seconds; 0.0 with fewer than two."""
        recent = self.times[-200:]
        return float(np.median(np.diff(recent))) if len(recent) > 1 else 0.0

    def value_at(self, t_s: float, within_s: float) -> float | None:
        """Return the newest value at or before ``t_s``, or None when that is older than ``within_s``."""
        index = int(np.searchsorted(self.times, t_s, side="right")) - 1
        if index < 0 or t_s - self._t[index] > within_s:
            return None
        return float(self._y[index])

    def query(self, start_s: float, end_s: float, buckets: int, gap_s: float = np.inf) -> tuple[Floats, Floats]:
        """Return points to draw for a window of time, one sample beyond each edge included.

        Args:
            start_s, end_s: The window in seconds.
            buckets: About how many columns there are to draw; up to ``8 * buckets`` points come back.
            gap_s: A pause longer than this breaks the line with a NaN.

        Returns:
            Times and values. Their least and greatest value are exactly those of the samples in the window.
        """
        first = max(int(np.searchsorted(self.times, start_s, side="left")) - 1, 0)
        stop = min(int(np.searchsorted(self.times, end_s, side="right")) + 1, self._count)
        depth = self._depth(stop - first, buckets)
        if depth == 0:
            return with_gaps(self._t[first:stop], self._y[first:stop], gap_s)
        size = FACTOR**depth
        bucket_first = -(-first // size)
        bucket_stop = min(stop // size, self._levels[depth - 1].count)
        if bucket_first >= bucket_stop:
            return with_gaps(self._t[first:stop], self._y[first:stop], gap_s)
        # Head and tail each share one real sample with the columns, so that a pause there shows as well.
        head = slice(first, bucket_first * size + 1)
        tail = slice(bucket_stop * size - 1, stop)
        parts = (
            with_gaps(self._t[head], self._y[head], gap_s),
            _columns(self._levels[depth - 1], slice(bucket_first, bucket_stop), gap_s),
            with_gaps(self._t[tail], self._y[tail], gap_s),
        )
        return np.concatenate([t for t, _ in parts]), np.concatenate([y for _, y in parts])

    def _depth(self, samples: int, buckets: int) -> int:
        depth = 0
        while depth < len(self._levels) and samples // FACTOR ** (depth + 1) >= buckets:
            depth += 1
        return depth


def _columns(level: _Level, span: slice, gap_s: float) -> tuple[Floats, Floats]:
    """Return both extremes of each bucket at its first time, and after a pause inside it again at its last."""
    first, last = level.first[span], level.last[span]
    low, high = level.low[span], level.high[span]
    void = np.full(len(first), np.nan)
    t_s = np.column_stack([first, first, first, last, last, last])
    values = np.column_stack([low, high, void, low, high, void])
    keep = np.zeros(t_s.shape, dtype=bool)
    keep[:, :2] = True
    keep[:, 2:5] = (level.pause[span] > gap_s)[:, None]
    keep[:-1, 5] = first[1:] - last[:-1] > gap_s
    return t_s[keep], values[keep]


def with_gaps(t_s: Floats, values: Floats, gap_s: float) -> tuple[Floats, Floats]:
    """Return the points with a NaN put in wherever the pause between two is longer than ``gap_s``."""
    cuts = np.flatnonzero(np.diff(t_s) > gap_s) + 1
    if not len(cuts):
        return t_s, values
    return np.insert(t_s, cuts, t_s[cuts]), np.insert(values, cuts, np.nan)
