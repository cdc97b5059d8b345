"""Following a resolved document path into an item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from iotlab.table.values import AttributeValue

ResolvedPath = Sequence[str | int]


def follow(item: Mapping[str, AttributeValue], path: ResolvedPath) -> AttributeValue | None:
    """Return the attribute value at the path, or None where the path leads nowhere."""
    found: AttributeValue | None = item.get(str(path[0]))
    for part in path[1:]:
        if found is None:
            return None
        found = _step(found, part)
    return found


def _step(attribute: AttributeValue, part: str | int) -> AttributeValue | None:
    if isinstance(part, int):
        elements: list[AttributeValue] = attribute.get("L", [])
        return elements[part] if part < len(elements) else None
    members: dict[str, AttributeValue] = attribute.get("M", {})
    return members.get(part)
