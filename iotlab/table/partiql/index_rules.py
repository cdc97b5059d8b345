"""What a SELECT may ask of an index."""

from __future__ import annotations

from iotlab.table.definition import Index, TableDefinition
from iotlab.table.errors import ValidationException
from iotlab.table.indexes import projected_names
from iotlab.table.partiql import nodes

_INVALID = "One or more parameter values were invalid: "


def index_of(table: TableDefinition, target: nodes.Target) -> Index | None:
    """Return the index that a statement names, or None when it names none. Raises ValidationException."""
    if target.index is None:
        return None
    for index in table.indexes:
        if index.name == target.index:
            return index
    raise ValidationException("The table does not have the specified index")


def check_index(
    table: TableDefinition, index: Index, select: nodes.Select, *, is_query: bool, consistent: bool
) -> None:
    """Refuse what the index can't give.

    Args:
        table: Its table.
        index: The index.
        select: The statement.
        is_query: Whether the statement gives the index's partition key.
        consistent: Whether a strongly consistent read is asked for.

    Raises:
        ValidationException: such a read of a global index, or attributes that the index does not have.
    """
    if consistent and not index.is_local:
        raise ValidationException("Strongly consistent read is not supported on Global Secondary Indexes")
    names = projected_names(table, index)
    if names is None:
        return
    missing = [name for name in _roots(select.paths) if name not in names]
    if missing and not index.is_local:
        raise ValidationException(
            f"{_INVALID}Global secondary index {index.name} does not project [{', '.join(missing)}]"
        )
    filtered = [name for name in _roots(_paths_of(select.where)) if name not in names]
    if filtered and is_query:
        raise ValidationException(
            f"{_INVALID}Secondary index {index.name} does not project one or more filter attributes: "
            f"[{', '.join(filtered)}]"
        )


def needs_items(table: TableDefinition, index: Index | None, select: nodes.Select) -> bool:
    """Return whether the items themselves are read too, for attributes that a local index does not have."""
    if index is None or not index.is_local:
        return False
    names = projected_names(table, index)
    return names is not None and any(name not in names for name in _roots(select.paths))


def _roots(paths: tuple[nodes.Path, ...]) -> list[str]:
    return list(dict.fromkeys(str(path.parts[0]) for path in paths))


def _paths_of(node: nodes.Condition | nodes.Operand | None) -> tuple[nodes.Path, ...]:
    match node:
        case nodes.Path():
            return (node,)
        case nodes.Both(parts=parts) | nodes.Either(parts=parts) | nodes.Call(arguments=parts):
            return tuple(path for part in parts for path in _paths_of(part))
        case nodes.Not(condition=condition):
            return _paths_of(condition)
        case nodes.Compare(left=left, right=right):
            return _paths_of(left) + _paths_of(right)
        case nodes.Between(operand=operand, low=low, high=high):
            return _paths_of(operand) + _paths_of(low) + _paths_of(high)
        case nodes.In(operand=operand, choices=choices):
            return _paths_of(operand) + tuple(path for choice in choices for path in _paths_of(choice))
        case _:
            return ()
