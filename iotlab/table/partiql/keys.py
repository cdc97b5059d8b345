"""What a WHERE clause says about key attributes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from iotlab.table.errors import ValidationException
from iotlab.table.keys import KeySchema
from iotlab.table.partiql import nodes
from iotlab.table.partiql.expression import Expression
from iotlab.table.partiql.values import resolve
from iotlab.table.values import AttributeValue, Item

NO_KEY = "Where clause does not contain a mandatory equality on all key attributes"


class Keyed(msgspec.Struct, frozen=True):
    """A WHERE clause that names one item.

    Attributes:
        key: The item's key.
        rest: What else it says.
    """

    key: Item
    rest: tuple[nodes.Condition, ...]


def conjuncts(where: nodes.Condition | None) -> tuple[nodes.Condition, ...]:
    """Return the conditions that must all hold."""
    if where is None:
        return ()
    if not isinstance(where, nodes.Both):
        return (where,)
    return tuple(part for both in where.parts for part in conjuncts(both))


def equal_to(condition: nodes.Condition, name: str) -> nodes.Value | None:
    """Return the value that a condition wants an attribute to be equal to, or None for any other condition."""
    if not isinstance(condition, nodes.Compare) or condition.operator != "=":
        return None
    left, right = condition.left, condition.right
    if is_value(left):
        left, right = right, left
    if left != nodes.Path((name,)) or isinstance(right, nodes.Path | nodes.Call):
        return None
    return right


def is_value(operand: nodes.Operand) -> bool:
    """Return whether an operand is known without an item."""
    return not isinstance(operand, nodes.Path | nodes.Call)


def take_equality(
    conditions: Sequence[nodes.Condition], name: str
) -> tuple[nodes.Value | None, tuple[nodes.Condition, ...]]:
    """Return what the attribute must be equal to, or None, and the conditions without that one."""
    for number, condition in enumerate(conditions):
        value = equal_to(condition, name)
        if value is not None:
            return value, (*conditions[:number], *conditions[number + 1 :])
    return None, tuple(conditions)


def single_item(where: nodes.Condition | None, keys: KeySchema, parameters: Sequence[AttributeValue]) -> Keyed | None:
    """Return the one item that a WHERE clause names, or None when it does not name one."""
    rest = conjuncts(where)
    key: Item = {}
    for name in keys.names:
        value, rest = take_equality(rest, name)
        if value is None:
            return None
        key[name] = resolve(value, parameters)
    return Keyed(key, rest)


def required_item(where: nodes.Condition | None, keys: KeySchema, parameters: Sequence[AttributeValue]) -> Keyed:
    """Return the one item that a write's WHERE clause names. Raises ValidationException when it does not."""
    keyed = single_item(where, keys, parameters)
    if keyed is None:
        raise ValidationException(NO_KEY)
    return keyed


def all_of(rest: Sequence[nodes.Condition]) -> nodes.Condition | None:
    """Return several conditions as one, or None for none."""
    if not rest:
        return None
    return rest[0] if len(rest) == 1 else nodes.Both(tuple(rest))


def existing(keys: KeySchema, expression: Expression) -> str:
    """Return the condition that an item is there."""
    return f"attribute_exists({expression.name(keys.partition[0].name)})"
