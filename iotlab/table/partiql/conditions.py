"""Reading conditions, by recursive descent: one function a grammar rule."""

from __future__ import annotations

from typing import cast

from iotlab.table.partiql import nodes
from iotlab.table.partiql.lexer import malformed
from iotlab.table.partiql.operands import read_call, read_operand
from iotlab.table.partiql.reader import Reader

_FUNCTIONS = {"attribute_type": 2, "begins_with": 2, "contains": 2}
_ALL_FUNCTIONS = _FUNCTIONS | {"size": 1}
_COMPARATORS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def read_condition(reader: Reader) -> nodes.Condition:
    """Read the condition of a WHERE clause."""
    parts = [_both(reader)]
    while reader.take_word("OR"):
        parts.append(_both(reader))
    return parts[0] if len(parts) == 1 else nodes.Either(tuple(parts))


def _both(reader: Reader) -> nodes.Condition:
    parts = [_not(reader)]
    while reader.take_word("AND"):
        parts.append(_not(reader))
    return parts[0] if len(parts) == 1 else nodes.Both(tuple(parts))


def _not(reader: Reader) -> nodes.Condition:
    if reader.take_word("NOT"):
        with reader.level():
            return nodes.Not(_not(reader))
    return _primary(reader)


def _primary(reader: Reader) -> nodes.Condition:
    if reader.take("("):
        with reader.level():
            condition = read_condition(reader)
        reader.expect(")")
        return condition
    if reader.sees_word("EXISTS"):
        raise malformed("EXISTS is only supported as a statement of ExecuteTransaction")
    if reader.token.kind == "name" and reader.token.text.lower() in _FUNCTIONS and reader.sees("(", ahead=1):
        return read_call(reader, _ALL_FUNCTIONS)
    return _predicate(reader, read_operand(reader))


def _predicate(reader: Reader, left: nodes.Operand) -> nodes.Condition:
    if reader.take_word("IS"):
        return _is(reader, left)
    if reader.take_word("NOT"):
        if not reader.sees_word("IN", "BETWEEN"):
            raise reader.error()
        return nodes.Not(_predicate(reader, left))
    if reader.take_word("BETWEEN"):
        low = read_operand(reader)
        reader.expect_word("AND")
        return nodes.Between(left, low, read_operand(reader))
    if reader.take_word("IN"):
        return nodes.In(left, _choices(reader))
    if reader.token.kind == "symbol" and reader.token.text in _COMPARATORS:
        operator = cast(nodes.Comparator, _COMPARATORS[reader.advance().text])
        return nodes.Compare(operator, left, read_operand(reader))
    raise reader.error()


def _choices(reader: Reader) -> tuple[nodes.Operand, ...]:
    close = "]" if reader.take("[") else ")"
    if close == ")":
        reader.expect("(")
    choices = [read_operand(reader)]
    while reader.take(","):
        choices.append(read_operand(reader))
    reader.expect(close)
    return tuple(choices)


def _is(reader: Reader, operand: nodes.Operand) -> nodes.Condition:
    is_negated = reader.take_word("NOT")
    if not isinstance(operand, nodes.Path):
        raise malformed("IS requires a document path")
    if reader.take_word("MISSING"):
        return nodes.Call("attribute_exists" if is_negated else "attribute_not_exists", (operand,))
    reader.expect_word("NULL")
    is_null = nodes.Call("attribute_type", (operand, nodes.Constant({"S": "NULL"})))
    return nodes.Not(is_null) if is_negated else is_null
