"""What an attribute value may be, checked once where an item enters the table, and brought into one form there.

One form means: equal items have equal bytes, so a write that changes nothing is seen by comparing.
Source: Amazon DynamoDB API Reference, AttributeValue; Developer Guide, "Constraints".
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from iotlab.table import limits
from iotlab.table.errors import SerializationException, ValidationException
from iotlab.table.values import AttributeValue, Item

_PREFIX = "One or more parameter values were invalid: "
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_PLAIN_EXPONENTS = range(-6, 39)


def canonical_number(text: Any) -> str:
    """Return N text in one form: no leading or trailing zeros, no plus sign.

    Raises:
        ValidationException: not a number, over 38 significant digits, or outside 1E-130 … 9.9E+125.
    """
    if not isinstance(text, str):
        raise SerializationException("NUMBER_VALUE cannot be converted to String")
    if not _NUMBER.fullmatch(text.strip()):
        raise ValidationException(
            f"The parameter cannot be converted to a numeric value: {text}"
            if text
            else "The parameter cannot be converted to a numeric value"
        )
    value = Decimal(text.strip())
    if value.is_zero():
        return "0"
    _, digits, exponent = value.as_tuple()
    shown = "".join(map(str, digits)).strip("0")
    if value.adjusted() > limits.NUMBER_EXPONENT_MAX:
        raise ValidationException(
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        )
    if value.adjusted() < limits.NUMBER_EXPONENT_MIN:
        raise ValidationException(
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        )
    if len(shown) > limits.NUMBER_DIGITS:
        raise ValidationException("Attempting to store more than 38 significant digits in a Number")
    if value.adjusted() in _PLAIN_EXPONENTS and isinstance(exponent, int):
        plain = format(value, "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    return str(value.normalize()).replace("E+", "E")


def _text(value: Any, depth: int) -> str:  # noqa: ARG001  one signature for all types
    if not isinstance(value, str):
        raise SerializationException("Unexpected value type in payload; STRING_VALUE expected")
    return value


def _boolean(value: Any, depth: int) -> bool:  # noqa: ARG001
    if not isinstance(value, bool):
        raise SerializationException("Unexpected token received from parser; BOOLEAN_VALUE expected")
    return value


def _null(value: Any, depth: int) -> bool:  # noqa: ARG001
    if value is not True:
        raise ValidationException(
            "One or more parameter values were invalid: Null attribute value types must have the value of true"
        )
    return True


def _binary(value: Any, depth: int) -> str:  # noqa: ARG001
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise SerializationException("Base64 encoded length is expected a multiple of 4 bytes") from None
    return str(value)


def _list(value: Any, depth: int) -> list[AttributeValue]:
    if not isinstance(value, list):
        raise SerializationException("Unexpected value type in payload; START_ARRAY expected")
    return [canonical_attribute(element, depth + 1) for element in value]


def _map(value: Any, depth: int) -> Item:
    if not isinstance(value, dict):
        raise SerializationException("Unexpected value type in payload; START_OBJECT expected")
    return {name: canonical_attribute(element, depth + 1) for name, element in value.items()}


def _set_of(check: Callable[[Any], str], what: str) -> Callable[[Any, int], list[str]]:
    def canonical(value: Any, depth: int) -> list[str]:  # noqa: ARG001
        if not isinstance(value, list):
            raise SerializationException("Unexpected value type in payload; START_ARRAY expected")
        if not value:
            raise ValidationException(f"{_PREFIX}An {what} set  may not be empty")
        elements = [check(element) for element in value]
        if len(set(elements)) != len(elements):
            raise ValidationException(f"{_PREFIX}Input collection {value} contains duplicates.".replace("'", ""))
        return sorted(elements)

    return canonical


_CANONICAL: dict[str, Callable[[Any, int], Any]] = {
    "S": _text,
    "N": lambda value, _: canonical_number(value),
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _null,
    "L": _list,
    "M": _map,
    "SS": _set_of(lambda element: _text(element, 0), "string"),
    "NS": _set_of(canonical_number, "number"),
    "BS": _set_of(lambda element: _binary(element, 0), "binary"),
}


def canonical_attribute(attribute: Any, depth: int = 1) -> AttributeValue:
    """Return one attribute value in its one form, checked.

    Raises:
        ValidationException: no or several types, an invalid number, an empty set, or nesting over 32 levels.
        SerializationException: the value's JSON type does not fit the attribute's type.
    """
    if depth > limits.NESTING_LEVELS + 1:
        raise ValidationException("Nesting Levels have exceeded supported limits")
    if not isinstance(attribute, dict):
        raise SerializationException("Unexpected value type in payload; START_OBJECT expected")
    if len(attribute) != 1:
        raise ValidationException(
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes"
            if attribute
            else "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        )
    ((kind, value),) = attribute.items()
    canonical = _CANONICAL.get(kind)
    if canonical is None:
        raise ValidationException(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        )
    return {kind: canonical(value, depth)}


def canonical_item(item: Any) -> Item:
    """Return an item in its one form, checked for types, nesting and size.

    Raises:
        ValidationException: see `canonical_attribute`; or the item is larger than 400 KB.
    """
    if not isinstance(item, dict):
        raise SerializationException("Unexpected value type in payload; START_OBJECT expected")
    checked = {name: canonical_attribute(attribute) for name, attribute in item.items()}
    if size_bytes(checked) > limits.ITEM_SIZE_BYTES:
        raise ValidationException("Item size has exceeded the maximum allowed size")
    return checked


def size_bytes(item: Mapping[str, AttributeValue]) -> int:
    """Return an item's size as DynamoDB counts it: names and values, in bytes."""
    return sum(len(name.encode()) + _attribute_bytes(attribute) for name, attribute in item.items())


def _attribute_bytes(attribute: AttributeValue) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return _number_bytes(value)
        case "B":
            return len(base64.b64decode(value))
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(len(element.encode()) for element in value)
        case "NS":
            return sum(_number_bytes(element) for element in value)
        case "BS":
            return sum(len(base64.b64decode(element)) for element in value)
        case "L":
            return 3 + sum(1 + _attribute_bytes(element) for element in value)
        case _:
            return 3 + sum(1 + len(name.encode()) + _attribute_bytes(element) for name, element in value.items())


def _number_bytes(text: str) -> int:
    digits = len(text.split("E", maxsplit=1)[0].replace(".", "").strip("-0"))
    return (digits + 1) // 2 + 1 + text.startswith("-")
