"""KeyConditionExpression: which keys a Query reads.

It has the grammar of a condition; what it may not have is refused after the checks that all conditions undergo.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from iotlab.table.errors import ValidationException
from iotlab.table.expressions import nodes
from iotlab.table.expressions.condition import compile_condition
from iotlab.table.expressions.condition_parser import parse_condition
from iotlab.table.expressions.key_range import KeyRange, KeyTest, range_of
from iotlab.table.expressions.operands import Binder, BoundCall, BoundOperand, BoundPath, BoundValue
from iotlab.table.expressions.placeholders import Placeholders
from iotlab.table.keys import KeySchema

_WHAT = "KeyConditionExpression"
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class KeyConditions:
    """One test for each of some key attributes.

    Attributes:
        names: The attributes, in the order of the text.
    """

    def __init__(self, tests: Mapping[str, KeyTest]) -> None:
        self._tests = dict(tests)
        self.names: tuple[str, ...] = tuple(tests)

    def key_range(self, schema: KeySchema) -> KeyRange:
        """Return the keys of a table or index that pass.

        Raises:
            ValidationException: a partition attribute has no test for equality, a tested attribute is no key, sort
                attributes are not tested from the left, or a value has another type than its attribute.
        """
        return range_of(self._tests, schema)


def compile_key_condition(text: str, placeholders: Placeholders) -> KeyConditions:
    """Return a key condition, checked as far as it can be without a key schema.

    Args:
        text: The expression.
        placeholders: The request's names and values; those that the expression has count as used.

    Raises:
        ValidationException: the expression does not parse, a placeholder, function or operand is wrong, or it has
            something that only other conditions have.

    Source: Amazon DynamoDB Developer Guide, "Key condition expressions for the Query operation".
    """
    compile_condition(text, placeholders, _WHAT)
    return KeyConditions(tests_of(parse_condition(text, _WHAT), Binder(placeholders, _WHAT)))


def tests_of(condition: nodes.Condition, binder: Binder) -> dict[str, KeyTest]:
    """Return the tests by attribute. Raises ValidationException for what a key condition may not have."""
    if isinstance(condition, nodes.Either | nodes.Not | nodes.In):
        operator = {nodes.Either: "OR", nodes.Not: "NOT", nodes.In: "IN"}[type(condition)]
        raise ValidationException(f"Invalid operator used in {_WHAT}: {operator}")
    if not isinstance(condition, nodes.Every):
        name, test = _test(condition, binder)
        return {name: test}
    tests: dict[str, KeyTest] = {}
    for part in condition.conditions:
        for name, test in tests_of(part, binder).items():
            if name in tests:
                raise ValidationException("KeyConditionExpressions must only contain one condition per key")
            tests[name] = test
    return tests


def _test(condition: nodes.Compare | nodes.Between | nodes.Call, binder: Binder) -> tuple[str, KeyTest]:
    operator, parts = _parts(condition)
    if operator in {"<>", "attribute_exists", "attribute_not_exists", "attribute_type", "contains"}:
        raise ValidationException(f"Invalid operator used in {_WHAT}: {operator}")
    operands = [binder.operand(part) for part in parts]
    if operator in {"BETWEEN", "begins_with"} and not isinstance(operands[0], BoundPath):
        raise ValidationException(
            f"Invalid condition in {_WHAT}: {operator} operator must have the key attribute as its first operand"
        )
    name = _key_attribute(operands)
    values = tuple(operand.value for operand in operands if isinstance(operand, BoundValue))
    if isinstance(operands[0], BoundValue):
        operator = _MIRRORED[operator]
    return name, KeyTest(operator, values)


def _parts(condition: nodes.Compare | nodes.Between | nodes.Call) -> tuple[str, tuple[nodes.Operand, ...]]:
    match condition:
        case nodes.Compare():
            return condition.operator, (condition.left, condition.right)
        case nodes.Between():
            return "BETWEEN", (condition.operand, condition.low, condition.high)
        case nodes.Call():
            return condition.function, condition.arguments


def _key_attribute(operands: list[BoundOperand]) -> str:
    name = ""
    for path in _paths(operands):
        if name:
            raise ValidationException(f"Invalid condition in {_WHAT}: Multiple attribute names used in one condition")
        if len(path.path) > 1:
            raise ValidationException("KeyConditionExpressions cannot have conditions on nested attributes")
        name = str(path.path[0])
    if not name:
        raise ValidationException(f"Invalid condition in {_WHAT}: No key attribute specified")
    return name


def _paths(operands: list[BoundOperand]) -> Iterator[BoundPath]:
    for operand in operands:
        if isinstance(operand, BoundCall):
            raise ValidationException("KeyConditionExpressions cannot contain nested operations")
        if isinstance(operand, BoundPath):
            yield operand
