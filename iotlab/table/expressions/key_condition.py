"""KeyConditionExpression → a range of keys."""

from __future__ import annotations

import msgspec

from iotlab.table.errors import ValidationException
from iotlab.table.expressions import nodes
from iotlab.table.expressions.parser import parse_condition
from iotlab.table.expressions.placeholders import Placeholders
from iotlab.table.keys import KeyAttribute, KeySchema, encode_value, place

_WHAT = "KeyConditionExpression"
_AFTER_ALL = b"\xff" * 1025


class KeyRange(msgspec.Struct, frozen=True):
    """One partition and a range of its sort keys, as sortable bytes.

    Attributes:
        partition: The partition key, as `iotlab.table.keys.place` gives it.
        low, high: Bounds of the sort key.
        low_open, high_open: True where the bound itself is not in the range.
    """

    partition: bytes
    low: bytes = b""
    high: bytes = _AFTER_ALL
    low_open: bool = False
    high_open: bool = False


def key_range(text: str, schema: KeySchema, placeholders: Placeholders) -> KeyRange:
    """Return what a key condition selects.

    Raises:
        ValidationException: the condition is not ``partition = :v`` with at most one condition on the sort key.
    """
    parts = _conjuncts(parse_condition(text, _WHAT))
    partition: bytes | None = None
    sort: KeyRange | None = None
    for part in parts:
        attribute = _attribute(part, placeholders)
        if attribute == schema.partition[0].name and partition is None:
            partition = place(_partition_value(part, schema.partition[0], placeholders))
        elif schema.sort and attribute == schema.sort[0].name and sort is None:
            sort = _sort_range(part, schema.sort[0], placeholders)
        else:
            raise ValidationException("Query key condition not supported")
    if partition is None:
        raise ValidationException(f"Query condition missed key schema element: {schema.partition[0].name}")
    return msgspec.structs.replace(sort or KeyRange(b""), partition=partition)


def _conjuncts(node: nodes.Condition) -> list[nodes.Condition]:
    if isinstance(node, nodes.Both):
        return _conjuncts(node.left) + _conjuncts(node.right)
    if isinstance(node, nodes.Either | nodes.Not):
        operator = "OR" if isinstance(node, nodes.Either) else "NOT"
        raise ValidationException(f"Invalid operator used in {_WHAT}: {operator}")
    return [node]


def _attribute(node: nodes.Condition, placeholders: Placeholders) -> str:
    match node:
        case nodes.Compare(left=nodes.Path() as path) | nodes.Between(operand=nodes.Path() as path):
            pass
        case nodes.Call(function="begins_with", arguments=(nodes.Path() as path, _)):
            pass
        case _:
            raise ValidationException("Query key condition not supported")
    resolved = placeholders.path(path, _WHAT)
    if len(resolved) != 1:
        raise ValidationException("Key condition expressions must reference top-level attributes")
    return str(resolved[0])


def _bytes(node: nodes.Operand, attribute: KeyAttribute, placeholders: Placeholders) -> bytes:
    if not isinstance(node, nodes.ValueRef):
        raise ValidationException("Query key condition not supported")
    value = placeholders.value(node.name, _WHAT)
    if attribute.kind not in value:
        raise ValidationException(
            "One or more parameter values were invalid: Condition parameter type does not match schema type"
        )
    return encode_value(attribute.kind, value[attribute.kind])


def _partition_value(node: nodes.Condition, attribute: KeyAttribute, placeholders: Placeholders) -> bytes:
    if not isinstance(node, nodes.Compare) or node.operator != "=":
        raise ValidationException("Query key condition not supported")
    return _bytes(node.right, attribute, placeholders)


def _sort_range(node: nodes.Condition, attribute: KeyAttribute, placeholders: Placeholders) -> KeyRange:
    match node:
        case nodes.Between():
            low, high = (_bytes(end, attribute, placeholders) for end in (node.low, node.high))
            if low > high:
                raise ValidationException(
                    f"Invalid {_WHAT}: The BETWEEN operator requires upper bound to be greater "
                    "than or equal to lower bound"
                )
            return KeyRange(b"", low, high)
        case nodes.Call():
            prefix = _bytes(node.arguments[1], attribute, placeholders)
            return KeyRange(b"", prefix, prefix + _AFTER_ALL)
        case nodes.Compare():
            return _comparison(node.operator, _bytes(node.right, attribute, placeholders))
        case _:
            raise ValidationException("Query key condition not supported")


def _comparison(operator: str, value: bytes) -> KeyRange:
    match operator:
        case "=":
            return KeyRange(b"", value, value)
        case "<":
            return KeyRange(b"", high=value, high_open=True)
        case "<=":
            return KeyRange(b"", high=value)
        case ">":
            return KeyRange(b"", low=value, low_open=True)
        case ">=":
            return KeyRange(b"", low=value)
        case _:
            raise ValidationException(f"Invalid operator used in {_WHAT}: {operator}")
