"""Statement text → tokens."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from iotlab.table.errors import ValidationException

TokenKind = Literal["name", "quoted", "string", "number", "symbol", "end"]

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)"
    r'|(?P<quoted>"(?:[^"]|"")*")'
    r"|(?P<string>'(?:[^']|'')*')"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<symbol><<|>>|<>|!=|<=|>=|[=<>()\[\]{},.:?*+\-]))"
)
_KINDS: tuple[TokenKind, ...] = ("name", "quoted", "string", "number", "symbol")


class Token(msgspec.Struct, frozen=True):
    """One word of a statement.

    Attributes:
        kind: What it is; a keyword is a name here.
        text: Its text, for strings and quoted names without the quotes.
        at: Where it begins.
        length: How many characters of the statement it is.
    """

    kind: TokenKind
    text: str
    at: int
    length: int = 0


def tokens(statement: str) -> list[Token]:
    """Return the words of a statement, closed by one of kind ``end``.

    Raises:
        ValidationException: it has a character that no statement has, or a quote that is not closed.
    """
    found: list[Token] = []
    at, end = 0, len(statement.rstrip())
    while at < end:
        match = _TOKEN.match(statement, at)
        if match is None:
            raise malformed("Invalid character")
        kind = next(kind for kind in _KINDS if match[kind] is not None)
        found.append(Token(kind, _content(kind, match[kind]), match.start(kind), len(match[kind])))
        at = match.end()
    found.append(Token("end", "", end))
    return found


def malformed(detail: str) -> ValidationException:
    """Return DynamoDB's error for a statement that does not parse."""
    return ValidationException(f"Statement wasn't well formed, can't be processed: {detail}")


def _content(kind: TokenKind, text: str) -> str:
    if kind not in {"quoted", "string"}:
        return text
    quote = text[0]
    return text[1:-1].replace(quote * 2, quote)
