"""Sizes as DynamoDB counts them.

Source: Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats".
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from iotlab.table import limits
from iotlab.table.values import AttributeValue

_encode = msgspec.json.Encoder().encode


def size_bytes(item: Mapping[str, AttributeValue]) -> int:
    """Return an item's size as DynamoDB counts it: names and values, in bytes."""
    return sum(len(name.encode()) + _attribute_bytes(attribute) for name, attribute in item.items())


def is_too_large(item: Mapping[str, AttributeValue]) -> bool:
    """Return whether an item is over 400 KB. Its JSON, which is never smaller, tells that for nearly all at once."""
    return len(_encode(item)) > limits.ITEM_SIZE_BYTES and size_bytes(item) > limits.ITEM_SIZE_BYTES


def _attribute_bytes(attribute: AttributeValue) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return _number_bytes(value)
        case "B":
            return _binary_bytes(value)
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(len(element.encode()) for element in value)
        case "NS":
            return sum(_number_bytes(element) for element in value)
        case "BS":
            return sum(_binary_bytes(element) for element in value)
        case "L":
            return 3 + sum(1 + _attribute_bytes(element) for element in value)
        case _:
            return 3 + sum(1 + len(name.encode()) + _attribute_bytes(element) for name, element in value.items())


def _binary_bytes(text: str) -> int:
    return len(text) // 4 * 3 - text[-2:].count("=")


def _number_bytes(text: str) -> int:
    """Return one byte for each two significant digits before and after the point, one more, and one for a minus."""
    whole, _, fraction = text.lstrip("-").partition(".")
    if fraction:
        before = len(whole.lstrip("0"))
        after = len(fraction) if before else len(fraction.lstrip("0"))
    else:
        before, after = len(whole.strip("0")), 0
    return (before + 1) // 2 + (after + 1) // 2 + 1 + text.startswith("-")
