"""Adding up the ConsumedCapacity of several operations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def sum_of(consumed: Iterable[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Return the ConsumedCapacity of several operations on one table as one, or None for none."""
    total: dict[str, Any] | None = None
    for one in consumed:
        if one is not None:
            total = one if total is None else _add(total, one)
    return total


def by_table(consumed: Iterable[dict[str, Any] | None]) -> list[dict[str, Any]]:
    """Return the ConsumedCapacity of several operations, one entry for each table."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for one in consumed:
        if one is not None:
            tables.setdefault(one["TableName"], []).append(one)
    return [total for total in map(sum_of, tables.values()) if total is not None]


def _add(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    total = dict(left)
    for name, value in right.items():
        if isinstance(value, dict):
            total[name] = _add(total.get(name, {}), value)
        elif isinstance(value, int | float):
            total[name] = total.get(name, 0) + value
        else:
            total[name] = value
    return total
