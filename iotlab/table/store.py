"""The table as the lab's parts see it: one typed face over two transports.

`iotlab.table.engine` is the embedded transport, `iotlab.table.remote` the one through boto3. Both speak DynamoDB's
own requests and responses in wire form, so that everything above works unchanged on either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from iotlab.table import batches
from iotlab.table.definition import TableSpec
from iotlab.table.ensure import ensure_tables
from iotlab.table.values import AttributeValue, Item

_decode_item = msgspec.json.Decoder(dict[str, AttributeValue]).decode

IteratorType = Literal["TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"]
EventName = Literal["INSERT", "MODIFY", "REMOVE"]


class Transport(Protocol):
    """Carries one DynamoDB or DynamoDB Streams operation to whoever executes it."""

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Execute ``operation`` (``PutItem``, ``GetRecords`` …) and return its response.

        Raises:
            TableError: a subclass with DynamoDB's error name.
            UnavailableError: the table can't be reached or can't write now; the same call may work later.
        """
        ...


@runtime_checkable
class RecordSource(Protocol):
    """A transport in this process, which gives its records without building DynamoDB's response around them."""

    def get_records(self, iterator: str, limit: int) -> RecordPage:
        """Do what `Store.get_records` does."""
        ...


class Page(msgspec.Struct, frozen=True):
    """Items of one Query or Scan page.

    Attributes:
        items: The items, in wire form.
        last_key: DynamoDB's LastEvaluatedKey: where to go on, or None at the end.
    """

    items: list[Item]
    last_key: Item | None = None


class StreamRecord:
    """Stop 4 of the journey: one change of one item.

    The embedded table hands over its images encoded; each is decoded when it is first asked for, since most consumers
    look at one of them, and at few of its records.

    Attributes:
        sequence_number: Text of 21 digits or more, strictly increasing in its stream.
        event_name: INSERT, MODIFY or REMOVE.
        keys: The item's key attributes.
        created_at_us: When the change was committed. On AWS it is floored to the second.
        user_identity: The service that made the change, as ``Type`` and ``PrincipalId``; None for a caller.
    """

    __slots__ = ("_new", "_old", "created_at_us", "event_name", "keys", "sequence_number", "user_identity")

    def __init__(
        self,
        *,
        sequence_number: str,
        event_name: EventName,
        keys: Item,
        new_image: Item | bytes | None = None,
        old_image: Item | bytes | None = None,
        created_at_us: int = 0,
        user_identity: Mapping[str, str] | None = None,
    ) -> None:
        self.sequence_number = sequence_number
        self.event_name = event_name
        self.keys = keys
        self.created_at_us = created_at_us
        self.user_identity = user_identity
        self._new = new_image
        self._old = old_image

    @property
    def new_image(self) -> Item | None:
        """The whole item after the change, as far as the stream's view type has it."""
        if isinstance(self._new, bytes):
            self._new = _decode_item(self._new)
        return self._new

    @property
    def old_image(self) -> Item | None:
        """The whole item before the change, as far as the stream's view type has it."""
        if isinstance(self._old, bytes):
            self._old = _decode_item(self._old)
        return self._old

    def __repr__(self) -> str:
        return f"StreamRecord({self.sequence_number}, {self.event_name}, {self.keys})"


class RecordPage(msgspec.Struct, frozen=True):
    """Records of one GetRecords call, oldest first.

    Attributes:
        records: Possibly empty, with more to come.
        next_iterator: Where to go on; None once a closed shard is read to its end.
    """

    records: list[StreamRecord]
    next_iterator: str | None


class Put(msgspec.Struct, frozen=True):
    """One Put of a transaction, with its optional condition."""

    table: str
    item: Item
    condition: str | None = None
    names: Mapping[str, str] | None = None
    values: Mapping[str, AttributeValue] | None = None


class Update(msgspec.Struct, frozen=True):
    """One Update of a transaction, with its optional condition."""

    table: str
    key: Item
    update: str
    condition: str | None = None
    names: Mapping[str, str] | None = None
    values: Mapping[str, AttributeValue] | None = None


class Delete(msgspec.Struct, frozen=True):
    """One Delete of a transaction, with its optional condition."""

    table: str
    key: Item
    condition: str | None = None
    names: Mapping[str, str] | None = None
    values: Mapping[str, AttributeValue] | None = None


Write = Put | Update | Delete


def _request(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


class Store:
    """DynamoDB's operations with Python's names and types. Safe to use from several threads."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        # Asking each time whether it is one would cost more than reading a record.
        self._records: RecordSource | None = transport if isinstance(transport, RecordSource) else None

    @property
    def transport(self) -> Transport:
        """What carries its operations."""
        return self._transport

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Execute any operation by its DynamoDB name; see `Transport.call`."""
        return self._transport.call(operation, request)

    def get_item(self, table: str, key: Item, *, consistent_read: bool = True) -> Item | None:
        """Return the item, or None when there is none."""
        request = {"TableName": table, "Key": key, "ConsistentRead": consistent_read}
        found: Item | None = self.call("GetItem", request).get("Item")
        return found

    def put_item(
        self,
        table: str,
        item: Item,
        *,
        condition: str | None = None,
        names: Mapping[str, str] | None = None,
        values: Mapping[str, AttributeValue] | None = None,
    ) -> None:
        """Store the item, replacing one with the same key.

        Raises:
            ConditionalCheckFailedException: ``condition`` does not hold; nothing was changed.
        """
        self.call("PutItem", _put(Put(table, item, condition, names, values)))

    def update_item(
        self,
        table: str,
        key: Item,
        update: str,
        *,
        condition: str | None = None,
        names: Mapping[str, str] | None = None,
        values: Mapping[str, AttributeValue] | None = None,
    ) -> Item:
        """Apply an update expression to the item, creating it if need be; return the item after it.

        Raises:
            ConditionalCheckFailedException: ``condition`` does not hold; nothing was changed.
        """
        request = _update(Update(table, key, update, condition, names, values)) | {"ReturnValues": "ALL_NEW"}
        after: Item = self.call("UpdateItem", request).get("Attributes", {})
        return after

    def delete_item(
        self,
        table: str,
        key: Item,
        *,
        condition: str | None = None,
        names: Mapping[str, str] | None = None,
        values: Mapping[str, AttributeValue] | None = None,
    ) -> Item | None:
        """Delete the item and return what it was, or None when there was none."""
        request = _delete(Delete(table, key, condition, names, values)) | {"ReturnValues": "ALL_OLD"}
        before: Item | None = self.call("DeleteItem", request).get("Attributes")
        return before

    def query(
        self,
        table: str,
        key_condition: str,
        *,
        values: Mapping[str, AttributeValue],
        names: Mapping[str, str] | None = None,
        filter_expression: str | None = None,
        projection: str | None = None,
        forward: bool = True,
        limit: int | None = None,
        start_key: Item | None = None,
    ) -> Page:
        """Return one page (1 MB or ``limit`` items) of the items of one partition, in sort-key order."""
        response = self.call(
            "Query",
            _request(
                TableName=table,
                KeyConditionExpression=key_condition,
                ExpressionAttributeValues=dict(values) or None,
                ExpressionAttributeNames=dict(names) if names else None,
                FilterExpression=filter_expression,
                ProjectionExpression=projection,
                ScanIndexForward=forward,
                Limit=limit,
                ExclusiveStartKey=start_key,
                ConsistentRead=True,
            ),
        )
        return Page(response["Items"], response.get("LastEvaluatedKey"))

    def scan(self, table: str, *, limit: int | None = None, start_key: Item | None = None) -> Page:
        """Return one page (1 MB or ``limit`` items) of the whole table, in no order that means anything."""
        response = self.call(
            "Scan", _request(TableName=table, Limit=limit, ExclusiveStartKey=start_key, ConsistentRead=True)
        )
        return Page(response["Items"], response.get("LastEvaluatedKey"))

    def scan_all(self, table: str) -> Iterator[Item]:
        """Yield every item of the table, page by page."""
        page = self.scan(table)
        yield from page.items
        while page.last_key is not None:
            page = self.scan(table, start_key=page.last_key)
            yield from page.items

    def batch_get(self, keys: Mapping[str, Sequence[Item]]) -> dict[str, list[Item]]:
        """Return the items of the keys that exist, by table, in no order; any number of keys, all different.

        Raises:
            ThrottledError: the service returned nothing more in several rounds.
        """
        return batches.get_all(self._transport, keys)

    def batch_write(self, writes: Sequence[Put | Delete]) -> None:
        """Apply the writes, any number, each to an item of its own and without a condition, in no order.

        Raises:
            ValueError: a write has a condition.
            ThrottledError: the service did nothing more in several rounds. All writes may be given again.
        """
        if any(write.condition is not None for write in writes):
            raise ValueError("a write of a batch can't have a condition")
        batches.write_all(self._transport, [(write.table, _batch_action(write)) for write in writes])

    def transact_get(self, keys: Sequence[tuple[str, Item]]) -> list[Item | None]:
        """Return up to 100 items as they were at one moment, in order of their (table, key); None where none is.

        Raises:
            TransactionCanceledException: one of them was just being written.
        """
        gets = [{"Get": {"TableName": table, "Key": key}} for table, key in keys]
        responses = self.call("TransactGetItems", {"TransactItems": gets})["Responses"]
        return [response.get("Item") for response in responses]

    def ensure_tables(self, specs: Iterable[TableSpec]) -> None:
        """Create those of the tables that do not exist, and wait until all are ACTIVE; see `iotlab.table.ensure`.

        Raises:
            TableMismatchError: a table exists with another schema.
            UnavailableError: a table did not become ACTIVE.
        """
        ensure_tables(self._transport, specs)

    def transact_write(self, writes: Sequence[Write], *, token: str | None = None) -> None:
        """Apply all writes or none, at most 100, each to an item of its own.

        Args:
            writes: What to apply.
            token: DynamoDB's ClientRequestToken, up to 36 characters. The same writes with the same token are applied
                once within ten minutes, however often they are sent; so they may be sent again after no answer.

        Raises:
            TransactionCanceledException: a condition does not hold; its ``reasons`` say which. Nothing was changed.
        """
        actions: list[dict[str, Any]] = []
        for write in writes:
            match write:
                case Put():
                    actions.append({"Put": _put(write)})
                case Update():
                    actions.append({"Update": _update(write)})
                case Delete():
                    actions.append({"Delete": _delete(write)})
        self.call("TransactWriteItems", _request(TransactItems=actions, ClientRequestToken=token))

    def stream_arn(self, table: str) -> str | None:
        """Return the ARN of the table's stream, or None when it has none."""
        arn: str | None = self.call("DescribeTable", {"TableName": table})["Table"].get("LatestStreamArn")
        return arn

    def shards(self, stream_arn: str) -> list[str]:
        """Return the ids of the stream's shards, parents before children."""
        description = self.call("DescribeStream", {"StreamArn": stream_arn})["StreamDescription"]
        return [shard["ShardId"] for shard in description["Shards"]]

    def shard_iterator(
        self, stream_arn: str, shard_id: str, kind: IteratorType, sequence_number: str | None = None
    ) -> str:
        """Return a position in one shard; valid for 15 minutes.

        Raises:
            TrimmedDataAccessException: the sequence number is older than the 24 hours that a shard keeps.
        """
        response = self.call(
            "GetShardIterator",
            _request(StreamArn=stream_arn, ShardId=shard_id, ShardIteratorType=kind, SequenceNumber=sequence_number),
        )
        iterator: str = response["ShardIterator"]
        return iterator

    def get_records(self, iterator: str, *, limit: int = 1000) -> RecordPage:
        """Return up to ``limit`` records at the iterator, oldest first, and where to go on.

        Args:
            iterator: A position in one shard; valid for 15 minutes after it was issued.
            limit: Records to return, 1 to 1000.

        Raises:
            ExpiredIteratorException: the iterator is older than 15 minutes.
            TrimmedDataAccessException: the position is older than the 24 hours that a shard keeps.

        Source: Amazon DynamoDB API Reference, GetRecords.
        """
        if self._records is not None:
            return self._records.get_records(iterator, limit)
        response = self.call("GetRecords", {"ShardIterator": iterator, "Limit": limit})
        return RecordPage([_record(raw) for raw in response["Records"]], response.get("NextShardIterator"))


def _record(raw: Mapping[str, Any]) -> StreamRecord:
    change = raw["dynamodb"]
    created: Any = change["ApproximateCreationDateTime"]
    seconds = created.timestamp() if hasattr(created, "timestamp") else float(created)
    return StreamRecord(
        sequence_number=change["SequenceNumber"],
        event_name=raw["eventName"],
        keys=change["Keys"],
        new_image=change.get("NewImage"),
        old_image=change.get("OldImage"),
        created_at_us=round(seconds * 1_000_000),
        user_identity=raw.get("userIdentity"),
    )


def _condition(write: Write) -> dict[str, Any]:
    return _request(
        ConditionExpression=write.condition,
        ExpressionAttributeNames=dict(write.names) if write.names else None,
        ExpressionAttributeValues=dict(write.values) if write.values else None,
    )


def _batch_action(write: Put | Delete) -> dict[str, Any]:
    return {"PutRequest": {"Item": write.item}} if isinstance(write, Put) else {"DeleteRequest": {"Key": write.key}}


def _put(write: Put) -> dict[str, Any]:
    return {"TableName": write.table, "Item": write.item} | _condition(write)


def _update(write: Update) -> dict[str, Any]:
    return {"TableName": write.table, "Key": write.key, "UpdateExpression": write.update} | _condition(write)


def _delete(write: Delete) -> dict[str, Any]:
    return {"TableName": write.table, "Key": write.key} | _condition(write)
