"""Tables as they were at a time, to be read and written without consequences.

A table is copied when it is first asked for. What is written changes the copy, so that a program that writes and then
reads sees what it wrote, and is taken down; the tables themselves are only read.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from iotlab.clock import US_PER_S, Clock, iso
from iotlab.table.engine import Engine
from iotlab.table.errors import (
    DynamoDBError,
    ResourceNotFoundException,
    TrimmedDataAccessException,
    ValidationException,
)
from iotlab.table.rewind import rewind_to
from iotlab.table.store import Put, Store
from iotlab.table.values import Item

MAX_ITEMS = 100_000
"""Of one table. A copy of more would take longer than anybody waits for an answer."""

_TABLE_WRITES = frozenset({"CreateTable", "DeleteTable", "UpdateTable", "UpdateTimeToLive", "TagResource"})
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}) | _TABLE_WRITES
_STATEMENTS = frozenset({"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"})
_INDEX_PARTS = ("IndexName", "KeySchema", "Projection")


class ForkedWrite(msgspec.Struct, frozen=True):
    """One write that was asked for.

    Attributes:
        operation: Such as ``PutItem``.
        request: As it was sent.
        error: The error's name when it was refused, as it would have been; empty when it was done to the copy.
    """

    operation: str
    request: dict[str, Any]
    error: str = ""


class ForkedTables:
    """Answers DynamoDB's operations from copies. From any thread.

    Args:
        source: Where the tables are; it is only read.
        engine: Where the copies go: an engine of its own, without tables.
        at_us: The time, µs since 1970.

    Attributes:
        clock: The time by which requests are signed.
        notes: What is not as it was at the time, in sentences.
    """

    def __init__(self, source: Store, engine: Engine, at_us: int) -> None:
        self._source = source
        self._engine = engine
        self._copies = Store(engine)
        self._at_us = at_us
        self._lock = threading.Lock()
        self._asked: set[str] = set()
        self._writes: list[ForkedWrite] = []
        self.notes: list[str] = []
        self.clock: Clock = engine.clock

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Execute one operation on the copies; see `iotlab.table.store.Transport.call`.

        Raises:
            ValidationException: a table has more than 100,000 items, or the operation is one of PartiQL.
        """
        try:
            self._prepare(operation, request)
            answer = self._engine.call(operation, request)
        except DynamoDBError as error:
            self._note(operation, request, type(error).__name__)
            raise
        self._note(operation, request)
        return answer

    def take_writes(self) -> tuple[ForkedWrite, ...]:
        """Return the writes since the last call, in their order."""
        with self._lock:
            writes, self._writes = tuple(self._writes), []
        return writes

    def _note(self, operation: str, request: dict[str, Any], error: str = "") -> None:
        if operation in WRITES or operation in _STATEMENTS:
            with self._lock:
                self._writes.append(ForkedWrite(operation, request, error))

    def _prepare(self, operation: str, request: dict[str, Any]) -> None:
        if operation in _STATEMENTS:
            raise ValidationException("PartiQL is not answered from copies of tables.")
        with self._lock:
            for name in set(_tables(request)) - self._asked:
                self._copy(name)
                self._asked.add(name)

    def _copy(self, name: str) -> None:
        try:
            description = self._source.call("DescribeTable", {"TableName": name})["Table"]
        except ResourceNotFoundException:
            # The operation itself says so, as it would have.
            return
        if description["ItemCount"] > MAX_ITEMS:
            count = description["ItemCount"]
            raise ValidationException(f"{name} has {count} items, more than the {MAX_ITEMS} that are copied.")
        items = self._items(name, description["CreationDateTime"])
        self._engine.call("CreateTable", _creation(description))
        self._copies.batch_write([Put(name, item) for item in items])

    def _items(self, name: str, created: float | datetime) -> list[Item]:
        created_s = created.timestamp() if isinstance(created, datetime) else float(created)
        if created_s * US_PER_S > self._at_us:
            self.notes.append(f"{name} was made after {iso(self._at_us)}: its copy begins empty")
            return []
        try:
            return rewind_to(self._source, name, self._at_us)
        except (ValidationException, TrimmedDataAccessException) as error:
            self.notes.append(f"{name} is as it is now, not as at {iso(self._at_us)}: {error.message}")
            return list(self._source.scan_all(name))


def _tables(value: Any, *, depth: int = 0) -> Iterator[str]:
    """Yield the names of the tables that a request is about. An attribute's value is never plain text."""
    if isinstance(value, list):
        for element in value:
            yield from _tables(element, depth=depth + 1)
    elif isinstance(value, dict):
        for name, element in value.items():
            if name == "TableName" and isinstance(element, str):
                yield element.rpartition("/")[2]
            elif name == "RequestItems" and depth == 0 and isinstance(element, dict):
                yield from (table.rpartition("/")[2] for table in element)
            elif isinstance(element, (dict, list)):
                yield from _tables(element, depth=depth + 1)


def _creation(description: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {
        "TableName": description["TableName"],
        "KeySchema": description["KeySchema"],
        "AttributeDefinitions": description["AttributeDefinitions"],
        "BillingMode": "PAY_PER_REQUEST",
    }
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        if description.get(kind):
            request[kind] = [{part: index[part] for part in _INDEX_PARTS} for index in description[kind]]
    return request
