"""Reading the members of legacy parameters as they came: absent, or of the right JSON type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iotlab.table.errors import SerializationException, ValidationException

PREFIX = "One or more parameter values were invalid: "
OPERATORS = (
    "IN",
    "NULL",
    "BETWEEN",
    "LT",
    "NOT_CONTAINS",
    "EQ",
    "GT",
    "NOT_NULL",
    "NE",
    "LE",
    "BEGINS_WITH",
    "GE",
    "CONTAINS",
)


def structure(value: Any) -> dict[str, Any]:
    """Return a member that is a structure, without its nulls. Raises SerializationException for anything else."""
    if isinstance(value, dict):
        return {name: member for name, member in value.items() if member is not None}
    if isinstance(value, list):
        raise SerializationException("Start of list found where not expected")
    raise SerializationException("Unexpected field type")


def sequence(value: Any) -> list[Any]:
    """Return a member that is a list. Raises SerializationException for anything else."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        raise SerializationException("Start of structure or map found where not expected")
    raise SerializationException("Unexpected field type")


def check_choice(value: Any, member: str, choices: Sequence[str]) -> None:
    """Raise ValidationException unless the value is one of the choices, as DynamoDB lists them."""
    if value not in choices:
        raise ValidationException(
            f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(choices)}]"
        )


def check_conditional_operator(operator: Any, conditions: int) -> None:
    """Raise ValidationException for an operator that is neither AND nor OR, or that has nothing to join."""
    if operator is None:
        return
    check_choice(operator, "conditionalOperator", ("OR", "AND"))
    if not conditions:
        raise ValidationException("ConditionalOperator cannot be used without Filter or Expected")
    if conditions == 1:
        raise ValidationException(
            "ConditionalOperator can only be used when Filter or Expected has two or more elements"
        )
