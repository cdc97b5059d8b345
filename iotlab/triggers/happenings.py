"""What a change of an alarm did, read from the alarm before and after it."""

from __future__ import annotations

from iotlab.domain.alarm import Happening, is_higher
from iotlab.triggers.alarms import Alarm


def what_happened(before: Alarm | None, after: Alarm) -> Happening:
    """Return what a change did, read from the alarm before and after it, so that no journal can say otherwise."""
    if before is None or (before.state != after.state and before.severity == after.severity):
        taken_back = before is not None and before.state == "acknowledged" and after.state == "raised"
        return "unacknowledged" if taken_back else after.state
    if before.state in {"cleared", "pending"} and after.state != before.state:
        return after.state
    if before.episodes != after.episodes:
        return "raised"
    if before.severity != after.severity:
        return "escalated" if is_higher(after.severity, before.severity) else "deescalated"
    if before.shelved_until_us != after.shelved_until_us:
        return "shelved" if after.is_shelved else "unshelved"
    if before.told != after.told:
        return "reminded"
    if before.is_flapping and not after.is_flapping:
        return "calm"
    return "assigned" if before.assignee != after.assignee else "commented"


def starts_flapping(before: Alarm | None, after: Alarm) -> bool:
    """Say whether this change made it one too many."""
    return after.is_flapping and not (before is not None and before.is_flapping)
