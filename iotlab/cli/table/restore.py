"""`iotlab table restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iotlab.cli.options import with_settings
from iotlab.cli.table.opening import TABLE_FILE
from iotlab.cli.table.progress import steps
from iotlab.clock import SystemClock
from iotlab.config import Settings
from iotlab.errors import UnavailableError
from iotlab.table import backup, repair
from iotlab.table.backup import Progress, Restored


@with_settings("data")
def command(
    settings: Settings,
    file: Annotated[
        Path | None,
        typer.Argument(help="The backup. Default: the newest in backups/.", metavar="[FILE]", show_default=False),
    ] = None,
    *,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Without a good backup take what can be read, or start empty.")
    ] = False,
    salvage: Annotated[
        bool, typer.Option("--salvage", help="Take what can still be read of FILE, or of the data file itself.")
    ] = False,
) -> None:
    """Put a backup in the place of a data directory's tables. No lab may be running on it.

    The file before is never deleted: it is kept in quarantine/. What is missing now is said.

    Examples:

        iotlab table restore --data ./lab

        iotlab table restore --quarantine --data ./lab

        iotlab table restore ./lab/quarantine/20260314T150926535Z/table.db --salvage --data ./lab
    """
    path = settings.data.dir / TABLE_FILE
    with steps("Copying pages") as tell:
        restored = _restore(path, file, tell, quarantine=quarantine, salvage=salvage)
    _show(restored)


def _restore(path: Path, file: Path | None, tell: Progress, *, quarantine: bool, salvage: bool) -> Restored:
    clock = SystemClock()
    if salvage:
        return repair.restore_salvaged(path, file or path, clock, progress=tell)
    if file is None and quarantine:
        return repair.repair(path, clock, progress=tell)
    source = file or next(iter(backup.backups(path)), None)
    if source is None:
        raise UnavailableError(
            f"there is no backup beside {path}",
            hint="Name one, or take what can still be read: iotlab table restore --quarantine",
        )
    return backup.restore(path, source, clock, progress=tell)


def _show(restored: Restored) -> None:
    made = restored.backup
    if made is None:
        print("The tables are empty now: there was no backup, and nothing could be read.")
    elif made.path.exists():
        print(f"Restored {made.path}: {len(made.tables)} tables, up to sequence number {made.sequence}.")
    else:
        print(f"Restored what could be read: {len(made.tables)} tables, up to sequence number {made.sequence}.")
    if restored.lost:
        print(f"Changes up to {restored.reached} had been made: the last {restored.lost:,} are not there now.")
    if restored.quarantine is not None:
        print(f"The file before is in {restored.quarantine}")
