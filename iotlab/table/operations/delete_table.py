"""DeleteTable: the table, its items and its stream."""

from __future__ import annotations

from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.operations.common import Images, parse
from iotlab.table.operations.describe_table import TableName, description


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Delete the table and return its last ``TableDescription``."""
    table = engine.table(parse(request, TableName).table_name)
    last = description(engine, table) | {"TableStatus": "DELETING"}
    engine.delete_table(table.name)
    return {"TableDescription": last}
