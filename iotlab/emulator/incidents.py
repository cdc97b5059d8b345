"""Planted incidents: what goes wrong, where and when. All of it follows from the seed, so that alarms can be scored.

A run is cut into windows of equal length. In each window every plan happens once, on one device of its candidates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec

from iotlab.emulator.chance import chance
from iotlab.emulator.sources import NotNegative, Positive

FULL = 1.0

Kind = Literal["level", "stuck", "silent", "reset"]
"""What goes wrong. level: the channel goes to a value. stuck: it stays at its last one. silent: nothing comes of the
device at all. reset: a counter begins anew, as a changed meter or a broken battery makes it."""


class Plan(msgspec.Struct, frozen=True):
    """One kind of incident, as a scenario file describes it.

    Attributes:
        name: For a person, such as ``Water leak``.
        rule: The id of the alarm rule that must notice it.
        channel: The channel that goes wrong.
        candidates: Ids of the devices on one of which it happens.
        start_s: Earliest and latest begin, in seconds since the window began.
        to: What the channel says while the incident is at its full, or the counter after its reset.
        rise_s, full_s, fall_s: From normal to ``to``, how long it stays there, and back.
        hold_s: How long it must be at its full for the rule to notice it, such as the rule's hold time.
        kind: See `Kind`.
        near_miss: It only looks like trouble: the rule must not raise an alarm.
    """

    name: str
    rule: str
    channel: str
    candidates: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    start_s: tuple[NotNegative, NotNegative]
    full_s: Positive
    to: float = 0.0
    rise_s: NotNegative = 0.0
    fall_s: NotNegative = 0.0
    hold_s: NotNegative = 0.0
    kind: Kind = "level"
    near_miss: bool = False

    @property
    def latest_end_s(self) -> float:
        """Return when it is over at the latest, in seconds since the window began."""
        return self.start_s[1] + self.rise_s + self.full_s + self.fall_s


class Incident(msgspec.Struct, frozen=True):
    """One plan in one window: it happens on ``device`` from `start_s` to `end_s`, in seconds since the run began."""

    plan: Plan
    device: str
    start_s: float

    @property
    def end_s(self) -> float:
        """Return when the channel is normal again."""
        return self.start_s + self.plan.rise_s + self.plan.full_s + self.plan.fall_s

    def weight(self, elapsed_s: float) -> float:
        """Return how far the channel has gone from normal (0) to `Plan.to` (1): straight up and down."""
        plan = self.plan
        since_s = elapsed_s - self.start_s
        left_s = self.end_s - elapsed_s
        if since_s < 0 or left_s < 0:
            return 0.0
        if since_s < plan.rise_s:
            return since_s / plan.rise_s
        if left_s < plan.fall_s:
            return left_s / plan.fall_s
        return FULL


class Calendar:
    """All incidents of a run, window by window.

    Args:
        plans: What may happen. A plan without any candidate among ``devices`` never does.
        devices: Ids of the devices that take part.
        seed: Where and when follow from it.
        every_s: Length of a window.
    """

    def __init__(self, plans: Sequence[Plan], devices: Iterable[str], *, seed: int, every_s: float) -> None:
        present = frozenset(devices)
        self._plans = [(plan, [name for name in plan.candidates if name in present]) for plan in plans]
        self._seed = seed
        self._every_s = every_s
        self._window = -1
        self._by_device: dict[str, list[Incident]] = {}

    def window(self, index: int) -> list[Incident]:
        """Return the incidents of one window, earliest first."""
        found = [self._incident(plan, names, index) for plan, names in self._plans if names]
        return sorted(found, key=lambda incident: incident.start_s)

    def active(self, device: str, elapsed_s: float) -> list[Incident]:
        """Return the incidents of that device in the window of that moment; their weight may be 0."""
        index = math.floor(elapsed_s / self._every_s)
        if index != self._window:
            self._window = index
            self._by_device = {}
            for incident in self.window(index):
                self._by_device.setdefault(incident.device, []).append(incident)
        return self._by_device.get(device, [])

    def _incident(self, plan: Plan, names: list[str], index: int) -> Incident:
        key = f"{plan.name}:{index}"
        # Each candidate draws its own lot: a candidate that is added changes the choice only if it wins.
        device = max(names, key=lambda name: chance(self._seed, name, key).random())
        first_s, last_s = plan.start_s
        start_s = chance(self._seed, "incident", key).uniform(first_s, last_s)
        return Incident(plan, device, index * self._every_s + round(start_s, 3))
