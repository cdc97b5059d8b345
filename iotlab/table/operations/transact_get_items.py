"""TransactGetItems: up to 100 items as they were at one moment."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from iotlab.table import limits
from iotlab.table.capacity import Consumed, read_units
from iotlab.table.definition import TableDefinition
from iotlab.table.engine import Engine
from iotlab.table.errors import CancellationReason, TransactionCanceledException, ValidationException
from iotlab.table.keys import Key
from iotlab.table.operations.common import Images, decode_item, parse
from iotlab.table.operations.get_item import ReadRequest, projection_of, read_item, shown
from iotlab.table.requests import Attributes, Base, ReturnConsumedCapacity, TableName
from iotlab.table.sizes import size_bytes
from iotlab.table.validation import canonical_item
from iotlab.table.values import Item


class Get(ReadRequest, kw_only=True):
    """One item."""

    table_name: TableName
    key: Attributes


class TransactGetItem(Base, kw_only=True):
    """One action."""

    get: Get


class TransactGetItems(Base, kw_only=True):
    """The request."""

    transact_items: Annotated[list[TransactGetItem], Meta(min_length=1, max_length=limits.TRANSACTION_ACTIONS)]
    return_consumed_capacity: ReturnConsumedCapacity | None = None


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Responses``, one for each action in order, without ``Item`` where there is none."""
    wanted = parse(request, TransactGetItems)
    gets = [one.get for one in wanted.transact_items]
    checked = [(projection_of(get), canonical_item(get.key)) for get in gets]
    tables = [engine.table(get.table_name) for get in gets]
    places = _places(tables, [key for _, key in checked])
    if len({(table.name, place) for table, place in zip(tables, places, strict=True)}) < len(places):
        raise ValidationException("Transaction request cannot include multiple operations on one item")
    # One read transaction of the file is one moment.
    with engine.snapshot():
        bodies = [read_item(engine, table, place) for table, place in zip(tables, places, strict=True)]
    total = sum(size_bytes(decode_item(body)) for body in bodies)
    if total > limits.TRANSACTION_BYTES:
        raise ValidationException(f"Transaction request size cannot exceed {limits.TRANSACTION_BYTES} bytes")
    responses = [
        {} if body is None else {"Item": shown(body, projection, images)}
        for body, (projection, _) in zip(bodies, checked, strict=True)
    ]
    response: dict[str, Any] = {"Responses": responses}
    if wanted.return_consumed_capacity not in {None, "NONE"}:
        by_table: dict[str, Consumed] = {}
        for table, body in zip(tables, bodies, strict=True):
            consumed = by_table.setdefault(table.name, Consumed(table, "ReadCapacityUnits"))
            consumed.add(read_units(size_bytes(decode_item(body)), consistent=True, transactional=True))
        response["ConsumedCapacity"] = [one.shown(wanted.return_consumed_capacity) for one in by_table.values()]
    return response


def _places(tables: list[TableDefinition], keys: list[Item]) -> list[Key]:
    """Return where the items are. Raises TransactionCanceledException for keys that do not fit, one reason each."""
    places: list[Key] = []
    reasons: list[CancellationReason] = []
    for table, key in zip(tables, keys, strict=True):
        try:
            places.append(table.keys.of_key(key))
            reasons.append(CancellationReason())
        except ValidationException as error:
            reasons.append(CancellationReason("ValidationError", error.message))
    if len(places) < len(keys):
        raise TransactionCanceledException(reasons)
    return places
