"""Executing a SELECT: its reads one after the other, until the page is full."""

from __future__ import annotations

from typing import Any

import msgspec

from iotlab.table import limits
from iotlab.table.definition import Index, TableDefinition
from iotlab.table.engine import Engine
from iotlab.table.operations import query, scan
from iotlab.table.operations.common import Images, encode_item
from iotlab.table.partiql import nodes
from iotlab.table.partiql.capacity import sum_of
from iotlab.table.partiql.index_rules import check_index, index_of, needs_items
from iotlab.table.partiql.plan import Plan, plan
from iotlab.table.partiql.position import Position, position_of, token_of
from iotlab.table.partiql.prepared import Prepared
from iotlab.table.partiql.shape import Shape
from iotlab.table.sizes import size_bytes


class Options(msgspec.Struct, frozen=True):
    """The parameters of a request that its reads have too.

    Attributes:
        limit: How many items to read (not: to return), or None.
        next_token: Where to go on.
        consistent: ConsistentRead.
        capacity: ReturnConsumedCapacity.
    """

    limit: int | None = None
    next_token: str | None = None
    consistent: bool | None = None
    capacity: str | None = None


class Page(msgspec.Struct):
    """One page of a SELECT.

    Attributes:
        items: What was found, in the caller's form.
        next_token: Where the next page begins, or None at the end.
        last_key: The LastEvaluatedKey of its last read, or None.
        consumed: ConsumedCapacity, where it is asked for.
    """

    items: list[Any]
    next_token: str | None = None
    last_key: dict[str, Any] | None = None
    consumed: dict[str, Any] | None = None


def select_page(engine: Engine, prepared: Prepared, select: nodes.Select, options: Options, images: Images) -> Page:
    """Return one page of a SELECT.

    Raises:
        ResourceNotFoundException: there is no such table.
        ValidationException: there is no such index, it can't give what is asked for, or NextToken is not one of this
            statement.
    """
    table = engine.table(select.target.table)
    index = index_of(table, select.target)
    planned = plan(select, (table if index is None else index).keys, prepared.parameters)
    if index is not None:
        check_index(table, index, select, is_query=bool(planned.queries), consistent=bool(options.consistent))
    shape = Shape(select.paths, planned.rest, prepared.parameters)
    position = position_of(options.next_token, prepared.digest, max(1, len(planned.queries)))
    request = _request(table, index, select, options)
    return _Reads(engine, planned, shape, request, options.limit).page(position, images)


def _request(table: TableDefinition, index: Index | None, select: nodes.Select, options: Options) -> dict[str, Any]:
    request: dict[str, Any] = {"TableName": select.target.table}
    if index is not None:
        request["IndexName"] = index.name
    if needs_items(table, index, select):
        request["Select"] = "ALL_ATTRIBUTES"
    if options.consistent is not None:
        request["ConsistentRead"] = options.consistent
    if options.capacity is not None:
        request["ReturnConsumedCapacity"] = options.capacity
    return request


class _Reads:
    """The reads of one plan."""

    def __init__(
        self, engine: Engine, planned: Plan, shape: Shape, request: dict[str, Any], limit: int | None
    ) -> None:
        self._engine = engine
        self._plan = planned
        self._shape = shape
        self._request = request
        self._left = limit

    def page(self, position: Position, images: Images) -> Page:
        page = Page([])
        read_bytes = 0
        last_read = max(1, len(self._plan.queries)) - 1
        while True:
            response = self._read(position)
            items = response["Items"]
            page.items += self._shaped(items, images)
            page.consumed = sum_of([page.consumed, response.get("ConsumedCapacity")])
            page.last_key = response.get("LastEvaluatedKey")
            read_bytes += sum(map(size_bytes, items)) if last_read > 0 else 0
            if self._left is not None:
                self._left -= response["ScannedCount"]
            if page.last_key is not None:
                page.next_token = token_of(Position(position.digest, position.read, page.last_key))
                return page
            if position.read == last_read:
                return page
            position = Position(position.digest, position.read + 1)
            if self._left == 0 or read_bytes >= limits.PAGE_SIZE_BYTES:
                page.next_token = token_of(position)
                return page

    def _read(self, position: Position) -> dict[str, Any]:
        request = dict(self._request)
        if position.key is not None:
            request["ExclusiveStartKey"] = position.key
        if self._left is not None:
            request["Limit"] = self._left
        if not self._plan.queries:
            return scan.execute(self._engine, request, msgspec.json.decode)
        return query.execute(self._engine, request | self._plan.queries[position.read], msgspec.json.decode)

    def _shaped(self, items: list[Any], images: Images) -> list[Any]:
        shaped = (self._shape.apply(item) for item in items)
        return [images(encode_item(item)) for item in shaped if item is not None]
