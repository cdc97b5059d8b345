"""Query: the items of one partition of a table or index, in sort-key order."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any

from msgspec import Meta

from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.expressions import KeyConditions, KeyRange, Placeholders, compile_key_condition
from iotlab.table.legacy import compile_key_conditions
from iotlab.table.operations.common import Images, parse, refuse_mixture, refuse_stray_placeholders
from iotlab.table.operations.pages import PageRequest, Row, View, page
from iotlab.table.operations.positions import Start, checked_values, last_key, start_of
from iotlab.table.requests.explain import BARE

_EXPRESSIONS = ("ProjectionExpression", "FilterExpression", "KeyConditionExpression")
_LEGACY = ("AttributesToGet", "QueryFilter", "ConditionalOperator")


class Query(PageRequest, kw_only=True):
    """The request."""

    key_condition_expression: str | None = None
    key_conditions: dict[str, Any] | None = None
    query_filter: dict[str, Any] | None = None
    scan_index_forward: bool = True
    limit: Annotated[int, Meta(ge=1, extra=BARE)] | None = None


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return one page: ``Items``, ``Count``, ``ScannedCount`` and, where there may be more, ``LastEvaluatedKey``."""
    query = parse(request, Query)
    # KeyConditions go together with the other expressions, only not with the one that has taken their place.
    old_keys = () if query.key_condition_expression is None else ("KeyConditions",)
    refuse_mixture(query, _EXPRESSIONS, (*_LEGACY, *old_keys))
    refuse_stray_placeholders(query, _EXPRESSIONS)
    start_values = checked_values(query.exclusive_start_key)
    placeholders = Placeholders(query.expression_attribute_names, query.expression_attribute_values)
    conditions = _conditions(query, placeholders)
    view = View(query, query.query_filter, placeholders)
    placeholders.check_all_used()
    table = engine.table(query.table_name)
    view.bind(engine, table)
    keys = (table if view.index is None else view.index).keys
    selected = conditions.key_range(keys)
    view.check_filter_keys()
    start = start_of(table, view.index, start_values)
    if start is not None:
        _check_start(view, start, selected)
    rows = _rows(view, selected, start, forward=query.scan_index_forward)
    return page(view, rows, query, images, limit=query.limit, position=partial(last_key, table, view.index))


def _conditions(query: Query, placeholders: Placeholders) -> KeyConditions:
    if query.key_condition_expression is not None:
        return compile_key_condition(query.key_condition_expression, placeholders)
    if query.key_conditions is not None:
        return compile_key_conditions(query.key_conditions)
    raise ValidationException(
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
    )


def _check_start(view: View, start: Start, selected: KeyRange) -> None:
    if start.indexed is None and not view.table.keys.sort:
        # Behind the only item of a partition there is nothing to start at.
        raise ValidationException(
            f"The provided exclusive start key is invalid: ExclusiveStartKey: {view.table.keys.names}"
        )
    place = start.own if start.indexed is None else start.indexed
    if place.partition != selected.partition:
        raise ValidationException(
            "The provided starting key is outside query boundaries based on provided conditions"
        )
    below = place.sort < selected.low or (selected.low_open and place.sort == selected.low)
    above = place.sort > selected.high or (selected.high_open and place.sort == selected.high)
    if below or above:
        raise ValidationException("The provided starting key does not match the range key predicate")


def _rows(view: View, selected: KeyRange, start: Start | None, *, forward: bool) -> Iterable[Row]:
    low, high = (">" if selected.low_open else ">="), ("<" if selected.high_open else "<=")
    beyond, order = (">", "ASC") if forward else ("<", "DESC")
    bound: list[bytes] = [selected.partition, selected.low, selected.high]
    table, index = view.table, view.index
    if index is None:
        after = "" if start is None else f"AND sk{beyond}?"
        bound += [] if start is None else [start.own.sort]
        sql = (
            f"SELECT item FROM {table.items_table} WHERE pk=? AND sk{low}? AND sk{high}? {after} ORDER BY sk {order}"
        )
    else:
        after = "" if start is None else f"AND (e.isk, e.pk, e.sk) {beyond} (?, ?, ?)"
        bound += [] if start is None else list(start.row[1:])
        sql = (
            f"SELECT i.item FROM {index.entries_table} e CROSS JOIN {table.items_table} i "
            f"ON i.pk=e.pk AND i.sk=e.sk WHERE e.ipk=? AND e.isk{low}? AND e.isk{high}? {after} "
            f"ORDER BY e.isk {order}, e.pk {order}, e.sk {order}"
        )
    return view.engine.read().execute(sql, bound)
