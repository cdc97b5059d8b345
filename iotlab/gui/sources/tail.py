"""The stream of one table from a position on, over all its shards."""

from __future__ import annotations

from iotlab.clock import Clock
from iotlab.table.errors import ExpiredIteratorException
from iotlab.table.store import IteratorType, RecordPage, Store, StreamRecord

RELIST_S = 30.0
"""How often a stream with several shards is asked for new ones."""


class Tail:
    """What is appended to a table's stream after `open`.

    Args:
        store: The lab's table.
        table: Its name. Without a stream nothing ever comes.
        clock: Measures when to look for new shards.
    """

    def __init__(self, store: Store, table: str, clock: Clock) -> None:
        self._store = store
        self.table = table
        self._clock = clock
        self._arn: str | None = None
        self._iterators: dict[str, str | None] = {}
        self._last: dict[str, str] = {}
        self._listed_s = 0.0
        self._done: set[str] = set()

    def open(self) -> None:
        """Take the end of the stream as the position, before the snapshot is read: the overlap does no harm."""
        self._arn = self._store.stream_arn(self.table)
        self._iterators = {}
        if self._arn is not None:
            for shard in self._store.shards(self._arn):
                self._iterators[shard] = self._store.shard_iterator(self._arn, shard, "LATEST")
        self._listed_s = self._clock.monotonic_s()

    def read(self) -> tuple[list[StreamRecord], bool]:
        """Return the next records, and whether more are likely to wait.

        Raises:
            TrimmedDataAccessException: the position is older than what the stream keeps: read a snapshot again.
            UnavailableError: the table can't be reached now.
        """
        records: list[StreamRecord] = []
        is_full = False
        for shard, iterator in list(self._iterators.items()):
            if iterator is None:
                continue
            page = self._page(shard, iterator)
            self._iterators[shard] = page.next_iterator
            if page.records:
                self._last[shard] = page.records[-1].sequence_number
            records += page.records
            is_full |= len(page.records) >= 1000
        self._find_new_shards()
        return records, is_full

    def _page(self, shard: str, iterator: str) -> RecordPage:
        try:
            return self._store.get_records(iterator)
        except ExpiredIteratorException:
            # The window slept for longer than an iterator lives.
            last = self._last.get(shard)
            assert self._arn is not None  # noqa: S101  there would be no iterator
            kind: IteratorType = "AFTER_SEQUENCE_NUMBER" if last is not None else "LATEST"
            again = self._store.shard_iterator(self._arn, shard, kind, last)
            return self._store.get_records(again)

    def _find_new_shards(self) -> None:
        is_closed = any(iterator is None for iterator in self._iterators.values())
        is_due = len(self._iterators) > 1 and self._clock.monotonic_s() - self._listed_s > RELIST_S
        if self._arn is None or not (is_closed or is_due):
            return
        self._listed_s = self._clock.monotonic_s()
        for shard in self._store.shards(self._arn):
            if shard not in self._iterators and shard not in self._done:
                self._iterators[shard] = self._store.shard_iterator(self._arn, shard, "TRIM_HORIZON")
        for shard in [shard for shard, iterator in self._iterators.items() if iterator is None]:
            # Read to its end; remembered, so that it is not taken for a new one.
            del self._iterators[shard]
            self._done.add(shard)
