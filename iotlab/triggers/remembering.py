"""What all rules remember of all devices. After a start it is made again from the history: it need not be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from iotlab.table.values import Item
from iotlab.triggers.alarms import Alarm
from iotlab.triggers.conditions import Look
from iotlab.triggers.ruleset import Rule, RuleSet
from iotlab.triggers.sight import Sight
from iotlab.triggers.verdicts import RuleMemory, Verdict
from iotlab.triggers.watch import Plan, Watched

Recall = Callable[[str, int, int], Iterable[Item]]
"""Given a device, a time and a length in µs, returns the device as it was at each message of that length before the
time, oldest first."""


class Memories:
    """The memories, by the key of the alarm.

    Args:
        recall: The history; None starts with nothing.
    """

    def __init__(self, recall: Recall | None) -> None:
        self._recall = recall
        self._memories: dict[str, RuleMemory] = {}
        self._last: dict[str, Verdict] = {}

    def clear(self) -> None:
        """Forget everything; it is recalled when it is needed."""
        self._memories.clear()
        self._last.clear()

    def keep_same(self, before: RuleSet, after: RuleSet) -> None:
        """Forget what belongs to rules that are not the same any more."""
        same = {rule_id for rule_id, rule in after.rules.items() if before.rules.get(rule_id) == rule}
        self._memories = {key: one for key, one in self._memories.items() if key.partition("/")[0] in same}
        self._last = {key: one for key, one in self._last.items() if key.partition("/")[0] in same}

    def judge(self, watched: Watched, plan: Plan, sight: Sight, at_us: int, alarms: Mapping[str, Alarm]) -> Verdict:
        """Let a rule look at a message, and remember it.

        Args:
            watched: The rule.
            plan: All that watches the device.
            sight: The message.
            at_us: Its time.
            alarms: All alarms, by key.
        """
        memory = self._memories.get(watched.key)
        if memory is None:
            self._begin(plan, sight, at_us, alarms)
            memory = self._memories[watched.key]
        verdict = memory.judge(sight, at_us)
        self._last[watched.key] = verdict
        return verdict

    def note(self, key: str, verdict: Verdict) -> None:
        """Keep a verdict that needed no memory, for the timers that it begins."""
        self._last[key] = verdict

    def last(self, rule: Rule, key: str) -> Verdict:
        """Return what a rule said last; after a start, when it said nothing yet, that its condition still holds."""
        found = self._last.get(key)
        if found is not None:
            return found
        look = Look(beyond=True, back=False, channel=rule.channel)
        return Verdict(look, is_repeated=rule.repeat == 1, levels=rule.levels(look))

    def told(self, alarm: Alarm) -> None:
        """Take over from an alarm that was just written what its rule compares with from now on."""
        memory = self._memories.get(alarm.alarm)
        if memory is not None and alarm.reference is not None:
            memory.told(alarm.reference)

    def _begin(self, plan: Plan, sight: Sight, at_us: int, alarms: Mapping[str, Alarm]) -> None:
        """Make the memories of a device's rules, and let them see the history that they need."""
        fresh: list[tuple[Rule, RuleMemory]] = []
        for watched in plan.rules():
            if watched.bounds is not None or watched.rule.silence is not None or watched.key in self._memories:
                continue
            alarm = alarms.get(watched.key)
            memory = RuleMemory(watched.rule, None if alarm is None else alarm.reference)
            self._memories[watched.key] = memory
            if watched.rule.memory_us:
                fresh.append((watched.rule, memory))
        if not fresh or self._recall is None:
            return
        span_us = max(rule.memory_us for rule, _ in fresh)
        for image in self._recall(sight.device, at_us, span_us):
            before = Sight(sight.device, image)
            for rule, memory in fresh:
                if any(map(before.came, rule.channels)):
                    memory.judge(before, before.at_us)
