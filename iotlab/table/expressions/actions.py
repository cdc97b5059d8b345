"""The actions of an update: each reads the item as it was and writes one path.

The legacy AttributeUpdates parameter uses the same actions; there a wrong type has another message, and ADD also
appends to lists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from iotlab.table.errors import ValidationException
from iotlab.table.expressions.arithmetic import total
from iotlab.table.expressions.compare import kind_of
from iotlab.table.expressions.edits import Edits
from iotlab.table.expressions.paths import ResolvedPath, follow
from iotlab.table.expressions.problems import BAD_TYPE
from iotlab.table.values import AttributeValue

Old = Mapping[str, AttributeValue]


class Set(msgspec.Struct, frozen=True):
    """SET: the path gets what ``value`` gives for the item as it was."""

    path: ResolvedPath
    value: Callable[[Old], AttributeValue]

    def apply(self, old: Old, edits: Edits) -> None:
        """Stage the change. Raises ValidationException: see `Edits.set`; or an operand is missing or unfit."""
        edits.set(self.path, self.value(old))


class Remove(msgspec.Struct, frozen=True):
    """REMOVE: the path goes away."""

    path: ResolvedPath

    def apply(self, old: Old, edits: Edits) -> None:  # noqa: ARG002  one signature for all actions
        """Stage the change. Raises ValidationException: see `Edits.set`."""
        edits.remove(self.path)


class Add(msgspec.Struct, frozen=True):
    """ADD: a number is added, a set's elements join in; what is not there begins as zero or empty."""

    path: ResolvedPath
    value: AttributeValue
    mismatch: str = BAD_TYPE

    def apply(self, old: Old, edits: Edits) -> None:
        """Stage the change. Raises ValidationException: the item has another type there; see also `Edits.set`."""
        current = follow(old, self.path)
        edits.set(self.path, self.value if current is None else self._added(current))

    def _added(self, current: AttributeValue) -> AttributeValue:
        ((kind, content),) = self.value.items()
        if kind not in current:
            raise ValidationException(self.mismatch)
        if kind == "N":
            return total("+", current, self.value)
        if kind == "L":
            return {"L": current["L"] + content}
        return {kind: sorted({*current[kind], *content})}


class Delete(msgspec.Struct, frozen=True):
    """DELETE: elements leave a set; an empty set goes away."""

    path: ResolvedPath
    value: AttributeValue
    mismatch: str = BAD_TYPE

    def apply(self, old: Old, edits: Edits) -> None:
        """Stage the change. Raises ValidationException: the item has another type there."""
        current = follow(old, self.path)
        if current is None:
            return
        kind = kind_of(self.value)
        if kind not in current:
            raise ValidationException(self.mismatch)
        left = sorted(set(current[kind]) - set(self.value[kind]))
        if left:
            edits.set(self.path, {kind: left})
        else:
            edits.remove(self.path)


Action = Set | Remove | Add | Delete
