"""Expression text → tokens."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from iotlab.table import limits
from iotlab.table.errors import ValidationException

TokenKind = Literal["name", "placeholder", "value", "number", "symbol", "end"]

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<placeholder>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<number>\d+)|(?P<symbol><>|<=|>=|[=<>()\[\],.+\-]))"
)
_KINDS: tuple[TokenKind, ...] = ("name", "placeholder", "value", "number", "symbol")


class Token(msgspec.Struct, frozen=True):
    """One word of an expression, with its place for error messages."""

    kind: TokenKind
    text: str
    at: int


def tokens(text: str, what: str) -> list[Token]:
    """Return the words of an expression, closed by one of kind ``end``.

    Args:
        text: The expression.
        what: Its parameter's name, for messages: ``ConditionExpression``.

    Raises:
        ValidationException: the expression is empty, over 4 KB, or has a character that no expression has.
    """
    if not text.strip():
        raise ValidationException(f"Invalid {what}: The expression can not be empty;")
    if len(text.encode()) > limits.EXPRESSION_BYTES:
        raise ValidationException(f"Invalid {what}: Expression size has exceeded the maximum allowed size;")
    found: list[Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise syntax_error(what, text[at:].strip()[:1], text[max(0, at - 8) : at + 8])
        kind = next(kind for kind in _KINDS if match[kind] is not None)
        found.append(Token(kind, match[kind], match.start(kind)))
        at = match.end()
    found.append(Token("end", "<EOF>", end))
    return found


def syntax_error(what: str, token: str, near: str) -> ValidationException:
    """Return DynamoDB's error for a word in the wrong place."""
    return ValidationException(f'Invalid {what}: Syntax error; token: "{token}", near: "{near}"')
