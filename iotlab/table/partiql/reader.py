"""The words of one statement, and how far they are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from iotlab.table.errors import ValidationException
from iotlab.table.partiql.lexer import Token, malformed, tokens

NESTING_LEVELS = 64
"""Of brackets and NOT in one statement: what is deeper is refused, so that reading never exhausts the stack."""

# fmt: off
RESERVED = frozenset((
    "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "BETWEEN", "IS", "INSERT", "INTO", "UPDATE", "SET",
    "REMOVE", "DELETE", "ORDER", "BY", "RETURNING", "EXISTS", "NULL", "MISSING", "TRUE", "FALSE", "AS", "LIKE",
    "LIMIT", "GROUP", "HAVING", "JOIN", "UNION",
))
# fmt: on


class Reader:
    """Reads a statement word by word. Raises ValidationException when its words can't be told apart."""

    def __init__(self, statement: str) -> None:
        self._statement = statement
        self._tokens = tokens(statement)
        self._next = 0
        self._levels = 0
        self.parameters = 0

    @property
    def token(self) -> Token:
        """The next word."""
        return self._tokens[self._next]

    def advance(self) -> Token:
        """Return the next word and go on to the one after it. Stays at the end."""
        token = self.token
        if token.kind != "end":
            self._next += 1
        return token

    def sees(self, symbol: str, *, ahead: int = 0) -> bool:
        """Return whether the next word, or the one ``ahead`` words later, is that symbol."""
        place = min(self._next + ahead, len(self._tokens) - 1)
        return self._tokens[place].kind == "symbol" and self._tokens[place].text == symbol

    def sees_word(self, *words: str) -> bool:
        """Return whether the next word is one of these keywords, in any case."""
        return self.token.kind == "name" and self.token.text.upper() in words

    def take(self, symbol: str) -> bool:
        """Read a symbol, if it is the next word."""
        found = self.sees(symbol)
        self._next += found
        return found

    def take_word(self, word: str) -> bool:
        """Read a keyword, if it is the next word."""
        found = self.sees_word(word)
        self._next += found
        return found

    def expect(self, symbol: str) -> None:
        """Read a symbol that must be here."""
        if not self.take(symbol):
            raise self.error()

    def expect_word(self, word: str) -> None:
        """Read a keyword that must be here."""
        if not self.take_word(word):
            raise self.error()

    def name(self) -> str:
        """Read a name: quoted, or bare and not a keyword."""
        token = self.token
        if token.kind == "quoted":
            if not token.text:
                raise ValidationException("Path component cannot be an empty string")
        elif token.kind != "name" or token.text.upper() in RESERVED:
            raise self.error()
        return self.advance().text

    @contextmanager
    def level(self) -> Iterator[None]:
        """Count one level of nesting while inside."""
        self._levels += 1
        if self._levels > NESTING_LEVELS:
            raise malformed("Nesting Levels have exceeded supported limits")
        yield
        self._levels -= 1

    def error(self) -> ValidationException:
        """Return the error for a next word that can't be here."""
        if self.token.kind == "end":
            return malformed("Unexpected end of statement")
        is_keyword = self.token.kind == "name" and self.token.text.upper() in RESERVED
        return malformed("Unexpected keyword" if is_keyword else "Unexpected term")

    def place(self) -> str:
        """Return where the next word is, as DynamoDB writes it: line, column and length."""
        before = self._statement[: self.token.at]
        line, column = before.count("\n") + 1, self.token.at - before.rfind("\n")
        return f"{line}:{column}:{self.token.length}"
