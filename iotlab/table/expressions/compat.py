"""The functions of before, each compiling its expression anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iotlab.table.expressions import nodes
from iotlab.table.expressions.condition import compile_condition
from iotlab.table.expressions.key_condition import compile_key_condition
from iotlab.table.expressions.key_range import KeyRange
from iotlab.table.expressions.placeholders import Placeholders
from iotlab.table.expressions.projection import compile_projection
from iotlab.table.expressions.update import compile_update
from iotlab.table.expressions.update_parser import parse_update
from iotlab.table.keys import KeySchema
from iotlab.table.values import AttributeValue, Item


def holds(
    text: str, item: Mapping[str, AttributeValue], placeholders: Placeholders, what: str = "ConditionExpression"
) -> bool:
    """Return whether a condition holds on an item. Raises ValidationException."""
    return compile_condition(text, placeholders, what).holds(item)


def apply_update(text: str, item: Mapping[str, AttributeValue], placeholders: Placeholders) -> Item:
    """Return an item after an update. Raises ValidationException."""
    return compile_update(text, placeholders).apply(item)


def project(text: str, item: Mapping[str, AttributeValue], placeholders: Placeholders) -> Item:
    """Return the parts of an item that a projection asks for. Raises ValidationException."""
    return compile_projection(text, placeholders).apply(item)


def key_range(text: str, schema: KeySchema, placeholders: Placeholders) -> KeyRange:
    """Return what a key condition selects. Raises ValidationException."""
    return compile_key_condition(text, placeholders).key_range(schema)


def words_of_update(text: str) -> set[str]:
    """Return the ``#names`` and ``:values`` that an update expression has. Raises ValidationException."""
    waiting: list[Any] = list(parse_update(text))
    words: set[str] = set()
    while waiting:
        match waiting.pop():
            case nodes.Path(parts=parts):
                words.update(str(part) for part in parts)
            case nodes.ValueRef(name=name):
                words.add(name)
            case nodes.Call(arguments=arguments):
                waiting += arguments
            case nodes.Sum(left=left, right=right):
                waiting += [left, right]
            case nodes.RemoveAction(path=path):
                waiting.append(path)
            case action:
                waiting += [action.path, action.value]
    return words
