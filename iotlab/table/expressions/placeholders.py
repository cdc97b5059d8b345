"""``#names`` and ``:values`` of one request: resolved where they are used, and refused when they are not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from iotlab.table.errors import ValidationException
from iotlab.table.expressions.nodes import Path
from iotlab.table.validation import canonical_attribute
from iotlab.table.values import AttributeValue


class Placeholders:
    """ExpressionAttributeNames and ExpressionAttributeValues of one request.

    Args:
        names: ``#n`` → attribute name.
        values: ``:v`` → attribute value; checked here.
    """

    def __init__(
        self, names: Mapping[str, str] | None = None, values: Mapping[str, AttributeValue] | None = None
    ) -> None:
        self._names = dict(names or {})
        self._values = {name: canonical_attribute(value) for name, value in (values or {}).items()}
        self._used: set[str] = set()

    def value(self, name: str, what: str) -> AttributeValue:
        """Return the value of ``:name``. Raises ValidationException when the request does not define it."""
        if name not in self._values:
            raise ValidationException(
                f"Invalid {what}: An expression attribute value used in expression is not defined; "
                f"attribute value: {name}"
            )
        self._used.add(name)
        return self._values[name]

    def path(self, path: Path, what: str) -> tuple[str | int, ...]:
        """Return a path with its ``#names`` resolved. Raises ValidationException for an undefined one."""
        return tuple(self._name(part, what) if isinstance(part, str) else part for part in path.parts)

    def _name(self, name: str, what: str) -> str:
        if not name.startswith("#"):
            return name
        if name not in self._names:
            raise ValidationException(
                f"Invalid {what}: An expression attribute name used in the document path is not defined; "
                f"attribute name: {name}"
            )
        self._used.add(name)
        return self._names[name]

    def use(self, names: Iterable[str]) -> None:
        """Count names and values as used, where an expression that has them was parsed but not evaluated."""
        self._used.update(names)

    def check_all_used(self) -> None:
        """Raise ValidationException when the request defines a name or value that no expression used."""
        unused = sorted(set(self._values) - self._used)
        if unused:
            raise ValidationException(
                f"Value provided in ExpressionAttributeValues unused in expressions: keys: {{{', '.join(unused)}}}"
            )
        unused = sorted(set(self._names) - self._used)
        if unused:
            raise ValidationException(
                f"Value provided in ExpressionAttributeNames unused in expressions: keys: {{{', '.join(unused)}}}"
            )
