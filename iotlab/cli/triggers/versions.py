"""`iotlab triggers versions`."""

from __future__ import annotations

from typing import Annotated

import typer

from iotlab.cli.options import with_settings
from iotlab.cli.table.output import Layout, OutputFlag, chosen, print_items
from iotlab.clock import SystemClock, iso
from iotlab.config import Settings
from iotlab.table.values import item
from iotlab.triggers.host.versions import FOLDER, Versions


@with_settings("data")
def command(
    settings: Settings,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The handler's name.")],
    output: OutputFlag = None,
) -> None:
    """List the versions of a handler's code that served, newest first. `rerun --version` takes one.

    Examples:

        iotlab triggers versions leaks
    """
    kept = Versions(settings.data.dir / FOLDER / name, SystemClock()).all()
    rows = (
        item(
            {
                "version": one.version,
                "serves_since": iso(one.served_us),
                "size_bytes": one.size_bytes,
                "folder": str(one.folder),
            }
        )
        for one in kept
    )
    print_items(rows, Layout(chosen(output), ("version", "serves_since", "size_bytes", "folder")))
