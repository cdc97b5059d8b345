"""Stop 5 of the journey, the pure part: which step an alarm takes, and what it is after it. No I/O, no clock.

States: (none or cleared) → pending (a hold timer runs) → raised → acknowledged → cleared; without a hold straight
to raised; from pending silently back to cleared when the value returns in time.

Decided here:

- A value equal to the threshold is not beyond it. ``clear`` matters only once the alarm is raised: a value between
  ``clear`` and the threshold keeps a raised alarm raised, but ends a hold, because the rule says that the value
  must *stay* beyond the threshold.
- **Unknown changes nothing.** A missing or non-numeric value, silence, and a device that goes offline neither stop
  nor restart a running hold timer, and clear nothing: the last known value stands. A device that dies in the leak
  that it reported must not silence the alarm; a false alarm costs less than a missed one.
- A boolean is a reading of 1 or 0, so that ``above = 0.5`` watches a door or a leak sensor.
- A hold ends in two ways. By the device's time: a later reading that is still beyond, at least the hold after the
  first one. By the lab's timer: ``hold_s`` after the first one was received, whatever came or did not come since.
- A reading older than the newest one that was judged changes nothing: it can neither fire again nor clear.
  A device's time counts at most up to the time of receipt, so a clock that once ran ahead blocks nothing.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from iotlab.clock import iso
from iotlab.domain.alarm import AlarmState, Severity
from iotlab.errors import AlarmError
from iotlab.triggers.ruleset import Rule

Step = Literal["start_hold", "end_hold", "raise", "clear"]


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm item: the state of one rule on one device. Attributes as in the table ``alarms``."""

    alarm: str
    rule: str
    device: str
    channel: str
    severity: Severity
    state: AlarmState
    version: int
    title: str
    message: str
    value: str
    threshold: str
    since_us: int
    evaluated_us: int
    episodes: int = 0
    raised_us: int | None = None
    acknowledged_us: int | None = None
    acknowledged_by: str | None = None
    cleared_us: int | None = None
    deadline_us: int | None = None
    room: str | None = None
    message_id: str | None = None
    notify: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether somebody should look at it."""
        return self.state in {"raised", "acknowledged"}


class Observation(msgspec.Struct, frozen=True):
    """One numeric reading of one channel, as a rule sees it.

    Attributes:
        device: Its device.
        value: The number; a boolean is 1 or 0.
        at_us: The device's time, at most the time of receipt; µs since 1970.
        received_us: When it was received.
    """

    device: str
    value: float
    at_us: int
    received_us: int


class Wording(msgspec.Struct, frozen=True):
    """What an alarm says to a person at one moment; see `Alarm`."""

    title: str
    message: str
    value: str
    threshold: str
    room: str | None = None
    message_id: str | None = None
    notify: tuple[str, ...] = ()


def alarm_key(rule: str, device: str) -> str:
    """Return the key of the one alarm of this rule and device. A rule's id holds no slash."""
    return f"{rule}/{device}"


def decide(rule: Rule, alarm: Alarm | None, value: float, at_us: int) -> Step | None:
    """Return the step that a reading causes, or None.

    Args:
        rule, alarm: The rule, and its alarm on this device; None when there never was one.
        value, at_us: As in `Observation`.
    """
    if alarm is not None and at_us < alarm.evaluated_us:
        return None
    if alarm is None or alarm.state == "cleared":
        if not rule.is_beyond(value):
            return None
        return "start_hold" if rule.hold_s else "raise"
    if alarm.state == "pending":
        if not rule.is_beyond(value):
            return "end_hold"
        return "raise" if at_us - alarm.since_us >= rule.hold_us else None
    return "clear" if rule.is_back(value) else None


def observed(rule: Rule, alarm: Alarm | None, seen: Observation, wording: Wording, now_us: int) -> Alarm:
    """Return the alarm after the step that `decide` gave for this observation.

    Raises:
        ValueError: the observation causes no step.
    """
    before = alarm or _new(rule, seen)
    match decide(rule, alarm, seen.value, seen.at_us):
        case "start_hold":
            return _worded(
                before,
                rule,
                wording,
                state="pending",
                since_us=seen.at_us,
                evaluated_us=seen.at_us,
                deadline_us=seen.received_us + rule.hold_us,
            )
        case "end_hold":
            return _next(before, state="cleared", evaluated_us=seen.at_us, deadline_us=None, value=wording.value)
        case "raise":
            since_us = before.since_us if before.state == "pending" else seen.at_us
            raised = _raised(before, now_us)
            return _worded(raised, rule, wording, version=raised.version, since_us=since_us, evaluated_us=seen.at_us)
        case "clear":
            return _cleared(
                before, now_us, value=wording.value, evaluated_us=seen.at_us, message_id=wording.message_id
            )
        case None:
            raise ValueError(f"the alarm {before.alarm} takes no step at this reading")


def held(alarm: Alarm, now_us: int) -> Alarm | None:
    """Return the alarm raised because its hold timer ran out, or None when no timer runs."""
    return _raised(alarm, now_us) if alarm.state == "pending" else None


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
    return _next(alarm, state="acknowledged", acknowledged_us=now_us, acknowledged_by=by, message_id=None)


def abandoned(alarm: Alarm, now_us: int) -> Alarm | None:
    """Return the alarm of a rule that is gone: an open one cleared, a running hold ended. None when nothing runs."""
    if alarm.state == "pending":
        return _next(alarm, state="cleared", deadline_us=None)
    return _cleared(alarm, now_us, value="", message_id=None) if alarm.is_open else None


def is_silent(before: Alarm | None, after: Alarm) -> bool:
    """Say whether the change is the end of a hold that raised nothing: no journal row, no notification."""
    return after.state == "cleared" and before is not None and before.state == "pending"


def _new(rule: Rule, seen: Observation) -> Alarm:
    return Alarm(
        alarm=alarm_key(rule.id, seen.device),
        rule=rule.id,
        device=seen.device,
        channel=rule.channel,
        severity=rule.severity,
        state="cleared",
        version=0,
        title="",
        message="",
        value="",
        threshold="",
        since_us=seen.at_us,
        evaluated_us=seen.at_us,
    )


def _next(alarm: Alarm, **changes: object) -> Alarm:
    return msgspec.structs.replace(alarm, **({"version": alarm.version + 1} | changes))


def _raised(alarm: Alarm, now_us: int) -> Alarm:
    return _next(
        alarm,
        state="raised",
        episodes=alarm.episodes + 1,
        raised_us=now_us,
        acknowledged_us=None,
        acknowledged_by=None,
        cleared_us=None,
        deadline_us=None,
    )


def _cleared(alarm: Alarm, now_us: int, **changes: object) -> Alarm:
    return _next(alarm, state="cleared", cleared_us=now_us, **changes)


def _worded(alarm: Alarm, rule: Rule, wording: Wording, **changes: object) -> Alarm:
    # Rules may be edited between two episodes: each takes the rule's words as they are when it begins.
    own = {"channel": rule.channel, "severity": rule.severity}
    return _next(alarm, **(own | msgspec.structs.asdict(wording) | changes))
