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
from iotlab.table.sizes import is_too_large
from iotlab.table.values import AttributeValue, Item

NUMBER_OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
NUMBER_UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
_PREFIX = "One or more parameter values were invalid: "
_EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
_SEVERAL = (
    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
)
_NESTED = (
    "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([+-]?)0*([0-9]+))?")
_USUAL = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{0,14}[1-9])?")
"""Numbers that are in their one form already, and far from every limit."""
# Decimal itself fails on longer ones.
_EXPONENT_DIGITS = 9
_SHORT_NAME = limits.ATTRIBUTE_NAME_BYTES // 4


def canonical_number(text: Any) -> str:
    """Return N text in one form: plain digits without exponent, plus sign, and leading or trailing zeros.

    Raises:
        ValidationException: not a number, over 38 significant digits, or outside 1E-130 … 9.9E+125.
        SerializationException: not text.
    """
    if not isinstance(text, str):
        raise SerializationException(f"{_token(text)} cannot be converted to String")
    if _USUAL.fullmatch(text) is not None and text != "-0":
        return text
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValidationException(
            "The parameter cannot be converted to a numeric value" + (f": {text}" if text else "")
        )
    sign, exponent = match.groups()
    if exponent is not None and len(exponent) > _EXPONENT_DIGITS:
        return _far_exponent(text, negative=sign == "-")
    return _in_range(Decimal(text))


def _far_exponent(text: str, *, negative: bool) -> str:
    if not any(digit in "123456789" for digit in re.split("[eE]", text)[0]):
        return "0"
    raise ValidationException(NUMBER_UNDERFLOW if negative else NUMBER_OVERFLOW)


def _in_range(value: Decimal) -> str:
    if value.is_zero():
        return "0"
    if value.adjusted() > limits.NUMBER_EXPONENT_MAX:
        raise ValidationException(NUMBER_OVERFLOW)
    if value.adjusted() < limits.NUMBER_EXPONENT_MIN:
        raise ValidationException(NUMBER_UNDERFLOW)
    if len("".join(map(str, value.as_tuple().digits)).strip("0")) > limits.NUMBER_DIGITS:
        raise ValidationException("Attempting to store more than 38 significant digits in a Number")
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _token(value: Any) -> str:
    match value:
        case bool():
            return "TRUE_VALUE" if value else "FALSE_VALUE"
        case float():
            return "DECIMAL_VALUE"
        case _:
            return "NUMBER_VALUE"


def _refuse_container(value: Any, kind: str) -> None:
    if isinstance(value, list):
        raise SerializationException(f"Unrecognized collection type class {kind}")
    if isinstance(value, dict):
        raise SerializationException("Start of structure or map found where not expected")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    _refuse_container(value, "java.lang.String")
    raise SerializationException(f"{_token(value)} cannot be converted to String")


def _number(value: Any) -> str:
    if not isinstance(value, str):
        _refuse_container(value, "java.lang.String")
    return canonical_number(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    _refuse_container(value, "java.lang.Boolean")
    if not isinstance(value, str):
        raise SerializationException(f"{_token(value)} cannot be converted to Boolean")
    match value.upper():
        case "TRUE" | "1" | "YES":
            return True
        case "FALSE" | "0" | "NO":
            return False
        case _:
            raise SerializationException("Unexpected token received from parser")


def _null(value: Any) -> bool:
    if not _boolean(value):
        raise ValidationException(f"{_PREFIX}Null attribute value types must have the value of true")
    return True


def _binary(value: Any) -> str:
    _refuse_container(value, "java.nio.ByteBuffer")
    if not isinstance(value, str):
        raise SerializationException("only base-64-encoded strings are convertible to bytes")
    if len(value) % 4:
        raise SerializationException(
            f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(value)}"
        )
    try:
        canonical = base64.b64encode(base64.b64decode(value, validate=True)).decode("ascii")
    except (binascii.Error, ValueError):
        canonical = ""
    if canonical != value:
        # The wording, with its mistake, is DynamoDB's.
        raise SerializationException("Invalid last non-pad Base64 character dectected")
    return value


def _elements(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        raise SerializationException("Start of structure or map found where not expected")
    raise SerializationException("Unexpected field type")


def _members(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        raise SerializationException(
            "Unrecognized collection type java.util.Map<java.lang.String, "
            "com.amazonaws.dynamodb.v20120810.AttributeValue>"
        )
    raise SerializationException("Unexpected field type")


def _string_set(value: Any) -> list[str]:
    elements = [_text(element) for element in _elements(value)]
    if not elements:
        raise ValidationException(f"{_PREFIX}An string set  may not be empty")
    if len(set(elements)) != len(elements):
        raise ValidationException(f"{_PREFIX}Input collection [{', '.join(elements)}] contains duplicates.")
    return sorted(elements)


def _number_set(value: Any) -> list[str]:
    elements = _elements(value)
    if not elements:
        raise ValidationException(f"{_PREFIX}An number set  may not be empty")
    numbers = [_number(element) for element in elements]
    if len(set(numbers)) != len(numbers):
        raise ValidationException("Input collection contains duplicates")
    return sorted(numbers, key=Decimal)


def _binary_set(value: Any) -> list[str]:
    elements = [_binary(element) for element in _elements(value)]
    if not elements:
        raise ValidationException(f"{_PREFIX}Binary sets should not be empty")
    if len(set(elements)) != len(elements):
        raise ValidationException(f"{_PREFIX}Input collection [{', '.join(elements)}]of type BS contains duplicates.")
    return sorted(elements)


_FLAT: dict[str, Callable[[Any], Any]] = {
    "S": _text,
    "N": _number,
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _null,
    "SS": _string_set,
    "NS": _number_set,
    "BS": _binary_set,
}
_TYPES = frozenset({*_FLAT, "L", "M"})


def canonical_attribute(attribute: Any, depth: int = 1) -> AttributeValue:
    """Return one attribute value in its one form, checked.

    Args:
        attribute: The value as it came.
        depth: Its level in the item; a top-level attribute's is 1.

    Raises:
        ValidationException: no or several types, an invalid number, an empty set, a set with an element twice, or
            nesting over 32 levels.
        SerializationException: a value's JSON type does not fit its attribute type.
    """
    if isinstance(attribute, dict) and len(attribute) == 1:
        ((kind, value),) = attribute.items()
        flat = _FLAT.get(kind)
        if flat is not None and value is not None:
            checked = flat(value)
            # Most values come in their one form already.
            return attribute if checked is value else {kind: checked}
    return _any_attribute(attribute, depth)


def _any_attribute(attribute: Any, depth: int) -> AttributeValue:
    if isinstance(attribute, list):
        raise SerializationException(
            "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"
        )
    if not isinstance(attribute, dict):
        raise SerializationException("Unexpected value type in payload")
    # Unknown members and nulls count as absent; each one that is there is checked before their number is.
    checked = {
        kind: _typed(kind, value, depth) for kind, value in attribute.items() if kind in _TYPES and value is not None
    }
    if len(checked) != 1:
        raise ValidationException(_SEVERAL if checked else _EMPTY)
    return checked


def _typed(kind: str, value: Any, depth: int) -> Any:
    flat = _FLAT.get(kind)
    if flat is not None:
        return flat(value)
    content = _elements(value) if kind == "L" else _members(value)
    if depth >= limits.NESTING_LEVELS:
        raise ValidationException(_NESTED)
    if isinstance(content, list):
        return [canonical_attribute(element, depth + 1) for element in content]
    for name in content:
        check_attribute_name(name)
    return {name: canonical_attribute(element, depth + 1) for name, element in content.items()}


def check_attribute_name(name: Any, prefix: str = "") -> None:
    """Raise ValidationException for an attribute name that is empty or over 64 KB.

    Raises also SerializationException for one that is no text. The prefix stands before the message.

    Source: Amazon DynamoDB Developer Guide, "Constraints", attribute names.
    """
    if not isinstance(name, str):
        raise SerializationException(f"{_token(name)} cannot be converted to String")
    if not name:
        raise ValidationException(f"{prefix}Empty attribute name")
    if len(name) > limits.ATTRIBUTE_NAME_BYTES // 4 and len(name.encode()) > limits.ATTRIBUTE_NAME_BYTES:
        raise ValidationException(
            f"{prefix}Attribute name is too large, must be less than {limits.ATTRIBUTE_NAME_BYTES + 1} bytes"
        )


def canonical_item(item: Any) -> Item:
    """Return an item in its one form, checked for names, types, nesting and size.

    Raises:
        ValidationException: see `canonical_attribute`; or a name is empty or too long, or the item is larger than
            400 KB.
        SerializationException: see `canonical_attribute`.
    """
    checked = {name: canonical_attribute(attribute) for name, attribute in _members(item).items()}
    for name in checked:
        if not name or len(name) > _SHORT_NAME:
            check_attribute_name(name, _PREFIX)
    if is_too_large(checked):
        raise ValidationException("Item size has exceeded the maximum allowed size")
    return checked


def check_nesting(item: Mapping[str, AttributeValue]) -> None:
    """Raise ValidationException when an item of canonical values is nested deeper than 32 levels."""
    level = list(item.values())
    for _ in range(limits.NESTING_LEVELS):
        level = [inner for attribute in level for inner in _inner(attribute)]
        if not level:
            return
    raise ValidationException(_NESTED)


def _inner(attribute: AttributeValue) -> list[AttributeValue]:
    ((kind, value),) = attribute.items()
    if kind == "M":
        return list(value.values())
    return value if kind == "L" else []
