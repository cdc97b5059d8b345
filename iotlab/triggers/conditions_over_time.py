"""Conditions that need to know what came before: change, silence, stuck values and counters."""

from __future__ import annotations

import functools
from typing import Literal

import msgspec

from iotlab.triggers.bounds import Bounds
from iotlab.triggers.conditions import Look, at_level
from iotlab.triggers.memories import Last, Memory, Movement, Steady, Window
from iotlab.triggers.sentence import shown_duration, shown_number
from iotlab.triggers.sight import Sight

# A look has the limit in words, whether anybody reads it or not: the same few at each message.
_shown_amount = functools.lru_cache(1024)(shown_number)
_shown_length = functools.lru_cache(1024)(shown_duration)

Direction = Literal["rises", "falls", "changes"]
_SIDES: dict[Direction, str] = {
    "rises": "rises by more than",
    "falls": "falls by more than",
    "changes": "changes by more than",
}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The value rose, fell or changed by more than an amount within a while, since its extreme within that while."""

    channel: str
    direction: Direction
    bounds: Bounds
    within_us: int

    @property
    def channels(self) -> tuple[str, ...]:
        return (self.channel,)

    @property
    def memory_us(self) -> int:
        return self.within_us

    def memory(self) -> Window:
        return Window(self.within_us)

    def look(self, sight: Sight, memory: Window, /) -> Look:
        value = sight.number(self.channel)
        if value is None:
            return Look(None, None, self.channel)
        least, greatest = memory.add(sight.at_us, value)
        if self.direction == "rises":
            figure = value - least
        elif self.direction == "falls":
            figure = greatest - value
        else:
            figure = max(value - least, greatest - value)
        return at_level(self.channel, figure, self.bounds, _SIDES[self.direction])


class ChangedSince(msgspec.Struct, frozen=True, kw_only=True):
    """The value is further than an amount from the one that was notified last, or at first from the first one."""

    channel: str
    amount: float

    @property
    def channels(self) -> tuple[str, ...]:
        return (self.channel,)

    @property
    def memory_us(self) -> int:
        return 0

    def memory(self) -> Last:
        return Last()

    def look(self, sight: Sight, memory: Last, /) -> Look:
        value = sight.number(self.channel)
        if value is None:
            return Look(None, None, self.channel)
        moved = 0.0 if memory.value is None else abs(value - memory.value)
        is_beyond = moved > self.amount
        return Look(
            is_beyond, not is_beyond, self.channel, value, "", _shown_amount(self.amount), "changed by more than"
        )


class Silent(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing came of a channel for a while. A timer says that it holds; a reading says that it is over.

    Attributes:
        channel: Whose readings; empty for those of any channel.
        silent_us: How long.
    """

    channel: str
    silent_us: int

    @property
    def channels(self) -> tuple[str, ...]:
        return (self.channel,)

    @property
    def memory_us(self) -> int:
        return 0

    def memory(self) -> Memory:
        return None

    def look(self, _sight: Sight, _memory: Memory, /) -> Look:
        return self.heard()

    def silence(self) -> Look:
        """Return the look at the end of the silence."""
        return self._look(f"no data for {shown_duration(self.silent_us)}", silent=True)

    def heard(self) -> Look:
        """Return the look at a reading that ends the silence."""
        return self._look("data again", silent=False)

    def _look(self, value: str, *, silent: bool) -> Look:
        limit = shown_duration(self.silent_us)
        return Look(silent, not silent, self.channel, value=value, limit=limit, side="no data for")


class Stuck(msgspec.Struct, frozen=True, kw_only=True):
    """Readings come, and their value has not changed by more than a tolerance for a while."""

    channel: str
    stuck_us: int
    tolerance: float = 0.0

    @property
    def channels(self) -> tuple[str, ...]:
        return (self.channel,)

    @property
    def memory_us(self) -> int:
        return self.stuck_us

    def memory(self) -> Steady:
        return Steady(self.tolerance, self.stuck_us // 2)

    def look(self, sight: Sight, memory: Steady, /) -> Look:
        value = sight.number(self.channel)
        if value is None:
            return Look(None, None, self.channel)
        is_stuck = memory.add(sight.at_us, value) >= self.stuck_us
        limit = _shown_length(self.stuck_us)
        return Look(is_stuck, not is_stuck, self.channel, value, "", limit, "unchanged for")


class Moves(msgspec.Struct, frozen=True, kw_only=True):
    """A counter moved by more than an amount when it should not: within a while, or in the rule's quiet time.

    Attributes:
        channel: The counter.
        amount: See above.
        within_us: The while; 0 for the quiet time, which is the rule's schedule.
        still_us: It is over when the counter has stood still this long.
    """

    channel: str
    amount: float
    within_us: int
    still_us: int

    @property
    def channels(self) -> tuple[str, ...]:
        return (self.channel,)

    @property
    def memory_us(self) -> int:
        return max(self.within_us or 86_400_000_000, self.still_us)

    def memory(self) -> Movement:
        return Movement(self.within_us)

    def look(self, sight: Sight, memory: Movement, /) -> Look:
        value = sight.number(self.channel)
        if value is None:
            return Look(None, None, self.channel)
        moved = memory.add(sight.at_us, value, quiet=sight.is_active)
        is_still = memory.moved_us is None or sight.at_us - memory.moved_us >= self.still_us
        is_beyond = moved > self.amount and not is_still
        return Look(is_beyond, is_still, self.channel, moved, "", _shown_amount(self.amount), "moved more than")


class Resets(msgspec.Struct, frozen=True, kw_only=True):
    """A counter is less than it was, by more than a tolerance."""

    channel: str
    tolerance: float = 0.0

    @property
    def channels(self) -> tuple[str, ...]:
        return (self.channel,)

    @property
    def memory_us(self) -> int:
        # One reading before the next one; a counter that reports less often than daily starts anew after a start.
        return 86_400_000_000

    def memory(self) -> Last:
        return Last()

    def look(self, sight: Sight, memory: Last, /) -> Look:
        value = sight.number(self.channel)
        if value is None:
            return Look(None, None, self.channel)
        before, memory.value = memory.value, value
        is_reset = before is not None and value < before - self.tolerance
        shown = "" if before is None else shown_number(before)
        return Look(is_reset, not is_reset, self.channel, value, "", shown, "reset from")
