"""Alarms against what really went wrong: which incident each raised alarm belongs to, and what is left over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from iotlab.clock import US_PER_S

GRACE_US = 60 * US_PER_S
"""How long after its end an incident may still be noticed: messages wait in outboxes while a part is down."""

_Row = dict[str, Any]


def score(
    incidents: Sequence[_Row], transitions: Iterable[_Row], *, ended_us: int | None, grace_us: int = GRACE_US
) -> dict[str, int]:
    """Return how many alarms were expected, raised, missed and unexpected.

    An alarm belongs to the incident of its rule and device during which it was raised; each incident takes one. An
    incident that the end of the run cut short may raise its alarm or not: neither is a mistake. What is raised more
    than ``grace_us`` after the end says that the devices are gone, which is true.

    Args:
        incidents: Rows of the emulator's ledger, near misses among them.
        transitions: Rows of the journal, as plain values.
        ended_us: When the devices ended, µs since 1970; None while they play.
        grace_us: See `GRACE_US`.
    """
    last_us = float("inf") if ended_us is None else ended_us + grace_us
    rows = [row for row in transitions if row.get("what") == "raised" and row["at_us"] <= last_us]
    raised = sorted(rows, key=lambda row: int(row["at_us"]))
    real = sorted((one for one in incidents if not one["near_miss"]), key=lambda one: int(one["start_us"]))
    noticed: set[int] = set()
    unexpected = 0
    for row in raised:
        found = next((at for at, one in enumerate(real) if at not in noticed and _fits(one, row, grace_us)), None)
        if found is None:
            unexpected += 1
        else:
            noticed.add(found)
    expected = [at for at, one in enumerate(real) if one["expected"]]
    return {
        "expected": len(expected),
        "raised": len(raised),
        "missed": len(set(expected) - noticed),
        "unexpected": unexpected,
        "near_misses": len(incidents) - len(real),
    }


def _fits(incident: _Row, raised: _Row, grace_us: int) -> bool:
    if f"{incident['rule']}/{incident['device']}" != raised["alarm"]:
        return False
    end_us = incident["end_us"]
    return bool(incident["start_us"] <= raised["at_us"] and (end_us is None or raised["at_us"] <= end_us + grace_us))
