"""The embedded table: a DynamoDB-compatible store in one durable file.

One process opens a file; many threads may use the engine. Writes go through one writer with group commit;
reads use a read-only connection for each thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import apsw
import msgspec

from iotlab.clock import US_PER_S, Clock, SystemClock
from iotlab.table import database, limits, shards, trim, ttl
from iotlab.table.backfill import Backfill
from iotlab.table.catalog import Catalog
from iotlab.table.definition import TableDefinition, TableSpec, define, time_to_live_of
from iotlab.table.ends import StreamEnds
from iotlab.table.errors import ResourceNotFoundException, ValidationException
from iotlab.table.footprint import Footprint, measure, wal_readers
from iotlab.table.opening import Progress
from iotlab.table.readers import Readers
from iotlab.table.store import RecordPage
from iotlab.table.unit_of_work import UnitOfWork
from iotlab.table.writer import Writer

T = TypeVar("T")


class Engine:
    """The embedded `Transport`. Make one with `Engine.open`.

    Attributes:
        path: The data file.
        clock: Where the engine takes its time from.
        address: ``host:port`` of the endpoint that serves it, for DescribeEndpoints; set by the endpoint.
    """

    def __init__(self, path: Path, clock: Clock, lock: IO[str], progress: Progress | None = None) -> None:
        self.path = path
        self.clock = clock
        self.address = "127.0.0.1"
        self._lock_file = lock
        self._listeners: list[Callable[[int], None]] = []
        self._readers = Readers(path)
        self._writer = Writer(path, clock, self._committed, on_pinned=self._readers.interrupt, progress=progress)
        self.catalog = Catalog(self)
        self._backfill = Backfill(self)
        self._backfill.start()
        self.iterator_secret: bytes = self.read().execute("SELECT value FROM meta WHERE name='iterator_secret'").get

    @classmethod
    def open(cls, path: Path | str, *, clock: Clock | None = None, progress: Progress | None = None) -> Engine:
        """Open the data file, creating it if need be, or bringing it to this program's format.

        Args:
            path: The data file.
            clock: Where the engine takes its time from; the system's without it.
            progress: Told of the steps of a change of format: those done, and how many there are.

        Raises:
            LabRunningError: another process has it open.
            DamagedFileError: it is not a data file of ours, is damaged, or is of a newer format.
            UnavailableError: it can't be read or written.
        """
        path = Path(path)
        lock = _lock(path)
        try:
            return cls(path, clock or SystemClock(), lock, progress)
        except BaseException:
            lock.close()
            raise

    def close(self) -> None:
        """Finish queued writes and close the file. Calling it twice does no harm."""
        self._backfill.stop()
        self._writer.stop()
        self._readers.close()
        self._writer.close()
        self._lock_file.close()

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Execute one DynamoDB or DynamoDB Streams operation; see `Transport.call`."""
        # The operations use the engine, so they are imported when it is first used.
        from iotlab.table.operations import execute  # noqa: PLC0415

        return execute(self, operation, request)

    def get_records(self, iterator: str, limit: int) -> RecordPage:
        """Return records of a stream with their images still encoded; see `Store.get_records`."""
        from iotlab.table.operations.get_records import record_page  # noqa: PLC0415  as above

        return record_page(self, iterator, limit)

    def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        """Execute a work and return its result once it is durable; see `Writer.submit`."""
        return self._writer.submit(work, here=True).result()

    def submit(self, work: Callable[[UnitOfWork], T], *, alone: bool = False, here: bool = False) -> Future[T]:
        """Queue a work and return at once, or with ``here`` perhaps execute it; see `Writer.submit`."""
        return self._writer.submit(work, alone=alone, here=here)

    def read(self) -> apsw.Connection:
        """Return this thread's read-only connection."""
        return self._readers.connection()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Have all reads of this thread within the context see the file as it is at the first of them."""
        connection = self.read()
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("COMMIT")

    def on_commit(self, listener: Callable[[int], None]) -> None:
        """Have ``listener`` called with the last sequence number after each commit with stream records.

        It runs on the thread that executed the commit: it must only wake somebody.
        """
        self._listeners.append(listener)

    def table(self, name: str) -> TableDefinition:
        """Return the table's definition. Raises ResourceNotFoundException when there is none."""
        found = self.catalog.find(name)
        if found is not None:
            return found
        if len(name) < limits.TABLE_NAME_CHARACTERS[0]:
            raise ValidationException(
                "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may "
                "contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'"
            )
        raise ResourceNotFoundException

    def tables(self) -> list[TableDefinition]:
        """Return all tables, by name."""
        return self.catalog.all()

    def create_table(self, spec: TableSpec) -> TableDefinition:
        """Create a table. Raises ResourceInUseException when there is one of that name."""
        return self.catalog.create(define(spec), spec.stream)

    def ensure_tables(self, specs: Iterable[TableSpec]) -> None:
        """Create those of the tables that do not exist yet."""
        for spec in specs:
            table = self.catalog.find(spec.name) or self.create_table(spec)
            attribute = time_to_live_of(spec)
            if attribute is not None and table.ttl != attribute:
                self.set_time_to_live(table, attribute)

    def delete_table(self, name: str) -> TableDefinition:
        """Delete a table with its items. The records of its stream stay readable for 24 hours."""
        return self.catalog.delete(name)

    def fill_indexes(self) -> None:
        """Begin to fill the indexes that are not complete."""
        self._backfill.start()

    def counted(self, table: TableDefinition) -> tuple[int, int]:
        """Return how many items a table has, and their bytes in the file."""
        row = self.read().execute("SELECT items, bytes FROM sizes WHERE number=?", (table.number,)).fetchone()
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

    def enable_stream(self, table: TableDefinition, view_type: str) -> TableDefinition:
        """Begin a new stream of a table that has none enabled; return the table's new definition.

        Args:
            table: Which table.
            view_type: One of `VIEW_TYPES`.
        """
        return self.catalog.replace(
            table.name,
            lambda unit, now: msgspec.structs.replace(now, stream=shards.open_stream(unit, now, view_type)),
        )

    def disable_stream(self, table: TableDefinition) -> TableDefinition:
        """Close the stream of a table; return the table's new definition. Its records stay readable for 24 hours."""
        return self.catalog.replace(table.name, _without_stream)

    def set_time_to_live(self, table: TableDefinition, attribute: str | None) -> TableDefinition:
        """Give a table a time to live, or take it away with None; return the table's new definition.

        When it returns, the items that were there before count too.
        """
        definition = self.catalog.replace(table.name, lambda unit, now: _with_time_to_live(unit, now, attribute))
        ttl.fill(self, definition)
        return definition

    def expire(self, limit: int = limits.EXPIRED_ITEMS) -> int:
        """Delete items whose time to live has passed, at most ``limit``; return how many."""
        return ttl.expire(self, limit)

    def housekeeping(self, *, retention_s: float = limits.STREAM_RETENTION_S) -> None:
        """Roll shards that are old enough, trim streams and delete expired items. Call it about once a minute.

        Raises:
            UnavailableError: the file can't be written now; the next call goes on.
        """
        # Every commit rolls what is due: an empty one does it for a table that nobody writes to.
        if self._writer.roll_due_us <= self.clock.now_us():
            self.transact(lambda _: None)
        self.expire()
        self.trim_streams(retention_s=retention_s)

    def last_sequence(self) -> int:
        """Return the last sequence number that is committed."""
        return database.last_sequence(self.read())

    def size_bytes(self) -> int:
        """Return the size of the data file and its write-ahead log."""
        footprint = self.footprint()
        return footprint.file_bytes + footprint.wal_bytes

    def footprint(self) -> Footprint:
        """Return the sizes of the data file, of its write-ahead log and of what is free within it."""
        return measure(self.path, self.read())

    def condition(self) -> dict[str, int | str]:
        """Return how the file is, for a health report: sizes, what failed, and which processes read it just now."""
        footprint = self.footprint()
        return {
            "wal_bytes": footprint.wal_bytes,
            "free_bytes": footprint.free_bytes,
            "failed_commits": self._writer.failures,
            "failed_checkpoints": self._writer.checkpoint_failures,
            "failed_marks": self._writer.mark_failures,
            "interrupted_reads": self._readers.interrupted,
            "reading_processes": " ".join(map(str, wal_readers(self.path))),
        }

    def trim_streams(self, *, retention_s: float = limits.STREAM_RETENTION_S) -> int:
        """Delete stream records older than ``retention_s``, and shards and streams that ended before; count records.

        Raises:
            UnavailableError: the file can't be written now; the next call goes on.
        """
        return trim.trim_streams(self, self.clock.now_us() - round(retention_s * US_PER_S))

    @property
    def ends(self) -> StreamEnds:
        """Which iterators stand at the end of their stream."""
        return self._writer.ends

    @property
    def commits(self) -> int:
        """Group commits since the file was opened."""
        return self._writer.commits

    @property
    def commit_s(self) -> float:
        """How long the newest commit took, with its works."""
        return self._writer.commit_s

    @property
    def committed_us(self) -> int:
        """When the newest commit became durable, µs since 1970."""
        return self._writer.committed_us

    @property
    def commit_failures(self) -> int:
        """Commits that failed since the file was opened; nothing of them was acknowledged."""
        return self._writer.failures

    def _committed(self, sequence: int) -> None:
        for listener in self._listeners:
            listener(sequence)


def _lock(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return database.lock(path)
    except OSError as error:
        raise database.unavailable(path, error) from error


def _without_stream(unit: UnitOfWork, table: TableDefinition) -> TableDefinition:
    shards.close_stream(unit, table)
    stream = None if table.stream is None else msgspec.structs.replace(table.stream, enabled=False)
    return msgspec.structs.replace(table, stream=stream)


def _with_time_to_live(unit: UnitOfWork, table: TableDefinition, attribute: str | None) -> TableDefinition:
    ttl.stop(unit, table)
    if attribute is not None:
        ttl.start(unit, table, attribute)
    return msgspec.structs.replace(table, ttl=attribute)
