"""The grammars of update and projection expressions, by recursive descent."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, cast

from iotlab.table.expressions import nodes
from iotlab.table.expressions.condition_parser import CACHED_EXPRESSIONS
from iotlab.table.expressions.condition_parser import OPERAND_COUNTS as CONDITION_FUNCTIONS
from iotlab.table.expressions.problems import misused, unknown_function
from iotlab.table.expressions.reader import Reader

OPERAND_COUNTS = {"if_not_exists": 2, "list_append": 2}
_SECTIONS = frozenset({"SET", "REMOVE", "ADD", "DELETE"})
_ORDER = ("reserved", "function", "misuse", "section")


@lru_cache(CACHED_EXPRESSIONS)
def parse_projection(text: str) -> tuple[nodes.Path, ...]:
    """Return the paths of a projection expression.

    Raises:
        ValidationException: a syntax error, a reserved word, or a path too deep.
    """
    reader = Reader(text, "ProjectionExpression")
    paths = [reader.path()]
    while reader.take(","):
        paths.append(reader.path())
    reader.expect_end()
    reader.check(("reserved",))
    return tuple(paths)


@lru_cache(CACHED_EXPRESSIONS)
def parse_update(text: str) -> tuple[nodes.Action, ...]:
    """Return the actions of an update expression, as they stand.

    Raises:
        ValidationException: a syntax error, a reserved word, an unknown or misplaced function, or a section twice.
    """
    reader = Reader(text, "UpdateExpression", _SECTIONS)
    actions: list[nodes.Action] = []
    seen: set[str] = set()
    while reader.token.kind != "end":
        section = _section(reader)
        if section in seen:
            reader.note("section", f'The "{section}" section can only be used once in an update expression;')
        seen.add(section)
        actions.append(_action(reader, section))
        while reader.take(","):
            actions.append(_action(reader, section))
    reader.check(_ORDER)
    return tuple(actions)


def _section(reader: Reader) -> str:
    section = reader.token.text.upper()
    if reader.token.kind != "name" or section not in _SECTIONS:
        raise reader.error()
    reader.advance()
    return section


def _action(reader: Reader, section: str) -> nodes.Action:
    path = reader.path()
    match section:
        case "SET":
            reader.expect("=")
            return nodes.SetAction(path, _value(reader))
        case "REMOVE":
            return nodes.RemoveAction(path)
        case "ADD":
            return nodes.AddAction(path, _value_ref(reader))
        case _:
            return nodes.DeleteAction(path, _value_ref(reader))


def _value_ref(reader: Reader) -> nodes.ValueRef:
    if reader.token.kind != "value":
        raise reader.error()
    return nodes.ValueRef(reader.advance().text)


def _value(reader: Reader) -> nodes.Operand:
    left = _term(reader)
    if not reader.at("+", "-"):
        return left
    reader.operator()
    operator = cast(Literal["+", "-"], reader.advance().text)
    return nodes.Sum(operator, left, _term(reader))


def _term(reader: Reader) -> nodes.Operand:
    if not reader.take("("):
        return _argument(reader)
    reader.deeper()
    value = _value(reader)
    reader.expect(")")
    reader.shallower()
    return value


def _argument(reader: Reader) -> nodes.Operand:
    if reader.take("("):
        reader.deeper()
        inner = _argument(reader)
        reader.expect(")")
        reader.shallower()
        return inner
    if reader.token.kind == "value":
        return nodes.ValueRef(reader.advance().text)
    return _call(reader) if reader.at_call() else reader.path()


def _call(reader: Reader) -> nodes.Call:
    function = reader.advance().text
    if function in CONDITION_FUNCTIONS:
        reader.note("misuse", misused(function))
    elif function not in OPERAND_COUNTS:
        reader.note("function", unknown_function(function))
    reader.expect("(")
    reader.deeper()
    arguments = [_argument(reader)]
    while reader.take(","):
        arguments.append(_argument(reader))
    reader.expect(")")
    reader.shallower()
    if function == "list_append" and any(_is_list_append(argument) for argument in arguments):
        reader.note("misuse", misused(function))
    return nodes.Call(function, tuple(arguments))


def _is_list_append(operand: nodes.Operand) -> bool:
    return isinstance(operand, nodes.Call) and operand.function == "list_append"
