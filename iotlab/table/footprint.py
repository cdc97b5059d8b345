"""How much of the disk the data file takes, and who keeps its write-ahead log from being emptied."""

from __future__ import annotations

import os
from pathlib import Path

import apsw
import msgspec

_LOCKS = Path("/proc/locks")


class Footprint(msgspec.Struct, frozen=True):
    """The size of a data file.

    Attributes:
        file_bytes: The file itself.
        wal_bytes: Its write-ahead log.
        free_bytes: Pages within the file that hold nothing now and are used before it grows.
    """

    file_bytes: int
    wal_bytes: int
    free_bytes: int


def wal_path(path: Path) -> Path:
    """Return where the write-ahead log of a data file is."""
    return path.with_name(path.name + "-wal")


def shm_path(path: Path) -> Path:
    """Return where the index of the write-ahead log of a data file is."""
    return path.with_name(path.name + "-shm")


def file_bytes(path: Path) -> int:
    """Return the size of a file; 0 when there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def measure(path: Path, connection: apsw.Connection) -> Footprint:
    """Measure the data file at ``path``, which ``connection`` has open."""
    free_bytes = connection.pragma("freelist_count") * connection.pragma("page_size")
    return Footprint(file_bytes(path), file_bytes(wal_path(path)), free_bytes)


def wal_readers(path: Path, locks: str | None = None) -> list[int]:
    """Return the processes, other than this one, that read the data file at this moment.

    Args:
        path: The data file.
        locks: The content of ``/proc/locks``, which is read without it. On systems without one nobody is found.
    """
    # The file must not be opened to ask: closing it again would drop the locks that SQLite holds for this process.
    try:
        status = shm_path(path).stat()
        text = _LOCKS.read_text() if locks is None else locks
    except OSError:
        return []
    inode = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    return sorted(set(_holders(text, inode)) - {os.getpid(), -1})


def _holders(locks: str, inode: str) -> list[int]:
    # "1: POSIX  ADVISORY  READ 1234 08:01:5678 124 124". SQLite's readers lock the bytes 123 to 127; 128 says only
    # that the file is open.
    rows = [line.split() for line in locks.splitlines()]
    return [int(row[4]) for row in rows if len(row) == 8 and row[5] == inode and 123 <= int(row[6]) <= 127]
