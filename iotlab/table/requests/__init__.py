"""Requests as typed structures: declared once, converted fast, explained in DynamoDB's words when they are wrong."""

from __future__ import annotations

from iotlab.table.requests.explain import explain
from iotlab.table.requests.kinds import (
    Attributes,
    Base,
    Expressions,
    Limit,
    Name,
    ReturnConsumedCapacity,
    ReturnItemCollectionMetrics,
    TableName,
    parse,
)

__all__ = [
    "Attributes",
    "Base",
    "Expressions",
    "Limit",
    "Name",
    "ReturnConsumedCapacity",
    "ReturnItemCollectionMetrics",
    "TableName",
    "explain",
    "parse",
]
