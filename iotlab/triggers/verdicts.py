"""What a rule says of one message: the look of its condition, with what it remembers of the messages before."""

from __future__ import annotations

import msgspec

from iotlab.clock import US_PER_S
from iotlab.triggers.conditions import Look, PartMemory
from iotlab.triggers.conditions_over_time import ChangedSince
from iotlab.triggers.memories import Last
from iotlab.triggers.ruleset import Rule
from iotlab.triggers.sight import Sight

_CLOCK_STEP_US = US_PER_S


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """A rule's judgement of one message.

    Attributes:
        look: What its condition shows. Where ``back`` comes from the rule's ``clear_when``, it is that.
        is_active: Whether its schedule lets an alarm begin.
        is_repeated: Whether as many readings as it wants have fulfilled it.
        levels: For each escalation whether its limits are passed, and whether they are left again.
        reference: The value that it compares with next, for a rule that compares with what was notified last.
    """

    look: Look
    is_active: bool = True
    is_repeated: bool = True
    levels: tuple[tuple[bool | None, bool | None], ...] = ()
    reference: float | None = None

    @property
    def beyond(self) -> bool | None:
        """Whether the condition holds."""
        return self.look.beyond

    @property
    def back(self) -> bool | None:
        """Whether it is over."""
        return self.look.back


class RuleMemory:
    """What one rule remembers of one device. No clock: time is that of the messages.

    Args:
        rule: The rule.
        reference: For a rule that compares with the value that was notified last: that value, where it is known.
    """

    def __init__(self, rule: Rule, reference: float | None = None) -> None:
        self._rule = rule
        self._reference = reference
        self._count = 0
        self._received_us = 0
        self._is_compared = isinstance(rule.condition, ChangedSince)
        self._forget()

    def judge(self, sight: Sight, at_us: int) -> Verdict:
        """Take one message into account and return the verdict.

        Args:
            sight: The message.
            at_us: Its time on the rule's own axis, as a schedule sees it.
        """
        received_us, rule = sight.received_us, self._rule
        if received_us < self._received_us - _CLOCK_STEP_US:
            # The wall clock was set back: times before and after it can't be compared.
            self._count = 0
            self._forget()
        self._received_us = received_us
        schedule = rule.schedule
        is_active = sight.is_active = schedule is None or schedule.is_active(at_us)
        look = self._condition.look(sight)
        if self._ending is not None:
            look = msgspec.structs.replace(look, back=self._ending.look(sight).beyond)
        beyond = look.beyond
        if beyond is not None:
            self._count = self._count + 1 if beyond else 0
        levels = rule.levels(look) if rule.escalations else ()
        reference = self._next_reference(look) if self._is_compared else None
        return Verdict(look, is_active, self._count >= rule.repeat, levels, reference)

    def told(self, reference: float | None) -> None:
        """Compare with another value from now on."""
        self._reference = reference
        if isinstance(self._rule.condition, ChangedSince) and isinstance(self._condition.memory, Last):
            self._condition.memory.value = reference

    def _forget(self) -> None:
        rule = self._rule
        self._condition = PartMemory(rule.condition, is_alone=rule.clear_when is None)
        self._ending = None if rule.clear_when is None else PartMemory(rule.clear_when)
        self.told(self._reference)

    def _next_reference(self, look: Look) -> float | None:
        return look.figure if look.beyond or self._reference is None else None
