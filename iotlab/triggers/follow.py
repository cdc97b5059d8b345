"""Stop 4 seen from a consumer: the records of one table's stream after a position."""

from __future__ import annotations

from iotlab.errors import UnavailableError
from iotlab.table.errors import ExpiredIteratorException
from iotlab.table.store import IteratorType, Store, StreamRecord

TRIM_HORIZON = "TRIM_HORIZON"
"""The position before the oldest record that the stream keeps."""


class Follower:
    """Reads one stream from a position on.

    Args:
        store: The lab's table.
        table: The table whose stream it is. The stream must have one shard, as the embedded table's have.

    Attributes:
        position: The sequence number of the last record read, or `TRIM_HORIZON`; None before the first record after
            `open_latest`.
    """

    def __init__(self, store: Store, table: str) -> None:
        self._store = store
        self._table = table
        self._iterator: str | None = None
        self.position: str | None = None

    def open_latest(self) -> None:
        """Take the end of the stream as the position. Raises UnavailableError, TableError."""
        self._open("LATEST", None)
        self.position = None

    def open_after(self, position: str) -> None:
        """Take the record of that sequence number as the last one read, or none with `TRIM_HORIZON`.

        Raises:
            TrimmedDataAccessException: it is older than the 24 hours that the stream keeps.
            UnavailableError: there is no such stream now, or it has several shards.
        """
        if position == TRIM_HORIZON:
            self._open("TRIM_HORIZON", None)
        else:
            self._open("AFTER_SEQUENCE_NUMBER", position)
        self.position = position

    def read(self, limit: int = 1000) -> list[StreamRecord]:
        """Return up to ``limit`` records after the position, oldest first, and move the position behind them.

        Raises:
            TrimmedDataAccessException: the position is older than what the stream keeps.
            ExpiredIteratorException: nobody read for 15 minutes and no record had been read before.
            UnavailableError: the stream ended, or the table can't be reached now.
        """
        if self._iterator is None:
            raise UnavailableError(f"the stream of {self._table} ended", hint="It is opened again by itself.")
        try:
            page = self._store.get_records(self._iterator, limit=limit)
        except ExpiredIteratorException:
            if self.position is None:
                raise
            self.open_after(self.position)
            page = self._store.get_records(self._iterator, limit=limit)
        self._iterator = page.next_iterator
        if page.records:
            self.position = page.records[-1].sequence_number
        return page.records

    def _open(self, kind: IteratorType, sequence_number: str | None) -> None:
        arn = self._store.stream_arn(self._table)
        shards = [] if arn is None else self._store.shards(arn)
        if arn is None or len(shards) != 1:
            raise UnavailableError(
                f"the stream of {self._table} has {len(shards)} shards; alarms need a stream of one",
                hint="Use the embedded table for the lab's alarms.",
            )
        self._iterator = self._store.shard_iterator(arn, shards[0], kind, sequence_number)
