"""Conditions over the channels of one device. Each looks at a message and says whether it is beyond, or back.

The two are not each other's opposite: between them lies what keeps an open alarm open and starts none. Either may be
unknown (None): a channel without a number, a value that is stale, a limit that the device does not have. All and any
follow Kleene's logic, so that one unknown part makes only what depends on it unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec

from iotlab.triggers.bounds import Bounds, Referred
from iotlab.triggers.memories import Memory
from iotlab.triggers.sight import Sight


class Look(msgspec.Struct, frozen=True, gc=False):
    """What one look at a device shows.

    Attributes:
        beyond: Whether the condition holds; None where that is unknown.
        back: Whether it is over; None where that is unknown.
        channel: The channel that the words are about.
        figure: The number that was compared, for the limits of higher severities.
        value: What a person is told instead of the figure; empty for the figure.
        limit: The limit for a person; empty for that of ``bounds``.
        side: What comes before the limit; empty for the side of ``bounds``.
        bounds: What the figure was compared with.
    """

    beyond: bool | None
    back: bool | None
    channel: str
    figure: float | None = None
    value: str = ""
    limit: str = ""
    side: str = ""
    bounds: Bounds | None = None


class Condition(Protocol):
    """What all conditions can do."""

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that it looks at; empty text for any."""
        ...

    @property
    def memory_us(self) -> int:
        """How far back the readings reach that it must know after a start."""
        ...

    def memory(self) -> Any:
        """Return its memory before the first reading."""
        ...

    def look(self, sight: Sight, memory: Any, /) -> Look:
        """Look at a message of which one of its channels came."""
        ...


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """The value itself is above, below, inside or outside.

    Attributes:
        channel: Whose value.
        bounds: The limits.
        stale_us: A value older than this, by the device's time, is unknown; None for any age.
    """

    channel: str
    bounds: Bounds | Referred
    stale_us: int | None = None

    @property
    def constant(self) -> Bounds | None:
        """The bounds, where the value and they are all that counts."""
        return self.bounds if self.stale_us is None and isinstance(self.bounds, Bounds) else None

    @property
    def channels(self) -> tuple[str, ...]:
        return (self.channel,)

    @property
    def memory_us(self) -> int:
        return 0

    def memory(self) -> Memory:
        return None

    def look(self, sight: Sight, _memory: Memory, /) -> Look:
        value = sight.number(self.channel)
        if value is None or (self.stale_us is not None and sight.age_us(self.channel) > self.stale_us):
            return Look(None, None, self.channel)
        bounds = self.bounds if isinstance(self.bounds, Bounds) else self.bounds.of(sight)
        if bounds is None:
            return Look(None, None, self.channel, value)
        return at_level(self.channel, value, bounds)


class AllOf(msgspec.Struct, frozen=True):
    """All parts hold. It is over when one of them is."""

    parts: tuple[Condition, ...]

    @property
    def channels(self) -> tuple[str, ...]:
        return _channels(self.parts)

    @property
    def memory_us(self) -> int:
        return max(part.memory_us for part in self.parts)

    def memory(self) -> list[PartMemory]:
        return [PartMemory(part) for part in self.parts]

    def look(self, sight: Sight, memory: Sequence[PartMemory], /) -> Look:
        looks = [one.look(sight) for one in memory]
        told = looks[0]
        beyond, back = _all([look.beyond for look in looks]), _any([look.back for look in looks])
        return msgspec.structs.replace(told, beyond=beyond, back=back)


class AnyOf(msgspec.Struct, frozen=True):
    """One part holds. It is over when all of them are."""

    parts: tuple[Condition, ...]

    @property
    def channels(self) -> tuple[str, ...]:
        return _channels(self.parts)

    @property
    def memory_us(self) -> int:
        return max(part.memory_us for part in self.parts)

    def memory(self) -> list[PartMemory]:
        return [PartMemory(part) for part in self.parts]

    def look(self, sight: Sight, memory: Sequence[PartMemory], /) -> Look:
        looks = [one.look(sight) for one in memory]
        told = next((look for look in looks if look.beyond), looks[0])
        beyond, back = _any([look.beyond for look in looks]), _all([look.back for look in looks])
        return msgspec.structs.replace(told, beyond=beyond, back=back)


class PartMemory:
    """A part of a condition with its memory and its last look, which stands while its channels do not come.

    Args:
        part: The condition.
        is_alone: Whether it is the whole of what a rule looks at, so that its channel has come whenever it looks.
    """

    __slots__ = ("_always", "_last", "_look", "_part", "memory")

    def __init__(self, part: Condition, *, is_alone: bool = False) -> None:
        self._part = part
        self._look = part.look
        self.memory = part.memory()
        self._last = Look(None, None, part.channels[0])
        # A level is looked at always: it may have become stale. So are groups, for their parts.
        self._always = is_alone or self.memory is None or isinstance(self.memory, list)

    def look(self, sight: Sight) -> Look:
        """Look at the part if its channels came."""
        if self._always or any(map(sight.came, self._part.channels)):
            self._last = self._look(sight, self.memory)
        return self._last


def at_level(channel: str, figure: float, bounds: Bounds, side: str = "") -> Look:
    """Return what a figure shows beside its bounds; ``side`` is said instead of theirs."""
    return Look(bounds.is_beyond(figure), bounds.is_back(figure), channel, figure, "", "", side, bounds)


def _channels(parts: Iterable[Condition]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(channel for part in parts for channel in part.channels))


def _all(answers: Sequence[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


def _any(answers: Sequence[bool | None]) -> bool | None:
    if True in answers:
        return True
    return None if None in answers else False
