"""What conditions ask of attribute values: equality over all types, order within S, N and B, parts and sizes.

Values are in canonical form, so equal values look equal. A missing attribute is None.
"""

from __future__ import annotations

import base64
import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from iotlab.table.values import AttributeValue

Value = AttributeValue | None

ORDERED_TYPES = frozenset({"S", "N", "B"})
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def kind_of(attribute: AttributeValue) -> str:
    """Return an attribute value's type: ``S``, ``N``, …"""
    return next(iter(attribute))


def equal(left: Value, right: Value) -> bool:
    """Return whether both are there and equal."""
    return left is not None and left == right


def unequal(left: Value, right: Value) -> bool:
    """Return whether the values differ. A missing attribute differs from everything, a missing one too."""
    return left is None or right is None or left != right


def ordered(comparator: str) -> Callable[[Value, Value], bool]:
    """Return the test ``left comparator right``: False for missing values and for different or unordered types."""
    compare = _ORDER[comparator]

    def test(left: Value, right: Value) -> bool:
        if left is None or right is None:
            return False
        kind = kind_of(left)
        return kind in right and kind in ORDERED_TYPES and compare(sort_value(left), sort_value(right))

    return test


COMPARATORS: dict[str, Callable[[Value, Value], bool]] = {
    "=": equal,
    "<>": unequal,
    **{comparator: ordered(comparator) for comparator in _ORDER},
}


def sort_value(attribute: AttributeValue) -> Any:
    """Return what an S, N or B value is ordered by: UTF-8 bytes, number, bytes."""
    ((kind, value),) = attribute.items()
    if kind == "N":
        return Decimal(value)
    return value.encode() if kind == "S" else base64.b64decode(value)


def between(value: Value, low: Value, high: Value) -> bool:
    """Return whether the value is in the range, both ends included."""
    return COMPARATORS[">="](value, low) and COMPARATORS["<="](value, high)


def begins_with(value: Value, prefix: Value) -> bool:
    """Return whether S begins with S, or B with B."""
    if value is None or prefix is None:
        return False
    if "S" in value and "S" in prefix:
        return bool(value["S"].startswith(prefix["S"]))
    if "B" in value and "B" in prefix:
        return base64.b64decode(value["B"]).startswith(base64.b64decode(prefix["B"]))
    return False


def contains(value: Value, sought: Value) -> bool:
    """Return whether S has S in it, B has B, or a list or set has the sought element."""
    if value is None or sought is None:
        return False
    ((kind, content),) = value.items()
    ((sought_kind, sought_content),) = sought.items()
    if kind == "S" and sought_kind == "S":
        return sought_content in content
    if kind == "B" and sought_kind == "B":
        return base64.b64decode(sought_content) in base64.b64decode(content)
    if kind == "L":
        return sought in content
    return bool(kind == sought_kind + "S" and sought_content in content)


def size(value: Value) -> Value:
    """Return the length of S, the bytes of B, or the number of elements; None for what has no size."""
    if value is None:
        return None
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return {"N": str(len(content))}
        case "B":
            return {"N": str(len(base64.b64decode(content)))}
        case "L" | "M" | "SS" | "NS" | "BS":
            return {"N": str(len(content))}
        case _:
            return None
