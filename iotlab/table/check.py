"""Is the data file whole? A quick look at each start, a longer one after an unclean end, and all of it on request."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec

from iotlab.clock import Clock
from iotlab.errors import UnavailableError
from iotlab.table import database
from iotlab.table.database import DamagedFileError
from iotlab.table.footprint import Footprint, file_bytes, measure, wal_path
from iotlab.table.mark import mark_path, read_mark

START_BUDGET_S = 0.7
"""How long a start looks at a file after an unclean end. A larger file than that allows is left to the check."""

_PROBLEMS = 100
_PROGRESS_STEPS = 10_000


class _Named(msgspec.Struct):
    """What all formats' definitions of a table have."""

    number: int
    name: str


class Report(msgspec.Struct, frozen=True):
    """What a check of a data file found.

    Attributes:
        path: The data file.
        problems: A sentence each; empty when the file is whole.
        format: Its format version; 0 when it can't be read.
        sequence: Its last sequence number; 0 when it can't be read.
        tables: The names of its tables.
        footprint: Its size, None when it can't be opened.
    """

    path: Path
    problems: list[str]
    format: int = 0
    sequence: int = 0
    tables: list[str] = []
    footprint: Footprint | None = None


def check(path: Path) -> Report:
    """Read the whole data file and say what is wrong with it; a lab may be running on it.

    Raises:
        UnavailableError: there is no file, or it can't be read.
    """
    if not path.exists() and read_mark(path) is None:
        raise UnavailableError(f"there is no data file at {path}", hint="Name the data directory with --data.")
    try:
        quick_look_before(path)
        connection = database.open_reader(path)
    except DamagedFileError as error:
        return Report(path, [error.message])
    except OSError as error:
        raise database.unavailable(path, error) from error
    try:
        return _report(path, connection)
    except (apsw.CorruptError, apsw.NotADBError, DamagedFileError) as error:
        return Report(path, [str(error)])
    except apsw.Error as error:
        raise database.unavailable(path, error) from error
    finally:
        connection.close()


def _report(path: Path, connection: apsw.Connection) -> Report:
    database.check_ours(path, connection)
    problems = integrity_problems(connection)
    try:
        sequence, tables = quick_look(path, connection)
    except DamagedFileError as error:
        return Report(path, [*problems, error.message])
    return Report(path, problems, connection.pragma("user_version"), sequence, tables, measure(path, connection))


def integrity_problems(connection: apsw.Connection) -> list[str]:
    """Return what SQLite's integrity check of every page says, at most 100 lines; nothing when all is well."""
    lines = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_PROBLEMS})")]
    return [] if lines == ["ok"] else lines


def integrity_problems_within(connection: apsw.Connection, seconds: float, clock: Clock) -> list[str] | None:
    """Do what `integrity_problems` does, or return None when the time did not suffice."""
    deadline_s = clock.monotonic_s() + seconds
    connection.set_progress_handler(lambda: clock.monotonic_s() > deadline_s, _PROGRESS_STEPS)
    try:
        return integrity_problems(connection)
    except apsw.InterruptError:
        return None
    finally:
        connection.set_progress_handler(None)


def quick_look_before(path: Path) -> None:
    """Look at the file's bytes before SQLite opens it: header, version, length. Nothing is changed.

    Raises:
        DamagedFileError: it is absent but was there, has a wrong header, is of a newer format, or is too short.
        OSError: it can't be read.
    """
    header = database.read_header(path)
    if header is None:
        _check_absent(path)
        return
    database.check_version(path, header.version)
    missing = header.pages * header.page_bytes - file_bytes(path)
    # With a write-ahead log the rest of a checkpoint that was cut short is still in there.
    if missing > 0 and not file_bytes(wal_path(path)):
        raise database.damaged(path, f"{missing:,} bytes are missing from its end")


def quick_look(path: Path, connection: apsw.Connection) -> tuple[int, list[str]]:
    """Read the catalog and compare the last sequence number with the mark; return that number and the tables' names.

    Raises:
        DamagedFileError: the catalog can't be read, or the file ends before what was committed to it.
    """
    try:
        sequence = database.last_sequence(connection)
        definitions = [msgspec.json.decode(row[0], type=_Named) for row in _definitions(connection)]
    except (apsw.SQLError, msgspec.DecodeError) as error:
        raise database.damaged(path, f"its catalog can't be read: {error}") from error
    if not isinstance(sequence, int):
        raise database.damaged(path, "its last sequence number is missing")
    _check_mark(path, sequence)
    return sequence, sorted(definition.name for definition in definitions)


def _definitions(connection: apsw.Connection) -> list[tuple[bytes]]:
    rows: list[tuple[bytes]] = connection.execute("SELECT definition FROM tables").fetchall()  # type: ignore[assignment]
    return rows


def _check_absent(path: Path) -> None:
    mark = read_mark(path)
    if mark is not None and mark.sequence:
        raise DamagedFileError(
            f"the data file {path} is missing: changes up to sequence number {mark.sequence} were committed to it",
            hint=f"Put it back, or use a backup: iotlab table restore. To start empty, delete {mark_path(path)}.",
        )


def _check_mark(path: Path, sequence: int) -> None:
    mark = read_mark(path)
    if mark is not None and mark.sequence > sequence:
        raise DamagedFileError(
            f"{path} ends at sequence number {sequence}, but changes up to {mark.sequence} were committed to it: its "
            f"write-ahead log ({wal_path(path).name}) is missing, or the file was replaced by an older copy",
            hint="Put the file's own -wal back beside it. To go on without the missing changes, delete "
            f"{mark_path(path)}. Nothing was changed.",
        )
