"""What DynamoDB refuses in one comparison or function of a condition before it looks at an item.

Within one: the number of operands, then operands that must be distinct, then their types.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iotlab.table import limits
from iotlab.table.expressions.compare import COMPARATORS, ORDERED_TYPES, kind_of
from iotlab.table.expressions.condition_parser import OPERAND_COUNTS
from iotlab.table.expressions.operands import (
    BoundCall,
    BoundOperand,
    BoundPath,
    BoundValue,
    calls,
    check_counts,
    value_type,
)
from iotlab.table.expressions.paths import shown
from iotlab.table.expressions.problems import invalid, needs_path, operand_type
from iotlab.table.values import AttributeValue

ATTRIBUTE_TYPES = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")
_ANY_TYPE = "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"
_WITHOUT_SIZE = frozenset({"N", "BOOL", "NULL"})


def check_comparison(operator: str, left: BoundOperand, right: BoundOperand, what: str) -> None:
    """Raise ValidationException unless the comparison can be made."""
    for operand in (left, right):
        check_counts(operand, OPERAND_COUNTS, what)
    _check_distinct(operator, left, right, what)
    for operand in (left, right):
        _check_calls(operand, what)
        if operator not in {"=", "<>"}:
            _check_ordered(operator, operand, what)


def check_between(operand: BoundOperand, low: BoundOperand, high: BoundOperand, what: str) -> None:
    """Raise ValidationException unless the range can be compared; both ends as values must be one, in order."""
    for part in (operand, low, high):
        check_counts(part, OPERAND_COUNTS, what)
    for part in (operand, low, high):
        _check_calls(part, what)
        _check_ordered("BETWEEN", part, what)
    if isinstance(low, BoundValue) and isinstance(high, BoundValue):
        _check_bounds(low.value, high.value, what)


def check_in(operand: BoundOperand, choices: Sequence[BoundOperand], what: str) -> None:
    """Raise ValidationException for more than 100 choices, or one that can't be compared."""
    if len(choices) > limits.EXPRESSION_IN_OPERANDS:
        raise invalid(what, f"The IN operator is provided with too many operands; number of operands: {len(choices)}")
    for part in (operand, *choices):
        check_counts(part, OPERAND_COUNTS, what)
    for part in (operand, *choices):
        _check_calls(part, what)


def check_function(call: BoundCall, what: str) -> None:
    """Raise ValidationException unless the function can be called so."""
    check_counts(call, OPERAND_COUNTS, what)
    if len(call.operands) > 1:
        _check_distinct(call.function, call.operands[0], call.operands[1], what)
    _check_calls(call, what)


def _check_distinct(operator: str, left: BoundOperand, right: BoundOperand, what: str) -> None:
    if isinstance(left, BoundPath) and left == right:
        raise invalid(
            what,
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {operator}, first operand: {shown(left.path)}",
        )


def _check_ordered(operator: str, operand: BoundOperand, what: str) -> None:
    kind = value_type(operand)
    if kind is not None and kind not in ORDERED_TYPES:
        raise invalid(what, operand_type(operator, kind))


def _check_bounds(low: AttributeValue, high: AttributeValue, what: str) -> None:
    if kind_of(low) != kind_of(high):
        problem = "requires same data type for lower and upper bounds"
    elif COMPARATORS[">"](low, high):
        problem = "requires upper bound to be greater than or equal to lower bound"
    else:
        return
    raise invalid(
        what,
        f"The BETWEEN operator {problem}; "
        f"lower bound operand: {_literal(low)}, upper bound operand: {_literal(high)}",
    )


def _literal(attribute: AttributeValue) -> str:
    ((kind, value),) = attribute.items()
    return f"AttributeValue: {{{kind}:{value}}}"


def _check_calls(operand: BoundOperand, what: str) -> None:
    for call in calls(operand):
        match call.function:
            case "attribute_exists" | "attribute_not_exists":
                if not isinstance(call.operands[0], BoundPath):
                    raise invalid(what, needs_path(call.function))
            case "begins_with":
                _check_begins_with(call, what)
            case "attribute_type":
                _check_attribute_type(call.operands[1], what)
            case "size":
                kind = value_type(call.operands[0])
                if kind in _WITHOUT_SIZE:
                    raise invalid(what, operand_type("size", str(kind)))


def _check_begins_with(call: BoundCall, what: str) -> None:
    for operand in call.operands:
        kind = value_type(operand)
        if kind not in {None, "S", "B"}:
            raise invalid(what, operand_type(call.function, str(kind)))


def _check_attribute_type(operand: BoundOperand, what: str) -> None:
    value: Any = operand.value if isinstance(operand, BoundValue) else {}
    if "S" not in value:
        raise invalid(what, operand_type("attribute_type", value_type(operand) or _ANY_TYPE))
    if value["S"] not in ATTRIBUTE_TYPES:
        raise invalid(
            what,
            f"Invalid attribute type name found; type: {value['S']}, valid types: {{{','.join(ATTRIBUTE_TYPES)}}}",
        )
