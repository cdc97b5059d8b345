"""Stop 6 of the journey: what one notification says, and which channels are told of which alarms."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec

from iotlab.domain.alarm import SEVERITIES, AlarmState, Happening, Severity

OutboxStatus = Literal["pending", "sending", "sent", "failed", "unknown", "skipped"]


class Route(msgspec.Struct, frozen=True):
    """One notification channel and the alarms that it is told of. What is empty selects all; selectors are AND-ed.

    Attributes:
        channel: The channel's name.
        severities: Alarms of other severities are not sent there.
        devices: Ids or globs such as ``kitchen-*``.
        device_types, rooms: Exact.
        after_s: It is told only of alarms that nobody has acknowledged this long after they were raised; 0 at once.
        repeat_s: It is told again after this long, as long as nobody acknowledges; 0 never.
    """

    channel: str
    severities: tuple[Severity, ...] = SEVERITIES
    devices: tuple[str, ...] = ()
    device_types: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    after_s: float = 0.0
    repeat_s: float = 0.0

    def wants(self, severity: Severity, device: str, device_type: str, room: str) -> bool:
        """Say whether it is told of an alarm of this severity on this device."""
        return (
            severity in self.severities
            and (not self.device_types or device_type in self.device_types)
            and (not self.rooms or room in self.rooms)
            and (not self.devices or any(fnmatchcase(device, pattern) for pattern in self.devices))
        )


def told_of(
    routes: Iterable[Route], severity: Severity, device: str, device_type: str, room: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the channels that are told at once, and those that are told when nobody acknowledges."""
    wanted = [route for route in routes if route.wants(severity, device, device_type, room)]
    at_once = tuple(route.channel for route in wanted if not route.after_s)
    return at_once, tuple(route.channel for route in wanted if route.after_s)


class Notification(msgspec.Struct, frozen=True):
    """One transition of one alarm for one channel.

    Attributes:
        alarm, version: Which transition; together its stable key.
        channel: The name of the notification channel.
        to: The state that the alarm entered, or kept.
        severity: The alarm's.
        title, body: Plain text for a person.
        created_us: When the transition happened, µs since 1970.
        message_id: The id of the message that caused it, where it carried one.
        what: What the transition did.
        facts: More of the alarm for templates and webhooks, such as ``room`` and ``value``; empty ones are left out.
    """

    alarm: str
    version: int
    channel: str
    to: AlarmState
    severity: Severity
    title: str
    body: str
    created_us: int
    message_id: str | None = None
    what: Happening | None = None
    facts: dict[str, str] = {}

    @property
    def transition_key(self) -> str:
        """The stable key of the transition, by which a receiver recognises a repeat."""
        return f"{self.alarm}:{self.version}"

    @property
    def key(self) -> str:
        """The key of its outbox row: one for each transition and channel."""
        return self.key_of(self.alarm, self.version, self.channel)

    @staticmethod
    def key_of(alarm: str, version: int, channel: str) -> str:
        """Return the key of the outbox row of one transition for one channel."""
        return f"{alarm}:{version}@{channel}"

    @property
    def happening(self) -> Happening:
        """What the transition did; the state says it where nothing more is known."""
        return self.what or self.to

    def outbox_row(self) -> dict[str, Any]:
        """Return the attributes of its new row in the outbox."""
        waiting = {"key": self.key, "status": "pending", "attempts": 0, "next_us": self.created_us}
        return waiting | msgspec.structs.asdict(self)
