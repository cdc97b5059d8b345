"""DescribeTable."""

from __future__ import annotations

from typing import Any

from iotlab.clock import US_PER_S
from iotlab.table.definition import TableDefinition
from iotlab.table.engine import Engine
from iotlab.table.operations.common import Images, Request, parse


class TableName(Request, kw_only=True):
    """The request."""

    table_name: str


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Return ``Table``."""
    return {"Table": description(engine, engine.table(parse(request, TableName).table_name))}


def description(engine: Engine, table: TableDefinition) -> dict[str, Any]:
    """Return a table's TableDescription."""
    count = engine.read().execute(f"SELECT count(*) FROM {table.items_table}").get
    shown: dict[str, Any] = {
        "TableName": table.name,
        "TableStatus": "ACTIVE",
        "TableArn": table.arn,
        "CreationDateTime": table.created_us / US_PER_S,
        "AttributeDefinitions": [
            {"AttributeName": attribute.name, "AttributeType": attribute.kind} for attribute in table.keys.attributes
        ],
        "KeySchema": [
            {"AttributeName": attribute.name, "KeyType": role}
            for attribute, role in zip(table.keys.attributes, ("HASH", "RANGE"), strict=False)
        ],
        "ItemCount": count,
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    }
    if table.stream is not None and table.stream.enabled:
        shown["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream.view_type}
    if table.stream is not None:
        shown["LatestStreamArn"] = table.stream_arn
        shown["LatestStreamLabel"] = table.stream.label
    return shown
