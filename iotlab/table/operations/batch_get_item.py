"""BatchGetItem: up to 100 items of any tables, as far as 16 MB hold them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from iotlab.table import limits
from iotlab.table.capacity import Consumed, read_units
from iotlab.table.definition import TableDefinition
from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.expressions import Projection
from iotlab.table.keys import Key
from iotlab.table.operations.common import Images, decode_item, parse
from iotlab.table.operations.get_item import ReadRequest, projection_of, read_item, shown
from iotlab.table.requests import Attributes, Base, ReturnConsumedCapacity
from iotlab.table.sizes import size_bytes
from iotlab.table.validation import canonical_item
from iotlab.table.values import Item


class KeysAndAttributes(ReadRequest, kw_only=True):
    """The keys of one table, and what to show of their items."""

    keys: Annotated[list[Attributes], Meta(min_length=1)]
    attributes_to_get: list[str] | None = None
    consistent_read: bool | None = None


class BatchGetItem(Base, kw_only=True):
    """The request."""

    request_items: dict[str, KeysAndAttributes]
    return_consumed_capacity: ReturnConsumedCapacity | None = None


class _Part(msgspec.Struct, frozen=True):
    """One table's part of a batch, checked."""

    name: str
    wanted: KeysAndAttributes
    projection: Projection | None
    keys: list[Item]


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Responses`` by table, and ``UnprocessedKeys`` where 16 MB did not suffice."""
    if not request.get("RequestItems"):
        raise ValidationException("The requestItems parameter is required for BatchGetItem")
    batch = parse(request, BatchGetItem)
    parts = [_part(name, wanted) for name, wanted in batch.request_items.items()]
    _check_count(parts)
    bound = [(part, table, _places(table, part)) for part in parts for table in (engine.table(_plain(part.name)),)]
    responses: dict[str, list[Any]] = {}
    unprocessed: dict[str, Any] = {}
    consumed = []
    budget = limits.BATCH_RESPONSE_BYTES
    for part, table, places in bound:
        answers = responses.setdefault(part.name, [])
        costs = Consumed(table)
        for key, place in zip(part.keys, places, strict=True):
            if budget <= 0:
                _leave(unprocessed, request, part.name, key)
                continue
            body = read_item(engine, table, place)
            size = size_bytes(decode_item(body))
            budget -= size
            costs.add(read_units(size, consistent=part.wanted.consistent_read is True))
            if body is not None:
                answers.append(shown(body, part.projection, images))
        consumed.append(costs)
    response: dict[str, Any] = {"Responses": responses, "UnprocessedKeys": unprocessed}
    if batch.return_consumed_capacity not in {None, "NONE"}:
        response["ConsumedCapacity"] = [one.shown(batch.return_consumed_capacity) for one in consumed]
    return response


def _plain(name: str) -> str:
    return name.rpartition("/")[2] if name.startswith("arn:") else name


def _part(name: str, wanted: KeysAndAttributes) -> _Part:
    keys = [canonical_item(key) for key in wanted.keys]
    return _Part(name, wanted, projection_of(wanted), keys)


def _check_count(parts: list[_Part]) -> None:
    for part in parts:
        if len(part.keys) > limits.BATCH_READS:
            raise ValidationException(
                f"1 validation error detected: Value at 'RequestItems.{part.name}.member.Keys' failed to satisfy "
                f"constraint: Member must have length less than or equal to {limits.BATCH_READS}"
            )
    if sum(len(part.keys) for part in parts) > limits.BATCH_READS:
        raise ValidationException("Too many items requested for the BatchGetItem call")


def _places(table: TableDefinition, part: _Part) -> list[Key]:
    places = [table.keys.of_key(key) for key in part.keys]
    if len(set(places)) < len(places):
        raise ValidationException("Provided list of item keys contains duplicates")
    return places


def _leave(unprocessed: dict[str, Any], request: dict[str, Any], name: str, key: Item) -> None:
    if name not in unprocessed:
        unprocessed[name] = request["RequestItems"][name] | {"Keys": []}
    unprocessed[name]["Keys"].append(key)
