"""The course of an alarm: what a rule's verdict on a reading, or the end of a timer, does to it. No I/O, no clock.

States: (none or cleared) → pending (a hold timer runs) → raised → acknowledged → cleared; without a hold straight
to raised; from pending silently back to cleared when the condition ends in time. While an alarm is open its severity
rises and falls.

Decided here:

- **Unknown changes nothing.** A value that is missing, stale or no number, a device that is silent or offline: none
  of them stops or restarts a running timer, raises or clears. The last known state stands. A device that dies in the
  leak that it reported must not silence the alarm; a false alarm costs less than a missed one. Who wants to know of
  silence says so with ``no_data_s``.
- What lies between a limit and its ``clear`` keeps an open alarm open, and ends a hold, because the rule says that
  the condition must *stay* fulfilled.
- Hold and repeat are both needed. The hold begins with the first reading that fulfils the condition.
- Outside of its schedule a rule begins nothing, and a running hold ends. An open alarm is watched and cleared as
  always.
- ``keep_firing_s`` begins with the first reading that is back, and ends for nothing with one that is not.
- A higher severity counts from the raise on at the earliest. One whose limits are passed at the raise, and that wants
  no hold, is the severity that the alarm is raised with. A fall goes down one severity at a time.
- Each timer ends in two ways. By the lab's clock: its length after the reading that began it was received, whatever
  came or did not come since. By the device's time, for readings that come late: a reading that is at least its length
  after the one that began it. Where both come as they are measured only the lab's clock counts, and that one is
  monotonic: setting the time of day neither ends nor prolongs anything.
- A reading older than the newest one that was judged changes nothing: it can neither fire again nor clear. A
  device's time counts at most up to the time of receipt, so that a clock that once ran ahead blocks nothing.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from iotlab.clock import US_PER_S
from iotlab.domain.alarm import Severity
from iotlab.triggers.alarms import Alarm
from iotlab.triggers.ruleset import Rule
from iotlab.triggers.verdicts import Verdict

Step = Literal[
    "remember", "start_hold", "end_hold", "change_timers", "raise", "raise_again", "clear", "escalate", "deescalate"
]
Timers = dict[str, tuple[int, int]]
"""Timer → the device's time of the reading that began it, and its end by the lab's clock; µs since 1970."""

HOLD = "hold"
KEEP = "keep"
FALL = "fall"
RISE = "rise:"
"""The names of the timers; a rise has one for each severity."""

SILENT: frozenset[Step] = frozenset({"remember", "end_hold", "change_timers"})
"""Steps that nobody needs to hear of: no journal row, no notification."""

_LATE_US = 5 * US_PER_S
"""A timer that began with a reading so much older than its receipt began late."""


class Moment(msgspec.Struct, frozen=True, gc=False):
    """When a reading was.

    Attributes:
        at_us: The device's time, at most the time of receipt.
        received_us: When it was received.
        is_live: Whether it came as it was measured and is judged as it came: only the lab's clock ends timers then.
    """

    at_us: int
    received_us: int
    is_live: bool = False


class Course(msgspec.Struct, frozen=True):
    """The next step of one alarm.

    Attributes:
        step: What happens.
        severity, timers, since_us: The alarm's after it.
        reference: The value to compare with from now on, for a rule that compares with what was notified last.
    """

    step: Step
    severity: Severity
    timers: Timers
    since_us: int
    reference: float | None = None


def is_late(alarm: Alarm, moment: Moment) -> bool:
    """Say whether a newer reading than this was judged. One of the future was judged by a clock since set back."""
    return moment.at_us < alarm.evaluated_us <= moment.received_us


def advance(rule: Rule, alarm: Alarm | None, verdict: Verdict, moment: Moment) -> Course | None:
    """Return the step that a reading causes, or None.

    Args:
        rule, alarm: The rule, and its alarm on this device; None when there never was one.
        verdict, moment: What the rule says of the reading, and when that was.
    """
    if alarm is not None and is_late(alarm, moment):
        return None
    if alarm is not None and rule.is_moment and moment.at_us == alarm.evaluated_us:
        # The same reading again, after a crash: what it compares with has moved since.
        return None
    if alarm is None or alarm.state == "cleared":
        return _begin(rule, alarm, verdict, moment)
    if alarm.state == "pending":
        return _hold_on(rule, alarm, verdict, moment)
    return _stay(rule, alarm, verdict, moment)


def expire(rule: Rule, alarm: Alarm, timer: str, last: Verdict, now_us: int) -> Course | None:
    """Return the step that the end of a timer causes, or None when the alarm has no such timer.

    Args:
        rule, alarm: See `advance`.
        timer: The timer's name.
        last: What the rule said of the last reading.
        now_us: Now.
    """
    if timer not in alarm.timers or alarm.state == "cleared":
        return None
    left = _without(alarm.timers, timer)
    if timer == HOLD:
        return _end_hold(rule, alarm, last, now_us)
    if timer == KEEP:
        return _course("clear", alarm, {})
    changed = _fall(rule, alarm, left) if timer == FALL else _rise(rule, alarm, timer.removeprefix(RISE), left)
    # A timer for a severity that the rule, edited meanwhile, does not have.
    return changed or _course("change_timers", alarm, left)


def _end_hold(rule: Rule, alarm: Alarm, last: Verdict, now_us: int) -> Course:
    if rule.schedule is not None and not rule.schedule.is_active(now_us):
        return _course("end_hold", alarm, {})
    if not last.is_repeated:
        return _course("change_timers", alarm, {})
    return _raise(rule, last, Moment(max(alarm.evaluated_us, alarm.since_us), now_us), alarm.since_us)


def _begin(rule: Rule, alarm: Alarm | None, verdict: Verdict, moment: Moment) -> Course | None:
    reference = verdict.reference
    if not (verdict.beyond and verdict.is_active):
        is_new = reference is not None and (alarm is None or alarm.reference is None)
        return Course("remember", rule.severity, {}, moment.at_us, reference) if is_new else None
    if rule.hold_s:
        timers = {HOLD: (moment.at_us, moment.received_us + rule.hold_us)}
        return Course("start_hold", rule.severity, timers, moment.at_us, reference)
    return _raise(rule, verdict, moment, moment.at_us) if verdict.is_repeated else None


def _hold_on(rule: Rule, alarm: Alarm, verdict: Verdict, moment: Moment) -> Course | None:
    if verdict.beyond is None:
        return None
    if not verdict.beyond or not verdict.is_active:
        return _course("end_hold", alarm, {})
    # The timer is gone when it ended before the condition was repeated often enough.
    is_over = HOLD not in alarm.timers or _is_over(alarm.timers[HOLD], rule.hold_us, moment)
    return _raise(rule, verdict, moment, alarm.since_us) if is_over and verdict.is_repeated else None


def _raise(rule: Rule, verdict: Verdict, moment: Moment, since_us: int) -> Course:
    severity, timers = rule.severity, {}
    for escalation, (is_beyond, _) in zip(rule.escalations, verdict.levels, strict=False):
        if not is_beyond:
            continue
        if escalation.hold_s:
            timers[RISE + escalation.severity] = _timer(moment, escalation.hold_s)
        else:
            severity = escalation.severity
            timers.clear()
    return Course("raise", severity, timers, since_us, verdict.reference)


def _stay(rule: Rule, alarm: Alarm, verdict: Verdict, moment: Moment) -> Course | None:
    if rule.is_moment and verdict.beyond and verdict.is_active:
        return Course("raise_again", alarm.severity, {}, moment.at_us, verdict.reference)
    timers = dict(alarm.timers)
    if verdict.back:
        if not rule.keep_s or (KEEP in timers and _is_over(timers[KEEP], rule.keep_us, moment)):
            return _course("clear", alarm, {})
        timers.setdefault(KEEP, _timer(moment, rule.keep_s))
    elif verdict.back is False:
        timers.pop(KEEP, None)
    changed = _change_severity(rule, alarm, verdict, timers, moment)
    if changed is not None:
        return changed
    return _course("change_timers", alarm, timers) if timers != alarm.timers else None


def _change_severity(rule: Rule, alarm: Alarm, verdict: Verdict, timers: Timers, moment: Moment) -> Course | None:
    """Return the rise or fall that a reading causes, or None; timers are begun and ended in ``timers``."""
    if not rule.escalations:
        return None
    now = _rank(rule, alarm.severity)
    for rank in range(len(verdict.levels), now, -1):
        escalation, (is_beyond, _) = rule.escalations[rank - 1], verdict.levels[rank - 1]
        name = RISE + escalation.severity
        if is_beyond is False:
            timers.pop(name, None)
        elif is_beyond:
            timer = timers.setdefault(name, _timer(moment, escalation.hold_s))
            if not escalation.hold_s or _is_over(timer, round(escalation.hold_s * US_PER_S), moment):
                return _rise(rule, alarm, escalation.severity, timers)
    if not 0 < now <= len(verdict.levels):
        return None
    escalation, (_, is_back) = rule.escalations[now - 1], verdict.levels[now - 1]
    if is_back is False:
        timers.pop(FALL, None)
    elif is_back:
        timer = timers.setdefault(FALL, _timer(moment, escalation.keep_s))
        if not escalation.keep_s or _is_over(timer, round(escalation.keep_s * US_PER_S), moment):
            return _fall(rule, alarm, _without(timers, FALL))
    return None


def _rise(rule: Rule, alarm: Alarm, severity: str, timers: Timers) -> Course | None:
    found = [one for one in rule.escalations if one.severity == severity]
    if not found or _rank(rule, alarm.severity) >= rule.escalations.index(found[0]) + 1:
        return None
    passed = {RISE + one.severity for one in rule.escalations[: rule.escalations.index(found[0]) + 1]}
    left = {name: timer for name, timer in timers.items() if name not in passed and name != FALL}
    return Course("escalate", found[0].severity, left, alarm.since_us)


def _fall(rule: Rule, alarm: Alarm, timers: Timers) -> Course | None:
    rank = _rank(rule, alarm.severity)
    return Course("deescalate", rule.severities[rank - 1], timers, alarm.since_us) if rank > 0 else None


def _rank(rule: Rule, severity: Severity) -> int:
    """Return how many escalations up a severity is; 0 for one that the rule, edited meanwhile, does not have."""
    return rule.severities.index(severity) if severity in rule.severities else 0


def _course(step: Step, alarm: Alarm, timers: Timers) -> Course:
    return Course(step, alarm.severity, timers, alarm.since_us)


def _timer(moment: Moment, length_s: float) -> tuple[int, int]:
    return moment.at_us, moment.received_us + round(length_s * US_PER_S)


def _is_over(timer: tuple[int, int], length_us: int, moment: Moment) -> bool:
    began_us, deadline_us = timer
    began_late = deadline_us - length_us - began_us >= _LATE_US
    return (began_late or not moment.is_live) and moment.at_us - began_us >= length_us


def _without(timers: Timers, name: str) -> Timers:
    return {other: timer for other, timer in timers.items() if other != name}
