"""Days of a machine's temperature, one reading in five minutes, and what a network and a clock do to them.

What must be noticed follows from how the series is made, not from any rule's code: each episode is a list of values
with a known reading at which it passes a limit. Noise and the daily course stay away from all limits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import msgspec

START_US = 1_763_942_400_000_000
STEP_S = 300
STEP_US = STEP_S * 1_000_000
BOOT = "b1"

RULES = """
[[rule]]
id = "overheat"
channel = "temperature"
above = 88
clear = 84
hold_s = 900
escalate = { severity = "critical", above = 95, hold_s = 600 }

[[rule]]
id = "sudden-drop"
channel = "temperature"
falls_by = 20
within_s = 900
clear = 5
severity = "critical"

[[rule]]
id = "drift"
channel = "temperature"
above = 78
clear = 76
hold_s = 14400
severity = "info"

[[rule]]
id = "shutdown"
channel = "temperature"
below = 35
clear = 38
hold_s = 1800
"""


class Step(NamedTuple):
    """What a rule must do: at the reading ``at``, or for a hold, that many readings after it began at ``at``."""

    rule: str
    what: str
    severity: str
    at: int
    hold: int = 0


class Shape(NamedTuple):
    """An episode: its values from its first reading on, and what must be noticed, by place among these values."""

    values: list[float]
    steps: list[Step]


OVERHEAT = Shape(
    [76, 80, 84, 87, 90, 92, 94, *[97] * 25, 93, 89, 86, 83, 80, 77, 75, 73, 71],
    [
        # Above 88 from the fifth value on, which is number 4; above 95 from number 7 on.
        Step("overheat", "raised", "warning", 4, 3),
        Step("overheat", "escalated", "critical", 7, 2),
        Step("overheat", "deescalated", "warning", 32),
        Step("overheat", "cleared", "", 35),
    ],
)
DROP = Shape(
    [42] * 8,
    # The highest of the last 15 minutes is the one before the drop, up to the third reading after it.
    [Step("sudden-drop", "raised", "critical", 0), Step("sudden-drop", "cleared", "", 3)],
)
DRIFT = Shape(
    [*[73] * 6, *[74] * 6, *[75] * 6, *[76] * 6, *[77] * 6, *[79] * 6, *[80] * 12, *[81] * 12, *[82] * 12, *[83] * 12,
     *[77] * 3, 75, 73],
    [Step("drift", "raised", "info", 30, 48), Step("drift", "cleared", "", 87)],
)  # fmt: skip
SHUTDOWN = Shape(
    [66, 62, 58, 54, 50, 46, 42, 38, 34, 31, 28, *[26] * 40, 30, 34, 39, 44, 50, 57, 64],
    [Step("shutdown", "raised", "warning", 8, 6), Step("shutdown", "cleared", "", 53)],
)
SPIKE = Shape([91, 91, 84, 78, 73], [])
"""Two readings too hot: less than the 15 minutes for which it must last."""

PLAN = (
    (OVERHEAT, 150), (DROP, 320), (SPIKE, 420), (SHUTDOWN, 500), (DRIFT, 760), (SPIKE, 960), (OVERHEAT, 1040),
    (DROP, 1220), (SHUTDOWN, 1330), (OVERHEAT, 1480), (DROP, 1640),
)  # fmt: skip
"""What happens, and about when: up to 60 readings later, from the seed."""

READINGS = 1728
OUTAGES, OUTAGE = 5, 12
SWAPS = 40
DUPLICATES = 0.08
HOUR_S = 3600


class Delivery(NamedTuple):
    """One message as it reaches the lab: when, and what it says. ``number`` is its place in the series."""

    arrives_us: int
    number: int
    payload: bytes


class Series:
    """One seeded series.

    The device's clock is right, then an hour behind from the second or third day on, right again from the fourth, an
    hour ahead for some hours of the fifth, and right to the end. While it is right there are outages, after which an
    hour of readings comes at once. All over the series neighbours change places, and messages come again.

    Attributes:
        deliveries: Every message as it arrives, in order.
        expected: (time in µs, rule, what, severity) of every transition, in order.
    """

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)
        self._episodes = [(shape, first + self._chance.randrange(60)) for shape, first in PLAN]
        # Set back shortly before a drop of 40 minutes: who waits for the clock to catch up never sees it.
        behind = self._episodes[1][1] - self._chance.randrange(6)
        self._set_at = [behind, *(self._chance.randrange(first, first + 200) for first in (900, 1200, 1400))]
        self._values = self._measure()
        self._arrives_us = [_time_us(number) for number in range(READINGS)]
        self._delay()
        self._swap()
        self.deliveries = sorted(self._deliver(), key=lambda one: one.arrives_us)
        self.expected = sorted(self._expect())

    @property
    def clock_was_set(self) -> list[tuple[int, int]]:
        """Return the readings from which on the device's clock shows something else, and by how many seconds."""
        return list(zip(self._set_at, (-HOUR_S, 0, HOUR_S, 0), strict=True))

    def _measure(self) -> list[float]:
        values = [70.0 + 2.0 * math.sin(math.tau * number * STEP_S / 86_400) for number in range(READINGS)]
        for shape, first in self._episodes:
            values[first : first + len(shape.values)] = shape.values
        return [round(value + self._chance.uniform(-0.3, 0.3), 1) for value in values]

    def _delay(self) -> None:
        """Let an hour of readings arrive together with its last one, some times."""
        behind, right, ahead, right_again = self._set_at
        # A short peak of which only the first half is known is an alarm, and rightly so.
        peaks = {first + n for shape, first in self._episodes if shape is SPIKE for n in (1, 2)}
        where = [*range(10, behind - OUTAGE), *range(right, ahead - OUTAGE), *range(right_again, READINGS - OUTAGE)]
        for first in self._chance.sample([number for number in where if number not in peaks], OUTAGES):
            for number in range(first, first + OUTAGE):
                self._arrives_us[number] = max(self._arrives_us[number], _time_us(first + OUTAGE - 1))

    def _swap(self) -> None:
        """Let a reading arrive a second after the next one, where no limit is passed."""
        edges = {number for shape, first in self._episodes for number in _edges(shape, first)}
        calm = [number for number in range(READINGS - 1) if number not in edges and not self._is_late(number)]
        for number in self._chance.sample(calm, SWAPS):
            self._arrives_us[number] = _time_us(number + 1) + 1_000_000

    def _is_late(self, number: int) -> bool:
        return any(self._arrives_us[n] != _time_us(n) for n in (number, number + 1) if n < READINGS)

    def _deliver(self) -> Iterator[Delivery]:
        for number, arrives_us in enumerate(self._arrives_us):
            payload = msgspec.json.encode(
                {
                    "boot_id": BOOT,
                    "seq": number,
                    "ts": (_time_us(number) + self._clock_is_off_s(number) * 1_000_000) // 1000,
                    "values": {"temperature": self._values[number]},
                }
            )
            yield Delivery(arrives_us, number, payload)
            if self._chance.random() < DUPLICATES:
                yield Delivery(arrives_us + self._chance.choice((0, 1, 1200)) * 1_000_000, number, payload)

    def _clock_is_off_s(self, number: int) -> int:
        return next((off_s for first, off_s in reversed(self.clock_was_set) if number >= first), 0)

    def _expect(self) -> Iterator[tuple[int, str, str, str]]:
        for shape, first in self._episodes:
            for step in shape.steps:
                began, ended = first + step.at, first + step.at + step.hold
                # A hold ends so long after its first reading came, or with a reading that was measured so much later.
                held_us = self._arrives_us[began] + step.hold * STEP_US
                yield min(held_us, self._arrives_us[ended]), step.rule, step.what, step.severity


def _time_us(number: int) -> int:
    return START_US + number * STEP_US


def _edges(shape: Shape, first: int) -> Iterator[int]:
    """Yield the readings around which something is noticed; all of a short episode."""
    if len(shape.values) < 10:
        yield from range(first - 4, first + len(shape.values) + 4)
    for step in shape.steps:
        for number in (first + step.at, first + step.at + step.hold):
            yield from range(number - 4, number + 5)
