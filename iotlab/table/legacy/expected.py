"""Expected: the condition of a write before there were condition expressions.

Each attribute has either Value and Exists, or ComparisonOperator with AttributeValueList (or one Value).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iotlab.table.errors import ValidationException
from iotlab.table.expressions.condition import Condition, Test, either, every
from iotlab.table.legacy.comparisons import checked_values, comparison
from iotlab.table.legacy.requests import (
    OPERATORS,
    PREFIX,
    check_choice,
    check_conditional_operator,
    sequence,
    structure,
)


def compile_expected(expected: Mapping[str, Any], conditional_operator: Any = None) -> Condition:
    """Return what a write expects of the item; an empty parameter expects nothing.

    Args:
        expected: Attribute name → what it must be.
        conditional_operator: ``AND`` (as without one) or ``OR``.

    Raises:
        ValidationException: members that exclude each other, or values that don't fit their operator.
    """
    check_conditional_operator(conditional_operator, len(expected))
    tests = [_test(name, structure(condition)) for name, condition in expected.items()]
    joined = either(tests) if conditional_operator == "OR" else every(tests)
    return Condition(joined, frozenset(expected))


def _test(name: str, members: dict[str, Any]) -> Test:
    if "AttributeValueList" in members and "Value" in members:
        raise _wrong(name, "Value and AttributeValueList cannot be used together")
    if "ComparisonOperator" in members:
        return _with_operator(name, members)
    if "AttributeValueList" in members:
        raise _wrong(name, "AttributeValueList can only be used with a ComparisonOperator")
    return _with_value(name, members)


def _with_operator(name: str, members: dict[str, Any]) -> Test:
    operator = members["ComparisonOperator"]
    check_choice(operator, f"expected.{name}.member.comparisonOperator", OPERATORS)
    if "Exists" in members:
        raise _wrong(name, "Exists and ComparisonOperator cannot be used together")
    if "Value" in members:
        values = [members["Value"]]
    elif "AttributeValueList" in members:
        values = sequence(members["AttributeValueList"])
    elif operator in {"NULL", "NOT_NULL"}:
        values = []
    else:
        raise _wrong(name, f"Value or AttributeValueList must be used with ComparisonOperator: {operator}")
    return comparison(name, operator, checked_values(operator, values))


def _with_value(name: str, members: dict[str, Any]) -> Test:
    exists = members.get("Exists")
    if exists is False:
        if "Value" in members:
            raise _wrong(name, "Value cannot be used when Exists is false")
        return comparison(name, "NULL", [])
    if "Value" not in members:
        raise _wrong(name, f"Value must be provided when Exists is {'null' if exists is None else 'true'}")
    return comparison(name, "EQ", checked_values("EQ", [members["Value"]]))


def _wrong(name: str, problem: str) -> ValidationException:
    return ValidationException(f"{PREFIX}{problem} for Attribute: {name}")
