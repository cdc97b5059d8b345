"""ProjectionExpression: the part of an item that a request asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iotlab.table.expressions.parser import parse_projection
from iotlab.table.expressions.paths import follow
from iotlab.table.expressions.placeholders import Placeholders
from iotlab.table.values import AttributeValue, Item


def project(text: str, item: Mapping[str, AttributeValue], placeholders: Placeholders) -> Item:
    """Return the named parts of the item, in their places; list elements close up as DynamoDB's do."""
    kept: dict[str, Any] = {}
    for path in parse_projection(text):
        resolved = placeholders.path(path, "ProjectionExpression")
        found = follow(item, resolved)
        if found is not None:
            _keep(kept, resolved, found)
    return {name: _closed(node) for name, node in kept.items()}


def _keep(tree: dict[Any, Any], path: tuple[str | int, ...], found: AttributeValue) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    tree[path[-1]] = _Leaf(found)


class _Leaf:
    def __init__(self, value: AttributeValue) -> None:
        self.value = value


def _closed(node: Any) -> AttributeValue:
    if isinstance(node, _Leaf):
        return node.value
    if all(isinstance(part, int) for part in node):
        return {"L": [_closed(node[index]) for index in sorted(node)]}
    return {"M": {name: _closed(child) for name, child in node.items()}}
