"""Alarm rules as the evaluator uses them: which rules watch which channel of which device."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from iotlab.clock import US_PER_S
from iotlab.domain.alarm import Severity
from iotlab.triggers.sentence import DEFAULT_MESSAGE, Sentence

_GLOB_MARKS = frozenset("*?[")
_CACHED_DEVICES = 100_000

ChannelRules = Mapping[str, tuple["Rule", ...]]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One condition on one channel.

    Attributes:
        id: Unique; the first part of the alarm's key.
        name: For a person.
        channel: The channel's exact name.
        device: A device's id or a glob such as ``kitchen-*``; None for any. Selectors are AND-ed.
        device_type, room: Exact; None for any.
        above, below: The threshold; exactly one of them. A value equal to it is not beyond it.
        clear: An alarm clears at or below this (``above``), or at or above it (``below``).
        hold_s: How long the value must stay beyond the threshold before the alarm is raised.
        severity: info, warning or critical.
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
    clear: float
    hold_s: float = 0.0
    severity: Severity = "warning"
    message: str = DEFAULT_MESSAGE

    @property
    def threshold(self) -> float:
        """The limit in force."""
        limit = self.above if self.above is not None else self.below
        if limit is None:
            raise ValueError(f"rule {self.id} has neither above nor below")
        return limit

    @property
    def hold_us(self) -> int:
        """The hold in µs."""
        return round(self.hold_s * US_PER_S)

    def is_beyond(self, value: float) -> bool:
        """Say whether the value is on the wrong side of the threshold."""
        return value > self.above if self.above is not None else value < self.threshold

    def is_back(self, value: float) -> bool:
        """Say whether the value is far enough on the right side to clear an alarm."""
        return value <= self.clear if self.above is not None else value >= self.clear


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
        self._by_type: dict[str, list[Rule]] = {}
        self._other: list[tuple[Rule, re.Pattern[str] | None]] = []
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
        elif rule.device is None and rule.device_type is not None:
            self._by_type.setdefault(rule.device_type, []).append(rule)
        else:
            pattern = None if rule.device is None else re.compile(fnmatch.translate(rule.device))
            self._other.append((rule, pattern))

    def _select(self, device: str, device_type: str, room: str) -> ChannelRules:
        chosen = [
            rule
            for rule in self._candidates(device, device_type)
            if rule.device_type in {None, device_type} and rule.room in {None, room}
        ]
        by_channel: dict[str, list[Rule]] = {}
        for rule in sorted(chosen, key=lambda rule: self._order[rule.id]):
            by_channel.setdefault(rule.channel, []).append(rule)
        return {channel: tuple(rules) for channel, rules in by_channel.items()}

    def _candidates(self, device: str, device_type: str) -> Iterator[Rule]:
        yield from self._by_device.get(device, ())
        yield from self._by_type.get(device_type, ())
        for rule, pattern in self._other:
            if pattern is None or pattern.match(device):
                yield rule
