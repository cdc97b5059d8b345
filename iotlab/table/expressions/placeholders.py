"""``#names`` and ``:values`` of one request: checked, resolved where they are used, and refused when they are not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from iotlab.table import limits
from iotlab.table.errors import ValidationException
from iotlab.table.expressions.nodes import Path
from iotlab.table.expressions.paths import ResolvedPath
from iotlab.table.expressions.problems import invalid
from iotlab.table.sizes import size_bytes
from iotlab.table.validation import canonical_attribute, check_attribute_name
from iotlab.table.values import AttributeValue

_NAME = re.compile(r"#[0-9A-Za-z_]+")
_VALUE = re.compile(r":[0-9A-Za-z_]+")
_NAMES = "ExpressionAttributeNames"
_VALUES = "ExpressionAttributeValues"


class Placeholders:
    """ExpressionAttributeNames and ExpressionAttributeValues of one request.

    Args:
        names: ``#n`` → attribute name; None where the request has no such parameter.
        values: ``:v`` → attribute value; None likewise.

    Raises:
        ValidationException: a parameter is empty, a key is no placeholder, a name or value is not allowed, or all
            together are over 2 MB.
    """

    def __init__(self, names: Mapping[str, Any] | None = None, values: Mapping[str, Any] | None = None) -> None:
        self._names = {} if names is None else _checked_names(names)
        self._values = {} if values is None else _checked_values(values)
        self._used: set[str] = set()
        if self._names or self._values:
            _check_size(self._names, self._values)

    def value(self, name: str, what: str) -> AttributeValue:
        """Return the value of ``:name``. Raises ValidationException when the request does not define it."""
        if name not in self._values:
            raise invalid(
                what,
                f"An expression attribute value used in expression is not defined; attribute value: {name}",
            )
        self._used.add(name)
        return self._values[name]

    def path(self, path: Path, what: str) -> ResolvedPath:
        """Return a path with its ``#names`` resolved. Raises ValidationException for an undefined one."""
        return tuple(self._name(part, what) if isinstance(part, str) else part for part in path.parts)

    def _name(self, name: str, what: str) -> str:
        if not name.startswith("#"):
            return name
        if name not in self._names:
            raise invalid(
                what,
                f"An expression attribute name used in the document path is not defined; attribute name: {name}",
            )
        self._used.add(name)
        return self._names[name]

    def check_all_used(self) -> None:
        """Raise ValidationException when the request defines a name or value that no compiled expression has."""
        for parameter, defined in ((_NAMES, self._names), (_VALUES, self._values)):
            unused = sorted(defined.keys() - self._used) if defined else []
            if unused:
                raise ValidationException(
                    f"Value provided in {parameter} unused in expressions: keys: {{{', '.join(unused)}}}"
                )


def _check_keys(parameter: str, keys: Mapping[str, Any], pattern: re.Pattern[str]) -> None:
    if not keys:
        raise ValidationException(f"{parameter} must not be empty")
    for key in keys:
        if not pattern.fullmatch(key):
            raise ValidationException(f'{parameter} contains invalid key: Syntax error; key: "{key}"')


def _checked_names(names: Mapping[str, Any]) -> dict[str, str]:
    _check_keys(_NAMES, names, _NAME)
    for key, name in names.items():
        try:
            check_attribute_name(name)
        except ValidationException as error:
            raise ValidationException(f"{_NAMES} contains invalid value: {error} for key {key}") from error
    return dict(names)


def _checked_values(values: Mapping[str, Any]) -> dict[str, AttributeValue]:
    _check_keys(_VALUES, values, _VALUE)
    checked = {}
    for key, value in values.items():
        try:
            checked[key] = canonical_attribute(value)
        except ValidationException as error:
            raise ValidationException(f"{_VALUES} contains invalid value: {error} for key {key}") from error
    return checked


def _check_size(names: Mapping[str, str], values: Mapping[str, AttributeValue]) -> None:
    size = sum(len(key) + len(name.encode()) for key, name in names.items()) + size_bytes(values)
    if size > limits.EXPRESSION_VARIABLES_BYTES:
        raise ValidationException(
            f"Aggregated size of {_NAMES} and {_VALUES} has exceeded the maximum allowed size; "
            f"maximum size: {limits.EXPRESSION_VARIABLES_BYTES}, size: {size}"
        )
