"""One CSV cell and one attribute value, one column heading and its type.

A heading is the attribute's name, with its type behind a colon unless it is text: ``device``, ``temperature:N``,
``payload:B`` (base64), ``on:BOOL``. A column of several types, or of lists, maps or sets, is ``values:JSON``, each
cell plain JSON. An empty cell is an attribute that the item does not have.

A spreadsheet takes a cell that begins with one of ``= + - @`` or some control characters for a formula. Such a text
is written with an apostrophe in front, which the import takes away again; so is the empty text, a lone apostrophe.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from iotlab.table.text.items import TYPES, read_value, to_plain
from iotlab.table.values import AttributeValue

JSON = "JSON"
_MARKS = {*TYPES, JSON}
_SCALARS = {"S", "N", "B", "BOOL", "NULL"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  spreadsheets take them too
_APOSTROPHE = "'"
_WORDS: dict[str, AttributeValue] = {
    "true": {"BOOL": True},
    "false": {"BOOL": False},
    "null": {"NULL": True},
}


class Column(msgspec.Struct, frozen=True):
    """One column.

    Attributes:
        name: The attribute.
        kind: ``S``, ``N``, ``B``, ``BOOL``, ``NULL`` or ``JSON``; empty when the heading does not say.
    """

    name: str
    kind: str = ""


def column_kind(kinds: Iterable[str]) -> str:
    """Return a column's type for the types of its values."""
    found = set(kinds)
    return found.pop() if len(found) == 1 and found <= _SCALARS else JSON


def cell_kind(attribute: AttributeValue) -> str:
    """Return the column type that a value asks for."""
    ((kind, value),) = attribute.items()
    # No CSV reader agrees with another on NUL; JSON escapes it.
    return JSON if kind == "S" and "\0" in value else kind


def heading(column: Column) -> str:
    """Return a column's heading."""
    says_nothing = column.kind == "S" and _split(column.name) == (column.name, "")
    return guarded(column.name if says_nothing else f"{column.name}:{column.kind}")


def read_heading(cell: str) -> Column:
    """Return the column of a heading."""
    return Column(*_split(unguarded(cell)))


def cell(attribute: AttributeValue, kind: str) -> str:
    """Return one value as a cell of a column of this type."""
    if kind == JSON:
        return msgspec.json.encode(to_plain(attribute)).decode()
    ((_, value),) = attribute.items()
    match kind:
        case "BOOL":
            return "true" if value else "false"
        case "NULL":
            return "null"
        case "S":
            return guarded(value)
        case "B":
            # The empty cell means no attribute.
            return str(value) or _APOSTROPHE
        case _:
            return str(value)


def read_cell(text: str, kind: str) -> AttributeValue | None:
    """Return the value of a cell, None for an empty one. Numbers and base64 are checked with the whole item.

    Raises:
        ValueError: the text is not of the column's type.
    """
    if not text:
        return None
    match kind:
        case "JSON" | "L" | "M" | "SS" | "NS" | "BS":
            return read_value(text)
        case "BOOL" | "NULL":
            found = _WORDS.get(text.lower())
            if found is None or kind not in found:
                raise ValueError(f"{text!r} is not {'true or false' if kind == 'BOOL' else 'null'}")
            return found
        case "N":
            return {kind: text.strip()}
        case "B":
            return {kind: "" if text == _APOSTROPHE else text}
        case _:
            return {"S": unguarded(text)}


def guarded(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula and no import for a missing value."""
    if not text or text.startswith(_FORMULA) or _is_guarded(text):
        return _APOSTROPHE + text
    return text


def unguarded(text: str) -> str:
    """Return the text of a cell: what `guarded` was given. Another program's apostrophes stay."""
    return text[1:] if _is_guarded(text) else text


def _is_guarded(text: str) -> bool:
    rest = text[1:]
    return text.startswith(_APOSTROPHE) and (not rest or rest.startswith((*_FORMULA, _APOSTROPHE)))


def _split(text: str) -> tuple[str, str]:
    name, colon, mark = text.rpartition(":")
    return (name, mark) if colon and name and mark in _MARKS else (text, "")
