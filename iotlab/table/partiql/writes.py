"""INSERT, UPDATE, DELETE and EXISTS → the requests of PutItem, UpdateItem, DeleteItem and ConditionCheck."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.keys import KeySchema
from iotlab.table.partiql import nodes
from iotlab.table.partiql.expression import Expression
from iotlab.table.partiql.keys import Keyed, all_of, existing, required_item
from iotlab.table.partiql.prepared import Prepared
from iotlab.table.partiql.update import update_expression
from iotlab.table.partiql.values import resolve


class Write(msgspec.Struct, frozen=True):
    """One write.

    Attributes:
        action: Its name in TransactWriteItems; the operation of one item is that with ``Item`` after it.
        request: What the two have in common.
        returning: The operation's ReturnValues.
    """

    action: Literal["Put", "Update", "Delete", "ConditionCheck"]
    request: dict[str, Any]
    returning: str = "NONE"


def write_of(engine: Engine, prepared: Prepared) -> Write:
    """Return the request that does what a statement says.

    Raises:
        ResourceNotFoundException: there is no such table.
        ValidationException: its WHERE clause does not name one item; or see `update_expression`.
    """
    statement = prepared.statement
    keys = engine.table(statement.target.table).keys
    match statement:
        case nodes.Insert():
            return _insert(statement, keys, prepared)
        case nodes.Update():
            keyed = required_item(statement.where, keys, prepared.parameters)
            return _update(statement, keys, keyed, prepared)
        case nodes.Delete():
            keyed = required_item(statement.where, keys, prepared.parameters)
            return _delete(statement, keys, keyed, prepared)
        case nodes.Exists():
            return _check(statement, keys, prepared)
        case nodes.Select():
            raise ValidationException("A SELECT statement is no write")


def _insert(statement: nodes.Insert, keys: KeySchema, prepared: Prepared) -> Write:
    item = resolve(statement.item, prepared.parameters)
    if "M" not in item:
        raise ValidationException("The item of an INSERT statement must be a map")
    expression = Expression(prepared.parameters)
    condition = f"attribute_not_exists({expression.name(keys.partition[0].name)})"
    request = {"TableName": statement.target.table, "Item": item["M"], "ConditionExpression": condition}
    return Write("Put", request | expression.placeholders)


def _update(statement: nodes.Update, keys: KeySchema, keyed: Keyed, prepared: Prepared) -> Write:
    expression = Expression(prepared.parameters)
    request: dict[str, Any] = {
        "TableName": statement.target.table,
        "Key": keyed.key,
        "UpdateExpression": update_expression(statement, expression),
        # An UPDATE of an item that is not there fails; UpdateItem alone would create it.
        "ConditionExpression": _existing_and(keyed, keys, expression),
    }
    returning = "NONE" if statement.returning is None else statement.returning.replace(" ", "_")
    return Write("Update", request | expression.placeholders, returning.replace("MODIFIED", "UPDATED"))


def _delete(statement: nodes.Delete, keys: KeySchema, keyed: Keyed, prepared: Prepared) -> Write:
    expression = Expression(prepared.parameters)
    request: dict[str, Any] = {"TableName": statement.target.table, "Key": keyed.key}
    rest = all_of(keyed.rest)
    if rest is not None:
        # Deleting what is not there succeeds, whatever else the WHERE clause says.
        missing = f"attribute_not_exists({expression.name(keys.partition[0].name)})"
        request["ConditionExpression"] = f"{missing} OR {expression.condition(rest)}"
    returning = "NONE" if statement.returning is None else "ALL_OLD"
    return Write("Delete", request | expression.placeholders, returning)


def _check(statement: nodes.Exists, keys: KeySchema, prepared: Prepared) -> Write:
    if statement.target.index is not None:
        raise ValidationException("Reads on indices are not supported within transactions.")
    keyed = required_item(statement.select.where, keys, prepared.parameters)
    expression = Expression(prepared.parameters)
    request: dict[str, Any] = {
        "TableName": statement.target.table,
        "Key": keyed.key,
        "ConditionExpression": _existing_and(keyed, keys, expression),
    }
    return Write("ConditionCheck", request | expression.placeholders)


def _existing_and(keyed: Keyed, keys: KeySchema, expression: Expression) -> str:
    exists = existing(keys, expression)
    rest = all_of(keyed.rest)
    return exists if rest is None else f"{exists} AND {expression.inside_and(rest)}"
