"""What is appended to one table's stream, for the window."""

from __future__ import annotations

from iotlab.table.errors import ExpiredIteratorException, TrimmedDataAccessException
from iotlab.table.follower import Follower
from iotlab.table.store import Store, StreamRecord

PAGE_RECORDS = 1000


class Tail:
    """What is appended to a table's stream after `open`.

    Args:
        store: The lab's table.
        table: Its name. Without a stream nothing ever comes.
    """

    def __init__(self, store: Store, table: str) -> None:
        self._store = store
        self.table = table
        self._follower: Follower | None = None

    def open(self) -> None:
        """Take the end of the stream as the position, before the snapshot is read: the overlap does no harm."""
        self._follower = None
        if self._store.stream_arn(self.table) is not None:
            self._follower = Follower(self._store, self.table)
            self._follower.open_latest()

    def read(self) -> tuple[list[StreamRecord], bool]:
        """Return the next records, and whether more are likely to wait.

        Raises:
            TrimmedDataAccessException: the position is gone: read a snapshot again.
            UnavailableError: the table can't be reached now, or its stream ended.
        """
        if self._follower is None:
            return [], False
        try:
            records = self._follower.read(PAGE_RECORDS)
        except ExpiredIteratorException as error:
            # The window slept from its start on for longer than an iterator lives.
            raise TrimmedDataAccessException(error.message) from error
        # Behind the records of one shard, those of another may wait.
        return records, len(records) == PAGE_RECORDS or (bool(records) and self._follower.shards > 1)
