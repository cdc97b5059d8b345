"""How a SELECT is read: by Query where its WHERE clause gives the partitions, else by Scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from iotlab.table.errors import ValidationException
from iotlab.table.keys import KeyAttribute, KeySchema, encode_value
from iotlab.table.partiql import nodes
from iotlab.table.partiql.expression import Expression
from iotlab.table.partiql.keys import all_of, conjuncts, equal_to, is_value, take_equality
from iotlab.table.partiql.values import resolve
from iotlab.table.values import AttributeValue

Conditions = tuple[nodes.Condition, ...]


class Plan(msgspec.Struct, frozen=True):
    """What is read, in this order.

    Attributes:
        queries: A Query's parameters for each partition; empty for a Scan.
        rest: The condition that is left for the items that were read.
    """

    queries: tuple[dict[str, Any], ...]
    rest: nodes.Condition | None


def plan(select: nodes.Select, keys: KeySchema, parameters: Sequence[AttributeValue]) -> Plan:
    """Return how a SELECT is read.

    Raises:
        ValidationException: its ORDER BY asks for an order that these reads don't have.
    """
    partitions, rest = _partitions(conjuncts(select.where), keys, parameters)
    _check_order(select, keys, partitions)
    if not partitions:
        return Plan((), select.where)
    sort, rest = _sort_conditions(rest, keys)
    forward, partitions = _directed(select.order, keys, partitions, parameters)
    queries = []
    for partition in partitions:
        expression = Expression(parameters)
        written = [expression.condition(condition) for condition in (*partition, *sort)]
        query = {"KeyConditionExpression": " AND ".join(written), "ScanIndexForward": forward}
        queries.append(query | expression.placeholders)
    return Plan(tuple(queries), all_of(rest))


def _partitions(
    conditions: Conditions, keys: KeySchema, parameters: Sequence[AttributeValue]
) -> tuple[list[Conditions], Conditions]:
    """Return the key conditions of each partition that is wanted (none: all), and the other conditions."""
    rest = conditions
    found: list[nodes.Condition] = []
    for attribute in keys.partition:
        value, rest = take_equality(rest, attribute.name)
        if value is not None:
            found.append(_equals(attribute.name, value))
    if len(found) == len(keys.partition):
        return [tuple(found)], rest
    if len(keys.partition) == 1:
        for number, condition in enumerate(conditions):
            choices = _choices(condition, keys.partition[0].name)
            if choices:
                distinct = {msgspec.json.encode(resolve(choice, parameters)): choice for choice in choices}
                partitions = [(_equals(keys.partition[0].name, choice),) for choice in distinct.values()]
                return list(partitions), (*conditions[:number], *conditions[number + 1 :])
    return [], conditions


def _equals(name: str, value: nodes.Value) -> nodes.Condition:
    return nodes.Compare("=", nodes.Path((name,)), value)


def _choices(condition: nodes.Condition, name: str) -> list[nodes.Value]:
    """Return the values of ``name IN […]`` or of ``name = … OR name = …``; nothing for another condition."""
    if isinstance(condition, nodes.In) and condition.operand == nodes.Path((name,)):
        values = [choice for choice in condition.choices if not isinstance(choice, nodes.Path | nodes.Call)]
        return values if len(values) == len(condition.choices) else []
    if not isinstance(condition, nodes.Either):
        return []
    equalities = [equal_to(part, name) for part in condition.parts]
    return [value for value in equalities if value is not None] if None not in equalities else []


def _sort_conditions(conditions: Conditions, keys: KeySchema) -> tuple[Conditions, Conditions]:
    """Return the conditions that narrow the sort key, at most one for each attribute of it, and the others."""
    found: list[nodes.Condition] = []
    rest = conditions
    for attribute in keys.sort:
        value, rest = take_equality(rest, attribute.name)
        if value is not None:
            found.append(_equals(attribute.name, value))
            continue
        ranges = [condition for condition in rest if _is_range(condition, nodes.Path((attribute.name,)))]
        if ranges:
            found.append(ranges[0])
            rest = tuple(condition for condition in rest if condition is not ranges[0])
        break
    return tuple(found), rest


def _is_range(condition: nodes.Condition, path: nodes.Path) -> bool:
    match condition:
        case nodes.Compare(operator="<" | "<=" | ">" | ">=", left=left, right=right):
            return left == path and is_value(right)
        case nodes.Between(operand=operand, low=low, high=high):
            return operand == path and is_value(low) and is_value(high)
        case nodes.Call(function="begins_with", arguments=(left, right)):
            return left == path and is_value(right)
        case _:
            return False


def _check_order(select: nodes.Select, keys: KeySchema, partitions: list[Conditions]) -> None:
    if not select.order:
        return
    if select.where is None:
        raise ValidationException("Must have WHERE clause in the statement when using ORDER BY clause.")
    if not partitions:
        raise ValidationException(
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."
        )
    for order in select.order:
        if order.name not in keys.names:
            raise ValidationException(
                f"Variable reference {order.name} in ORDER BY clause must be part of the primary key"
            )
    if len(partitions) > 1 and select.order[0].name != keys.partition[0].name:
        raise ValidationException(
            f"ORDER BY must begin with {keys.partition[0].name} where the WHERE clause has several values for it"
        )


def _directed(
    order: Sequence[nodes.Order],
    keys: KeySchema,
    partitions: list[Conditions],
    parameters: Sequence[AttributeValue],
) -> tuple[bool, list[Conditions]]:
    """Return whether each partition is read forward, and the partitions in their order."""
    descending = {one.name: one.descending for one in order}
    first = keys.partition[0]
    backward = descending.get(first.name, False)
    if first.name in descending and len(partitions) > 1:
        partitions = sorted(partitions, key=lambda one: _place(one, first, parameters), reverse=backward)
    return not descending.get(keys.sort[0].name if keys.sort else first.name, backward), partitions


def _place(partition: Conditions, attribute: KeyAttribute, parameters: Sequence[AttributeValue]) -> bytes:
    value = equal_to(partition[0], attribute.name)
    resolved = {} if value is None else resolve(value, parameters)
    # A value of another type is refused by its Query, wherever it stands.
    return encode_value(attribute.kind, resolved[attribute.kind]) if attribute.kind in resolved else b""
