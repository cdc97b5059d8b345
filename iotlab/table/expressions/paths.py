"""Resolved document paths: following them into an item, cutting an item to them, and comparing them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from iotlab.table.expressions.problems import invalid
from iotlab.table.values import AttributeValue, Item

ResolvedPath = tuple[str | int, ...]
"""Attribute names and list indexes, beginning with a top-level name."""


def follow(item: Mapping[str, AttributeValue], path: ResolvedPath) -> AttributeValue | None:
    """Return the attribute value at the path, or None where the path leads nowhere."""
    found: AttributeValue | None = item.get(str(path[0]))
    for part in path[1:]:
        if found is None:
            return None
        found = step(found, part)
    return found


def step(attribute: AttributeValue, part: str | int) -> AttributeValue | None:
    """Return an element of a list or a member of a map, or None where there is none."""
    if isinstance(part, int):
        elements: list[AttributeValue] = attribute.get("L", [])
        return elements[part] if part < len(elements) else None
    members: dict[str, AttributeValue] = attribute.get("M", {})
    return members.get(part)


def cut(item: Mapping[str, AttributeValue], paths: Iterable[ResolvedPath]) -> Item:
    """Return what the paths lead to, in its place in the item; list elements close up as DynamoDB's do."""
    kept: dict[str, Any] = {}
    for path in paths:
        found = follow(item, path)
        if found is not None:
            _keep(kept, path, found)
    return {name: _closed(node) for name, node in kept.items()}


class _Leaf:
    def __init__(self, value: AttributeValue) -> None:
        self.value = value


def _keep(tree: dict[Any, Any], path: ResolvedPath, found: AttributeValue) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    tree[path[-1]] = _Leaf(found)


def _closed(node: Any) -> AttributeValue:
    if isinstance(node, _Leaf):
        return node.value
    if all(isinstance(part, int) for part in node):
        return {"L": [_closed(node[index]) for index in sorted(node)]}
    return {"M": {name: _closed(child) for name, child in node.items()}}


def shown(path: ResolvedPath) -> str:
    """Return a path as DynamoDB's messages show it: ``[a, [1], b]``."""
    return "[" + ", ".join(f"[{part}]" if isinstance(part, int) else part for part in path) + "]"


def check_apart(paths: list[ResolvedPath], what: str) -> None:
    """Raise ValidationException when two paths overlap (one leads through the other) or conflict.

    Paths conflict when one takes for a list what the other takes for a map. Overlaps are reported first.
    """
    for relation in ("overlap", "conflict"):
        for index, one in enumerate(paths):
            for other in paths[:index]:
                if _relation(other, one) == relation:
                    raise invalid(
                        what,
                        f"Two document paths {relation} with each other; must remove or rewrite one of these paths; "
                        f"path one: {shown(other)}, path two: {shown(one)}",
                    )


def _relation(one: ResolvedPath, other: ResolvedPath) -> str:
    for a, b in zip(one, other, strict=False):
        if type(a) is not type(b):
            return "conflict"
        if a != b:
            return "apart"
    return "overlap"
