"""All shards of one stream as one run of records, from its beginning or from now on."""

from __future__ import annotations

from typing import Any

from iotlab.table.errors import ExpiredIteratorException
from iotlab.table.store import IteratorType, Store, StreamRecord


class Follower:
    """Reads a stream's shards, each after its parent, so that the changes of one item come in their order.

    Args:
        store: Where the stream is.
        stream_arn: Which.
        from_start: True to begin with the oldest record, False to begin with what comes from now on.
    """

    def __init__(self, store: Store, stream_arn: str, *, from_start: bool) -> None:
        self._store = store
        self._arn = stream_arn
        self._iterators: dict[str, str] = {}
        self._last: dict[str, str] = {}
        self._done: set[str] = set()
        self._open_shards("TRIM_HORIZON" if from_start else "LATEST")

    @property
    def ended(self) -> bool:
        """True when the stream is disabled and read to its end."""
        return not self._iterators

    def poll(self) -> list[StreamRecord]:
        """Return the records that are new since the last call, possibly none, by their time.

        Raises:
            ExpiredIteratorException: 15 minutes went by without a call, before the first record.
            TrimmedDataAccessException: 24 hours went by without a call.
        """
        found: list[StreamRecord] = []
        for shard_id in list(self._iterators):
            found += self._read(shard_id)
        return sorted(found, key=lambda record: record.created_at_us)

    def _read(self, shard_id: str) -> list[StreamRecord]:
        try:
            page = self._store.get_records(self._iterators[shard_id])
        except ExpiredIteratorException:
            if shard_id not in self._last:
                raise
            again = self._store.shard_iterator(self._arn, shard_id, "AFTER_SEQUENCE_NUMBER", self._last[shard_id])
            page = self._store.get_records(again)
        if page.records:
            self._last[shard_id] = page.records[-1].sequence_number
        if page.next_iterator is not None:
            self._iterators[shard_id] = page.next_iterator
            return page.records
        del self._iterators[shard_id]
        self._done.add(shard_id)
        self._open_shards("TRIM_HORIZON")
        return page.records

    def _open_shards(self, kind: IteratorType) -> None:
        shards = self._describe()
        ids = {shard["ShardId"] for shard in shards}
        for shard in shards:
            shard_id, parent = shard["ShardId"], shard.get("ParentShardId")
            waits = kind == "TRIM_HORIZON" and parent in ids and parent not in self._done
            is_past = kind == "LATEST" and "EndingSequenceNumber" in shard["SequenceNumberRange"]
            if is_past:
                self._done.add(shard_id)
            elif not waits and shard_id not in self._done and shard_id not in self._iterators:
                self._iterators[shard_id] = self._store.shard_iterator(self._arn, shard_id, kind)

    def _describe(self) -> list[dict[str, Any]]:
        shards: list[dict[str, Any]] = []
        request = {"StreamArn": self._arn}
        while True:
            page = self._store.call("DescribeStream", request)["StreamDescription"]
            shards += page["Shards"]
            if "LastEvaluatedShardId" not in page:
                return shards
            request = {"StreamArn": self._arn, "ExclusiveStartShardId": page["LastEvaluatedShardId"]}
