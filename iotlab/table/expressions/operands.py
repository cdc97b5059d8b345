"""Operands with their placeholders resolved, and the checks that DynamoDB makes on them before it sees an item."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from iotlab.table.expressions import nodes
from iotlab.table.expressions.compare import Value, kind_of, size
from iotlab.table.expressions.paths import ResolvedPath, follow
from iotlab.table.expressions.placeholders import Placeholders
from iotlab.table.expressions.problems import invalid, operand_count
from iotlab.table.values import AttributeValue

Reading = Callable[[Mapping[str, AttributeValue]], Value]
"""Gives an operand's value on an item."""


class BoundPath(msgspec.Struct, frozen=True):
    """A document path."""

    path: ResolvedPath


class BoundValue(msgspec.Struct, frozen=True):
    """The value of a placeholder."""

    value: AttributeValue


class BoundCall(msgspec.Struct, frozen=True):
    """A function, or ``+`` and ``-``, with its operands."""

    function: str
    operands: tuple[BoundOperand, ...]


BoundOperand = BoundPath | BoundValue | BoundCall


class Binder:
    """Resolves one expression's placeholders and keeps which attributes it names.

    Args:
        placeholders: The request's.
        what: The expression's parameter name, for messages.
    """

    def __init__(self, placeholders: Placeholders, what: str) -> None:
        self.what = what
        self.paths: list[ResolvedPath] = []
        self._placeholders = placeholders

    def path(self, node: nodes.Path) -> ResolvedPath:
        """Return a path resolved. Raises ValidationException for an undefined ``#name``."""
        resolved = self._placeholders.path(node, self.what)
        self.paths.append(resolved)
        return resolved

    def value(self, node: nodes.ValueRef) -> AttributeValue:
        """Return a value. Raises ValidationException for an undefined ``:name``."""
        return self._placeholders.value(node.name, self.what)

    def operand(self, node: nodes.Operand) -> BoundOperand:
        """Return an operand resolved. Raises ValidationException for an undefined placeholder."""
        match node:
            case nodes.Path():
                return BoundPath(self.path(node))
            case nodes.ValueRef():
                return BoundValue(self.value(node))
            case nodes.Sum():
                return BoundCall(node.operator, (self.operand(node.left), self.operand(node.right)))
            case nodes.Call():
                return self.call(node)

    def call(self, node: nodes.Call) -> BoundCall:
        """Return a function with its operands resolved. Raises ValidationException for an undefined placeholder."""
        return BoundCall(node.function, tuple(self.operand(argument) for argument in node.arguments))

    @property
    def names(self) -> frozenset[str]:
        """The top-level attributes that the paths begin with."""
        return frozenset(str(path[0]) for path in self.paths)

    @property
    def nested(self) -> frozenset[str]:
        """The top-level attributes that some path goes into."""
        return frozenset(str(path[0]) for path in self.paths if len(path) > 1)


def calls(operand: BoundOperand) -> Iterator[BoundCall]:
    """Give the functions of an operand, inner ones first."""
    if isinstance(operand, BoundCall):
        for inner in operand.operands:
            yield from calls(inner)
        yield operand


def check_counts(operand: BoundOperand, counts: Mapping[str, int], what: str) -> None:
    """Raise ValidationException when a function has another number of operands than it takes."""
    for call in calls(operand):
        if len(call.operands) != counts[call.function]:
            raise invalid(what, operand_count(call.function, len(call.operands)))


def value_type(operand: BoundOperand) -> str | None:
    """Return the type that an operand has whatever the item is; None for a path's."""
    if isinstance(operand, BoundValue):
        return kind_of(operand.value)
    return "N" if isinstance(operand, BoundCall) and operand.function == "size" else None


def reading(operand: BoundOperand) -> Reading:
    """Return what gives the operand's value on an item: a path's, a placeholder's, or a size."""
    match operand:
        case BoundValue(value=value):
            return lambda _: value
        case BoundPath(path=(name,)):
            return lambda item: item.get(name)  # type: ignore[arg-type]
        case BoundPath(path=path):
            return lambda item: follow(item, path)
        case BoundCall(operands=(inner, *_)):
            read = reading(inner)
            return lambda item: size(read(item))
        case _:
            raise AssertionError(operand)
