"""The data file as SQLite sees it: its connections, its header, its lock, and what SQLite's errors mean to us.

WAL with ``synchronous=FULL``: a commit returns after its fsync. One connection writes and is the only one that
checkpoints (SQLite up to 3.51.2 could corrupt a WAL with two checkpointers); readers open the file read-only.
"""

from __future__ import annotations

import errno
import fcntl
import struct
from pathlib import Path
from typing import IO, NamedTuple

import apsw

from iotlab.errors import IotlabError, LabRunningError, UnavailableError
from iotlab.table import shards, ttl

FORMAT_VERSION = 2
APPLICATION_ID = 0x494F544C  # "IOTL"
BUSY_TIMEOUT_MS = 5000
PAGE_BYTES = 8192
"""Of a new file. In pages of 4 KB each item of a kilobyte has an overflow page of its own: three times the space, and
half the speed. A file keeps the size that it was made with."""
_PAGE_SIZE = f"page_size={PAGE_BYTES}"
_SIZE_LIMIT = f"journal_size_limit={64 * 1024 * 1024}"
"""A write-ahead log that a long reader let grow gives its space back when it is next emptied."""

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE tables (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, definition BLOB NOT NULL);
CREATE TABLE sizes (number INTEGER PRIMARY KEY, items INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE tags (table_number INTEGER, key TEXT, value TEXT NOT NULL, PRIMARY KEY (table_number, key))
    WITHOUT ROWID;
CREATE TABLE tokens (token TEXT PRIMARY KEY, digest BLOB NOT NULL, expires_us INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('sequence', 0), ('next_table', 1), ('iterator_secret', randomblob(32));
"""

WAY_OUT = (
    "Look: iotlab table check. Way out: iotlab table restore --quarantine sets the file aside and restores the "
    "newest backup, or what can still be read. Nothing was changed."
)

_ENVIRONMENT = (
    OSError,
    apsw.IOError,
    apsw.FullError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.NoMemError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.ConnectionClosedError,
)
"""Errors that the disk, the system or another program causes. Every other one is the fault of what was executed."""


class DamagedFileError(IotlabError):
    """The data file is not one of ours, is damaged or incomplete, or is newer than this program."""


class Header(NamedTuple):
    """What the first bytes of a data file say, read without SQLite, which may change a file by opening it."""

    page_bytes: int
    pages: int
    version: int
    application: int


def open_writer(path: Path) -> apsw.Connection:
    """Open a data file of ours for writing, of any format that is not too new; an absent one is made, still empty.

    Raises:
        DamagedFileError: it is a file of another program, or of a newer format. It is left as it was.
        apsw.Error: it can't be opened, or is not an SQLite file.
        OSError: its directory can't be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = apsw.Connection(str(path))
    try:
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        # A file that is refused keeps its write-ahead log: closing would put it into the file.
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        check_ours(path, connection)
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        # The writer checkpoints itself, after it has answered.
        for pragma in (
            f"page_size={PAGE_BYTES}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "wal_autocheckpoint=0",
            _SIZE_LIMIT,
        ):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """Open the data file read-only. Raises UnavailableError when it can't be."""
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    except apsw.Error as error:
        raise unavailable(path, error) from error
    return connection


def read_header(path: Path) -> Header | None:
    """Return the header of a data file, or None when the file is absent or empty.

    Raises:
        DamagedFileError: it does not begin as an SQLite file does.
        OSError: it can't be read.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        return None
    if not raw:
        return None
    if len(raw) < _HEADER_BYTES or not raw.startswith(_MAGIC):
        raise DamagedFileError(f"{path} is not an iotlab data file or is damaged: its header is wrong", hint=WAY_OUT)
    (page_bytes,) = struct.unpack_from(">H", raw, 16)
    (pages,) = struct.unpack_from(">I", raw, 28)
    (version,) = struct.unpack_from(">I", raw, 60)
    (application,) = struct.unpack_from(">I", raw, 68)
    return Header(65536 if page_bytes == 1 else page_bytes, pages, version, application)


def check_version(path: Path, version: int) -> None:
    """Refuse a format that this program does not know yet. Raises DamagedFileError."""
    if version > FORMAT_VERSION:
        raise DamagedFileError(
            f"{path} has format {version}; this program knows formats up to {FORMAT_VERSION}",
            hint="It was written by a newer iotlab: use that version. Nothing was changed.",
        )


def check_ours(path: Path, connection: apsw.Connection) -> None:
    """Refuse an SQLite file of another program, and a newer format. Raises DamagedFileError."""
    has_tables = connection.execute("SELECT count(*) FROM sqlite_schema").get > 0
    if has_tables and connection.pragma("application_id") != APPLICATION_ID:
        raise DamagedFileError(
            f"{path} is an SQLite file of another program",
            hint="Choose another data directory with --data.",
        )
    check_version(path, connection.pragma("user_version"))


def create(connection: apsw.Connection) -> None:
    """Make an empty data file of the newest format, in one transaction."""
    with connection:
        connection.execute(SCHEMA + shards.SCHEMA + ttl.SCHEMA)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={FORMAT_VERSION}")


def last_sequence(connection: apsw.Connection) -> int:
    """Return the last sequence number that is committed."""
    last: int = connection.execute("SELECT value FROM meta WHERE name='sequence'").get
    return last


def lock(path: Path) -> IO[str]:
    """Take the data file for this process until the result is closed. Raises LabRunningError when another has it."""
    file = path.with_name(path.name + ".lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise LabRunningError(
            f"another process has the table at {path} open",
            hint="Use that lab, end it, or choose another directory with --data.",
        ) from error
    return file


def is_environment(error: Exception) -> bool:
    """Say whether the surroundings caused an error, so that the same work may succeed later."""
    return isinstance(error, _ENVIRONMENT)


def damaged(path: Path, reason: object) -> DamagedFileError:
    """Return what damage to the file means to a person, with the way out."""
    return DamagedFileError(f"{path} is not an iotlab data file or is damaged: {reason}", hint=WAY_OUT)


def unavailable(path: Path, error: Exception) -> UnavailableError:
    """Return what a failed access to the file means to a person, with the way out."""
    match error:
        case apsw.FullError() | OSError(errno=errno.ENOSPC | errno.EDQUOT):
            hint = "The disk is full. Free some space: writing goes on by itself, and nothing acknowledged is lost."
        case apsw.IOError():
            hint = "The disk reports an error. Check its health; nothing is acknowledged until writes succeed again."
        case apsw.BusyError() | apsw.LockedError():
            hint = "Another program holds the file. Close it; writing goes on by itself."
        case apsw.ReadOnlyError() | apsw.CantOpenError() | PermissionError() | OSError(errno=errno.EROFS):
            hint = "The directory can't be written. Check its permissions, or choose another with --data."
        case apsw.CorruptError() | apsw.NotADBError():
            hint = f"The file is damaged: end the lab. {WAY_OUT}"
        case _:
            hint = ""
    return UnavailableError(f"the table at {path} can't be used now: {error}", hint=hint)
