"""UpdateExpression: SET, REMOVE, ADD and DELETE, checked once, then applied to items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from iotlab.table.expressions import actions, nodes
from iotlab.table.expressions.edits import Edits
from iotlab.table.expressions.operands import Binder, BoundOperand, BoundValue
from iotlab.table.expressions.paths import ResolvedPath, check_apart, cut
from iotlab.table.expressions.placeholders import Placeholders
from iotlab.table.expressions.update_operands import check_operand, check_set_elements, evaluation
from iotlab.table.expressions.update_parser import parse_update
from iotlab.table.validation import check_nesting
from iotlab.table.values import AttributeValue, Item

_WHAT = "UpdateExpression"


class Update:
    """What an update does to an item.

    Attributes:
        paths: The paths that it writes, resolved, in the order of the text.
        nested: The top-level attributes that a path, read or written, goes into.
        creates: Whether it makes an item where there is none: SET and ADD do, REMOVE and DELETE alone do not.
    """

    def __init__(self, steps: Sequence[actions.Action], nested: frozenset[str] = frozenset()) -> None:
        self._steps = tuple(steps)
        self.paths: tuple[ResolvedPath, ...] = tuple(action.path for action in steps)
        self.nested = nested
        self.creates = not steps or any(isinstance(action, actions.Set | actions.Add) for action in steps)

    def apply(self, item: Mapping[str, AttributeValue], *, missing: bool = False) -> Item:
        """Return the item after the update, in canonical form; the given one stays as it is.

        Args:
            item: The item as it is, or its key alone where there is none.
            missing: Whether there is none. REMOVE then passes over any path.

        Raises:
            ValidationException: an operand is missing or has the wrong type, a path leads through something that is
                not there, a number leaves its range, or the item becomes deeper than 32 levels.
        """
        edits = Edits(item)
        for action in self._steps:
            if not (missing and isinstance(action, actions.Remove)):
                action.apply(item, edits)
        changed = edits.finish()
        if self.nested:
            check_nesting(changed)
        return changed

    def select(self, item: Mapping[str, AttributeValue]) -> Item:
        """Return the written paths of an item, before or after, for UPDATED_OLD and UPDATED_NEW."""
        return cut(item, self.paths)


def compile_update(text: str, placeholders: Placeholders) -> Update:
    """Return an update, checked as far as it can be without an item.

    Args:
        text: The expression.
        placeholders: The request's names and values; those that the expression has count as used.

    Raises:
        ValidationException: the expression does not parse, a placeholder is undefined, two paths overlap or conflict,
            or an operand is wrong whatever the item is.

    Source: Amazon DynamoDB Developer Guide, "Using update expressions in DynamoDB".
    """
    parsed = parse_update(text)
    binder = Binder(placeholders, _WHAT)
    _resolve_names(parsed, binder)
    values = [None if isinstance(action, nodes.RemoveAction) else binder.operand(action.value) for action in parsed]
    check_apart([binder.path(action.path) for action in parsed], _WHAT)
    check_set_elements(parsed, values)
    for value in values:
        if value is not None:
            check_operand(value, _WHAT)
    return Update([_bound(*pair, binder) for pair in zip(parsed, values, strict=True)], binder.nested)


def _resolve_names(parsed: Sequence[nodes.Action], binder: Binder) -> None:
    # DynamoDB reports every undefined name before any undefined value.
    for action in parsed:
        binder.path(action.path)
        if isinstance(action, nodes.SetAction):
            _resolve_operand_names(action.value, binder)


def _resolve_operand_names(operand: nodes.Operand, binder: Binder) -> None:
    match operand:
        case nodes.Path():
            binder.path(operand)
        case nodes.Call():
            for argument in operand.arguments:
                _resolve_operand_names(argument, binder)
        case nodes.Sum():
            _resolve_operand_names(operand.left, binder)
            _resolve_operand_names(operand.right, binder)


def _bound(action: nodes.Action, value: BoundOperand | None, binder: Binder) -> actions.Action:
    path = binder.path(action.path)
    match action, value:
        case nodes.SetAction(), operand if operand is not None:
            return actions.Set(path, evaluation(operand))
        case nodes.AddAction(), BoundValue(value=added):
            return actions.Add(path, added)
        case nodes.DeleteAction(), BoundValue(value=deleted):
            return actions.Delete(path, deleted)
        case _:
            return actions.Remove(path)
