"""Expression text → tokens."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from iotlab.table import limits
from iotlab.table.errors import ValidationException
from iotlab.table.expressions.problems import invalid

TokenKind = Literal["name", "placeholder", "value", "number", "symbol", "other", "end"]

_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<placeholder>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<number>[0-9]+)|(?P<symbol><>|<=|>=|[=<>()\[\],.+\-])|(?P<other>[^ \t\r\n]))"
)


class Token(msgspec.Struct, frozen=True):
    """One word of an expression, with its place for error messages. ``other`` is a character that fits nowhere."""

    kind: TokenKind
    text: str
    at: int

    @property
    def end(self) -> int:
        """Where the word ends in the text."""
        return self.at if self.kind == "end" else self.at + len(self.text)


def tokens(text: str, what: str) -> list[Token]:
    """Return the words of an expression, closed by one of kind ``end``.

    Args:
        text: The expression.
        what: Its parameter's name, for messages: ``ConditionExpression``.

    Raises:
        ValidationException: the expression is empty or over 4 KB.
    """
    size_bytes = len(text.encode())
    if size_bytes > limits.EXPRESSION_BYTES:
        raise invalid(what, f"Expression size has exceeded the maximum allowed size; expression size: {size_bytes}")
    if not text.strip():
        raise invalid(what, "The expression can not be empty;")
    found = [
        Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup))  # type: ignore[arg-type]
        for match in _TOKEN.finditer(text)
        if match.lastgroup is not None
    ]
    found.append(Token("end", "<EOF>", found[-1].end))
    return found


def syntax_error(what: str, text: str, words: list[Token], index: int) -> ValidationException:
    """Return DynamoDB's error for a word in the wrong place, shown with the words before and after it."""
    first, last = words[max(0, index - 1)], words[min(index + 1, len(words) - 1)]
    near = text[first.at : last.end]
    return invalid(what, f'Syntax error; token: "{words[index].text}", near: "{near}"')
