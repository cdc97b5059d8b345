"""Tokens → syntax tree, by recursive descent. One function a grammar rule."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from iotlab.table.errors import ValidationException
from iotlab.table.expressions import nodes
from iotlab.table.expressions.lexer import Token, syntax_error, tokens

CONDITION_FUNCTIONS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}
OPERAND_FUNCTIONS = {"size": 1}
UPDATE_FUNCTIONS = {"if_not_exists": 2, "list_append": 2}
_COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
_CACHED_EXPRESSIONS = 1024


class _Reader:
    """The words of one expression and how far they are read."""

    def __init__(self, text: str, what: str) -> None:
        self.what = what
        self._text = text
        self._tokens = tokens(text, what)
        self._next = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._next]

    def advance(self) -> Token:
        token = self.token
        self._next += 1
        return token

    def take(self, symbol: str) -> bool:
        if self.token.kind == "symbol" and self.token.text == symbol:
            self._next += 1
            return True
        return False

    def take_keyword(self, keyword: str) -> bool:
        if self.token.kind == "name" and self.token.text.upper() == keyword:
            self._next += 1
            return True
        return False

    def expect(self, symbol: str) -> None:
        if not self.take(symbol):
            raise self.error()

    def peek_symbol(self, symbol: str) -> bool:
        following = self._tokens[self._next + 1] if self.token.kind != "end" else self.token
        return following.kind == "symbol" and following.text == symbol

    def error(self) -> ValidationException:
        at = self.token.at
        return syntax_error(self.what, self.token.text, self._text[max(0, at - 10) : at + 10].strip())


@lru_cache(_CACHED_EXPRESSIONS)
def parse_condition(text: str, what: str) -> nodes.Condition:
    """Return the tree of a condition, filter or key condition expression."""
    reader = _Reader(text, what)
    condition = _either(reader)
    if reader.token.kind != "end":
        raise reader.error()
    return condition


@lru_cache(_CACHED_EXPRESSIONS)
def parse_projection(text: str) -> tuple[nodes.Path, ...]:
    """Return the paths of a projection expression."""
    reader = _Reader(text, "ProjectionExpression")
    paths = [_path(reader)]
    while reader.take(","):
        paths.append(_path(reader))
    if reader.token.kind != "end":
        raise reader.error()
    return tuple(paths)


@lru_cache(_CACHED_EXPRESSIONS)
def parse_update(text: str) -> nodes.Update:
    """Return the clauses of an update expression, each at most once."""
    reader = _Reader(text, "UpdateExpression")
    sets: list[nodes.SetAction] = []
    removes: list[nodes.Path] = []
    adds: list[tuple[nodes.Path, nodes.ValueRef]] = []
    deletes: list[tuple[nodes.Path, nodes.ValueRef]] = []
    seen: set[str] = set()
    while reader.token.kind != "end":
        clause = reader.token.text.upper()
        if reader.token.kind != "name" or clause not in {"SET", "REMOVE", "ADD", "DELETE"}:
            raise reader.error()
        if clause in seen:
            raise ValidationException(
                f'Invalid UpdateExpression: The "{clause}" section can only be used once in an update expression;'
            )
        seen.add(clause)
        reader.advance()
        while True:
            match clause:
                case "SET":
                    sets.append(_set_action(reader))
                case "REMOVE":
                    removes.append(_path(reader))
                case "ADD":
                    adds.append((_path(reader), _value_ref(reader)))
                case _:
                    deletes.append((_path(reader), _value_ref(reader)))
            if not reader.take(","):
                break
    return nodes.Update(tuple(sets), tuple(removes), tuple(adds), tuple(deletes))


def _either(reader: _Reader) -> nodes.Condition:
    condition = _both(reader)
    while reader.take_keyword("OR"):
        condition = nodes.Either(condition, _both(reader))
    return condition


def _both(reader: _Reader) -> nodes.Condition:
    condition = _not(reader)
    while reader.take_keyword("AND"):
        condition = nodes.Both(condition, _not(reader))
    return condition


def _not(reader: _Reader) -> nodes.Condition:
    if reader.take_keyword("NOT"):
        return nodes.Not(_not(reader))
    return _primary(reader)


def _primary(reader: _Reader) -> nodes.Condition:
    if reader.take("("):
        condition = _either(reader)
        reader.expect(")")
        return condition
    if reader.token.kind == "name" and reader.token.text in CONDITION_FUNCTIONS and reader.peek_symbol("("):
        return _call(reader, CONDITION_FUNCTIONS)
    left = _operand(reader)
    if reader.take_keyword("BETWEEN"):
        low = _operand(reader)
        if not reader.take_keyword("AND"):
            raise reader.error()
        return nodes.Between(left, low, _operand(reader))
    if reader.take_keyword("IN"):
        reader.expect("(")
        choices = [_operand(reader)]
        while reader.take(","):
            choices.append(_operand(reader))
        reader.expect(")")
        return nodes.In(left, tuple(choices))
    if reader.token.kind == "symbol" and reader.token.text in _COMPARATORS:
        operator = cast(nodes.Comparator, reader.advance().text)
        return nodes.Compare(operator, left, _operand(reader))
    raise reader.error()


def _operand(reader: _Reader, functions: dict[str, int] | None = None) -> nodes.Operand:
    allowed = OPERAND_FUNCTIONS if functions is None else functions
    if reader.token.kind == "value":
        return nodes.ValueRef(reader.advance().text)
    if reader.token.kind == "name" and reader.peek_symbol("("):
        return _call(reader, allowed)
    return _path(reader)


def _call(reader: _Reader, functions: dict[str, int]) -> nodes.Call:
    function = reader.advance().text
    if function not in functions:
        known = function in (CONDITION_FUNCTIONS | OPERAND_FUNCTIONS | UPDATE_FUNCTIONS)
        problem = (
            f"The function is not allowed to be used this way in an expression; function: {function}"
            if known
            else f"Invalid function name; function: {function}"
        )
        raise ValidationException(f"Invalid {reader.what}: {problem}")
    reader.expect("(")
    arguments = [_operand(reader, functions)]
    while reader.take(","):
        arguments.append(_operand(reader, functions))
    reader.expect(")")
    if len(arguments) != functions[function]:
        raise ValidationException(
            f"Invalid {reader.what}: Incorrect number of operands for operator or function; "
            f"operator or function: {function}, number of operands: {len(arguments)}"
        )
    return nodes.Call(function, tuple(arguments))


def _path(reader: _Reader) -> nodes.Path:
    parts: list[str | int] = [_name(reader)]
    while True:
        if reader.take("."):
            parts.append(_name(reader))
        elif reader.take("["):
            if reader.token.kind != "number":
                raise reader.error()
            parts.append(int(reader.advance().text))
            reader.expect("]")
        else:
            return nodes.Path(tuple(parts))


def _name(reader: _Reader) -> str:
    if reader.token.kind not in {"name", "placeholder"}:
        raise reader.error()
    return reader.advance().text


def _value_ref(reader: _Reader) -> nodes.ValueRef:
    if reader.token.kind != "value":
        raise reader.error()
    return nodes.ValueRef(reader.advance().text)


def _set_action(reader: _Reader) -> nodes.SetAction:
    path = _path(reader)
    reader.expect("=")
    left = _operand(reader, UPDATE_FUNCTIONS)
    if reader.take("+"):
        return nodes.SetAction(path, nodes.Sum("+", left, _operand(reader, UPDATE_FUNCTIONS)))
    if reader.take("-"):
        return nodes.SetAction(path, nodes.Sum("-", left, _operand(reader, UPDATE_FUNCTIONS)))
    return nodes.SetAction(path, left)
