"""One value: from a JSON scalar or from plain text, with the text kept beside what was read from it."""

from __future__ import annotations

from collections.abc import Mapping

from iotlab.bridge.conventions.names import quoted
from iotlab.bridge.conventions.numbers import NumberLimitError, is_number, read_number
from iotlab.domain.reading import Scalar, Value
from iotlab.errors import DecodeError

MAX_TEXT_BYTES = 4096
"""Text longer than this is not a measurement."""


def check_text(text: str, field: str) -> str:
    """Return a text value unchanged.

    Raises:
        DecodeError: ``text_too_long`` over 4096 bytes.
    """
    size_bytes = len(text.encode())
    if size_bytes > MAX_TEXT_BYTES:
        problem = f"the text {quoted(text, 30)} has {size_bytes} bytes; a value may have {MAX_TEXT_BYTES}"
        raise DecodeError("text_too_long", problem, field=field)
    return text


def parse_text(text: str, words: Mapping[str, bool], field: str) -> Value:
    """Return the value of plain text: a JSON number becomes a number, one of ``words`` a boolean, the rest is text.

    ``21,5``, ``0012``, ``:35.38`` and ``NaN`` stay text: the decoder does not guess what they were meant to be.
    A number that the table can't keep exactly stays text too.

    Args:
        text: The text as it came.
        words: The convention's words for on and off, exactly as devices write them.
        field: Where it stands, for the error.

    Raises:
        DecodeError: ``text_too_long``.
    """
    check_text(text, field)
    if text in words:
        return Value(words[text], raw=text)
    number = _number(text)
    return Value(text) if number is None else Value(number, raw=text)


def with_unit(value: Value, unit: str) -> Value:
    """Return the value with its unit; text and booleans have none."""
    if not unit or isinstance(value.value, (bool, str)):
        return value
    return Value(value.value, unit, value.raw)


def as_value(scalar: Scalar, words: Mapping[str, bool], field: str, *, numbers_in_text: bool = False) -> Value:
    """Return the value of one JSON scalar.

    Args:
        scalar: A number, boolean or text of a document that `json_payload` has accepted.
        words: As for `parse_text`.
        field: Where it stands, for the error.
        numbers_in_text: Whether the convention's devices also write numbers as text.

    Raises:
        DecodeError: ``text_too_long``.
    """
    if not isinstance(scalar, str):
        return Value(scalar)
    if numbers_in_text:
        return parse_text(scalar, words, field)
    check_text(scalar, field)
    return Value(words[scalar], raw=scalar) if scalar in words else Value(scalar)


def _number(text: str) -> int | float | None:
    if not is_number(text):
        return None
    try:
        return read_number(text)
    except NumberLimitError:
        return None
