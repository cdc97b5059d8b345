"""What answers of writes have beside attributes: consumed capacity and item collection metrics."""

from __future__ import annotations

from typing import Any

from iotlab.table import limits
from iotlab.table.capacity import Consumed
from iotlab.table.operations.common import decode_item
from iotlab.table.operations.writes import Action, Outcome, WriteRequest

_GIGABYTE = 1024**3


def write_answer(action: Action, outcome: Outcome, request: WriteRequest) -> dict[str, Any]:
    """Return ``ConsumedCapacity`` and ``ItemCollectionMetrics`` of a write, as far as they were asked for."""
    response: dict[str, Any] = {}
    if request.return_consumed_capacity not in {None, "NONE"}:
        consumed = Consumed(action.table)
        add_outcome(consumed, outcome)
        response["ConsumedCapacity"] = consumed.shown(request.return_consumed_capacity)
    if request.return_item_collection_metrics == "SIZE":
        metrics = collection_metrics(action)
        if metrics is not None:
            response["ItemCollectionMetrics"] = metrics
    return response


def add_outcome(consumed: Consumed, outcome: Outcome, *, transactional: bool = False) -> None:
    """Count a write by what it left and found."""
    old, new = (None if body is None else decode_item(body) for body in (outcome.old, outcome.new))
    consumed.add_write(old, new, transactional=transactional)


def collection_metrics(action: Action) -> dict[str, Any] | None:
    """Return the size of the item collection that was written to; None for a table without a local index.

    The estimate is the bytes of the partition in the file, within the gigabyte that DynamoDB gives as its precision.
    """
    table = action.table
    if not any(index.is_local for index in table.indexes):
        return None
    size_bytes = (
        action.engine.read()
        .execute(
            f"SELECT coalesce(sum(length(item)), 0) FROM {table.items_table} WHERE pk=?", (action.key.partition,)
        )
        .get
    )
    low = min(size_bytes, limits.ITEM_COLLECTION_BYTES) // _GIGABYTE
    name = table.keys.partition[0].name
    return {
        "ItemCollectionKey": {name: action.key_attributes[name]},
        "SizeEstimateRangeGB": [float(low), float(low + 1)],
    }
