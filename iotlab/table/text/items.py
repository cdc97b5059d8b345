"""Items as JSON text, in two forms: plain JSON, and DynamoDB JSON, which names each value's type.

Plain JSON has no binary and no sets, so these bear a mark: ``{"$B": "<base64>"}``, ``{"$SS": ["a"]}``. A map that
would look like a mark or like DynamoDB JSON is written as ``{"$M": {...}}``, so that every item comes back as it was.
Numbers keep all their 38 digits: they never become a float.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from iotlab.errors import TableError
from iotlab.table.validation import canonical_item, canonical_number
from iotlab.table.values import AttributeValue, Item

TYPES = ("S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS")
"""DynamoDB's ten types."""

MARK = "$"


class _Number:
    """A number of JSON with its digits as they were written."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "S": (str,),
    "N": (str, _Number),
    "B": (str,),
    "BOOL": (bool,),
    "NULL": (bool,),
    "M": (dict,),
    **dict.fromkeys(("L", "SS", "NS", "BS"), (list,)),
}


def read_item(text: str) -> Item:
    """Return the item that a JSON object holds, checked and in its one form.

    Args:
        text: Plain JSON or DynamoDB JSON, alone or as ``{"Item": {...}}``; which of them is seen from the object.

    Raises:
        ValueError: it is no JSON object, or no table could keep the item.
    """
    value = _decode(text)
    if not isinstance(value, dict):
        raise ValueError("an item is a JSON object: {...}")  # noqa: TRY004  the text is wrong, not the caller's type
    if list(value) == ["Item"] and _is_wire(value["Item"]):
        value = value["Item"]
    item = _wire_map(value) if _is_wire(value) else _plain_map(value)
    return _checked(item)


def read_value(text: str) -> AttributeValue:
    """Return the attribute value that plain JSON text holds, such as ``[1, 2]``. Raises ValueError."""
    return _checked({"value": from_plain(_decode(text))})["value"]


def write_item(item: Mapping[str, AttributeValue], *, wire: bool = False, first: Iterable[str] = ()) -> bytes:
    """Return an item as one line of JSON, its attributes by name.

    Args:
        item: In wire form.
        wire: As DynamoDB JSON instead of plain JSON.
        first: The attributes to begin with: the key's.
    """
    ordered = in_order(item, first)
    return msgspec.json.encode(ordered if wire else _plain_object(ordered))


def in_order(item: Mapping[str, AttributeValue], first: Iterable[str] = ()) -> Item:
    """Return an item with the attributes ``first`` in front, and the others by name."""
    front = [name for name in first if name in item]
    return {name: item[name] for name in [*front, *sorted(set(item) - set(front))]}


def to_plain(attribute: AttributeValue) -> Any:
    """Return one attribute value as what `msgspec.json.encode` writes as plain JSON."""
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return _number(value)
        case "NULL":
            return None
        case "L":
            return [to_plain(element) for element in value]
        case "M":
            return _plain_object(value)
        case "NS":
            return {"$NS": [_number(element) for element in value]}
        case "B" | "SS" | "BS":
            return {MARK + kind: value}
        case _:
            return value


def from_plain(value: Any) -> AttributeValue:
    """Return decoded plain JSON in wire form, unchecked."""
    match value:
        case _Number():
            return {"N": value.text}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case None:
            return {"NULL": True}
        case list():
            return {"L": [from_plain(element) for element in value]}
        case _:
            kind = _mark(value)
            return {"M": _plain_map(value)} if kind is None else _marked(kind, value[MARK + kind])


def _decode(text: str) -> Any:
    try:
        return json.loads(
            text,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_no_number,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is not a number that a table can keep")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found


def _checked(item: Item) -> Item:
    try:
        return canonical_item(item)
    except TableError as error:
        raise ValueError(error.message) from None


def _is_wire(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(_is_wire_value, value.values()))


def _is_wire_value(value: Any) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        return False
    ((kind, content),) = value.items()
    return kind in _JSON_TYPES and isinstance(content, _JSON_TYPES[kind])


def _wire_map(value: dict[str, Any]) -> Item:
    return {name: _wire_value(attribute) for name, attribute in value.items()}


def _wire_value(attribute: Any) -> AttributeValue:
    if not _is_wire_value(attribute):
        raise ValueError(f"{attribute!r} is not an attribute value of DynamoDB JSON, such as {{'S': 'kitchen'}}")
    ((kind, value),) = attribute.items()
    match kind:
        case "M":
            return {kind: _wire_map(value)}
        case "L":
            return {kind: [_wire_value(element) for element in value]}
        case "N":
            return {kind: _digits(value)}
        case "NS":
            return {kind: [_digits(element) for element in value]}
        case _:
            return {kind: value}


def _digits(value: Any) -> Any:
    return value.text if isinstance(value, _Number) else value


def _plain_map(value: dict[str, Any]) -> Item:
    return {name: from_plain(element) for name, element in value.items()}


def _mark(value: dict[str, Any]) -> str | None:
    """Return the type that an object of plain JSON is marked with, or None when it is a map."""
    if len(value) != 1:
        return None
    (name,) = value
    return name[1:] if name.startswith(MARK) and name[1:] in TYPES else None


def _marked(kind: str, content: Any) -> AttributeValue:
    fits: bool = isinstance(content, _JSON_TYPES[kind])
    if not fits:
        raise ValueError(f"{content!r} does not fit its mark {MARK + kind}")
    if kind == "M":
        return {"M": _plain_map(content)}
    if kind == "L":
        return from_plain(content)
    return {kind: [_digits(element) for element in content] if kind == "NS" else _digits(content)}


def _plain_object(value: Mapping[str, AttributeValue]) -> dict[str, Any]:
    shown = {name: to_plain(attribute) for name, attribute in value.items()}
    if len(value) == 1 and next(iter(value)).removeprefix(MARK) in TYPES:
        return {"$M": shown}
    return shown


def _number(text: str) -> msgspec.Raw:
    # In the table's one form, which is also JSON's; another service may have sent another.
    return msgspec.Raw(canonical_number(text).encode())
