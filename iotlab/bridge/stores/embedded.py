"""The embedded table: a whole batch is one work of the writer, which is one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future

import msgspec

from iotlab.bridge.arrival import Arrival
from iotlab.bridge.commit import BatchCommit, Tables
from iotlab.bridge.stores.base import Committed
from iotlab.table.engine import Engine
from iotlab.table.unit_of_work import UnitOfWork
from iotlab.table.values import Item

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class EmbeddedStore:
    """The `BridgeStore` over an engine in this process.

    Args:
        engine: The table; the lab's tables exist.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tables = Tables(engine.table)

    def batch(self, arrivals: Sequence[Arrival], redelivered: set[str]) -> EmbeddedBatch:
        """Return the batch of these arrivals; see `BridgeStore.batch`."""
        return EmbeddedBatch(self._engine, self._tables, arrivals, redelivered)

    def trace(self, rows: Sequence[Item]) -> None:
        """Queue rows for the writer; see `BridgeStore.trace`."""
        self._engine.submit(lambda unit: self._put(unit, rows)).add_done_callback(_report)

    def close(self) -> None:
        """Do nothing: the engine finishes what is queued when it is closed."""

    def _put(self, unit: UnitOfWork, rows: Sequence[Item]) -> None:
        table = self._tables.traces
        for row in rows:
            unit.put(table, table.keys.of_item(row), _encode(row), old=None, key_attributes={})


class EmbeddedBatch:
    """One batch. Each try writes it as a whole."""

    def __init__(self, engine: Engine, tables: Tables, arrivals: Sequence[Arrival], redelivered: set[str]) -> None:
        self._engine = engine
        self._tables = tables
        self._arrivals = arrivals
        self._redelivered = redelivered

    def commit(self) -> Committed:
        """Write the batch in one transaction; see `Batch.commit`."""
        stored, matched = self._engine.transact(self._write)
        self._redelivered |= matched
        return Committed(stored, self._engine.committed_us)

    def _write(self, unit: UnitOfWork) -> tuple[dict[tuple[str, str], int], set[str]]:
        commit = BatchCommit(self._tables, unit, self._redelivered)
        return commit.write(self._arrivals), commit.matched


def _report(done: Future[None]) -> None:
    error = done.exception()
    if error is not None:
        _log.warning("the stop 'commit' of traced messages is not stored: %s", error)
