"""ComparisonOperator with its AttributeValueList: how many values of which types, and the test that it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from iotlab.table.errors import ValidationException
from iotlab.table.expressions import compare
from iotlab.table.expressions.compare import Value, kind_of
from iotlab.table.expressions.condition import Test
from iotlab.table.legacy.requests import PREFIX
from iotlab.table.validation import canonical_attribute
from iotlab.table.values import AttributeValue

SYMBOLS = {"EQ": "=", "NE": "<>", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
_COUNTS = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2}
_SCALARS = frozenset({"S", "N", "B"})
_TYPES = {
    **dict.fromkeys(("LE", "LT", "GE", "GT", "CONTAINS", "NOT_CONTAINS", "IN", "BETWEEN"), _SCALARS),
    "BEGINS_WITH": frozenset({"S", "B"}),
}


def checked_values(operator: str, values: Sequence[Any]) -> list[AttributeValue]:
    """Return the values of an operator in canonical form.

    Raises:
        ValidationException: a value is no attribute value, their number or types don't fit the operator, they have
            different types, or BETWEEN's are in the wrong order.
    """
    checked = [canonical_attribute(value) for value in values]
    _check_count(operator, len(checked))
    kinds = [kind_of(value) for value in checked]
    if len(set(kinds)) > 1:
        raise ValidationException(f"{PREFIX}AttributeValues inside AttributeValueList must be of same type")
    allowed = _TYPES.get(operator)
    if kinds and allowed is not None and kinds[0] not in allowed:
        raise ValidationException(
            f"{PREFIX}ComparisonOperator {operator} is not valid for {kinds[0]} AttributeValue type"
        )
    if operator == "BETWEEN" and compare.COMPARATORS[">"](checked[0], checked[1]):
        raise ValidationException(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )
    return checked


def _check_count(operator: str, count: int) -> None:
    if count != _COUNTS.get(operator, 1) and not (operator == "IN" and count):
        raise ValidationException(f"{PREFIX}Invalid number of argument(s) for the {operator} ComparisonOperator")


def comparison(name: str, operator: str, values: Sequence[AttributeValue]) -> Test:
    """Return the test of one top-level attribute with checked values."""
    test = _test(operator, values)
    return lambda item: test(item.get(name))


def _test(operator: str, values: Sequence[AttributeValue]) -> Callable[[Value], bool]:
    match operator:
        case "NULL":
            return lambda value: value is None
        case "NOT_NULL":
            return lambda value: value is not None
        case "IN":
            return lambda value: value in values
        case "BETWEEN":
            return lambda value: compare.between(value, values[0], values[1])
        case "BEGINS_WITH":
            return lambda value: compare.begins_with(value, values[0])
        case "CONTAINS":
            return lambda value: compare.contains(value, values[0])
        case "NOT_CONTAINS":
            # DynamoDB finds that a missing attribute does not even not contain something.
            return lambda value: value is not None and not compare.contains(value, values[0])
        case _:
            holds = compare.COMPARATORS[SYMBOLS[operator]]
            return lambda value: holds(value, values[0])
