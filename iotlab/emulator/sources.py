"""What a channel's value does over time. One class a kind; a device file names it and sets its fields.

A source is a record of numbers. `sampler` turns it into a function from a moment to a value, whose whole randomness
is the generator that it is given: the same seed gives the same values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random
from typing import Annotated, NamedTuple

import msgspec

DAY_S = 86_400.0
HOUR_S = 3_600.0

Positive = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]


class Now(NamedTuple):
    """The moment that a value is asked for.

    Attributes:
        elapsed_s: Seconds since the run began; never steps back.
        day_s: Seconds since midnight UTC.
        values: What the channels above this one in the same message say.
    """

    elapsed_s: float
    day_s: float
    values: Mapping[str, float] = {}


Sampler = Callable[[Now], float]


class Source(msgspec.Struct, frozen=True):
    """Base of all sources."""

    def sampler(self, rng: Random) -> Sampler:
        """Return the function from a moment to a value; moments are asked for in order."""
        raise NotImplementedError

    def describe(self) -> str:
        """Return one phrase for a person."""
        raise NotImplementedError


class Constant(Source, frozen=True):
    """Always the same."""

    value: float

    def sampler(self, rng: Random) -> Sampler:  # noqa: ARG002  a constant needs no chance
        return lambda _: self.value

    def describe(self) -> str:
        return f"always {self.value:g}"


class Sine(Source, frozen=True):
    """A wave of ``period_s`` around ``mean``; its phase comes from the seed."""

    mean: float
    amplitude: float
    period_s: Positive

    def sampler(self, rng: Random) -> Sampler:
        phase = rng.random()
        return lambda now: self.mean + self.amplitude * math.sin(math.tau * (now.elapsed_s / self.period_s + phase))

    def describe(self) -> str:
        return f"a sine of {self.mean:g} ± {self.amplitude:g} every {self.period_s:g} s"


class Triangle(Source, frozen=True):
    """Straight up from ``low`` to ``high`` and down again in ``period_s``; its phase comes from the seed."""

    low: float
    high: float
    period_s: Positive

    def sampler(self, rng: Random) -> Sampler:
        phase = rng.random()

        def sample(now: Now) -> float:
            turn = (now.elapsed_s / self.period_s + phase) % 1.0
            return self.low + (self.high - self.low) * (1.0 - abs(2.0 * turn - 1.0))

        return sample

    def describe(self) -> str:
        return f"a triangle from {self.low:g} to {self.high:g} every {self.period_s:g} s"


class Square(Source, frozen=True):
    """``high`` for the share ``duty`` of each ``period_s``, else ``low``; its phase comes from the seed."""

    low: float
    high: float
    period_s: Positive
    duty: Share = 0.5

    def sampler(self, rng: Random) -> Sampler:
        phase = rng.random()
        return lambda now: (
            self.high if (now.elapsed_s / self.period_s + phase) % 1.0 < self.duty else self.low
        )  # fmt: skip

    def describe(self) -> str:
        return f"{self.high:g} for {self.duty:.0%} of every {self.period_s:g} s, else {self.low:g}"


class Ramp(Source, frozen=True):
    """Straight from ``start`` to ``end`` in ``over_s``, then it stays; or begins anew with ``repeat``."""

    start: float
    end: float
    over_s: Positive
    repeat: bool = False

    def sampler(self, rng: Random) -> Sampler:  # noqa: ARG002  a ramp needs no chance
        def sample(now: Now) -> float:
            share = now.elapsed_s / self.over_s
            share = share % 1.0 if self.repeat else min(share, 1.0)
            return self.start + (self.end - self.start) * share

        return sample

    def describe(self) -> str:
        again = ", again and again" if self.repeat else ""
        return f"a ramp from {self.start:g} to {self.end:g} in {self.over_s:g} s{again}"


class Diurnal(Source, frozen=True):
    """The day's wave: highest at ``peak_hour`` UTC, lowest twelve hours later, never below ``floor``."""

    mean: float
    amplitude: float
    peak_hour: float = 15.0
    floor: float | None = None

    def sampler(self, rng: Random) -> Sampler:  # noqa: ARG002  the sun needs no chance
        def sample(now: Now) -> float:
            turn = (now.day_s - self.peak_hour * HOUR_S) / DAY_S
            value = self.mean + self.amplitude * math.cos(math.tau * turn)
            return value if self.floor is None else max(value, self.floor)

        return sample

    def describe(self) -> str:
        return f"the day's wave of {self.mean:g} ± {self.amplitude:g}, highest at {self.peak_hour:g} h UTC"


class Walk(Source, frozen=True):
    """A random walk that is drawn back to ``mean``: an Ornstein-Uhlenbeck process on a grid of ``step_s``.

    Attributes:
        mean: Where it returns to.
        spread: Standard deviation in the long run; it never leaves mean ± 3 spread.
        memory_s: After this time about a third of a deviation is left.
        step_s: The grid; a walk over days needs no second by second.
    """

    mean: float
    spread: NotNegative
    memory_s: Positive = 60.0
    step_s: Positive = 1.0

    def sampler(self, rng: Random) -> Sampler:
        keep = math.exp(-self.step_s / self.memory_s)
        shock = self.spread * math.sqrt(1.0 - keep * keep)
        limit = 3.0 * self.spread
        step = 0
        before = max(-limit, min(limit, rng.gauss(0.0, self.spread)))
        after = max(-limit, min(limit, before * keep + rng.gauss(0.0, shock)))

        def sample(now: Now) -> float:
            nonlocal step, before, after
            steps = now.elapsed_s / self.step_s
            while steps >= step + 1:
                step += 1
                before, after = after, max(-limit, min(limit, after * keep + rng.gauss(0.0, shock)))
            return self.mean + before + (after - before) * (steps - step)

        return sample

    def describe(self) -> str:
        return f"a random walk around {self.mean:g}, within ± {3 * self.spread:g}"


class Switch(Source, frozen=True):
    """On and off by chance (a Markov chain): ``on`` for ``on_s`` on average, ``off`` for ``off_s`` on average."""

    on_s: Positive
    off_s: Positive
    on: float = 1.0
    off: float = 0.0

    def sampler(self, rng: Random) -> Sampler:
        is_on = rng.random() < self.on_s / (self.on_s + self.off_s)
        until_s = rng.expovariate(1.0 / (self.on_s if is_on else self.off_s))

        def sample(now: Now) -> float:
            nonlocal is_on, until_s
            while now.elapsed_s >= until_s:
                is_on = not is_on
                until_s += rng.expovariate(1.0 / (self.on_s if is_on else self.off_s))
            return self.on if is_on else self.off

        return sample

    def describe(self) -> str:
        return f"{self.on:g} for about {self.on_s:g} s, then {self.off:g} for about {self.off_s:g} s"


class Counter(Source, frozen=True):
    """Grows by ``per_s`` from ``start``, and begins at 0 again at ``rollover`` if that is set."""

    per_s: NotNegative
    start: float = 0.0
    rollover: Positive | None = None

    def sampler(self, rng: Random) -> Sampler:  # noqa: ARG002  a counter needs no chance
        return lambda now: _rolled(self.start + self.per_s * now.elapsed_s, self.rollover)

    def describe(self) -> str:
        return f"a counter from {self.start:g} by {self.per_s:g} a second"


class Integral(Source, frozen=True):
    """A counter that adds up another channel of the same device: a meter.

    Attributes:
        of: The channel; it stands above this one in the file.
        per_s: What one unit of that channel adds in one second: litres a minute to m3 is 1 / 60,000.
        start: The counter at the beginning.
        rollover: Where it begins at 0 again.
    """

    of: str
    per_s: float
    start: float = 0.0
    rollover: Positive | None = None

    def sampler(self, rng: Random) -> Sampler:  # noqa: ARG002  a meter needs no chance
        total = self.start
        last_s = 0.0

        def sample(now: Now) -> float:
            nonlocal total, last_s
            total = _rolled(total + now.values[self.of] * self.per_s * (now.elapsed_s - last_s), self.rollover)
            last_s = now.elapsed_s
            return total

        return sample

    def describe(self) -> str:
        return f"the sum of {self.of} over time, from {self.start:g}"


class Linear(Source, frozen=True):
    """``factor`` times another channel of the device, which stands above this one, ``plus`` a constant."""

    of: str
    factor: float
    plus: float = 0.0

    def sampler(self, rng: Random) -> Sampler:  # noqa: ARG002  arithmetic needs no chance
        return lambda now: self.factor * now.values[self.of] + self.plus

    def describe(self) -> str:
        return f"{self.factor:g} times {self.of} + {self.plus:g}"


def _rolled(value: float, rollover: float | None) -> float:
    return value if rollover is None else value % rollover
