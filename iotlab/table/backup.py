"""Backups of the data file, made while the lab writes, and the way back from one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec

from iotlab import failpoints
from iotlab.clock import Clock, iso
from iotlab.errors import UnavailableError
from iotlab.table import check, database
from iotlab.table.database import DamagedFileError
from iotlab.table.footprint import file_bytes, shm_path, wal_path
from iotlab.table.mark import mark_path, read_mark, write_mark

_STEP_PAGES = 256

Progress = Callable[[int, int], None]
"""Called with the pages done and the number of pages."""


class Backup(msgspec.Struct, frozen=True):
    """A backup that was opened and checked.

    Attributes:
        path: Its file.
        sequence: The last sequence number in it.
        size_bytes: Its size.
        tables: The names of its tables.
    """

    path: Path
    sequence: int
    size_bytes: int
    tables: list[str]


class Restored(msgspec.Struct, frozen=True):
    """What a restore did.

    Attributes:
        backup: What the data file was made from; None when it starts empty.
        reached: The last sequence number that was committed to the file before, as far as it is known.
        quarantine: Where the file before is now; None when there was none.
    """

    backup: Backup | None
    reached: int
    quarantine: Path | None

    @property
    def lost(self) -> int:
        """Changes that were committed before and are not in the file now."""
        return max(0, self.reached - (self.backup.sequence if self.backup else 0))


def backup_path(path: Path, clock: Clock) -> Path:
    """Return where a backup of the data file goes that is made now."""
    return _directory(path) / f"{path.stem}-{_stamp(clock)}.db"


def format_copy_path(path: Path, version: int) -> Path:
    """Return where the copy of a data file goes that is kept before a migration."""
    return _directory(path) / f"{path.stem}-format-{version}.db"


def backups(path: Path) -> list[Path]:
    """Return the backups of the data file in its own directory of backups, newest first."""
    found = _directory(path).glob(f"{path.stem}-*.db")
    return sorted(found, key=lambda file: (file.stat().st_mtime_ns, file.name), reverse=True)


def backup(path: Path, target: Path, *, force: bool = False, progress: Progress | None = None) -> Backup:
    """Write a consistent copy of the data file, as it is at this moment; a lab may be writing to it.

    The copy is checked, then takes its name at once: there is never a half backup under the name of a whole one.

    Args:
        path: The data file.
        target: The file to make.
        force: Replace a file of that name.
        progress: Told of the pages copied.

    Raises:
        UnavailableError: there is no data file, ``target`` exists, or the disk is full or fails.
        DamagedFileError: the data file, and so the copy, is damaged. No file is made.
    """
    _refuse_target(path, target, force=force)
    check.quick_look_before(path)
    connection = database.open_reader(path)
    try:
        return copy_to(connection, target, progress)
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise database.damaged(path, error) from error
    except (apsw.Error, OSError) as error:
        raise database.unavailable(target, error) from error
    finally:
        connection.close()


def _refuse_target(path: Path, target: Path, *, force: bool) -> None:
    if not path.exists():
        raise UnavailableError(f"there is no data file at {path}", hint="Name the data directory with --data.")
    if target.exists() and (not force or target.samefile(path)):
        hint = "Choose another name." if target.samefile(path) else "Choose another name, or replace it with --force."
        raise UnavailableError(f"{target} exists", hint=hint)


def copy_to(connection: apsw.Connection, target: Path, progress: Progress | None = None) -> Backup:
    """Copy what a connection sees into a new file, and give it its name when it is whole, durable and checked.

    Raises:
        apsw.Error: a file can't be read or written.
        OSError: the directory can't be written.
        DamagedFileError: the copy is damaged, as its source must be.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.new")
    try:
        _copy(connection, temporary, progress)
        checked = verify(temporary)
        failpoints.hit("before_backup_rename")
        temporary.replace(target)
        _sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return msgspec.structs.replace(checked, path=target)


def _copy(source: apsw.Connection, target: Path, progress: Progress | None) -> None:
    target.unlink(missing_ok=True)
    # Only its owner may read it, as the credentials beside it.
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    copy = apsw.Connection(str(target))
    try:
        # Within one read transaction, else each write of the lab would begin the copy again.
        source.execute("BEGIN; SELECT count(*) FROM sqlite_schema")
        with copy.backup("main", source, "main") as steps:
            while not steps.done:
                steps.step(_STEP_PAGES)
                failpoints.hit("mid_backup")
                if progress is not None:
                    progress(steps.page_count - steps.remaining, steps.page_count)
        # One file, which can be carried about: without a write-ahead log of its own.
        copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        copy.close()
        if source.in_transaction:
            source.execute("ROLLBACK")
    _sync(target)


def verify(path: Path) -> Backup:
    """Open a backup and check all of it.

    Raises:
        DamagedFileError: it is damaged, not ours, or of a newer format.
        UnavailableError: it can't be read.
    """
    report = check.check(path)
    if report.problems:
        raise DamagedFileError(f"{path} can't be used as a backup: {report.problems[0]}")
    return Backup(path, report.sequence, file_bytes(path), report.tables)


def restore(path: Path, source: Path | None, clock: Clock, *, progress: Progress | None = None) -> Restored:
    """Put a backup in the place of the data file, which is kept in quarantine.

    Sequence numbers go on after the highest that was ever given out, so that no consumer meets one twice.

    Args:
        path: The data file. It may be absent or damaged.
        source: The backup; None to start empty.
        clock: Names the quarantine.
        progress: Told of the pages copied.

    Raises:
        LabRunningError: a process has the data file open.
        DamagedFileError: the backup is damaged. Nothing was changed.
        UnavailableError: the backup can't be read, or the disk is full or fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with database.lock(path):
        reached = _reached(path)
        used = None if source is None else verify(source)
        fresh = path.with_name(f".{path.name}.restoring")
        try:
            if source is not None:
                _copy_file(source, fresh, progress)
                _continue_after(fresh, reached)
            quarantine = _set_aside(path, clock)
            _put_in_place(fresh if source is not None else None, path, reached if source is not None else 0)
        except (apsw.Error, OSError) as error:
            raise database.unavailable(path, error) from error
        finally:
            fresh.unlink(missing_ok=True)
    return Restored(used, reached, quarantine)


def _reached(path: Path) -> int:
    mark = read_mark(path)
    known = mark.sequence if mark is not None else 0
    if not path.exists():
        return known
    report = check.check(path)
    return max(known, report.sequence)


def _copy_file(source: Path, target: Path, progress: Progress | None) -> None:
    connection = database.open_reader(source)
    try:
        _copy(connection, target, progress)
    finally:
        connection.close()


def _continue_after(path: Path, sequence: int) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE meta SET value=max(value, ?) WHERE name='sequence'", (sequence,))
    connection.close()


def _set_aside(path: Path, clock: Clock) -> Path | None:
    """Put the data file with all that belongs to it into the quarantine, and return where that is."""
    beside = [part for part in (wal_path(path), shm_path(path)) if part.exists()]
    if not path.exists() and not beside:
        return None
    quarantine = path.parent / "quarantine" / _stamp(clock)
    quarantine.mkdir(parents=True)
    # The file itself stays until the new one replaces it: whatever ends this half-way, a start then finds either the
    # old file, and by its mark that the log is missing, or the new one. Never nothing, which would begin empty.
    if path.exists():
        _link_or_copy(path, quarantine / path.name)
    for part in beside:
        part.replace(quarantine / part.name)
    if mark_path(path).exists():
        shutil.copy2(mark_path(path), quarantine / mark_path(path).name)
    _sync(quarantine)
    failpoints.hit("mid_restore")
    return quarantine


def _link_or_copy(path: Path, target: Path) -> None:
    try:
        target.hardlink_to(path)
    except OSError:
        # Not every file system has hard links.
        shutil.copy2(path, target)


def _put_in_place(fresh: Path | None, path: Path, sequence: int) -> None:
    if fresh is None:
        path.unlink(missing_ok=True)
    else:
        fresh.replace(path)
    failpoints.hit("before_restore_mark")
    write_mark(path, sequence)
    _sync(path.parent)


def _directory(path: Path) -> Path:
    return path.parent / "backups"


def _stamp(clock: Clock) -> str:
    return iso(clock.now_us()).replace("-", "").replace(":", "").replace(".", "")


def _sync(path: Path) -> None:
    """Make a file, or the names in a directory, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
