"""Higher severities from the ``escalate`` tables of a rules' file."""

from __future__ import annotations

from iotlab.domain.alarm import is_higher
from iotlab.triggers.bounds import Bounds
from iotlab.triggers.condition_reader import LIMITS, read_bounds
from iotlab.triggers.conditions import Condition, Level
from iotlab.triggers.conditions_over_time import Change
from iotlab.triggers.fields import Fields
from iotlab.triggers.ruleset import Escalation


def read_escalations(fields: Fields, condition: Condition) -> tuple[Escalation, ...]:
    """Return a rule's higher severities, in order. Raises ConfigError."""
    if "escalate" not in fields:
        return ()
    below, found = fields.severity(), []
    for one in fields.tables("escalate", most=2):
        escalation = _read_escalation(one, condition)
        if not is_higher(escalation.severity, below):
            one.refuse("severity", f"{escalation.severity} is not above {below}", expected="a higher severity")
        below = escalation.severity
        found.append(escalation)
    return tuple(found)


def _read_escalation(fields: Fields, condition: Condition) -> Escalation:
    fields.only(("severity", *LIMITS, "clear", "hysteresis", "hold_s", "keep_firing_s"))
    hold_s, keep_s = fields.seconds("hold_s"), fields.seconds("keep_firing_s")
    kinds = [kind for kind in LIMITS if kind in fields]
    if not kinds:
        if not hold_s:
            fields.refuse("", "it would be reached at once", expected="a limit of its own, or hold_s")
        return Escalation(severity=fields.severity(None), hold_s=hold_s, keep_s=keep_s)
    own = condition.bounds if isinstance(condition, Level | Change) else None
    if len(kinds) > 1 or not isinstance(own, Bounds) or _kind_of(condition) != kinds[0]:
        fields.refuse(
            kinds[0], "the limit is of another kind than the rule's", expected="the rule's own key, or hold_s"
        )
    bounds = read_bounds(fields, kinds[0])
    if not _is_further(bounds, own):
        fields.refuse(kinds[0], "the limit is passed before the rule's own", expected=f"one beyond {own.limit}")
    return Escalation(severity=fields.severity(None), bounds=bounds, hold_s=hold_s, keep_s=keep_s)


def _kind_of(condition: Condition) -> str:
    if isinstance(condition, Change):
        return f"{condition.direction}_by"
    return condition.bounds.side if isinstance(condition, Level) else ""


def _is_further(bounds: Bounds, own: Bounds) -> bool:
    if own.inside:
        return bounds.low >= own.low and bounds.high <= own.high
    return bounds.low <= own.low and bounds.high >= own.high
