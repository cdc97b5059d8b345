"""GetItem: one item by its key."""

from __future__ import annotations

from typing import Any

from iotlab.table.capacity import Consumed, read_units
from iotlab.table.definition import TableDefinition
from iotlab.table.engine import Engine
from iotlab.table.expressions import Placeholders, Projection, compile_projection
from iotlab.table.keys import Key
from iotlab.table.legacy import compile_attributes_to_get
from iotlab.table.operations.common import (
    Images,
    decode_item,
    parse,
    refuse_mixture,
    refuse_stray_placeholders,
)
from iotlab.table.requests import Attributes, Base, ReturnConsumedCapacity, TableName
from iotlab.table.sizes import size_bytes
from iotlab.table.validation import canonical_item


class ReadRequest(Base, kw_only=True):
    """The parameters that reads of items by their keys share."""

    projection_expression: str | None = None
    expression_attribute_names: dict[str, str] | None = None


class GetItem(ReadRequest, kw_only=True):
    """The request."""

    table_name: TableName
    key: Attributes
    attributes_to_get: list[str] | None = None
    consistent_read: bool | None = None
    return_consumed_capacity: ReturnConsumedCapacity | None = None


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Item``, or nothing when there is none. Reads always see every committed write."""
    get = parse(request, GetItem)
    projection = projection_of(get)
    key = canonical_item(get.key)
    table = engine.table(get.table_name)
    body = read_item(engine, table, table.keys.of_key(key))
    response: dict[str, Any] = {}
    if body is not None:
        response["Item"] = shown(body, projection, images)
    if get.return_consumed_capacity not in {None, "NONE"}:
        consumed = Consumed(table)
        consumed.add(read_units(size_bytes(decode_item(body)), consistent=get.consistent_read is True))
        response["ConsumedCapacity"] = consumed.shown(get.return_consumed_capacity)
    return response


def projection_of(request: Any) -> Projection | None:
    """Return what a read asks to see of an item, None for all of it. Raises ValidationException."""
    refuse_mixture(request, ["ProjectionExpression"], ["AttributesToGet"])
    if request.projection_expression is None and request.expression_attribute_names is not None:
        refuse_stray_placeholders(request, ["ProjectionExpression"])
    placeholders = Placeholders(request.expression_attribute_names, None)
    projection = None
    if request.projection_expression is not None:
        projection = compile_projection(request.projection_expression, placeholders)
    elif getattr(request, "attributes_to_get", None) is not None:
        projection = compile_attributes_to_get(request.attributes_to_get)
    placeholders.check_all_used()
    return projection


def read_item(engine: Engine, table: TableDefinition, key: Key) -> bytes | None:
    """Return an encoded item, or None when there is none."""
    row = (
        engine.read()
        .execute(f"SELECT item FROM {table.items_table} WHERE pk=? AND sk=?", (key.partition, key.sort))
        .get
    )
    return None if row is None else bytes(row)


def shown(body: bytes, projection: Projection | None, images: Images) -> Any:
    """Return what a read shows of an item."""
    return images(body) if projection is None else projection.apply(decode_item(body))
