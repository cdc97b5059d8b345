"""The embedded table: a DynamoDB-compatible store in one durable file.

One process opens a file; many threads may use the engine. Writes go through one writer thread with group commit;
reads use a read-only connection for each thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Any, TypeVar

import apsw
import msgspec

from iotlab.clock import Clock, SystemClock
from iotlab.table import database, limits
from iotlab.table.definition import TableDefinition, TableSpec, define
from iotlab.table.errors import ResourceInUseException, ResourceNotFoundException
from iotlab.table.footprint import Footprint, measure, wal_readers
from iotlab.table.opening import Progress
from iotlab.table.readers import Readers
from iotlab.table.store import RecordPage
from iotlab.table.unit_of_work import UnitOfWork
from iotlab.table.writer import Writer

T = TypeVar("T")
_TRIM_ROWS = 5000
_decode_definition = msgspec.json.Decoder(TableDefinition).decode


class Engine:
    """The embedded `Transport`. Make one with `Engine.open`.

    Attributes:
        path: The data file.
        clock: Where the engine takes its time from.
    """

    def __init__(self, path: Path, clock: Clock, lock: IO[str], progress: Progress | None = None) -> None:
        self.path = path
        self.clock = clock
        self._lock_file = lock
        self._listeners: list[Callable[[int], None]] = []
        self._readers = Readers(path)
        self._writer = Writer(path, clock, self._committed, on_pinned=self._readers.interrupt, progress=progress)
        self._tables: dict[str, TableDefinition] = {}
        self._load_catalog()
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
        """Execute a work on the writer thread and return its result once it is durable; see `Writer.submit`."""
        return self._writer.submit(work).result()

    def submit(self, work: Callable[[UnitOfWork], T], *, alone: bool = False) -> Future[T]:
        """Queue a work and return at once; see `Writer.submit`."""
        return self._writer.submit(work, alone=alone)

    def read(self) -> apsw.Connection:
        """Return this thread's read-only connection."""
        return self._readers.connection()

    def on_commit(self, listener: Callable[[int], None]) -> None:
        """Have ``listener`` called with the last sequence number after each commit with stream records.

        It runs on the writer thread: it must only wake somebody.
        """
        self._listeners.append(listener)

    def table(self, name: str) -> TableDefinition:
        """Return the table's definition. Raises ResourceNotFoundException when there is none."""
        found = self._tables.get(name)
        if found is None:
            raise ResourceNotFoundException
        return found

    def tables(self) -> list[TableDefinition]:
        """Return all tables, by name."""
        return [self._tables[name] for name in sorted(self._tables)]

    def create_table(self, spec: TableSpec) -> TableDefinition:
        """Create a table. Raises ResourceInUseException when there is one of that name."""
        if spec.name in self._tables:
            raise ResourceInUseException(f"Table already exists: {spec.name}")
        definition = self.transact(lambda unit: _create(unit, spec))
        self._load_catalog()
        return definition

    def ensure_tables(self, specs: Iterable[TableSpec]) -> None:
        """Create those of the tables that do not exist yet."""
        for spec in specs:
            if spec.name not in self._tables:
                self.create_table(spec)

    def delete_table(self, name: str) -> TableDefinition:
        """Delete a table with its items and its stream's records."""
        definition = self.table(name)
        self.transact(lambda unit: _delete(unit, definition))
        self._load_catalog()
        return definition

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
        """Delete stream records older than ``retention_s``; return how many."""
        horizon_us = self.clock.now_us() - round(retention_s * 1_000_000)
        trimmed = 0
        for table in self.tables():
            if table.stream is not None:
                trimmed += self._trim_stream(table, horizon_us)
        return trimmed

    def _trim_stream(self, table: TableDefinition, horizon_us: int) -> int:
        trimmed = count = _TRIM_ROWS
        while count == _TRIM_ROWS:
            # In steps, so that a long trimming never holds up the writes of others.
            count = self.transact(lambda unit: _trim(unit, table, horizon_us))
            trimmed += count
        return trimmed - _TRIM_ROWS

    @property
    def commits(self) -> int:
        """Group commits since the file was opened."""
        return self._writer.commits

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

    def _load_catalog(self) -> None:
        rows: list[tuple[bytes]] = self.read().execute("SELECT definition FROM tables").fetchall()  # type: ignore[assignment]
        definitions = [_decode_definition(row[0]) for row in rows]
        self._tables = {definition.name: definition for definition in definitions}


def _lock(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return database.lock(path)
    except OSError as error:
        raise database.unavailable(path, error) from error


def _create(unit: UnitOfWork, spec: TableSpec) -> TableDefinition:
    connection = unit.connection
    number = connection.execute("SELECT value FROM meta WHERE name='next_table'").get
    definition = define(spec, number=number, created_us=unit.now_us)
    connection.execute("UPDATE meta SET value=value+1 WHERE name='next_table'")
    connection.execute(
        "INSERT INTO tables VALUES (?,?,?)", (number, definition.name, msgspec.json.encode(definition))
    )
    connection.execute(
        f"CREATE TABLE {definition.items_table} "
        "(pk BLOB NOT NULL, sk BLOB NOT NULL, item BLOB NOT NULL, PRIMARY KEY (pk, sk)) WITHOUT ROWID"
    )
    if definition.stream is not None:
        connection.execute(
            f"CREATE TABLE {definition.records_table} (sequence INTEGER PRIMARY KEY, created_us INTEGER NOT NULL, "
            "event INTEGER NOT NULL, keys BLOB NOT NULL, new BLOB, old BLOB)"
        )
        connection.execute("INSERT INTO meta VALUES (?, 0)", (_trimmed_name(definition),))
    return definition


def _delete(unit: UnitOfWork, definition: TableDefinition) -> None:
    unit.connection.execute(f"DROP TABLE {definition.items_table}")
    if definition.stream is not None:
        unit.connection.execute(f"DROP TABLE {definition.records_table}")
    unit.connection.execute("DELETE FROM tables WHERE number=?", (definition.number,))


def _trim(unit: UnitOfWork, table: TableDefinition, horizon_us: int) -> int:
    connection = unit.connection
    last = connection.execute(
        f"SELECT max(sequence) FROM (SELECT sequence, created_us FROM {table.records_table} "
        f"ORDER BY sequence LIMIT {_TRIM_ROWS}) WHERE created_us < ?",
        (horizon_us,),
    ).get
    if last is None:
        return 0
    connection.execute(f"DELETE FROM {table.records_table} WHERE sequence <= ?", (last,))
    trimmed = connection.changes()
    connection.execute("UPDATE meta SET value=? WHERE name=?", (last, _trimmed_name(table)))
    return trimmed


def trimmed_sequence(engine: Engine, table: TableDefinition) -> int:
    """Return the last sequence number of the table's stream that was trimmed; 0 before the first trimming."""
    found: int = engine.read().execute("SELECT value FROM meta WHERE name=?", (_trimmed_name(table),)).get
    return found


def _trimmed_name(table: TableDefinition) -> str:
    return f"trimmed_{table.records_table}"
