"""From the next step of an alarm to the alarm after it: the course says what happens, `alarms` what that means."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from iotlab.triggers.alarms import FLAPPING, Alarm, Flapping, Wording, alarm_key, cleared, moved, raised_again
from iotlab.triggers.course import HOLD, Course
from iotlab.triggers.ruleset import Rule
from iotlab.triggers.severity import deescalated, escalated


class Taking(NamedTuple):
    """Where and when a step is taken.

    Attributes:
        device: The device.
        evaluated_us: The time of the newest reading that was judged.
        now_us: Now.
        flapping: When raises and clears are too many.
    """

    device: str
    evaluated_us: int
    now_us: int
    flapping: Flapping = FLAPPING


def taken(rule: Rule, before: Alarm | None, course: Course, words: Wording, taking: Taking) -> Alarm:
    """Return the alarm after a step.

    Args:
        rule: The rule.
        before: Its alarm on the device; None when there never was one.
        course: The step, which `iotlab.triggers.course` gave for this alarm.
        words: What the alarm says now.
        taking: Where and when.
    """
    alarm = before or _never_raised(rule, taking.device, course, taking.evaluated_us)
    hold = course.timers.get(HOLD)
    return msgspec.structs.replace(
        _after(alarm, course, rule.channel, words, taking),
        severity=course.severity,
        timers=course.timers,
        since_us=course.since_us,
        evaluated_us=taking.evaluated_us,
        deadline_us=None if hold is None else hold[1],
        reference=alarm.reference if course.reference is None else course.reference,
    )


def _after(alarm: Alarm, course: Course, channel: str, words: Wording, taking: Taking) -> Alarm:
    now_us, flapping = taking.now_us, taking.flapping
    match course.step:
        case "start_hold":
            return _worded(moved(alarm, state="pending"), channel, words)
        case "raise" | "raise_again":
            return _worded(raised_again(alarm, now_us, flapping), channel, words)
        case "end_hold":
            return moved(alarm, state="cleared", value=words.value)
        case "clear":
            return cleared(alarm, now_us, flapping, value=words.value, message_id=words.message_id)
        case "escalate":
            return escalated(alarm, course.severity, words, now_us)
        case "deescalate":
            return deescalated(alarm, course.severity, words)
        case "remember" | "change_timers":
            return moved(alarm)


def _worded(alarm: Alarm, channel: str, words: Wording) -> Alarm:
    # Rules may be edited between two episodes: each takes the rule's words as they are when it begins.
    return msgspec.structs.replace(alarm, channel=channel, **msgspec.structs.asdict(words))


def _never_raised(rule: Rule, device: str, course: Course, evaluated_us: int) -> Alarm:
    return Alarm(
        alarm=alarm_key(rule.id, device),
        rule=rule.id,
        device=device,
        channel=rule.channel,
        severity=rule.severity,
        state="cleared",
        version=0,
        title="",
        message="",
        value="",
        threshold="",
        since_us=course.since_us,
        evaluated_us=evaluated_us,
    )
