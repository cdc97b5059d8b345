"""Stop 4 seen from a consumer: the records of one table's stream after a position, over all its shards.

A parent shard is read to its end before its children. So the records of one item come in order, whatever the shards
do; with one shard, all records do.
"""

from __future__ import annotations

import msgspec

from iotlab.errors import UnavailableError
from iotlab.table.errors import ExpiredIteratorException, ResourceNotFoundException, TrimmedDataAccessException
from iotlab.table.lineage import Lineage, list_lineage
from iotlab.table.store import RecordPage, Store, StreamRecord

TRIM_HORIZON = "TRIM_HORIZON"
"""The position before the oldest record that the stream keeps."""

_GONE = "the stream no longer keeps the records after the position"


class StreamEndedError(UnavailableError):
    """The stream was disabled, and has been read to its end."""


class Follower:
    """Reads one stream from a position on.

    A position is a small text that can be stored: `TRIM_HORIZON`, or a JSON object of shard id → sequence number of
    the last record that was handled; while there is one shard, the sequence number alone.

    Args:
        store: Where the table is, embedded or remote.
        table: The table whose stream it is.
    """

    def __init__(self, store: Store, table: str) -> None:
        self._store = store
        self._table = table
        self._arn = ""
        self._lineage = Lineage([])
        self._iterators: dict[str, str] = {}
        self._ended: list[str] = []
        self._places: dict[str, str] = {}
        self._start: str | None = None
        self._page = _PagePlace("", {}, is_only=False)

    @property
    def position(self) -> str | None:
        """Behind all records read so far; None after `open_latest` while nothing says where that is."""
        return _position(self._places, self._start, is_only=self.shards == 1)

    @property
    def shards(self) -> int:
        """How many shards are being read."""
        return len(self._iterators) + len(self._ended)

    def position_after(self, record: StreamRecord) -> str:
        """Return the position behind one record of the page that was read last."""
        if self._page.is_only:
            return record.sequence_number
        return _encode(self._page.before | {self._page.shard: record.sequence_number})

    def open_latest(self) -> None:
        """Take the end of the stream as the position. Raises UnavailableError, TableError."""
        self._begin(None)
        for shard in self._lineage.leaves():
            self._iterators[shard] = self._store.shard_iterator(self._arn, shard, "LATEST")

    def open_after(self, position: str) -> None:
        """Take a position that `position` or `position_after` gave, or a bare sequence number in all shards.

        Raises:
            TrimmedDataAccessException: it is older than the 24 hours that the stream keeps, or of another stream.
            UnavailableError: there is no such stream now.
        """
        self._begin(TRIM_HORIZON if position == TRIM_HORIZON else None)
        if position == TRIM_HORIZON:
            for shard in self._lineage.roots():
                self._iterators[shard] = self._store.shard_iterator(self._arn, shard, "TRIM_HORIZON")
            return
        places = _decode(position)
        found = self._lineage.after_all(position) if places is None else self._lineage.after(places)
        if found is None:
            raise TrimmedDataAccessException(_GONE)
        self._places = found
        for shard in found:
            self._iterators[shard] = self._iterator_after(shard)

    def read(self, limit: int = 1000) -> list[StreamRecord]:
        """Return up to ``limit`` records after the position, all of one shard, and move the position behind them.

        None are returned only when no shard had any. Shards take turns.

        Raises:
            TrimmedDataAccessException: the position is older than what the stream keeps.
            ExpiredIteratorException: nobody read for 15 minutes, and no record had been read before.
            StreamEndedError: the stream was disabled.
            UnavailableError: the table can't be reached now.
        """
        tried: set[str] = set()
        while True:
            self._succeed()
            shard = next((shard for shard in self._iterators if shard not in tried), None)
            if shard is None:
                return []
            tried.add(shard)
            records = self._read_shard(shard, limit)
            if records:
                return records

    def _begin(self, start: str | None) -> None:
        arn = self._store.stream_arn(self._table)
        if arn is None:
            raise UnavailableError(f"the table {self._table} has no stream")
        self._arn, self._start = arn, start
        self._lineage = list_lineage(self._store, arn)
        self._iterators, self._ended, self._places = {}, [], {}

    def _read_shard(self, shard: str, limit: int) -> list[StreamRecord]:
        self._page = _PagePlace(shard, dict(self._places), is_only=self.shards == 1)
        page = self._get(shard, limit)
        # Taken out and put behind the others, so that the next read begins with another shard.
        del self._iterators[shard]
        if page.next_iterator is None:
            self._ended.append(shard)
        else:
            self._iterators[shard] = page.next_iterator
        if page.records:
            self._places[shard] = page.records[-1].sequence_number
        return page.records

    def _get(self, shard: str, limit: int) -> RecordPage:
        try:
            return self._store.get_records(self._iterators[shard], limit=limit)
        except ExpiredIteratorException:
            if shard not in self._places and self._start is None:
                raise
        return self._store.get_records(self._again(shard), limit=limit)

    def _again(self, shard: str) -> str:
        """Return a new iterator for one that expired."""
        try:
            if shard in self._places:
                return self._iterator_after(shard)
            return self._store.shard_iterator(self._arn, shard, "TRIM_HORIZON")
        except ResourceNotFoundException as error:
            # A shard that ended goes 24 hours later.
            raise TrimmedDataAccessException(_GONE) from error

    def _succeed(self) -> None:
        """Open the children of the shards that were read to their end."""
        if self._ended:
            self._lineage = list_lineage(self._store, self._arn)
        for parent in list(self._ended):
            children = self._lineage.children(parent)
            if not children:
                continue
            for child in children:
                self._places[child] = self._lineage.before(child)
                self._iterators[child] = self._iterator_after(child)
            self._places.pop(parent, None)
            self._ended.remove(parent)
        if not self._iterators:
            raise StreamEndedError(f"the stream of {self._table} ended", hint="It is opened again by itself.")

    def _iterator_after(self, shard: str) -> str:
        """Return an iterator behind the shard's place, or at its start, which tells when records there are gone."""
        place, start = self._places[shard], self._lineage.starts[shard]
        if int(place) < int(start):
            return self._store.shard_iterator(self._arn, shard, "AT_SEQUENCE_NUMBER", start)
        return self._store.shard_iterator(self._arn, shard, "AFTER_SEQUENCE_NUMBER", place)


class _PagePlace(msgspec.Struct, frozen=True):
    """Where the page that was read last stands: its shard, all places before it, whether it was the only shard."""

    shard: str
    before: dict[str, str]
    is_only: bool


def _position(places: dict[str, str], start: str | None, *, is_only: bool) -> str | None:
    if not places:
        return start
    return next(iter(places.values())) if is_only else _encode(places)


def _encode(places: dict[str, str]) -> str:
    return msgspec.json.encode(places).decode()


def _decode(position: str) -> dict[str, str] | None:
    return msgspec.json.decode(position, type=dict[str, str]) if position.startswith("{") else None
