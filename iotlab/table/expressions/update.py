"""UpdateExpression: SET, REMOVE, ADD and DELETE on an item.

All operands are read from the item as it was before the update; overlapping paths are refused.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

from iotlab.table.errors import ValidationException
from iotlab.table.expressions import nodes
from iotlab.table.expressions.parser import parse_update
from iotlab.table.expressions.paths import follow
from iotlab.table.expressions.placeholders import Placeholders
from iotlab.table.validation import canonical_number
from iotlab.table.values import AttributeValue, Item

_WHAT = "UpdateExpression"
_BAD_PATH = "The document path provided in the update expression is invalid for update"
_EXACT = Context(prec=200)

Resolved = tuple[str | int, ...]


def apply_update(text: str, item: Mapping[str, AttributeValue], placeholders: Placeholders) -> Item:
    """Return the item after the update; the given one stays as it is.

    Raises:
        ValidationException: the expression does not parse, two paths overlap, an operand has the wrong type, or a
            path leads through something that is not there.
    """
    update = parse_update(text)
    _refuse_overlap(update, placeholders)
    values = [
        (placeholders.path(action.path, _WHAT), _value(action.value, item, placeholders)) for action in update.sets
    ]
    after: Item = copy.deepcopy(dict(item))
    for path, value in values:
        _set(after, path, copy.deepcopy(value))
    for added, reference in update.adds:
        _add(after, placeholders.path(added, _WHAT), placeholders.value(reference.name, _WHAT))
    for deleted, reference in update.deletes:
        _delete(after, placeholders.path(deleted, _WHAT), placeholders.value(reference.name, _WHAT))
    removed = [placeholders.path(path, _WHAT) for path in update.removes]
    # From the back, so that removing a list's element does not move the ones still to be removed.
    for path in sorted(removed, key=lambda path: [str(part).zfill(12) for part in path], reverse=True):
        _remove(after, path)
    return after


def words_of_update(text: str) -> set[str]:
    """Return the ``#names`` and ``:values`` that an update expression uses. Raises ValidationException."""
    update = parse_update(text)
    nodes_of: list[Any] = list(update.removes)
    for action in update.sets:
        nodes_of += [action.path, action.value]
    for path, reference in update.adds + update.deletes:
        nodes_of += [path, reference]
    words: set[str] = set()
    while nodes_of:
        match nodes_of.pop():
            case nodes.Path(parts=parts):
                words.update(str(part) for part in parts)
            case nodes.ValueRef(name=name):
                words.add(name)
            case nodes.Call(arguments=arguments):
                nodes_of += arguments
            case nodes.Sum(left=left, right=right):
                nodes_of += [left, right]
    return words


def _refuse_overlap(update: nodes.Update, placeholders: Placeholders) -> None:
    paths = [action.path for action in update.sets] + list(update.removes)
    paths += [path for path, _ in update.adds] + [path for path, _ in update.deletes]
    resolved = [placeholders.path(path, _WHAT) for path in paths]
    for index, one in enumerate(resolved):
        for other in resolved[index + 1 :]:
            shared = min(len(one), len(other))
            if one[:shared] == other[:shared]:
                raise ValidationException(
                    f"Invalid {_WHAT}: Two document paths overlap with each other; must remove or rewrite one of "
                    f"these paths; path one: {_shown(one)}, path two: {_shown(other)}"
                )


def _shown(path: Resolved) -> str:
    return "[" + ", ".join(f"[{part}]" if isinstance(part, int) else part for part in path) + "]"


def _value(
    node: nodes.Operand | nodes.Sum, item: Mapping[str, AttributeValue], placeholders: Placeholders
) -> AttributeValue:
    match node:
        case nodes.Sum():
            return _sum(node.operator, _value(node.left, item, placeholders), _value(node.right, item, placeholders))
        case nodes.ValueRef():
            return placeholders.value(node.name, _WHAT)
        case nodes.Path():
            found = follow(item, placeholders.path(node, _WHAT))
            if found is None:
                raise ValidationException(
                    "The provided expression refers to an attribute that does not exist in the item"
                )
            return found
        case nodes.Call(function="if_not_exists", arguments=(nodes.Path() as path, default)):
            found = follow(item, placeholders.path(path, _WHAT))
            fallback = _value(default, item, placeholders)
            return fallback if found is None else found
        case nodes.Call(function="list_append", arguments=(first, second)):
            return _append(_value(first, item, placeholders), _value(second, item, placeholders))
        case _:
            raise ValidationException(
                f"Invalid {_WHAT}: Operator or function requires a document path; "
                f"operator or function: {node.function}"
            )


def _sum(operator: str, left: AttributeValue, right: AttributeValue) -> AttributeValue:
    for operand in (left, right):
        if "N" not in operand:
            raise _operand_type(operator, operand)
    a, b = Decimal(left["N"]), Decimal(right["N"])
    total = _EXACT.add(a, b) if operator == "+" else _EXACT.subtract(a, b)
    return {"N": canonical_number(str(total))}


def _append(first: AttributeValue, second: AttributeValue) -> AttributeValue:
    for operand in (first, second):
        if "L" not in operand:
            raise _operand_type("list_append", operand)
    return {"L": first["L"] + second["L"]}


def _operand_type(operator: str, operand: AttributeValue) -> ValidationException:
    return ValidationException(
        "An operand in the update expression has an incorrect data type"
        if operator in {"+", "-"}
        else f"Invalid {_WHAT}: Incorrect operand type for operator or function; "
        f"operator or function: {operator}, operand type: {next(iter(operand))}"
    )


def _parent(item: Item, path: Resolved) -> AttributeValue:
    parent = follow(item, path[:-1]) if len(path) > 1 else {"M": item}
    if parent is None or ("L" if isinstance(path[-1], int) else "M") not in parent:
        raise ValidationException(_BAD_PATH)
    return parent


def _set(item: Item, path: Resolved, value: AttributeValue) -> None:
    parent, last = _parent(item, path), path[-1]
    if isinstance(last, str):
        parent["M"][last] = value
    elif last < len(parent["L"]):
        parent["L"][last] = value
    else:
        parent["L"].append(value)


def _remove(item: Item, path: Resolved) -> None:
    parent, last = _parent(item, path), path[-1]
    if isinstance(last, str):
        parent["M"].pop(last, None)
    elif last < len(parent["L"]):
        del parent["L"][last]


def _add(item: Item, path: Resolved, value: AttributeValue) -> None:
    ((kind, content),) = value.items()
    if kind not in {"N", "SS", "NS", "BS"}:
        raise ValidationException(
            f"Invalid {_WHAT}: Incorrect operand type for operator or function; operator: ADD, operand type: {kind}"
        )
    current = follow(item, path)
    if current is None:
        _set(item, path, copy.deepcopy(value))
    elif kind not in current:
        raise ValidationException("An operand in the update expression has an incorrect data type")
    elif kind == "N":
        _set(item, path, _sum("+", current, value))
    else:
        _set(item, path, {kind: sorted({*current[kind], *content})})


def _delete(item: Item, path: Resolved, value: AttributeValue) -> None:
    ((kind, content),) = value.items()
    if kind not in {"SS", "NS", "BS"}:
        raise ValidationException(
            f"Invalid {_WHAT}: Incorrect operand type for operator or function; "
            f"operator: DELETE, operand type: {kind}"
        )
    current = follow(item, path)
    if current is None:
        return
    if kind not in current:
        raise ValidationException("An operand in the update expression has an incorrect data type")
    left = sorted(set(current[kind]) - set(content))
    if left:
        _set(item, path, {kind: left})
    else:
        _remove(item, path)
