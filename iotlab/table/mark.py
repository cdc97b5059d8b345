"""A small file beside the data file that says how far it had come, so that a missing write-ahead log is noticed.

SQLite opens a data file without its ``-wal`` as if nothing were missing: older data, silently. The mark is written
after commits, seldom, and at the end; it never runs ahead of what is durable.
"""

from __future__ import annotations

from pathlib import Path

import msgspec


class Mark(msgspec.Struct, frozen=True):
    """What the mark says.

    Attributes:
        sequence: A sequence number that was committed: the data file must have come at least so far.
    """

    sequence: int


def mark_path(path: Path) -> Path:
    """Return where the mark of a data file is."""
    return path.with_name(path.name + ".mark")


def read_mark(path: Path) -> Mark | None:
    """Return the mark of the data file at ``path``, or None when there is none that can be read."""
    try:
        return msgspec.json.decode(mark_path(path).read_bytes(), type=Mark)
    except (FileNotFoundError, msgspec.DecodeError):
        # It is written without an fsync, so a power cut may leave it empty: then it says nothing.
        return None


def write_mark(path: Path, sequence: int) -> None:
    """Write the mark of the data file at ``path``. Raises OSError when it can't be."""
    target = mark_path(path)
    temporary = target.with_name(target.name + ".new")
    temporary.write_bytes(msgspec.json.encode(Mark(sequence)))
    temporary.replace(target)
