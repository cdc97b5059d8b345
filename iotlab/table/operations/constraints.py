"""The checks of a single parameter that DynamoDB makes before anything else, with its words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from iotlab.table.errors import ValidationException

T = TypeVar("T")


def _refuse(member: str, value: object, rule: str) -> ValidationException:
    shown = "null" if value is None else f"'{value}'"
    return ValidationException(
        f"1 validation error detected: Value {shown} at '{member}' failed to satisfy constraint: Member must {rule}"
    )


def present(member: str, value: T | None) -> T:
    """Return the value. Raises ValidationException for None."""
    if value is None:
        raise _refuse(member, value, "not be null")
    return value


def length(member: str, value: str | None, bounds: tuple[int, int]) -> None:
    """Check a text's length, if there is a text. Raises ValidationException."""
    low, high = bounds
    if value is not None and len(value) < low:
        raise _refuse(member, value, f"have length greater than or equal to {low}")
    if value is not None and len(value) > high:
        raise _refuse(member, value, f"have length less than or equal to {high}")


def within(member: str, value: int | None, bounds: tuple[int, int]) -> None:
    """Check a number, if there is one. Raises ValidationException."""
    low, high = bounds
    if value is not None and value < low:
        raise _refuse(member, value, f"have value greater than or equal to {low}")
    if value is not None and value > high:
        raise _refuse(member, value, f"have value less than or equal to {high}")


def one_of(member: str, value: str, values: Sequence[str]) -> None:
    """Check that a text is one of a few. Raises ValidationException."""
    if value not in values:
        raise _refuse(member, value, f"satisfy enum value set: [{', '.join(values)}]")
