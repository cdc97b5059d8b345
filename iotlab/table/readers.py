"""The read-only connections of one engine: one for each thread that reads."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import apsw

from iotlab.table import database
from iotlab.table.footprint import wal_readers

logger = logging.getLogger(__name__)


class Readers:
    """Gives each thread its read-only connection to the data file at ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._all: list[apsw.Connection] = []
        self._lock = threading.Lock()
        self.interrupted = 0

    def connection(self) -> apsw.Connection:
        """Return this thread's connection. Raises UnavailableError when the file can't be opened."""
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = database.open_reader(self._path)
            self._local.connection = connection
            with self._lock:
                self._all.append(connection)
        return connection

    def interrupt(self) -> None:
        """End every read that is under way, since one of them keeps the write-ahead log from being emptied.

        Each raises apsw.InterruptError where it reads. Readers in other processes can't be ended: they are named.
        """
        with self._lock:
            reading = [one for one in self._all if one.txn_state() != apsw.SQLITE_TXN_NONE]
            for connection in reading:
                connection.interrupt()
        self.interrupted += len(reading)
        others = ", ".join(map(str, wal_readers(self._path)))
        logger.warning(
            "the write-ahead log of %s has grown to its limit: %d reads of this process were ended%s",
            self._path,
            len(reading),
            f"; process {others} reads the file and keeps the log from being emptied: end it" if others else "",
        )

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
