"""DescribeTable."""

from __future__ import annotations

import uuid
from typing import Any

from iotlab.clock import US_PER_S
from iotlab.table.definition import Index, TableDefinition, Throughput
from iotlab.table.engine import Engine
from iotlab.table.keys import KeySchema
from iotlab.table.operations.common import Images, parse
from iotlab.table.requests import Base, TableName

_SHOWN_SETTINGS = {"on_demand_throughput": "OnDemandThroughput", "warm_throughput": "WarmThroughput"}


class DescribeTable(Base, kw_only=True):
    """The request."""

    table_name: TableName


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Return ``Table``."""
    return {"Table": description(engine, engine.table(parse(request, DescribeTable).table_name))}


def description(engine: Engine, table: TableDefinition) -> dict[str, Any]:
    """Return a table's TableDescription. Counts are exact, where DynamoDB's are up to six hours old."""
    count, size_bytes = engine.counted(table)
    shown: dict[str, Any] = {
        "TableName": table.name,
        "TableStatus": "ACTIVE",
        "TableArn": table.arn,
        "TableId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{table.arn}#{table.number}#{table.created_us}")),
        "CreationDateTime": table.created_us / US_PER_S,
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in table.attributes.items()
        ],
        "KeySchema": _key_schema(table.keys),
        "ProvisionedThroughput": _throughput(table.throughput),
        "ItemCount": count,
        "TableSizeBytes": size_bytes,
        "DeletionProtectionEnabled": table.protected,
    }
    shown |= _billing(table) | _settings(table) | _indexes(engine, table)
    if table.stream is not None and table.stream.enabled:
        shown["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream.view_type}
    if table.stream is not None:
        shown["LatestStreamArn"] = table.stream_arn
        shown["LatestStreamLabel"] = table.stream.label
    return shown


def _key_schema(keys: KeySchema) -> list[dict[str, str]]:
    return [
        {"AttributeName": attribute.name, "KeyType": role}
        for role, part in (("HASH", keys.partition), ("RANGE", keys.sort))
        for attribute in part
    ]


def _throughput(units: Throughput | None) -> dict[str, int]:
    given = units or Throughput()
    return {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": given.read,
        "WriteCapacityUnits": given.write,
    }


def _billing(table: TableDefinition) -> dict[str, Any]:
    if table.throughput is not None:
        return {}
    return {
        "BillingModeSummary": {
            "BillingMode": "PAY_PER_REQUEST",
            "LastUpdateToPayPerRequestDateTime": table.created_us / US_PER_S,
        }
    }


def _settings(table: TableDefinition) -> dict[str, Any]:
    shown = {name: table.settings[key] for key, name in _SHOWN_SETTINGS.items() if key in table.settings}
    if "table_class" in table.settings:
        shown["TableClassSummary"] = {"TableClass": table.settings["table_class"]}
    sse = table.settings.get("sse_specification", {})
    if sse.get("Enabled"):
        shown["SSEDescription"] = {"Status": "ENABLED", "SSEType": sse.get("SSEType", "KMS")}
        if "KMSMasterKeyId" in sse:
            shown["SSEDescription"]["KMSMasterKeyArn"] = sse["KMSMasterKeyId"]
    return shown


def _indexes(engine: Engine, table: TableDefinition) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for index in table.indexes:
        name = "LocalSecondaryIndexes" if index.is_local else "GlobalSecondaryIndexes"
        shown.setdefault(name, []).append(_index(engine, table, index))
    return shown


def _index(engine: Engine, table: TableDefinition, index: Index) -> dict[str, Any]:
    count = engine.read().execute(f"SELECT count(*) FROM {index.entries_table}").get
    items, size_bytes = engine.counted(table)
    projection: dict[str, Any] = {"ProjectionType": index.projection.kind}
    if index.projection.names:
        projection["NonKeyAttributes"] = list(index.projection.names)
    shown = {
        "IndexName": index.name,
        "IndexArn": f"{table.arn}/index/{index.name}",
        "KeySchema": _key_schema(index.keys),
        "Projection": projection,
        "ItemCount": count,
        "IndexSizeBytes": size_bytes * count // items if items else 0,
    }
    if not index.is_local:
        shown["IndexStatus"] = "ACTIVE" if index.is_complete else "CREATING"
        shown["ProvisionedThroughput"] = _throughput(index.throughput)
        if not index.is_complete:
            shown["Backfilling"] = True
    return shown
