"""Stop 5 of the journey: the states of an alarm and the transitions between them."""

from __future__ import annotations

from typing import Literal

import msgspec

AlarmState = Literal["pending", "raised", "acknowledged", "cleared"]
Severity = Literal["info", "warning", "critical"]

Happening = Literal[
    "pending",
    "raised",
    "acknowledged",
    "unacknowledged",
    "shelved",
    "unshelved",
    "escalated",
    "deescalated",
    "assigned",
    "commented",
    "reminded",
    "flapping",
    "calm",
    "cleared",
]
"""What a transition did. ``flapping`` is only ever notified: it begins with a transition that raises or clears."""

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")


def is_higher(severity: Severity, than: Severity) -> bool:
    """Say whether a severity is above another one."""
    return SEVERITIES.index(severity) > SEVERITIES.index(than)


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
        by: Who did it: ``rule``, ``timer`` or a person's name.
        what: What it did; the state alone does not say it where that stays.
        note: What a person wrote or chose: a comment, who is to see to it, the end of a shelving.
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
    what: Happening = "raised"
    note: str = ""

    @property
    def key(self) -> str:
        """The stable key under which every channel is notified at most once."""
        return f"{self.alarm}:{self.version}"
