"""Stop 5 of the journey: the states of an alarm and the transitions between them."""

from __future__ import annotations

from typing import Literal

import msgspec

AlarmState = Literal["pending", "raised", "acknowledged", "cleared"]
Severity = Literal["info", "warning", "critical"]

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")


class Transition(msgspec.Struct, frozen=True):
    """One change of one alarm, which happens exactly once and is notified once.

    Attributes:
        alarm: ``<rule>/<device>``, the alarm's key.
        version: 1, 2, 3, … per alarm; the conditional write on it makes the transition unique.
        to: The state entered. ``pending`` is a running hold timer and is not notified.
        at_us: When, in µs since 1970.
        rule, device, channel, severity: Where it belongs.
        value: The reading that caused it, as text with its unit; empty for a timer or a person.
        message: One sentence for a person.
        by: Who did it: ``rule`` or a person's name.
    """

    alarm: str
    version: int
    to: AlarmState
    at_us: int
    rule: str
    device: str
    channel: str
    severity: Severity
    value: str = ""
    message: str = ""
    by: str = "rule"

    @property
    def key(self) -> str:
        """The stable key under which every channel is notified at most once."""
        return f"{self.alarm}:{self.version}"
