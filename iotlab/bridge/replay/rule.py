"""How the recordings of one convention are played, and where the values that they expect stand in the table.

Most conventions need none: a message is published as it was recorded, and an expected value is a channel's. A rule is
for those whose recordings say more than that, or have no topic. It is a file of the package
`iotlab.bridge.replay.rules` with a ``RULE``; nothing else names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from iotlab.bridge.replay.recording import Recorded


class Publication(msgspec.Struct, frozen=True):
    """One message to publish."""

    topic: str
    payload: bytes
    content_type: str | None = None
    retain: bool = False


class Stored(msgspec.Struct, frozen=True):
    """What the lab has stored of one message on one topic.

    Attributes:
        values: Channel → value; empty for a dead letter.
        dead_letter: The reason for which it was refused; empty when it was not.
        device: The id of the device.
        measured_us: When it was measured, µs since 1970, where the device said so plausibly.
        no_reading: Channel → what the device sent in place of a value.
        attributes: What the device's state says of the device.
        units: Channel → UCUM unit, of the device's state.
        descriptions: Channel → fields of the table ``descriptions`` that were said on this topic.
    """

    values: Mapping[str, Any] = {}
    dead_letter: str = ""
    device: str = ""
    measured_us: int | None = None
    no_reading: Mapping[str, str] = {}
    attributes: Mapping[str, Any] = {}
    units: Mapping[str, str] = {}
    descriptions: Mapping[str, Mapping[str, Any]] = {}


Lookup = Callable[[str], Sequence[Stored]]
"""Return everything that was stored under a topic, possibly of several messages."""

Facts = Mapping[str, Any]
"""Names as a recording's ``expected`` has them → what the table says."""


class Rule(Protocol):
    """How the recordings of one convention are played and judged."""

    @property
    def convention(self) -> str:
        """The convention's name in recordings."""
        ...

    def publications(self, recorded: Recorded) -> Sequence[Publication]:
        """Return what is published for one recorded message, in order."""
        ...

    def facts(self, recorded: Recorded, lookup: Lookup) -> Sequence[Facts]:
        """Return what may be compared with the expected values: one mapping for each message that may be meant."""
        ...


class AsRecorded:
    """The rule of a convention that needs none."""

    def __init__(self, convention: str = "") -> None:
        self.convention = convention

    def publications(self, recorded: Recorded) -> Sequence[Publication]:
        """Return the message as it was recorded."""
        return [Publication(recorded.topic, recorded.payload, recorded.content_type)]

    def facts(self, recorded: Recorded, lookup: Lookup) -> Sequence[Facts]:
        """Return the values of each message that was stored under its topic."""
        return [stored.values for stored in lookup(recorded.topic) if not stored.dead_letter]
