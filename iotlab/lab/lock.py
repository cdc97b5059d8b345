"""One process for each data directory, also where its table is elsewhere."""

from __future__ import annotations

import fcntl
from pathlib import Path

from iotlab.errors import LabRunningError


class DirectoryLock:
    """Holds the lock that an embedded table of the same directory would hold.

    Args:
        table_file: Where the embedded table would be.

    Raises:
        LabRunningError: another process has it.
    """

    def __init__(self, table_file: Path) -> None:
        table_file.parent.mkdir(parents=True, exist_ok=True)
        self._file = table_file.with_name(table_file.name + ".lock").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise LabRunningError(
                f"another process serves {table_file.parent}",
                hint="Use that lab, end it, or choose another directory with --data-dir.",
            ) from error

    def release(self) -> None:
        """Let others have the directory."""
        self._file.close()
