"""KeyConditions: which keys a Query reads, before there were key condition expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iotlab.table.errors import ValidationException
from iotlab.table.expressions.key_condition import KeyConditions
from iotlab.table.expressions.key_range import KeyTest
from iotlab.table.legacy.comparisons import SYMBOLS
from iotlab.table.legacy.filters import read_condition

_INDEXABLE = {
    **{name: symbol for name, symbol in SYMBOLS.items() if name != "NE"},
    "BETWEEN": "BETWEEN",
    "BEGINS_WITH": "begins_with",
}


def compile_key_conditions(conditions: Mapping[str, Any]) -> KeyConditions:
    """Return one test for each key attribute.

    Args:
        conditions: Attribute name → ComparisonOperator and AttributeValueList.

    Raises:
        ValidationException: there are none, an operator is unknown or no operator for keys, or its values don't fit.
    """
    if not conditions:
        raise ValidationException("Conditions can be of length 1 or 2 only")
    read = {name: read_condition(name, condition, "KeyConditions") for name, condition in conditions.items()}
    for operator, _ in read.values():
        if operator not in _INDEXABLE:
            raise ValidationException("Attempted conditional constraint is not an indexable operation")
    return KeyConditions(
        {name: KeyTest(_INDEXABLE[operator], tuple(values)) for name, (operator, values) in read.items()}
    )
