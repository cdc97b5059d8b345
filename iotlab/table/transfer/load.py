"""Checked rows into the embedded table: all of them in one transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet

import apsw
import msgspec

from iotlab.errors import UnavailableError
from iotlab.table.engine import Engine
from iotlab.table.operations.actions import put_of
from iotlab.table.transfer.staging import Progress, Row, no_progress
from iotlab.table.unit_of_work import UnitOfWork

_FLUSH_ROWS = 1000
_CANCEL_CHECK_S = 0.1


class Written(msgspec.Struct):
    """What an import did.

    Attributes:
        new: Items that were not there.
        replaced: Items that were different.
        unchanged: Items that were there as they are.
        sent: Items that were written without looking what was there.
    """

    new: int = 0
    replaced: int = 0
    unchanged: int = 0
    sent: int = 0

    @property
    def count(self) -> int:
        """All of them."""
        return self.new + self.replaced + self.unchanged + self.sent

    def add(self, *, old: bool, same: bool) -> None:
        """Count one item."""
        if not old:
            self.new += 1
        elif same:
            self.unchanged += 1
        else:
            self.replaced += 1


def load_into_engine(engine: Engine, table: str, rows: Iterable[Row], *, progress: Progress = no_progress) -> Written:
    """Write all rows in one transaction, with their stream records.

    Args:
        engine: The embedded table.
        table: Its table's name.
        rows: In any order; they are read on the writer's thread.
        progress: Called on the writer's thread.

    Raises:
        TableError: a row is refused; nothing is written.
        UnavailableError: the file can't be written; nothing is.
        KeyboardInterrupt: nothing is written.
    """
    loading = _Loading(engine, table, rows, progress)
    # Alone: its rows can be read once only.
    future = engine.submit(loading.work, alone=True)
    try:
        return _wait(future)
    except (UnavailableError, apsw.AbortError):
        if loading.refusal is not None:
            raise loading.refusal from None
        raise
    except KeyboardInterrupt:
        loading.cancelled.set()
        # The table must not be closed while its writer still reads the rows.
        future.exception()
        raise


def _wait(future: Future[Written]) -> Written:
    while True:
        try:
            # In short waits: an endless one would take Ctrl-C only after the commit.
            return future.result(_CANCEL_CHECK_S)
        except NotYet:
            continue


class _Loading:
    """The one work that writes all rows."""

    def __init__(self, engine: Engine, table: str, rows: Iterable[Row], progress: Progress) -> None:
        self._engine = engine
        self._table = table
        self._rows = rows
        self._progress = progress
        self.cancelled = threading.Event()
        self.refusal: Exception | None = None

    def work(self, unit: UnitOfWork) -> Written:
        """Write the rows, all or none."""
        try:
            return self._write(unit)
        except apsw.Error:
            raise
        except Exception as error:
            self.refusal = error
            # The writer takes back the whole transaction only for an error of SQLite's own; after any other it would
            # commit what was flushed before.
            raise apsw.AbortError(str(error)) from error

    def _write(self, unit: UnitOfWork) -> Written:
        written = Written()
        for row in self._rows:
            action = put_of(self._engine, self._table, row.item)
            outcome = action.apply(unit)
            unit.keep()
            written.add(old=outcome.old is not None, same=outcome.old == outcome.new)
            if written.count % _FLUSH_ROWS == 0:
                self._step(unit, written.count)
        return written

    def _step(self, unit: UnitOfWork, done: int) -> None:
        if self.cancelled.is_set():
            raise apsw.InterruptError("cancelled")
        unit.flush()
        self._progress(done)
