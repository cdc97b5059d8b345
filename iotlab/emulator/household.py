"""Sources for a day in a house: courses by the clock, and things that people do at about the same time every day."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Annotated

import msgspec

from iotlab.emulator.sources import DAY_S, HOUR_S, Now, Positive, Sampler, Source

Hour = Annotated[float, msgspec.Meta(ge=0, lt=24)]
"""An hour of the day in UTC; 6.5 is half past six."""


class Course(Source, frozen=True):
    """Straight from point to point through the day, and from the last one on to the first of the next day.

    Attributes:
        points: (hour, value), in any order.
    """

    points: Annotated[tuple[tuple[Hour, float], ...], msgspec.Meta(min_length=2)]

    def sampler(self, rng: Random) -> Sampler:  # noqa: ARG002  a timetable needs no chance
        points = sorted(self.points)
        (first_h, first), (last_h, last) = points[0], points[-1]
        around = [(last_h - 24, last), *points, (first_h + 24, first)]

        def sample(now: Now) -> float:
            hour = now.day_s / HOUR_S
            for (begin, low), (end, high) in pairwise(around):
                if begin <= hour < end:
                    return low + (high - low) * (hour - begin) / (end - begin)
            return last

        return sample

    def describe(self) -> str:
        return "through the day " + ", ".join(f"{value:g} at {hour:g} h" for hour, value in sorted(self.points))


class Uses(Source, frozen=True):
    """``value`` while something is used, else 0: showers, kettles, doors. Each day's times come from the seed.

    Attributes:
        times: How often a day.
        between: The hours within which each use begins.
        lasts_s: Shortest and longest use.
        value: What one use adds; two at once add no more than one.
    """

    times: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    between: tuple[Hour, Hour]
    lasts_s: tuple[Positive, Positive]
    value: float = 1.0

    def sampler(self, rng: Random) -> Sampler:
        midnight_s = float("-inf")
        uses: list[tuple[float, float]] = []

        def sample(now: Now) -> float:
            nonlocal midnight_s, uses
            # A time stamp is rounded to a millisecond: the same midnight is not always found to the last digit.
            if now.elapsed_s - now.day_s > midnight_s + DAY_S / 2:
                midnight_s = now.elapsed_s - now.day_s
                uses = [self._draw(rng) for _ in range(self.times)]
            return self.value if any(begin <= now.day_s < end for begin, end in uses) else 0.0

        return sample

    def describe(self) -> str:
        (first, last), (shortest, longest) = self.between, self.lasts_s
        return f"{self.value:g} for {shortest:g} to {longest:g} s, {self.times} times from {first:g} to {last:g} h"

    def _draw(self, rng: Random) -> tuple[float, float]:
        begin_s = rng.uniform(*self.between) * HOUR_S
        return begin_s, begin_s + rng.uniform(*self.lasts_s)
