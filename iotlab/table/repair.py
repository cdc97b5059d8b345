"""The way out of a damaged data file: the newest good backup, else what can still be read, else an empty table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import apsw

from iotlab.clock import Clock
from iotlab.table import database
from iotlab.table.backup import Progress, Restored, backups, restore, verify
from iotlab.table.database import DamagedFileError

_BASICS = """
INSERT OR IGNORE INTO meta SELECT 'sequence', 0;
INSERT OR IGNORE INTO meta SELECT 'next_table', (SELECT coalesce(max(number), 0) + 1 FROM tables);
INSERT OR IGNORE INTO meta SELECT 'iterator_secret', randomblob(32);
"""


def repair(path: Path, clock: Clock, *, progress: Progress | None = None) -> Restored:
    """Set the data file aside and go on with its newest good backup, else with what `salvage` finds, else empty.

    Raises:
        LabRunningError: a process has the data file open.
        UnavailableError: the disk is full or fails.
    """
    for candidate in backups(path):
        try:
            verify(candidate)
        except DamagedFileError:
            # The one before it is tried; a damaged backup stays where it is, for somebody to look at.
            continue
        return restore(path, candidate, clock, progress=progress)
    try:
        return restore_salvaged(path, path, clock, progress=progress)
    except DamagedFileError:
        return restore(path, None, clock)


def restore_salvaged(path: Path, damaged: Path, clock: Clock, *, progress: Progress | None = None) -> Restored:
    """Set the data file aside and go on with what can still be read of ``damaged``, which may be the data file.

    Raises:
        LabRunningError: a process has the data file open.
        DamagedFileError: nothing can be read of it. Nothing was changed.
        UnavailableError: the disk is full or fails.
    """
    salvaged = path.with_name(f".{path.name}.salvaged")
    try:
        salvage(damaged, salvaged)
        return restore(path, salvaged, clock, progress=progress)
    finally:
        salvaged.unlink(missing_ok=True)


def salvage(damaged: Path, target: Path) -> int:
    """Copy every row that can still be read into a new data file, and return how many there are.

    Each table is read from its beginning up to the damage, and then from its end back to it.

    Raises:
        DamagedFileError: not even the names of its tables can be read, or it is no data file of ours.
        UnavailableError: the new file can't be written.
    """
    database.read_header(damaged)
    target.unlink(missing_ok=True)
    source = database.open_reader(damaged)
    fresh = apsw.Connection(str(target))
    try:
        _copy_schema(source, fresh)
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise database.damaged(damaged, error) from error
    else:
        return _copy_tables(source, fresh)
    finally:
        fresh.close()
        source.close()


def _copy_schema(source: apsw.Connection, fresh: apsw.Connection) -> None:
    rows = source.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type='index'").fetchall()
    database.check_ours(Path(source.filename), source)
    with fresh:
        for (sql,) in rows:
            fresh.execute(str(sql))
        for pragma in ("application_id", "user_version"):
            fresh.execute(f"PRAGMA {pragma}={source.pragma(pragma)}")


def _copy_tables(source: apsw.Connection, fresh: apsw.Connection) -> int:
    names = [str(name) for (name,) in fresh.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
    with fresh:
        count = sum(_copy_rows(source, fresh, name) for name in names)
        fresh.execute(_BASICS)
    return count


def _copy_rows(source: apsw.Connection, fresh: apsw.Connection, table: str) -> int:
    width = len(fresh.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchall())
    key = fresh.execute(f"SELECT name FROM pragma_table_info('{table}') WHERE pk ORDER BY pk")
    keys = [str(name) for (name,) in key] or ["rowid"]
    insert = f"INSERT OR IGNORE INTO {table} VALUES ({','.join('?' * width)})"
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{key} {direction}" for key in keys)
        if _copy_until_damage(source, f"SELECT * FROM {table} ORDER BY {order}", fresh, insert):
            break
    count: int = fresh.execute(f"SELECT count(*) FROM {table}").get
    return count


def _copy_until_damage(source: apsw.Connection, select: str, fresh: apsw.Connection, insert: str) -> bool:
    """Copy rows, and say whether all could be read."""
    whole = True

    def readable() -> Iterable[tuple[apsw.SQLiteValue, ...]]:
        nonlocal whole
        try:
            yield from source.execute(select)
        except apsw.CorruptError:
            whole = False

    fresh.executemany(insert, readable())
    return whole
