"""The data file: opening it safely, its format version, and what SQLite's errors mean to us.

WAL with ``synchronous=FULL``: a commit returns after its fsync. One connection writes and is the only one that
checkpoints (SQLite up to 3.51.2 could corrupt a WAL with two checkpointers); readers open the file read-only.
"""

from __future__ import annotations

from pathlib import Path

import apsw

from iotlab.errors import IotlabError, UnavailableError
from iotlab.table import shards, ttl

FORMAT_VERSION = 1
APPLICATION_ID = 0x494F544C  # "IOTL"
_CHECKPOINT_PAGES = 4000
_BUSY_TIMEOUT_MS = 5000

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE tables (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, definition BLOB NOT NULL);
INSERT INTO meta VALUES ('sequence', 0), ('next_table', 1), ('iterator_secret', randomblob(32));
"""


class DamagedFileError(IotlabError):
    """The data file is not one of ours, is damaged, or is newer than this program."""


def open_writer(path: Path) -> apsw.Connection:
    """Open the data file for writing, creating it if need be.

    Raises:
        DamagedFileError: it is not a data file of ours, or of a newer format.
        UnavailableError: the directory can't be written, or another process holds the file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(_BUSY_TIMEOUT_MS)
        _check_format(connection, path)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"wal_autocheckpoint={_CHECKPOINT_PAGES}"):
            connection.execute(f"PRAGMA {pragma}")
        if connection.pragma("user_version") == 0:
            _create(connection)
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise DamagedFileError(
            f"{path} is not an iotlab data file or is damaged: {error}",
            hint="Move the file away (with its -wal and -shm) to start with an empty table; nothing was changed.",
        ) from error
    except (apsw.Error, OSError) as error:
        raise unavailable(path, error) from error
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """Open the data file read-only. Raises UnavailableError when it can't be."""
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(_BUSY_TIMEOUT_MS)
    except apsw.Error as error:
        raise unavailable(path, error) from error
    return connection


def _check_format(connection: apsw.Connection, path: Path) -> None:
    application, version = connection.pragma("application_id"), connection.pragma("user_version")
    has_tables = connection.execute("SELECT count(*) FROM sqlite_schema").get > 0
    if has_tables and application != APPLICATION_ID:
        raise DamagedFileError(
            f"{path} is an SQLite file of another program",
            hint="Choose another data directory with --data.",
        )
    if version > FORMAT_VERSION:
        raise DamagedFileError(
            f"{path} has format {version}; this program knows formats up to {FORMAT_VERSION}",
            hint="It was written by a newer iotlab: use that version. Nothing was changed.",
        )


def _create(connection: apsw.Connection) -> None:
    with connection:
        connection.execute(_SCHEMA + shards.SCHEMA + ttl.SCHEMA)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={FORMAT_VERSION}")


def unavailable(path: Path, error: Exception) -> UnavailableError:
    """Return what a failed access to the file means to a person, with the way out."""
    match error:
        case apsw.FullError():
            hint = "The disk is full. Free some space: writing goes on by itself, and nothing acknowledged is lost."
        case apsw.IOError():
            hint = "The disk reports an error. Check its health; nothing is acknowledged until writes succeed again."
        case apsw.BusyError() | apsw.LockedError():
            hint = "Another program holds the file. Close it; writing goes on by itself."
        case apsw.ReadOnlyError() | apsw.CantOpenError() | PermissionError():
            hint = "The directory can't be written. Check its permissions, or choose another with --data."
        case _:
            hint = ""
    return UnavailableError(f"the table at {path} can't be used now: {error}", hint=hint)
