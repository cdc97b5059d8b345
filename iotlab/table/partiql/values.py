"""Values of a statement → attribute values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iotlab.table.errors import ValidationException
from iotlab.table.partiql import nodes
from iotlab.table.validation import canonical_attribute
from iotlab.table.values import AttributeValue

_SETS = {"S": "SS", "N": "NS", "B": "BS"}


def resolve(value: nodes.Value, parameters: Sequence[AttributeValue]) -> AttributeValue:
    """Return a value with its parameters put in.

    Raises:
        ValidationException: it is MISSING, or a set of nothing, of several types, or of what can't be in a set.
    """
    match value:
        case nodes.Constant():
            return value.value
        case nodes.Parameter():
            return parameters[value.number]
        case nodes.ListOf():
            return {"L": [resolve(element, parameters) for element in value.elements]}
        case nodes.MapOf():
            return {"M": _members(value, parameters)}
        case nodes.SetOf():
            return _set([resolve(element, parameters) for element in value.elements])
        case nodes.Missing():
            raise ValidationException("MISSING is not a value: use IS MISSING in conditions and REMOVE in updates")


def _members(value: nodes.MapOf, parameters: Sequence[AttributeValue]) -> dict[str, Any]:
    return {
        name: resolve(member, parameters) for name, member in value.members if not isinstance(member, nodes.Missing)
    }


def _set(elements: list[AttributeValue]) -> AttributeValue:
    kinds = {next(iter(element)) for element in elements}
    if len(kinds) != 1 or not kinds <= _SETS.keys():
        raise ValidationException("A set must have elements of one type: strings, numbers or binary values")
    kind = kinds.pop()
    # ``<< >>`` is PartiQL's bag: what is in it twice is in the set once.
    distinct = dict.fromkeys(element[kind] for element in elements)
    return canonical_attribute({_SETS[kind]: list(distinct)})
