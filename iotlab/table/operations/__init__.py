"""DynamoDB's operations, each a unit of its own: its request, its checks, its execution.

An operation is a function ``execute(engine, request, images) -> response``, where ``images`` turns stored items into
what the caller wants of them: Python objects in this process, or raw JSON on the way to the network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apsw
import msgspec

from iotlab.table.engine import Engine
from iotlab.table.errors import ResourceNotFoundException, UnknownOperationException
from iotlab.table.operations import (
    batch_execute_statement,
    batch_get_item,
    batch_write_item,
    create_table,
    delete_item,
    delete_table,
    describe_limits,
    describe_stream,
    describe_table,
    describe_time_to_live,
    execute_statement,
    execute_transaction,
    get_item,
    get_records,
    get_shard_iterator,
    list_streams,
    list_tables,
    put_item,
    query,
    scan,
    tag_resource,
    transact_get_items,
    transact_write_items,
    update_item,
    update_table,
    update_time_to_live,
)
from iotlab.table.operations.batch_write_item import BatchWrite
from iotlab.table.operations.common import Images
from iotlab.table.operations.single import SingleWrite

Operation = Callable[[Engine, dict[str, Any], Images], dict[str, Any]]

OPERATIONS: dict[str, Operation] = {
    "BatchExecuteStatement": batch_execute_statement.execute,
    "BatchGetItem": batch_get_item.execute,
    "BatchWriteItem": batch_write_item.execute,
    "CreateTable": create_table.execute,
    "DeleteItem": delete_item.execute,
    "DeleteTable": delete_table.execute,
    "DescribeEndpoints": describe_limits.describe_endpoints,
    "DescribeLimits": describe_limits.describe_limits,
    "DescribeTable": describe_table.execute,
    "DescribeTimeToLive": describe_time_to_live.execute,
    "ExecuteStatement": execute_statement.execute,
    "ExecuteTransaction": execute_transaction.execute,
    "GetItem": get_item.execute,
    "ListTables": list_tables.execute,
    "ListTagsOfResource": tag_resource.list_tags,
    "PutItem": put_item.execute,
    "Query": query.execute,
    "Scan": scan.execute,
    "TagResource": tag_resource.tag,
    "TransactGetItems": transact_get_items.execute,
    "TransactWriteItems": transact_write_items.execute,
    "UntagResource": tag_resource.untag,
    "UpdateItem": update_item.execute,
    "UpdateTable": update_table.execute,
    "UpdateTimeToLive": update_time_to_live.execute,
}
STREAM_OPERATIONS: dict[str, Operation] = {
    "DescribeStream": describe_stream.execute,
    "GetRecords": get_records.execute,
    "GetShardIterator": get_shard_iterator.execute,
    "ListStreams": list_streams.execute,
}
_ALL = OPERATIONS | STREAM_OPERATIONS

PREPARED: dict[str, Callable[[Engine, dict[str, Any]], SingleWrite | BatchWrite]] = {
    "BatchWriteItem": batch_write_item.prepare,
    "DeleteItem": delete_item.prepare,
    "PutItem": put_item.prepare,
    "UpdateItem": update_item.prepare,
}
"""Operations that can be executed in two halves, by callers that have better to do than to wait for the disk."""


def execute(engine: Engine, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Execute an operation and return its response with items as Python objects in wire form."""
    return _execute(engine, operation, request, msgspec.json.decode)


def execute_raw(engine: Engine, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Execute an operation and return its response with items as raw JSON, ready to be encoded as a whole."""
    return _execute(engine, operation, request, msgspec.Raw)


def _execute(engine: Engine, operation: str, request: dict[str, Any], images: Images) -> dict[str, Any]:
    found = _ALL.get(operation)
    if found is None:
        raise UnknownOperationException(f"{operation} is not an operation of this table")
    try:
        return found(engine, request, images)
    except apsw.SQLError as error:
        if "no such table" in str(error):
            # The table, or an index of it, was deleted since the request was checked.
            raise ResourceNotFoundException from error
        raise
