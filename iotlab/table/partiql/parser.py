"""Statement text → syntax tree."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

import msgspec

from iotlab.table.errors import ValidationException
from iotlab.table.partiql import nodes
from iotlab.table.partiql.conditions import read_condition
from iotlab.table.partiql.lexer import malformed
from iotlab.table.partiql.operands import read_operand, read_path, read_value
from iotlab.table.partiql.reader import Reader

_CACHED_STATEMENTS = 1024
_UPDATE_FUNCTIONS = {"list_append": 2, "set_add": 2, "set_delete": 2, "if_not_exists": 2}
_UNSUPPORTED_CLAUSES = ("LIMIT", "OFFSET", "GROUP", "HAVING", "LET", "JOIN", "UNION")


class Parsed(msgspec.Struct, frozen=True):
    """A statement's tree, and how many ``?`` it has."""

    statement: nodes.Statement
    parameters: int


@lru_cache(_CACHED_STATEMENTS)
def parse_statement(text: str) -> Parsed:
    """Return the tree of a statement.

    Raises:
        ValidationException: it does not parse, or a number in it is none that a table can keep.
    """
    reader = Reader(text)
    if reader.take_word("SELECT"):
        statement: nodes.Statement = _select(reader)
    elif reader.take_word("INSERT"):
        statement = _insert(reader)
    elif reader.take_word("UPDATE"):
        statement = _update(reader)
    elif reader.take_word("DELETE"):
        statement = _delete(reader)
    elif reader.take_word("EXISTS"):
        statement = _exists(reader)
    else:
        raise malformed("Expected data manipulation")
    if reader.sees_word(*_UNSUPPORTED_CLAUSES):
        raise malformed(f"Unsupported clause: {reader.token.text.upper()} at {reader.place()}")
    if reader.token.kind != "end":
        raise reader.error()
    return Parsed(statement, reader.parameters)


def _select(reader: Reader) -> nodes.Select:
    paths = () if reader.take("*") else _projection(reader)
    reader.expect_word("FROM")
    target = _target(reader)
    return nodes.Select(target, paths, _where(reader), _order(reader))


def _projection(reader: Reader) -> tuple[nodes.Path, ...]:
    paths: list[nodes.Path] = []
    while True:
        if reader.token.kind == "name" and reader.sees("(", ahead=1):
            # This and the errors of a target's names come without the words about the whole statement.
            raise ValidationException(f"Unexpected path component at {reader.place()}")
        paths.append(read_path(reader))
        if not reader.take(","):
            return tuple(paths)


def _order(reader: Reader) -> tuple[nodes.Order, ...]:
    if not reader.take_word("ORDER"):
        return ()
    reader.expect_word("BY")
    order: list[nodes.Order] = []
    while True:
        name = reader.name()
        descending = reader.take_word("DESC")
        if not descending:
            reader.take_word("ASC")
        order.append(nodes.Order(name, descending))
        if not reader.take(","):
            return tuple(order)


def _exists(reader: Reader) -> nodes.Exists:
    reader.expect("(")
    reader.expect_word("SELECT")
    select = _select(reader)
    reader.expect(")")
    return nodes.Exists(select)


def _insert(reader: Reader) -> nodes.Insert:
    reader.expect_word("INTO")
    target = _target(reader)
    reader.expect_word("VALUE")
    return nodes.Insert(target, read_value(reader))


def _update(reader: Reader) -> nodes.Update:
    target = _target(reader)
    assignments: list[nodes.Assignment] = []
    removes: list[nodes.Path] = []
    while True:
        if reader.take_word("SET"):
            assignments.append(_assignment(reader))
            while reader.take(","):
                assignments.append(_assignment(reader))
        elif reader.take_word("REMOVE"):
            removes.append(read_path(reader))
            while reader.take(","):
                removes.append(read_path(reader))
        else:
            break
    if not assignments and not removes:
        raise reader.error()
    return nodes.Update(target, tuple(assignments), tuple(removes), _where(reader), _returning(reader))


def _assignment(reader: Reader) -> nodes.Assignment:
    path = read_path(reader)
    reader.expect("=")
    left = read_operand(reader, _UPDATE_FUNCTIONS)
    if reader.take("+"):
        return nodes.Assignment(path, nodes.Sum("+", left, read_operand(reader, _UPDATE_FUNCTIONS)))
    if reader.take("-"):
        return nodes.Assignment(path, nodes.Sum("-", left, read_operand(reader, _UPDATE_FUNCTIONS)))
    return nodes.Assignment(path, left)


def _delete(reader: Reader) -> nodes.Delete:
    reader.expect_word("FROM")
    target = _target(reader)
    return nodes.Delete(target, _where(reader), _returning(reader))


def _target(reader: Reader) -> nodes.Target:
    names = [reader.name()]
    while reader.take("."):
        names.append(reader.name())
    if len(names) > 2:
        raise ValidationException("A path may contain at most 2 components in the FROM clause")
    if names[0].startswith("arn:"):
        names[0] = names[0].rpartition("/")[2]
    return nodes.Target(*names)


def _where(reader: Reader) -> nodes.Condition | None:
    return read_condition(reader) if reader.take_word("WHERE") else None


def _returning(reader: Reader) -> nodes.Returning | None:
    if not reader.take_word("RETURNING"):
        return None
    if not reader.sees_word("ALL", "MODIFIED"):
        raise reader.error()
    what = reader.advance().text.upper()
    if not reader.sees_word("OLD", "NEW"):
        raise reader.error()
    when = reader.advance().text.upper()
    reader.expect("*")
    return cast(nodes.Returning, f"{what} {when}")
