"""Filling a global index that was added to a table with items, in steps between the writes of others."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from iotlab.errors import IotlabError
from iotlab.table.definition import Index, TableDefinition
from iotlab.table.errors import ResourceNotFoundException, ValidationException
from iotlab.table.indexes import Entry, entry
from iotlab.table.keys import Key
from iotlab.table.unit_of_work import UnitOfWork
from iotlab.table.values import Item

if TYPE_CHECKING:
    from iotlab.table.engine import Engine

STEP_ITEMS = 500
_decode = msgspec.json.Decoder().decode
_Place = tuple[bytes, bytes]


class Backfill:
    """Fills every index that is not complete, on a thread that ends when all are.

    Args:
        engine: Whose indexes.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def start(self) -> None:
        """Look for indexes to fill, unless that is being done."""
        with self._lock:
            if self._pending() is None or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, name="table-backfill", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop between two steps; the next `start` after opening the file goes on from the beginning."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                pending = self._pending()
                if pending is None or self._closing.is_set():
                    self._thread = None
                    return
            try:
                self._fill(*pending)
            except ResourceNotFoundException:
                # The table or index was deleted meanwhile.
                continue
            except IotlabError:
                # The file can't be written now.
                self._closing.wait(1.0)

    def _pending(self) -> tuple[TableDefinition, Index] | None:
        for table in self._engine.tables():
            for index in table.indexes:
                if not index.is_complete:
                    return table, index
        return None

    def _fill(self, table: TableDefinition, index: Index) -> None:
        after: _Place | None = (b"", b"")
        while after is not None and not self._closing.is_set():
            after = self._engine.transact(partial(self._step, table.name, index.name, after))
        if after is None:
            self._engine.catalog.replace(table.name, lambda _, now: _completed(now, index.name))

    def _step(self, table_name: str, index_name: str, after: _Place, unit: UnitOfWork) -> _Place | None:
        table = self._engine.table(table_name)
        index = table.index(index_name)
        if index is None:
            raise ResourceNotFoundException
        unit.flush()
        rows: list[tuple[bytes, bytes, bytes]] = unit.connection.execute(
            f"SELECT pk, sk, item FROM {table.items_table} WHERE (pk, sk) > (?, ?) "
            f"ORDER BY pk, sk LIMIT {STEP_ITEMS}",
            after,
        ).fetchall()  # type: ignore[assignment]
        entries = [_entry(index, Key(pk, sk), _decode(item)) for pk, sk, item in rows]
        unit.connection.executemany(
            f"INSERT OR IGNORE INTO {index.entries_table} VALUES (?,?,?,?)",
            [one for one in entries if one is not None],
        )
        return None if len(rows) < STEP_ITEMS else (rows[-1][0], rows[-1][1])


def _entry(index: Index, key: Key, item: Item) -> Entry | None:
    """Return an item's entry, or None where an attribute of it can't be the index's key: such an item stays out."""
    if any(not item.get(attribute.name, {}).get(attribute.kind) for attribute in index.keys.attributes):
        return None
    try:
        return entry(index, key, item)
    except ValidationException:
        return None


def _completed(table: TableDefinition, name: str) -> TableDefinition:
    indexes = tuple(
        msgspec.structs.replace(index, is_complete=True) if index.name == name else index for index in table.indexes
    )
    return msgspec.structs.replace(table, indexes=indexes)
