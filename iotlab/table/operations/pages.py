"""One page of Query or Scan: what is read, until 1 MB or the limit, then what of it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from iotlab.table import limits
from iotlab.table.capacity import Consumed, read_units
from iotlab.table.definition import Index, TableDefinition
from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.expressions import Condition, Placeholders, Projection, compile_condition, compile_projection
from iotlab.table.indexes import projected, projected_names
from iotlab.table.legacy import compile_attributes_to_get, compile_filter
from iotlab.table.operations.common import Images, decode_item
from iotlab.table.requests import Attributes, Expressions, ReturnConsumedCapacity, TableName
from iotlab.table.requests.kinds import IndexName
from iotlab.table.sizes import size_bytes
from iotlab.table.values import Item

Select = Literal["SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"]
Row = tuple[bytes]


class PageRequest(Expressions, kw_only=True):
    """The parameters that Query and Scan share."""

    table_name: TableName
    index_name: IndexName | None = None
    filter_expression: str | None = None
    projection_expression: str | None = None
    attributes_to_get: list[str] | None = None
    conditional_operator: Literal["AND", "OR"] | None = None
    exclusive_start_key: Attributes | None = None
    consistent_read: bool | None = None
    return_consumed_capacity: ReturnConsumedCapacity | None = None
    select: Select | None = None


class View:
    """What a page shows of the items that it reads: an index's attributes, those that pass, those that are asked for.

    Args:
        request: The request.
        legacy_filter: QueryFilter or ScanFilter.
        placeholders: The request's names and values.

    Raises:
        ValidationException: an expression or parameter is wrong, as far as can be told without the table.
    """

    def __init__(
        self, request: PageRequest, legacy_filter: dict[str, Any] | None, placeholders: Placeholders
    ) -> None:
        self._request = request
        self.least_units = 1
        self._filter_name = "Filter Expression"
        self.filter: Condition | None = None
        self.projection: Projection | None = None
        if request.filter_expression is not None:
            self.filter = compile_condition(request.filter_expression, placeholders, "FilterExpression")
        elif legacy_filter is not None:
            self._filter_name = "QueryFilter" if hasattr(request, "query_filter") else "ScanFilter"
            self.filter = compile_filter(legacy_filter, request.conditional_operator, self._filter_name)
        if request.projection_expression is not None:
            self.projection = compile_projection(request.projection_expression, placeholders)
        elif request.attributes_to_get is not None:
            self.projection = compile_attributes_to_get(request.attributes_to_get)
        self._check_select()

    def _check_select(self) -> None:
        select, is_specific = self._request.select, self.projection is not None
        if select == "SPECIFIC_ATTRIBUTES" and not is_specific:
            raise ValidationException(
                "One or more parameter values were invalid: Must specify the AttributesToGet or ProjectionExpression "
                "when choosing to get SPECIFIC_ATTRIBUTES"
            )
        if select not in {None, "SPECIFIC_ATTRIBUTES"} and is_specific:
            name = "ProjectionExpression" if self._request.projection_expression is not None else "AttributesToGet"
            what = "only the Count" if select == "COUNT" else select
            raise ValidationException(f"Cannot specify the {name} when choosing to get {what}")
        if select == "ALL_PROJECTED_ATTRIBUTES" and self._request.index_name is None:
            raise ValidationException("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")

    def bind(self, engine: Engine, table: TableDefinition) -> None:
        """Look up the index and check what is asked of it. Raises ValidationException."""
        self.engine = engine
        self.table = table
        self.index = self._index(table)
        if self.index is not None and not self.index.is_local:
            self._check_global(self.index)

    def check_filter_keys(self) -> None:
        """Refuse a filter on key attributes, which a Query must put into its key condition. ValidationException."""
        keys = (self.table if self.index is None else self.index).keys
        for name in keys.names:
            if self.filter is not None and name in self.filter.names:
                raise ValidationException(
                    f"{self._filter_name} can only contain non-primary key attributes: Primary key attribute: {name}"
                )

    def _index(self, table: TableDefinition) -> Index | None:
        name = self._request.index_name
        if name is None:
            return None
        index = table.index(name)
        if index is None:
            raise ValidationException(f"The table does not have the specified index: {name}")
        return index

    def _check_global(self, index: Index) -> None:
        if self._request.consistent_read:
            raise ValidationException("Consistent reads are not supported on global secondary indexes")
        if not index.is_complete:
            raise ValidationException(f"Cannot read from backfilling global secondary index: {index.name}")
        names = projected_names(self.table, index)
        if names is None:
            return
        invalid = "One or more parameter values were invalid: "
        if self._request.select == "ALL_ATTRIBUTES":
            raise ValidationException(
                f"{invalid}Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} "
                "because its projection type is not ALL"
            )
        for asked in (self.projection, self.filter):
            missing = sorted(asked.names - names) if asked is not None else []
            if missing:
                raise ValidationException(
                    f"{invalid}Global secondary index {index.name} does not project [{', '.join(missing)}]"
                )

    @property
    def fetches(self) -> bool:
        """Whether a page of a local index also reads the items themselves, for attributes that it does not have."""
        if self.index is None or not self.index.is_local:
            return False
        names = projected_names(self.table, self.index)
        if names is None:
            return False
        if self._request.select == "ALL_ATTRIBUTES":
            return True
        return any(asked is not None and not asked.names <= names for asked in (self.projection, self.filter))

    @property
    def cuts(self) -> bool:
        """Whether items are cut to an index's projection."""
        index = self.index
        return index is not None and index.projection.kind != "ALL" and not self.fetches

    def read(self, body: bytes) -> Item:
        """Return an item as it is read: whole, or as the index has it."""
        item = decode_item(body)
        return projected(self.table, self.index, item) if self.cuts and self.index is not None else item

    def shown(self, body: bytes, images: Images) -> Any:
        """Return what the page shows of an item; None when the filter leaves it out."""
        if self.filter is None and self.projection is None and not self.cuts:
            return images(body)
        item = self.read(body)
        if self.filter is not None and not self.filter.holds(item):
            return None
        if self.projection is not None:
            return self.projection.apply(item)
        return item if self.cuts else images(body)


class _Meter:
    """Counts what a page has read towards 1 MB: cheaply while it can't be near, exactly then.

    An item's JSON is never smaller than DynamoDB's count of it.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._bodies: list[bytes] | None = []
        self._bound = 0
        self._exact = 0

    def add(self, body: bytes) -> bool:
        """Count an item; return whether the page is full with it."""
        if self._bodies is None:
            self._exact += size_bytes(self._view.read(body))
            return self._exact >= limits.PAGE_SIZE_BYTES
        self._bodies.append(body)
        self._bound += len(body)
        if self._bound < limits.PAGE_SIZE_BYTES:
            return False
        return self.total() >= limits.PAGE_SIZE_BYTES

    def total(self) -> int:
        """Return the exact count so far, in bytes."""
        if self._bodies is not None:
            self._exact = sum(size_bytes(self._view.read(body)) for body in self._bodies)
            self._bodies = None
        return self._exact


def page(
    view: View,
    rows: Iterable[Row],
    request: Any,
    images: Images,
    *,
    limit: int | None,
    position: Callable[[Item], Item],
) -> dict[str, Any]:
    """Return the response for rows, which must be in order and may be more than one page.

    Args:
        view: What is shown.
        rows: Encoded items.
        request: For Select and ReturnConsumedCapacity.
        images: Turns stored bytes into what the caller wants.
        limit: Items to read; None for as many as fit into 1 MB.
        position: Turns the last item read into a LastEvaluatedKey.
    """
    meter, items, count, read = _Meter(view), [], 0, 0
    last_key: dict[str, Any] = {}
    for (body,) in rows:
        is_full = meter.add(body)
        read += 1
        shown = view.shown(body, images)
        if shown is not None:
            count += 1
            if request.select != "COUNT":
                items.append(shown)
        if is_full or read == limit:
            # DynamoDB does not look whether there is more behind a full page.
            last_key = {"LastEvaluatedKey": position(decode_item(body))}
            break
    response: dict[str, Any] = {} if request.select == "COUNT" else {"Items": items}
    response |= {"Count": count, "ScannedCount": read}
    return response | last_key | _cost(view, request, read, meter)


def _cost(view: View, request: Any, read: int, meter: _Meter) -> dict[str, Any]:
    response: dict[str, Any] = {}
    if request.return_consumed_capacity not in {None, "NONE"}:
        consumed = Consumed(view.table)
        units = read_units(meter.total(), consistent=request.consistent_read is True, least_units=view.least_units)
        consumed.add(units, view.index)
        if view.fetches:
            consumed.add(units * max(1, read))
        response["ConsumedCapacity"] = consumed.shown(request.return_consumed_capacity)
    return response
