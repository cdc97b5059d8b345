"""Which figures are beyond a limit, and which are far enough back: constant limits, and limits that a device has."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from iotlab.triggers.sentence import shown_number
from iotlab.triggers.sight import Sight

Side = Literal["above", "below"]


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """A limit on one or both sides. A figure equal to a limit is not beyond it.

    Attributes:
        low, high: Figures below ``low`` or above ``high`` are beyond; infinite where there is no limit.
        inside: True to have the figures between the two beyond instead.
        clear_low, clear_high: From where on a figure is back: between them, or with ``inside`` outside of them.
    """

    low: float = -math.inf
    high: float = math.inf
    inside: bool = False
    clear_low: float = -math.inf
    clear_high: float = math.inf

    def is_beyond(self, figure: float) -> bool:
        """Say whether the figure is on the wrong side."""
        if self.inside:
            return self.low < figure < self.high
        return figure > self.high or figure < self.low

    def is_back(self, figure: float) -> bool:
        """Say whether the figure is far enough on the right side to clear an alarm."""
        if self.inside:
            return figure <= self.clear_low or figure >= self.clear_high
        return self.clear_low <= figure <= self.clear_high

    @property
    def limit(self) -> str:
        """The limit for a person, without its side: ``12``, or ``2 to 8``."""
        numbers = [shown_number(limit) for limit in (self.low, self.high) if math.isfinite(limit)]
        return " to ".join(numbers)

    @property
    def side(self) -> str:
        """Where the figures that are beyond lie: above, below, outside or inside."""
        if self.inside:
            return "inside"
        if math.isinf(self.low):
            return "above"
        return "below" if math.isinf(self.high) else "outside"


def above(limit: float, clear: float | None = None) -> Bounds:
    """Return the bounds of figures that must not be above a limit."""
    return Bounds(high=limit, clear_high=limit if clear is None else clear)


def below(limit: float, clear: float | None = None) -> Bounds:
    """Return the bounds of figures that must not be below a limit."""
    return Bounds(low=limit, clear_low=limit if clear is None else clear)


class Referred(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that each device has for itself.

    Attributes:
        side: On which side of the limit figures are beyond it.
        attribute: A number among the attributes of the device's item, or empty.
        channel: A channel of the device, such as its set point; one of the two is given.
        plus: Added to it.
        default: Taken where the device has none; without it such a device is not judged.
        hysteresis: How far on the right side of the limit a figure is back.
    """

    side: Side
    attribute: str = ""
    channel: str = ""
    plus: float = 0.0
    default: float | None = None
    hysteresis: float = 0.0

    def of(self, sight: Sight) -> Bounds | None:
        """Return the bounds of the device that is looked at, or None when it has none."""
        found = sight.attribute(self.attribute) if self.attribute else sight.number(self.channel)
        if found is None:
            found = self.default
        if found is None:
            return None
        limit = found + self.plus
        return (
            above(limit, limit - self.hysteresis) if self.side == "above" else below(limit, limit + self.hysteresis)
        )
