"""Operands of an update: what DynamoDB refuses before it sees an item, and their values on an item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, cast

from iotlab.table.errors import ValidationException
from iotlab.table.expressions import nodes
from iotlab.table.expressions.actions import Old
from iotlab.table.expressions.arithmetic import total
from iotlab.table.expressions.compare import kind_of
from iotlab.table.expressions.operands import BoundCall, BoundOperand, BoundPath, BoundValue, calls
from iotlab.table.expressions.paths import follow
from iotlab.table.expressions.problems import (
    BAD_TYPE,
    NO_ATTRIBUTE,
    invalid,
    needs_path,
    operand_count,
    operand_type,
)
from iotlab.table.expressions.update_parser import OPERAND_COUNTS
from iotlab.table.values import AttributeValue

Evaluation = Callable[[Old], AttributeValue]

_WHAT = "UpdateExpression"
_LONG_NAMES = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "BOOL": "BOOLEAN",
    "NULL": "NULL",
    "L": "LIST",
    "M": "MAP",
}
_SETS = frozenset({"SS", "NS", "BS"})


def check_set_elements(parsed: Sequence[nodes.Action], values: Sequence[BoundOperand | None]) -> None:
    """Raise ValidationException unless ADD has a number or a set, and DELETE a set."""
    for action, operand in zip(parsed, values, strict=True):
        if not isinstance(operand, BoundValue) or isinstance(action, nodes.SetAction):
            continue
        kind = kind_of(operand.value)
        adding = isinstance(action, nodes.AddAction)
        if kind not in _SETS and not (adding and kind == "N"):
            raise invalid(
                _WHAT,
                "Incorrect operand type for operator or function; "
                f"operator: {'ADD' if adding else 'DELETE'}, operand type: {_LONG_NAMES[kind]}",
            )


def check_operand(operand: BoundOperand, what: str) -> None:
    """Raise ValidationException for a function with the wrong number or types of operands."""
    for call in calls(operand):
        expected = OPERAND_COUNTS.get(call.function, 2)
        if len(call.operands) != expected:
            raise invalid(what, operand_count(call.function, len(call.operands)))
        if call.function == "if_not_exists":
            if not isinstance(call.operands[0], BoundPath):
                raise invalid(what, needs_path(call.function))
        else:
            _check_types(call, "L" if call.function == "list_append" else "N", what)


def _check_types(call: BoundCall, wanted: str, what: str) -> None:
    for operand in call.operands:
        if isinstance(operand, BoundValue) and wanted not in operand.value:
            raise invalid(what, operand_type(call.function, kind_of(operand.value)))


def evaluation(operand: BoundOperand) -> Evaluation:
    """Return what gives a checked operand's value on an item.

    It raises ValidationException where an attribute is missing or has the wrong type.
    """
    match operand:
        case BoundValue(value=value):
            return lambda _: value
        case BoundPath(path=path):
            return lambda item: _existing(follow(item, path))
        case BoundCall(function="if_not_exists", operands=(BoundPath(path=path), default)):
            fallback = evaluation(default)
            return lambda item: found if (found := follow(item, path)) is not None else fallback(item)
        case BoundCall(function="list_append", operands=(left, right)):
            first, second = evaluation(left), evaluation(right)
            return lambda item: _appended(first(item), second(item))
        case BoundCall(function=operator, operands=(left, right)):
            first, second = evaluation(left), evaluation(right)
            sign = cast(Literal["+", "-"], operator)
            return lambda item: total(sign, first(item), second(item))
        case _:
            raise AssertionError(operand)


def _existing(found: AttributeValue | None) -> AttributeValue:
    if found is None:
        raise ValidationException(NO_ATTRIBUTE)
    return found


def _appended(first: AttributeValue, second: AttributeValue) -> AttributeValue:
    if "L" not in first or "L" not in second:
        raise ValidationException(BAD_TYPE)
    return {"L": first["L"] + second["L"]}
