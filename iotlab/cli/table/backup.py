"""`iotlab table backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iotlab.cli.options import with_settings
from iotlab.cli.table.opening import TABLE_FILE
from iotlab.cli.table.progress import steps
from iotlab.clock import SystemClock
from iotlab.config import Settings
from iotlab.table import backup


@with_settings("data")
def command(
    settings: Settings,
    file: Annotated[
        Path | None,
        typer.Argument(help="The file to make. Default: one in backups/.", metavar="[FILE]", show_default=False),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a file of that name.")] = False,
) -> None:
    """Write a consistent copy of a data directory's tables to a file. The lab may go on writing meanwhile.

    The copy is checked before it takes its name. It holds everything: items, streams and checkpoints.

    Examples:

        iotlab table backup --data ./lab

        iotlab table backup /mnt/usb/lab.db --data ./lab --force
    """
    path = settings.data.dir / TABLE_FILE
    with steps("Copying pages") as tell:
        made = backup.backup(path, file or backup.backup_path(path, SystemClock()), force=force, progress=tell)
    print(
        f"{made.path}: {made.size_bytes:,} bytes, {len(made.tables)} tables, up to sequence number {made.sequence}; "
        "checked."
    )
