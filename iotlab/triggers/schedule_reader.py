"""Schedules from the ``schedule`` tables of a rules' file."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfoNotFoundError

from iotlab.triggers.fields import Fields
from iotlab.triggers.places import nearest
from iotlab.triggers.schedules import DAYS, MINUTES_A_DAY, Schedule, Times

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")


def read_schedule(fields: Fields) -> Schedule | None:
    """Return a rule's schedule, or None without one. Raises ConfigError."""
    if "schedule" not in fields:
        return None
    times: list[Times] = []
    zones: list[str] = []
    for one in fields.tables("schedule", most=20):
        one.only(("days", "from", "to", "zone"))
        times.append(Times(_read_days(one), _read_minute(one, "from", 0), _read_minute(one, "to", MINUTES_A_DAY)))
        zones.append(one.text("zone", zones[0] if zones else "UTC"))
    if len(set(zones)) > 1:
        fields.refuse("schedule", "the spans are in different time zones", expected="one zone for all")
    try:
        return Schedule(tuple(times), zones[0])
    except (ValueError, ZoneInfoNotFoundError, OSError):
        fields.refuse("schedule", f"{zones[0]!r} is not a time zone", expected="such as Europe/Berlin or UTC")


def _read_days(fields: Fields) -> frozenset[int]:
    names = fields.table.get("days", list(DAYS))
    if not isinstance(names, list) or not names:
        fields.refuse("days", f"{names!r} is no list of days", expected='such as ["mon", "tue"]')
    for name in names:
        if name not in DAYS:
            near = nearest(str(name).lower(), DAYS)
            fields.refuse("days", f"{name!r} is not a day", expected=", ".join(DAYS), nearest=near)
    return frozenset(DAYS.index(name) for name in names)


def _read_minute(fields: Fields, key: str, default: int) -> int:
    if key not in fields:
        return default
    text = fields.text(key)
    found = _TIME.fullmatch(text)
    if found is None:
        fields.refuse(key, f"{text!r} is not a time of day", expected="00:00 to 24:00")
    return int(text[:2]) * 60 + int(text[3:])
