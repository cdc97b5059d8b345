"""Syntax tree → expression text, with generated placeholders for all names and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iotlab.table.errors import ValidationException
from iotlab.table.partiql import nodes
from iotlab.table.partiql.values import resolve
from iotlab.table.values import AttributeValue

_VALUES = nodes.Constant | nodes.Parameter | nodes.ListOf | nodes.MapOf | nodes.SetOf | nodes.Missing
_ORDERED = ("S", "N", "B")


class Expression:
    """Writes the expressions of one request and gathers their placeholders.

    Args:
        parameters: The values of the statement's ``?``.
    """

    def __init__(self, parameters: Sequence[AttributeValue]) -> None:
        self._parameters = parameters
        self.names: dict[str, str] = {}
        self.values: dict[str, AttributeValue] = {}
        self._placeholders: dict[str, str] = {}

    @property
    def placeholders(self) -> dict[str, Any]:
        """The request's ExpressionAttributeNames and ExpressionAttributeValues, without those that are empty."""
        both = {"ExpressionAttributeNames": self.names, "ExpressionAttributeValues": self.values}
        return {parameter: content for parameter, content in both.items() if content}

    def name(self, name: str) -> str:
        """Return the placeholder of an attribute name."""
        placeholder = self._placeholders.get(name)
        if placeholder is None:
            placeholder = f"#{len(self.names)}"
            self._placeholders[name] = placeholder
            self.names[placeholder] = name
        return placeholder

    def value(self, value: nodes.Value) -> str:
        """Return the placeholder of a value."""
        placeholder = f":{len(self.values)}"
        self.values[placeholder] = resolve(value, self._parameters)
        return placeholder

    def path(self, path: nodes.Path) -> str:
        """Return a document path."""
        written = "".join(f"[{part}]" if isinstance(part, int) else f".{self.name(part)}" for part in path.parts)
        return written[1:]

    def operand(self, operand: nodes.Operand) -> str:
        """Return a path, a value or a function of them."""
        match operand:
            case nodes.Path():
                return self.path(operand)
            case nodes.Call():
                arguments = ", ".join(self.operand(argument) for argument in operand.arguments)
                return f"{operand.function}({arguments})"
            case _:
                return self.value(operand)

    def condition(self, condition: nodes.Condition) -> str:
        """Return a condition.

        Raises:
            ValidationException: it compares the order of a value that has none, such as a list.
        """
        match condition:
            case nodes.Both():
                return " AND ".join(self.inside_and(part) for part in condition.parts)
            case nodes.Either():
                return " OR ".join(self.condition(part) for part in condition.parts)
            case nodes.Not():
                return f"NOT {self._inside(condition.condition, nodes.Either | nodes.Both)}"
            case nodes.Compare(operator=operator, left=left, right=right):
                if operator not in {"=", "<>"}:
                    self._check_order(operator, left, right)
                return f"{self.operand(left)} {operator} {self.operand(right)}"
            case nodes.Between(operand=operand, low=low, high=high):
                self._check_order("BETWEEN", low, high)
                return f"{self.operand(operand)} BETWEEN {self.operand(low)} AND {self.operand(high)}"
            case nodes.In(operand=operand, choices=choices):
                return f"{self.operand(operand)} IN ({', '.join(self.operand(choice) for choice in choices)})"
            case nodes.Call():
                return self.operand(condition)

    def inside_and(self, part: nodes.Condition) -> str:
        """Return a condition that is to stand beside AND."""
        return self._inside(part, nodes.Either)

    def _inside(self, part: nodes.Condition, weaker: Any) -> str:
        # Only where they are needed: DynamoDB refuses parentheses that change nothing.
        written = self.condition(part)
        return f"({written})" if isinstance(part, weaker) else written

    def _check_order(self, operator: str, *operands: nodes.Operand) -> None:
        for operand in operands:
            if not isinstance(operand, _VALUES):
                continue
            kind = next(iter(resolve(operand, self._parameters)))
            if kind not in _ORDERED:
                raise ValidationException(
                    "Incorrect operand type for operator or function; "
                    f"operator or function: {operator}, operand type: {kind}"
                )
