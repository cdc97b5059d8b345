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
- A person's clear ends the episode, not its cause: the next reading that is beyond the threshold raises it again.
- **Shelving hides, it does not stop.** A shelved alarm is raised and cleared as always, with its journal and without
  notifications. When the shelving ends while the alarm is open, its channels are told.
- **An alarm that is raised and cleared too often is flapping** (`Flapping`): one notification says so, then it is
  quiet until it has been calm for a while; every transition is still counted and in the journal.
- A rise of the severity takes an acknowledgement back: what was seen was the smaller thing. A fall does not.
- A reading older than the newest one that was judged changes nothing: it can neither fire again nor clear.
  A device's time counts at most up to the time of receipt, so a clock that once ran ahead blocks nothing.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from iotlab.clock import US_PER_S
from iotlab.domain.alarm import AlarmState, Severity
from iotlab.triggers.ruleset import Rule

Step = Literal["start_hold", "end_hold", "raise", "clear"]


class Flapping(msgspec.Struct, frozen=True):
    """When an alarm counts as flapping.

    Attributes:
        transitions: So many raises and clears within ``window_s`` begin it; 0 never.
        window_s: See above.
        calm_s: It ends this long after the last raise or clear.
    """

    transitions: int = 6
    window_s: float = 300.0
    calm_s: float = 300.0


FLAPPING = Flapping()


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
    escalate: tuple[str, ...] = ()
    told: dict[str, int] = {}
    name: str | None = None
    device_type: str | None = None
    waiting_us: int | None = None
    shelved_until_us: int | None = None
    shelved_by: str | None = None
    assignee: str | None = None
    comment: str | None = None
    comments: int = 0
    transitions: int = 0
    recent_us: tuple[int, ...] = ()
    flapping_us: int | None = None
    flaps: int = 0
    timers: dict[str, tuple[int, int]] = {}
    reference: float | None = None

    @property
    def is_shelved(self) -> bool:
        """Whether a person has shelved it, until it is unshelved or its time is over."""
        return self.shelved_until_us is not None

    @property
    def is_flapping(self) -> bool:
        """Whether it is raised and cleared too often to notify each time."""
        return self.flapping_us is not None

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
    escalate: tuple[str, ...] = ()
    name: str | None = None
    device_type: str | None = None


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


def observed(
    rule: Rule,
    alarm: Alarm | None,
    seen: Observation,
    wording: Wording,
    now_us: int,
    *,
    flapping: Flapping = FLAPPING,
) -> Alarm:
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
            return moved(before, state="cleared", evaluated_us=seen.at_us, deadline_us=None, value=wording.value)
        case "raise":
            since_us = before.since_us if before.state == "pending" else seen.at_us
            raised = raised_again(before, now_us, flapping)
            return _worded(raised, rule, wording, version=raised.version, since_us=since_us, evaluated_us=seen.at_us)
        case "clear":
            return cleared(
                before,
                now_us,
                flapping,
                value=wording.value,
                evaluated_us=seen.at_us,
                message_id=wording.message_id,
            )
        case None:
            raise ValueError(f"the alarm {before.alarm} takes no step at this reading")


def held(alarm: Alarm, now_us: int, flapping: Flapping = FLAPPING) -> Alarm | None:
    """Return the alarm raised because its hold timer ran out, or None when no timer runs."""
    return raised_again(alarm, now_us, flapping) if alarm.state == "pending" else None


def raised_again(alarm: Alarm, now_us: int, flapping: Flapping = FLAPPING) -> Alarm:
    """Return the alarm at the beginning of a new episode, of which nobody has seen anything yet."""
    return _counted(
        moved(
            alarm,
            state="raised",
            episodes=alarm.episodes + 1,
            raised_us=now_us,
            waiting_us=now_us,
            acknowledged_us=None,
            acknowledged_by=None,
            cleared_us=None,
            deadline_us=None,
            assignee=None,
            told={},
        ),
        now_us,
        flapping,
    )


def cleared(alarm: Alarm, now_us: int, flapping: Flapping = FLAPPING, **changes: object) -> Alarm:
    """Return the alarm at the end of its episode."""
    after = moved(alarm, state="cleared", cleared_us=now_us, waiting_us=None, **changes)
    return _counted(after, now_us, flapping)


def abandoned(alarm: Alarm, now_us: int) -> Alarm | None:
    """Return the alarm of a rule that is gone: an open one cleared, a running hold ended. None when nothing runs."""
    if alarm.state == "pending":
        return moved(alarm, state="cleared", deadline_us=None)
    return cleared(alarm, now_us, value="", message_id=None) if alarm.is_open else None


def is_silent(before: Alarm | None, after: Alarm) -> bool:
    """Say whether the change is the end of a hold that raised nothing: no journal row, no notification."""
    return after.state == "cleared" and before is not None and before.state == "pending"


def moved(alarm: Alarm, **changes: object) -> Alarm:
    """Return the next version of an alarm, with these attributes changed."""
    return msgspec.structs.replace(alarm, **({"version": alarm.version + 1} | changes))


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


def _counted(alarm: Alarm, now_us: int, flapping: Flapping) -> Alarm:
    """Count a raise or a clear, and see whether it makes the alarm flap."""
    recent = (*alarm.recent_us, now_us)[-max(flapping.transitions, 1) :]
    counted = msgspec.structs.replace(alarm, transitions=alarm.transitions + 1, recent_us=recent)
    if alarm.is_flapping:
        return msgspec.structs.replace(counted, flaps=alarm.flaps + 1)
    within = 0 <= now_us - recent[0] <= flapping.window_s * US_PER_S
    if not flapping.transitions or len(recent) < flapping.transitions or not within:
        return counted
    return msgspec.structs.replace(counted, flapping_us=recent[0], flaps=len(recent))


def _worded(alarm: Alarm, rule: Rule, wording: Wording, **changes: object) -> Alarm:
    # Rules may be edited between two episodes: each takes the rule's words as they are when it begins.
    own = {"channel": rule.channel, "severity": rule.severity}
    return moved(alarm, **(own | msgspec.structs.asdict(wording) | changes))
