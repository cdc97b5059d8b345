"""What one group commit changes: items and their stream records, gathered in memory and written at once.

A hot item that changes many times within one commit is written once, with a stream record for each change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import apsw
import msgspec

from iotlab.table.definition import TableDefinition, items_table
from iotlab.table.expressions.key_range import KeyRange
from iotlab.table.keys import Key
from iotlab.table.store import EventName
from iotlab.table.values import Item

EventCode = Literal[0, 1, 2]
EVENT_NAMES: tuple[EventName, ...] = ("INSERT", "MODIFY", "REMOVE")

_encode = msgspec.json.Encoder().encode

_Place = tuple[int, bytes, bytes]
_RecordRow = tuple[int, int, int, bytes, bytes | None, bytes | None]


class UnitOfWork:
    """The pending changes of one group commit.

    Args:
        connection: The writer connection, inside a transaction. Only for changes of the catalog and for trimming.
        sequence: The last sequence number given out in the file.
        now_us: The time of this commit, which its stream records bear.
    """

    def __init__(self, connection: apsw.Connection, sequence: int, now_us: int) -> None:
        self.connection = connection
        self.sequence = sequence
        self.now_us = now_us
        self._pending: dict[_Place, bytes | None] = {}
        self._staged: dict[_Place, bytes | None] = {}
        self._records: dict[str, list[_RecordRow]] = {}
        self._staged_records: list[tuple[str, _RecordRow]] = []

    def get(self, table: TableDefinition, key: Key) -> bytes | None:
        """Return the encoded item as this unit would leave it, or None when there is none."""
        place = (table.number, key.partition, key.sort)
        if place in self._staged:
            return self._staged[place]
        if place in self._pending:
            return self._pending[place]
        row = self.connection.execute(
            f"SELECT item FROM {table.items_table} WHERE pk=? AND sk=?",
            (key.partition, key.sort),
        ).get
        return None if row is None else bytes(row)

    def put(
        self, table: TableDefinition, key: Key, body: bytes | None, *, old: bytes | None, key_attributes: Item
    ) -> None:
        """Stage one change of one item, with its stream record if the table has a stream.

        Args:
            table, key: Which item.
            body: The encoded item as it will be, or None to delete it.
            old: The encoded item as `get` returned it. Equal to ``body``: nothing changes, and no record is written.
            key_attributes: The key in wire form, for the record.
        """
        if body == old:
            return
        self._staged[table.number, key.partition, key.sort] = body
        if table.stream is None or not table.stream.enabled:
            return
        event = 0 if old is None else 2 if body is None else 1
        view = table.stream.view_type
        self.sequence += 1
        row = (
            self.sequence,
            self.now_us,
            event,
            _encode(key_attributes),
            body if view.startswith("NEW") else None,
            old if view.endswith(("OLD_IMAGE", "OLD_IMAGES")) else None,
        )
        self._staged_records.append((table.records_table, row))

    def keep(self) -> None:
        """Make what is staged part of the commit."""
        self._pending.update(self._staged)
        self._staged.clear()
        for records_table, row in self._staged_records:
            self._records.setdefault(records_table, []).append(row)
        self._staged_records.clear()

    def discard(self) -> None:
        """Forget what is staged; its sequence numbers are given out again."""
        self.sequence -= len(self._staged_records)
        self._staged.clear()
        self._staged_records.clear()

    def select(self, table: TableDefinition, key_range: KeyRange, *, forward: bool, limit: int) -> list[bytes]:
        """Return encoded items of one partition as kept so far (without what is only staged)."""
        self.flush()
        low, high = (">" if key_range.low_open else ">="), ("<" if key_range.high_open else "<=")
        cursor = self.connection.execute(
            f"SELECT item FROM {table.items_table} WHERE pk=? AND sk{low}? AND sk{high}? "
            f"ORDER BY sk {'ASC' if forward else 'DESC'} LIMIT ?",
            (key_range.partition, key_range.low, key_range.high, limit),
        )
        return [bytes(row[0]) for row in cursor]

    def flush(self) -> None:
        """Write what is kept to the connection, still uncommitted."""
        for table, rows in self._by_table():
            puts = [row for row in rows if row[2] is not None]
            deletes = [row[:2] for row in rows if row[2] is None]
            if puts:
                self.connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?,?,?)", puts)
            if deletes:
                self.connection.executemany(f"DELETE FROM {table} WHERE pk=? AND sk=?", deletes)
        for records_table, records in self._records.items():
            self.connection.executemany(f"INSERT INTO {records_table} VALUES (?,?,?,?,?,?)", records)
        if self._records:
            self.connection.execute("UPDATE meta SET value=? WHERE name='sequence'", (self.sequence,))
        self._pending.clear()
        self._records.clear()

    def _by_table(self) -> Iterable[tuple[str, list[tuple[bytes, bytes, bytes | None]]]]:
        grouped: dict[str, list[tuple[bytes, bytes, bytes | None]]] = {}
        for (number, partition, sort), body in self._pending.items():
            grouped.setdefault(items_table(number), []).append((partition, sort, body))
        return grouped.items()
