"""Alarm rules as the evaluator uses them: which rules watch which channel of which device."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from iotlab.clock import US_PER_S
from iotlab.domain.alarm import Severity
from iotlab.triggers.bounds import Bounds, above, below
from iotlab.triggers.conditions import Condition, Level, Look
from iotlab.triggers.conditions_over_time import ChangedSince, Resets, Silent
from iotlab.triggers.schedules import Schedule
from iotlab.triggers.sentence import DEFAULT_MESSAGE, Sentence

_GLOB_MARKS = frozenset("*?[")
_PREFIX = re.compile(r"[^*?\[]*")
_CACHED_DEVICES = 100_000
_REPEAT_MEMORY_US = 86_400 * US_PER_S

ChannelRules = Mapping[str, tuple["Rule", ...]]


class Escalation(msgspec.Struct, frozen=True, kw_only=True):
    """A higher severity of an open alarm.

    Attributes:
        severity: Which.
        bounds: Limits of its own for the rule's figure; None to escalate by time alone.
        hold_s: How long the figure must stay beyond them, or the rule's condition must hold, from the raise on.
        keep_s: How long the figure must be back before the severity falls again. By time alone it does not fall.
    """

    severity: Severity
    bounds: Bounds | None = None
    hold_s: float = 0.0
    keep_s: float = 0.0


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One condition, what it applies to, and how its alarm behaves.

    Attributes:
        id: Unique; the first part of the alarm's key.
        name: For a person.
        channel: The channel that the alarm is about; empty for a device of which nothing comes.
        device: A device's id or a glob such as ``kitchen-*``; None for any. Selectors are AND-ed.
        device_type, room: Exact; None for any.
        above, below: The threshold of a plain level, instead of ``when``.
        clear: Such an alarm clears at or below this (``above``), or at or above it (``below``).
        when: Any other condition.
        clear_when: Another condition that ends the alarm, instead of the end of the first one.
        hold_s: How long the condition must hold before the alarm is raised.
        repeat: How many readings, one after the other, must fulfil it.
        keep_s: How long it must be over before the alarm clears.
        schedule: When alarms begin; None always.
        severity: info, warning or critical.
        escalations: Higher severities, in order.
        message: Template of the alarm's sentence.
    """

    id: str
    name: str
    channel: str
    device: str | None = None
    device_type: str | None = None
    room: str | None = None
    above: float | None = None
    below: float | None = None
    clear: float | None = None
    when: Condition | None = None
    clear_when: Condition | None = None
    hold_s: float = 0.0
    repeat: int = 1
    keep_s: float = 0.0
    schedule: Schedule | None = None
    severity: Severity = "warning"
    escalations: tuple[Escalation, ...] = ()
    message: str = DEFAULT_MESSAGE

    @property
    def condition(self) -> Condition:
        """What is watched."""
        if self.when is not None:
            return self.when
        limit = self.threshold
        bounds = above(limit, self.clear) if self.above is not None else below(limit, self.clear)
        return Level(channel=self.channel, bounds=bounds)

    @property
    def threshold(self) -> float:
        """The limit of a plain level."""
        limit = self.above if self.above is not None else self.below
        if limit is None:
            raise ValueError(f"rule {self.id} has neither above nor below")
        return limit

    @property
    def hold_us(self) -> int:
        """The hold in µs."""
        return round(self.hold_s * US_PER_S)

    @property
    def keep_us(self) -> int:
        """How long an alarm stays after its condition is over, in µs."""
        return round(self.keep_s * US_PER_S)

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that it looks at; empty text for any."""
        ending = () if self.clear_when is None else self.clear_when.channels
        return tuple(dict.fromkeys(self.condition.channels + ending))

    @property
    def memory_us(self) -> int:
        """How far back the readings reach that it must know after a start."""
        spans = [one.memory_us for one in (self.condition, self.clear_when) if one is not None]
        return max(*spans, _REPEAT_MEMORY_US if self.repeat > 1 else 0)

    @property
    def plain_bounds(self) -> Bounds | None:
        """The bounds of a rule that needs nothing but the channel's value, else None."""
        level = self.condition
        if self.clear_when or self.schedule or self.escalations or self.repeat > 1 or self.keep_s:
            return None
        return level.constant if isinstance(level, Level) else None

    @property
    def silence(self) -> Silent | None:
        """Its condition, when that is that nothing comes."""
        return self.when if isinstance(self.when, Silent) else None

    @property
    def is_moment(self) -> bool:
        """Whether the condition holds for a moment only, so that each time it holds is worth telling."""
        return isinstance(self.when, ChangedSince | Resets)

    @property
    def severities(self) -> tuple[Severity, ...]:
        """Its severity, and those that it can rise to."""
        return (self.severity, *(one.severity for one in self.escalations))

    def levels(self, look: Look) -> tuple[tuple[bool | None, bool | None], ...]:
        """Return for each escalation whether a look is beyond its limits, and whether it is back."""
        return tuple(_level(one, look) for one in self.escalations)


def _level(escalation: Escalation, look: Look) -> tuple[bool | None, bool | None]:
    if escalation.bounds is None:
        return look.beyond, False
    if look.figure is None:
        return None, None
    return escalation.bounds.is_beyond(look.figure), escalation.bounds.is_back(look.figure)


class Quiet(msgspec.Struct, frozen=True):
    """The values of one channel that no rule of a device has anything to say to, as long as it has no alarm.

    Attributes:
        low, high: The values from one to the other.
    """

    low: float
    high: float


def quiet_values(rules: Iterable[Rule]) -> Quiet | None:
    """Return the values at which none of the rules begins anything; None where that can't be told from the value."""
    low, high = -math.inf, math.inf
    for rule in rules:
        bounds = rule.plain_bounds
        if bounds is None or bounds.inside:
            return None
        low, high = max(low, bounds.low), min(high, bounds.high)
    return Quiet(low, high)


class RuleSet:
    """All rules, indexed so that a device's rules are found once and then looked up.

    Args:
        rules: Rules with different ids.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules: dict[str, Rule] = {rule.id: rule for rule in rules}
        self._order = {rule_id: number for number, rule_id in enumerate(self.rules)}
        self._sentences = {rule.id: Sentence(rule.message) for rule in self.rules.values()}
        self._by_device: dict[str, list[Rule]] = {}
        self._by_prefix: dict[str, list[tuple[Rule, re.Pattern[str]]]] = {}
        self._by_type: dict[str, list[Rule]] = {}
        self._by_room: dict[str, list[Rule]] = {}
        self._of_all: list[Rule] = []
        self._cache: dict[tuple[str, str, str], ChannelRules] = {}
        for rule in self.rules.values():
            self._index(rule)

    def __len__(self) -> int:
        return len(self.rules)

    def sentence(self, rule: Rule) -> Sentence:
        """Return the rule's parsed message."""
        return self._sentences[rule.id]

    def for_device(self, device: str, device_type: str, room: str) -> ChannelRules:
        """Return channel name → the rules that watch it on this device, in the order of the file. Cached."""
        key = (device, device_type, room)
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) >= _CACHED_DEVICES:
                self._cache.clear()
            found = self._cache[key] = self._select(device, device_type, room)
        return found

    def _index(self, rule: Rule) -> None:
        if rule.device is not None and not _GLOB_MARKS.intersection(rule.device):
            self._by_device.setdefault(rule.device, []).append(rule)
        elif rule.device is not None:
            prefix = _PREFIX.match(rule.device)
            pattern = re.compile(fnmatch.translate(rule.device))
            self._by_prefix.setdefault(prefix[0] if prefix else "", []).append((rule, pattern))
        elif rule.device_type is not None:
            self._by_type.setdefault(rule.device_type, []).append(rule)
        elif rule.room is not None:
            self._by_room.setdefault(rule.room, []).append(rule)
        else:
            self._of_all.append(rule)

    def _select(self, device: str, device_type: str, room: str) -> ChannelRules:
        chosen = [
            rule
            for rule in self._candidates(device, device_type, room)
            if rule.device_type in {None, device_type} and rule.room in {None, room}
        ]
        by_channel: dict[str, list[Rule]] = {}
        for rule in sorted(chosen, key=lambda rule: self._order[rule.id]):
            for channel in rule.channels:
                by_channel.setdefault(channel, []).append(rule)
        return {channel: tuple(rules) for channel, rules in by_channel.items()}

    def _candidates(self, device: str, device_type: str, room: str) -> Iterator[Rule]:
        yield from self._by_device.get(device, ())
        yield from self._by_type.get(device_type, ())
        yield from self._by_room.get(room, ())
        yield from self._of_all
        for length in range(len(device) + 1 if self._by_prefix else 0):
            for rule, pattern in self._by_prefix.get(device[:length], ()):
                if pattern.match(device):
                    yield rule
