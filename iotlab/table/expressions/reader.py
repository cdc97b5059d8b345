"""Reading the words of an expression one after the other; what all grammars share: paths, names, findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from iotlab.table import limits
from iotlab.table.errors import ValidationException
from iotlab.table.expressions.lexer import Token, syntax_error, tokens
from iotlab.table.expressions.nodes import Path
from iotlab.table.expressions.problems import REDUNDANT, invalid, reserved
from iotlab.table.expressions.reserved import RESERVED

# Nothing that people write is as deep. Python's own stack ends at 1,000 frames, of which a level takes three.
_DEPTH = 200


class Reader:
    """The words of one expression and how far they are read.

    Mistakes other than syntax are noted and reported at the end, because DynamoDB reports syntax errors first.

    Args:
        text: The expression.
        what: Its parameter's name, for messages.
        keywords: Words (upper case) that can't be names here.
    """

    def __init__(self, text: str, what: str, keywords: frozenset[str] = frozenset()) -> None:
        self.what = what
        self._text = text
        self._keywords = keywords
        self._tokens = tokens(text, what)
        self._findings: dict[str, str] = {}
        self._depth = 0
        self._operators = 0
        self.index = 0

    @property
    def token(self) -> Token:
        """The next word."""
        return self._tokens[self.index]

    def advance(self) -> Token:
        """Return the next word and go past it."""
        token = self.token
        self.index += 1
        return token

    def take(self, symbol: str) -> bool:
        """Go past the symbol if it is next; return whether it was."""
        if self.token.kind == "symbol" and self.token.text == symbol:
            self.index += 1
            return True
        return False

    def take_keyword(self, keyword: str) -> bool:
        """Go past the keyword, in any case, if it is next; return whether it was."""
        if self.token.kind == "name" and self.token.text.upper() == keyword:
            self.index += 1
            return True
        return False

    def expect(self, symbol: str) -> None:
        """Go past the symbol. Raises ValidationException when another word is next."""
        if not self.take(symbol):
            raise self.error()

    def at_call(self) -> bool:
        """Return whether a name and an opening parenthesis are next."""
        if self.token.kind != "name" or self.token.text.upper() in self._keywords:
            return False
        following = self._tokens[self.index + 1]
        return following.kind == "symbol" and following.text == "("

    def at(self, *symbols: str) -> bool:
        """Return whether one of the symbols is next."""
        return self.token.kind == "symbol" and self.token.text in symbols

    def expect_end(self) -> None:
        """Raise ValidationException unless all words are read."""
        if self.token.kind != "end":
            raise self.error()

    def error(self) -> ValidationException:
        """Return the syntax error at the next word."""
        return syntax_error(self.what, self._text, self._tokens, self.index)

    def note(self, kind: str, problem: str) -> None:
        """Keep the first problem of its kind."""
        self._findings.setdefault(kind, problem)

    def check(self, order: Sequence[str]) -> None:
        """Raise ValidationException for what was noted: the kinds in this order, then any other."""
        for kind in [*order, *self._findings]:
            if kind in self._findings:
                raise invalid(self.what, self._findings[kind])

    def deeper(self) -> None:
        """Count one more open parenthesis. Raises ValidationException when there are too many."""
        self._depth += 1
        if self._depth > _DEPTH:
            self._too_deep()

    def _too_deep(self) -> NoReturn:
        self.check(())
        if self.at("("):
            raise invalid(self.what, REDUNDANT)
        raise self.error()

    def shallower(self) -> None:
        """Count one open parenthesis less."""
        self._depth -= 1

    def operator(self) -> None:
        """Count an operator. Raises ValidationException at the 301st."""
        self._operators += 1
        if self._operators > limits.EXPRESSION_OPERATORS:
            raise invalid(self.what, f"The expression contains too many operators; operator count: {self._operators}")

    def path(self) -> Path:
        """Return the document path that is next. Raises ValidationException when none is."""
        return self.rest_of_path([self._name()])

    def rest_of_path(self, parts: list[str | int]) -> Path:
        """Return a path that begins with these parts and goes on with what is next."""
        while True:
            if self.take("."):
                parts.append(self._name())
            elif self.take("["):
                parts.append(self._list_index())
                self.expect("]")
            else:
                break
        if len(parts) > limits.PATH_LEVELS:
            self.note("levels", f"The document path has too many nesting levels; nesting levels: {len(parts)}")
        return Path(tuple(parts))

    def _name(self) -> str:
        token = self.token
        if token.kind == "name":
            word = token.text.upper()
            if word in self._keywords:
                raise self.error()
            if word in RESERVED:
                self.note("reserved", reserved(token.text))
        elif token.kind != "placeholder":
            raise self.error()
        return self.advance().text

    def _list_index(self) -> int:
        if self.token.kind != "number":
            raise self.error()
        index = int(self.advance().text)
        if index > limits.LIST_INDEX_MAX:
            self.note("index", f"List index is not within the allowable range; index: [{index}]")
        return index
