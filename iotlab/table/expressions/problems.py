"""DynamoDB's messages about expressions, each made in one place."""

from __future__ import annotations

from iotlab.table.errors import ValidationException

REDUNDANT = "The expression has redundant parentheses;"
BAD_TYPE = "An operand in the update expression has an incorrect data type"
BAD_PATH = "The document path provided in the update expression is invalid for update"
NO_ATTRIBUTE = "The provided expression refers to an attribute that does not exist in the item"


def invalid(what: str, problem: str) -> ValidationException:
    """Return the error for a wrong expression. ``what`` is its parameter's name: ``ConditionExpression``."""
    return ValidationException(f"Invalid {what}: {problem}")


def unknown_function(function: str) -> str:
    """The function does not exist; names are case-sensitive."""
    return f"Invalid function name; function: {function}"


def misused(function: str) -> str:
    """The function exists, and not for this place."""
    return f"The function is not allowed to be used this way in an expression; function: {function}"


def operand_count(function: str, count: int) -> str:
    """The function takes another number of operands."""
    return (
        "Incorrect number of operands for operator or function; "
        f"operator or function: {function}, number of operands: {count}"
    )


def operand_type(function: str, kind: str) -> str:
    """The operator or function has no meaning for an operand of this type."""
    return f"Incorrect operand type for operator or function; operator or function: {function}, operand type: {kind}"


def needs_path(function: str) -> str:
    """The function's first operand must be a document path."""
    return f"Operator or function requires a document path; operator or function: {function}"


def reserved(word: str) -> str:
    """The attribute's name is a reserved word and needs a ``#name``."""
    return f"Attribute name is a reserved keyword; reserved keyword: {word}"
