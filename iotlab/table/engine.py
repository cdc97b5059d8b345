"""The embedded table: a DynamoDB-compatible store in one durable file.

One process opens a file; many threads may use the engine. Writes go through one writer thread with group commit;
reads use a read-only connection for each thread.
"""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Any, TypeVar

import apsw
import msgspec

from iotlab.clock import US_PER_S, Clock, SystemClock
from iotlab.errors import LabRunningError
from iotlab.table import database, limits, shards, trim, ttl
from iotlab.table.definition import TableDefinition, TableSpec, define
from iotlab.table.errors import ResourceInUseException, ResourceNotFoundException
from iotlab.table.store import RecordPage
from iotlab.table.unit_of_work import UnitOfWork
from iotlab.table.writer import Writer

T = TypeVar("T")
_decode_definition = msgspec.json.Decoder(TableDefinition).decode


class Engine:
    """The embedded `Transport`. Make one with `Engine.open`.

    Attributes:
        path: The data file.
        clock: Where the engine takes its time from.
    """

    def __init__(self, path: Path, clock: Clock, lock: IO[str]) -> None:
        self.path = path
        self.clock = clock
        self._lock_file = lock
        self._listeners: list[Callable[[int], None]] = []
        self._writer = Writer(path, clock, self._committed)
        self._local = threading.local()
        self._readers: list[apsw.Connection] = []
        self._readers_lock = threading.Lock()
        self._tables: dict[str, TableDefinition] = {}
        self._load_catalog()
        self.iterator_secret: bytes = self.read().execute("SELECT value FROM meta WHERE name='iterator_secret'").get

    @classmethod
    def open(cls, path: Path | str, *, clock: Clock | None = None) -> Engine:
        """Open the data file, creating it if need be.

        Raises:
            LabRunningError: another process has it open.
            DamagedFileError: it is not a data file of ours, is damaged, or is of a newer format.
            UnavailableError: it can't be read or written.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(path)
        try:
            return cls(path, clock or SystemClock(), lock)
        except BaseException:
            lock.close()
            raise

    def close(self) -> None:
        """Finish queued writes and close the file. Calling it twice does no harm."""
        self._writer.close()
        with self._readers_lock:
            for connection in self._readers:
                connection.close()
            self._readers.clear()
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

    def submit(self, work: Callable[[UnitOfWork], T]) -> Future[T]:
        """Queue a work and return at once; see `Writer.submit`."""
        return self._writer.submit(work)

    def read(self) -> apsw.Connection:
        """Return this thread's read-only connection."""
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = database.open_reader(self.path)
            self._local.connection = connection
            with self._readers_lock:
                self._readers.append(connection)
        return connection

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
        """Delete a table with its items. The records of its stream stay readable for 24 hours."""
        definition = self.table(name)
        self.transact(lambda unit: _delete(unit, definition))
        self._load_catalog()
        return definition

    def enable_stream(self, table: TableDefinition, view_type: str) -> TableDefinition:
        """Begin a new stream of a table that has none enabled; return the table's new definition.

        Args:
            table: Which table.
            view_type: One of `VIEW_TYPES`.
        """
        return self._replace(
            table.name,
            lambda unit, now: msgspec.structs.replace(now, stream=shards.open_stream(unit, now, view_type)),
        )

    def disable_stream(self, table: TableDefinition) -> TableDefinition:
        """Close the stream of a table; return the table's new definition. Its records stay readable for 24 hours."""
        return self._replace(table.name, _without_stream)

    def set_time_to_live(self, table: TableDefinition, attribute: str | None) -> TableDefinition:
        """Give a table a time to live, or take it away with None; return the table's new definition.

        When it returns, the items that were there before count too.
        """
        definition = self._replace(table.name, lambda unit, now: _with_time_to_live(unit, now, attribute))
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

    def _replace(
        self, name: str, change: Callable[[UnitOfWork, TableDefinition], TableDefinition]
    ) -> TableDefinition:
        """Replace a table's definition by what ``change`` makes of it. Raises ResourceNotFoundException."""

        def work(unit: UnitOfWork) -> TableDefinition:
            # What was written so far belongs to the table as it was.
            unit.flush()
            changed = change(unit, self.table(name))
            unit.connection.execute(
                "UPDATE tables SET definition=? WHERE number=?", (msgspec.json.encode(changed), changed.number)
            )
            return changed

        definition = self.transact(work)
        self._load_catalog()
        return definition

    def last_sequence(self) -> int:
        """Return the last sequence number that is committed."""
        last: int = self.read().execute("SELECT value FROM meta WHERE name='sequence'").get
        return last

    def size_bytes(self) -> int:
        """Return the size of the data file and its write-ahead log."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def trim_streams(self, *, retention_s: float = limits.STREAM_RETENTION_S) -> int:
        """Delete stream records older than ``retention_s``, and shards and streams that ended before; count records.

        Raises:
            UnavailableError: the file can't be written now; the next call goes on.
        """
        return trim.trim_streams(self, self.clock.now_us() - round(retention_s * US_PER_S))

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
    lock = path.with_name(path.name + ".lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise LabRunningError(
            f"another process has the table at {path} open",
            hint="Use that lab, end it, or choose another directory with --data.",
        ) from error
    return lock


def _create(unit: UnitOfWork, spec: TableSpec) -> TableDefinition:
    connection = unit.connection
    number = connection.execute("SELECT value FROM meta WHERE name='next_table'").get
    definition = define(spec, number=number, created_us=unit.now_us)
    connection.execute("UPDATE meta SET value=value+1 WHERE name='next_table'")
    connection.execute(
        f"CREATE TABLE {definition.items_table} "
        "(pk BLOB NOT NULL, sk BLOB NOT NULL, item BLOB NOT NULL, PRIMARY KEY (pk, sk)) WITHOUT ROWID"
    )
    if spec.stream is not None:
        definition = msgspec.structs.replace(definition, stream=shards.open_stream(unit, definition, spec.stream))
    connection.execute(
        "INSERT INTO tables VALUES (?,?,?)", (number, definition.name, msgspec.json.encode(definition))
    )
    return definition


def _delete(unit: UnitOfWork, definition: TableDefinition) -> None:
    unit.flush()
    shards.close_stream(unit, definition)
    ttl.stop(unit, definition)
    unit.connection.execute(f"DROP TABLE {definition.items_table}")
    unit.connection.execute("DELETE FROM tables WHERE number=?", (definition.number,))


def _without_stream(unit: UnitOfWork, table: TableDefinition) -> TableDefinition:
    shards.close_stream(unit, table)
    stream = None if table.stream is None else msgspec.structs.replace(table.stream, enabled=False)
    return msgspec.structs.replace(table, stream=stream)


def _with_time_to_live(unit: UnitOfWork, table: TableDefinition, attribute: str | None) -> TableDefinition:
    ttl.stop(unit, table)
    if attribute is not None:
        ttl.start(unit, table, attribute)
    return msgspec.structs.replace(table, ttl=attribute)
