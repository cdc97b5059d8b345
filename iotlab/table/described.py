"""What DescribeTable says of a table, as far as keys and words need it: the same for every DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from iotlab.table.keys import KeyAttribute, KeySchema
from iotlab.table.store import Store


class Described(msgspec.Struct, frozen=True):
    """A table as its endpoint describes it.

    Attributes:
        name: The table's name.
        keys: Its key attributes.
        indexes: Name → key attributes of each secondary index.
        item_count: On AWS up to six hours old.
        stream_arn: Of its newest stream, or None.
        document: The whole TableDescription.
    """

    name: str
    keys: KeySchema
    indexes: dict[str, KeySchema]
    item_count: int
    stream_arn: str | None
    document: dict[str, Any]


def describe(store: Store, name: str) -> Described:
    """Ask for a table's description. Raises ResourceNotFoundException when there is none."""
    document: dict[str, Any] = store.call("DescribeTable", {"TableName": name})["Table"]
    types = {one["AttributeName"]: one["AttributeType"] for one in document["AttributeDefinitions"]}
    indexes = [*document.get("LocalSecondaryIndexes", []), *document.get("GlobalSecondaryIndexes", [])]
    return Described(
        name=name,
        keys=_schema(document, types),
        indexes={index["IndexName"]: _schema(index, types) for index in indexes},
        item_count=document.get("ItemCount", 0),
        stream_arn=document.get("LatestStreamArn"),
        document=document,
    )


def _schema(document: Mapping[str, Any], types: Mapping[str, str]) -> KeySchema:
    parts = {
        role: tuple(
            KeyAttribute(one["AttributeName"], types[one["AttributeName"]])
            for one in document["KeySchema"]
            if one["KeyType"] == role
        )
        for role in ("HASH", "RANGE")
    }
    return KeySchema(parts["HASH"], parts["RANGE"])
