"""ProjectionExpression: the part of an item that a request asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from iotlab.table.expressions.paths import ResolvedPath, check_apart, cut
from iotlab.table.expressions.placeholders import Placeholders
from iotlab.table.expressions.update_parser import parse_projection
from iotlab.table.values import AttributeValue, Item

_WHAT = "ProjectionExpression"


class Projection:
    """The paths of an item that are asked for.

    Attributes:
        paths: All of them, resolved.
        names: The top-level attributes that they begin with.
        nested: Those of them that some path goes into.
    """

    def __init__(self, paths: Sequence[ResolvedPath]) -> None:
        self.paths = tuple(paths)
        self.names = frozenset(str(path[0]) for path in paths)
        self.nested = frozenset(str(path[0]) for path in paths if len(path) > 1)

    def apply(self, item: Mapping[str, AttributeValue]) -> Item:
        """Return the parts that the item has, in their places; list elements close up as DynamoDB's do."""
        if self.nested:
            return cut(item, self.paths)
        return {name: item[name] for (name,) in self.paths if isinstance(name, str) and name in item}


def compile_projection(text: str, placeholders: Placeholders) -> Projection:
    """Return a projection.

    Args:
        text: The expression.
        placeholders: The request's names; those that the expression has count as used.

    Raises:
        ValidationException: the expression does not parse, a name is undefined, or two paths overlap or conflict.
    """
    paths = [placeholders.path(path, _WHAT) for path in parse_projection(text)]
    check_apart(paths, _WHAT)
    return Projection(paths)
