"""``+``, ``-`` and ADD on numbers: exact, in DynamoDB's range."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Literal

from iotlab.table import limits
from iotlab.table.errors import ValidationException
from iotlab.table.expressions.problems import BAD_TYPE
from iotlab.table.validation import NUMBER_OVERFLOW, canonical_number
from iotlab.table.values import AttributeValue

# The largest and the smallest number are 256 digits apart.
_EXACT = Context(prec=300)


def total(operator: Literal["+", "-"], left: AttributeValue, right: AttributeValue) -> AttributeValue:
    """Return the sum or difference of two numbers.

    Raises:
        ValidationException: an operand is no number, or the result is out of range or has over 38 digits, which
            DynamoDB calls an overflow too.
    """
    if "N" not in left or "N" not in right:
        raise ValidationException(BAD_TYPE)
    a, b = Decimal(left["N"]), Decimal(right["N"])
    result = _EXACT.add(a, b) if operator == "+" else _EXACT.subtract(a, b)
    if len(result.normalize(_EXACT).as_tuple().digits) > limits.NUMBER_DIGITS:
        raise ValidationException(NUMBER_OVERFLOW)
    return {"N": canonical_number(str(result))}
