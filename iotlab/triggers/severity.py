"""An open alarm becomes worse or less bad: for the rules to call, which know when. No I/O, no clock."""

from __future__ import annotations

from iotlab.domain.alarm import Severity, is_higher
from iotlab.triggers.alarms import Alarm, Wording, moved


def escalated(alarm: Alarm, severity: Severity, wording: Wording, now_us: int) -> Alarm:
    """Return an open alarm at a higher severity, waiting for acknowledgement anew.

    Args:
        alarm: As it is.
        severity: The higher one.
        wording: What it says now; its channels are added to those that know of the alarm.
        now_us: When.

    Raises:
        ValueError: the alarm is not open, or the severity is not higher.
    """
    if not alarm.is_open or not is_higher(severity, alarm.severity):
        raise ValueError(f"the alarm {alarm.alarm} ({alarm.state}, {alarm.severity}) can't rise to {severity}")
    return moved(
        alarm,
        severity=severity,
        state="raised",
        waiting_us=now_us,
        acknowledged_us=None,
        acknowledged_by=None,
        told={},
        notify=_joined(alarm.notify, wording.notify),
        escalate=_joined(alarm.escalate, wording.escalate),
        **_words(wording),
    )


def deescalated(alarm: Alarm, severity: Severity, wording: Wording) -> Alarm:
    """Return an open alarm at a lower severity; whoever acknowledged it need not do so again.

    Raises:
        ValueError: the alarm is not open, or the severity is not lower.
    """
    if not alarm.is_open or not is_higher(alarm.severity, severity):
        raise ValueError(f"the alarm {alarm.alarm} ({alarm.state}, {alarm.severity}) can't fall to {severity}")
    return moved(alarm, severity=severity, **_words(wording))


def _joined(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(first + second))


def _words(wording: Wording) -> dict[str, object]:
    return {
        "title": wording.title,
        "message": wording.message,
        "value": wording.value,
        "threshold": wording.threshold,
        "message_id": wording.message_id,
    }
