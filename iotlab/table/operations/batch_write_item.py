"""BatchWriteItem: up to 25 puts and deletes, in any tables. Each is written or not on its own, all in one commit."""

from __future__ import annotations

from typing import Any

from iotlab.table import limits
from iotlab.table.capacity import Consumed
from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.operations.actions import Delete, KeyAction, Put, PutAction
from iotlab.table.operations.answers import add_outcome, collection_metrics
from iotlab.table.operations.common import Images, parse
from iotlab.table.operations.writes import Action, Outcome
from iotlab.table.requests import Attributes, Base, ReturnConsumedCapacity, ReturnItemCollectionMetrics
from iotlab.table.requests.explain import shown_value
from iotlab.table.unit_of_work import UnitOfWork


class PutRequest(Base, kw_only=True):
    """One put."""

    item: Attributes


class DeleteRequest(Base, kw_only=True):
    """One delete."""

    key: Attributes


class OneWrite(Base, kw_only=True):
    """One put or delete."""

    put_request: PutRequest | None = None
    delete_request: DeleteRequest | None = None


class BatchWriteItem(Base, kw_only=True):
    """The request."""

    request_items: dict[str, list[OneWrite]]
    return_consumed_capacity: ReturnConsumedCapacity | None = None
    return_item_collection_metrics: ReturnItemCollectionMetrics | None = None


class BatchWrite:
    """A batch that is checked and ready for its commit; see `iotlab.table.operations.single`."""

    def __init__(self, batch: BatchWriteItem, actions: dict[str, list[Action]]) -> None:
        self._batch = batch
        self._actions = actions
        self._flat = [action for per_table in actions.values() for action in per_table]

    def work(self, unit: UnitOfWork) -> list[Outcome]:
        """Apply all; what it returns is for `finish`."""
        return [action.apply(unit) for action in self._flat]

    def finish(self, outcomes: list[Outcome], images: Images) -> dict[str, Any]:  # noqa: ARG002  no item is shown
        """Return the operation's response, after the commit."""
        return {"UnprocessedItems": {}} | _extras(self._batch, self._actions, self._flat, outcomes)


def prepare(engine: Engine, request: dict[str, Any]) -> BatchWrite:
    """Check the request. Raises as the operation does before it looks at the items."""
    if not request.get("RequestItems"):
        raise ValidationException("The requestItems parameter is required for BatchWriteItem")
    batch = parse(request, BatchWriteItem)
    _check_counts(batch, request)
    actions = {name: [_action(name, one) for one in writes] for name, writes in batch.request_items.items()}
    for per_table in actions.values():
        for action in per_table:
            action.bind(engine)
        if len({action.key for action in per_table}) < len(per_table):
            raise ValidationException("Provided list of item keys contains duplicates")
    return BatchWrite(batch, actions)


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Write all, and return ``UnprocessedItems``, which is empty: a desk has the capacity for 25 items."""
    write = prepare(engine, request)
    return write.finish(engine.transact(write.work), images)


def _check_counts(batch: BatchWriteItem, request: dict[str, Any]) -> None:
    count = sum(map(len, batch.request_items.values()))
    most = limits.BATCH_WRITES
    if any(not 1 <= len(writes) <= most for writes in batch.request_items.values()):
        constraint = (
            f"Map value must satisfy constraint: [Member must have length less than or equal to {most}, "
            "Member must have length greater than or equal to 1]"
        )
        value = f"Value '{shown_value(request['RequestItems'])}' at 'requestItems'"
        raise ValidationException(f"1 validation error detected: {value} failed to satisfy constraint: {constraint}")
    if count > most:
        raise ValidationException("Too many items requested for the BatchWriteItem call")


def _action(table_name: str, one: OneWrite) -> Action:
    if (one.put_request is None) == (one.delete_request is None):
        raise ValidationException(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
            "datatypes"
        )
    name = table_name.rpartition("/")[2] if table_name.startswith("arn:") else table_name
    if one.put_request is not None:
        return Put(PutAction(table_name=name, item=one.put_request.item))
    assert one.delete_request is not None  # noqa: S101  one of the two is there
    return Delete(KeyAction(table_name=name, key=one.delete_request.key))


def _extras(
    batch: BatchWriteItem, actions: dict[str, list[Action]], flat: list[Action], outcomes: list[Outcome]
) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    by_action = {id(action): outcome for action, outcome in zip(flat, outcomes, strict=True)}
    if batch.return_consumed_capacity not in {None, "NONE"}:
        shown = []
        for per_table in actions.values():
            consumed = Consumed(per_table[0].table)
            for action in per_table:
                add_outcome(consumed, by_action[id(action)])
            shown.append(consumed.shown(batch.return_consumed_capacity))
        extras["ConsumedCapacity"] = shown
    if batch.return_item_collection_metrics == "SIZE":
        metrics = {name: list(filter(None, map(collection_metrics, of))) for name, of in actions.items()}
        extras["ItemCollectionMetrics"] = {name: found for name, found in metrics.items() if found}
    return extras
