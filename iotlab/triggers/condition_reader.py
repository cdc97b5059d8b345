"""Conditions from the tables of a rules' file."""

from __future__ import annotations

from collections.abc import Callable

from iotlab.triggers.bounds import Bounds, Referred, Side, above, below
from iotlab.triggers.conditions import AllOf, AnyOf, Condition, Level
from iotlab.triggers.conditions_over_time import Change, ChangedSince, Direction, Moves, Resets, Silent, Stuck
from iotlab.triggers.fields import Fields

MAX_PARTS = 20
MAX_DEPTH = 4
STILL_S = 600.0

_LEVELS = ("above", "below", "inside", "outside")
_CHANGES: dict[str, Direction] = {"rises_by": "rises", "falls_by": "falls", "changes_by": "changes"}
_OTHERS = ("changed_by", "no_data_s", "stuck_s", "moves_by", "resets")
LIMITS = (*_LEVELS, *_CHANGES)
"""The keys that compare a figure with a limit."""

KINDS = (*LIMITS, *_OTHERS)
"""The keys of which a condition has exactly one; it says what is watched."""

_COMPANIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_LEVELS, ("clear", "hysteresis", "stale_s")),
    **dict.fromkeys(_CHANGES, ("within_s", "clear")),
    "changed_by": (),
    "no_data_s": (),
    "stuck_s": ("tolerance",),
    "moves_by": ("within_s", "still_s"),
    "resets": ("tolerance",),
}
"""The keys that go with each kind."""

GROUPS = ("all", "any")
KEYS = ("channel", *KINDS, "clear", "hysteresis", "stale_s", "within_s", "tolerance", "still_s", *GROUPS)
"""All keys of a condition."""


def read_condition(fields: Fields, *, has_schedule: bool = False, depth: int = 0) -> Condition:
    """Return the condition of a table.

    Args:
        fields: The table; keys that belong to no condition are not looked at.
        has_schedule: Whether the rule has a schedule, which is the quiet time of a counter.
        depth: How many groups are around it.

    Raises:
        ConfigError: it has none, more than one, or a key that does not go with it.
    """
    found = [key for key in (*KINDS, *GROUPS) if key in fields]
    if len(found) != 1:
        problem = f"both {found[0]} and {found[1]} are given" if found else "there is no condition"
        if set(found) <= {"above", "below"} or not found:
            problem = "both above and below are given" if found else "there is no threshold"
        fields.refuse(
            found[-1] if found else "", problem, expected=f"exactly one of above and below, or of {', '.join(_REST)}"
        )
    kind = found[0]
    if kind in GROUPS:
        return _read_group(fields, kind, has_schedule=has_schedule, depth=depth)
    _refuse_strangers(fields, kind)
    if kind == "no_data_s":
        if depth:
            fields.refuse(kind, "silence can't be part of another condition", expected="a rule of its own")
        return Silent(channel=fields.text("channel"), silent_us=fields.span_us(kind))
    if "channel" not in fields:
        fields.refuse("", "channel is missing", expected="channel = text")
    return _READERS[kind](fields, kind, fields.text("channel"), has_schedule)


def read_bounds(fields: Fields, kind: str) -> Bounds:
    """Return the constant bounds of a kind such as ``above`` or ``outside``. Raises ConfigError."""
    if kind in {"inside", "outside"}:
        return _read_band(fields, kind)
    limit = fields.number(kind)
    is_above = kind == "above" or kind in _CHANGES
    clear = _read_clear(fields, limit, is_above=is_above, kind=kind)
    return above(limit, clear) if is_above else below(limit, clear)


def _read_group(fields: Fields, kind: str, *, has_schedule: bool, depth: int) -> Condition:
    if depth + 1 > MAX_DEPTH:
        fields.refuse(kind, "the groups are nested too deep", expected=f"at most {MAX_DEPTH} levels")
    for key in KEYS:
        if key in fields and key != kind:
            fields.refuse(key, f"{key} does not go with {kind}", expected=f"it within the tables of {kind}")
    parts: list[Condition] = []
    for part in fields.tables(kind, most=MAX_PARTS):
        part.only(KEYS)
        parts.append(read_condition(part, has_schedule=has_schedule, depth=depth + 1))
    return AllOf(tuple(parts)) if kind == "all" else AnyOf(tuple(parts))


def _refuse_strangers(fields: Fields, kind: str) -> None:
    mine = {"channel", kind, *_COMPANIONS[kind]}
    for key in KEYS:
        if key in fields and key not in mine:
            with_it = ", ".join(_COMPANIONS[kind]) or "nothing but channel"
            fields.refuse(key, f"{key} does not go with {kind}", expected=with_it)


def _read_level(fields: Fields, kind: str, channel: str, _has_schedule: bool) -> Condition:
    stale_us = fields.span_us("stale_s") if "stale_s" in fields else None
    bounds: Bounds | Referred
    if isinstance(fields.table[kind], dict):
        bounds = _read_reference(fields, "above" if kind == "above" else "below")
    else:
        bounds = read_bounds(fields, kind)
    return Level(channel=channel, bounds=bounds, stale_us=stale_us)


def _read_reference(fields: Fields, side: Side) -> Referred:
    if "clear" in fields:
        fields.refuse("clear", "the limit differs from device to device", expected="hysteresis = a number")
    reference = fields.inner(side)
    reference.only(("attribute", "channel", "plus", "default"))
    if ("attribute" in reference) == ("channel" in reference):
        reference.refuse("", "it must be said where the limit is", expected="exactly one of attribute and channel")
    return Referred(
        side=side,
        attribute=reference.text("attribute"),
        channel=reference.text("channel"),
        plus=reference.number("plus"),
        default=reference.number("default") if "default" in reference else None,
        hysteresis=fields.amount("hysteresis"),
    )


def _read_band(fields: Fields, kind: str) -> Bounds:
    low, high = fields.band(kind)
    inside = kind == "inside"
    wide = fields.amount("hysteresis")
    clear = (low - wide, high + wide) if inside else (low + wide, high - wide)
    if "clear" in fields:
        if "hysteresis" in fields:
            fields.refuse("clear", "both clear and hysteresis are given", expected="one of them")
        clear = fields.band("clear")
    is_reachable = clear[0] <= low and clear[1] >= high if inside else low <= clear[0] <= clear[1] <= high
    if not is_reachable:
        key = "clear" if "clear" in fields else "hysteresis"
        where = "around" if inside else "within"
        fields.refuse(
            key, f"an alarm {kind} {low:g} to {high:g} would clear while it is still there, or never",
            expected=f"a band {where} {low:g} to {high:g}",
        )  # fmt: skip
    return Bounds(low=low, high=high, inside=inside, clear_low=clear[0], clear_high=clear[1])


def _read_clear(fields: Fields, limit: float, *, is_above: bool, kind: str) -> float:
    if "clear" not in fields:
        wide = fields.amount("hysteresis")
        return limit - wide if is_above else limit + wide
    if "hysteresis" in fields:
        fields.refuse("clear", "both clear and hysteresis are given", expected="one of them")
    clear = fields.number("clear")
    if (clear > limit) if is_above else (clear < limit):
        side = "at or below" if is_above else "at or above"
        fields.refuse(
            "clear",
            f"an alarm {kind} {limit:g} would clear while it is still there",
            expected=f"a number {side} {limit:g}",
        )
    return clear


def _read_change(fields: Fields, kind: str, channel: str, _has_schedule: bool) -> Condition:
    fields.amount(kind)
    bounds = read_bounds(fields, kind)
    return Change(channel=channel, direction=_CHANGES[kind], bounds=bounds, within_us=fields.span_us("within_s"))


def _read_changed(fields: Fields, kind: str, channel: str, _has_schedule: bool) -> Condition:
    return ChangedSince(channel=channel, amount=fields.amount(kind))


def _read_stuck(fields: Fields, kind: str, channel: str, _has_schedule: bool) -> Condition:
    return Stuck(channel=channel, stuck_us=fields.span_us(kind), tolerance=fields.amount("tolerance"))


def _read_moves(fields: Fields, kind: str, channel: str, has_schedule: bool) -> Condition:
    if "within_s" not in fields and not has_schedule:
        fields.refuse(kind, "nothing says when the counter should stand still", expected="within_s or a schedule")
    within_us = fields.span_us("within_s") if "within_s" in fields else 0
    still_us = fields.span_us("still_s", STILL_S)
    return Moves(channel=channel, amount=fields.amount(kind), within_us=within_us, still_us=still_us)


def _read_resets(fields: Fields, kind: str, channel: str, _has_schedule: bool) -> Condition:
    if not fields.flag(kind, default=True):
        fields.refuse(kind, "a rule that watches for nothing", expected="true")
    return Resets(channel=channel, tolerance=fields.amount("tolerance"))


_READERS: dict[str, Callable[[Fields, str, str, bool], Condition]] = {
    **dict.fromkeys(_LEVELS, _read_level),
    **dict.fromkeys(_CHANGES, _read_change),
    "changed_by": _read_changed,
    "stuck_s": _read_stuck,
    "moves_by": _read_moves,
    "resets": _read_resets,
}
_REST = tuple(key for key in (*KINDS, *GROUPS) if key not in {"above", "below"})
