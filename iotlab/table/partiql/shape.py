"""What a SELECT makes of the items that were read: those that pass, and of them what is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from iotlab.table.expressions import Placeholders, compile_condition
from iotlab.table.partiql import nodes
from iotlab.table.partiql.expression import Expression
from iotlab.table.values import AttributeValue, Item


class Shape:
    """Filters and projects items.

    Args:
        paths: The projection; none for whole items.
        condition: What must hold; None for all items.
        parameters: The values of the statement's ``?``.

    Raises:
        ValidationException: an operand of the condition has a type that its operator does not take.
    """

    def __init__(
        self, paths: Sequence[nodes.Path], condition: nodes.Condition | None, parameters: Sequence[AttributeValue]
    ) -> None:
        self._paths = paths
        self._condition = None
        if condition is not None:
            expression = Expression(parameters)
            text = expression.condition(condition)
            placeholders = Placeholders(expression.names or None, expression.values or None)
            self._condition = compile_condition(text, placeholders, "FilterExpression")

    def apply(self, item: Item) -> Item | None:
        """Return what is asked for of an item, or None when it does not pass."""
        if self._condition is not None and not self._condition.holds(item):
            return None
        return project(self._paths, item)


def project(paths: Sequence[nodes.Path], item: Item) -> Item:
    """Return the values at the paths under their last names, as DynamoDB does: ``a.b`` comes back as ``b``."""
    if not paths:
        return item
    found = {path: _follow(item, path) for path in paths}
    return {_shown_name(path): value for path, value in found.items() if value is not None}


def _shown_name(path: nodes.Path) -> str:
    names = [place for place, part in enumerate(path.parts) if isinstance(part, str)]
    return "".join(part if isinstance(part, str) else f"[{part}]" for part in path.parts[names[-1] :])


def _follow(item: Item, path: nodes.Path) -> AttributeValue | None:
    found: AttributeValue | None = {"M": item}
    for part in path.parts:
        if found is None:
            return None
        if isinstance(part, str):
            found = found.get("M", {}).get(part)
        else:
            elements = found.get("L", [])
            found = elements[part] if part < len(elements) else None
    return found
