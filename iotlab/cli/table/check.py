"""`iotlab table check`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from iotlab.cli.options import with_settings
from iotlab.cli.table.opening import TABLE_FILE
from iotlab.config import Settings
from iotlab.table.check import Report, check
from iotlab.table.database import WAY_OUT, DamagedFileError


@with_settings("data")
def command(
    settings: Settings,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Read the whole data file of a data directory and say what is wrong with it. A lab may be running on it.

    Exit code 1 when anything is.

    Examples:

        iotlab table check --data ./lab
    """
    report = check(settings.data.dir / TABLE_FILE)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(report, enc_hook=str)).decode())
        if report.problems:
            raise typer.Exit(1)
        return
    _show(report)
    if report.problems:
        raise DamagedFileError(f"{report.path} is damaged or incomplete", hint=WAY_OUT)


def _show(report: Report) -> None:
    for problem in report.problems:
        print(f"problem: {problem}")
    if report.footprint is None:
        return
    size = report.footprint
    print(
        f"{report.path}: format {report.format}, {len(report.tables)} tables, up to sequence number "
        f"{report.sequence}\n{size.file_bytes:,} bytes, {size.free_bytes:,} of them free; write-ahead log "
        f"{size.wal_bytes:,} bytes"
    )
    if not report.problems:
        print("Every page was read: nothing is wrong.")
