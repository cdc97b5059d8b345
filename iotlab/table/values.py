"""DynamoDB's attribute values in their wire form, and as Python's own types.

Wire form is the form of DynamoDB's JSON: ``{"S": "kitchen"}``, ``{"N": "21.5"}``, ``{"B": "<base64>"}``.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

AttributeValue = dict[str, Any]
Item = dict[str, AttributeValue]
PythonValue = Any
"""str, int, float, Decimal, bool, None, bytes, list, dict, or a set of str, numbers or bytes."""


def number_text(value: float | Decimal) -> str:
    """Return a number as DynamoDB's N text, in plain digits. Raises ValueError for NaN and the infinities."""
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number that a table can keep")
    text = repr(value)
    if text.endswith(".0"):
        # Also what is left of minus zero.
        return text[:-2] if value else "0"
    return text if "e" not in text else format(Decimal(text), "f")


def to_wire(value: PythonValue) -> AttributeValue:
    """Return one Python value in wire form.

    Raises:
        ValueError: a float is not finite. TypeError: the type has no counterpart in DynamoDB.
    """
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int() | float() | Decimal():
            return {"N": number_text(value)}
        case None:
            return {"NULL": True}
        case bytes():
            return {"B": base64.b64encode(value).decode("ascii")}
        case list() | tuple():
            return {"L": [to_wire(element) for element in value]}
        case dict():
            return {"M": {str(name): to_wire(element) for name, element in value.items()}}
        case set() | frozenset():
            return _set_to_wire(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no counterpart among DynamoDB's types")


def _set_to_wire(value: set[Any] | frozenset[Any]) -> AttributeValue:
    if all(isinstance(element, str) for element in value):
        return {"SS": sorted(value)}
    if all(isinstance(element, bytes) for element in value):
        return {"BS": [base64.b64encode(element).decode("ascii") for element in sorted(value)]}
    return {"NS": [number_text(element) for element in sorted(value)]}


def item(values: Mapping[str, PythonValue]) -> Item:
    """Return a mapping of Python values as an item. Names whose value is None are left out."""
    return {name: to_wire(value) for name, value in values.items() if value is not None}


def number(text: str) -> int | Decimal:
    """Return N text as an int where it is whole and plain, else as a Decimal."""
    try:
        return int(text)
    except ValueError:
        return Decimal(text)


_TO_PYTHON: dict[str, Callable[[Any], PythonValue]] = {
    "S": lambda v: v,
    "N": number,
    "BOOL": lambda v: v,
    "NULL": lambda _: None,
    "B": base64.b64decode,
    "L": lambda v: [to_python(element) for element in v],
    "M": lambda v: {name: to_python(element) for name, element in v.items()},
    "SS": set,
    "NS": lambda v: {number(element) for element in v},
    "BS": lambda v: {base64.b64decode(element) for element in v},
}


def to_python(attribute: AttributeValue) -> PythonValue:
    """Return one attribute value as Python's own type: N becomes int or Decimal, B bytes, SS a set of str."""
    ((kind, value),) = attribute.items()
    return _TO_PYTHON[kind](value)


def plain(wire_item: Mapping[str, AttributeValue]) -> dict[str, PythonValue]:
    """Return a whole item as Python's own types."""
    return {name: to_python(attribute) for name, attribute in wire_item.items()}
