"""Opening the data file: look at it, make it or bring it to this program's format, and look closer after a crash."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import apsw

from iotlab.clock import Clock
from iotlab.table import check, database
from iotlab.table.backup import copy_to, format_copy_path
from iotlab.table.footprint import file_bytes, wal_path
from iotlab.table.migrations import migrate

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with the steps done and the number of steps."""


def open_file(path: Path, clock: Clock, *, progress: Progress | None = None) -> apsw.Connection:
    """Open the data file for writing, in this program's format; an absent one is made.

    Args:
        path: The data file.
        clock: Bounds the time of the check after an unclean end.
        progress: Told of a migration's steps.

    Raises:
        DamagedFileError: it is not a data file of ours, is damaged or incomplete, or of a newer format. It is left as
            it was.
        UnavailableError: the directory can't be written, or another program holds the file.
    """
    try:
        return _open(path, clock, progress)
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise database.damaged(path, error) from error
    except (apsw.Error, OSError) as error:
        raise database.unavailable(path, error) from error


def _open(path: Path, clock: Clock, progress: Progress | None) -> apsw.Connection:
    check.quick_look_before(path)
    # A clean end puts the log into the file and deletes it.
    ended_cleanly = not file_bytes(wal_path(path))
    connection = database.open_writer(path)
    try:
        _bring_to_format(path, connection, progress)
        check.quick_look(path, connection)
        if not ended_cleanly:
            _look_closer(path, connection, clock)
    except BaseException:
        connection.close()
        raise
    return connection


def _bring_to_format(path: Path, connection: apsw.Connection, progress: Progress | None) -> None:
    version = connection.pragma("user_version")
    if version == 0:
        database.create(connection)
    elif version < database.FORMAT_VERSION:
        _keep_copy(path, connection, version)
        logger.info("bringing %s from format %d to %d", path, version, database.FORMAT_VERSION)
        migrate(connection, version, database.FORMAT_VERSION, progress)


def _keep_copy(path: Path, connection: apsw.Connection, version: int) -> None:
    """Keep the file as it was, for a return to the older program: the migration itself is all or nothing."""
    needed = file_bytes(path) + file_bytes(wal_path(path))
    if shutil.disk_usage(path.parent).free < 2 * needed:
        logger.warning("no room for a copy of %s in its old format: going on without", path)
        return
    copy_to(connection, format_copy_path(path, version))


def _look_closer(path: Path, connection: apsw.Connection, clock: Clock) -> None:
    problems = check.integrity_problems_within(connection, check.START_BUDGET_S, clock)
    if problems is None:
        logger.warning("%s is too large to be checked whole at start: iotlab table check does it", path)
    elif problems:
        raise database.damaged(path, problems[0])
