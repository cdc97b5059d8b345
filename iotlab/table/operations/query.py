"""Query: the items of one partition, in sort-key order."""

from __future__ import annotations

from typing import Any

import msgspec

from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.expressions import KeyRange, Placeholders, key_range
from iotlab.table.operations.common import Images, parse
from iotlab.table.operations.pages import PageReader, PageRequest, start_key


class Query(PageRequest, kw_only=True):
    """The request."""

    key_condition_expression: str | None = None
    scan_index_forward: bool = True


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return one page: ``Items``, ``Count``, ``ScannedCount`` and, where there may be more, ``LastEvaluatedKey``."""
    query = parse(request, Query)
    table = engine.table(query.table_name)
    if query.key_condition_expression is None:
        raise ValidationException("Either the KeyConditions or KeyConditionExpression parameter must be specified")
    placeholders = Placeholders(query.expression_attribute_names, query.expression_attribute_values)
    selected = key_range(query.key_condition_expression, table.keys, placeholders)
    reader = PageReader(table, query, placeholders, images)
    selected = _after_start(selected, start_key(table, query.exclusive_start_key), forward=query.scan_index_forward)
    low, high = (">" if selected.low_open else ">="), ("<" if selected.high_open else "<=")
    rows = engine.read().execute(
        f"SELECT item FROM {table.items_table} WHERE pk=? AND sk{low}? AND sk{high}? "
        f"ORDER BY sk {'ASC' if query.scan_index_forward else 'DESC'}",
        (selected.partition, selected.low, selected.high),
    )
    return reader.page(rows)


def _after_start(selected: KeyRange, start: tuple[bytes, bytes] | None, *, forward: bool) -> KeyRange:
    if start is None:
        return selected
    partition, sort = start
    if partition != selected.partition:
        raise ValidationException(
            "The provided starting key is outside query boundaries based on provided conditions"
        )
    if forward and sort >= selected.low:
        return msgspec.structs.replace(selected, low=sort, low_open=True)
    if not forward and sort <= selected.high:
        return msgspec.structs.replace(selected, high=sort, high_open=True)
    return selected
