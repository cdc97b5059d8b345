"""AttributeUpdates: PUT, ADD and DELETE of top-level attributes. A dot in a name is part of the name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iotlab.table.errors import ValidationException
from iotlab.table.expressions import actions
from iotlab.table.expressions.compare import kind_of
from iotlab.table.expressions.update import Update
from iotlab.table.legacy.requests import PREFIX, check_choice, structure
from iotlab.table.validation import canonical_attribute, check_attribute_name
from iotlab.table.values import AttributeValue

_MISMATCH = "Type mismatch for attribute to update"
_SETS = frozenset({"SS", "NS", "BS"})
_ADDABLE = _SETS | {"N", "L"}


def compile_attribute_updates(updates: Mapping[str, Any]) -> Update:
    """Return what the parameter does to an item; an empty one makes an item where there is none.

    Args:
        updates: Attribute name → Action (``PUT`` where there is none) and Value.

    Raises:
        ValidationException: an action is unknown, or its value is missing or of a type that it has no meaning for.
    """
    return Update([_action(name, structure(update)) for name, update in updates.items()])


def _action(name: str, members: dict[str, Any]) -> actions.Action:
    check_attribute_name(name, PREFIX)
    action = members.get("Action", "PUT")
    check_choice(action, f"attributeUpdates.{name}.member.action", ("ADD", "DELETE", "PUT"))
    if "Value" not in members:
        if action != "DELETE":
            raise ValidationException(f"{PREFIX}Only DELETE action is allowed when no attribute value is specified")
        return actions.Remove((name,))
    value = canonical_attribute(members["Value"])
    match action:
        case "PUT":
            return actions.Set((name,), lambda _: value)
        case "ADD":
            return _add(name, value)
        case _:
            return _delete(name, value)


def _add(name: str, value: AttributeValue) -> actions.Add:
    kind = kind_of(value)
    if kind not in _ADDABLE:
        raise ValidationException(f"{PREFIX}ADD action is not supported for the type {kind}")
    return actions.Add((name,), value, _MISMATCH)


def _delete(name: str, value: AttributeValue) -> actions.Delete:
    kind = kind_of(value)
    if kind not in _SETS:
        raise ValidationException(f"{PREFIX}DELETE action with value is not supported for the type {kind}")
    return actions.Delete((name,), value, _MISMATCH)
