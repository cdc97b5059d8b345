"""Numbers within the limits that the table keeps exactly: DynamoDB's.

Source: Amazon DynamoDB Developer Guide, "Constraints", Numbers: 38 significant digits, magnitude between 1E-130
and 9.9999999999999999999999999999999999999E+125.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation, Overflow

MAX_SIGNIFICANT_DIGITS = 38
MIN_MAGNITUDE = 1e-130
TOO_LARGE_MAGNITUDE = 1e126

_SURE_LENGTH = 15
"""Text of this length without an exponent has at most 15 digits and is within every limit."""

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


class NumberLimitError(Exception):
    """A number is outside the table's limits.

    Args:
        reason: ``number_precision`` or ``number_range``.
        message: The sentence for a person.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def is_number(text: str) -> bool:
    """Tell whether the whole text is a number as JSON writes it: ``21.5``, but not ``21,5``, ``0012``, ``NaN``."""
    return _JSON_NUMBER.fullmatch(text) is not None


def read_number(text: str) -> int | float:
    """Return the number that a JSON number's text stands for; int where it has no fraction and no exponent.

    Minus zero becomes zero, as it does in DynamoDB.

    Raises:
        NumberLimitError: more than 38 significant digits, or a magnitude outside 1e-130 to 9.99e125.
    """
    mantissa, _, exponent = text.lower().partition("e")
    if len(text) > _SURE_LENGTH or exponent:
        _check_limits(text, mantissa)
    if not exponent and "." not in mantissa:
        return int(text)
    return float(text) + 0.0  # -0.0 + 0.0 is 0.0


def _check_limits(text: str, mantissa: str) -> None:
    digits = mantissa.replace(".", "").lstrip("-0").rstrip("0")
    if not digits:
        return
    shown = text if len(text) <= 50 else f"{text[:24]}…{text[-12:]}"
    if len(digits) > MAX_SIGNIFICANT_DIGITS:
        problem = f"{shown} has {len(digits)} significant digits; the limit is {MAX_SIGNIFICANT_DIGITS}"
        raise NumberLimitError("number_precision", problem)
    try:
        magnitude = abs(Decimal(text))
    except (InvalidOperation, Overflow):  # an exponent beyond what even Decimal holds, or calculates with
        magnitude = Decimal("Infinity")
    # A float may round up to 1e126 what is below it as text.
    if magnitude < Decimal("1e-130") or magnitude.adjusted() > 125 or float(magnitude) >= TOO_LARGE_MAGNITUDE:
        raise NumberLimitError("number_range", f"{shown} is outside 1e-130 to 9.99e125 in magnitude")
