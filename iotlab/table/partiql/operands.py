"""Reading operands: values, document paths and the functions on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from iotlab.table.errors import ValidationException
from iotlab.table.partiql import nodes
from iotlab.table.partiql.lexer import malformed
from iotlab.table.partiql.reader import Reader
from iotlab.table.validation import canonical_number

SIZE: Mapping[str, int] = {"size": 1}
"""Functions that give a value to a condition, with their numbers of arguments."""

T = TypeVar("T")
_INDEX_DIGITS = 9
_EXPONENT_CHARACTERS = 9
_WORDS: Mapping[str, nodes.Value] = {
    "TRUE": nodes.Constant({"BOOL": True}),
    "FALSE": nodes.Constant({"BOOL": False}),
    "NULL": nodes.Constant({"NULL": True}),
    "MISSING": nodes.Missing(),
}


def read_operand(reader: Reader, functions: Mapping[str, int] = SIZE) -> nodes.Operand:
    """Read a value, a path, or a call of one of the functions."""
    value = _value(reader)
    if value is not None:
        return value
    if reader.token.kind == "name" and reader.sees("(", ahead=1):
        return read_call(reader, functions)
    return read_path(reader)


def read_value(reader: Reader) -> nodes.Value:
    """Read a value: a literal or a parameter."""
    value = _value(reader)
    if value is None:
        raise reader.error()
    return value


def read_call(reader: Reader, functions: Mapping[str, int]) -> nodes.Call:
    """Read a call of one of the functions, given with their numbers of arguments."""
    function = reader.token.text.lower()
    if function not in functions:
        raise malformed(f"Unsupported function: {reader.token.text}")
    reader.advance()
    reader.expect("(")
    with reader.level():
        arguments = _separated(reader, ")", lambda: read_operand(reader, functions))
    if len(arguments) != functions[function]:
        raise malformed(f"Incorrect number of arguments for function: {function}")
    return nodes.Call(function, arguments)


def read_path(reader: Reader) -> nodes.Path:
    """Read a document path: ``a.b[0]``, ``"a"."b"`` or ``a['b']``."""
    parts: list[str | int] = [reader.name()]
    while True:
        if reader.take("."):
            parts.append(reader.name())
        elif reader.take("["):
            parts.append(_step(reader))
            reader.expect("]")
        else:
            return nodes.Path(tuple(parts))


def _step(reader: Reader) -> str | int:
    if reader.token.kind == "string":
        return reader.advance().text
    if reader.token.kind != "number" or not reader.token.text.isdecimal():
        raise reader.error()
    if len(reader.token.text) > _INDEX_DIGITS:
        raise malformed("List index is not within the allowable range")
    return int(reader.advance().text)


def _value(reader: Reader) -> nodes.Value | None:
    token = reader.token
    if token.kind == "string":
        return nodes.Constant({"S": reader.advance().text})
    if token.kind == "number":
        return _number(reader.advance().text)
    if token.kind == "name" and token.text.upper() in _WORDS:
        return _WORDS[reader.advance().text.upper()]
    if token.kind != "symbol":
        return None
    return _symbolic(reader)


def _number(text: str) -> nodes.Constant:
    _, _, exponent = text.lower().partition("e")
    if len(exponent) > _EXPONENT_CHARACTERS:
        raise ValidationException(f"The parameter cannot be converted to a numeric value: {text}")
    return nodes.Constant({"N": canonical_number(text)})


def _symbolic(reader: Reader) -> nodes.Value | None:
    if reader.take("?"):
        reader.parameters += 1
        return nodes.Parameter(reader.parameters - 1)
    if reader.take("-"):
        if reader.token.kind != "number":
            raise reader.error()
        return _number("-" + reader.advance().text)
    with reader.level():
        if reader.take("["):
            return nodes.ListOf(_separated(reader, "]", lambda: read_value(reader)))
        if reader.take("<<"):
            return nodes.SetOf(_separated(reader, ">>", lambda: read_value(reader)))
        if reader.take("{"):
            return nodes.MapOf(_separated(reader, "}", lambda: _member(reader)))
    return None


def _member(reader: Reader) -> tuple[str, nodes.Value]:
    if reader.token.kind not in {"string", "quoted"}:
        raise reader.error()
    name = reader.advance().text
    reader.expect(":")
    return name, read_value(reader)


def _separated(reader: Reader, close: str, read: Callable[[], T]) -> tuple[T, ...]:
    found: list[T] = []
    if reader.take(close):
        return ()
    while True:
        found.append(read())
        if reader.take(close):
            return tuple(found)
        reader.expect(",")
