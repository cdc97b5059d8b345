"""Scan: every item of a table or index, in the order of their keys' hashes, whole or one segment of it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any

from msgspec import Meta

from iotlab.table import limits
from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.expressions import Placeholders
from iotlab.table.keys import HASH_BYTES
from iotlab.table.operations.common import Images, parse, refuse_mixture, refuse_stray_placeholders
from iotlab.table.operations.pages import PageRequest, Row, View, page
from iotlab.table.operations.positions import Start, checked_values, last_key, start_of
from iotlab.table.requests import Limit

_EXPRESSIONS = ("ProjectionExpression", "FilterExpression")
_LEGACY = ("AttributesToGet", "ScanFilter", "ConditionalOperator")
_HASHES = 256**HASH_BYTES
_PARTITIONS = 4
"""A new table has so many, and a Scan is charged for each at least one unit, as measured on the service."""


class Scan(PageRequest, kw_only=True):
    """The request."""

    scan_filter: dict[str, Any] | None = None
    limit: Limit | None = None
    segment: Annotated[int, Meta(ge=0, le=limits.SEGMENTS - 1)] | None = None
    total_segments: Annotated[int, Meta(ge=1, le=limits.SEGMENTS)] | None = None


class _Range:
    """The partitions of one segment, as bytes: from ``low`` to below ``high``, None for no end."""

    def __init__(self, segment: int, total: int) -> None:
        first, beyond = (-(-number * _HASHES // total) for number in (segment, segment + 1))
        self.low = first.to_bytes(HASH_BYTES, "big")
        self.high = beyond.to_bytes(HASH_BYTES, "big") if beyond < _HASHES else None

    def holds(self, partition: bytes) -> bool:
        return self.low <= partition and (self.high is None or partition < self.high)


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return one page: ``Items``, ``Count``, ``ScannedCount`` and, where there may be more, ``LastEvaluatedKey``."""
    scan = parse(request, Scan)
    refuse_mixture(scan, _EXPRESSIONS, _LEGACY)
    refuse_stray_placeholders(scan, _EXPRESSIONS)
    start_values = checked_values(scan.exclusive_start_key)
    segment = _segment(scan)
    placeholders = Placeholders(scan.expression_attribute_names, scan.expression_attribute_values)
    view = View(scan, scan.scan_filter, placeholders)
    placeholders.check_all_used()
    table = engine.table(scan.table_name)
    view.bind(engine, table)
    view.least_units = _PARTITIONS
    start = start_of(table, view.index, start_values)
    if start is not None and not segment.holds(start.row[0]):
        raise ValidationException(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with "
            f"correct Segment. TotalSegments: {scan.total_segments} Segment: {scan.segment}"
        )
    rows = _rows(view, segment, start)
    return page(view, rows, scan, images, limit=scan.limit, position=partial(last_key, table, view.index))


def _segment(scan: Scan) -> _Range:
    segment, total = scan.segment, scan.total_segments
    if segment is None and total is None:
        return _Range(0, 1)
    if total is None:
        raise ValidationException(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is "
            "present"
        )
    if segment is None:
        raise ValidationException(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is "
            "present"
        )
    if segment >= total:
        raise ValidationException(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )
    return _Range(segment, total)


def _rows(view: View, segment: _Range, start: Start | None) -> Iterable[Row]:
    table, index = view.table, view.index
    if index is None:
        source, columns, partition = f"{table.items_table} i", "i.pk, i.sk", "i.pk"
    else:
        source = f"{index.entries_table} e CROSS JOIN {table.items_table} i ON i.pk=e.pk AND i.sk=e.sk"
        columns, partition = "e.ipk, e.isk, e.pk, e.sk", "e.ipk"
    conditions, bound = [f"{partition} >= ?"], [segment.low]
    if segment.high is not None:
        conditions.append(f"{partition} < ?")
        bound.append(segment.high)
    if start is not None:
        conditions.append(f"({columns}) > ({', '.join('?' * len(start.row))})")
        bound += start.row
    sql = f"SELECT i.item FROM {source} WHERE {' AND '.join(conditions)} ORDER BY {columns}"
    return view.engine.read().execute(sql, bound)
