"""What a real sensor does to a true value. One class a kind; a device file lists them in order."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import msgspec

from iotlab.emulator.sources import HOUR_S, NotNegative, Positive

Filter = Callable[[float, float], float]
"""(value, elapsed_s) → value."""

NOISE_LIMIT_SIGMA = 4.0


class Effect(msgspec.Struct, frozen=True):
    """Base of all effects."""

    def filter(self, rng: Random) -> Filter:
        """Return the function from a value and its time to what the sensor makes of it; times come in order."""
        raise NotImplementedError

    def describe(self) -> str:
        """Return one phrase for a person."""
        raise NotImplementedError


class Noise(Effect, frozen=True):
    """Gaussian noise, cut at ± 4 sigma so that a file's author can say what a value never exceeds."""

    sigma: NotNegative

    def filter(self, rng: Random) -> Filter:
        limit = NOISE_LIMIT_SIGMA * self.sigma
        return lambda value, _: value + max(-limit, min(limit, rng.gauss(0.0, self.sigma)))

    def describe(self) -> str:
        return f"noise ± {self.sigma:g}"


class Quantise(Effect, frozen=True):
    """The nearest multiple of ``step``, as an analogue-digital converter or a pulse counter gives it."""

    step: Positive

    def filter(self, rng: Random) -> Filter:  # noqa: ARG002  a converter needs no chance
        return lambda value, _: round(value / self.step) * self.step

    def describe(self) -> str:
        return f"in steps of {self.step:g}"


class Clip(Effect, frozen=True):
    """Never below ``low`` nor above ``high``: the sensor's range."""

    low: float = -math.inf
    high: float = math.inf

    def filter(self, rng: Random) -> Filter:  # noqa: ARG002  a range needs no chance
        return lambda value, _: max(self.low, min(self.high, value))

    def describe(self) -> str:
        bounds = {"never below": self.low, "never above": self.high}
        return " and ".join(f"{text} {bound:g}" for text, bound in bounds.items() if math.isfinite(bound))


class Drift(Effect, frozen=True):
    """A linear drift of ``per_hour``."""

    per_hour: float

    def filter(self, rng: Random) -> Filter:  # noqa: ARG002  a drift needs no chance
        return lambda value, elapsed_s: value + self.per_hour * elapsed_s / HOUR_S

    def describe(self) -> str:
        return f"drifting {self.per_hour:+g} an hour"


class Lag(Effect, frozen=True):
    """A slow sensor: it has made up about two thirds of a change after ``time_s`` (a first-order lag)."""

    time_s: Positive

    def filter(self, rng: Random) -> Filter:  # noqa: ARG002  inertia needs no chance
        state: float | None = None
        last_s = 0.0

        def lagged(value: float, elapsed_s: float) -> float:
            nonlocal state, last_s
            if state is None:
                state = value
            state += (value - state) * (1.0 - math.exp(-(elapsed_s - last_s) / self.time_s))
            last_s = elapsed_s
            return state

        return lagged

    def describe(self) -> str:
        return f"following with {self.time_s:g} s"


EFFECTS: dict[str, type[Effect]] = {
    "noise": Noise,
    "quantise": Quantise,
    "clip": Clip,
    "drift": Drift,
    "lag": Lag,
}
"""The word in a device file → what it stands for. A new kind is one class and one line here."""
