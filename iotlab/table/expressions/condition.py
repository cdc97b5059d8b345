"""Evaluating condition and filter expressions on an item."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from iotlab.table.errors import ValidationException
from iotlab.table.expressions import nodes
from iotlab.table.expressions.compare import equal, ordered
from iotlab.table.expressions.parser import parse_condition
from iotlab.table.expressions.paths import follow
from iotlab.table.expressions.placeholders import Placeholders
from iotlab.table.values import AttributeValue

ATTRIBUTE_TYPES = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")


def holds(
    text: str, item: Mapping[str, AttributeValue], placeholders: Placeholders, what: str = "ConditionExpression"
) -> bool:
    """Return whether the condition holds on the item (an empty mapping where there is none).

    Raises:
        ValidationException: the expression does not parse, or a placeholder or operand type is wrong.
    """
    return _Evaluation(item, placeholders, what).condition(parse_condition(text, what))


class _Evaluation:
    """One item with one request's placeholders.

    Both sides of AND and OR are always evaluated: DynamoDB reports an undefined placeholder wherever it stands.
    """

    def __init__(self, item: Mapping[str, AttributeValue], placeholders: Placeholders, what: str) -> None:
        self._item = item
        self._placeholders = placeholders
        self._what = what

    def condition(self, node: nodes.Condition) -> bool:
        match node:
            case nodes.Both():
                left, right = self.condition(node.left), self.condition(node.right)
                return left and right
            case nodes.Either():
                left, right = self.condition(node.left), self.condition(node.right)
                return left or right
            case nodes.Not():
                return not self.condition(node.condition)
            case nodes.Compare():
                return self._compare(node.operator, self.operand(node.left), self.operand(node.right))
            case nodes.Between():
                value, low, high = (self.operand(part) for part in (node.operand, node.low, node.high))
                return self._compare(">=", value, low) and self._compare("<=", value, high)
            case nodes.In():
                value = self.operand(node.operand)
                choices = [self.operand(choice) for choice in node.choices]
                return any(self._compare("=", value, choice) for choice in choices)
            case nodes.Call():
                return self._function(node)

    def operand(self, node: nodes.Operand) -> AttributeValue | None:
        match node:
            case nodes.ValueRef():
                return self._placeholders.value(node.name, self._what)
            case nodes.Path():
                return follow(self._item, self._placeholders.path(node, self._what))
            case nodes.Call():
                return self._size(node)

    @staticmethod
    def _compare(operator: str, left: AttributeValue | None, right: AttributeValue | None) -> bool:
        if left is None or right is None:
            return operator == "<>" and left is not right
        if operator == "=":
            return equal(left, right)
        if operator == "<>":
            return not equal(left, right)
        return ordered(operator, left, right)

    def _size(self, node: nodes.Call) -> AttributeValue | None:
        value = self.operand(node.arguments[0])
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

    def _function(self, node: nodes.Call) -> bool:
        arguments = [self.operand(argument) for argument in node.arguments]
        match node.function:
            case "attribute_exists":
                return arguments[0] is not None
            case "attribute_not_exists":
                return arguments[0] is None
            case "attribute_type":
                return self._has_type(arguments[0], arguments[1])
            case "begins_with":
                return self._begins_with(arguments[0], arguments[1])
            case _:
                return _contains(arguments[0], arguments[1])

    def _has_type(self, value: AttributeValue | None, kind: AttributeValue | None) -> bool:
        if kind is None or "S" not in kind or kind["S"] not in ATTRIBUTE_TYPES:
            raise ValidationException(
                f"Invalid {self._what}: Invalid attribute type name found; "
                f"type: {kind and next(iter(kind.values()))}, valid types: {{{','.join(ATTRIBUTE_TYPES)}}}"
            )
        return value is not None and kind["S"] in value

    def _begins_with(self, value: AttributeValue | None, prefix: AttributeValue | None) -> bool:
        if prefix is not None and "S" not in prefix and "B" not in prefix:
            raise ValidationException(
                f"Invalid {self._what}: Incorrect operand type for operator or function; "
                f"operator or function: begins_with, operand type: {next(iter(prefix))}"
            )
        if value is None or prefix is None:
            return False
        if "S" in value and "S" in prefix:
            return bool(value["S"].startswith(prefix["S"]))
        if "B" in value and "B" in prefix:
            return base64.b64decode(value["B"]).startswith(base64.b64decode(prefix["B"]))
        return False


def _contains(value: AttributeValue | None, sought: AttributeValue | None) -> bool:
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
    return kind == sought_kind + "S" and sought_content in content
