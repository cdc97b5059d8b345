"""Changing an item along document paths without touching the item that it was.

Only what lies on a written path is copied. Indexes mean positions in the item as it was, so elements are removed and
appended after everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iotlab.table.errors import ValidationException
from iotlab.table.expressions.paths import ResolvedPath, step
from iotlab.table.expressions.problems import BAD_PATH
from iotlab.table.values import AttributeValue, Item


class Edits:
    """The changes of one update to one item.

    Args:
        item: The item as it was.
    """

    def __init__(self, item: Mapping[str, AttributeValue]) -> None:
        self._root: AttributeValue = {"M": dict(item)}
        self._owned: dict[ResolvedPath, AttributeValue] = {(): self._root}
        self._removed: dict[ResolvedPath, list[int]] = {}
        self._appended: dict[ResolvedPath, list[tuple[int, AttributeValue]]] = {}

    def set(self, path: ResolvedPath, value: AttributeValue) -> None:
        """Put a value at the path; behind a list's end it is appended.

        Raises:
            ValidationException: the path leads through something that is not there, or is no map or list.
        """
        parent, last = self._parent(path), path[-1]
        if isinstance(last, str) or last < len(parent):
            parent[last] = value
        else:
            self._appended.setdefault(path[:-1], []).append((last, value))

    def remove(self, path: ResolvedPath) -> None:
        """Take away what is at the path, if it is there. Raises ValidationException as `set` does."""
        parent, last = self._parent(path), path[-1]
        if isinstance(last, str):
            parent.pop(last, None)
        elif last < len(parent):
            self._removed.setdefault(path[:-1], []).append(last)

    def finish(self) -> Item:
        """Return the item after all changes."""
        for path, indexes in self._removed.items():
            elements = self._owned[path]["L"]
            for index in sorted(indexes, reverse=True):
                del elements[index]
        for path, values in self._appended.items():
            self._owned[path]["L"] += [value for _, value in sorted(values, key=lambda pair: pair[0])]
        changed: Item = self._root["M"]
        return changed

    def _parent(self, path: ResolvedPath) -> Any:
        container = self._container(path[:-1])
        kind = "L" if isinstance(path[-1], int) else "M"
        if kind not in container:
            raise ValidationException(BAD_PATH)
        return container[kind]

    def _container(self, path: ResolvedPath) -> AttributeValue:
        owned = self._owned.get(path)
        if owned is None:
            parent = self._container(path[:-1])
            owned = self._owned[path] = _copied(step(parent, path[-1]))
            parent["L" if isinstance(path[-1], int) else "M"][path[-1]] = owned
        return owned


def _copied(attribute: AttributeValue | None) -> AttributeValue:
    if attribute is None or not ("M" in attribute or "L" in attribute):
        raise ValidationException(BAD_PATH)
    ((kind, content),) = attribute.items()
    return {kind: content.copy()}
