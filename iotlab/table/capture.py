"""What a change of an item takes along in its transaction: its stream record, its expiry, its entries in indexes.

Which streams are open, which attribute holds a table's time to live and which indexes it has is looked up here by the
table's number, not in the caller's definition, which may be older than the last change of it.
"""

from __future__ import annotations

import apsw
import msgspec

from iotlab.table import ttl
from iotlab.table.definition import TableDefinition
from iotlab.table.indexes import Entry, changed_entries, write_entry
from iotlab.table.keys import Key
from iotlab.table.shards import OpenStream, open_streams, place, roll_due_us
from iotlab.table.values import Item

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_decode_definition = msgspec.json.Decoder(TableDefinition).decode
_RecordRow = tuple[int, int, int, bytes, bytes | None, bytes | None, str | None]
_Entry = tuple[int, int, bytes, bytes]


class Capture:
    """The stream records and expiry entries of group commits, gathered in memory and written at once.

    One lives as long as the writer; `begin` starts it anew for each commit.

    Args:
        connection: The writer connection.

    Attributes:
        sequence: The last sequence number given out in the file.
        streams: Table number → its open stream.
        roll_due_us: When the first shard is to roll.
        added_to: The tables of records that this commit has added to.
        is_restructured: Whether it changed which streams and shards are open.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self.sequence = 0
        self.added_to: set[str] = set()
        self.is_restructured = False
        self._now_us = 0
        self._is_fresh = False
        self._records: dict[str, list[_RecordRow]] = {}
        self._staged: list[tuple[str, _RecordRow]] = []
        self._entries: dict[_Entry, bool] = {}
        self._staged_entries: dict[_Entry, bool] = {}
        self._index_entries: dict[tuple[str, Entry], bool] = {}
        self._staged_index_entries: dict[tuple[str, Entry], bool] = {}
        self.reload(connection)

    def reload(self, connection: apsw.Connection) -> None:
        """Read again which streams are open and which tables have a time to live, as the connection sees it."""
        streams = open_streams(connection)
        self.streams: dict[int, OpenStream] = {stream.table_number: stream for stream in streams}
        self.roll_due_us = roll_due_us(streams)
        self._ttl = ttl.attributes(connection)
        self._tables = {table.number: table for table in _definitions(connection)}
        self._indexed = {number: table for number, table in self._tables.items() if table.indexes}
        self._is_fresh = self.is_restructured = True

    def begin(self, connection: apsw.Connection, sequence: int, now_us: int) -> None:
        """Start a commit. Whatever a failed one left behind is forgotten."""
        self.added_to.clear()
        self.is_restructured = False
        if not self._is_fresh:
            self.reload(connection)
        self.sequence, self._now_us = sequence, now_us
        for left in (self._records, self._staged, self._entries, self._staged_entries):
            left.clear()
        self._index_entries.clear()
        self._staged_index_entries.clear()

    def forget(self) -> None:
        """Have the next commit read the file's state again, after one that failed."""
        self._is_fresh = False

    def ttl_attribute(self, table: int) -> str | None:
        """Return the attribute that holds the time to live of a table, or None."""
        return self._ttl.get(table)

    def stage(
        self,
        table: int,
        key: Key,
        body: bytes | None,
        *,
        old: bytes | None,
        key_attributes: Item,
        identity: str | None,
    ) -> None:
        """Stage what one change takes along; ``body`` and ``old`` differ."""
        indexed = self._indexed.get(table)
        if indexed is not None:
            before, after = (None if image is None else _decode(image) for image in (old, body))
            for entries_table, entry, is_added in changed_entries(indexed, key, before, after):
                self._staged_index_entries[entries_table, entry] = is_added
        attribute = self._ttl.get(table)
        if attribute is not None:
            self._stage_expiry(table, key, ttl.expires_us(old, attribute), ttl.expires_us(body, attribute))
        stream = self.streams.get(table)
        if stream is None:
            return
        view = stream.view_type
        self.sequence += 1
        row = (
            place(stream.shard_of(key.partition), self.sequence),
            self._now_us,
            0 if old is None else 2 if body is None else 1,
            _encode(key_attributes or self._keys_of(table, body or old)),
            body if view.startswith("NEW") else None,
            old if view.endswith(("OLD_IMAGE", "OLD_IMAGES")) else None,
            identity,
        )
        self._staged.append((stream.records_table, row))

    def _keys_of(self, table: int, body: bytes | None) -> Item:
        """Return an item's key, where the caller did not expect that a record would need it."""
        return self._tables[table].keys.project({} if body is None else _decode(body))

    def _stage_expiry(self, table: int, key: Key, before_us: int | None, after_us: int | None) -> None:
        if before_us == after_us:
            return
        if before_us is not None:
            self._staged_entries[table, before_us, key.partition, key.sort] = False
        if after_us is not None:
            self._staged_entries[table, after_us, key.partition, key.sort] = True

    def keep(self) -> None:
        """Make what is staged part of the commit."""
        for records_table, row in self._staged:
            self._records.setdefault(records_table, []).append(row)
        self._staged.clear()
        if self._staged_entries:
            self._entries.update(self._staged_entries)
            self._staged_entries.clear()
        if self._staged_index_entries:
            self._index_entries.update(self._staged_index_entries)
            self._staged_index_entries.clear()

    def discard(self) -> None:
        """Forget what is staged; its sequence numbers are given out again."""
        self.sequence -= len(self._staged)
        self._staged.clear()
        self._staged_entries.clear()
        self._staged_index_entries.clear()

    def flush(self, connection: apsw.Connection) -> None:
        """Write what is kept to the connection, still uncommitted."""
        for records_table, records in self._records.items():
            connection.executemany(f"INSERT INTO {records_table} VALUES (?,?,?,?,?,?,?)", records)
        self.added_to.update(self._records)
        if self._records:
            connection.execute("UPDATE meta SET value=? WHERE name='sequence'", (self.sequence,))
        self._records.clear()
        for (table, expires_us, partition, sort), is_added in self._entries.items():
            ttl.write_entry(connection, table, (expires_us, partition, sort), is_added=is_added)
        self._entries.clear()
        for (entries_table, entry), is_added in self._index_entries.items():
            write_entry(connection, entries_table, entry, is_added=is_added)
        self._index_entries.clear()


def _definitions(connection: apsw.Connection) -> list[TableDefinition]:
    return [_decode_definition(row[0]) for row in connection.execute("SELECT definition FROM tables")]
