"""Stop 6 of the journey: what one notification says, and which channels are told of which alarms."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from iotlab.domain.alarm import SEVERITIES, AlarmState, Severity

OutboxStatus = Literal["pending", "sending", "sent", "failed", "unknown"]


class Route(msgspec.Struct, frozen=True):
    """One notification channel and the alarms that it is told of.

    Attributes:
        channel: The channel's name.
        severities: Alarms of other severities are not sent there.
    """

    channel: str
    severities: tuple[Severity, ...] = SEVERITIES


class Notification(msgspec.Struct, frozen=True):
    """One transition of one alarm for one channel.

    Attributes:
        alarm, version: Which transition; together its stable key.
        channel: The name of the notification channel.
        to: The state that the alarm entered.
        severity: The alarm's.
        title, body: Plain text for a person.
        created_us: When the transition happened, µs since 1970.
        message_id: The id of the message that caused it, where it carried one.
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

    @property
    def transition_key(self) -> str:
        """The stable key of the transition, by which a receiver recognises a repeat."""
        return f"{self.alarm}:{self.version}"

    @property
    def key(self) -> str:
        """The key of its outbox row: one for each transition and channel."""
        return f"{self.transition_key}@{self.channel}"

    def outbox_row(self) -> dict[str, Any]:
        """Return the attributes of its new row in the outbox."""
        waiting = {"key": self.key, "status": "pending", "attempts": 0, "next_us": self.created_us}
        return waiting | msgspec.structs.asdict(self)
