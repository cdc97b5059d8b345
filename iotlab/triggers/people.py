"""What a person may do to an alarm, the pure part: which states allow it, and what the alarm is after it."""

from __future__ import annotations

import unicodedata

from iotlab.clock import US_PER_S, iso
from iotlab.domain.alarm import AlarmState
from iotlab.errors import AlarmError
from iotlab.triggers.alarms import FLAPPING, Alarm, Flapping, cleared, moved

MAX_NAME = 64
MAX_COMMENT = 1000
LONGEST_SHELVING_S = 31 * 86_400

_WHY_NOT: dict[AlarmState, str] = {
    "pending": "its hold time still runs",
    "cleared": "it has cleared",
    "acknowledged": "it is acknowledged",
    "raised": "it is raised",
}


def acknowledged(alarm: Alarm, by: str, now_us: int) -> Alarm:
    """Return the alarm acknowledged by a person.

    Raises:
        AlarmError: it is not raised; the message says what it is instead.
    """
    if alarm.state == "acknowledged":
        when = iso(alarm.acknowledged_us) if alarm.acknowledged_us is not None else "earlier"
        raise AlarmError(f"{alarm.title} was acknowledged by {alarm.acknowledged_by} already ({when})")
    if alarm.state != "raised":
        why = "its hold time still runs" if alarm.state == "pending" else "it has cleared by itself"
        raise AlarmError(f"{alarm.title} can't be acknowledged: {why}")
    return moved(
        alarm, state="acknowledged", acknowledged_us=now_us, acknowledged_by=by, waiting_us=None, message_id=None
    )


def unacknowledged(alarm: Alarm, now_us: int) -> Alarm:
    """Return the alarm waiting for acknowledgement again. Raises AlarmError: it is not acknowledged."""
    if alarm.state != "acknowledged":
        raise AlarmError(f"{alarm.title} can't be unacknowledged: {_WHY_NOT[alarm.state]}")
    return moved(
        alarm,
        state="raised",
        acknowledged_us=None,
        acknowledged_by=None,
        waiting_us=now_us,
        told={},
        message_id=None,
    )


def shelved(alarm: Alarm, by: str, for_s: float, now_us: int) -> Alarm:
    """Return the alarm hidden for a time, whatever its state; one that is shelved gets the new end.

    Raises:
        AlarmError: the time is not above 0 s, or above 31 days.
    """
    if not 0 < for_s <= LONGEST_SHELVING_S:
        raise AlarmError(
            f"an alarm can't be shelved for {for_s:g} s",
            hint=f"Shelve it for more than 0 s and at most {LONGEST_SHELVING_S // 86_400} days.",
        )
    until_us = now_us + round(for_s * US_PER_S)
    return moved(alarm, shelved_until_us=until_us, shelved_by=by, message_id=None)


def unshelved(alarm: Alarm, now_us: int) -> Alarm:
    """Return the alarm as everybody sees it again. Raises AlarmError: it is not shelved."""
    if not alarm.is_shelved:
        raise AlarmError(f"{alarm.title} is not shelved")
    waiting = {"waiting_us": now_us, "told": {}} if alarm.state == "raised" else {}
    return moved(alarm, shelved_until_us=None, shelved_by=None, message_id=None, **waiting)


def cleared_by_hand(alarm: Alarm, now_us: int, flapping: Flapping = FLAPPING) -> Alarm:
    """Return the alarm cleared. Raises AlarmError: it is not open."""
    if not alarm.is_open:
        raise AlarmError(f"{alarm.title} can't be cleared: {_WHY_NOT[alarm.state]}")
    return cleared(alarm, now_us, flapping, message_id=None)


def commented(alarm: Alarm, text: str) -> Alarm:
    """Return the alarm with a comment. Raises AlarmError: there is no text, or too much of it."""
    if not text.strip() or len(text) > MAX_COMMENT:
        raise AlarmError(f"a comment has 1 to {MAX_COMMENT} characters, this one has {len(text.strip())}")
    return moved(alarm, comment=text.strip(), comments=alarm.comments + 1, message_id=None)


def assigned(alarm: Alarm, to: str) -> Alarm:
    """Return the alarm with the person who is to see to it; an empty name takes that back.

    Raises:
        AlarmError: the name can't be one, or is there already.
    """
    assignee = person(to) if to.strip() else None
    if assignee == alarm.assignee:
        raise AlarmError(f"{alarm.title} is assigned to {assignee or 'nobody'} already")
    return moved(alarm, assignee=assignee, message_id=None)


def person(name: str) -> str:
    """Return a person's name as it is kept. Raises AlarmError for one that can't be shown on a line."""
    name = name.strip()
    if not name or len(name) > MAX_NAME or any(unicodedata.category(mark) in {"Cc", "Cf", "Cs"} for mark in name):
        raise AlarmError(
            f"{name[:20]!r} can't be a person's name", hint=f"It has 1 to {MAX_NAME} characters, all visible."
        )
    if name in {"rule", "timer", "rules changed"}:
        raise AlarmError(f"{name!r} can't be a person's name", hint="The lab itself bears it in the journal.")
    return name
