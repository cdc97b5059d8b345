"""A plain model of a table, its indexes and its stream, to hold the real one against.

It knows nothing of files, pages or bytes: a dict of items, and a list of what happened to each.
"""

from __future__ import annotations

import copy
from typing import Any

Item = dict[str, dict[str, Any]]
Place = tuple[str, int]


def place(item: Item) -> Place:
    return item["pk"]["S"], int(item["sk"]["N"])


class Model:
    """What the table must be after the same operations."""

    def __init__(self) -> None:
        self.items: dict[Place, Item] = {}
        self.changes: dict[Place, list[tuple[str, Item | None, Item | None]]] = {}

    def write(self, key: Place, new: Item | None) -> None:
        """Replace an item; a write that changes nothing is no change."""
        old = self.items.get(key)
        if old == new:
            return
        name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        self.changes.setdefault(key, []).append((name, copy.deepcopy(old), copy.deepcopy(new)))
        if new is None:
            del self.items[key]
        else:
            self.items[key] = copy.deepcopy(new)

    def indexed(self, room: str) -> list[Place]:
        """Return what an index by room and level must give, in order of the level."""
        found = [
            (int(item["level"]["N"]), key)
            for key, item in self.items.items()
            if item.get("room") == {"S": room} and "level" in item
        ]
        return [key for _, key in sorted(found)]
