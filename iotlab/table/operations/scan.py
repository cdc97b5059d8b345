"""Scan: the whole table, page by page."""

from __future__ import annotations

from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.expressions import Placeholders
from iotlab.table.operations.common import Images, parse
from iotlab.table.operations.pages import PageReader, PageRequest, start_key


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return one page: ``Items``, ``Count``, ``ScannedCount`` and, where there may be more, ``LastEvaluatedKey``."""
    scan = parse(request, PageRequest)
    table = engine.table(scan.table_name)
    placeholders = Placeholders(scan.expression_attribute_names, scan.expression_attribute_values)
    reader = PageReader(table, scan, placeholders, images)
    start = start_key(table, scan.exclusive_start_key)
    where = "WHERE (pk, sk) > (?, ?)" if start is not None else ""
    rows = engine.read().execute(f"SELECT item FROM {table.items_table} {where} ORDER BY pk, sk", start or ())
    return reader.page(rows)
