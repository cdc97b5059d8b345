"""What one group commit changes: items and their stream records, gathered in memory and written at once.

A hot item that changes many times within one commit is written once, with a stream record for each change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import apsw

from iotlab.table.capture import Capture
from iotlab.table.definition import TableDefinition, items_table
from iotlab.table.expressions.key_range import KeyRange
from iotlab.table.keys import Key
from iotlab.table.store import EventName
from iotlab.table.values import Item

EventCode = Literal[0, 1, 2]
EVENT_NAMES: tuple[EventName, ...] = ("INSERT", "MODIFY", "REMOVE")

_GROW = "UPDATE sizes SET items=items+?, bytes=bytes+? WHERE number=?"

_Place = tuple[int, bytes, bytes]


def _len(body: bytes | None) -> int:
    return 0 if body is None else len(body)


class UnitOfWork:
    """The pending changes of one group commit.

    Args:
        connection: The writer connection, inside a transaction. Only for changes of the catalog and for trimming.
        capture: Gathers the stream records and expiry entries, begun for this commit.
        now_us: The time of this commit, which its stream records bear.
    """

    def __init__(self, connection: apsw.Connection, capture: Capture, now_us: int) -> None:
        self.connection = connection
        self.capture = capture
        self.now_us = now_us
        self._pending: dict[_Place, bytes | None] = {}
        self._staged: dict[_Place, bytes | None] = {}
        self._grown: dict[int, list[int]] = {}
        self._staged_growth: list[tuple[int, int, int]] = []
        self._tokens: dict[str, tuple[bytes, int]] = {}
        self._staged_tokens: dict[str, tuple[bytes, int]] = {}

    @property
    def sequence(self) -> int:
        """The last sequence number given out in the file."""
        return self.capture.sequence

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
        self,
        table: TableDefinition,
        key: Key,
        body: bytes | None,
        *,
        old: bytes | None,
        key_attributes: Item,
        identity: str | None = None,
    ) -> None:
        """Stage one change of one item, with its stream record if the table has a stream.

        Args:
            table, key: Which item.
            body: The encoded item as it will be, or None to delete it.
            old: The encoded item as `get` returned it. Equal to ``body``: nothing changes, and no record is written.
            key_attributes: The key in wire form, for the record.
            identity: The service that makes the change, for the record; None for a caller.
        """
        if body == old:
            return
        self._staged[table.number, key.partition, key.sort] = body
        self._staged_growth.append((table.number, (body is not None) - (old is not None), _len(body) - _len(old)))
        self.capture.stage(table.number, key, body, old=old, key_attributes=key_attributes, identity=identity)

    def token(self, text: str) -> bytes | None:
        """Return the digest kept under an idempotency token that has not expired, or None."""
        if text in self._tokens:
            return self._tokens[text][0]
        row = self.connection.execute(
            "SELECT digest FROM tokens WHERE token=? AND expires_us>?", (text, self.now_us)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def stage_token(self, text: str, digest: bytes, expires_us: int) -> None:
        """Keep a digest under an idempotency token until a time, µs since 1970."""
        self._staged_tokens[text] = (digest, expires_us)

    def keep(self) -> None:
        """Make what is staged part of the commit."""
        self._pending.update(self._staged)
        self._staged.clear()
        for number, items, size_bytes in self._staged_growth:
            if not items and not size_bytes:
                continue
            grown = self._grown.setdefault(number, [0, 0])
            grown[0] += items
            grown[1] += size_bytes
        self._staged_growth.clear()
        self._tokens.update(self._staged_tokens)
        self._staged_tokens.clear()
        self.capture.keep()

    def discard(self) -> None:
        """Forget what is staged; its sequence numbers are given out again."""
        self.capture.discard()
        self._staged.clear()
        self._staged_growth.clear()
        self._staged_tokens.clear()

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
        self._flush_tokens()
        if self._grown:
            rows_of_growth = [(items, size, number) for number, (items, size) in self._grown.items()]
            self.connection.executemany(_GROW, rows_of_growth)
        self.capture.flush(self.connection)
        self._pending.clear()
        self._grown.clear()

    def _flush_tokens(self) -> None:
        if self._tokens:
            self.connection.execute("DELETE FROM tokens WHERE expires_us<=?", (self.now_us,))
            rows = [(text, *kept) for text, kept in self._tokens.items()]
            self.connection.executemany("INSERT OR REPLACE INTO tokens VALUES (?,?,?)", rows)
            self._tokens.clear()

    def _by_table(self) -> Iterable[tuple[str, list[tuple[bytes, bytes, bytes | None]]]]:
        grouped: dict[str, list[tuple[bytes, bytes, bytes | None]]] = {}
        for (number, partition, sort), body in self._pending.items():
            grouped.setdefault(items_table(number), []).append((partition, sort, body))
        return grouped.items()
