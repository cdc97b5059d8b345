"""A rule in words, so that a person can see whether it says what they meant."""

from __future__ import annotations

from collections.abc import Iterator

from iotlab.clock import US_PER_S
from iotlab.triggers.bounds import Bounds, Referred
from iotlab.triggers.conditions import AllOf, AnyOf, Condition, Level
from iotlab.triggers.conditions_over_time import Change, ChangedSince, Moves, Resets, Silent, Stuck
from iotlab.triggers.ruleset import Escalation, Rule
from iotlab.triggers.schedules import DAYS, MINUTES_A_DAY, Schedule, Times
from iotlab.triggers.sentence import shown_duration, shown_number


def explain(rule: Rule) -> Iterator[str]:
    """Yield sentences that say what a rule watches, when its alarm is raised and how it goes on."""
    yield f"It watches {_devices(rule)}."
    yield f"The condition: {in_words(rule.condition)}."
    yield _raising(rule)
    yield from (_escalating(one) for one in rule.escalations)
    yield _clearing(rule)
    if rule.schedule is not None:
        yield f"It begins nothing but {_times(rule.schedule)}."


def in_words(condition: Condition) -> str:
    """Return a condition as a part of a sentence."""
    match condition:
        case Level():
            stale = "" if condition.stale_us is None else f" (unknown after {shown_duration(condition.stale_us)})"
            return f"{condition.channel} is {_limit(condition.bounds)}{stale}"
        case Change():
            within = shown_duration(condition.within_us)
            return f"{condition.channel} {condition.direction} by more than {condition.bounds.limit} within {within}"
        case ChangedSince():
            amount = shown_number(condition.amount)
            return f"{condition.channel} is more than {amount} away from what was notified last"
        case Silent():
            of_what = f"of {condition.channel}" if condition.channel else "at all"
            return f"nothing came {of_what} for {shown_duration(condition.silent_us)}"
        case Stuck():
            tolerance = f" by more than {shown_number(condition.tolerance)}" if condition.tolerance else ""
            return f"{condition.channel} has not changed{tolerance} for {shown_duration(condition.stuck_us)}"
        case Moves():
            span = f"within {shown_duration(condition.within_us)}" if condition.within_us else "in its quiet time"
            return f"the counter {condition.channel} moved by more than {shown_number(condition.amount)} {span}"
        case Resets():
            return f"the counter {condition.channel} is less than before"
        case AllOf():
            return " and ".join(map(_part, condition.parts))
        case AnyOf():
            return " or ".join(map(_part, condition.parts))
        case _:
            raise TypeError(f"{type(condition).__name__} has no words")


def _part(condition: Condition) -> str:
    return f"({in_words(condition)})" if isinstance(condition, AllOf | AnyOf) else in_words(condition)


def _limit(bounds: Bounds | Referred) -> str:
    if isinstance(bounds, Bounds):
        return f"{bounds.side} {bounds.limit}"
    where = f"the device's attribute {bounds.attribute}" if bounds.attribute else f"the device's {bounds.channel}"
    plus = f" {'+' if bounds.plus > 0 else '-'} {shown_number(abs(bounds.plus))}" if bounds.plus else ""
    default = "" if bounds.default is None else f" (without one {shown_number(bounds.default)})"
    return f"{bounds.side} {where}{plus}{default}"


def _devices(rule: Rule) -> str:
    known = [
        (rule.device, "the device" if rule.device and not set("*?[") & set(rule.device) else "devices named"),
        (rule.device_type, "devices of type"),
        (rule.room, "devices in"),
    ]
    words = [f"{what} {value}" for value, what in known if value]
    return ", of them ".join(words) or "all devices"


def _raising(rule: Rule) -> str:
    needs = []
    if rule.repeat > 1:
        needs.append(f"{rule.repeat} readings in a row fulfil it")
    if rule.hold_s:
        needs.append(f"it has held for {_seconds(rule.hold_s)}")
    when = f"when {' and '.join(needs)}" if needs else "at once"
    return f"The alarm is raised {when}, as {rule.severity}."


def _escalating(escalation: Escalation) -> str:
    bounds = escalation.bounds
    what = f"the figure is {bounds.side} {bounds.limit}" if bounds is not None else "the alarm is open"
    hold = f" for {_seconds(escalation.hold_s)}" if escalation.hold_s else ""
    keep = f", and no more when it has been back for {_seconds(escalation.keep_s)}" if escalation.keep_s else ""
    return f"It is {escalation.severity} when {what}{hold}{keep}."


def _clearing(rule: Rule) -> str:
    keep = f", {_seconds(rule.keep_s)} later" if rule.keep_s else ""
    if rule.clear_when is not None:
        return f"It clears when {in_words(rule.clear_when)}{keep}."
    condition = rule.condition
    if isinstance(condition, Moves):
        return f"It clears when the counter has stood still for {shown_duration(condition.still_us)}{keep}."
    bounds = condition.bounds if isinstance(condition, Level | Change) else None
    if isinstance(bounds, Bounds):
        return f"It clears when the figure is {_back(bounds)}{keep}."
    return f"It clears when the condition is over{keep}."


def _back(bounds: Bounds) -> str:
    low, high = shown_number(bounds.clear_low), shown_number(bounds.clear_high)
    words = {
        "above": f"at or below {high}",
        "below": f"at or above {low}",
        "outside": f"within {low} to {high}",
        "inside": f"outside of {low} to {high}",
    }
    return words[bounds.side]


def _times(schedule: Schedule) -> str:
    return f"{' and '.join(map(_span, schedule.times))} ({schedule.zone})"


def _span(times: Times) -> str:
    days = "every day" if len(times.days) == len(DAYS) else ", ".join(DAYS[day] for day in sorted(times.days))
    if (times.start_minute, times.end_minute) == (0, MINUTES_A_DAY):
        return days
    return f"{days} from {_clock(times.start_minute)} to {_clock(times.end_minute)}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _seconds(seconds: float) -> str:
    return shown_duration(round(seconds * US_PER_S))
