"""QueryFilter and ScanFilter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iotlab.table.errors import ValidationException
from iotlab.table.expressions.condition import Condition, either, every
from iotlab.table.legacy.comparisons import checked_values, comparison
from iotlab.table.legacy.requests import OPERATORS, check_choice, check_conditional_operator, sequence, structure
from iotlab.table.values import AttributeValue


def compile_filter(
    conditions: Mapping[str, Any], conditional_operator: Any = None, what: str = "QueryFilter"
) -> Condition:
    """Return what a filter asks of an item; an empty one lets every item pass.

    Args:
        conditions: Attribute name → ComparisonOperator and AttributeValueList.
        conditional_operator: ``AND`` (as without one) or ``OR``.
        what: ``QueryFilter`` or ``ScanFilter``, for messages.

    Raises:
        ValidationException: an operator is unknown, or its values don't fit it.
    """
    check_conditional_operator(conditional_operator, len(conditions))
    tests = [comparison(name, *read_condition(name, one, what)) for name, one in conditions.items()]
    joined = either(tests) if conditional_operator == "OR" else every(tests)
    return Condition(joined, frozenset(conditions))


def read_condition(name: str, condition: Any, what: str) -> tuple[str, list[AttributeValue]]:
    """Return the operator and the checked values of one condition.

    Raises:
        ValidationException: the operator is missing or unknown, or its values don't fit it.
    """
    members = structure(condition)
    member = f"{what[0].lower()}{what[1:]}.{name}.member.comparisonOperator"
    operator = members.get("ComparisonOperator")
    if operator is None:
        raise ValidationException(
            f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: "
            "Member must not be null"
        )
    check_choice(operator, member, OPERATORS)
    return operator, checked_values(operator, sequence(members.get("AttributeValueList", [])))
