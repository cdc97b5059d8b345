"""How DynamoDB compares attribute values: equality over all types, order within S, N and B."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

from iotlab.table.values import AttributeValue


def equal(left: AttributeValue, right: AttributeValue) -> bool:
    """Return whether two attribute values are equal. Values are in canonical form, so equal values look equal."""
    return left == right


def ordered(operator: str, left: AttributeValue, right: AttributeValue) -> bool:
    """Return whether ``left operator right`` holds; False for values of different or unordered types."""
    kind = next(iter(left))
    if kind not in right or kind not in {"S", "N", "B"}:
        return False
    a, b = sort_value(left), sort_value(right)
    match operator:
        case "<":
            return bool(a < b)
        case "<=":
            return bool(a <= b)
        case ">":
            return bool(a > b)
        case _:
            return bool(a >= b)


def sort_value(attribute: AttributeValue) -> Any:
    """Return what an S, N or B value is ordered by: UTF-8 bytes, number, bytes."""
    ((kind, value),) = attribute.items()
    if kind == "N":
        return Decimal(value)
    return value.encode() if kind == "S" else base64.b64decode(value)
